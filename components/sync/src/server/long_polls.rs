//! Pulls that wait for news: who is woken by what is `hedgeschool_replication::long_polls`'.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hedgeschool_replication::long_polls::{LongPolls, News};
use hedgeschool_replication::timing::check_interval;
use hedgeschool_replication::wire::{Pull, Pulled};
use hedgeschool_web::Reply;
use spin_sdk::wit_bindgen::{StreamWriter, spawn};

use crate::error::{Result, SyncError};
use crate::peer::now_us;
use crate::server::feeds::read_answer;
use crate::store::{Concern, Journal, wit_stream};

thread_local! {
    /// Who waits in this instance.
    static POLLS: RefCell<LongPolls> = RefCell::default();
    /// All times are since this moment.
    static BEGAN: Instant = Instant::now();
}

fn since_began() -> Duration {
    BEGAN.with(Instant::elapsed)
}

/// A pull that waits. Nothing that is stored after [`Watch::begin`] escapes it.
pub struct Watch(u64);

impl Watch {
    /// Begins to wait. None: too many do.
    pub async fn begin(pull: &Pull) -> Result<Option<Self>> {
        let is_first = POLLS.with_borrow(|polls| polls.count() == 0);
        let heads = if is_first {
            try_join_all(Journal::ALL.map(Journal::read_head)).await?
        } else {
            Vec::new()
        };
        let add = |polls: &mut LongPolls| polls.add_waiter(&pull.node, &pull.serves, &heads);
        Ok(POLLS.with_borrow_mut(add).map(Self))
    }

    /// Waits until something concerns the node: true. False: until this moment nothing did.
    async fn wait_for_news(&self, deadline: Instant) -> bool {
        while Instant::now() < deadline {
            if POLLS.with_borrow_mut(|polls| polls.take_wakeup(self.0)) {
                return true;
            }
            let waiting = POLLS.with_borrow(LongPolls::count);
            spin_sdk::time::sleep(check_interval(waiting)).await;
            check_for_news().await;
        }
        false
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        POLLS.with_borrow_mut(|polls| polls.remove_waiter(self.0));
    }
}

/// Looks for news, unless somebody has just done so.
async fn check_for_news() {
    let now = since_began();
    let Some(checked) = POLLS.with_borrow_mut(|polls| polls.begin_check(now)) else { return };
    for (index, (journal, after)) in Journal::ALL.into_iter().zip(checked).enumerate() {
        match journal.find_concerned(after).await {
            Ok(concern) => {
                let news = read_news(concern);
                POLLS.with_borrow_mut(|polls| polls.wake_concerned(index, &news));
            }
            // They look for themselves, and hear what is wrong.
            Err(_) => POLLS.with_borrow_mut(LongPolls::wake_all),
        }
    }
}

fn read_news(concern: Concern) -> News {
    let Concern { through, everyone, nodes, homes } = concern;
    let (nodes, homes) = (nodes.into_iter().collect(), homes.into_iter().collect());
    News { through, everyone, nodes, homes }
}

/// The reply to a pull that waits until a moment: a body that comes when there is news. `pulled`
/// is the answer if there are none.
pub fn answer_later(pull: Pull, pulled: Pulled, watch: Watch, deadline: Instant) -> Reply {
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(write_answer(writer, pull, pulled, watch, deadline));
    Reply::later("application/json", reader)
}

/// A body that ends before it began is how the node hears that this failed.
async fn write_answer(
    mut writer: StreamWriter<u8>,
    pull: Pull,
    pulled: Pulled,
    watch: Watch,
    deadline: Instant,
) {
    match await_answer(&pull, pulled, &watch, deadline).await {
        // Who has gone asks again.
        Ok(body) => drop(writer.write_all(body).await),
        Err(error) => eprintln!("a pull of node {} failed: {error:?}", pull.node),
    }
}

async fn await_answer(
    pull: &Pull,
    mut pulled: Pulled,
    watch: &Watch,
    deadline: Instant,
) -> Result<Vec<u8>> {
    let mut is_news = false;
    while !is_news && watch.wait_for_news(deadline).await {
        (pulled, is_news) = read_answer(pull).await?;
    }
    // The asker compares clocks by the moment at which this is sent.
    pulled.now = now_us();
    serde_json::to_vec(&pulled).map_err(SyncError::Unwritable)
}
