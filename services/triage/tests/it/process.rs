//! The whole process: real tokens, real roles, the rules of the contract, and its end.

use std::sync::Arc;

use redress_model::time::SystemClock;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::triage_service_client::TriageServiceClient;
use redress_rpc::auth::{Grant, Issuer};
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Hosting};
use redress_triage::TriageService;
use secrecy::ExposeSecret;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::world::World;

/// Where nobody listens: this test is about one process.
const AWAY: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn the_process_serves_checks_callers_and_rules_and_ends() {
    let world = World::new().await;
    let keys = tempfile::tempdir().expect("a folder");
    let (issuer_key, vault_key) = (
        keys.path().join("issuer.pem"),
        keys.path().join("vault.keys"),
    );
    Issuer::generate_key_file(&issuer_key).expect("written");
    let vault = redress_vault::generate_key_file("k1");
    std::fs::write(&vault_key, vault.expose_secret()).expect("written");
    let settings = world.database.settings("triage");
    let overlay = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[database]\napp_url = {:?}\nworker_url = {:?}\n\
         [platform]\nkey_file = {issuer_key:?}\n[vault]\nkey_file = {vault_key:?}\n\
         [peers]\nintake = {AWAY:?}\nassignment = {AWAY:?}\nnotification = {AWAY:?}\ncrisis = {AWAY:?}\n",
        settings.app_url.expose_secret(),
        settings.worker_url.expose_secret(),
    );
    let hosting = Hosting {
        sources: Sources {
            overlay: Some(overlay),
            ..Sources::default()
        },
        clock: None,
    };
    let handle = host::start::<TriageService>(hosting).expect("right");
    handle.ready().await.expect("serves");
    let channel = Channel::from_shared(format!("http://{}", handle.address()))
        .expect("a URL")
        .connect_lazy();
    let issuer = Issuer::from_file(&issuer_key, "redress", Arc::new(SystemClock)).expect("a key");
    let ask = async |role: &str, request: wire::PreviewTriageRequest| {
        let grant = Grant {
            subject: role.to_owned(),
            roles: vec![role.to_owned()],
            sites: vec!["lakeside".to_owned()],
            ..Grant::default()
        };
        let token = issuer
            .user_token(grant, std::time::Duration::from_secs(60))
            .expect("a token");
        let mut request = Request::new(request);
        let bearer = format!("Bearer {}", token).parse().expect("a header");
        request.metadata_mut().insert("authorization", bearer);
        let mut client = TriageServiceClient::new(channel.clone());
        client.preview_triage(request).await
    };
    let facts = wire::PreviewTriageRequest {
        site_kind: 1,
        channel: 1,
        complainants: 12,
        ..Default::default()
    };
    let answer = ask("clerk", facts.clone())
        .await
        .expect("decided")
        .into_inner();
    assert_eq!(answer.decision.expect("a decision").grade, 1);
    assert_eq!(
        ask("portal", facts.clone())
            .await
            .expect_err("not theirs")
            .code(),
        Code::PermissionDenied
    );
    let wrong = wire::PreviewTriageRequest {
        complainants: -1,
        ..facts
    };
    assert_eq!(
        ask("clerk", wrong).await.expect_err("wrong").code(),
        Code::InvalidArgument
    );
    handle.shutdown();
    handle.ended().await.expect("ends well");
}
