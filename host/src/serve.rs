//! Running an application until it is told to stop.

use std::io::Write;
use std::net::{AddrParseError, Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::{self, Either};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::app::{self, App, AppOptions};
use crate::limits::Limits;
use crate::lock::Holder;
use crate::server::{Listeners, Stage};
use crate::{inside, metrics, observer, server, ticker};

/// An address of another machine (RFC 5737), and a port that nobody listens on.
const SOMEBODY: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// Where course content is served, as an origin of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ContentListen {
    /// On the next port, or any free one, if the application keeps content apart and nobody has
    /// said where.
    #[default]
    Beside,
    /// Nowhere.
    Nowhere,
    /// At this address.
    At(SocketAddr),
}

impl FromStr for ContentListen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        if text == "none" { Ok(Self::Nowhere) } else { text.parse().map(Self::At) }
    }
}

/// Where to listen.
#[derive(Debug, Clone, Copy)]
pub struct ListenAddresses {
    /// For the application.
    pub main: SocketAddr,
    /// For course content.
    pub content: ContentListen,
    /// For Prometheus. None: nowhere.
    pub metrics: Option<SocketAddr>,
}

/// Serves an application until SIGTERM or SIGINT; requests in flight may end then.
///
/// # Errors
/// When the application does not load or an address cannot be listened on.
pub fn run(addresses: ListenAddresses, options: AppOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve_application(addresses, options));
    // What still runs after draining has had its time.
    runtime.shutdown_timeout(Duration::from_millis(100));
    served
}

async fn serve_application(addresses: ListenAddresses, mut options: AppOptions) -> Result<()> {
    let stop = stop_signal(options.limits.deregistration)?;
    let main = bind_listener(addresses.main, "--listen (or SPIN_HTTP_LISTEN_ADDR)").await?;
    let address = main.local_addr()?;
    options.own_address = reachable_address(address);
    let content = listen_for_content(addresses.content, address, &options).await?;
    let metrics = match addresses.metrics {
        Some(address) => Some(bind_listener(address, "--metrics-listen").await?),
        None => None,
    };
    let content_address = content.as_ref().map(TcpListener::local_addr).transpose()?;
    options.content_port = content_address.map(|address| address.port());
    let listeners = Listeners { main, content };
    let (limits, stage) = (Arc::new(options.limits.clone()), Arc::new(Stage::default()));
    let (mut running, mut started) = (None, Ok(()));
    let starting = async {
        let app = load_application(options, stage.clone()).await?;
        let running = running.insert(RunningApp { app, tasks: Vec::new() });
        running.start_answering(&stage, address, content_address).await?;
        match metrics {
            Some(listener) => running.show_metrics(listener, limits.clone()),
            None => Ok(()),
        }
    };
    // Whoever asks meanwhile is answered: a warm start has no time for questions.
    let end = async {
        let stop = pin!(stop);
        match future::select(pin!(starting), stop).await {
            Either::Left((Ok(()), stop)) => stop.await,
            Either::Left((refused, _)) => started = refused,
            Either::Right(_) => {}
        }
        stage.close();
    };
    server::serve_listeners(listeners, stage.clone(), limits.clone(), end).await;
    drop(stage);
    if let Some(running) = running {
        running.end_tasks().await;
    }
    started
}

async fn bind_listener(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let refusal =
        || format!("cannot listen on {address}: stop whoever does, or choose with {flag}");
    TcpListener::bind(address).await.with_context(refusal)
}

/// The second listener, for course content, if there is to be one.
async fn listen_for_content(
    chosen: ContentListen,
    main: SocketAddr,
    options: &AppOptions,
) -> Result<Option<TcpListener>> {
    let flag = "--content-listen";
    let address = match (chosen, app::content_origin(options)?) {
        (ContentListen::At(address), Some(_)) => {
            return bind_listener(address, flag).await.map(Some);
        }
        (ContentListen::At(_), None) => {
            bail!("{flag}: the manifest's [variables] has no content_origin")
        }
        (ContentListen::Beside, Some(origin)) if origin.is_empty() => main,
        _ => return Ok(None),
    };
    let next = address.port().checked_add(1).unwrap_or_default();
    if let Ok(listener) = TcpListener::bind((address.ip(), next)).await {
        return Ok(Some(listener));
    }
    let listener = bind_listener((address.ip(), 0).into(), flag).await?;
    let port = listener.local_addr()?.port();
    tracing::warn!(
        "port {next} is taken: course content is at port {port} until the next start, and browsers \
         fetch anew what they had kept; choose one with {flag}"
    );
    Ok(Some(listener))
}

/// The address at which others reach a listener: one of this machine's, if it takes any.
fn reachable_address(listener: SocketAddr) -> Option<SocketAddr> {
    if !listener.ip().is_unspecified() {
        return Some(listener);
    }
    // Nothing is sent: the system says from where it would be.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(SOMEBODY).ok()?;
    Some(SocketAddr::new(socket.local_addr().ok()?.ip(), listener.port()))
}

/// Loads the application on a thread of its own, as that takes a while, and longer if another
/// process has the stores.
async fn load_application(options: AppOptions, stage: Arc<Stage>) -> Result<App> {
    let tell = move |holder: Holder| {
        tracing::info!("standing by: {}", holder.description);
        stage.stand_by(holder);
    };
    let loading = tokio::task::spawn_blocking(move || App::load(&options, &tell));
    loading.await.context("a thread panicked while loading")?
}

/// An application, and what ticks it and tells of it.
struct RunningApp {
    app: App,
    tasks: Vec<JoinHandle<()>>,
}

impl RunningApp {
    /// Lets it answer; then looks whether it can work here, says so and has it tick.
    async fn start_answering(
        &mut self,
        stage: &Stage,
        address: SocketAddr,
        content: Option<SocketAddr>,
    ) -> Result<()> {
        let app = &mut self.app;
        stage.open(app.routes.clone(), app.directory.clone());
        if let Some(refusal) = inside::startup_refusal(&app.directory).await {
            bail!("{refusal}");
        }
        announce_routes(app, address, content)?;
        let (directory, wake) = (app.directory.clone(), app.wake.take());
        let observing = observer::run_observer(directory.clone(), app.metrics.clone());
        let ticking = app.schedule.map(|at| tokio::spawn(ticker::run_ticker(directory, at, wake)));
        self.tasks.extend(ticking);
        self.tasks.push(tokio::spawn(observing));
        Ok(())
    }

    /// Has Prometheus answered on a listener, and says where that is.
    fn show_metrics(&mut self, listener: TcpListener, limits: Arc<Limits>) -> Result<()> {
        writeln!(std::io::stdout(), "Metrics: http://{}/metrics", listener.local_addr()?)?;
        let (metrics, directory) = (self.app.metrics.clone(), self.app.directory.clone());
        self.tasks.push(tokio::spawn(metrics::serve_metrics(listener, metrics, directory, limits)));
        Ok(())
    }

    async fn end_tasks(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.app.close().await;
    }
}

/// SIGTERM or SIGINT, and then a while until those who send requests here have learnt of it; a
/// second signal cuts that short.
fn stop_signal(deregistration: Duration) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut signalled = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        signalled().await;
        tracing::info!("stopping: requests in flight may end");
        let _ = tokio::time::timeout(deregistration, signalled()).await;
    })
}

/// Says that the application is ready, in Spin's words: scripts wait for them.
fn announce_routes(app: &App, address: SocketAddr, content: Option<SocketAddr>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Serving http://{address}")?;
    if let Some(content) = content {
        writeln!(out, "Course content: http://{content}")?;
    }
    writeln!(out, "Available Routes:")?;
    for route in app.routes.router.routes() {
        let (path, wildcard) = match route.pattern.strip_suffix("/...") {
            Some(prefix) => (prefix, " (wildcard)"),
            None => (route.pattern.as_str(), ""),
        };
        writeln!(out, "  {}: http://{address}{path}{wildcard}", route.component)?;
    }
    Ok(out.flush()?)
}
