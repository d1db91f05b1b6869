//! I9: what complainants are called, where they are reached and what they said stays where it belongs.

use redress_model::words::CaseStatus;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use tonic::Code;

use crate::world::{World, caller, create, dump, leak, reason, service, start};

const CANARY: &str = "canary7f3a";
const CANARY_PHONE: &str = "13977777777";

fn personal() -> pb::Case {
    pb::Case {
        text: format!("{CANARY} 说的话"),
        complainants: vec![pb::Complainant {
            display_name: CANARY.to_owned(),
            phone: CANARY_PHONE.to_owned(),
            email: format!("{CANARY}@example.com"),
            account: CANARY.to_owned(),
            ..Default::default()
        }],
        place: Some(pb::Place {
            building: CANARY.to_owned(),
            ..Default::default()
        }),
        needs: Some(pb::Needs {
            stated: CANARY.to_owned(),
            ..Default::default()
        }),
        ..leak()
    }
}

async fn assert_nowhere(world: &World, tables: &[&str]) {
    for table in tables {
        let text = dump(&world.data, table).await;
        let bytes = hex::encode(CANARY);
        let phone = hex::encode(CANARY_PHONE);
        for wrong in [CANARY, CANARY_PHONE, &bytes, &phone] {
            assert!(!text.contains(wrong), "{wrong} in {table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i9_nothing_personal_leaves_its_place() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = crate::world::create_with(&mut clerk, "sites/lake", personal(), "r1")
        .await
        .expect("a case");
    clerk
        .record_contact(pb::RecordContactRequest {
            parent: case.name.clone(),
            contact: Some(pb::Contact {
                direction: 2,
                channel: 1,
                by_person: true,
                substantive: true,
                note: CANARY.to_owned(),
                ..Default::default()
            }),
            request_id: "r2".to_owned(),
        })
        .await
        .expect("a contact");
    clerk
        .withdraw_case(pb::WithdrawCaseRequest {
            name: case.name.clone(),
            reason: CANARY.to_owned(),
            etag: String::new(),
            request_id: "r3".to_owned(),
        })
        .await
        .expect("withdrawn");
    assert_nowhere(
        &world,
        &[
            "outbox",
            "complainant",
            "need",
            "receipt",
            "case_change",
            "contact",
            "evidence",
        ],
    )
    .await;
    let facts: Vec<(String,)> =
        sqlx::query_as("SELECT facts::text || actor || kind FROM intake.timeline")
            .fetch_all(&world.data.admin)
            .await
            .expect("a timeline");
    assert!(facts.iter().all(|(f,)| !f.contains(CANARY)));

    // Errors repeat no value.
    let wrong = pb::Case {
        complainants: vec![pb::Complainant {
            phone: CANARY.to_owned(),
            email: CANARY.to_owned(),
            language: CANARY.to_owned(),
            ..Default::default()
        }],
        text: String::new(),
        ..personal()
    };
    let status = create(&mut clerk, wrong).await.expect_err("wrong");
    let shown = format!("{status:?}{}", String::from_utf8_lossy(status.details()));
    assert!(!shown.contains(CANARY), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn erasure_takes_every_personal_part_and_leaves_the_facts_and_a_valid_chain() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = create(&mut clerk, personal()).await.expect("a case");
    let erase = pb::EraseCaseRequest {
        name: case.name.clone(),
        ..Default::default()
    };
    assert_eq!(
        reason(
            clerk.erase_case(erase.clone()).await,
            Code::FailedPrecondition
        ),
        "ILLEGAL_MOVE"
    );
    let closed = events::CaseMoved {
        case: case.name.clone(),
        status: to_wire(CaseStatus::Closed),
        epoch: 1,
        move_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    world
        .deliver("assignment", "redress.case.moved.v1", &case.name, &closed)
        .await;
    let erased = clerk
        .erase_case(erase.clone())
        .await
        .expect("erased")
        .into_inner()
        .case
        .expect("a case");
    assert!(
        erased.erased
            && erased.text.is_empty()
            && erased.complainants.is_empty()
            && erased.place.is_none()
    );
    assert_eq!((erased.number, erased.channel), (case.number, case.channel));
    clerk.erase_case(erase).await.expect("a repeat");
    // The others are told, by a repeat once more: it is how they hear of what an older release erased (decision 71).
    let told: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    let told = told.iter().filter_map(|t| t.facts.as_ref());
    let told: Vec<(bool, usize)> = told.map(|f| (f.erased, f.person_tokens.len())).collect();
    assert_eq!(told, [(true, 0), (true, 0)]);
    // Nothing is written down about its people any more.
    let contact = pb::RecordContactRequest {
        parent: case.name.clone(),
        contact: Some(pb::Contact {
            direction: events::ContactDirection::Inbound.into(),
            channel: 1,
            note: CANARY.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let refused = clerk.record_contact(contact).await;
    assert_eq!(reason(refused, Code::FailedPrecondition), "ILLEGAL_CONTACT");
    assert_nowhere(
        &world,
        &[
            "complaint",
            "complainant",
            "timeline",
            "case_search",
            "outbox",
        ],
    )
    .await;
    let verdict = clerk
        .verify_timeline(pb::VerifyTimelineRequest {
            name: case.name.clone(),
        })
        .await
        .expect("a verdict")
        .into_inner();
    assert!(verdict.valid, "{verdict:?}");
    let points = world
        .reads(service("notification"))
        .read_contact_points(pb::ReadContactPointsRequest {
            name: case.name,
            purpose: "message".into(),
        })
        .await
        .expect("an answer")
        .into_inner();
    assert!(points.contact_points.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_services_read_the_personal_part_and_each_read_is_written_down() {
    let world = World::new().await;
    let case = world.create(personal()).await;
    let ask = pb::ReadContactPointsRequest {
        name: case.name.clone(),
        purpose: "message.case-received".to_owned(),
    };
    let person = world
        .reads(caller("clerk"))
        .read_contact_points(ask.clone())
        .await;
    assert_eq!(reason(person, Code::PermissionDenied), "PERMISSION_DENIED");
    let answer = world
        .reads(service("notification"))
        .read_contact_points(ask)
        .await
        .expect("points")
        .into_inner();
    let point = &answer.contact_points[0];
    let who = point.complainant.as_ref().expect("a person");
    assert_eq!(
        (who.phone.as_str(), who.language.as_str()),
        (CANARY_PHONE, "zh-CN")
    );
    assert_eq!(point.person_token.len(), 32);
    let text = world
        .reads(service("triage"))
        .read_case_text(pb::ReadCaseTextRequest {
            name: case.name.clone(),
            purpose: "classify".into(),
            ..Default::default()
        })
        .await
        .expect("a text")
        .into_inner();
    assert_eq!(text.text, case.text);
    let entries = world
        .cases(caller("clerk"))
        .list_timeline(pb::ListTimelineRequest {
            parent: case.name,
            ..Default::default()
        })
        .await
        .expect("entries")
        .into_inner()
        .entries;
    let reads: Vec<(&str, &str)> = entries
        .iter()
        .filter(|e| e.kind() == pb::TimelineKind::Read)
        .map(|e| (e.actor.as_str(), e.facts["purpose"].as_str()))
        .collect();
    assert_eq!(
        reads,
        [
            ("triage", "classify"),
            ("notification", "message.case-received")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i9_what_was_said_in_a_contact_is_read_of_its_own_case_alone_and_each_read_is_written_down()
{
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let (case, other) = (world.create(personal()).await, world.create(leak()).await);
    let call = pb::RecordContactRequest {
        parent: case.name.clone(),
        contact: Some(pb::Contact {
            direction: events::ContactDirection::Inbound.into(),
            channel: 1,
            note: format!("{CANARY} 摔伤了"),
            ..Default::default()
        }),
        request_id: "c1".to_owned(),
    };
    let answer = clerk.record_contact(call).await.expect("a contact");
    let contact = answer.into_inner().contact.expect("a contact");
    // Whoever is told of it knows that there are words, and none of them.
    let said: Vec<events::ContactRecorded> = world.said("redress.contact.recorded.v1").await;
    assert!(said[0].has_note);
    assert_nowhere(&world, &["outbox", "contact"]).await;

    let ask = |case: &str, contact: &str| pb::ReadCaseTextRequest {
        name: case.to_owned(),
        purpose: "triage".to_owned(),
        contact: contact.to_owned(),
    };
    let mut reads = world.reads(service("triage"));
    let wish = ask(&case.name, &contact.name);
    let read = reads.read_case_text(wish.clone()).await.expect("a note");
    let read = read.into_inner();
    assert_eq!((&read.text, &read.contact), (&contact.note, &contact.name));
    assert_eq!(read.place, None);
    // The text of the case is named as such.
    let text = reads.read_case_text(ask(&case.name, "")).await;
    let text = text.expect("a text").into_inner();
    assert_eq!(
        (text.text.as_str(), text.contact.as_str()),
        (case.text.as_str(), "")
    );

    let id = contact.name.rsplit('/').next().expect("an id");
    let elsewhere = format!("{}/contacts/{id}", other.name);
    for (name, contact, code) in [
        (&other.name, contact.name.as_str(), Code::InvalidArgument),
        (&other.name, elsewhere.as_str(), Code::NotFound),
        (&case.name, "contacts/1", Code::InvalidArgument),
    ] {
        let refused = reads.read_case_text(ask(name, contact)).await;
        assert_eq!(refused.expect_err("refused").code(), code, "{contact}");
    }
    let person = world.reads(caller("clerk")).read_case_text(wish).await;
    assert_eq!(reason(person, Code::PermissionDenied), "PERMISSION_DENIED");

    let mut written = Vec::new();
    for case in [&case.name, &other.name] {
        let timeline = pb::ListTimelineRequest {
            parent: case.clone(),
            ..Default::default()
        };
        let timeline = clerk.list_timeline(timeline).await.expect("entries");
        for entry in timeline.into_inner().entries {
            if entry.kind() == pb::TimelineKind::Read {
                let contact = entry.facts.get("contact").cloned().unwrap_or_default();
                written.push((entry.actor, entry.facts["what"].clone(), contact));
            }
        }
    }
    written.sort();
    let read = |what: &str, contact: &str| {
        let words = ["triage", what, contact].map(str::to_owned);
        <(String, String, String)>::from(words)
    };
    assert_eq!(written, [read("contact", &contact.name), read("text", "")]);
}
