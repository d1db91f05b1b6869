//! What is sent again: after it came back, after a rest of machines, and what it is called that is not.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{CaseName, IncidentName};
use redress_model::words::{CaseStatus, DutyRole};
use redress_notification::domain::message::Draft;
use redress_notification::domain::route::Way;
use redress_notification::domain::words::{MessageChannel, MessageState, Provider, Template};
use redress_notification::provider::sms::{SmsGateway, SmsKey, SmsSettings};
use redress_notification::provider::webhook::Webhook;
use redress_notification::provider::{Answer, Gateways};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_proto::notification::v1::message_service_server::MessageService as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::channels::open_tasks;
use crate::rpc::{by, caller, service};
use crate::support::http::{Endpoint, Manner};
use crate::support::{World, news, site};
use crate::timing::news_for;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway that takes each key once and says of a repeat that it knows it, as gateways do that keep people from being told twice.
struct Deduplicating {
    url: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Deduplicating {
    async fn start(header: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/send", listener.local_addr().expect("bound"));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let known = Arc::clone(&known);
                tokio::spawn(async move { serve(stream, header, &known).await });
            }
        });
        Self { url, taken }
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("no panic").clone()
    }
}

async fn serve(mut stream: TcpStream, header: &str, taken: &Mutex<Vec<String>>) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let find = |name: &str| -> Option<String> {
            let line = head.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.strip_prefix(':')?.trim().to_owned())
        };
        let length: usize = find("content-length")?.parse().ok()?;
        while bytes.len() < end + 4 + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        bytes.drain(..end + 4 + length);
        let key = find(header)?;
        let answer = {
            let mut taken = taken.lock().expect("no panic");
            let is_new = !taken.contains(&key);
            if is_new {
                taken.push(key);
            }
            match is_new {
                true => "200 OK",
                false => "409 Conflict",
            }
        };
        let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(text.as_bytes()).await.ok()?;
    }
}

fn text_messages(url: &str) -> SmsGateway {
    let settings = SmsSettings {
        url: url.to_owned(),
        keys: vec![SmsKey {
            id: "one".to_owned(),
            secret: b"0123456789abcdef".to_vec(),
        }],
        signature: "湖畔花园".to_owned(),
        sites: Vec::new(),
        templates: Default::default(),
    };
    SmsGateway::new(settings, TIMEOUT).expect("right settings")
}

fn by_sms(url: &str) -> Gateways {
    Gateways {
        sms: vec![text_messages(url)],
        ..Gateways::default()
    }
}

/// What the gateway reports of the text message; without a time, now.
async fn report(
    world: &World,
    report: proto::DeliveryReport,
    time: Option<jiff::Timestamp>,
) -> proto::Message {
    let asked = proto::RecordDeliveryReceiptRequest {
        name: world.message().await.name.to_string(),
        channel: proto::MessageChannel::Sms.into(),
        report: report.into(),
        report_time: time.map(convert::to_timestamp),
        ..Default::default()
    };
    let gateway = caller("lake", &["messages.record_delivery"], None);
    let answer = crate::delivery::service(world)
        .record_delivery_receipt(by(&gateway, asked))
        .await;
    answer.expect("taken").into_inner().message.expect("given")
}

async fn retry(world: &World) {
    let asked = proto::RetryMessageRequest {
        name: world.message().await.name.to_string(),
        ..Default::default()
    };
    let operator = caller("lake", &["messages.retry"], None);
    let done = service(world).retry_message(by(&operator, asked)).await;
    done.expect("queued anew");
}

#[tokio::test]
async fn what_came_back_and_is_retried_goes_to_a_gateway_that_remembers_under_a_key_of_its_own() {
    use proto::DeliveryReport::Bounced;
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let gateway = Deduplicating::start("idempotency-key").await;
    let sender = world.sender(by_sms(&gateway.url));
    for round in 0..3 {
        world.send_due(&sender).await;
        let message = world.message().await;
        assert_eq!(message.fate.state, MessageState::Sent, "round {round}");
        let taken = gateway.taken();
        assert_eq!(taken.len(), round + 1, "it was handed over: {taken:?}");
        report(&world, Bounced, None).await;
        world.send_due(&sender).await;
        assert_eq!(world.message().await.fate.state, MessageState::Failed);
        // The number was corrected meanwhile.
        retry(&world).await;
    }
    let id = world.message().await.name.id.simple().to_string();
    let keys = [format!("{id}.1"), format!("{id}.1.1"), format!("{id}.1.2")];
    assert_eq!(gateway.taken(), keys);
}

#[tokio::test]
async fn what_was_refused_is_another_copy_when_retried_and_what_may_have_arrived_stays_the_same_one()
 {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_sms(&endpoint.url()));
    // Of the first nobody knows whether it was taken; the second time it is refused for good.
    endpoint.next(Manner::HangUp);
    endpoint.next(Manner::Answer("422 Unprocessable Content"));
    // Again nobody knows: the gateway has to recognise the copy that follows.
    endpoint.next(Manner::HangUp);
    for _ in 0..2 {
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(2));
    }
    assert_eq!(world.message().await.fate.state, MessageState::Failed);
    retry(&world).await;
    for _ in 0..2 {
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(2));
    }
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
    let id = world.message().await.name.id.simple().to_string();
    let (first, second) = (format!("{id}.1"), format!("{id}.1.1"));
    let received = endpoint.received();
    let keys: Vec<&str> = received
        .iter()
        .map(|r| r.headers["idempotency-key"].as_str())
        .collect();
    assert_eq!(keys, [&first, &first, &second, &second]);
}

#[tokio::test]
async fn what_came_back_by_one_channel_of_a_webhook_goes_by_the_next_under_an_id_of_its_own() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let gateway = Deduplicating::start("webhook-id").await;
    let channels = vec![MessageChannel::Sms, MessageChannel::Email];
    let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let webhook = Webhook::new(&gateway.url, &[secret], channels, TIMEOUT);
    let sender = world.sender(Gateways {
        webhook: Some(webhook.expect("right settings")),
        ..Gateways::default()
    });
    world.send_due(&sender).await;
    report(&world, proto::DeliveryReport::Bounced, None).await;
    world.send_due(&sender).await;
    let message = world.message().await;
    assert_eq!(
        (message.fate.state, message.fate.channel),
        (MessageState::Sent, Some(MessageChannel::Email))
    );
    let taken: HashSet<String> = gateway.taken().into_iter().collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
}

#[tokio::test]
async fn what_is_reported_once_more_of_a_copy_that_came_back_says_nothing_about_the_next_one() {
    use proto::DeliveryReport::{Bounced, Delivered};
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_sms(&endpoint.url()));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(10));
    let bounced = world.now();
    report(&world, Bounced, Some(bounced)).await;
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_mins(10));
    retry(&world).await;
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);

    let again = report(&world, Bounced, Some(bounced)).await;
    assert_eq!(again.state(), proto::MessageState::Sent);
    let late = report(&world, Delivered, Some(bounced)).await;
    assert_eq!(late.deliver_time, None);
    world.clock.advance(SignedDuration::from_secs(10));
    let truly = report(&world, Bounced, Some(world.now())).await;
    assert_eq!(truly.state(), proto::MessageState::Queued);
}

#[tokio::test]
async fn what_a_gateway_whose_clock_is_a_little_behind_reports_of_the_next_copy_is_about_that() {
    use proto::DeliveryReport::{Bounced, Delivered};
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_sms(&endpoint.url()));
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_secs(10));
    report(&world, Bounced, Some(world.now())).await;
    world.send_due(&sender).await;
    world.clock.advance(SignedDuration::from_mins(10));
    retry(&world).await;
    world.send_due(&sender).await;
    // Whole seconds of a clock that is behind.
    let behind = world.now() - SignedDuration::from_millis(1800);
    let arrived = report(&world, Delivered, Some(behind)).await;
    assert!(arrived.deliver_time.is_some());
    let truly = report(&world, Bounced, Some(behind)).await;
    assert_eq!(truly.state(), proto::MessageState::Queued);
}

#[tokio::test]
async fn what_a_webhook_may_have_taken_by_one_channel_keeps_its_id_whatever_came_back_by_another() {
    let world = World::new().await;
    world.case("LAKE-1").await;
    world.clock.advance(SignedDuration::from_mins(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(crate::delivery::by_webhook(&endpoint));
    world.send_due(&sender).await;
    report(&world, proto::DeliveryReport::Bounced, None).await;
    // Of the mail nobody knows whether it was taken, three times.
    for _ in 0..3 {
        endpoint.next(Manner::HangUp);
    }
    for _ in 0..3 {
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(10));
    }
    assert_eq!(world.message().await.fate.state, MessageState::Failed);
    retry(&world).await;
    world.send_due(&sender).await;
    assert_eq!(world.message().await.fate.state, MessageState::Sent);
    let id = format!("msg_{}.1", world.message().await.name.id.simple());
    let (mail, again) = (format!("{id}.email"), format!("{id}.1"));
    let received = endpoint.received();
    let ids: Vec<&str> = received
        .iter()
        .map(|r| r.headers["webhook-id"].as_str())
        .collect();
    assert_eq!(ids, [&id, &mail, &mail, &mail, &again]);
}

#[tokio::test]
async fn what_waited_for_the_morning_is_no_call_since_a_gateway_rests_for_seconds_then() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .people
        .add_textable(&case, "wang", "Wang Fang", "+8613800138000");
    world.tell(news::received(&case, "LAKE-1", &[])).await;
    // 22:00 in Shanghai.
    world
        .clock
        .set("2026-11-21T14:00:00Z".parse().expect("an instant"));
    for n in 0..6 {
        let draft = Draft {
            template: Template::CaseProgress,
            ..news_for(&case, "wang", &format!("cause-{n}"), world.now())
        };
        world.queue(&draft).await;
    }
    let endpoint = Endpoint::start().await;
    let sender = world.sender(Gateways {
        tasks: true,
        ..by_sms(&endpoint.url())
    });
    world.send_due(&sender).await;
    let morning = world.messages().await[0].fate.due_time.expect("it waits");
    world.clock.set(morning);
    endpoint.next(Manner::Answer("503 Service Unavailable\r\nRetry-After: 10"));
    world.send_due(&sender).await;
    assert!(open_tasks(&world).await.is_empty(), "it rests for seconds");
    for _ in 0..5 {
        world.clock.advance(SignedDuration::from_secs(11));
        world.send_due(&sender).await;
    }
    // Whatever else they wait for, none of them became a call.
    assert!(open_tasks(&world).await.is_empty());
    let sent = world.messages().await;
    assert!(sent.iter().any(|m| m.fate.state == MessageState::Sent));
}

#[tokio::test]
async fn p14_a_message_becomes_a_call_once_machines_have_rested_for_an_hour_for_it() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world
        .people
        .add_textable(&case, "wang", "Wang Fang", "+8613800138000");
    world.tell(news::received(&case, "LAKE-1", &["wang"])).await;
    world.clock.advance(SignedDuration::from_hours(2));
    let endpoint = Endpoint::start().await;
    let sender = world.sender(Gateways {
        tasks: true,
        ..by_sms(&endpoint.url())
    });
    let way = Way {
        channel: MessageChannel::Sms,
        provider: Provider::SmsGateway,
    };
    // Others try it and learn that it is down, minute by minute.
    let rests = Answer {
        wish: Some(SignedDuration::from_mins(2)),
        ..Answer::transient("HTTP_503")
    };
    for minutes in 0..=60 {
        let gateways = &sender.gateways;
        gateways.heard(way, &site("lake"), &rests, world.now(), 0.5);
        world.send_due(&sender).await;
        assert!(open_tasks(&world).await.is_empty(), "{minutes} minutes");
        world.clock.advance(SignedDuration::from_mins(1));
    }
    for _ in 0..3 {
        let gateways = &sender.gateways;
        gateways.heard(way, &site("lake"), &rests, world.now(), 0.5);
        world.send_due(&sender).await;
        world.clock.advance(SignedDuration::from_mins(1));
    }
    assert!(endpoint.received().is_empty());
    assert_eq!(open_tasks(&world).await.len(), 1, "a person calls");
}

#[tokio::test]
async fn what_came_back_and_nobody_needs_any_more_is_cancelled_and_not_called_sent() {
    use proto::DeliveryReport::Bounced;
    // While it waits to go by the next way, and once it has failed and is redriven.
    for fails in [false, true] {
        let world = World::new().await;
        let case = world.case("LAKE-1").await;
        world.clock.advance(SignedDuration::from_mins(2));
        let endpoint = Endpoint::start().await;
        let sender = world.sender(by_sms(&endpoint.url()));
        world.send_due(&sender).await;
        report(&world, Bounced, None).await;
        if fails {
            world.send_due(&sender).await;
            assert_eq!(world.message().await.fate.state, MessageState::Failed);
        }
        world
            .tell(news::moved(&case, CaseStatus::Withdrawn, 2))
            .await;
        if fails {
            let asked = proto::RedriveMessagesRequest {
                parent: "sites/lake".to_owned(),
                ..Default::default()
            };
            let operator = caller("lake", &["messages.retry"], None);
            let done = service(&world).redrive_messages(by(&operator, asked)).await;
            assert_eq!(done.expect("ok").into_inner().ended_count, 1);
        } else {
            world.send_due(&sender).await;
        }
        let fate = world.message().await.fate;
        assert_eq!(fate.state, MessageState::Cancelled, "{}", fate.reason);
    }
}

#[tokio::test]
async fn a_callout_of_which_one_page_was_taken_stays_sent_though_a_later_one_came_back() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "").await;
    world.tell(news::on_duty(&[(DutyRole::TopLead, &li)])).await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    world.tell(news::received(&case, "LAKE-1", &[])).await;
    let (incident, other) = (
        IncidentName::new(site("lake"), Uuid::now_v7()),
        IncidentName::new(site("lake"), Uuid::now_v7()),
    );
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    world
        .tell(news::callout(Uuid::now_v7(), &incident, &case, &li))
        .await;
    let endpoint = Endpoint::start().await;
    let sender = world.sender(by_sms(&endpoint.url()));
    world.send_due(&sender).await;
    world
        .tell(news::incident(&incident, &[&case], Some(&other), 2))
        .await;
    world.clock.advance(SignedDuration::from_mins(6));
    world.send_due(&sender).await;
    let fate = world.message().await.fate;
    assert_eq!(
        (fate.state, fate.reason.as_str()),
        (MessageState::Sent, "INCIDENT_ENDED")
    );
}
