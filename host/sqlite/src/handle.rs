//! What keeps a database open.

use std::sync::Arc;

use crate::shared::Shared;

/// What guests hold; the threads hold [`Shared`], and end when the last of these is dropped.
pub(crate) struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}
