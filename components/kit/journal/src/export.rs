/// Exports the `journal` interface of a store: `export_journal!(Store, Kinds, path::of::package)`,
/// where the package is what `generate!` made under `exports` and the store's error is made of
/// [`crate::Error`].
#[macro_export]
macro_rules! export_journal {
    ($store:ty, $kinds:ty, $($package:tt)+) => {
        const _: () = {
            use $($package)+::journal::{self as wit, Guest};
            use $crate as kit;
            use kit::Kinds;

            fn page(page: kit::Page) -> wit::JournalPage {
                let entries = page.entries.into_iter().map(entry).collect();
                wit::JournalPage { entries, through: page.through, more: page.more }
            }

            fn entry(entry: kit::Entry) -> wit::Entry {
                let kit::Entry { sequence, kind, payload } = entry;
                wit::Entry { sequence, kind, payload }
            }

            fn conflict(conflict: kit::Conflict) -> wit::Conflict {
                let is_restorable = conflict.lost.is_restorable();
                wit::Conflict {
                    key: conflict.lost.key,
                    kind: conflict.lost.kind,
                    subject: conflict.lost.subject,
                    lost: conflict.lost.payload,
                    standing: conflict.standing,
                    noticed: conflict.lost.noticed_ms,
                    against: conflict.lost.against,
                    is_restorable,
                }
            }

            impl Guest for $store {
                async fn check_schema() -> Result<Option<String>, wit::Error> {
                    Ok(kit::check_schema(<$kinds>::DATABASE).await?)
                }

                async fn epoch() -> Result<String, wit::Error> {
                    Ok(kit::epoch(<$kinds>::DATABASE).await?)
                }

                async fn renew(epoch: String, after: u64) -> Result<(), wit::Error> {
                    Ok(kit::renew(<$kinds>::DATABASE, epoch, after).await?)
                }

                async fn head() -> Result<u64, wit::Error> {
                    Ok(kit::head(<$kinds>::DATABASE).await?)
                }

                async fn entries(
                    audience: wit::Audience,
                    after: u64,
                    until: Option<u64>,
                    limit: u32,
                    size: u32,
                ) -> Result<wit::JournalPage, wit::Error> {
                    let wit::Audience { node, origin, above, serves } = audience;
                    let audience = kit::Audience { node, origin, above, serves };
                    let database = <$kinds>::DATABASE;
                    let read = kit::entries(database, audience, after, until, limit, size);
                    Ok(page(read.await?))
                }

                async fn concerned(after: u64) -> Result<wit::Concern, wit::Error> {
                    let read = kit::concerned(<$kinds>::DATABASE, after).await?;
                    let kit::Concerned { through, everyone, nodes, homes } = read;
                    Ok(wit::Concern { through, everyone, nodes, homes })
                }

                async fn waiting_for(
                    audience: wit::Audience,
                    after: u64,
                    until: Option<u64>,
                ) -> Result<wit::Waiting, wit::Error> {
                    let wit::Audience { node, origin, above, serves } = audience;
                    let audience = kit::Audience { node, origin, above, serves };
                    let waiting = kit::waiting(<$kinds>::DATABASE, audience, after, until).await?;
                    Ok(wit::Waiting { entries: waiting.entries, oldest: waiting.oldest_us })
                }

                async fn entries_about(
                    subject: String,
                    after: u64,
                    limit: u32,
                    size: u32,
                ) -> Result<wit::JournalPage, wit::Error> {
                    Ok(page(<$kinds>::about(subject, after, limit, size).await?))
                }

                async fn follow(node: String, subject: String) -> Result<(), wit::Error> {
                    Ok(kit::follow(<$kinds>::DATABASE, node, subject).await?)
                }

                async fn is_followed(node: String, subject: String) -> Result<bool, wit::Error> {
                    Ok(kit::is_followed(<$kinds>::DATABASE, node, subject).await?)
                }

                async fn followed(node: String, after: String) -> Result<Vec<String>, wit::Error> {
                    Ok(kit::followed(<$kinds>::DATABASE, node, after).await?)
                }

                async fn look(
                    node: String,
                    prefixes: Vec<String>,
                ) -> Result<wit::Outline, wit::Error> {
                    let outline = kit::look(<$kinds>::DATABASE, node, prefixes).await?;
                    let kit::Outline { epoch, head, followed, told, notes } = outline;
                    let told = told.into_iter().map(|receipt| {
                        let kit::Receipt { epoch, through, text } = receipt;
                        wit::Receipt { epoch, through, text }
                    });
                    Ok(wit::Outline { epoch, head, followed, told: told.collect(), notes })
                }

                async fn tell(node: String, receipt: wit::Receipt) -> Result<(), wit::Error> {
                    let wit::Receipt { epoch, through, text } = receipt;
                    let receipt = kit::Receipt { epoch, through, text };
                    Ok(kit::tell(<$kinds>::DATABASE, node, receipt).await?)
                }

                async fn note(name: String) -> Result<Option<String>, wit::Error> {
                    Ok(kit::note(<$kinds>::DATABASE, name).await?)
                }

                async fn notes(prefix: String) -> Result<Vec<(String, String)>, wit::Error> {
                    Ok(kit::notes(<$kinds>::DATABASE, prefix).await?)
                }

                async fn set_note(name: String, text: String) -> Result<(), wit::Error> {
                    Ok(kit::set_note(<$kinds>::DATABASE, name, text).await?)
                }

                async fn apply(batch: wit::Batch) -> Result<(), wit::Error> {
                    let wit::Batch { peer, scope, note, before, after, entries } = batch;
                    let entries = entries.into_iter().map(|entry| {
                        let wit::Entry { sequence, kind, payload } = entry;
                        kit::Entry { sequence, kind, payload }
                    });
                    let entries = entries.collect();
                    let batch = kit::Batch { peer, scope, note, before, after, entries };
                    Ok(kit::apply::<$kinds>(batch).await?)
                }

                async fn conflicts(after: u64) -> Result<Vec<wit::Conflict>, wit::Error> {
                    let conflicts = kit::conflicts::<$kinds>(after).await?;
                    Ok(conflicts.into_iter().map(conflict).collect())
                }

                async fn count_conflicts() -> Result<u64, wit::Error> {
                    Ok(kit::count_conflicts(<$kinds>::DATABASE).await?)
                }

                async fn size() -> Result<wit::Usage, wit::Error> {
                    let kit::Usage { bytes, free } = kit::usage(<$kinds>::DATABASE).await?;
                    Ok(wit::Usage { bytes, free })
                }

                async fn keep_within(
                    limits: Option<wit::Limits>,
                    holder: Option<String>,
                ) -> Result<(), wit::Error> {
                    let limits = limits.map(|wit::Limits { high, full }| kit::Limits {
                        high,
                        full,
                    });
                    Ok(kit::keep_within::<$kinds>(limits, holder).await?)
                }

                async fn settle(key: u64, restore: bool) -> Result<bool, wit::Error> {
                    Ok(kit::settle::<$kinds>(key, restore).await?)
                }
            }
        };
    };
}

/// Makes a store's error, a WIT variant, of the database's and the journal's.
#[macro_export]
macro_rules! store_errors {
    ($error:ty) => {
        impl From<$crate::SqlError> for $error {
            fn from(error: $crate::SqlError) -> Self {
                match error {
                    $crate::SqlError::Busy => Self::Busy,
                    $crate::SqlError::Full => Self::Full,
                    other => Self::Other(other.to_string()),
                }
            }
        }

        impl From<$crate::Error> for $error {
            fn from(error: $crate::Error) -> Self {
                match error {
                    $crate::Error::Invalid(rule) => Self::Invalid(rule),
                    $crate::Error::Forbidden(rule) => Self::Forbidden(rule),
                    $crate::Error::Moved(text) => Self::Moved(text),
                    $crate::Error::Sql(error) => error.into(),
                }
            }
        }
    };
}
