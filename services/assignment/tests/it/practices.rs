//! Systems of practice from the first word to the last, where no other file tells them whole (M02, M05, M06).

use jiff::SignedDuration;
use redress_assignment::domain::handling::{Satisfaction, VisitPurpose};
use redress_assignment::domain::solution::Answer;
use redress_assignment::jobs::count_cases::count_changed;
use redress_model::words::{CaseStatus, Category, Channel};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::assignment::v1::record_dispute_step_request::Step as DisputeStep;
use redress_proto::assignment::v1::report_service_server::ReportService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::assignment::v1::{LedgerCause, LedgerKind, PromiseKind};
use redress_proto::convert::{to_timestamp, to_wire};

use crate::world::{NowPlus as _, World, by, last};

#[tokio::test]
async fn m02_praise_is_recognised_by_itself_and_thanked_for_by_somebody_else() {
    let world = World::staffed().await;
    let case = world.worked_on().await;
    let owner = last(&world.get(&case).await.responsible).to_owned();
    let praise = world.survey("one", &case.to_string(), 5, &[&owner]);
    world.tell(&[praise]).await;
    let thank = |request_id: &str| wire::AddLedgerEntriesRequest {
        parent: "sites/lakeside".to_owned(),
        kind: LedgerKind::Thanks.into(),
        cause: LedgerCause::Praise.into(),
        reason: "came on a Sunday".to_owned(),
        case: case.to_string(),
        staff: vec![format!("sites/lakeside/staff/{owner}")],
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let own = world.caller("lakeside", "manager", Some(&owner));
    let refused = world.ledger.add_ledger_entries(by(own, thank("r1"))).await;
    refused.expect_err("nobody thanks themselves");
    let lead = world.caller("lakeside", "manager", Some("lead-duty"));
    let thanked = world.ledger.add_ledger_entries(by(lead, thank("r2"))).await;
    thanked.expect("thanked");
    let earned: Vec<(LedgerKind, String)> = world
        .booked()
        .await
        .iter()
        .map(|entry| (entry.kind(), last(&entry.staff).to_owned()))
        .collect();
    assert_eq!(earned.len(), 2);
    for kind in [LedgerKind::Recognition, LedgerKind::Thanks] {
        assert!(earned.contains(&(kind, owner.clone())), "{kind:?}");
    }
}

#[tokio::test]
async fn m05_the_problem_is_confirmed_and_a_step_is_promised_with_its_time_and_followed_up() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("offered");
    let restate = wire::RestateWorkRequest {
        name: World::name_of(&case),
        text: "the ceiling leaks since Monday".to_owned(),
        confirmed: true,
        ..Default::default()
    };
    let said = world.handling.restate_work(by(handler(), restate)).await;
    said.expect("said back");
    world.visit(&case, VisitPurpose::Inspection).await;

    let solution = world.propose(&case, 0).await.expect("proposed");
    let peer = world.handler("eng-two");
    let approved = world.review(peer, &solution, true).await;
    approved.expect("a peer");
    let told = world.tell_solution(&solution).await.expect("approved");
    world.confirm(&told, Answer::Agreed).await.expect("a yes");
    let steps = async || {
        let mut open = world.open_promises(world.manager(), "eng-one", 0).await;
        open.retain(|promise| promise.kind() == PromiseKind::SolutionStep);
        open
    };
    let promised = steps().await;
    assert_eq!(promised.len(), 1);
    assert_eq!(promised[0].text, "seal the joint");
    let due = world.clock.now_plus(SignedDuration::from_hours(48));
    assert_eq!(promised[0].due_time, Some(to_timestamp(due)));
    world.complete(&told).await.expect("agreed to");
    assert!(steps().await.is_empty(), "kept");

    world.resolve(handler(), &case).await.expect("done");
    let asked = world.follow_up(&case, Satisfaction::Satisfied).await;
    asked.expect("resolved");
    let ways: Vec<i32> = world.contacts().await.iter().map(|c| c.channel).collect();
    let expected = [Channel::Visit, Channel::Hotline, Channel::Hotline];
    assert_eq!(ways, expected.map(to_wire), "seen, told, asked");
}

#[tokio::test]
async fn m06_an_expert_looks_mediation_comes_first_a_violation_is_reported_and_the_meeting_reads_it()
 {
    use wire::{DisputeRung as Rung, DisputeSide as Side, RungOutcome as Outcome};
    let world = World::staffed().await;
    let case = world.offered(Category::SalesManagement).await;
    let seller = || world.handler("seller");
    world.accept(seller(), &case, "").await.expect("offered");

    // An expert of another department gathers evidence on site; whoever leads the case stays responsible.
    let expert = wire::RequestSupportRequest {
        name: World::name_of(&case),
        support: Some(wire::Support {
            department: "sites/lakeside/departments/engineering".to_owned(),
            staff: "sites/lakeside/staff/eng-one".to_owned(),
            task: "measure the floor".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let asked = world.staffing.request_support(by(seller(), expert)).await;
    asked.expect("asked");
    let visit = world.visit(&case, VisitPurpose::Inspection).await;
    assert_eq!(last(&visit.staff), "eng-one");
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "seller");
    assert_eq!(work.status, to_wire(CaseStatus::Investigating));

    let dispute = world.open_dispute(&case).await.expect("opened");
    let court = world.enter(Rung::Litigation, Side::Ours);
    let skipped = world.dispute_step(&dispute, court).await;
    skipped.expect_err("mediation comes first");
    for step in [
        world.enter(Rung::Agreement, Side::Ours),
        world.leave(Outcome::Failed),
        world.enter(Rung::Mediation, Side::Ours),
    ] {
        world.dispute_step(&dispute, step).await.expect("in order");
    }
    let now = || Some(to_timestamp(world.clock.now_plus(SignedDuration::ZERO)));
    let found = DisputeStep::ViolationFound(wire::ViolationFound { find_time: now() });
    let found = world.dispute_step(&dispute, found).await.expect("found");
    assert!(found.police_report_due_time.is_some(), "a task");
    let settle = || world.leave(Outcome::Settled);
    let refused = world.dispute_step(&dispute, settle()).await;
    refused.expect_err("not reported yet");
    let reported = DisputeStep::PoliceReported(wire::PoliceReported {
        outside_number: "A-1".to_owned(),
        report_time: now(),
    });
    let reported = world.dispute_step(&dispute, reported).await;
    reported.expect("reported");
    let ended = world.dispute_step(&dispute, settle()).await;
    let ended = ended.expect("settled");
    assert_eq!(ended.state(), wire::DisputeState::Ended);

    // The analysis meeting reads the month.
    count_changed(&world.database.db).await.expect("counted");
    let request = wire::GetMonthlyReportRequest {
        parent: "sites/lakeside".to_owned(),
        month: "2026-05".to_owned(),
        language: "en".to_owned(),
    };
    let caller = world.manager();
    let report = world.reports.get_monthly_report(by(caller, request)).await;
    let report = report.expect("answered").into_inner().report;
    let total = report.expect("as data").total.expect("a total");
    assert_eq!(total.current.expect("measured").cases, 1);
}
