//! `spin:variables`: a component's configuration, rendered at start.

use wasmtime::component::Accessor;

use super::Capabilities;
use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::runtime::instance::InstanceState;

impl Host for InstanceState {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<Error> {
        Ok(error)
    }
}

impl<T: Send> HostWithStore<T> for Capabilities {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, Error> {
        let grants = accessor.with(|mut access| access.get().grants.clone());
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(legal) {
            return Err(Error::InvalidName(name));
        }
        let undefined = || {
            let id = &grants.id;
            Error::Undefined(format!("no variable {name:?} in [component.{id}.variables]"))
        };
        grants.variables.get(&name).cloned().ok_or_else(undefined)
    }
}
