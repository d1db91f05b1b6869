//! The whole process: its configuration, its gate, its workers.

use std::sync::Arc;
use std::time::Duration;

use redress_crisis::CrisisService;
use redress_model::time::SystemClock;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_client::IncidentServiceClient;
use redress_rpc::auth::{Grant, Issuer};
use redress_runtime::Service as _;
use redress_runtime::config::Sources;
use redress_runtime::host::{Hosting, start};
use redress_store::Role;
use redress_testkit::database;
use tonic::{Code, Request};

#[tokio::test]
async fn it_serves_behind_its_gate_and_stops_cleanly() {
    use secrecy::ExposeSecret as _;
    let database = database("crisis", &CrisisService::migrators()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let key_file = folder.path().join("platform.pem");
    Issuer::generate_key_file(&key_file).expect("written");
    let vault_file = folder.path().join("vault.key");
    std::fs::write(
        &vault_file,
        redress_vault::generate_key_file("k1").expose_secret(),
    )
    .expect("written");
    let overlay = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[database]\napp_url = \"{}\"\nworker_url = \"{}\"\n[platform]\nkey_file = {key_file:?}\n[vault]\nkey_file = {vault_file:?}\n[telemetry]\nlogs = \"off\"\n",
        database.url("crisis", Role::App).expose_secret(),
        database.url("crisis", Role::Worker).expose_secret(),
    );
    let sources = Sources {
        overlay: Some(overlay),
        ..Sources::default()
    };
    let handle = start::<CrisisService>(Hosting {
        sources,
        clock: None,
    })
    .expect("its port opens");
    tokio::time::timeout(Duration::from_secs(30), handle.ready())
        .await
        .expect("soon")
        .expect("it serves");

    let issuer = Issuer::from_file(&key_file, "redress", Arc::new(SystemClock)).expect("a key");
    let token = |role: &str| {
        let grant = Grant {
            subject: "li".into(),
            roles: vec![role.into()],
            organizations: Vec::new(),
            regions: Vec::new(),
            sites: vec!["lake".into()],
            staff: None,
        };
        issuer
            .user_token(grant, Duration::from_secs(600))
            .expect("signed")
    };
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", handle.address()))
        .expect("an address");
    let mut client = IncidentServiceClient::new(channel.connect().await.expect("connects"));
    let mut ask = async |role: Option<&str>| {
        let mut request = Request::new(wire::ListIncidentsRequest {
            parent: "sites/-".into(),
            ..Default::default()
        });
        if let Some(role) = role {
            let bearer = format!("Bearer {}", token(role)).parse().expect("ascii");
            request.metadata_mut().insert("authorization", bearer);
        }
        client
            .list_incidents(request)
            .await
            .map(|r| r.into_inner().incidents.len())
    };
    assert_eq!(ask(Some("manager")).await.expect("allowed"), 0);
    assert_eq!(
        ask(Some("portal")).await.expect_err("no permission").code(),
        Code::PermissionDenied
    );
    assert_eq!(
        ask(None).await.expect_err("no token").code(),
        Code::Unauthenticated
    );
    handle.shutdown();
    tokio::time::timeout(Duration::from_secs(30), handle.ended())
        .await
        .expect("soon")
        .expect("cleanly");
}
