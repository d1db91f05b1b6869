//! Erasing a case: what was told its people loses words and addresses, what waits is cancelled, and nothing brings either back,
//! in whatever order the news come (I3, I9; decision 71).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{CaseName, IncidentName, MessageName};
use redress_model::words::CaseStatus;
use redress_notification::domain::words::{MessageChannel, MessageState};
use redress_notification::provider::Gateways;
use redress_notification::store::kept::{self, KeptPage, KeptText};
use redress_notification::store::messages::Message;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::MessagePurpose;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use redress_proto::notification::v1::task_service_server::TaskService as _;
use redress_store::{Keyring, Operation, Scope, Tx};
use uuid::Uuid;

use crate::channels::{claim, clerk, open_tasks, tasks};
use crate::rpc::{by, caller, service};
use crate::support::{World, news, site};
use crate::timing::news_for;

const WORDS: &str = "Dear Wang Fang, your flat 3-1201 is done.";

impl World {
    async fn write_words(&self, case: &CaseName) -> String {
        let request = proto::SendMessageRequest {
            parent: case.to_string(),
            text: WORDS.to_owned(),
            purpose: MessagePurpose::Ordinary.into(),
            ..Default::default()
        };
        let clerk = caller("lake", &["messages.send"], None);
        let sent = service(self).send_message(by(&clerk, request)).await;
        sent.expect("taken").into_inner().messages.remove(0).name
    }

    async fn shown(&self, name: &str) -> proto::GetMessageResponse {
        let reader = caller("lake", &["messages.get", "messages.read_body"], None);
        let request = proto::GetMessageRequest {
            name: name.to_owned(),
        };
        let shown = service(self).get_message(by(&reader, request)).await;
        shown.expect("shown").into_inner()
    }

    async fn erase(&self, case: &CaseName) {
        self.tell(news::moved(case, CaseStatus::Withdrawn, 2)).await;
        self.tell(news::erased(case, "LAKE-1", 7)).await;
    }

    /// How much that is sealed about messages and surveys lies here.
    async fn sealed(&self) -> i64 {
        sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM notification.kept_text) + (SELECT count(*) FROM notification.said_text)
                  + (SELECT count(*) FROM notification.app_notice)
                  + (SELECT count(*) FROM notification.task WHERE sealed IS NOT NULL)
                  + (SELECT count(*) FROM notification.survey WHERE comment IS NOT NULL OR contact IS NOT NULL)",
        )
        .fetch_one(&self.base.admin)
        .await
        .expect("counted")
    }

    async fn of(&self, name: &str) -> Message {
        let all = self.messages().await;
        let found = all.into_iter().find(|m| m.name.to_string() == name);
        found.expect("there is one")
    }
}

fn everything() -> Gateways {
    Gateways {
        outbox: true,
        tasks: true,
        app: true,
        ..Gateways::default()
    }
}

#[tokio::test]
async fn what_was_told_loses_words_and_addresses_and_keeps_what_became_of_it() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let written = world.write_words(&case).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.sender(everything())).await;
    let before = world.shown(&written).await;
    assert_eq!(before.said_text, WORDS);
    assert_eq!(before.rendered_messages[0].address, "+8613800138000");
    assert!(world.sealed().await > 4, "both were kept, and told apps");

    world.erase(&case).await;
    assert_eq!(world.sealed().await, 0);
    for message in world.messages().await {
        assert!(message.erased);
        assert_eq!(message.fate.state, MessageState::Sent, "{message:#?}");
    }
    let after = world.shown(&written).await;
    assert!(after.rendered_messages.is_empty() && after.said_text.is_empty());
    assert_eq!(after.attempts, before.attempts);
    let (was, is) = (
        before.message.expect("given"),
        after.message.expect("given"),
    );
    assert!(is.erased && !was.erased);
    let kept = |m: &proto::Message| (m.state, m.send_time, m.channel, m.provider, m.attempt_count);
    assert_eq!(kept(&is), kept(&was));
}

#[tokio::test]
async fn what_waits_is_cancelled_and_said_to_be_and_waits_for_nobody() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let held = world.write_words(&case).await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(world.of(&held).await.fate.state, MessageState::Held);
    let queued = world.write_words(&case).await;

    world.erase(&case).await;
    world.clock.advance(SignedDuration::from_hours(30));
    assert!(world.send_due(&world.outbox_sender()).await.is_empty());
    assert!(world.texts().await.is_empty());
    for name in [held, queued] {
        let message = world.of(&name).await;
        assert_eq!(message.fate.state, MessageState::Cancelled);
        assert_eq!(message.fate.reason, "CASE_ERASED");
        let fates = world.fates().await;
        let said = fates.iter().rfind(|f| f.message == name);
        assert_eq!(said.expect("announced").reason, "CASE_ERASED");
    }
    let waits: i64 =
        sqlx::query_scalar("SELECT count(*) FROM notification.held_message WHERE decision = ''")
            .fetch_one(&world.base.admin)
            .await
            .expect("counted");
    assert_eq!((waits, world.sealed().await), (0, 0));
}

#[tokio::test]
async fn i3_news_that_come_again_late_or_in_another_order_bring_nothing_back() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .people
        .add_complainant(&case, "t1", "Wang Fang", "+8613800138000", "w@example.com");
    world.tell(news::erased(&case, "LAKE-1", 7)).await;
    for _ in 0..2 {
        world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
        world.tell(news::updated(&case, "LAKE-1", &["t1"], 3)).await;
        world
            .tell(news::moved(&case, CaseStatus::Resolved, 1))
            .await;
        world.tell(news::erased(&case, "LAKE-1", 7)).await;
    }
    // Whatever causes it, and whoever asks: an owner's notice, a statement, a release that knows of no erasing.
    let late = news_for(&case, "t1", "late", world.now());
    world.queue(&late).await;
    world.clock.advance(SignedDuration::from_hours(30));
    assert!(world.send_due(&world.sender(everything())).await.is_empty());
    for message in world.messages().await {
        assert_eq!(message.fate.state, MessageState::Cancelled);
        assert_eq!(message.fate.reason, "CASE_ERASED");
    }
    assert_eq!(world.sealed().await, 0);
}

#[tokio::test]
async fn a_worker_that_is_about_to_keep_the_text_keeps_none() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    let name = world.message().await.name;
    world.erase(&case).await;
    let keep = Keep {
        keys: Arc::clone(&world.keys),
        name,
        now: world.now(),
    };
    let scope = Scope::site(site("lake"));
    world.base.db.run(&scope, &keep).await.expect("no fault");
    assert!(world.texts().await.is_empty());
}

struct Keep {
    keys: Arc<Keyring>,
    name: MessageName,
    now: Timestamp,
}

impl Operation for Keep {
    const NAME: &'static str = "test.keep_late";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let page = KeptPage {
            page: 1,
            channel: MessageChannel::Sms,
            text: KeptText {
                address: "+8613800138000".to_owned(),
                subject: String::new(),
                body: WORDS.to_owned(),
            },
        };
        kept::keep(tx, &self.keys, &self.name, &page, self.now).await
    }
}

#[tokio::test]
async fn whoever_was_asked_to_call_has_nobody_to_call_any_more() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .people
        .add_phone(&case, "t1", "Wang Fang", "+8613800138000");
    world.tell(news::received(&case, "LAKE-1", &["t1"])).await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.sender(everything())).await;
    let task = open_tasks(&world).await.remove(0).name;
    let taken = tasks(&world).claim_task(by(&clerk(), claim(&task))).await;
    taken.expect("taken");

    world.erase(&case).await;
    let asked = proto::GetTaskRequest { name: task };
    let shown = tasks(&world).get_task(by(&clerk(), asked)).await;
    let shown = shown.expect("shown").into_inner();
    let task = shown.task.as_ref().expect("given");
    assert_eq!(task.outcome(), proto::TaskOutcome::NotNeeded);
    assert!(!format!("{shown:?}").contains("+8613800138000"));
    assert_eq!(world.sealed().await, 0);
    assert_eq!(world.message().await.fate.reason, "CASE_ERASED");
}

#[tokio::test]
async fn what_a_survey_was_answered_in_words_goes_and_its_score_stays() {
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    world.send_due(&world.outbox_sender()).await;
    world
        .tell(news::moved(&case, CaseStatus::Resolved, 1))
        .await;
    // As the answer leaves it.
    let answered = "UPDATE notification.survey SET state = 'ANSWERED', score = 2, comment = 'x', answer_time = now(),
                    next_call_time = NULL, call_task_time = NULL";
    sqlx::query(answered)
        .execute(&world.base.admin)
        .await
        .expect("answered");
    world.erase(&case).await;
    let kept: (String, Option<i32>, bool) =
        sqlx::query_as("SELECT state, score, comment IS NULL FROM notification.survey")
            .fetch_one(&world.base.admin)
            .await
            .expect("one");
    assert_eq!(kept, ("ANSWERED".to_owned(), Some(2), true));
}
