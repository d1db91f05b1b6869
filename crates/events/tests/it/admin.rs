//! The RPCs: who may deliver, and what operators see and do.

use std::sync::Arc;

use redress_events::{EventAdminServer, InboxServer};
use redress_proto::event::v1::event_admin_service_server::EventAdminService as _;
use redress_proto::event::v1::inbox_service_server::InboxService as _;
use redress_proto::event::v1::{
    DeliverOutcome, DeliverRequest, ListParkedEventsRequest, ListParkedEventsResponse,
    RedriveEventRequest,
};
use redress_rpc::Caller;
use redress_testkit::eventually;
use tonic::{Code, Request};

use crate::world::{SOON, World, event, pace};

fn request<T>(message: T, service: Option<&str>, sites: &[&str]) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(Caller {
        subject: "op".to_owned(),
        issuer: "test".to_owned(),
        organizations: Vec::new(),
        regions: Vec::new(),
        sites: sites.iter().map(|s| s.parse().unwrap()).collect(),
        roles: Vec::new(),
        permissions: redress_rpc::Permissions::default(),
        staff: None,
        service: service.map(str::to_owned),
        purpose: None,
        expires: jiff::Timestamp::MAX,
    }));
    request
}

#[tokio::test]
async fn an_inbox_takes_from_a_sender_only_that_senders_events() {
    let w = World::new().await;
    let server = InboxServer::new(w.inbox.clone());
    let batch = |sources: &[&str]| DeliverRequest {
        events: sources
            .iter()
            .map(|s| event(s, "a", 1).to_cloud_event())
            .collect(),
        urgent: false,
    };
    let refused = server
        .deliver(request(batch(&["intake", "triage"]), Some("intake"), &[]))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let refused = server
        .deliver(request(batch(&["intake"]), None, &["lake"]))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    assert!(w.heard("a").await.is_empty());
    let taken = server
        .deliver(request(batch(&["intake"]), Some("intake"), &[]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(taken.results[0].outcome(), DeliverOutcome::Applied);
}

#[tokio::test]
async fn a_batch_is_answered_event_by_event_in_its_order() {
    let w = World::new().await;
    w.mood.refuses.lock().unwrap().insert("bad".to_owned());
    let mut events = vec![
        event("intake", "bad", 1),
        event("intake", "good", 1),
        event("intake", "bad", 2),
    ];
    events.push(events[1].clone());
    let mut unknown = event("intake", "new", 1);
    unknown.event_type = "redress.case.sung.v1".to_owned();
    events.push(unknown);
    let results = w.inbox.receive(events.clone()).await.unwrap();
    let outcomes: Vec<_> = results
        .iter()
        .map(|r| (r.outcome(), r.reason.as_str()))
        .collect();
    assert_eq!(outcomes[0], (DeliverOutcome::Rejected, "INVALID_FIELD"));
    assert_eq!(outcomes[1], (DeliverOutcome::Applied, ""));
    assert_eq!(outcomes[2], (DeliverOutcome::Retry, "EARLIER_EVENT_FAILED"));
    assert_eq!(outcomes[3], (DeliverOutcome::Applied, ""));
    assert_eq!(
        outcomes[4].0,
        DeliverOutcome::Retry,
        "a newer sender keeps what we do not know"
    );
    for (event, result) in events.iter().zip(&results) {
        assert_eq!(event.id.to_string(), result.event_id);
    }
}

async fn list(
    server: &EventAdminServer,
    sites: &[&str],
    size: i32,
    token: &str,
) -> ListParkedEventsResponse {
    let message = ListParkedEventsRequest {
        page_size: size,
        page_token: token.to_owned(),
    };
    server
        .list_parked_events(request(message, None, sites))
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn i3_i8_a_parked_event_is_listed_to_its_site_and_redriven_in_order() {
    let w = World::new().await;
    let (lake, hill) = ("sites/lake/cases/1", "sites/hill/cases/1");
    w.mood
        .refuses
        .lock()
        .unwrap()
        .extend([lake.to_owned(), hill.to_owned()]);
    let relay = w.relay(pace());
    for number in 1..=3 {
        w.say(lake, number).await;
        w.say(hill, number).await;
    }
    let server = EventAdminServer::new(w.sender.clone());
    let both = ["lake", "hill"];
    eventually(SOON, async || {
        let parked = list(&server, &both, 0, "").await.parked_events;
        parked.len() == 2 && parked.iter().all(|p| p.held_behind == 2)
    })
    .await;

    let mine = list(&server, &["lake"], 0, "").await.parked_events;
    assert_eq!(mine.len(), 1);
    let parked = &mine[0];
    assert_eq!(
        (parked.subject.as_str(), parked.attempts, parked.held_behind),
        (lake, 8, 2)
    );
    assert_eq!(
        (parked.subscriber.as_str(), parked.reason.as_str()),
        ("triage", "INVALID_FIELD")
    );

    let first = list(&server, &both, 1, "").await;
    let second = list(&server, &both, 1, &first.next_page_token).await;
    assert_ne!(
        first.parked_events[0].event_id,
        second.parked_events[0].event_id
    );
    assert!(second.next_page_token.is_empty());

    let message = RedriveEventRequest {
        event_id: parked.event_id.clone(),
        subscriber: "triage".to_owned(),
    };
    let foreign = server
        .redrive_event(request(message.clone(), None, &["hill"]))
        .await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    w.mood.refuses.lock().unwrap().remove(lake);
    let redriven = server
        .redrive_event(request(message.clone(), None, &["lake"]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(redriven.redriven, 3);
    w.hears(lake, &[1, 2, 3]).await;
    eventually(SOON, async || {
        list(&server, &["lake"], 0, "")
            .await
            .parked_events
            .is_empty()
    })
    .await;
    let gone = server
        .redrive_event(request(message, None, &["lake"]))
        .await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    relay.stop().await;
}

#[tokio::test]
async fn i3_an_event_that_is_still_poison_is_parked_again() {
    let w = World::new().await;
    w.mood.refuses.lock().unwrap().insert("bad".to_owned());
    let relay = w.relay(pace());
    w.say("bad", 1).await;
    let server = EventAdminServer::new(w.sender.clone());
    let parked = eventually(SOON, async || {
        list(&server, &["lake"], 0, "").await.parked_events.pop()
    })
    .await;
    let message = RedriveEventRequest {
        event_id: parked.event_id,
        subscriber: "triage".to_owned(),
    };
    // Twice in a row, as by an impatient operator.
    for _ in 0..2 {
        server
            .redrive_event(request(message.clone(), None, &["lake"]))
            .await
            .unwrap();
    }
    eventually(SOON, async || {
        let again = list(&server, &["lake"], 0, "").await.parked_events;
        again
            .first()
            .is_some_and(|e| e.attempts == 8 && e.park_time != parked.park_time)
    })
    .await;
    relay.stop().await;
}
