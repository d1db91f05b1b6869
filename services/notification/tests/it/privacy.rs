//! I9: who a person is and how to reach them shows up nowhere but in the message itself.

use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName};
use redress_notification::domain::words::MessageChannel;
use redress_notification::provider::Gateways;
use redress_notification::provider::smtp::Smtp;
use redress_notification::provider::webhook::Webhook;
use uuid::Uuid;

use crate::support::http::{Endpoint, Manner};
use crate::support::log::logged;
use crate::support::smtp::MailServer;
use crate::support::{World, news, site};

const CANARIES: [&str; 5] = [
    "Canary-Name",
    "13799990001",
    "canary-complainant",
    "canary-staff",
    "13799990002",
];

/// Sends by every way, through success, refusal, silence and a broken connection.
async fn everything_happens(world: &World) {
    let endpoint = Endpoint::start().await;
    let mail = MailServer::start();
    let timeout = Duration::from_millis(300);
    let gateways = || Gateways {
        smtp: Some(Smtp::new(&mail.url(), "a@example.com", None, timeout).expect("right")),
        webhook: Some(
            Webhook::new(
                &endpoint.url(),
                &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
                vec![MessageChannel::Sms],
                timeout,
            )
            .expect("right"),
        ),
        outbox: true,
        tasks: true,
        app: true,
        ..Gateways::default()
    };
    let staff = world
        .hire("canary", "+8613799990002", "gone@canary-staff.example.com")
        .await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    for (token, mailbox) in [("t1", "busy"), ("t2", "gone"), ("t3", "lost")] {
        let email = format!("{mailbox}@canary-complainant.example.com");
        world
            .people
            .add_complainant(&case, token, "Canary-Name", "+8613799990001", &email);
    }
    world
        .tell(news::received(&case, "LAKE-1", &["t1", "t2", "t3"]))
        .await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &staff))
        .await;
    let sender = world.sender(gateways());
    for _ in 0..4 {
        for manner in [
            Manner::Answer("422 Unprocessable Content"),
            Manner::Stall,
            Manner::HangUp,
            Manner::Answer("503 Service Unavailable"),
        ] {
            endpoint.next(manner);
        }
        world.clock.advance(SignedDuration::from_mins(2));
        world.send_due(&sender).await;
    }
    assert!(!mail.mails().is_empty(), "mails went out");
    assert!(!endpoint.received().is_empty(), "requests went out");
    assert!(!world.texts().await.is_empty(), "the outbox took the rest");
}

#[tokio::test]
async fn i9_no_name_phone_or_address_shows_up_in_logs_rows_or_events() {
    let world = World::new().await;
    everything_happens(&world).await;

    let log = logged();
    assert!(
        log.contains("a message reached its state"),
        "something was logged"
    );
    for line in log.lines() {
        for canary in CANARIES {
            assert!(!line.contains(canary), "{canary} in the log: {line}");
        }
    }

    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT tablename::text FROM pg_tables WHERE schemaname = 'notification'")
            .fetch_all(&world.base.admin)
            .await
            .expect("tables are listed");
    assert!(tables.len() > 8);
    for (table,) in tables {
        let sql = format!("SELECT t::text FROM notification.{table} t");
        let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .fetch_all(&world.base.admin)
            .await
            .expect("rows are read");
        for (row,) in rows {
            for canary in CANARIES {
                // bytea reads as hex: look for the bytes too.
                let hex: String = canary.bytes().map(|b| format!("{b:02x}")).collect();
                let found = row.contains(canary) || row.contains(&hex);
                // A staff's id is its name for machines and is no secret.
                assert!(!found, "{canary} in {table}");
            }
        }
    }
}
