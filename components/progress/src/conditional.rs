//! Requests with conditions: entity tags in `If-Match` and `If-None-Match` (3.1; RFC 9110, 8.8.3
//! and 13.1).

use bytes::Bytes;
use hedgeschool_web::{ETags, Problem, Reply, StatusCode};
use hedgeschool_xapi::format_http_date;
use sha1::{Digest, Sha1};

use crate::call::Call;
use crate::store::types::{Error, Precondition};

/// What is answered to a GET.
pub struct Representation {
    /// Its `Content-Type`.
    pub media_type: String,
    /// Its bytes.
    pub content: Bytes,
    /// Without quotes.
    pub etag: String,
    /// Milliseconds since 1970, if it is known.
    pub updated_ms: Option<i64>,
}

impl Representation {
    /// JSON that was made for this answer. Its tag is the SHA-1 of the content, as for documents
    /// (3.1).
    pub fn of_json(value: &serde_json::Value) -> Self {
        let content = Bytes::from(value.to_string());
        let etag = format!("{:x}", Sha1::digest(&content));
        Self { media_type: "application/json".into(), content, etag, updated_ms: None }
    }

    /// The reply: 200; 304 to a caller that has it; 412 to one that wants another. Browsers have
    /// to ask each time: by themselves they would take the age of a document for a promise that it
    /// stays as it is.
    ///
    /// # Errors
    /// 412, or 400 for conditions that are none.
    pub fn into_reply(self, call: &Call) -> Result<Reply, Problem> {
        let conditions = Conditions::of_request(call)?;
        if conditions.matches.is_some_and(|tags| !tags.name_strongly(&self.etag)) {
            return Err(Error::Precondition.into());
        }
        let reply = match conditions.differs {
            Some(tags) if tags.name(&self.etag) => Reply::empty(StatusCode::NOT_MODIFIED),
            _ => Reply::new(StatusCode::OK, &self.media_type, self.content),
        };
        let updated_us = self.updated_ms.map(|updated_ms| updated_ms.saturating_mul(1_000));
        let reply = match updated_us.and_then(format_http_date) {
            Some(date) => reply.with_header("last-modified", &date),
            None => reply,
        };
        let reply = reply.with_header("etag", &quote_etag(&self.etag));
        Ok(reply.with_header("cache-control", "private, no-cache"))
    }
}

/// An ETag as headers have it.
pub fn quote_etag(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// The conditions of a request.
pub struct Conditions {
    /// `If-Match`.
    matches: Option<ETags>,
    /// `If-None-Match`.
    differs: Option<ETags>,
}

impl Conditions {
    fn of_request(call: &Call) -> Result<Self, Problem> {
        let tags = |name| ETags::of(&call.headers, name);
        Ok(Self { matches: tags("if-match")?, differs: tags("if-none-match")? })
    }

    /// The conditions of a change; at most one, since HTTP leaves open what two of them mean (RFC
    /// 2616, 14.24).
    ///
    /// # Errors
    /// 400.
    pub fn of_change(call: &Call) -> Result<Self, Problem> {
        let conditions = Self::of_request(call)?;
        if conditions.matches.is_some() && conditions.differs.is_some() {
            return Err(Problem::bad_request("send If-Match or If-None-Match, not both"));
        }
        Ok(conditions)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.matches.is_none() && self.differs.is_none()
    }

    /// Makes sure that they hold for what is there: the ETag of a document, or none.
    ///
    /// # Errors
    /// 412.
    pub fn check_etag(&self, etag: Option<&str>) -> Result<(), Problem> {
        let named = |tags: &ETags| etag.is_some_and(|etag| tags.name(etag));
        let named_strongly = |tags: &ETags| etag.is_some_and(|etag| tags.name_strongly(etag));
        let holds = self.matches.as_ref().is_none_or(named_strongly)
            && !self.differs.as_ref().is_some_and(named);
        if holds { Ok(()) } else { Err(Error::Precondition.into()) }
    }

    /// The condition of a change as the store has it.
    pub fn into_precondition(self) -> Precondition {
        match (self.matches, self.differs) {
            (Some(ETags::Any), _) => Precondition::Exists,
            (Some(ETags::These(tags)), _) => {
                let strong = tags.into_iter().filter(|tag| !tag.is_weak);
                Precondition::Matches(strong.map(|tag| tag.value).collect())
            }
            (None, Some(ETags::Any)) => Precondition::Absent,
            (None, Some(ETags::These(tags))) => {
                Precondition::Differs(tags.into_iter().map(|tag| tag.value).collect())
            }
            (None, None) => Precondition::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hedgeschool_web::ETag;
    use proptest::prelude::*;

    use super::*;
    use crate::call::test_call;
    use hedgeschool_web::Method;

    /// What a precondition means to the store (WIT).
    fn holds(precondition: &Precondition, etag: Option<&str>) -> bool {
        let named = |etags: &[String]| etag.is_some_and(|etag| etags.iter().any(|it| it == etag));
        match precondition {
            Precondition::None => true,
            Precondition::Exists => etag.is_some(),
            Precondition::Absent => etag.is_none(),
            Precondition::Matches(etags) => named(etags),
            Precondition::Differs(etags) => !named(etags),
        }
    }

    fn any_tags() -> impl Strategy<Value = Option<ETags>> {
        let tag = ("[a-c]", any::<bool>()).prop_map(|(value, is_weak)| ETag { value, is_weak });
        let tags = prop::collection::vec(tag, 1..4).prop_map(ETags::These);
        prop::option::of(prop_oneof![Just(ETags::Any), tags])
    }

    proptest! {
        #[test]
        fn here_and_in_the_store_conditions_mean_the_same(
            tags in any_tags(),
            is_match in any::<bool>(),
            etag in prop::option::of("[a-c]"),
        ) {
            let (matches, differs) = if is_match { (tags, None) } else { (None, tags) };
            let conditions = Conditions { matches, differs };
            let here = conditions.check_etag(etag.as_deref()).is_ok();
            prop_assert_eq!(here, holds(&conditions.into_precondition(), etag.as_deref()));
        }
    }

    #[test]
    fn a_change_has_one_condition_at_most() {
        let of =
            |headers: &[(&str, &str)]| Conditions::of_change(&test_call(Method::PUT, "", headers));
        assert!(of(&[]).is_ok_and(|conditions| conditions.is_empty()));
        assert!(of(&[("if-match", "\"a\"")]).is_ok_and(|conditions| !conditions.is_empty()));
        assert!(of(&[("if-match", "*"), ("if-none-match", "*")]).is_err());
    }

    #[test]
    fn who_has_it_gets_nothing_and_who_wants_another_is_told() {
        let status = |headers: &[(&str, &str)]| {
            let found = Representation::of_json(&serde_json::json!({}));
            match found.into_reply(&test_call(Method::GET, "", headers)) {
                Ok(reply) => reply.status(),
                Err(problem) => problem.status,
            }
        };
        let etag = quote_etag(&Representation::of_json(&serde_json::json!({})).etag);
        assert_eq!(status(&[]), StatusCode::OK);
        assert_eq!(status(&[("if-none-match", &etag)]), StatusCode::NOT_MODIFIED);
        assert_eq!(status(&[("if-none-match", "\"other\"")]), StatusCode::OK);
        assert_eq!(status(&[("if-match", &etag)]), StatusCode::OK);
        assert_eq!(status(&[("if-match", "\"other\"")]), StatusCode::PRECONDITION_FAILED);
    }
}
