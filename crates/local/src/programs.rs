//! Where the installed servers are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The oldest PostgreSQL that the platform's SQL runs on.
const OLDEST_POSTGRES: u32 = 15;

/// One installed PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PostgresPrograms {
    pub(crate) major: u32,
    pub(crate) bin: PathBuf,
}

impl PostgresPrograms {
    /// The newest that is installed; with `made_by`, the one that can open data of that major version.
    pub(crate) fn find(made_by: Option<(u32, &Path)>) -> Result<Self> {
        let all = Self::all();
        if let Some((made_by, data)) = made_by {
            return all
                .into_iter()
                .find(|found| found.major == made_by)
                .ok_or_else(|| Error::PostgresOtherVersion {
                    data: data.to_owned(),
                    made_by,
                });
        }
        match all.into_iter().max() {
            None => Err(Error::PostgresMissing),
            Some(newest) if newest.major < OLDEST_POSTGRES => Err(Error::PostgresTooOld {
                found: newest.major,
            }),
            Some(newest) => Ok(newest),
        }
    }

    fn all() -> Vec<Self> {
        let mut folders = Vec::new();
        if let Some(found) = output("pg_config", &["--bindir"]) {
            folders.push(PathBuf::from(found.trim()));
        }
        // Debian and Ubuntu; Fedora and the PostgreSQL project's packages; Homebrew on both kinds of Mac.
        for (parent, below) in [
            ("/usr/lib/postgresql", "bin"),
            ("/usr", "bin"),
            ("/opt/homebrew/opt", "bin"),
            ("/usr/local/opt", "bin"),
        ] {
            for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let version = |prefix: &str| {
                    name.strip_prefix(prefix)
                        .is_some_and(|rest| rest.parse::<u32>().is_ok())
                };
                if version("")
                    || version("pgsql-")
                    || version("postgresql@")
                    || name == "postgresql"
                {
                    folders.push(entry.path().join(below));
                }
            }
        }
        if let Some(found) =
            on_path("postgres").and_then(|program| program.parent().map(Path::to_owned))
        {
            folders.push(found);
        }
        // Links to some of the programs lead to the folder that has them all.
        let mut folders: Vec<PathBuf> = folders
            .into_iter()
            .filter_map(|bin| {
                Some(
                    bin.join("postgres")
                        .canonicalize()
                        .ok()?
                        .parent()?
                        .to_owned(),
                )
            })
            .filter(|bin| {
                ["initdb", "pg_ctl"]
                    .iter()
                    .all(|name| bin.join(name).is_file())
            })
            .collect();
        folders.sort();
        folders.dedup();
        folders
            .into_iter()
            .filter_map(|bin| {
                Some(Self {
                    major: major(&output(bin.join("postgres"), &["--version"])?)?,
                    bin,
                })
            })
            .collect()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// The Redis server that is installed (or Valkey, which speaks the same).
pub(crate) fn redis_server() -> Result<PathBuf> {
    on_path("redis-server")
        .or_else(|| on_path("valkey-server"))
        .ok_or(Error::RedisMissing)
}

/// The first program of this name on `PATH`, or where systems keep their own programs.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// What a program prints when it succeeds.
pub(crate) fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The major version in "postgres (PostgreSQL) 15.14 (Debian …)" and in "17beta1".
fn major(version: &str) -> Option<u32> {
    let number = version
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL)"), None);
    }
}
