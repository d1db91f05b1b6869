//! How many promises a second triage tells as broken: those of 5,000 cases, due at once, through its own transactions
//! (locks, fence, ladder, page, history, event), by as many hands as a replica's timers have.
//!
//! Nothing is required of these: what is required of timers with effects in Postgres (5,000 a second) is measured with one
//! `UPDATE` and one `INSERT` each by `make bench-timers`. These say how much of that a whole breach leaves.

use std::sync::Arc;
use std::time::Instant;

use jiff::SignedDuration;
use redress_model::Fault;
use redress_model::time::Clock as _;
use redress_model::words::DutyRole;
use redress_store::{Operation, Tx};
use redress_timers::Truth as _;
use redress_triage::jobs::ClockTruth;
use redress_triage::store::duties::{self, Slot};
use serde_json::json;
use tokio::sync::Mutex;

use crate::{Bench, Receive, facts, ids, reading, site};

/// Cases, each with the promises of a routine case.
const CASES: usize = 5_000;
/// Hands of one replica, as the timers have them.
const HANDS: usize = 16;

/// Somebody is on duty on every rung, so that every breach is paged.
struct Roster;

impl Operation for Roster {
    const NAME: &'static str = "bench.roster";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let slots: Vec<Slot> = [DutyRole::OnSiteLead, DutyRole::DutyLead, DutyRole::TopLead]
            .into_iter()
            .map(|role| Slot {
                role,
                staff: format!("sites/lakeside/staff/{}", role.word().to_lowercase()),
                rank: 0,
                start: jiff::Timestamp::UNIX_EPOCH,
                end: None,
            })
            .collect();
        duties::replace(tx, &site(), 1, &slots, &[]).await
    }
}

/// Fires everything that is due by so many hands; gives how many a second.
#[allow(clippy::cast_precision_loss)]
async fn drain(bench: &Bench, together: bool) -> (usize, f64) {
    let truth = Arc::new(ClockTruth::new(bench.desk.db.clone(), Arc::default()));
    let now = bench.clock.now();
    let due = truth.due(None, now, i64::MAX).await.expect("read");
    let count = due.len();
    let size = if together { truth.batch_max() } else { 1 };
    let batches: Vec<Vec<_>> = due.chunks(size).map(<[_]>::to_vec).collect();
    let queue = Arc::new(Mutex::new(batches.into_iter()));
    let started = Instant::now();
    let hands: Vec<_> = (0..HANDS)
        .map(|_| {
            let (truth, queue) = (Arc::clone(&truth), Arc::clone(&queue));
            tokio::spawn(async move {
                loop {
                    let Some(batch) = queue.lock().await.next() else {
                        break;
                    };
                    if let [entry] = batch.as_slice() {
                        truth.fire(entry, &[], now).await.expect("fired");
                        continue;
                    }
                    let fired = truth.fire_many(&batch, &[], now).await.expect("fired");
                    for (entry, fired) in batch.iter().zip(fired) {
                        if fired.is_none() {
                            truth.fire(entry, &[], now).await.expect("fired");
                        }
                    }
                }
            })
        })
        .collect();
    for hand in hands {
        hand.await.expect("does not panic");
    }
    (count, count as f64 / started.elapsed().as_secs_f64())
}

/// Rates one by one and together.
pub(crate) async fn rates() -> serde_json::Value {
    let bench = Bench::new().await;
    bench.run(&Roster).await.expect("the roster");
    for n in 0..CASES {
        let now = bench.clock.now();
        // Words of their own, so that each is its own cluster.
        let terms = [(i64::try_from(n).unwrap_or(0), 1)].into();
        let receive = Receive {
            facts: &facts(&format!("person {n}"), now, false),
            reading: &reading(terms),
            id: ids::new_id(now),
            now,
        };
        bench.run(&receive).await.expect("taken in");
    }
    // Past every acknowledgement's breach, and then past every answer's.
    bench.clock.advance(SignedDuration::from_hours(5));
    let (alone_count, alone) = drain(&bench, false).await;
    bench.clock.advance(SignedDuration::from_hours(48));
    let (count, together) = drain(&bench, true).await;
    println!("each with its page, history and event, committed in Postgres");
    println!(
        "{:<42} {alone_count:>7} {alone:>9.0} a second",
        "promises broken, one by one"
    );
    println!(
        "{:<42} {count:>7} {together:>9.0} a second",
        "promises broken, together"
    );
    json!({ "of": "breaches with page, history and event, committed", "one_by_one_per_s": alone,
            "together_per_s": together, "clocks": count })
}
