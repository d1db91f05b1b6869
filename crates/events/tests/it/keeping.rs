//! What is only kept takes effect of many at once; whatever one of them does, the others lose nothing by it.

use std::sync::Arc;

use opentelemetry::global::meter;
use redress_events::{Event, Inbox};
use redress_proto::event::v1::{DeliverOutcome, DeliverResult};

use crate::world::{LogOfMany, MOVED, SOON, World, event};

const TRANSACTIONS: &str = "SELECT count(DISTINCT xmin::text) FROM triage.log";

fn inbox(w: &World) -> Inbox {
    Inbox::new(w.receiver.clone(), &meter("test")).keep(&[MOVED], LogOfMany(Arc::clone(&w.mood)))
}

/// What is said of each of these subjects in turn, three times.
fn rounds(subjects: &[&str]) -> Vec<Event> {
    let numbers = 1..=3;
    numbers
        .flat_map(|n| subjects.iter().map(move |s| event("intake", s, n)))
        .collect()
}

fn outcomes(results: &[DeliverResult]) -> Vec<DeliverOutcome> {
    results.iter().map(DeliverResult::outcome).collect()
}

#[tokio::test]
async fn i3_what_is_kept_of_many_subjects_takes_effect_in_one_transaction_a_site_and_once() {
    let w = World::new().await;
    let inbox = inbox(&w);
    let hill = "sites/hill/cases/1";
    let events = rounds(&["a", "b", "c", hill, "sites/hill/cases/2"]);
    let again = [
        events.clone(),
        vec![event("intake", "b", 4)],
        events.clone(),
    ]
    .concat();
    let results = inbox.receive(events).await.unwrap();
    assert_eq!(outcomes(&results), [DeliverOutcome::Applied; 15]);
    for subject in ["a", "b", "c", hill] {
        assert_eq!(w.heard(subject).await, [1, 2, 3], "{subject}");
    }
    assert_eq!(w.count(TRANSACTIONS).await, 2);

    // All of them twice more, and one that is new between.
    let results = inbox.receive(again).await.unwrap();
    assert_eq!(outcomes(&results), [DeliverOutcome::Applied; 31]);
    assert_eq!(w.heard("b").await, [1, 2, 3, 4]);
    assert_eq!(w.count("SELECT count(*) FROM triage.log").await, 16);
}

#[tokio::test]
async fn i3_one_that_waits_or_is_refused_or_panics_takes_none_of_the_others_with_it() {
    let w = World::new().await;
    let inbox = inbox(&w);
    let named = |s: &str| s.to_owned();
    w.mood
        .waits_for
        .lock()
        .unwrap()
        .insert(named("b"), named("crisis"));
    w.mood.refuses.lock().unwrap().insert(named("c"));
    w.mood.panics.lock().unwrap().insert(named("d"));
    let results = inbox.receive(rounds(&["a", "b", "c", "d"])).await.unwrap();
    use DeliverOutcome::{Applied, Rejected, Retry, Waiting};
    let first = [Applied, Waiting, Rejected, Rejected];
    let later = [Applied, Waiting, Retry, Retry];
    assert_eq!(outcomes(&results), [first, later, later].concat());
    assert_eq!(w.heard("a").await, [1, 2, 3]);
    for subject in ["b", "c", "d"] {
        assert!(w.heard(subject).await.is_empty(), "{subject}");
    }

    // What it waited for comes among others: it is set free, in its order.
    let news = vec![event("crisis", "a", 7), event("crisis", "b", 7)];
    let results = inbox.receive(news).await.unwrap();
    assert_eq!(outcomes(&results), [Applied; 2]);
    assert_eq!(w.heard("b").await, [7, 1, 2, 3]);
}

#[tokio::test]
async fn what_concerns_nobody_is_taken_without_a_transaction() {
    let w = World::new().await;
    let inbox = inbox(&w);
    w.receiver.close().await;
    let results = inbox.receive(vec![event("intake", "a", 0)]).await.unwrap();
    assert_eq!(outcomes(&results), [DeliverOutcome::Applied]);
    inbox
        .receive(vec![event("intake", "a", 1)])
        .await
        .expect_err("this one does");
}

#[tokio::test]
async fn i3_what_sets_many_subjects_free_at_once_does_not_wait_for_itself() {
    let w = World::new().await;
    // More than may be applied at the same time, each of several events.
    let subjects: Vec<String> = (0..20).map(|n| format!("s{n}")).collect();
    for subject in &subjects {
        let waits_for = &w.mood.waits_for;
        let crisis = "crisis".to_owned();
        waits_for.lock().unwrap().insert(subject.clone(), crisis);
        let results = w.inbox.receive(vec![event("intake", subject, 1)]).await;
        assert_eq!(outcomes(&results.unwrap()), [DeliverOutcome::Waiting]);
    }
    let news: Vec<Event> = subjects
        .iter()
        .flat_map(|s| [7, 8].map(|n| event("crisis", s, n)))
        .collect();
    let received = tokio::time::timeout(SOON, w.inbox.receive(news)).await;
    let results = received.expect("no standstill").unwrap();
    assert_eq!(outcomes(&results), [DeliverOutcome::Applied; 40]);
    for subject in &subjects {
        assert_eq!(w.heard(subject).await, [7, 8, 1], "{subject}");
    }
}

#[tokio::test]
async fn what_concerns_nobody_and_waited_behind_others_ends_without_effect() {
    let w = World::new().await;
    let crisis = "crisis".to_owned();
    w.mood
        .waits_for
        .lock()
        .unwrap()
        .insert("a".to_owned(), crisis);
    // A handler, as an older release, has both wait.
    let both = vec![event("intake", "a", 1), event("intake", "a", 0)];
    let results = w.inbox.receive(both).await.unwrap();
    assert_eq!(outcomes(&results), [DeliverOutcome::Waiting; 2]);
    let results = inbox(&w).receive(vec![event("crisis", "a", 7)]).await;
    assert_eq!(outcomes(&results.unwrap()), [DeliverOutcome::Applied]);
    assert_eq!(w.heard("a").await, [7, 1]);
    assert_eq!(
        w.count("SELECT count(*) FROM triage.inbox_waiting").await,
        0
    );
}
