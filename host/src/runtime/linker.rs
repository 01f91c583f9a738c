//! What this host offers to components.

use anyhow::Result;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView, p2, p3};

use super::client;
use super::instance::InstanceState;
use crate::capability;

/// A linker with everything this host offers. Grants are checked when a function is called, not
/// by leaving imports out, so that a refusal is the interface's own error.
///
/// # Errors
/// Never in practice: two definitions of one name would be a fault of this host.
pub fn new_linker(engine: &Engine) -> Result<Linker<InstanceState>> {
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
