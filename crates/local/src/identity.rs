//! Whom the servers run as: ourselves, or an unprivileged user when we are root.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, FileError, Result};
use crate::programs::on_path;

/// The user that the servers run as.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// The user that we are.
    Own,
    /// Somebody else, because we are root.
    Dropped {
        name: String,
        uid: u32,
        gid: u32,
        tool: Tool,
    },
}

/// The program that drops root.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tool {
    Setpriv,
    Runuser,
    Su,
}

impl Identity {
    /// Finds out whom to run as.
    pub(crate) fn find() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").file("read", "/etc/passwd")?;
        let (name, uid, gid) = ["postgres", "nobody"]
            .iter()
            .find_map(|name| find_user(&passwd, name))
            .ok_or(Error::NoUnprivilegedUser)?;
        let tool = [
            ("setpriv", Tool::Setpriv),
            ("runuser", Tool::Runuser),
            ("su", Tool::Su),
        ]
        .into_iter()
        .find(|(program, _)| on_path(program).is_some())
        .ok_or(Error::NoWayToDropRoot)?
        .1;
        Ok(Self::Dropped {
            name,
            uid,
            gid,
            tool,
        })
    }

    /// A command that runs `program` as this user. Arguments may be added to it as usual.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.wrapped(program.as_ref());
        // The folder we were called in may be out of the other user's reach.
        command.current_dir("/");
        command
    }

    fn wrapped(&self, program: &OsStr) -> Command {
        let Self::Dropped {
            name,
            uid,
            gid,
            tool,
        } = self
        else {
            return Command::new(program);
        };
        match tool {
            Tool::Setpriv => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .args(["--clear-groups", "--"]);
                command.arg(program);
                command
            }
            Tool::Runuser => {
                let mut command = Command::new("runuser");
                command.args(["-u", name, "--"]).arg(program);
                command
            }
            Tool::Su => {
                let mut command = Command::new("su");
                command
                    .args(["-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", name, "--"])
                    .arg(program);
                command
            }
        }
    }

    /// Hands a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Dropped { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).file("change the owner of", path)
            }
        }
    }

    /// The number that owns what this user makes.
    pub(crate) fn uid(&self) -> u32 {
        match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Dropped { uid, .. } => *uid,
        }
    }

    /// Whether this user can enter and change the folder. Asked of the system, since modes alone do not say it.
    pub(crate) fn can_use(&self, folder: &Path) -> bool {
        self.command("sh")
            .args(["-c", "cd -- \"$1\" && test -w .", "sh"])
            .arg(folder)
            .stdin(std::process::Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success())
    }
}

fn find_user(passwd: &str, wanted: &str) -> Option<(String, u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (uid != 0).then(|| (name.to_owned(), uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::{Identity, Tool, find_user};

    #[test]
    fn a_user_is_found_by_its_exact_name_and_root_is_nobody() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104:admin:/:/bin/sh\n";
        assert_eq!(
            find_user(passwd, "postgres"),
            Some(("postgres".to_owned(), 101, 104))
        );
        assert_eq!(find_user(passwd, "nobody"), None);
        assert_eq!(find_user(passwd, "root"), None);
    }

    #[test]
    fn every_tool_runs_the_program_as_the_other_user_with_its_arguments_whole() {
        let Ok(Identity::Dropped { name, uid, gid, .. }) = Identity::find() else {
            // Only root can become somebody else.
            return;
        };
        for tool in [Tool::Setpriv, Tool::Runuser, Tool::Su] {
            let identity = Identity::Dropped {
                name: name.clone(),
                uid,
                gid,
                tool,
            };
            let output = identity
                .command("sh")
                .args([
                    "-c",
                    "echo \"$(id -u) $1 $#\"",
                    "sh",
                    "two words; $HOME",
                    "-x",
                ])
                .output()
                .expect("the tool is installed");
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                format!("{uid} two words; $HOME 2\n"),
                "{tool:?}: {output:?}"
            );
        }
    }
}
