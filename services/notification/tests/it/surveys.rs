//! M12, M02: after five occasions a customer is asked how it was, by somebody who had no part in it, and who is
//! praised is known by name.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use prost::Message as _;
use redress_model::name::{CaseName, IncidentName, StaffName};
use redress_model::time::Clock as _;
use redress_model::words::{CaseStatus, DutyRole};
use redress_notification::domain::words::{MessageState, Template};
use redress_notification::jobs::survey_calls::SurveyCaller;
use redress_notification::rpc::survey::Surveys;
use redress_notification::store::messages::Message;
use redress_notification::store::surveys;
use redress_proto::convert;
use redress_proto::event::v1::{SurveyAnswered, SurveyKind};
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::survey_service_server::SurveyService as _;
use redress_proto::notification::v1::task_service_server::TaskService as _;
use redress_rpc::{Caller, Fingerprints};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::channels::{clerk, tasks};
use crate::rpc::{by, caller};
use crate::support::{World, news, site, tokens};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn service(world: &World) -> Surveys {
    Surveys {
        db: world.base.db.clone(),
        keys: Arc::clone(&world.keys),
        clock: world.clock.clone(),
        tokens: tokens(),
        fingerprints: Fingerprints::new(b"a key of tests"),
    }
}

fn manager() -> Arc<Caller> {
    caller("lake", &["surveys.*"], None)
}

fn staff(id: &str) -> StaffName {
    StaffName::new(site("lake"), id.parse().expect("a slug"))
}

/// What only a person on the roster does.
fn as_staff(id: &str) -> Arc<Caller> {
    caller("lake", &["surveys.call"], Some(&staff(id)))
}

async fn list(world: &World) -> Vec<proto::Survey> {
    let asked = proto::ListSurveysRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    list_of(world, asked).await
}

pub(crate) async fn list_of(world: &World, asked: proto::ListSurveysRequest) -> Vec<proto::Survey> {
    let answer = service(world).list_surveys(by(&manager(), asked)).await;
    answer.expect("listed").into_inner().surveys
}

async fn survey(world: &World) -> proto::Survey {
    let mut all = list(world).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// A case that li handled, resolved at 10:01 of a Saturday; its receipt is out.
async fn resolved(world: &World) -> CaseName {
    let case = world.case("LAKE-1").await;
    world
        .tell(news::offered(&case, &staff("li"), None, 1))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.send_due(&world.outbox_sender()).await;
    world
        .tell(news::moved(&case, CaseStatus::Resolved, 1))
        .await;
    case
}

fn answer(score: i32, solved: Option<bool>) -> proto::SurveyAnswer {
    proto::SurveyAnswer {
        score,
        solved,
        comment: "王先生说水管修得很好".to_owned(),
        praised_staff: vec![staff("zhao").to_string()],
    }
}

async fn answer_by_link(
    world: &World,
    survey: &proto::Survey,
    answer: proto::SurveyAnswer,
    request_id: &str,
) -> Result<(), Status> {
    let id: Uuid = survey
        .name
        .rsplit('/')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let asked = proto::AnswerSurveyRequest {
        token: tokens().survey(&site("lake"), id),
        answer: Some(answer),
        request_id: request_id.to_owned(),
    };
    let portal = caller("lake", &["surveys.answer"], None);
    service(world)
        .answer_survey(by(&portal, asked))
        .await
        .map(|_| ())
}

async fn call(
    world: &World,
    who: &str,
    survey: &proto::Survey,
    outcome: proto::SurveyCallOutcome,
    answer: Option<proto::SurveyAnswer>,
) -> Result<proto::Survey, Status> {
    let asked = proto::RecordSurveyCallRequest {
        name: survey.name.clone(),
        outcome: outcome.into(),
        answer,
        ..Default::default()
    };
    let answer = service(world)
        .record_survey_call(by(&as_staff(who), asked))
        .await?;
    Ok(answer.into_inner().survey.expect("given"))
}

/// Whether somebody may not call about a survey, having had a part in the matter.
pub(crate) async fn is_refused(world: &World, who: &str, survey: &proto::Survey) -> bool {
    let outcome = proto::SurveyCallOutcome::NotReached;
    match call(world, who, survey, outcome, None).await {
        Ok(_) => false,
        Err(refused) => {
            assert_eq!(reason(&refused), "CALLER_HANDLED");
            true
        }
    }
}

async fn told(world: &World) -> Vec<SurveyAnswered> {
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as(
        "SELECT payload FROM notification.outbox WHERE type = 'redress.survey.answered.v1' ORDER BY id",
    )
    .fetch_all(&world.base.admin)
    .await
    .expect("the outbox is read");
    rows.iter()
        .map(|(data,)| SurveyAnswered::decode(data.as_slice()).expect("a survey.answered"))
        .collect()
}

fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|i| i.reason).unwrap_or_default()
}

async fn questions(world: &World) -> Vec<Message> {
    let mut all = world.messages().await;
    all.retain(|m| m.template == Template::SurveyAsked);
    all
}

#[tokio::test]
async fn m12_m02_a_resolved_complaint_asks_its_complainant_once_and_the_praise_is_told_by_name() {
    let world = World::new().await;
    let case = resolved(&world).await;
    // News come twice.
    world
        .tell(news::moved(&case, CaseStatus::Resolved, 1))
        .await;
    let asked = survey(&world).await;
    assert_eq!(asked.kind(), SurveyKind::Complaint);
    assert_eq!(asked.handlers, [staff("li").to_string()]);
    // Closed meanwhile: asked all the same.
    world.tell(news::moved(&case, CaseStatus::Closed, 1)).await;
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(questions(&world).await[0].fate.state, MessageState::Sent);
    let text = world.texts().await.pop().expect("a question");
    assert!(text.subject.contains("LAKE-1"), "{}", text.subject);

    answer_by_link(&world, &asked, answer(5, Some(true)), "one")
        .await
        .expect("taken");
    answer_by_link(&world, &asked, answer(5, Some(true)), "one")
        .await
        .expect("the same");
    let second = answer_by_link(&world, &asked, answer(1, Some(false)), "two").await;
    assert_eq!(
        reason(&second.expect_err("answered before")),
        "SURVEY_ENDED"
    );
    let told = told(&world).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].case.as_str(), told[0].score),
        (case.to_string().as_str(), 5)
    );
    assert!(told[0].solved);
    assert_eq!(told[0].praised_staff, [staff("zhao").to_string()]);

    // The comment is read by those who may, and lies sealed.
    let get = proto::GetSurveyRequest {
        name: asked.name.clone(),
    };
    let shown = service(&world)
        .get_survey(by(&manager(), get.clone()))
        .await;
    assert_eq!(
        shown.expect("shown").get_ref().comment,
        "王先生说水管修得很好"
    );
    let clerk = caller("lake", &["surveys.get"], None);
    let shown = service(&world)
        .get_survey(by(&clerk, get))
        .await
        .expect("shown");
    assert_eq!(shown.get_ref().comment, "");
    assert!(shown.get_ref().survey.as_ref().is_some_and(|s| s.commented));
    let rows: Vec<String> = sqlx::query_scalar("SELECT s::text FROM notification.survey s")
        .fetch_all(&world.base.admin)
        .await
        .expect("read");
    assert!(rows.iter().all(|row| !row.contains("水管")));
}

async fn thanks(world: &World) -> Vec<Message> {
    let mut all = world.messages().await;
    all.retain(|m| m.template == Template::PraiseThanked);
    all
}

#[tokio::test]
async fn m02_whoever_praises_somebody_by_name_is_thanked_once() {
    let world = World::new().await;
    let case = resolved(&world).await;
    let asked = survey(&world).await;
    world.send_due(&world.outbox_sender()).await;
    for request_id in ["one", "one"] {
        answer_by_link(&world, &asked, answer(5, Some(true)), request_id)
            .await
            .expect("taken");
    }
    // The case ends before they are sent.
    world.tell(news::moved(&case, CaseStatus::Closed, 1)).await;
    world.send_due(&world.outbox_sender()).await;
    let thanks = thanks(&world).await;
    assert_eq!(thanks.len(), 1);
    assert_eq!(thanks[0].fate.state, MessageState::Sent);
    assert_eq!(
        thanks[0].recipient,
        questions(&world).await[0].recipient,
        "whoever was asked"
    );
    let texts = world.texts().await;
    let thank = |text: &str| text.contains("表扬") || text.contains("Thank you");
    let said = |text: &str| text.contains("LAKE-1") && thank(text);
    assert!(texts.iter().any(|text| said(&text.subject)));
}

#[tokio::test]
async fn m02_who_praises_nobody_by_name_is_not_thanked() {
    let world = World::new().await;
    resolved(&world).await;
    let asked = survey(&world).await;
    let nobody = proto::SurveyAnswer {
        praised_staff: Vec::new(),
        ..answer(5, Some(true))
    };
    answer_by_link(&world, &asked, nobody, "")
        .await
        .expect("taken");
    assert!(thanks(&world).await.is_empty());
}

#[tokio::test]
async fn m02_the_address_of_a_customer_without_a_case_is_kept_until_the_thanks_and_no_longer() {
    let world = World::new().await;
    let portal = caller("lake", &["surveys.schedule"], None);
    let made = service(&world)
        .schedule_survey(by(&portal, handover("unit-7")))
        .await;
    made.expect("scheduled");
    let asked = survey(&world).await;
    world.send_due(&world.outbox_sender()).await;
    let kept = async || -> Vec<bool> {
        sqlx::query_scalar("SELECT thanks_contact IS NOT NULL FROM notification.survey")
            .fetch_all(&world.base.admin)
            .await
            .expect("read")
    };
    assert_eq!(kept().await, [false]);
    answer_by_link(&world, &asked, answer(5, None), "")
        .await
        .expect("taken");
    assert_eq!(kept().await, [true]);
    world.send_due(&world.outbox_sender()).await;
    assert_eq!(thanks(&world).await[0].fate.state, MessageState::Sent);
    let texts = world.texts().await;
    let addresses: Vec<&str> = texts.iter().map(|text| text.address.as_str()).collect();
    assert_eq!(addresses, ["13900139000"; 2]);
    assert_eq!(kept().await, [false]);
}

#[tokio::test]
async fn m12_somebody_who_had_no_part_in_it_calls_by_day_a_day_apart_three_times_at_most() {
    use proto::SurveyCallOutcome::{Answered, NotReached};
    let world = World::new().await;
    resolved(&world).await;
    let asked = survey(&world).await;
    let early = call(&world, "wu", &asked, NotReached, None).await;
    assert_eq!(
        reason(&early.expect_err("asked in writing just now")),
        "CALL_NOT_NOW"
    );
    world.clock.advance(HOUR * 24);
    let own = call(&world, "li", &asked, NotReached, None).await;
    assert_eq!(reason(&own.expect_err("handled it")), "CALLER_HANDLED");
    let nobody = proto::RecordSurveyCallRequest {
        name: asked.name.clone(),
        outcome: NotReached.into(),
        ..Default::default()
    };
    let refused = service(&world)
        .record_survey_call(by(&manager(), nobody))
        .await;
    assert_eq!(refused.expect_err("nobody").code(), Code::PermissionDenied);

    let first = call(&world, "wu", &asked, NotReached, None)
        .await
        .expect("noted");
    assert_eq!(first.calls.len(), 1);
    let soon = call(&world, "wu", &asked, NotReached, None).await;
    assert_eq!(reason(&soon.expect_err("a day apart")), "CALL_NOT_NOW");
    // 10:01 and eleven hours: night.
    world.clock.advance(HOUR * 35);
    let night = call(&world, "wu", &asked, NotReached, None).await;
    assert_eq!(reason(&night.expect_err("night")), "CALL_NOT_NOW");
    world.clock.advance(HOUR * 13);
    call(&world, "wu", &asked, NotReached, None)
        .await
        .expect("noted");
    world.clock.advance(HOUR * 24);
    // The second complaint's question is one call away from being given up; it is answered.
    let half = call(&world, "wu", &asked, Answered, None).await;
    assert_eq!(half.expect_err("no answer").code(), Code::InvalidArgument);
    let unsaid = call(&world, "wu", &asked, Answered, Some(answer(2, None))).await;
    assert_eq!(
        unsaid.expect_err("solved or not").code(),
        Code::InvalidArgument
    );
    let done = call(&world, "wu", &asked, Answered, Some(answer(2, Some(false)))).await;
    let done = done.expect("answered");
    assert_eq!(done.calls.len(), 3);
    assert_eq!(
        (done.state(), done.score),
        (proto::SurveyState::Answered, 2)
    );
    let told = told(&world).await;
    assert!(!told[0].solved, "assignment asks to open it again");
}

#[tokio::test]
async fn after_three_calls_in_vain_nobody_calls_any_more() {
    let world = World::new().await;
    resolved(&world).await;
    let asked = survey(&world).await;
    for _ in 0..3 {
        world.clock.advance(HOUR * 24);
        let outcome = proto::SurveyCallOutcome::NotReached;
        call(&world, "wu", &asked, outcome, None)
            .await
            .expect("noted");
    }
    assert_eq!(survey(&world).await.next_call_time, None);
    world.clock.advance(HOUR * 24);
    let fourth = call(
        &world,
        "wu",
        &asked,
        proto::SurveyCallOutcome::NotReached,
        None,
    )
    .await;
    assert_eq!(reason(&fourth.expect_err("three at most")), "CALL_NOT_NOW");
    // By the link it can still be answered.
    answer_by_link(&world, &asked, answer(4, Some(true)), "")
        .await
        .expect("taken");
}

#[tokio::test]
async fn a_case_that_is_opened_again_is_asked_about_once_it_is_resolved_again() {
    for late in [false, true] {
        let world = World::new().await;
        let case = world.case("LAKE-1").await;
        let resolved = news::moved(&case, CaseStatus::Resolved, 1);
        let reopened = news::moved(&case, CaseStatus::Reopened, 2);
        let (first, second) = if late {
            (reopened, resolved)
        } else {
            (resolved, reopened)
        };
        world.tell(first).await;
        world.tell(second).await;
        let open = |all: &[proto::Survey]| {
            all.iter()
                .filter(|s| s.state() == proto::SurveyState::Open)
                .count()
        };
        assert_eq!(open(&list(&world).await), 0, "late: {late}");
        world.clock.advance(SignedDuration::from_secs(60));
        world.send_due(&world.outbox_sender()).await;
        let sent = |m: &Message| m.fate.state == MessageState::Sent;
        assert!(!questions(&world).await.iter().any(sent));
        world
            .tell(news::moved(&case, CaseStatus::Resolved, 2))
            .await;
        world.send_due(&world.outbox_sender()).await;
        assert_eq!(open(&list(&world).await), 1);
        assert_eq!(
            questions(&world).await.iter().filter(|m| sent(m)).count(),
            1
        );
    }
}

#[tokio::test]
async fn p07_a_question_waits_for_the_morning_and_who_refuses_surveys_is_not_asked() {
    let world = World::new().await;
    // 21:30 in Shanghai.
    world
        .clock
        .set("2026-11-21T13:30:00Z".parse().expect("an instant"));
    resolved(&world).await;
    world.send_due(&world.outbox_sender()).await;
    let question = questions(&world).await.remove(0);
    assert_eq!(question.fate.reason, "QUIET_HOURS");
    let morning: Timestamp = "2026-11-22T00:00:00Z".parse().expect("an instant");
    assert_eq!(question.fate.due_time, Some(morning));
    // Meanwhile she says that she does not want to be asked.
    crate::delivery::refuse_surveys(&world).await;
    world.clock.set(morning);
    world.send_due(&world.outbox_sender()).await;
    let question = questions(&world).await.remove(0);
    assert_eq!(
        (question.fate.state, question.fate.reason.as_str()),
        (MessageState::Cancelled, "UNSUBSCRIBED")
    );
    let case = questions(&world).await[0].case.clone().expect("a case");
    world
        .tell(news::moved(&case, CaseStatus::Reopened, 2))
        .await;
    world
        .tell(news::moved(&case, CaseStatus::Resolved, 2))
        .await;
    assert_eq!(list(&world).await.len(), 1, "not asked anew");
}

/// Whatever waits on the list of whoever sits at the telephone.
#[tokio::test]
async fn m12_a_survey_without_a_case_ends_with_three_calls_in_vain_and_its_address_is_forgotten() {
    let world = World::new().await;
    let portal = caller("lake", &["surveys.schedule"], None);
    let made = service(&world)
        .schedule_survey(by(&portal, handover("unit-7")))
        .await;
    made.expect("scheduled");
    let asked = survey(&world).await;
    for left in [true, true, false] {
        world.clock.advance(HOUR * 24);
        let outcome = proto::SurveyCallOutcome::NotReached;
        let noted = call(&world, "wu", &asked, outcome, None).await;
        noted.expect("noted");
        let kept: bool = sqlx::query_scalar("SELECT contact IS NOT NULL FROM notification.survey")
            .fetch_one(&world.base.admin)
            .await
            .expect("read");
        assert_eq!(kept, left);
    }
    assert_eq!(survey(&world).await.state(), proto::SurveyState::Cancelled);
    let late = answer_by_link(&world, &asked, answer(4, None), "").await;
    assert_eq!(reason(&late.expect_err("it has ended")), "SURVEY_ENDED");
    // It was asked to the end, and counts.
    let asked = proto::SummarizeSurveysRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let results = service(&world)
        .summarize_surveys(by(&manager(), asked))
        .await;
    let results = results.expect("summarized").into_inner().results;
    assert_eq!((results[0].asked_count, results[0].answered_count), (1, 0));
}

#[tokio::test]
async fn m02_who_calls_writes_down_no_praise_of_their_own() {
    let world = World::new().await;
    resolved(&world).await;
    let asked = survey(&world).await;
    world.clock.advance(HOUR * 24);
    let answered = proto::SurveyCallOutcome::Answered;
    let own = call(
        &world,
        "zhao",
        &asked,
        answered,
        Some(answer(5, Some(true))),
    )
    .await;
    let refused = own.expect_err("their own praise");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields = refused.get_details_bad_request().expect("says which field");
    assert_eq!(fields.field_violations[0].field, "answer.praised_staff");
    assert!(told(&world).await.is_empty());
    let other = call(&world, "wu", &asked, answered, Some(answer(5, Some(true)))).await;
    other.expect("somebody else asks");
}

#[tokio::test]
async fn m12_nobody_who_helped_or_came_asks_how_it_was_though_that_is_over() {
    let world = World::new().await;
    let case = resolved(&world).await;
    for (who, open) in [("wu", true), ("zhao", false)] {
        let part = news::part(&case, Uuid::now_v7(), &staff(who), open);
        world.tell(part).await;
    }
    let lead = staff("an");
    world
        .tell(news::on_duty(&[
            (DutyRole::FrontOffice, &staff("wu")),
            (DutyRole::OnSiteLead, &lead),
        ]))
        .await;
    world.clock.advance(HOUR * 24);
    let task = calls(&world).await.remove(0);
    assert_eq!(task.offered_to, lead.to_string());
    let asked = survey(&world).await;
    for who in ["wu", "zhao"] {
        assert!(is_refused(&world, who, &asked).await, "{who}");
        let taken = take(&world, who, &task.name).await;
        assert_eq!(reason(&taken.expect_err("a part in it")), "CALLER_HANDLED");
    }
    assert!(!is_refused(&world, "an", &asked).await);
}

async fn calls(world: &World) -> Vec<proto::Task> {
    let caller = SurveyCaller {
        db: world.base.connect(crate::support::SERVICE),
        keys: Arc::clone(&world.keys),
        people: world.people.clone(),
        clock: world.clock.clone(),
    };
    let due = surveys::calls_due(&world.base.db, world.clock.now(), 100).await;
    for (site, id) in due.expect("read") {
        // Two replicas at once.
        let (one, two) = tokio::join!(caller.step(&site, id), caller.step(&site, id));
        one.and(two).expect("looked");
    }
    let open = proto::ListTasksRequest {
        parent: "sites/lake".to_owned(),
        kind: proto::TaskKind::Survey.into(),
        states: vec![
            proto::TaskState::Open.into(),
            proto::TaskState::Claimed.into(),
        ],
        ..Default::default()
    };
    let answer = tasks(world).list_tasks(by(&clerk(), open)).await;
    answer.expect("listed").into_inner().tasks
}

async fn take(world: &World, who: &str, task: &str) -> Result<proto::TaskText, Status> {
    let caller = caller("lake", &["tasks.claim"], Some(&staff(who)));
    let asked = proto::ClaimTaskRequest {
        name: task.to_owned(),
        ..Default::default()
    };
    let answer = tasks(world).claim_task(by(&caller, asked)).await?;
    Ok(answer.into_inner().text.expect("a script"))
}

#[tokio::test]
async fn m12_a_call_stands_on_the_one_list_of_the_telephone_and_ends_with_what_came_of_it() {
    use proto::SurveyCallOutcome::{Answered, NotReached};
    let world = World::new().await;
    let case = resolved(&world).await;
    world.send_due(&world.outbox_sender()).await;
    assert!(calls(&world).await.is_empty(), "asked in writing just now");
    world.clock.advance(HOUR * 24);
    let first = calls(&world).await;
    assert_eq!(first.len(), 1, "{first:#?}");
    let asked = survey(&world).await;
    assert_eq!(
        (first[0].survey.as_str(), first[0].case.as_str()),
        (asked.name.as_str(), case.to_string().as_str())
    );
    // Whoever handled it learns before the call that it is not theirs; somebody else gets number and questions.
    let own = take(&world, "li", &first[0].name).await;
    assert_eq!(reason(&own.expect_err("handled it")), "CALLER_HANDLED");
    let text = take(&world, "wu", &first[0].name).await.expect("taken");
    assert_eq!(text.address, "+8613800138000");
    assert!(text.subject.contains("LAKE-1") && text.body.contains("settled"));
    let rows: Vec<String> = sqlx::query_scalar("SELECT t::text FROM notification.task t")
        .fetch_all(&world.base.admin)
        .await
        .expect("read");
    assert!(rows.iter().all(|row| !row.contains("13800138000")));

    // What came of it is said with the survey; nobody got an answer, so the next call is a day later.
    let done = proto::CompleteTaskRequest {
        name: first[0].name.clone(),
        outcome: proto::TaskOutcome::Delivered.into(),
        ..Default::default()
    };
    let wrong = tasks(&world).complete_task(by(&clerk(), done)).await;
    assert_eq!(reason(&wrong.expect_err("a survey")), "SURVEY_TASK");
    call(&world, "wu", &asked, NotReached, None)
        .await
        .expect("noted");
    assert!(calls(&world).await.is_empty());
    world.clock.advance(HOUR * 24);
    let second = calls(&world).await;
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].name, first[0].name);
    // A call that was begun in time may end after 20:00.
    world
        .clock
        .advance(HOUR * 10 - SignedDuration::from_mins(5));
    take(&world, "wu", &second[0].name).await.expect("taken");
    world.clock.advance(SignedDuration::from_mins(10));
    let done = call(&world, "wu", &asked, Answered, Some(answer(5, Some(true)))).await;
    assert_eq!(
        done.expect("answered").state(),
        proto::SurveyState::Answered
    );
    assert!(calls(&world).await.is_empty());
}

#[tokio::test]
async fn m12_neither_who_handled_it_nor_who_is_complained_about_is_asked_to_call() {
    let world = World::new().await;
    let case = resolved(&world).await;
    let (accused, handler, lead) = (staff("an"), staff("li"), staff("wu"));
    world
        .tell(news::on_duty(&[
            (DutyRole::FrontOffice, &accused),
            (DutyRole::FrontOffice, &handler),
            (DutyRole::OnSiteLead, &lead),
        ]))
        .await;
    world.tell(news::complains_about(&case, &accused, 2)).await;
    world.clock.advance(HOUR * 24);
    let call = calls(&world).await.remove(0);
    assert_eq!(call.offered_to, lead.to_string());
    let mut told = world.messages().await;
    told.retain(|m| m.template == Template::TaskWaiting);
    let told: Vec<String> = told.iter().map(|m| m.recipient.to_string()).collect();
    assert_eq!(told, [lead.to_string()]);
}

#[tokio::test]
async fn m12_a_call_that_nobody_needs_any_more_leaves_the_list() {
    for end in ["link", "reopened", "refused"] {
        let world = World::new().await;
        let case = resolved(&world).await;
        world.send_due(&world.outbox_sender()).await;
        world.clock.advance(HOUR * 24);
        assert_eq!(calls(&world).await.len(), 1);
        let asked = survey(&world).await;
        match end {
            "link" => answer_by_link(&world, &asked, answer(5, Some(true)), "")
                .await
                .expect("taken"),
            "reopened" => {
                world
                    .tell(news::moved(&case, CaseStatus::Reopened, 2))
                    .await;
            }
            _ => crate::delivery::refuse_surveys(&world).await,
        }
        assert!(calls(&world).await.is_empty(), "{end}");
        world.clock.advance(HOUR * 48);
        assert!(calls(&world).await.is_empty(), "{end}");
    }
}

#[tokio::test]
async fn a_call_about_a_survey_waits_while_one_voice_speaks_and_is_made_once_the_incident_has_ended()
 {
    use proto::SurveyCallOutcome::NotReached;
    let world = World::new().await;
    let case = resolved(&world).await;
    world.send_due(&world.outbox_sender()).await;
    world.clock.advance(HOUR * 24);
    let task = calls(&world).await.remove(0).name;
    let asked = survey(&world).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let decisions = async || -> Vec<String> {
        sqlx::query_scalar("SELECT decision FROM notification.held_message")
            .fetch_all(&world.base.admin)
            .await
            .expect("read")
    };
    let taken = take(&world, "wu", &task).await;
    assert_eq!(
        reason(&taken.expect_err("one voice speaks")),
        "SINGLE_VOICE"
    );
    assert_eq!(decisions().await, [""], "listed for the spokesperson");
    let made = call(&world, "wu", &asked, NotReached, None).await;
    assert_eq!(reason(&made.expect_err("one voice speaks")), "SINGLE_VOICE");
    assert_eq!(calls(&world).await.len(), 1, "never lost");
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    assert_eq!(decisions().await, ["RELEASED"]);
    take(&world, "wu", &task).await.expect("it has ended");
    call(&world, "wu", &asked, NotReached, None)
        .await
        .expect("noted");
}

#[tokio::test]
async fn a_survey_about_which_nobody_is_to_call_leaves_nothing_for_the_spokesperson_to_decide() {
    for end in ["link", "reopened", "refused"] {
        let world = World::new().await;
        let case = resolved(&world).await;
        world.send_due(&world.outbox_sender()).await;
        world.clock.advance(HOUR * 24);
        let task = calls(&world).await.remove(0).name;
        let asked = survey(&world).await;
        let incident = IncidentName::new(site("lake"), Uuid::now_v7());
        world
            .tell(news::incident(&incident, &[&case], None, 1))
            .await;
        let taken = take(&world, "wu", &task).await;
        taken.expect_err("one voice speaks");
        match end {
            "link" => answer_by_link(&world, &asked, answer(5, Some(true)), "")
                .await
                .expect("taken"),
            "reopened" => {
                world
                    .tell(news::moved(&case, CaseStatus::Reopened, 2))
                    .await;
            }
            _ => crate::delivery::refuse_surveys(&world).await,
        }
        let decisions: Vec<(String, String)> =
            sqlx::query_as("SELECT decision, decided_by FROM notification.held_message")
                .fetch_all(&world.base.admin)
                .await
                .expect("read");
        assert_eq!(decisions, [("DROPPED".to_owned(), String::new())], "{end}");
    }
}

#[tokio::test]
async fn a_customer_who_may_be_asked_again_waits_for_the_spokesperson_anew_and_no_longer_than_the_incident()
 {
    use proto::SurveyCallOutcome::NotReached;
    let world = World::new().await;
    let case = resolved(&world).await;
    world.send_due(&world.outbox_sender()).await;
    world.clock.advance(HOUR * 24);
    let task = calls(&world).await.remove(0).name;
    let asked = survey(&world).await;
    let incident = IncidentName::new(site("lake"), Uuid::now_v7());
    world
        .tell(news::incident(&incident, &[&case], None, 1))
        .await;
    let taken = take(&world, "wu", &task).await;
    taken.expect_err("one voice speaks");
    crate::delivery::refuse_surveys(&world).await;
    sqlx::query("DELETE FROM notification.preference")
        .execute(&world.base.admin)
        .await
        .expect("nothing is refused any more");
    let made = call(&world, "wu", &asked, NotReached, None).await;
    assert_eq!(reason(&made.expect_err("one voice speaks")), "SINGLE_VOICE");
    let decisions: Vec<String> =
        sqlx::query_scalar("SELECT decision FROM notification.held_message")
            .fetch_all(&world.base.admin)
            .await
            .expect("read");
    assert_eq!(decisions, [""], "put before the spokesperson anew");
    world.tell(news::stood_down(&incident, &[&case], 2)).await;
    call(&world, "wu", &asked, NotReached, None)
        .await
        .expect("nobody decided against it");
}

#[tokio::test]
async fn p07_a_call_whose_time_comes_while_nobody_works_waits_for_the_morning_and_for_intake() {
    let world = World::new().await;
    resolved(&world).await;
    world.send_due(&world.outbox_sender()).await;
    // Nothing ran until 22:00 of the next day.
    world.clock.advance(HOUR * 36);
    assert!(calls(&world).await.is_empty());
    world.clock.advance(HOUR * 11);
    world.people.set_away(true);
    assert!(calls(&world).await.is_empty(), "intake is away");
    world.people.set_away(false);
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(calls(&world).await.len(), 1);
}

fn handover(occasion: &str) -> proto::ScheduleSurveyRequest {
    proto::ScheduleSurveyRequest {
        parent: "sites/lake".to_owned(),
        kind: SurveyKind::Handover.into(),
        person: "a1b2".to_owned(),
        contact: Some(proto::SurveyContact {
            display_name: "Zhou Min".to_owned(),
            phone: "+8613900139000".to_owned(),
            ..Default::default()
        }),
        department: "sites/lake/departments/sales".to_owned(),
        handlers: vec![staff("li").to_string()],
        occasion: occasion.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn m12_a_phone_that_is_none_is_refused_by_its_field_as_with_a_complaint() {
    let world = World::new().await;
    let portal = caller("lake", &["surveys.schedule"], None);
    for phone in ["abc", "12", "139 0013 900x"] {
        let mut asked = handover("unit-7");
        asked.contact.as_mut().expect("given").phone = phone.to_owned();
        let refused = service(&world).schedule_survey(by(&portal, asked)).await;
        let refused = refused.expect_err("no number");
        assert_eq!(refused.code(), Code::InvalidArgument, "{phone}");
        let fields = refused.get_details_bad_request().expect("says which field");
        assert_eq!(fields.field_violations[0].field, "contact.phone");
        assert!(!refused.message().contains(phone), "no personal data");
    }
    assert!(list(&world).await.is_empty());
}

#[tokio::test]
async fn m12_a_handover_is_asked_about_once_without_a_case_and_the_address_goes_with_the_answer() {
    let world = World::new().await;
    let portal = caller("lake", &["surveys.schedule"], None);
    for _ in 0..2 {
        let made = service(&world)
            .schedule_survey(by(&portal, handover("unit-7")))
            .await;
        made.expect("scheduled");
    }
    let mut complaint = handover("unit-8");
    complaint.kind = SurveyKind::Complaint.into();
    let refused = service(&world)
        .schedule_survey(by(&portal, complaint))
        .await;
    assert_eq!(
        refused.expect_err("by itself").code(),
        Code::InvalidArgument
    );
    let asked = survey(&world).await;
    world.send_due(&world.outbox_sender()).await;
    let text = world.text().await;
    assert_eq!(text.address, "13900139000");
    assert!(text.body.contains("Zhou Min"));

    answer_by_link(&world, &asked, answer(3, None), "")
        .await
        .expect("taken");
    let left: Vec<bool> = sqlx::query_scalar("SELECT contact IS NOT NULL FROM notification.survey")
        .fetch_all(&world.base.admin)
        .await
        .expect("read");
    assert_eq!(left, [false]);
    let told = told(&world).await;
    assert_eq!(
        (told[0].case.as_str(), told[0].kind()),
        ("", SurveyKind::Handover)
    );

    resolved(&world).await;
    let asked = proto::SummarizeSurveysRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let results = service(&world)
        .summarize_surveys(by(&manager(), asked))
        .await;
    let results = results.expect("summarized").into_inner().results;
    let rows: Vec<(SurveyKind, &str, i32, i32, f64, i32)> = results
        .iter()
        .map(|r| {
            (
                r.kind(),
                r.department.as_str(),
                r.asked_count,
                r.answered_count,
                r.mean_score,
                r.praising_count,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (
                SurveyKind::Complaint,
                "sites/lake/departments/engineering",
                1,
                0,
                0.0,
                0
            ),
            (
                SurveyKind::Handover,
                "sites/lake/departments/sales",
                1,
                1,
                3.0,
                1
            ),
        ]
    );
}

#[tokio::test]
async fn m12_each_of_the_five_visits_is_asked_about_and_its_results_stand_apart() {
    let world = World::new().await;
    // A complaint by itself, the other four by whoever knows of them.
    resolved(&world).await;
    let portal = caller("lake", &["surveys.schedule"], None);
    for kind in [
        SurveyKind::Sales,
        SurveyKind::Handover,
        SurveyKind::Repair,
        SurveyKind::DailyLiving,
    ] {
        let mut visit = handover("unit-7");
        visit.kind = kind.into();
        let made = service(&world).schedule_survey(by(&portal, visit)).await;
        made.expect("scheduled");
    }
    for asked in list(&world).await {
        let repaired = matches!(asked.kind(), SurveyKind::Complaint | SurveyKind::Repair);
        let (right, wrong) = if repaired {
            (Some(true), None)
        } else {
            (None, Some(true))
        };
        let refused = answer_by_link(&world, &asked, answer(4, wrong), "").await;
        assert_eq!(
            refused
                .expect_err("solved is asked of what was to be solved")
                .code(),
            Code::InvalidArgument
        );
        let taken = answer_by_link(&world, &asked, answer(4, right), "").await;
        taken.expect("taken");
    }
    let asked = proto::SummarizeSurveysRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let results = service(&world)
        .summarize_surveys(by(&manager(), asked))
        .await;
    let results = results.expect("summarized").into_inner().results;
    let mut kinds: Vec<i32> = results.iter().map(|r| r.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [1, 2, 3, 4, 5]);
    for r in &results {
        let apart = (r.asked_count, r.answered_count, r.mean_score);
        assert_eq!(apart, (1, 1, 4.0), "{r:?}");
    }
}

#[tokio::test]
async fn m12_results_of_every_site_of_the_caller_stand_by_site_and_of_a_period_alone_i8() {
    let world = World::new().await;
    for id in ["river", "hill"] {
        world.tell(news::site_changed(id, "zh-CN")).await;
    }
    for id in ["lake", "river", "hill"] {
        let at = proto::ScheduleSurveyRequest {
            parent: format!("sites/{id}"),
            department: format!("sites/{id}/departments/sales"),
            handlers: Vec::new(),
            ..handover("unit-7")
        };
        let portal = caller(id, &["surveys.schedule"], None);
        let made = service(&world).schedule_survey(by(&portal, at)).await;
        made.expect("scheduled");
        world.clock.advance(HOUR);
    }
    let mut both = (*manager()).clone();
    both.sites.push(site("river"));
    let both = Arc::new(both);
    let summarize = async |from: Option<Timestamp>, until: Option<Timestamp>| {
        let asked = proto::SummarizeSurveysRequest {
            parent: "sites/-".to_owned(),
            start_time: from.map(convert::to_timestamp),
            end_time: until.map(convert::to_timestamp),
        };
        let answer = service(&world).summarize_surveys(by(&both, asked)).await;
        let rows = answer.expect("summarized").into_inner().results;
        rows.into_iter()
            .map(|r| (r.site, r.department, r.asked_count))
            .collect::<Vec<_>>()
    };
    let [lake, river] = ["lake", "river"].map(|id| {
        let site = format!("sites/{id}");
        let department = format!("{site}/departments/sales");
        (site, department, 1)
    });
    assert_eq!(summarize(None, None).await, [lake.clone(), river.clone()]);
    let second = world.now() - HOUR * 2;
    assert_eq!(summarize(Some(second), None).await, [river]);
    assert_eq!(summarize(None, Some(second)).await, [lake]);
}

#[tokio::test]
async fn i8_surveys_of_another_site_are_neither_shown_nor_answered() {
    let world = World::new().await;
    let portal = caller("lake", &["*"], None);
    let made = service(&world)
        .schedule_survey(by(&portal, handover("unit-7")))
        .await;
    let name = made
        .expect("scheduled")
        .into_inner()
        .survey
        .expect("given")
        .name;
    let foreign = caller(
        "river",
        &["*"],
        Some(&StaffName::new(
            site("river"),
            "wu".parse().expect("a slug"),
        )),
    );
    let service = service(&world);
    let get = proto::GetSurveyRequest { name: name.clone() };
    let everywhere = proto::ListSurveysRequest {
        parent: "sites/-".to_owned(),
        ..Default::default()
    };
    let listed = service
        .list_surveys(by(&foreign, everywhere))
        .await
        .expect("nothing");
    assert!(listed.get_ref().surveys.is_empty());
    let call = proto::RecordSurveyCallRequest {
        name,
        outcome: proto::SurveyCallOutcome::Refused.into(),
        ..Default::default()
    };
    let summary = proto::SummarizeSurveysRequest {
        parent: "sites/lake".to_owned(),
        ..Default::default()
    };
    let refusals = [
        service.get_survey(by(&foreign, get)).await.err(),
        service.record_survey_call(by(&foreign, call)).await.err(),
        service.summarize_surveys(by(&foreign, summary)).await.err(),
        service
            .schedule_survey(by(&foreign, handover("x")))
            .await
            .err(),
    ];
    for refused in refusals {
        assert_eq!(refused.map(|s| s.code()), Some(Code::NotFound));
    }
}
