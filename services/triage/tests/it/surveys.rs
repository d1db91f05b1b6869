//! M12: an answered survey meets the follow-up visit, whichever of its news comes first.

use jiff::{SignedDuration, Timestamp};
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, ClockKind, ClockState, Word as _};
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1 as event;
use redress_proto::event::v1::DeliverOutcome;

use crate::world::World;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn answered(world: &World, case: &CaseName, at: Timestamp) -> Event {
    let payload = event::SurveyAnswered {
        case: case.to_string(),
        survey: format!("sites/{}/surveys/{}", case.site, uuid::Uuid::now_v7()),
        kind: event::SurveyKind::Complaint.into(),
        score: 5,
        solved: true,
        answer_time: Some(to_timestamp(at)),
        ..Default::default()
    };
    let kind = "redress.survey.answered.v1";
    world.event("notification", kind, &case.to_string(), &payload)
}

async fn follow_up(world: &World, case: &CaseName) -> Option<ClockState> {
    let clocks = world.clocks(case).await;
    let clock = clocks.get(&ClockKind::FollowUpVisit)?;
    ClockState::from_number(clock.state)
}

#[tokio::test]
async fn m12_an_answered_survey_meets_the_follow_up_visit() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
        .await;
    assert_eq!(follow_up(&world, &case).await, Some(ClockState::Running));
    world.advance(DAY).await;
    world.tell(&[answered(&world, &case, world.now())]).await;
    assert_eq!(follow_up(&world, &case).await, Some(ClockState::Met));
}

#[tokio::test]
async fn i3_an_answer_that_comes_before_its_resolution_waits_for_it() {
    let world = World::new().await;
    let case = world.case().await;
    let resolved = world.moved("assignment", &case, CaseStatus::Resolved, 1);
    let early = answered(&world, &case, world.now());
    assert_eq!(world.deliver(&early).await, DeliverOutcome::Waiting);
    world.tell(&[resolved]).await;
    assert_eq!(follow_up(&world, &case).await, Some(ClockState::Met));
}

#[tokio::test]
async fn i3_an_answer_that_comes_after_a_reopening_meets_nothing_of_the_next_resolution() {
    let world = World::new().await;
    let case = world.case().await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 1)])
        .await;
    world.advance(DAY).await;
    let late = answered(&world, &case, world.now());
    world.advance(DAY).await;
    world
        .tell(&[world.moved("intake", &case, CaseStatus::Reopened, 2)])
        .await;
    world.tell(&[late]).await;
    world
        .tell(&[world.moved("assignment", &case, CaseStatus::Resolved, 2)])
        .await;
    assert_eq!(follow_up(&world, &case).await, Some(ClockState::Running));
}
