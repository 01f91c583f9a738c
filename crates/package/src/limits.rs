//! What a package may have at most. Past a limit the whole package is refused, with an error that
//! names it.

/// Largest package that is imported, in bytes as it is sent.
pub const PACKAGE_BYTES_MAX: u64 = 16 << 30;
/// Largest manifest, or other file that a format reads, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// Most entries an archive may have, directories included.
pub const FILES_MAX: usize = 20_000;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Most bytes all files may unpack to.
pub const UNPACKED_BYTES_MAX: u64 = 16 << 30;
/// How many times its packed size a file may unpack to, once it is larger than
/// [`RATIO_FREE_BYTES`], and all files together. Deflate reaches 1,032; text of real courses stays
/// below 30.
pub const RATIO_MAX: u64 = 200;
/// Files up to this size, in bytes, may have any ratio; and so many bytes may files unpack to, all
/// together, beyond [`RATIO_MAX`] times their packed sizes.
pub const RATIO_FREE_BYTES: u64 = 4 << 20;
/// Most bytes of all files together that a format reads to know the course: its manifest and what
/// that names, or texts.
pub const READ_BYTES_MAX: u64 = 32 << 20;
/// Most bytes of an archive that are looked at to find its files, and held meanwhile: 20,000 files
/// with names of 700 bytes.
pub const OPENING_BYTES_MAX: u64 = 16 << 20;
/// How deep the elements of a manifest may nest.
pub const XML_DEPTH_MAX: usize = 256;
/// Most elements of a manifest.
pub const XML_ELEMENTS_MAX: usize = 200_000;
/// Most attributes of all elements of a manifest.
pub const XML_ALL_ATTRIBUTES_MAX: usize = 400_000;
/// Most attributes of one element, and most namespaces that are declared in it and around it.
pub const XML_ATTRIBUTES_MAX: usize = 256;
/// Longest name of an element or attribute, in bytes.
pub const XML_NAME_BYTES_MAX: usize = 1_024;
/// Longest value of an attribute, in bytes.
pub const XML_VALUE_BYTES_MAX: usize = 65_536;
/// Most nodes of a manifest: elements, and texts and comments between them.
pub const XML_NODES_MAX: u32 = 500_000;
