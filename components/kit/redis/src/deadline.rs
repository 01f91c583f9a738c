use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};

/// Waits for something no longer than this.
pub async fn within<T>(limit: Duration, awaited: impl Future<Output = T>) -> Option<T> {
    let late = spin_sdk::time::sleep(limit).boxed_local();
    match select(awaited.boxed_local(), late).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}
