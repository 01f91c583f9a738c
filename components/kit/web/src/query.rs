/// The parameters of a query string or a form, decoded, in order.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&name=value` (WHATWG URL, 5.1); anything parses.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// Writes parameters, the other way round.
    pub fn encode(pairs: &[(&str, &str)]) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// The parameters of a request's address.
    pub fn of(request: &crate::Request) -> Self {
        Self::parse(request.uri().query().unwrap_or_default())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The parameters, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The parameters whose names fit, and the others.
    pub fn split(self, fits: impl Fn(&str) -> bool) -> (Self, Self) {
        let (fitting, others) = self.0.into_iter().partition(|(name, _)| fits(name));
        (Self(fitting), Self(others))
    }

    /// The parameters' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }
}
