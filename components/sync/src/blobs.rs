//! Fetching the bytes of announced packages, from wherever the last attempt ended.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use hedgeschool_replication::wire::{BLOBS_PATH, PIECES_BYTES_MAX, Piece, Pieces};
use hedgeschool_web::{Problem, StatusCode};
use http_body_util::BodyExt;

use crate::push::Halt;
use crate::stores::{ContentError, arrivals};
use crate::upstream::{ANSWER, Answer, Failure, Upstream, failure};

/// Fetches until everything that was announced is here, or until the deadline; answers how many bytes came.
pub async fn fetch(upstream: &Upstream, deadline: Instant) -> Result<u64, Halt> {
    let mut bytes = 0;
    loop {
        let wanted = arrivals::wanted(PIECES_BYTES_MAX).await?;
        if wanted.is_empty() {
            arrivals::finish().await?;
            return Ok(bytes);
        }
        let pieces = wanted.into_iter().map(|blob| Piece {
            length: blob.size - blob.have,
            hash: blob.hash,
            start: blob.have,
        });
        bytes += fetch_pieces(upstream, pieces.collect()).await?;
        if Instant::now() > deadline {
            return Ok(bytes);
        }
    }
}

/// Fetches pieces by one request.
async fn fetch_pieces(upstream: &Upstream, pieces: Vec<Piece>) -> Result<u64, Halt> {
    let mut intake =
        Intake { waiting: pieces.iter().cloned().collect(), read: BytesMut::new(), bytes: 0 };
    let request = Pieces { node: upstream.me.clone(), pieces };
    let sent = upstream.send(BLOBS_PATH, &request);
    let response = upstream.within(BLOBS_PATH, ANSWER, sent).await?;
    let (head, mut body) = response.into_parts();
    if head.status != StatusCode::OK {
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        return Err(failure(&Answer { status: head.status, headers: head.headers, body }).into());
    }
    let ended = loop {
        let frame = async { Ok(body.frame().await) };
        match upstream.within(BLOBS_PATH, ANSWER, frame).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    intake.take(data).await?;
                }
            }
            Ok(None) => break Ok(()),
            Ok(Some(Err(error))) => break Err(upstream.down(BLOBS_PATH, error)),
            Err(failure) => break Err(failure),
        }
    };
    // What came before a cut does not come again.
    intake.keep().await?;
    match ended {
        Ok(()) if intake.waiting.is_empty() => Ok(intake.bytes),
        Ok(()) => Err(upstream.down(BLOBS_PATH, "the answer ends early").into()),
        Err(failure) => Err(Halt::Upstream(failure)),
    }
}

/// Bytes on their way into the store.
struct Intake {
    /// The pieces that are still to come, the first one perhaps in part.
    waiting: VecDeque<Piece>,
    /// The first bytes of the first of them.
    read: BytesMut,
    /// All bytes so far.
    bytes: u64,
}

impl Intake {
    async fn take(&mut self, data: Bytes) -> Result<(), Problem> {
        self.bytes += data.len() as u64;
        self.read.extend_from_slice(&data);
        while let Some(piece) = self.waiting.front() {
            let length = usize::try_from(piece.length).unwrap_or(usize::MAX);
            if self.read.len() < length {
                break;
            }
            let bytes = self.read.split_to(length);
            self.put(bytes).await?;
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Keeps what there is of a piece that has not come whole.
    async fn keep(&mut self) -> Result<(), Problem> {
        let bytes = self.read.split();
        if bytes.is_empty() { Ok(()) } else { self.put(bytes).await }
    }

    async fn put(&self, bytes: BytesMut) -> Result<(), Problem> {
        let Some(piece) = self.waiting.front() else { return Ok(()) };
        arrivals::put_bytes(piece.hash.clone(), piece.start, bytes.to_vec()).await?;
        Ok(())
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        crate::stores::Error::from(error).into()
    }
}

impl From<ContentError> for Halt {
    fn from(error: ContentError) -> Self {
        Self::Here(error.into())
    }
}

/// Whether the upstream lacks what it announced: it will have it later.
pub fn is_missing(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(StatusCode::NOT_FOUND, _))
}
