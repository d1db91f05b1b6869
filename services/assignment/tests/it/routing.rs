//! Who gets a case.

use redress_model::words::{CaseMode, CaseStatus, Category, Channel, DutyRole};
use redress_proto::convert::to_wire;
use redress_proto::event::v1::{CaseMoved, DeliverOutcome, OwnerChanged};

use crate::world::{World, last};

#[tokio::test]
async fn cases_are_shared_out_evenly_among_those_at_work() {
    let world = World::staffed().await;
    let mut offered = Vec::new();
    for _ in 0..4 {
        let case = world.offered(Category::EngineeringQuality).await;
        let work = world.get(&case).await;
        assert_eq!(last(&work.department), "engineering");
        offered.push(last(&work.offered_to).to_owned());
    }
    assert_eq!(offered, ["eng-one", "eng-two", "eng-one", "eng-two"]);
    assert_eq!(world.get_staff("eng-one").await.open_cases, 2);
    // The front office received them all and keeps them until somebody accepts.
    assert_eq!(world.get_staff("desk").await.open_cases, 4);
}

#[tokio::test]
async fn the_offer_is_told_with_its_reason_and_epoch() {
    let world = World::staffed().await;
    let case = world.offered(Category::SalesManagement).await;
    let owners: Vec<OwnerChanged> = world.said("redress.owner.changed.v1").await;
    let told: Vec<_> = owners
        .iter()
        .map(|o| (last(&o.responsible), last(&o.offered_to), o.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [("desk", "", "first_contact"), ("desk", "seller", "routed")]
    );
    assert!(owners[0].revision < owners[1].revision);
    let moves: Vec<CaseMoved> = world.said("redress.case.moved.v1").await;
    assert_eq!(moves.len(), 1);
    assert_eq!(moves[0].case, case.to_string());
    assert_eq!(moves[0].status, to_wire(CaseStatus::Assigned));
    assert_eq!(moves[0].epoch, 1);
    let work = world.get(&case).await;
    assert!(
        work.explanation
            .iter()
            .any(|line| line.contains("sales takes SALES_MANAGEMENT"))
    );
}

#[tokio::test]
async fn p14_with_nobody_at_work_the_next_rung_gets_it_at_once() {
    let world = World::staffed().await;
    world
        .duties(&[
            (DutyRole::DutyLead, "lead-duty"),
            (DutyRole::TopLead, "lead-top"),
        ])
        .await
        .expect("set");
    let case = world.offered(Category::EngineeringQuality).await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.offered_to), "lead-duty");
    assert_eq!(last(&work.responsible), "lead-duty");
    let owners: Vec<OwnerChanged> = world.said("redress.owner.changed.v1").await;
    assert_eq!(owners.last().expect("told").reason, "nobody_on_duty");
}

#[tokio::test]
async fn a_site_without_people_gets_its_owners_with_its_first_person() {
    let world = World::empty().await;
    let case = world.offered(Category::EngineeringQuality).await;
    let work = world.get(&case).await;
    assert_eq!(
        (work.responsible.as_str(), work.offered_to.as_str()),
        ("", "")
    );
    assert_eq!(work.status, to_wire(CaseStatus::Triaged));
    world.staff("first", "").await.expect("added");
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "first");
    assert_eq!(last(&work.offered_to), "first");
    assert_eq!(work.status, to_wire(CaseStatus::Assigned));
    assert_eq!(world.get_staff("first").await.open_cases, 1);
}

#[tokio::test]
async fn who_received_the_case_is_responsible_until_acceptance() {
    let world = World::staffed().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.channel = to_wire(Channel::Hotline);
    facts.first_contact_owner = "sites/lakeside/staff/seller".to_owned();
    world
        .tell(&[
            world.received(facts),
            world.graded(&case, 1, 1, Some(Category::EngineeringQuality)),
        ])
        .await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "seller");
    let accepted = world
        .accept(world.handler(last(&work.offered_to)), &case, "")
        .await
        .expect("offered to them");
    assert_eq!(accepted.responsible, work.offered_to);
    assert_eq!(world.get_staff("seller").await.open_cases, 0);
}

#[tokio::test]
async fn a_new_category_routes_again_before_acceptance_and_is_only_recorded_after() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    world
        .tell(&[world.graded(&case, 2, 1, Some(Category::SalesManagement))])
        .await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.offered_to), "seller");
    world
        .accept(world.handler("seller"), &case, "")
        .await
        .expect("theirs");
    world
        .tell(&[world.graded(&case, 3, 1, Some(Category::EngineeringQuality))])
        .await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "seller");
    assert_eq!(work.status, to_wire(CaseStatus::Accepted));
    assert_eq!(work.category, to_wire(Category::EngineeringQuality));
    assert_eq!(world.get_staff("eng-one").await.open_cases, 0);
}

#[tokio::test]
async fn whoever_retires_hands_over_in_the_same_step() {
    let world = World::staffed().await;
    let case = world.offered(Category::EngineeringQuality).await;
    world
        .accept(world.handler("eng-one"), &case, "")
        .await
        .expect("theirs");
    let offered = world.offered(Category::EngineeringQuality).await;
    assert_eq!(last(&world.get(&offered).await.offered_to), "eng-two");
    world.retire("eng-two").await;
    assert_eq!(last(&world.get(&offered).await.offered_to), "eng-one");
    world.retire("eng-one").await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.responsible), "lead-site");
    assert_eq!(work.status, to_wire(CaseStatus::Accepted));
    assert_eq!(last(&world.get(&offered).await.offered_to), "lead-site");
    for gone in ["eng-one", "eng-two"] {
        assert_eq!(world.get_staff(gone).await.open_cases, 0);
    }
}

#[tokio::test]
async fn p06_historical_cases_get_no_work() {
    let world = World::staffed().await;
    let case = world.new_case();
    let mut facts = world.facts(&case);
    facts.mode = to_wire(CaseMode::Historical);
    let mut events = [
        world.received(facts.clone()),
        world.updated(facts),
        world.graded(&case, 1, 1, Some(Category::EngineeringQuality)),
        world.moved(&case, CaseStatus::Archived, 2),
        world.graded(&case, 2, 2, Some(Category::SalesManagement)),
    ];
    for event in &mut events {
        event.historical = true;
    }
    world.tell(&events).await;
    let said = "SELECT count(*) FROM assignment.outbox WHERE type IN ('redress.owner.changed.v1', 'redress.case.moved.v1')";
    assert_eq!(world.count("SELECT count(*) FROM assignment.work").await, 0);
    assert_eq!(world.count(said).await, 0);
}

#[tokio::test]
async fn p06_withdrawn_and_merged_cases_lose_their_work() {
    let world = World::staffed().await;
    for status in [CaseStatus::Withdrawn, CaseStatus::Merged] {
        let case = world.offered(Category::EngineeringQuality).await;
        world.tell(&[world.moved(&case, status, 2)]).await;
        let work = world.get(&case).await;
        assert_eq!(work.status, to_wire(status));
        assert_eq!(work.offered_to, "");
        // A decision that triage made before it heard: no offer, no load, nothing told.
        let owners = world
            .said::<OwnerChanged>("redress.owner.changed.v1")
            .await
            .len();
        world
            .tell(&[world.graded(&case, 2, 1, Some(Category::SalesManagement))])
            .await;
        let work = world.get(&case).await;
        assert_eq!(
            (work.status, work.offered_to.as_str()),
            (to_wire(status), "")
        );
        assert_eq!(
            world
                .said::<OwnerChanged>("redress.owner.changed.v1")
                .await
                .len(),
            owners
        );
    }
    for person in ["desk", "eng-one", "eng-two", "seller"] {
        assert_eq!(world.get_staff(person).await.open_cases, 0, "{person}");
    }
}

#[tokio::test]
async fn an_event_whose_base_is_unknown_waits() {
    let world = World::staffed().await;
    let case = world.new_case();
    let graded = world.graded(&case, 1, 1, Some(Category::EngineeringQuality));
    assert_eq!(world.deliver(&graded).await, DeliverOutcome::Waiting);
    world.tell(&[world.received(world.facts(&case))]).await;
    assert_eq!(last(&world.get(&case).await.offered_to), "eng-one");
    // Triage has heard that the case was reopened; we have not yet.
    let newer = world.graded(&case, 2, 3, Some(Category::SalesManagement));
    assert_eq!(world.deliver(&newer).await, DeliverOutcome::Waiting);
    world
        .tell(&[
            world.moved(&case, CaseStatus::Withdrawn, 2),
            world.moved(&case, CaseStatus::Reopened, 3),
        ])
        .await;
    assert_eq!(last(&world.get(&case).await.offered_to), "seller");
}

/// The department that got a case of each category just now; empty where none did.
async fn departments(world: &World) -> Vec<String> {
    let mut departments = Vec::new();
    for category in Category::ALL {
        let case = world.offered(*category).await;
        departments.push(last(&world.get(&case).await.department).to_owned());
    }
    departments
}

#[tokio::test]
async fn a_sites_policy_sends_a_category_elsewhere_and_p26_what_is_assigned_stays() {
    let world = World::staffed().await;
    let before = world.offered(Category::EngineeringQuality).await;
    world
        .tell(&[world.policy_of("residential", 2, |handling| {
            let routing = handling.routing.as_mut().expect("of this release");
            routing.engineering_quality = "sales".to_owned();
        })])
        .await;
    let after = world.offered(Category::EngineeringQuality).await;
    // Triage grades the older case again under the new policy.
    world
        .tell(&[world.graded(&before, 2, 1, Some(Category::EngineeringQuality))])
        .await;
    for (case, department, staff) in [
        (&before, "engineering", "eng-one"),
        (&after, "sales", "seller"),
    ] {
        let work = world.get(case).await;
        assert_eq!(
            (last(&work.department), last(&work.offered_to)),
            (department, staff)
        );
    }
    let case = world.offered(Category::ServiceConduct).await;
    let work = world.get(&case).await;
    assert_eq!(last(&work.department), "customer-service");
}

#[tokio::test]
async fn m15_on_an_opening_day_three_departments_take_everything_that_comes_in() {
    let world = World::staffed().await;
    // A list of its own does not take a category out of the day's groups.
    world
        .department("design", &[Category::PlanningDesign])
        .await
        .expect("made");
    // A department of the handbook's name, else none.
    let standing = [
        "engineering",
        "design",
        "sales",
        "",
        "customer-service",
        "",
        "",
        "",
    ];
    let grouped = [
        "engineering",
        "engineering",
        "sales",
        "customer-service",
        "customer-service",
        "engineering",
        "sales",
        "customer-service",
    ];
    assert_eq!(departments(&world).await, standing);
    world
        .tell(&[world.policy_of("opening-day", 1, |_| ())])
        .await;
    let inside = world.offered(Category::PlanningDesign).await;
    assert_eq!(departments(&world).await, grouped);
    world
        .tell(&[world.policy_of("residential", 1, |_| ())])
        .await;
    assert_eq!(departments(&world).await, standing);
    let work = world.get(&inside).await;
    assert_eq!(last(&work.department), "engineering", "it stays (P26)");

    // A former release told nothing of routing: the profile counts as it is shipped.
    for (profile, takes) in [("residential", standing), ("opening-day", grouped)] {
        world
            .tell(&[world.policy_of(profile, 1, |handling| handling.routing = None)])
            .await;
        assert_eq!(departments(&world).await, takes, "{profile}");
    }
}
