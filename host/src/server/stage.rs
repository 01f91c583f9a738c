//! Where an application appears once it is loaded, and how well it is.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::sync::watch;
use wasmtime_wasi_http::WasiBody;

use super::forward::{self, Forwarded};
use super::{Directory, Routes, reply};
use crate::inside;
use crate::lock::Holder;
use crate::route::WELL_KNOWN;
use crate::runtime::failure::ServiceFailure;

/// The route that says how it is.
const HEALTH: &str = "health";

/// How an application that does not answer yet stands.
#[derive(Debug, Clone)]
enum Phase {
    /// It is being loaded.
    Loading,
    /// It could answer at once, were it not for another process that has its stores.
    Waiting(Holder),
    /// It answers.
    Open,
    /// It never will.
    Closed,
}

/// Where an application appears once it is loaded. Requests that come earlier wait for it.
///
/// `/.well-known/spin/health` is 200 if the application can answer from its stores, and also while
/// another process has them: whoever replaces that process by this one ends it only once this one
/// is well, as a Kubernetes Deployment of one replica does.
pub struct Stage {
    routes: OnceLock<(Arc<Routes>, Directory)>,
    phase: watch::Sender<Phase>,
}

impl Default for Stage {
    fn default() -> Self {
        Self { routes: OnceLock::new(), phase: watch::Sender::new(Phase::Loading) }
    }
}

impl Stage {
    /// Says whom the application waits for.
    pub fn stand_by(&self, holder: Holder) {
        self.phase.send_replace(Phase::Waiting(holder));
    }

    /// Lets the application answer; only the first call counts.
    pub fn open(&self, routes: Arc<Routes>, directory: Directory) {
        let _ = self.routes.set((routes, directory));
        self.phase.send_replace(Phase::Open);
    }

    /// Sends away those who wait.
    pub fn close(&self) {
        self.phase.send_replace(Phase::Closed);
    }

    /// Answers a request, which waits at most `wait_max` for the application; meanwhile whoever has
    /// its stores answers, as long as that goes on.
    pub async fn answer_request(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
        wait_max: Duration,
    ) -> Response<WasiBody> {
        let is_health = request.uri().path().strip_prefix(WELL_KNOWN) == Some(HEALTH);
        if self.routes.get().is_none() {
            let loaded =
                self.wait_for_phase(wait_max, |phase| !matches!(phase, Phase::Loading)).await;
            if let Some(Phase::Waiting(holder)) = loaded {
                if is_health {
                    let text = format!("standing by: {}", holder.description);
                    return reply::text_reply(StatusCode::OK, &text);
                }
                request = match forward::forward_request(&holder, request).await {
                    Forwarded::Answered(response) => return response,
                    Forwarded::Not(request) => request,
                };
                let is_settled = |phase: &Phase| matches!(phase, Phase::Open | Phase::Closed);
                self.wait_for_phase(wait_max, is_settled).await;
            }
        }
        match self.routes.get() {
            Some((_, directory)) if is_health => health_reply(directory).await,
            Some((routes, _)) => routes.answer_request(request, client).await,
            None => reply::failure_reply(ServiceFailure::Busy),
        }
    }

    /// Waits for such a phase, not for ever.
    async fn wait_for_phase(
        &self,
        wait_max: Duration,
        is_it: impl Fn(&Phase) -> bool,
    ) -> Option<Phase> {
        let mut phase = self.phase.subscribe();
        let found = tokio::time::timeout(wait_max, phase.wait_for(is_it)).await;
        found.ok()?.ok().map(|phase| phase.clone())
    }
}

async fn health_reply(directory: &Directory) -> Response<WasiBody> {
    if inside::is_well(directory).await {
        return reply::text_reply(StatusCode::OK, "OK");
    }
    let advice = "The application cannot answer from its databases: see the log.";
    reply::text_reply(StatusCode::SERVICE_UNAVAILABLE, advice)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::route::Router;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn ask(stage: &Stage, path: &str, wait_max: Duration) -> (StatusCode, String) {
        let body = reply::text_reply(StatusCode::OK, "").into_body();
        let request = Request::builder().uri(path).body(body).unwrap();
        let client = "192.0.2.1:5".parse().unwrap();
        let response = stage.answer_request(request, client, wait_max).await;
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).trim().to_owned())
    }

    fn holder() -> Holder {
        Holder {
            description: "process 7 has them".to_owned(),
            process: None,
            address: None,
            has_file: true,
        }
    }

    fn open(stage: &Stage) -> Arc<Routes> {
        let routes = Arc::new(Routes {
            name: "app".to_owned(),
            version: "1".to_owned(),
            router: Router::new(Vec::new()).unwrap(),
            services: Default::default(),
            cache: None,
            counted: Default::default(),
        });
        let directory = Directory::default();
        directory.bind_routes(&routes);
        stage.open(routes.clone(), directory);
        routes
    }

    const HEALTH: &str = "/.well-known/spin/health";

    #[tokio::test]
    async fn requests_wait_for_the_application() {
        let stage = Stage::default();
        let asked =
            async { (ask(&stage, "/a", PATIENCE).await, ask(&stage, HEALTH, PATIENCE).await) };
        let open = async {
            tokio::task::yield_now().await;
            stage.stand_by(holder());
            tokio::task::yield_now().await;
            open(&stage)
        };
        let ((other, health), _routes) = futures::join!(asked, open);
        assert_eq!(other.0, StatusCode::NOT_FOUND, "{other:?}");
        assert_eq!(health, (StatusCode::OK, "OK".to_owned()));
    }

    #[tokio::test]
    async fn one_that_stands_by_is_well_and_says_why_it_waits() {
        let stage = Stage::default();
        stage.stand_by(holder());
        let health = ask(&stage, HEALTH, PATIENCE).await;
        assert_eq!(health, (StatusCode::OK, "standing by: process 7 has them".to_owned()));
        let other = ask(&stage, "/a", Duration::from_millis(1)).await;
        assert_eq!(other.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn nobody_is_well_while_loading_or_closing() {
        let stage = Stage::default();
        let health = ask(&stage, HEALTH, Duration::from_millis(1)).await;
        assert_eq!(health.0, StatusCode::SERVICE_UNAVAILABLE);
        stage.close();
        assert_eq!(ask(&stage, "/a", PATIENCE).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
