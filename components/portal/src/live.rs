//! Parts of pages that move while one looks: server-sent events, each the parts as the page would
//! have them now.
//!
//! A stream of events is a task of the instance that has answered its request, and waits for no
//! other: it looks, every [`LOOK`], whether the instance has heard of a change that may be its
//! own, and only then asks the stores.

mod watch;

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use hedgeschool_web::events::{Events, Gone};
use hedgeschool_web::{HeaderMap, Problem, Query, Reply, StatusCode};
use spin_sdk::time::sleep;
use spin_sdk::wit_bindgen::spawn;

use crate::pages::node::FleetFilter;
use crate::pages::{course, courses, node, progress};
use crate::visitor::{Visitor, recognise_visitor};

/// How often a stream looks for news.
const LOOK: Duration = Duration::from_millis(100);
/// How often a stream looks how a node stands, which nobody tells.
const NODE_LOOK: Duration = Duration::from_secs(2);
/// The longest silence. Whatever changes unnoticed, such as a new title, shows after it.
const BEAT: Duration = Duration::from_secs(15);
/// How long a stream lasts: then the browser begins another one.
const LIFE: Duration = Duration::from_secs(300);
/// The pause before that, in milliseconds.
const PAUSE_MS: u64 = 1_000;
/// Streams of an instance.
const STREAMS_MAX: usize = 256;

thread_local! {
    static STREAMS: Cell<usize> = const { Cell::new(0) };
}

/// What moves.
#[derive(Debug, PartialEq, Eq)]
pub enum LivePart {
    /// How far the visitor is in every course.
    Courses,
    /// How far the visitor is in a course: the last segment of its address.
    Course(String),
    /// The visitor's record.
    Progress,
    /// How this node and those below it stand.
    Node(FleetFilter),
}

impl LivePart {
    /// What moves, by the path of the address at which its events are asked for.
    pub fn at(path: &[&str], query: &Query) -> Option<Self> {
        match path {
            ["events"] => Some(Self::Courses),
            ["courses", course, "events"] => Some(Self::Course((*course).to_owned())),
            ["progress", "events"] => Some(Self::Progress),
            ["admin", "node", "events"] => Some(Self::Node(FleetFilter::read(query))),
            _ => None,
        }
    }

    /// The parts as they are now, each an element with the name by which the page has it.
    async fn render(&self, visitor: &Visitor) -> Result<String, Problem> {
        match self {
            Self::Courses => courses::render_courses_part(visitor).await,
            Self::Course(segment) => course::render_course_part(visitor, segment).await,
            Self::Progress => progress::render_progress_part(visitor).await,
            Self::Node(filter) => node::render_moving_parts(visitor, filter).await,
        }
    }
}

/// One of an instance's streams; given back when dropped.
struct StreamPermit;

impl StreamPermit {
    fn acquire() -> Result<Self, Problem> {
        if STREAMS.get() >= STREAMS_MAX {
            let detail = "too many pages are open: this one asks every few seconds instead";
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            return Err(problem.with_header("retry-after", "10"));
        }
        STREAMS.set(STREAMS.get() + 1);
        Ok(Self)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        STREAMS.set(STREAMS.get().saturating_sub(1));
    }
}

/// Answers with the parts, now and whenever they change.
///
/// # Errors
/// 503 if the instance has as many streams as it may; what the page answers if it fails.
pub async fn stream_part(
    headers: &HeaderMap,
    visitor: &Visitor,
    part: LivePart,
) -> Result<Reply, Problem> {
    let permit = StreamPermit::acquire()?;
    let heard = watch::count_looks();
    let html = part.render(visitor).await?;
    let (events, body) = Events::open();
    let stream = Stream {
        events,
        headers: headers.clone(),
        agent: visitor.agent_id.clone(),
        part,
        shown: hash_of(&html),
        heard,
        looked: Instant::now(),
        spoke: Instant::now(),
    };
    spawn(async move {
        // Whoever has gone needs no goodbye.
        let _ = stream.run(html).await;
        drop(permit);
    });
    Ok(Reply::events(body))
}

/// A stream at work.
struct Stream {
    events: Events,
    /// What says who looks: somebody who signed out sees nothing more.
    headers: HeaderMap,
    agent: String,
    part: LivePart,
    /// What was sent last.
    shown: u64,
    /// How many looks of the instance this stream knows of.
    heard: u64,
    looked: Instant,
    spoke: Instant,
}

impl Stream {
    async fn run(mut self, html: String) -> Result<(), Gone> {
        let start = Instant::now();
        self.events.come_back_after(PAUSE_MS).await?;
        self.events.tell("state", &html).await?;
        while start.elapsed() < LIFE {
            sleep(LOOK).await;
            let is_quiet = self.spoke.elapsed() >= BEAT;
            if !(self.has_news().await || is_quiet) {
                continue;
            }
            match self.render_now().await {
                Ok(Some(html)) => self.send_if_changed(&html, is_quiet).await?,
                Ok(None) => break,
                Err(problem) => {
                    problem.log();
                    break;
                }
            }
        }
        // The browser comes back, and then hears why there is nothing any more, if that is so.
        self.events.tell("end", "").await
    }

    async fn has_news(&mut self) -> bool {
        if let LivePart::Node(_) = self.part {
            return self.looked.elapsed() >= NODE_LOOK;
        }
        watch::look_for_changes(LOOK).await;
        let has_changed = watch::has_changed(&self.agent, self.heard);
        self.heard = watch::count_looks();
        has_changed
    }

    /// The parts as they are now. None: they are not for this visitor any more.
    async fn render_now(&mut self) -> Result<Option<String>, Problem> {
        self.looked = Instant::now();
        match recognise_visitor(&self.headers).await? {
            Some(visitor) if visitor.agent_id == self.agent => {
                self.part.render(&visitor).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn send_if_changed(&mut self, html: &str, is_quiet: bool) -> Result<(), Gone> {
        let shown = hash_of(html);
        if shown != self.shown {
            self.shown = shown;
            self.spoke = Instant::now();
            return self.events.tell("state", html).await;
        }
        if is_quiet {
            self.spoke = Instant::now();
            return self.events.beat().await;
        }
        Ok(())
    }
}

fn hash_of(html: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_asked_for_beside_their_page() {
        let at = |path: &[&str]| LivePart::at(path, &Query::parse("sort=name"));
        assert_eq!(at(&["events"]), Some(LivePart::Courses));
        let course = LivePart::Course("a-k".to_owned());
        assert_eq!(at(&["courses", "a-k", "events"]), Some(course));
        assert_eq!(at(&["progress", "events"]), Some(LivePart::Progress));
        let filter = FleetFilter::read(&Query::parse("sort=name"));
        assert_eq!(at(&["admin", "node", "events"]), Some(LivePart::Node(filter)));
        assert_eq!(at(&["statements", "events"]), None);
    }

    #[test]
    fn an_instance_has_so_many_streams_and_no_more() {
        let permits: Vec<_> = (0..STREAMS_MAX).map(|_| StreamPermit::acquire().unwrap()).collect();
        assert!(StreamPermit::acquire().is_err());
        drop(permits);
        assert!(StreamPermit::acquire().is_ok());
    }
}
