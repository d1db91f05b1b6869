//! The crisis room: everything that stands beside an incident comes with it, and nothing is missed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redress_events::Event;
use redress_model::name::CaseName;
use redress_model::words::DutyRole;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{
    Audience, ExportFormat, ExposureTruth, IncidentStage, ReviewState, ReviewStep, StatementKind,
};
use redress_proto::event::v1 as events;
use redress_proto::words::ClockState;
use tokio_stream::StreamExt as _;

use crate::aftermath::calm;
use crate::briefings::promised;
use crate::statements::public;
use crate::world::*;

impl World {
    /// The next message of a watch that goes on after a token.
    pub(crate) async fn watched(
        &self,
        name: &str,
        resume_token: &str,
    ) -> wire::WatchIncidentResponse {
        let request = wire::WatchIncidentRequest {
            name: name.into(),
            resume_token: resume_token.into(),
        };
        let watch = self.api.watch_incident(as_caller(request, &["lake"])).await;
        let mut stream = watch.expect("watches").into_inner();
        let message = tokio::time::timeout(Duration::from_secs(30), stream.next()).await;
        message.expect("soon").expect("a message").expect("ok")
    }
}

#[tokio::test]
async fn the_room_comes_with_the_incident_and_a_resumed_watch_misses_nothing() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let graded = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]);
    world.take([graded.event()]).await;
    let incident = world.the_open("lake").await;
    let shown = world.watched(&incident.name, "").await;
    assert_eq!(shown.incident.as_ref(), Some(&incident));
    let room = shown.room.clone().expect("filled");
    assert!(room.statements.is_empty() && room.commitments.is_empty());
    assert_eq!(room.briefings.len(), 1);
    let plan = world.plan(&incident.name).await;
    assert!(
        !plan.tasks.is_empty() && room.tasks == plan.tasks,
        "{:#?}",
        room.tasks
    );
    assert_eq!(
        room.conditions, plan.conditions,
        "nobody says yet that they hold"
    );
    assert!(room.cells.iter().all(|c| c.tell_time.is_none()));

    let draft = wire::CreateStatementRequest {
        parent: incident.name.clone(),
        statement: Some(wire::Statement {
            kind: StatementKind::Holding.into(),
            audience: Audience::Public.into(),
            language: "zh-CN".into(),
            text: "我们已到现场。".into(),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    let draft = world
        .statements
        .create_statement(as_person(draft, "lake", "clerk"))
        .await;
    draft.expect("drafted");
    let commitment = promised(&world, &incident.name).await;

    let done = wire::CompleteTaskRequest {
        name: incident.name.clone(),
        task: plan.tasks[0].key.clone(),
        ..Default::default()
    };
    let done = world.playbooks.complete_task(as_caller(done, &["lake"]));
    done.await.expect("open");

    // Away while it changed: the token of the first message leads to all of it.
    let changed = world.watched(&incident.name, &shown.resume_token).await;
    let room = changed.room.expect("filled");
    assert_eq!(room.statements[0].due_step(), ReviewStep::FactCheck);
    assert_eq!(room.commitments[0].name, commitment.name);
    assert_eq!(
        room.tasks,
        plan.tasks[1..],
        "what is done is no longer shown"
    );
    let numbers: Vec<_> = room
        .briefings
        .iter()
        .map(|b| (b.number, b.hold_time.is_some()))
        .collect();
    assert_eq!(numbers, [(2, false), (1, true)]);

    let keep = wire::KeepCommitmentRequest {
        name: commitment.name,
        outcome: "done".into(),
        ..Default::default()
    };
    let kept = world
        .briefings
        .keep_commitment(as_person(keep, "lake", "onsite"))
        .await;
    kept.expect("kept");
    let last = world.watched(&incident.name, &changed.resume_token).await;
    assert!(last.room.expect("filled").commitments.is_empty());
}

#[tokio::test]
async fn the_room_shows_the_press_the_offers_of_roles_and_who_is_led_until_nothing_waits() {
    let world = World::new().await;
    let mut names = Vec::new();
    for site in ["lake", "river"] {
        world
            .take([site_changed(site), duty_changed(site, FULL, 1)])
            .await;
        let graded = graded(&case(site, 1), &cluster(site, 1), 1, &["G1.4"]);
        world.take([graded.event()]).await;
        names.push(world.the_open(site).await.name);
    }
    let (lake, river) = (&names[0], &names[1]);
    let before = world.watched(lake, "").await;
    let room = before.room.expect("filled");
    assert!(room.inquiries.is_empty() && room.exposures.is_empty());
    assert!(room.handovers.is_empty() && room.links.is_empty());

    let asked = world.ask(lake, 4, None).await;
    let reported = world
        .reported_by(lake, "晚报", ExposureTruth::Unspecified)
        .await;
    let offer = wire::OfferRoleRequest {
        name: lake.clone(),
        role: to_wire(DutyRole::Spokesperson),
        staff: staff("lake", "second-voice"),
        reason: "end of shift".into(),
        ..Default::default()
    };
    let offered = world.commanding.offer_role(as_caller(offer, &["lake"]));
    offered.await.expect("offered");
    let link = wire::LinkIncidentRequest {
        name: lake.clone(),
        led: river.clone(),
        reason: "the same contractor".into(),
        ..Default::default()
    };
    let linked = world
        .commanding
        .link_incident(as_caller(link, &["lake", "river"]));
    linked.await.expect("linked");

    let shown = world.watched(lake, &before.resume_token).await;
    let room = shown.room.expect("filled");
    assert_eq!(room.inquiries[0].name, asked.name);
    assert!(room.inquiries[0].journalist.is_empty(), "sealed (I9)");
    assert_eq!(room.exposures[0].name, reported.name);
    assert_eq!(room.handovers[0].to, staff("lake", "second-voice"));
    let links: Vec<_> = room.links.iter().map(|l| (&l.incident, l.leads)).collect();
    assert_eq!(links, [(river, true)]);

    let answer = wire::AnswerRoleRequest {
        name: lake.clone(),
        role: to_wire(DutyRole::Spokesperson),
        accept: true,
        ..Default::default()
    };
    let answered = world
        .commanding
        .answer_role(as_person(answer, "lake", "second-voice"));
    answered.await.expect("accepted");
    let assessed = world.assess(&reported.name, ExposureTruth::True).await;
    assessed.expect("it is so");
    let last = world.watched(lake, &shown.resume_token).await;
    let room = last.room.expect("filled");
    assert!(room.handovers.is_empty() && room.exposures.is_empty());
    assert_eq!(room.inquiries.len(), 1, "the press still waits");
}

#[tokio::test]
async fn who_acts_for_a_role_and_until_when_is_in_the_room_from_the_appointment_to_its_end() {
    let (world, incident) = public().await;
    let before = world.watched(&incident, "").await;
    assert!(before.room.expect("filled").deputies.is_empty());
    let end = world.now() + SignedDuration::from_hours(2);
    let appoint = wire::AppointDeputyRequest {
        name: incident.clone(),
        role: to_wire(DutyRole::LegalCounsel),
        staff: staff("lake", "onsite"),
        end_time: Some(to_timestamp(end)),
        reason: "on a plane".into(),
        ..Default::default()
    };
    let appointed = world
        .statements
        .appoint_deputy(as_person(appoint, "lake", "top"));
    let appointed = appointed.await.expect("appointed").into_inner();
    let shown = world.watched(&incident, &before.resume_token).await;
    let deputies = shown.room.expect("filled").deputies;
    let acting: Vec<_> = deputies
        .iter()
        .map(|d| (d.role, d.staff.clone(), d.end_time))
        .collect();
    let counsel = to_wire(DutyRole::LegalCounsel);
    let end = Some(to_timestamp(end));
    assert_eq!(acting, [(counsel, staff("lake", "onsite"), end)]);
    assert_eq!(deputies, appointed.deputies);
    world.advance(2 * 60);
    let over = world.watched(&incident, "").await;
    assert!(over.room.expect("filled").deputies.is_empty());
}

#[tokio::test]
async fn what_earlier_stages_told_and_questions_that_nobody_answered_are_in_the_room_m01() {
    let (world, incident) = public().await;
    world.report(&incident, wire::UpdateAudience::Inside).await;
    let reported = to_timestamp(world.now());
    let commitment = promised(&world, &incident).await;
    world.advance(30);
    let moved = world
        .to_stage(&incident, IncidentStage::Handling, |_| true)
        .await;
    moved.expect("every gap is waived");
    let shown = world.watched(&incident, "").await;
    let room = shown.room.expect("filled");
    let told = |audience: Audience| -> Vec<_> {
        let cells = room.cells.iter().filter(|c| c.audience() == audience);
        cells.map(|c| (c.stage(), c.tell_time)).collect()
    };
    let now = (IncidentStage::Handling, None);
    let before = (IncidentStage::Outbreak, Some(reported));
    assert_eq!(told(Audience::Staff), [before, now]);
    assert_eq!(told(Audience::Media), [now], "nothing in any other");
    let open: Vec<_> = room
        .questions
        .iter()
        .map(|q| (q.briefing_number, q.number, q.text.as_str()))
        .collect();
    assert_eq!(open, [(1, 1, "when?")]);

    let answer = wire::AnswerBriefingQuestionRequest {
        name: commitment.briefing,
        question_number: 1,
        answer: "in May".into(),
        ..Default::default()
    };
    let answered = world
        .briefings
        .answer_briefing_question(as_caller(answer, &["lake"]));
    answered.await.expect("open");
    let last = world.watched(&incident, &shown.resume_token).await;
    assert!(last.room.expect("filled").questions.is_empty());
}

#[tokio::test]
async fn the_room_says_what_the_stage_is_for_and_says_it_anew_when_the_stage_moves_m01() {
    let (world, incident) = public().await;
    let shown = world.watched(&incident, "").await;
    let outbreak = shown.room.expect("filled").goals;
    assert!(!outbreak.is_empty());
    assert_eq!(outbreak, world.plan(&incident).await.goals);
    let moved = world
        .to_stage(&incident, IncidentStage::Handling, |_| true)
        .await;
    moved.expect("every gap is waived");
    let shown = world.watched(&incident, &shown.resume_token).await;
    let handling = shown.room.expect("filled").goals;
    assert_eq!(handling, world.plan(&incident).await.goals);
    assert_ne!(handling, outbreak);
}

#[tokio::test]
async fn once_it_is_stood_down_the_room_shows_what_its_review_still_asks_for_m01() {
    let (world, incident) = calm().await;
    let open = world.watched(&incident, "").await;
    assert_eq!(open.room.expect("filled").review, None);
    let ended = world.stand_down(&incident, "top").await;
    ended.expect("nothing keeps it");
    let review = |shown: &wire::WatchIncidentResponse| {
        let room = shown.room.clone().expect("filled");
        assert!(room.goals.is_empty(), "it is in no stage any more");
        room.review.expect("begun")
    };
    let begun = world.watched(&incident, &open.resume_token).await;
    assert_eq!(review(&begun).state(), ReviewState::Open);
    assert!(review(&begun).actions.is_empty());

    let action = world.ask_for(&incident, "").await.expect("asked");
    let asked = world.watched(&incident, &begun.resume_token).await;
    assert_eq!(review(&asked).actions, std::slice::from_ref(&action));
    assert_eq!(action.clock_state(), ClockState::Running);
    // The clock of an action goes on though the incident has ended.
    world.advance(49 * 60);
    world.fire_due().await;
    let late = world.watched(&incident, &asked.resume_token).await;
    let clocks: Vec<_> = review(&late)
        .actions
        .iter()
        .map(|a| a.clock_state())
        .collect();
    assert_eq!(clocks, [ClockState::Breached]);

    let lesson = world
        .propose(&incident, crate::lessons::task("bring-plan"))
        .await
        .expect("fits");
    world.settle(&action.name).await.expect("done");
    let settled = world.watched(&incident, &late.resume_token).await;
    let left = review(&settled);
    assert_eq!((left.actions.len(), left.settled_count), (0, 1));
    assert_eq!(left.lessons, [lesson]);
}

fn held(shown: &wire::WatchIncidentResponse) -> &wire::RoomHeld {
    let room = shown.room.as_ref().expect("filled");
    room.held.as_ref().expect("counted")
}

/// News of a message that an incident holds since then: what was decided of it, at `at`; nothing yet.
fn message_held(incident: &str, n: u128, since: Timestamp, decision: &str, at: Timestamp) -> Event {
    message_about(&case("lake", 1), incident, n, (since, decision, at))
}

fn message_about(
    about: &CaseName,
    incident: &str,
    n: u128,
    (since, decision, at): (Timestamp, &str, Timestamp),
) -> Event {
    let about = about.to_string();
    // What is dropped in these stories was cancelled before anybody decided.
    let (decided_by, reason) = match decision {
        "RELEASED" => ("account-voice", ""),
        "DROPPED" => ("", "the message was cancelled"),
        _ => ("", ""),
    };
    let payload = events::MessageHeld {
        message: format!("sites/lake/messages/{}", uuid::Uuid::from_u128(n)),
        case: about.clone(),
        incident: incident.into(),
        decision: decision.into(),
        waiting_count: 1,
        change_time: Some(to_timestamp(at)),
        template: "case.message".into(),
        hold_time: Some(to_timestamp(since)),
        decide_by_time: Some(to_timestamp(since + SignedDuration::from_hours(4))),
        decided_by: decided_by.into(),
        reason: reason.into(),
    };
    event(
        "notification",
        "redress.message.held.v1",
        "lake",
        about,
        &payload,
    )
}

#[tokio::test]
async fn what_one_voice_holds_back_is_counted_in_the_room_and_stands_in_the_export_in_any_order_i3()
{
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let first = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]);
    world.take([first.event()]).await;
    let incident = world.the_open("lake").await.name;
    let shown = world.watched(&incident, "").await;
    assert_eq!(held(&shown), &wire::RoomHeld::default());

    let (t0, minutes) = (world.now(), SignedDuration::from_mins);
    let news = |n, since, decision: &str, at| {
        let (since, at) = (t0 + minutes(since), t0 + minutes(at));
        message_held(&incident, n, since, decision, at)
    };
    world.take([news(1, 0, "", 0), news(2, 5, "", 5)]).await;
    let shown = world.watched(&incident, &shown.resume_token).await;
    let counted = held(&shown);
    assert_eq!(counted.waiting_count, 2);
    assert_eq!(counted.oldest_hold_time, Some(to_timestamp(t0)));
    let next = t0 + SignedDuration::from_hours(4);
    assert_eq!(counted.next_decide_time, Some(to_timestamp(next)));

    // A decision is heard before its hold, of the same instant too; and once more.
    world
        .take([
            news(1, 0, "RELEASED", 9),
            news(3, 7, "DROPPED", 7),
            news(3, 7, "", 7),
            news(1, 0, "", 0),
        ])
        .await;
    let shown = world.watched(&incident, &shown.resume_token).await;
    let counted = held(&shown);
    let counts = |c: &wire::RoomHeld| (c.waiting_count, c.released_count, c.dropped_count);
    assert_eq!(counts(counted), (1, 1, 1));
    assert_eq!(
        counted.oldest_hold_time,
        Some(to_timestamp(t0 + minutes(5)))
    );

    // Of the same message that is held anew both holds stand.
    world.take([news(1, 20, "", 20)]).await;
    let shown = world.watched(&incident, &shown.resume_token).await;
    assert_eq!(counts(held(&shown)), (2, 1, 1));

    let document = world
        .export(&incident, ExportFormat::Markdown, "lake")
        .await
        .expect("exported")
        .document;
    redress_crisis::domain::export::verify(&document).expect("holds");
    for told in [
        "case.message to AFFECTED about sites/lake/cases/",
        "held 2026-03-02 10:00:00 +08:00, to be decided by 2026-03-02 14:00:00 +08:00, RELEASED by account-voice, 2026-03-02 10:09:00 +08:00",
        "DROPPED, 2026-03-02 10:07:00 +08:00: the message was cancelled",
        "held 2026-03-02 10:20:00 +08:00, to be decided by 2026-03-02 14:20:00 +08:00, waits",
    ] {
        assert!(document.contains(told), "{told} in\n{document}");
    }
}

#[tokio::test]
async fn whoever_a_neighbours_case_complains_about_is_shown_no_message_held_about_it() {
    let world = World::new().await;
    let (own, neighbours) = (case("lake", 1), case("lake", 2));
    world
        .take([
            site_changed("lake"),
            duty_changed("lake", FULL, 1),
            graded(&own, &cluster("lake", 1), 1, &["G1.4"]).event(),
            complains_about(&neighbours, "voice", 1),
        ])
        .await;
    let incident = world.the_open("lake").await.name;
    let at = world.now();
    let waits = (at, "", at);
    world
        .take([
            message_about(&own, &incident, 1, waits),
            message_about(&neighbours, &incident, 2, waits),
        ])
        .await;
    for (person, sees) in [("voice", 1), ("top", 2)] {
        let watch = wire::WatchIncidentRequest {
            name: incident.clone(),
            ..Default::default()
        };
        let watch = as_staff(watch, "lake", person);
        let watch = world.api.watch_incident(watch).await;
        let mut stream = watch.expect("the incident is theirs").into_inner();
        let message = tokio::time::timeout(Duration::from_secs(30), stream.next()).await;
        let shown = message.expect("soon").expect("a message").expect("ok");
        assert_eq!(held(&shown).waiting_count, sees, "{person}");

        let export = wire::ExportIncidentRequest {
            name: incident.clone(),
            format: ExportFormat::Markdown.into(),
        };
        let export = as_staff(export, "lake", person);
        let exported = world.aftermath.export_incident(export).await;
        let document = exported.expect("exported").into_inner().document;
        let about = |case: &CaseName| document.contains(&format!("about {case}"));
        assert_eq!(
            (about(&own), about(&neighbours)),
            (true, sees == 2),
            "{person}"
        );
    }
}

#[tokio::test]
async fn what_a_merged_incident_held_is_counted_by_the_one_that_stays() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let first = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]);
    world.take([first.event()]).await;
    let stays = world.the_open("lake").await.name;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let goes = open.into_iter().find(|i| i.name != stays).expect("two");
    let at = world.now();
    world.take([message_held(&goes.name, 1, at, "", at)]).await;
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let waiting = async || {
        let shown = world.watched(&stays, "").await;
        let held = shown.room.and_then(|room| room.held).expect("counted");
        (held.waiting_count, held.released_count)
    };
    assert_eq!(waiting().await, (1, 0));
    // The spokesperson of the one that stays decides.
    world
        .take([message_held(&stays, 1, at, "RELEASED", world.now())])
        .await;
    assert_eq!(waiting().await, (0, 1));
}
