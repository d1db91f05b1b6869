//! Corrective actions are told of until they are done (M16): to their owner before their time, up the lead ladder after it.

use jiff::SignedDuration;
use redress_assignment::jobs::remind_actions::remind_due;
use redress_model::time::SharedClock;
use redress_model::words::CaseStatus;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::{self as event, WorkNews, WorkNoticed};

use crate::world::{NowPlus as _, World, by, last};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl World {
    async fn act(&self, case: &str, hours: i32) -> String {
        let request = wire::CreateCorrectiveActionRequest {
            parent: "sites/lakeside".to_owned(),
            title: "seal all joints of building 3".to_owned(),
            case: case.to_owned(),
            owner: "sites/lakeside/staff/eng-two".to_owned(),
            due_time: Some(to_timestamp(self.clock.now_plus(HOUR * hours))),
            ..Default::default()
        };
        let answer = self
            .ledger
            .create_corrective_action(by(self.manager(), request));
        let action = answer.await.expect("made").into_inner().action;
        action.expect("an action").name
    }

    /// Looks twice, as workers do, and returns what is told of actions by it.
    async fn reminded(&self) -> Vec<(WorkNews, Vec<String>)> {
        let of_actions = |n: &WorkNoticed| n.resource.contains("/correctiveActions/");
        let said = async || {
            let said = self.said::<WorkNoticed>("redress.work.noticed.v1").await;
            said.into_iter().filter(of_actions).collect::<Vec<_>>()
        };
        let before = said().await.len();
        let clock: SharedClock = self.clock.clone();
        for _ in 0..2 {
            let looked = remind_due(&self.database.db, &clock).await;
            looked.expect("looked");
        }
        let told = said().await.split_off(before);
        assert!(told.iter().all(|n| n.case.is_empty()));
        told.iter()
            .map(|n| {
                let people = n.staff.iter().map(|name| last(name).to_owned());
                (n.news(), people.collect())
            })
            .collect()
    }
}

fn told(news: WorkNews, people: &[&str]) -> Vec<(WorkNews, Vec<String>)> {
    vec![(news, people.iter().map(|p| (*p).to_owned()).collect())]
}

#[tokio::test]
async fn m16_an_action_warns_its_owner_and_climbs_the_ladder_once_it_is_late() {
    use WorkNews::{ActionDue, ActionOverdue};
    let world = World::staffed().await;
    world.act("", 100).await;
    world
        .clock
        .advance(HOUR * 75 - SignedDuration::from_secs(1));
    assert!(world.reminded().await.is_empty(), "never early");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.reminded().await, told(ActionDue, &["eng-two"]));
    for (hours, lead) in [(25, "lead-site"), (50, "lead-duty"), (50, "lead-top")] {
        world.clock.advance(HOUR * hours);
        let expected = told(ActionOverdue, &["eng-two", lead]);
        assert_eq!(world.reminded().await, expected);
    }
    world.clock.advance(HOUR * 1_000);
    assert!(world.reminded().await.is_empty(), "each rung once");
}

#[tokio::test]
async fn m16_what_is_done_is_not_told_of_and_what_did_not_work_counts_anew() {
    let world = World::staffed().await;
    let name = world.act("", 100).await;
    world.clock.advance(HOUR * 80);
    assert_eq!(world.reminded().await.len(), 1);
    let done = wire::CompleteCorrectiveActionRequest {
        name: name.clone(),
        note: "all sealed".to_owned(),
        ..Default::default()
    };
    let caller = world.handler("eng-two");
    let done = world.ledger.complete_corrective_action(by(caller, done));
    done.await.expect("theirs");
    world.clock.advance(HOUR * 40);
    assert!(world.reminded().await.is_empty());
    let check = wire::CheckCorrectiveActionRequest {
        name,
        note: "it leaks still".to_owned(),
        due_time: Some(to_timestamp(world.clock.now_plus(HOUR * 100))),
        ..Default::default()
    };
    let check = world
        .ledger
        .check_corrective_action(by(world.manager(), check));
    check.await.expect("checked");
    world.clock.advance(HOUR * 74);
    assert!(world.reminded().await.is_empty());
    world.clock.advance(HOUR);
    let warned = told(WorkNews::ActionDue, &["eng-two"]);
    assert_eq!(world.reminded().await, warned);
}

#[tokio::test]
async fn m16_an_action_outlives_its_case_and_whoever_is_complained_about_in_it_hears_nothing() {
    let world = World::staffed().await;
    let case = world.investigated().await;
    world.act(&case.to_string(), 100).await;
    let accusing = event::CaseFacts {
        staff_complained_about: vec!["sites/lakeside/staff/eng-two".to_owned()],
        revision: 2,
        ..world.facts(&case)
    };
    world
        .tell(&[
            world.updated(accusing),
            world.moved(&case, CaseStatus::Withdrawn, 2),
        ])
        .await;
    world.clock.advance(HOUR * 100);
    let late = told(WorkNews::ActionOverdue, &["lead-site"]);
    assert_eq!(world.reminded().await, late);
}

#[tokio::test]
async fn p14_actions_that_nobody_is_there_to_hear_of_hold_back_no_others() {
    let world = World::empty().await;
    for id in ["eng-two", "gone"] {
        world.staff(id, "").await.expect("added");
    }
    world.act("", 100).await;
    world.retire("gone").await;
    // As many as one look takes, and all due before it.
    let stuck = "INSERT INTO assignment.corrective_action
          (site, id, title, cause, owner, due_time, state, note, failed_checks, create_time, update_time, revision)
        SELECT site, gen_random_uuid(), title, cause, 'gone', due_time - interval '50 hours', state, note, failed_checks,
               create_time, update_time, revision
        FROM assignment.corrective_action CROSS JOIN generate_series(1, 200)";
    let done = sqlx::query(stuck).execute(&world.database.admin).await;
    assert_eq!(done.expect("inserted").rows_affected(), 200);
    world.clock.advance(HOUR * 75);
    let warned = told(WorkNews::ActionDue, &["eng-two"]);
    for _ in 0..5 {
        let reminded = world.reminded().await;
        if !reminded.is_empty() {
            assert_eq!(reminded, warned);
            return;
        }
    }
    panic!("it waits behind what nobody hears");
}
