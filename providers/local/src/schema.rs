//! The file: how it is opened, what tables it has, and which version of them this crate reads.
//!
//! The journal is SQLite's rollback journal, not its write-ahead log: there is one file when nothing runs, a reader leaves
//! nothing behind, and a crash is mended by whoever opens the file next. `synchronous=EXTRA` also syncs the folder after a
//! commit, so that a commit that was reported survives a loss of power.
#![allow(clippy::disallowed_methods, reason = "this module opens the directory's file")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

/// The version of the tables below, in the file's `user_version`.
const VERSION: i64 = 2;
/// The version before groups: read as it is, and brought up to date before the first write.
const WITHOUT_GROUPS: i64 = 1;
/// What the file's `application_id` says: "LHID", Leasehold's identity directory.
const APPLICATION: i64 = 0x4C48_4944;
/// How long one process waits for another's transaction.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a commit outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, and a loss of power.
    Power,
    /// The end of the process.
    Process,
}

impl Durability {
    fn pragma(self) -> &'static str {
        match self {
            Self::Power => "PRAGMA synchronous = EXTRA",
            Self::Process => "PRAGMA synchronous = OFF",
        }
    }
}

/// Instants are RFC 3339 texts. `tags` and documents are JSON; the marks stand among the tags.
const TABLES: &str = "
CREATE TABLE principals (
    id INTEGER PRIMARY KEY,
    form TEXT NOT NULL CHECK (form IN ('user', 'role')),
    name TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (name <> '' AND instr(name, '/') = 0),
    description TEXT,
    trust TEXT CHECK ((form = 'role') = (trust IS NOT NULL)),
    max_session_duration INTEGER CHECK (form = 'role' OR max_session_duration IS NULL),
    boundary TEXT,
    tags TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL,
    last_used TEXT
) STRICT;
CREATE TABLE policies (
    name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY CHECK (name <> ''),
    description TEXT,
    document TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL
) STRICT;
CREATE TABLE inline_policies (
    principal INTEGER NOT NULL REFERENCES principals (id) ON DELETE RESTRICT,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (principal, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE attachments (
    principal INTEGER NOT NULL REFERENCES principals (id) ON DELETE RESTRICT,
    policy TEXT NOT NULL,
    PRIMARY KEY (principal, policy)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_of_policy ON attachments (policy);
CREATE TABLE access_keys (
    principal INTEGER NOT NULL REFERENCES principals (id) ON DELETE RESTRICT,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('Active', 'Inactive')),
    created_at TEXT NOT NULL,
    last_used TEXT,
    PRIMARY KEY (principal, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE logins (
    principal INTEGER PRIMARY KEY REFERENCES principals (id) ON DELETE RESTRICT,
    created_at TEXT NOT NULL
) STRICT;
";

/// What version 2 adds.
const GROUP_TABLES: &str = "
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (name <> '' AND instr(name, '/') = 0),
    tags TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL
) STRICT;
CREATE TABLE group_policies (
    team INTEGER NOT NULL REFERENCES groups (id) ON DELETE RESTRICT,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (team, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE group_attachments (
    team INTEGER NOT NULL REFERENCES groups (id) ON DELETE RESTRICT,
    policy TEXT NOT NULL,
    PRIMARY KEY (team, policy)
) STRICT, WITHOUT ROWID;
CREATE TABLE memberships (
    principal INTEGER NOT NULL REFERENCES principals (id) ON DELETE RESTRICT,
    team INTEGER NOT NULL REFERENCES groups (id) ON DELETE RESTRICT,
    PRIMARY KEY (principal, team)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_of_group ON memberships (team);
";

/// Whether the file has the tables of groups.
pub fn has_groups(connection: &Connection) -> rusqlite::Result<bool> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version > WITHOUT_GROUPS)
}

/// Why a directory's file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder it should stand in cannot be made or looked into.
    #[error("{path} cannot be reached: {source}")]
    Folder {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A later version of this program wrote it.
    #[error("{path} has version {found} of the directory's tables; this program reads up to {VERSION}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// It is something else.
    #[error("{path} is not an identity directory")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// SQLite cannot open it.
    #[error("{path} cannot be opened: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Folder { .. } => "check the path and its permissions",
            Self::Newer { .. } => "use the version of this program that last wrote it, or a later one",
            Self::Foreign { .. } => "name another file; this one is left as it is",
            Self::Sqlite { .. } => return None,
        };
        Some(help.to_owned())
    }
}

/// Opens the file to read it. `None`: there is no directory yet. Nothing is created.
pub fn open_to_read(path: &Path) -> Result<Option<Connection>, OpenError> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Folder { path: path.to_owned(), source }),
        Ok(_) => {}
    }
    // Not SQLITE_OPEN_READ_ONLY: whoever opens the file first after a crash must roll its journal back.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let answer = connection.execute_batch("PRAGMA query_only = ON; BEGIN").and_then(|()| state(&connection));
    match answer.map_err(|source| failed(path, source))? {
        State::Ready | State::Older => Ok(Some(connection)),
        State::Empty => Ok(None),
        State::Foreign => Err(OpenError::Foreign { path: path.to_owned() }),
        State::Newer(found) => Err(OpenError::Newer { path: path.to_owned(), found }),
    }
}

/// Opens the file to write it. File, folder and tables are created where they are missing.
pub fn open_to_write(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    }
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let synced = connection.execute_batch(durability.pragma()).and_then(|()| create_tables(&mut connection));
    let outcome = synced.map_err(|source| failed(path, source))?;
    match outcome {
        State::Ready | State::Older | State::Empty => Ok(connection),
        State::Foreign => Err(OpenError::Foreign { path: path.to_owned() }),
        State::Newer(found) => Err(OpenError::Newer { path: path.to_owned(), found }),
    }
}

fn failed(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Foreign { path: path.to_owned() },
        _ => OpenError::Sqlite { path: path.to_owned(), source },
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| failed(path, source))?;
    let prepared =
        connection.busy_timeout(PATIENCE).and_then(|()| connection.execute_batch("PRAGMA foreign_keys = ON"));
    prepared.map_err(|source| failed(path, source))?;
    Ok(connection)
}

enum State {
    Ready,
    Older,
    Empty,
    Foreign,
    Newer(i64),
}

fn state(connection: &Connection) -> rusqlite::Result<State> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match (application, version) {
        (0, 0) if tables == 0 => State::Empty,
        (APPLICATION, VERSION) => State::Ready,
        (APPLICATION, WITHOUT_GROUPS) => State::Older,
        (APPLICATION, found) if found > VERSION => State::Newer(found),
        _ => State::Foreign,
    })
}

/// In one transaction, so that of two processes that start at once one creates the tables and the other finds them.
fn create_tables(connection: &mut Connection) -> rusqlite::Result<State> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = state(&transaction)?;
    if matches!(found, State::Empty) {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    if matches!(found, State::Empty | State::Older) {
        transaction.execute_batch(GROUP_TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_creates_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/directory.db");
        assert!(open_to_read(&path).unwrap().is_none());
        assert!(!folder.path().join("a").exists());
        drop(open_to_write(&path, Durability::Power).unwrap());
        assert!(open_to_read(&path).unwrap().is_some());
        let left: Vec<_> = std::fs::read_dir(folder.path().join("a")).unwrap().collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn a_newer_file_is_refused_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.db");
        open_to_write(&path, Durability::Power).unwrap().pragma_update(None, "user_version", 7).unwrap();
        for error in [open_to_read(&path).unwrap_err(), open_to_write(&path, Durability::Power).unwrap_err()] {
            assert!(error.to_string().ends_with("has version 7 of the directory's tables; this program reads up to 2"));
        }
    }

    #[test]
    fn another_programs_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "x".repeat(2000)).unwrap();
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        for path in [text, other] {
            assert!(matches!(open_to_read(&path), Err(OpenError::Foreign { .. })));
            assert!(matches!(open_to_write(&path, Durability::Power), Err(OpenError::Foreign { .. })));
        }
    }
}
