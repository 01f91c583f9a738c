//! Files of packages: immutable, so cached for good, by browsers and in the instance.

use std::time::Duration;

use bytes::Bytes;
use flate2::Crc;
use hedgeschool_web::cache::Cache;
use hedgeschool_web::coding::{Accepted, Coding};
use hedgeschool_web::{
    ETags, HeaderMap, Method, Problem, Reply, Request, StatusCode, header, settings,
};

use hedgeschool_package::media_type;
use percent_encoding::percent_decode_str;

use crate::access::{self, Access};
use crate::document::{self, with_script};
use crate::packed::{self, is_packable, is_reserved};
use crate::packer::{Effort, pack_bytes};
use crate::range::{Selection, select_part};
use crate::store::{self, File};

/// Replies up to this size, in bytes, are read into memory, and files of it kept there; larger
/// ones stream.
const WHOLE_BYTES_MAX: u64 = 100_000;
/// How many files an instance remembers: together at most 6.4 MB.
const FILES_MAX: usize = 64;
/// How long it remembers them. They never change; this frees what nobody asks for.
const FILE_AGE: Duration = Duration::from_secs(600);

/// On the portal's origin, content gets an origin of its own by this (ADR 20).
const SANDBOX: &str = "sandbox allow-scripts allow-forms allow-popups allow-downloads allow-modals";
/// What a folder's address stands for.
const INDEX: &str = "index.html";
/// Largest part of a blob that the store reads at once, in bytes.
const READ_BYTES_MAX: u64 = 1 << 20;

/// A file, or a packed form of it, and, if it is small or was changed, its bytes.
#[derive(Clone)]
struct ServedFile {
    hash: String,
    /// Names the bytes that are sent: the hash, unless they are changed on their way.
    tag: String,
    size: u64,
    media_type: String,
    coding: Option<Coding>,
    bytes: Option<Bytes>,
}

/// Which file is asked for, by whom.
pub struct FileRequest<'a> {
    /// See [`access::find_learner`]. None: not in the address.
    pub grant: Option<&'a str>,
    /// The package's hash.
    pub package: &'a str,
    /// The rest of the address, as it was written.
    pub path: &'a str,
}

/// In which forms it may be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Forms {
    /// As a page: documents get our script.
    as_document: bool,
    /// Packed: in one of these, the first that there is.
    codings: [Option<Coding>; 2],
}

thread_local! {
    static FILES: Cache<ServedFile> = Cache::new(FILES_MAX, FILE_AGE);
}

/// Answers `GET` and `HEAD` for a file of a package.
pub async fn deliver_file(request: &Request, wanted: FileRequest<'_>) -> Result<Reply, Problem> {
    let is_alone = access::check_origin(request, wanted.package).await?;
    let access = access::find_access(request, wanted.grant, wanted.package).await?;
    let as_document = access == Access::Granted && may_be_document(request.headers());
    let forms = Forms {
        as_document,
        codings: acceptable_codings(request.method(), request.headers(), wanted.path),
    };
    let Some(found) = find_served(&wanted, forms).await? else {
        return redirect_to_folder(&wanted).await;
    };
    let reply = answer_found(request, &found).await?;
    let reply = reply
        .with_header("etag", &format!("\"{}\"", found.tag))
        .with_header("cache-control", access.cache_control())
        .with_header("x-content-type-options", "nosniff");
    let reply = match found.coding {
        Some(_) => reply,
        None => reply.with_header("accept-ranges", "bytes"),
    };
    let reply = match vary_header(&found.media_type) {
        "" => reply,
        headers => reply.with_header("vary", headers),
    };
    let reply = match vouch_header(request, &wanted, access).await? {
        Some(header) => reply.with_header("hedge-cache-control", &header),
        None => reply,
    };
    Ok(if is_alone { reply } else { reply.with_header("content-security-policy", SANDBOX) })
}

/// What tells the host whom it may answer by itself.
async fn vouch_header(
    request: &Request,
    wanted: &FileRequest<'_>,
    access: Access,
) -> Result<Option<String>, Problem> {
    let header = access.vouch_for(request.uri().path(), wanted.path, wanted.package);
    if header.is_none() || settings::is_on("cache_enabled").await? { Ok(header) } else { Ok(None) }
}

async fn answer_found(request: &Request, found: &ServedFile) -> Result<Reply, Problem> {
    let headers = request.headers();
    let known = ETags::of(headers, "if-none-match").ok().flatten();
    if known.is_some_and(|tags| tags.name(&found.tag)) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
    }
    let reply = match select_range(request.method(), headers, &found.tag, found.size, found.coding)
    {
        _ if request.method() == Method::HEAD => head_reply(found),
        Selection::Whole => read_body(found, StatusCode::OK, 0, found.size).await?,
        Selection::Part { start, length } => {
            let content_range = format!("bytes {start}-{}/{}", start + length - 1, found.size);
            let reply = read_body(found, StatusCode::PARTIAL_CONTENT, start, length).await?;
            reply.with_header("content-range", &content_range)
        }
        Selection::Unsatisfiable => return Err(unsatisfiable_range(found.size)),
    };
    let reply = reply.with_header("content-type", &found.media_type);
    Ok(match found.coding {
        Some(coding) => reply.with_header("content-encoding", coding.name()),
        None => reply,
    })
}

/// What of a request decides which form of a file it gets.
fn vary_header(media_type: &str) -> &'static str {
    match is_packable(media_type) {
        _ if document::is_document(media_type) => "accept-encoding, sec-fetch-dest",
        true => "accept-encoding",
        false => "",
    }
}

/// The codings in which a file may be sent. Ranges are of the file as it is, for players and those
/// who go on with a download, unless that is refused.
fn acceptable_codings(method: &Method, headers: &HeaderMap, path: &str) -> [Option<Coding>; 2] {
    let accepted = Accepted::of(headers);
    let has_range = method == Method::GET && headers.contains_key("range");
    let is_plain = has_range && !accepted.is_plain_refused;
    let may_be_packed = || packed::may_be_packed(&with_index(path));
    if is_plain || accepted.codings == [None; 2] || !may_be_packed() {
        return [None; 2];
    }
    accepted.codings
}

/// Whether a browser may show the answer as a page. Those that do not say what they want it for
/// may.
fn may_be_document(headers: &HeaderMap) -> bool {
    let shown = ["document", "iframe", "frame", "embed", "object"];
    header(headers, "sec-fetch-dest").is_none_or(|purpose| shown.contains(&purpose))
}

/// What is answered for a file that is not there: its folder's address needs a slash at its end,
/// so that what the folder's page names is found.
async fn redirect_to_folder(wanted: &FileRequest<'_>) -> Result<Reply, Problem> {
    let name = wanted.path.rsplit('/').next().unwrap_or_default();
    let folder = FileRequest { path: &format!("{}/", wanted.path), ..*wanted };
    if name.is_empty() || file_at(&folder, [None; 2]).await?.is_none() {
        return Err(Problem::not_found("the package has no file at this path"));
    }
    let there = Reply::empty(StatusCode::MOVED_PERMANENTLY);
    Ok(there.with_header("location", &format!("./{name}/")))
}

/// The file, from the instance's memory or the store.
async fn find_served(
    wanted: &FileRequest<'_>,
    forms: Forms,
) -> Result<Option<ServedFile>, Problem> {
    let is_cached = settings::is_on("cache_enabled").await?;
    let Forms { as_document, codings } = forms;
    let [first, second] = codings.map(|coding| coding.map_or("", Coding::name));
    let key = format!("{as_document} {first} {second} {}/{}", wanted.package, wanted.path);
    if let Some(found) = FILES.with(|files| files.get(&key)).filter(|_| is_cached) {
        return Ok(Some(found));
    }
    // Which one it is decides whether it is changed on its way, and is packed only then.
    let is_document = as_document && document::is_document(&media_type(&with_index(wanted.path)));
    let stored = if is_document { [None; 2] } else { codings };
    let Some((file, coding)) = file_at(wanted, stored).await? else { return Ok(None) };
    let found = load_file(file, coding, forms).await?;
    if is_cached && found.size <= WHOLE_BYTES_MAX {
        FILES.with(|files| files.insert(key, found.clone()));
    }
    Ok(Some(found))
}

/// The file at a path as it was written or, if there is none, as that is decoded: tools name files
/// either way. In the first of the codings in which it is there.
async fn file_at(
    wanted: &FileRequest<'_>,
    codings: [Option<Coding>; 2],
) -> Result<Option<(File, Option<Coding>)>, Problem> {
    let decoded = percent_decode_str(wanted.path).decode_utf8().unwrap_or_default();
    let mut paths = vec![decoded.as_ref()];
    if decoded != wanted.path {
        paths.push(wanted.path);
    }
    for path in paths.into_iter().map(with_index).filter(|path| !is_reserved(path)) {
        for coding in codings.into_iter().flatten() {
            let place = packed::packed_path(coding, &path);
            if let Some(file) = store::find_file(wanted.package.to_owned(), place).await? {
                return Ok(Some((file, Some(coding))));
            }
        }
        if let Some(file) = store::find_file(wanted.package.to_owned(), path).await? {
            return Ok(Some((file, None)));
        }
    }
    Ok(None)
}

/// The path of a file; of a folder, that of its page.
fn with_index(path: &str) -> String {
    let is_folder = path.is_empty() || path.ends_with('/');
    if is_folder { format!("{path}{INDEX}") } else { path.to_owned() }
}

async fn load_file(
    file: File,
    coding: Option<Coding>,
    forms: Forms,
) -> Result<ServedFile, Problem> {
    let File { hash, size, media_type, .. } = file;
    let is_document = document::is_document(&media_type) && size <= document::BYTES_MAX;
    if forms.as_document && is_document && coding.is_none() {
        let bytes = with_script(&read_bytes(&hash, 0, size).await?);
        let first = forms.codings.into_iter().flatten().next();
        return serve_document(hash, media_type, bytes, first);
    }
    let bytes = if size > WHOLE_BYTES_MAX { None } else { Some(read_bytes(&hash, 0, size).await?) };
    Ok(ServedFile { tag: hash.clone(), hash, size, media_type, coding, bytes })
}

/// A document that was changed, packed here if it is worth it: it is no file.
fn serve_document(
    hash: String,
    media_type: String,
    bytes: Vec<u8>,
    coding: Option<Coding>,
) -> Result<ServedFile, Problem> {
    let tag = format!("{hash}-{}", document::REVISION);
    let coding = coding.filter(|_| packed::is_quick(bytes.len()));
    if let Some(coding) = coding {
        let packed = pack_bytes(coding, Effort::Least, &bytes).map_err(Problem::internal)?;
        if packed::is_worth_it(packed.len(), bytes.len() as u64) {
            // The next release may pack otherwise.
            let mut check = Crc::new();
            check.update(&packed);
            let tag = format!("{tag}-{}-{:08x}", coding.name(), check.sum());
            let (size, bytes) = (packed.len() as u64, Some(Bytes::from(packed)));
            return Ok(ServedFile { hash, tag, size, media_type, coding: Some(coding), bytes });
        }
    }
    let (size, bytes) = (bytes.len() as u64, Some(Bytes::from(bytes)));
    Ok(ServedFile { hash, tag, size, media_type, coding: None, bytes })
}

/// A `Range` counts for `GET` only, and with `If-Range` only while the tag still holds (RFC 9110,
/// 13.1.5: compared strongly, and a date is never the file's). What is packed has no ranges.
fn select_range(
    method: &Method,
    headers: &HeaderMap,
    tag: &str,
    size: u64,
    coding: Option<Coding>,
) -> Selection {
    let etag = format!("\"{tag}\"");
    let still_holds = header(headers, "if-range").is_none_or(|tag| tag.trim() == etag);
    match header(headers, "range") {
        Some(range) if still_holds && method == Method::GET && coding.is_none() => {
            select_part(range, size)
        }
        _ => Selection::Whole,
    }
}

async fn read_body(
    found: &ServedFile,
    status: StatusCode,
    start: u64,
    length: u64,
) -> Result<Reply, Problem> {
    if let Some(bytes) = &found.bytes {
        let (start, end) = (start as usize, (start + length) as usize);
        return Ok(Reply::new(status, &found.media_type, bytes.slice(start..end)));
    }
    if length <= WHOLE_BYTES_MAX {
        let bytes = read_bytes(&found.hash, start, length).await?;
        return Ok(Reply::new(status, &found.media_type, bytes));
    }
    let stream = store::stream_blob(found.hash.clone(), start, length).await?;
    Ok(Reply::stream(status, length, stream))
}

/// Some bytes of a blob, all of which must be there.
async fn read_bytes(hash: &str, start: u64, length: u64) -> Result<Bytes, Problem> {
    let lost = || Problem::internal(format!("blob {hash} lacks bytes from {start}"));
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < length {
        let have = bytes.len() as u64;
        let wanted = (length - have).min(READ_BYTES_MAX).try_into().unwrap_or(u32::MAX);
        let read = store::read_blob(hash.to_owned(), start + have, wanted).await?;
        bytes.extend(read.filter(|read| !read.is_empty()).ok_or_else(lost)?);
    }
    Ok(Bytes::from(bytes))
}

fn head_reply(found: &ServedFile) -> Reply {
    Reply::empty(StatusCode::OK).with_header("content-length", &found.size.to_string())
}

fn unsatisfiable_range(size: u64) -> Problem {
    let detail = format!("the file has {size} bytes");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail)
        .with_header("content-range", format!("bytes */{size}"))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
