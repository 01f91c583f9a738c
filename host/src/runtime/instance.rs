//! The state of one instance: its grants, its handles and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView, p2, p3};

use super::client;
use super::outbound::{Network, Outbound};
use super::output::GuestOutput;
use crate::allowed_hosts::AllowedHosts;
use crate::capability;
use crate::limits::Limits;
use crate::telemetry::{Callers, Traces};

/// Handles of all kinds an instance may hold at one time.
const HANDLES_MAX: usize = 16 << 10;

/// What a component is and has, the same for all of its instances.
pub struct Grants {
    /// The component's id.
    pub id: Arc<str>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// Its variables, rendered.
    pub variables: BTreeMap<String, String>,
    /// Where it may connect to.
    pub hosts: AllowedHosts,
    /// The SQLite databases it may open, by label.
    pub sqlite_databases: BTreeMap<String, capability::sqlite::Source>,
    /// The key-value stores it may open, by label.
    pub key_value_stores: BTreeMap<String, capability::key_value::Source>,
}

/// What Wasmtime keeps beside an instance, and host functions work on.
pub struct InstanceState {
    /// What the component is granted.
    pub grants: Arc<Grants>,
    /// The instance's open handles.
    pub table: ResourceTable,
    /// Its connections, counted: [`capability`] limits them by kind.
    pub connections: capability::Connections,
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
            connections: capability::Connections::default(),
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

/// A linker with everything this host offers. Grants are checked when a function is called, not
/// by leaving imports out, so that a refusal is the interface's own error.
///
/// # Errors
/// Never in practice: two definitions of one name would be a fault of this host.
pub fn linker(engine: &Engine) -> Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    // Components built with a WASI 0.1 libc import WASI 0.2 beside 0.3.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    p2::add_only_http_to_linker_async(&mut linker)?;
    client::add_to_linker(&mut linker)?;
    p3::bindings::http::types::add_to_linker::<_, WasiHttp>(&mut linker, InstanceState::http)?;
    capability::add_to_linker(&mut linker)?;
    Ok(linker)
}
