/// The parameters of a query string or a form, decoded, in order.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&name=value` (WHATWG URL, 5.1); anything parses.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The parameters of a request's address.
    pub fn of(request: &crate::Request) -> Self {
        Self::parse(request.uri().query().unwrap_or_default())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The parameters' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
}
