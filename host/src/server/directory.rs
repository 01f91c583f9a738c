//! Who answers what: public routes, and components by their id.
//!
//! Requests get the headers Spin gives them (`spin-path-info`, `spin-full-url`, …); what a client
//! sent under such a name is removed first, so that a component can rely on them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use wasmtime_wasi_http::{Error, WasiBody};

use super::reply;
use super::response_cache::{self, CacheLookup, ResponseCache};
use crate::metrics::RouteCounters;
use crate::route::{Match, Router, WELL_KNOWN};
use crate::runtime::dispatch::Dispatch;
use crate::runtime::service::{Service, TraceId};

/// Everything that answers.
pub struct Routes {
    /// The application's name, for the info route.
    pub name: String,
    /// The application's version, for the info route.
    pub version: String,
    /// Public routes.
    pub router: Router,
    /// All components with a trigger, by id.
    pub services: BTreeMap<String, Arc<Service>>,
    /// What the host answers by itself. None: nothing.
    pub cache: Option<ResponseCache>,
    /// What is counted of each public route, by its pattern.
    pub counted: BTreeMap<String, RouteCounters>,
}

/// A late-bound reference to [`Routes`]: components are made before it exists, and reach each
/// other through it.
#[derive(Clone, Default)]
pub struct Directory(Arc<OnceLock<Weak<Routes>>>);

/// What a request inside the application has for a client address, as under Spin.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Directory {
    /// Makes `routes` known; only the first call counts.
    pub fn bind_routes(&self, routes: &Arc<Routes>) {
        let _ = self.0.set(Arc::downgrade(routes));
    }

    /// All of it, while the application runs.
    pub fn current_routes(&self) -> Option<Arc<Routes>> {
        self.0.get().and_then(Weak::upgrade)
    }

    fn running_routes(&self) -> Result<Arc<Routes>, Error> {
        // Gone only while the host is closing down.
        self.current_routes().ok_or(Error::ConnectionTerminated)
    }
}

#[async_trait]
impl Dispatch for Directory {
    /// A component that fails is a response like any other: 500, 503 or 504.
    async fn dispatch_to(
        &self,
        component: &str,
        mut request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        let routes = self.running_routes()?;
        let service = routes.services.get(component).ok_or(Error::DestinationNotFound)?;
        let path = request.uri().path().to_owned();
        let context = RouteContext { pattern: "/...", prefix: "", rest: &path, client: NOBODY };
        set_route_headers(&mut request, &context, &[]);
        Ok(service.handle(request).await.unwrap_or_else(reply::failure_reply))
    }

    async fn dispatch_public(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error> {
        Ok(self.running_routes()?.answer_request(request, NOBODY).await)
    }

    fn is_closed(&self) -> bool {
        self.0.get().is_some_and(|routes| routes.strong_count() == 0)
    }
}

impl Routes {
    /// Answers a request from outside.
    pub async fn answer_request(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return self.well_known(name);
        }
        let found = self.router.find_route(&path);
        let Some((found, service)) = found
            .and_then(|found| Some((self.services.get(&found.route.component)?, found)))
            .map(|(service, found)| (found, service))
        else {
            return reply::text_reply(StatusCode::NOT_FOUND, "Nothing answers this path.");
        };
        if make_absolute(&mut request).is_none() {
            return reply::text_reply(StatusCode::BAD_REQUEST, "The Host header is no host name.");
        }
        let counting = self.counted.get(&found.route.pattern).map(RouteCounters::begin_request);
        let response = self.answer_found(request, found, service, client).await;
        if let Some(counting) = counting {
            let trace = response.extensions().get::<TraceId>();
            counting.count_answer(response.status(), trace.map(|TraceId(id)| id.clone()));
        }
        response
    }

    async fn answer_found(
        &self,
        mut request: Request<WasiBody>,
        found: Match<'_, '_>,
        service: &Service,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let Match { route, rest, parameters } = found;
        let question = match self
            .cache
            .as_ref()
            .map(|cache| cache.find_response(&route.component, &request))
        {
            Some(CacheLookup::Response(response)) => return response,
            Some(CacheLookup::Nothing(question)) => question,
            None => None,
        };
        let pattern = route.pattern.as_str();
        let prefix = pattern.strip_suffix("/...").unwrap_or(pattern);
        set_route_headers(
            &mut request,
            &RouteContext { pattern, prefix, rest, client },
            &parameters,
        );
        let mut response = service.handle(request).await.unwrap_or_else(reply::failure_reply);
        match (&self.cache, question) {
            (Some(cache), Some(question)) => cache.keep_response(question, response).await,
            _ => {
                response.headers_mut().remove(response_cache::CONTROL);
                response
            }
        }
    }

    fn well_known(&self, name: &str) -> Response<WasiBody> {
        match name {
            "info" => {
                let host = concat!("hedge ", env!("CARGO_PKG_VERSION"));
                let info = serde_json::json!({
                    "name": self.name, "version": self.version, "host": host,
                });
                reply::reply_with(StatusCode::OK, "application/json", info.to_string())
            }
            _ => reply::text_reply(StatusCode::NOT_FOUND, "Nothing answers this path."),
        }
    }
}

/// Gives the request's target the scheme and authority that HTTP/1 leaves to the Host header.
fn make_absolute(request: &mut Request<WasiBody>) -> Option<()> {
    let mut parts = request.uri().clone().into_parts();
    if parts.authority.is_none() {
        parts.authority = Some(match request.headers().get(http::header::HOST) {
            Some(host) => Authority::try_from(host.as_bytes()).ok()?,
            None => Authority::from_static("localhost"),
        });
    }
    parts.scheme.get_or_insert(Scheme::HTTP);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(())
}

/// What the `spin-*` headers tell a component about its route.
struct RouteContext<'a> {
    pattern: &'a str,
    prefix: &'a str,
    rest: &'a str,
    client: SocketAddr,
}

fn set_route_headers(
    request: &mut Request<WasiBody>,
    context: &RouteContext<'_>,
    parameters: &[(&str, &str)],
) {
    let full_url = request.uri().to_string();
    let headers = request.headers_mut();
    let claimed: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("spin-")).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
    headers.remove(http::header::CONNECTION);
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("spin-path-info", context.rest);
    set("spin-full-url", &full_url);
    set("spin-matched-route", context.pattern);
    set("spin-raw-component-route", context.pattern);
    set("spin-component-route", context.prefix);
    set("spin-base-path", "/");
    set("spin-client-addr", &context.client.to_string());
    set_parameters(headers, parameters);
}

fn set_parameters(headers: &mut HeaderMap, parameters: &[(&str, &str)]) {
    for (name, value) in parameters {
        let name = format!("spin-path-match-{}", name.to_ascii_lowercase());
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str) -> Request<WasiBody> {
        let response = reply::text_reply(StatusCode::OK, "");
        Request::builder().uri(uri).body(response.into_body()).unwrap()
    }

    #[test]
    fn what_a_client_claims_about_its_route_is_replaced() {
        let mut request = request("http://node/xapi/statements?limit=1");
        for name in ["spin-client-addr", "spin-path-match-user", "spin-anything", "connection"] {
            request.headers_mut().insert(name, HeaderValue::from_static("claimed"));
        }
        let client = "192.0.2.1:5".parse().unwrap();
        let context =
            RouteContext { pattern: "/xapi/...", prefix: "/xapi", rest: "/statements", client };
        set_route_headers(&mut request, &context, &[("Id", "7")]);
        let header = |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap());
        assert_eq!(header("spin-client-addr"), Some("192.0.2.1:5"));
        assert_eq!(header("spin-full-url"), Some("http://node/xapi/statements?limit=1"));
        assert_eq!(header("spin-path-info"), Some("/statements"));
        assert_eq!(header("spin-path-match-id"), Some("7"));
        assert_eq!(header("spin-path-match-user"), None);
        assert_eq!(header("spin-anything"), None);
        assert_eq!(header("connection"), None);
    }

    #[test]
    fn targets_become_absolute_by_the_host_header() {
        let mut good = request("/a?b");
        good.headers_mut().insert("host", HeaderValue::from_static("node:3000"));
        make_absolute(&mut good).unwrap();
        assert_eq!(good.uri(), "http://node:3000/a?b");
        let mut bad = request("/a");
        bad.headers_mut().insert("host", HeaderValue::from_static("no host"));
        assert!(make_absolute(&mut bad).is_none());
    }
}
