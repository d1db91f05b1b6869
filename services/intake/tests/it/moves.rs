//! Moves, contacts and evidence: legal or refused with what is legal; of two at once, one is told.

use jiff::SignedDuration;
use redress_model::words::{CaseStatus, Channel as Way, SignalKind};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::isolation::search;
use crate::world::{Cases, World, caller, create, get, leak, may, reason, staff, start, update};

async fn withdraw(cases: &mut Cases, name: &str, etag: &str) -> Result<pb::Case, Status> {
    let request = pb::WithdrawCaseRequest {
        name: name.to_owned(),
        reason: "已和解".to_owned(),
        etag: etag.to_owned(),
        request_id: String::new(),
    };
    cases
        .withdraw_case(request)
        .await
        .map(|r| r.into_inner().case.expect("a case"))
}

async fn merge(cases: &mut Cases, name: &str, duplicates: &[&str]) -> Result<pb::Case, Status> {
    let request = pb::MergeCasesRequest {
        name: name.to_owned(),
        duplicates: duplicates.iter().map(|d| (*d).to_owned()).collect(),
        reason: "同一件事".to_owned(),
        ..Default::default()
    };
    cases
        .merge_cases(request)
        .await
        .map(|r| r.into_inner().case.expect("a case"))
}

async fn unmerge(cases: &mut Cases, name: &str) -> Result<pb::Case, Status> {
    let request = pb::UnmergeCaseRequest {
        name: name.to_owned(),
        reason: "不是同一件事".to_owned(),
        ..Default::default()
    };
    cases
        .unmerge_case(request)
        .await
        .map(|r| r.into_inner().case.expect("a case"))
}

/// Section 7: staff complained about are listed on the case and cannot see it, nor handle it.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_carries_over_whom_the_merged_complaint_accuses() {
    let world = World::new().await;
    for who in ["wang", "zhao"] {
        let name = format!("sites/lake/staff/{who}");
        let known = events::StaffChanged {
            staff: name.clone(),
            account: format!("{who}-login"),
            revision: 1,
            ..Default::default()
        };
        world
            .deliver("assignment", "redress.staff.changed.v1", &name, &known)
            .await;
    }
    let about = |who: &[&str]| pb::Case {
        staff_complained_about: who
            .iter()
            .map(|w| format!("sites/lake/staff/{w}"))
            .collect(),
        ..leak()
    };
    let head = world.create(about(&["zhao"])).await;
    let accusing = world.create(about(&["wang", "zhao"])).await;
    let mut wang = world.cases(staff("w", "sites/lake/staff/wang"));
    get(&mut wang, &head.name)
        .await
        .expect("visible while nobody accuses them in it");
    let mut clerk = world.cases(caller("clerk"));
    let merged = merge(&mut clerk, &head.name, &[&accusing.name])
        .await
        .expect("merged");
    assert_eq!(
        merged.staff_complained_about,
        ["sites/lake/staff/wang", "sites/lake/staff/zhao"]
    );
    let refused = get(&mut wang, &head.name).await;
    assert_eq!(refused.expect_err("hidden").code(), Code::NotFound);
    let shown = search(&mut wang, "漏水").await;
    assert!(shown.iter().all(|c| c.name != head.name));
    // Assignment and triage take work, pages and clusters away from them by this fact.
    let told: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert!(told.last().is_some_and(|t| t.same_place));
    let facts = told.last().and_then(|t| t.facts.clone()).expect("facts");
    assert_eq!(facts.case, head.name);
    assert_eq!(facts.staff_complained_about, merged.staff_complained_about);
    assert!(facts.revision > 1, "newer than what was known");
    // Nothing new is accused by a second merge, so nothing is told.
    let again = world.create(about(&["zhao"])).await;
    merge(&mut clerk, &head.name, &[&again.name])
        .await
        .expect("merged");
    let later: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert_eq!(later.len(), told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_i11_of_two_who_act_at_once_the_second_is_told_the_current_version() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let change = |headcount| pb::Case {
        headcount,
        ..case.clone()
    };
    let (mut a, mut b) = (world.cases(caller("a")), world.cases(caller("b")));
    let (one, two) = tokio::join!(
        update(&mut a, change(3), &["headcount"]),
        update(&mut b, change(4), &["headcount"])
    );
    let (won, lost) = match (one, two) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        other => panic!("one wins and one is told: {other:?}"),
    };
    assert_eq!(lost.code(), Code::Aborted);
    assert!(lost.message().contains(&won.etag), "{lost}");
    assert_eq!(world.get(&case.name).await.headcount, won.headcount);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_case_is_over_and_a_reopened_one_counts_as_repeat() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = world.create(leak()).await;
    assert_eq!(
        reason(withdraw(&mut clerk, &case.name, "r99").await, Code::Aborted),
        "ETAG_MISMATCH"
    );
    let withdrawn = withdraw(&mut clerk, &case.name, &case.etag)
        .await
        .expect("withdrawn");
    assert_eq!(
        (withdrawn.status, withdrawn.epoch),
        (to_wire(CaseStatus::Withdrawn), 2)
    );
    let again = withdraw(&mut clerk, &case.name, &case.etag)
        .await
        .expect("a repeat succeeds");
    assert_eq!(again, withdrawn);

    let reopen = pb::ReopenCaseRequest {
        name: case.name.clone(),
        reason: "又漏了".to_owned(),
        ..Default::default()
    };
    let reopened = clerk
        .reopen_case(reopen.clone())
        .await
        .expect("reopened")
        .into_inner()
        .case
        .expect("a case");
    assert!(reopened.repeat);
    assert_eq!(
        (reopened.status, reopened.epoch),
        (to_wire(CaseStatus::Reopened), 3)
    );
    clerk.reopen_case(reopen).await.expect("a repeat succeeds");
    let moves: Vec<events::CaseMoved> = world.said("redress.case.moved.v1").await;
    let moves = moves.iter().map(|m| (m.epoch, m.complained_again));
    assert_eq!(moves.collect::<Vec<_>>(), [(2, false), (3, true)], "G3.3");
    let updates: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert!(updates[0].facts.as_ref().expect("facts").repeat);
    assert!(updates[0].same_place);
    let archive = clerk
        .archive_case(pb::ArchiveCaseRequest {
            name: case.name,
            ..Default::default()
        })
        .await;
    let status = archive.expect_err("illegal");
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status.message().contains("legal now: withdraw, merge"),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_cases_stand_back_and_an_undone_merge_puts_them_where_they_stood() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let head = world.create(leak()).await;
    let one = world.create(leak()).await;
    let two = world.create(leak()).await;
    let accepted = events::CaseMoved {
        case: one.name.clone(),
        status: to_wire(CaseStatus::Accepted),
        epoch: 1,
        move_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    world
        .deliver("assignment", "redress.case.moved.v1", &one.name, &accepted)
        .await;
    merge(&mut clerk, &head.name, &[&one.name, &two.name])
        .await
        .expect("merged");
    merge(&mut clerk, &head.name, &[&one.name])
        .await
        .expect("a repeat succeeds");
    let merged = world.get(&one.name).await;
    assert_eq!(
        (merged.status, merged.merged_into.as_str(), merged.epoch),
        (to_wire(CaseStatus::Merged), head.name.as_str(), 2)
    );
    let moves: Vec<events::CaseMoved> = world.said("redress.case.moved.v1").await;
    assert_eq!(moves.len(), 2);
    assert!(moves.iter().all(|m| m.merged_into == head.name));
    // The repeat says it again, to whoever did not keep it.
    let told: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    let told = told.last().and_then(|t| t.facts.clone()).expect("facts");
    assert_eq!(
        (told.case, told.merged_into),
        (one.name.clone(), head.name.clone())
    );

    // A move that assignment made before it heard of the merge has no effect.
    let late = events::CaseMoved {
        status: to_wire(CaseStatus::Resolved),
        ..accepted
    };
    world
        .deliver("assignment", "redress.case.moved.v1", &one.name, &late)
        .await;
    assert_eq!(
        world.get(&one.name).await.status,
        to_wire(CaseStatus::Merged)
    );

    let third = world.create(leak()).await;
    let chained = merge(&mut clerk, &third.name, &[&head.name]).await;
    assert_eq!(reason(chained, Code::FailedPrecondition), "HEAD_OF_MERGES");
    // I1: other people's complaints live on in the head, which one of them cannot end for all.
    let ended = withdraw(&mut clerk, &head.name, "").await;
    assert_eq!(reason(ended, Code::FailedPrecondition), "HEAD_OF_MERGES");
    let elsewhere = merge(&mut clerk, &third.name, &[&one.name]).await;
    assert_eq!(reason(elsewhere, Code::FailedPrecondition), "ILLEGAL_MOVE");
    assert_eq!(
        reason(
            merge(&mut clerk, &one.name, &[&third.name]).await,
            Code::FailedPrecondition
        ),
        "ILLEGAL_MOVE"
    );
    let itself = merge(&mut clerk, &third.name, &[&third.name]).await;
    assert_eq!(reason(itself, Code::InvalidArgument), "INVALID_FIELD");
    assert_eq!(
        reason(
            update(&mut clerk, merged, &["headcount"]).await,
            Code::FailedPrecondition
        ),
        "ILLEGAL_UPDATE"
    );

    let back = unmerge(&mut clerk, &one.name).await.expect("unmerged");
    assert_eq!(
        (back.status, back.merged_into.as_str(), back.epoch),
        (to_wire(CaseStatus::Accepted), "", 3)
    );
    assert_eq!(
        reason(
            unmerge(&mut clerk, &one.name).await,
            Code::FailedPrecondition
        ),
        "ILLEGAL_MOVE"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_merges_in_opposite_directions_end_with_one_head() {
    let world = World::new().await;
    let (a, b) = (world.create(leak()).await, world.create(leak()).await);
    let (mut x, mut y) = (world.cases(caller("x")), world.cases(caller("y")));
    let left = [b.name.as_str()];
    let right = [a.name.as_str()];
    let (one, two) = tokio::join!(
        merge(&mut x, &a.name, &left),
        merge(&mut y, &b.name, &right)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_told_to_the_clocks_without_its_words() {
    let world = World::new().await;
    let mut wang = world.cases(staff("w", "sites/lake/staff/wang"));
    let case = world.create(leak()).await;
    let request = pb::RecordContactRequest {
        parent: case.name.clone(),
        contact: Some(pb::Contact {
            direction: events::ContactDirection::Outbound.into(),
            channel: 1,
            by_person: true,
            substantive: true,
            note: "明天上门".to_owned(),
            ..Default::default()
        }),
        request_id: "c1".to_owned(),
    };
    let first = wang
        .record_contact(request.clone())
        .await
        .expect("a contact")
        .into_inner()
        .contact
        .expect("a contact");
    let again = wang
        .record_contact(request.clone())
        .await
        .expect("a contact")
        .into_inner()
        .contact
        .expect("a contact");
    assert_eq!(first, again);
    assert_eq!(
        (first.staff.as_str(), first.note.as_str()),
        ("sites/lake/staff/wang", "明天上门")
    );
    let said: Vec<events::ContactRecorded> = world.said("redress.contact.recorded.v1").await;
    assert_eq!(said.len(), 1);
    assert!(said[0].substantive && said[0].by_person && said[0].has_note);

    let mut clerk = world.cases(caller("clerk"));
    let other = world.create(leak()).await;
    merge(&mut clerk, &case.name, &[&other.name])
        .await
        .expect("merged");
    let late = wang
        .record_contact(pb::RecordContactRequest {
            parent: other.name,
            request_id: String::new(),
            ..request
        })
        .await;
    assert_eq!(reason(late, Code::FailedPrecondition), "ILLEGAL_CONTACT");
}

async fn contact(cases: &mut Cases, parent: &str, contact: pb::Contact) -> Result<(), Status> {
    cases
        .record_contact(pb::RecordContactRequest {
            parent: parent.to_owned(),
            contact: Some(contact),
            request_id: String::new(),
        })
        .await
        .map(drop)
}

/// When a next word may be promised.
fn tomorrow() -> Option<prost_types::Timestamp> {
    Some(to_timestamp(start() + SignedDuration::from_hours(24)))
}

#[tokio::test(flavor = "multi_thread")]
async fn m16_an_interim_answer_without_the_time_of_the_next_one_is_refused_and_with_it_told_on() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let mut clerk = world.cases(caller("clerk"));
    let interim = pb::Contact {
        direction: events::ContactDirection::Outbound.into(),
        channel: 1,
        by_person: true,
        note: "还在核查".to_owned(),
        ..Default::default()
    };
    let refused = contact(&mut clerk, &case.name, interim.clone())
        .await
        .expect_err("promises nothing");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let wrong = refused.get_details_bad_request().expect("fields");
    let fields: Vec<&str> = wrong
        .field_violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["contact.promised_next_time"]);
    let said: Vec<events::ContactRecorded> = world.said("redress.contact.recorded.v1").await;
    assert!(said.is_empty(), "nothing half stored (I10)");

    let promising = pb::Contact {
        promised_next_time: tomorrow(),
        ..interim.clone()
    };
    contact(&mut clerk, &case.name, promising)
        .await
        .expect("promises");
    let said: Vec<events::ContactRecorded> = world.said("redress.contact.recorded.v1").await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].promised_next_time, tomorrow());

    // Of a case that has ended nothing more is owed.
    withdraw(&mut clerk, &case.name, "").await.expect("open");
    contact(&mut clerk, &case.name, interim)
        .await
        .expect("a last word");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_meets_promises_is_recorded_by_who_may_answer() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let mut portal = world.cases(may(&["cases.create", "cases.contact"]));
    let mut handler = world.cases(may(&["cases.contact", "cases.answer"]));
    use events::ContactDirection::{Inbound, Outbound, Unspecified};
    for (direction, by_person, visit, is_right) in [
        (Outbound, false, false, true),
        (Outbound, true, false, true),
        (Outbound, true, true, true),
        // A person talked with whoever came: that acknowledges, and promises.
        (Inbound, true, false, true),
        (Inbound, true, true, false),
        (Unspecified, true, false, false),
    ] {
        let said = pb::Contact {
            direction: direction.into(),
            channel: 1,
            by_person,
            visit,
            promised_next_time: tomorrow().filter(|_| by_person),
            staff: "sites/lake/staff/wang".to_owned(),
            ..Default::default()
        };
        let refused = contact(&mut portal, &case.name, said.clone()).await;
        assert_eq!(reason(refused, Code::PermissionDenied), "PERMISSION_DENIED");
        let answered = contact(&mut handler, &case.name, said).await;
        assert_eq!(answered.is_ok(), is_right, "{answered:?}");
    }
    let asked = pb::Contact {
        direction: Inbound.into(),
        channel: 1,
        ..Default::default()
    };
    contact(&mut portal, &case.name, asked.clone())
        .await
        .expect("what the complainant says comes by the portal");
    // Nobody calls off a rescue by it, nor makes a promise.
    for wrong in [
        pb::Contact {
            visit: true,
            ..asked.clone()
        },
        pb::Contact {
            promised_next_time: tomorrow(),
            ..asked
        },
    ] {
        let refused = contact(&mut portal, &case.name, wrong).await;
        assert_eq!(refused.expect_err("wrong").code(), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_spoke_with_whoever_came_is_named_by_the_token_or_the_request() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let came = pb::Contact {
        direction: events::ContactDirection::Inbound.into(),
        channel: 1,
        by_person: true,
        ..Default::default()
    };
    let mut clerk = world.cases(caller("clerk"));
    let refused = contact(&mut clerk, &case.name, came.clone()).await;
    let refused = refused.expect_err("nobody is named");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let wrong = refused.get_details_bad_request().expect("fields");
    assert_eq!(wrong.field_violations[0].field, "contact.staff");
    let named = pb::Contact {
        staff: "sites/lake/staff/li".to_owned(),
        ..came.clone()
    };
    contact(&mut clerk, &case.name, named).await.expect("named");
    let mut wang = world.cases(staff("w", "sites/lake/staff/wang"));
    contact(&mut wang, &case.name, came).await.expect("named");
    let said: Vec<events::ContactRecorded> = world.said("redress.contact.recorded.v1").await;
    let who: Vec<&str> = said.iter().map(|contact| contact.staff.as_str()).collect();
    assert_eq!(who, ["sites/lake/staff/li", "sites/lake/staff/wang"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_named_are_of_the_cases_own_site_known_or_not() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let mut clerk = world.cases(caller("clerk"));
    let field = |status: Status| {
        let wrong = status.get_details_bad_request().expect("fields");
        wrong.field_violations[0].field.clone()
    };
    for (who, is_right) in [
        ("sites/lake/staff/nobody-knows", true),
        ("sites/river/staff/wang", false),
    ] {
        let called = pb::Contact {
            direction: events::ContactDirection::Outbound.into(),
            channel: 1,
            by_person: true,
            promised_next_time: tomorrow(),
            staff: who.to_owned(),
            ..Default::default()
        };
        let owned = pb::Case {
            first_contact_owner: who.to_owned(),
            ..leak()
        };
        let accused = pb::Case {
            staff_complained_about: vec![who.to_owned()],
            ..leak()
        };
        for (name, result) in [
            (
                "contact.staff",
                contact(&mut clerk, &case.name, called).await,
            ),
            (
                "case.first_contact_owner",
                create(&mut clerk, owned).await.map(drop),
            ),
            (
                "case.staff_complained_about[0]",
                create(&mut clerk, accused).await.map(drop),
            ),
        ] {
            match result {
                Ok(()) => assert!(is_right, "{name} takes {who}"),
                Err(status) => {
                    assert!(!is_right, "{name}: {status}");
                    assert_eq!(field(status), name);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_leaves_no_case_with_nobody_by_either_path() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    for (channel, may) in [(Way::Hotline, false), (Way::MediaMonitor, true)] {
        let case = world
            .create(pb::Case {
                channel: to_wire(channel),
                headcount: 5,
                ..leak()
            })
            .await;
        let nobody = pb::Case {
            name: case.name.clone(),
            ..Default::default()
        };
        let both = ["complainants", "headcount"];
        if !may {
            let refused = update(&mut clerk, nobody.clone(), &both).await;
            assert_eq!(reason(refused, Code::InvalidArgument), "INVALID_FIELD");
        }
        update(&mut clerk, nobody.clone(), &["complainants"])
            .await
            .expect("a crowd is left");
        let result = update(&mut clerk, nobody.clone(), &["headcount"]).await;
        if may {
            assert_eq!(result.expect("a monitor").complainant_count, 0);
            continue;
        }
        let status = result.as_ref().expect_err("nobody is left");
        let wrong = status.get_details_bad_request().expect("fields");
        assert_eq!(wrong.field_violations[0].field, "case.headcount");
        assert_eq!(world.get(&case.name).await.headcount, 5);
        let somebody = pb::Case {
            complainants: leak().complainants,
            ..nobody
        };
        update(&mut clerk, somebody, &both)
            .await
            .expect("one is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_case_is_not_reopened() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = world.create(leak()).await;
    withdraw(&mut clerk, &case.name, "")
        .await
        .expect("withdrawn");
    clerk
        .erase_case(pb::EraseCaseRequest {
            name: case.name.clone(),
            ..Default::default()
        })
        .await
        .expect("erased");
    let said: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert!(
        said.last().is_some_and(|s| !s.same_place),
        "about no place any more"
    );
    let refused = clerk
        .reopen_case(pb::ReopenCaseRequest {
            name: case.name,
            reason: "又来了".to_owned(),
            ..Default::default()
        })
        .await;
    let status = refused.as_ref().expect_err("refused");
    assert!(
        status.message().contains("erased") && status.message().ends_with("legal now: archive"),
        "{status}"
    );
    assert_eq!(reason(refused, Code::FailedPrecondition), "ILLEGAL_MOVE");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_and_signals_come_with_the_case_and_evidence_later_too() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let photo = pb::Evidence {
        kind: pb::EvidenceKind::Photo.into(),
        sha256: "ab".repeat(32),
        size_bytes: 1_000,
        media_type: "image/jpeg".to_owned(),
        kept_at: "s3://evidence/1".to_owned(),
        ..Default::default()
    };
    let case = world
        .create(pb::Case {
            evidence: vec![photo.clone()],
            signals: vec![redress_proto::words::Signal {
                kind: to_wire(SignalKind::OnlinePost),
                basis: 2,
                reach: 12_000,
                ..Default::default()
            }],
            ..leak()
        })
        .await;
    let said: Vec<events::CaseReceived> = world.said("redress.case.received.v1").await;
    let signal = &said[0].facts.as_ref().expect("facts").signals[0];
    assert_eq!(signal.reach, 12_000);
    assert!(!signal.signal_id.is_empty() && signal.known_time.is_some());

    let request = pb::AddEvidenceRequest {
        parent: case.name.clone(),
        evidence: Some(photo),
        request_id: "e1".to_owned(),
    };
    let first = clerk
        .add_evidence(request.clone())
        .await
        .expect("added")
        .into_inner()
        .evidence
        .expect("evidence");
    let again = clerk
        .add_evidence(request)
        .await
        .expect("the same")
        .into_inner()
        .evidence
        .expect("evidence");
    assert_eq!(first, again);
    assert_eq!(world.get(&case.name).await.evidence.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessed_sum_replaces_the_claim_only_by_somebody_with_authority() {
    let world = World::new().await;
    let case = world.create(leak()).await;
    let assessed = pb::Case {
        name: case.name.clone(),
        assessed_claim: Some(redress_proto::Money {
            currency_code: "CNY".to_owned(),
            units: 800,
            nanos: 500_000_000,
        }),
        ..Default::default()
    };
    let mut clerk = world.cases(redress_rpc::Caller {
        permissions: redress_rpc::Permissions::default(),
        ..caller("clerk")
    });
    let refused = update(&mut clerk, assessed.clone(), &["assessed_claim"]).await;
    assert_eq!(reason(refused, Code::PermissionDenied), "PERMISSION_DENIED");
    let mut manager = world.cases(caller("manager"));
    let updated = update(&mut manager, assessed.clone(), &["assessed_claim"])
        .await
        .expect("updated");
    assert_eq!(updated.assessed_claim, assessed.assessed_claim);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_of_custody_is_only_added_to_and_finds_what_is_not_the_same() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = world.create(leak()).await;
    let add = pb::AddEvidenceRequest {
        parent: case.name.clone(),
        evidence: Some(pb::Evidence {
            kind: pb::EvidenceKind::Photo.into(),
            sha256: "ab".repeat(32),
            media_type: "image/jpeg".to_owned(),
            kept_at: "s3://evidence/1".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let piece = clerk.add_evidence(add).await.expect("added");
    let piece = piece.into_inner().evidence.expect("evidence");
    let act = |act: pb::CustodyAct, request_id: &str, sha256: &str| pb::RecordCustodyRequest {
        name: piece.name.clone(),
        entry: Some(pb::CustodyEntry {
            act: act.into(),
            holder: "sites/lake/staff/eng-one".to_owned(),
            sha256: sha256.to_owned(),
            ..Default::default()
        }),
        request_id: request_id.to_owned(),
    };
    let early = clerk
        .record_custody(act(pb::CustodyAct::Sealed, "", ""))
        .await;
    let early = early.expect_err("not taken yet");
    assert!(early.message().ends_with("TAKEN"), "{early}");
    let refused: Result<(), Status> = Err(early);
    assert_eq!(reason(refused, Code::FailedPrecondition), "ILLEGAL_CUSTODY");
    for _ in 0..2 {
        clerk
            .record_custody(act(pb::CustodyAct::Taken, "once", &"ab".repeat(32)))
            .await
            .expect("taken, once");
    }
    let other = clerk
        .record_custody(act(pb::CustodyAct::HandedOver, "", &"cd".repeat(32)))
        .await
        .map(drop);
    assert_eq!(reason(other, Code::InvalidArgument), "INVALID_FIELD");
    let sealed = clerk
        .record_custody(act(pb::CustodyAct::Sealed, "", ""))
        .await
        .expect("sealed");
    let chain = sealed.into_inner().evidence.expect("evidence").custody;
    let acts: Vec<(i32, i32)> = chain.iter().map(|c| (c.sequence, c.act)).collect();
    assert_eq!(
        acts,
        [
            (1, pb::CustodyAct::Taken.into()),
            (2, pb::CustodyAct::Sealed.into())
        ]
    );
    assert_eq!(chain[0].recorder, "clerk");
    let kept = world.get(&case.name).await.evidence;
    assert_eq!(kept[0].custody, chain);
    // I12: each act stands in the hash chain of the case.
    let verify = pb::VerifyTimelineRequest {
        name: case.name.clone(),
    };
    clerk.verify_timeline(verify).await.expect("it holds");
    let timeline = pb::ListTimelineRequest {
        parent: case.name,
        ..Default::default()
    };
    let timeline = clerk.list_timeline(timeline).await.expect("listed");
    let told = timeline
        .into_inner()
        .entries
        .iter()
        .filter(|e| e.kind() == pb::TimelineKind::Evidence)
        .count();
    assert_eq!(told, 3, "added, taken, sealed");
}

fn asked(case: &pb::Case, epoch: i64, why: &str) -> events::ReopeningAsked {
    events::ReopeningAsked {
        case: case.name.clone(),
        epoch,
        reason: why.to_owned(),
        ask_time: Some(to_timestamp(start())),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m16_a_dissatisfied_answer_opens_the_case_again_once_and_counts_as_a_repeat() {
    let world = World::new().await;
    let kind = "redress.reopening.asked.v1";
    for (why, repeat) in [("dissatisfied", true), ("appeal_granted", false)] {
        let case = world.create(leak()).await;
        let ended = events::CaseMoved {
            case: case.name.clone(),
            status: to_wire(if repeat {
                CaseStatus::Resolved
            } else {
                CaseStatus::Rejected
            }),
            epoch: 1,
            move_time: Some(to_timestamp(start())),
            ..Default::default()
        };
        // Of an open case nothing is opened.
        world
            .deliver("assignment", kind, &case.name, &asked(&case, 1, why))
            .await;
        assert_eq!(world.get(&case.name).await.epoch, 1);
        world
            .deliver("assignment", "redress.case.moved.v1", &case.name, &ended)
            .await;
        // Two answers of one round open it once.
        for _ in 0..2 {
            world
                .deliver("assignment", kind, &case.name, &asked(&case, 1, why))
                .await;
        }
        let opened = world.get(&case.name).await;
        assert_eq!(
            (opened.status, opened.epoch, opened.repeat),
            (to_wire(CaseStatus::Reopened), 2, repeat),
            "{why}"
        );
    }
    let moves: Vec<events::CaseMoved> = world.said("redress.case.moved.v1").await;
    let moves = moves.iter().map(|m| (m.epoch, m.complained_again));
    assert_eq!(moves.collect::<Vec<_>>(), [(2, true), (2, false)], "G3.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_3_a_second_complaint_opens_what_is_resolved_and_nothing_that_was_closed() {
    let world = World::new().await;
    let kind = "redress.reopening.asked.v1";
    let moved = async |case: &pb::Case, status: CaseStatus| {
        let moved = events::CaseMoved {
            case: case.name.clone(),
            status: to_wire(status),
            epoch: 1,
            move_time: Some(to_timestamp(start())),
            ..Default::default()
        };
        world
            .deliver("assignment", "redress.case.moved.v1", &case.name, &moved)
            .await;
    };
    let again = async |case: &pb::Case| {
        let asked = asked(case, 1, "complained_again");
        world.deliver("triage", kind, &case.name, &asked).await;
    };
    let case = world.create(leak()).await;
    // Triage heard of the resolution first: it waits for us to hear of it (I3).
    again(&case).await;
    assert_eq!(world.get(&case.name).await.epoch, 1);
    moved(&case, CaseStatus::Resolved).await;
    let opened = world.get(&case.name).await;
    assert_eq!(
        (opened.status, opened.epoch, opened.repeat),
        (to_wire(CaseStatus::Reopened), 2, true)
    );
    let moves: Vec<events::CaseMoved> = world.said("redress.case.moved.v1").await;
    assert!(moves.last().is_some_and(|m| m.complained_again), "G3.3");
    // Of the same resolution once.
    again(&case).await;
    assert_eq!(world.get(&case.name).await.epoch, 2);

    let closed = world.create(leak()).await;
    moved(&closed, CaseStatus::Resolved).await;
    moved(&closed, CaseStatus::Closed).await;
    again(&closed).await;
    let closed = world.get(&closed.name).await;
    assert_eq!(
        (closed.status, closed.epoch, closed.repeat),
        (to_wire(CaseStatus::Closed), 1, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_the_work_itself_is_stand_in_the_timeline() {
    let world = World::new().await;
    let mut clerk = world.cases(caller("clerk"));
    let case = world.create(leak()).await;
    let visit = events::ContactRecorded {
        case: case.name.clone(),
        contact_id: uuid::Uuid::new_v4().to_string(),
        direction: events::ContactDirection::Outbound.into(),
        channel: to_wire(Way::Visit),
        by_person: true,
        visit: true,
        contact_time: Some(to_timestamp(start())),
        ..Default::default()
    };
    let kind = "redress.contact.recorded.v1";
    world.deliver("assignment", kind, &case.name, &visit).await;
    let timeline = pb::ListTimelineRequest {
        parent: case.name,
        ..Default::default()
    };
    let timeline = clerk.list_timeline(timeline).await.expect("listed");
    let entries = timeline.into_inner().entries;
    let told = entries
        .iter()
        .find(|e| e.kind() == pb::TimelineKind::Contact)
        .expect("kept");
    assert_eq!(told.facts["visit"], "true");
    assert_eq!(told.facts["direction"], "OUTBOUND");
}
