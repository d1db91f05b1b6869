//! Everything that any test of this process logs, from DEBUG on. One for all: a subscriber of one test alone
//! misses call sites that another thread met first.

use std::io::Write;
use std::sync::{Mutex, Once};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to remember.
pub(crate) fn remember() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(|| Writer)
            .init();
    });
}

/// What was logged so far.
pub(crate) fn logged() -> String {
    String::from_utf8_lossy(&LOG.lock().expect("no panic")).into_owned()
}
