//! A real mail server: aiosmtpd from PyPI in a virtual environment under target/, made at first use.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;

const REQUIREMENT: &str = "aiosmtpd==1.4.6";
const FIRST_WORD_SECONDS: u64 = 20;
/// Keys of an authority, a server and a client that are committed for tests.
pub(crate) const KEYS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../crates/runtime/tests/it/keys"
);

/// A mail server.
pub(crate) struct MailServer {
    child: Child,
    port: u64,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one that speaks TLS, `implicit` or after `starttls`, and shows the certificate of this name among the keys that
    /// are committed for tests: `server`, which is for 127.0.0.1, or `client`, which is for another host.
    pub(crate) fn start_tls(manner: &str, shows: &str) -> Self {
        let key = |suffix: &str| format!("{KEYS}/{shows}.{suffix}");
        Self::start_with(&[manner, &key("pem"), &key("key")])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/smtp_peer.py");
        let mut child = Command::new(python())
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let output = child.stdout.take().expect("piped");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (port_sender, port): (_, Receiver<u64>) = channel();
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let told: Value = serde_json::from_str(&line).expect("a line of JSON");
                match told["port"].as_u64() {
                    Some(port) => port_sender.send(port).unwrap_or_default(),
                    None => kept.lock().expect("no panic").push(told),
                }
            }
        });
        let port = port
            .recv_timeout(std::time::Duration::from_secs(FIRST_WORD_SECONDS))
            .expect("the mail server says its port");
        Self { child, port, mails }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Its URL for who insists on TLS from the first byte.
    pub(crate) fn implicit_url(&self) -> String {
        format!("smtps://127.0.0.1:{}", self.port)
    }

    /// Its URL for who insists on STARTTLS.
    pub(crate) fn starttls_url(&self) -> String {
        format!("{}?tls=required", self.url())
    }

    /// Everything it took, in order.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.mails.lock().expect("no panic").clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter of the virtual environment.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/mail-server");
        let python = target.join("bin/python");
        let ready = target.join(REQUIREMENT);
        if !ready.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&target));
            run(Command::new(&python).args(["-m", "pip", "--quiet", "install", REQUIREMENT]));
            std::fs::write(&ready, "").expect("target/ can be written");
        }
        python
    })
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}; the tests of e-mail need python3-venv and PyPI"
    );
}
