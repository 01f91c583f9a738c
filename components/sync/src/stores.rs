//! The journals of the node's stores, all alike: what they hold is no concern of replication.

mod types;

use hedgeschool_replication::recognise::Told;
use hedgeschool_replication::wire;
use hedgeschool_web::random_bytes;
use serde_json::value::RawValue;

pub use types::{
    Audience, Batch, Concerned, Conflict, Error, Limits, Outline, Page, Usage, Waiting, origin,
};

/// The stores of one WIT package each.
macro_rules! bindings {
    ($module:ident, $path:literal) => {
        #[allow(missing_docs, dead_code, reason = "generated; the WIT documents it")]
        mod $module {
            wit_bindgen::generate!({
                path: $path,
                world: "client",
            });
        }
    };
}

bindings!(content_bindings, "../../wit/content");
bindings!(identity_bindings, "../../wit/identity");
bindings!(progress_bindings, "../../wit/progress");

pub use content_bindings::hedgeschool::content::types::Error as ContentError;
pub use content_bindings::hedgeschool::content::{arrivals, packages};
pub use content_bindings::wit_stream;
pub use progress_bindings::hedgeschool::progress::attachments;

/// A journal of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// Courses.
    Content,
    /// People.
    Identity,
    /// Statements and documents.
    Progress,
}

/// Makes the functions of [`Journal`] call those of the package that it is.
macro_rules! journal {
    ($($name:ident $text:literal $bindings:ident $package:ident),*) => {
        $(
            impl From<$bindings::hedgeschool::$package::types::Error> for Error {
                fn from(error: $bindings::hedgeschool::$package::types::Error) -> Self {
                    use $bindings::hedgeschool::$package::types::Error as Stored;
                    match error {
                        Stored::Invalid(rule) => Self::Invalid(rule),
                        Stored::Forbidden(rule) => Self::Forbidden(rule),
                        Stored::Moved(_) => Self::Moved,
                        Stored::Full => Self::Full,
                        Stored::Busy => Self::Busy,
                        other => Self::Other(format!("{} store: {other:?}", $text)),
                    }
                }
            }
        )*

        impl Journal {
            /// All of them, in the order in which a node needs them: who, what, and what came of
            /// it.
            pub const ALL: [Self; 3] = [$(Self::$name),*];

            /// The journal of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }

            /// Its name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Why this build can never use the store's database, if so.
            pub async fn check_schema(self) -> Result<Option<String>, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::check_schema().await?)
                }),* }
            }

            /// Names this copy of the store.
            pub async fn epoch(self) -> Result<String, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::epoch().await?)
                }),* }
            }

            /// Begins another epoch; other nodes have nothing of this copy past a sequence.
            pub async fn renew(self, epoch: String, after: u64) -> Result<(), Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::renew(epoch, after).await?)
                }),* }
            }

            /// The last sequence.
            pub async fn head(self) -> Result<u64, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::head().await?)
                }),* }
            }

            /// Entries for an audience, of about so many bytes.
            pub async fn entries(
                self,
                audience: Audience,
                after: u64,
                until: Option<u64>,
                size: u32,
            ) -> Result<Page, Error> {
                let limit = wire::BATCH_ENTRIES_MAX;
                let Audience { node, origin, above, serves } = audience;
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::{journal, types};
                    let audience = types::Audience { node, origin, above, serves };
                    let page = journal::entries(audience, after, until, limit, size).await?;
                    let entries = page.entries.into_iter();
                    let entries = entries.map(|it| entry(it.sequence, it.kind, it.payload));
                    let entries = entries.collect::<Result<_, _>>()?;
                    Ok(Page { entries, through: page.through, more: page.more })
                }),* }
            }

            /// Whom the entries after a sequence concern, of the nodes below.
            pub async fn concerned(self, after: u64) -> Result<Concerned, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    let found = journal::concerned(after).await?;
                    Ok(Concerned {
                        through: found.through,
                        everyone: found.everyone,
                        nodes: found.nodes,
                        homes: found.homes,
                    })
                }),* }
            }

            /// How much there is for an audience.
            pub async fn waiting(
                self,
                audience: Audience,
                after: u64,
                until: Option<u64>,
            ) -> Result<Waiting, Error> {
                let Audience { node, origin, above, serves } = audience;
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::{journal, types};
                    let audience = types::Audience { node, origin, above, serves };
                    let waiting = journal::waiting_for(audience, after, until).await?;
                    Ok(Waiting { entries: waiting.entries, oldest_us: waiting.oldest })
                }),* }
            }

            /// Entries about a subject.
            pub async fn about(self, subject: String, after: u64) -> Result<Page, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    let limit = wire::BATCH_ENTRIES_MAX;
                    let size = wire::BATCH_BYTES;
                    let page = journal::entries_about(subject, after, limit, size).await?;
                    let entries = page.entries.into_iter();
                    let entries = entries.map(|it| entry(it.sequence, it.kind, it.payload));
                    let entries = entries.collect::<Result<_, _>>()?;
                    Ok(Page { entries, through: page.through, more: page.more })
                }),* }
            }

            /// Makes a subject concern a node below.
            pub async fn follow(self, node: String, subject: String) -> Result<(), Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::follow(node, subject).await?)
                }),* }
            }

            /// The subjects that concern a node.
            pub async fn followed(self, node: String, after: String) -> Result<Vec<String>, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::followed(node, after).await?)
                }),* }
            }

            /// Where the journal is, what there is about a node, and notes whose names begin like
            /// these.
            pub async fn look(self, node: String, prefixes: Vec<String>) -> Result<Outline, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    let found = journal::look(node, prefixes).await?;
                    let told = found.told.into_iter().map(|it| {
                        wire::Bookmark { epoch: it.epoch, through: it.through, receipt: it.text }
                    });
                    Ok(Outline {
                        epoch: found.epoch,
                        head: found.head,
                        followed: found.followed,
                        told: Told(told.collect()),
                        notes: found.notes.into_iter().collect(),
                    })
                }),* }
            }

            /// Takes note that a node is told of the journal, or sent some of it, before it is;
            /// answers what it gets with that.
            pub async fn tell(
                self,
                node: String,
                epoch: String,
                through: u64,
            ) -> Result<wire::Bookmark, Error> {
                let receipt = format!("{:016x}", u64::from_le_bytes(random_bytes()));
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::{journal, types};
                    let (epoch, text) = (epoch.clone(), receipt.clone());
                    journal::tell(node, types::Receipt { epoch, through, text }).await?;
                }),* }
                Ok(wire::Bookmark { epoch, through, receipt })
            }

            /// Whether a subject concerns a node.
            pub async fn is_followed(self, node: String, subject: String) -> Result<bool, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::is_followed(node, subject).await?)
                }),* }
            }

            /// What was noted under a name.
            pub async fn note(self, name: String) -> Result<Option<String>, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::note(name).await?)
                }),* }
            }

            /// Notes whose names begin like this.
            pub async fn notes(self, prefix: String) -> Result<Vec<(String, String)>, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::notes(prefix).await?)
                }),* }
            }

            /// Notes something.
            pub async fn set_note(self, name: String, text: String) -> Result<(), Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::set_note(name, text).await?)
                }),* }
            }

            /// Applies a batch.
            pub async fn apply(self, batch: Batch) -> Result<(), Error> {
                let Batch { peer, scope, note, before, after, entries } = batch;
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::{journal, types};
                    let entries = entries.into_iter().map(|entry| types::Entry {
                        sequence: entry.sequence,
                        kind: entry.kind,
                        payload: Box::<str>::from(entry.payload).into(),
                    });
                    let entries = entries.collect();
                    let batch = types::Batch { peer, scope, note, before, after, entries };
                    Ok(journal::apply(batch).await?)
                }),* }
            }

            /// A page of conflicts.
            pub async fn conflicts(self, after: u64) -> Result<Vec<Conflict>, Error> {
                match self { $(Self::$name => {
                    let found = $bindings::hedgeschool::$package::journal::conflicts(after).await?;
                    Ok(found.into_iter().map(|it| {
                        let (lost, standing) =
                            (parsed(Some(&it.lost)), parsed(it.standing.as_ref()));
                        let texts = [Some(&it.lost), it.standing.as_ref()];
                        Conflict {
                            bytes: texts
                                .into_iter()
                                .flatten()
                                .map(|text| text.len().min(SHOWN_BYTES))
                                .sum(),
                            key: it.key,
                            kind: it.kind,
                            subject: it.subject,
                            has_other_password: have_other_passwords(&lost, &standing),
                            lost: shown(lost),
                            standing: shown(standing),
                            noticed_ms: it.noticed,
                            against: it.against,
                            is_restorable: it.is_restorable,
                        }
                    }).collect())
                }),* }
            }

            /// How many conflicts there are.
            pub async fn count_conflicts(self) -> Result<u64, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::count_conflicts().await?)
                }),* }
            }

            /// How much of the disk the store takes.
            pub async fn usage(self) -> Result<Usage, Error> {
                match self { $(Self::$name => {
                    let usage = $bindings::hedgeschool::$package::journal::size().await?;
                    Ok(Usage { bytes: usage.bytes })
                }),* }
            }

            /// Keeps the store within limits.
            pub async fn keep_within(
                self,
                limits: Option<Limits>,
                holder: Option<String>,
            ) -> Result<(), Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::{journal, types};
                    let limits = limits.map(|Limits { high, full }| types::Limits { high, full });
                    Ok(journal::keep_within(limits, holder).await?)
                }),* }
            }

            /// Settles a conflict.
            pub async fn settle(self, key: u64, restore: bool) -> Result<bool, Error> {
                match self { $(Self::$name => {
                    use $bindings::hedgeschool::$package::journal;
                    Ok(journal::settle(key, restore).await?)
                }),* }
            }
        }
    };
}

journal!(
    Identity "identity" identity_bindings identity,
    Content "content" content_bindings content,
    Progress "progress" progress_bindings progress
);

fn entry(sequence: u64, kind: String, payload: String) -> Result<wire::Entry, Error> {
    let payload = RawValue::from_string(payload);
    let payload =
        payload.map_err(|error| Error::Other(format!("the store's own JSON: {error}")))?;
    Ok(wire::Entry { sequence, kind, payload })
}

const PASSWORD: &str = "password_hash";

/// Most bytes of a document's content, in base64, that administrators see: whole groups of four.
const CONTENT_BYTES: usize = 65_536;
/// About the most bytes of a version that they see; statements are shown whole.
const SHOWN_BYTES: usize = 1 << 20;

fn parsed(json: Option<&String>) -> serde_json::Value {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

fn have_other_passwords(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    one.get(PASSWORD).zip(other.get(PASSWORD)).is_some_and(|(one, other)| one != other)
}

/// A version as administrators see it: without what would let them sign in as somebody else, and
/// of a long content its beginning.
fn shown(mut version: serde_json::Value) -> serde_json::Value {
    let serde_json::Value::Object(members) = &mut version else { return version };
    members.remove(PASSWORD);
    if let Some(serde_json::Value::String(content)) = members.get_mut("content")
        && content.len() > CONTENT_BYTES
    {
        content.truncate(content.floor_char_boundary(CONTENT_BYTES));
        members.insert("is_content_cut".to_owned(), true.into());
    }
    version
}
