//! The whole process: real tokens, real roles, the rules of the contract, and its end.

use std::sync::Arc;
use std::time::Duration;

use redress_assignment::AssignmentService;
use redress_model::time::SystemClock;
use redress_model::words::{CaseStatus, Category, DutyRole};
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::roster_service_client::RosterServiceClient;
use redress_proto::assignment::v1::work_service_client::WorkServiceClient;
use redress_proto::convert::to_wire;
use redress_proto::event::v1::inbox_service_client::InboxServiceClient;
use redress_proto::event::v1::{DeliverOutcome, DeliverRequest};
use redress_rpc::auth::{Grant, Issuer};
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Handle, Hosting};
use secrecy::ExposeSecret;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::world::World;

/// Where nobody listens: this test is about one process, and what it says may wait.
const AWAY: &str = "http://127.0.0.1:1";

struct Process {
    handle: Handle,
    issuer: Issuer,
    channel: Channel,
    _keys: tempfile::TempDir,
}

impl Process {
    async fn start(world: &World) -> Self {
        let keys = tempfile::tempdir().expect("a folder");
        let (issuer_key, vault_key) = (
            keys.path().join("issuer.pem"),
            keys.path().join("vault.keys"),
        );
        Issuer::generate_key_file(&issuer_key).expect("written");
        let vault = redress_vault::generate_key_file("k1");
        std::fs::write(&vault_key, vault.expose_secret()).expect("written");
        let settings = world.database.settings("assignment");
        let overlay = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[database]\napp_url = {:?}\nworker_url = {:?}\n\
             [platform]\nkey_file = {issuer_key:?}\n[vault]\nkey_file = {vault_key:?}\n\
             [peers]\nintake = {AWAY:?}\ntriage = {AWAY:?}\nnotification = {AWAY:?}\ncrisis = {AWAY:?}\n",
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
        let handle = host::start::<AssignmentService>(hosting).expect("right");
        handle.ready().await.expect("serves");
        let channel = Channel::from_shared(format!("http://{}", handle.address()))
            .expect("a URL")
            .connect_lazy();
        let issuer =
            Issuer::from_file(&issuer_key, "redress", Arc::new(SystemClock)).expect("a key");
        Self {
            handle,
            issuer,
            channel,
            _keys: keys,
        }
    }

    /// The message as somebody with this role, and perhaps of this person, sends it.
    fn by<T>(&self, role: &str, staff: Option<&str>, message: T) -> Request<T> {
        let grant = Grant {
            subject: staff.unwrap_or(role).to_owned(),
            roles: vec![role.to_owned()],
            sites: vec!["lakeside".to_owned()],
            staff: staff.map(|s| format!("sites/lakeside/staff/{s}")),
            ..Grant::default()
        };
        let token = self
            .issuer
            .user_token(grant, Duration::from_secs(60))
            .expect("signed");
        with_token(&token, message)
    }

    fn by_service<T>(&self, service: &str, message: T) -> Request<T> {
        let token = self
            .issuer
            .service_token(service, "assignment", &[], "test")
            .expect("signed");
        with_token(&token, message)
    }
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a header");
    request.metadata_mut().insert("authorization", value);
    request
}

#[tokio::test]
async fn a_case_is_offered_and_accepted_through_the_gate_of_the_process() {
    let world = World::staffed().await;
    let process = Process::start(&world).await;
    let mut roster = RosterServiceClient::new(process.channel.clone());
    let mut work = WorkServiceClient::new(process.channel.clone());
    let mut inbox = InboxServiceClient::new(process.channel.clone());

    let case = world.new_case();
    for event in [
        world.received(world.facts(&case)),
        world.graded(&case, 1, 1, Some(Category::EngineeringQuality)),
    ] {
        let request = DeliverRequest {
            events: vec![event.to_cloud_event()],
            urgent: false,
        };
        let answer = inbox
            .deliver(process.by_service(&event.source, request))
            .await
            .expect("taken");
        assert_eq!(
            answer.get_ref().results[0].outcome(),
            DeliverOutcome::Applied
        );
    }

    let accept = wire::AcceptAssignmentRequest {
        name: World::name_of(&case),
        ..Default::default()
    };
    let nobody = work
        .accept_assignment(accept.clone())
        .await
        .expect_err("no token");
    assert_eq!(nobody.code(), Code::Unauthenticated);
    let clerk = work
        .accept_assignment(process.by("clerk", None, accept.clone()))
        .await
        .expect_err("not a handler");
    assert_eq!(clerk.code(), Code::PermissionDenied);
    let other = work
        .accept_assignment(process.by("handler", Some("eng-two"), accept.clone()))
        .await
        .expect_err("not theirs");
    assert_eq!(other.code(), Code::PermissionDenied);
    let accepted = work
        .accept_assignment(process.by("handler", Some("eng-one"), accept))
        .await
        .expect("theirs")
        .into_inner();
    assert_eq!(
        accepted.work.expect("work").status,
        to_wire(CaseStatus::Accepted)
    );

    let second = world.offered(Category::EngineeringQuality).await;
    let accept = wire::AcceptAssignmentRequest {
        name: World::name_of(&second),
        ..Default::default()
    };
    work.accept_assignment(process.by("manager", None, accept))
        .await
        .expect("a manager may override");

    let wrong = wire::SetDutiesRequest {
        parent: "sites/lakeside".to_owned(),
        duties: vec![wire::Duty {
            role: to_wire(DutyRole::TopLead),
            staff: "sites/lakeside/staff/lead-top".to_owned(),
            rank: 100,
            ..Default::default()
        }],
        etag: String::new(),
    };
    let refused = roster
        .set_duties(process.by("manager", None, wrong))
        .await
        .expect_err("out of bounds");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    assert_eq!(
        details.bad_request().expect("told").field_violations[0].field,
        "duties[0].rank"
    );

    process.handle.shutdown();
    process.handle.ended().await.expect("in good order");
}
