//! A Redis stream of batches, read by a consumer group, and what became of each.
//!
//! The interface has replies as one flat list: hence one field an entry, and one entry a read.

use hedgeschool_redis::{Failure, Redis, RedisParameter, RedisResult, as_number, as_text, text};
use hedgeschool_web::random_bytes;
use serde::{Deserialize, Serialize};

/// The only field of an entry.
const FIELD: &str = "batch";
/// The consumer group.
const GROUP: &str = "hub";
/// The group's consumers: whoever works is one of so many.
const CONSUMERS: u8 = 16;
/// How long a batch may be somebody's before others may take it over: applying one takes a
/// fraction of that.
const IDLE_MS: i64 = 5_000;
/// How long it is remembered what became of a batch, in seconds: longer than anybody waits.
const REMEMBERED_S: i64 = 60;

/// The queue of a node.
pub struct Queue {
    redis: Redis,
    stream: String,
    consumer: String,
}

/// A batch in the queue.
pub struct Queued {
    /// Names it. Begins with when it was queued, by the clock of Redis.
    pub id: String,
    /// The message as it came.
    pub bytes: Vec<u8>,
}

/// What became of a batch. It is for its sender's request, which asks the store before it says
/// that something is applied.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the store.
    Applied,
    /// Entries before these are missing, and may be on their way. It is still in the stream.
    #[serde(rename = "early")]
    OutOfOrder,
    /// It was not applied; what to answer.
    Refused {
        /// The status.
        status: u16,
        /// The media type of the body.
        media_type: String,
        /// When to come again, if that helps, in seconds.
        retry_after: Option<String>,
        /// The body.
        body: String,
    },
}

impl Queue {
    /// The node's queue.
    pub fn new(redis: Redis) -> Self {
        let [random] = random_bytes::<1>();
        let consumer = format!("worker-{}", random % CONSUMERS);
        Self { stream: redis.key("ingest"), redis, consumer }
    }

    /// How many batches there are.
    pub async fn read_length(&self) -> Result<u64, Failure> {
        let length = self.redis.command("XLEN", [text(&self.stream)]).await?;
        let length = as_number(&length).and_then(|length| u64::try_from(length).ok());
        length.ok_or(Failure::Strange("XLEN"))
    }

    /// Adds a batch; answers its id.
    pub async fn add_batch(&self, batch: &[u8]) -> Result<String, Failure> {
        let batch = RedisParameter::Binary(batch.to_vec());
        let added = self.redis.command("XADD", [text(&self.stream), text("*"), text(FIELD), batch]);
        let added = added.await?;
        let id = added.first().and_then(as_text).filter(|id| queued_ms(id).is_some());
        id.map(str::to_owned).ok_or(Failure::Strange("XADD"))
    }

    /// Takes the next batch that nobody has.
    pub async fn take_next(&self) -> Result<Option<Queued>, Failure> {
        let read = || {
            let words =
                ["GROUP", GROUP, &self.consumer, "COUNT", "1", "STREAMS", &self.stream, ">"];
            self.redis.command("XREADGROUP", words.map(text))
        };
        let read = match read().await {
            Err(Failure::Refused("NOGROUP")) => {
                self.create_group().await?;
                read().await?
            }
            read => read?,
        };
        match read.as_slice() {
            [] | [RedisResult::Nil] => Ok(None),
            [_stream, entry @ ..] => {
                read_entry(entry).map(Some).ok_or(Failure::Strange("XREADGROUP"))
            }
        }
    }

    /// Takes over a batch whose taker has died.
    pub async fn claim_abandoned(&self) -> Result<Option<Queued>, Failure> {
        let [group, start] = [GROUP, "0-0"].map(text);
        let claimed = self.redis.command(
            "XAUTOCLAIM",
            [
                text(&self.stream),
                group,
                text(&self.consumer),
                RedisParameter::Int64(IDLE_MS),
                start,
                text("COUNT"),
                RedisParameter::Int64(1),
            ],
        );
        match claimed.await {
            // Without an entry there may be ids of some that are gone.
            Ok(claimed) => Ok(claimed.get(1..).and_then(read_entry)),
            Err(Failure::Refused(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// A batch by its id, whoever has it.
    pub async fn find_batch(&self, id: &str) -> Result<Option<Queued>, Failure> {
        let found = self.redis.command("XRANGE", [&self.stream, id, id].map(text)).await?;
        Ok(read_entry(&found))
    }

    /// Makes the group, and with it the stream: either they are new, or Redis has lost them.
    async fn create_group(&self) -> Result<(), Failure> {
        let words = ["CREATE", &self.stream, GROUP, "0", "MKSTREAM"];
        match self.redis.command("XGROUP", words.map(text)).await {
            // Somebody else was faster.
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Says what became of a batch. One out of order stays, for its sender's request.
    pub async fn record_verdict(&self, id: &str, verdict: &Verdict) -> Result<(), Failure> {
        let told = serde_json::to_string(verdict).map_err(|_| Failure::Strange("SET"))?;
        let expiry = [text("EX"), RedisParameter::Int64(REMEMBERED_S)];
        let told = [text(self.verdict_key(id)), text(told)].into_iter().chain(expiry);
        self.redis.command("SET", told).await?;
        match verdict {
            Verdict::OutOfOrder => self.acknowledge_batch(id).await,
            Verdict::Applied | Verdict::Refused { .. } => self.remove_batch(id).await,
        }
    }

    /// What became of a batch, if somebody has said so.
    pub async fn find_verdict(&self, id: &str) -> Result<Option<Verdict>, Failure> {
        let told = self.redis.command("GET", [text(self.verdict_key(id))]).await?;
        let told = told.first().and_then(as_text);
        let told = told.map(|told| serde_json::from_str(told).map_err(|_| Failure::Strange("GET")));
        told.transpose()
    }

    /// Removes a batch.
    pub async fn remove_batch(&self, id: &str) -> Result<(), Failure> {
        self.acknowledge_batch(id).await?;
        self.redis.command("XDEL", [&self.stream, id].map(text)).await.map(drop)
    }

    /// Nobody else need take it over.
    async fn acknowledge_batch(&self, id: &str) -> Result<(), Failure> {
        match self.redis.command("XACK", [&self.stream, GROUP, id].map(text)).await {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Removes what was queued before this, in milliseconds by the clock of Redis.
    pub async fn forget_before(&self, ms: u64) -> Result<(), Failure> {
        let words = ["MINID", &ms.to_string()].map(text);
        let trimmed = [text(&self.stream)].into_iter().chain(words);
        self.redis.command("XTRIM", trimmed).await.map(drop)
    }

    /// The clock of Redis, in milliseconds.
    pub async fn read_clock_ms(&self) -> Result<u64, Failure> {
        let time = self.redis.command("TIME", []).await?;
        let seconds = time.first().and_then(as_text).and_then(|text| text.parse::<u64>().ok());
        seconds.map(|seconds| seconds * 1_000).ok_or(Failure::Strange("TIME"))
    }

    fn verdict_key(&self, id: &str) -> String {
        format!("{}:{id}", self.stream)
    }
}

/// How many batches wait in the node's queue.
pub async fn read_queue_length(redis: Redis) -> Result<u64, Failure> {
    Queue::new(redis).read_length().await
}

/// When a batch was queued, by its id.
pub fn queued_ms(id: &str) -> Option<u64> {
    id.split_once('-')?.0.parse().ok()
}

/// The entry that a flat reply begins with.
fn read_entry(flat: &[RedisResult]) -> Option<Queued> {
    match flat {
        [id, field, RedisResult::Binary(bytes), ..] if as_text(field) == Some(FIELD) => {
            Some(Queued { id: as_text(id)?.to_owned(), bytes: bytes.clone() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_its_batch_was_queued() {
        assert_eq!(queued_ms("1700000000000-3"), Some(1_700_000_000_000));
        assert_eq!((queued_ms("17"), queued_ms("x-1")), (None, None));
    }

    #[test]
    fn an_entry_is_its_id_and_one_field() {
        let flat =
            |texts: [&str; 3]| texts.map(|text| RedisResult::Binary(text.as_bytes().to_vec()));
        let found = read_entry(&flat(["17-0", FIELD, "{}"])).unwrap();
        assert_eq!((found.id.as_str(), found.bytes.as_slice()), ("17-0", b"{}".as_slice()));
        assert!(read_entry(&flat(["17-0", "another", "{}"])).is_none());
        assert!(read_entry(&[]).is_none());
    }

    #[test]
    fn a_verdict_is_read_by_other_releases() {
        let text = |verdict: &Verdict| serde_json::to_string(verdict).unwrap();
        assert_eq!(text(&Verdict::Applied), r#""applied""#);
        assert_eq!(text(&Verdict::OutOfOrder), r#""early""#);
        let refused = Verdict::Refused {
            status: 409,
            media_type: "application/json".to_owned(),
            retry_after: None,
            body: "{}".to_owned(),
        };
        let golden = r#"{"refused":{"status":409,"media_type":"application/json",
            "retry_after":null,"body":"{}"}}"#;
        let golden: String = golden.lines().map(str::trim_start).collect();
        assert_eq!(text(&refused), golden);
    }
}
