//! An appeal against a rejection is a promise (M18): whoever may decide it hears of it, and it stands until it is decided.

use jiff::SignedDuration;
use redress_assignment::domain::validity::Validity;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Channel, ClockKind, ClockState, ClockTransition};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::PromiseKind as Kind;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{self as event, DemandState, WorkNews};
use redress_rpc::Caller;
use uuid::Uuid;

use crate::lifecycle::reason;
use crate::wording::fields;
use crate::world::{NowPlus as _, World, by, last};

impl World {
    /// Decides that the complaint is unfounded.
    async fn unfounded(&self, caller: Caller, case: &CaseName) {
        let request = wire::DecideValidityRequest {
            name: Self::name_of(case),
            validity: to_wire(Validity::Unfounded),
            reason: "the stain is older than the home".to_owned(),
            evidence: vec![self.piece(case).await],
            ..Default::default()
        };
        let decided = self.validity.decide_validity(by(caller, request)).await;
        decided.expect("decided");
    }

    /// Turns an unfounded complaint down.
    async fn turned_down(&self, case: &CaseName) {
        let request = wire::RejectWorkRequest {
            name: Self::name_of(case),
            answer: "经核查未发现渗漏".to_owned(),
            channel: to_wire(Channel::Hotline),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let rejected = self.validity.reject_work(by(caller, request)).await;
        rejected.expect("answered");
    }

    /// A case that this caller found unfounded, and whose complainant appealed.
    async fn appealed_against(&self, decider: Caller) -> CaseName {
        let case = self.investigated().await;
        self.unfounded(decider, &case).await;
        self.turned_down(&case).await;
        let request = wire::AppealValidityRequest {
            name: Self::name_of(&case),
            reason: "the stain is new".to_owned(),
            request_id: String::new(),
        };
        let appealed = self.validity.appeal_validity(by(self.manager(), request));
        appealed.await.expect("the first");
        case
    }

    /// The appeals that stand open.
    async fn open_appeals(&self) -> Vec<wire::OpenPromise> {
        let mut open = self.open_promises(self.manager(), "", 50).await;
        open.retain(|promise| promise.kind() == Kind::Appeal);
        open
    }

    async fn appeal_demands(&self) -> Vec<event::DemandChanged> {
        self.said("redress.demand.changed.v1").await
    }
}

#[tokio::test]
async fn m18_an_appeal_is_owed_until_somebody_else_decides_it_and_whoever_may_is_told() {
    let world = World::staffed().await;
    let case = world.appealed_against(world.manager()).await;
    let told = world.notices(WorkNews::AppealAwaits).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].staff, ["sites/lakeside/staff/lead-duty"]);
    assert_eq!(told[0].case, case.to_string());

    let due = to_timestamp(world.clock.now_plus(SignedDuration::from_hours(72)));
    let said = world.appeal_demands().await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].state(), DemandState::Open);
    assert_eq!(said[0].kind, to_wire(ClockKind::Support));
    assert_eq!(said[0].due_time, Some(due));

    // Its clock and it are one promise, though the case has ended.
    let payload = event::ClockChanged {
        clock: format!("sites/lakeside/clocks/{}", Uuid::now_v7()),
        case: case.to_string(),
        kind: to_wire(ClockKind::Support),
        state: to_wire(ClockState::Running),
        transition: to_wire(ClockTransition::Started),
        start_time: said[0].start_time,
        due_time: Some(due),
        transition_time: said[0].start_time,
        generation: 1,
        ..Default::default()
    };
    let subject = case.to_string();
    world
        .tell(&[world.event("triage", "redress.clock.changed.v1", &subject, &payload)])
        .await;
    let open = world.open_promises(world.manager(), "lead-duty", 50).await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].kind(), Kind::Appeal);
    assert_eq!(open[0].due_time, Some(due));
    let all = world.open_promises(world.manager(), "", 50).await;
    let of_case = all.iter().filter(|p| p.case == case.to_string());
    assert_eq!(of_case.count(), 1);

    let dismiss = |evidence: Vec<String>| {
        let request = wire::DecideAppealRequest {
            name: World::name_of(&case),
            reason: "经复核，结论不变".to_owned(),
            channel: to_wire(Channel::Hotline),
            evidence,
            ..Default::default()
        };
        world
            .validity
            .decide_appeal(by(world.above("region"), request))
    };
    let unproven = dismiss(Vec::new()).await.expect_err("nothing proves it");
    assert_eq!(fields(&unproven), ["evidence"]);
    let unknown = format!("{case}/evidence/{}", Uuid::now_v7());
    let unknown = dismiss(vec![unknown]).await.expect_err("no such piece");
    assert_eq!(fields(&unknown), ["evidence[0]"]);
    let proof = vec![world.piece(&case).await];
    let decided = dismiss(proof.clone()).await.expect("heard").into_inner();
    assert!(!decided.appeal.expect("it").granted);
    let get = wire::GetValidityRequest {
        name: World::name_of(&case),
    };
    let answer = world.validity.get_validity(by(world.manager(), get)).await;
    let appeal = answer.expect("there").into_inner().appeal.expect("decided");
    assert_eq!(appeal.evidence, proof, "what it rests on stays on record");
    assert!(world.open_appeals().await.is_empty());
    let said = world.appeal_demands().await;
    assert_eq!(said.len(), 2);
    assert_eq!(said[1].state(), DemandState::Met);
    assert_eq!(said[1].demand, said[0].demand);
}

#[tokio::test]
async fn m18_who_decided_is_not_asked_to_hear_the_appeal_and_a_withdrawal_ends_it() {
    let world = World::staffed().await;
    let decider = world.caller("lakeside", "manager", Some("lead-duty"));
    let case = world.appealed_against(decider).await;
    let told = world.notices(WorkNews::AppealAwaits).await;
    assert_eq!(told[0].staff, ["sites/lakeside/staff/lead-top"]);
    assert_eq!(last(&world.open_appeals().await[0].staff), "lead-top");
    world
        .tell(&[world.moved(&case, CaseStatus::Withdrawn, 2)])
        .await;
    assert!(world.open_appeals().await.is_empty());
    let said = world.appeal_demands().await;
    let states: Vec<_> = said.iter().map(event::DemandChanged::state).collect();
    assert_eq!(states, [DemandState::Open, DemandState::Cancelled]);
}

#[tokio::test]
async fn m18_an_appeal_that_nobody_heard_before_a_reopening_is_owed_anew_by_the_next_rejection() {
    let world = World::staffed().await;
    let case = world.appealed_against(world.manager()).await;
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    assert!(world.open_appeals().await.is_empty(), "it is handled again");
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("theirs");
    let looked = world.progress(handler(), &case, "looked again").await;
    looked.expect("accepted");
    world.turned_down(&case).await;
    assert_eq!(world.open_appeals().await.len(), 1);
    let said = world.appeal_demands().await;
    let states: Vec<_> = said.iter().map(event::DemandChanged::state).collect();
    use DemandState::{Cancelled, Open};
    assert_eq!(states, [Open, Cancelled, Open]);
    assert_ne!(said[2].demand, said[0].demand, "a clock of its own");
    assert_eq!(world.notices(WorkNews::AppealAwaits).await.len(), 2);
}

#[tokio::test]
async fn section_5_who_turned_it_down_anew_does_not_hear_the_appeal_that_was_not_heard_before() {
    let world = World::staffed().await;
    let manager = |staff| world.caller("lakeside", "manager", Some(staff));
    let case = world.appealed_against(manager("lead-duty")).await;
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("theirs");
    let looked = world.progress(handler(), &case, "looked again").await;
    looked.expect("accepted");
    world.unfounded(manager("lead-top"), &case).await;
    world.turned_down(&case).await;
    let told = world.notices(WorkNews::AppealAwaits).await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].staff, ["sites/lakeside/staff/lead-site"]);

    let proof = vec![world.piece(&case).await];
    let dismiss = |caller| {
        let request = wire::DecideAppealRequest {
            name: World::name_of(&case),
            reason: "经复核，结论不变".to_owned(),
            channel: to_wire(Channel::Hotline),
            evidence: proof.clone(),
            ..Default::default()
        };
        world.validity.decide_appeal(by(caller, request))
    };
    for party in ["lead-duty", "lead-top"] {
        let refused = dismiss(manager(party)).await.expect_err("decided it");
        assert_eq!(reason(&refused), "OWN_DECISION", "{party}");
    }
    let decided = dismiss(manager("lead-site")).await.expect("heard");
    assert!(!decided.into_inner().appeal.expect("it").granted);
}
