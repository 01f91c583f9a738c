//! `spin:key-value`: stores by label.

use hedge_key_value::Store;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::Capabilities;
use super::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use super::handles::OpenStore;
use crate::runtime::instance::InstanceState;

/// Stores an instance may hold open at one time.
const STORES_MAX: usize = 256;

type StoreHandle = Resource<OpenStore>;
type KeysAndEnd = (StreamReader<String>, FutureReader<Result<(), Error>>);

impl InstanceState {
    fn open_key_value(&mut self, label: &str) -> Result<StoreHandle, Error> {
        let Some(store) = self.grants.key_value_stores.get(label).cloned() else {
            return Err(Error::AccessDenied);
        };
        if self.connections.key_value >= STORES_MAX {
            return Err(Error::StoreTableFull);
        }
        let handle = self.table.push(OpenStore(store)).map_err(|_| Error::StoreTableFull)?;
        self.connections.key_value += 1;
        Ok(handle)
    }
}

fn find_store<T>(
    accessor: &Accessor<T, Capabilities>,
    handle: &StoreHandle,
) -> Result<Store, Error> {
    accessor.with(|mut access| {
        let opened = access.get().table.get(handle);
        opened.map(|opened| opened.0.clone()).map_err(|_| Error::NoSuchStore)
    })
}

fn to_wit_error(error: hedge_key_value::Error) -> Error {
    Error::Other(error.to_string())
}

impl Host for InstanceState {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<Error> {
        Ok(error)
    }
}

impl HostStore for InstanceState {
    async fn drop(&mut self, handle: StoreHandle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.connections.key_value = self.connections.key_value.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> HostStoreWithStore<T> for Capabilities {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<StoreHandle, Error> {
        accessor.with(|mut access| access.get().open_key_value(&label))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: StoreHandle,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        find_store(accessor, &handle)?.get(&key).await.map_err(to_wit_error)
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: StoreHandle,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        find_store(accessor, &handle)?.set(&key, value).await.map_err(to_wit_error)
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        handle: StoreHandle,
        key: String,
    ) -> Result<(), Error> {
        find_store(accessor, &handle)?.delete(&key).await.map_err(to_wit_error)
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        handle: StoreHandle,
        key: String,
    ) -> Result<bool, Error> {
        find_store(accessor, &handle)?.exists(&key).await.map_err(to_wit_error)
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        handle: StoreHandle,
    ) -> wasmtime::Result<KeysAndEnd> {
        let listed = match find_store(accessor, &handle) {
            Ok(store) => store.get_keys().await.map_err(to_wit_error),
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
