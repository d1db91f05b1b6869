//! What can go wrong when a server is started, each said in one sentence that names the way out.

use std::path::PathBuf;

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a private server could not be found, started or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL server programs are installed.
    #[error(
        "PostgreSQL 15 or newer is not installed; install it with `apt-get install postgresql` (Debian, Ubuntu), \
         `dnf install postgresql-server` (Fedora) or `brew install postgresql` (macOS)"
    )]
    PostgresMissing,
    /// The newest PostgreSQL that is installed is too old.
    #[error(
        "PostgreSQL {found} is installed, but 15 or newer is needed; install a newer `postgresql` package"
    )]
    PostgresTooOld {
        /// The newest major version that was found.
        found: u32,
    },
    /// The data was made by another major version of PostgreSQL.
    #[error(
        "the data in {} was made by PostgreSQL {made_by}, which is not installed; install postgresql-{made_by} or start with an empty home (`redress up --fresh`)",
        data.display()
    )]
    PostgresOtherVersion {
        /// The data folder.
        data: PathBuf,
        /// The major version that made it.
        made_by: u32,
    },
    /// No Redis server is installed.
    #[error(
        "Redis 6.2 or newer is not installed; install it with `apt-get install redis-server` (Debian, Ubuntu), \
         `dnf install redis` (Fedora) or `brew install redis` (macOS)"
    )]
    RedisMissing,
    /// We are root and there is nobody whom the servers could run as.
    #[error(
        "PostgreSQL does not run as root and there is neither a user `postgres` nor `nobody`; run as another user or install the `postgresql` package"
    )]
    NoUnprivilegedUser,
    /// We are root and cannot become somebody else.
    #[error(
        "PostgreSQL does not run as root and none of `setpriv`, `runuser` and `su` is installed; install `util-linux` or run as another user"
    )]
    NoWayToDropRoot,
    /// Another process uses this home.
    #[error("another process already runs the servers of {}; stop it first or use another home", home.display())]
    AlreadyRunning {
        /// The home that is in use.
        home: PathBuf,
    },
    /// There is data, but its password is lost.
    #[error(
        "{} holds data, but its state file is missing; restore the file or start with an empty home (`redress up --fresh`)",
        data.display()
    )]
    StateLost {
        /// The data folder.
        data: PathBuf,
    },
    /// A folder that should be ours belongs to somebody else.
    #[error("{} exists and belongs to another user; remove it or use another home", path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The server ended or was not ready in time.
    #[error("{program} did not start ({why}); the end of {} says: {tail}", log.display())]
    NotStarted {
        /// Which program.
        program: &'static str,
        /// What was seen.
        why: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// A helper program failed.
    #[error("{program} failed: {text}")]
    Failed {
        /// Which program.
        program: String,
        /// What it printed.
        text: String,
    },
    /// The file system said no.
    #[error("cannot {action} {}: {cause}", path.display())]
    Files {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        cause: std::io::Error,
    },
    /// A private Redis did not answer a command as it should.
    #[error("the private Redis did not answer: {0}")]
    Redis(String),
}

/// Says which file an `io::Error` is about.
pub(crate) trait FileError<T> {
    /// `action` reads on after "cannot", as in "cannot create /x".
    fn file(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> FileError<T> for std::io::Result<T> {
    fn file(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|cause| Error::Files {
            action,
            path: path.into(),
            cause,
        })
    }
}
