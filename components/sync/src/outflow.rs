//! Bytes of blobs as a stream, one piece after the other.

use hedgeschool_replication::wire::{PIECE_BYTES_MAX, Piece};
use spin_sdk::wit_bindgen::{StreamReader, StreamWriter, spawn};

use crate::place::Place;
use crate::stores::{packages, wit_stream};

/// The pieces, in this order. A stream that ends early is how the reader learns that one could not
/// be read. The place is taken until the stream ends.
pub fn of(pieces: Vec<Piece>, place: Place) -> StreamReader<u8> {
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(async move {
        write(writer, pieces).await;
        drop(place);
    });
    reader
}

async fn write(mut writer: StreamWriter<u8>, pieces: Vec<Piece>) {
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
