//! Nodes below that wait for news.
//!
//! Three hundred nodes wait at a hub, and its journals grow all the time. If each looked for
//! itself, most of the hub's time would go into finding nothing. So one look at what is new serves
//! all that wait in an instance: it tells whom that concerns, and only those read it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::future::try_join_all;
use hedgeschool_replication::pace::{self, LOOK, WAITING_MAX};
use hedgeschool_replication::wire::{Pull, Pulled};
use hedgeschool_web::{Problem, Reply};
use spin_sdk::wit_bindgen::{StreamWriter, spawn};

use crate::stores::{Concern, Journal, wit_stream};
use crate::{node, serve};

thread_local! {
    static BOARD: RefCell<Board> = RefCell::default();
}

/// Who waits in this instance.
#[derive(Default)]
struct Board {
    /// Through which sequence each journal was looked at.
    looked: [u64; 3],
    /// When that began.
    at: Option<Instant>,
    /// Those who wait, by number.
    waiting: BTreeMap<u64, Waiting>,
    /// The next number.
    next: u64,
}

struct Waiting {
    node: String,
    /// The nodes below it.
    serves: BTreeSet<String>,
    /// Something new concerns it.
    is_concerned: bool,
}

/// A pull that waits. Nothing that is stored after [`Watch::begin`] escapes it.
pub struct Watch(u64);

impl Watch {
    /// Begins to wait. None: too many do.
    pub async fn begin(pull: &Pull) -> Result<Option<Self>, Problem> {
        let is_first = BOARD.with_borrow(|board| board.waiting.is_empty());
        let heads = if is_first {
            try_join_all(Journal::ALL.map(Journal::head)).await?
        } else {
            Vec::new()
        };
        Ok(BOARD.with_borrow_mut(|board| board.join(pull, &heads)))
    }

    /// Waits until something concerns the node: true. False: until this moment nothing did.
    async fn comes(&self, deadline: Instant) -> bool {
        while Instant::now() < deadline {
            if BOARD.with_borrow_mut(|board| board.take(self.0)) {
                return true;
            }
            let waiting = BOARD.with_borrow(|board| board.waiting.len());
            spin_sdk::time::sleep(pace::look(waiting)).await;
            look().await;
        }
        false
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        BOARD.with_borrow_mut(|board| board.waiting.remove(&self.0));
    }
}

impl Board {
    /// `heads` is where the journals end; it is of no use, and may be empty, while others wait.
    fn join(&mut self, pull: &Pull, heads: &[u64]) -> Option<Watch> {
        if self.waiting.len() >= WAITING_MAX {
            return None;
        }
        if self.waiting.is_empty() {
            // Nobody has looked for a while, and nobody has to know what was new meanwhile.
            self.looked = heads.try_into().unwrap_or(self.looked);
        }
        let number = self.next;
        self.next += 1;
        let (node, serves) = (pull.node.clone(), pull.serves.clone());
        self.waiting.insert(number, Waiting { node, serves, is_concerned: false });
        Some(Watch(number))
    }

    /// Whether something new concerns one, asked once.
    fn take(&mut self, number: u64) -> bool {
        let waiting = self.waiting.get_mut(&number);
        waiting.is_some_and(|waiting| std::mem::take(&mut waiting.is_concerned))
    }

    /// Where to look from, if it is time to.
    fn is_due(&mut self) -> Option<[u64; 3]> {
        if self.at.is_some_and(|at| at.elapsed() < LOOK / 2) {
            return None;
        }
        self.at = Some(Instant::now());
        Some(self.looked)
    }

    fn tell(&mut self, place: usize, concerned: &Concern) {
        if let Some(looked) = self.looked.get_mut(place) {
            *looked = concerned.through.max(*looked);
        }
        let (nodes, homes): (BTreeSet<_>, BTreeSet<_>) =
            (concerned.nodes.iter().collect(), concerned.homes.iter().collect());
        if !concerned.everyone && nodes.is_empty() && homes.is_empty() {
            return;
        }
        for waiting in self.waiting.values_mut() {
            let serves = |home: &&String| waiting.node == **home || waiting.serves.contains(*home);
            waiting.is_concerned |=
                concerned.everyone || nodes.contains(&waiting.node) || homes.iter().any(serves);
        }
    }

    fn tell_everyone(&mut self) {
        self.waiting.values_mut().for_each(|waiting| waiting.is_concerned = true);
    }
}

/// Looks for news, unless somebody has just done so.
async fn look() {
    let Some(looked) = BOARD.with_borrow_mut(Board::is_due) else { return };
    for (place, (journal, after)) in Journal::ALL.into_iter().zip(looked).enumerate() {
        match journal.concerned(after).await {
            Ok(concerned) => BOARD.with_borrow_mut(|board| board.tell(place, &concerned)),
            // They look for themselves, and hear what is wrong.
            Err(_) => BOARD.with_borrow_mut(Board::tell_everyone),
        }
    }
}

/// The reply to a pull that waits until a moment: a body that comes when there is news. `pulled`
/// is the answer if there are none.
pub fn reply(pull: Pull, pulled: Pulled, watch: Watch, deadline: Instant) -> Reply {
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(answer(writer, pull, pulled, watch, deadline));
    Reply::later("application/json", reader)
}

/// A body that ends before it began is how the node hears that this failed.
async fn answer(
    mut writer: StreamWriter<u8>,
    pull: Pull,
    pulled: Pulled,
    watch: Watch,
    deadline: Instant,
) {
    match waited(&pull, pulled, &watch, deadline).await {
        // Who has gone asks again.
        Ok(body) => drop(writer.write_all(body).await),
        Err(problem) => eprintln!("a pull of node {} failed: {problem:?}", pull.node),
    }
}

async fn waited(
    pull: &Pull,
    mut pulled: Pulled,
    watch: &Watch,
    deadline: Instant,
) -> Result<Vec<u8>, Problem> {
    let mut is_news = false;
    while !is_news && watch.comes(deadline).await {
        (pulled, is_news) = serve::pulled(pull).await?;
    }
    // The asker compares clocks by the moment at which this is sent.
    pulled.now = node::now();
    serde_json::to_vec(&pulled).map_err(Problem::internal)
}
