/// Exports the `journal` interface of a store: `export_journal!(Store, Kinds, path::of::package)`,
/// where the package is what `generate!` made under `exports`, with the types of
/// [`crate::types`].
#[macro_export]
macro_rules! export_journal {
    ($store:ty, $kinds:ty, $($package:tt)+) => {
        const _: () = {
            use $($package)+::journal::Guest;
            use $crate as kit;
            use kit::types::*;
            use kit::Kinds;

            impl Guest for $store {
                async fn check_schema() -> Result<Option<String>, Error> {
                    Ok(kit::check_schema(<$kinds>::DATABASE).await?)
                }

                async fn epoch() -> Result<String, Error> {
                    Ok(kit::read_epoch(<$kinds>::DATABASE).await?)
                }

                async fn begin_epoch(epoch: String, after: u64) -> Result<(), Error> {
                    Ok(kit::begin_epoch(<$kinds>::DATABASE, epoch, after).await?)
                }

                async fn head() -> Result<u64, Error> {
                    Ok(kit::read_head(<$kinds>::DATABASE).await?)
                }

                async fn entries(
                    audience: Audience,
                    after: u64,
                    until: Option<u64>,
                    limit: u32,
                    size: u32,
                ) -> Result<JournalPage, Error> {
                    let database = <$kinds>::DATABASE;
                    Ok(kit::read_entries(database, audience, after, until, limit, size).await?)
                }

                async fn concerned(after: u64) -> Result<Concern, Error> {
                    Ok(kit::find_concerned(<$kinds>::DATABASE, after).await?)
                }

                async fn waiting_for(
                    audience: Audience,
                    after: u64,
                    until: Option<u64>,
                ) -> Result<Waiting, Error> {
                    Ok(kit::count_waiting(<$kinds>::DATABASE, audience, after, until).await?)
                }

                async fn entries_about(
                    subject: String,
                    after: u64,
                    limit: u32,
                    size: u32,
                ) -> Result<JournalPage, Error> {
                    Ok(<$kinds>::read_about(subject, after, limit, size).await?)
                }

                async fn follow(node: String, subject: String) -> Result<(), Error> {
                    Ok(kit::follow_subject(<$kinds>::DATABASE, node, subject).await?)
                }

                async fn is_followed(node: String, subject: String) -> Result<bool, Error> {
                    Ok(kit::is_followed(<$kinds>::DATABASE, node, subject).await?)
                }

                async fn read_peer_state(node: String, epoch: String) -> Result<PeerState, Error> {
                    Ok(kit::read_peer_state(<$kinds>::DATABASE, node, epoch).await?)
                }

                async fn read_upstream_state(upstream: String) -> Result<UpstreamState, Error> {
                    Ok(kit::read_upstream_state(<$kinds>::DATABASE, upstream).await?)
                }

                async fn issue_token(node: String, token: CheckpointToken) -> Result<(), Error> {
                    Ok(kit::issue_token(<$kinds>::DATABASE, node, token).await?)
                }

                async fn peer_position(
                    node: String,
                    epoch: String,
                ) -> Result<Option<Position>, Error> {
                    Ok(kit::peer_position(<$kinds>::DATABASE, node, epoch).await?)
                }

                async fn peer_epochs() -> Result<Vec<(String, String)>, Error> {
                    Ok(kit::peer_epochs(<$kinds>::DATABASE).await?)
                }

                async fn set_missed(
                    node: String,
                    epoch: String,
                    through: u64,
                ) -> Result<(), Error> {
                    Ok(kit::set_missed(<$kinds>::DATABASE, node, epoch, through).await?)
                }

                async fn set_withheld(node: String, kinds: Vec<String>) -> Result<(), Error> {
                    Ok(kit::set_withheld(<$kinds>::DATABASE, node, kinds).await?)
                }

                async fn withheld() -> Result<Vec<WithheldKinds>, Error> {
                    Ok(kit::read_withheld(<$kinds>::DATABASE).await?)
                }

                async fn receive_token(
                    upstream: String,
                    token: CheckpointToken,
                ) -> Result<(), Error> {
                    Ok(kit::receive_token(<$kinds>::DATABASE, upstream, token).await?)
                }

                async fn forget_tokens(
                    upstream: String,
                    tokens: Vec<String>,
                ) -> Result<(), Error> {
                    Ok(kit::forget_tokens(<$kinds>::DATABASE, upstream, tokens).await?)
                }

                async fn want_record(subject: String) -> Result<(), Error> {
                    Ok(kit::want_record(<$kinds>::DATABASE, subject).await?)
                }

                async fn want_all_records() -> Result<(), Error> {
                    Ok(kit::want_all_records(<$kinds>::DATABASE).await?)
                }

                async fn wanted_records() -> Result<Vec<String>, Error> {
                    Ok(kit::wanted_records(<$kinds>::DATABASE).await?)
                }

                async fn wanted_from(subject: String) -> Result<Option<u64>, Error> {
                    Ok(kit::wanted_from(<$kinds>::DATABASE, subject).await?)
                }

                async fn set_watermark(watermark: ScanWatermark) -> Result<(), Error> {
                    Ok(kit::set_watermark(<$kinds>::DATABASE, watermark).await?)
                }

                async fn apply(batch: Batch) -> Result<(), Error> {
                    Ok(kit::apply_batch::<$kinds>(batch).await?)
                }

                async fn conflicts(after: u64) -> Result<Vec<Conflict>, Error> {
                    Ok(kit::read_conflicts::<$kinds>(after).await?)
                }

                async fn count_conflicts() -> Result<u64, Error> {
                    Ok(kit::count_conflicts(<$kinds>::DATABASE).await?)
                }

                async fn size() -> Result<Usage, Error> {
                    Ok(kit::read_usage(<$kinds>::DATABASE).await?)
                }

                async fn keep_within(
                    limits: Option<Limits>,
                    holder: Option<String>,
                ) -> Result<(), Error> {
                    Ok(kit::keep_within::<$kinds>(limits, holder).await?)
                }

                async fn settle(key: u64, restore: bool) -> Result<bool, Error> {
                    Ok(kit::settle_conflict::<$kinds>(key, restore).await?)
                }
            }
        };
    };
}
