use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::Client;

/// For how long a round passes on news.
const LINGER_S: u32 = 2;

/// Does what an operator's scheduler does on a host that has no ticker: runs rounds of
/// replication, until it is dropped. Rounds that fail are followed by others, so the node may be
/// killed and started again meanwhile.
pub struct Ticker(Arc<AtomicBool>);

impl Ticker {
    /// Runs rounds with a pause between them, as somebody who may.
    pub fn start(client: Client, pause: Duration) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ticker = Self(Arc::clone(&is_over));
        thread::spawn(move || {
            while !is_over.load(Ordering::SeqCst) {
                let _ = client.post(&format!("/sync/v1/tick?linger={LINGER_S}"), &json!({}));
                thread::sleep(pause);
            }
        });
        ticker
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
