//! How a component reaches others of its application, without a socket.

use async_trait::async_trait;
use http::{Request, Response};
use wasmtime_wasi_http::{Error, WasiBody};

/// Whoever knows which component answers what.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Has a component answer a request, whatever its route.
    ///
    /// # Errors
    /// `DestinationNotFound` when there is no such component.
    async fn dispatch_to(
        &self,
        component: &str,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error>;

    /// Has a request answered by whoever answers its path publicly.
    ///
    /// # Errors
    /// While the host is closing down.
    async fn dispatch_public(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Error>;

    /// Whether the application is closing down: nobody answers any more.
    fn is_closed(&self) -> bool;
}
