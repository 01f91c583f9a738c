//! What the daemon tells containerd without being asked, in the order in which it happened.

use std::env;
use std::time::{Duration, SystemTime};

use containerd_shim_protos::api::ForwardRequest;
use containerd_shim_protos::protobuf::well_known_types::any::Any;
use containerd_shim_protos::protobuf::{Message, MessageField};
use containerd_shim_protos::shim::event::Envelope;
use containerd_shim_protos::shim_async::{Client, EventsClient};
use containerd_shim_protos::ttrpc::context;
use containerd_shim_protos::{events::task, topics};
use tokio::sync::mpsc;

use crate::times;

/// How long one telling may take.
const TELL_MAX: Duration = Duration::from_secs(5);
/// How often an event is tried before it is given up. A containerd that was started anew asks how
/// its containers stand, and needs none of the events that it missed.
const TRIES: u32 = 5;
/// The pause between two tries.
const AGAIN: Duration = Duration::from_secs(1);

/// The package of the events' messages. Their descriptions would tell their full names too, and
/// take 300 kB of memory in each daemon.
const PACKAGE: &str = "containerd.events";

/// An event with the topic under which containerd expects it.
pub trait Event: Message {
    /// That topic.
    const TOPIC: &'static str;
}

macro_rules! topics {
    ($($event:ident $topic:ident)*) => {
        $(impl Event for task::$event {
            const TOPIC: &'static str = topics::$topic;
        })*
    };
}

topics! {
    TaskCreate TASK_CREATE_EVENT_TOPIC
    TaskStart TASK_START_EVENT_TOPIC
    TaskOOM TASK_OOM_EVENT_TOPIC
    TaskExit TASK_EXIT_EVENT_TOPIC
    TaskDelete TASK_DELETE_EVENT_TOPIC
    TaskExecAdded TASK_EXEC_ADDED_EVENT_TOPIC
    TaskExecStarted TASK_EXEC_STARTED_EVENT_TOPIC
    TaskPaused TASK_PAUSED_EVENT_TOPIC
    TaskResumed TASK_RESUMED_EVENT_TOPIC
}

/// Where events go in.
#[derive(Debug, Clone)]
pub struct Events {
    namespace: String,
    queue: mpsc::UnboundedSender<Envelope>,
}

impl Events {
    /// Begins to pass on events, in a task of its own.
    pub fn begin_forwarding(namespace: &str) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        tokio::spawn(forward_all(events));
        Self { namespace: namespace.to_owned(), queue }
    }

    /// Queues an event. A pod has a few in its life.
    pub fn queue_event<E: Event>(&self, event: &E) {
        let value = event.write_to_bytes().unwrap_or_default();
        let type_url = format!("{PACKAGE}.{}", E::NAME);
        let envelope = Envelope {
            timestamp: MessageField::some(times::to_timestamp(SystemTime::now())),
            namespace: self.namespace.clone(),
            topic: E::TOPIC.to_owned(),
            event: MessageField::some(Any { type_url, value, ..Any::default() }),
            ..Envelope::default()
        };
        // The other end lives as long as the daemon.
        let _ = self.queue.send(envelope);
    }
}

async fn forward_all(mut events: mpsc::UnboundedReceiver<Envelope>) {
    let address = env::var("TTRPC_ADDRESS").unwrap_or_default();
    let mut client = None;
    while let Some(event) = events.recv().await {
        for _ in 0..TRIES {
            match send_event(&address, &mut client, &event).await {
                Ok(()) => break,
                Err(error) => {
                    tracing::warn!("telling containerd of {}: {error:#}", event.topic);
                    client = None;
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

async fn send_event(
    address: &str,
    client: &mut Option<EventsClient>,
    event: &Envelope,
) -> anyhow::Result<()> {
    if client.is_none() {
        let address = format!("unix://{}", address.trim_start_matches("unix://"));
        *client = Some(EventsClient::new(Client::connect(&address).await?));
    }
    let Some(client) = client else { return Ok(()) };
    let request =
        ForwardRequest { envelope: MessageField::some(event.clone()), ..ForwardRequest::default() };
    client.forward(context::with_duration(TELL_MAX), &request).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use containerd_shim_protos::protobuf::MessageFull;

    use super::*;

    fn check<E: Event + MessageFull>() {
        assert_eq!(format!("{PACKAGE}.{}", E::NAME), E::descriptor().full_name());
    }

    #[test]
    fn names_are_those_of_the_messages() {
        check::<task::TaskCreate>();
        check::<task::TaskOOM>();
        check::<task::TaskExecStarted>();
    }
}
