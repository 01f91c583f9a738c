use std::io::Read;

use flate2::read::GzDecoder;

use crate::coding::{Accepted, Coding};
use crate::{ETags, Problem, Reply, Request, StatusCode};

/// A file of a component's own, such as a style sheet, which the crate hedgeschool-assets packed
/// when the component was built.
pub struct Asset {
    /// What it is.
    pub media_type: &'static str,
    /// Names its bytes.
    pub tag: &'static str,
    /// The bytes, by gzip.
    pub packed: &'static [u8],
}

impl Asset {
    /// The answer to `GET`, packed for who takes it. `caching` is for how long browsers may keep
    /// it: the next release has another under the same name.
    ///
    /// # Errors
    /// 500 if what was packed at build cannot be unpacked.
    pub fn reply(&self, request: &Request, caching: &str) -> Result<Reply, Problem> {
        let is_packed = Accepted::of(request.headers()).takes(Coding::Gzip);
        let tag = if is_packed { format!("{}-gzip", self.tag) } else { self.tag.to_owned() };
        let known = ETags::of(request.headers(), "if-none-match").ok().flatten();
        let reply = match known.is_some_and(|tags| tags.name(&tag)) {
            true => Reply::empty(StatusCode::NOT_MODIFIED),
            false if is_packed => Reply::new(StatusCode::OK, self.media_type, self.packed)
                .with_header("content-encoding", Coding::Gzip.name()),
            false => Reply::new(StatusCode::OK, self.media_type, self.unpack_bytes()?),
        };
        Ok(reply
            .with_header("etag", &format!("\"{tag}\""))
            .with_header("cache-control", caching)
            .with_header("vary", "accept-encoding")
            .with_header("x-content-type-options", "nosniff"))
    }

    fn unpack_bytes(&self) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        GzDecoder::new(self.packed).read_to_end(&mut bytes).map_err(Problem::internal)?;
        Ok(bytes)
    }
}
