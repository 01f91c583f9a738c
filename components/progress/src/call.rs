//! A request as the resources see it, however it came: as HTTP has it, or as a form that stands
//! for it.

use bytes::Bytes;
use hedgeschool_web::{HeaderMap, HeaderValue, Method, Problem, Query, Request, body, header};
use hedgeschool_xapi::{Version, agent_id, is_iri, parse_timestamp, parse_uuid};

use crate::version;

/// Largest body of any request, in bytes. Resources have limits of their own below it.
const BODY_BYTES_MAX: usize = 24 << 20;
/// The parameters of a form that stand for headers (1.3).
const HEADERS: [&str; 7] = [
    "authorization",
    "x-experience-api-version",
    "content-type",
    "content-length",
    "if-match",
    "if-none-match",
    "accept-language",
];

/// A request to a resource.
pub struct Call {
    /// The method, or the one that the form stands for.
    pub method: Method,
    /// The parameters, from the address or the form.
    pub query: Query,
    /// The headers, with those of the form in the place of the request's.
    pub headers: HeaderMap,
    /// The version it speaks.
    pub version: Version,
    content: Content,
}

enum Content {
    /// Not read yet.
    Waiting(Box<Request>),
    /// The form had it.
    Here(Bytes),
}

impl Content {
    async fn read_bytes(self, limit: usize) -> Result<Bytes, Problem> {
        match self {
            Self::Waiting(request) => body::read(*request, limit).await,
            Self::Here(bytes) if bytes.len() <= limit => Ok(bytes),
            Self::Here(_) => {
                Err(Problem::too_large(format!("the content may have at most {limit} bytes")))
            }
        }
    }
}

impl Call {
    /// Understands a request, or says what is wrong with it: 400 for one without a version that is
    /// spoken here (3.3).
    ///
    /// # Errors
    /// 400 or, for a form that is too large, 413.
    pub async fn from_request(request: Request) -> Result<Self, Problem> {
        let query = Query::of(&request);
        // 2.0 has no such form: there, `method` is a parameter that no resource knows.
        let is_1_0 = version::version_of(request.headers()) != Some(Version::V2_0);
        match query.get("method") {
            Some(method) if is_1_0 => Self::from_form(method.to_owned(), &query, request).await,
            _ => Ok(Self {
                method: request.method().clone(),
                query,
                headers: request.headers().clone(),
                version: version::required_version(request.headers())?,
                content: Content::Waiting(Box::new(request)),
            }),
        }
    }

    /// The alternate request syntax of 1.0.3 (1.3): `POST ?method=…` with everything else in a
    /// form.
    async fn from_form(method: String, query: &Query, request: Request) -> Result<Self, Problem> {
        if request.method() != Method::POST {
            return Err(Problem::bad_request("a request with ?method= is sent by POST"));
        }
        if query.names().count() != 1 {
            let rule = "beside ?method=, all parameters belong into the form (xAPI 1.3)";
            return Err(Problem::bad_request(rule));
        }
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes());
        let method = method.map_err(|_| Problem::bad_request("?method= must be an HTTP method"))?;
        let mut headers = request.headers().clone();
        headers.remove("content-type");
        let form = body::form(request, BODY_BYTES_MAX).await?;
        let (fields, parameters) =
            form.split(|name| HEADERS.contains(&&*name.to_ascii_lowercase()));
        for (name, value) in fields.pairs() {
            set_header(&mut headers, name, value)?;
        }
        let (content, parameters) = parameters.split(|name| name == "content");
        let content = content.get("content").map(|text| Bytes::from(text.to_owned()));
        if content.is_none() && matches!(method, Method::PUT | Method::POST) {
            let rule =
                "the form must have what is to be stored as the parameter content (xAPI 1.3)";
            return Err(Problem::bad_request(rule));
        }
        Ok(Self {
            method,
            query: parameters,
            version: version::required_version(&headers)?,
            headers,
            content: Content::Here(content.unwrap_or_default()),
        })
    }

    /// A header as text.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The content of the request, once: at most `limit` bytes.
    ///
    /// # Errors
    /// 413, or the body ends early.
    pub async fn into_content(self, limit: usize) -> Result<Bytes, Problem> {
        self.content.read_bytes(limit).await
    }

    /// The content of the request, which stays to be asked for again: at most `limit` bytes.
    ///
    /// # Errors
    /// 413, or the body ends early.
    pub async fn read_content(&mut self, limit: usize) -> Result<Bytes, Problem> {
        let content = std::mem::replace(&mut self.content, Content::Here(Bytes::new()));
        let bytes = content.read_bytes(limit).await?;
        self.content = Content::Here(bytes.clone());
        Ok(bytes)
    }

    /// Makes sure that all parameters are among these.
    ///
    /// # Errors
    /// 400 for the first unknown one.
    pub fn check_known(&self, known: &[&str]) -> Result<(), Problem> {
        match self.query.names().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(unknown) => Err(Problem::bad_request(format!(
                "there is no parameter {unknown:?} here, only {}",
                known.join(", ")
            ))),
        }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// 400.
    pub fn require_parameter(&self, name: &str) -> Result<&str, Problem> {
        self.query.get(name).ok_or_else(|| missing_parameter(name))
    }

    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Makes sure that it only reads.
    ///
    /// # Errors
    /// 405.
    pub fn check_read(&self) -> Result<(), Problem> {
        let refusal = || Problem::method_not_allowed("GET, HEAD, OPTIONS");
        self.is_read().then_some(()).ok_or_else(refusal)
    }

    /// A parameter that is an IRI, as it is written.
    ///
    /// # Errors
    /// 400 for another text.
    pub fn read_iri(&self, name: &str) -> Result<Option<String>, Problem> {
        let read = |text: &str| is_iri(text).then(|| text.to_owned());
        self.read_parameter(name, "must be an IRI with a scheme (xAPI 4.1)", read)
    }

    /// A parameter that is a UUID, in lower case.
    ///
    /// # Errors
    /// 400 for another text.
    pub fn read_uuid(&self, name: &str) -> Result<Option<String>, Problem> {
        let read = |text: &str| parse_uuid(text).map(|id| id.hyphenated().to_string());
        self.read_parameter(name, "must be a UUID", read)
    }

    /// A parameter that is a moment, in microseconds since 1970.
    ///
    /// # Errors
    /// 400 for another text.
    pub fn read_moment(&self, name: &str) -> Result<Option<i64>, Problem> {
        let rule = "must be a date and time with a zone, as RFC 3339 writes it";
        self.read_parameter(name, rule, parse_timestamp)
    }

    /// A parameter that is an agent as JSON. Answers its identifier.
    ///
    /// # Errors
    /// 400 for another text, or a group without an identifier.
    pub fn read_agent(&self, name: &str) -> Result<Option<String>, Problem> {
        let refused =
            |violation| Problem::bad_request(format!("the parameter {name}: {violation}"));
        self.query.get(name).map(agent_id).transpose().map_err(refused)
    }

    fn read_parameter<T>(
        &self,
        name: &str,
        rule: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let refused = || Problem::bad_request(format!("{name} {rule}"));
        self.query.get(name).map(|text| read(text).ok_or_else(refused)).transpose()
    }

    /// A parameter that is true or false, and false if it is not there.
    ///
    /// # Errors
    /// 400 for another text.
    pub fn read_flag(&self, name: &str) -> Result<bool, Problem> {
        match self.query.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
        }
    }

    /// A parameter that is a whole number.
    ///
    /// # Errors
    /// 400 for another text.
    pub fn read_number(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.read_parameter(name, "must be a whole number, not negative", |text| text.parse().ok())
    }
}

/// 400: a parameter must be there.
pub fn missing_parameter(name: &str) -> Problem {
    Problem::bad_request(format!("the parameter {name} is missing"))
}

fn set_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Problem> {
    let rule = || Problem::bad_request(format!("{name} is not legal in a header"));
    let name: hedgeschool_web::HeaderName = name.parse().map_err(|_| rule())?;
    headers.insert(name, HeaderValue::from_str(value).map_err(|_| rule())?);
    Ok(())
}

/// A request without content, for tests.
#[cfg(test)]
pub fn test_call(method: Method, query: &str, headers: &[(&str, &str)]) -> Call {
    let mut call = Call {
        method,
        query: Query::parse(query),
        headers: HeaderMap::new(),
        version: Version::V1_0,
        content: Content::Here(Bytes::new()),
    };
    for (name, value) in headers {
        set_header(&mut call.headers, name, value).unwrap();
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_or_refused() {
        let query = "n=7&no=-7&f=true&no_f=yes&t=2026-01-01T00:00:00Z&i=urn:a&no_i=a";
        let call = test_call(Method::GET, query, &[]);
        assert_eq!(call.read_number("n").unwrap(), Some(7));
        assert!(call.read_flag("f").unwrap() && !call.read_flag("absent").unwrap());
        assert_eq!(call.read_iri("i").unwrap().as_deref(), Some("urn:a"));
        assert_eq!(call.read_moment("t").unwrap(), Some(1_767_225_600_000_000));
        assert_eq!(call.read_uuid("absent").unwrap(), None);
        assert!(call.read_number("no").is_err() && call.read_flag("no_f").is_err());
        assert!(call.read_iri("no_i").is_err() && call.read_uuid("n").is_err());
        assert!(call.read_moment("n").is_err() && call.read_agent("n").is_err());
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let call = test_call(Method::GET, "a=1&b=2", &[]);
        assert!(call.check_known(&["a", "b", "c"]).is_ok());
        let refusal = call.check_known(&["a", "c"]).unwrap_err().detail;
        assert_eq!(refusal, "there is no parameter \"b\" here, only a, c");
    }
}
