//! `k3s/components/ticker`, for hosts that do not tick by themselves.

use anyhow::Result;
use hedgeschool_tests::cluster::Generation;
use hedgeschool_tests::eventually;

use crate::{NAMESPACE, apply_folder, with_cluster, with_component};

#[test]
fn a_ticker_asks_for_one_round_after_another() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        apply_folder(cluster, &with_component(cluster, "ticker")?)?;
        cluster.await_rollout("ticker", NAMESPACE)?;
        // What the node answers to a round, one a line.
        eventually("two rounds are over", || {
            let log = cluster.kubectl(&["logs", "deployment/ticker", "-n", NAMESPACE])?;
            let rounds = log.lines().filter(|line| line.contains(r#""problem":null"#)).count();
            Ok((rounds >= 2).then_some(()))
        })
    })
}
