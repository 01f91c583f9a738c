//! Which request a component acts for: an instance works on many at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::GuestTaskId;

use super::Parent;

/// The requests that an instance works on, as far as they are traced.
#[derive(Clone, Default)]
pub struct Callers(Arc<Mutex<Tasks>>);

#[derive(Default)]
struct Tasks {
    parents: HashMap<GuestTaskId, Parent>,
    /// For whom the host function acts that was called just now.
    current: Option<Parent>,
}

impl Callers {
    /// A task begins to work on a request, until the guard is dropped.
    pub fn enter_task(&self, task: GuestTaskId, parent: Parent) -> Entered {
        self.lock_tasks().parents.insert(task, parent);
        Entered { callers: self.clone(), task }
    }

    /// For which request the call is made whose tasks these are, the youngest first.
    pub fn find_parent(&self, stack: impl Iterator<Item = GuestTaskId>) -> Option<Parent> {
        let tasks = self.lock_tasks();
        stack.filter_map(|task| tasks.parents.get(&task)).last().cloned()
    }

    /// Says for whom the next call acts that cannot look for itself.
    pub fn set_current(&self, parent: Option<Parent>) {
        self.lock_tasks().current = parent;
    }

    /// For whom that is.
    pub fn take_current(&self) -> Option<Parent> {
        self.lock_tasks().current.take()
    }

    fn lock_tasks(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it is there, a task works on a request.
pub struct Entered {
    callers: Callers,
    task: GuestTaskId,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.callers.lock_tasks().parents.remove(&self.task);
    }
}
