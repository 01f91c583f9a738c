//! A component at work: its instances, how many there may be, and how long they may take.
//!
//! `wasmtime-wasi-http`'s handler reuses instances and starts another one whenever none is free;
//! it has no back-pressure. [`Service`] puts a gate before it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use http::{Request, Response};
use tokio::time::{Instant, Sleep};
use tracing::Instrument;
use wasmtime::component::{Component, GuestTaskId, Linker};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    ExpirationError, HandlerState, Instance, InstantiationError, ProxyHandler, ProxyPre,
    ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p2, p3};

use super::denied;
use super::failure::ServiceFailure;
use super::gate::Gate;
use super::grants::Grants;
use super::instance::InstanceState;
use super::outbound::Network;
use crate::limits::Limits;
use crate::telemetry::Parent;

/// A component that answers requests.
pub struct Service {
    id: Arc<str>,
    handler: ProxyHandler<Factory>,
    gate: Gate,
    limits: Arc<Limits>,
    network: Arc<Network>,
    instances: Arc<Instances>,
}

/// A component's instances.
#[derive(Default)]
struct Instances {
    started: AtomicU64,
    ended: AtomicU64,
}

/// How busy a component is.
pub struct ServiceLoad {
    /// Requests in it.
    pub running: u64,
    /// Requests that wait to be.
    pub waiting: u64,
    /// Instances that there are.
    pub instances: u64,
    /// Instances that were ever started.
    pub started: u64,
}

impl Service {
    /// Links `component` and makes it ready to answer.
    ///
    /// # Errors
    /// When it imports what nobody offers, or exports no `wasi:http` handler.
    pub fn new(
        component: &Component,
        linker: &Linker<InstanceState>,
        engine: &Engine,
        grants: Arc<Grants>,
        network: Arc<Network>,
        limits: Arc<Limits>,
    ) -> Result<Self> {
        let mut linker = linker.clone();
        denied::link_denied(&mut linker, engine, component)?;
        let pre = linker.instantiate_pre(component).map_err(anyhow::Error::from).context(
            "it imports what neither its dependencies nor this host offer; if a dependency is \
             meant to, check its name and version in the manifest",
        )?;
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(pre) => ProxyPre::P3(pre),
            Err(_) => ProxyPre::P2(p2::bindings::ProxyPre::new(pre).map_err(|_| {
                anyhow::anyhow!("it exports neither wasi:http/handler@0.3 nor incoming-handler@0.2")
            })?),
        };
        let id = grants.id.clone();
        let gate = Gate::new(limits.instances_max, limits.waiting_max);
        let instances = Arc::new(Instances::default());
        let factory = Factory {
            engine: engine.clone(),
            pre,
            grants,
            network: network.clone(),
            limits: limits.clone(),
            instances: instances.clone(),
        };
        Ok(Self { id, handler: ProxyHandler::new(factory), gate, limits, network, instances })
    }

    /// How busy the component is.
    pub fn read_load(&self) -> ServiceLoad {
        let (running, waiting) = self.gate.read_load();
        let started = self.instances.started.load(Ordering::Relaxed);
        let ended = self.instances.ended.load(Ordering::Relaxed);
        ServiceLoad { running, waiting, instances: started.saturating_sub(ended), started }
    }

    /// Lets the component answer. Returns with the response's head; its body streams on.
    ///
    /// # Errors
    /// See [`ServiceFailure`].
    pub async fn handle(
        &self,
        mut request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, ServiceFailure> {
        let traces = self.network.traces.as_ref();
        let mut span = traces.map(|traces| traces.begin_server(&self.id, &mut request));
        let Some(span) = &mut span else { return self.answer_in_time(request, None).await };
        // Log lines of what goes wrong name the trace.
        let trace_id = span.trace_id();
        let lines = tracing::info_span!("request", trace_id);
        let mut answer =
            self.answer_in_time(request, Some(span.as_parent())).instrument(lines).await;
        match &mut answer {
            Ok(response) => {
                span.set_status(response.status());
                if let Some(trace_id) = trace_id {
                    response.extensions_mut().insert(TraceId(trace_id));
                }
            }
            Err(failure) => span.set_failed(failure),
        }
        answer
    }

    async fn answer_in_time(
        &self,
        request: Request<WasiBody>,
        trace: Option<Parent>,
    ) -> Result<Response<WasiBody>, ServiceFailure> {
        let deadline = Instant::now() + self.limits.request_max;
        let started = PendingRequest { deadline, trace };
        let answering = async {
            let _permit = self.gate.enter().await.ok_or(ServiceFailure::Busy)?;
            let answer = self.handler.handle(started, request).await;
            let mut response = answer.map_err(|error| self.explain_failure(&error))?;
            self.network.events.count_event(&self.id, response.headers_mut());
            Ok(response)
        };
        // From outside, since a guest that never yields holds up the timer inside.
        match tokio::time::timeout_at(deadline, answering).await {
            Ok(answer) => answer,
            Err(_) => Err(self.timed_out()),
        }
    }

    fn timed_out(&self) -> ServiceFailure {
        let (id, limit) = (&self.id, self.limits.request_max);
        tracing::warn!("component {id} gave no answer within {limit:?} (--request-timeout)");
        ServiceFailure::TimedOut
    }

    fn explain_failure(&self, error: &wasmtime::Error) -> ServiceFailure {
        let id = &self.id;
        if error.is::<ExpirationError>() {
            return self.timed_out();
        }
        if let Some(failed) = error.downcast_ref::<InstantiationError<Instant>>() {
            tracing::warn!("component {id} could not start another instance: {:#}", failed.error);
            return ServiceFailure::Busy;
        }
        tracing::error!("component {id} failed: {error:#}");
        ServiceFailure::Failed
    }
}

/// Makes instances of one component.
struct Factory {
    engine: Engine,
    pre: ProxyPre<InstanceState>,
    grants: Arc<Grants>,
    network: Arc<Network>,
    limits: Arc<Limits>,
    instances: Arc<Instances>,
}

impl HandlerState for Factory {
    type StoreData = InstanceState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Expiration, Worker>> {
        let state = InstanceState::new(self.grants.clone(), self.network.clone(), &self.limits);
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        let shareable = matches!(self.pre, ProxyPre::P3(_));
        self.instances.started.fetch_add(1, Ordering::Relaxed);
        Ok(Instance {
            store,
            proxy,
            view: InstanceState::http,
            expiration: Expiration::new(self.limits.clone()),
            state: Worker {
                id: self.grants.id.clone(),
                limits: self.limits.clone(),
                network: self.network.clone(),
                instances: self.instances.clone(),
                shareable,
            },
        })
    }
}

/// The trace that a response belongs to, if it is kept: one of its extensions.
#[derive(Clone, Debug)]
pub struct TraceId(pub String);

/// A request on its way to an instance.
struct PendingRequest {
    /// When it has to have its response head.
    deadline: Instant,
    /// What is done for it is part of this, if it is traced.
    trace: Option<Parent>,
}

/// One instance's policy.
struct Worker {
    id: Arc<str>,
    limits: Arc<Limits>,
    network: Arc<Network>,
    instances: Arc<Instances>,
    /// WASI 0.2 handlers are written for one request an instance.
    shareable: bool,
}

impl WorkerState for Worker {
    type StoreData = InstanceState;
    type RequestData = PendingRequest;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        let total_max = if self.shareable { self.limits.instance_requests_max } else { 1 };
        if total >= total_max {
            ShouldAccept::Never
        } else if concurrent >= self.limits.instance_concurrency_max {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        store: StoreContextMut<'_, InstanceState>,
        PendingRequest { deadline, trace }: PendingRequest,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let sleep = tokio::time::sleep_until(deadline);
        let Some(trace) = trace else { return Box::pin(sleep) };
        let entered = store.data().callers.enter_task(task, trace);
        Box::pin(async move {
            let _entered = entered;
            sleep.await;
        })
    }

    fn drop(&self, store: Store<InstanceState>, result: wasmtime::Result<()>) {
        self.instances.ended.fetch_add(1, Ordering::Relaxed);
        // While closing down instances are dropped as they are, which counts as a panic.
        if let Err(error) = result
            && !self.network.is_closed()
        {
            let id = &self.id;
            tracing::error!("an instance of component {id} ended early: {error:#}");
        }
        drop(store);
    }
}

/// Ends an instance that idles, hangs, or streams for too long.
struct Expiration {
    limits: Arc<Limits>,
    sleep: Pin<Box<Sleep>>,
}

impl Expiration {
    fn new(limits: Arc<Limits>) -> Self {
        let sleep = Box::pin(tokio::time::sleep(limits.instance_idle_max));
        Self { limits, sleep }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: std::time::Instant,
    ) -> Poll<()> {
        let time_max = match status {
            WorkerStatus::Idle => self.limits.instance_idle_max,
            WorkerStatus::Requests => self.limits.request_max,
            WorkerStatus::PostReturn => self.limits.stream_max,
        };
        let deadline = Instant::from_std(start) + time_max;
        // The timer may go off early, and is then set anew: moving it at every request would
        // cost more than it is worth.
        if deadline < self.sleep.deadline() {
            self.sleep.as_mut().reset(deadline);
        }
        loop {
            std::task::ready!(self.sleep.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(deadline);
        }
    }
}
