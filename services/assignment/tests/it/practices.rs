//! Systems of practice from the first word to the last, where no other file tells them whole (M02, M05, M06).

use jiff::SignedDuration;
use redress_assignment::domain::handling::{Satisfaction, VisitPurpose};
use redress_assignment::domain::solution::Answer;
use redress_assignment::domain::validity::Validity;
use redress_assignment::jobs::count_cases::count_changed;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Category, Channel};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::assignment::v1::record_dispute_step_request::Step as DisputeStep;
use redress_proto::assignment::v1::report_service_server::ReportService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::{LedgerCause, LedgerKind, PromiseKind};
use redress_proto::convert::{to_timestamp, to_wire};
use tonic::Status;

use crate::lifecycle::reason;
use crate::wording::fields;
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

impl World {
    /// Judges the demands of a complainant, each by whether it is lawful, reasonable, and why not.
    async fn judge(
        &self,
        case: &CaseName,
        demands: &[(&str, bool, bool, &str)],
        (etag, request_id): (&str, &str),
    ) -> Result<wire::DemandJudgement, Status> {
        let demand = |(text, lawful, reasonable, reason): &(&str, bool, bool, &str)| {
            let (text, reason) = ((*text).to_owned(), (*reason).to_owned());
            wire::JudgedDemand {
                text,
                lawful: *lawful,
                reasonable: *reasonable,
                reason,
            }
        };
        let request = wire::JudgeDemandsRequest {
            name: Self::name_of(case),
            demands: demands.iter().map(demand).collect(),
            etag: etag.to_owned(),
            request_id: request_id.to_owned(),
        };
        let caller = self.handler("eng-one");
        let judged = self.validity.judge_demands(by(caller, request)).await?;
        Ok(judged.into_inner().judgement.expect("judged"))
    }

    /// What stands judged of the demands of a case.
    async fn judged(&self, case: &CaseName) -> Option<wire::DemandJudgement> {
        let get = wire::GetValidityRequest {
            name: Self::name_of(case),
        };
        let answer = self.validity.get_validity(by(self.manager(), get)).await;
        answer.expect("there").into_inner().judgement
    }

    /// Decides whether a complaint is valid, with a piece of evidence.
    async fn conclude(&self, case: &CaseName, validity: Validity) -> Result<(), Status> {
        let request = wire::DecideValidityRequest {
            name: Self::name_of(case),
            validity: to_wire(validity),
            reason: "looked at it".to_owned(),
            evidence: vec![self.piece(case).await],
            ..Default::default()
        };
        let decided = self.validity.decide_validity(by(self.manager(), request));
        decided.await.map(drop)
    }
}

#[tokio::test]
async fn m02_what_is_lawful_and_reasonable_is_met_the_rest_is_refused_with_reasons_and_all_is_kept()
{
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("offered");
    let restate = wire::RestateWorkRequest {
        name: World::name_of(&case),
        text: "the joint leaks since Monday".to_owned(),
        confirmed: true,
        ..Default::default()
    };
    let said = world.handling.restate_work(by(handler(), restate)).await;
    said.expect("understood");

    // The first analysis: which of the demands are lawful and reasonable. A no has a reason.
    let demands = [
        ("seal the joint", true, true, ""),
        ("the price of the home back", false, false, ""),
    ];
    let unexplained = world.judge(&case, &demands, ("", "")).await;
    let unexplained = unexplained.expect_err("a no without a reason");
    assert_eq!(fields(&unexplained), ["demands[1].reason"]);
    let explained = [
        demands[0],
        (demands[1].0, false, false, "a joint is no ground for that"),
    ];
    let judged = world.judge(&case, &explained, ("", "r1")).await;
    let judged = judged.expect("judged");
    let again = world.judge(&case, &explained, ("", "r1")).await;
    assert_eq!(again.expect("a retry"), judged, "judged once (I2)");

    // On-site check; then what is justified is met: nobody calls it unfounded, it is promised, done and asked after.
    world.visit(&case, VisitPurpose::Inspection).await;
    for denied in [Validity::Unfounded, Validity::Malicious] {
        let refused = world.conclude(&case, denied).await.expect_err("justified");
        assert_eq!(reason(&refused), "DEMAND_JUSTIFIED", "{denied}");
    }
    world
        .conclude(&case, Validity::ValidA)
        .await
        .expect("valid");
    let solution = world.propose(&case, 0).await.expect("proposed");
    let approved = world
        .review(world.handler("eng-two"), &solution, true)
        .await;
    approved.expect("a peer");
    let told = world.tell_solution(&solution).await.expect("approved");
    world.confirm(&told, Answer::Agreed).await.expect("a yes");
    world.complete(&told).await.expect("agreed to");
    world.resolve(handler(), &case).await.expect("done");
    let asked = world.follow_up(&case, Satisfaction::Satisfied).await;
    asked.expect("asked");

    // Closed with its root cause; what was judged stays in the file.
    let closed = world.close(world.manager(), &case).await.expect("reviewed");
    assert_eq!(closed.resolution.expect("done").root_cause, "a loose joint");
    assert_eq!(world.judged(&case).await, Some(judged));
    let late = world.etag_of(&case).await;
    let late = world.judge(&case, &explained, (&late, "")).await;
    assert_eq!(reason(&late.expect_err("ended")), "ILLEGAL_TRANSITION");
}

#[tokio::test]
async fn m02_a_complaint_is_unfounded_only_once_no_demand_stands_judged_justified() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world
        .conclude(&case, Validity::Unfounded)
        .await
        .expect("nobody judged the demands yet");
    let just = [("seal the joint", true, true, "")];
    world.judge(&case, &just, ("", "")).await.expect("judged");
    let reject = || {
        let request = wire::RejectWorkRequest {
            name: World::name_of(&case),
            answer: "经核查未发现渗漏".to_owned(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        world
            .validity
            .reject_work(by(world.handler("eng-one"), request))
    };
    let refused = reject().await.expect_err("judged since");
    assert_eq!(reason(&refused), "DEMAND_JUSTIFIED");
    world
        .conclude(&case, Validity::OutOfScope)
        .await
        .expect("just, and another's to meet");

    // Judged again, by who saw what stands (P28).
    let unjust = [("seal the joint", true, false, "the joint is sound")];
    let blind = world.judge(&case, &unjust, ("", "")).await;
    assert_eq!(fields(&blind.expect_err("unseen")), ["etag"]);
    let seen = world.etag_of(&case).await;
    let judged = world.judge(&case, &unjust, (&seen, "")).await;
    assert_eq!(judged.expect("seen").sequence, 2);
    world
        .conclude(&case, Validity::Unfounded)
        .await
        .expect("nothing is justified");
    reject().await.expect("answered");
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
