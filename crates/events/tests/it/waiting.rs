//! Handlers converge under any interleaving of sources; what builds on something unknown waits.

use std::collections::BTreeSet;

use redress_events::Event;
use redress_proto::event::v1::DeliverOutcome;
use redress_testkit::eventually;
use tokio_util::sync::CancellationToken;

use crate::world::{SOON, World, event};

const WAITING: &str = "SELECT count(*) FROM triage.inbox_waiting";

/// All orders of delivery that keep each source's own order.
fn interleavings(sources: &[(&'static str, i64)]) -> BTreeSet<Vec<(&'static str, i64)>> {
    fn grow(
        done: &[(&'static str, i64)],
        left: &[(&'static str, i64)],
        all: &mut BTreeSet<Vec<(&'static str, i64)>>,
    ) {
        if left.is_empty() {
            all.insert(done.to_vec());
        }
        for (i, next) in left.iter().enumerate() {
            // Only the first that is left of its source may come next.
            if left[..i].iter().any(|l| l.0 == next.0) {
                continue;
            }
            let mut left = left.to_vec();
            let next = left.remove(i);
            grow(&[done, &[next]].concat(), &left, all);
        }
    }
    let mut all = BTreeSet::new();
    grow(&[], sources, &mut all);
    all
}

/// What is known of a subject, each source's in its order.
async fn state(w: &World, subject: &str) -> Vec<(String, Vec<i64>)> {
    sqlx::query_as("SELECT source, array_agg(number ORDER BY id) FROM triage.log WHERE subject = $1 GROUP BY source ORDER BY source")
        .bind(subject)
        .fetch_all(&w.t.admin)
        .await
        .unwrap()
}

#[tokio::test]
async fn i3_every_interleaving_of_three_sources_leads_to_the_same_end() {
    let w = World::new().await;
    let script = [
        ("intake", 1),
        ("intake", 2),
        ("triage", 10),
        ("triage", 11),
        ("assignment", 20),
    ];
    let all = interleavings(&script);
    assert_eq!(all.len(), 30);
    for (i, order) in all.iter().enumerate() {
        // Whatever the others say builds on what intake says.
        let subject = format!("sites/lake/cases/{i}");
        w.mood
            .waits_for
            .lock()
            .unwrap()
            .insert(subject.clone(), "intake".to_owned());
        for (source, number) in order {
            let copy = event(source, &subject, *number);
            // Every one arrives twice.
            w.inbox.receive(vec![copy.clone()]).await.unwrap();
            w.inbox.receive(vec![copy]).await.unwrap();
        }
        let expected = [
            ("assignment", vec![20]),
            ("intake", vec![1, 2]),
            ("triage", vec![10, 11]),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(s, n)| (s.to_owned(), n))
            .collect();
        assert_eq!(state(&w, &subject).await, expected, "{order:?}");
    }
    assert_eq!(w.count(WAITING).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_the_base_and_what_builds_on_it_may_arrive_at_the_same_moment() {
    let w = World::new().await;
    for i in 0..40 {
        let subject = format!("sites/lake/cases/{i}");
        w.mood
            .waits_for
            .lock()
            .unwrap()
            .insert(subject.clone(), "intake".to_owned());
        let (base, built) = (event("intake", &subject, 1), event("triage", &subject, 10));
        let (a, b) = tokio::join!(w.inbox.receive(vec![base]), w.inbox.receive(vec![built]));
        a.unwrap();
        b.unwrap();
        assert_eq!(
            state(&w, &subject).await.len(),
            2,
            "round {i}: no sweeper was needed"
        );
    }
}

fn outcome(results: &[redress_proto::event::v1::DeliverResult]) -> Vec<DeliverOutcome> {
    results
        .iter()
        .map(redress_proto::event::v1::DeliverResult::outcome)
        .collect()
}

#[tokio::test]
async fn a_waiting_event_counts_as_delivered_and_later_ones_stay_behind_it() {
    let w = World::new().await;
    w.mood
        .waits_for
        .lock()
        .unwrap()
        .insert("a".to_owned(), "intake".to_owned());
    let events: Vec<Event> = (10..13).map(|n| event("triage", "a", n)).collect();
    let results = w.inbox.receive(events.clone()).await.unwrap();
    assert_eq!(outcome(&results), [DeliverOutcome::Waiting; 3]);
    // Sent again, since an answer got lost.
    assert_eq!(
        outcome(&w.inbox.receive(events).await.unwrap()),
        [DeliverOutcome::Applied; 3]
    );
    assert_eq!(w.count(WAITING).await, 3);
    // Even when the base is known by now, a later one does not overtake.
    w.mood.waits_for.lock().unwrap().clear();
    w.inbox
        .receive(vec![event("triage", "a", 13)])
        .await
        .unwrap();
    assert!(w.heard("a").await.is_empty());
    w.inbox
        .receive(vec![event("intake", "a", 1)])
        .await
        .unwrap();
    assert_eq!(w.heard("a").await, [1, 10, 11, 12, 13]);
    assert_eq!(w.count(WAITING).await, 0);
}

#[tokio::test]
async fn what_waits_for_its_site_gets_free_by_an_event_about_the_site() {
    let w = World::new().await;
    let subject = "sites/lake/cases/1";
    w.mood
        .waits_for
        .lock()
        .unwrap()
        .insert(subject.to_owned(), "intake".to_owned());
    w.inbox
        .receive(vec![event("triage", subject, 10)])
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let sweeper = {
        let (inbox, stop) = (w.inbox.clone(), stop.clone());
        tokio::spawn(async move { inbox.run(stop).await })
    };
    // Far from its next try by the sweeper alone.
    sqlx::raw_sql(
        "UPDATE triage.inbox_waiting SET next_attempt_time = clock_timestamp() + interval '1 hour'",
    )
    .execute(&w.t.admin)
    .await
    .unwrap();
    w.mood.waits_for.lock().unwrap().clear();
    w.inbox
        .receive(vec![event("intake", "sites/hill", 1)])
        .await
        .unwrap();
    assert_eq!(w.count(WAITING).await, 1);
    w.inbox
        .receive(vec![event("intake", "sites/lake", 1)])
        .await
        .unwrap();
    w.hears(subject, &[10]).await;
    stop.cancel();
    sweeper.await.unwrap();
}

#[tokio::test]
async fn the_sweeper_frees_what_nothing_else_does() {
    let w = World::new().await;
    w.mood
        .waits_for
        .lock()
        .unwrap()
        .insert("a".to_owned(), "intake".to_owned());
    w.inbox
        .receive(vec![event("triage", "a", 10), event("triage", "a", 11)])
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let sweeper = {
        let (inbox, stop) = (w.inbox.clone(), stop.clone());
        tokio::spawn(async move { inbox.run(stop).await })
    };
    let attempts = "SELECT max(attempts)::bigint FROM triage.inbox_waiting";
    eventually(SOON, async || w.count(attempts).await > 1).await;
    w.mood.waits_for.lock().unwrap().clear();
    w.hears("a", &[10, 11]).await;
    stop.cancel();
    sweeper.await.unwrap();
}

#[tokio::test]
async fn a_waiting_event_that_fails_keeps_its_place() {
    let w = World::new().await;
    w.mood
        .waits_for
        .lock()
        .unwrap()
        .insert("a".to_owned(), "intake".to_owned());
    w.inbox
        .receive(vec![event("triage", "a", 10)])
        .await
        .unwrap();
    w.mood.refuses.lock().unwrap().insert("a".to_owned());
    w.mood.waits_for.lock().unwrap().clear();
    w.inbox.retry("a").await;
    assert_eq!(w.count(WAITING).await, 1);
    w.mood.refuses.lock().unwrap().clear();
    w.inbox
        .receive(vec![event("intake", "a", 1)])
        .await
        .unwrap();
    assert_eq!(w.heard("a").await, [1, 10]);
}

/// What an event of the same subject from elsewhere does to those that wait.
trait Retry {
    async fn retry(&self, subject: &str);
}

impl Retry for redress_events::Inbox {
    async fn retry(&self, subject: &str) {
        // It is refused too, but what waits is not tried for it: only an applied event frees others.
        let results = self
            .receive(vec![event("assignment", subject, 1)])
            .await
            .unwrap();
        assert_eq!(results[0].outcome(), DeliverOutcome::Rejected);
    }
}
