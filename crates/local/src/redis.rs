//! The private Redis: an index that may be lost at any time, so it keeps nothing on disk.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::place::{Place, State, free_port, password, write_private};
use crate::programs::redis_server;
use crate::watchdog::{Plan, Watchdog, tail};

const START_LIMIT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Between picking a free port and listening on it, somebody else may take it.
const PORT_ATTEMPTS: u32 = 4;

/// How to start the private Redis.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// The port to use if it is free; else that of the last start, else any.
    pub port: Option<u16>,
    /// The password; a random one when absent.
    pub password: Option<String>,
    /// Start as a node of a Redis Cluster that still has to be joined.
    pub cluster: bool,
    /// Remove the files once the server has ended, even when we were killed.
    pub ephemeral: bool,
}

impl RedisOptions {
    /// Gone afterwards.
    pub fn for_tests() -> Self {
        Self {
            ephemeral: true,
            ..Self::default()
        }
    }
}

/// A running private Redis. It ends when this is dropped or the process ends.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    identity: Identity,
    place: Place,
    state: State,
    /// The port on which the nodes of a cluster talk.
    bus_port: Option<u16>,
    ephemeral: bool,
    server: Mutex<Option<Watchdog>>,
}

impl Redis {
    /// Starts a Redis for `home`. It is empty. Blocks.
    pub fn start(home: &Path, options: &RedisOptions) -> Result<Self> {
        let program = redis_server()?;
        let identity = Identity::find()?;
        let place = Place::open(home, "redis", &identity)?;
        let last = place.state();
        let mut wanted = options.port.or(last.as_ref().map(|state| state.port));
        let password = options
            .password
            .clone()
            .or(last.map(|state| state.password))
            .unwrap_or_else(password);
        let mut attempt = 1;
        loop {
            let bus_port = if options.cluster {
                Some(free_port(None)?)
            } else {
                None
            };
            let state = State {
                port: free_port(wanted)?,
                password: password.clone(),
                folder: place.folder.clone(),
                note: place.note.clone(),
            };
            match launch(
                &program,
                &identity,
                &place,
                &state,
                bus_port,
                options.ephemeral,
            ) {
                Ok(watchdog) => {
                    place.keep(&state)?;
                    let (ephemeral, server) = (options.ephemeral, Mutex::new(Some(watchdog)));
                    return Ok(Self {
                        program,
                        identity,
                        place,
                        state,
                        bus_port,
                        ephemeral,
                        server,
                    });
                }
                Err(Error::NotStarted { tail, .. })
                    if attempt < PORT_ATTEMPTS && tail.contains("Address already in use") =>
                {
                    wanted = None;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// How clients reach it. Holds the password.
    pub fn url(&self) -> String {
        format!(
            "redis://:{}@127.0.0.1:{}/",
            self.state.password, self.state.port
        )
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.state.port
    }

    /// The port on which the nodes of a cluster talk, if it is one.
    pub fn bus_port(&self) -> Option<u16> {
        self.bus_port
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.state.password
    }

    /// Where its files lie.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// Sends one command and returns the first line of the answer, or the whole text of a bulk answer.
    pub fn ask(&self, command: &[&str]) -> Result<String> {
        ask(&self.state, command)
    }

    /// Empties it, as an operator's FLUSHALL would.
    pub fn flush(&self) -> Result<()> {
        self.ask(&["FLUSHALL"]).map(drop)
    }

    /// How the server ended, if it did by itself or by somebody else's hand.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.server().as_mut().and_then(Watchdog::ended)
    }

    /// Ends the server so that connections are refused, until `restart`.
    pub fn halt(&self) {
        if let Some(mut server) = self.server().take() {
            server.stop();
        }
    }

    /// Ends the server if it runs, and starts it anew and empty, on the same port with the same password.
    pub fn restart(&self) -> Result<()> {
        self.halt();
        let watchdog = launch(
            &self.program,
            &self.identity,
            &self.place,
            &self.state,
            self.bus_port,
            self.ephemeral,
        )?;
        *self.server() = Some(watchdog);
        Ok(())
    }

    /// Freezes the server: connections stay open and nothing is answered, until `resume`.
    pub fn pause(&self) {
        if let Some(server) = &*self.server() {
            server.signal(Signal::STOP);
        }
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        if let Some(server) = &*self.server() {
            server.signal(Signal::CONT);
        }
    }

    /// Stops the server and waits until it is gone.
    pub fn stop(self) {
        self.resume();
        self.halt();
    }

    fn server(&self) -> MutexGuard<'_, Option<Watchdog>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A frozen server would not hear that it should stop.
        self.resume();
    }
}

fn launch(
    program: &Path,
    identity: &Identity,
    place: &Place,
    state: &State,
    bus_port: Option<u16>,
    ephemeral: bool,
) -> Result<Watchdog> {
    place.remake(identity)?;
    let (configuration, log) = (
        state.folder.join("redis.conf"),
        state.folder.join("redis.log"),
    );
    let pid_file = state.folder.join("redis.pid");
    let _ = std::fs::remove_file(&pid_file);
    // In a file, since everybody on the machine can read a command line.
    write_private(
        &configuration,
        configuration_text(state, bus_port, &pid_file).as_bytes(),
    )?;
    identity.own(&configuration)?;
    let mut command = identity.command(program);
    command.arg(&configuration);
    let mut watchdog = Watchdog::start(Plan {
        command,
        signal: "TERM",
        pid_file: &pid_file,
        log: &log,
        cleanup: if ephemeral {
            place.everything()
        } else {
            Vec::new()
        },
    })?;
    let started = Instant::now();
    let not_started = |why: String| Error::NotStarted {
        program: "Redis",
        why,
        log: log.clone(),
        tail: tail(&log),
    };
    loop {
        if let Some(status) = watchdog.ended() {
            return Err(not_started(status.to_string()));
        }
        match ask(state, &["PING"]) {
            Ok(answer) if answer == "PONG" => return Ok(watchdog),
            Ok(other) => return Err(not_started(other)),
            Err(error) if started.elapsed() > START_LIMIT => {
                return Err(not_started(error.to_string()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn configuration_text(state: &State, bus_port: Option<u16>, pid_file: &Path) -> String {
    let State {
        port,
        password,
        folder,
        ..
    } = state;
    let mut text = format!(
        "bind 127.0.0.1\nprotected-mode yes\nport {port}\nrequirepass {password}\nmasterauth {password}\n\
         save \"\"\nappendonly no\nmaxmemory-policy noeviction\ndaemonize no\n\
         dir \"{}\"\npidfile \"{}\"\n",
        folder.display(),
        pid_file.display()
    );
    if let Some(bus_port) = bus_port {
        text += &format!(
            "cluster-enabled yes\ncluster-port {bus_port}\ncluster-config-file nodes.conf\n\
             cluster-node-timeout 5000\ncluster-require-full-coverage no\n"
        );
    }
    text
}

/// A client for a handful of commands, so that this crate needs no Redis library.
fn ask(state: &State, command: &[&str]) -> Result<String> {
    let broken = |error: std::io::Error| Error::Redis(error.to_string());
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, state.port)).map_err(broken)?;
    stream
        .set_read_timeout(Some(ANSWER_LIMIT))
        .map_err(broken)?;
    let mut reader = BufReader::new(stream);
    for command in [&["AUTH", &state.password][..], command] {
        let mut request = format!("*{}\r\n", command.len());
        for part in command {
            request += &format!("${}\r\n{part}\r\n", part.len());
        }
        reader
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(broken)?;
        let answer = answer(&mut reader)?;
        if command[0] != "AUTH" {
            return Ok(answer);
        }
    }
    Err(Error::Redis("no command was given".to_owned()))
}

fn answer(reader: &mut impl BufRead) -> Result<String> {
    let broken = |error: std::io::Error| Error::Redis(error.to_string());
    let mut line = String::new();
    reader.read_line(&mut line).map_err(broken)?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("+" | ":", rest)) => Ok(rest.to_owned()),
        Some(("$", length)) => {
            let length: usize = length
                .parse()
                .map_err(|_| Error::Redis(format!("an odd answer: {line}")))?;
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).map_err(broken)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Some(("-", text)) => Err(Error::Redis(text.to_owned())),
        _ => Err(Error::Redis(format!("an odd answer: {line}"))),
    }
}
