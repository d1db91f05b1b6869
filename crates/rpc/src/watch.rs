//! Watching: one piece of code for every server stream of changes.
//!
//! A service writes each change into a change table with its transaction id (`xid8`) and a serial id.
//! A watch reads in the order of that pair, and only below `pg_snapshot_xmin`: a transaction that is
//! still open has a higher or unreadable pair, so one that commits late is never skipped. The pair is the
//! position; sealed with the filter's digest it is the resume token. Delivery is at least once: after
//! reconnecting with the token of the last item seen, nothing is missing. The stream itself is ended from
//! outside (the gate) by deadline, shutdown and the end of the access token.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use redress_model::Fault;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tonic::Status;

use crate::page::Digest;
use crate::status::status;

/// Changes that are read at once.
const BATCH_CHANGES_MAX: i64 = 200;

/// A server stream.
pub type Stream<T> = Pin<Box<dyn futures::Stream<Item = Result<T, Status>> + Send>>;

/// Rung after a commit that wrote changes; wakes every watch of this process. Changes of other
/// replicas are found by the slow poll.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<()>);

impl Bell {
    /// A bell that nobody listens to yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes the watches.
    pub fn ring(&self) {
        self.0.send_replace(());
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a watch stands in the change table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Transaction that wrote the change.
    pub xid: u64,
    /// Serial id of the change.
    pub id: i64,
}

/// What a service says about its change table, for one watch: it knows the caller's scope and filter.
pub trait Feed: Send + Sync + 'static {
    /// One row of the change table.
    type Change: Send;
    /// One message of the stream.
    type Item: Send;

    /// Where a watch without resume token starts: right below `pg_snapshot_xmin` of now.
    fn head(&self) -> impl Future<Output = Result<Position, Fault>> + Send;

    /// The last position that was purged: tokens below it are expired.
    fn purged(&self) -> impl Future<Output = Result<Position, Fault>> + Send;

    /// The changes after a position and below `pg_snapshot_xmin`, by position, at most `limit`.
    fn read(
        &self,
        after: Position,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<(Position, Self::Change)>, Fault>> + Send;

    /// The message of a change; none when the filter leaves it out.
    fn render(
        &self,
        change: Self::Change,
        resume_token: String,
    ) -> impl Future<Output = Result<Option<Self::Item>, Fault>> + Send;
}

/// Streams the changes of a feed from the resume token on, or from now on when it is empty.
/// `filter_digest` is that of the request with its resume token blanked; `poll` is how often to look
/// when no bell rings.
///
/// # Errors
/// INVALID_ARGUMENT when the token is none of this question. An expired token ends the stream with
/// OUT_OF_RANGE.
pub fn stream<F: Feed>(
    feed: F,
    filter_digest: Digest,
    resume_token: &str,
    bell: &Bell,
    poll: Duration,
) -> Result<Stream<F::Item>, Fault> {
    let after = if resume_token.is_empty() {
        None
    } else {
        let position: Position = filter_digest.open(resume_token).ok_or_else(|| {
            Fault::invalid(
                "resume_token",
                "must be the resume_token of the same request; list and watch again",
            )
        })?;
        Some(position)
    };
    let watching = Watching {
        feed,
        digest: filter_digest,
        state: State::Starting(after),
        queue: VecDeque::new(),
        bell: bell.0.subscribe(),
        poll,
    };
    Ok(Box::pin(futures::stream::unfold(
        Some(watching),
        |watching| async move {
            let mut watching = watching?;
            match watching.next().await {
                Ok(item) => Some((Ok(item), Some(watching))),
                Err(fault) => Some((Err(status(fault)), None)),
            }
        },
    )))
}

enum State {
    Starting(Option<Position>),
    /// Everything up to here was read; there may be more right now.
    Reading(Position),
    /// Everything up to here was read, and there was no more.
    Waiting(Position),
}

struct Watching<F: Feed> {
    feed: F,
    digest: Digest,
    state: State,
    queue: VecDeque<(Position, F::Change)>,
    bell: watch::Receiver<()>,
    poll: Duration,
}

impl<F: Feed> Watching<F> {
    async fn next(&mut self) -> Result<F::Item, Fault> {
        loop {
            if let Some((position, change)) = self.queue.pop_front() {
                let token = self.digest.seal(&position);
                if let Some(item) = self.feed.render(change, token).await? {
                    return Ok(item);
                }
                continue;
            }
            self.state = match self.state {
                State::Starting(after) => State::Reading(start(&self.feed, after).await?),
                State::Waiting(after) => {
                    // A ring during the last read is still marked as unseen here, so none is lost. The
                    // sender going away leaves the poll.
                    let poll = tokio::time::sleep(self.poll);
                    tokio::select! {
                        Ok(()) = self.bell.changed() => {}
                        () = poll => {}
                    }
                    State::Reading(after)
                }
                State::Reading(after) => {
                    self.bell.mark_unchanged();
                    let changes = self.feed.read(after, BATCH_CHANGES_MAX).await?;
                    let full = i64::try_from(changes.len()).is_ok_and(|n| n >= BATCH_CHANGES_MAX);
                    let last = changes.last().map_or(after, |(position, _)| *position);
                    self.queue.extend(changes);
                    if full {
                        State::Reading(last)
                    } else {
                        State::Waiting(last)
                    }
                }
            };
        }
    }
}

async fn start<F: Feed>(feed: &F, after: Option<Position>) -> Result<Position, Fault> {
    let Some(after) = after else {
        return feed.head().await;
    };
    if after < feed.purged().await? {
        return Err(Fault::out_of_range(
            "the resume_token expired; list again and watch from the start",
        ));
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::StreamExt as _;

    use super::*;

    /// A change table in memory, with changes that are not readable yet.
    #[derive(Clone, Default)]
    struct Table(Arc<Mutex<Inner>>);

    #[derive(Default)]
    struct Inner {
        rows: Vec<(Position, u32)>,
        xmin: u64,
        purged: u64,
    }

    fn at(xid: u64) -> Position {
        Position { xid, id: 1 }
    }

    impl Table {
        fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
            f(&mut self.0.lock().expect("no test panics inside"))
        }
    }

    impl Feed for Table {
        type Change = u32;
        type Item = (u32, String);

        async fn head(&self) -> Result<Position, Fault> {
            Ok(self.with(|t| Position {
                xid: t.xmin.saturating_sub(1),
                id: i64::MAX,
            }))
        }

        async fn purged(&self) -> Result<Position, Fault> {
            Ok(self.with(|t| at(t.purged)))
        }

        async fn read(&self, after: Position, limit: i64) -> Result<Vec<(Position, u32)>, Fault> {
            let limit = usize::try_from(limit).expect("positive");
            Ok(self.with(|t| {
                let mut rows: Vec<_> = t
                    .rows
                    .iter()
                    .filter(|(p, _)| *p > after && p.xid < t.xmin)
                    .copied()
                    .collect();
                rows.sort_by_key(|(p, _)| *p);
                rows.truncate(limit);
                rows
            }))
        }

        async fn render(&self, change: u32, token: String) -> Result<Option<Self::Item>, Fault> {
            Ok((change != 0).then_some((change, token)))
        }
    }

    fn digest(filter: &str) -> Digest {
        Digest::of("WatchCases", &filter.to_owned())
    }

    fn watch(table: &Table, token: &str, bell: &Bell) -> Stream<(u32, String)> {
        let hour = Duration::from_secs(3600);
        stream(table.clone(), digest("a"), token, bell, hour).expect("a valid token")
    }

    #[tokio::test]
    async fn a_change_that_commits_late_is_not_skipped() {
        let (table, bell) = (Table::default(), Bell::new());
        table.with(|t| t.xmin = 10);
        let mut stream = watch(&table, "", &bell);
        // 11 committed while 10 is still open: xmin stays at 10.
        table.with(|t| t.rows.push((at(11), 2)));
        assert!(futures::poll!(stream.next()).is_pending());
        table.with(|t| {
            t.rows.push((at(10), 1));
            t.xmin = 12;
        });
        bell.ring();
        assert_eq!(stream.next().await.expect("an item").expect("ok").0, 1);
        assert_eq!(stream.next().await.expect("an item").expect("ok").0, 2);
    }

    #[tokio::test]
    async fn a_watch_resumes_behind_the_last_item_seen() {
        let (table, bell) = (Table::default(), Bell::new());
        table.with(|t| {
            t.rows = (1..=4).map(|n| (at(u64::from(n)), n)).collect();
            t.rows[2].1 = 0; // left out by the filter
            t.xmin = 100;
        });
        let start = digest("a").seal(&at(0));
        let mut first = watch(&table, &start, &bell);
        let (_, token) = first.next().await.expect("an item").expect("ok");
        let mut second = watch(&table, &token, &bell);
        let seen = [
            second.next().await.expect("an item").expect("ok").0,
            second.next().await.expect("an item").expect("ok").0,
        ];
        assert_eq!(seen, [2, 4]);
    }

    #[tokio::test]
    async fn an_expired_token_says_list_again() {
        let (table, bell) = (Table::default(), Bell::new());
        table.with(|t| t.purged = 5);
        let mut stream = watch(&table, &digest("a").seal(&at(4)), &bell);
        let error = stream.next().await.expect("an end").expect_err("expired");
        assert_eq!(error.code(), tonic::Code::OutOfRange);
        assert!(stream.next().await.is_none());
    }

    #[test]
    fn a_token_of_another_filter_is_refused() {
        let token = digest("b").seal(&at(1));
        let poll = Duration::from_secs(1);
        let result = stream(Table::default(), digest("a"), &token, &Bell::new(), poll);
        assert_eq!(result.err().expect("refused").reason(), "INVALID_FIELD");
    }
}
