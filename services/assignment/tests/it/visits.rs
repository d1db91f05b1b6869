//! A planned visit is owed: a clock runs on it until it is made, cancelled, or the case ends (section 6).

use jiff::SignedDuration;
use redress_assignment::domain::handling::CalmingMove;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Channel, ClockKind, ClockState, ClockTransition};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::PromiseKind as Kind;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{self as event, DemandState};
use tonic::Status;
use uuid::Uuid;

use crate::lifecycle::reason;
use crate::staffing::on_leave;
use crate::wording::fields;
use crate::world::{NowPlus as _, World, by, last};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl World {
    async fn plan(&self, case: &CaseName, hours: i32, in_place_of: &str) -> wire::Visit {
        let request = wire::PlanVisitRequest {
            name: Self::name_of(case),
            purpose: wire::VisitPurpose::Inspection.into(),
            plan_time: Some(to_timestamp(self.clock.now_plus(HOUR * hours))),
            in_place_of: in_place_of.to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.handling.plan_visit(by(caller, request)).await;
        answer.expect("planned").into_inner().visit.expect("it")
    }

    /// Plans that this person goes, or whoever is responsible.
    async fn plan_for(
        &self,
        case: &CaseName,
        staff: &str,
        hours: i32,
    ) -> Result<wire::Visit, Status> {
        let staff = Some(staff).filter(|id| !id.is_empty());
        let request = wire::PlanVisitRequest {
            name: Self::name_of(case),
            purpose: wire::VisitPurpose::Inspection.into(),
            plan_time: Some(to_timestamp(self.clock.now_plus(HOUR * hours))),
            staff: staff.map_or_else(String::new, |id| format!("sites/lakeside/staff/{id}")),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.handling.plan_visit(by(caller, request)).await?;
        Ok(answer.into_inner().visit.expect("it"))
    }

    async fn cancel(&self, case: &CaseName, visit: &str) -> Result<wire::Visit, Status> {
        let request = wire::CancelVisitRequest {
            name: Self::name_of(case),
            visit_id: visit.to_owned(),
            reason: "the neighbour has the key".to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.handling.cancel_visit(by(caller, request)).await?;
        Ok(answer.into_inner().visit.expect("it"))
    }

    async fn make(&self, case: &CaseName, visit: &str) -> Result<wire::Visit, Status> {
        let request = wire::RecordVisitRequest {
            name: Self::name_of(case),
            visit_id: visit.to_owned(),
            findings: "water at the joint".to_owned(),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        let answer = self.handling.record_visit(by(caller, request)).await?;
        Ok(answer.into_inner().visit.expect("it"))
    }

    async fn demands_of_visits(&self) -> Vec<event::DemandChanged> {
        self.said("redress.demand.changed.v1").await
    }

    async fn planned_visits(&self) -> usize {
        let open = self.open_promises(self.manager(), "", 0).await;
        open.iter().filter(|p| p.kind() == Kind::Visit).count()
    }
}

fn seen(demands: &[event::DemandChanged]) -> Vec<(&str, DemandState)> {
    demands
        .iter()
        .map(|d| (d.demand.as_str(), d.state()))
        .collect()
}

#[tokio::test]
async fn m16_a_planned_visit_runs_a_clock_until_it_is_made() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let start = to_timestamp(world.clock.now_plus(SignedDuration::ZERO));
    // What is recorded once it was made has a while after its time.
    let due = to_timestamp(world.clock.now_plus(HOUR * 7));
    let visit = world.plan(&case, 5, "").await;
    let told = world.demands_of_visits().await;
    assert_eq!(seen(&told), [(visit.visit_id.as_str(), DemandState::Open)]);
    assert_eq!(told[0].kind, to_wire(ClockKind::Support));
    assert_eq!(told[0].case, case.to_string());
    assert_eq!(
        (told[0].start_time, told[0].due_time),
        (Some(start), Some(due))
    );

    world.clock.advance(HOUR * 5);
    let made = to_timestamp(world.clock.now_plus(SignedDuration::ZERO));
    for _ in 0..2 {
        world.make(&case, &visit.visit_id).await.expect("planned");
    }
    let told = world.demands_of_visits().await;
    assert_eq!(told.len(), 2, "made once");
    assert_eq!(told[1].demand, visit.visit_id);
    assert_eq!(told[1].state(), DemandState::Met);
    assert_eq!(told[1].met_time, Some(made));
    assert_eq!(told[1].due_time, Some(due));
}

#[tokio::test]
async fn section_7_nobody_complained_about_is_named_to_visit_or_hears_of_it() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let facts = event::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/seller".to_owned()],
        revision: 2,
        ..world.facts(&case)
    };
    world.tell(&[world.updated(facts)]).await;
    for wrong in ["seller", "nobody"] {
        let refused = world.plan_for(&case, wrong, 5).await;
        let refused = refused.expect_err("may not handle the case");
        assert_eq!(fields(&refused), ["staff"], "{wrong}");
    }
    assert!(world.visits(&case).await.is_empty());
    let told = world
        .said::<event::PartChanged>("redress.part.changed.v1")
        .await;
    assert!(told.iter().all(|part| last(&part.staff) != "seller"));
    let visit = world.plan_for(&case, "eng-two", 5).await;
    assert_eq!(last(&visit.expect("may").staff), "eng-two");
}

#[tokio::test]
async fn p14_no_visit_and_no_put_off_talk_falls_to_somebody_on_leave_then_though_nobody_is_named() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    on_leave(&world, "eng-one", 2, 24).await;
    let talk = |hours: i32| {
        let request = wire::CalmComplainantRequest {
            name: World::name_of(&case),
            r#move: to_wire(CalmingMove::Time),
            meeting_time: Some(to_timestamp(world.clock.now_plus(HOUR * hours))),
            reason: "the talk became loud".to_owned(),
            channel: to_wire(Channel::FrontDesk),
            ..Default::default()
        };
        let caller = world.handler("eng-one");
        world.handling.calm_complainant(by(caller, request))
    };
    let refused = world.plan_for(&case, "", 5).await.expect_err("away");
    assert_eq!(reason(&refused), "ON_LEAVE");
    let refused = talk(5).await.expect_err("away");
    assert_eq!(reason(&refused), "ON_LEAVE");
    let told = refused.message();
    assert!(told.contains("legal now: name another time"), "{told}");
    assert!(world.visits(&case).await.is_empty());
    let other = world.plan_for(&case, "eng-two", 5).await;
    assert_eq!(last(&other.expect("there").staff), "eng-two");
    for hours in [1, 25] {
        let visit = world.plan_for(&case, "", hours).await;
        assert_eq!(last(&visit.expect("there then").staff), "eng-one");
        talk(hours).await.expect("there then");
    }
    assert_eq!(world.visits(&case).await.len(), 5);
}

#[tokio::test]
async fn m16_a_visit_that_nobody_planned_owes_nothing() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let before = world.demands_of_visits().await.len();
    let purpose = redress_assignment::domain::handling::VisitPurpose::Inspection;
    world.visit(&case, purpose).await;
    assert_eq!(world.demands_of_visits().await.len(), before);
}

#[tokio::test]
async fn m16_a_visit_that_is_moved_or_cancelled_ends_its_clock() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let first = world.plan(&case, 5, "").await.visit_id;
    // Ahead, and off: either way it is another promise.
    let second = world.plan(&case, 2, &first).await.visit_id;
    let told = world.demands_of_visits().await;
    assert_eq!(
        seen(&told)[1..],
        [
            (first.as_str(), DemandState::Cancelled),
            (second.as_str(), DemandState::Open)
        ]
    );
    let due = to_timestamp(world.clock.now_plus(HOUR * 4));
    assert_eq!(told[2].due_time, Some(due));
    assert_eq!(world.planned_visits().await, 1);

    for _ in 0..2 {
        let visit = world.cancel(&case, &second).await.expect("planned");
        assert_eq!(visit.state(), wire::VisitState::Cancelled);
    }
    let told = world.demands_of_visits().await;
    assert_eq!(
        seen(&told)[3..],
        [(second.as_str(), DemandState::Cancelled)]
    );
    assert_eq!(world.planned_visits().await, 0);
    let refused = world.make(&case, &second).await.expect_err("cancelled");
    assert_eq!(reason(&refused), "VISIT_ENDED");

    let third = world.plan(&case, 1, "").await.visit_id;
    world.make(&case, &third).await.expect("planned");
    let refused = world.cancel(&case, &third).await.expect_err("made");
    assert_eq!(reason(&refused), "VISIT_ENDED");
}

#[tokio::test]
async fn p06_the_end_of_a_case_cancels_what_was_planned_and_a_reopening_does_not_bring_it_back() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    let visit = world.plan(&case, 5, "").await.visit_id;
    let withdrawn = world.moved(&case, CaseStatus::Withdrawn, 2);
    for _ in 0..2 {
        world.deliver(&withdrawn).await;
    }
    let told = world.demands_of_visits().await;
    assert_eq!(
        seen(&told),
        [
            (visit.as_str(), DemandState::Open),
            (visit.as_str(), DemandState::Cancelled)
        ]
    );
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 3)])
        .await;
    assert_eq!(world.planned_visits().await, 0);
    let kept = world.visits(&case).await;
    assert_eq!(kept[0].state(), wire::VisitState::Cancelled);
}

#[tokio::test]
async fn m12_a_planned_visit_is_listed_once_beside_its_clock() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.plan(&case, 5, "").await;
    let demand = world.demands_of_visits().await.remove(0);
    let payload = event::ClockChanged {
        clock: format!("sites/lakeside/clocks/{}", Uuid::now_v7()),
        case: case.to_string(),
        kind: demand.kind,
        state: to_wire(ClockState::Running),
        transition: to_wire(ClockTransition::Started),
        start_time: demand.start_time,
        due_time: demand.due_time,
        transition_time: demand.start_time,
        generation: 1,
        ..Default::default()
    };
    let subject = case.to_string();
    let started = world.event("triage", "redress.clock.changed.v1", &subject, &payload);
    world.tell(&[started]).await;
    let open = world.open_promises(world.manager(), "", 0).await;
    let kinds: Vec<Kind> = open.iter().map(wire::OpenPromise::kind).collect();
    assert_eq!(kinds, [Kind::Visit]);
}
