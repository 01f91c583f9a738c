//! How often components are asked, how they answer and how long that takes.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::tally::{BOUNDS, Tallied, Tally};

/// The classes of status, as labels have them.
const CODES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A public route.
#[derive(Clone, Debug, EncodeLabelSet, Hash, PartialEq, Eq)]
struct RouteLabels {
    component: Arc<str>,
    route: Arc<str>,
}

/// Answers of a class.
#[derive(Clone, Debug, EncodeLabelSet, Hash, PartialEq, Eq)]
struct AnswerLabels {
    component: Arc<str>,
    route: Arc<str>,
    code: &'static str,
}

/// The trace of a request that took so long.
#[derive(Clone, Debug, EncodeLabelSet, Hash, PartialEq, Eq)]
struct TraceLabels {
    trace_id: String,
}

type Histogram = HistogramWithExemplars<TraceLabels>;

/// What is counted of all routes.
pub struct RequestCounters {
    answers: Family<AnswerLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Family<RouteLabels, Gauge>,
    tally: Arc<Tally>,
}

impl RequestCounters {
    /// Registers them.
    pub fn register_counters(registry: &mut Registry) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BOUNDS.into_iter());
        let requests = Self {
            answers: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            in_flight: Family::default(),
            tally: Arc::default(),
        };
        let (answers, seconds) = (requests.answers.clone(), requests.seconds.clone());
        registry.register("http_requests", "Requests answered, by class of status", answers);
        let help = "From a request's head to the head of its response";
        registry.register("http_request_duration_seconds", help, seconds);
        let help = "Requests whose response has not begun";
        registry.register("http_requests_in_flight", help, requests.in_flight.clone());
        requests
    }

    /// What is counted of one route. All of it is there from the start: a rate needs a zero.
    pub fn of_route(&self, component: &str, route: &str) -> RouteCounters {
        let (component, route): (Arc<str>, Arc<str>) = (component.into(), route.into());
        let answers = CODES.map(|code| {
            let (component, route) = (component.clone(), route.clone());
            self.answers.get_or_create_owned(&AnswerLabels { component, route, code })
        });
        let labels = RouteLabels { component, route };
        RouteCounters {
            answers,
            seconds: self.seconds.get_or_create_owned(&labels),
            in_flight: self.in_flight.get_or_create_owned(&labels),
            tally: self.tally.clone(),
        }
    }

    /// What is counted of all routes together.
    pub fn read_tally(&self) -> Tallied {
        self.tally.read_counts()
    }
}

/// What is counted of a route.
pub struct RouteCounters {
    answers: [Counter; CODES.len()],
    seconds: Histogram,
    in_flight: Gauge,
    tally: Arc<Tally>,
}

impl RouteCounters {
    /// A request has come.
    pub fn begin_request(&self) -> Counting<'_> {
        self.in_flight.inc();
        Counting { route: self, since: Instant::now() }
    }
}

/// A request that is not answered yet. Dropped, it was given up.
pub struct Counting<'a> {
    route: &'a RouteCounters,
    since: Instant,
}

impl Counting<'_> {
    /// It is answered. `trace_id` is that of its trace, if that is kept.
    pub fn count_answer(self, status: StatusCode, trace_id: Option<String>) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(answers) = self.route.answers.get(class) {
            answers.inc();
        }
        let seconds = self.since.elapsed().as_secs_f64();
        let labels = trace_id.map(|trace_id| TraceLabels { trace_id });
        self.route.seconds.observe(seconds, labels, None);
        self.route.tally.count_answer(status, seconds);
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.route.in_flight.dec();
    }
}
