//! MessageService as callers see it, their scope included.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{CaseName, IncidentName, StaffName};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::provider::Gateways;
use redress_notification::rpc::Messages;
use redress_notification::store::messages::Message;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_rpc::roles::Roles;
use redress_rpc::{Caller, Fingerprints};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::{World, meter, news, site};

pub(crate) fn service(world: &World) -> Messages {
    Messages {
        previews: crate::support::previews(),
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        clock: world.clock.clone(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

/// A caller of one site with these permissions.
pub(crate) fn caller(of: &str, permissions: &[&str], staff: Option<&StaffName>) -> Arc<Caller> {
    let grants = permissions.iter().map(|p| (*p).to_owned()).collect();
    let roles = Roles::new(BTreeMap::from([("tester".to_owned(), grants)]));
    Arc::new(Caller {
        subject: "tester@example".to_owned(),
        issuer: "test".to_owned(),
        organizations: Vec::new(),
        regions: Vec::new(),
        sites: vec![site(of)],
        roles: vec!["tester".to_owned()],
        permissions: roles.permissions(["tester"]),
        staff: staff.cloned(),
        service: None,
        purpose: None,
        expires: Timestamp::MAX,
    })
}

pub(crate) fn by<T>(caller: &Arc<Caller>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::clone(caller));
    request
}

async fn callout(world: &World) -> (StaffName, CaseName, IncidentName) {
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world.tell(news::received(&case, "LAKE-1", &[])).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    (li, case, incident)
}

pub(crate) fn list(parent: &str) -> proto::ListMessagesRequest {
    proto::ListMessagesRequest {
        parent: parent.to_owned(),
        ..Default::default()
    }
}

pub(crate) fn acknowledge(name: impl ToString) -> proto::AcknowledgeMessageRequest {
    proto::AcknowledgeMessageRequest {
        name: name.to_string(),
        ..Default::default()
    }
}

fn retry(name: impl ToString) -> proto::RetryMessageRequest {
    proto::RetryMessageRequest {
        name: name.to_string(),
        ..Default::default()
    }
}

#[tokio::test]
async fn i8_no_rpc_shows_or_changes_a_message_of_another_site() {
    let world = World::new().await;
    callout(&world).await;
    let name = world.message().await.name.to_string();
    let service = service(&world);
    let foreign = caller("river", &["*"], None);

    let listed = service.list_messages(by(&foreign, list("sites/-"))).await;
    assert!(listed.expect("an empty list").get_ref().messages.is_empty());
    let mut codes = Vec::new();
    // Of an organization the token names no site: row security alone knows which are its own.
    let elsewhere = Arc::new(Caller {
        sites: Vec::new(),
        organizations: vec!["elsewhere".parse().expect("a slug")],
        ..(*foreign).clone()
    });
    for (who, parent) in [
        (&foreign, "sites/lake"),
        (&elsewhere, "sites/lake"),
        (&elsewhere, "sites/nowhere"),
    ] {
        codes.push(service.list_messages(by(who, list(parent))).await.err());
    }
    let get = proto::GetMessageRequest { name: name.clone() };
    codes.push(service.get_message(by(&foreign, get.clone())).await.err());
    codes.push(
        service
            .retry_message(by(&foreign, retry(&name)))
            .await
            .err(),
    );
    let answer = service
        .acknowledge_message(by(&foreign, acknowledge(&name)))
        .await;
    codes.push(answer.err());
    for status in codes {
        assert_eq!(status.map(|s| s.code()), Some(Code::NotFound));
    }

    // Without the courtesy check: the same caller, claiming an organization that has no such site.
    let mut other = (*caller("river", &["*"], None)).clone();
    other.organizations = vec!["elsewhere".parse().expect("a slug")];
    let other = Arc::new(other);
    let got = service.get_message(by(&other, get)).await;
    assert_eq!(got.err().map(|s| s.code()), Some(Code::NotFound));
    let answer = service
        .acknowledge_message(by(&other, acknowledge(&name)))
        .await;
    assert_eq!(answer.err().map(|s| s.code()), Some(Code::NotFound));
    assert_eq!(world.message().await.fate.state, MessageState::Queued);
}

#[tokio::test]
async fn lists_page_newest_first_and_narrow_by_every_filter() {
    let world = World::new().await;
    let (li, case, incident) = callout(&world).await;
    for number in ["LAKE-2", "LAKE-3", "LAKE-4"] {
        world.clock.advance(SignedDuration::from_secs(1));
        world.case(number).await;
    }
    world.send_due(&world.outbox_sender()).await;
    let service = service(&world);
    let caller = caller("lake", &["messages.list"], None);

    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = proto::ListMessagesRequest {
            page_size: 3,
            page_token,
            ..list("sites/lake")
        };
        let answer = service.list_messages(by(&caller, request)).await;
        let answer = answer.expect("a page").into_inner();
        seen.extend(answer.messages);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let templates: Vec<&str> = seen.iter().map(|m| m.template.as_str()).collect();
    assert_eq!(templates[0], "case.received");
    assert_eq!(templates[3], "incident.callout");
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[3].recipient, li.to_string());
    assert_eq!(seen[3].state(), proto::MessageState::Sent);
    assert_eq!(seen[3].page_count, 1);

    let count = async |request: proto::ListMessagesRequest| {
        let answer = service.list_messages(by(&caller, request)).await;
        answer.expect("a page").get_ref().messages.len()
    };
    let base = || list("sites/lake");
    // Of one person: by name, or by asking oneself.
    let to = |recipient: String| proto::ListMessagesRequest {
        recipient,
        ..list("sites/-")
    };
    assert_eq!(count(to(li.to_string())).await, 1);
    assert_eq!(count(to("sites/lake/staff/nobody".to_owned())).await, 0);
    let asks_of_herself = self::caller("lake", &["messages.list"], Some(&li));
    let mine = to("me".to_owned());
    let answer = service.list_messages(by(&asks_of_herself, mine.clone()));
    let mine_told = answer.await.expect("a page").into_inner().messages;
    assert_eq!(mine_told.len(), 1);
    assert_eq!(mine_told[0].recipient, li.to_string());
    let refused = service.list_messages(by(&caller, mine)).await;
    let refused = refused.expect_err("of nobody on the roster");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let sent = proto::MessageState::Sent.into();
    let staff = proto::RecipientKind::Staff.into();
    assert_eq!(
        count(proto::ListMessagesRequest {
            case: case.to_string(),
            ..base()
        })
        .await,
        1
    );
    assert_eq!(
        count(proto::ListMessagesRequest {
            incident: incident.to_string(),
            ..base()
        })
        .await,
        1
    );
    assert_eq!(
        count(proto::ListMessagesRequest {
            states: vec![sent],
            ..base()
        })
        .await,
        1
    );
    assert_eq!(
        count(proto::ListMessagesRequest {
            recipient_kind: staff,
            ..base()
        })
        .await,
        1
    );
    let template = "case.received".to_owned();
    assert_eq!(
        count(proto::ListMessagesRequest { template, ..base() }).await,
        3
    );
    assert_eq!(count(list("sites/-")).await, 4);
}

#[tokio::test]
async fn the_text_is_shown_to_those_who_may_read_it_alone() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    let service = service(&world);
    let name = world.message().await.name.to_string();
    let texts = async |permissions: &[&str]| {
        let get = proto::GetMessageRequest { name: name.clone() };
        let answer = service
            .get_message(by(&caller("lake", permissions, None), get))
            .await;
        let answer = answer.expect("the message").into_inner();
        assert_eq!(answer.attempts.len(), 1);
        answer.rendered_messages
    };
    assert!(texts(&["messages.get"]).await.is_empty());
    let shown = texts(&["messages.get", "messages.read_body"]).await;
    assert_eq!(shown.len(), 1);
    assert!(shown[0].body.contains("Wang Fang"));
    assert_eq!(shown[0].address, "+8613800138000");
}

#[tokio::test]
async fn a_callout_is_acknowledged_by_the_one_called_or_a_manager_and_pages_no_more() {
    let world = World::new().await;
    let (li, ..) = callout(&world).await;
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let service = service(&world);
    let name = world.message().await.name;
    let zhao = StaffName::new(site("lake"), "zhao".parse().expect("a slug"));

    let somebody = caller("lake", &["messages.acknowledge"], Some(&zhao));
    let refused = service
        .acknowledge_message(by(&somebody, acknowledge(&name)))
        .await;
    assert_eq!(
        refused.err().map(|s| s.code()),
        Some(Code::PermissionDenied)
    );

    let own = caller("lake", &["messages.acknowledge"], Some(&li));
    for _ in 0..2 {
        let answer = service
            .acknowledge_message(by(&own, acknowledge(&name)))
            .await;
        let message = answer.expect("taken").into_inner().message.expect("given");
        assert_eq!(message.state(), proto::MessageState::Acknowledged);
        assert_eq!(message.acknowledged_by, "tester@example");
    }
    world.clock.advance(SignedDuration::from_mins(30));
    assert!(world.send_due(&sender).await.is_empty());
    assert_eq!(world.announced().await, ["SENT", "ACKNOWLEDGED"]);
    let again = service.retry_message(by(&own, retry(&name))).await;
    assert_eq!(
        again.err().map(|s| s.code()),
        Some(Code::FailedPrecondition)
    );
}

#[tokio::test]
async fn a_manager_answers_late_for_a_callout_that_failed() {
    let world = World::new().await;
    callout(&world).await;
    world.send_due(&world.sender(Gateways::default())).await;
    let name = world.message().await.name;
    let manager = caller("lake", &["messages.*"], None);
    let service = service(&world);
    let answer = service
        .acknowledge_message(by(&manager, acknowledge(&name)))
        .await;
    answer.expect("taken");
    assert_eq!(world.announced().await, ["FAILED", "ACKNOWLEDGED"]);
}

#[tokio::test]
async fn only_pages_are_acknowledged() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let name = world.message().await.name;
    let manager = caller("lake", &["messages.*"], None);
    let answer = service(&world)
        .acknowledge_message(by(&manager, acknowledge(&name)))
        .await;
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status
            .get_details_error_info()
            .is_some_and(|i| i.reason == "NOT_A_PAGE")
    );
}

#[tokio::test]
async fn i2_a_failed_message_is_queued_anew_once_for_one_request_id() {
    let world = World::new().await;
    callout(&world).await;
    world.send_due(&world.sender(Gateways::default())).await;
    let name = world.message().await.name;
    let service = service(&world);
    let manager = caller("lake", &["messages.*"], None);
    let request = proto::RetryMessageRequest {
        request_id: "once".to_owned(),
        ..retry(&name)
    };
    let (a, b) = tokio::join!(
        service.retry_message(by(&manager, request.clone())),
        service.retry_message(by(&manager, request.clone()))
    );
    for answer in [a, b] {
        let message = answer.expect("queued").into_inner().message.expect("given");
        assert_eq!(message.state(), proto::MessageState::Queued);
    }
    assert_eq!(world.message().await.fate.round, 2);

    world.send_due(&world.sender(Gateways::default())).await;
    let late = service.retry_message(by(&manager, request.clone())).await;
    let message = late.expect("a repeat").into_inner().message.expect("given");
    assert_eq!(
        message.state(),
        proto::MessageState::Failed,
        "not queued again"
    );
    let other = proto::RetryMessageRequest {
        etag: "r1".to_owned(),
        ..request
    };
    let reused = service.retry_message(by(&manager, other)).await.err();
    let reason = reused
        .and_then(|s| s.get_details_error_info())
        .map(|i| i.reason);
    assert_eq!(reason.as_deref(), Some("REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn i11_a_stale_etag_is_told_the_current_one() {
    let world = World::new().await;
    callout(&world).await;
    world.send_due(&world.sender(Gateways::default())).await;
    let message = world.message().await;
    let manager = caller("lake", &["messages.*"], None);
    let stale = proto::RetryMessageRequest {
        etag: "r1".to_owned(),
        ..retry(&message.name)
    };
    let status = service(&world)
        .retry_message(by(&manager, stale))
        .await
        .err();
    let status = status.expect("refused");
    assert_eq!(status.code(), Code::Aborted);
    assert!(
        status
            .message()
            .contains(&format!("r{}", message.fate.revision))
    );
}

#[tokio::test]
async fn a_callout_that_nobody_answered_pages_anew_when_retried_and_an_ended_one_does_not() {
    let world = World::new().await;
    let (_, case, incident) = callout(&world).await;
    let sender = world.outbox_sender();
    let service = service(&world);
    let manager = caller("lake", &["messages.*"], None);
    for _ in 0..5 {
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(5));
    }
    let name = world.message().await.name;
    assert_eq!(world.message().await.fate.reason, "NOT_ACKNOWLEDGED");
    service
        .retry_message(by(&manager, retry(&name)))
        .await
        .expect("queued");
    for _ in 0..5 {
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(5));
    }
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Failed);
    assert_eq!((message.fate.page, message.fate.attempt_count), (8, 8));

    let other = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], Some(&other), 2))
        .await;
    let status = service
        .retry_message(by(&manager, retry(&name)))
        .await
        .err();
    let reason = status
        .and_then(|s| s.get_details_error_info())
        .map(|i| i.reason);
    assert_eq!(reason.as_deref(), Some("MATTER_ENDED"), "P06");
}

#[tokio::test]
async fn whoever_is_complained_about_before_it_goes_is_not_told_neither_of_the_case_nor_of_its_incident()
 {
    let world = World::new().await;
    let (li, case, incident) = callout(&world).await;
    world.tell(news::offered(&case, &li, Some(&li), 1)).await;
    let second = CaseName::new(site("lake"), Uuid::now_v7());
    world.tell(news::complains_about(&second, &li, 1)).await;
    world
        .tell(news::incident(&incident, &[&case, &second], None, 2))
        .await;
    let to_li = async || {
        world.send_due(&world.outbox_sender()).await;
        let mut all = world.messages().await;
        all.retain(|m| m.recipient.to_string() == li.to_string());
        let fate = |m: Message| (m.template, m.fate.state, m.fate.reason);
        all.into_iter().map(fate).collect::<Vec<_>>()
    };
    let accused = "READER_ACCUSED".to_owned();
    // The offer tells of the other case, which does not complain about li.
    assert_eq!(
        to_li().await,
        [
            (
                Template::IncidentCallout,
                MessageState::Cancelled,
                accused.clone()
            ),
            (Template::CaseAssigned, MessageState::Sent, String::new()),
        ]
    );
    world.tell(news::offered(&case, &li, Some(&li), 2)).await;
    world.tell(news::complains_about(&case, &li, 2)).await;
    assert_eq!(
        to_li().await.last(),
        Some(&(Template::CaseAssigned, MessageState::Cancelled, accused))
    );
}

#[tokio::test]
async fn whoever_is_complained_about_finds_no_message_of_the_case_or_its_incident() {
    let world = World::new().await;
    let (li, case, incident) = callout(&world).await;
    // The call-out names the first case; the second one of the incident complains.
    let second = CaseName::new(site("lake"), Uuid::now_v7());
    world.tell(news::complains_about(&second, &li, 1)).await;
    world
        .tell(news::incident(&incident, &[&case, &second], None, 2))
        .await;
    let name = world.message().await.name.to_string();
    let service = service(&world);
    let barred = caller("lake", &["*"], Some(&li));

    let listed = service.list_messages(by(&barred, list("sites/-"))).await;
    assert!(listed.expect("an empty list").get_ref().messages.is_empty());
    let get = proto::GetMessageRequest { name: name.clone() };
    let mut codes = vec![service.get_message(by(&barred, get.clone())).await.err()];
    codes.push(service.retry_message(by(&barred, retry(&name))).await.err());
    let answer = service
        .acknowledge_message(by(&barred, acknowledge(&name)))
        .await;
    codes.push(answer.err());
    // Merged away, it has no cases any more.
    let into = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[], Some(&into), 3))
        .await;
    codes.push(service.get_message(by(&barred, get.clone())).await.err());
    for status in codes {
        assert_eq!(status.map(|s| s.code()), Some(Code::NotFound));
    }

    let wang = StaffName::new(site("lake"), "wang".parse().expect("a slug"));
    let other = caller("lake", &["*"], Some(&wang));
    assert!(service.get_message(by(&other, get)).await.is_ok());
}
