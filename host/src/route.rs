//! Which component answers a path.

use std::cmp::Ordering;

use anyhow::{Result, ensure};

/// The prefix of the routes the host answers by itself.
pub const WELL_KNOWN: &str = "/.well-known/spin/";

/// Public routes, most specific first.
#[derive(Debug, Default)]
pub struct Router {
    routes: Vec<Route>,
}

/// One public route.
#[derive(Debug)]
pub struct Route {
    /// The pattern as the manifest has it.
    pub pattern: String,
    /// The component that answers.
    pub component: String,
    segments: Vec<Segment>,
}

/// Declared from most to least specific, which is the order routes are tried in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    Rest,
}

/// A route that answers a path, and what its wildcards stand for.
#[derive(Debug)]
pub struct Match<'r, 'p> {
    /// The route.
    pub route: &'r Route,
    /// What `/...` stands for, with its leading slash; empty when there is nothing.
    pub rest: &'p str,
    /// Each `:name` with the path segment it stands for.
    pub parameters: Vec<(&'r str, &'p str)>,
}

impl Router {
    /// Builds the router from pattern and component id.
    ///
    /// # Errors
    /// For patterns that do not start with a slash, use `...` or `*` other than as the whole last
    /// segment, appear twice, or lie under [`WELL_KNOWN`].
    pub fn new(routes: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut built: Vec<Route> = Vec::new();
        for (pattern, component) in routes {
            let segments = parse_pattern(&pattern)?;
            let twice = built.iter().find(|route| same_paths(&route.segments, &segments));
            ensure!(
                twice.is_none(),
                "route {pattern:?} appears twice: a request has one component to go to"
            );
            built.push(Route { pattern, component, segments });
        }
        built.sort_by(|a, b| compare_specificity(&a.segments, &b.segments));
        Ok(Self { routes: built })
    }

    /// The most specific route for `path`, which starts with a slash and has no query.
    pub fn find_route<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p>> {
        self.routes.iter().find_map(|route| route.match_path(path))
    }

    /// All routes, most specific first.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

impl Route {
    fn match_path<'r, 'p>(&'r self, path: &'p str) -> Option<Match<'r, 'p>> {
        let mut rest = path;
        let mut parameters = Vec::new();
        for segment in &self.segments {
            if *segment == Segment::Rest {
                return Some(Match { route: self, rest, parameters });
            }
            let after = rest.strip_prefix('/')?;
            let end = after.find('/').unwrap_or(after.len());
            let (value, tail) = after.split_at(end);
            match segment {
                Segment::Literal(literal) if literal == value => {}
                Segment::Parameter(name) if !value.is_empty() => parameters.push((&**name, value)),
                _ => return None,
            }
            rest = tail;
        }
        // As under Spin, one trailing slash makes no difference.
        matches!(rest, "" | "/").then_some(Match { route: self, rest: "", parameters })
    }
}

fn parse_pattern(pattern: &str) -> Result<Vec<Segment>> {
    ensure!(pattern.starts_with('/'), "route {pattern:?} must start with a slash");
    ensure!(!pattern.starts_with(WELL_KNOWN), "route {pattern:?}: {WELL_KNOWN} is the host's own");
    let trimmed = pattern.trim_matches('/');
    if trimmed.is_empty() {
        return Ok(Vec::new());
    }
    let mut segments = Vec::new();
    for part in trimmed.split('/') {
        ensure!(
            segments.last() != Some(&Segment::Rest),
            "route {pattern:?}: nothing can follow the wildcard"
        );
        segments.push(match part {
            "..." | "*" => Segment::Rest,
            _ => match part.strip_prefix(':') {
                Some(name) => Segment::Parameter(name.to_owned()),
                None => Segment::Literal(part.to_owned()),
            },
        });
        ensure!(
            !matches!(segments.last(), Some(Segment::Literal(text)) if text.contains("...")),
            "route {pattern:?}: the wildcard is a whole segment, /..."
        );
    }
    Ok(segments)
}

/// Whether two patterns answer exactly the same paths: parameter names make no difference.
fn same_paths(a: &[Segment], b: &[Segment]) -> bool {
    let same = |(a, b): (&Segment, &Segment)| match (a, b) {
        (Segment::Literal(a), Segment::Literal(b)) => a == b,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// Literal before parameter before wildcard, decided by the first difference; the longer pattern
/// first when one is the beginning of the other.
fn compare_specificity(a: &[Segment], b: &[Segment]) -> Ordering {
    let ends_wild = |segments: &[Segment]| segments.last() == Some(&Segment::Rest);
    let order = a.iter().zip(b).map(|(a, b)| a.cmp(b)).find(|order| order.is_ne());
    order.unwrap_or_else(|| ends_wild(a).cmp(&ends_wild(b)).then(b.len().cmp(&a.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(patterns: &[&str]) -> Router {
        let routes = patterns.iter().map(|pattern| ((*pattern).to_owned(), (*pattern).to_owned()));
        Router::new(routes).unwrap()
    }

    #[test]
    fn the_most_specific_route_answers() {
        let router = router(&["/...", "/xapi/...", "/xapi/about", "/:course/...", "/:course/map"]);
        for (path, expected) in [
            ("/", "/..."),
            ("/xapi", "/xapi/..."),
            ("/xapi/statements", "/xapi/..."),
            ("/xapi/about", "/xapi/about"),
            ("/xapi/about/", "/xapi/about"),
            ("/xapi/about/more", "/xapi/..."),
            ("/xapix", "/:course/..."),
            ("/latin/map", "/:course/map"),
            ("//x", "/..."),
        ] {
            let found = router.find_route(path).unwrap();
            assert_eq!(found.route.pattern, expected, "{path}");
        }
    }

    #[test]
    fn wildcards_report_what_they_stand_for() {
        let router = router(&["/a/:b/...", "/only"]);
        let found = router.find_route("/a/x/y/z").unwrap();
        assert_eq!((found.rest, found.parameters), ("/y/z", vec![("b", "x")]));
        assert_eq!(router.find_route("/a/x").unwrap().rest, "");
        for path in ["/a", "/a//c", "/only/more", "/", "/onl"] {
            assert!(router.find_route(path).is_none(), "{path}");
        }
    }

    #[test]
    fn bad_patterns_are_refused() {
        let cases: [&[&str]; 7] = [
            &["xapi"],
            &["/a/.../b"],
            &["/a..."],
            &["/.well-known/spin/health"],
            &["/a", "/a"],
            &["/a/:x", "/a/:y/"],
            &["/...", "/*"],
        ];
        for patterns in cases {
            let routes = patterns.iter().map(|pattern| ((*pattern).to_owned(), "c".to_owned()));
            assert!(Router::new(routes).is_err(), "{patterns:?}");
        }
    }
}
