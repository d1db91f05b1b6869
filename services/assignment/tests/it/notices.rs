//! Who hears of what happens to the work: approvers, authors, givers of hand-overs, lenders; and who appears where nobody was
//! named to a position.

use jiff::SignedDuration;
use redress_assignment::jobs::{end_loans, expire_handovers};
use redress_model::name::CaseName;
use redress_model::time::SharedClock;
use redress_model::words::{CaseMode, Category, ClockState, ClockTransition, DutyRole};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_service_server::RosterService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{self as event, WorkNews, WorkNoticed, WorkSummoned};
use uuid::Uuid;

use crate::world::{NowPlus as _, World, by, last};

impl World {
    /// What was noticed: the news, and who hears of it.
    async fn noticed(&self) -> Vec<(WorkNews, Vec<String>)> {
        let said = self.said::<WorkNoticed>("redress.work.noticed.v1").await;
        let people = |n: &WorkNoticed| n.staff.iter().map(|s| last(s).to_owned()).collect();
        said.iter().map(|n| (n.news(), people(n))).collect()
    }

    /// Lets a person act under this account.
    pub(crate) async fn account(&self, staff: &str) {
        let request = wire::UpdateStaffRequest {
            staff: Some(wire::Staff {
                name: format!("sites/lakeside/staff/{staff}"),
                account: staff.to_owned(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["account".to_owned()],
            }),
            ..Default::default()
        };
        let answer = self.roster.update_staff(by(self.manager(), request)).await;
        answer.expect("kept");
    }

    async fn hand_over(&self, case: &CaseName, to: &str) {
        let request = wire::OfferHandoverRequest {
            name: Self::name_of(case),
            staff: format!("sites/lakeside/staff/{to}"),
            limit: Some(prost_types::Duration {
                seconds: 600,
                nanos: 0,
            }),
            ..Default::default()
        };
        let caller = self.handler("eng-one");
        self.staffing
            .offer_handover(by(caller, request))
            .await
            .expect("offered");
    }

    fn crowd(&self, case: &CaseName, people: i32) -> redress_events::Event {
        let payload = event::CaseGraded {
            case: case.to_string(),
            grade: 2,
            category: to_wire(Category::EngineeringQuality),
            revision: 1,
            epoch: 1,
            mode: to_wire(CaseMode::Live),
            complainants: people,
            cluster_complainants: people,
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.case.graded.v1", &subject, &payload)
    }
}

#[tokio::test]
async fn m10_m18_whoever_may_approve_is_told_and_the_author_gets_the_decision() {
    let world = World::staffed().await;
    world.account("eng-one").await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    world
        .review(world.manager(), &solution, true)
        .await
        .expect("approved");
    let told = world.noticed().await;
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            (WorkNews::SolutionAwaits, names(&["lead-site"])),
            (WorkNews::SolutionApproved, names(&["eng-one"])),
        ]
    );
    let said = world.said::<WorkNoticed>("redress.work.noticed.v1").await;
    assert_eq!(said[0].resource, solution.name);
    assert_eq!(said[0].case, case.to_string());
}

#[tokio::test]
async fn m10_what_climbs_is_told_one_level_up_and_a_refusal_goes_back() {
    let world = World::staffed().await;
    world.account("eng-one").await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 9_000).await.expect("proposed");
    assert_eq!(world.noticed().await.last().expect("told").1, ["lead-duty"]);
    let grave = event::CaseGraded {
        case: case.to_string(),
        grade: 1,
        category: to_wire(Category::EngineeringQuality),
        revision: 2,
        epoch: 1,
        mode: to_wire(CaseMode::Live),
        ..Default::default()
    };
    let subject = case.to_string();
    world
        .tell(&[world.event("triage", "redress.case.graded.v1", &subject, &grave)])
        .await;
    let told = world.noticed().await;
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[1],
        (WorkNews::SolutionAwaits, vec!["lead-top".to_owned()])
    );
    world
        .review(world.above("region"), &solution, false)
        .await
        .expect("refused");
    let told = world.noticed().await;
    assert_eq!(
        told[2],
        (WorkNews::SolutionRefused, vec!["eng-one".to_owned()])
    );
}

#[tokio::test]
async fn m10_the_author_is_never_asked_and_the_next_one_up_is() {
    let world = World::staffed().await;
    world.account("eng-one").await;
    // The author leads the site, too.
    let duties = [
        (DutyRole::Handler, "eng-one"),
        (DutyRole::OnSiteLead, "eng-one"),
        (DutyRole::DutyLead, "lead-duty"),
    ];
    world.duties(&duties).await.expect("set");
    let case = world.investigated().await;
    world.propose(&case, 1_000).await.expect("proposed");
    assert_eq!(
        world.noticed().await,
        [(WorkNews::SolutionAwaits, vec!["lead-duty".to_owned()])]
    );
}

#[tokio::test]
async fn m10_where_the_author_is_the_only_one_above_the_highest_other_lead_is_asked() {
    let world = World::staffed().await;
    world.account("eng-one").await;
    let duties = [
        (DutyRole::Handler, "eng-one"),
        (DutyRole::OnSiteLead, "lead-site"),
        (DutyRole::TopLead, "eng-one"),
    ];
    world.duties(&duties).await.expect("set");
    let case = world.investigated().await;
    world.propose(&case, 60_000).await.expect("proposed");
    assert_eq!(
        world.noticed().await,
        [(WorkNews::SolutionAwaits, vec!["lead-site".to_owned()])]
    );
}

#[tokio::test]
async fn m10_what_nobody_approves_in_time_climbs_once_and_is_owed_until_it_is_reviewed() {
    let world = World::staffed().await;
    world.account("eng-one").await;
    let case = world.investigated().await;
    let solution = world.propose(&case, 1_000).await.expect("proposed");
    let owed = async |staff: &str| {
        let mut open = world.open_promises(world.manager(), staff, 0).await;
        open.retain(|promise| promise.kind() == wire::PromiseKind::Solution);
        open
    };
    let open = owed("lead-site").await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].resource, solution.name);
    let due = to_timestamp(world.clock.now_plus(SignedDuration::from_hours(24)));
    assert_eq!(open[0].due_time, Some(due));
    let demands = async || {
        let said = world.said::<event::DemandChanged>("redress.demand.changed.v1");
        said.await
    };
    let demand = demands().await.remove(0);
    assert_eq!(demand.state(), event::DemandState::Open);
    assert_eq!(demand.due_time, Some(due));

    let news = |(state, transition): (ClockState, ClockTransition)| {
        let payload = event::ClockChanged {
            clock: format!(
                "sites/lakeside/clocks/{}",
                Uuid::from_u128(case.id.as_u128() ^ 1)
            ),
            case: case.to_string(),
            kind: demand.kind,
            state: to_wire(state),
            transition: to_wire(transition),
            start_time: demand.start_time,
            due_time: Some(due),
            transition_time: Some(to_timestamp(world.clock.now_plus(SignedDuration::ZERO))),
            generation: 1,
            ..Default::default()
        };
        let subject = case.to_string();
        world.event("triage", "redress.clock.changed.v1", &subject, &payload)
    };
    let breached = (ClockState::Breached, ClockTransition::Breached);
    world.tell(&[news(breached)]).await;
    assert_eq!(
        world.noticed().await.len(),
        1,
        "another clock, before its time"
    );
    world.clock.advance(SignedDuration::from_hours(24));
    for _ in 0..2 {
        world.tell(&[news(breached)]).await;
    }
    assert_eq!(
        world.noticed().await[1..],
        [(WorkNews::SolutionAwaits, vec!["lead-duty".to_owned()])],
        "one level up, once"
    );
    assert!(owed("lead-site").await.is_empty());
    assert_eq!(owed("lead-duty").await.len(), 1, "once beside its clock");
    let all = world.open_promises(world.manager(), "", 0).await;
    let at_its_time = all.iter().filter(|p| p.due_time == Some(due));
    assert_eq!(at_its_time.count(), 1);

    let approved = world.review(world.manager(), &solution, true).await;
    approved.expect("the first level may still decide");
    assert!(owed("").await.is_empty());
    let said = demands().await;
    assert_eq!(said.len(), 2);
    assert_eq!(said[1].demand, demand.demand);
    assert_eq!(said[1].state(), event::DemandState::Met);
}

#[tokio::test]
async fn m12_a_hand_over_that_comes_to_nothing_is_told_to_the_giver_and_the_lead() {
    let world = World::staffed().await;
    let clock: SharedClock = world.clock.clone();
    let case = world.investigated().await;
    world.hand_over(&case, "eng-two").await;
    let decline = wire::DeclineHandoverRequest {
        name: World::name_of(&case),
        reason: "on leave from tomorrow".to_owned(),
        ..Default::default()
    };
    let caller = world.handler("eng-two");
    world
        .staffing
        .decline_handover(by(caller, decline))
        .await
        .expect("declined");
    world.hand_over(&case, "eng-two").await;
    world.clock.advance(SignedDuration::from_mins(11));
    let ended = expire_handovers::expire_due(&world.database.db, &clock).await;
    assert_eq!(ended.expect("looked"), 1);
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        world.noticed().await,
        [
            (WorkNews::HandoverDeclined, names(&["eng-one", "lead-site"])),
            (
                WorkNews::HandoverExpired,
                names(&["eng-one", "eng-two", "lead-site"])
            ),
        ]
    );
}

#[tokio::test]
async fn m13_a_loan_is_told_when_it_begins_and_once_when_it_ends() {
    let world = World::staffed().await;
    let clock: SharedClock = world.clock.clone();
    let until = world.clock.now_plus(SignedDuration::from_hours(8));
    let borrow = wire::BorrowStaffRequest {
        parent: "sites/lakeside".to_owned(),
        loan: Some(wire::Loan {
            staff: "sites/lakeside/staff/eng-one".to_owned(),
            department: "sites/lakeside/departments/sales".to_owned(),
            end_time: Some(to_timestamp(until)),
            ..Default::default()
        }),
        ..Default::default()
    };
    world
        .staffing
        .borrow_staff(by(world.manager(), borrow))
        .await
        .expect("lent");
    let tell = || end_loans::tell_ended(&world.database.db, &clock);
    assert_eq!(tell().await.expect("looked"), 0, "it lasts");
    world.clock.advance(SignedDuration::from_hours(9));
    assert_eq!(tell().await.expect("looked"), 1);
    assert_eq!(tell().await.expect("looked"), 0, "told once");
    let people = vec!["eng-one".to_owned(), "lead-site".to_owned()];
    assert_eq!(
        world.noticed().await,
        [
            (WorkNews::LoanBegan, people.clone()),
            (WorkNews::LoanEnded, people)
        ]
    );
}

#[tokio::test]
async fn m09_m10_where_nobody_was_named_to_a_position_the_leads_on_duty_appear() {
    let world = World::staffed().await;
    let summoned = async || {
        let said = world.said::<WorkSummoned>("redress.work.summoned.v1").await;
        let who = |s: &WorkSummoned| (last(&s.staff).to_owned(), s.position.clone());
        said.iter().map(who).collect::<Vec<_>>()
    };
    let case = world.new_case();
    world
        .tell(&[world.received(world.facts(&case)), world.crowd(&case, 3)])
        .await;
    let pair = |staff: &str, position: &str| (staff.to_owned(), position.to_owned());
    assert_eq!(
        summoned().await,
        [
            pair("lead-site", "DEPARTMENT_MANAGER"),
            pair("lead-duty", "VICE_PRESIDENT")
        ]
    );
    let crowd = world.new_case();
    world
        .tell(&[world.received(world.facts(&crowd)), world.crowd(&crowd, 10)])
        .await;
    assert_eq!(
        summoned().await.last(),
        Some(&pair("lead-top", "COMPANY_HEAD"))
    );
    // Where the case complains about all of them, whom the region names does, once.
    world.name_region_contact().await;
    let before = summoned().await.len();
    let accusing = world.new_case();
    let received = world.received(world.accusing(&accusing));
    world.tell(&[received, world.crowd(&accusing, 10)]).await;
    assert_eq!(
        summoned().await.split_off(before),
        [pair("region", "DEPARTMENT_MANAGER")]
    );
}
