//! One platform for one data folder. The lock is the kernel's, so that a crash frees it; the file
//! names the process for `redress stop`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;

use crate::connect::Home;
use crate::failure::Failure;

/// Holds the data folder until dropped.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the data folder.
    pub(crate) fn take(home: &Home) -> Result<Self, Failure> {
        let path = home.lock();
        let failed = |source| Failure::File {
            what: "cannot write",
            path: path.display().to_string(),
            source,
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::RunsAlready {
                    home: home.folder().display().to_string(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The kernel frees it in any case; the name of a process that has ended helps nobody.
        let _ = self.0.set_len(0);
    }
}

/// Whether a running platform holds the data folder.
pub(crate) fn is_held(home: &Home) -> bool {
    match File::open(home.lock()) {
        Ok(file) => matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}
