//! Running an application until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::{self, Either};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, Options};
use crate::{inside, server, ticker};

/// Serves an application at an address until SIGTERM or SIGINT; requests in flight may end then.
///
/// # Errors
/// When the application does not load or the address cannot be listened on.
pub fn run(address: SocketAddr, options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(address, options));
    // What still runs after draining has had its time.
    runtime.shutdown_timeout(Duration::from_millis(100));
    served
}

async fn serve(address: SocketAddr, options: &Options) -> Result<()> {
    let stop = stop_signal()?;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: stop whoever does, or choose with --listen (or \
             SPIN_HTTP_LISTEN_ADDR)"
        )
    })?;
    let mut app = tokio::task::block_in_place(|| App::load(options))?;
    let (wake, address) = (app.wake.take(), listener.local_addr()?);
    let (mut ticking, mut started) = (None, Ok(()));
    let ready = async {
        if let Some(refusal) = inside::refusal(&app.directory).await {
            bail!("{refusal}");
        }
        announce(&app, address)?;
        let schedule = app.schedule;
        ticking = schedule.map(|at| tokio::spawn(ticker::run(app.directory.clone(), at, wake)));
        Ok(())
    };
    // Whoever asks meanwhile is answered: a warm start has no time for questions.
    let end = async {
        let stop = pin!(stop);
        match future::select(pin!(ready), stop).await {
            Either::Left((Ok(()), stop)) => stop.await,
            Either::Left((refused, _)) => started = refused,
            Either::Right(_) => {}
        }
    };
    server::serve(listener, app.routes.clone(), app.limits.clone(), end).await;
    if let Some(ticking) = ticking {
        ticking.abort();
    }
    app.close().await;
    started
}

fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests in flight may end");
    })
}

/// Says that the application is ready, in Spin's words: scripts wait for them.
fn announce(app: &App, address: SocketAddr) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Serving http://{address}\nAvailable Routes:")?;
    for route in app.routes.router.routes() {
        let (path, wildcard) = match route.pattern.strip_suffix("/...") {
            Some(prefix) => (prefix, " (wildcard)"),
            None => (route.pattern.as_str(), ""),
        };
        writeln!(out, "  {}: http://{address}{path}{wildcard}", route.component)?;
    }
    Ok(out.flush()?)
}
