//! Every entry that fires late says why.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use redress_testkit::{ManualClock, eventually, redis};
use redress_timers::{Cause, Settings};

use crate::rows::{Behaviour, Handler, Replica, Rows, client, quick};

const SOON: Duration = Duration::from_secs(30);
const START: &str = "2026-01-01T00:00:00Z";

/// Only what is told by index and handler, no help from scans and audits.
fn alone() -> Settings {
    Settings {
        scan_every: Duration::from_secs(3600),
        audit_every: Duration::from_secs(3600),
        ..quick()
    }
}

#[tokio::test]
async fn a_receipt_tells_when_it_was_due_when_it_fired_and_that_the_process_was_not_there() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let entry = rows.arm_in(1000).await;
    clock.advance(SignedDuration::from_mins(7));
    let handler = Handler::new(&rows, Behaviour::default());
    let _replica = Replica::start(client(&server), &handler, quick());
    let receipts = eventually(SOON, async || {
        let receipts = handler.receipts();
        (!receipts.is_empty()).then_some(receipts)
    })
    .await;
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].entry, entry);
    assert_eq!(receipts[0].fired, rows.now());
    assert_eq!(receipts[0].lag(), Duration::from_secs(7 * 60 - 1));
    assert_eq!(receipts[0].cause, Cause::Restart);
}

#[tokio::test]
async fn what_fires_in_time_leaves_no_receipt() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let (in_time, late) = (rows.arm_in(1001).await, rows.arm_in(1000).await);
    replica.timers.schedule_many(&[in_time, late]).await;
    clock.advance(SignedDuration::from_secs(2));
    eventually(SOON, async || !handler.receipts().is_empty()).await;
    eventually(SOON, async || rows.count().await == 2).await;
    let receipts = handler.receipts();
    assert_eq!(receipts.len(), 1, "a second late is late, less is not");
    assert_eq!(receipts[0].entry, late);
}

#[tokio::test]
async fn a_repaired_entry_says_that_the_index_lacked_it() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let handler = Handler::new(&rows, Behaviour::default());
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let entry = rows.arm_in(-5000 + 6000).await;
    clock.advance(SignedDuration::from_secs(9));
    eventually(SOON, async || {
        handler.causes().get(&entry.id) == Some(&Cause::IndexRepaired)
    })
    .await;
}

#[tokio::test]
async fn an_entry_whose_worker_died_says_so_to_whoever_fires_it() {
    let (rows, server) = (Rows::new().await, redis().await);
    let stuck = Behaviour {
        before_commit: Duration::from_secs(3600),
        ..Behaviour::default()
    };
    let stuck = Handler::new(&rows, stuck);
    let victim = Replica::start(client(&server), &stuck, alone());
    eventually(SOON, async || victim.timers.is_index_ready()).await;
    let entry = rows.arm_in(200).await;
    victim.timers.schedule(entry);
    eventually(SOON, async || stuck.calls.load(Ordering::SeqCst) == 1).await;
    victim.kill().await;
    let handler = Handler::new(&rows, Behaviour::default());
    let _other = Replica::start(client(&server), &handler, alone());
    eventually(SOON, async || {
        handler.causes().get(&entry.id) == Some(&Cause::WorkerLost)
    })
    .await;
}

#[tokio::test]
async fn failures_a_flush_and_arming_too_late_are_told_apart() {
    let clock = ManualClock::new(START.parse().expect("an instant"));
    let (rows, server) = (Rows::at(clock.clone()).await, redis().await);
    let behaviour = Behaviour {
        failures: 1.into(),
        ..Behaviour::default()
    };
    let handler = Handler::new(&rows, behaviour);
    let replica = Replica::start(client(&server), &handler, quick());
    eventually(SOON, async || replica.timers.is_index_ready()).await;
    let cause = async |entry: redress_timers::Entry| {
        eventually(SOON, async || handler.causes().get(&entry.id).copied()).await
    };

    let failed = rows.arm_in(500).await;
    replica.timers.schedule(failed);
    clock.advance(SignedDuration::from_secs(3));
    assert_eq!(cause(failed).await, Cause::Failed);

    let armed_late = rows.arm_in(-60_000).await;
    replica.timers.schedule(armed_late);
    assert_eq!(cause(armed_late).await, Cause::ArmedLate);

    let lost = rows.arm_in(60_000).await;
    replica.timers.schedule_many(&[lost]).await;
    server.flush().expect("is flushed");
    clock.advance(SignedDuration::from_secs(63));
    assert_eq!(cause(lost).await, Cause::IndexLost);
}
