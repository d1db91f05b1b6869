//! The folder a server lives in, and what a second start must know of the first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, FileError, Result};
use crate::identity::Identity;

/// What is kept between two starts, in `<home>/<server>.json`, readable by its owner alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The port of the last start; taken again when it is free.
    pub(crate) port: u16,
    /// The password of the server's only user.
    pub(crate) password: String,
    /// Where the server's files lie.
    pub(crate) folder: PathBuf,
    /// Why they lie there, when that is not below the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl State {
    /// What a state file holds, if it can be read.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        let text = fs::read(file).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// A home with a lock on one server's part of it.
#[derive(Debug)]
pub(crate) struct Place {
    state_file: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) note: Option<String>,
    /// Released by the system when we end, however we end.
    _lock: File,
}

impl Place {
    /// Makes or finds the folder of `server` for `home`, and locks it.
    pub(crate) fn open(home: &Path, server: &str, identity: &Identity) -> Result<Self> {
        fs::create_dir_all(home).file("create", home)?;
        let home = fs::canonicalize(home).file("find", home)?;
        let lock_file = home.join(format!("{server}.lock"));
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_file)
            .file("open", &lock_file)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::AlreadyRunning { home }),
            Err(fs::TryLockError::Error(cause)) => {
                return Err(Error::Files {
                    action: "lock",
                    path: lock_file,
                    cause,
                });
            }
        }
        let (folder, note) = folder(&home, server, identity)?;
        Ok(Self {
            state_file: home.join(format!("{server}.json")),
            folder,
            note,
            _lock: lock,
        })
    }

    /// What the last start left, if it can be read.
    pub(crate) fn state(&self) -> Option<State> {
        State::read(&self.state_file).filter(|state| state.folder == self.folder)
    }

    /// Keeps `state` for the next start, whole or not at all.
    pub(crate) fn keep(&self, state: &State) -> Result<()> {
        let text = serde_json::to_vec_pretty(state).expect("a state has only text and numbers");
        let new = self.state_file.with_extension("json.new");
        write_private(&new, &text)?;
        fs::rename(&new, &self.state_file).file("write", &self.state_file)
    }

    /// Forgets everything: the files and the state.
    pub(crate) fn clear(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder).file("read", &self.folder)? {
            let path = entry.file("read", &self.folder)?.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.file("remove", path)?;
        }
        match fs::remove_file(&self.state_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).file("remove", &self.state_file)
            }
            _ => Ok(()),
        }
    }

    /// Every file and folder that this server's part of the home consists of.
    pub(crate) fn everything(&self) -> Vec<PathBuf> {
        vec![
            self.folder.clone(),
            self.state_file.clone(),
            self.state_file.with_extension("lock"),
        ]
    }

    /// Makes the folder again, when an ephemeral server took it along.
    pub(crate) fn remake(&self, identity: &Identity) -> Result<()> {
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent).file("create", parent)?;
        }
        make_private(&self.folder, identity)
    }

    /// Whether the files lie outside of the home.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.note.is_some()
    }
}

fn folder(home: &Path, server: &str, identity: &Identity) -> Result<(PathBuf, Option<String>)> {
    let inside = home.join(server);
    make_private(&inside, identity)?;
    if identity.can_use(&inside) {
        return Ok((inside, None));
    }
    // Nothing of value can be in it: the server's user never got there.
    let _ = fs::remove_dir(&inside);
    // `scripts/clean` finds the folder by the same rule, after the home is gone, too.
    let digest = hex::encode(&Sha256::digest(home.as_os_str().as_encoded_bytes())[..8]);
    let parent = ["/var/tmp", "/tmp"]
        .map(Path::new)
        .into_iter()
        .find(|parent| identity.can_use(parent));
    let outer = parent
        .unwrap_or(Path::new("/tmp"))
        .join(format!("redress-{digest}"));
    make_private(&outer, identity)?;
    let outside = outer.join(server);
    make_private(&outside, identity)?;
    let note = format!(
        "the user that the server runs as cannot reach {}, so its files are kept in {} instead",
        home.display(),
        outside.display()
    );
    Ok((outside, Some(note)))
}

/// A folder that only the server's user (and root) can enter. One that somebody else prepared is refused.
fn make_private(path: &Path, identity: &Identity) -> Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path).file("look at", path)?;
            if !found.is_dir()
                || ![identity.uid(), rustix::process::geteuid().as_raw()].contains(&found.uid())
            {
                return Err(Error::ForeignFolder {
                    path: path.to_owned(),
                });
            }
        }
        other => other.file("create", path)?,
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).file("protect", path)?;
    identity.own(path)
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .file("write", path)?;
    file.write_all(bytes).file("write", path)
}

/// Ports that the system hands out to nobody by itself: a connection that somebody opens takes none of them between the
/// moment in which one is found free and that in which a server listens there.
const PORTS: Range<u16> = 20_000..32_000;

/// A listener at a port of 127.0.0.1 that is free now: the wanted one if it can be had. Whoever holds it keeps the port from
/// being found again.
///
/// # Errors
/// When no port is free.
pub fn free_listener(wanted: Option<u16>) -> io::Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let drawn = std::iter::repeat_with(|| rand::random_range(PORTS)).take(100);
    let found = wanted.into_iter().chain(drawn).find_map(|p| bind(p).ok());
    found.map_or_else(|| bind(0), Ok)
}

/// A port of 127.0.0.1 that is free now: the wanted one if it can be had.
pub(crate) fn free_port(wanted: Option<u16>) -> Result<u16> {
    free_listener(wanted)
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .file("take a port of", "127.0.0.1")
}

/// A password that nobody guesses and that needs no escaping in a URL or a configuration file.
pub(crate) fn password() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}
