//! Events between services: at least once, in order for each subject, taking effect once (I3).
//!
//! A service writes an event into its [`outbox`](publish) in the transaction that changes what the event
//! is about. Its [`Relay`] carries it to every subscriber's [`Inbox`], which applies it together with
//! the note that it was seen.
//!
//! # Why the order holds
//!
//! *Claim: events of one service about one subject are delivered to a subscriber in the order in which
//! they were published, and none is skipped, whenever their transactions began or commit.*
//!
//! Publishing locks the subject until the commit; only then it takes the row's `id` and `stamp`. The
//! stamp is the transaction's id or, where that is higher, the stamp of the subject's event before.
//! Let e1 be published before e2, both about one subject, by transactions T1 and T2.
//!
//! 1. T1 has ended when T2 gets the lock (Postgres takes a transaction off the list of running ones before
//!    it frees its locks), so T2's look at the subject's last event sees e1: `id(e1) < id(e2)` and
//!    `stamp(e1) <= stamp(e2)`. Transaction ids alone would not do: T2 may have got its id before T1 began
//!    and still publish after T1's commit.
//! 2. The relay reads windows: rows with `low <= stamp < high`, where `high` is `pg_snapshot_xmin` of a
//!    snapshot, the oldest transaction that is still running. A row's stamp is at least the id of its
//!    transaction, so every row stamped below `high` was written by a transaction that has ended:
//!    the window never gets another row, and the next one starts at its `high`. Nothing is skipped,
//!    however late a transaction commits.
//! 3. By 1, e1's window is e2's or an earlier one. Windows are worked off one after the other, and rows
//!    within a window by `id`. So e1 goes first. A window's end must be such a snapshot's: a window cut
//!    at any other stamp would be wrong where T2's own id is below it.
//! 4. An event that is not taken leaves the main flow together with all later ones of its subject,
//!    and these are tried in order of `id`, the next only after the one before was taken.
//! 5. After a crash or a lost lease, a replica starts from the last written position and repeats a
//!    stretch in the same order. Two replicas that carry one partition at once each send in order and
//!    go on only after an answer, so for any event, whichever copy arrives first, all before it
//!    were applied; the receiver recognises the other copy.
//! 6. An [urgent](publish_urgent) event goes ahead of its window, whoever carries its partition. All before it of
//!    its subject are committed by 1 and go along, in order of `id`, but for those below the written position, which were
//!    taken or are held; where one is held, none goes. Position and what is held are read in one
//!    snapshot, and what is held is written before the position passes it.
//!
//! A transaction that stays open after writing holds every window back (its rows may come yet): the
//! roles' `idle_in_transaction_session_timeout` and `statement_timeout` bound that. One that only reads has no
//! transaction id and holds back nothing, and since the outbox has no updates and no deletes on the
//! way, it leaves the relay nothing to step over either (P25).
//!
//! # Between sources
//!
//! There is no order between different services' events. Handlers lead to the same end under any
//! interleaving; what builds on something unknown waits in the inbox ([`Applied::Wait`]).

mod batch;
mod courier;
mod cursor;
mod event;
mod handler;
mod held;
mod inbox;
mod lanes;
mod outbox;
mod peer;
mod relay;
mod server;
mod subscriptions;
mod waiting;
mod wake;

pub use event::Event;
pub use handler::{Applied, Handler, Keeper, Kept};
pub use inbox::Inbox;
pub use outbox::{NewEvent, PARTITIONS, partition, publish, publish_many, publish_urgent};
pub use peer::{GrpcPeer, Peer};
pub use relay::{Pace, Relay, purge};
pub use server::{EventAdminServer, InboxServer};
pub use subscriptions::Subscriptions;
pub use wake::share_wakes;

/// This crate's tables: outbox and inbox. Every service applies it after `redress_store::MIGRATOR`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
