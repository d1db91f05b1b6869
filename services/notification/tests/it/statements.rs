//! What was published reaches those whom its audience names, each once, whoever dies on the way (I3, P21).

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use jiff::SignedDuration;
use redress_events::Inbox;
use redress_model::name::{CaseName, ClusterName, IncidentName, StatementName};
use redress_model::words::CaseStatus;
use redress_notification::domain::message::Recipient;
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::store::messages::Message;
use redress_proto::event::v1::StatementPublished;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::support::{World, meter, news, site};

fn new_case() -> CaseName {
    CaseName::new(site("lake"), Uuid::now_v7())
}

fn new_incident() -> IncidentName {
    IncidentName::new(site("lake"), Uuid::now_v7())
}

fn new_statement() -> StatementName {
    StatementName::new(site("lake"), Uuid::now_v7())
}

fn published(
    statement: &StatementName,
    incident: &IncidentName,
    audience: &str,
) -> StatementPublished {
    StatementPublished {
        statement: statement.to_string(),
        incident: incident.to_string(),
        kind: "UPDATE".to_owned(),
        audience: audience.to_owned(),
        language: "en".to_owned(),
        feed_number: 1,
        ..StatementPublished::default()
    }
}

impl World {
    /// A case with complainants by token, known to whoever is asked.
    async fn case_of(&self, number: &str, tokens: &[&str]) -> CaseName {
        let case = new_case();
        for token in tokens {
            let phone = "+8613800138000";
            self.people
                .add_complainant(&case, token, "Wang", phone, "wang@example.com");
        }
        self.tell(news::received(&case, number, tokens)).await;
        case
    }

    /// A statement to the affected of an incident is published, and told of once. Returns the news.
    pub(crate) async fn says(&self, incident: &IncidentName) -> StatementPublished {
        let statement = new_statement();
        self.people
            .publish(&statement, "We are on site. The lift stands still.", false);
        let told = published(&statement, incident, "AFFECTED");
        self.tell(news::statement(&told)).await;
        told
    }

    async fn statements(&self) -> Vec<Message> {
        let mut all = self.messages().await;
        all.retain(|m| m.template == Template::StatementPublished);
        all
    }
}

fn readers(messages: &[Message]) -> Vec<String> {
    let mut readers: Vec<String> = messages.iter().map(|m| m.recipient.to_string()).collect();
    readers.sort_unstable();
    readers
}

#[tokio::test]
async fn the_affected_are_told_once_a_person_whatever_their_cases() {
    let world = World::new().await;
    let incident = new_incident();
    let first = world.case_of("LAKE-1", &["wang", "li"]).await;
    let second = world.case_of("LAKE-2", &["wang", "zhao"]).await;
    let gone = world.case_of("LAKE-3", &["chen"]).await;
    world
        .tell(news::moved(&gone, CaseStatus::Withdrawn, 2))
        .await;
    world
        .tell(news::incident(
            &incident,
            &[&first, &second, &gone],
            None,
            1,
        ))
        .await;
    let told = world.says(&incident).await;
    world.tell(news::statement(&told)).await;
    assert_eq!(readers(&world.statements().await), ["li", "wang", "zhao"]);
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    for message in world.statements().await {
        assert_eq!(message.fate.state, MessageState::Sent);
        assert_eq!(message.incident, Some(incident.clone()));
    }
    let texts = world.texts().await;
    let said = texts
        .iter()
        .filter(|t| t.body.contains("The lift stands still."));
    assert_eq!(said.count(), 3);
    // Crisis counts whom it reached.
    let fates = world.fates().await.into_iter();
    let carried: Vec<String> = fates
        .map(|f| f.statement)
        .filter(|s| !s.is_empty())
        .collect();
    assert_eq!(carried, vec![told.statement; 3]);
}

#[tokio::test]
async fn whoever_complains_of_the_same_thing_is_told_too_each_once_and_of_their_own_case() {
    let world = World::new().await;
    let incident = new_incident();
    let lift = world.case_of("LAKE-1", &["wang"]).await;
    let near = world.case_of("LAKE-2", &["li", "wang"]).await;
    let gone = world.case_of("LAKE-3", &["chen"]).await;
    world.case_of("LAKE-4", &["zhao"]).await;
    let cluster = ClusterName::new(site("lake"), Uuid::now_v7());
    for case in [&lift, &near, &gone] {
        world.tell(news::clustered(case, &cluster, None)).await;
    }
    world
        .tell(news::moved(&gone, CaseStatus::Withdrawn, 2))
        .await;
    world
        .tell(news::incident(&incident, &[&lift], None, 1))
        .await;
    world.says(&incident).await;
    let mut told: Vec<_> = world
        .statements()
        .await
        .into_iter()
        .map(|m| (m.recipient.to_string(), m.case))
        .collect();
    told.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("li".to_owned(), Some(near)),
        ("wang".to_owned(), Some(lift)),
    ];
    assert_eq!(told, expected);
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    for message in world.statements().await {
        assert_eq!(message.fate.state, MessageState::Sent);
    }
}

#[tokio::test]
async fn what_was_published_reaches_the_affected_though_the_incident_was_merged_meanwhile_i7() {
    let world = World::new().await;
    let incident = new_incident();
    let case = world.case_of("LAKE-1", &["wang"]).await;
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    world.says(&incident).await;
    let into = new_incident();
    world.tell(news::incident(&into, &[&case], None, 1)).await;
    world
        .tell(news::incident(&incident, &[], Some(&into), 2))
        .await;
    world.tell(news::moved(&case, CaseStatus::Closed, 2)).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let told = world.statements().await;
    assert_eq!(told[0].fate.state, MessageState::Sent);
}

#[tokio::test]
async fn the_public_and_the_press_read_the_feed_and_get_no_message() {
    let world = World::new().await;
    let incident = new_incident();
    let case = world.case_of("LAKE-1", &["wang"]).await;
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    for audience in ["PUBLIC", "MEDIA", "AUTHORITIES", "SOMEBODY_NEW"] {
        let told = published(&new_statement(), &incident, audience);
        world.tell(news::statement(&told)).await;
    }
    assert!(world.statements().await.is_empty());
}

#[tokio::test]
async fn staff_are_told_what_is_said_inside_but_for_those_complained_about() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let wang = world
        .hire("wang", "+8613800000002", "wang@example.com")
        .await;
    let left = world
        .hire("zhao", "+8613800000003", "zhao@example.com")
        .await;
    world.tell(news::staff_changed(&left, 2, true)).await;
    let case = new_case();
    world.tell(news::complains_about(&case, &wang, 1)).await;
    let incident = new_incident();
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let statement = new_statement();
    // Wording rules are for what leaves the house.
    world
        .people
        .publish(&statement, "No comment to anybody.", false);
    world
        .tell(news::statement(&published(&statement, &incident, "STAFF")))
        .await;
    let messages = world.statements().await;
    assert_eq!(readers(&messages), [li.to_string()]);
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.statements().await[0].fate.state, MessageState::Sent);
}

#[tokio::test]
async fn a_statement_overtakes_no_case_and_waits_for_its_incident_i3() {
    let world = World::new().await;
    let (incident, case) = (new_incident(), new_case());
    let statement = news::statement(&published(&new_statement(), &incident, "AFFECTED"));
    let waits = async || {
        let applied = world.try_tell(statement.clone()).await.expect("taken in");
        applied == redress_events::Applied::Wait
    };
    assert!(waits().await, "no incident yet");
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    assert!(waits().await, "no case yet");
    world.tell(news::received(&case, "LAKE-1", &["wang"])).await;
    assert!(!waits().await);
    assert_eq!(readers(&world.statements().await), ["wang"]);
}

#[tokio::test]
async fn what_was_superseded_is_not_told_any_more() {
    let world = World::new().await;
    let incident = new_incident();
    let case = world.case_of("LAKE-1", &["wang"]).await;
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let (old, newer, newest) = (new_statement(), new_statement(), new_statement());
    world.people.publish(&old, "One household.", true);
    world.people.publish(&newer, "Two households.", true);
    world.people.publish(&newest, "Three households.", false);
    world
        .tell(news::statement(&published(&old, &incident, "AFFECTED")))
        .await;
    // News of the newer one drops the older; one whose successor is not told yet is noticed when it is sent.
    let supersedes = StatementPublished {
        supersedes: old.to_string(),
        ..published(&newer, &incident, "AFFECTED")
    };
    world.tell(news::statement(&supersedes)).await;
    let fates = async || -> Vec<(MessageState, String)> {
        let messages = world.statements().await;
        messages
            .into_iter()
            .map(|m| (m.fate.state, m.fate.reason))
            .collect()
    };
    let superseded = (MessageState::Cancelled, "SUPERSEDED".to_owned());
    assert_eq!(fates().await[0], superseded);
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(fates().await[1], superseded);
    let supersedes = StatementPublished {
        supersedes: newer.to_string(),
        ..published(&newest, &incident, "AFFECTED")
    };
    world.tell(news::statement(&supersedes)).await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(fates().await[2].0, MessageState::Sent);
    let texts = world.texts().await;
    assert!(texts.iter().all(|t| !t.body.contains("Two households.")));
    let mut told = world.fates().await;
    told.retain(|fate| fate.reason == "SUPERSEDED" && fate.state == "CANCELLED");
    let told: Vec<String> = told.into_iter().map(|fate| fate.statement).collect();
    assert_eq!(told, [old.to_string(), newer.to_string()]);
}

#[tokio::test]
async fn the_wording_check_holds_for_statements_but_for_what_their_reviewers_let_pass_m11() {
    let world = World::new().await;
    let incident = new_incident();
    let case = world.case_of("LAKE-1", &["wang"]).await;
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let (blocked, passed) = (new_statement(), new_statement());
    for statement in [&blocked, &passed] {
        world
            .people
            .publish(statement, "We guarantee hot water.", false);
    }
    world
        .tell(news::statement(&published(&blocked, &incident, "AFFECTED")))
        .await;
    let overridden = StatementPublished {
        overridden_rules: vec!["promise-above-authority".to_owned()],
        ..published(&passed, &incident, "AFFECTED")
    };
    world.tell(news::statement(&overridden)).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let messages = world.statements().await;
    let fate = |m: &Message| (m.fate.state, m.fate.reason.clone());
    let kept = (MessageState::Failed, "WORDING_BLOCKED".to_owned());
    assert_eq!(fate(&messages[0]), kept);
    assert_eq!(messages[1].fate.state, MessageState::Sent);
}

#[tokio::test]
async fn while_crisis_is_away_a_statement_waits_and_is_not_lost() {
    let world = World::new().await;
    let incident = new_incident();
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    let case = world.case_of("LAKE-1", &[]).await;
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let statement = new_statement();
    world.people.publish(&statement, "One voice.", false);
    world
        .tell(news::statement(&published(&statement, &incident, "STAFF")))
        .await;
    assert_eq!(world.statements().await[0].recipient, Recipient::Staff(li));
    world.people.set_away(true);
    world.send_due(&world.outbox_sender()).await;
    let waits = world.statements().await.remove(0).fate;
    assert_eq!(
        (waits.state, waits.reason.as_str()),
        (MessageState::Queued, "CRISIS_UNAVAILABLE")
    );
    world.people.set_away(false);
    world.clock.advance(SignedDuration::from_hours(1));
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.statements().await[0].fate.state, MessageState::Sent);
}

/// Rings when the work may go on.
struct Knock(Notify);

impl Wake for Knock {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Lets work go on for so many waits, then kills it. Says whether it came to its end before.
async fn survives(waits: usize, work: impl Future) -> bool {
    let mut work = std::pin::pin!(work);
    let knock = Arc::new(Knock(Notify::new()));
    let waker = Waker::from(Arc::clone(&knock));
    for _ in 0..=waits {
        if work
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            return true;
        }
        knock.0.notified().await;
    }
    false
}

#[tokio::test]
async fn delivery_killed_at_any_wait_and_repeated_tells_each_person_once_i3() {
    let world = World::new().await;
    let incident = new_incident();
    let first = world.case_of("LAKE-1", &["wang", "li"]).await;
    let second = world.case_of("LAKE-2", &["wang"]).await;
    world
        .tell(news::incident(&incident, &[&first, &second], None, 1))
        .await;
    let inbox = world
        .news
        .subscribe(Inbox::new(world.base.db.clone(), &meter()));
    let mut survivors = 0;
    let mut statements = 0;
    for waits in 0..1_000 {
        let statement = new_statement();
        world.people.publish(&statement, "We are on site.", false);
        let event = news::statement(&published(&statement, &incident, "AFFECTED"));
        survivors += usize::from(survives(waits, inbox.receive(vec![event.clone()])).await);
        // The relay delivers again until it hears an answer.
        inbox.receive(vec![event]).await.expect("delivered again");
        statements += 1;
        let all = world.statements().await;
        assert_eq!(all.len(), 2 * statements, "after {waits} waits");
        if survivors == 3 {
            break;
        }
    }
    assert_eq!(survivors, 3, "delivery takes no end");
    assert!(statements > 4, "it was killed at several waits");
}

#[tokio::test]
async fn wording_rules_are_told_to_those_who_write_elsewhere_also_about_sites_that_come_later() {
    use prost::Message as _;
    use redress_proto::event::v1::WordingChanged;
    let world = World::new().await;
    let told = async || -> Vec<(String, String, i32)> {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT site, payload FROM notification.outbox WHERE type = 'redress.wording.changed.v1' ORDER BY id",
        )
        .fetch_all(&world.base.admin)
        .await
        .expect("the outbox is read");
        let read = |bytes: &[u8]| WordingChanged::decode(bytes).expect("its payload");
        rows.iter()
            .map(|(site, bytes)| (site.clone(), read(bytes).scope, read(bytes).revision))
            .collect()
    };
    crate::texts::apply_rules(&world, "organizations/demo").await;
    let scope = "organizations/demo".to_owned();
    assert_eq!(told().await, [("lake".to_owned(), scope.clone(), 1)]);
    world.tell(news::site_changed("hill", "en")).await;
    let hill = ("hill".to_owned(), scope.clone(), 1);
    assert_eq!(told().await.last(), Some(&hill));

    // What was applied before somebody asked for it is told once more, once.
    let clock: redress_model::time::SharedClock = world.clock.clone();
    let tell = || redress_notification::jobs::tell_rules::tell_due(&world.base.db, &clock);
    assert_eq!(tell().await.expect("told"), 0, "nothing is left");
    sqlx::query("UPDATE notification.site SET wording_untold = true WHERE site = 'lake'")
        .execute(&world.base.admin)
        .await
        .expect("as an upgrade finds it");
    let before = told().await.len();
    assert_eq!(tell().await.expect("told"), 1);
    assert_eq!(tell().await.expect("told"), 0);
    let again = told().await.split_off(before);
    assert_eq!(again, [("lake".to_owned(), scope, 1)]);
}
