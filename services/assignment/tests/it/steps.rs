//! What is promised by the steps of a solution: a clock each, from the agreement on (M16, M18), and what is done beside a repair (M12).

use jiff::SignedDuration;
use redress_assignment::domain::solution::{Answer, RemedyKind};
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, ClockKind, ClockState, ClockTransition};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::PromiseKind;
use redress_proto::assignment::v1::solution_service_server::SolutionService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{self as event, DemandState};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::lifecycle::reason;
use crate::world::{NowPlus as _, World, by};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const OUTSIDE: &str = "甲修缮公司";

impl World {
    /// A solution with an own step, one of a party outside, and one that waits for a condition; agreed to.
    async fn agreed_in_steps(&self, case: &CaseName) -> wire::Solution {
        let mut terms = self.terms(800);
        terms.steps.push(wire::SolutionStep {
            text: "regrout the wall".to_owned(),
            outside_party: OUTSIDE.to_owned(),
            due_time: Some(to_timestamp(self.clock.now_plus(HOUR * 72))),
            ..Default::default()
        });
        terms.steps.push(wire::SolutionStep {
            text: "paint the wall".to_owned(),
            outside_party: OUTSIDE.to_owned(),
            condition: "the wall is dry".to_owned(),
            ..Default::default()
        });
        let solution = self.propose_terms(case, terms).await.expect("proposed");
        self.agreed(&solution).await
    }

    /// The same solution once it was approved, told and agreed to.
    async fn agreed(&self, solution: &wire::Solution) -> wire::Solution {
        let approved = self.review(self.manager(), solution, true).await;
        approved.expect("within the limit");
        let told = self.tell_solution(solution).await.expect("approved");
        assert!(self.demands_of_steps().await.is_empty(), "not agreed to");
        self.confirm(&told, Answer::Agreed).await.expect("a yes")
    }

    /// Terms by which own staff repair, in a step each that names these items.
    fn repair(&self, items: [&[&str]; 2]) -> wire::SolutionTerms {
        let mut terms = self.terms(800);
        terms.remedies.push(wire::Remedy {
            kind: to_wire(RemedyKind::Repair),
            text: "seal the joint".to_owned(),
            ..Default::default()
        });
        terms.steps.push(terms.steps[0].clone());
        for (step, items) in terms.steps.iter_mut().zip(items) {
            let item = |text: &&str| wire::ChecklistItem {
                text: (*text).to_owned(),
                ..Default::default()
            };
            step.checklist = items.iter().map(item).collect();
        }
        terms
    }

    async fn complete_checked(
        &self,
        solution: &wire::Solution,
        step: i32,
        checked_items: &[i32],
        text: &str,
    ) -> Result<wire::Solution, Status> {
        let request = wire::CompleteSolutionStepRequest {
            name: solution.name.clone(),
            step,
            checked_items: checked_items.to_vec(),
            text: text.to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self
            .solutions
            .complete_solution_step(by(caller, request))
            .await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    /// The complainant's no to what was agreed to, or ours.
    pub(crate) async fn take_back(
        &self,
        solution: &wire::Solution,
        etag: &str,
        note: &str,
    ) -> Result<wire::Solution, Status> {
        let request = wire::ConfirmSolutionRequest {
            name: solution.name.clone(),
            answer: to_wire(Answer::Declined),
            note: note.to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.solutions.confirm_solution(by(caller, request)).await?;
        Ok(answer.into_inner().solution.expect("a solution"))
    }

    /// What was said of the clocks of steps, beside those of approvals, which have a day.
    async fn demands_of_steps(&self) -> Vec<event::DemandChanged> {
        let mut said: Vec<event::DemandChanged> = self.said("redress.demand.changed.v1").await;
        said.retain(|demand| {
            let seconds = |time: &Option<prost_types::Timestamp>| time.expect("given").seconds;
            seconds(&demand.due_time) - seconds(&demand.start_time) != 24 * 3_600
        });
        said
    }
}

#[tokio::test]
async fn m16_m18_each_timed_step_of_an_agreed_solution_runs_a_clock_that_its_completion_meets() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.agreed_in_steps(&case).await;
    let told = world.demands_of_steps().await;
    let seen: Vec<_> = told
        .iter()
        .map(|d| (d.state(), d.kind, d.party.as_str(), d.due_time))
        .collect();
    let due = |hours| Some(to_timestamp(world.clock.now_plus(HOUR * hours)));
    let support = to_wire(ClockKind::Support);
    assert_eq!(
        seen,
        [
            (DemandState::Open, support, "", due(48)),
            (DemandState::Open, support, OUTSIDE, due(72)),
        ],
        "own and outside; what waits for a condition has no time"
    );
    assert!(told.iter().all(|d| d.case == case.to_string()));
    assert!(told.iter().all(|d| d.start_time == solution.answer_time));
    assert_ne!(told[0].demand, told[1].demand, "a clock each");

    world.clock.advance(HOUR);
    for _ in 0..2 {
        world.complete(&solution).await.expect("agreed to");
    }
    let told = world.demands_of_steps().await;
    assert_eq!(told.len(), 3, "done once");
    assert_eq!(
        (told[2].state(), &told[2].demand),
        (DemandState::Met, &told[0].demand)
    );
    let now = to_timestamp(world.clock.now_plus(SignedDuration::ZERO));
    assert_eq!(told[2].met_time, Some(now));
}

#[tokio::test]
async fn p06_a_withdrawal_or_a_reopening_ends_the_clocks_of_steps_that_are_not_done() {
    for status in [CaseStatus::Withdrawn, CaseStatus::Reopened] {
        let world = World::staffed().await;
        let case = world.investigated().await;
        let solution = world.agreed_in_steps(&case).await;
        world.complete(&solution).await.expect("agreed to");
        let before = world.demands_of_steps().await;
        let moved = world.moved(&case, status, 2);
        for _ in 0..2 {
            world.deliver(&moved).await;
        }
        let after = world.demands_of_steps().await;
        let ended: Vec<_> = after[before.len()..]
            .iter()
            .map(|d| (d.state(), d.demand.as_str()))
            .collect();
        let open = before[1].demand.as_str();
        assert_eq!(ended, [(DemandState::Cancelled, open)], "{status}");
        let mut left = world.open_promises(world.manager(), "", 0).await;
        left.retain(|promise| promise.kind() == PromiseKind::SolutionStep);
        assert!(left.is_empty(), "{status}: nobody carries it out any more");
    }
}

#[tokio::test]
async fn m18_what_was_agreed_to_and_cannot_be_carried_out_is_investigated_again_with_its_reason() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.agreed_in_steps(&case).await;
    world.complete(&solution).await.expect("agreed to");
    let refused = world.propose(&case, 1_500).await.expect_err("agreed to");
    assert_eq!(reason(&refused), "ILLEGAL_SOLUTION_STEP");
    assert!(refused.message().contains("DECLINED"), "{refused}");
    let seen = world.solution(&solution.name).await;
    let told = world.demands_of_steps().await.len();
    for (etag, note, wrong) in [("", "why", "etag"), (seen.etag.as_str(), " ", "note")] {
        let refused = world.take_back(&solution, etag, note).await;
        assert_eq!(field(&refused.expect_err("unread or unsaid")), wrong);
    }
    let stale = world.take_back(&solution, &solution.etag, "why").await;
    assert_eq!(stale.expect_err("a step is done").code(), Code::Aborted);

    let why = "the contractor is insolvent";
    let declined = world.take_back(&solution, &seen.etag, why).await;
    let declined = declined.expect("a no is taken at any time");
    assert_eq!(declined.state(), wire::SolutionState::Declined);
    let said = (declined.answer(), declined.answer_time);
    let agreed = (wire::SolutionAnswer::Agreed, solution.answer_time);
    assert_eq!(said, agreed, "what was said stays");
    let shown = world.try_get(world.manager(), &case).await.expect("there");
    let work = shown.work.expect("work");
    assert_eq!(work.status, to_wire(CaseStatus::Investigating));
    assert_eq!(shown.steps[0].text, format!("DECLINED after AGREED: {why}"));
    let moved: Vec<event::CaseMoved> = world.said("redress.case.moved.v1").await;
    let last = moved.last().map(|m| m.status);
    assert_eq!(last, Some(to_wire(CaseStatus::Investigating)));
    let ended: Vec<_> = world.demands_of_steps().await[told..]
        .iter()
        .map(|d| (d.state(), d.party.clone()))
        .collect();
    let open = (DemandState::Cancelled, OUTSIDE.to_owned());
    assert_eq!(ended, [open], "what is done is done");
    let promised: Vec<event::SolutionChanged> = world.said("redress.solution.changed.v1").await;
    assert!(!promised.last().expect("told").may_be_promised);

    // Another takes its place, approved and agreed to anew; the sum of the first counts still.
    let again = world.complete(&solution).await.expect_err("it is over");
    assert_eq!(reason(&again), "ILLEGAL_SOLUTION_STEP");
    let other = world.propose(&case, 1_500).await.expect("proposed");
    let site = to_wire(redress_assignment::domain::authority::Level::SiteManager);
    assert_eq!(other.required_level, site, "800 and 1,500");
    let approved = world.review(world.manager(), &other, true).await;
    approved.expect("within the limit");
    let told = world.tell_solution(&other).await.expect("approved");
    world.confirm(&told, Answer::Agreed).await.expect("a yes");
    world.complete(&told).await.expect("agreed to");
    let resolved = world.resolve(world.handler("eng-one"), &case).await;
    resolved.expect("carried out");
}

#[tokio::test]
async fn m18_a_case_whose_merge_was_undone_does_not_wait_for_a_solution_of_before() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let solution = world.agreed_in_steps(&case).await;
    for (status, epoch) in [(CaseStatus::Merged, 2), (CaseStatus::Resolving, 3)] {
        world.tell(&[world.moved(&case, status, epoch)]).await;
    }
    let outdated = world.complete(&solution).await;
    let outdated = outdated.expect_err("of a former round");
    assert_eq!(reason(&outdated), "ILLEGAL_SOLUTION_STEP");
    let seen = world.solution(&solution.name).await;
    let declined = world
        .take_back(&solution, &seen.etag, "it was merged")
        .await;
    declined.expect("a no is taken at any time");
    world.propose(&case, 800).await.expect("another");
}

#[tokio::test]
async fn m12_a_promised_step_is_listed_once_beside_its_clock() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.agreed_in_steps(&case).await;
    let step = world.demands_of_steps().await.remove(0);
    let payload = event::ClockChanged {
        clock: format!("sites/lakeside/clocks/{}", Uuid::now_v7()),
        case: case.to_string(),
        kind: step.kind,
        state: to_wire(ClockState::Running),
        transition: to_wire(ClockTransition::Started),
        start_time: step.start_time,
        due_time: step.due_time,
        transition_time: step.start_time,
        generation: 1,
        ..Default::default()
    };
    let subject = case.to_string();
    let started = world.event("triage", "redress.clock.changed.v1", &subject, &payload);
    world.tell(&[started]).await;
    let promises = world.open_promises(world.manager(), "", 0).await;
    let at_its_time = promises.iter().filter(|p| p.due_time == step.due_time);
    let kinds: Vec<PromiseKind> = at_its_time.map(wire::OpenPromise::kind).collect();
    assert_eq!(kinds, [PromiseKind::SolutionStep]);
}

fn field(refused: &Status) -> String {
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let violations = &details.bad_request().expect("told").field_violations;
    violations[0].field.clone()
}

/// The items of the checklists of a solution, step by step.
fn items(solution: &wire::Solution) -> Vec<Vec<&str>> {
    let terms = solution.terms.as_ref().expect("terms");
    terms
        .steps
        .iter()
        .map(|step| step.checklist.iter().map(|i| i.text.as_str()).collect())
        .collect()
}

#[tokio::test]
async fn m12_a_repair_by_own_staff_is_done_with_its_checklist_ticked_or_a_reason() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let terms = world.repair([&[], &[]]);
    let proposed = world.propose_terms(&case, terms).await.expect("proposed");
    let agreed = world.agreed(&proposed).await;
    let shipped = items(&agreed)[0].len();
    assert!(shipped >= 3, "the shipped list");
    assert_eq!(items(&agreed)[1].len(), shipped, "in every step");
    let not_all: [(&[i32], &str); 3] = [(&[], ""), (&[1], " "), (&[1, 2], "\u{200b}")];
    for (checked, unsaid) in not_all {
        let open = world.complete_checked(&agreed, 1, checked, unsaid).await;
        let open = open.expect_err("not all of it is ticked");
        assert_eq!(reason(&open), "CHECKLIST_OPEN");
    }
    let beyond = world.complete_checked(&agreed, 1, &[20], "").await;
    assert_eq!(field(&beyond.expect_err("no such item")), "checked_items");
    let kept = world.solution(&agreed.name).await;
    let steps = kept.terms.expect("terms").steps;
    assert!(steps[0].done_time.is_none(), "a refusal does nothing");
    assert!(steps[0].checklist.iter().all(|i| i.tick_time.is_none()));

    let all: Vec<i32> = (1..).take(shipped).collect();
    let done = world.complete_checked(&agreed, 1, &all, "").await;
    done.expect("everything is ticked");
    let other = world.complete_checked(&agreed, 2, &[1], "the home is empty");
    other.await.expect("with its reason");
    let kept = world.solution(&agreed.name).await;
    assert!(!kept.tampered, "ticks are no terms");
    let steps = kept.terms.expect("terms").steps;
    let ticked = |step: usize| {
        let items = steps[step].checklist.iter();
        items.filter(|i| i.tick_time.is_some()).count()
    };
    assert_eq!((ticked(0), ticked(1)), (shipped, 1));
    assert!(steps[0].checklist.iter().all(|i| !i.ticked_by.is_empty()));
    assert!(steps[1].done_time.is_some());
}

#[tokio::test]
async fn m12_items_that_a_repair_names_take_the_place_of_the_shipped_ones_and_may_be_revised() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let named = world.repair([&[], &["cover the floor", "clean up"]]);
    let proposed = world.propose_terms(&case, named.clone()).await;
    let proposed = proposed.expect("proposed");
    let expected = [vec![], vec!["cover the floor", "clean up"]];
    assert_eq!(items(&proposed), expected, "where they are named");
    assert_eq!(items(&world.solution(&proposed.name).await), expected);

    // The terms stay as they were; what is done beside them does not.
    let mut other = named.clone();
    other.steps[1].checklist.remove(0);
    let revise = wire::ReviseSolutionRequest {
        name: proposed.name.clone(),
        terms: Some(other),
        etag: proposed.etag.clone(),
        ..Default::default()
    };
    let caller = world.handler("eng-one");
    let revised = world.solutions.revise_solution(by(caller, revise)).await;
    let revised = revised.expect("not told yet").into_inner().solution;
    assert_eq!(revised.expect("a solution").digest, proposed.digest);
    let kept = world.solution(&proposed.name).await;
    assert_eq!(items(&kept), [vec![], vec!["clean up"]]);

    // Whoever orders a repair from outside has the checklist of the order.
    let mut outside = named.clone();
    outside.remedies[1].outside_party = OUTSIDE.to_owned();
    let refused = world.propose_terms(&case, outside).await;
    let refused = refused.expect_err("no repair by staff");
    assert_eq!(field(&refused), "terms.steps[1].checklist");
    let mut unnamed = world.repair([&[], &[]]);
    unnamed.remedies[1].outside_party = OUTSIDE.to_owned();
    let outside = world.propose_terms(&case, unnamed).await.expect("proposed");
    assert!(items(&outside).iter().all(Vec::is_empty));
}
