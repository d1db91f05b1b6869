//! Now, as the platform of the data folder has it: a rehearsal runs on a clock of its own, and so do the commands that
//! are given to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use redress_model::time::{Clock as _, SharedClock, SystemClock};
use redress_runtime::settings::ClockSettings;

use crate::connect::Home;

static CLOCK: OnceLock<SharedClock> = OnceLock::new();

/// Now.
pub(crate) fn now() -> Timestamp {
    CLOCK.get().map_or_else(|| SystemClock.now(), |c| c.now())
}

/// Follows a clock from now on. A process follows one platform.
pub(crate) fn follow(settings: ClockSettings) {
    if let Some(clock) = settings.clock() {
        let _ = CLOCK.set(clock);
    }
}

/// Follows the clock of the platform whose data folder the command line names. Looked up before the command line is
/// read, since arguments such as `--due 4h` count from now.
pub(crate) fn follow_home() {
    let home = home(std::env::args_os(), std::env::var_os("REDRESS_HOME"));
    let text = std::fs::read_to_string(Home::new(Path::new(&home)).clock());
    if let Ok(settings) = text.map(|text| serde_json::from_str(&text).unwrap_or_default()) {
        follow(settings);
    }
}

/// The data folder where the command line names none.
pub(crate) fn home_of_environment() -> PathBuf {
    let variable = std::env::var_os("REDRESS_HOME");
    variable.unwrap_or_else(|| ".redress".into()).into()
}

fn home(args: impl Iterator<Item = OsString>, variable: Option<OsString>) -> OsString {
    let mut args = args.skip(1);
    while let Some(arg) = args.next() {
        if arg == "--home" {
            return args.next().unwrap_or_default();
        }
        if let Some(folder) = arg.to_str().and_then(|a| a.strip_prefix("--home=")) {
            return folder.into();
        }
    }
    variable.unwrap_or_else(|| ".redress".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_found_where_the_command_line_would() {
        let of = |line: &str, variable: Option<&str>| {
            home(
                line.split(' ').map(OsString::from),
                variable.map(OsString::from),
            )
        };
        assert_eq!(of("redress status", None), ".redress");
        assert_eq!(of("redress status", Some("/srv/r")), "/srv/r");
        assert_eq!(of("redress status --home a", Some("/srv/r")), "a");
        assert_eq!(of("redress --home=b status", None), "b");
    }
}
