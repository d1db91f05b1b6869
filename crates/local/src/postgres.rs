//! The private PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, FileError, Result};
use crate::identity::Identity;
use crate::place::{Place, State, free_port, password, write_private};
use crate::programs::PostgresPrograms;
use crate::watchdog::{Plan, Watchdog, server_pid, tail};

/// How long the server may take until it accepts connections; recovery after a crash counts too.
const START_LIMIT: Duration = Duration::from_secs(90);
/// Between picking a free port and listening on it, somebody else may take it.
const PORT_ATTEMPTS: u32 = 4;
const SUPERUSER: &str = "postgres";

/// How carefully the server writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As PostgreSQL does by default: what was committed survives a loss of power.
    #[default]
    Full,
    /// For tests: no fsync, so a loss of power may ruin the cluster. A killed process loses nothing.
    None,
}

/// How to start the private PostgreSQL.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// How carefully it writes.
    pub durability: Durability,
    /// The size of its cache, as `shared_buffers` takes it.
    pub shared_buffers: String,
    /// How many connections it allows.
    pub max_connections: u32,
    /// The port to use if it is free; else that of the last start, else any.
    pub port: Option<u16>,
    /// Remove what an earlier start left.
    pub fresh: bool,
    /// Remove the files once the server has ended, even when we were killed.
    pub ephemeral: bool,
    /// Further settings, name and value.
    pub settings: Vec<(String, String)>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            shared_buffers: "128MB".to_owned(),
            max_connections: 200,
            port: None,
            fresh: false,
            ephemeral: false,
            settings: Vec::new(),
        }
    }
}

impl PostgresOptions {
    /// Fast, small and gone afterwards.
    pub fn for_tests() -> Self {
        Self {
            durability: Durability::None,
            shared_buffers: "64MB".to_owned(),
            max_connections: 400,
            ephemeral: true,
            ..Self::default()
        }
    }
}

/// A running private PostgreSQL. It ends when this is dropped or the process ends.
#[derive(Debug)]
pub struct Postgres {
    watchdog: Mutex<Watchdog>,
    place: Place,
    state: State,
    log: PathBuf,
    major: u32,
}

impl Postgres {
    /// Starts a PostgreSQL whose data belongs to `home`, making the cluster when there is none. Blocks.
    pub fn start(home: &Path, options: &PostgresOptions) -> Result<Self> {
        let identity = Identity::find()?;
        let place = Place::open(home, "postgres", &identity)?;
        let data = place.folder.join("data");
        if data.join("postmaster.pid").exists() {
            end_orphan(&data, &identity)?;
        }
        if options.fresh || (place.state().is_none() && place.is_elsewhere()) {
            // Files elsewhere whose home was removed belong to nobody.
            place.clear()?;
        }
        let made_by = data_version(&data);
        let programs = PostgresPrograms::find(made_by.map(|major| (major, data.as_path())))?;
        let mut state = match (place.state(), made_by) {
            (Some(state), _) => state,
            (None, Some(_)) => return Err(Error::StateLost { data }),
            (None, None) => State {
                port: 0,
                password: password(),
                folder: place.folder.clone(),
                note: place.note.clone(),
            },
        };
        if made_by.is_none() {
            place.keep(&state)?;
            initialise(&place, &programs, &identity, &state.password, options)?;
        }
        let log = place.folder.join("postgres.log");
        let mut wanted = options.port.or(Some(state.port).filter(|port| *port != 0));
        let mut attempt = 1;
        let watchdog = loop {
            let port = free_port(wanted)?;
            match launch(&place, &programs, &identity, port, options, &log) {
                Ok(watchdog) => {
                    state.port = port;
                    break watchdog;
                }
                Err(Error::NotStarted { tail, .. })
                    if attempt < PORT_ATTEMPTS && tail.contains("Address already in use") =>
                {
                    wanted = None;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        place.keep(&state)?;
        Ok(Self {
            watchdog: Mutex::new(watchdog),
            place,
            state,
            log,
            major: programs.major,
        })
    }

    /// Whether an earlier start left data of `home`, here or elsewhere.
    pub fn has_data(home: &Path) -> bool {
        let kept = State::read(&home.join("postgres.json")).map(|state| state.folder);
        [kept, Some(home.join("postgres"))]
            .into_iter()
            .flatten()
            .any(|folder| data_version(&folder.join("data")).is_some())
    }

    /// How the superuser reaches the database `postgres`. Holds the password.
    pub fn admin_url(&self) -> String {
        self.url(SUPERUSER, &self.state.password, "postgres")
    }

    /// How `user` reaches `database`.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{user}:{password}@127.0.0.1:{}/{database}",
            self.state.port
        )
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.state.port
    }

    /// The major version that runs.
    pub fn major_version(&self) -> u32 {
        self.major
    }

    /// Where the data lies.
    pub fn data_folder(&self) -> PathBuf {
        self.place.folder.join("data")
    }

    /// What the server logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Why the data lies outside of the home and where, if it does.
    pub fn note(&self) -> Option<&str> {
        self.place.note.as_deref()
    }

    /// How the server ended, if it did by itself or by somebody else's hand.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.watchdog().ended()
    }

    /// Stops the server: open transactions are rolled back, what was committed stays. Blocks until it is gone.
    pub fn stop(self) {
        self.watchdog().stop();
    }

    fn watchdog(&self) -> MutexGuard<'_, Watchdog> {
        self.watchdog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The major version that made the data; none when there is no finished cluster.
fn data_version(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Makes the cluster beside its final place, so that an interrupted `initdb` leaves none.
fn initialise(
    place: &Place,
    programs: &PostgresPrograms,
    identity: &Identity,
    password: &str,
    options: &PostgresOptions,
) -> Result<()> {
    let (data, new) = (place.folder.join("data"), place.folder.join("data.new"));
    let password_file = place.folder.join("password.new");
    write_private(&password_file, password.as_bytes())?;
    identity.own(&password_file)?;
    // ICU sorts and folds Chinese alike on every system; some builds lack it, some systems lack C.UTF-8.
    let locales: [&[&str]; 3] = [
        &[
            "--locale-provider=icu",
            "--icu-locale=und",
            "--locale=C.UTF-8",
        ],
        &["--locale=C.UTF-8"],
        &["--no-locale"],
    ];
    let mut failure = String::new();
    for locale in locales {
        if new.exists() {
            fs::remove_dir_all(&new).file("remove", &new)?;
        }
        let mut command = identity.command(programs.program("initdb"));
        command
            .arg("-D")
            .arg(&new)
            .arg("--pwfile")
            .arg(&password_file);
        command.args([
            "-U",
            SUPERUSER,
            "-E",
            "UTF8",
            "--auth=scram-sha-256",
            "--no-instructions",
        ]);
        command
            .args(locale)
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null());
        if options.durability == Durability::None {
            command.arg("--no-sync");
        } else {
            command.arg("--data-checksums");
        }
        let output = command.output().file("run", programs.program("initdb"))?;
        if output.status.success() {
            let _ = fs::remove_file(&password_file);
            return fs::rename(&new, &data).file("create", data);
        }
        failure = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    }
    let _ = fs::remove_file(&password_file);
    Err(Error::Failed {
        program: "initdb".to_owned(),
        text: failure,
    })
}

fn launch(
    place: &Place,
    programs: &PostgresPrograms,
    identity: &Identity,
    port: u16,
    options: &PostgresOptions,
    log: &Path,
) -> Result<Watchdog> {
    let data = place.folder.join("data");
    let pid_file = data.join("postmaster.pid");
    let mut command = identity.command(programs.program("postgres"));
    command.arg("-D").arg(&data);
    for (name, value) in settings(port, options) {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    let mut watchdog = Watchdog::start(Plan {
        command,
        // "Fast": rolls back and writes a checkpoint; "immediate" where nobody needs the data any more.
        signal: if options.ephemeral { "QUIT" } else { "INT" },
        pid_file: &pid_file,
        log,
        cleanup: if options.ephemeral {
            place.everything()
        } else {
            Vec::new()
        },
    })?;
    let started = Instant::now();
    let not_started = |why: String| Error::NotStarted {
        program: "PostgreSQL",
        why,
        log: log.to_owned(),
        tail: tail(log),
    };
    while !is_ready(&pid_file) {
        if let Some(status) = watchdog.ended() {
            return Err(not_started(status.to_string()));
        }
        if started.elapsed() > START_LIMIT {
            return Err(not_started(format!(
                "not ready after {} s",
                START_LIMIT.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(watchdog)
}

fn settings(port: u16, options: &PostgresOptions) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = [
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        // Socket paths are limited to 107 bytes, and anybody on the machine could reach one in /tmp.
        ("unix_socket_directories", String::new()),
        ("max_connections", options.max_connections.to_string()),
        ("shared_buffers", options.shared_buffers.clone()),
        ("password_encryption", "scram-sha-256".to_owned()),
        ("timezone", "UTC".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("logging_collector", "off".to_owned()),
        ("jit", "off".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if options.durability == Durability::None {
        let off = ["fsync", "synchronous_commit", "full_page_writes"];
        settings.extend(off.map(|name| (name.to_owned(), "off".to_owned())));
        settings.push(("wal_level".to_owned(), "minimal".to_owned()));
        settings.push(("max_wal_senders".to_owned(), "0".to_owned()));
        settings.push(("checkpoint_timeout".to_owned(), "1h".to_owned()));
    }
    settings.extend(options.settings.iter().cloned());
    settings
}

/// The server writes its state into the eighth line of its pid file; this is what `pg_ctl --wait` reads.
fn is_ready(pid_file: &Path) -> bool {
    fs::read_to_string(pid_file).is_ok_and(|text| {
        text.lines()
            .nth(7)
            .is_some_and(|state| state.trim() == "ready")
    })
}

/// Ends a server that outlived its watchdog, and removes the pid file of one that was killed.
/// We hold the home's lock, so nobody needs it.
fn end_orphan(data: &Path, identity: &Identity) -> Result<()> {
    let pid_file = data.join("postmaster.pid");
    let is_ours =
        server_pid(&pid_file).is_some_and(|pid| runs_on(pid.as_raw_nonzero().get(), data));
    if !is_ours {
        // The number may meanwhile belong to any process; PostgreSQL would refuse to start then.
        return match fs::remove_file(&pid_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).file("remove", pid_file)
            }
            _ => Ok(()),
        };
    }
    let made_by = data_version(data).map(|major| (major, data));
    let programs = PostgresPrograms::find(made_by)?;
    let mut command = identity.command(programs.program("pg_ctl"));
    command
        .args(["stop", "-w", "-t", "30", "-m", "fast", "-D"])
        .arg(data);
    let output = command.output().file("run", programs.program("pg_ctl"))?;
    if output.status.success() || !pid_file.exists() {
        return Ok(());
    }
    Err(Error::Failed {
        program: "pg_ctl stop".to_owned(),
        text: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Whether this process is a PostgreSQL on this data.
fn runs_on(pid: i32, data: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline"))
        .ok()
        .or_else(|| {
            crate::programs::output("ps", &["-o", "command=", "-p", &pid.to_string()])
                .map(String::into_bytes)
        })
        .unwrap_or_default();
    let command = String::from_utf8_lossy(&command).into_owned();
    command.contains("postgres") && command.contains(&*data.to_string_lossy())
}
