//! TLS between services: who shows no certificate is not let in. The certificates are of an authority of these tests
//! alone, whose key nobody kept.

use std::path::PathBuf;
use std::time::Duration;

use redress_proto::event::v1::ListParkedEventsRequest;
use redress_runtime::host::{self, Handle};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Intake, Keys, Running, Triage, client, leave_inside};

const LIMIT: Duration = Duration::from_secs(10);

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/it/keys", name]
        .iter()
        .collect()
}

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).expect("committed")
}

/// A server that shows a certificate, and asks for one.
fn mutual() -> String {
    format!(
        "[server.tls]\ncert_file = {:?}\nkey_file = {:?}\nclient_ca_file = {:?}\n",
        file("server.pem"),
        file("server.key"),
        file("ca.pem")
    )
}

fn trusting() -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem("ca.pem")))
}

/// Whether health answers a client like this one.
async fn answers(handle: &Handle, tls: Option<ClientTlsConfig>) -> bool {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", handle.address());
    let mut endpoint = Endpoint::from_shared(url).expect("a URL");
    if let Some(tls) = tls {
        endpoint = endpoint.tls_config(tls).expect("certificates");
    }
    let asked = async {
        let channel = endpoint.connect().await.ok()?;
        let mut health = HealthClient::new(channel);
        health.check(HealthCheckRequest::default()).await.ok()
    };
    let answer = tokio::time::timeout(LIMIT, asked).await;
    answer.expect("an answer or a refusal").is_some()
}

#[tokio::test]
async fn where_certificates_are_asked_for_a_client_without_one_is_refused() {
    let running = Running::start(&mutual()).await;
    let identity = |cert, key| Identity::from_pem(pem(cert), pem(key));
    let own = trusting().identity(identity("client.pem", "client.key"));
    assert!(answers(&running.handle, Some(own)).await);
    assert!(!answers(&running.handle, Some(trusting())).await);
    assert!(!answers(&running.handle, None).await, "in the clear");
    // One of the authority that is not for clients is none.
    let foreign = trusting().identity(identity("server.pem", "server.key"));
    assert!(!answers(&running.handle, Some(foreign)).await);
    running.end().await;
}

#[tokio::test]
async fn services_show_each_other_their_certificates() {
    let keys = Keys::new();
    let migrators = [&redress_store::MIGRATOR];
    let database =
        redress_testkit::database_of(&[("intake", &migrators), ("triage", &migrators)]).await;
    let settings = database.settings("triage");
    leave_inside(&settings);
    let more = format!("{}[roles]\nservice = [\"events.inspect\"]\n", mutual());
    let triage = host::start::<Triage>(keys.hosting(&settings, &more)).expect("right");
    triage.ready().await.expect("serves");

    let settings = database.settings("intake");
    let ca = file("ca.pem");
    let shown = format!(
        "cert_file = {:?}\nkey_file = {:?}\n",
        file("client.pem"),
        file("client.key")
    );
    for (shown, is_let_in) in [(shown.as_str(), true), ("", false)] {
        leave_inside(&settings);
        let more = format!(
            "[peers]\ntriage = \"https://{}\"\n[peers_tls]\nca_file = {ca:?}\n{shown}",
            triage.address()
        );
        let intake = host::start::<Intake>(keys.hosting(&settings, &more)).expect("right");
        intake.ready().await.expect("serves");
        let asked = client(&intake, &keys.token(&["sre"]))
            .list_parked_events(ListParkedEventsRequest {
                page_token: "ask triage".to_owned(),
                ..ListParkedEventsRequest::default()
            })
            .await;
        assert_eq!(asked.is_ok(), is_let_in, "{asked:?}");
        intake.shutdown();
        intake.ended().await.expect("in good order");
    }
    triage.shutdown();
    triage.ended().await.expect("in good order");
}
