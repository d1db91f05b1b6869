//! What `redress doctor` says about this machine.

use crate::identity::Identity;
use crate::programs::{PostgresPrograms, output, redis_server};

/// One thing that the private servers need, and whether it is there.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is needed.
    pub what: &'static str,
    /// What was found, or one sentence that says how to get it.
    pub state: Result<String, String>,
}

/// Looks for everything that the private servers need, without starting anything.
pub fn doctor() -> Vec<Finding> {
    let postgres = PostgresPrograms::find(None)
        .map(|found| format!("{} in {}", found.major, found.bin.display()));
    let redis = redis_server().map(|path| {
        let version = output(&path, &["--version"]).unwrap_or_default();
        format!(
            "{} at {}",
            version
                .split_whitespace()
                .nth(2)
                .unwrap_or("unknown version"),
            path.display()
        )
    });
    let user = Identity::find().map(|identity| match identity {
        Identity::Own => "the user that you are".to_owned(),
        Identity::Dropped { name, .. } => format!("{name}, because you are root"),
    });
    [
        ("PostgreSQL", postgres),
        ("Redis", redis),
        ("user for the servers", user),
    ]
    .map(|(what, state)| Finding {
        what,
        state: state.map_err(|error| error.to_string()),
    })
    .into()
}
