//! `spin:key-value`: stores by label.

use hedge_key_value::Store;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::Capabilities;
use super::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::runtime::instance::InstanceState;

/// What is behind a label.
pub type Source = Store;

/// Stores an instance may hold open at one time.
const STORES_MAX: usize = 256;

/// An instance's handle on a store.
pub struct Opened(Source);

type Handle = Resource<Opened>;
type KeysAndEnd = (StreamReader<String>, FutureReader<Result<(), Error>>);

impl InstanceState {
    fn open_key_value(&mut self, label: &str) -> Result<Handle, Error> {
        let Some(store) = self.grants.key_value_stores.get(label).cloned() else {
            return Err(Error::AccessDenied);
        };
        if self.connections.key_value >= STORES_MAX {
            return Err(Error::StoreTableFull);
        }
        let handle = self.table.push(Opened(store)).map_err(|_| Error::StoreTableFull)?;
        self.connections.key_value += 1;
        Ok(handle)
    }
}

fn store<T>(accessor: &Accessor<T, Capabilities>, handle: &Handle) -> Result<Source, Error> {
    accessor.with(|mut access| {
        let opened = access.get().table.get(handle);
        opened.map(|opened| opened.0.clone()).map_err(|_| Error::NoSuchStore)
    })
}

fn other(error: hedge_key_value::Error) -> Error {
    Error::Other(error.to_string())
}

impl Host for InstanceState {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<Error> {
        Ok(error)
    }
}

impl HostStore for InstanceState {
    async fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.connections.key_value = self.connections.key_value.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> HostStoreWithStore<T> for Capabilities {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<Handle, Error> {
        accessor.with(|mut access| access.get().open_key_value(&label))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: Handle,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        store(accessor, &handle)?.get(&key).await.map_err(other)
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: Handle,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        store(accessor, &handle)?.set(&key, value).await.map_err(other)
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        handle: Handle,
        key: String,
    ) -> Result<(), Error> {
        store(accessor, &handle)?.delete(&key).await.map_err(other)
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        handle: Handle,
        key: String,
    ) -> Result<bool, Error> {
        store(accessor, &handle)?.exists(&key).await.map_err(other)
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        handle: Handle,
    ) -> wasmtime::Result<KeysAndEnd> {
        let listed = match store(accessor, &handle) {
            Ok(store) => store.get_keys().await.map_err(other),
            Err(error) => Err(error),
        };
        let (keys, end) = match listed {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let end = std::future::ready(wasmtime::Result::<_>::Ok(end));
            let keys = StreamReader::new(&mut access, keys)?;
            Ok((keys, FutureReader::new(&mut access, end)?))
        })
    }
}
