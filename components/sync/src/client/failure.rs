//! What goes wrong with the node above, and on the way to it.

use std::time::Duration;

use bytes::Bytes;
use hedgeschool_web::{HeaderMap, StatusCode, header};

/// The pause when an upstream asks for one without saying how long.
const PAUSE: Duration = Duration::from_secs(5);
/// Characters of an answer that the log gets to see.
const EXCERPT_CHARACTERS: usize = 200;

/// What is answered, or why it is not.
pub type Reached<T> = Result<T, UpstreamFailure>;

/// Why there is no answer, or none that helps.
#[derive(Clone, Debug)]
pub enum UpstreamFailure {
    /// The upstream asks to be left alone for so long.
    Busy(Duration),
    /// It refuses, and will again.
    Refused(StatusCode, String),
    /// It could not be reached, or failed.
    Down(String),
}

impl UpstreamFailure {
    /// What an operator can do about it.
    pub fn advice(&self) -> &'static str {
        let Self::Refused(status, _) = self else {
            return match self {
                Self::Busy(_) => {
                    "Nothing is to be done: this node goes on when the upstream has time."
                }
                _ => {
                    "Check this node's network and clock, and that the address (upstream_url) is \
                     right and the node there runs. It is tried again by itself, and nothing is \
                     lost meanwhile."
                }
            };
        };
        match status.as_u16() {
            401 => {
                "The upstream does not know this node's token: make upstream_token here and \
                 bootstrap_nodes there agree."
            }
            403 => {
                "Check that the token (upstream_token) is the one that the upstream has for this \
                 node's node_id."
            }
            404 => {
                "Nothing replicates at this address: check upstream_url, and that both nodes run \
                 the same version."
            }
            409 => "Check the clocks of both nodes.",
            _ => {
                "Check that both nodes run the same version; the upstream's log says what it \
                 refused."
            }
        }
    }
}

impl std::fmt::Display for UpstreamFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy(pause) => write!(f, "the upstream is busy and asks for {pause:?}"),
            Self::Refused(status, text) => write!(f, "the upstream refuses: {status} {text}"),
            Self::Down(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for UpstreamFailure {}

/// An answer as it came.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl From<&Answer> for UpstreamFailure {
    /// What an answer that is no success means.
    fn from(answer: &Answer) -> Self {
        let text: String =
            String::from_utf8_lossy(&answer.body).chars().take(EXCERPT_CHARACTERS).collect();
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = header(&answer.headers, "retry-after");
                let seconds = seconds.and_then(|text| text.parse().ok());
                Self::Busy(seconds.map_or(PAUSE, Duration::from_secs))
            }
            status if status.is_client_error() => Self::Refused(status, text),
            status => Self::Down(format!("the upstream failed: {status} {text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use hedgeschool_web::HeaderValue;

    use super::*;

    fn answer(status: u16, retry_after: Option<&'static str>) -> UpstreamFailure {
        let mut headers = HeaderMap::new();
        headers.extend(
            retry_after.map(|value| (http::header::RETRY_AFTER, HeaderValue::from_static(value))),
        );
        let status = StatusCode::from_u16(status).unwrap();
        UpstreamFailure::from(&Answer { status, headers, body: Bytes::from("x".repeat(300)) })
    }

    #[test]
    fn who_is_busy_says_for_how_long() {
        let pause = |failure| match failure {
            UpstreamFailure::Busy(pause) => Some(pause.as_secs()),
            _ => None,
        };
        assert_eq!(pause(answer(429, Some("7"))), Some(7));
        assert_eq!(pause(answer(503, None)), Some(5));
        assert_eq!(pause(answer(503, Some("soon"))), Some(5));
        assert_eq!(pause(answer(500, Some("7"))), None);
    }

    #[test]
    fn what_is_refused_has_an_advice_and_an_excerpt() {
        for (status, advice) in [
            (401, "bootstrap_nodes"),
            (403, "upstream_token"),
            (404, "upstream_url"),
            (409, "clocks"),
        ] {
            assert!(answer(status, None).advice().contains(advice), "{status}");
        }
        let UpstreamFailure::Refused(_, text) = answer(400, None) else { panic!("refused") };
        assert_eq!(text.len(), EXCERPT_CHARACTERS);
        assert!(matches!(answer(502, None), UpstreamFailure::Down(_)));
    }
}
