//! `wasi:http/client`: Wasmtime's, which learns for which of an instance's requests one is sent.

use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client::{self, HostWithStore};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView, WasiHttpView};

use super::instance::InstanceState;

/// Marks the functions of the interface.
struct ClientInterface;

impl HasData for ClientInterface {
    type Data<'a> = WasiHttpCtxView<'a>;
}

impl HostWithStore<InstanceState> for ClientInterface {
    async fn send(
        accessor: &Accessor<InstanceState, Self>,
        request: Resource<Request>,
    ) -> Result<Resource<Response>, TrappableError<ErrorCode>> {
        let told: wasmtime::Result<()> = accessor.with(|mut access| {
            let mut store = access.as_context_mut();
            if store.data().traces.is_none() {
                return Ok(());
            }
            let callers = store.data().callers.clone();
            let caller = callers.find_parent(store.async_call_stack()?);
            // Wasmtime's function hands the request to `Outbound` before it waits for anything.
            callers.set_current(caller);
            Ok(())
        });
        told.map_err(TrappableError::trap)?;
        let accessor = accessor.with_getter::<WasiHttp>(InstanceState::http);
        WasiHttp::send(&accessor, request).await
    }
}

/// Defines the interface.
///
/// # Errors
/// When it is defined already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    client::add_to_linker::<_, ClientInterface>(linker, InstanceState::http)
}
