//! The media desk: inquiries are answered by statements alone, false reports are clarified in time and where it counts, or
//! taken as true (M01, M17).

use jiff::SignedDuration;
use redress_model::words::{ClockKind, DutyRole, Word as _};
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::media_service_server::MediaService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::{
    Audience, ExposureMedium, ExposureTruth, IncidentMode, IncidentStage, InquiryState, OutletRank,
    Statement, StatementKind, TaskState,
};
use redress_proto::event::v1 as events;
use redress_proto::words::{ClockState, ClockTransition};
use tonic::{Code, Status};

use crate::statements::{VOICE, public, words};
use crate::world::*;

/// What a newspaper prints now.
fn printed_in(outlet: &str) -> wire::Exposure {
    wire::Exposure {
        outlet: outlet.into(),
        rank: OutletRank::City.into(),
        medium: ExposureMedium::Press.into(),
        reach: 40_000,
        ..Default::default()
    }
}

const JOURNALIST: &str = "Zhao Min, 138 0013 8000";

impl World {
    pub(crate) async fn ask(
        &self,
        incident: &str,
        hours: i64,
        embargo: Option<i64>,
    ) -> wire::Inquiry {
        let ahead = |hours| to_timestamp(self.now() + SignedDuration::from_hours(hours));
        let request = wire::RecordInquiryRequest {
            parent: incident.into(),
            inquiry: Some(wire::Inquiry {
                outlet: "City Daily".into(),
                rank: OutletRank::City.into(),
                journalist: JOURNALIST.into(),
                question: "How many homes?".into(),
                due_time: Some(ahead(hours)),
                embargo_time: embargo.map(ahead),
                ..Default::default()
            }),
            request_id: format!("ask-{hours}-{embargo:?}"),
        };
        let recorded = self
            .media
            .record_inquiry(as_person(request, "lake", "clerk"))
            .await;
        recorded
            .expect("recorded")
            .into_inner()
            .inquiry
            .expect("filled")
    }

    pub(crate) async fn reply(
        &self,
        inquiry: &str,
        statement: &str,
        by: &str,
    ) -> Result<wire::Inquiry, Status> {
        let request = wire::AnswerInquiryRequest {
            name: inquiry.into(),
            statement: statement.into(),
            request_id: format!("reply-{inquiry}-{statement}"),
            ..Default::default()
        };
        let answer = self
            .media
            .answer_inquiry(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner().inquiry.expect("filled"))
    }

    async fn report_in(&self, incident: &str, truth: ExposureTruth) -> wire::Exposure {
        self.reported_by(incident, "City Daily", truth).await
    }

    pub(crate) async fn reported_by(
        &self,
        incident: &str,
        outlet: &str,
        truth: ExposureTruth,
    ) -> wire::Exposure {
        let printed = wire::Exposure {
            truth: truth.into(),
            ..printed_in(outlet)
        };
        self.expose(incident, printed).await
    }

    async fn expose(&self, incident: &str, exposure: wire::Exposure) -> wire::Exposure {
        let request = wire::RecordExposureRequest {
            parent: incident.into(),
            request_id: format!("report-{}-{:?}", exposure.outlet, exposure.truth()),
            exposure: Some(exposure),
        };
        let recorded = self
            .media
            .record_exposure(as_person(request, "lake", "clerk"))
            .await;
        recorded
            .expect("recorded")
            .into_inner()
            .exposure
            .expect("filled")
    }

    pub(crate) async fn assess(
        &self,
        exposure: &str,
        truth: ExposureTruth,
    ) -> Result<wire::Exposure, Status> {
        let request = wire::AssessExposureRequest {
            name: exposure.into(),
            truth: truth.into(),
            reason: "the hospital says so".into(),
            ..Default::default()
        };
        let answer = self
            .media
            .assess_exposure(as_person(request, "lake", "clerk"))
            .await?;
        Ok(answer.into_inner().exposure.expect("filled"))
    }

    pub(crate) async fn set_right(
        &self,
        exposure: &str,
        statement: &str,
        (outlet, rank): (&str, OutletRank),
    ) -> Result<wire::Exposure, Status> {
        let request = wire::ClarifyExposureRequest {
            name: exposure.into(),
            statement: statement.into(),
            outlet: outlet.into(),
            rank: rank.into(),
            ..Default::default()
        };
        let answer = self
            .media
            .clarify_exposure(as_person(request, "lake", VOICE))
            .await?;
        Ok(answer.into_inner().exposure.expect("filled"))
    }

    pub(crate) async fn exposure(&self, name: &str) -> wire::Exposure {
        let request = wire::GetExposureRequest { name: name.into() };
        let got = self.media.get_exposure(as_caller(request, &["lake"])).await;
        got.expect("there is one")
            .into_inner()
            .exposure
            .expect("filled")
    }

    async fn approved(&self, incident: &str, kind: StatementKind, audience: Audience) -> Statement {
        let statement = Statement {
            audience: audience.into(),
            ..words(kind, "情况不属实。")
        };
        let draft = self.draft(incident, statement, "author").await;
        self.approve_all(&draft).await
    }

    async fn left(&self, incident: &str, kind: StatementKind, audience: Audience) -> Statement {
        let approved = self.approved(incident, kind, audience).await;
        self.release(&approved, VOICE).await.expect("released");
        approved
    }

    /// How the newest clock of a kind stands.
    async fn stands(&self, incident: &str, kind: ClockKind) -> ClockState {
        let state = clock(&self.incident(incident).await, kind).state;
        ClockState::try_from(state).expect("known")
    }
}

#[tokio::test]
async fn an_inquiry_is_answered_by_a_statement_that_left_and_by_the_spokesperson_alone() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 4, None).await;
    assert_eq!(
        world.stands(&incident, ClockKind::MediaAnswer).await,
        ClockState::Running
    );
    let inside = world
        .left(&incident, StatementKind::Update, Audience::Affected)
        .await;
    let refused = world.reply(&inquiry.name, &inside.name, VOICE).await;
    assert_eq!(
        reason(&refused.expect_err("not to the press")),
        "ANSWER_NOT_APPROVED"
    );
    let answer = world
        .approved(&incident, StatementKind::Answer, Audience::Media)
        .await;
    let refused = world.reply(&inquiry.name, &answer.name, VOICE).await;
    assert_eq!(
        reason(&refused.expect_err("has not left")),
        "ANSWER_NOT_APPROVED"
    );
    world.release(&answer, VOICE).await.expect("released");
    let refused = world.reply(&inquiry.name, &answer.name, "clerk").await;
    assert_eq!(
        refused.expect_err("nobody else").code(),
        Code::PermissionDenied
    );
    let answered = world
        .reply(&inquiry.name, &answer.name, VOICE)
        .await
        .expect("answered");
    assert_eq!(answered.state(), InquiryState::Answered);
    assert_eq!(answered.statement, answer.name);
    assert_eq!(
        world.stands(&incident, ClockKind::MediaAnswer).await,
        ClockState::Met
    );
    let again = world
        .reply(&inquiry.name, &answer.name, VOICE)
        .await
        .expect("repeated");
    assert_eq!(again, answered, "I2");
    let other = world
        .left(&incident, StatementKind::Answer, Audience::Public)
        .await;
    let refused = world.reply(&inquiry.name, &other.name, VOICE).await;
    assert_eq!(reason(&refused.expect_err("decided")), "INQUIRY_DECIDED");
}

#[tokio::test]
async fn under_an_embargo_an_approved_statement_answers_before_it_is_published() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 4, Some(12)).await;
    let answer = world
        .approved(&incident, StatementKind::Answer, Audience::Media)
        .await;
    let answered = world
        .reply(&inquiry.name, &answer.name, VOICE)
        .await
        .expect("under the embargo");
    assert_eq!(answered.digest, answer.digest, "exactly this text");
    let edited = world.edit(&answer, "情况属实。", "author").await;
    assert_ne!(edited.expect("a draft still").digest, answered.digest);
    let refused = world.ask(&incident, 5, Some(12)).await;
    let refused = world.reply(&refused.name, &answer.name, VOICE).await;
    assert_eq!(
        reason(&refused.expect_err("another text")),
        "ANSWER_NOT_APPROVED"
    );
    // Changed back, it is the one that was approved; only the embargo is over.
    let back = world.edit(&answer, "情况不属实。", "author").await;
    assert_eq!(back.expect("a draft still").digest, answer.digest);
    let late = world.ask(&incident, 20, Some(13)).await;
    world.advance(13 * 60);
    let refused = world.reply(&late.name, &answer.name, VOICE).await;
    assert_eq!(
        reason(&refused.expect_err("it is over")),
        "ANSWER_NOT_APPROVED"
    );
}

#[tokio::test]
async fn an_outlets_deadline_warns_the_spokesperson_and_climbs() {
    let (world, incident) = public().await;
    world.ask(&incident, 4, None).await;
    let last = async || {
        let told = world.clock_events("lake", ClockKind::MediaAnswer).await;
        let last = told.last().expect("told").clone();
        (last.transition(), last.notify)
    };
    world.advance(3 * 60 + 1);
    world.fire_due().await;
    assert_eq!(
        last().await,
        (ClockTransition::Warned, vec![staff("lake", VOICE)])
    );
    world.advance(60);
    world.fire_due().await;
    assert_eq!(
        last().await,
        (
            ClockTransition::Breached,
            vec![staff("lake", "onsite"), staff("lake", VOICE)]
        )
    );
    assert_eq!(
        world.stands(&incident, ClockKind::MediaAnswer).await,
        ClockState::Breached
    );
}

#[tokio::test]
async fn a_declined_inquiry_waits_for_nothing_any_more() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 4, None).await;
    let request = wire::DeclineInquiryRequest {
        name: inquiry.name.clone(),
        reason: "taken back".into(),
        ..Default::default()
    };
    let declined = world
        .media
        .decline_inquiry(as_person(request, "lake", VOICE))
        .await;
    let declined = declined
        .expect("declined")
        .into_inner()
        .inquiry
        .expect("filled");
    assert_eq!(declined.state(), InquiryState::Declined);
    assert_eq!(
        world.stands(&incident, ClockKind::MediaAnswer).await,
        ClockState::Cancelled
    );
}

#[tokio::test]
async fn who_asked_is_sealed_and_shown_to_those_who_may_know_i9() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 4, None).await;
    assert_eq!(inquiry.journalist, "");
    let get = || {
        let name = inquiry.name.clone();
        as_caller(wire::GetInquiryRequest { name }, &["lake"])
    };
    let shown = async |request| {
        let got = world
            .media
            .get_inquiry(request)
            .await
            .expect("there is one");
        got.into_inner().inquiry.expect("filled").journalist
    };
    assert_eq!(shown(get()).await, "");
    assert_eq!(
        shown(with_permission(get(), "media.read_journalists")).await,
        JOURNALIST
    );
    let kept: Vec<u8> = sqlx::query_scalar("SELECT journalist FROM crisis.media_inquiry")
        .fetch_one(&world.database.admin)
        .await
        .expect("postgres answers");
    let plain = kept.windows(4).any(|w| w == b"Zhao");
    assert!(!plain, "sealed");
    let log = world.incident(&incident).await.log_entries;
    assert!(log.iter().all(|e| !e.text.contains("Zhao")));
}

#[tokio::test]
async fn m17_a_false_report_is_clarified_where_it_counts_within_five_days() {
    let (world, incident) = public().await;
    let exposure = world.report_in(&incident, ExposureTruth::Unspecified).await;
    assert!(exposure.clarify_due_time.is_none() && exposure.assessments.is_empty());
    let exposure = world
        .assess(&exposure.name, ExposureTruth::False)
        .await
        .expect("assessed");
    let due = exposure.clarify_due_time.expect("five days");
    assert_eq!(due.seconds - world.now().as_second(), 5 * 24 * 3600);
    assert_eq!(
        world.stands(&incident, ClockKind::MediaClarification).await,
        ClockState::Running
    );
    let update = world
        .left(&incident, StatementKind::Update, Audience::Public)
        .await;
    let city = ("Evening News", OutletRank::City);
    let refused = world.set_right(&exposure.name, &update.name, city).await;
    assert_eq!(
        reason(&refused.expect_err("no clarification")),
        "CLARIFICATION_NOT_EQUAL"
    );
    let clarification = world
        .left(&incident, StatementKind::Clarification, Audience::Public)
        .await;
    let blog = ("A blog", OutletRank::Local);
    let refused = world
        .set_right(&exposure.name, &clarification.name, blog)
        .await;
    assert_eq!(
        reason(&refused.expect_err("reaches less")),
        "CLARIFICATION_NOT_EQUAL"
    );
    let done = world
        .set_right(&exposure.name, &clarification.name, city)
        .await
        .expect("set right");
    let how = done.clarification.expect("how");
    assert!(how.in_time && how.outlet == "Evening News");
    assert_eq!(
        world.stands(&incident, ClockKind::MediaClarification).await,
        ClockState::Met
    );
    world.advance(6 * 24 * 60);
    world.fire_due().await;
    assert_eq!(
        world.exposure(&exposure.name).await.truth(),
        ExposureTruth::False
    );
    let refused = world.assess(&exposure.name, ExposureTruth::True).await;
    assert_eq!(reason(&refused.expect_err("settled")), "EXPOSURE_SETTLED");
}

#[tokio::test]
async fn m17_a_false_report_that_nobody_clarified_in_time_is_taken_as_true() {
    let (world, incident) = public().await;
    let exposure = world.report_in(&incident, ExposureTruth::False).await;
    world.advance(5 * 24 * 60 - 1);
    world.fire_due().await;
    assert_eq!(
        world.exposure(&exposure.name).await.truth(),
        ExposureTruth::False,
        "never early"
    );
    world.advance(1);
    world.fire_due().await;
    world.advance(5 * 24 * 60);
    world.fire_due().await;
    let taken = world.exposure(&exposure.name).await;
    assert_eq!(taken.truth(), ExposureTruth::TakenAsTrue);
    let said: Vec<_> = taken
        .assessments
        .iter()
        .map(wire::Assessment::truth)
        .collect();
    assert_eq!(
        said,
        [ExposureTruth::False, ExposureTruth::TakenAsTrue],
        "once"
    );
    // A late word is recorded and undoes nothing.
    let clarification = world
        .left(&incident, StatementKind::Clarification, Audience::Public)
        .await;
    let paper = ("City Daily", OutletRank::City);
    let late = world
        .set_right(&exposure.name, &clarification.name, paper)
        .await
        .expect("recorded");
    assert_eq!(late.truth(), ExposureTruth::TakenAsTrue);
    assert!(!late.clarification.expect("how").in_time);
}

#[tokio::test]
async fn m17_a_report_that_is_found_false_after_five_days_leaves_a_day_to_clarify_it() {
    let (world, incident) = public().await;
    let report = world.report_in(&incident, ExposureTruth::Unspecified).await;
    world.advance(6 * 24 * 60);
    let report = world.assess(&report.name, ExposureTruth::False).await;
    let report = report.expect("assessed");
    let left = |e: &wire::Exposure| e.clarify_due_time.expect("given").seconds;
    assert_eq!(left(&report) - world.now().as_second(), 24 * 3600);
    world.fire_due().await;
    world.advance(60);
    let again = world.assess(&report.name, ExposureTruth::False).await;
    assert_eq!(left(&again.expect("assessed")), left(&report), "no longer");
    let truth = async || world.exposure(&report.name).await.truth();
    world.advance(23 * 60 - 1);
    world.fire_due().await;
    assert_eq!(truth().await, ExposureTruth::False, "never early");
    world.advance(1);
    world.fire_due().await;
    assert_eq!(truth().await, ExposureTruth::TakenAsTrue);
}

#[tokio::test]
async fn m17_whoever_calls_a_report_false_again_has_until_then_as_before() {
    use ExposureTruth::{False, TakenAsTrue, True, Unspecified};
    let kind = ClockKind::MediaClarification;
    // Found false at once, and late: five days, and a day.
    for (found_after, within) in [(0, 5), (6, 1)] {
        let (world, incident) = public().await;
        let report = world.report_in(&incident, Unspecified).await;
        world.advance(found_after * 24 * 60);
        let say = async |truth| {
            let said = world.assess(&report.name, truth).await;
            said.expect("not settled")
        };
        let due = say(False).await.clarify_due_time;
        assert_eq!(
            due.expect("given").seconds,
            world.now().as_second() + within * 24 * 3600
        );
        // However often the word changes, up to the end.
        for _ in 0..4 {
            world.advance(within * 6 * 60 - 1);
            world.fire_due().await;
            assert_eq!(say(True).await.clarify_due_time, None);
            assert_eq!(say(False).await.clarify_due_time, due);
        }
        assert_eq!(clock(&world.incident(&incident).await, kind).due_time, due);
        // Whoever takes it back before, and says it again after, has nothing left.
        say(True).await;
        world.advance(24 * 60);
        world.fire_due().await;
        assert_eq!(world.exposure(&report.name).await.truth(), True);
        assert_eq!(say(False).await.clarify_due_time, due);
        world.fire_due().await;
        assert_eq!(world.exposure(&report.name).await.truth(), TakenAsTrue);
        let told = world.clock_events("lake", kind).await;
        let breached = |c: &&events::ClockChanged| c.transition() == ClockTransition::Breached;
        assert_eq!(told.iter().filter(breached).count(), 1);
    }
}

#[tokio::test]
async fn m17_five_days_are_days_of_the_site_where_its_clocks_go_forward_meanwhile() {
    let (world, incident) = public().await;
    let moved = site_moved("lake", "America/New_York", 2);
    world.take([moved]).await;
    // To Wednesday, 4 March, 21:00 there; on Sunday an hour is left out.
    world.advance(3 * 24 * 60);
    let report = world.report_in(&incident, ExposureTruth::False).await;
    let due = report.clarify_due_time.expect("given").seconds;
    assert_eq!(due - world.now().as_second(), (5 * 24 - 1) * 3600);
    let truth = async || world.exposure(&report.name).await.truth();
    world.advance((5 * 24 - 1) * 60 - 1);
    world.fire_due().await;
    assert_eq!(truth().await, ExposureTruth::False, "never early");
    world.advance(1);
    world.fire_due().await;
    assert_eq!(truth().await, ExposureTruth::TakenAsTrue);
}

#[tokio::test]
async fn m17_what_clarifies_reached_the_press_and_did_not_stand_before_it_left() {
    let (world, incident) = public().await;
    let exposure = world.report_in(&incident, ExposureTruth::False).await;
    let before = world.now();
    world.advance(30);
    let paper = ("City Daily", OutletRank::City);
    for audience in [Audience::Staff, Audience::Affected] {
        let inside = world
            .left(&incident, StatementKind::Clarification, audience)
            .await;
        let refused = world.set_right(&exposure.name, &inside.name, paper).await;
        let refused = refused.expect_err("no reader of the paper has it");
        assert_eq!(reason(&refused), "CLARIFICATION_NOT_EQUAL");
    }
    let clarification = world
        .left(&incident, StatementKind::Clarification, Audience::Media)
        .await;
    let stood = async |at: jiff::Timestamp| {
        let request = wire::ClarifyExposureRequest {
            name: exposure.name.clone(),
            statement: clarification.name.clone(),
            outlet: paper.0.into(),
            rank: paper.1.into(),
            clarify_time: Some(to_timestamp(at)),
            ..Default::default()
        };
        let request = as_person(request, "lake", VOICE);
        world.media.clarify_exposure(request).await
    };
    let minute = SignedDuration::from_mins(1);
    for early in [before - minute, world.now() - minute] {
        let refused = stood(early).await.expect_err("not yet there");
        assert_eq!(refused.code(), Code::InvalidArgument, "{early}");
    }
    stood(world.now()).await.expect("once it left");
}

#[tokio::test]
async fn m17_an_incident_is_not_stood_down_before_every_report_is_assessed() {
    let (world, incident) = crate::aftermath::calm().await;
    // It had been in the paper before, and makes nothing hot again.
    let opened = world.incident(&incident).await.open_time.expect("opened");
    let report = wire::Exposure {
        publish_time: Some(prost_types::Timestamp {
            seconds: opened.seconds - 1,
            ..opened
        }),
        ..printed_in("City Daily")
    };
    let report = world.expose(&incident, report).await;
    let mode = world.incident(&incident).await.mode();
    assert_eq!(mode, IncidentMode::Private);
    let refused = world.stand_down(&incident, "top").await;
    let refused = refused.expect_err("nobody could assess it afterwards");
    assert!(
        refused.message().starts_with("reports ("),
        "{}",
        refused.message()
    );
    let assessed = world.assess(&report.name, ExposureTruth::True).await;
    assessed.expect("assessed");
    world.stand_down(&incident, "top").await.expect("calm");
}

#[tokio::test]
async fn m17_triage_hears_when_every_report_is_assessed_and_of_whoever_joins_then() {
    let (world, incident) = public().await;
    let told = async || -> Vec<events::ExposuresAssessed> {
        world
            .published("redress.exposures.assessed.v1", "lake")
            .await
    };
    let [open, so] = [
        world.reported_by(&incident, "Noon", ExposureTruth::Unspecified),
        world.reported_by(&incident, "Dusk", ExposureTruth::True),
    ];
    let (open, _) = (open.await, so.await);
    assert!(told().await.is_empty(), "nobody has said it of the first");
    world.advance(60);
    let at = to_timestamp(world.now());
    let assessed = world.assess(&open.name, ExposureTruth::False).await;
    assessed.expect("assessed");
    let first = case("lake", 1).to_string();
    let said = told().await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].incident, incident);
    assert_eq!(said[0].cases, [first.as_str()]);
    assert_eq!(said[0].assess_time, Some(at));

    world.advance(60);
    let second = case("lake", 2);
    let joins = graded(&second, &cluster("lake", 1), 1, &["G1.2"]).at(world.now());
    world.take([joins.event()]).await;
    let both = [first, second.to_string()];
    let said = told().await;
    assert_eq!(said.len(), 2, "it may be the same report that brings it");
    assert_eq!(
        (&said[1].cases[..], said[1].assess_time),
        (&both[..], Some(at))
    );

    // Nobody clarifies: whoever books it hears of which cases, and when it came out.
    world.advance(5 * 24 * 60);
    world.fire_due().await;
    let clocks = world
        .clock_events("lake", ClockKind::MediaClarification)
        .await;
    let missed = clocks
        .iter()
        .find(|c| c.transition() == ClockTransition::Breached);
    let missed = missed.expect("missed");
    assert_eq!(missed.cases, both);
    assert_eq!(missed.publish_time, open.publish_time);
    assert!(missed.case.is_empty());
    assert_eq!(told().await.len(), 2, "what time decides is no news");
}

#[tokio::test]
async fn m17_whoever_books_it_hears_every_word_of_the_desk_on_a_report_and_none_of_time() {
    let (world, incident) = public().await;
    let report = world.report_in(&incident, ExposureTruth::True).await;
    world.advance(60);
    let assessed = world.assess(&report.name, ExposureTruth::False).await;
    assessed.expect("assessed");
    let at = to_timestamp(world.now());
    world.advance(5 * 24 * 60);
    world.fire_due().await;
    let said: Vec<events::ExposureAssessed> = world
        .published("redress.exposure.assessed.v1", "lake")
        .await;
    let words: Vec<&str> = said.iter().map(|s| s.truth.as_str()).collect();
    assert_eq!(
        words,
        ["TRUE", "FALSE"],
        "a missed one is told by its clock"
    );
    for word in &said {
        assert_eq!((&word.incident, &word.exposure), (&incident, &report.name));
        assert_eq!(word.cases, [case("lake", 1).to_string()]);
        assert_eq!(word.publish_time, report.publish_time);
    }
    assert_eq!(said[1].assess_time, Some(at));
    assert!(said[0].revision < said[1].revision);
    // In their order, also where the incident was merged between them (I3).
    let subjects: Vec<String> = sqlx::query_scalar(
        "SELECT subject FROM crisis.outbox WHERE type = 'redress.exposure.assessed.v1'",
    )
    .fetch_all(&world.database.admin)
    .await
    .expect("postgres answers");
    assert_eq!(subjects, [report.name.clone(), report.name.clone()]);
    let hears = |(kind, who): &(&str, &[&str])| {
        *kind == "redress.exposure.assessed.v1" && who.contains(&"assignment")
    };
    let subscriptions = redress_crisis::jobs::subscriptions::SUBSCRIPTIONS;
    assert!(subscriptions.iter().any(hears));
}

#[tokio::test]
async fn m17_a_word_said_anew_ends_nobody_elses_clarification_and_its_own_is_missed_once() {
    let (world, incident) = public().await;
    let at = to_timestamp(world.now());
    let report = world.report_in(&incident, ExposureTruth::False).await;
    for truth in [ExposureTruth::True, ExposureTruth::False] {
        world.advance(60);
        let assessed = world.assess(&report.name, truth).await;
        assessed.expect("assessed");
    }
    let second = case("lake", 2);
    let joins = graded(&second, &cluster("lake", 1), 1, &["G1.2"]).at(world.now());
    world.take([joins.event()]).await;
    // A case owes by itself what became known after the desk first said what is true: no desk watches that.
    let said: Vec<events::ExposuresAssessed> = world
        .published("redress.exposures.assessed.v1", "lake")
        .await;
    assert!(said.len() > 1, "whoever joins is told");
    assert!(said.iter().all(|s| s.assess_time == Some(at)), "{said:#?}");

    let kind = ClockKind::MediaClarification;
    assert_eq!(world.stands(&incident, kind).await, ClockState::Running);
    world.advance(5 * 24 * 60);
    world.fire_due().await;
    let clocks = world.clock_events("lake", kind).await;
    let missed = clocks
        .iter()
        .filter(|c| c.transition() == ClockTransition::Breached);
    assert_eq!(missed.count(), 1, "one report, one promise");
}

#[tokio::test]
async fn what_turns_out_to_be_so_has_not_to_be_clarified() {
    let (world, incident) = public().await;
    let exposure = world.report_in(&incident, ExposureTruth::False).await;
    let partly = world
        .assess(&exposure.name, ExposureTruth::Partly)
        .await
        .expect("assessed");
    assert!(partly.clarify_due_time.is_none());
    let kind = ClockKind::MediaClarification;
    assert_eq!(world.stands(&incident, kind).await, ClockState::Cancelled);
    let clarification = world
        .left(&incident, StatementKind::Clarification, Audience::Public)
        .await;
    let paper = ("City Daily", OutletRank::City);
    let refused = world
        .set_right(&exposure.name, &clarification.name, paper)
        .await;
    assert_eq!(
        reason(&refused.expect_err("nothing to set right")),
        "EXPOSURE_NOT_FALSE"
    );
}

#[tokio::test]
async fn a_stage_and_a_mode_leave_the_desk_alone_and_a_merge_takes_it_along() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 48, None).await;
    world
        .to_stage(&incident, wire::IncidentStage::Handling, |_| true)
        .await
        .expect("decided");
    let switch = wire::SwitchModeRequest {
        name: incident.clone(),
        mode: wire::IncidentMode::Private.into(),
        reason: "calm".into(),
        ..Default::default()
    };
    world
        .api
        .switch_mode(as_person(switch, "lake", "top"))
        .await
        .expect("switched");
    assert_eq!(
        world.stands(&incident, ClockKind::MediaAnswer).await,
        ClockState::Running
    );
    // An older incident of another matter, into which this one's cluster is merged.
    let other = case("lake", 2);
    let earlier = graded(&other, &cluster("lake", 2), 1, &["G1.4"])
        .at(world.now() - SignedDuration::from_hours(9));
    world.take([earlier.event()]).await;
    world
        .take([cluster_merged(
            &case("lake", 1),
            &cluster("lake", 1),
            &cluster("lake", 2),
        )])
        .await;
    let survivor = world.the_open("lake").await;
    assert_ne!(survivor.name, incident, "the older one stays");
    assert!(running(&survivor).contains(&"MEDIA_ANSWER"));
    let answer = world
        .left(&survivor.name, StatementKind::Answer, Audience::Public)
        .await;
    let answered = world
        .reply(&inquiry.name, &answer.name, VOICE)
        .await
        .expect("answered");
    assert_eq!(answered.incident, survivor.name);
}

#[tokio::test]
async fn m17_what_had_left_before_a_merge_answers_and_clarifies_after_it() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 48, None).await;
    let report = world.report_in(&incident, ExposureTruth::False).await;
    let (kind, audience) = (StatementKind::Clarification, Audience::Media);
    let left = world.left(&incident, kind, audience).await;
    let unpublished = world.approved(&incident, kind, audience).await;
    let earlier = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"])
        .at(world.now() - SignedDuration::from_hours(9));
    world.take([earlier.event()]).await;
    let open = world.open("lake").await;
    let survivor = open.into_iter().find(|i| i.name != incident).expect("two");
    let strangers = world
        .left(&survivor.name, StatementKind::Answer, audience)
        .await;
    let refused = world.reply(&inquiry.name, &strangers.name, VOICE).await;
    assert_eq!(refused.expect_err("another's").code(), Code::NotFound);
    let (from, into) = (cluster("lake", 1), cluster("lake", 2));
    world
        .take([cluster_merged(&case("lake", 1), &from, &into)])
        .await;
    let stays = world.the_open("lake").await;
    assert_eq!(stays.name, survivor.name, "the older one stays");

    let refused = world.reply(&inquiry.name, &unpublished.name, VOICE).await;
    assert_eq!(
        refused.expect_err("never left").code(),
        Code::FailedPrecondition
    );
    let answered = world.reply(&inquiry.name, &left.name, VOICE).await;
    assert_eq!(answered.expect("it left").statement, left.name);
    let outlet = ("City Daily", OutletRank::City);
    let set_right = world.set_right(&report.name, &left.name, outlet).await;
    let clarified = set_right.expect("it left").clarification;
    assert!(clarified.expect("how").in_time);
}

#[tokio::test]
async fn another_site_finds_nothing_of_the_desk_i8() {
    let (world, incident) = public().await;
    let inquiry = world.ask(&incident, 4, None).await.name;
    let exposure = world.report_in(&incident, ExposureTruth::False).await.name;
    let parent = incident.clone();
    let foreign = &["hill"];
    let mut codes = Vec::new();
    let get = wire::GetInquiryRequest {
        name: inquiry.clone(),
    };
    codes.push(world.media.get_inquiry(as_caller(get, foreign)).await.err());
    let get = wire::GetExposureRequest {
        name: exposure.clone(),
    };
    codes.push(
        world
            .media
            .get_exposure(as_caller(get, foreign))
            .await
            .err(),
    );
    let list = wire::ListInquiriesRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    codes.push(
        world
            .media
            .list_inquiries(as_caller(list, foreign))
            .await
            .err(),
    );
    let list = wire::ListExposuresRequest {
        parent: parent.clone(),
        ..Default::default()
    };
    codes.push(
        world
            .media
            .list_exposures(as_caller(list, foreign))
            .await
            .err(),
    );
    let answer = wire::AnswerInquiryRequest {
        name: inquiry.clone(),
        statement: "sites/lake/statements/0190a6c2-0000-7000-8000-000000000001".into(),
        ..Default::default()
    };
    codes.push(
        world
            .media
            .answer_inquiry(as_caller(answer, foreign))
            .await
            .err(),
    );
    let decline = wire::DeclineInquiryRequest {
        name: inquiry,
        reason: "x".into(),
        ..Default::default()
    };
    codes.push(
        world
            .media
            .decline_inquiry(as_caller(decline, foreign))
            .await
            .err(),
    );
    let assess = wire::AssessExposureRequest {
        name: exposure.clone(),
        truth: ExposureTruth::True.into(),
        reason: "x".into(),
        ..Default::default()
    };
    codes.push(
        world
            .media
            .assess_exposure(as_caller(assess, foreign))
            .await
            .err(),
    );
    let clarify = wire::ClarifyExposureRequest {
        name: exposure,
        statement: "sites/lake/statements/0190a6c2-0000-7000-8000-000000000001".into(),
        outlet: "x".into(),
        rank: 1,
        ..Default::default()
    };
    codes.push(
        world
            .media
            .clarify_exposure(as_caller(clarify, foreign))
            .await
            .err(),
    );
    let record = wire::RecordExposureRequest {
        parent: parent.clone(),
        exposure: Some(wire::Exposure {
            outlet: "x".into(),
            rank: 1,
            medium: 1,
            ..Default::default()
        }),
        request_id: String::new(),
    };
    codes.push(
        world
            .media
            .record_exposure(as_caller(record, foreign))
            .await
            .err(),
    );
    let record = wire::RecordInquiryRequest {
        parent,
        inquiry: Some(wire::Inquiry {
            outlet: "x".into(),
            rank: 1,
            question: "x".into(),
            due_time: Some(to_timestamp(world.now())),
            ..Default::default()
        }),
        request_id: String::new(),
    };
    codes.push(
        world
            .media
            .record_inquiry(as_caller(record, foreign))
            .await
            .err(),
    );
    for (n, status) in codes.into_iter().enumerate() {
        assert_eq!(status.map(|s| s.code()), Some(Code::NotFound), "{n}");
    }
}

/// A private incident that is handled.
async fn handled_privately() -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let first = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]);
    world.take([first.event()]).await;
    let incident = world.the_open("lake").await.name;
    let handled = world
        .to_stage(&incident, IncidentStage::Handling, |_| true)
        .await;
    assert_eq!(handled.expect("waived").mode(), IncidentMode::Private);
    (world, incident)
}

impl World {
    /// Those who are asked whether it breaks out and have not decided.
    async fn asked_whether_it_breaks_out(&self, incident: &str) -> Vec<(String, i32)> {
        let tasks = self.plan(incident).await.tasks.into_iter();
        let asks =
            |t: &wire::IncidentTask| t.key.starts_with("outbreak-") && t.state() == TaskState::Open;
        tasks.filter(asks).map(|t| (t.key, t.owner)).collect()
    }
}

#[tokio::test]
async fn a_new_report_makes_an_incident_public_once_and_asks_whether_it_breaks_out_m01() {
    let (world, incident) = handled_privately().await;
    let mode = async || world.incident(&incident).await.mode();
    world.advance(30);
    let report = world.report_in(&incident, ExposureTruth::Unspecified).await;
    let now = world.incident(&incident).await;
    assert_eq!(
        (now.mode(), now.mode_reason.as_str()),
        (IncidentMode::Public, "G1.2: City Daily")
    );
    assert!(running(&now).contains(&"HOLDING_STATEMENT"));
    let told: Vec<events::IncidentChanged> =
        world.published("redress.incident.changed.v1", "lake").await;
    assert!(told.last().expect("told").public_mode, "others hear of it");
    // The stage moves by a person's word alone.
    assert_eq!(now.stage(), IncidentStage::Handling);
    let top = DutyRole::TopLead.number();
    let asked = world.asked_whether_it_breaks_out(&incident).await;
    assert_eq!(asked, [("outbreak-1".to_owned(), top)]);

    // The commander's word holds against what was there when it was given.
    let private = wire::SwitchModeRequest {
        name: incident.clone(),
        mode: IncidentMode::Private.into(),
        reason: "nobody reads it".into(),
        ..Default::default()
    };
    let switched = world.api.switch_mode(as_person(private, "lake", "top"));
    switched.await.expect("the commander may");
    let assessed = world.assess(&report.name, ExposureTruth::True).await;
    assessed.expect("assessed");
    assert_eq!(mode().await, IncidentMode::Private);
    world
        .reported_by(&incident, "Evening News", ExposureTruth::False)
        .await;
    assert_eq!(mode().await, IncidentMode::Public, "that is new");
    let again = world.asked_whether_it_breaks_out(&incident).await;
    assert_eq!(again, asked, "one question at a time");

    let decided = wire::CompleteTaskRequest {
        name: incident.clone(),
        task: asked[0].0.clone(),
        ..Default::default()
    };
    let decided = world.playbooks.complete_task(as_caller(decided, &["lake"]));
    decided.await.expect("open");
    world
        .to_stage(&incident, IncidentStage::Outbreak, |_| false)
        .await
        .expect("falls back");
    let morning = ExposureTruth::Unspecified;
    world.reported_by(&incident, "Morning Post", morning).await;
    let asked = world.asked_whether_it_breaks_out(&incident).await;
    assert!(asked.is_empty(), "it has broken out");
}

#[tokio::test]
async fn a_post_exposes_once_it_has_reached_ten_thousand() {
    let (world, incident) = handled_privately().await;
    let post = wire::Exposure {
        medium: ExposureMedium::Post.into(),
        rank: OutletRank::Local.into(),
        reach: 9_999,
        ..printed_in("a forum")
    };
    let post = world.expose(&incident, post).await;
    let stands = async || {
        let asked = world.asked_whether_it_breaks_out(&incident).await.len();
        (world.incident(&incident).await.mode(), asked)
    };
    assert_eq!(stands().await, (IncidentMode::Private, 0));
    let grown = wire::AssessExposureRequest {
        name: post.name,
        truth: ExposureTruth::Partly.into(),
        reach: Some(10_000),
        reason: "the counter of the forum".into(),
        ..Default::default()
    };
    let grown = world
        .media
        .assess_exposure(as_person(grown, "lake", "clerk"));
    grown.await.expect("assessed");
    assert_eq!(stands().await, (IncidentMode::Public, 1));
}
