//! Packing bytes in a coding.

use std::io::{self, Write};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use hedgeschool_web::coding::Coding;

/// How far brotli looks back, as a power of two: as far as the file is long. Below the least, the
/// encoder takes to tables that cost more than small files do.
const WINDOW: (u32, u32) = (17, 22);
/// How many bytes brotli takes in before it looks at them, as a power of two: nothing else runs in
/// the instance meanwhile.
const BLOCK: i32 = 16;
/// Bytes of the buffer between encoder and output.
const BUFFER_BYTES: usize = 16 << 10;

/// How much time packing may take for how little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// While somebody waits for it.
    Least,
    /// Of what is packed once, and of which there may be much.
    Some,
    /// Of what is packed once, and is small.
    Most,
}

/// Bytes being packed.
pub enum Packer {
    /// By brotli.
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    /// By gzip.
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Packer {
    /// Begins with a file of `size` bytes. The same bytes come out the same, always: packages are
    /// named by what is in them.
    pub fn new(coding: Coding, effort: Effort, size: u64) -> Self {
        match coding {
            Coding::Brotli => {
                let (least, most) = WINDOW;
                let window = u64::BITS - size.saturating_sub(1).leading_zeros();
                let parameters = BrotliEncoderParams {
                    quality: match effort {
                        Effort::Least => 4,
                        Effort::Some => 5,
                        Effort::Most => 10,
                    },
                    lgwin: window.clamp(least, most).cast_signed(),
                    lgblock: BLOCK,
                    size_hint: size.try_into().unwrap_or(usize::MAX),
                    ..BrotliEncoderParams::default()
                };
                let writer = CompressorWriter::with_params(Vec::new(), BUFFER_BYTES, &parameters);
                Self::Brotli(Box::new(writer))
            }
            Coding::Gzip => {
                let level = if effort == Effort::Least { 4 } else { 7 };
                Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(level))))
            }
        }
    }

    /// Takes in what comes next.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Brotli(writer) => writer.write_all(bytes),
            Self::Gzip(writer) => writer.write_all(bytes),
        }
    }

    /// The whole, packed.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli(writer) => Ok(writer.into_inner()),
            Self::Gzip(writer) => writer.finish(),
        }
    }
}

/// Packs bytes that are all there.
pub fn pack_bytes(coding: Coding, effort: Effort, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = Packer::new(coding, effort, bytes.len() as u64);
    packer.write(bytes)?;
    packer.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use brotli::Decompressor;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn unpacked(coding: Coding, packed: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        match coding {
            Coding::Brotli => Decompressor::new(packed, 4_096).read_to_end(&mut bytes),
            Coding::Gzip => GzDecoder::new(packed).read_to_end(&mut bytes),
        }
        .unwrap();
        bytes
    }

    #[test]
    fn text_becomes_less_and_the_more_the_effort_the_less() {
        let text = include_str!("../static/storage.js");
        for coding in Coding::ALL {
            let [least, some, most] = [Effort::Least, Effort::Some, Effort::Most]
                .map(|effort| pack_bytes(coding, effort, text.as_bytes()).unwrap().len());
            assert!(
                least < text.len() / 2 && some <= least && most <= some,
                "{least} {some} {most}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn what_is_packed_in_pieces_is_the_same_and_comes_out_again(
            words in proptest::collection::vec("[a-c]{1,6}|[\u{0}-\u{ff}]{3}", 0..9_000),
            piece in 1_usize..70_000,
        ) {
            let bytes = words.concat().into_bytes();
            for coding in Coding::ALL {
                for effort in [Effort::Least, Effort::Some, Effort::Most] {
                    let mut packer = Packer::new(coding, effort, bytes.len() as u64);
                    for piece in bytes.chunks(piece) {
                        packer.write(piece).unwrap();
                    }
                    let packed = packer.finish().unwrap();
                    prop_assert_eq!(&unpacked(coding, &packed), &bytes);
                    prop_assert_eq!(&pack_bytes(coding, effort, &bytes).unwrap(), &packed);
                }
            }
        }
    }
}
