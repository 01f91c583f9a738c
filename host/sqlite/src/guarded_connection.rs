//! A real connection, owned by one thread, with what keeps a guest's statement within its bounds.

use std::cell::Cell;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::Wal;
use rusqlite::limits::Limit;
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement, ffi, params_from_iter};

use crate::call::{Call, Session};
use crate::error::Error;
use crate::guard::{Permit, Scope, StatementWatch};
use crate::options::{
    CACHED_SQL_BYTES_MAX, LOCK_WAIT_MAX, Options, STATEMENTS_CACHED, WRITER_CACHE_KIB,
};
use crate::tokens::first_word;
use crate::value::{Rows, Value};

/// SQLite's virtual machine asks whether to go on after so many instructions: about 20 µs.
const PROGRESS_INSTRUCTIONS: i32 = 4096;

/// Where a database lives.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    File(PathBuf),
    Memory,
}

/// What a connection is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

/// What a checkpoint came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checkpoint {
    is_busy: bool,
    /// Pages in the WAL, and how many of them are in the database.
    pages: i64,
    pub(crate) copied: i64,
}

impl Checkpoint {
    /// Whether nobody was in the way of all that was asked for.
    pub(crate) fn is_all(self) -> bool {
        !self.is_busy && self.pages == self.copied
    }
}

/// A connection with everything that keeps a guest's statement within its bounds.
pub(crate) struct GuardedConnection {
    connection: Connection,
    permit: Arc<Permit>,
    watch: Arc<StatementWatch>,
    /// What SQL's `changes()` answers to the guest being served.
    changes: Arc<AtomicI64>,
    role: Role,
    result_bytes_max: usize,
    statement_time_max: Duration,
}

impl GuardedConnection {
    /// Opens the file, with WAL and full durability whatever the file said before.
    pub(crate) fn open(storage: &Storage, role: Role, options: &Options) -> Result<Self, Error> {
        let connection = match storage {
            Storage::File(path) => Connection::open_with_flags(path, open_flags())?,
            Storage::Memory => Connection::open_in_memory_with_flags(open_flags())?,
        };
        let guarded = Self {
            connection,
            permit: Arc::default(),
            watch: Arc::default(),
            changes: Arc::default(),
            role,
            result_bytes_max: options.result_bytes_max,
            statement_time_max: options.statement_time_max,
        };
        guarded.apply_settings(storage, options)?;
        guarded.install_hooks()?;
        Ok(guarded)
    }

    fn apply_settings(&self, storage: &Storage, options: &Options) -> Result<(), Error> {
        let connection = &self.connection;
        connection.busy_timeout(LOCK_WAIT_MAX)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Without this SQLite plans a statement anew whenever a parameter that it looked at gets
        // another value: every LIMIT's does, and planning took longer than running.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let bytes_max = options.result_bytes_max.max(options.request_bytes_max);
        let bytes_max = i32::try_from(bytes_max).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bytes_max)?;
        let mode: String = connection.query_row("PRAGMA journal_mode=WAL", (), |row| row.get(0))?;
        if matches!(storage, Storage::File(_)) && mode != "wal" {
            let reason = format!("journal mode {mode}: WAL needs a local file system");
            return Err(Error::sqlite_error(reason));
        }
        // The last two matter on macOS alone, where fsync does not reach the disk.
        connection.execute_batch(
            "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;
             PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON;",
        )?;
        match self.role {
            Role::Reader => connection.execute_batch("PRAGMA query_only=ON")?,
            // The writer checkpoints by itself, after it has answered.
            Role::Writer => {
                connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
                connection.execute_batch("PRAGMA wal_autocheckpoint=0")?;
            }
        }
        Ok(())
    }

    fn install_hooks(&self) -> Result<(), Error> {
        let permit = Arc::clone(&self.permit);
        self.connection.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
            permit.authorize_action(&context)
        }));
        let watch = Arc::clone(&self.watch);
        self.connection.progress_handler(PROGRESS_INSTRUCTIONS, Some(move || watch.is_over()));
        self.connection.wal_hook(Some(remember_wal_pages));
        let changes = Arc::clone(&self.changes);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        self.connection
            .create_scalar_function(c"changes", 0, flags, move |_| Ok(changes.load(Relaxed)))?;
        Ok(())
    }

    /// Runs a statement of the host's own.
    pub(crate) fn run_command(&self, sql: &str) -> Result<(), Error> {
        self.permit.enter_scope(Scope::Host);
        self.connection.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }

    /// Copies the WAL into the database, as far as those who use it let it.
    pub(crate) fn run_checkpoint(&self, mode: &str) -> Result<Checkpoint, Error> {
        self.permit.enter_scope(Scope::Host);
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let (is_busy, pages, copied) = self
            .connection
            .prepare_cached(&sql)?
            .query_row((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Checkpoint { is_busy, pages, copied })
    }

    /// As [`Self::run_checkpoint`], and lets the WAL start over, if readers leave it within `wait`.
    pub(crate) fn restart_wal(&self, wait: Duration) -> Result<Checkpoint, Error> {
        self.connection.busy_timeout(wait)?;
        let done = self.run_checkpoint("RESTART");
        self.connection.busy_timeout(LOCK_WAIT_MAX)?;
        done
    }

    /// Has the database's file synchronised. SQLite leaves that out of a checkpoint during which
    /// the WAL has grown, or that readers cut short, to the next one, which may be the writer's.
    pub(crate) fn sync_file(&self) -> Result<(), Error> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        // SAFETY: the handle is open as long as `connection` lives and no other thread uses it.
        // The call answers the address of the database's file, which lives as long, and whose
        // methods are null if it is not open. No call of SQLite's is under way on this connection,
        // and `xSync` touches nothing but the file.
        let code = unsafe {
            ffi::sqlite3_file_control(
                self.connection.handle(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_FILE_POINTER,
                (&raw mut file).cast(),
            );
            let methods = file.as_ref().and_then(|file| file.pMethods.as_ref());
            let sync = methods.and_then(|methods| methods.xSync);
            sync.map_or(ffi::SQLITE_OK, |sync| sync(file, ffi::SQLITE_SYNC_FULL))
        };
        match code {
            ffi::SQLITE_OK => Ok(()),
            code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()),
        }
    }

    /// Whether no transaction is open.
    pub(crate) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Whether the open transaction has foreign keys that are to be made good before COMMIT.
    pub(crate) fn has_deferred_violations(&self) -> bool {
        let (mut current, mut highest) = (0, 0);
        // SAFETY: the handle is open as long as `connection` lives and no other thread uses it;
        // the call writes to the two numbers alone.
        unsafe {
            ffi::sqlite3_db_status(
                self.connection.handle(),
                ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
                &raw mut current,
                &raw mut highest,
                0,
            );
        }
        current != 0
    }

    /// Runs a guest's statement and collects its result. Returns too what the guest's session is
    /// after it, which may have changed even if the statement failed (`INSERT OR FAIL`).
    pub(crate) fn run_statement(
        &self,
        call: &Call,
        scope: Scope,
    ) -> (Result<Rows, Error>, Session) {
        self.set_session(call.session);
        self.permit.enter_scope(scope);
        let mut session = call.session;
        let result = self.with_prepared(call, |statement| {
            let writes = !statement.readonly();
            // A write that is stopped takes its transaction with it, which may be others' too.
            let is_stoppable = !writes || scope == Scope::Transaction;
            self.watch
                .watch_statement(call.deadline, is_stoppable.then(|| Arc::clone(&call.cancelled)));
            let undoes = writes && self.role == Role::Writer && statement.column_count() > 0;
            let rows = match undoes {
                true => self.collect_or_undo(statement, &call.params, scope),
                false => self.collect_rows(statement, &call.params),
            };
            if writes {
                session.last_insert_rowid = self.connection.last_insert_rowid();
            }
            if writes && is_dml(&call.sql) {
                session.changes = self.connection.changes();
            }
            rows
        });
        self.watch.stop_watching();
        (result.map_err(|error| self.explain_error(error, call)), session)
    }

    /// Whether SQLite calls the statement one that only reads.
    pub(crate) fn is_read(&self, call: &Call) -> Result<bool, Error> {
        self.permit.enter_scope(Scope::Shared);
        let readonly = self.with_prepared(call, |statement| Ok(statement.readonly()));
        readonly.map_err(|error| self.explain_error(error, call))
    }

    fn with_prepared<T>(
        &self,
        call: &Call,
        run: impl FnOnce(&mut Statement<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if call.sql.len() > CACHED_SQL_BYTES_MAX {
            return run(&mut self.connection.prepare(&call.sql)?);
        }
        let mut statement: CachedStatement<'_> = self.connection.prepare_cached(&call.sql)?;
        run(&mut statement)
    }

    /// SQLite undoes a statement that it fails itself. When the host gives up on a result that a
    /// writing statement returns, the writing has been done: hence the savepoint.
    fn collect_or_undo(
        &self,
        statement: &mut Statement<'_>,
        params: &[Value],
        scope: Scope,
    ) -> Result<Rows, Error> {
        if scope == Scope::Alone {
            return self.collect_rows(statement, params);
        }
        self.run_command("SAVEPOINT hedge_statement")?;
        self.permit.enter_scope(scope);
        let rows = self.collect_rows(statement, params);
        if matches!(rows, Err(Error::TooLarge { .. } | Error::Refused(_))) {
            self.run_command("ROLLBACK TO hedge_statement")?;
        }
        if !self.is_autocommit() {
            self.run_command("RELEASE hedge_statement")?;
        }
        rows
    }

    fn collect_rows(&self, statement: &mut Statement<'_>, params: &[Value]) -> Result<Rows, Error> {
        if self.role == Role::Reader && !statement.readonly() && statement.is_explain() == 0 {
            return Err(Error::Refused("a statement that writes came to a reader".into()));
        }
        let mut columns = None;
        let mut collected = Vec::new();
        let mut bytes = 0_usize;
        let mut rows = statement.query(params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            // A statement knows its columns for sure only once it has stepped: a change of the
            // schema makes SQLite prepare it anew.
            let columns = columns.get_or_insert_with(|| column_names_of(row.as_ref()));
            let mut values = Vec::with_capacity(columns.len());
            for index in 0..columns.len() {
                let value =
                    Value::from_column(row.get_ref(index)?).ok_or_else(|| not_text(index))?;
                bytes += value.weight_bytes();
                values.push(value);
            }
            if bytes > self.result_bytes_max {
                return Err(self.too_large());
            }
            collected.push(values);
        }
        drop(rows);
        Ok(Rows { columns: columns.unwrap_or_else(|| column_names_of(statement)), rows: collected })
    }

    fn too_large(&self) -> Error {
        Error::TooLarge {
            what: "the result",
            bytes_max: self.result_bytes_max,
            advice: "read it in pages (WHERE key > ? ORDER BY key LIMIT ?)",
        }
    }

    fn set_session(&self, session: Session) {
        self.changes.store(i64::try_from(session.changes).unwrap_or(i64::MAX), Relaxed);
        // SAFETY: the handle is open as long as `connection` lives, no other thread uses it, and
        // the call touches nothing but one number that rusqlite does not keep.
        unsafe {
            ffi::sqlite3_set_last_insert_rowid(self.connection.handle(), session.last_insert_rowid);
        }
    }

    /// Puts the host's reason in the place of SQLite's "interrupted" and "not authorized".
    fn explain_error(&self, error: Error, call: &Call) -> Error {
        let Error::Sqlite { code, .. } = &error else { return error };
        match code & 0xff {
            ffi::SQLITE_INTERRUPT if call.cancelled.load(Relaxed) => Error::Cancelled,
            ffi::SQLITE_INTERRUPT => Error::Timeout { seconds: self.statement_time_max.as_secs() },
            ffi::SQLITE_AUTH => match self.permit.take_refusal() {
                Some(reason) => Error::Refused(reason.into()),
                None => error,
            },
            _ => error,
        }
    }
}

fn open_flags() -> OpenFlags {
    // NO_MUTEX: a connection is used by the thread that owns it and by nobody else.
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn column_names_of(statement: &Statement<'_>) -> Vec<String> {
    statement.column_names().into_iter().map(str::to_owned).collect()
}

fn not_text(index: usize) -> Error {
    Error::Refused(format!("column {index} holds text that is not UTF-8: CAST it AS BLOB"))
}

/// Whether a statement that writes is an INSERT, UPDATE or DELETE, which alone set `changes()`.
fn is_dml(sql: &str) -> bool {
    matches!(first_word(sql).as_str(), "insert" | "replace" | "update" | "delete" | "with")
}

thread_local! {
    // rusqlite's WAL hook takes a plain function, so the number travels through the thread that
    // owns the connection. Readers commit nothing and never set it.
    static WAL_PAGES: Cell<i64> = const { Cell::new(0) };
}

fn remember_wal_pages(_: &Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    WAL_PAGES.set(pages.into());
    Ok(())
}

/// Pages in the WAL after this thread's last commit.
pub(crate) fn wal_pages() -> i64 {
    WAL_PAGES.get()
}
