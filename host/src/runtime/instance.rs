//! The state of one instance: its grants, its handles and its limits.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::grants::Grants;
use super::outbound::{Network, Outbound};
use super::output::GuestOutput;
use crate::limits::Limits;
use crate::telemetry::{Callers, Traces};

/// How many connections of each kind an instance holds. The capabilities limit them by kind.
#[derive(Debug, Default)]
pub struct OpenConnections {
    /// To SQLite databases.
    pub sqlite: usize,
    /// To key-value stores.
    pub key_value: usize,
    /// To Redis servers: counted by its clones, of which the first is the instance's own.
    pub redis: Arc<()>,
}

/// Handles of all kinds an instance may hold at one time.
const HANDLES_MAX: usize = 16 << 10;

/// What Wasmtime keeps beside an instance, and host functions work on.
pub struct InstanceState {
    /// What the component is granted.
    pub grants: Arc<Grants>,
    /// The instance's open handles.
    pub table: ResourceTable,
    /// Its connections, counted.
    pub connections: OpenConnections,
    /// What takes traces, if anything does.
    pub traces: Option<Arc<Traces>>,
    /// The requests that it works on.
    pub callers: Callers,
    pub(crate) limits: StoreLimits,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl InstanceState {
    /// The state of a new instance.
    pub fn new(grants: Arc<Grants>, network: Arc<Network>, limits: &Limits) -> Self {
        let (traces, callers) = (network.traces.clone(), Callers::default());
        let outbound = Outbound::new(grants.clone(), network, callers.clone());
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(GuestOutput::new(grants.id.clone(), "stdout"));
        wasi.stderr(GuestOutput::new(grants.id.clone(), "stderr"));
        wasi.envs(&grants.environment);
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            grants,
            table,
            connections: OpenConnections::default(),
            traces,
            callers,
            limits: StoreLimitsBuilder::new().memory_size(limits.memory_max).build(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound,
        }
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}
