//! Complainants who go over the head of the site's office (M18): who keeps the case, by what it goes back, and where it ends
//! when the office handles it badly.

use jiff::SignedDuration;
use redress_assignment::domain::handling::{CalmingMove, Satisfaction};
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Category, Channel, DutyRole};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::handling_service_server::HandlingService;
use redress_proto::assignment::v1::staffing_service_server::StaffingService;
use redress_proto::convert::to_wire;
use redress_proto::event::v1::{CaseMoved, OwnerChanged};
use redress_rpc::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::staffing::on_leave;
use crate::world::{World, by, last};

/// The first field that a refusal names.
fn field(refused: &Status) -> String {
    let details = refused.get_error_details();
    let violations = &details.bad_request().expect("told").field_violations;
    violations[0].field.clone()
}

fn name(staff: &str) -> String {
    format!("sites/lakeside/staff/{staff}")
}

impl World {
    /// A site with two people of the company centre whose policy lets nobody take a case over.
    async fn with_head_office() -> Self {
        let world = Self::staffed().await;
        world.department("company-centre", &[]).await.expect("made");
        for id in ["centre-one", "centre-two"] {
            world.staff(id, "company-centre").await.expect("added");
        }
        world
    }

    async fn receive_past(
        &self,
        caller: Caller,
        case: &CaseName,
        request_id: &str,
    ) -> Result<wire::ReceivePastOfficeResponse, Status> {
        let request = wire::ReceivePastOfficeRequest {
            name: Self::name_of(case),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let answer = self
            .staffing
            .receive_past_office(by(caller, request))
            .await?;
        Ok(answer.into_inner())
    }

    async fn give(
        &self,
        from: &str,
        case: &CaseName,
        to: &str,
        consent: Option<Channel>,
    ) -> Result<wire::Work, Status> {
        let request = wire::OfferHandoverRequest {
            name: Self::name_of(case),
            staff: name(to),
            consent_channel: consent.map_or(0, to_wire),
            ..Default::default()
        };
        let caller = self.handler(from);
        let answer = self.staffing.offer_handover(by(caller, request)).await?;
        Ok(answer.into_inner().work.expect("work"))
    }

    async fn take_it(&self, staff: &str, case: &CaseName) {
        let request = wire::AcceptHandoverRequest {
            name: Self::name_of(case),
            ..Default::default()
        };
        let caller = self.handler(staff);
        let taken = self.staffing.accept_handover(by(caller, request)).await;
        taken.expect("handed over");
    }

    async fn mark(&self, case: &CaseName) -> wire::PastOffice {
        let got = self.try_get(self.manager(), case).await.expect("there");
        got.past_office.expect("marked")
    }

    /// A case that the office has again, by the complainant's consent.
    async fn handed_back(&self) -> CaseName {
        let case = self.investigated().await;
        let received = self
            .receive_past(self.handler("centre-one"), &case, "")
            .await;
        received.expect("above the office");
        let offered = self
            .give("centre-one", &case, "eng-two", Some(Channel::Hotline))
            .await;
        offered.expect("with consent");
        self.take_it("eng-two", &case).await;
        case
    }
}

#[tokio::test]
async fn m18_whoever_goes_past_the_office_is_kept_above_it_and_the_case_says_past_whom() {
    let world = World::with_head_office().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let asked = last(&world.get(&case).await.offered_to).to_owned();
    let refused = world.receive_past(world.handler(&asked), &case, "").await;
    assert_eq!(field(&refused.expect_err("the office itself")), "staff");
    let other = wire::ReceivePastOfficeRequest {
        name: World::name_of(&case),
        staff: name("centre-one"),
        ..Default::default()
    };
    let caller = world.handler("centre-two");
    let refused = world.staffing.receive_past_office(by(caller, other)).await;
    assert_eq!(
        refused.expect_err("not theirs").code(),
        Code::PermissionDenied
    );

    let centre = || world.handler("centre-one");
    let answer = world
        .receive_past(centre(), &case, "r1")
        .await
        .expect("received");
    let work = answer.work.expect("work");
    assert_eq!(last(&work.responsible), "centre-one");
    assert!(work.offered_to.is_empty(), "the office is asked no more");
    assert_eq!(work.status, to_wire(CaseStatus::Accepted));
    assert_eq!(last(&work.department), "company-centre");
    let mark = world.mark(&case).await;
    assert_eq!(last(&mark.receiver), "centre-one");
    assert_eq!(last(&mark.past_department), "engineering");
    assert!(!mark.past_staff.is_empty() && last(&mark.past_staff) != "centre-one");
    assert!(mark.consent_time.is_none());
    let owners = world.said::<OwnerChanged>("redress.owner.changed.v1").await;
    assert_eq!(
        last(&owners.last().expect("told").responsible),
        "centre-one"
    );
    let moves = world.said::<CaseMoved>("redress.case.moved.v1").await;
    assert_eq!(
        moves.last().expect("told").status,
        to_wire(CaseStatus::Accepted)
    );

    // The same request again changes nothing (I2).
    let again = world
        .receive_past(centre(), &case, "r1")
        .await
        .expect("known");
    assert_eq!(again.work.expect("work").etag, work.etag);
}

#[tokio::test]
async fn m18_a_case_goes_back_to_the_office_only_with_recorded_consent() {
    let world = World::with_head_office().await;
    let case = world.investigated().await;
    let premature = world
        .give("eng-one", &case, "eng-two", Some(Channel::Hotline))
        .await;
    assert_eq!(
        field(&premature.expect_err("nobody went past")),
        "consent_channel"
    );
    let received = world
        .receive_past(world.handler("centre-one"), &case, "")
        .await;
    received.expect("above the office");

    let refused = world.give("centre-one", &case, "eng-two", None).await;
    let refused = refused.expect_err("without consent");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(field(&refused), "consent_channel");
    // Neither a change of shifts nor a calming move is a way around.
    let shift = wire::HandOverShiftRequest {
        parent: "sites/lakeside".to_owned(),
        staff: name("centre-one"),
        receiver: name("eng-two"),
        ..Default::default()
    };
    let caller = world.handler("centre-one");
    let shift = world.staffing.hand_over_shift(by(caller, shift)).await;
    let shift = shift.expect("told").into_inner();
    assert_eq!((shift.work.len(), shift.unmoved.len()), (0, 1));
    assert!(shift.unmoved[0].reason.contains("not consented"));
    let calm = wire::CalmComplainantRequest {
        name: World::name_of(&case),
        r#move: to_wire(CalmingMove::Person),
        staff: name("lead-site"),
        reason: "loud".to_owned(),
        channel: to_wire(Channel::FrontDesk),
        ..Default::default()
    };
    let caller = world.handler("centre-one");
    let refused = world.handling.calm_complainant(by(caller, calm)).await;
    assert_eq!(field(&refused.expect_err("a lead of the office")), "staff");
    // Above the office it goes about freely.
    let offered = world.give("centre-one", &case, "centre-two", None).await;
    offered.expect("above the office");

    let offered = world
        .give("centre-one", &case, "eng-two", Some(Channel::Hotline))
        .await;
    offered.expect("with consent");
    let mark = world.mark(&case).await;
    assert_eq!(mark.consent_channel, to_wire(Channel::Hotline));
    assert_eq!(mark.consent_recorder, "centre-one");
    assert!(mark.consent_time.is_some());
    world.take_it("eng-two", &case).await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "eng-two");
    assert_eq!(last(&work.department), "engineering", "theirs again");
    // Within the office nobody is asked again.
    let within = world.give("eng-two", &case, "eng-one", None).await;
    within.expect("consented");
}

#[tokio::test]
async fn m18_what_the_office_handles_badly_after_it_was_handed_back_goes_to_the_head_office() {
    let world = World::with_head_office().await;
    let case = world.handed_back().await;
    let resolved = world.resolve(world.handler("eng-two"), &case).await;
    resolved.expect("resolved");
    world.clock.advance(SignedDuration::from_hours(1));
    let said = world.follow_up(&case, Satisfaction::Dissatisfied).await;
    said.expect("asked");
    let got = world.try_get(world.manager(), &case).await.expect("there");
    let work = got.work.expect("work");
    assert!(last(&work.responsible).starts_with("centre-"));
    assert!(work.take_over_time.is_some(), "visibly");
    assert!(got.steps[0].text.contains("gone past the office"));
    let mark = got.past_office.expect("marked");
    assert!(mark.consent_time.is_none(), "the consent is spent");
    assert!(world.booked().await.is_empty(), "no store, no fee");
    // Opened again it stays there.
    let reopened = world.moved(&case, CaseStatus::Reopened, 2);
    world.tell(&[reopened]).await;
    assert_eq!(world.get(&case).await.responsible, work.responsible);
}

#[tokio::test]
async fn m18_what_is_overdue_after_it_was_handed_back_goes_to_the_head_office() {
    let world = World::with_head_office().await;
    let (case, usual) = (world.handed_back().await, world.worked_on().await);
    let owner = world.get(&usual).await.responsible;
    world
        .tell(&[world.breached(&case), world.breached(&usual)])
        .await;
    let work = world.get(&case).await;
    assert!(last(&work.responsible).starts_with("centre-"));
    assert_eq!(
        world.get(&usual).await.responsible,
        owner,
        "the policy lets nobody take over what did not go past the office"
    );
}

#[tokio::test]
async fn m18_what_is_handed_back_again_and_handled_badly_again_goes_to_the_head_office_again() {
    let world = World::with_head_office().await;
    let case = world.handed_back().await;
    world.tell(&[world.breached(&case)]).await;
    let first = world.get(&case).await;
    let centre = last(&first.responsible);
    let offered = world
        .give(centre, &case, "eng-two", Some(Channel::Hotline))
        .await;
    offered.expect("with another consent");
    world.take_it("eng-two", &case).await;
    world.tell(&[world.breached(&case)]).await;
    let work = world.get(&case).await;
    assert!(last(&work.responsible).starts_with("centre-"));
    assert!(world.mark(&case).await.consent_time.is_none(), "spent");
    // What nobody handed back is taken over once.
    world.tell(&[world.breached(&case)]).await;
    assert_eq!(world.get(&case).await.etag, work.etag);
}

#[tokio::test]
async fn m18_what_is_above_the_office_is_not_marked_anew_and_what_was_handed_back_is() {
    let world = World::with_head_office().await;
    let case = world.investigated().await;
    let received = world
        .receive_past(world.handler("centre-one"), &case, "")
        .await;
    received.expect("above the office");
    let offered = world
        .give("centre-one", &case, "eng-two", Some(Channel::Hotline))
        .await;
    offered.expect("with consent");
    let first = world.mark(&case).await;
    for again in ["centre-one", "centre-two"] {
        let refused = world.receive_past(world.handler(again), &case, "").await;
        let refused = refused.expect_err("somebody above has it");
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let info = refused.get_error_details().error_info().cloned();
        assert_eq!(info.expect("told").reason, "ALREADY_PAST_OFFICE");
        assert_eq!(world.mark(&case).await, first, "nothing is forgotten");
    }

    world.take_it("eng-two", &case).await;
    let received = world
        .receive_past(world.handler("centre-two"), &case, "")
        .await;
    received.expect("past the office a second time");
    let mark = world.mark(&case).await;
    assert_eq!(last(&mark.receiver), "centre-two");
    assert_eq!(last(&mark.past_staff), "eng-two");
    assert!(mark.consent_time.is_none(), "it takes another consent");
}

#[tokio::test]
async fn m18_a_consent_ends_with_the_offer_that_it_was_given_for() {
    let world = World::with_head_office().await;
    let case = world.investigated().await;
    let received = world
        .receive_past(world.handler("centre-one"), &case, "")
        .await;
    received.expect("above the office");
    let consent = Some(Channel::Hotline);
    let decline = async |staff: &str| {
        let request = wire::DeclineHandoverRequest {
            name: World::name_of(&case),
            reason: "too much".to_owned(),
            ..Default::default()
        };
        let caller = world.handler(staff);
        let declined = world.staffing.decline_handover(by(caller, request)).await;
        declined.expect("declined");
    };
    let offered = world.give("centre-one", &case, "eng-two", consent).await;
    offered.expect("with consent");
    decline("eng-two").await;
    assert!(world.mark(&case).await.consent_time.is_none());
    let refused = world.give("centre-one", &case, "eng-two", None).await;
    assert_eq!(
        field(&refused.expect_err("asked for nothing")),
        "consent_channel"
    );

    // What the office took is its own, whatever becomes of a hand-over within it.
    let offered = world.give("centre-one", &case, "eng-two", consent).await;
    offered.expect("with another consent");
    world.take_it("eng-two", &case).await;
    let within = world.give("eng-two", &case, "eng-one", None).await;
    within.expect("consented");
    decline("eng-one").await;
    assert!(world.mark(&case).await.consent_time.is_some());
}

#[tokio::test]
async fn m18_nobody_on_leave_receives_past_the_office() {
    let world = World::with_head_office().await;
    let case = world.investigated().await;
    on_leave(&world, "centre-one", 0, 48).await;
    let refused = world
        .receive_past(world.handler("centre-one"), &case, "")
        .await;
    let refused = refused.expect_err("the case would wait");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("is on leave"), "{refused}");
}

#[tokio::test]
async fn m18_a_top_lead_who_belongs_to_no_department_receives_for_the_company_centre() {
    let world = World::with_head_office().await;
    let case = world.investigated().await;
    let received = world
        .receive_past(world.handler("lead-top"), &case, "")
        .await;
    let work = received.expect("above the office").work.expect("work");
    assert_eq!(last(&work.responsible), "lead-top");
    assert_eq!(last(&work.department), "company-centre");
}

#[tokio::test]
async fn m18_what_is_opened_again_without_consent_stays_above_the_office_though_it_is_declined() {
    let world = World::with_head_office().await;
    let duties = [
        (DutyRole::Handler, "eng-one"),
        (DutyRole::Handler, "centre-one"),
    ];
    for at_work in [false, true] {
        if at_work {
            world.duties(&duties).await.expect("set");
        }
        let case = world.investigated().await;
        let received = world
            .receive_past(world.handler("centre-one"), &case, "")
            .await;
        received.expect("above the office");
        world
            .tell(&[world.moved(&case, CaseStatus::Reopened, 2)])
            .await;
        if at_work {
            let offered = world.get(&case).await;
            assert_eq!(last(&offered.offered_to), "centre-one");
            let decline = wire::DeclineAssignmentRequest {
                name: World::name_of(&case),
                reason: "too much".to_owned(),
                ..Default::default()
            };
            let caller = world.handler("centre-one");
            let declined = world.staffing.decline_assignment(by(caller, decline)).await;
            let declined = declined.expect("declined").into_inner().work.expect("work");
            assert_eq!(declined, world.get(&case).await, "the answer says so");
        }
        let work = world.get(&case).await;
        assert!(last(&work.responsible).starts_with("centre-"), "{at_work}");
        assert!(work.offered_to.is_empty(), "the office is not asked");
        assert_eq!(work.status, to_wire(CaseStatus::Accepted));
        assert_eq!(last(&work.department), "company-centre");
        assert!(work.take_over_time.is_some(), "visibly");
    }
    assert!(world.booked().await.is_empty(), "no fee");
}

#[tokio::test]
async fn m18_a_case_whose_receiver_retires_or_is_accused_stays_above_the_office() {
    for accused in [false, true] {
        let world = World::with_head_office().await;
        let (case, usual) = (world.investigated().await, world.worked_on().await);
        let received = world
            .receive_past(world.handler("centre-one"), &case, "")
            .await;
        received.expect("above the office");
        let why = if accused {
            let mut facts = world.facts(&case);
            facts.staff_complained_about = vec![name("centre-one")];
            facts.revision = 2;
            world.tell(&[world.updated(facts)]).await;
            "accused"
        } else {
            let owner = world.get(&usual).await.responsible;
            for staff in ["centre-one", last(&owner)] {
                world.retire(staff).await;
            }
            let work = world.get(&usual).await;
            assert!(last(&work.responsible).starts_with("eng-"));
            assert_ne!(work.responsible, owner, "nobody went past it");
            "retired"
        };
        let work = world.get(&case).await;
        assert_eq!(last(&work.responsible), "centre-two", "{why}");
        assert!(work.offered_to.is_empty() && work.take_over_time.is_some());
        assert_eq!(work.status, to_wire(CaseStatus::Investigating));
    }
}

#[tokio::test]
async fn m18_whoever_stands_in_for_the_receiver_does_so_without_consent() {
    let world = World::staffed().await;
    world.name_region_contact().await;
    let case = world.investigated().await;
    let received = world.receive_past(world.handler("region"), &case, "").await;
    received.expect("above the office");
    on_leave(&world, "region", 0, 48).await;
    let work = world.get(&case).await;
    assert!(last(&work.responsible).starts_with("eng-"));
    assert!(work.take_over_time.is_none(), "nobody had to take it over");
}
