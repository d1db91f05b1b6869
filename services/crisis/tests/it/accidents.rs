//! Whatever breaks while an incident is opened by hand, while the company speaks or meets people, or an incident ends, it is as if nobody had tried, or it is done once: every
//! row that is written fails, every request is killed at every wait, and each is repeated (I2, I7).

use std::fmt::Debug;

use redress_model::words::ClockKind;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::media_service_server::MediaService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{Statement, StatementKind};
use redress_proto::event::v1 as events;
use redress_proto::words::ClockState;
use sqlx::AssertSqlSafe;
use tonic::{Response, Status};

use crate::aftermath::calm;
use crate::briefings::opened;
use crate::statements::{VOICE, killed_after, public, words};
use crate::world::*;

/// Writes of a request are counted, and from the n-th on each ends badly: the statement fails, or its connection dies.
const TRAPS: &str = "
    CREATE SCHEMA trap;
    CREATE TABLE trap.due (step bigint NOT NULL, kills boolean NOT NULL);
    INSERT INTO trap.due VALUES (0, false);
    CREATE SEQUENCE trap.step;
    CREATE FUNCTION trap.spring() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE n bigint := nextval('trap.step'); due trap.due;
    BEGIN
      SELECT * INTO due FROM trap.due;
      IF due.step > 0 AND n >= due.step THEN
        IF due.kills THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RAISE EXCEPTION 'accident';
      END IF;
      RETURN coalesce(NEW, OLD);
    END $$;
    DO $$
    DECLARE t text;
    BEGIN
      FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'crisis' LOOP
        EXECUTE format('CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON crisis.%I FOR EACH ROW EXECUTE FUNCTION trap.spring()', t);
      END LOOP;
    END $$;";

/// A killed connection is tried again for a while; not every step has to wait for that.
const KILL_EVERY: i64 = 10;

async fn execute(world: &World, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&world.database.admin);
    done.await.expect("arranged");
}

async fn arm(world: &World, step: i64, kills: bool) {
    execute(
        world,
        &format!(
            "ALTER SEQUENCE trap.step RESTART; UPDATE trap.due SET step = {step}, kills = {kills}"
        ),
    )
    .await;
}

/// Every row of the service, receipts and outbox too, as one text.
async fn everything(world: &World) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'crisis' ORDER BY 1",
    )
    .fetch_all(&world.database.admin)
    .await
    .expect("postgres answers");
    let each = tables
        .iter()
        .map(|t| format!("SELECT '{t}' AS name, md5(string_agg(t::text, '|' ORDER BY t::text)) AS rows FROM crisis.{t} t"));
    let each: Vec<String> = each.collect();
    let whole = format!(
        "SELECT string_agg(name || coalesce(rows, ''), ' ' ORDER BY name) FROM ({}) x",
        each.join(" UNION ALL ")
    );
    sqlx::query_scalar(AssertSqlSafe(whole))
        .fetch_one(&world.database.admin)
        .await
        .expect("postgres answers")
}

/// Lets every step of a request fail once before it goes through, then repeats it.
async fn endures<T: PartialEq + Debug>(
    world: &World,
    request: impl AsyncFn() -> Result<Response<T>, Status>,
) -> T {
    let before = everything(world).await;
    let mut step = 1;
    let first = loop {
        arm(world, step, false).await;
        match request().await {
            Ok(answer) => break answer.into_inner(),
            Err(_) => assert_eq!(
                everything(world).await,
                before,
                "step {step} left something"
            ),
        }
        if step % KILL_EVERY == 1 {
            arm(world, step, true).await;
            let killed = request().await;
            killed.expect_err("its connection died");
            assert_eq!(
                everything(world).await,
                before,
                "step {step} left something"
            );
        }
        step += 1;
    };
    arm(world, 0, false).await;
    assert!(step > 3, "it writes {step} rows");
    let after = everything(world).await;
    assert_ne!(after, before);
    let again = request().await.expect("repeated").into_inner();
    assert_eq!(again, first, "the same answer (I2)");
    assert_eq!(everything(world).await, after, "once");
    first
}

/// Kills a request at its first wait, then at its second, and so on until it answers. On a busy machine Postgres may answer
/// before anybody waits: then it lives on. Returns the answer, and how often it was killed.
async fn killed_anywhere<T>(request: impl AsyncFn() -> Result<Response<T>, Status>) -> (T, usize) {
    for waits in 0..1_000 {
        if let Some(answer) = killed_after(waits, request()).await {
            return (answer.expect("repeated").into_inner(), waits);
        }
    }
    panic!("it takes no end");
}

/// Somebody has called, and nothing has broken out.
async fn called() -> World {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let first = case("lake", 1);
    let call = graded(&first, &cluster("lake", 1), 3, &["G3.1"]);
    world.take([received(&first), call.event()]).await;
    world
}

impl World {
    async fn open_by_hand(&self) -> Result<Response<wire::OpenIncidentResponse>, Status> {
        let request = wire::OpenIncidentRequest {
            parent: "sites/lake".into(),
            case: case("lake", 1).to_string(),
            reason: "the neighbours begin to ask".into(),
            stage: wire::IncidentStage::Latent.into(),
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", "duty");
        self.api.open_incident(request).await
    }

    /// There is this one, whole, told once, and each of its people is called once.
    async fn has_opened(&self, opened: wire::OpenIncidentResponse) {
        let opened = opened.incident.expect("filled");
        assert_eq!(self.the_open("lake").await.name, opened.name);
        assert_eq!(opened.roles.len(), 7);
        assert_eq!(self.noted(&opened.name, "opened in").await, 1);
        let told: Vec<events::IncidentChanged> =
            self.published("redress.incident.changed.v1", "lake").await;
        assert_eq!(told.len(), 1);
        let mut called: Vec<String> = self
            .call_outs("lake")
            .await
            .into_iter()
            .map(|c| c.staff)
            .collect();
        let calls = called.len();
        called.sort_unstable();
        called.dedup();
        assert_eq!((called.len(), calls), (7, 7), "{called:?}");
        assert!(self.broken_logs("lake").await.is_empty(), "I12");
    }
}

#[tokio::test]
async fn opening_by_hand_that_fails_at_every_step_opens_nothing_and_then_once_i6() {
    let world = called().await;
    execute(&world, TRAPS).await;
    let opened = endures(&world, async || world.open_by_hand().await).await;
    world.has_opened(opened).await;
}

#[tokio::test]
async fn opening_by_hand_that_is_killed_at_every_wait_and_repeated_opens_once_i6() {
    let world = called().await;
    let (opened, killed) = killed_anywhere(async || world.open_by_hand().await).await;
    assert!(killed > 0, "nothing was killed");
    let again = world.open_by_hand().await.expect("repeated").into_inner();
    assert_eq!(again, opened);
    world.has_opened(opened).await;
}

/// A statement that is approved and supersedes another.
async fn approved(world: &World, incident: &str) -> Statement {
    let first = words(StatementKind::Update, "我们已到现场。");
    let first = world.draft(incident, first, "author").await;
    world.approve_all(&first).await;
    world.release(&first, VOICE).await.expect("released");
    let newer = Statement {
        supersedes: first.name,
        ..words(StatementKind::Update, "我们正在处理。")
    };
    let newer = world.draft(incident, newer, "author").await;
    world.approve_all(&newer).await
}

#[tokio::test]
async fn publishing_that_fails_at_every_step_changes_nothing_and_then_leaves_once_i7() {
    let (world, incident) = public().await;
    let newer = approved(&world, &incident).await;
    execute(&world, TRAPS).await;
    endures(&world, async || {
        let request = wire::PublishStatementRequest {
            name: newer.name.clone(),
            digest: newer.digest.clone(),
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", VOICE);
        world.statements.publish_statement(request).await
    })
    .await;
    let feed = world.feed().await;
    assert_eq!(feed.len(), 2);
    assert_eq!(feed[1].supersedes_number, 1);
    let told: Vec<events::StatementPublished> = world
        .published("redress.statement.published.v1", "lake")
        .await;
    assert_eq!(told.len(), 2);
}

impl World {
    /// The planned briefing, held in its week; its notes are not released.
    async fn held_briefing(&self, incident: &str) -> String {
        self.advance(5 * 24 * 60);
        let planned = self.the_planned(incident).await;
        let hold = wire::HoldBriefingRequest {
            name: planned.name.clone(),
            attendance: 12,
            cases: vec![case("lake", 1).to_string()],
            ..Default::default()
        };
        let held = self.briefings.hold_briefing(as_caller(hold, &["lake"]));
        held.await.expect("held");
        planned.name
    }

    /// Long before the week's fixed time, with a promise made there.
    async fn met_early(
        &self,
        planned: &wire::Briefing,
    ) -> Result<Response<wire::HoldBriefingResponse>, Status> {
        let due = self.now() + jiff::SignedDuration::from_hours(100);
        let promise = wire::NewCommitment {
            text: "a meter at the wall".into(),
            owner: staff("lake", "liaison"),
            due_time: Some(to_timestamp(due)),
        };
        let hold = wire::HoldBriefingRequest {
            name: planned.name.clone(),
            attendance: 12,
            commitments: vec![promise],
            request_id: "once".into(),
            ..Default::default()
        };
        self.briefings
            .hold_briefing(as_caller(hold, &["lake"]))
            .await
    }

    /// It is one more, with one promise, and the week's own is owed as it was.
    async fn has_one_more(&self, week: &wire::Briefing, incident: &str) {
        let all = self.briefings_of(incident).await;
        let held = all
            .iter()
            .filter(|b| b.state() == wire::BriefingState::Held);
        assert_eq!((all.len(), held.count()), (2, 1), "{all:#?}");
        let own = self.the_planned(incident).await;
        assert_eq!((own.number, own.plan_time), (2, week.plan_time));
        let clocks = self.incident(incident).await.clocks.into_iter();
        let weekly = to_wire(ClockKind::WeeklyBriefing);
        let running = clocks.filter(|c| c.kind == weekly && c.state() == ClockState::Running);
        let promises = self.commitments_of(incident).await;
        assert_eq!((running.count(), promises.len()), (1, 1));
        assert!(self.broken_logs("lake").await.is_empty(), "I12");
    }

    async fn release_of(
        &self,
        briefing: &str,
    ) -> Result<Response<wire::ReleaseBriefingResponse>, Status> {
        let request = wire::ReleaseBriefingRequest {
            name: briefing.into(),
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", "liaison");
        self.briefings.release_briefing(request).await
    }

    async fn end_of(&self, incident: &str) -> Result<Response<wire::StandDownResponse>, Status> {
        let request = wire::StandDownRequest {
            name: incident.into(),
            reason: "everybody accepted".into(),
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", "top");
        self.aftermath.stand_down(request).await
    }

    async fn findings_of(
        &self,
        incident: &str,
    ) -> Result<Response<wire::WriteReviewResponse>, Status> {
        let request = wire::WriteReviewRequest {
            name: incident.into(),
            causes: vec!["no notice".into()],
            worked: vec!["one voice".into()],
            lacking: vec!["an early word".into()],
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", "duty");
        self.aftermath.write_review(request).await
    }

    async fn action_of(
        &self,
        incident: &str,
        due: jiff::Timestamp,
    ) -> Result<Response<wire::AddReviewActionResponse>, Status> {
        let request = wire::AddReviewActionRequest {
            parent: incident.into(),
            text: "a notice of every plan change".into(),
            owner: staff("lake", "duty"),
            due_time: Some(to_timestamp(due)),
            request_id: "once".into(),
        };
        let request = as_person(request, "lake", "duty");
        self.aftermath.add_review_action(request).await
    }

    async fn closed_review_of(
        &self,
        incident: &str,
    ) -> Result<Response<wire::CloseReviewResponse>, Status> {
        let request = wire::CloseReviewRequest {
            name: incident.into(),
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", "top");
        self.aftermath.close_review(request).await
    }

    async fn settle_action(
        &self,
        name: &str,
    ) -> Result<Response<wire::SettleReviewActionResponse>, Status> {
        let request = wire::SettleReviewActionRequest {
            name: name.into(),
            state: wire::ReviewActionState::Done.into(),
            outcome: "written into the procedure".into(),
            request_id: "once".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", "duty");
        self.aftermath.settle_review_action(request).await
    }

    async fn asked(
        &self,
        request_id: &str,
        incident: &str,
        due: jiff::Timestamp,
    ) -> Result<Response<wire::RecordInquiryResponse>, Status> {
        let request = wire::RecordInquiryRequest {
            parent: incident.into(),
            inquiry: Some(wire::Inquiry {
                outlet: "City Daily".into(),
                rank: wire::OutletRank::City.into(),
                journalist: "Zhao Min".into(),
                question: "How many homes?".into(),
                due_time: Some(to_timestamp(due)),
                ..Default::default()
            }),
            request_id: request_id.into(),
        };
        let request = as_person(request, "lake", "clerk");
        self.media.record_inquiry(request).await
    }

    /// Inquiries, clocks of theirs, and how often the log says so.
    async fn counted(&self, incident: &str) -> (i64, usize, usize) {
        let rows = sqlx::query_scalar("SELECT count(*) FROM crisis.media_inquiry");
        let rows = rows.fetch_one(&self.database.admin).await;
        let clocks = self.incident(incident).await.clocks;
        let kind = to_wire(ClockKind::MediaAnswer);
        (
            rows.expect("postgres answers"),
            clocks.iter().filter(|c| c.kind == kind).count(),
            self.noted(incident, "City Daily").await,
        )
    }

    /// How often the log says something.
    async fn noted(&self, incident: &str, text: &str) -> usize {
        let log = self.incident(incident).await.log_entries;
        log.iter().filter(|e| e.text.contains(text)).count()
    }
}

/// An incident whose planned briefing is more than three days off.
async fn briefed() -> (World, String, wire::Briefing) {
    let (world, incident) = opened(3, "Asia/Shanghai").await;
    let week = world.the_planned(&incident).await;
    let fixed = week.plan_time.expect("set").seconds;
    let fixed = jiff::Timestamp::from_second(fixed).expect("in range");
    world
        .clock
        .set(fixed - jiff::SignedDuration::from_hours(73));
    (world, incident, week)
}

#[tokio::test]
async fn one_more_briefing_that_fails_at_every_step_is_none_and_then_one_m01() {
    let (world, incident, week) = briefed().await;
    execute(&world, TRAPS).await;
    endures(&world, async || world.met_early(&week).await).await;
    world.has_one_more(&week, &incident).await;
}

#[tokio::test]
async fn one_more_briefing_that_is_killed_at_every_wait_and_repeated_is_one_m01() {
    let (world, incident, week) = briefed().await;
    let (held, killed) = killed_anywhere(async || world.met_early(&week).await).await;
    assert!(killed > 0, "nothing was killed");
    let again = world.met_early(&week).await.expect("repeated").into_inner();
    assert_eq!(again, held);
    world.has_one_more(&week, &incident).await;
}

#[tokio::test]
async fn an_inquiry_that_fails_at_every_step_is_none_and_then_one_i2() {
    let (world, incident) = public().await;
    let due = world.now() + jiff::SignedDuration::from_hours(3);
    // The site's data key is made once, in a transaction of its own.
    world
        .asked("first", &incident, due)
        .await
        .expect("recorded");
    execute(&world, TRAPS).await;
    let recorded = endures(&world, async || world.asked("once", &incident, due).await).await;
    assert!(recorded.inquiry.is_some());
}

#[tokio::test]
async fn an_inquiry_that_is_killed_at_every_wait_and_repeated_is_one_i2() {
    let (world, incident) = public().await;
    let due = world.now() + jiff::SignedDuration::from_hours(3);
    let (recorded, killed) =
        killed_anywhere(async || world.asked("once", &incident, due).await).await;
    assert!(killed > 0, "nothing was killed");
    let recorded = recorded.inquiry.expect("filled");
    assert_eq!(world.counted(&incident).await, (1, 1, 1));
    let again = world.asked("once", &incident, due).await.expect("repeated");
    assert_eq!(again.into_inner().inquiry.expect("filled"), recorded);
    assert_eq!(world.counted(&incident).await, (1, 1, 1));
}

#[tokio::test]
async fn an_end_that_fails_at_every_step_is_no_end_and_then_one_i2() {
    let (world, incident) = calm().await;
    let briefing = world.held_briefing(&incident).await;
    execute(&world, TRAPS).await;
    let released = endures(&world, async || world.release_of(&briefing).await).await;
    let released = released.briefing.expect("filled");
    assert!(released.reproducible && !released.notes.is_empty());
    endures(&world, async || world.end_of(&incident).await).await;
    assert_eq!(world.noted(&incident, "stood down: ").await, 1);
    endures(&world, async || world.findings_of(&incident).await).await;
    let due = world.now() + jiff::SignedDuration::from_hours(48);
    let action = endures(&world, async || world.action_of(&incident, due).await).await;
    let action = action.action.expect("filled").name;
    endures(&world, async || world.settle_action(&action).await).await;
    let closed = endures(&world, async || world.closed_review_of(&incident).await).await;
    assert_eq!(closed.review.expect("filled").actions.len(), 1);
}

#[tokio::test]
async fn an_end_that_is_killed_at_every_wait_and_repeated_is_one_i2() {
    let (world, incident) = calm().await;
    let briefing = world.held_briefing(&incident).await;
    let (released, mut killed) = killed_anywhere(async || world.release_of(&briefing).await).await;
    let released = released.briefing.expect("filled");
    let again = world
        .release_of(&briefing)
        .await
        .expect("repeated")
        .into_inner();
    assert_eq!(again.briefing.expect("filled"), released);
    killed += killed_anywhere(async || world.end_of(&incident).await)
        .await
        .1;
    assert_eq!(world.noted(&incident, "stood down: ").await, 1);
    killed += killed_anywhere(async || world.findings_of(&incident).await)
        .await
        .1;
    let due = world.now() + jiff::SignedDuration::from_hours(48);
    let (action, waits) = killed_anywhere(async || world.action_of(&incident, due).await).await;
    killed += waits;
    let action = action.action.expect("filled").name;
    killed += killed_anywhere(async || world.settle_action(&action).await)
        .await
        .1;
    let (closed, waits) = killed_anywhere(async || world.closed_review_of(&incident).await).await;
    assert!(killed + waits > 0, "nothing was killed");
    let review = closed.review.expect("filled");
    assert_eq!((review.actions.len(), review.causes.len()), (1, 1));
}
