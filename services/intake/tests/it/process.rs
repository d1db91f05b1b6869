//! The whole process: real tokens, real roles, and a restart that loses nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use redress_intake::IntakeService;
use redress_model::time::SystemClock;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::case_read_service_client::CaseReadServiceClient;
use redress_proto::intake::v1::case_service_client::CaseServiceClient;
use redress_rpc::auth::{Grant, Issuer};
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Handle, Hosting};
use secrecy::ExposeSecret as _;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::world::{World, leak, reason};

/// Where nobody listens: everything behind intake is away (I1).
const AWAY: &str = "http://127.0.0.1:1";

struct Keys {
    _folder: tempfile::TempDir,
    issuer: PathBuf,
    vault: PathBuf,
}

impl Keys {
    fn new(world: &World) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (issuer, vault) = (folder.path().join("issuer.pem"), folder.path().join("keys"));
        Issuer::generate_key_file(&issuer).expect("written");
        std::fs::write(&vault, world.key_file.expose_secret()).expect("written");
        Self {
            _folder: folder,
            issuer,
            vault,
        }
    }

    fn issuer(&self) -> Issuer {
        Issuer::from_file(&self.issuer, "redress", Arc::new(SystemClock)).expect("a key")
    }

    fn by<T>(&self, role: &str, message: T) -> Request<T> {
        let grant = Grant {
            subject: role.to_owned(),
            roles: vec![role.to_owned()],
            sites: vec!["lake".to_owned()],
            ..Grant::default()
        };
        let token = self
            .issuer()
            .user_token(grant, Duration::from_secs(60))
            .expect("signed");
        with_token(&token, message)
    }

    fn by_service<T>(&self, service: &str, message: T) -> Request<T> {
        let sites = ["lake".parse().expect("a slug")];
        let token = self
            .issuer()
            .service_token(service, "intake", &sites, "test")
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

async fn start(world: &World, keys: &Keys) -> (Handle, Channel) {
    let settings = world.data.settings("intake");
    let overlay = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[database]\napp_url = {:?}\nworker_url = {:?}\n\
         [platform]\nkey_file = {:?}\n[vault]\nkey_file = {:?}\n\
         [peers]\nassignment = {AWAY:?}\ntriage = {AWAY:?}\nnotification = {AWAY:?}\ncrisis = {AWAY:?}\n",
        settings.app_url.expose_secret(),
        settings.worker_url.expose_secret(),
        keys.issuer,
        keys.vault,
    );
    let hosting = Hosting {
        sources: Sources {
            overlay: Some(overlay),
            ..Sources::default()
        },
        clock: None,
    };
    let handle = host::start::<IntakeService>(hosting).expect("right");
    handle.ready().await.expect("serves");
    let channel = Channel::from_shared(format!("http://{}", handle.address()))
        .expect("a URL")
        .connect_lazy();
    (handle, channel)
}

fn new_case() -> pb::CreateCaseRequest {
    pb::CreateCaseRequest {
        parent: "sites/lake".to_owned(),
        case: Some(leak()),
        request_id: "one".to_owned(),
        validate_only: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_a_complaint_taken_while_everything_behind_is_away_survives_a_restart() {
    let world = World::new().await;
    let keys = Keys::new(&world);
    let (handle, channel) = start(&world, &keys).await;
    let mut cases = CaseServiceClient::new(channel.clone());

    assert_eq!(
        cases
            .create_case(new_case())
            .await
            .expect_err("no token")
            .code(),
        Code::Unauthenticated
    );
    let sre = cases.create_case(keys.by("sre", new_case())).await;
    assert_eq!(reason(sre, Code::PermissionDenied), "PERMISSION_DENIED");
    let made = cases
        .create_case(keys.by("portal", new_case()))
        .await
        .expect("taken in")
        .into_inner()
        .case
        .expect("a case");

    let watch = pb::WatchCasesRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let mut stream = cases
        .watch_cases(keys.by("clerk", watch))
        .await
        .expect("a stream")
        .into_inner();
    handle.shutdown();
    // What changed right before the watch may come too: other transactions hold the horizon back.
    let end = loop {
        if let Err(end) = stream.next().await.expect("an end") {
            break end;
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "draining");
    handle.ended().await.expect("in good order");

    let (handle, channel) = start(&world, &keys).await;
    let mut cases = CaseServiceClient::new(channel.clone());
    let again = cases
        .create_case(keys.by("portal", new_case()))
        .await
        .expect("the same")
        .into_inner()
        .case
        .expect("a case");
    assert_eq!(again, made);
    let (waiting,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM intake.outbox WHERE subject = $1")
            .bind(&made.name)
            .fetch_one(&world.data.admin)
            .await
            .expect("an outbox");
    assert_eq!(waiting, 1, "its event waits for the others");

    let ask = pb::ReadContactPointsRequest {
        name: made.name.clone(),
        purpose: "message".to_owned(),
    };
    let mut reads = CaseReadServiceClient::new(channel);
    let manager = reads
        .read_contact_points(keys.by("manager", ask.clone()))
        .await;
    assert_eq!(reason(manager, Code::PermissionDenied), "PERMISSION_DENIED");
    let points = reads
        .read_contact_points(keys.by_service("notification", ask))
        .await
        .expect("points")
        .into_inner();
    assert_eq!(points.contact_points.len(), 1);
    handle.shutdown();
    handle.ended().await.expect("in good order");
}
