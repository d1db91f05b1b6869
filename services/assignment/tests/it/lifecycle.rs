//! A complaint from what was understood to its close (M03, M16, M18), and everything that is refused on the way.

use jiff::SignedDuration;
use redress_assignment::domain::authority::Level;
use redress_assignment::domain::handling::{CalmingMove, Ending, Satisfaction, VisitPurpose};
use redress_assignment::domain::solution::{
    Answer, LegalBasisKind, LiabilityGround, RemedyKind, State,
};
use redress_assignment::domain::validity::Validity;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Category, Channel, ClockKind, ClockState, ClockTransition};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1 as event;
use redress_proto::event::v1::DeliverOutcome;
use redress_rpc::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{NowPlus as _, World, by, last};

pub fn reason(refused: &Status) -> String {
    let details = refused.get_error_details();
    details.error_info().expect("told").reason.clone()
}

fn assert_etag_asked_for(refused: &Status) {
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let details = refused.get_error_details();
    let told = details.bad_request().expect("names the field");
    assert_eq!(told.field_violations[0].field, "etag");
}

impl World {
    pub fn terms(&self, yuan: i64) -> wire::SolutionTerms {
        wire::SolutionTerms {
            summary: "seal the joint and pay for the ceiling".to_owned(),
            root_cause: "a loose joint".to_owned(),
            remedies: vec![wire::Remedy {
                kind: to_wire(if yuan == 0 {
                    RemedyKind::Apology
                } else {
                    RemedyKind::Compensation
                }),
                text: "for the ceiling".to_owned(),
                amount: Some(Money {
                    currency_code: "CNY".to_owned(),
                    units: yuan,
                    nanos: 0,
                }),
                department: "sites/lakeside/departments/engineering".to_owned(),
                outside_party: String::new(),
            }],
            steps: vec![wire::SolutionStep {
                text: "seal the joint".to_owned(),
                owner: "sites/lakeside/staff/eng-one".to_owned(),
                due_time: Some(to_timestamp(
                    self.clock.now_plus(SignedDuration::from_hours(48)),
                )),
                ..Default::default()
            }],
            legal_basis: Some(wire::LegalBasis {
                kind: to_wire(LegalBasisKind::Law),
                citation: "建设工程质量管理条例第四十条".to_owned(),
            }),
            liability: Some(wire::Liability {
                ground: to_wire(LiabilityGround::ContractClause),
                reference: "第十二条".to_owned(),
                ..Default::default()
            }),
            final_offer: None,
        }
    }

    /// A case that eng-one has accepted and looked at.
    pub async fn investigated(&self) -> CaseName {
        let case = self.offered(Category::EngineeringQuality).await;
        let handler = || self.handler("eng-one");
        self.accept(handler(), &case, "").await.expect("offered");
        self.progress(handler(), &case, "looked")
            .await
            .expect("accepted");
        case
    }

    /// How often a clock was asked for, moved or ended.
    async fn demands_said(&self) -> usize {
        let said = self.said::<event::DemandChanged>("redress.demand.changed.v1");
        said.await.len()
    }

    /// The case is of grade 1 from now on.
    fn graver(&self, case: &CaseName, epoch: i64) -> Event {
        let payload = event::CaseGraded {
            case: case.to_string(),
            grade: 1,
            revision: 2,
            epoch,
            mode: 1,
            category: to_wire(Category::EngineeringQuality),
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.case.graded.v1", &subject, &payload)
    }

    pub async fn propose(&self, case: &CaseName, yuan: i64) -> Result<wire::Solution, Status> {
        let request = wire::ProposeSolutionRequest {
            parent: Self::name_of(case),
            terms: Some(self.terms(yuan)),
            etag: self.etag_of(case).await,
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.solutions.propose_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    pub async fn review(
        &self,
        caller: Caller,
        solution: &wire::Solution,
        approve: bool,
    ) -> Result<wire::Solution, Status> {
        let seen = self.solution(&solution.name).await;
        let request = wire::ReviewSolutionRequest {
            name: solution.name.clone(),
            approve,
            reason: "looked at it".to_owned(),
            etag: seen.etag,
            ..Default::default()
        };
        let answer = self.solutions.review_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    pub async fn solution(&self, name: &str) -> wire::Solution {
        let request = wire::GetSolutionRequest {
            name: name.to_owned(),
        };
        let caller = self.manager();
        let answer = self.solutions.get_solution(by(caller, request)).await;
        answer.expect("there").into_inner().solution.expect("it")
    }

    pub async fn tell_solution(&self, solution: &wire::Solution) -> Result<wire::Solution, Status> {
        let request = wire::TellSolutionRequest {
            name: solution.name.clone(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.solutions.tell_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    pub async fn confirm(
        &self,
        solution: &wire::Solution,
        answer: Answer,
    ) -> Result<wire::Solution, Status> {
        let request = wire::ConfirmSolutionRequest {
            name: solution.name.clone(),
            answer: to_wire(answer),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.solutions.confirm_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    pub async fn complete(&self, solution: &wire::Solution) -> Result<wire::Solution, Status> {
        let request = wire::CompleteSolutionStepRequest {
            name: solution.name.clone(),
            step: 1,
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self
            .solutions
            .complete_solution_step(by(caller, request))
            .await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    pub async fn visit(&self, case: &CaseName, purpose: VisitPurpose) -> wire::Visit {
        let request = wire::RecordVisitRequest {
            name: Self::name_of(case),
            purpose: to_wire(purpose),
            findings: "water at the joint".to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.handling.record_visit(by(caller, request)).await;
        answer.expect("made").into_inner().visit.expect("a visit")
    }

    pub async fn visits(&self, case: &CaseName) -> Vec<wire::Visit> {
        let request = wire::ListVisitsRequest {
            parent: Self::name_of(case),
        };
        let answer = self.handling.list_visits(by(self.manager(), request)).await;
        answer.expect("listed").into_inner().visits
    }

    pub async fn follow_up(
        &self,
        case: &CaseName,
        satisfaction: Satisfaction,
    ) -> Result<wire::Work, Status> {
        let request = wire::FollowUpWorkRequest {
            name: Self::name_of(case),
            satisfaction: to_wire(satisfaction),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        let caller = self.handler("desk");
        let answer = self.handling.follow_up_work(by(caller, request)).await?;
        Ok(answer.into_inner().work.expect("work"))
    }

    pub async fn close(&self, caller: Caller, case: &CaseName) -> Result<wire::Work, Status> {
        let request = wire::CloseWorkRequest {
            name: Self::name_of(case),
            ..Default::default()
        };
        let answer = self.handling.close_work(by(caller, request)).await?;
        Ok(answer.into_inner().work.expect("work"))
    }

    pub async fn status(&self, case: &CaseName) -> i32 {
        self.get(case).await.status
    }

    pub async fn contacts(&self) -> Vec<event::ContactRecorded> {
        self.said("redress.contact.recorded.v1").await
    }

    pub fn ran_out(&self, case: &CaseName, started: &wire::Solution) -> Event {
        let now = to_timestamp(self.clock.now_plus(SignedDuration::ZERO));
        let payload = event::ClockChanged {
            clock: format!("sites/lakeside/clocks/{}", case.id),
            case: case.to_string(),
            kind: to_wire(ClockKind::ConfirmClosing),
            state: to_wire(ClockState::Cancelled),
            transition: to_wire(ClockTransition::Cancelled),
            start_time: started.tell_time,
            due_time: Some(now),
            transition_time: Some(now),
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.clock.changed.v1", &subject, &payload)
    }

    pub fn answered(&self, case: &CaseName, score: i32, solved: bool) -> Event {
        let now = self.clock.now_plus(SignedDuration::ZERO);
        let payload = event::SurveyAnswered {
            case: case.to_string(),
            survey: "sites/lakeside/surveys/s1".to_owned(),
            kind: event::SurveyKind::Complaint.into(),
            score,
            solved,
            praised_staff: Vec::new(),
            answer_time: Some(to_timestamp(now)),
        };
        let subject = case.to_string();
        self.event(
            "notification",
            "redress.survey.answered.v1",
            &subject,
            &payload,
        )
    }
}

#[tokio::test]
async fn m03_m16_m18_a_complaint_goes_from_what_was_understood_to_its_close() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("offered");

    // Restate and confirm (M16), then look at it on site.
    let restate = wire::RestateWorkRequest {
        name: World::name_of(&case),
        text: "the bathroom ceiling leaks since Monday".to_owned(),
        confirmed: true,
        ..Default::default()
    };
    let restated = world.handling.restate_work(by(handler(), restate)).await;
    let restated = restated
        .expect("said back")
        .into_inner()
        .work
        .expect("work");
    assert!(restated.restatement.expect("kept").confirmed);
    let visit = world.visit(&case, VisitPurpose::Inspection).await;
    assert_eq!(last(&visit.staff), "eng-one");
    assert_eq!(
        world.status(&case).await,
        to_wire(CaseStatus::Investigating)
    );

    // A sum above everybody's limit but the region's goes there, and nothing is promised before (M10).
    let solution = world.propose(&case, 12_000).await.expect("proposed");
    assert_eq!(solution.required_level, to_wire(Level::Region));
    let refused = world.tell_solution(&solution).await.expect_err("a promise");
    assert_eq!(reason(&refused), "NOT_APPROVED");
    let refused = world
        .review(handler(), &solution, true)
        .await
        .expect_err("the author");
    assert_eq!(reason(&refused), "OWN_SOLUTION");
    let refused = world
        .review(world.manager(), &solution, true)
        .await
        .expect_err("above the limit of the site");
    assert_eq!(reason(&refused), "ABOVE_LIMIT");
    let approved = world
        .review(world.above("region"), &solution, true)
        .await
        .expect("within its limit");
    assert_eq!(approved.state, to_wire(State::Approved));

    // Told, confirmed, carried out (M03, M18).
    let told = world.tell_solution(&solution).await.expect("approved");
    assert_eq!(world.status(&case).await, to_wire(CaseStatus::Proposed));
    world
        .confirm(&told, Answer::Agreed)
        .await
        .expect("it will do");
    let refused = world.resolve(handler(), &case).await.expect_err("not done");
    assert_eq!(reason(&refused), "SOLUTION_NOT_CARRIED_OUT");
    world.complete(&told).await.expect("agreed to");
    world.resolve(handler(), &case).await.expect("done");

    // Followed up, and closed by somebody else.
    let refused = world
        .close(world.manager(), &case)
        .await
        .expect_err("nobody asked");
    assert_eq!(reason(&refused), "NOT_CLOSABLE");
    world
        .follow_up(&case, Satisfaction::Satisfied)
        .await
        .expect("resolved");
    let refused = world.close(handler(), &case).await.expect_err("own work");
    assert_eq!(reason(&refused), "NOT_CLOSABLE");
    let closed = world.close(world.manager(), &case).await.expect("reviewed");
    assert_eq!(closed.outcome, to_wire(Ending::BothSatisfied));

    let moves: Vec<event::CaseMoved> = world.said("redress.case.moved.v1").await;
    let statuses: Vec<i32> = moves.iter().map(|m| m.status).collect();
    let expected = [
        CaseStatus::Assigned,
        CaseStatus::Accepted,
        CaseStatus::Investigating,
        CaseStatus::Proposed,
        CaseStatus::Resolving,
        CaseStatus::Resolved,
        CaseStatus::Closed,
    ]
    .map(to_wire);
    assert_eq!(statuses, expected, "no move is skipped");
    let contacts = world.contacts().await;
    let meets: Vec<(bool, bool, bool)> = contacts
        .iter()
        .map(|c| (c.visit, c.substantive, c.follow_up))
        .collect();
    assert_eq!(
        meets,
        [
            (true, false, false),
            (false, true, false),
            (false, false, true)
        ],
        "a visit, the proposal, the follow-up"
    );
    let staff: Vec<&str> = contacts.iter().map(|c| last(&c.staff)).collect();
    assert_eq!(staff, ["eng-one", "eng-one", "desk"], "the desk asks");
}

#[tokio::test]
async fn m18_a_change_after_approval_voids_it_and_the_same_request_proposes_once() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let request = wire::ProposeSolutionRequest {
        parent: World::name_of(&case),
        terms: Some(world.terms(1_000)),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let send = || {
        world
            .solutions
            .propose_solution(by(world.handler("eng-one"), request.clone()))
    };
    let (one, two) = tokio::join!(send(), send());
    let name = |answer: Result<tonic::Response<wire::ProposeSolutionResponse>, Status>| {
        let answer = answer.expect("the same answer").into_inner();
        answer.solution.expect("a solution")
    };
    let (solution, same) = (name(one), name(two));
    assert_eq!(solution.name, same.name);

    world
        .review(world.manager(), &solution, true)
        .await
        .expect("within the limit");
    let revise = wire::ReviseSolutionRequest {
        name: solution.name.clone(),
        terms: Some(world.terms(9_000)),
        etag: world.solution(&solution.name).await.etag,
        ..Default::default()
    };
    let revised = world
        .solutions
        .revise_solution(by(world.handler("eng-one"), revise))
        .await
        .expect("not told yet")
        .into_inner()
        .solution
        .expect("a solution");
    assert_eq!(revised.state, to_wire(State::AwaitingApproval));
    assert_ne!(revised.digest, solution.digest);
    let refused = world.tell_solution(&solution).await.expect_err("changed");
    assert_eq!(reason(&refused), "NOT_APPROVED");

    // I11: whoever looked at the terms of before is told.
    let stale = wire::ReviewSolutionRequest {
        name: solution.name.clone(),
        approve: true,
        etag: solution.etag.clone(),
        ..Default::default()
    };
    let lost = world
        .solutions
        .review_solution(by(world.manager(), stale))
        .await
        .expect_err("stale");
    assert_eq!(lost.code(), Code::Aborted);
    // A second one takes the place of the first.
    world.clock.advance(SignedDuration::from_secs(1));
    let second = world.propose(&case, 0).await.expect("proposed");
    let all = wire::ListSolutionsRequest {
        parent: "sites/-".to_owned(),
        case: case.to_string(),
        ..Default::default()
    };
    let all = world
        .solutions
        .list_solutions(by(world.manager(), all))
        .await;
    let all = all.expect("listed").into_inner().solutions;
    let states: Vec<(bool, i32)> = all
        .iter()
        .map(|s| (s.name == second.name, s.state))
        .collect();
    assert_eq!(
        states,
        [
            (true, to_wire(State::AwaitingApproval)),
            (false, to_wire(State::Superseded))
        ]
    );
}

#[tokio::test]
async fn p28_what_was_understood_is_replaced_only_by_who_saw_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let restate = async |text: &str, etag: &str| {
        let request = wire::RestateWorkRequest {
            name: World::name_of(&case),
            text: text.to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.handling.restate_work(by(caller, request)).await
    };
    let first = restate("the ceiling leaks", "").await;
    let first = first.expect("nothing stands there yet").into_inner();
    let seen = first.work.expect("work").etag;
    let unseen = restate("the wall leaks", "").await.expect_err("unseen");
    assert_etag_asked_for(&unseen);
    let second = restate("the wall leaks", &seen).await.expect("seen");
    let now = second.into_inner().work.expect("work").etag;
    let lost = restate("the roof leaks", &seen).await.expect_err("slower");
    assert_eq!(lost.code(), Code::Aborted);
    assert!(lost.message().contains(&now), "{lost}");
    let kept = world.get(&case).await.restatement.expect("kept");
    assert_eq!(kept.text, "the wall leaks");
}

#[tokio::test]
async fn p28_a_solution_is_revised_or_superseded_only_by_who_saw_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let propose = async |etag: &str| {
        let request = wire::ProposeSolutionRequest {
            parent: World::name_of(&case),
            terms: Some(world.terms(800)),
            etag: etag.to_owned(),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.solutions.propose_solution(by(caller, request)).await
    };
    let revise = async |name: &str, etag: &str| {
        let request = wire::ReviseSolutionRequest {
            name: name.to_owned(),
            terms: Some(world.terms(900)),
            etag: etag.to_owned(),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.solutions.revise_solution(by(caller, request)).await
    };
    let first = propose("").await.expect("nothing stands there yet");
    let first = first.into_inner().solution.expect("a solution");
    let work_seen = world.etag_of(&case).await;
    let unseen = revise(&first.name, "").await.expect_err("unseen");
    assert_etag_asked_for(&unseen);
    let revised = revise(&first.name, &first.etag).await.expect("seen");
    let now = revised.into_inner().solution.expect("a solution").etag;
    let lost = revise(&first.name, &first.etag).await.expect_err("slower");
    assert_eq!(lost.code(), Code::Aborted);
    assert!(lost.message().contains(&now), "{lost}");

    let unseen = propose("").await.expect_err("unseen");
    assert_etag_asked_for(&unseen);
    let lost = propose(&work_seen).await.expect_err("revised meanwhile");
    assert_eq!(lost.code(), Code::Aborted);
    let kept = world.solution(&first.name).await;
    assert_eq!(kept.state, to_wire(State::AwaitingApproval), "stands");
    let now = world.etag_of(&case).await;
    propose(&now).await.expect("seen");
}

#[tokio::test]
async fn m03_m18_own_and_outside_parties_have_their_parts_of_a_solution_each_with_its_schedule() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let mut terms = world.terms(800);
    let outside = "甲修缮公司";
    terms.remedies.push(wire::Remedy {
        kind: to_wire(RemedyKind::Repair),
        text: "regrout the wall".to_owned(),
        outside_party: outside.to_owned(),
        ..Default::default()
    });
    terms.steps.push(wire::SolutionStep {
        text: "regrout the wall".to_owned(),
        outside_party: outside.to_owned(),
        condition: "the wall is dry".to_owned(),
        ..Default::default()
    });
    let request = |terms: &wire::SolutionTerms| wire::ProposeSolutionRequest {
        parent: World::name_of(&case),
        terms: Some(terms.clone()),
        ..Default::default()
    };
    let propose = async |terms: &wire::SolutionTerms| {
        let caller = world.handler("eng-one");
        let answer = world
            .solutions
            .propose_solution(by(caller, request(terms)))
            .await?;
        Ok::<_, Status>(answer.into_inner().solution.expect("a solution"))
    };
    let proposed = propose(&terms).await.expect("proposed");
    let kept = world.solution(&proposed.name).await;
    let said = kept.terms.expect("terms");
    let parts = |department: &str, party: &str| (department.to_owned(), party.to_owned());
    let remedies: Vec<_> = said
        .remedies
        .iter()
        .map(|r| parts(last(&r.department), &r.outside_party))
        .collect();
    assert_eq!(remedies, [parts("engineering", ""), parts("", outside)]);
    let steps: Vec<_> = said
        .steps
        .iter()
        .map(|s| {
            (
                last(&s.owner),
                s.outside_party.as_str(),
                s.due_time.is_some(),
            )
        })
        .collect();
    assert_eq!(steps, [("eng-one", "", true), ("", outside, false)]);
    assert_eq!(said.steps[1].condition, "the wall is dry");
    // What nobody is to do is no step.
    terms.steps[1].outside_party.clear();
    let refused = propose(&terms).await.expect_err("nobody");
    let details = refused.get_error_details();
    let violation = &details.bad_request().expect("told").field_violations[0];
    assert_eq!(violation.field, "terms.steps[1].owner");
}

#[tokio::test]
async fn m05_a_promise_says_the_step_and_the_time_and_a_vague_one_is_refused_with_its_field() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let mut terms = world.terms(0);
    terms.steps[0].text = "尽快维修".to_owned();
    let request = wire::ProposeSolutionRequest {
        parent: World::name_of(&case),
        terms: Some(terms),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let refused = world
        .solutions
        .propose_solution(by(caller, request))
        .await
        .expect_err("vague");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let violation = &details.bad_request().expect("told").field_violations[0];
    assert_eq!(violation.field, "terms.steps[0].text");
}

#[tokio::test]
async fn a_graver_case_makes_its_solution_climb_by_itself() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 0).await.expect("proposed");
    let colleague = world.handler("eng-two");
    let approved = world.review(colleague, &solution, true).await;
    assert_eq!(approved.expect("a peer").state, to_wire(State::Approved));
    world.tell(&[world.graver(&case, 1)]).await;
    let request = wire::GetSolutionRequest {
        name: solution.name.clone(),
    };
    let now = world
        .solutions
        .get_solution(by(world.manager(), request))
        .await;
    let now = now.expect("there").into_inner().solution.expect("it");
    assert_eq!(now.state, to_wire(State::AwaitingApproval));
    assert_eq!(now.required_level, to_wire(Level::Region));
    let refused = world.tell_solution(&solution).await.expect_err("climbed");
    assert_eq!(reason(&refused), "NOT_APPROVED");
}

#[tokio::test]
async fn m10_what_was_told_before_the_case_was_opened_again_waits_for_no_approval() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 0).await.expect("proposed");
    let colleague = world.handler("eng-two");
    let approved = world.review(colleague, &solution, true).await;
    approved.expect("a peer");
    world.tell_solution(&solution).await.expect("approved");
    let withdrawn = world.moved(&case, CaseStatus::Withdrawn, 2);
    let reopened = world.moved(&case, CaseStatus::Reopened, 3);
    world.tell(&[withdrawn, reopened]).await;
    let before = world.demands_said().await;
    world.tell(&[world.graver(&case, 3)]).await;
    assert_eq!(world.demands_said().await, before);
}

#[tokio::test]
async fn m10_what_was_approved_of_a_case_that_was_turned_down_waits_for_no_other_approval() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 0).await.expect("proposed");
    let colleague = world.handler("eng-two");
    let approved = world.review(colleague, &solution, true).await;
    approved.expect("a peer");
    let decide = wire::DecideValidityRequest {
        name: World::name_of(&case),
        validity: to_wire(Validity::Unfounded),
        reason: "the stain is older than the home".to_owned(),
        evidence: vec![world.piece(&case).await],
        ..Default::default()
    };
    let decided = world.validity.decide_validity(by(world.manager(), decide));
    decided.await.expect("proven");
    let reject = wire::RejectWorkRequest {
        name: World::name_of(&case),
        answer: "经核查未发现渗漏".to_owned(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let rejected = world.validity.reject_work(by(caller, reject)).await;
    rejected.expect("turned down");
    let before = world.demands_said().await;
    world.tell(&[world.graver(&case, 1)]).await;
    assert_eq!(world.demands_said().await, before);
}

#[tokio::test]
async fn m03_no_answer_in_time_becomes_a_visit_and_silence_counts_only_after_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 0).await.expect("proposed");
    let approved = world
        .review(world.handler("eng-two"), &solution, true)
        .await;
    approved.expect("a peer");
    let told = world.tell_solution(&solution).await.expect("approved");
    world.clock.advance(SignedDuration::from_hours(72));
    let ran_out = world.ran_out(&case, &told);
    let mut older = told.clone();
    older.tell_time = Some(to_timestamp("2026-05-01T00:00:00Z".parse().expect("it")));
    // An older round, or a clock that stopped before its time, says nothing of this proposal; the same silence twice
    // plans one visit (I3).
    let stopped = event::ClockChanged {
        clock: format!("sites/lakeside/clocks/{}", case.id),
        case: case.to_string(),
        kind: to_wire(ClockKind::ConfirmClosing),
        state: to_wire(ClockState::Cancelled),
        transition: to_wire(ClockTransition::Cancelled),
        start_time: told.tell_time,
        due_time: told.tell_time,
        transition_time: Some(to_timestamp(world.clock.now_plus(SignedDuration::ZERO))),
        ..Default::default()
    };
    let subject = case.to_string();
    let stopped = world.event("triage", "redress.clock.changed.v1", &subject, &stopped);
    world.tell(&[world.ran_out(&case, &older), stopped]).await;
    assert!(world.visits(&case).await.is_empty());
    let events = [ran_out.clone(), ran_out];
    for event in &events {
        let outcome = world.deliver(event).await;
        assert!(matches!(outcome, DeliverOutcome::Applied), "{outcome:?}");
    }
    let visits = world.visits(&case).await;
    assert_eq!(visits.len(), 1);
    assert_eq!(visits[0].purpose, to_wire(VisitPurpose::FollowUp));
    assert_eq!(last(&visits[0].staff), "eng-one");

    let refused = world
        .confirm(&told, Answer::Silence)
        .await
        .expect_err("nobody went");
    assert_eq!(reason(&refused), "NOT_ASKED_AGAIN");
    world.clock.advance(SignedDuration::from_hours(1));
    let request = wire::RecordVisitRequest {
        name: World::name_of(&case),
        visit_id: visits[0].visit_id.clone(),
        findings: "nobody opened".to_owned(),
        ..Default::default()
    };
    let made = world
        .handling
        .record_visit(by(world.handler("eng-one"), request))
        .await;
    made.expect("planned");
    world
        .confirm(&told, Answer::Silence)
        .await
        .expect("asked again");
    assert_eq!(world.status(&case).await, to_wire(CaseStatus::Resolving));
}

#[tokio::test]
async fn a_declined_solution_leads_back_to_investigating() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 0).await.expect("proposed");
    let approved = world
        .review(world.handler("eng-two"), &solution, true)
        .await;
    approved.expect("a peer");
    let told = world.tell_solution(&solution).await.expect("approved");
    let refused = world.propose(&case, 0).await.expect_err("one at a time");
    assert_eq!(reason(&refused), "ILLEGAL_SOLUTION_STEP");
    world.confirm(&told, Answer::Declined).await.expect("a no");
    assert_eq!(
        world.status(&case).await,
        to_wire(CaseStatus::Investigating)
    );
    world.propose(&case, 0).await.expect("another");
}

#[tokio::test]
async fn m12_a_dissatisfied_answer_asks_for_reopening_once_and_an_old_one_does_not() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let early = world.answered(&case, 1, false);
    world.clock.advance(SignedDuration::from_hours(1));
    world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect("on the spot");
    let asked = || world.said::<event::ReopeningAsked>("redress.reopening.asked.v1");
    world.tell(&[early]).await;
    assert!(asked().await.is_empty(), "answered before it was resolved");

    world.clock.advance(SignedDuration::from_hours(1));
    let unhappy = world.answered(&case, 2, true);
    for _ in 0..2 {
        world.deliver(&unhappy).await;
    }
    let told = asked().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].epoch, told[0].reason.as_str()),
        (1, "dissatisfied")
    );
    let refused = world
        .close(world.manager(), &case)
        .await
        .expect_err("it is opened again");
    assert_eq!(reason(&refused), "NOT_CLOSABLE");

    // Intake opens it again; the satisfied answer to the round before closes nothing.
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    assert_eq!(world.status(&case).await, to_wire(CaseStatus::Assigned));
    world.tell(&[world.answered(&case, 1, false)]).await;
    assert_eq!(asked().await.len(), 1, "it is in hand already");
}

#[tokio::test]
async fn a_satisfied_survey_is_the_follow_up_that_closing_asks_for() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect("on the spot");
    world.tell(&[world.answered(&case, 5, true)]).await;
    let closed = world.close(world.manager(), &case).await.expect("reviewed");
    assert_eq!(closed.outcome, to_wire(Ending::BothSatisfied));
}

#[tokio::test]
async fn the_companys_last_word_takes_authority_and_leaves_a_risk() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect("on the spot");
    let request = wire::FollowUpWorkRequest {
        name: World::name_of(&case),
        satisfaction: to_wire(Satisfaction::Dissatisfied),
        channel: to_wire(Channel::Hotline),
        note: "head office stands by it".to_owned(),
        last_word: true,
        ..Default::default()
    };
    let ask = |caller| world.handling.follow_up_work(by(caller, request.clone()));
    let refused = ask(world.handler("eng-one")).await.expect_err("not theirs");
    assert_eq!(refused.code(), Code::PermissionDenied);
    ask(world.manager()).await.expect("may");
    let asked: Vec<event::ReopeningAsked> = world.said("redress.reopening.asked.v1").await;
    assert!(asked.is_empty());
    let closed = world.close(world.manager(), &case).await.expect("reviewed");
    assert_eq!(closed.outcome, to_wire(Ending::OneSided));
}

#[tokio::test]
async fn m16_a_change_of_person_goes_to_somebody_senior_of_time_plans_the_meeting_of_place_is_kept()
{
    let world = World::staffed().await;
    let case = world.investigated().await;
    let calm = |kind, staff: &str, hours: Option<i64>| {
        let request = wire::CalmComplainantRequest {
            name: World::name_of(&case),
            r#move: to_wire(kind),
            staff: staff.to_owned(),
            meeting_time: hours
                .map(|h| to_timestamp(world.clock.now_plus(SignedDuration::from_hours(h)))),
            reason: "the talk became loud".to_owned(),
            channel: to_wire(Channel::FrontDesk),
            ..Default::default()
        };
        // Whoever has it in hand: the change of person gives it to the lead.
        let caller = world.handler(if kind == CalmingMove::Person {
            "eng-one"
        } else {
            "lead-site"
        });
        world.handling.calm_complainant(by(caller, request))
    };
    for staff in ["sites/lakeside/staff/eng-two", ""] {
        let refused = calm(CalmingMove::Person, staff, None).await;
        let refused = refused.expect_err("nobody senior");
        assert_eq!(refused.code(), Code::InvalidArgument, "{staff}");
    }
    let lead = "sites/lakeside/staff/lead-site";
    let calmed = calm(CalmingMove::Person, lead, None).await.expect("senior");
    let work = calmed.into_inner().work.expect("work");
    assert_eq!(work.responsible, lead);
    let told: Vec<event::OwnerChanged> = world.said("redress.owner.changed.v1").await;
    assert_eq!(told.last().expect("told").reason, "handed_up", "G3.3");
    assert_eq!(world.get_staff("lead-site").await.open_cases, 1);
    assert_eq!(world.get_staff("eng-one").await.open_cases, 0);

    let refused = calm(CalmingMove::Time, "", Some(-1)).await;
    assert_eq!(refused.expect_err("past").code(), Code::InvalidArgument);
    calm(CalmingMove::Time, "", Some(20)).await.expect("ahead");
    let visits = world.visits(&case).await;
    assert_eq!(visits[0].purpose, to_wire(VisitPurpose::Meeting));
    assert_eq!(world.contacts().await.len(), 2, "each is a contact");
    calm(CalmingMove::Place, "", None).await.expect("elsewhere");
    assert_eq!(world.visits(&case).await.len(), visits.len(), "no meeting");
    let spoken = world.contacts().await;
    assert_eq!(spoken.len(), 3);
    let last = spoken.last().expect("said");
    assert!(last.by_person && !last.substantive && last.promised_next_time.is_none());
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    assert_eq!(shown.steps[0].text, "PLACE: the talk became loud");
}

#[tokio::test]
async fn m18_an_invalid_complaint_is_answered_with_reasons_and_appealed_once() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let name = World::name_of(&case);
    let decide = |caller: Caller, validity: Validity, evidence: &[String]| {
        let request = wire::DecideValidityRequest {
            name: World::name_of(&case),
            validity: to_wire(validity),
            reason: "the stain is older than the home".to_owned(),
            evidence: evidence.to_vec(),
            ..Default::default()
        };
        world.validity.decide_validity(by(caller, request))
    };
    let reject = |answer: &str| {
        let request = wire::RejectWorkRequest {
            name: World::name_of(&case),
            answer: answer.to_owned(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        world
            .validity
            .reject_work(by(world.handler("eng-one"), request))
    };
    let refused = reject("no leak was found").await.expect_err("undecided");
    assert_eq!(reason(&refused), "NOT_INVALID");

    // Malicious: a manager's word, with evidence, and never written outward.
    let evidence = [format!("{case}/evidence/{}", case.id)];
    let refused = decide(world.manager(), Validity::Malicious, &evidence).await;
    let refused = refused.expect_err("evidence that does not exist");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let added = event::EvidenceAdded {
        case: case.to_string(),
        evidence: evidence[0].clone(),
    };
    let added = world.event(
        "intake",
        "redress.evidence.added.v1",
        &case.to_string(),
        &added,
    );
    world.tell(&[added]).await;
    let refused = decide(world.handler("eng-one"), Validity::Malicious, &evidence).await;
    assert_eq!(
        refused.expect_err("not theirs").code(),
        Code::PermissionDenied
    );
    let refused = decide(world.manager(), Validity::Malicious, &[]).await;
    assert_eq!(refused.expect_err("unproven").code(), Code::InvalidArgument);
    let elsewhere = ["sites/riverside/cases/x/evidence/y".to_owned()];
    let refused = decide(world.manager(), Validity::Malicious, &elsewhere).await;
    assert_eq!(
        refused.expect_err("not of the case").code(),
        Code::InvalidArgument
    );
    decide(world.manager(), Validity::Malicious, &evidence)
        .await
        .expect("proven");
    let refused = decide(world.handler("eng-one"), Validity::Unfounded, &evidence).await;
    assert!(refused.is_err(), "a lower rank overturns nothing");
    let steps = world.try_get(world.manager(), &case).await.expect("there");
    assert!(
        steps.steps.iter().all(|s| !s.text.contains("MALICIOUS")),
        "the history does not say it"
    );
    let refused = reject("您的投诉属于恶意投诉").await.expect_err("said");
    assert_eq!(refused.code(), Code::InvalidArgument);

    let rejected = reject("经核查未发现渗漏").await.expect("answered");
    let rejected = rejected.into_inner().work.expect("work");
    assert_eq!(rejected.status, to_wire(CaseStatus::Rejected));
    let contacts = world.contacts().await;
    assert!(contacts[0].substantive && contacts[0].by_person);
    let order: Vec<(String,)> =
        sqlx::query_as("SELECT type FROM assignment.outbox ORDER BY id DESC LIMIT 2")
            .fetch_all(&world.database.admin)
            .await
            .expect("read");
    assert_eq!(
        order[0].0, "redress.case.moved.v1",
        "the answer comes first"
    );
    assert_eq!(order[1].0, "redress.contact.recorded.v1");

    // One appeal, decided by somebody else.
    let appeal = || {
        let request = wire::AppealValidityRequest {
            name: name.clone(),
            reason: "the stain is new".to_owned(),
            request_id: String::new(),
        };
        world.validity.appeal_validity(by(world.manager(), request))
    };
    appeal().await.expect("the first");
    let refused = appeal().await.expect_err("the second");
    assert_eq!(reason(&refused), "APPEALED_BEFORE");
    let hear = |caller: Caller| {
        let request = wire::DecideAppealRequest {
            name: name.clone(),
            grant: true,
            validity: to_wire(Validity::ValidA),
            reason: "a second look found the leak".to_owned(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        world.validity.decide_appeal(by(caller, request))
    };
    let refused = hear(world.manager()).await.expect_err("own decision");
    assert_eq!(reason(&refused), "OWN_DECISION");
    let granted = hear(world.above("region")).await.expect("somebody else");
    assert!(granted.into_inner().appeal.expect("it").granted);
    let asked: Vec<event::ReopeningAsked> = world.said("redress.reopening.asked.v1").await;
    assert_eq!(asked[0].reason, "appeal_granted");
    let decided: Vec<event::AppealDecided> = world.said("redress.appeal.decided.v1").await;
    assert_eq!(decided.len(), 1);
    assert!(decided[0].granted && decided[0].case == case.to_string());
    let refused = hear(world.above("region")).await.expect_err("decided");
    assert_eq!(reason(&refused), "NOT_APPEALED");
}

#[tokio::test]
async fn section_5_nothing_is_turned_down_without_evidence_that_the_case_has() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let decide = |validity: Validity, evidence: Vec<String>| {
        let request = wire::DecideValidityRequest {
            name: World::name_of(&case),
            validity: to_wire(validity),
            reason: "the stain is older than the home".to_owned(),
            evidence,
            ..Default::default()
        };
        world.validity.decide_validity(by(world.manager(), request))
    };
    let invalid = [
        Validity::Unfounded,
        Validity::Malicious,
        Validity::OutOfScope,
    ];
    for validity in invalid {
        let refused = decide(validity, Vec::new()).await.expect_err("unproven");
        let details = refused.get_error_details();
        let wrong = details.bad_request().expect("a field");
        assert_eq!(wrong.field_violations[0].field, "evidence", "{validity}");
    }
    decide(Validity::ValidB, Vec::new())
        .await
        .expect("whoever is right proves nothing");
    let piece = world.piece(&case).await;
    for validity in invalid {
        let decided = decide(validity, vec![piece.clone()]).await;
        decided.expect("proven");
    }

    // What an older release decided without evidence turns nothing down either.
    let older = "UPDATE assignment.validity_decision SET validity = 'UNFOUNDED', evidence = '{}'";
    let done = sqlx::query(older).execute(&world.database.admin).await;
    done.expect("as it was");
    let reject = || {
        let request = wire::RejectWorkRequest {
            name: World::name_of(&case),
            answer: "经核查未发现渗漏".to_owned(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.validity.reject_work(by(caller, request))
    };
    let refused = reject().await.expect_err("unproven");
    assert_eq!(reason(&refused), "NOT_INVALID");
    let decided = decide(Validity::Unfounded, vec![piece]).await;
    decided.expect("decided again");
    reject().await.expect("proven");
}

#[tokio::test]
async fn m11_every_text_that_a_customer_is_told_is_held_against_the_wording_rules() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let wrong_field = |refused: Status, field: &str| {
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        let details = refused.get_error_details();
        let violations = &details.bad_request().expect("told").field_violations;
        assert!(
            violations.iter().any(|v| v.field == field),
            "{violations:?}"
        );
    };
    let propose = |change: fn(&mut wire::SolutionTerms)| {
        let mut terms = world.terms(1_000);
        change(&mut terms);
        let request = wire::ProposeSolutionRequest {
            parent: World::name_of(&case),
            terms: Some(terms),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.solutions.propose_solution(by(caller, request))
    };
    let refused = propose(|t| t.summary = "壹分錢壹分貨，修好門即可".to_owned()).await;
    wrong_field(refused.expect_err("said"), "terms.summary");
    let refused = propose(|t| t.remedies[0].text = "这点小事也赔".to_owned()).await;
    wrong_field(refused.expect_err("said"), "terms.remedies[0].text");
    let refused = propose(|t| {
        t.final_offer = Some(wire::FinalOffer {
            ceiling: t.remedies[0].amount.clone(),
            expire_time: t.steps[0].due_time,
            text: "不接受就停水停电催交物业费".to_owned(),
        });
    })
    .await;
    wrong_field(refused.expect_err("said"), "terms.final_offer.text");
    let solution = world.propose(&case, 1_000).await.expect("plain words");
    assert_eq!(solution.state, to_wire(State::AwaitingApproval));

    let request = wire::RejectWorkRequest {
        name: World::name_of(&case),
        answer: "不可能,是您错了,一分钱一分货,不是我们部门的事".to_owned(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let refused = world.validity.reject_work(by(caller, request)).await;
    wrong_field(refused.expect_err("said"), "answer");
    let request = wire::DecideAppealRequest {
        name: World::name_of(&case),
        evidence: vec![world.piece(&case).await],
        reason: "经认定属恶意投诉".to_owned(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    let hears = world.above("region");
    let refused = world.validity.decide_appeal(by(hears, request)).await;
    wrong_field(refused.expect_err("said"), "reason");
    assert!(world.contacts().await.is_empty(), "nothing was kept of it");
}

#[tokio::test]
async fn m10_others_hear_how_much_of_a_solution_may_be_promised_and_not_a_word_of_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let last_said = || async {
        let said: Vec<event::SolutionChanged> = world.said("redress.solution.changed.v1").await;
        let last = said.into_iter().next_back().expect("said");
        let sum = last.sum.expect("a sum").units;
        (last.may_be_promised, sum, last.revision, last.case)
    };
    let name = case.to_string();
    let solution = world.propose(&case, 1_500).await.expect("proposed");
    assert_eq!(last_said().await, (false, 1_500, 1, name.clone()));
    let refused = world.review(world.manager(), &solution, false).await;
    refused.expect("no");
    assert_eq!(last_said().await, (false, 1_500, 2, name.clone()));

    let another = world.propose(&case, 1_800).await.expect("another");
    let approved = world.review(world.manager(), &another, true).await;
    approved.expect("within the limit");
    assert_eq!(last_said().await, (true, 1_800, 2, name.clone()));
    world.tell_solution(&another).await.expect("approved");
    assert_eq!(last_said().await, (true, 1_800, 3, name.clone()));
    world.confirm(&another, Answer::Declined).await.expect("no");
    assert_eq!(last_said().await, (false, 1_800, 4, name));
}

#[tokio::test]
async fn limits_are_data_of_the_site_and_nobody_sets_their_own() {
    let world = World::staffed().await;
    let set = |caller: Caller, level: Level, yuan: i64| {
        let request = wire::SetAuthorityLimitsRequest {
            name: "sites/lakeside".to_owned(),
            limits: vec![wire::AuthorityLimit {
                level: to_wire(level),
                amount: Some(Money {
                    currency_code: "CNY".to_owned(),
                    units: yuan,
                    nanos: 0,
                }),
            }],
        };
        world.solutions.set_authority_limits(by(caller, request))
    };
    let refused = set(world.manager(), Level::SiteManager, 90_000).await;
    assert_eq!(reason(&refused.expect_err("their own")), "ABOVE_LIMIT");
    let refused = set(world.above("organization"), Level::SiteManager, 90_000).await;
    assert_eq!(
        refused.expect_err("more than the region").code(),
        Code::InvalidArgument
    );
    set(world.manager(), Level::Handler, 500)
        .await
        .expect("below");
    let get = |caller: Caller| {
        let request = wire::GetAuthorityLimitsRequest {
            name: "sites/lakeside".to_owned(),
        };
        world.solutions.get_authority_limits(by(caller, request))
    };
    let held = get(world.manager()).await.expect("there").into_inner();
    let held: Vec<(i32, i64)> = held
        .limits
        .iter()
        .map(|l| (l.level, l.amount.as_ref().expect("given").units))
        .collect();
    let expected: [(Level, i64); 4] = [
        (Level::Handler, 500),
        (Level::DepartmentManager, 2_000),
        (Level::SiteManager, 10_000),
        (Level::Region, 50_000),
    ];
    assert_eq!(held, expected.map(|(level, yuan)| (to_wire(level), yuan)));
    let stranger = get(world.caller("riverside", "manager", None)).await;
    assert_eq!(stranger.expect_err("I8").code(), Code::NotFound);
    let case = world.investigated().await;
    let solution = world.propose(&case, 500).await.expect("proposed");
    assert_eq!(solution.required_level, to_wire(Level::Handler));
}

#[tokio::test]
async fn staff_complained_about_find_no_solution_visit_or_decision() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 0).await.expect("proposed");
    let mut facts = world.facts(&case);
    facts.revision = 2;
    facts.staff_complained_about = vec!["sites/lakeside/staff/seller".to_owned()];
    world.tell(&[world.updated(facts)]).await;
    let mut terms = world.terms(0);
    terms.steps[0].owner = "sites/lakeside/staff/seller".to_owned();
    let revise = wire::ReviseSolutionRequest {
        name: solution.name.clone(),
        terms: Some(terms),
        etag: world.solution(&solution.name).await.etag,
        ..Default::default()
    };
    let eng_one = world.handler("eng-one");
    let refused = world.solutions.revise_solution(by(eng_one, revise)).await;
    let refused = refused.expect_err("nobody repairs what a complaint says of them");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("terms.steps[0].owner"),
        "{refused}"
    );
    let concerned = || world.handler("seller");
    let hidden = world
        .review(concerned(), &solution, true)
        .await
        .expect_err("hidden");
    assert_eq!(hidden.code(), Code::NotFound);
    let all = wire::ListSolutionsRequest {
        parent: "sites/lakeside".to_owned(),
        ..Default::default()
    };
    let list = world.solutions.list_solutions(by(concerned(), all)).await;
    assert!(list.expect("listed").into_inner().solutions.is_empty());
    let request = wire::ListVisitsRequest {
        parent: World::name_of(&case),
    };
    let hidden = world.handling.list_visits(by(concerned(), request)).await;
    assert_eq!(hidden.expect_err("hidden").code(), Code::NotFound);
    let request = wire::GetValidityRequest {
        name: World::name_of(&case),
    };
    let hidden = world.validity.get_validity(by(concerned(), request)).await;
    assert_eq!(hidden.expect_err("hidden").code(), Code::NotFound);
}

#[tokio::test]
async fn m07_both_sides_are_heard_on_record_and_the_result_is_told_by_name_before_it_is_done() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("offered");
    // The complainant's side, said back; then the place itself; then the other side.
    let restate = wire::RestateWorkRequest {
        name: World::name_of(&case),
        text: "the ceiling leaks since Monday".to_owned(),
        confirmed: true,
        ..Default::default()
    };
    let restated = world.handling.restate_work(by(handler(), restate)).await;
    restated.expect("said back");
    let visit = world.visit(&case, VisitPurpose::Inspection).await;
    assert_eq!(last(&visit.staff), "eng-one", "who was there is on record");
    let other_side = "the contractor says that the joint was tested in March";
    world
        .progress(handler(), &case, other_side)
        .await
        .expect("in hand");
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    world
        .review(world.manager(), &solution, true)
        .await
        .expect("approved");
    world.tell_solution(&solution).await.expect("told");

    let answer = world.try_get(world.manager(), &case).await.expect("there");
    let kinds: Vec<wire::WorkStepKind> = answer.steps.iter().rev().map(|s| s.kind()).collect();
    let at = |kind| kinds.iter().position(|k| *k == kind).expect("on record");
    let told = [
        wire::WorkStepKind::Restated,
        wire::WorkStepKind::Visited,
        wire::WorkStepKind::Progress,
        wire::WorkStepKind::SolutionReviewed,
        wire::WorkStepKind::SolutionTold,
    ]
    .map(at);
    assert!(told.is_sorted(), "{kinds:?}");
    let contacts = world.contacts().await;
    let result = contacts.last().expect("told");
    assert!(result.substantive && result.by_person);
    assert_eq!(last(&result.staff), "eng-one", "a person tells it, by name");
}

#[tokio::test]
async fn m11_breach_of_duty_and_poor_service_are_told_apart_and_keep_their_evidence() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let evidence = vec![format!("{case}/evidence/{}", case.id)];
    let added = event::EvidenceAdded {
        case: case.to_string(),
        evidence: evidence[0].clone(),
    };
    let subject = case.to_string();
    let added = world.event("intake", "redress.evidence.added.v1", &subject, &added);
    world.tell(&[added]).await;
    for (validity, evidence) in [
        (Validity::ValidB, Vec::new()),
        (Validity::ValidA, evidence.clone()),
    ] {
        let request = wire::DecideValidityRequest {
            name: World::name_of(&case),
            validity: to_wire(validity),
            reason: "as the photos show".to_owned(),
            evidence,
            ..Default::default()
        };
        let decided = world
            .validity
            .decide_validity(by(world.manager(), request))
            .await;
        decided.expect("decided");
    }
    let get = wire::GetValidityRequest {
        name: World::name_of(&case),
    };
    let answer = world.validity.get_validity(by(world.manager(), get)).await;
    let decisions = answer.expect("there").into_inner().decisions;
    let kinds: Vec<i32> = decisions.iter().map(|d| d.validity).collect();
    assert_eq!(
        kinds,
        [to_wire(Validity::ValidA), to_wire(Validity::ValidB)],
        "the newest stands, the one before stays on record"
    );
    assert_eq!(decisions[0].evidence, evidence);
    assert_eq!(decisions[0].decider, "manager");
    // A valid complaint is handled, not turned down.
    let reject = wire::RejectWorkRequest {
        name: World::name_of(&case),
        answer: "no".to_owned(),
        channel: to_wire(Channel::Hotline),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let refused = world.validity.reject_work(by(caller, reject)).await;
    assert_eq!(reason(&refused.expect_err("valid")), "NOT_INVALID");
}
