//! Single voice: while an incident is open, what goes to those whom it affects waits for the spokesperson; what may not
//! wait goes; nothing is lost (domain.md section 9).

use std::sync::Arc;

use jiff::SignedDuration;
use redress_model::name::{CaseName, ClockName, ClusterName, IncidentName, StaffName};
use redress_model::words::{CaseStatus, ClockKind, ClockTransition, DutyRole};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::provider::Gateways;
use redress_notification::rpc::voice::Voice;
use redress_notification::store::messages::{Lane, Message};
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::MessageHeld;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_proto::notification::v1::task_service_server::TaskService as _;
use redress_proto::notification::v1::voice_service_server::VoiceService as _;
use redress_proto::notification::v1::{HoldDecision, MessagePurpose, TaskOutcome};
use redress_rpc::{Caller, Fingerprints};
use redress_testkit::eventually;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::channels::{claim, clerk, complete, open_tasks, tasks};
use crate::crash::dies_once_it_was_sent;
use crate::rpc::{by, caller, service};
use crate::support::http::Endpoint;
use crate::support::{World, meter, news, site};

fn voice(world: &World) -> Voice {
    Voice {
        previews: crate::support::previews(),
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        clock: world.clock.clone(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

fn spokesperson() -> Arc<Caller> {
    caller("lake", &["voice.*"], None)
}

/// What somebody's token grants, beside the person: of held messages what a manager sees, and no office to decide.
fn manager(staff: &StaffName) -> Arc<Caller> {
    caller("lake", &["incidents.*", "voice.list"], Some(staff))
}

/// Whose token grants nothing about held messages.
fn counsel(staff: &StaffName) -> Arc<Caller> {
    caller("lake", &["incidents.get", "incidents.accept"], Some(staff))
}

fn new_incident() -> IncidentName {
    IncidentName::new(site("lake"), Uuid::now_v7())
}

fn appointment(
    case: &CaseName,
    visit: jiff::Timestamp,
    visitor: &StaffName,
) -> proto::SendMessageRequest {
    proto::SendMessageRequest {
        parent: case.to_string(),
        purpose: MessagePurpose::Appointment.into(),
        appointment: Some(proto::Appointment {
            visit_time: Some(to_timestamp(visit)),
            place: proto::VisitPlace::Office.into(),
            visitor: visitor.to_string(),
        }),
        ..Default::default()
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().expect("given").reason
}

impl World {
    /// A case of one complainant whose receipt has gone, in an open incident.
    async fn affected(&self) -> (CaseName, IncidentName) {
        let case = self.case("LAKE-1").await;
        self.clock.advance(SignedDuration::from_mins(2));
        self.send_due(&self.outbox_sender()).await;
        let incident = new_incident();
        self.tell(news::incident(&incident, &[&case], None, 1))
            .await;
        (case, incident)
    }

    /// Somebody writes to the complainants of a case.
    async fn write_to(&self, case: &CaseName, purpose: MessagePurpose) -> String {
        let request = proto::SendMessageRequest {
            parent: case.to_string(),
            text: "We come tomorrow at nine.".to_owned(),
            purpose: purpose.into(),
            ..Default::default()
        };
        let clerk = caller("lake", &["messages.send"], None);
        let sent = service(self).send_message(by(&clerk, request)).await;
        let mut messages = sent.expect("taken").into_inner().messages;
        assert_eq!(messages.len(), 1);
        messages.remove(0).name
    }

    /// Sends what is due: people call, and the outbox stands for every machine.
    async fn send_by_hand(&self) {
        let sender = self.sender(Gateways {
            tasks: true,
            outbox: true,
            ..Gateways::default()
        });
        self.send_due(&sender).await;
    }

    /// A case whose complainant would rather be called, the message for which somebody is asked to call, and that task.
    async fn asked_to_call(&self) -> (CaseName, String, String) {
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        let (name, phone) = ("Wang Fang", "+8613800138000");
        self.people.add_phone(&case, "t1", name, phone);
        self.tell(news::received(&case, "LAKE-1", &["t1"])).await;
        self.clock.advance(SignedDuration::from_mins(2));
        self.send_by_hand().await;
        let receipt = open_tasks(self).await.remove(0).name;
        self.take(&receipt).await.expect("taken");
        let done = self.end(&receipt, TaskOutcome::Delivered).await;
        done.expect("done");
        let message = self.write_to(&case, MessagePurpose::Ordinary).await;
        self.send_by_hand().await;
        assert_eq!(self.named(&message).await.fate.state, MessageState::Asked);
        let task = open_tasks(self).await.remove(0).name;
        (case, message, task)
    }

    async fn take(&self, task: &str) -> Result<(), Status> {
        let taken = tasks(self).claim_task(by(&clerk(), claim(task))).await;
        taken.map(drop)
    }

    async fn end(&self, task: &str, outcome: TaskOutcome) -> Result<(), Status> {
        let ended = complete(task, outcome);
        let ended = tasks(self).complete_task(by(&clerk(), ended)).await;
        ended.map(drop)
    }

    /// Somebody is to meet the complainants of a case tomorrow at this hour.
    async fn appoint(&self, case: &CaseName, visitor: &StaffName) -> Result<String, Status> {
        let clerk = caller("lake", &["messages.send"], None);
        let visit = self.now() + SignedDuration::from_hours(24);
        let request = appointment(case, visit, visitor);
        let sent = service(self).send_message(by(&clerk, request)).await?;
        let mut messages = sent.into_inner().messages;
        assert_eq!(messages.len(), 1);
        Ok(messages.remove(0).name)
    }

    /// What a message came to, after everything due was sent.
    async fn comes_to(&self, name: &str) -> MessageState {
        self.send_due(&self.outbox_sender()).await;
        self.named(name).await.fate.state
    }

    async fn named(&self, name: &str) -> Message {
        let all = self.messages().await;
        let found = all.into_iter().find(|m| m.name.to_string() == name);
        found.expect("there is one")
    }

    async fn waiting(&self, decided: bool) -> proto::ListHeldMessagesResponse {
        let request = proto::ListHeldMessagesRequest {
            parent: "sites/lake".to_owned(),
            decided,
            ..Default::default()
        };
        let listed = voice(self)
            .list_held_messages(by(&spokesperson(), request))
            .await;
        listed.expect("listed").into_inner()
    }

    async fn release(&self, name: &str) -> Result<proto::HeldMessage, Status> {
        let request = proto::ReleaseMessageRequest {
            name: name.to_owned(),
            reason: "says what the statement says".to_owned(),
            request_id: format!("release-{name}"),
            ..Default::default()
        };
        let answer = voice(self)
            .release_message(by(&spokesperson(), request))
            .await?;
        Ok(answer.into_inner().held_message.expect("given"))
    }

    async fn drop_it(&self, name: &str) -> Result<proto::HeldMessage, Status> {
        let request = proto::DropMessageRequest {
            name: name.to_owned(),
            reason: "overtaken".to_owned(),
            request_id: format!("drop-{name}"),
            ..Default::default()
        };
        let answer = voice(self)
            .drop_message(by(&spokesperson(), request))
            .await?;
        Ok(answer.into_inner().held_message.expect("given"))
    }

    async fn release_as(
        &self,
        who: &Arc<Caller>,
        name: &str,
    ) -> Result<proto::HeldMessage, Status> {
        let request = proto::ReleaseMessageRequest {
            name: name.to_owned(),
            reason: "says what the statement says".to_owned(),
            ..Default::default()
        };
        let answer = voice(self).release_message(by(who, request)).await?;
        Ok(answer.into_inner().held_message.expect("given"))
    }

    async fn drop_as(&self, who: &Arc<Caller>, name: &str) -> Result<proto::HeldMessage, Status> {
        let request = proto::DropMessageRequest {
            name: name.to_owned(),
            reason: "overtaken".to_owned(),
            ..Default::default()
        };
        let answer = voice(self).drop_message(by(who, request)).await?;
        Ok(answer.into_inner().held_message.expect("given"))
    }

    /// The names of what waits, as somebody sees it.
    async fn waiting_as(&self, who: &Arc<Caller>, incident: &str) -> Result<Vec<String>, Status> {
        let request = proto::ListHeldMessagesRequest {
            parent: "sites/lake".to_owned(),
            incident: incident.to_owned(),
            ..Default::default()
        };
        let listed = voice(self).list_held_messages(by(who, request)).await?;
        let held = listed.into_inner().held_messages.into_iter();
        Ok(held.filter_map(|h| Some(h.message?.name)).collect())
    }

    /// A message to the complainants of a case that waits.
    async fn held(&self, case: &CaseName) -> String {
        let name = self.write_to(case, MessagePurpose::Ordinary).await;
        assert_eq!(self.comes_to(&name).await, MessageState::Held);
        name
    }

    /// The top lead and the roster's spokesperson, in this order, and somebody else who works here.
    async fn command(&self) -> [StaffName; 3] {
        let roles = [
            (DutyRole::TopLead, "top"),
            (DutyRole::Spokesperson, "voice"),
        ];
        let people = self.staff(&roles).await;
        let other = self.hire("other", "+8613800000007", "o@example.com").await;
        [people[0].clone(), people[1].clone(), other]
    }

    /// What the keeper of the clocks was told of held messages: the decision, and how many wait.
    async fn told_of_holds(&self) -> Vec<(String, i32)> {
        let news = self.news_of_holds().await.into_iter();
        news.map(|held| (held.decision, held.waiting_count))
            .collect()
    }

    /// What is said of held messages, in its order.
    async fn news_of_holds(&self) -> Vec<MessageHeld> {
        use prost::Message as _;
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT payload FROM notification.outbox WHERE type = 'redress.message.held.v1' ORDER BY id",
        )
        .fetch_all(&self.base.admin)
        .await
        .expect("the outbox is read");
        rows.iter()
            .map(|(bytes,)| MessageHeld::decode(bytes.as_slice()).expect("its payload"))
            .collect()
    }

    pub(crate) async fn staff(&self, roles: &[(DutyRole, &str)]) -> Vec<StaffName> {
        let mut people = Vec::new();
        for (n, (_, id)) in roles.iter().enumerate() {
            let phone = format!("+861380000000{n}");
            people.push(self.hire(id, &phone, &format!("{id}@example.com")).await);
        }
        let duties: Vec<_> = roles.iter().map(|r| r.0).zip(people.iter()).collect();
        self.tell(news::on_duty(&duties)).await;
        people
    }

    /// Who was paged about held messages.
    async fn paged(&self) -> Vec<String> {
        let all = self.messages().await;
        let pages = all.iter().filter(|m| m.template == Template::VoiceWaiting);
        pages.map(|m| m.recipient.to_string()).collect()
    }
}

fn runs(clock: &ClockName, case: &CaseName, kind: ClockKind) -> redress_events::Event {
    news::clock(clock, case, kind, (ClockTransition::Started, 1), &[], 1)
}

fn new_clock() -> ClockName {
    ClockName::new(site("lake"), Uuid::now_v7())
}

#[tokio::test]
async fn ordinary_words_wait_and_the_spokesperson_reads_and_releases_them_once() {
    let world = World::new().await;
    let (case, incident) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    assert!(
        world
            .texts()
            .await
            .iter()
            .all(|t| !t.body.contains("tomorrow at nine"))
    );
    let waiting = world.waiting(false).await;
    assert_eq!((waiting.waiting_count, waiting.released_count), (1, 0));
    let held = &waiting.held_messages[0];
    assert_eq!(held.text, "We come tomorrow at nine.");
    assert_eq!(held.incident, incident.to_string());

    let released = world.release(&name).await.expect("released");
    assert_eq!(released.decision(), HoldDecision::Released);
    assert_eq!(released.decided_by, "tester@example");
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
    // A repeat is answered like the first; another decision finds nothing that waits.
    world.release(&name).await.expect("repeated");
    let late = world.drop_it(&name).await.expect_err("gone");
    assert_eq!(reason(&late), "MESSAGE_NOT_HELD");
    let after = world.waiting(true).await;
    assert_eq!((after.waiting_count, after.released_count), (0, 1));
    assert_eq!(
        after.held_messages[0].reason,
        "says what the statement says"
    );
}

#[tokio::test]
async fn progress_of_grade_1_waits_for_the_spokesperson_and_is_told_after_the_stand_down() {
    let world = World::new().await;
    let (case, incident) = world.affected().await;
    world.tell(news::graded(&case, 1)).await;
    let progress = async || {
        world.send_due(&world.outbox_sender()).await;
        let all = world.messages().await.into_iter();
        let told = all.filter(|m| m.template == Template::CaseProgress);
        told.map(|m| (m.name.to_string(), m.fate.state))
            .collect::<Vec<_>>()
    };
    world
        .tell(news::moved(&case, CaseStatus::Investigating, 1))
        .await;
    let held = progress().await;
    let [(name, MessageState::Held)] = held.as_slice() else {
        panic!("it waits: {held:?}");
    };
    let waiting = world.waiting(false).await;
    let seen = waiting.held_messages[0].message.as_ref().expect("given");
    assert_eq!((&seen.name, waiting.waiting_count), (name, 1));
    world.release(name).await.expect("released");
    assert_eq!(world.comes_to(name).await, MessageState::Sent);

    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    world
        .tell(news::moved(&case, CaseStatus::Resolving, 1))
        .await;
    let states: Vec<MessageState> = progress().await.into_iter().map(|(_, s)| s).collect();
    assert_eq!(states, [MessageState::Sent; 2]);
}

#[tokio::test]
async fn whoever_sends_hears_at_once_what_is_going_to_wait() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let free = world.case("LAKE-2").await;
    let clerk = caller("lake", &["messages.send"], None);
    let send = async |case: &CaseName, purpose: MessagePurpose, request_id: &str| {
        let request = proto::SendMessageRequest {
            parent: case.to_string(),
            text: "We come tomorrow at nine.".to_owned(),
            purpose: purpose.into(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let sent = service(&world).send_message(by(&clerk, request)).await;
        sent.expect("taken").into_inner()
    };
    let said = send(&case, MessagePurpose::Ordinary, "once").await;
    let name = said.messages[0].name.clone();
    assert_eq!(said.messages[0].state(), proto::MessageState::Queued);
    assert_eq!(said.waiting_messages, [name.as_str()]);
    let warned = send(&case, MessagePurpose::SafetyWarning, "").await;
    assert!(warned.waiting_messages.is_empty(), "never waits");
    let elsewhere = send(&free, MessagePurpose::Ordinary, "").await;
    assert!(elsewhere.waiting_messages.is_empty(), "of no incident");
    // It was right, and once that is decided it waits no more.
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    world.release(&name).await.expect("released");
    let again = send(&case, MessagePurpose::Ordinary, "once").await;
    assert_eq!(again.messages[0].name, name);
    assert!(again.waiting_messages.is_empty());
}

#[tokio::test]
async fn what_is_dropped_never_goes_and_stays_visible_with_its_reason() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    world.drop_it(&name).await.expect("dropped");
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(world.comes_to(&name).await, MessageState::Cancelled);
    assert_eq!(world.named(&name).await.fate.reason, "DROPPED");
    let after = world.waiting(true).await;
    assert_eq!((after.waiting_count, after.dropped_count), (0, 1));
    assert_eq!(after.held_messages[0].decision(), HoldDecision::Dropped);
    assert_eq!(after.held_messages[0].reason, "overtaken");
}

#[tokio::test]
async fn the_crisis_room_is_told_of_every_hold_and_decision_and_of_no_text_and_no_reader() {
    let world = World::new().await;
    let (case, incident) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    let held = world.waiting(false).await.held_messages[0].clone();
    world.drop_it(&name).await.expect("dropped");
    let news = world.news_of_holds().await;
    assert_eq!(news.len(), 2);
    for told in &news {
        assert_eq!(told.message, name);
        assert_eq!(told.incident, incident.to_string());
        assert_eq!(told.case, case.to_string());
        assert_eq!(told.template, "case.message");
        assert_eq!(told.hold_time, held.hold_time);
        assert_eq!(told.decide_by_time, held.decide_by_time);
        assert!(!format!("{told:?}").contains("tomorrow at nine"));
    }
    assert_eq!((&*news[0].decision, &*news[0].decided_by), ("", ""));
    assert_eq!(news[1].decision, "DROPPED");
    assert_eq!(news[1].decided_by, "tester@example");
    // What a person wrote may name somebody: it stays with the message.
    assert_eq!(news[1].reason, "");
}

#[tokio::test]
async fn receipts_appointments_safety_warnings_callouts_statements_and_legal_replies_never_wait() {
    let world = World::new().await;
    let (case, incident) = world.affected().await;
    let zhao = world
        .hire("zhao", "+8613800000009", "zhao@example.com")
        .await;
    let warning = world.write_to(&case, MessagePurpose::SafetyWarning).await;
    let visit = world.appoint(&case, &zhao).await.expect("taken");
    for name in [warning, visit] {
        assert_eq!(world.comes_to(&name).await, MessageState::Sent, "{name}");
    }
    // A legal reply goes where the law's time runs, whichever was first, and is ordinary where it does not.
    let claimed = world.write_to(&case, MessagePurpose::LegalReply).await;
    assert_eq!(world.comes_to(&claimed).await, MessageState::Held);
    world
        .tell(runs(&new_clock(), &case, ClockKind::OutsideDeadline))
        .await;
    assert_eq!(world.comes_to(&claimed).await, MessageState::Sent);
    let legal = world.write_to(&case, MessagePurpose::LegalReply).await;
    assert_eq!(world.comes_to(&legal).await, MessageState::Sent);
    // The receipt of a further complaint of the same person.
    let token = "token-LAKE-1";
    let again = CaseName::new(site("lake"), Uuid::now_v7());
    let phone = "+8613800138000";
    world
        .people
        .add_complainant(&again, token, "Wang", phone, "wang@example.com");
    world.tell(news::received(&again, "LAKE-2", &[token])).await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    for message in world.messages().await {
        let waits = message.template == Template::CaseMessage;
        assert!(
            waits || message.fate.state == MessageState::Sent,
            "{}",
            message.template.key()
        );
    }
    // What is no receipt waits, whatever case of the affected person it is about, and however it came about.
    let name = world.write_to(&again, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    assert_eq!(world.waiting(false).await.waiting_count, 1);
}

#[tokio::test]
async fn a_legal_reply_that_was_held_goes_once_as_soon_as_the_laws_time_runs_and_it_shows_why() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let ordinary = world.held(&case).await;
    let reply = world.write_to(&case, MessagePurpose::LegalReply).await;
    assert_eq!(world.comes_to(&reply).await, MessageState::Held);
    // A promise that no law makes lets nothing go.
    world
        .tell(runs(&new_clock(), &case, ClockKind::InterimUpdate))
        .await;
    assert_eq!(world.named(&reply).await.fate.state, MessageState::Held);
    let deadline = new_clock();
    let since = |generation| {
        let started = (ClockTransition::Started, generation);
        news::clock(&deadline, &case, ClockKind::Defence, started, &[], 1)
    };
    world.tell(since(1)).await;
    assert_eq!(world.named(&reply).await.fate.state, MessageState::Queued);
    assert_eq!(world.comes_to(&reply).await, MessageState::Sent);
    world.tell(since(2)).await;
    assert_eq!(world.comes_to(&reply).await, MessageState::Sent);
    let texts = world.texts().await;
    let said = texts.iter().filter(|t| t.body.contains("tomorrow at nine"));
    assert_eq!(said.count(), 1, "once");
    assert_eq!(world.named(&ordinary).await.fate.state, MessageState::Held);
    // Whoever speaks and the crisis room see that nobody decided, and why it went.
    let listed = world.waiting(true).await;
    assert_eq!((listed.waiting_count, listed.released_count), (1, 1));
    let news = world.news_of_holds().await;
    let told = news.iter().rfind(|held| held.message == reply);
    let told = told.expect("told");
    assert_eq!((&*told.decision, &*told.decided_by), ("RELEASED", ""));
    assert_eq!(told.reason, "a legal deadline of the case runs");
    assert_eq!(told.waiting_count, 1);
}

#[tokio::test]
async fn i7_no_writer_makes_the_deadline_that_lets_their_own_words_pass() {
    const WRITER: &str = "tester@example";
    let world = World::new().await;
    let people = world.staff(&[(DutyRole::Spokesperson, "voice")]).await;
    let before = world.now();
    let (case, _) = world.affected().await;
    let minute = || world.clock.advance(SignedDuration::from_mins(1));
    let reply = async || {
        minute();
        let name = world.write_to(&case, MessagePurpose::LegalReply).await;
        let state = world.comes_to(&name).await;
        (name, state)
    };
    let (first, state) = reply().await;
    assert_eq!(state, MessageState::Held);
    // Once it is held, nobody's new deadline lets it go, the writer's least of all; the spokesperson hears of it.
    for by in [WRITER, "colleague@example"] {
        minute();
        let own = news::deadline(&new_clock(), &case, world.now(), by);
        world.tell(own).await;
        assert_eq!(world.comes_to(&first).await, MessageState::Held, "{by}");
    }
    world.clock.advance(SignedDuration::from_hours(3));
    assert_eq!(world.comes_to(&first).await, MessageState::Held);
    assert_eq!(world.paged().await, [people[0].to_string()]);
    // What was there before it, on another's word, does: also where it was heard of late.
    let (second, state) = reply().await;
    assert_eq!(state, MessageState::Sent, "the colleague's deadline runs");
    assert_ne!(first, second);

    // Of another case: only the writer's own runs there, then one that a court's demand started meanwhile.
    let other = world.case("LAKE-2").await;
    let again = new_incident();
    world.tell(news::incident(&again, &[&other], None, 1)).await;
    minute();
    let (own, made) = (new_clock(), world.now());
    world.tell(news::deadline(&own, &other, made, WRITER)).await;
    // What is said of it later names nobody, and changes nothing.
    let warned = (ClockTransition::Warned, 2);
    let mut later = news::clock(&own, &other, ClockKind::OutsideDeadline, warned, &[], 1);
    later.data = {
        use prost::Message as _;
        let mut payload =
            redress_proto::event::v1::ClockChanged::decode(&*later.data).expect("decodes");
        payload.create_time = Some(to_timestamp(made));
        payload.encode_to_vec().into()
    };
    world.tell(later).await;
    minute();
    let entered = world.now();
    minute();
    let held = world.write_to(&other, MessagePurpose::LegalReply).await;
    assert_eq!(world.comes_to(&held).await, MessageState::Held);
    world
        .tell(news::deadline(
            &new_clock(),
            &other,
            entered,
            "desk@example",
        ))
        .await;
    assert_eq!(world.comes_to(&held).await, MessageState::Sent);

    // What the writer entered before there was an incident was made for no message.
    let third = world.case("LAKE-3").await;
    let incident = new_incident();
    world
        .tell(news::incident(&incident, &[&third], None, 1))
        .await;
    world
        .tell(news::deadline(&new_clock(), &third, before, WRITER))
        .await;
    let name = world.write_to(&third, MessagePurpose::LegalReply).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
}

#[tokio::test]
async fn i7_whoever_decides_reads_the_text_that_would_go_also_of_the_products_own() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    world
        .tell(news::moved(&case, CaseStatus::Investigating, 1))
        .await;
    world.send_due(&world.outbox_sender()).await;
    let waiting = world.waiting(false).await;
    let held = &waiting.held_messages[0];
    let preview = held.preview.as_ref().expect("what would go");
    assert_eq!((&*held.text, &*preview.language), ("", "en"));
    assert!(preview.subject.contains("LAKE-1"), "{}", preview.subject);
    let said = "We have begun to find out about the matter with the number LAKE-1.";
    assert!(preview.body.contains(said), "{}", preview.body);
    // The reader's name is nobody's who decides.
    assert!(!preview.body.contains("Wang"), "{}", preview.body);

    let name = held.message.as_ref().expect("given").name.clone();
    let get = async |who: &Arc<Caller>| {
        let asked = proto::GetMessageRequest { name: name.clone() };
        let got = service(&world).get_message(by(who, asked)).await;
        got.expect("found").into_inner().preview
    };
    assert_eq!(get(&spokesperson()).await.as_ref(), Some(preview));
    let reader = caller("lake", &["messages.read_body"], None);
    assert_eq!(get(&reader).await.as_ref(), Some(preview));
    let other = caller("lake", &["messages.get", "voice.list"], None);
    assert_eq!(get(&other).await, None);

    // As it is read, so it goes, but for the name.
    let released = world.release(&name).await.expect("released");
    assert_eq!(released.preview, None);
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
    let texts = world.texts().await;
    let sent = texts.iter().find(|text| text.body.contains(said));
    assert_eq!(sent.expect("sent").subject, preview.subject);
    assert_eq!(get(&spokesperson()).await, None);
}

#[tokio::test]
async fn a_legal_reply_that_an_older_release_held_goes_instead_of_paging_anybody() {
    let world = World::new().await;
    let roles = [(DutyRole::Spokesperson, "voice")];
    world.staff(&roles).await;
    let (case, _) = world.affected().await;
    let reply = world.write_to(&case, MessagePurpose::LegalReply).await;
    assert_eq!(world.comes_to(&reply).await, MessageState::Held);
    // As it lies there where the deadline was kept and what is held was not looked at.
    sqlx::query(
        "INSERT INTO notification.clock_view (site, clock_id, state, generation, case_id, kind)
         VALUES ('lake', $1, 'RUNNING', 1, $2, 'OUTSIDE_DEADLINE')",
    )
    .bind(Uuid::now_v7())
    .bind(case.id)
    .execute(&world.base.admin)
    .await
    .expect("kept");
    world.clock.advance(SignedDuration::from_mins(3 * 60 + 5));
    assert_eq!(world.comes_to(&reply).await, MessageState::Sent);
    assert!(world.paged().await.is_empty(), "nobody has to decide");
}

#[tokio::test]
async fn a_deadline_that_begins_to_run_later_brings_the_decision_and_the_page_forward() {
    let world = World::new().await;
    let people = world.staff(&[(DutyRole::Spokesperson, "voice")]).await;
    let (case, _) = world.affected().await;
    let at = |time: &str| -> jiff::Timestamp { time.parse().expect("an instant") };
    world.clock.set(at("2026-11-21T03:30:00Z"));
    let name = world.held(&case).await;
    let decide_by = async || {
        let held = world.waiting(false).await.held_messages.remove(0);
        held.decide_by_time.expect("given")
    };
    assert_eq!(decide_by().await, to_timestamp(at("2026-11-21T07:30:00Z")));
    // Due at 06:00; three quarters of the time from now on are used at 05:30.
    world.clock.set(at("2026-11-21T04:00:00Z"));
    let deadline = new_clock();
    world
        .tell(runs(&deadline, &case, ClockKind::OutsideDeadline))
        .await;
    assert_eq!(decide_by().await, to_timestamp(at("2026-11-21T06:00:00Z")));
    let told = world.news_of_holds().await.pop().expect("the room hears");
    assert_eq!(told.decide_by_time, Some(decide_by().await));
    assert_eq!((&*told.decision, told.waiting_count), ("", 1));
    for (time, pages) in [("05:29", 0), ("05:31", 1)] {
        world.clock.set(at(&format!("2026-11-21T{time}:00Z")));
        assert_eq!(world.comes_to(&name).await, MessageState::Held);
        assert_eq!(world.paged().await.len(), pages, "{time}");
    }
    assert_eq!(world.paged().await, [people[0].to_string()]);
    // What is said again of it changes nothing.
    let again = (ClockTransition::Warned, 2);
    world
        .tell(news::clock(
            &deadline,
            &case,
            ClockKind::OutsideDeadline,
            again,
            &[],
            1,
        ))
        .await;
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    assert_eq!(world.paged().await.len(), 1);
}

#[tokio::test]
async fn whoever_complains_of_the_same_thing_waits_for_the_spokesperson_though_of_no_case_of_the_incident()
 {
    let world = World::new().await;
    let neighbour = world.case("LAKE-2").await;
    let stranger = world.case("LAKE-3").await;
    let (case, incident) = world.affected().await;
    let free = world.write_to(&neighbour, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&free).await, MessageState::Sent, "not yet");
    let cluster = ClusterName::new(site("lake"), Uuid::now_v7());
    let other = ClusterName::new(site("lake"), Uuid::now_v7());
    for (case, cluster) in [
        (&case, &cluster),
        (&neighbour, &cluster),
        (&stranger, &other),
    ] {
        world.tell(news::clustered(case, cluster, None)).await;
    }
    // Whatever case of theirs it is about.
    let again = CaseName::new(site("lake"), Uuid::now_v7());
    let (token, phone) = ("token-LAKE-2", "+8613800138000");
    world
        .people
        .add_complainant(&again, token, "Wang", phone, "wang@example.com");
    world.tell(news::received(&again, "LAKE-4", &[token])).await;
    for case in [&neighbour, &again] {
        world.held(case).await;
    }
    let listed = world.waiting(false).await;
    assert_eq!(listed.waiting_count, 2);
    assert!(
        listed
            .held_messages
            .iter()
            .all(|held| held.incident == incident.to_string())
    );
    let free = world.write_to(&stranger, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&free).await, MessageState::Sent);
}

#[tokio::test]
async fn a_call_to_whoever_complains_of_the_same_thing_waits_until_no_incident_about_it_is_open() {
    let world = World::new().await;
    let (case, _, task) = world.asked_to_call().await;
    let (lift, stairs) = (world.case("LAKE-2").await, world.case("LAKE-3").await);
    let cluster = ClusterName::new(site("lake"), Uuid::now_v7());
    for case in [&case, &lift, &stairs] {
        world.tell(news::clustered(case, &cluster, None)).await;
    }
    let (first, second) = (new_incident(), new_incident());
    for (incident, case) in [(&first, &lift), (&second, &stairs)] {
        world.tell(news::incident(incident, &[case], None, 1)).await;
    }
    let refused = world.take(&task).await.expect_err("one voice speaks");
    assert_eq!(reason(&refused), "SINGLE_VOICE");
    assert_eq!(world.waiting(false).await.waiting_count, 1);
    world.tell(news::stood_down(&first, &[&lift], 2)).await;
    let waiting = world.waiting(false).await.waiting_count;
    assert_eq!(waiting, 1, "the other one is open");
    world.tell(news::stood_down(&second, &[&stairs], 2)).await;
    assert_eq!(world.waiting(false).await.waiting_count, 0);
    world.take(&task).await.expect("taken");
}

#[tokio::test]
async fn an_appointment_passes_as_time_place_and_visitor_and_in_free_words_it_waits() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let zhao = world
        .hire("zhao", "+8613800000009", "zhao@example.com")
        .await;
    let free = world.write_to(&case, MessagePurpose::Appointment).await;
    assert_eq!(world.comes_to(&free).await, MessageState::Held);
    let told = world.appoint(&case, &zhao).await.expect("taken");
    assert_eq!(world.comes_to(&told).await, MessageState::Sent);
    let texts = world.texts().await;
    let said = texts.iter().find(|t| t.body.contains("will meet you"));
    let said = &said.expect("kept").body;
    for part in [
        "zhao will meet you at 10:02 on 22 November",
        "at our office on the site",
        "LAKE-1",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }

    // Nothing goes along in which anything else could be said.
    let clerk = caller("lake", &["messages.send"], None);
    let tomorrow = world.now() + SignedDuration::from_hours(24);
    let right = appointment(&case, tomorrow, &zhao);
    let stranger = StaffName::new(site("lake"), "nobody".parse().expect("a slug"));
    let elsewhere = StaffName::new(site("river"), "zhao".parse().expect("a slug"));
    let six_years = world.now() + SignedDuration::from_hours(24 * 365 * 6);
    let wrong = [
        (
            proto::SendMessageRequest {
                text: "The lift is safe, we promise.".to_owned(),
                ..right.clone()
            },
            "text",
        ),
        (
            proto::SendMessageRequest {
                purpose: MessagePurpose::SafetyWarning.into(),
                ..right
            },
            "purpose",
        ),
        (
            appointment(&case, world.now(), &zhao),
            "appointment.visit_time",
        ),
        (
            appointment(&case, six_years, &zhao),
            "appointment.visit_time",
        ),
        (
            appointment(&case, tomorrow, &stranger),
            "appointment.visitor",
        ),
        (
            appointment(&case, tomorrow, &elsewhere),
            "appointment.visitor",
        ),
    ];
    for (request, field) in wrong {
        let refused = service(&world).send_message(by(&clerk, request)).await;
        let refused = refused.expect_err("wrong");
        assert_eq!(refused.code(), Code::InvalidArgument);
        let request = refused.get_details_bad_request().expect("fields");
        assert_eq!(request.field_violations[0].field, field);
    }
    // Nobody of whom the complaint tells comes to see about it, also where that was told after it was asked for.
    let asked = proto::SendMessageRequest {
        request_id: "visit".to_owned(),
        ..appointment(&case, world.now() + SignedDuration::from_hours(1), &zhao)
    };
    let taken = service(&world)
        .send_message(by(&clerk, asked.clone()))
        .await;
    let waiting = taken.expect("taken").into_inner().messages.remove(0).name;
    world.tell(news::complains_about(&case, &zhao, 2)).await;
    let refused = world.appoint(&case, &zhao).await.expect_err("accused");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(world.comes_to(&waiting).await, MessageState::Failed);
    assert_eq!(world.named(&waiting).await.fate.reason, "VISITOR_MAY_NOT");
    // A repeat after the visit's time says what was said.
    world.clock.advance(SignedDuration::from_hours(2));
    let again = service(&world).send_message(by(&clerk, asked)).await;
    let again = again
        .expect("a repeat")
        .into_inner()
        .messages
        .remove(0)
        .name;
    assert_eq!(again, waiting);
}

#[tokio::test]
async fn a_call_asked_for_before_the_incident_waits_once_somebody_takes_it_and_goes_on_when_released()
 {
    let world = World::new().await;
    let (case, message, task) = world.asked_to_call().await;
    let roles = [
        (DutyRole::Spokesperson, "voice"),
        (DutyRole::TopLead, "top"),
    ];
    let people = world.staff(&roles).await;
    let incident = new_incident();
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    for _ in 0..2 {
        let refused = world.take(&task).await.expect_err("one voice speaks");
        assert_eq!(reason(&refused), "SINGLE_VOICE");
    }
    // Never lost, counted, and put before whoever decides: once.
    assert_eq!(open_tasks(&world).await.len(), 1);
    let waiting = world.waiting(false).await;
    assert_eq!(waiting.waiting_count, 1);
    assert_eq!(waiting.held_messages[0].text, "We come tomorrow at nine.");
    assert_eq!(waiting.held_messages[0].incident, incident.to_string());
    let mut paged = world.paged().await;
    paged.sort_unstable();
    assert_eq!(paged, [people[1].to_string(), people[0].to_string()]);
    assert_eq!(world.told_of_holds().await, [(String::new(), 1)]);

    world.release(&message).await.expect("released");
    assert_eq!(world.waiting(true).await.released_count, 1);
    let told = world.told_of_holds().await;
    assert_eq!(told.last(), Some(&("RELEASED".to_owned(), 0)));
    world.take(&task).await.expect("released");
    let done = world.end(&task, TaskOutcome::Delivered).await;
    done.expect("released");
    assert_eq!(world.named(&message).await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn a_call_asked_for_before_the_incident_may_be_made_once_it_has_ended() {
    let world = World::new().await;
    let (case, message, task) = world.asked_to_call().await;
    let incident = new_incident();
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let refused = world.take(&task).await.expect_err("one voice speaks");
    assert_eq!(reason(&refused), "SINGLE_VOICE");
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    let after = world.waiting(true).await;
    assert_eq!((after.waiting_count, after.released_count), (0, 1));
    let told = world.told_of_holds().await;
    assert_eq!(told.last(), Some(&("RELEASED".to_owned(), 0)));
    // The end of the one decided nothing for the next.
    let next = new_incident();
    world.tell(news::incident(&next, &[&case], None, 1)).await;
    let refused = world.take(&task).await.expect_err("another one speaks");
    assert_eq!(reason(&refused), "SINGLE_VOICE");
    let again = world.waiting(true).await;
    assert_eq!((again.waiting_count, again.released_count), (1, 0));
    world.tell(news::stood_down(&next, &[&case], 2)).await;
    world.take(&task).await.expect("it has ended");
    let done = world.end(&task, TaskOutcome::Delivered).await;
    done.expect("it has ended");
    assert_eq!(world.named(&message).await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn a_call_that_the_spokesperson_drops_is_not_made_and_leaves_the_list() {
    let world = World::new().await;
    let (case, message, task) = world.asked_to_call().await;
    world
        .tell(news::incident(&new_incident(), &[&case], None, 1))
        .await;
    world.take(&task).await.expect_err("one voice speaks");
    world.drop_it(&message).await.expect("dropped");
    let dropped = world.named(&message).await.fate;
    assert_eq!(
        (dropped.state, dropped.reason.as_str()),
        (MessageState::Cancelled, "DROPPED")
    );
    assert!(open_tasks(&world).await.is_empty());
    let refused = world.take(&task).await.expect_err("dropped");
    assert_eq!(reason(&refused), "TASK_DONE");
    assert_eq!(world.waiting(true).await.dropped_count, 1);
}

#[tokio::test]
async fn a_call_taken_before_the_incident_is_not_told_past_it_and_in_vain_its_message_is_held() {
    let world = World::new().await;
    let (case, message, task) = world.asked_to_call().await;
    world.take(&task).await.expect("nothing is open");
    world
        .tell(news::incident(&new_incident(), &[&case], None, 1))
        .await;
    let told = world.end(&task, TaskOutcome::Delivered).await;
    assert_eq!(reason(&told.expect_err("one voice speaks")), "SINGLE_VOICE");
    assert_eq!(world.waiting(false).await.waiting_count, 1);
    // That nobody was reached may be said; what is left of the message waits like any other.
    let vain = world.end(&task, TaskOutcome::Unreachable).await;
    vain.expect("nothing was said");
    world.send_by_hand().await;
    assert_eq!(world.named(&message).await.fate.state, MessageState::Held);
    assert_eq!(world.waiting(false).await.waiting_count, 1);
    world.release(&message).await.expect("released");
    world.send_by_hand().await;
    assert_eq!(world.named(&message).await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn what_is_dropped_on_its_way_anew_after_a_call_in_vain_does_not_go() {
    let world = World::new().await;
    let (case, message, task) = world.asked_to_call().await;
    world.take(&task).await.expect("nothing is open");
    world
        .tell(news::incident(&new_incident(), &[&case], None, 1))
        .await;
    let told = world.end(&task, TaskOutcome::Delivered).await;
    told.expect_err("one voice speaks");
    let vain = world.end(&task, TaskOutcome::Unreachable).await;
    vain.expect("nothing was said");
    assert_eq!(world.named(&message).await.fate.state, MessageState::Queued);
    world.drop_it(&message).await.expect("dropped");
    world.send_by_hand().await;
    let dropped = world.named(&message).await.fate.state;
    assert_eq!(dropped, MessageState::Cancelled);
}

#[tokio::test]
async fn what_goes_or_is_cancelled_without_a_decision_waits_for_nobody_any_more() {
    // Nobody needs the call; the case ends after a call in vain; the incident tells of the case no more.
    for end in ["needless", "case ended", "let go"] {
        let world = World::new().await;
        let (case, message, task) = world.asked_to_call().await;
        world.take(&task).await.expect("nothing is open");
        let incident = new_incident();
        world
            .tell(news::incident(&incident, &[&case], None, 1))
            .await;
        let told = world.end(&task, TaskOutcome::Delivered).await;
        told.expect_err("one voice speaks");
        assert_eq!(world.waiting(false).await.waiting_count, 1);
        let (state, decision) = match end {
            "needless" => {
                let done = world.end(&task, TaskOutcome::NotNeeded).await;
                done.expect("nothing was said");
                (MessageState::Cancelled, "DROPPED")
            }
            "case ended" => {
                let vain = world.end(&task, TaskOutcome::Unreachable).await;
                vain.expect("nothing was said");
                world
                    .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
                    .await;
                world.send_by_hand().await;
                (MessageState::Cancelled, "DROPPED")
            }
            _ => {
                world.tell(news::incident(&incident, &[], None, 2)).await;
                let done = world.end(&task, TaskOutcome::Delivered).await;
                done.expect("nothing keeps it back");
                (MessageState::Sent, "RELEASED")
            }
        };
        assert_eq!(world.named(&message).await.fate.state, state, "{end}");
        assert_eq!(world.waiting(false).await.waiting_count, 0, "{end}");
        let told = world.told_of_holds().await;
        assert_eq!(
            told,
            [(String::new(), 1), (decision.to_owned(), 0)],
            "{end}"
        );
        let held = world.waiting(true).await.held_messages.remove(0);
        assert!(held.decided_by.is_empty(), "{end}: nobody decided");
        let late = world.drop_it(&message).await.expect_err("it has ended");
        assert_eq!(reason(&late), "MESSAGE_NOT_HELD", "{end}");
    }
}

#[tokio::test]
async fn the_cases_timeline_is_told_what_waits_and_what_never_went_and_why_and_nothing_of_the_words_i9()
 {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let dropped = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&dropped).await;
    world.drop_it(&dropped).await.expect("dropped");
    let overtaken = world.write_to(&case, MessagePurpose::Ordinary).await;
    world
        .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
        .await;
    assert_eq!(world.comes_to(&overtaken).await, MessageState::Cancelled);
    let fates = world.fates().await;
    let told = |name: &str| -> Vec<(&str, &str)> {
        let of = fates.iter().filter(|f| f.message == name);
        of.map(|f| (f.state.as_str(), f.reason.as_str())).collect()
    };
    assert_eq!(
        told(&dropped),
        [("HELD", "SINGLE_VOICE"), ("CANCELLED", "DROPPED")]
    );
    assert_eq!(told(&overtaken), [("CANCELLED", "CASE_ENDED")]);
    for fate in &fates {
        assert_eq!(fate.case, case.to_string());
        let text = format!("{fate:?}");
        for secret in ["overtaken", "tomorrow at nine", "Wang", "token-LAKE-1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn what_comes_back_once_an_incident_is_open_has_reached_nobody_and_waits() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
    world
        .tell(news::incident(&new_incident(), &[&case], None, 1))
        .await;
    let gateway = caller("lake", &["messages.record_delivery"], None);
    let bounced = proto::RecordDeliveryReceiptRequest {
        name: name.clone(),
        channel: proto::MessageChannel::Sms.into(),
        report: proto::DeliveryReport::Bounced.into(),
        // A gateway's word for it, which is one of ours for an answer that was lost.
        reason: "TIMEOUT".to_owned(),
        ..Default::default()
    };
    let reported = crate::delivery::service(&world)
        .record_delivery_receipt(by(&gateway, bounced))
        .await;
    reported.expect("taken");
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    assert_eq!(world.waiting(false).await.waiting_count, 1);
}

#[tokio::test]
async fn what_arrived_before_an_incident_held_it_is_sent_and_nobody_has_to_decide_about_it() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(crate::delivery::by_webhook(&endpoint));
    dies_once_it_was_sent(&world, &sender, &endpoint, Lane::Routine).await;
    world
        .tell(news::incident(&new_incident(), &[&case], None, 1))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&sender).await;
    assert_eq!(world.named(&name).await.fate.state, MessageState::Held);
    assert_eq!(world.waiting(false).await.waiting_count, 1);
    let gateway = caller("lake", &["messages.record_delivery"], None);
    let delivered = proto::RecordDeliveryReceiptRequest {
        name: name.clone(),
        channel: proto::MessageChannel::Sms.into(),
        report: proto::DeliveryReport::Delivered.into(),
        ..Default::default()
    };
    let reported = crate::delivery::service(&world)
        .record_delivery_receipt(by(&gateway, delivered))
        .await;
    reported.expect("taken");
    let fate = world.named(&name).await.fate;
    assert_eq!((fate.state, fate.due_time), (MessageState::Sent, None));
    assert_eq!(world.waiting(false).await.waiting_count, 0);
    world.clock.advance(SignedDuration::from_hours(5));
    world.send_due(&sender).await;
    assert_eq!(endpoint.received().len(), 1);
}

#[tokio::test]
async fn nobody_else_waits_and_nobody_waits_for_an_incident_that_is_over() {
    let world = World::new().await;
    let (case, incident) = world.affected().await;
    let other = world.case("LAKE-9").await;
    let name = world.write_to(&other, MessagePurpose::Ordinary).await;
    world.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
}

#[tokio::test]
async fn an_incident_that_opens_between_plan_and_hand_over_holds_what_was_planned() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let sender = world.outbox_sender();
    world.send_due(&sender).await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    // A worker has claimed it and asks for the address; then the incident opens.
    world.people.set_hangs(true);
    let due = world.due(Lane::Routine).await;
    let asked = world.people.asked();
    let worker = tokio::spawn({
        let (sender, due) = (sender.clone(), due[0].clone());
        async move { sender.deliver(&due).await }
    });
    eventually(std::time::Duration::from_secs(10), async || {
        world.people.asked() > asked
    })
    .await;
    let incident = new_incident();
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    world.people.answer_now();
    worker.await.expect("it ends by itself");
    assert_eq!(world.named(&name).await.fate.state, MessageState::Held);
    assert!(
        world
            .texts()
            .await
            .iter()
            .all(|t| !t.body.contains("tomorrow at nine"))
    );
    world.release(&name).await.expect("released");
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
}

#[tokio::test]
async fn a_held_message_near_its_deadline_pages_the_spokesperson_and_then_the_top_lead() {
    let world = World::new().await;
    let roles = [
        (DutyRole::Spokesperson, "voice"),
        (DutyRole::TopLead, "top"),
    ];
    let people = world.staff(&roles).await;
    let (case, _) = world.affected().await;
    // Due at 06:00; it is about 02:02 now: four hours at the latest, the promise before that.
    world
        .tell(runs(&new_clock(), &case, ClockKind::InterimUpdate))
        .await;
    let held_at = world.now();
    let first = world.write_to(&case, MessagePurpose::Ordinary).await;
    let second = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&first).await;
    let by = world.waiting(false).await.held_messages[0].decide_by_time;
    assert_eq!(
        by.expect("given").seconds,
        "2026-11-21T06:00:00Z"
            .parse::<jiff::Timestamp>()
            .expect("an instant")
            .as_second()
    );
    let due = "2026-11-21T06:00:00Z"
        .parse::<jiff::Timestamp>()
        .expect("an instant");
    let three_quarters = held_at.duration_until(due) * 3 / 4;
    world
        .clock
        .advance(three_quarters - SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    assert!(world.paged().await.is_empty(), "not yet");
    world.clock.advance(SignedDuration::from_secs(120));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(
        world.paged().await,
        [people[0].to_string()],
        "once for both"
    );
    world.clock.advance(SignedDuration::from_hours(2));
    world.send_due(&world.outbox_sender()).await;
    let mut late = world.paged().await.split_off(1);
    late.sort_unstable();
    assert_eq!(late, [people[1].to_string(), people[0].to_string()]);
    world.clock.advance(SignedDuration::from_hours(48));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.paged().await.len(), 3);
    for name in [first, second] {
        assert_eq!(
            world.named(&name).await.fate.state,
            MessageState::Held,
            "never lost"
        );
    }
}

#[tokio::test]
async fn a_held_message_of_which_nobody_on_duty_can_hear_asks_again_until_somebody_can() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_hours(5));
        world.send_due(&world.outbox_sender()).await;
        assert!(world.paged().await.is_empty(), "nobody is there");
    }
    let people = world.staff(&[(DutyRole::Spokesperson, "voice")]).await;
    world.clock.advance(SignedDuration::from_mins(15));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.paged().await, [people[0].to_string()]);
    world.clock.advance(SignedDuration::from_hours(24));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.paged().await.len(), 1, "somebody knows");
    assert_eq!(world.named(&name).await.fate.state, MessageState::Held);
}

#[tokio::test]
async fn nobody_whom_a_case_of_the_incident_complains_about_is_paged_to_decide() {
    let roles = [
        (DutyRole::Spokesperson, "a-voice"),
        (DutyRole::Spokesperson, "b-voice"),
        (DutyRole::TopLead, "top"),
        (DutyRole::DutyLead, "duty"),
        (DutyRole::OnSiteLead, "on-site"),
        (DutyRole::RegionContact, "region"),
    ];
    // Accused are the first so many of them; then who is paged in time, and who when it is over.
    let cases: [(usize, &[usize], &[usize]); 4] = [
        (1, &[1], &[1, 2]),
        (2, &[2], &[2]),
        (3, &[3], &[3]),
        (5, &[5], &[5]),
    ];
    for (accused, in_time, late) in cases {
        let world = World::new().await;
        let people = world.staff(&roles).await;
        let (case, incident) = world.affected().await;
        // Not the message's own case: another one of the incident.
        let second = CaseName::new(site("lake"), Uuid::now_v7());
        let named: Vec<&StaffName> = people.iter().take(accused).collect();
        world.tell(news::accuses(&second, &named, 1)).await;
        world
            .tell(news::incident(&incident, &[&case, &second], None, 2))
            .await;
        let name = world.write_to(&case, MessagePurpose::Ordinary).await;
        assert_eq!(world.comes_to(&name).await, MessageState::Held);
        let paged = async |expected: &[usize], before: usize| {
            world.send_due(&world.outbox_sender()).await;
            let mut paged = world.paged().await.split_off(before);
            paged.sort_unstable();
            let mut named: Vec<String> = expected.iter().map(|n| people[*n].to_string()).collect();
            named.sort_unstable();
            assert_eq!(paged, named, "{accused} are accused");
        };
        // Four hours at the latest: the first page at three quarters of them.
        world.clock.advance(SignedDuration::from_mins(3 * 60 + 5));
        paged(in_time, 0).await;
        world.clock.advance(SignedDuration::from_hours(1));
        paged(late, in_time.len()).await;
    }
}

#[tokio::test]
async fn whoever_took_the_role_over_in_the_incident_is_paged_and_the_roster_too_once_it_is_over_m12()
 {
    let world = World::new().await;
    let [top, before, now] = world.command().await;
    let (case, incident) = world.affected().await;
    for (voice, revision) in [(&before, 2), (&now, 4), (&before, 3)] {
        // The last one was overtaken: it says nothing new.
        world
            .tell(news::spoken_for(
                &incident,
                &[&case],
                &[(voice, None)],
                revision,
            ))
            .await;
    }
    world.held(&case).await;
    // Four hours at the latest: the first page at three quarters of them.
    world.clock.advance(SignedDuration::from_mins(3 * 60 + 5));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.paged().await, [now.to_string()]);
    world.clock.advance(SignedDuration::from_hours(1));
    world.send_due(&world.outbox_sender()).await;
    let mut late = world.paged().await.split_off(1);
    late.sort_unstable();
    let mut everybody = [top, before, now].map(|staff| staff.to_string());
    everybody.sort_unstable();
    assert_eq!(late, everybody);
}

#[tokio::test]
async fn an_incidents_own_spokesperson_decides_whatever_their_token_and_another_manager_does_not() {
    let world = World::new().await;
    let [top, before, now] = world.command().await;
    let (case, incident) = world.affected().await;
    let names = [world.held(&case).await, world.held(&case).await];
    let elsewhere = new_incident();
    let other = world.case("LAKE-7").await;
    for (of, case) in [(&incident, &case), (&elsewhere, &other)] {
        let speaks = if *of == incident { &now } else { &top };
        world
            .tell(news::spoken_for(of, &[case], &[(speaks, None)], 2))
            .await;
    }
    // Who had the role before has it no more, and has no office; whoever speaks for another incident speaks for that one.
    for nobody in [&before, &top] {
        let who = manager(nobody);
        let refused = world.release_as(&who, &names[0]).await;
        assert_eq!(
            refused.expect_err("not theirs").code(),
            Code::PermissionDenied
        );
        let refused = world.drop_as(&who, &names[0]).await;
        assert_eq!(
            refused.expect_err("not theirs").code(),
            Code::PermissionDenied
        );
    }
    assert_eq!(world.waiting(false).await.waiting_count, 2);
    let released = world.release_as(&manager(&now), &names[0]).await;
    let released = released.expect("speaks for it");
    assert_eq!(released.decision(), HoldDecision::Released);
    let dropped = world.drop_as(&counsel(&now), &names[1]).await;
    assert_eq!(
        dropped.expect("speaks for it").decision(),
        HoldDecision::Dropped
    );
    assert_eq!(world.comes_to(&names[0]).await, MessageState::Sent);
    // The office decides in every incident.
    let name = world.held(&case).await;
    world.release(&name).await.expect("by office");
}

#[tokio::test]
async fn whoever_speaks_for_an_incident_sees_what_it_holds_and_nothing_of_another() {
    let world = World::new().await;
    let [top, _, now] = world.command().await;
    let (case, incident) = world.affected().await;
    let name = world.held(&case).await;
    world
        .tell(news::spoken_for(&incident, &[&case], &[(&now, None)], 2))
        .await;
    let of = incident.to_string();
    let seen = world.waiting_as(&counsel(&now), &of).await;
    assert_eq!(seen.expect("speaks for it"), [name.as_str()]);
    let elsewhere = new_incident().to_string();
    for (who, of) in [(&now, ""), (&now, elsewhere.as_str()), (&top, of.as_str())] {
        let refused = world.waiting_as(&counsel(who), of).await;
        let refused = refused.expect_err("not theirs");
        assert_eq!(refused.code(), Code::PermissionDenied, "{who}: {of}");
    }
    let all = world.waiting_as(&manager(&top), "").await;
    assert_eq!(all.expect("a manager's"), [name]);
}

#[tokio::test]
async fn who_acts_for_the_spokesperson_is_paged_and_decides_until_the_end_and_not_after() {
    let world = World::new().await;
    let [_, voice, deputy] = world.command().await;
    let (case, incident) = world.affected().await;
    let first = world.held(&case).await;
    let held = world.now();
    let end = held + SignedDuration::from_mins(3 * 60 + 10);
    let voices = [(&voice, None), (&deputy, Some(end))];
    world
        .tell(news::spoken_for(&incident, &[&case], &voices, 2))
        .await;
    world.clock.advance(SignedDuration::from_mins(3 * 60 + 5));
    world.send_due(&world.outbox_sender()).await;
    let mut paged = world.paged().await;
    paged.sort_unstable();
    assert_eq!(paged, [deputy.to_string(), voice.to_string()]);
    let second = world.held(&case).await;
    let who = manager(&deputy);
    world.release_as(&who, &first).await.expect("acts");
    world.clock.advance(end.duration_since(world.now()));
    let over = world.release_as(&who, &second).await;
    assert_eq!(over.expect_err("over").code(), Code::PermissionDenied);
    let told = world.release_as(&manager(&voice), &second).await;
    told.expect("the spokesperson still is");
}

#[tokio::test]
async fn nobody_whom_a_case_of_the_incident_complains_about_speaks_for_it() {
    let world = World::new().await;
    let [_, on_duty, accused] = world.command().await;
    let (case, incident) = world.affected().await;
    // Not the message's own case: another one of the incident. Crisis has not heard of it yet.
    let second = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::complains_about(&second, &accused, 1))
        .await;
    let cases = [&case, &second];
    world
        .tell(news::spoken_for(&incident, &cases, &[(&accused, None)], 2))
        .await;
    let name = world.held(&case).await;
    world.clock.advance(SignedDuration::from_mins(3 * 60 + 5));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.paged().await, [on_duty.to_string()]);
    let refused = world.release_as(&manager(&accused), &name).await;
    assert_eq!(refused.expect_err("accused").code(), Code::PermissionDenied);
}

#[tokio::test]
async fn what_an_incident_holds_when_it_ends_is_put_up_for_decision_and_not_sent() {
    let world = World::new().await;
    let people = world.staff(&[(DutyRole::Spokesperson, "voice")]).await;
    let (case, incident) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    assert_eq!(world.paged().await, [people[0].to_string()]);
    assert_eq!(world.waiting(false).await.waiting_count, 1);
    world.release(&name).await.expect("released");
    assert_eq!(world.comes_to(&name).await, MessageState::Sent);
}

#[tokio::test]
async fn a_merged_incident_hands_what_it_holds_on() {
    let world = World::new().await;
    let (case, incident) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    let into = new_incident();
    world.tell(news::incident(&into, &[&case], None, 1)).await;
    world
        .tell(news::incident(&incident, &[], Some(&into), 2))
        .await;
    let waiting = world.waiting(false).await;
    assert_eq!(waiting.held_messages[0].incident, into.to_string());
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
}

#[tokio::test]
async fn whoever_keeps_the_clocks_hears_of_each_hold_and_of_the_last_decision() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let first = world.write_to(&case, MessagePurpose::Ordinary).await;
    let second = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&first).await;
    world.release(&first).await.expect("released");
    world.drop_it(&second).await.expect("dropped");
    let told = world.told_of_holds().await;
    let of = |decision: &str, waiting| (decision.to_owned(), waiting);
    assert_eq!(
        told,
        [of("", 1), of("", 2), of("RELEASED", 1), of("DROPPED", 0)]
    );
}

#[tokio::test]
async fn a_case_that_ended_meanwhile_is_told_nothing_when_its_message_is_released_p06() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    world
        .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
        .await;
    world.clock.advance(SignedDuration::from_hours(5));
    assert_eq!(world.comes_to(&name).await, MessageState::Held);
    world.release(&name).await.expect("released");
    assert_eq!(world.comes_to(&name).await, MessageState::Cancelled);
    assert_eq!(world.named(&name).await.fate.reason, "CASE_ENDED");
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_wins_i11() {
    let world = Arc::new(World::new().await);
    let (case, _) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (world, name) = (Arc::clone(&world), name.clone());
        tries.spawn(async move {
            let done = if n % 2 == 0 {
                let request = proto::ReleaseMessageRequest {
                    name,
                    reason: "goes".to_owned(),
                    request_id: format!("n{n}"),
                    ..Default::default()
                };
                voice(&world)
                    .release_message(by(&spokesperson(), request))
                    .await
                    .map(drop)
            } else {
                let request = proto::DropMessageRequest {
                    name,
                    reason: "goes not".to_owned(),
                    request_id: format!("n{n}"),
                    ..Default::default()
                };
                voice(&world)
                    .drop_message(by(&spokesperson(), request))
                    .await
                    .map(drop)
            };
            done.map_err(|status| reason(&status))
        });
    }
    let results = tries.join_all().await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    for refused in results.into_iter().filter_map(Result::err) {
        assert_eq!(refused, "MESSAGE_NOT_HELD");
    }
}

#[tokio::test]
async fn news_of_a_promise_wait_for_whoever_decides_about_a_message_and_keep_its_case_from_nobody_meanwhile()
 {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let name = world.held(&case).await;
    let message = world.named(&name).await.name;
    // Somebody decides: the message is locked first, and then its case.
    let mut decides = world.base.admin.begin().await.expect("begun");
    sqlx::query("SELECT FROM notification.message WHERE message_id = $1 FOR UPDATE")
        .bind(message.id)
        .execute(&mut *decides)
        .await
        .expect("locked");
    let news = world.tell(runs(&new_clock(), &case, ClockKind::OutsideDeadline));
    let goes_on = async {
        eventually(std::time::Duration::from_secs(10), async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting: i64 = sqlx::query_scalar(waiting)
                .fetch_one(&world.base.admin)
                .await
                .expect("counted");
            waiting == 1
        })
        .await;
        sqlx::query("SELECT FROM notification.case_view WHERE case_id = $1 FOR UPDATE NOWAIT")
            .bind(case.id)
            .execute(&mut *decides)
            .await
            .expect("nobody has the case");
        decides.commit().await.expect("decided");
    };
    tokio::join!(news, goes_on);
}

#[tokio::test]
async fn a_held_message_is_not_retried_and_another_site_knows_nothing_of_it_i8() {
    let world = World::new().await;
    let (case, _) = world.affected().await;
    let name = world.write_to(&case, MessagePurpose::Ordinary).await;
    world.comes_to(&name).await;
    let retry = proto::RetryMessageRequest {
        name: name.clone(),
        ..Default::default()
    };
    let manager = caller("lake", &["*"], None);
    let refused = service(&world).retry_message(by(&manager, retry)).await;
    assert_eq!(reason(&refused.expect_err("held")), "MESSAGE_HELD");
    let foreign = caller("river", &["*"], None);
    let list = proto::ListHeldMessagesRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let listed = voice(&world).list_held_messages(by(&foreign, list)).await;
    let listed = listed.expect("nothing").into_inner();
    assert!(listed.held_messages.is_empty() && listed.waiting_count == 0);
    let release = proto::ReleaseMessageRequest {
        name,
        reason: "x".to_owned(),
        ..Default::default()
    };
    let refused = voice(&world).release_message(by(&foreign, release)).await;
    let code = refused.expect_err("foreign").code();
    assert!(
        matches!(code, Code::NotFound | Code::PermissionDenied),
        "{code:?}"
    );
}
