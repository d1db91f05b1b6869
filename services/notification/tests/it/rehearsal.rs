//! A rehearsal reaches nobody: what could carry a message out of it keeps the service from starting, and every message
//! says what it is.

use std::process::{Command, Output};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::support::World;

/// The service with a clock that runs fast and whatever else is set.
fn service(subcommand: &str, set: &[(&str, &str)]) -> Output {
    let folder = std::env::temp_dir();
    let key = folder.join("nowhere.key");
    Command::new(env!("CARGO_BIN_EXE_redress-notification"))
        .arg(subcommand)
        .env("REDRESS__DATABASE__APP_URL", "postgres://127.0.0.1:1/none")
        .env(
            "REDRESS__DATABASE__WORKER_URL",
            "postgres://127.0.0.1:1/none",
        )
        .env("REDRESS__PLATFORM__KEY_FILE", &key)
        .env("REDRESS__VAULT__KEY_FILE", &key)
        .env("REDRESS__CLOCK__RATE", "60")
        .env("REDRESS__CLOCK__ORIGIN", "2026-03-02T01:00:00Z")
        .env("REDRESS__CLOCK__STARTED", "2026-11-28T03:00:00Z")
        .envs(set.iter().copied())
        .output()
        .expect("the binary runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_service_with_a_fast_clock_and_a_mail_server_refuses_to_start_and_says_so() {
    let smtp = [
        (
            "REDRESS_NOTIFICATION__SERVICE__SMTP__URL",
            "smtp://127.0.0.1:1",
        ),
        ("REDRESS_NOTIFICATION__SERVICE__SMTP__FROM", "a@example.com"),
    ];
    for subcommand in ["serve", "check-config"] {
        let refused = service(subcommand, &smtp);
        assert!(!refused.status.success(), "{subcommand}");
        let text = told(&refused);
        assert!(
            text.contains("service.smtp reaches people, and clock.rate makes this a rehearsal"),
            "{text}"
        );
    }
    let elsewhere = [("REDRESS__PEERS__INTAKE", "http://intake.redress.svc:7401")];
    let text = told(&service("check-config", &elsewhere));
    assert!(text.contains("peers.intake is another machine"), "{text}");
    // Nothing else of a rehearsal is refused: what is missing then is the key.
    let alone = told(&service("check-config", &[]));
    assert!(alone.contains("vault.key_file"), "{alone}");
}

#[tokio::test]
async fn every_message_of_a_rehearsal_says_that_it_is_one() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    let mut sender = world.outbox_sender();
    Arc::get_mut(&mut sender).expect("ours alone").rehearsal = true;
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.send_due(&sender).await.len(), 1);
    let text = world.text().await;
    for part in [&text.subject, &text.body] {
        assert!(
            part.starts_with("【演练】") || part.starts_with("[DRILL] "),
            "{part}"
        );
    }
}
