//! Agency stores (M17), told as what happens at one: five working days, then the company centre; the written report; what is
//! booked and by which policy; exposures that nobody clarified.

use jiff::SignedDuration;
use redress_assignment::domain::handling::{CalmingMove, Ending, Satisfaction};
use redress_assignment::domain::validity::Validity;
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{
    CaseStatus, Category, Channel, ClockKind, ClockState, ClockTransition, DutyRole,
};
use redress_policy::{Handling, TakeOver};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::agency_service_server::AgencyService;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::assignment::v1::validity_service_server::ValidityService;
use redress_proto::assignment::v1::{
    LedgerCause as Cause, LedgerKind as Kind, LedgerState as State,
};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::event::v1::{
    self as event, CaseMoved, DemandChanged, DemandState, OwnerChanged, WorkNews, WorkNoticed,
};
use redress_rpc::Caller;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::staffing::{hand_over_shift, offer};
use crate::wording::fields;
use crate::world::{NowPlus as _, World, by, last};

impl World {
    /// An agency store with two people of the company centre.
    pub(crate) async fn store() -> Self {
        let world = Self::staffed().await;
        world.is_store().await;
        world.department("company-centre", &[]).await.expect("made");
        world
            .staff("centre-one", "company-centre")
            .await
            .expect("added");
        world
            .staff("centre-two", "company-centre")
            .await
            .expect("added");
        world
    }

    /// A case that whoever it was offered to has accepted and looked at.
    pub(crate) async fn worked_on(&self) -> CaseName {
        let case = self.offered(Category::EngineeringQuality).await;
        let owner = last(&self.get(&case).await.offered_to).to_owned();
        let handler = || self.handler(&owner);
        self.accept(handler(), &case, "").await.expect("offered");
        self.progress(handler(), &case, "looked")
            .await
            .expect("accepted");
        case
    }

    /// News of a clock of a case.
    fn clock(&self, case: &CaseName, kind: ClockKind, transition: ClockTransition) -> Event {
        let state = match transition {
            ClockTransition::Breached => ClockState::Breached,
            _ => ClockState::Running,
        };
        let made = self.clock.now_plus(SignedDuration::from_hours(-120));
        let now = to_timestamp(self.clock.now_plus(SignedDuration::ZERO));
        let payload = event::ClockChanged {
            clock: format!("sites/lakeside/clocks/{}", case.id),
            case: case.to_string(),
            kind: to_wire(kind),
            state: to_wire(state),
            transition: to_wire(transition),
            start_time: Some(to_timestamp(made)),
            due_time: Some(now),
            transition_time: Some(now),
            generation: 2,
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.clock.changed.v1", &subject, &payload)
    }

    /// The incident of these cases did not clarify in time what came out so long ago.
    fn missed_by_the_desk(&self, cases: &[&CaseName], age: SignedDuration) -> Event {
        let now = self.clock.now_plus(SignedDuration::ZERO);
        let incident = format!("sites/lakeside/incidents/{}", Uuid::now_v7());
        let payload = event::ClockChanged {
            clock: format!("sites/lakeside/clocks/{}", Uuid::now_v7()),
            incident: incident.clone(),
            kind: to_wire(ClockKind::MediaClarification),
            state: to_wire(ClockState::Breached),
            transition: to_wire(ClockTransition::Breached),
            start_time: Some(to_timestamp(now - age)),
            due_time: Some(to_timestamp(now)),
            transition_time: Some(to_timestamp(now)),
            generation: 2,
            cases: cases.iter().map(ToString::to_string).collect(),
            // An older crisis says neither.
            publish_time: (!cases.is_empty()).then(|| to_timestamp(now - age)),
            ..Default::default()
        };
        self.event("crisis", "redress.clock.changed.v1", &incident, &payload)
    }

    /// The desk of the incident of this case says this of a report that came out a week ago.
    fn word_on(&self, exposure: Uuid, case: &CaseName, truth: &str, revision: i64) -> Event {
        let now = self.clock.now_plus(SignedDuration::ZERO);
        let incident = format!("sites/lakeside/incidents/{}", Uuid::now_v7());
        let payload = event::ExposureAssessed {
            incident: incident.clone(),
            exposure: format!("sites/lakeside/exposures/{exposure}"),
            cases: vec![case.to_string()],
            truth: truth.to_owned(),
            publish_time: Some(to_timestamp(now - SignedDuration::from_hours(168))),
            assess_time: Some(to_timestamp(now)),
            revision,
        };
        self.event(
            "crisis",
            "redress.exposure.assessed.v1",
            &incident,
            &payload,
        )
    }

    /// Where what was booked stands, what is owed first.
    async fn states(&self) -> Vec<State> {
        let booked = self.booked().await;
        let mut states: Vec<State> = booked.iter().map(wire::LedgerEntry::state).collect();
        states.sort_by_key(|state| *state != State::Open);
        states
    }

    /// The desk of its incident saw to what this case was to clarify, so long ago, and it was due now.
    fn taken_over_by_the_desk(&self, case: &CaseName, ago: SignedDuration) -> Event {
        let now = self.clock.now_plus(SignedDuration::ZERO);
        let payload = event::ClockChanged {
            clock: format!("sites/lakeside/clocks/{}", case.id),
            case: case.to_string(),
            kind: to_wire(ClockKind::MediaClarification),
            state: to_wire(ClockState::Cancelled),
            transition: to_wire(ClockTransition::Cancelled),
            start_time: Some(to_timestamp(now - SignedDuration::from_hours(120))),
            due_time: Some(to_timestamp(now)),
            transition_time: Some(to_timestamp(now - ago)),
            generation: 3,
            ..Default::default()
        };
        let subject = case.to_string();
        self.event("triage", "redress.clock.changed.v1", &subject, &payload)
    }

    pub(crate) fn breached(&self, case: &CaseName) -> Event {
        self.clock(case, ClockKind::Resolve, ClockTransition::Breached)
    }

    pub(crate) async fn booked(&self) -> Vec<wire::LedgerEntry> {
        let list = wire::ListLedgerEntriesRequest {
            parent: "sites/lakeside".to_owned(),
            ..Default::default()
        };
        let answer = self
            .ledger
            .list_ledger_entries(by(self.manager(), list))
            .await;
        answer.expect("listed").into_inner().entries
    }

    pub(crate) async fn notices(&self, news: WorkNews) -> Vec<WorkNoticed> {
        let said = self.said::<WorkNoticed>("redress.work.noticed.v1").await;
        said.into_iter().filter(|n| n.news() == news).collect()
    }

    async fn report_in_writing(
        &self,
        caller: Caller,
        case: &CaseName,
        request_id: &str,
    ) -> Result<wire::StoreReport, Status> {
        let request = wire::SubmitStoreReportRequest {
            parent: Self::name_of(case),
            text: "The agent promised a parking space that was not ours to promise.".to_owned(),
            request_id: request_id.to_owned(),
        };
        let answer = self.agency.submit_store_report(by(caller, request)).await?;
        Ok(answer.into_inner().report.expect("a report"))
    }

    /// A new policy of the store, as triage tells it.
    fn policy(&self, revision: i64, change: impl FnOnce(&mut Handling)) -> Event {
        self.policy_of("agency-store", revision, change)
    }
}

fn people(notice: &WorkNoticed) -> Vec<&str> {
    notice.staff.iter().map(|name| last(name)).collect()
}

#[tokio::test]
async fn m17_a_case_that_a_store_does_not_resolve_in_time_is_taken_over_by_the_company_centre() {
    let world = World::store().await;
    let case = world.investigated().await;
    world.tell(&[world.breached(&case)]).await;

    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "centre-one");
    assert!(work.offered_to.is_empty());
    assert_eq!(last(&work.department), "company-centre");
    assert_eq!(
        work.status,
        to_wire(CaseStatus::Investigating),
        "the work goes on where it is"
    );
    assert!(work.take_over_time.is_some());
    let owners = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
    let owner = owners.last().expect("told");
    assert_eq!(
        (owner.reason.as_str(), last(&owner.responsible)),
        ("taken_over", "centre-one")
    );

    let told = world.notices(WorkNews::TakenOver).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        people(&told[0]),
        [
            "centre-one",
            "eng-one",
            "lead-duty",
            "lead-site",
            "lead-top"
        ],
        "who has it, who had it, and the leads"
    );

    let fees = world.booked().await;
    assert_eq!(fees.len(), 1);
    assert_eq!(
        (fees[0].kind(), fees[0].cause()),
        (Kind::Fee, Cause::TakeOver)
    );
    assert_eq!(fees[0].amount.as_ref().expect("due").units, 500);
    assert_eq!(
        (fees[0].policy_profile.as_str(), fees[0].policy_revision),
        ("agency-store", 1)
    );
    assert!(fees[0].staff.is_empty(), "the store bears it");

    world.tell(&[world.breached(&case)]).await;
    assert_eq!(
        world.booked().await.len(),
        1,
        "delivered again it costs nothing more"
    );
    assert_eq!(world.notices(WorkNews::TakenOver).await.len(), 1);
}

#[tokio::test]
async fn m17_what_the_company_centre_took_over_goes_back_to_nobody_of_the_store() {
    let world = World::store().await;
    let case = world.investigated().await;
    world.tell(&[world.breached(&case)]).await;
    let calm = |caller: Caller, to: &str| {
        let request = wire::CalmComplainantRequest {
            name: World::name_of(&case),
            r#move: to_wire(CalmingMove::Person),
            staff: format!("sites/lakeside/staff/{to}"),
            reason: "the talk became loud".to_owned(),
            channel: to_wire(Channel::FrontDesk),
            ..Default::default()
        };
        world.handling.calm_complainant(by(caller, request))
    };
    let lead = world.handler("lead-site");
    let refused = calm(lead, "lead-site").await;
    assert_eq!(fields(&refused.expect_err("of the store")), ["staff"]);
    let centre = || world.handler("centre-one");
    let refused = offer(&world, centre(), &case, "eng-one").await;
    assert_eq!(fields(&refused.expect_err("of the store")), ["staff"]);
    let shift = hand_over_shift(&world, "centre-one", "eng-one", "").await;
    assert_eq!((shift.work.len(), shift.unmoved.len()), (0, 1));
    assert!(shift.unmoved[0].reason.contains("keeps it"));
    assert_eq!(last(&world.get(&case).await.responsible), "centre-one");

    let within = offer(&world, centre(), &case, "centre-two").await;
    within.expect("of the centre too");
    let calmed = calm(centre(), "lead-top").await.expect("above the store");
    let work = calmed.into_inner().work.expect("work");
    assert_eq!(last(&work.responsible), "lead-top");
}

#[tokio::test]
async fn p14_where_nobody_above_the_store_is_there_the_store_hands_over_what_was_taken_over() {
    let world = World::staffed().await;
    world.is_store().await;
    let case = world.investigated().await;
    let duties = [
        (DutyRole::Handler, "eng-one"),
        (DutyRole::Handler, "eng-two"),
        (DutyRole::OnSiteLead, "lead-site"),
    ];
    world.duties(&duties).await.expect("set");
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(last(&world.get(&case).await.responsible), "lead-site");
    let lead = world.handler("lead-site");
    let offered = offer(&world, lead, &case, "eng-two").await;
    assert_eq!(last(&offered.expect("nobody above").offered_to), "eng-two");
}

#[tokio::test]
async fn m17_what_nobody_had_accepted_is_accepted_by_taking_it_over() {
    let world = World::store().await;
    let case = world.offered(Category::EngineeringQuality).await;
    world.tell(&[world.breached(&case)]).await;
    let work = world.get(&case).await;
    assert_eq!(work.status, to_wire(CaseStatus::Accepted));
    assert_eq!(last(&work.responsible), "centre-one");
    let moves = world.said::<CaseMoved>("redress.case.moved.v1").await;
    assert_eq!(
        moves.last().expect("moved").status,
        to_wire(CaseStatus::Accepted)
    );
    // The next one goes to whoever of the centre has less to do.
    let second = world.offered(Category::EngineeringQuality).await;
    world.tell(&[world.breached(&second)]).await;
    assert_eq!(last(&world.get(&second).await.responsible), "centre-two");
}

#[tokio::test]
async fn m17_a_dissatisfied_customers_case_goes_to_the_centre_and_stays_there_when_reopened() {
    let world = World::store().await;
    let case = world.investigated().await;
    world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect("resolved");
    world.clock.advance(SignedDuration::from_hours(1));
    world.tell(&[world.answered(&case, 1, false)]).await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "centre-one");
    assert_eq!(
        work.status,
        to_wire(CaseStatus::Resolved),
        "reopening is intake's"
    );
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    let work = world.get(&case).await;
    assert_eq!(
        (last(&work.responsible), work.offered_to.as_str()),
        ("centre-one", "")
    );
    assert_eq!(
        work.status,
        to_wire(CaseStatus::Accepted),
        "nobody is offered what the centre has"
    );
    // Late again: it is theirs already, and costs once.
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(world.booked().await.len(), 1);
}

#[tokio::test]
async fn m16_m17_neither_a_survey_nor_another_follow_up_undoes_the_companys_last_word() {
    let world = World::store().await;
    let case = world.investigated().await;
    let resolved = world.resolve(world.handler("eng-one"), &case).await;
    resolved.expect("resolved");
    let last_word = wire::FollowUpWorkRequest {
        name: World::name_of(&case),
        satisfaction: to_wire(Satisfaction::Dissatisfied),
        channel: to_wire(Channel::Hotline),
        note: "head office stands by it".to_owned(),
        last_word: true,
        ..Default::default()
    };
    let said = world
        .handling
        .follow_up_work(by(world.manager(), last_word))
        .await;
    said.expect("may");
    world.clock.advance(SignedDuration::from_hours(1));
    let again = world.follow_up(&case, Satisfaction::Unreachable).await;
    again.expect("kept");
    world.tell(&[world.answered(&case, 1, false)]).await;
    let asked = || world.said::<event::ReopeningAsked>("redress.reopening.asked.v1");
    assert!(asked().await.is_empty());
    world.clock.advance(SignedDuration::from_hours(1));
    let again = world.follow_up(&case, Satisfaction::Dissatisfied).await;
    again.expect("kept");
    assert!(asked().await.is_empty());
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "eng-one", "taken over by nobody");
    assert!(world.booked().await.is_empty(), "no fee");
    let closed = world.close(world.manager(), &case).await.expect("reviewed");
    assert_eq!(closed.outcome, to_wire(Ending::OneSided));

    // Once it is resolved anew, the word of before is about another resolution.
    let reopened = world.moved(&case, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    let handler = || world.handler("eng-one");
    world.accept(handler(), &case, "").await.expect("theirs");
    let looked = world.progress(handler(), &case, "looked again").await;
    looked.expect("accepted");
    world.clock.advance(SignedDuration::from_hours(1));
    world.resolve(handler(), &case).await.expect("resolved");
    world.tell(&[world.answered(&case, 1, false)]).await;
    assert_eq!(asked().await.len(), 1);
}

#[tokio::test]
async fn m17_a_closed_case_is_taken_over_once_it_is_opened_again() {
    let world = World::store().await;
    let case = world.investigated().await;
    world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect("resolved");
    world
        .follow_up(&case, Satisfaction::Satisfied)
        .await
        .expect("asked");
    let close = wire::CloseWorkRequest {
        name: World::name_of(&case),
        ..Default::default()
    };
    world
        .handling
        .close_work(by(world.manager(), close))
        .await
        .expect("closed");
    world.clock.advance(SignedDuration::from_hours(1));
    world.tell(&[world.answered(&case, 2, false)]).await;
    assert_eq!(
        last(&world.get(&case).await.responsible),
        "eng-one",
        "it has ended"
    );
    world
        .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
        .await;
    assert_eq!(last(&world.get(&case).await.responsible), "centre-one");
}

#[tokio::test]
async fn m17_without_people_of_the_centre_the_top_of_the_ladder_takes_over() {
    let world = World::staffed().await;
    world.is_store().await;
    let case = world.investigated().await;
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(last(&world.get(&case).await.responsible), "lead-top");
}

#[tokio::test]
async fn m17_nobody_complained_about_takes_over_or_hears_of_it() {
    let world = World::store().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.staff_complained_about = ["centre-one", "lead-site"]
        .map(|s| format!("sites/lakeside/staff/{s}"))
        .to_vec();
    let graded = world.graded(&case, 1, 1, Some(Category::EngineeringQuality));
    world.tell(&[world.received(facts), graded]).await;
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(last(&world.get(&case).await.responsible), "centre-two");
    let told = world.notices(WorkNews::TakenOver).await;
    assert!(
        !people(&told[0])
            .iter()
            .any(|p| ["centre-one", "lead-site"].contains(p))
    );
}

#[tokio::test]
async fn m17_where_every_lead_is_complained_about_the_region_hears_of_it() {
    let world = World::store().await;
    world.name_region_contact().await;
    let case = world.new_case();
    let received = world.received(world.accusing(&case));
    let graded = world.graded(&case, 1, 1, Some(Category::EngineeringQuality));
    world.tell(&[received, graded]).await;
    world.tell(&[world.breached(&case)]).await;
    let told = world.notices(WorkNews::TakenOver).await;
    let told = people(&told[0]);
    assert!(told.contains(&"region"), "{told:?}");
    assert!(!told.iter().any(|who| who.starts_with("lead-")), "{told:?}");
}

#[tokio::test]
async fn m17_a_complaint_between_stores_is_the_centres_from_the_start_and_goes_to_neither() {
    let world = World::store().await;
    let case = world.new_case();
    let facts = event::CaseFacts {
        complaining_store: "sites/south-store".to_owned(),
        ..world.facts(&case)
    };
    world
        .tell(&[
            world.received(facts),
            world.graded(&case, 1, 1, Some(Category::EngineeringQuality)),
        ])
        .await;
    let work = world.get(&case).await;
    let centre = ["centre-one", "centre-two"];
    assert!(centre.contains(&last(&work.responsible)), "{work:?}");
    assert_eq!(work.status, to_wire(CaseStatus::Accepted));
    assert_eq!(work.complaining_store, "sites/south-store");
    let owners = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
    let asked = owners.iter().filter(|owner| !owner.offered_to.is_empty());
    assert_eq!(asked.count(), 0, "nobody of the store was asked");

    // The store that is complained about reports; nobody hands the case to it.
    let report = world.report_in_writing(world.handler("eng-one"), &case, "r1");
    report.await.expect("whoever works there reports");
    let to_the_store = wire::OfferHandoverRequest {
        name: World::name_of(&case),
        staff: "sites/lakeside/staff/eng-one".to_owned(),
        ..Default::default()
    };
    let holder = world.handler(last(&work.responsible));
    let offered = world
        .staffing
        .offer_handover(by(holder, to_the_store))
        .await;
    assert_eq!(fields(&offered.expect_err("a store")), ["staff"]);
    let colleague = centre
        .into_iter()
        .find(|one| *one != last(&work.responsible));
    let within = wire::OfferHandoverRequest {
        name: World::name_of(&case),
        staff: format!("sites/lakeside/staff/{}", colleague.expect("two")),
        ..Default::default()
    };
    let holder = world.handler(last(&work.responsible));
    let offered = world.staffing.offer_handover(by(holder, within)).await;
    offered.expect("of the centre too");

    // After 5 working days there is nothing to take over, and no fee.
    world.tell(&[world.breached(&case)]).await;
    let late = world.get(&case).await;
    assert_eq!(late.responsible, work.responsible);
    assert!(world.booked().await.is_empty());
}

#[tokio::test]
async fn m17_elsewhere_and_for_other_promises_nobody_takes_over() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(
        last(&world.get(&case).await.responsible),
        "eng-one",
        "no agency store"
    );
    world.is_store().await;
    let warned = world.clock(&case, ClockKind::Resolve, ClockTransition::Warned);
    let answer = world.clock(&case, ClockKind::Answer, ClockTransition::Breached);
    world.tell(&[warned, answer]).await;
    assert_eq!(last(&world.get(&case).await.responsible), "eng-one");
    world
        .resolve(world.handler("eng-one"), &case)
        .await
        .expect("resolved");
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(
        last(&world.get(&case).await.responsible),
        "eng-one",
        "nothing is left to take over"
    );
    assert!(world.booked().await.is_empty());
}

#[tokio::test]
async fn m17_a_store_without_fault_pays_no_fee_unless_its_policy_says_so() {
    let decide = |case: &CaseName, evidence: String| wire::DecideValidityRequest {
        name: World::name_of(case),
        validity: to_wire(Validity::Unfounded),
        reason: "the space was never promised".to_owned(),
        evidence: vec![evidence],
        ..Default::default()
    };
    let world = World::store().await;
    let case = world.investigated().await;
    world.tell(&[world.breached(&case)]).await;
    let caller = world.manager();
    world
        .validity
        .decide_validity(by(caller, decide(&case, world.piece(&case).await)))
        .await
        .expect("decided");
    assert_eq!(
        world.booked().await[0].state(),
        State::Waived,
        "booked before it was known"
    );
    let second = world.worked_on().await;
    let caller = world.manager();
    world
        .validity
        .decide_validity(by(caller, decide(&second, world.piece(&second).await)))
        .await
        .expect("decided");
    world.tell(&[world.breached(&second)]).await;
    assert_eq!(
        last(&world.get(&second).await.responsible),
        "centre-two",
        "the centre comes all the same"
    );
    assert_eq!(
        world.booked().await.len(),
        1,
        "known before: nothing is booked"
    );

    let paying = world.policy(7, |h| h.accountability.faultless_pays = true);
    world.tell(&[paying]).await;
    let third = world.worked_on().await;
    world.tell(&[world.breached(&third)]).await;
    let caller = world.manager();
    world
        .validity
        .decide_validity(by(caller, decide(&third, world.piece(&third).await)))
        .await
        .expect("decided");
    let entries = world.booked().await;
    let paid = entries.iter().find(|e| e.case == third.to_string());
    let paid = paid.expect("booked");
    assert_eq!((paid.state(), paid.policy_revision), (State::Open, 7));
}

#[tokio::test]
async fn m17_amounts_deadlines_and_causes_are_the_policys_and_each_entry_says_which() {
    let world = World::store().await;
    let late = world.investigated().await;
    let changed = world.policy(12, |h| {
        h.accountability.upheld_complaint = "800.50".parse().expect("a sum");
        h.accountability.due_days = 10;
        h.accountability.take_over_on = vec![TakeOver::Dissatisfied];
    });
    let older = world.policy(11, |h| h.accountability.due_days = 1);
    world.tell(&[changed, older]).await;
    let case = world.upheld().await;
    let mut booked = world.booked().await;
    booked.retain(|entry| entry.case == case.to_string());
    let entry = booked.remove(0);
    let amount = entry.amount.as_ref().expect("due");
    assert_eq!((amount.units, amount.nanos), (800, 500_000_000));
    assert_eq!(
        (entry.policy_profile.as_str(), entry.policy_revision),
        ("agency-store", 12)
    );
    let in_ten_days = world.clock.now_plus(SignedDuration::from_hours(240));
    assert_eq!(entry.due_time, Some(to_timestamp(in_ten_days)));
    world.tell(&[world.breached(&late)]).await;
    assert_eq!(
        last(&world.get(&late).await.responsible),
        "eng-one",
        "the policy leaves it with the store"
    );
}

#[tokio::test]
async fn m17_the_written_report_meets_its_clock_once_and_stands_for_good() {
    let world = World::store().await;
    let case = world.investigated().await;
    let refused = world
        .report_in_writing(world.handler("seller"), &case, "")
        .await;
    assert_eq!(
        refused.expect_err("not theirs").code(),
        Code::PermissionDenied
    );
    let first = world
        .report_in_writing(world.handler("eng-one"), &case, "r1")
        .await
        .expect("sent");
    let again = world
        .report_in_writing(world.handler("eng-one"), &case, "r1")
        .await
        .expect("sent");
    assert_eq!(first, again, "a retry sends none twice (I2)");
    world.tell(&[world.breached(&case)]).await;
    let later = world
        .report_in_writing(world.handler("eng-one"), &case, "r2")
        .await;
    assert_ne!(later.expect("who had it reports, too").name, first.name);

    let list = wire::ListStoreReportsRequest {
        parent: World::name_of(&case),
    };
    let listed = world
        .agency
        .list_store_reports(by(world.manager(), list))
        .await;
    assert_eq!(listed.expect("listed").into_inner().reports.len(), 2);
    let demands = world
        .said::<DemandChanged>("redress.demand.changed.v1")
        .await;
    assert_eq!(demands.len(), 1, "met is met");
    assert_eq!(
        (demands[0].kind, demands[0].state()),
        (to_wire(ClockKind::StoreReport), DemandState::Met)
    );
}

#[tokio::test]
async fn m17_an_exposure_that_nobody_clarified_in_time_counts_as_true() {
    let world = World::store().await;
    let case = world.offered(Category::SalesManagement).await;
    let clock = |transition| world.clock(&case, ClockKind::MediaClarification, transition);
    world.tell(&[clock(ClockTransition::Warned)]).await;
    assert!(world.booked().await.is_empty());
    world
        .tell(&[
            clock(ClockTransition::Breached),
            clock(ClockTransition::Breached),
        ])
        .await;
    let entries = world.booked().await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].kind(), entries[0].cause()),
        (Kind::Penalty, Cause::Exposure)
    );
    assert_eq!(entries[0].amount.as_ref().expect("due").units, 500);
    assert_eq!(entries[0].case, case.to_string());
}

#[tokio::test]
async fn m17_what_the_desk_of_an_incident_missed_is_booked_once_with_its_case_and_without_any() {
    let world = World::store().await;
    let [first, second] = [
        world.offered(Category::SalesManagement).await,
        world.offered(Category::SalesManagement).await,
    ];
    let hours = SignedDuration::from_hours;
    let of_none = world.missed_by_the_desk(&[], hours(120));
    let again = Event {
        id: Uuid::now_v7(),
        ..of_none.clone()
    };
    world.tell(&[of_none, again]).await;
    let booked = world.booked().await;
    assert_eq!(booked.len(), 1, "once a clock, whatever comes again (I2)");
    assert_eq!(booked[0].case, "", "a hazard that was opened by hand");
    let of_two = world.missed_by_the_desk(&[&first, &second], hours(120));
    world.tell(&[of_two]).await;
    let booked = world.booked().await;
    assert_eq!(booked.len(), 2, "one report, one entry");
    let about: Vec<&str> = booked.iter().map(|e| e.case.as_str()).collect();
    assert!(about.contains(&first.to_string().as_str()), "{about:?}");
    // Another report of the same incident is another one, whatever was booked before.
    let another = world.missed_by_the_desk(&[&first, &second], hours(130));
    world.tell(&[another]).await;
    assert_eq!(world.booked().await.len(), 3);
}

#[tokio::test]
async fn m17_a_report_that_its_case_missed_before_the_desk_had_it_is_not_booked_twice() {
    let world = World::store().await;
    let case = world.offered(Category::SalesManagement).await;
    let kind = ClockKind::MediaClarification;
    let own = world.clock(&case, kind, ClockTransition::Breached);
    world.tell(&[own]).await;
    world.clock.advance(SignedDuration::from_hours(48));
    // Recorded late, found false, and nobody clarified it in that last day either.
    let same = world.missed_by_the_desk(&[&case], SignedDuration::from_hours(168));
    world.tell(&[same]).await;
    assert_eq!(world.booked().await.len(), 1, "one report");
    // What came out after that was booked is another one.
    let later = world.missed_by_the_desk(&[&case], SignedDuration::from_hours(24));
    world.tell(&[later]).await;
    assert_eq!(world.booked().await.len(), 2);
}

#[tokio::test]
async fn m17_one_report_is_booked_once_whether_its_case_or_the_desk_is_heard_first() {
    let hours = SignedDuration::from_hours;
    for desk_first in [false, true] {
        let world = World::store().await;
        let case = world.offered(Category::SalesManagement).await;
        let own = world.clock(
            &case,
            ClockKind::MediaClarification,
            ClockTransition::Breached,
        );
        world.clock.advance(hours(48));
        let desk = world.missed_by_the_desk(&[&case], hours(168));
        let mut heard = [own, desk];
        if desk_first {
            heard.reverse();
        }
        world.tell(&heard).await;
        // Said again, by other events of the same clocks.
        let again = heard.map(|event| Event {
            id: Uuid::now_v7(),
            ..event
        });
        world.tell(&again).await;
        let booked = world.booked().await;
        assert_eq!(booked.len(), 1, "desk first: {desk_first}");
        assert_eq!(booked[0].state(), State::Open);
        assert_eq!(booked[0].case, case.to_string());
    }
}

#[tokio::test]
async fn m17_a_report_that_the_desk_finds_true_is_booked_once_and_falls_when_it_is_false_after_all()
{
    let world = World::store().await;
    let case = world.offered(Category::SalesManagement).await;
    let report = Uuid::now_v7();
    let word = |truth, revision| world.word_on(report, &case, truth, revision);
    world.deliver(&word("PARTLY", 2)).await;
    assert!(world.booked().await.is_empty(), "for people to say");
    // It reaches further by now, and is as true as before.
    world.tell(&[word("TRUE", 3), word("TRUE", 4)]).await;
    let booked = world.booked().await;
    assert_eq!(booked.len(), 1);
    assert_eq!(
        (booked[0].kind(), booked[0].cause(), booked[0].state()),
        (Kind::Penalty, Cause::Exposure, State::Open)
    );
    assert_eq!(booked[0].amount.as_ref().expect("due").units, 500);
    assert_eq!(booked[0].case, case.to_string());
    let another = world.word_on(Uuid::now_v7(), &case, "TRUE", 2);
    world.tell(&[another]).await;
    assert_eq!(world.states().await, [State::Open; 2], "a penalty for each");

    world.tell(&[word("FALSE", 5)]).await;
    assert_eq!(world.states().await, [State::Open, State::Waived]);
    world.tell(&[word("TRUE", 6)]).await;
    let states = [State::Open, State::Open, State::Waived];
    assert_eq!(world.states().await, states);

    let elsewhere = World::staffed().await;
    let case = elsewhere.offered(Category::SalesManagement).await;
    let word = elsewhere.word_on(report, &case, "TRUE", 2);
    elsewhere.tell(&[word]).await;
    assert!(elsewhere.booked().await.is_empty(), "no store");
}

#[tokio::test]
async fn m17_what_the_desk_finds_true_is_never_booked_beside_what_was_missed_or_booked_by_hand() {
    let kind = ClockKind::MediaClarification;
    for desk_first in [false, true] {
        let world = World::store().await;
        let case = world.offered(Category::SalesManagement).await;
        let own = world.clock(&case, kind, ClockTransition::Breached);
        let mut heard = [own, world.word_on(Uuid::now_v7(), &case, "TRUE", 2)];
        if desk_first {
            heard.reverse();
        }
        world.tell(&heard).await;
        assert_eq!(world.states().await, [State::Open], "{desk_first}");
    }

    let world = World::store().await;
    let by_hand = world.book(Kind::Penalty, Cause::Exposure, &[]).await;
    let case: CaseName = by_hand[0].case.parse().expect("a case");
    let report = Uuid::now_v7();
    for (truth, revision) in [("TRUE", 2), ("FALSE", 3)] {
        let word = world.word_on(report, &case, truth, revision);
        world.tell(&[word]).await;
        assert_eq!(world.states().await, [State::Open], "{truth}");
    }

    // False after all, and nobody clarified it then.
    let world = World::store().await;
    let case = world.offered(Category::SalesManagement).await;
    world
        .tell(&[
            world.word_on(report, &case, "TRUE", 2),
            world.word_on(report, &case, "FALSE", 3),
            world.missed_by_the_desk(&[&case], SignedDuration::from_hours(168)),
        ])
        .await;
    assert_eq!(world.states().await, [State::Open, State::Waived]);
}

#[tokio::test]
async fn m17_what_somebody_booked_by_hand_is_not_booked_again_when_it_is_missed_and_stays_theirs() {
    let hours = SignedDuration::from_hours;
    let world = World::store().await;
    let (penalty, exposure) = (Kind::Penalty, Cause::Exposure);
    let bearers = ["lead-site", "seller"];
    let parts = world.book(penalty, exposure, &bearers).await;
    let case: CaseName = parts[0].case.parse().expect("a case");
    world.clock.advance(hours(48));
    let kind = ClockKind::MediaClarification;
    let own = world.clock(&case, kind, ClockTransition::Breached);
    world.tell(&[own]).await;
    assert_eq!(world.booked().await.len(), 2, "the two parts of one");
    let stopped = world.taken_over_by_the_desk(&case, hours(1));
    world.tell(&[stopped]).await;
    let booked = world.booked().await;
    assert!(
        booked.iter().all(|entry| entry.state() == State::Open),
        "what a person booked falls by an appeal alone"
    );
    for (age, entries) in [(168, 2), (150, 3)] {
        let desk = world.missed_by_the_desk(&[&case], hours(age));
        world.tell(&[desk]).await;
        assert_eq!(world.booked().await.len(), entries, "two reports are two");
    }
}

#[tokio::test]
async fn m17_two_reports_that_the_desk_missed_are_two_whenever_the_case_is_heard() {
    let hours = SignedDuration::from_hours;
    for place in 0..3 {
        let world = World::store().await;
        let case = world.offered(Category::SalesManagement).await;
        let own = world.clock(
            &case,
            ClockKind::MediaClarification,
            ClockTransition::Breached,
        );
        world.clock.advance(hours(48));
        let mut heard = vec![
            world.missed_by_the_desk(&[&case], hours(168)),
            world.missed_by_the_desk(&[&case], hours(150)),
        ];
        heard.insert(place, own);
        world.tell(&heard).await;
        assert_eq!(world.booked().await.len(), 2, "the case as number {place}");
    }
}

#[tokio::test]
async fn m17_what_a_case_misses_of_a_promise_made_after_the_desk_missed_is_another_report() {
    let world = World::store().await;
    let case = world.offered(Category::SalesManagement).await;
    let desk = world.missed_by_the_desk(&[&case], SignedDuration::from_hours(120));
    world.tell(&[desk]).await;
    world.clock.advance(SignedDuration::from_hours(240));
    let own = world.clock(
        &case,
        ClockKind::MediaClarification,
        ClockTransition::Breached,
    );
    world.tell(&[own]).await;
    assert_eq!(world.booked().await.len(), 2);
}

#[tokio::test]
async fn m17_what_the_desk_missed_stands_though_its_case_did_not_miss_it() {
    let hour = SignedDuration::from_hours(1);
    // Which of the case's breach, its stop in time and the desk's breach is heard when, and what is booked.
    for (order, states) in [
        ([0, 2, 1], vec![State::Open]),
        ([2, 0, 1], vec![State::Open]),
        ([0, 1, 2], vec![State::Open, State::Waived]),
    ] {
        let world = World::store().await;
        let case = world.offered(Category::SalesManagement).await;
        let heard = [
            world.clock(
                &case,
                ClockKind::MediaClarification,
                ClockTransition::Breached,
            ),
            world.taken_over_by_the_desk(&case, hour),
            world.missed_by_the_desk(&[&case], SignedDuration::from_hours(168)),
        ];
        for n in order {
            world.tell(&[heard[n].clone()]).await;
        }
        let booked = world.booked().await;
        let mut found: Vec<State> = booked.iter().map(wire::LedgerEntry::state).collect();
        found.sort_by_key(|state| *state != State::Open);
        assert_eq!(found, states, "{order:?}");
    }
}

#[tokio::test]
async fn m17_what_a_desk_saw_to_in_time_was_not_missed_however_late_that_is_heard() {
    let world = World::store().await;
    let kind = ClockKind::MediaClarification;
    let hour = SignedDuration::from_hours(1);
    for (ago, state) in [(hour, State::Waived), (-hour, State::Open)] {
        let case = world.offered(Category::SalesManagement).await;
        let missed = world.clock(&case, kind, ClockTransition::Breached);
        world.tell(&[missed]).await;
        let taken_over = world.taken_over_by_the_desk(&case, ago);
        world.tell(&[taken_over]).await;
        let name = case.to_string();
        let booked = world.booked().await;
        let of_it: Vec<State> = booked
            .iter()
            .filter(|e| e.case == name)
            .map(wire::LedgerEntry::state)
            .collect();
        assert_eq!(of_it, [state], "{ago}");
    }
}

#[tokio::test]
async fn m17_what_an_older_release_booked_stands_though_the_clock_that_shares_it_stopped_in_time() {
    let hours = SignedDuration::from_hours;
    for desk_first in [false, true] {
        let world = World::store().await;
        let case = world.offered(Category::SalesManagement).await;
        let own = world.clock(
            &case,
            ClockKind::MediaClarification,
            ClockTransition::Breached,
        );
        let own_stopped = world.taken_over_by_the_desk(&case, hours(1));
        let desk = world.missed_by_the_desk(&[&case], hours(120));
        let mut met: event::ClockChanged = desk.decode().expect("a clock");
        met.state = to_wire(ClockState::Met);
        met.transition = to_wire(ClockTransition::Met);
        let incident = met.incident.clone();
        let desk_stopped = world.event("crisis", "redress.clock.changed.v1", &incident, &met);
        let heard = if desk_first {
            [desk, own, own_stopped]
        } else {
            [own, desk, desk_stopped]
        };
        world.tell(&heard[..1]).await;
        // The older release named neither the clock nor the report.
        let older = "UPDATE assignment.ledger_entry SET own_clock = NULL, desk_clock = NULL,
                     report_cases = NULL, report_from = NULL, report_until = NULL";
        let done = sqlx::query(older).execute(&world.database.admin).await;
        assert_eq!(done.expect("as it was").rows_affected(), 1);
        world.tell(&heard[1..]).await;
        let booked = world.booked().await;
        let states: Vec<State> = booked.iter().map(wire::LedgerEntry::state).collect();
        assert_eq!(states, [State::Open], "desk first: {desk_first}");
    }
}
