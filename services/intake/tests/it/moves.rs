//! Moves, contacts and evidence: legal or refused with what is legal; of two at once, one is told.

use redress_model::words::{CaseStatus, SignalKind};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1 as pb;
use tonic::{Code, Status};

use crate::world::{Cases, World, caller, leak, reason, staff, start, update};

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
    assert_eq!(moves.iter().map(|m| m.epoch).collect::<Vec<_>>(), [2, 3]);
    let updates: Vec<events::CaseUpdated> = world.said("redress.case.updated.v1").await;
    assert!(updates[0].facts.as_ref().expect("facts").repeat);
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
    assert!(said[0].substantive && said[0].by_person);

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
