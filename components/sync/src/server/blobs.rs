//! Bytes of blobs, for nodes below.

use std::cell::Cell;

use hedgeschool_replication::wire::{BODY_BYTES_MAX, BlobsRequest, PIECE_BYTES_MAX, Piece};
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use spin_sdk::wit_bindgen::{StreamReader, StreamWriter, spawn};

use crate::error::Result;
use crate::permit::Permit;
use crate::server::access::{check_same_node, find_sender};
use crate::store::{packages, wit_stream};

/// Streams of blobs that an instance sends at one time: each holds a piece in memory.
const SENDING_MAX: usize = 32;

thread_local! {
    static SENDING: Cell<usize> = const { Cell::new(0) };
}

/// `POST /sync/v1/blobs`: bytes of blobs, in the order asked for.
pub async fn answer_blobs(request: Request) -> Result<Reply> {
    let sender = find_sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let asked = BlobsRequest::parse(&bytes)?;
    check_same_node(&sender, &asked.node)?;
    let Some(permit) = Permit::try_take(&SENDING, SENDING_MAX) else {
        let problem =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many fetch blobs: try again");
        return Err(problem.with_header("retry-after", "1").into());
    };
    let hashes = asked.pieces.iter().map(|piece| piece.hash.clone()).collect();
    if let Some(hash) = packages::missing_blob(hashes).await? {
        return Err(Problem::not_found(format!("there is no blob {hash} here")).into());
    }
    let length = asked.pieces.iter().map(|piece| piece.length).sum();
    Ok(Reply::stream(StatusCode::OK, length, stream_pieces(asked.pieces, permit)))
}

/// The pieces, in this order. A stream that ends early is how the reader learns that one could not
/// be read. The permit is taken until the stream ends.
fn stream_pieces(pieces: Vec<Piece>, permit: Permit) -> StreamReader<u8> {
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(async move {
        write_pieces(writer, pieces).await;
        drop(permit);
    });
    reader
}

async fn write_pieces(mut writer: StreamWriter<u8>, pieces: Vec<Piece>) {
    for piece in pieces {
        let length = u32::try_from(piece.length.min(PIECE_BYTES_MAX)).unwrap_or(u32::MAX);
        let read = packages::read_blob(piece.hash.clone(), piece.start, length).await;
        let Ok(Some(bytes)) = read else {
            return eprintln!("blob {} could not be read", piece.hash);
        };
        // Whoever has gone asks again for what did not arrive.
        let is_short = bytes.len() as u64 != piece.length;
        if !writer.write_all(bytes).await.is_empty() || is_short {
            return;
        }
    }
}
