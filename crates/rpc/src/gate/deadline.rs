//! How long a call may take: what the caller says in `grpc-timeout`, at most what is configured. A
//! stream lasts as long as its caller says.

use std::future::Future;
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::permission::Method;

/// So much earlier than the transport's own timer, which would answer CANCELLED.
const MARGIN: Duration = Duration::from_millis(2);

tokio::task_local! {
    static DEADLINE: Option<Instant>;
}

/// How much time the call that is being handled has left; none outside of a call or without limit.
/// Calls to other services take no longer.
pub fn remaining() -> Option<Duration> {
    let deadline = DEADLINE.try_with(|d| *d).ok().flatten()?;
    Some(deadline.saturating_duration_since(Instant::now()))
}

/// The deadline of a call.
pub(super) fn of(
    method: &Method,
    started: Instant,
    headers: &HeaderMap,
    max: Duration,
) -> Option<Instant> {
    let asked = headers
        .get("grpc-timeout")
        .and_then(|v| v.to_str().ok())
        .and_then(parse);
    let limit = match (asked, method.streams()) {
        (Some(asked), true) => Some(asked),
        (Some(asked), false) => Some(asked.min(max)),
        (None, true) => None,
        (None, false) => Some(max),
    }?;
    started.checked_add(limit.saturating_sub(MARGIN))
}

/// Runs the work until the deadline; none when it passed first. The work is dropped then, and with it
/// its transaction.
pub(super) async fn within<F: Future>(deadline: Option<Instant>, work: F) -> Option<F::Output> {
    let work = DEADLINE.scope(deadline, work);
    match deadline {
        Some(at) => tokio::time::timeout_at(at.into(), work).await.ok(),
        None => Some(work.await),
    }
}

/// `grpc-timeout`: at most eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(n * 3600)),
        "M" => Some(Duration::from_secs(n * 60)),
        "S" => Some(Duration::from_secs(n)),
        "m" => Some(Duration::from_millis(n)),
        "u" => Some(Duration::from_micros(n)),
        "n" => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

/// The text of `grpc-timeout` for a duration.
pub(crate) fn format(limit: Duration) -> String {
    // Microseconds keep eight digits up to 99 seconds, milliseconds up to a day.
    if limit.as_micros() < 100_000_000 {
        format!("{}u", limit.as_micros())
    } else if limit.as_millis() < 100_000_000 {
        format!("{}m", limit.as_millis())
    } else {
        format!("{}S", limit.as_secs().min(99_999_999))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_in_every_unit() {
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("100m"), Some(Duration::from_millis(100)));
        assert_eq!(parse("7u"), Some(Duration::from_micros(7)));
        for wrong in ["", "S", "-1S", "123456789S", "1", "1x", "1é"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for limit in [
            Duration::from_micros(1),
            Duration::from_secs(30),
            Duration::from_secs(3600),
            Duration::from_secs(200_000),
        ] {
            assert_eq!(parse(&format(limit)), Some(limit));
        }
    }
}
