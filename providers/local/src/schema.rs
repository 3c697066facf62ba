//! Opens the SQLite file, creates its tables, and checks their version.
//!
//! The file uses SQLite's rollback journal, not the write-ahead log: while no process runs there is only one file,
//! readers leave no files behind, and the next process to open the file recovers it after a crash. `synchronous=EXTRA`
//! also syncs the folder after a commit, so that a reported commit survives a loss of power.
#![allow(clippy::disallowed_methods, reason = "this module opens the directory's file")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use leasehold_files::{PathError, check_plain_file, create_private_file, create_private_folder};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

/// Version of the tables below, stored as `user_version`.
const TABLES_VERSION: i64 = 3;
/// The version before groups. It can be read, and is migrated before the first write.
const TABLES_VERSION_WITHOUT_GROUPS: i64 = 1;
/// The version before unique ids. It can be read, and is migrated before the first write.
const TABLES_VERSION_WITHOUT_UNIQUE_IDS: i64 = 2;
/// The file's `application_id`: "LHID" in ASCII, for Leasehold identity directory.
const APPLICATION_ID: i64 = 0x4C48_4944;
/// How long to wait for a transaction of another process. Much longer than one transaction takes. Chosen, not measured.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the process, and a loss of power.
    Power,
    /// A crash of the process only. For tests.
    Process,
}

impl Durability {
    fn synchronous_pragma(self) -> &'static str {
        match self {
            Self::Power => "PRAGMA synchronous = EXTRA",
            Self::Process => "PRAGMA synchronous = OFF",
        }
    }
}

/// Times are RFC 3339 text. `tags`, `trust` and `document` are JSON; `tags` includes the marks.
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

/// The tables that version 2 adds. `team` is the primary key of a group.
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

/// The columns that version 3 adds. A creation writes a random id. An object without one, which existed before or which another program
/// wrote, has the id that [`unique_id_column`] computes.
const UNIQUE_IDS: &str = "
ALTER TABLE principals ADD COLUMN unique_id TEXT;
ALTER TABLE policies ADD COLUMN unique_id TEXT;
ALTER TABLE groups ADD COLUMN unique_id TEXT;
";

/// The SQL expression for the unique id of a principal.
pub const PRINCIPAL_ID: &str = "coalesce(unique_id, form || '/' || name || '/' || created_at)";
/// The SQL expression for the unique id of a policy.
pub const POLICY_ID: &str = "coalesce(unique_id, 'policy/' || name || '/' || created_at)";
/// The SQL expression for the unique id of a group.
pub const GROUP_ID: &str = "coalesce(unique_id, 'group/' || name || '/' || created_at)";

/// The SQL expression for the unique id of a row, in the tables of the version that the file has. `expression` is that of version 3.
pub fn unique_id_column(connection: &Connection, expression: &str) -> rusqlite::Result<String> {
    let has_column = read_tables_version(connection)? > TABLES_VERSION_WITHOUT_UNIQUE_IDS;
    Ok(if has_column { expression.to_owned() } else { expression.replace("unique_id, ", "NULL, ") })
}

fn read_tables_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Returns whether the file has the group tables of version 2.
pub fn has_group_tables(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(read_tables_version(connection)? > TABLES_VERSION_WITHOUT_GROUPS)
}

/// Why the file of a directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the file cannot be created or read.
    #[error("cannot access {path}: {source}")]
    Folder {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file or its folder is refused: a link, a device, or writable by other users.
    #[error("{path} {source}")]
    Refused {
        /// Path of the file.
        path: PathBuf,
        /// Why it is refused.
        source: PathError,
    },
    /// A later version of Leasehold wrote the file.
    #[error("{path} has version {found} of the directory's tables; this program reads up to {TABLES_VERSION}")]
    Newer {
        /// Path of the file.
        path: PathBuf,
        /// Version of its tables.
        found: i64,
    },
    /// The file is not an identity directory.
    #[error("{path} is not an identity directory")]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// SQLite cannot open the file.
    #[error("cannot open {path}: {source}")]
    Sqlite {
        /// Path of the file.
        path: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// Returns what the user can do; `None` if that depends on the error of SQLite.
    #[must_use]
    pub fn help_text(&self) -> Option<String> {
        let help = match self {
            Self::Folder { .. } => "check the path and its permissions",
            Self::Refused { source, .. } => return source.help_text(),
            Self::Newer { .. } => "use the version of Leasehold that last wrote the file, or a later one",
            Self::Foreign { .. } => "configure another path; this file was not changed",
            Self::Sqlite { .. } => return None,
        };
        Some(help.to_owned())
    }
}

/// Opens the file for reading; `None` if it does not exist or is empty. Creates nothing.
///
/// # Errors
///
/// [`OpenError`] if the file cannot be opened, or is not an identity directory of a supported version.
pub fn open_to_read(path: &Path) -> Result<Option<Connection>, OpenError> {
    if !check_files(path)? {
        return Ok(None);
    }
    // Not SQLITE_OPEN_READ_ONLY: the first process to open the file after a crash must roll its journal back.
    let connection = open_connection(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let answer =
        connection.execute_batch("PRAGMA query_only = ON; BEGIN").and_then(|()| detect_schema_state(&connection));
    match answer.map_err(|source| open_error(path, source))? {
        SchemaState::Ready | SchemaState::Older(_) => Ok(Some(connection)),
        SchemaState::Empty => Ok(None),
        SchemaState::Foreign => Err(OpenError::Foreign { path: path.to_owned() }),
        SchemaState::Newer(found) => Err(OpenError::Newer { path: path.to_owned(), found }),
    }
}

/// Opens the file for writing. Creates folder, file and tables if they do not exist, and migrates tables of an older
/// version.
///
/// # Errors
///
/// [`OpenError`] if the file cannot be opened or created, or is not an identity directory of a supported version.
pub fn open_to_write(path: &Path, durability: Durability) -> Result<Connection, OpenError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_private_folder(folder).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    }
    if !check_files(path)? {
        // SQLite would create the file with the mode that the umask allows. Its journal gets the mode of the file.
        create_private_file(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    }
    let mut connection = open_connection(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let synced =
        connection.execute_batch(durability.synchronous_pragma()).and_then(|()| create_tables(&mut connection));
    let outcome = synced.map_err(|source| open_error(path, source))?;
    match outcome {
        SchemaState::Ready | SchemaState::Older(_) | SchemaState::Empty => Ok(connection),
        SchemaState::Foreign => Err(OpenError::Foreign { path: path.to_owned() }),
        SchemaState::Newer(found) => Err(OpenError::Newer { path: path.to_owned(), found }),
    }
}

/// Whether the file exists. SQLite follows links and opens anything, so the file and its journal must be plain files.
fn check_files(path: &Path) -> Result<bool, OpenError> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    let refused = |source| OpenError::Refused { path: path.to_owned(), source };
    check_plain_file(Path::new(&journal)).map_err(refused)?;
    check_plain_file(path).map_err(refused)
}

fn open_error(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Foreign { path: path.to_owned() },
        _ => OpenError::Sqlite { path: path.to_owned(), source },
    }
}

fn open_connection(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|source| open_error(path, source))?;
    let prepared = connection
        .busy_timeout(LOCK_TIMEOUT)
        .and_then(|()| connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF"));
    prepared.map_err(|source| open_error(path, source))?;
    Ok(connection)
}

/// What the file contains.
enum SchemaState {
    Ready,
    /// The version of its tables, which can be read.
    Older(i64),
    Empty,
    Foreign,
    Newer(i64),
}

fn detect_schema_state(connection: &Connection) -> rusqlite::Result<SchemaState> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    // A view or a trigger would run the SQL of whoever made the file.
    if number("SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')")? > 0 {
        return Ok(SchemaState::Foreign);
    }
    Ok(match (application, version) {
        (0, 0) if tables == 0 => SchemaState::Empty,
        (APPLICATION_ID, TABLES_VERSION) => SchemaState::Ready,
        (APPLICATION_ID, TABLES_VERSION_WITHOUT_GROUPS | TABLES_VERSION_WITHOUT_UNIQUE_IDS) => {
            SchemaState::Older(version)
        }
        (APPLICATION_ID, found) if found > TABLES_VERSION => SchemaState::Newer(found),
        _ => SchemaState::Foreign,
    })
}

/// Creates missing tables in one transaction: of two processes that start at the same time, one creates them and the
/// other finds them. Returns the state before.
fn create_tables(connection: &mut Connection) -> rusqlite::Result<SchemaState> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = detect_schema_state(&transaction)?;
    if matches!(found, SchemaState::Empty) {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if matches!(found, SchemaState::Empty | SchemaState::Older(TABLES_VERSION_WITHOUT_GROUPS)) {
        transaction.execute_batch(GROUP_TABLES)?;
    }
    if matches!(found, SchemaState::Empty | SchemaState::Older(_)) {
        transaction.execute_batch(UNIQUE_IDS)?;
        transaction.pragma_update(None, "user_version", TABLES_VERSION)?;
    }
    transaction.commit()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_to_read_creates_nothing() {
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
    fn newer_version_is_rejected_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.db");
        open_to_write(&path, Durability::Power).unwrap().pragma_update(None, "user_version", 7).unwrap();
        for error in [open_to_read(&path).unwrap_err(), open_to_write(&path, Durability::Power).unwrap_err()] {
            assert!(error.to_string().ends_with("has version 7 of the directory's tables; this program reads up to 3"));
        }
    }

    #[test]
    fn a_view_or_trigger_makes_the_file_foreign() {
        for sql in [
            "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
            "CREATE TRIGGER t AFTER INSERT ON principals BEGIN DELETE FROM principals; END",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("directory.db");
            open_to_write(&path, Durability::Power).unwrap().execute_batch(sql).unwrap();
            assert!(matches!(open_to_read(&path), Err(OpenError::Foreign { .. })), "{sql}");
            assert!(matches!(open_to_write(&path, Durability::Power), Err(OpenError::Foreign { .. })), "{sql}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_at_the_file_or_its_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real.db");
        drop(open_to_write(&real, Durability::Power).unwrap());
        for linked in ["linked.db", "other.db-journal"] {
            std::os::unix::fs::symlink(&real, folder.path().join(linked)).unwrap();
        }
        for path in ["linked.db", "other.db"].map(|name| folder.path().join(name)) {
            assert!(matches!(open_to_read(&path), Err(OpenError::Refused { .. })), "{}", path.display());
            assert!(matches!(open_to_write(&path, Durability::Power), Err(OpenError::Refused { .. })));
        }
        assert!(!folder.path().join("other.db").exists());
    }

    #[test]
    fn file_of_another_program_is_rejected() {
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
