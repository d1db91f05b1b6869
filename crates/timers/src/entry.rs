//! What the service and its timers tell each other.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use redress_model::Fault;
use uuid::Uuid;

use crate::receipt::Receipt;

/// One thing that comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What comes due. Its last byte chooses the shard, so it should be random, as in a version 7 UUID.
    pub id: Uuid,
    /// Grows with every change of `due`, so that an older one is known as such. Below 2^53.
    pub generation: i64,
    /// When, in whole microseconds.
    pub due: Timestamp,
    /// Whether it goes before all others that are due: grade 1.
    pub first: bool,
}

impl Entry {
    /// An entry that waits its turn.
    pub fn new(id: Uuid, generation: i64, due: Timestamp) -> Self {
        Self {
            id,
            generation,
            due,
            first: false,
        }
    }

    /// The same entry, before all others if so.
    #[must_use]
    pub fn first(self, first: bool) -> Self {
        Self { first, ..self }
    }

    /// The order in which a backlog drains.
    pub(crate) fn turn(&self) -> (bool, Timestamp, Uuid) {
        (!self.first, self.due, self.id)
    }
}

/// What became of an entry that was fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fired {
    /// It took effect; nothing more is due for now.
    Done,
    /// It took effect, and this is due next.
    Again(Entry),
    /// It took effect, and all of these are armed now, whether of this id or of others.
    Armed(Vec<Entry>),
    /// Nothing to do: it was done before, or the row has moved on to a newer generation or is gone.
    Stale,
    /// The row says that it is not due yet. It is asked again in a second; answer [`Fired::Again`] when the time is known.
    Early,
}

impl Fired {
    /// Whether what the entry is about was committed.
    pub fn took_effect(&self) -> bool {
        matches!(self, Self::Done | Self::Again(_) | Self::Armed(_))
    }
}

/// How much is due and not fired, by how late it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// How many are late by less than each of [`Overdue::BOUNDS`] and no less than the one before; the last count has no
    /// bound above.
    pub counts: [u64; 5],
    /// When the oldest was due.
    pub oldest: Option<Timestamp>,
}

impl Overdue {
    /// Where one class of lateness ends and the next begins.
    pub const BOUNDS: [Duration; 4] = [
        Duration::from_secs(1),
        Duration::from_secs(10),
        Duration::from_secs(60),
        Duration::from_secs(600),
    ];

    /// The bounds as instants, seen from `now`, the latest first: what was due after the first is in the first class,
    /// what was due at it in the second.
    pub fn instants(now: Timestamp) -> [Timestamp; 4] {
        Self::BOUNDS.map(|bound| now.checked_sub(bound).unwrap_or(Timestamp::MIN))
    }
}

/// The service's rows.
#[async_trait]
pub trait Truth: Send + Sync + 'static {
    /// What is due at `now`, at most `limit`: those that go first, then the oldest. Of what was due before `since` nothing
    /// is asked, and nothing is read of the index of what is due: entries that fired lie there for as long as an old
    /// snapshot is open (P25). Without it all is asked.
    async fn due(
        &self,
        since: Option<Timestamp>,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Entry>, Fault>;

    /// How much is due at `now`, since then, all of it: no limit as in [`due`](Self::due), which takes what goes first and would
    /// leave out the oldest. One statement over the index of what is due: it reads what is due, and nothing that lies
    /// ahead, so that it costs nothing where nothing is late. The auditor asks every few seconds, in each replica.
    async fn overdue(&self, since: Option<Timestamp>, now: Timestamp) -> Result<Overdue, Fault>;

    /// Everything that is armed, due or not, in order of id: at most `limit` with an id greater than `after`.
    async fn armed(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault>;

    /// Commits what the entry is about, in one transaction that locks the row, answers [`Fired::Stale`] unless the row is
    /// armed with this generation, and checks that it is due at `now`. It may run twice, even at once: after a lease was
    /// lost, or in two replicas while Redis is away. A fault is tried again, with a growing pause, for as long as it lasts.
    ///
    /// `late` has the receipt of what fires late. Where the entry takes effect the service keeps it in that transaction, so
    /// that neither is without the other wherever the process ends; one that is kept already stays as it is.
    async fn fire(&self, entry: &Entry, late: &[Receipt], now: Timestamp) -> Result<Fired, Fault>;

    /// How many entries [`fire_many`](Self::fire_many) takes at once. With 1, the default, it is never asked.
    fn batch_max(&self) -> usize {
        1
    }

    /// Commits several entries, which stand in the order in which they should take effect, in few transactions, each
    /// entry fenced and checked, and its receipt kept, as in [`fire`](Self::fire); one answer each, in the same order. Of
    /// one that is answered with nothing, nothing took effect: it is fired by itself next, and so is each after a fault,
    /// so that one that cannot be fired holds no other up. Postgres being away (a fault that is worth a retry) counts for
    /// all of them.
    async fn fire_many(
        &self,
        entries: &[Entry],
        late: &[Receipt],
        now: Timestamp,
    ) -> Result<Vec<Option<Fired>>, Fault> {
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            answers.push(Some(self.fire(entry, late, now).await?));
        }
        Ok(answers)
    }
}
