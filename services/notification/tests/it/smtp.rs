//! E-mail against a real mail server.

use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName, StaffName};
use redress_model::words::CaseStatus;
use redress_notification::domain::words::{MessageState, MessageTopic};
use redress_notification::provider::Gateways;
use redress_notification::provider::smtp::Smtp;
use uuid::Uuid;

use crate::support::smtp::MailServer;
use crate::support::{World, news, site, tokens};

fn by_mail(server: &MailServer) -> Gateways {
    let from = "Lake Garden <service@lake.example.com>";
    let timeout = Duration::from_secs(10);
    Gateways {
        smtp: Some(Smtp::new(&server.url(), from, timeout).expect("right settings")),
        ..Gateways::default()
    }
}

async fn world_with_callout(address: &str) -> World {
    let world = World::new().await;
    let li: StaffName = world.hire("li", "", address).await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    world
}

#[tokio::test]
async fn a_mail_arrives_whole_and_each_page_has_an_id_of_its_own() {
    let server = MailServer::start();
    let world = world_with_callout("li@example.com").await;
    let sender = world.sender(by_mail(&server));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_mins(5));
    world.send_due(&sender).await;

    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Sent);
    assert_eq!(mails[0]["from"], "service@lake.example.com");
    assert_eq!(mails[0]["to"][0], "li@example.com");
    assert_eq!(mails[0]["auto_submitted"], "auto-generated");
    let id = |page| format!("<{}.{page}@lake.example.com>", message.name.id.simple());
    assert_eq!(mails[0]["message_id"], id(1));
    assert_eq!(mails[1]["message_id"], id(2));
    let subject = mails[0]["subject"].as_str().expect("a subject");
    assert!(subject.contains("Lake Garden") && subject.contains("spokesperson"));
    let body = mails[1]["body"].as_str().expect("a body");
    assert!(body.contains("call 2 of 4") && body.contains(&message.name.to_string()));
}

#[tokio::test]
async fn chinese_reaches_the_reader_unbroken() {
    let server = MailServer::start();
    let world = world_with_callout("li@example.com").await;
    sqlx::query("UPDATE notification.site SET language = 'zh-CN', display_name = '湖畔花园'")
        .execute(&world.base.admin)
        .await
        .expect("updated");
    world.send_due(&world.sender(by_mail(&server))).await;
    let mails = server.mails();
    assert!(
        mails[0]["subject"]
            .as_str()
            .is_some_and(|s| s.contains("湖畔花园发生一级事件"))
    );
    assert!(
        mails[0]["body"]
            .as_str()
            .is_some_and(|s| s.contains("请现在确认收到"))
    );
}

#[tokio::test]
async fn a_busy_mailbox_is_tried_again_and_a_missing_one_is_not() {
    let server = MailServer::start();
    for (address, reason, attempts) in [
        ("busy@example.com", "SMTP_450", 3),
        ("gone@example.com", "SMTP_550", 1),
    ] {
        let world = world_with_callout(address).await;
        let sender = world.sender(by_mail(&server));
        for _ in 0..4 {
            world.send_due(&sender).await;
            world.clock.advance(SignedDuration::from_mins(1));
        }
        let message = world.message().await;
        assert_eq!(message.fate.state, MessageState::Failed);
        assert_eq!(message.fate.reason, reason);
        assert_eq!(message.fate.attempt_count, attempts, "{address}");
    }
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_sent_again_under_the_same_message_id() {
    let server = MailServer::start();
    let world = world_with_callout("lost@example.com").await;
    let sender = world.sender(by_mail(&server));
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Queued);
    // On a busy machine an attempt may be over before the server has the mail.
    for _ in 0..5 {
        world.clock.advance(SignedDuration::from_mins(2));
        world.send_due(&sender).await;
        if server.mails().len() > 1 {
            break;
        }
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0]["message_id"], mails[1]["message_id"]);
    let first = world.attempts(&message.name).await.remove(0);
    let may_have_told = ["SMTP_BROKEN", "TIMEOUT"];
    assert!(
        may_have_told.contains(&first.reason.as_str()),
        "{}",
        first.reason
    );
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_waited_for() {
    let server = MailServer::start();
    let away = by_mail(&server);
    drop(server);
    let world = world_with_callout("li@example.com").await;
    world.send_due(&world.sender(away)).await;
    let message = world.message().await;
    assert_eq!(message.fate.state, MessageState::Queued);
    assert_eq!(message.fate.reason, "CONNECT");

    let server = MailServer::start();
    world.clock.advance(SignedDuration::from_mins(1));
    world.send_due(&world.sender(by_mail(&server))).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
}

#[tokio::test]
async fn a_mail_that_can_be_refused_says_how_by_one_click_and_a_receipt_does_not() {
    let server = MailServer::start();
    let world = World::new().await;
    let case = world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_secs(60));
    let sender = world.sender(by_mail(&server));
    world.send_due(&sender).await;
    world
        .tell(news::moved(&case, CaseStatus::Resolved, 1))
        .await;
    world.send_due(&sender).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert!(mails[0]["list_unsubscribe"].is_null());
    // Long headers are folded; the link itself has no space.
    let link: String = mails[1]["list_unsubscribe"]
        .as_str()
        .expect("a link")
        .split_whitespace()
        .collect();
    let token = tokens().refusal(&site("lake"), "token-LAKE-1", MessageTopic::Survey);
    assert_eq!(
        link,
        format!("<https://portal.example.com/unsubscribe?token={token}>")
    );
    assert_eq!(
        mails[1]["list_unsubscribe_post"],
        "List-Unsubscribe=One-Click"
    );
}
