//! P14: what people were asked to do does not end with nobody: it is put to whoever comes, and goes up when it is late.

use std::sync::Arc;

use jiff::SignedDuration;
use redress_model::name::{CaseName, StaffName};
use redress_model::words::{CaseStatus, DutyRole};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::jobs::task_watch::TaskWatch;
use redress_notification::provider::Gateways;
use redress_notification::store::tasks as store;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::task_service_server::TaskService as _;
use redress_rpc::Caller;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::channels::{claim, complete, open_tasks, tasks};
use crate::rpc::{by, caller};
use crate::support::{SERVICE, World, meter, news, site};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Two replicas look at once.
async fn look(world: &World) {
    let watch = || TaskWatch {
        db: world.base.connect(SERVICE),
        clock: world.clock.clone(),
        metrics: Metrics::new(&meter()),
    };
    let (one, two) = (watch(), watch());
    let (a, b) = tokio::join!(one.look(), two.look());
    a.and(b).expect("looked");
}

async fn task(world: &World) -> proto::Task {
    let list = proto::ListTasksRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let reader = caller("lake", &["tasks.*"], None);
    let answer = tasks(world).list_tasks(by(&reader, list)).await;
    let mut all = answer.expect("a list").into_inner().tasks;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// Who was told that tasks wait, in order.
async fn told(world: &World) -> Vec<String> {
    let mut all = world.messages().await;
    all.retain(|m| m.template == Template::TaskWaiting);
    all.iter().map(|m| m.recipient.to_string()).collect()
}

fn names(people: &[&StaffName]) -> Vec<String> {
    people.iter().map(ToString::to_string).collect()
}

/// What the first message of a template came to, and why.
async fn came_to(world: &World, template: Template) -> (MessageState, String) {
    let all = world.messages().await;
    let message = all.into_iter().find(|m| m.template == template);
    let fate = message.expect("there is one").fate;
    (fate.state, fate.reason)
}

fn someone(who: &StaffName) -> Arc<Caller> {
    let mut caller = (*caller("lake", &["tasks.*"], Some(who))).clone();
    caller.subject = format!("{}@example", who.id);
    Arc::new(caller)
}

#[tokio::test]
async fn p14_a_call_that_is_late_goes_up_step_by_step_each_told_once_and_begins_anew() {
    let world = World::new().await;
    let roles = [
        (DutyRole::FrontOffice, "an"),
        (DutyRole::OnSiteLead, "bo"),
        (DutyRole::TopLead, "cai"),
    ];
    let people = world.staff(&roles).await;
    let [an, bo, cai] = [&people[0], &people[1], &people[2]];
    world.call_waits().await;
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, an.to_string());
    world.clock.advance(HOUR * 24);
    look(&world).await;
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, bo.to_string());
    assert_eq!(told(&world).await, names(&[an, bo]), "each step once");
    assert_eq!(
        store::late(&world.base.db, world.now())
            .await
            .expect("counted"),
        1
    );
    world.clock.advance(HOUR * 4 - SignedDuration::from_secs(1));
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, bo.to_string());
    world.clock.advance(SignedDuration::from_secs(1));
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, cai.to_string());
    assert_eq!(told(&world).await, names(&[an, bo, cai]));
    // Nobody stands above: it begins anew with whoever has the duty, at 18:02, and stays there for a day.
    world.clock.advance(HOUR * 4);
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, an.to_string());
    world.clock.advance(HOUR * 24);
    look(&world).await;
    assert_eq!(told(&world).await, names(&[an, bo, cai, an, bo]));
    // From 20:00 to 09:00 nobody would be called, and nobody is told.
    world.clock.advance(HOUR * 14);
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, bo.to_string());
    world.clock.advance(HOUR);
    look(&world).await;
    assert_eq!(told(&world).await, names(&[an, bo, cai, an, bo, cai]));
    // Whoever makes the call after all ends it, and nobody looks at it any more.
    let name = task(&world).await.name;
    let me = someone(an);
    let service = tasks(&world);
    service
        .claim_task(by(&me, claim(&name)))
        .await
        .expect("taken");
    let done = complete(&name, proto::TaskOutcome::Delivered);
    service.complete_task(by(&me, done)).await.expect("done");
    world.clock.advance(HOUR * 48);
    look(&world).await;
    let ended = task(&world).await;
    assert_eq!(ended.state(), proto::TaskState::Done);
    assert_eq!(told(&world).await.len(), 6);
    let all = world.messages().await;
    let receipt = all.iter().find(|m| m.template == Template::CaseReceived);
    assert_eq!(receipt.expect("listed").fate.state, MessageState::Sent);
}

#[tokio::test]
async fn p14_a_call_that_was_taken_and_forgotten_is_asked_of_the_next_one_up_and_not_taken_out_of_a_hand()
 {
    let world = World::new().await;
    let roles = [(DutyRole::FrontOffice, "an"), (DutyRole::DutyLead, "bo")];
    let people = world.staff(&roles).await;
    world.call_waits().await;
    let name = task(&world).await.name;
    world.clock.advance(HOUR * 23);
    let (an, bo) = (someone(&people[0]), someone(&people[1]));
    let service = tasks(&world);
    service
        .claim_task(by(&an, claim(&name)))
        .await
        .expect("taken");
    // It is late, and was taken an hour ago.
    world.clock.advance(HOUR);
    look(&world).await;
    assert_eq!(task(&world).await.state(), proto::TaskState::Claimed);
    world.clock.advance(HOUR * 3);
    look(&world).await;
    let up = task(&world).await;
    assert_eq!(up.state(), proto::TaskState::Open);
    assert_eq!(up.offered_to, people[1].to_string());
    let forgotten = complete(&name, proto::TaskOutcome::Delivered);
    let refused = service.complete_task(by(&an, forgotten.clone())).await;
    refused.expect_err("it is theirs no more");
    service
        .claim_task(by(&bo, claim(&name)))
        .await
        .expect("taken");
    service
        .complete_task(by(&bo, forgotten))
        .await
        .expect("done");
    assert_eq!(told(&world).await, names(&[&people[0], &people[1]]));
}

#[tokio::test]
async fn p14_a_task_that_nobody_was_there_to_be_asked_for_is_put_to_whoever_comes() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world.people.add_phone(&case, "t1", "Li Si", "");
    world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let waits = open_tasks(&world).await.remove(0);
    assert_eq!(waits.kind(), proto::TaskKind::Unreached);
    assert_eq!(waits.offered_to, "");
    world.clock.advance(HOUR);
    look(&world).await;
    assert!(told(&world).await.is_empty(), "nobody is there");

    let people = world.staff(&[(DutyRole::OnSiteLead, "bo")]).await;
    world.clock.advance(SignedDuration::from_mins(15));
    look(&world).await;
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, people[0].to_string());
    assert_eq!(told(&world).await, names(&[&people[0]]));
    // Nobody stands above: a day later it is asked of the same person again.
    world.clock.advance(HOUR * 3);
    look(&world).await;
    world.clock.advance(HOUR * 24);
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, people[0].to_string());
}

#[tokio::test]
async fn nobody_whom_the_case_complains_about_is_asked_for_what_is_late() {
    let world = World::new().await;
    let roles = [
        (DutyRole::FrontOffice, "an"),
        (DutyRole::OnSiteLead, "bo"),
        (DutyRole::DutyLead, "cai"),
    ];
    let people = world.staff(&roles).await;
    world.call_waits().await;
    let case: CaseName = task(&world).await.case.parse().expect("a case");
    world.tell(news::accuses(&case, &[&people[1]], 2)).await;
    world.clock.advance(HOUR * 24);
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, people[2].to_string());
    assert_eq!(told(&world).await, names(&[&people[0], &people[2]]));
}

#[tokio::test]
async fn p06_a_call_that_nobody_needs_any_more_ends_and_goes_up_to_nobody() {
    use CaseStatus::{Investigating, Proposed, Resolving, Withdrawn};
    for (news_of, template, end, reason) in [
        (
            Proposed,
            Template::CaseProposed,
            (Resolving, 1),
            "PROPOSAL_ENDED",
        ),
        (
            Investigating,
            Template::CaseProgress,
            (Withdrawn, 2),
            "CASE_ENDED",
        ),
    ] {
        let world = World::new().await;
        let roles = [(DutyRole::FrontOffice, "an"), (DutyRole::OnSiteLead, "bo")];
        let people = world.staff(&roles).await;
        let (case, sender) = world.call_waits().await;
        let receipt = task(&world).await.name;
        let (an, service) = (someone(&people[0]), tasks(&world));
        let taken = service.claim_task(by(&an, claim(&receipt))).await;
        taken.expect("taken");
        let done = complete(&receipt, proto::TaskOutcome::Delivered);
        service.complete_task(by(&an, done)).await.expect("done");
        let told_at = world.now();
        world.tell(news::moved_at(&case, news_of, 1, told_at)).await;
        world.send_due(&sender).await;
        assert_eq!(open_tasks(&world).await.len(), 1);
        assert_eq!(came_to(&world, template).await.0, MessageState::Asked);

        world.clock.advance(HOUR);
        world.tell(news::moved(&case, end.0, end.1)).await;
        world.clock.advance(HOUR * 24);
        look(&world).await;
        let open = open_tasks(&world).await;
        assert!(open.is_empty(), "{open:#?}");
        assert_eq!(told(&world).await, names(&[&people[0]]));
        let ended = (MessageState::Cancelled, reason.to_owned());
        assert_eq!(came_to(&world, template).await, ended);
    }
}

#[tokio::test]
async fn p06_a_call_to_somebody_whose_case_was_taken_out_again_ends_and_the_one_of_their_own_goes_up()
 {
    let world = World::new().await;
    let roles = [(DutyRole::FrontOffice, "an"), (DutyRole::OnSiteLead, "bo")];
    let people = world.staff(&roles).await;
    let head = world.case("LAKE-1").await;
    let other = CaseName::new(site("lake"), Uuid::now_v7());
    let (name, phone) = ("Li Si", "+8613800138001");
    world.people.add_caller(&other, "li", name, phone);
    world.tell(news::received(&other, "LAKE-2", &["li"])).await;
    world.tell(news::merged(&other, &head, 2)).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.sender(Gateways {
        tasks: true,
        outbox: true,
        ..Gateways::default()
    });
    world.send_due(&sender).await;
    world.tell(news::moved(&head, CaseStatus::Closed, 1)).await;
    world.send_due(&sender).await;
    assert_eq!(open_tasks(&world).await.len(), 2);

    world
        .tell(news::moved(&other, CaseStatus::Triaged, 3))
        .await;
    world.clock.advance(HOUR * 24);
    look(&world).await;
    let mut open = open_tasks(&world).await;
    assert_eq!(open.len(), 1, "{open:#?}");
    let open = open.remove(0);
    assert_eq!(open.case, other.to_string());
    assert_eq!(open.offered_to, people[1].to_string());
    let all = world.messages().await;
    let of_head = all.iter().find(|m| m.known_by.is_some());
    let fate = &of_head.expect("queued").fate;
    assert_eq!(
        (fate.state, fate.reason.as_str()),
        (MessageState::Cancelled, "UNMERGED")
    );
}

#[tokio::test]
async fn p06_nobody_takes_a_call_about_what_has_ended() {
    let world = World::new().await;
    let people = world.staff(&[(DutyRole::FrontOffice, "an")]).await;
    let (case, _) = world.call_waits().await;
    world
        .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
        .await;
    let waits = task(&world).await;
    let an = someone(&people[0]);
    let refused = tasks(&world).claim_task(by(&an, claim(&waits.name))).await;
    let refused = refused.expect_err("it has ended");
    let reason = refused.get_details_error_info().expect("given").reason;
    assert_eq!(reason, "TASK_DONE");
    let ended = task(&world).await;
    assert_eq!(
        (ended.state(), ended.outcome()),
        (proto::TaskState::Done, proto::TaskOutcome::NotNeeded)
    );
    let fate = (MessageState::Cancelled, "CASE_ENDED".to_owned());
    assert_eq!(came_to(&world, Template::CaseReceived).await, fate);
}

#[tokio::test]
async fn p06_nobody_looks_any_more_for_the_reader_of_what_has_ended() {
    let world = World::new().await;
    let roles = [(DutyRole::FrontOffice, "an"), (DutyRole::OnSiteLead, "bo")];
    let people = world.staff(&roles).await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.sender(Gateways::default())).await;
    assert_eq!(task(&world).await.kind(), proto::TaskKind::Unreached);
    world
        .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
        .await;
    world.clock.advance(HOUR * 4);
    look(&world).await;
    assert_eq!(task(&world).await.state(), proto::TaskState::Done);
    assert_eq!(told(&world).await, names(&[&people[0]]));
    let fate = (MessageState::Cancelled, "CASE_ENDED".to_owned());
    assert_eq!(came_to(&world, Template::CaseReceived).await, fate);
}

#[tokio::test]
async fn p14_what_was_put_to_a_lead_at_once_goes_up_from_there_and_not_down() {
    let world = World::new().await;
    let roles = [(DutyRole::DutyLead, "cai"), (DutyRole::TopLead, "dan")];
    let people = world.staff(&roles).await;
    world.call_waits().await;
    assert_eq!(task(&world).await.offered_to, people[0].to_string());
    let bo = world.hire("bo", "+8613800000009", "bo@example.com").await;
    let since = "2026-11-01T00:00:00Z";
    let slots = [
        (&bo, DutyRole::OnSiteLead, since, None),
        (&people[0], DutyRole::DutyLead, since, None),
        (&people[1], DutyRole::TopLead, since, None),
    ];
    world.tell(news::duties(&slots, 2)).await;
    world.clock.advance(HOUR * 24);
    look(&world).await;
    assert_eq!(task(&world).await.offered_to, people[1].to_string());
}
