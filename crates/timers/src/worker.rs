//! Claims what is due in the index and fires it, in due order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use redress_model::time::Clock;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fire::{Source, fire};
use crate::index::{Claimed, Index, Look, SHARDS, micros};
use crate::timers::{Shared, State, between};

/// How many entries one round claims at most, so that no script holds Redis up for long.
const ROUND_MAX: usize = 4096;

/// What one round did.
struct Round {
    /// How many entries it claimed.
    claimed: usize,
    /// How long nothing else is due.
    quiet: Duration,
}

pub(crate) async fn run(shared: Arc<Shared>, shutdown: &CancellationToken) {
    let Some(index) = &shared.index else { return };
    // Dropped with this future, which ends them all: as when the process is killed.
    let mut fires = JoinSet::new();
    let mut claims: u64 = 0;
    while !shutdown.is_cancelled() {
        let free = shared.settings.concurrency.saturating_sub(fires.len());
        // Without a free hand, or with all hands just filled, only the end of one leads on.
        let mut quiet = None;
        if free > 0 {
            let round = round(&shared, index, free, &mut claims, &mut fires).await;
            let wanted = free.saturating_mul(shared.truth.batch_max().max(1));
            quiet = (round.claimed < wanted).then_some(round.quiet);
        }
        let wake = Instant::now() + quiet.unwrap_or(shared.settings.idle);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = shared.news.notified() => break,
                () = tokio::time::sleep_until(wake) => break,
                Some(ended) = fires.join_next(), if !fires.is_empty() => {
                    report(ended);
                    if quiet.is_none() {
                        break;
                    }
                }
            }
        }
        while let Some(ended) = fires.try_join_next() {
            report(ended);
        }
    }
    drain(&shared, fires).await;
}

/// Lets what is being fired end.
pub(crate) async fn drain(shared: &Shared, mut fires: JoinSet<()>) {
    let ended = async {
        while let Some(ended) = fires.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(shared.settings.drain_limit, ended)
        .await
        .is_err()
    {
        tracing::warn!(
            redress.timers.name = shared.name,
            "timers were cut off at shutdown and fire elsewhere"
        );
    }
}

/// Says that a handler panicked. Its lease ends by itself, then it is tried again.
pub(crate) fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a timer panicked and is tried again");
    }
}

/// Looks at all shards, claims the entries whose turn it is for `free` hands, and starts them.
async fn round(
    shared: &Arc<Shared>,
    index: &Index,
    free: usize,
    claims: &mut u64,
    fires: &mut JoinSet<()>,
) -> Round {
    let now = shared.now();
    let was_suspect = shared.is_suspect.load(Ordering::SeqCst);
    let batch_max = shared.truth.batch_max().max(1);
    let wanted = free.saturating_mul(batch_max).min(ROUND_MAX);
    // They spread evenly; where one shard has more than its share, the next round sees the rest.
    let seen_max = wanted.min(wanted * 2 / SHARDS + SHARDS);
    let looks: Vec<Option<Look>> = index
        .look(now, seen_max)
        .await
        .into_iter()
        .map(|look| {
            look.inspect_err(|error| tracing::debug!(%error, "a shard of the timer index is away"))
                .ok()
        })
        .collect();
    if looks.iter().any(Option::is_none) {
        shared.suspect();
        shared.enter(State::Away);
    } else if was_suspect || looks.iter().flatten().any(|look| !look.is_complete) {
        shared.enter(State::Incomplete);
    } else {
        shared.enter(State::Ready);
    }
    *claims += 1;
    // With its place, a claim is longer than 64 bytes: Redis then keeps claims in a hash table, and not in a list that
    // every look-up reads from its start.
    let token: Arc<str> = format!("{}-{claims:012}", shared.worker).into();
    let turns = turns(&looks, wanted, seen_max);
    let chosen: usize = turns.iter().map(|turn| turn.count).sum();
    let entries = claim(shared, index, turns, &token).await;
    let claimed = entries.len();
    for batch in entries.chunks(batch_max) {
        let source = Source::Index(token.clone());
        fires.spawn(fire(shared.clone(), batch.to_vec(), source));
    }
    let due = || looks.iter().flatten().flat_map(|look| &look.due);
    let seen: usize = due().map(Vec::len).sum();
    let is_cut = due().any(|due| due.len() >= seen_max);
    let quiet = if chosen > claimed {
        // Another replica was faster; there may be more behind what it took.
        Duration::from_millis(rand::random_range(1..20))
    } else if seen > chosen || is_cut {
        // More is due than was chosen, or than was seen.
        Duration::ZERO
    } else {
        quiet(&looks, now, &*shared.clock, shared.settings.idle)
    };
    let until = now
        .checked_add(shared.clock.meanwhile(quiet))
        .unwrap_or(Timestamp::MAX);
    shared.sleeps_until.store(micros(until), Ordering::SeqCst);
    Round { claimed, quiet }
}

/// What is claimed of one shard: so many entries of a set, all due at an instant.
#[derive(Debug, PartialEq, Eq)]
struct Turn {
    shard: usize,
    first: bool,
    instant: i64,
    count: usize,
}

/// Whose turn it is over all shards together, at most `wanted`: a shard alone does not know the order. `seen_max` is how
/// many of a shard's set were looked at: where there may be more, nothing later than what was seen has its turn yet.
fn turns(looks: &[Option<Look>], wanted: usize, seen_max: usize) -> Vec<Turn> {
    let mut left = wanted;
    let mut turns = Vec::new();
    for (set, first) in [(0, true), (1, false)] {
        let of = |look: &'_ Option<Look>| -> Vec<i64> {
            look.as_ref()
                .map(|look| look.due[set].clone())
                .unwrap_or_default()
        };
        let shards: Vec<Vec<i64>> = looks.iter().map(of).collect();
        let horizon = shards
            .iter()
            .filter(|due| due.len() >= seen_max)
            .filter_map(|due| due.last().copied())
            .min();
        let mut all: Vec<i64> = shards.iter().flatten().copied().collect();
        all.retain(|due| horizon.is_none_or(|horizon| *due <= horizon));
        all.sort_unstable();
        all.truncate(left);
        let Some(last) = all.last().copied() else {
            continue;
        };
        left -= all.len();
        // Of those that are due at the last instant, only so many fit.
        let mut ties = all.iter().filter(|due| **due == last).count();
        for (shard, due) in shards.iter().enumerate() {
            let before = due.iter().filter(|due| **due < last).count();
            let tied = due.iter().filter(|due| **due == last).count().min(ties);
            ties -= tied;
            if before + tied > 0 {
                turns.push(Turn {
                    shard,
                    first,
                    instant: last,
                    count: before + tied,
                });
            }
        }
        if horizon.is_some() {
            // More of this set is due, and goes before the next one.
            break;
        }
    }
    turns
}

async fn claim(shared: &Shared, index: &Index, turns: Vec<Turn>, token: &str) -> Vec<Claimed> {
    let calls = turns.into_iter().map(|turn| {
        let Turn {
            shard,
            first,
            instant,
            count,
        } = turn;
        index.claim(shard, first, instant, count, shared.settings.lease, token)
    });
    let mut entries = Vec::new();
    for claimed in join_all(calls).await {
        match claimed {
            Ok(claimed) => entries.extend(claimed),
            Err(error) => {
                shared.suspect();
                tracing::debug!(redress.timers.name = shared.name, %error, "timers could not be claimed");
            }
        }
    }
    entries.sort_by_key(|claimed| claimed.entry.turn());
    entries
}

/// How long nothing is due and no lease ends, at most `idle`; by the machine's clock.
fn quiet(looks: &[Option<Look>], now: Timestamp, clock: &dyn Clock, idle: Duration) -> Duration {
    let of = |look: &Look| {
        let next = look.next.map(|next| clock.wait(between(now, next)));
        next.into_iter().chain(look.lease_ends).min()
    };
    looks
        .iter()
        .flatten()
        .filter_map(of)
        .chain([idle])
        .min()
        .unwrap_or(idle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(first: &[i64], normal: &[i64]) -> Option<Look> {
        Some(Look {
            due: [first.to_vec(), normal.to_vec()],
            ..Look::default()
        })
    }

    fn counts(turns: &[Turn]) -> Vec<(usize, bool, i64, usize)> {
        turns
            .iter()
            .map(|turn| (turn.shard, turn.first, turn.instant, turn.count))
            .collect()
    }

    #[test]
    fn on_a_clock_that_runs_fast_the_worker_wakes_by_the_machines() {
        let now: Timestamp = "2026-03-02T01:00:00Z".parse().expect("an instant");
        let clock = redress_model::time::ScaledClock::new(now, now, 60).expect("a rate");
        let looks = [Some(Look {
            next: Some(now + jiff::SignedDuration::from_secs(12)),
            ..Look::default()
        })];
        let idle = Duration::from_millis(500);
        assert_eq!(quiet(&looks, now, &clock, idle), Duration::from_millis(200));
        let machine = redress_model::time::SystemClock;
        assert_eq!(quiet(&looks, now, &machine, idle), idle);
    }

    #[test]
    fn p23_turns_go_first_then_by_due_over_all_shards() {
        let looks = [look(&[7], &[1, 4]), look(&[], &[2, 9]), None];
        assert_eq!(
            counts(&turns(&looks, 3, 10)),
            [(0, true, 7, 1), (0, false, 2, 1), (1, false, 2, 1)]
        );
        assert_eq!(counts(&turns(&looks, 1, 10)), [(0, true, 7, 1)]);
    }

    #[test]
    fn no_more_are_claimed_than_there_are_hands_though_all_are_due_at_once() {
        let looks = [
            look(&[], &[5, 5, 5]),
            look(&[], &[3, 5, 5]),
            look(&[], &[5]),
        ];
        let turns = turns(&looks, 4, 10);
        assert_eq!(turns.iter().map(|turn| turn.count).sum::<usize>(), 4);
        assert_eq!(counts(&turns), [(0, false, 5, 3), (1, false, 5, 1)]);
    }

    #[test]
    fn p23_what_lies_behind_the_part_that_was_seen_keeps_later_ones_waiting() {
        // The first shard may have more that is due at 2 to 8.
        let looks = [look(&[], &[1, 2]), look(&[], &[8])];
        assert_eq!(counts(&turns(&looks, 9, 2)), [(0, false, 2, 2)]);
        // And more grade 1 behind those that were seen go before all others.
        let looks = [look(&[1, 2], &[]), look(&[], &[1])];
        assert_eq!(counts(&turns(&looks, 9, 2)), [(0, true, 2, 2)]);
    }
}
