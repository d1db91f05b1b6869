//! What handlers do with a case, and what is refused.

use redress_model::words::{CaseStatus, Category};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::work_service_server::WorkService;
use redress_proto::convert::to_wire;
use redress_proto::event::v1::CaseMoved;
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{World, by, last};

#[tokio::test]
async fn a_case_goes_from_offer_to_resolution() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("offered");
    let first = world
        .progress(handler(), &case, "looked at the ceiling")
        .await
        .expect("accepted");
    assert_eq!(first.status, to_wire(CaseStatus::Investigating));
    let second = world
        .progress(handler(), &case, "found the joint")
        .await
        .expect("under way");
    assert_eq!(second.status, to_wire(CaseStatus::Investigating));
    let resolved = world.resolve(handler(), &case).await.expect("investigated");
    assert_eq!(resolved.status, to_wire(CaseStatus::Resolved));
    assert_eq!(
        resolved.resolution.expect("kept").root_cause,
        "a loose joint"
    );
    assert_eq!(world.get_staff("eng-one").await.open_cases, 0);

    let moves: Vec<CaseMoved> = world.said("redress.case.moved.v1").await;
    let statuses: Vec<i32> = moves.iter().map(|m| m.status).collect();
    let expected = [
        CaseStatus::Assigned,
        CaseStatus::Accepted,
        CaseStatus::Investigating,
        CaseStatus::Resolved,
    ]
    .map(to_wire);
    assert_eq!(statuses, expected);
    assert_eq!(moves[1].actor, "eng-one");

    let steps = world
        .try_get(world.manager(), &case)
        .await
        .expect("there")
        .steps;
    let sequences: Vec<i64> = steps.iter().map(|s| s.sequence).collect();
    assert!(
        sequences.windows(2).all(|w| w[0] == w[1] + 1),
        "newest first, without a gap"
    );
    assert_eq!(steps[1].text, "found the joint");
}

#[tokio::test]
async fn i10_an_illegal_move_says_what_is_legal() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let refused = world
        .progress(world.handler("eng-one"), &case, "too early")
        .await
        .expect_err("not accepted yet");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let details = refused.get_error_details();
    let violation = &details.precondition_failure().expect("told").violations[0];
    assert_eq!(violation.subject, World::name_of(&case));
    assert!(
        violation
            .description
            .contains("legal now: ACCEPTED; by intake WITHDRAWN"),
        "{}",
        violation.description
    );
    assert_eq!(
        details.error_info().expect("told").reason,
        "ILLEGAL_TRANSITION"
    );

    world
        .accept(world.handler("eng-one"), &case, "")
        .await
        .expect("offered");
    let refused = world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect_err("not investigated");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused
            .message()
            .contains("legal now: INVESTIGATING; by intake")
    );
}

#[tokio::test]
async fn i11_p28_of_two_who_accept_at_once_one_wins_and_the_other_is_told() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let etag = world.get(&case).await.etag;
    let (one, two) = tokio::join!(
        world.accept(
            world.caller("lakeside", "manager", Some("lead-site")),
            &case,
            &etag
        ),
        world.accept(
            world.caller("lakeside", "manager", Some("lead-duty")),
            &case,
            &etag
        ),
    );
    let (won, lost) = match (one, two) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        other => panic!("exactly one wins: {other:?}"),
    };
    assert_eq!(last(&won.responsible), "eng-one");
    assert_eq!(lost.code(), Code::Aborted);
    let details = lost.get_error_details();
    let told = &details.error_info().expect("told").metadata["etag"];
    assert_eq!(*told, won.etag);
    assert_eq!(world.get(&case).await.etag, won.etag);
}

#[tokio::test]
async fn only_the_offered_person_or_a_manager_accepts() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    for other in ["eng-two", "desk"] {
        let refused = world
            .accept(world.handler(other), &case, "")
            .await
            .expect_err("not theirs");
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    // Of the same id, but at another site: row security hides the case from them altogether.
    let stranger = world.caller("riverside", "handler", Some("eng-one"));
    let refused = world
        .accept(stranger, &case, "")
        .await
        .expect_err("not theirs");
    assert_eq!(refused.code(), Code::NotFound);
    let accepted = world
        .accept(world.manager(), &case, "")
        .await
        .expect("may override");
    assert_eq!(last(&accepted.responsible), "eng-one");
    // A repeat by who has it changes nothing and succeeds, even with the etag of before.
    let again = world
        .accept(world.handler("eng-one"), &case, "r1")
        .await
        .expect("a repeat");
    assert_eq!(again.etag, accepted.etag);
}

#[tokio::test]
async fn i10_accepting_what_another_has_in_hand_says_who_has_it() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let etag = |work: wire::Work| work.etag;
    let accepted = world
        .accept(world.handler("eng-one"), &case, "")
        .await
        .expect("offered");
    let refused = |status: tonic::Status| {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        let details = status.get_error_details();
        let reason = details.error_info().expect("told").reason.clone();
        assert_eq!(reason, "ILLEGAL_TRANSITION");
        status.message().to_owned()
    };
    let at_once = world
        .accept(world.handler("eng-two"), &case, &etag(accepted))
        .await
        .expect_err("another has it");
    let said = refused(at_once);
    assert!(
        said.contains("sites/lakeside/staff/eng-one has it"),
        "{said}"
    );
    assert!(!said.contains("cannot become"), "{said}");
    let progress = world
        .progress(world.handler("eng-one"), &case, "looked at it")
        .await;
    progress.expect("in hand");
    crate::staffing::offer(&world, world.handler("eng-one"), &case, "eng-two")
        .await
        .expect("offered");
    let while_offered = world.accept(world.handler("desk"), &case, "").await;
    let said = refused(while_offered.expect_err("another has it"));
    assert!(
        said.contains("hands it over to sites/lakeside/staff/eng-two"),
        "{said}"
    );
}

#[tokio::test]
async fn only_the_responsible_person_or_a_manager_resolves() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    world
        .accept(world.handler("eng-one"), &case, "")
        .await
        .expect("offered");
    let refused = world
        .progress(world.handler("eng-two"), &case, "helped")
        .await;
    let refused = refused.expect_err("has no part in it");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let own = world.progress(world.handler("eng-one"), &case, "looked");
    own.await.expect("responsible");
    let refused = world
        .resolve(world.handler("eng-two"), &case)
        .await
        .expect_err("not theirs");
    assert_eq!(refused.code(), Code::PermissionDenied);
    world
        .resolve(world.manager(), &case)
        .await
        .expect("may override");
}

#[tokio::test]
async fn staff_complained_about_find_nothing_and_hold_nothing() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    world
        .accept(world.handler("eng-one"), &case, "")
        .await
        .expect("offered");
    let mut facts = world.facts(&case);
    facts.revision = 2;
    facts.staff_complained_about = vec!["sites/lakeside/staff/eng-one".to_owned()];
    world.tell(&[world.updated(facts)]).await;
    assert_eq!(last(&world.get(&case).await.responsible), "eng-two");
    assert_eq!(world.get_staff("eng-one").await.open_cases, 0);

    let concerned = || world.handler("eng-one");
    let hidden = world.try_get(concerned(), &case).await.expect_err("hidden");
    assert_eq!(hidden.code(), Code::NotFound);
    let hidden = world
        .progress(concerned(), &case, "x")
        .await
        .expect_err("hidden");
    assert_eq!(hidden.code(), Code::NotFound);
    let all = wire::ListWorkRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let list = world
        .work
        .list_work(by(concerned(), all.clone()))
        .await
        .expect("listed");
    assert!(list.into_inner().work.is_empty());
    let list = world
        .work
        .list_work(by(world.handler("eng-two"), all))
        .await
        .expect("listed");
    assert_eq!(list.into_inner().work.len(), 1);
}

#[tokio::test]
async fn a_reopened_case_goes_back_to_whoever_handled_it() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("offered");
    world
        .progress(handler(), &case, "looked")
        .await
        .expect("accepted");
    world.resolve(handler(), &case).await.expect("investigated");
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    let work = world.get(&case).await;
    assert_eq!(work.status, to_wire(CaseStatus::Assigned));
    assert_eq!(last(&work.offered_to), "eng-one");
    assert_eq!(last(&work.responsible), "eng-one");
    let moves: Vec<CaseMoved> = world.said("redress.case.moved.v1").await;
    assert_eq!(moves.last().expect("told").epoch, 2);
}

#[tokio::test]
async fn i2_the_same_request_id_logs_progress_once() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    world
        .accept(world.handler("eng-one"), &case, "")
        .await
        .expect("offered");
    let request = wire::LogProgressRequest {
        name: World::name_of(&case),
        text: "looked".to_owned(),
        etag: String::new(),
        request_id: "again-and-again".to_owned(),
    };
    let send = |request: &wire::LogProgressRequest| {
        world
            .work
            .log_progress(by(world.handler("eng-one"), request.clone()))
    };
    let (a, b, c) = tokio::join!(send(&request), send(&request), send(&request));
    for answer in [a, b, c] {
        answer.expect("the same answer");
    }
    let logged = "SELECT count(*) FROM assignment.work_step WHERE kind = 'PROGRESS'";
    assert_eq!(world.count(logged).await, 1);

    let mut other = request;
    other.text = "something else".to_owned();
    let refused = send(&other).await.expect_err("another request");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let reason = refused
        .get_error_details()
        .error_info()
        .expect("told")
        .reason
        .clone();
    assert_eq!(reason, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn work_is_listed_newest_first_in_pages() {
    let world = World::staffed().await;
    let mut cases = Vec::new();
    for _ in 0..5 {
        world.clock.advance(jiff::SignedDuration::from_secs(1));
        cases.push(world.offered(Category::SalesManagement).await);
    }
    cases.reverse();
    let mut listed = Vec::new();
    let mut token = String::new();
    loop {
        let request = wire::ListWorkRequest {
            parent: "sites/-".to_owned(),
            page_size: 2,
            page_token: token,
            statuses: vec![to_wire(CaseStatus::Assigned)],
            ..Default::default()
        };
        let page = world
            .work
            .list_work(by(world.manager(), request))
            .await
            .expect("listed")
            .into_inner();
        listed.extend(page.work.into_iter().map(|w| w.case));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected: Vec<String> = cases.iter().map(ToString::to_string).collect();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn i2_the_same_request_id_adds_a_person_once() {
    let world = World::staffed().await;
    let mut request = world.new_staff("newcomer", "sales");
    request.request_id = "f2b1".to_owned();
    let send = || {
        world
            .roster
            .create_staff(by(world.manager(), request.clone()))
    };
    let (first, second) = tokio::join!(send(), send());
    let etag = |answer: Result<tonic::Response<wire::CreateStaffResponse>, tonic::Status>| {
        let answer: tonic::Response<wire::CreateStaffResponse> = answer.expect("added once");
        answer.into_inner().staff.expect("a person").etag
    };
    assert_eq!(etag(first), etag(second));
    let refused = world.staff("newcomer", "sales").await.expect_err("taken");
    assert_eq!(refused.code(), Code::AlreadyExists);
}
