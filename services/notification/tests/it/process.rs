//! The whole process: real tokens and roles, the inbox over gRPC, intake asked over gRPC at the moment of
//! sending, and its end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redress_events::Event;
use redress_model::name::{CaseName, ClockName, StaffName};
use redress_model::time::SystemClock;
use redress_model::words::{ClockKind, ClockTransition};
use redress_notification::NotificationService;
use redress_notification::domain::words::Template;
use redress_notification::jobs::people::{PeersPeople, People as _};
use redress_proto::event::v1::inbox_service_client::InboxServiceClient;
use redress_proto::event::v1::{DeliverOutcome, DeliverRequest};
use redress_proto::intake::v1 as intake;
use redress_proto::intake::v1::case_read_service_server::{CaseReadService, CaseReadServiceServer};
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::app_service_client::AppServiceClient;
use redress_proto::notification::v1::message_service_client::MessageServiceClient;
use redress_rpc::auth::{Grant, Issuer};
use redress_rpc::client::Peers;
use redress_runtime::config::Sources;
use redress_runtime::host::{self, Handle, Hosting};
use redress_testkit::eventually;
use secrecy::ExposeSecret as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::support::{SERVICE, World, meter, news, site};

const LIMIT: Duration = Duration::from_secs(20);

/// Intake, as far as it opens contact points. Remembers for what it was asked.
#[derive(Clone, Default)]
struct Intake(Arc<Mutex<Vec<(String, bool)>>>);

#[tonic::async_trait]
impl CaseReadService for Intake {
    async fn read_case_text(
        &self,
        _: Request<intake::ReadCaseTextRequest>,
    ) -> Result<Response<intake::ReadCaseTextResponse>, Status> {
        Err(Status::permission_denied("notification reads no texts"))
    }

    async fn read_contact_points(
        &self,
        request: Request<intake::ReadContactPointsRequest>,
    ) -> Result<Response<intake::ReadContactPointsResponse>, Status> {
        let with_token = request.metadata().contains_key("authorization");
        let purpose = request.get_ref().purpose.clone();
        self.0.lock().expect("no panic").push((purpose, with_token));
        let person = intake::Complainant {
            display_name: "Wang Fang".to_owned(),
            phone: "+8613800138000".to_owned(),
            language: "zh-CN".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(intake::ReadContactPointsResponse {
            contact_points: vec![intake::ContactPoint {
                position: 0,
                complainant: Some(person),
                person_token: "token".to_owned(),
            }],
            ..Default::default()
        }))
    }
}

impl Intake {
    async fn serve(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = Server::builder().add_service(CaseReadServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }
}

struct Process {
    handle: Handle,
    issuer: Issuer,
    channel: Channel,
    _keys: tempfile::TempDir,
}

impl Process {
    async fn start(world: &World, intake: SocketAddr) -> Self {
        let keys = tempfile::tempdir().expect("a folder");
        let issuer_key = keys.path().join("issuer.pem");
        let vault_key = keys.path().join("vault.keys");
        Issuer::generate_key_file(&issuer_key).expect("written");
        let vault = redress_vault::generate_key_file("k1");
        std::fs::write(&vault_key, vault.expose_secret()).expect("written");
        let settings = world.base.settings(SERVICE);
        let overlay = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[database]\napp_url = {:?}\nworker_url = {:?}\n\
             [platform]\nkey_file = {issuer_key:?}\n[vault]\nkey_file = {vault_key:?}\n\
             [telemetry]\nlogs = \"off\"\n[peers]\nintake = \"http://{intake}\"\n\
             [service]\nreceipt_wait_seconds = 0\npoll_milliseconds = 50\n",
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
        let handle = host::start::<NotificationService>(hosting).expect("right");
        handle.ready().await.expect("serves");
        let channel = connect(&handle);
        let issuer =
            Issuer::from_file(&issuer_key, "redress", Arc::new(SystemClock)).expect("a key");
        Self {
            handle,
            issuer,
            channel,
            _keys: keys,
        }
    }

    fn by<T>(&self, role: &str, message: T) -> Request<T> {
        let grant = Grant {
            subject: role.to_owned(),
            roles: vec![role.to_owned()],
            sites: vec!["lake".to_owned()],
            ..Grant::default()
        };
        self.signed(grant, message)
    }

    fn signed<T>(&self, grant: Grant, message: T) -> Request<T> {
        let token = self.issuer.user_token(grant, Duration::from_secs(60));
        with_token(&token.expect("signed"), message)
    }

    async fn deliver(&self, event: &Event) -> DeliverOutcome {
        let token = self
            .issuer
            .service_token(&event.source, SERVICE, &[], "test")
            .expect("signed");
        let request = DeliverRequest {
            events: vec![event.to_cloud_event()],
            urgent: false,
        };
        let answer = InboxServiceClient::new(self.channel.clone())
            .deliver(with_token(&token, request))
            .await
            .expect("answered");
        answer.get_ref().results[0].outcome()
    }

    async fn list(&self, role: &str) -> Result<Vec<proto::Message>, Status> {
        let request = proto::ListMessagesRequest {
            parent: "sites/lake".to_owned(),
            ..Default::default()
        };
        let answer = MessageServiceClient::new(self.channel.clone())
            .list_messages(self.by(role, request))
            .await?;
        Ok(answer.into_inner().messages)
    }

    /// A case whose clock breaches, of which this person is told.
    async fn breach(&self, staff: &StaffName) -> String {
        let case = CaseName::new(site("lake"), Uuid::now_v7());
        let clock = ClockName::new(site("lake"), Uuid::now_v7());
        let breached = news::clock(
            &clock,
            &case,
            ClockKind::Answer,
            (ClockTransition::Breached, 3),
            &[staff],
            1,
        );
        for event in [news::received(&case, "LAKE-1", &[]), breached] {
            assert_eq!(self.deliver(&event).await, DeliverOutcome::Applied);
        }
        case.to_string()
    }

    /// The app of a person, over a connection of its own that breaks off with the stream.
    async fn app(
        &self,
        staff: &StaffName,
        resume_token: &str,
    ) -> Streaming<proto::SubscribeResponse> {
        let grant = Grant {
            subject: staff.to_string(),
            roles: vec!["handler".to_owned()],
            sites: vec!["lake".to_owned()],
            staff: Some(staff.to_string()),
            ..Grant::default()
        };
        let request = proto::SubscribeRequest {
            parent: "sites/lake".to_owned(),
            resume_token: resume_token.to_owned(),
            ..Default::default()
        };
        let stream = AppServiceClient::new(connect(&self.handle))
            .subscribe(self.signed(grant, request))
            .await;
        stream.expect("a stream").into_inner()
    }
}

fn connect(handle: &Handle) -> Channel {
    Channel::from_shared(format!("http://{}", handle.address()))
        .expect("a URL")
        .connect_lazy()
}

/// The next notice of an app, and where to go on after it.
async fn next(app: &mut Streaming<proto::SubscribeResponse>) -> (proto::Notice, String) {
    let item = tokio::time::timeout(LIMIT, app.message()).await;
    let item = item.expect("in time").expect("ok").expect("an item");
    (item.notice.expect("a notice"), item.resume_token)
}

fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("a header");
    request.metadata_mut().insert("authorization", value);
    request
}

#[tokio::test]
async fn i3_news_in_any_order_told_twice_become_one_message_that_arrives() {
    let world = World::new().await;
    let intake = Intake::default();
    let process = Process::start(&world, intake.serve().await).await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let li = StaffName::new(site("lake"), "li".parse().expect("a slug"));

    let offered = news::offered(&case, &li, Some(&li), 1);
    assert_eq!(process.deliver(&offered).await, DeliverOutcome::Waiting);
    let received = news::received(&case, "LAKE-1", &["token"]);
    for _ in 0..2 {
        assert_eq!(process.deliver(&received).await, DeliverOutcome::Applied);
    }
    // A replay under another id: the inbox does not know it, the cause does.
    let mut replayed = received.clone();
    replayed.id = Uuid::now_v7();
    assert_eq!(process.deliver(&replayed).await, DeliverOutcome::Applied);

    let messages = eventually(LIMIT, async || {
        let messages = process.list("manager").await.expect("listed");
        let sent = |m: &proto::Message| m.state() == proto::MessageState::Sent;
        (messages.len() == 2 && messages.iter().all(sent)).then_some(messages)
    })
    .await;
    assert_eq!(
        *intake.0.lock().expect("no panic"),
        [("message.case-received".to_owned(), true)]
    );

    let receipt = messages.iter().find(|m| m.template == "case.received");
    let name = receipt.expect("a receipt").name.clone();
    let mut client = MessageServiceClient::new(process.channel.clone());
    let read = async |role: &str, client: &mut MessageServiceClient<Channel>| {
        let request = proto::GetMessageRequest { name: name.clone() };
        let answer = client.get_message(process.by(role, request)).await;
        answer.map(|a| a.into_inner().rendered_messages)
    };
    let texts = read("manager", &mut client).await.expect("a manager may");
    assert!(texts[0].body.contains("Wang Fang") && texts[0].body.contains("LAKE-1"));
    assert!(texts[0].subject.contains("编号"), "in her language");
    let texts = read("auditor", &mut client).await.expect("without text");
    assert!(texts.is_empty());
    let refused = read("clerk", &mut client).await.expect_err("not a clerk's");
    assert_eq!(refused.code(), Code::PermissionDenied);

    process.handle.shutdown();
    process.handle.ended().await.expect("in good order");
}

#[tokio::test]
async fn contact_points_are_read_for_the_message_that_is_sent() {
    let intake = Intake::default();
    let address = intake.serve().await;
    let keys = tempfile::tempdir().expect("a folder");
    let key = keys.path().join("issuer.pem");
    Issuer::generate_key_file(&key).expect("written");
    let issuer = Issuer::from_file(&key, "redress", Arc::new(SystemClock)).expect("a key");
    let urls = BTreeMap::from([("intake".to_owned(), format!("http://{address}"))]);
    let peers = Peers::new(SERVICE, issuer, &urls, &meter()).expect("a URL");
    let people = PeersPeople::new(peers);
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    for template in [Template::CaseProgress, Template::CaseClosed] {
        let person = people.complainant(&case, "token", template).await;
        assert!(person.expect("answered").is_some());
    }
    assert_eq!(
        *intake.0.lock().expect("no panic"),
        [
            ("message.case-progress".to_owned(), true),
            ("message.case-closed".to_owned(), true)
        ]
    );
}

#[tokio::test]
async fn i3_an_app_that_breaks_off_and_goes_on_from_its_token_misses_no_notice_and_gets_none_twice()
{
    let world = World::new().await;
    let process = Process::start(&world, Intake::default().serve().await).await;
    let staff = |id: &str| StaffName::new(site("lake"), id.parse().expect("a slug"));
    let (li, zhao) = (staff("li"), staff("zhao"));
    let sent = async |count: usize| {
        eventually(LIMIT, async || {
            let messages = process.list("manager").await.expect("listed");
            let arrived = |m: &proto::Message| m.state() == proto::MessageState::Sent;
            (messages.len() == count && messages.iter().all(arrived)).then_some(())
        })
        .await;
    };

    let mut app = process.app(&li, "").await;
    let first = process.breach(&li).await;
    let (notice, token) = next(&mut app).await;
    assert_eq!((&notice.case, &notice.recipient), (&first, &li.to_string()));
    assert_eq!(notice.template, "clock.breached");
    assert!(notice.body.contains("LAKE-1"), "{}", notice.body);
    drop(app);

    process.breach(&zhao).await;
    let mut missed = [process.breach(&li).await, process.breach(&li).await];
    sent(4).await;
    // It breaks off again after one of the two, and goes on from there.
    let mut app = process.app(&li, &token).await;
    let (one, token) = next(&mut app).await;
    drop(app);
    let mut app = process.app(&li, &token).await;
    let (other, _) = next(&mut app).await;
    let mut told = [one.case, other.case];
    missed.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, missed);
    let last = process.breach(&li).await;
    let (notice, _) = next(&mut app).await;
    assert_eq!(notice.case, last, "and nothing came in between");

    drop(app);
    process.handle.shutdown();
    process.handle.ended().await.expect("in good order");
}
