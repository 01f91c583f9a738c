//! Every limit of a running host, with its default.

use std::time::Duration;

/// What one node may use. The defaults suit a machine with 4 cores and 8 GB.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests in flight in one component, and so its instances.
    pub instances_max: usize,
    /// Requests that may wait for a component while `instances_max` are in flight.
    pub waiting_max: usize,
    /// Requests that may share an instance at one time. A guest panic fails all of them.
    pub instance_concurrency_max: usize,
    /// Requests an instance serves in its life. Its memory never shrinks meanwhile.
    pub instance_requests_max: usize,
    /// How long an instance waits for its next request.
    pub instance_idle_max: Duration,
    /// From asking a component to the head of its response.
    pub request_max: Duration,
    /// How long an instance may go on with its response bodies once no request waits for a head.
    pub stream_max: Duration,
    /// Bytes of one linear memory; a composed component has one memory a component.
    pub memory_max: usize,
    /// Bytes of responses that the host keeps, to give them by itself; 0: it keeps none.
    pub response_cache_bytes: u64,
    /// From accepting a connection to the end of a request's head.
    pub head_max: Duration,
    /// From the end of a request's head to the end of its body, if that is small. No longer than
    /// `request_max`.
    pub body_max: Duration,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Connections open at one time; more wait in the listener's queue.
    pub connections_max: usize,
    /// Streams of server-sent events open at one time.
    pub event_streams_max: usize,
    /// From the signal to stop to taking no more connections: whoever sends them here learns of the
    /// end no sooner.
    pub deregistration: Duration,
    /// From then to closing what is still open.
    pub drain_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instances_max: 64,
            waiting_max: 1024,
            instance_concurrency_max: 32,
            // Wasmtime keeps some 350 bytes of each call between components until the instance
            // goes (findings/wasmtime-keeps-calls-that-return-at-once.sh).
            instance_requests_max: 2_000,
            instance_idle_max: Duration::from_secs(10),
            request_max: Duration::from_secs(30),
            stream_max: Duration::from_secs(3600),
            memory_max: 256 << 20,
            response_cache_bytes: 64 << 20,
            head_max: Duration::from_secs(15),
            body_max: Duration::from_secs(15),
            head_bytes_max: 64 << 10,
            connections_max: 4096,
            event_streams_max: 1024,
            deregistration: Duration::ZERO,
            drain_max: Duration::from_secs(10),
        }
    }
}
