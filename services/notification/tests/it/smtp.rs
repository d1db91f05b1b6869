//! E-mail against a real mail server.

use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName, StaffName};
use redress_model::words::CaseStatus;
use redress_notification::domain::words::{MessageState, MessageTopic};
use redress_notification::provider::Gateways;
use redress_notification::provider::smtp::Smtp;
use uuid::Uuid;

use crate::support::smtp::{KEYS, MailServer};
use crate::support::{World, news, site, tokens};

fn by_mail(server: &MailServer) -> Gateways {
    by_mail_within(server, Duration::from_secs(10))
}

fn by_mail_within(server: &MailServer, timeout: Duration) -> Gateways {
    let from = "Lake Garden <service@lake.example.com>";
    Gateways {
        smtp: Some(Smtp::new(&server.url(), from, None, timeout).expect("right settings")),
        ..Gateways::default()
    }
}

/// By a mail server that has to show a certificate of an authority of ours.
fn by_encrypted_mail(url: &str) -> Gateways {
    let ca = std::fs::read(format!("{KEYS}/ca.pem")).expect("committed");
    let timeout = Duration::from_secs(10);
    let smtp = Smtp::new(url, "service@lake.example.com", Some(&ca), timeout);
    Gateways {
        smtp: Some(smtp.expect("right settings")),
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
async fn a_mail_server_that_takes_a_mail_and_says_nothing_is_given_up_in_time_and_tried_again() {
    let server = MailServer::start();
    let world = world_with_callout("stall@example.com").await;
    let sender = world.sender(by_mail_within(&server, Duration::from_secs(2)));
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(
        (message.fate.state, message.fate.reason.as_str()),
        (MessageState::Queued, "TIMEOUT")
    );
    for _ in 0..2 {
        world.clock.advance(SignedDuration::from_mins(2));
        world.send_due(&sender).await;
    }
    let attempts = world.attempts(&message.name).await;
    let reasons: Vec<&str> = attempts.iter().map(|a| a.reason.as_str()).collect();
    assert_eq!(reasons, ["TIMEOUT"; 3]);
    assert_eq!(world.message().await.fate.state, MessageState::Failed);
    let mails = server.mails();
    assert!(!mails.is_empty());
    // Whoever has it already recognises the next copy.
    assert!(
        mails
            .iter()
            .all(|m| m["message_id"] == mails[0]["message_id"])
    );
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
async fn mail_goes_encrypted_from_the_first_byte_or_after_starttls_to_a_server_of_our_own_authority()
 {
    for manner in ["implicit", "starttls"] {
        let server = MailServer::start_tls(manner, "server");
        let url = match manner {
            "implicit" => server.implicit_url(),
            _ => server.starttls_url(),
        };
        let world = world_with_callout("li@example.com").await;
        world.send_due(&world.sender(by_encrypted_mail(&url))).await;
        let fate = world.message().await.fate;
        assert_eq!(fate.state, MessageState::Sent, "{manner}: {}", fate.reason);
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{manner}");
        assert_eq!(mails[0]["encrypted"], true, "{manner}");
    }
}

#[tokio::test]
async fn mail_waits_and_never_goes_in_plain_text_where_the_certificate_or_the_encryption_is_wrong()
{
    let public = |url: &str| Gateways {
        smtp: Some(
            Smtp::new(
                url,
                "service@lake.example.com",
                None,
                Duration::from_secs(10),
            )
            .expect("right settings"),
        ),
        ..Gateways::default()
    };
    let certificate = "TLS_CERTIFICATE";
    // Of an authority that nobody knows; of ours, but for another host; and a server that offers no encryption at all.
    for (manner, shows, ours, reason) in [
        ("implicit", "server", false, certificate),
        ("starttls", "server", false, certificate),
        ("implicit", "client", true, certificate),
        ("starttls", "client", true, certificate),
        ("plain", "", true, "SMTP_CLIENT"),
    ] {
        let server = match manner {
            "plain" => MailServer::start(),
            _ => MailServer::start_tls(manner, shows),
        };
        let url = match manner {
            "implicit" => server.implicit_url(),
            _ => server.starttls_url(),
        };
        let gateways = if ours {
            by_encrypted_mail(&url)
        } else {
            public(&url)
        };
        let world = world_with_callout("li@example.com").await;
        let sender = world.sender(gateways);
        world.send_due(&sender).await;
        let fate = world.message().await.fate;
        assert_eq!(
            (fate.state, fate.reason.as_str()),
            (MessageState::Queued, reason),
            "{manner} {shows}"
        );
        // Once the server is right, it goes: it was tried again, and not given up.
        let right = MailServer::start_tls("implicit", "server");
        world.clock.advance(SignedDuration::from_mins(1));
        let right_sender = world.sender(by_encrypted_mail(&right.implicit_url()));
        world.send_due(&right_sender).await;
        let fate = world.message().await.fate;
        assert_eq!(fate.state, MessageState::Sent, "{manner} {shows}");
        assert_eq!(fate.attempt_count, 2);
        assert!(server.mails().is_empty(), "{manner} {shows}: plain text");
        assert_eq!(right.mails().len(), 1);
    }
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
