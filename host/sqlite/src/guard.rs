//! What watches over a running statement: its right to run at all, and its time.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::pragma::{self, Decision};
use crate::route::NO_ATTACH;

/// On whose behalf a connection works at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Scope {
    /// The host's own statements: everything is allowed.
    Host,
    /// A guest's statement in a transaction that is not the guest's.
    Shared,
    /// A guest's statement outside of any transaction, such as VACUUM.
    Alone,
    /// A guest's statement in its own transaction.
    Transaction,
}

/// The scope and the reason of the last refusal, shared with a connection's authorizer.
#[derive(Default)]
pub(crate) struct Permit {
    scope: AtomicU8,
    refusal: Mutex<Option<&'static str>>,
}

impl Permit {
    pub(crate) fn enter_scope(&self, scope: Scope) {
        self.scope.store(scope as u8, Relaxed);
    }

    /// Why SQLite's last "not authorized" came about.
    pub(crate) fn take_refusal(&self) -> Option<&'static str> {
        lock_mutex(&self.refusal).take()
    }

    /// SQLite asks this for everything a statement would do, when it is prepared.
    pub(crate) fn authorize_action(&self, context: &AuthContext<'_>) -> Authorization {
        let scope = self.scope.load(Relaxed);
        if scope == Scope::Host as u8 {
            return Authorization::Allow;
        }
        match refusal_reason(scope, &context.action).or_else(|| refused_temporary(context)) {
            None => Authorization::Allow,
            Some(reason) => {
                *lock_mutex(&self.refusal) = Some(reason);
                Authorization::Deny
            }
        }
    }
}

fn refusal_reason(scope: u8, action: &AuthAction<'_>) -> Option<&'static str> {
    match action {
        // VACUUM attaches a nameless temporary database by itself.
        AuthAction::Attach { filename: "" } if scope == Scope::Alone as u8 => None,
        AuthAction::Detach { .. } if scope == Scope::Alone as u8 => None,
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some(NO_ATTACH),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. }
            if scope == Scope::Shared as u8 =>
        {
            Some("a transaction is begun by a statement of its own")
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            refused_pragma(scope, pragma_name, *pragma_value)
        }
        // ATTACH with an expression for a name arrives without one.
        AuthAction::Unknown { code, .. } if *code == rusqlite::ffi::SQLITE_ATTACH => {
            Some(NO_ATTACH)
        }
        _ => None,
    }
}

/// Whatever is made in the temporary schema begins with a row in that schema's table.
fn refused_temporary(context: &AuthContext<'_>) -> Option<&'static str> {
    let is_temporary = context.database_name == Some("temp");
    let makes =
        matches!(context.action, AuthAction::Insert { .. } | AuthAction::CreateVtable { .. });
    (is_temporary && makes).then_some(
        "temporary tables, views and triggers belong to a connection, and connections are \
         shared: use a common table expression or an ordinary table",
    )
}

fn refused_pragma(scope: u8, name: &str, value: Option<&str>) -> Option<&'static str> {
    let value = value.map(str::to_ascii_lowercase);
    let allowed = match pragma::decide_pragma(&name.to_ascii_lowercase(), value.as_deref()) {
        Decision::Read | Decision::Write => true,
        Decision::Alone => scope != Scope::Shared as u8,
        Decision::InTransaction => scope == Scope::Transaction as u8,
        Decision::Answer(_) => value.is_none(),
        Decision::Refuse(_) => false,
    };
    (!allowed).then_some("this PRAGMA is not offered here")
}

/// When the running statement has to stop, shared with a connection's progress handler.
#[derive(Default)]
pub(crate) struct StatementWatch(Mutex<Option<Limit>>);

struct Limit {
    deadline: Instant,
    cancelled: Option<Arc<AtomicBool>>,
}

impl StatementWatch {
    /// Watches the statement that is about to run, for its time and, if given, for its caller.
    pub(crate) fn watch_statement(&self, deadline: Instant, cancelled: Option<Arc<AtomicBool>>) {
        *lock_mutex(&self.0) = Some(Limit { deadline, cancelled });
    }

    pub(crate) fn stop_watching(&self) {
        *lock_mutex(&self.0) = None;
    }

    /// Whether the running statement must stop now.
    pub(crate) fn is_over(&self) -> bool {
        lock_mutex(&self.0).as_ref().is_some_and(|limit| {
            let is_cancelled = limit.cancelled.as_ref().is_some_and(|flag| flag.load(Relaxed));
            is_cancelled || Instant::now() >= limit.deadline
        })
    }
}

fn lock_mutex<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
