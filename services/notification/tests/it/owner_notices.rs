//! M19: when a defect is one of many homes, the other owners are told before they complain: by a text that somebody
//! else approved, once each, at a decent hour, and not those who know it already or do not want to hear.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use redress_model::name::{CaseName, ClusterName, IncidentName};
use redress_model::words::{Category, DutyRole};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::jobs::metrics::Metrics;
use redress_notification::jobs::owner_notices::{BATCH_MAX, NoticeWorker};
use redress_notification::rpc::delivery::Delivery;
use redress_notification::rpc::owner_notices::OwnerNotices;
use redress_notification::store::messages::Message;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::delivery_service_server::DeliveryService as _;
use redress_proto::notification::v1::notice_service_server::NoticeService as _;
use redress_proto::notification::v1::{
    NoticeRecipient, NoticeState, NoticeText, OwnerNotice as Notice,
};
use redress_rpc::{Caller, Fingerprints};
use redress_vault::Identity;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::crash::survives;
use crate::rpc::{by, caller};
use crate::support::{CALLOUT_ANSWER, SERVICE, World, meter, news, site, tokens};

fn service(world: &World) -> OwnerNotices {
    OwnerNotices {
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        clock: world.clock.clone(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        metrics: Metrics::new(&meter()),
    }
}

fn worker(world: &World) -> NoticeWorker {
    NoticeWorker {
        db: world.base.connect(SERVICE),
        clock: world.clock.clone(),
    }
}

/// Somebody with every permission of notices.
fn person(subject: &str) -> Arc<Caller> {
    let one = caller("lake", &["owner_notices.*", "wording.override"], None);
    Arc::new(Caller {
        subject: subject.to_owned(),
        ..(*one).clone()
    })
}

fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|i| i.reason).unwrap_or_default()
}

fn text(subject: &str) -> Option<NoticeText> {
    Some(NoticeText {
        subject: subject.to_owned(),
        body: format!("{subject}: 我们周三开始逐户检查。"),
    })
}

fn owner(phone: &str) -> NoticeRecipient {
    NoticeRecipient {
        display_name: "王女士".to_owned(),
        phone: phone.to_owned(),
        ..Default::default()
    }
}

/// The token by which intake knows whoever has this phone.
fn token(world: &World, phone: &str) -> String {
    let organization = "demo".parse().expect("a slug");
    let identity = Identity::phone(phone).expect("a phone");
    world.keys.vault().person_token(&organization, &identity)
}

async fn create(world: &World, wanted: Notice) -> Notice {
    let asked = proto::CreateNoticeRequest {
        parent: "sites/lake".to_owned(),
        notice: Some(wanted),
        request_id: String::new(),
    };
    let answer = service(world)
        .create_notice(by(&person("author"), asked))
        .await;
    let answer = answer.expect("created").into_inner();
    answer.notice.expect("given")
}

async fn add(
    world: &World,
    who: &str,
    name: &str,
    owners: &[NoticeRecipient],
) -> Result<Notice, Status> {
    let mut notice = Notice::default();
    for part in owners.chunks(1000) {
        let asked = proto::AddNoticeRecipientsRequest {
            name: name.to_owned(),
            recipients: part.to_vec(),
            ..Default::default()
        };
        let answer = service(world)
            .add_notice_recipients(by(&person(who), asked))
            .await?;
        notice = answer.into_inner().notice.expect("given");
    }
    Ok(notice)
}

async fn submit(world: &World, who: &str, name: &str, why: &str) -> Result<Notice, Status> {
    let asked = proto::SubmitNoticeRequest {
        name: name.to_owned(),
        override_reason: why.to_owned(),
        ..Default::default()
    };
    let answer = service(world)
        .submit_notice(by(&person(who), asked))
        .await?;
    Ok(answer.into_inner().notice.expect("given"))
}

async fn approve(world: &World, who: &str, read: &Notice) -> Result<Notice, Status> {
    let asked = proto::ApproveNoticeRequest {
        name: read.name.clone(),
        digest: read.digest.clone(),
        ..Default::default()
    };
    let answer = service(world)
        .approve_notice(by(&person(who), asked))
        .await?;
    Ok(answer.into_inner().notice.expect("given"))
}

async fn withdraw(world: &World, name: &str) -> Result<Notice, Status> {
    let asked = proto::WithdrawNoticeRequest {
        name: name.to_owned(),
        reason: "wrong building".to_owned(),
        ..Default::default()
    };
    let answer = service(world)
        .withdraw_notice(by(&person("author"), asked))
        .await?;
    Ok(answer.into_inner().notice.expect("given"))
}

async fn get(world: &World, name: &str) -> Notice {
    let asked = proto::GetNoticeRequest {
        name: name.to_owned(),
    };
    let answer = service(world)
        .get_notice(by(&person("reader"), asked))
        .await;
    answer.expect("shown").into_inner().notice.expect("given")
}

async fn list(world: &World) -> Vec<Notice> {
    let asked = proto::ListNoticesRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let answer = service(world)
        .list_notices(by(&person("reader"), asked))
        .await;
    answer.expect("listed").into_inner().notices
}

fn id(notice: &Notice) -> Uuid {
    let id = notice.name.rsplit('/').next().expect("a name");
    id.parse().expect("an id")
}

/// A notice in both languages to these owners, submitted by its author.
async fn submitted(world: &World, wanted: Notice, phones: &[&str]) -> Notice {
    let draft = create(
        world,
        Notice {
            chinese: text("请检查水管"),
            english: text("Please check the pipe"),
            ..wanted
        },
    )
    .await;
    let owners: Vec<NoticeRecipient> = phones.iter().map(|phone| owner(phone)).collect();
    if !owners.is_empty() {
        add(world, "author", &draft.name, &owners)
            .await
            .expect("listed");
    }
    submit(world, "author", &draft.name, "")
        .await
        .expect("submitted")
}

/// Makes every message of an approved notice.
async fn make_all(world: &World, notice: &Notice) {
    while worker(world)
        .step(&site("lake"), id(notice))
        .await
        .expect("a batch is made")
    {}
}

async fn told(world: &World) -> Vec<Message> {
    let mut all = world.messages().await;
    all.retain(|m| m.template.is_notice());
    all
}

fn counts(notice: &Notice) -> [i32; 4] {
    let p = notice.progress.expect("given");
    [
        p.told_count,
        p.failed_count,
        p.waiting_count,
        p.cancelled_count,
    ]
}

#[tokio::test]
async fn m19_an_accepted_defect_drafts_one_notice_and_nobody_outside_is_told_by_it() {
    let world = World::new().await;
    let li = world.hire("li", "+8613800000001", "li@example.com").await;
    world
        .tell(news::on_duty(&[(DutyRole::DutyLead, &li)]))
        .await;
    let cluster = ClusterName::new(site("lake"), Uuid::now_v7());
    let category = Category::EngineeringQuality;
    for state in ["PROPOSED", "ACCEPTED", "ACCEPTED"] {
        world.tell(news::defect(&cluster, state, category)).await;
    }
    let other = ClusterName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::defect(&other, "DISMISSED", category))
        .await;
    let all = list(&world).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    let draft = get(&world, &all[0].name).await;
    assert_eq!(draft.state(), NoticeState::Draft);
    assert_eq!(
        (draft.cluster.as_str(), draft.units),
        (cluster.to_string().as_str(), 5)
    );
    assert!(draft.proposed && draft.include_known && draft.authors.is_empty());
    let chinese = draft.chinese.expect("a text to begin with");
    assert!(chinese.subject.contains("房屋质量"), "{}", chinese.subject);

    // The duty lead hears that it waits to be written; no owner hears anything.
    world.send_due(&world.outbox_sender()).await;
    let message = world.message().await;
    assert_eq!(message.template, Template::NoticeWaiting);
    let news = world.text().await;
    assert!(news.body.contains(&draft.name), "{}", news.body);
}

#[tokio::test]
async fn m19_whoever_wrote_any_of_it_never_approves_and_an_approval_is_for_what_was_read() {
    let world = World::new().await;
    let read = submitted(&world, Notice::default(), &["13800138000"]).await;
    let own = approve(&world, "author", &read).await;
    assert_eq!(reason(&own.expect_err("own text")), "AUTHOR_APPROVES");

    // Another person adds an owner: a draft again, another digest, and one author more.
    let changed = add(&world, "helper", &read.name, &[owner("13800138001")])
        .await
        .expect("listed");
    assert_eq!(changed.state(), NoticeState::Draft);
    assert_ne!(changed.digest, read.digest);
    assert_eq!(changed.authors, ["author", "helper"]);
    let stale = approve(&world, "boss", &read).await;
    assert_eq!(stale.expect_err("another list").code(), Code::Aborted);
    let again = submit(&world, "author", &read.name, "")
        .await
        .expect("submitted");
    let helper = approve(&world, "helper", &again).await;
    assert_eq!(reason(&helper.expect_err("own list")), "AUTHOR_APPROVES");

    // A no, with a reason; what was rejected is edited before it is submitted again.
    let no = proto::RejectNoticeRequest {
        name: again.name.clone(),
        digest: again.digest.clone(),
        reason: "say when we come".to_owned(),
        ..Default::default()
    };
    let rejected = service(&world).reject_notice(by(&person("boss"), no)).await;
    let rejected = rejected.expect("said").into_inner().notice.expect("given");
    assert_eq!(rejected.state(), NoticeState::Rejected);
    let illegal = submit(&world, "author", &read.name, "").await;
    assert_eq!(
        reason(&illegal.expect_err("rejected")),
        "ILLEGAL_NOTICE_STEP"
    );
    let edit = proto::UpdateNoticeRequest {
        notice: Some(Notice {
            english: text("Please check the pipe on Wednesday"),
            ..rejected
        }),
        ..Default::default()
    };
    service(&world)
        .update_notice(by(&person("author"), edit))
        .await
        .expect("edited");
    let third = submit(&world, "author", &read.name, "")
        .await
        .expect("submitted");
    let done = approve(&world, "boss", &third).await.expect("approved");
    assert_eq!(done.state(), NoticeState::Approved);
    let verdicts: Vec<i32> = done.reviews.iter().map(|r| r.verdict).collect();
    assert_eq!(verdicts, [2, 1]);
    assert_eq!(done.reviews[1].digest, third.digest);

    // What was approved never changes, by nobody's hand.
    let late = add(&world, "author", &read.name, &[owner("13800138002")]).await;
    assert_eq!(reason(&late.expect_err("approved")), "ILLEGAL_NOTICE_STEP");
    let forced = sqlx::query("UPDATE notification.owner_notice SET chinese_body = 'otherwise'")
        .execute(&world.base.admin)
        .await;
    assert!(forced.is_err(), "Postgres itself keeps what was approved");
}

#[tokio::test]
async fn m19_every_owner_is_told_once_and_those_who_complained_of_it_are_not() {
    let world = World::new().await;
    let cluster = ClusterName::new(site("lake"), Uuid::now_v7());
    let merged = ClusterName::new(site("lake"), Uuid::now_v7());
    // One complained about it, one about something else; a third from long ago is history.
    let complained = CaseName::new(site("lake"), Uuid::now_v7());
    let other = CaseName::new(site("lake"), Uuid::now_v7());
    let old = CaseName::new(site("lake"), Uuid::now_v7());
    let people = ["13800138000", "13800138001", "13800138002"];
    for (case, phone) in [&complained, &other, &old].into_iter().zip(people) {
        let who = token(&world, phone);
        world.people.add_complainant(case, &who, "Known", phone, "");
        let event = news::received(case, "LAKE-1", &[&who]);
        let event = if case == &old {
            news::historical(event)
        } else {
            event
        };
        world.tell(event).await;
    }
    // It was split off once, came back, and its cluster was merged into another.
    world.tell(news::clustered(&other, &cluster, None)).await;
    world
        .tell(news::clustered(&other, &merged, Some((&cluster, false))))
        .await;
    world
        .tell(news::clustered(&complained, &cluster, None))
        .await;
    world
        .tell(news::clustered(
            &complained,
            &merged,
            Some((&cluster, true)),
        ))
        .await;

    // The list names the person known from the other case too, and one twice.
    let list = ["13800138001", "13800138007", "+86 138-0013-8007"];
    let wanted = Notice {
        cluster: cluster.to_string(),
        include_known: true,
        ..Default::default()
    };
    let read = submitted(&world, wanted, &list).await;
    let audience = read.audience.expect("given");
    assert_eq!(
        (
            audience.listed_count,
            audience.known_count,
            audience.excluded_count
        ),
        (2, 1, 1)
    );
    approve(&world, "boss", &read).await.expect("approved");
    make_all(&world, &read).await;
    world.send_due(&world.outbox_sender()).await;
    let notices = told(&world).await;
    let readers: BTreeSet<String> = notices.iter().map(|m| m.recipient.to_string()).collect();
    let expected = [token(&world, "13800138001"), token(&world, "13800138007")];
    assert_eq!(notices.len(), 2);
    assert_eq!(readers, expected.into_iter().collect());
    let after = get(&world, &read.name).await;
    assert_eq!(after.state(), NoticeState::Released);
    assert_eq!(counts(&after), [2, 0, 0, 0]);
    assert_eq!(after.audience, read.audience);
    // Written in the language of the site, greeted by name.
    let texts = world.texts().await;
    let notice = texts
        .iter()
        .find(|t| t.subject.contains("Please check the pipe"));
    assert!(notice.is_some_and(|t| t.body.contains("王女士")));
}

#[tokio::test]
async fn m19_a_known_owner_is_reached_by_a_case_though_that_case_has_ended() {
    let world = World::new().await;
    let case = CaseName::new(site("lake"), Uuid::now_v7());
    let who = token(&world, "13800138000");
    world
        .people
        .add_complainant(&case, &who, "Wang Fang", "13800138000", "");
    world.tell(news::received(&case, "LAKE-1", &[&who])).await;
    world
        .tell(news::moved(
            &case,
            redress_model::words::CaseStatus::Closed,
            1,
        ))
        .await;
    let wanted = Notice {
        include_known: true,
        ..Default::default()
    };
    let read = submitted(&world, wanted, &[]).await;
    approve(&world, "boss", &read).await.expect("approved");
    make_all(&world, &read).await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    let notices = told(&world).await;
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].fate.state, MessageState::Sent);
    let texts = world.texts().await;
    let notice = texts
        .iter()
        .find(|t| t.subject.contains("Please check the pipe"));
    assert_eq!(notice.map(|t| t.address.as_str()), Some("13800138000"));
}

#[tokio::test]
async fn p21_workers_killed_between_any_two_steps_tell_every_owner_once() {
    let world = World::new().await;
    // Two full batches and a rest.
    let phones: Vec<String> = (0..BATCH_MAX * 2 + 7)
        .map(|n| format!("138{n:08}"))
        .collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let read = submitted(&world, Notice::default(), &phones).await;
    approve(&world, "boss", &read).await.expect("approved");
    let lake = site("lake");
    let mut batches = 0;
    // Each worker dies one wait later than the one before, until some come through and nothing is left to make.
    let worker = worker(&world);
    for waits in 0.. {
        let mut left = waits;
        let dies = async || {
            left -= 1;
            left < 0
        };
        let mut moved = false;
        let step = async {
            moved = worker.step(&lake, id(&read)).await.expect("a batch");
        };
        if survives(step, dies).await {
            if !moved {
                break;
            }
            batches += 1;
        }
        assert!(waits < 10_000, "making takes no end");
    }
    assert!(batches >= 1, "somebody came through");
    // And two at once find nothing more to do.
    let (one, two) = tokio::join!(worker.step(&lake, id(&read)), worker.step(&lake, id(&read)));
    assert!(!one.expect("looked") && !two.expect("looked"));
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT recipient, count(*) FROM notification.message WHERE template = 'notice.owners' GROUP BY recipient",
    )
    .fetch_all(&world.base.admin)
    .await
    .expect("read");
    assert_eq!(rows.len(), phones.len());
    assert!(rows.iter().all(|(_, copies)| *copies == 1));
    let after = get(&world, &read.name).await;
    assert_eq!(counts(&after)[2] as usize, phones.len());
}

#[tokio::test]
async fn p21_two_workers_at_once_tell_every_owner_once() {
    let world = World::new().await;
    let phones: Vec<String> = (0..BATCH_MAX * 3).map(|n| format!("139{n:08}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let read = submitted(&world, Notice::default(), &phones).await;
    approve(&world, "boss", &read).await.expect("approved");
    tokio::join!(make_all(&world, &read), make_all(&world, &read));
    let made: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT recipient) FROM notification.message WHERE template = 'notice.owners'",
    )
    .fetch_one(&world.base.admin)
    .await
    .expect("read");
    assert_eq!(made, BATCH_MAX * 3);
    assert_eq!(get(&world, &read.name).await.state(), NoticeState::Released);
}

#[tokio::test]
async fn p07_owners_are_told_by_day_unless_it_warns_of_a_danger() {
    for danger in [false, true] {
        let world = World::new().await;
        // 22:00 at the site.
        world.clock.advance(SignedDuration::from_hours(12));
        let wanted = Notice {
            danger,
            ..Default::default()
        };
        let read = submitted(&world, wanted, &["13800138000"]).await;
        approve(&world, "boss", &read).await.expect("approved");
        make_all(&world, &read).await;
        world.send_due(&world.outbox_sender()).await;
        let notice = told(&world).await.remove(0);
        if danger {
            assert_eq!(notice.fate.state, MessageState::Sent);
            assert_eq!(notice.template, Template::SafetyNotice);
            continue;
        }
        assert_eq!(notice.fate.reason, "QUIET_HOURS");
        assert_eq!(counts(&get(&world, &read.name).await), [0, 0, 1, 0]);
        world.clock.advance(SignedDuration::from_hours(10));
        world.send_due(&world.outbox_sender()).await;
        assert_eq!(counts(&get(&world, &read.name).await), [1, 0, 0, 0]);
    }
}

#[tokio::test]
async fn an_owner_who_refuses_notices_by_one_click_gets_none_but_warnings_of_a_danger() {
    let world = World::new().await;
    let tell = async |danger: bool| {
        let wanted = Notice {
            danger,
            ..Default::default()
        };
        let read = submitted(&world, wanted, &["13800138000"]).await;
        approve(&world, "boss", &read).await.expect("approved");
        make_all(&world, &read).await;
        world.send_due(&world.outbox_sender()).await;
        counts(&get(&world, &read.name).await)
    };
    assert_eq!(tell(false).await, [1, 0, 0, 0]);
    let who = token(&world, "13800138000");
    let topic = redress_notification::domain::words::MessageTopic::Notice;
    let delivery = Delivery {
        db: world.base.db.clone(),
        clock: world.clock.clone(),
        tokens: tokens(),
        fingerprints: Fingerprints::new(b"a key of tests"),
        callout_answer: CALLOUT_ANSWER,
        metrics: Metrics::new(&meter()),
    };
    let gateway = caller("lake", &["preferences.unsubscribe"], None);
    let refusal = proto::UnsubscribeRequest {
        token: tokens().refusal(&site("lake"), &who, topic),
    };
    delivery
        .unsubscribe(by(&gateway, refusal))
        .await
        .expect("taken");
    assert_eq!(tell(false).await, [0, 0, 0, 1]);
    assert_eq!(tell(true).await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn a_notice_is_taken_back_from_whoever_was_not_told_yet() {
    let world = World::new().await;
    let phones: Vec<String> = (0..BATCH_MAX + 3).map(|n| format!("138{n:08}")).collect();
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    let read = submitted(&world, Notice::default(), &phones).await;
    approve(&world, "boss", &read).await.expect("approved");
    // One batch is made, three of it are sent.
    let lake = site("lake");
    worker(&world).step(&lake, id(&read)).await.expect("made");
    let sender = world.outbox_sender();
    for due in world
        .due(redress_notification::store::messages::Lane::Routine)
        .await
        .iter()
        .take(3)
    {
        sender.deliver(due).await;
    }
    assert_eq!(counts(&get(&world, &read.name).await), [3, 0, 200, 0]);
    let taken = withdraw(&world, &read.name).await.expect("taken back");
    assert_eq!(taken.state(), NoticeState::Withdrawn);
    let again = withdraw(&world, &read.name).await.expect("a repeat");
    assert_eq!(again.etag, taken.etag, "changes nothing");
    assert!(!worker(&world).step(&lake, id(&read)).await.expect("looked"));
    while !world
        .due(redress_notification::store::messages::Lane::Routine)
        .await
        .is_empty()
    {
        for due in &world
            .due(redress_notification::store::messages::Lane::Routine)
            .await
        {
            sender.deliver(due).await;
        }
    }
    assert_eq!(counts(&get(&world, &read.name).await), [3, 0, 0, 197]);
    let kept: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM notification.owner_notice_recipient WHERE sealed IS NOT NULL",
    )
    .fetch_one(&world.base.admin)
    .await
    .expect("read");
    assert_eq!(kept, 0, "addresses go at once");

    let read = submitted(&world, Notice::default(), &["13800138000"]).await;
    approve(&world, "boss", &read).await.expect("approved");
    make_all(&world, &read).await;
    world.send_due(&sender).await;
    let late = withdraw(&world, &read.name).await;
    assert_eq!(reason(&late.expect_err("all know")), "NOTICE_TOLD");
}

#[tokio::test]
async fn m11_a_notice_with_a_word_that_must_not_be_said_waits_for_a_change_or_a_reason() {
    let world = World::new().await;
    let wanted = Notice {
        chinese: Some(NoticeText {
            subject: "请检查水管".to_owned(),
            body: "一分钱一分货，请您检查。".to_owned(),
        }),
        english: text("Please check the pipe"),
        ..Default::default()
    };
    let draft = create(&world, wanted).await;
    let empty = submit(&world, "author", &draft.name, "").await;
    assert_eq!(reason(&empty.expect_err("nobody")), "NOTICE_INCOMPLETE");
    add(&world, "author", &draft.name, &[owner("13800138000")])
        .await
        .expect("listed");
    let blocked = submit(&world, "author", &draft.name, "").await;
    assert_eq!(reason(&blocked.expect_err("M11")), "WORDING_BLOCKED");
    let read = submit(
        &world,
        "author",
        &draft.name,
        "quotes what a neighbour said",
    )
    .await
    .expect("let through");
    assert!(!read.overridden_rules.is_empty());
    approve(&world, "boss", &read).await.expect("approved");
    make_all(&world, &read).await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(counts(&get(&world, &read.name).await), [1, 0, 0, 0]);
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM notification.wording_override")
        .fetch_one(&world.base.admin)
        .await
        .expect("read");
    assert_eq!(kept, 1, "the override is kept with the message");
}

#[tokio::test]
async fn m10_a_notice_promises_no_money_whatever_the_reason() {
    let world = World::new().await;
    let wanted = |body: &str| Notice {
        chinese: Some(NoticeText {
            subject: "请检查水管".to_owned(),
            body: body.to_owned(),
        }),
        english: text("Please check the pipe"),
        ..Default::default()
    };
    for promise in ["我们同意赔偿每户1500元。", "公司承诺退一赔三,100000元"] {
        let draft = create(&world, wanted(promise)).await;
        add(&world, "author", &draft.name, &[owner("13800138000")])
            .await
            .expect("listed");
        for why in ["", "agreed by phone"] {
            let refused = submit(&world, "author", &draft.name, why).await;
            let refused = refused.expect_err("nobody approved it");
            assert_eq!(reason(&refused), "PROMISE_NOT_APPROVED", "{promise} {why}");
        }
    }
    let draft = create(&world, wanted("我们周三开始逐户检查。")).await;
    add(&world, "author", &draft.name, &[owner("13800138000")])
        .await
        .expect("listed");
    let plain = submit(&world, "author", &draft.name, "").await;
    plain.expect("it names neither sum nor payment");
}

#[tokio::test]
async fn i7_while_an_incident_is_open_about_it_the_spokesperson_tells_the_owners() {
    let world = World::new().await;
    let cluster = ClusterName::new(site("lake"), Uuid::now_v7());
    let case = world.case("LAKE-1").await;
    world.tell(news::clustered(&case, &cluster, None)).await;
    let about = |danger| Notice {
        cluster: cluster.to_string(),
        danger,
        ..Default::default()
    };
    // Approved before the incident opened: what is not sent yet stays here.
    let early = submitted(&world, about(false), &["13800138007"]).await;
    approve(&world, "boss", &early).await.expect("approved");
    make_all(&world, &early).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(counts(&get(&world, &early.name).await), [0, 0, 0, 1]);
    let notice = told(&world).await.remove(0);
    assert_eq!(notice.fate.reason, "INCIDENT_SPEAKS");

    let late = submitted(&world, about(false), &["13800138007"]).await;
    let refused = approve(&world, "boss", &late).await;
    assert_eq!(reason(&refused.expect_err("one voice")), "INCIDENT_SPEAKS");
    // A warning of a danger is never held back.
    let danger = submitted(&world, about(true), &["13800138007"]).await;
    approve(&world, "boss", &danger).await.expect("approved");
    make_all(&world, &danger).await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(counts(&get(&world, &danger.name).await), [1, 0, 0, 0]);
    // Stood down, it speaks no more, though its case lives on.
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    approve(&world, "boss", &late).await.expect("approved");
    make_all(&world, &late).await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(counts(&get(&world, &late.name).await), [1, 0, 0, 0]);
}

#[tokio::test]
async fn i9_addresses_of_owners_lie_sealed_and_are_forgotten_after_ninety_days() {
    let world = World::new().await;
    let read = submitted(&world, Notice::default(), &["13800138000"]).await;
    let shown = format!("{:?}", get(&world, &read.name).await);
    assert!(!shown.contains("13800138000") && !shown.contains("王女士"));
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT r::text FROM notification.owner_notice_recipient r")
            .fetch_all(&world.base.admin)
            .await
            .expect("read");
    assert!(
        rows.iter()
            .all(|r| !r.contains("13800138000") && !r.contains("王女士"))
    );
    approve(&world, "boss", &read).await.expect("approved");
    make_all(&world, &read).await;
    let sealed = async || -> i64 {
        sqlx::query_scalar(
            "SELECT count(*) FROM notification.owner_notice_recipient WHERE sealed IS NOT NULL",
        )
        .fetch_one(&world.base.admin)
        .await
        .expect("read")
    };
    world.clock.advance(SignedDuration::from_hours(90 * 24 - 1));
    make_all(&world, &read).await;
    assert_eq!(sealed().await, 1);
    world.clock.advance(SignedDuration::from_hours(1));
    make_all(&world, &read).await;
    assert_eq!(sealed().await, 0);
}

#[tokio::test]
async fn i2_i8_i11_a_repeat_is_one_notice_a_stale_etag_is_refused_and_strangers_see_none() {
    let world = World::new().await;
    let asked = proto::CreateNoticeRequest {
        parent: "sites/lake".to_owned(),
        notice: Some(Notice::default()),
        request_id: "one".to_owned(),
    };
    let mut names = BTreeSet::new();
    for _ in 0..2 {
        let answer = service(&world)
            .create_notice(by(&person("author"), asked.clone()))
            .await;
        names.insert(
            answer
                .expect("created")
                .into_inner()
                .notice
                .expect("given")
                .name,
        );
    }
    assert_eq!((names.len(), list(&world).await.len()), (1, 1));
    let draft = get(&world, names.first().expect("one")).await;
    let edit = |subject: &str| proto::UpdateNoticeRequest {
        notice: Some(Notice {
            english: text(subject),
            ..draft.clone()
        }),
        ..Default::default()
    };
    let first = service(&world)
        .update_notice(by(&person("author"), edit("One")))
        .await;
    first.expect("edited");
    let second = service(&world)
        .update_notice(by(&person("other"), edit("Two")))
        .await;
    assert_eq!(second.expect_err("seen before").code(), Code::Aborted);

    let foreign = caller("river", &["*"], None);
    let get = proto::GetNoticeRequest {
        name: draft.name.clone(),
    };
    let shown = service(&world).get_notice(by(&foreign, get)).await;
    assert!(shown.is_err());
    let all = proto::ListNoticesRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let listed = service(&world).list_notices(by(&foreign, all)).await;
    assert!(listed.expect("an empty list").get_ref().notices.is_empty());
    let taken = proto::WithdrawNoticeRequest {
        name: draft.name.clone(),
        reason: "mine now".to_owned(),
        ..Default::default()
    };
    let taken = service(&world).withdraw_notice(by(&foreign, taken)).await;
    assert!(taken.is_err());
    assert_eq!(list(&world).await[0].state(), NoticeState::Draft);
}
