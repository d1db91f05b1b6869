//! What may leave as the company's word: I7, P24, one voice.

use std::future::Future;
use std::sync::Arc;

use redress_crisis::domain::feed::{Form, Said, hash};
use redress_model::words::{ClockKind, DutyRole, Word as _};
use redress_proto::convert::{from_timestamp, to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{
    Audience, IncidentStage, ReviewStep, Statement, StatementKind, StatementState, Verdict,
};
use redress_proto::event::v1 as events;
use tonic::{Code, Status};

use crate::world::*;

/// A public incident with its whole command.
pub(crate) async fn public() -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]).event()])
        .await;
    let incident = world.the_open("lake").await;
    (world, incident.name)
}

pub(crate) fn words(kind: StatementKind, text: &str) -> Statement {
    Statement {
        kind: kind.into(),
        audience: Audience::Public.into(),
        language: "zh-CN".into(),
        text: text.into(),
        ..Default::default()
    }
}

/// A public incident, and a statement that everybody approved.
async fn approved() -> (World, String, Statement) {
    let (world, incident) = public().await;
    let draft = world
        .draft(
            &incident,
            words(StatementKind::Update, "我们已到现场。"),
            "author",
        )
        .await;
    world.approve_all(&draft).await;
    (world, incident, draft)
}

/// Who holds which role of `FULL`.
const TOP: &str = "top";
pub(crate) const VOICE: &str = "voice";
const LEGAL: &str = "counsel";

impl World {
    pub(crate) async fn draft(&self, incident: &str, statement: Statement, by: &str) -> Statement {
        self.try_draft(incident, statement, by)
            .await
            .expect("drafted")
    }

    pub(crate) async fn try_draft(
        &self,
        incident: &str,
        statement: Statement,
        by: &str,
    ) -> Result<Statement, Status> {
        let request = wire::CreateStatementRequest {
            parent: incident.into(),
            statement: Some(statement),
            request_id: String::new(),
        };
        let request = as_person(request, "lake", by);
        let answer = self.statements.create_statement(request).await?;
        Ok(answer.into_inner().statement.expect("filled"))
    }

    pub(crate) async fn say(
        &self,
        of: &Statement,
        step: ReviewStep,
        verdict: Verdict,
        by: &str,
    ) -> Result<Statement, Status> {
        let request = wire::ReviewStatementRequest {
            name: of.name.clone(),
            step: step.into(),
            verdict: verdict.into(),
            digest: of.digest.clone(),
            reason: "because".into(),
            ..Default::default()
        };
        let answer = self
            .statements
            .review_statement(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner().statement.expect("filled"))
    }

    pub(crate) async fn approve_all(&self, of: &Statement) -> Statement {
        let mut last = of.clone();
        for (step, by) in [
            (ReviewStep::FactCheck, "clerk"),
            (ReviewStep::LegalReview, LEGAL),
            (ReviewStep::Approval, VOICE),
        ] {
            last = self
                .say(of, step, Verdict::Approve, by)
                .await
                .expect("in its turn");
        }
        last
    }

    pub(crate) async fn release(
        &self,
        of: &Statement,
        by: &str,
    ) -> Result<wire::PublishStatementResponse, Status> {
        let request = wire::PublishStatementRequest {
            name: of.name.clone(),
            digest: of.digest.clone(),
            ..Default::default()
        };
        let answer = self
            .statements
            .publish_statement(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn read(&self, name: &str) -> Statement {
        let request = wire::GetStatementRequest { name: name.into() };
        let answer = self
            .statements
            .get_statement(as_person(request, "lake", "clerk"))
            .await
            .expect("there is one");
        answer.into_inner().statement.expect("filled")
    }

    pub(crate) async fn edit(
        &self,
        of: &Statement,
        text: &str,
        by: &str,
    ) -> Result<Statement, Status> {
        let request = wire::UpdateStatementRequest {
            statement: Some(Statement {
                text: text.into(),
                ..of.clone()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["text".into()],
            }),
            ..Default::default()
        };
        let answer = self
            .statements
            .update_statement(as_person(request, "lake", by))
            .await?;
        Ok(answer.into_inner().statement.expect("filled"))
    }

    /// What nobody but an administrator of the database can do.
    pub(crate) async fn administer(&self, sql: &'static str) {
        let done = sqlx::raw_sql(sql).execute(&self.database.admin).await;
        done.expect("an administrator can");
    }

    pub(crate) async fn feed(&self) -> Vec<wire::FeedEntry> {
        let request = wire::ListFeedRequest {
            parent: "sites/lake".into(),
            ..Default::default()
        };
        let answer = self
            .statements
            .list_feed(as_person(request, "lake", "clerk"))
            .await
            .expect("listed");
        answer.into_inner().entries
    }
}

#[tokio::test]
async fn a_statement_leaves_after_three_people_approved_exactly_it_i7() {
    let (world, incident) = public().await;
    let draft = world
        .draft(
            &incident,
            words(StatementKind::Update, "我们已到现场。"),
            "author",
        )
        .await;
    assert_eq!(draft.due_step(), ReviewStep::FactCheck);
    let early = world.release(&draft, VOICE).await.expect_err("unapproved");
    assert_eq!(reason(&early), "STATEMENT_NOT_APPROVED");
    let approved = world.approve_all(&draft).await;
    assert_eq!(approved.due_step(), ReviewStep::Unspecified);
    assert!(approved.reviews.iter().all(|r| r.counts));
    for nobody in ["author", "clerk", LEGAL] {
        let refused = world
            .release(&draft, nobody)
            .await
            .expect_err("not the voice");
        assert_eq!(refused.code(), Code::PermissionDenied, "{nobody}");
    }
    let left = world.release(&draft, VOICE).await.expect("released");
    assert_eq!(
        left.statement.expect("filled").state(),
        StatementState::Published
    );
    let entry = left.feed_entry.expect("in the feed");
    assert_eq!((entry.number, entry.text.as_str()), (1, "我们已到现场。"));
    assert_eq!(entry.signature, format!("lake/1/{}", entry.hash));
    let told: Vec<events::StatementPublished> = world
        .published("redress.statement.published.v1", "lake")
        .await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].digest, draft.digest);
    let again = world.release(&draft, VOICE).await.expect_err("once");
    assert_eq!(reason(&again), "STATEMENT_NOT_DRAFT");
}

/// The hash of an entry, from what a reader gets and nothing else.
fn hash_of(entry: &wire::FeedEntry) -> String {
    use redress_crisis::domain::words::{Audience, StatementKind};
    let published = entry.publish_time.as_ref().expect("published");
    let said = Said {
        site: &"lake".parse().expect("a slug"),
        number: entry.number,
        previous: &hex::decode(&entry.previous_hash).expect("hexadecimal"),
        digest: &hex::decode(&entry.digest).expect("hexadecimal"),
        statement: &entry.statement.parse().expect("a name"),
        kind: StatementKind::from_number(entry.kind).expect("known"),
        audience: Audience::from_number(entry.audience).expect("known"),
        language: &entry.language,
        text: &entry.text,
        supersedes_number: entry.supersedes_number,
        published: from_timestamp("publish_time", published).expect("an instant"),
    };
    hex::encode(hash(Form::NEWEST, &said))
}

#[tokio::test]
async fn what_an_entry_is_for_to_whom_and_when_it_left_are_under_its_hash_i7() {
    let (world, incident, draft) = approved().await;
    world.release(&draft, VOICE).await.expect("released");
    let first = world.feed().await.remove(0);
    assert_eq!(hash_of(&first), first.hash);
    let correction = Statement {
        supersedes: draft.name.clone(),
        ..words(StatementKind::Update, "我们昨晚已到现场。")
    };
    let correction = world.draft(&incident, correction, "author").await;
    world.approve_all(&correction).await;
    world.release(&correction, VOICE).await.expect("released");
    let second = world.feed().await.remove(1);
    assert_eq!(second.supersedes_number, 1);
    assert_eq!(hash_of(&second), second.hash);

    // Whoever can write the tables changes what is read, and not what was signed.
    for tamper in [
        "UPDATE crisis.statement_version SET audience = 'MEDIA'",
        "UPDATE crisis.statement_version SET language = 'en'",
        "UPDATE crisis.feed_entry SET publish_time = publish_time - interval '1 day'",
        "UPDATE crisis.feed_entry SET supersedes_number = 7",
        "ALTER TABLE crisis.statement DISABLE TRIGGER statement_published;
         UPDATE crisis.statement SET kind = 'CLOSING'",
    ] {
        let keep = "CREATE TABLE kept_version AS SELECT * FROM crisis.statement_version;
                    CREATE TABLE kept_entry AS SELECT * FROM crisis.feed_entry";
        let restore = "DELETE FROM crisis.statement_version; DELETE FROM crisis.feed_entry;
                       INSERT INTO crisis.statement_version SELECT * FROM kept_version;
                       INSERT INTO crisis.feed_entry SELECT * FROM kept_entry;
                       DROP TABLE kept_version; DROP TABLE kept_entry";
        world.administer(keep).await;
        world.administer(tamper).await;
        let read = world.feed().await.remove(0);
        assert_eq!(read.hash, first.hash);
        assert_ne!(hash_of(&read), read.hash, "{tamper}");
        world.administer(restore).await;
    }
}

#[tokio::test]
async fn an_edit_and_a_move_of_the_stage_void_what_was_approved_p24() {
    let (world, incident, draft) = approved().await;
    let edited = world
        .edit(&draft, "我们正在现场。", "author")
        .await
        .expect("edited");
    assert_eq!(edited.due_step(), ReviewStep::FactCheck);
    assert!(edited.reviews.iter().all(|r| !r.counts));
    let stale = world
        .release(&draft, VOICE)
        .await
        .expect_err("another text");
    assert_eq!(stale.code(), Code::Aborted);
    world.approve_all(&edited).await;
    world
        .to_stage(&incident, IncidentStage::Handling, |_| true)
        .await
        .expect("decided");
    let stale = world
        .release(&edited, VOICE)
        .await
        .expect_err("another stage");
    assert_eq!(stale.code(), Code::Aborted);
    let now = world.read(&draft.name).await;
    assert_ne!(now.digest, edited.digest);
    let refused = world.release(&now, VOICE).await.expect_err("unapproved");
    assert_eq!(reason(&refused), "STATEMENT_NOT_APPROVED");
    world.approve_all(&now).await;
    world.release(&now, VOICE).await.expect("approved anew");
}

#[tokio::test]
async fn what_was_approved_does_not_count_again_when_the_stage_falls_back_p24() {
    let (world, incident, draft) = approved().await;
    for stage in [IncidentStage::Handling, IncidentStage::Outbreak] {
        world
            .to_stage(&incident, stage, |_| true)
            .await
            .expect("decided");
    }
    let now = world.read(&draft.name).await;
    assert_ne!(now.digest, draft.digest);
    assert!(now.reviews.iter().all(|r| !r.counts));
    let refused = world.release(&now, VOICE).await.expect_err("another visit");
    assert_eq!(reason(&refused), "STATEMENT_NOT_APPROVED");
    world.approve_all(&now).await;
    world.release(&now, VOICE).await.expect("approved anew");
}

#[tokio::test]
async fn authors_outsiders_and_the_same_eyes_give_no_step() {
    let (world, incident) = public().await;
    // The legal counsel wrote a version: somebody else of the chain has to review it.
    let draft = world
        .draft(&incident, words(StatementKind::Update, "甲"), "author")
        .await;
    let draft = world.edit(&draft, "乙", LEGAL).await.expect("edited");
    let check = ReviewStep::FactCheck;
    let refused = world.say(&draft, check, Verdict::Approve, "author").await;
    assert_eq!(reason(&refused.expect_err("author")), "AUTHOR_REVIEWS");
    world
        .say(&draft, check, Verdict::Approve, "clerk")
        .await
        .expect("checked");
    let legal = ReviewStep::LegalReview;
    let refused = world.say(&draft, legal, Verdict::Approve, LEGAL).await;
    assert_eq!(reason(&refused.expect_err("author")), "AUTHOR_REVIEWS");
    let refused = world.say(&draft, legal, Verdict::Approve, "stranger").await;
    let refused = refused.expect_err("no chain");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let text = refused.message();
    assert!(
        text.starts_with("only the ") && text.ends_with(", or a deputy, may do this"),
        "{text}"
    );
    let early = world
        .say(&draft, ReviewStep::Approval, Verdict::Approve, VOICE)
        .await
        .expect_err("not yet");
    assert_eq!(reason(&early), "STEP_NOT_DUE");
}

#[tokio::test]
async fn a_deputy_acts_until_the_end_and_not_after() {
    let (world, incident) = public().await;
    let draft = world
        .draft(&incident, words(StatementKind::Update, "一"), "author")
        .await;
    world
        .say(&draft, ReviewStep::FactCheck, Verdict::Approve, "clerk")
        .await
        .expect("checked");
    let appoint = |staff_id: &str, role: DutyRole, hours: i64| wire::AppointDeputyRequest {
        name: incident.clone(),
        role: to_wire(role),
        staff: staff("lake", staff_id),
        end_time: Some(to_timestamp(
            world.now() + jiff::SignedDuration::from_hours(hours),
        )),
        reason: "on a plane".into(),
        ..Default::default()
    };
    let send = async |request| {
        world
            .statements
            .appoint_deputy(as_person(request, "lake", TOP))
            .await
    };
    let far = send(appoint(TOP, DutyRole::LegalCounsel, 73)).await;
    assert_eq!(far.expect_err("too long").code(), Code::InvalidArgument);
    let unknown = send(appoint("nobody", DutyRole::LegalCounsel, 2)).await;
    assert_eq!(reason(&unknown.expect_err("unknown")), "NOT_ON_ROSTER");
    let acting = send(appoint(TOP, DutyRole::LegalCounsel, 2))
        .await
        .expect("appointed");
    assert_eq!(acting.into_inner().deputies.len(), 1);
    world.advance(2 * 60);
    let late = world
        .say(&draft, ReviewStep::LegalReview, Verdict::Approve, TOP)
        .await;
    assert_eq!(late.expect_err("over").code(), Code::PermissionDenied);
    send(appoint(TOP, DutyRole::LegalCounsel, 1))
        .await
        .expect("again");
    world
        .say(&draft, ReviewStep::LegalReview, Verdict::Approve, TOP)
        .await
        .expect("acts");
}

#[tokio::test]
async fn whoever_writes_a_statement_lowers_no_quorum_for_it_i7() {
    use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
    let (world, incident) = public().await;
    let acts = wire::AppointDeputyRequest {
        role: to_wire(DutyRole::TopLead),
        ..for_counsel(&world, &incident, "duty")
    };
    let acts = world
        .statements
        .appoint_deputy(as_person(acts, "lake", TOP))
        .await;
    acts.expect("appointed");
    let asks = async |who: &str, number: &str| {
        let request = wire::ChangeTermsRequest {
            name: incident.clone(),
            settings: vec![wire::IncidentSetting {
                field: "statement_quorum".into(),
                value: number.into(),
            }],
            reason: "it is in the papers".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", who);
        world.playbooks.change_terms(request).await.expect("acts");
    };
    let drafted = async |text: &str, by: &str| {
        let draft = words(StatementKind::Update, text);
        let draft = world.draft(&incident, draft, by).await;
        world.approve_all(&draft).await;
        draft
    };
    let lacks = async |draft: &Statement, needed: u8| {
        let refused = world.release(draft, VOICE).await.expect_err("one of more");
        assert_eq!(reason(&refused), "STATEMENT_NOT_APPROVED");
        let given = format!("given by 1 of {needed}");
        assert!(refused.message().contains(&given), "{}", refused.message());
    };
    asks("duty", "2").await;
    let own = drafted("甲", TOP).await;
    let others = drafted("乙", "author").await;
    lacks(&own, 2).await;
    lacks(&others, 2).await;
    asks(TOP, "1").await;
    world.release(&others, VOICE).await.expect("not theirs");
    lacks(&own, 2).await;
    // Neither in two steps, nor by writing after it.
    for (who, number) in [
        ("duty", "3"),
        (TOP, "1"),
        ("duty", "2"),
        (TOP, "1"),
        (TOP, "2"),
    ] {
        asks(who, number).await;
    }
    lacks(&own, 3).await;
    lacks(&drafted("丙", TOP).await, 3).await;
    // What they asked for themselves they take back.
    for (who, number) in [("duty", "1"), (TOP, "3"), (TOP, "2"), (TOP, "1")] {
        asks(who, number).await;
    }
    world.release(&own, VOICE).await.expect("as another said");
}

#[tokio::test]
async fn a_draft_says_which_step_nobody_is_left_for_before_anybody_reviews_it_i7() {
    let (world, incident) = public().await;
    let lacking = |s: &Statement| s.steps_without_reviewer().collect::<Vec<ReviewStep>>();
    let others = world
        .draft(&incident, words(StatementKind::Update, "甲"), "author")
        .await;
    assert!(lacking(&others).is_empty());
    // The spokesperson writes it, then the counsel too: nobody else has either role.
    let draft = world
        .draft(&incident, words(StatementKind::Holding, "甲"), VOICE)
        .await;
    assert_eq!(lacking(&draft), [ReviewStep::Approval]);
    let draft = world.edit(&draft, "乙", LEGAL).await.expect("edited");
    let both = [ReviewStep::LegalReview, ReviewStep::Approval];
    assert_eq!(lacking(&draft), both);
    // Whom an author appoints approves nothing; whom the commander appoints does.
    let act = |role: DutyRole| wire::AppointDeputyRequest {
        role: to_wire(role),
        ..for_counsel(&world, &incident, "liaison")
    };
    let voices = as_person(act(DutyRole::Spokesperson), "lake", VOICE);
    let voices = world.statements.appoint_deputy(voices).await;
    voices.expect("whoever holds the role");
    assert_eq!(lacking(&world.read(&draft.name).await), both);
    for role in [DutyRole::LegalCounsel, DutyRole::Spokesperson] {
        let tops = as_person(act(role), "lake", TOP);
        world
            .statements
            .appoint_deputy(tops)
            .await
            .expect("commander");
    }
    assert!(lacking(&world.read(&draft.name).await).is_empty());
    // What was given, or has left, lacks nobody; the deputies' time is over.
    world.advance(3 * 60);
    assert_eq!(lacking(&world.read(&draft.name).await), both);
    world.approve_all(&others).await;
    let left = world.release(&others, VOICE).await.expect("approved");
    let left = left.statement.expect("filled");
    assert!(lacking(&left).is_empty());
}

#[tokio::test]
async fn whoever_holds_a_role_is_not_their_own_deputy() {
    let (world, incident) = public().await;
    let own = as_person(for_counsel(&world, &incident, LEGAL), "lake", TOP);
    let refused = world.statements.appoint_deputy(own).await;
    assert_eq!(reason(&refused.expect_err("holds it")), "HOLDS_ROLE");
}

#[tokio::test]
async fn what_is_said_outside_names_nobody_by_a_number_m11() {
    let (world, incident) = public().await;
    let draft = async |text: &str, audience: Audience| {
        let statement = Statement {
            audience: audience.into(),
            ..words(StatementKind::Update, text)
        };
        world.draft(&incident, statement, "author").await
    };
    for text in [
        "业主电话13800138000,已送医。",
        "联系138-0013-8000",
        "联系+86 138 0013 8000",
        "联系１３８００１３８０００",
        "身份证11010519491231002X的业主",
    ] {
        let hits = draft(text, Audience::Public).await.wording_hits;
        assert_eq!(hits, ["personal-data"], "{text}");
    }
    for text in ["共15000000000元", "编号2024000112345"] {
        assert!(
            draft(text, Audience::Public).await.wording_hits.is_empty(),
            "{text}"
        );
    }
    assert!(
        draft("热线4008001234", Audience::Public)
            .await
            .wording_hits
            .is_empty()
    );
    assert!(
        draft("业主电话13800138000", Audience::Staff)
            .await
            .wording_hits
            .is_empty()
    );
}

#[tokio::test]
async fn a_draft_names_the_figure_that_its_fact_check_will_be_refused_for() {
    let (world, incident) = public().await;
    let draft = world
        .draft(
            &incident,
            words(StatementKind::Update, "2人受伤,7户停电,2人留院。"),
            "author",
        )
        .await;
    assert_eq!(draft.unsourced_figures, ["2", "7"]);
    let check = ReviewStep::FactCheck;
    let refused = world.say(&draft, check, Verdict::Approve, "clerk").await;
    assert_eq!(
        reason(&refused.expect_err("no source")),
        "FIGURE_WITHOUT_SOURCE"
    );
    let sourced = Statement {
        facts: vec![wire::StatementFact {
            key: "injured".into(),
            value: "2人".into(),
            source: "hospital".into(),
        }],
        ..words(StatementKind::Update, "2人受伤。")
    };
    let sourced = world.draft(&incident, sourced, "author").await;
    assert!(sourced.unsourced_figures.is_empty());
}

#[tokio::test]
async fn the_promise_of_a_review_says_of_which_statement_and_whom_it_is_asked() {
    let (world, incident) = public().await;
    let draft = world
        .draft(&incident, words(StatementKind::Update, "甲"), "author")
        .await;
    let asked = async || {
        let clocks = world.incident(&incident).await.clocks.into_iter();
        let mut reviews: Vec<_> = clocks
            .filter(|c| c.kind == to_wire(ClockKind::StatementReview) && c.stop_time.is_none())
            .map(|c| (c.subject, DutyRole::from_number(c.role)))
            .collect();
        assert_eq!(reviews.len(), 1);
        reviews.remove(0)
    };
    assert_eq!(
        asked().await,
        (draft.name.clone(), Some(DutyRole::OnSiteLead))
    );
    world
        .say(&draft, ReviewStep::FactCheck, Verdict::Approve, "clerk")
        .await
        .expect("checked");
    assert_eq!(
        asked().await,
        (draft.name.clone(), Some(DutyRole::LegalCounsel))
    );
    let clocks = world.incident(&incident).await.clocks;
    let own = clocks
        .iter()
        .filter(|c| c.kind == to_wire(ClockKind::InsideReport));
    assert!(own.into_iter().all(|c| c.subject.is_empty() && c.role == 0));
}

/// Lets somebody at the lake act for the legal counsel of an incident there for two hours.
pub(crate) fn for_counsel(world: &World, incident: &str, who: &str) -> wire::AppointDeputyRequest {
    wire::AppointDeputyRequest {
        name: incident.into(),
        role: to_wire(DutyRole::LegalCounsel),
        staff: staff("lake", who),
        end_time: Some(to_timestamp(
            world.now() + jiff::SignedDuration::from_hours(2),
        )),
        reason: "on a plane".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn whoever_writes_a_statement_does_not_pick_who_approves_it_i7() {
    let (world, incident) = public().await;
    let appoint = async |who: &str, by: &str| {
        let request = as_person(for_counsel(&world, &incident, who), "lake", by);
        world.statements.appoint_deputy(request).await
    };
    for nobody in ["author", "onsite", VOICE] {
        let refused = appoint("liaison", nobody)
            .await
            .expect_err("no right to it");
        assert_eq!(refused.code(), Code::PermissionDenied, "{nobody}");
    }
    let draft = world
        .draft(&incident, words(StatementKind::Update, "甲"), "author")
        .await;
    let draft = world.edit(&draft, "乙", TOP).await.expect("edited");
    world
        .say(&draft, ReviewStep::FactCheck, Verdict::Approve, "clerk")
        .await
        .expect("checked");
    appoint("onsite", TOP).await.expect("the commander");
    let legal = ReviewStep::LegalReview;
    let picked = world.say(&draft, legal, Verdict::Approve, "onsite").await;
    assert_eq!(reason(&picked.expect_err("picked")), "AUTHOR_REVIEWS");
    appoint("liaison", LEGAL)
        .await
        .expect("whoever holds the role");
    let longer = appoint("liaison", "liaison").await.expect_err("acts only");
    assert_eq!(longer.code(), Code::PermissionDenied);
    world
        .say(&draft, legal, Verdict::Approve, "liaison")
        .await
        .expect("acts by the holder's word");
}

#[tokio::test]
async fn whoever_writes_a_statement_picks_nobody_under_another_account_i7() {
    let (world, incident) = public().await;
    let draft = words(StatementKind::Update, "甲");
    let draft = world.draft(&incident, draft, TOP).await;
    world
        .say(&draft, ReviewStep::FactCheck, Verdict::Approve, "clerk")
        .await
        .expect("checked");
    let other_account = as_staff(for_counsel(&world, &incident, "onsite"), "lake", TOP);
    let appointed = world.statements.appoint_deputy(other_account).await;
    let appointed = appointed.expect("the commander").into_inner();
    assert_ne!(appointed.deputies[0].appointed_by, format!("account-{TOP}"));
    let legal = ReviewStep::LegalReview;
    let picked = world.say(&draft, legal, Verdict::Approve, "onsite").await;
    assert_eq!(reason(&picked.expect_err("picked")), "AUTHOR_REVIEWS");
    // A row of an older release names the account alone.
    world
        .administer("UPDATE crisis.incident_deputy SET appointer = NULL, appointer_site = NULL")
        .await;
    world
        .say(&draft, legal, Verdict::Approve, "onsite")
        .await
        .expect("nothing shows who that was");
}

#[tokio::test]
async fn mode_and_quorum_change_by_the_commanders_word_alone_i7() {
    use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
    let (world, incident) = public().await;
    let switch = async |by: &str| {
        let request = wire::SwitchModeRequest {
            name: incident.clone(),
            mode: wire::IncidentMode::Private.into(),
            reason: "calm".into(),
            ..Default::default()
        };
        world.api.switch_mode(as_person(request, "lake", by)).await
    };
    let change = async |by: &str| {
        let request = wire::ChangeTermsRequest {
            name: incident.clone(),
            settings: vec![wire::IncidentSetting {
                field: "statement_quorum".into(),
                value: "2".into(),
            }],
            reason: "it is in the papers".into(),
            ..Default::default()
        };
        let request = as_person(request, "lake", by);
        world.playbooks.change_terms(request).await
    };
    for nobody in ["author", VOICE] {
        let refused = switch(nobody).await.expect_err("not the commander");
        assert_eq!(refused.code(), Code::PermissionDenied, "{nobody}");
        let refused = change(nobody).await.expect_err("not the commander");
        assert_eq!(refused.code(), Code::PermissionDenied, "{nobody}");
    }
    switch(TOP).await.expect("the commander");
    change(TOP).await.expect("the commander");
}

#[tokio::test]
async fn the_commander_overrules_an_objection_that_blocks() {
    let (world, incident) = public().await;
    let draft = world
        .draft(&incident, words(StatementKind::Update, "一"), "author")
        .await;
    world
        .say(&draft, ReviewStep::LegalReview, Verdict::Object, "doubter")
        .await
        .expect("anybody may");
    world.approve_all(&draft).await;
    let blocked = world.release(&draft, VOICE).await.expect_err("blocked");
    assert_eq!(reason(&blocked), "STATEMENT_OBJECTED");
    let overrule = async |by| {
        world
            .say(&draft, ReviewStep::LegalReview, Verdict::Overrule, by)
            .await
    };
    let refused = overrule(VOICE).await.expect_err("not the commander");
    assert_eq!(refused.code(), Code::PermissionDenied);
    overrule(TOP).await.expect("overruled");
    world.release(&draft, VOICE).await.expect("released");
}

#[tokio::test]
async fn a_holding_statement_meets_its_promise_once_it_is_approved_and_the_commander_releases_it() {
    let (world, incident) = public().await;
    let draft = world
        .draft(
            &incident,
            words(StatementKind::Holding, "我们正在核实。"),
            "author",
        )
        .await;
    let met = async || {
        let told = world
            .clock_events("lake", ClockKind::HoldingStatement)
            .await;
        told.iter()
            .filter(|c| c.state() == redress_proto::words::ClockState::Met)
            .count()
    };
    assert_eq!(met().await, 0);
    world.approve_all(&draft).await;
    assert_eq!(met().await, 1);
    world
        .release(&draft, TOP)
        .await
        .expect("the commander decides when");
    let update = world
        .draft(
            &incident,
            words(StatementKind::Update, "又一则。"),
            "author",
        )
        .await;
    world.approve_all(&update).await;
    let refused = world
        .release(&update, TOP)
        .await
        .expect_err("only a holding one");
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn what_was_published_is_superseded_and_neither_changed_nor_contradicted() {
    let (world, incident) = public().await;
    let fact = |value: &str| wire::StatementFact {
        key: "injured".into(),
        value: value.into(),
        source: "hospital".into(),
    };
    let with = |text: &str, value: &str| Statement {
        facts: vec![fact(value)],
        ..words(StatementKind::Update, text)
    };
    let first = world
        .draft(&incident, with("2人受伤。", "2"), "author")
        .await;
    world.approve_all(&first).await;
    world.release(&first, VOICE).await.expect("released");
    let edited = world.edit(&first, "没有人受伤。", "author").await;
    assert_eq!(reason(&edited.expect_err("left")), "STATEMENT_NOT_DRAFT");

    let other = world
        .draft(&incident, with("3人受伤。", "3"), "author")
        .await;
    let refused = world.say(&other, ReviewStep::FactCheck, Verdict::Approve, "clerk");
    let refused = refused.await.expect_err("contradicts");
    assert_eq!(reason(&refused), "CONTRADICTS_PUBLISHED");
    assert!(
        other.contradiction.contains("injured"),
        "{}",
        other.contradiction
    );

    // A correction with a reason, which its reviewers read, is the other way.
    let mut corrects = with("三人受伤。", "三人");
    corrects.correction_reason = "the hospital counted again".into();
    let corrects = world.draft(&incident, corrects, "author").await;
    world.approve_all(&corrects).await;
    world.release(&corrects, VOICE).await.expect("corrects");
    let back = world
        .draft(&incident, with("2人受伤。", "2"), "author")
        .await;
    assert!(
        !back.contradiction.is_empty(),
        "the corrected figure stands"
    );

    let mut newer = with("3人受伤。", "3");
    newer.supersedes.clone_from(&first.name);
    let newer = world.draft(&incident, newer, "author").await;
    world.approve_all(&newer).await;
    world.release(&newer, VOICE).await.expect("supersedes");
    assert_eq!(
        world.read(&first.name).await.state(),
        StatementState::Superseded
    );
    let feed = world.feed().await;
    assert_eq!(feed.len(), 3);
    assert_eq!(feed[2].supersedes_number, 1);
    assert_eq!(feed[2].previous_hash, feed[1].hash);
    assert_eq!(feed[0].text, "2人受伤。", "what left stays");

    let mut wrong = words(StatementKind::Update, "一");
    wrong.supersedes.clone_from(&other.name);
    let refused = world.try_draft(&incident, wrong, "author").await;
    assert_eq!(
        refused.expect_err("no published one").code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn what_a_merged_incident_published_is_superseded_by_the_one_that_stays_i7() {
    let (world, older) = public().await;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let younger = open
        .into_iter()
        .find(|i| i.name != older)
        .expect("two")
        .name;
    let injured = |text: &str, value: &str| Statement {
        facts: vec![wire::StatementFact {
            key: "injured".into(),
            value: value.into(),
            source: "hospital".into(),
        }],
        ..words(StatementKind::Update, text)
    };
    let told = world
        .draft(&younger, injured("2人受伤。", "2"), "author")
        .await;
    world.approve_all(&told).await;
    world.release(&told, VOICE).await.expect("released");
    let newer = Statement {
        supersedes: told.name.clone(),
        ..injured("3人受伤。", "3")
    };
    let early = world.try_draft(&older, newer.clone(), "author").await;
    let early = early.expect_err("another incident's");
    assert_eq!(early.code(), Code::InvalidArgument);

    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let newer = world.draft(&older, newer, "author").await;
    assert!(newer.contradiction.is_empty(), "{}", newer.contradiction);
    world.approve_all(&newer).await;
    world.release(&newer, VOICE).await.expect("supersedes");
    let left = world.read(&told.name).await;
    assert_eq!(left.state(), StatementState::Superseded);
    assert_eq!(world.feed().await[1].supersedes_number, 1);
}

#[tokio::test]
async fn a_holding_statement_that_left_before_a_merge_is_not_promised_again_m01() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let private = world.the_open("lake").await;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let public = open.into_iter().find(|i| i.name != private.name);
    let public = public.expect("two").name;
    let holding = words(StatementKind::Holding, "我们正在核实。");
    let holding = world.draft(&public, holding, "author").await;
    world.approve_all(&holding).await;
    world.release(&holding, VOICE).await.expect("released");
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let stays = world.the_open("lake").await;
    assert_eq!(stays.name, private.name, "the older one stays");
    assert_eq!(stays.mode(), wire::IncidentMode::Public);
    let promised = running(&stays);
    assert!(promised.contains(&"OUTWARD_UPDATE"), "{promised:?}");
    assert!(!promised.contains(&"HOLDING_STATEMENT"), "{promised:?}");
}

#[tokio::test]
async fn postgres_itself_keeps_what_was_published() {
    let (world, incident) = public().await;
    let draft = world
        .draft(&incident, words(StatementKind::Update, "一"), "author")
        .await;
    world.approve_all(&draft).await;
    world.release(&draft, VOICE).await.expect("released");
    for change in [
        "UPDATE crisis.statement SET version = 2",
        "UPDATE crisis.statement SET digest = '\\x00'",
        "UPDATE crisis.statement SET state = 'DRAFT', publish_time = NULL, digest = NULL, stage = NULL, published_by = NULL",
    ] {
        let refused = sqlx::query(change).execute(&world.database.admin).await;
        let refused = refused.expect_err("kept").to_string();
        assert!(refused.contains("never changes"), "{refused}");
    }
}

#[tokio::test]
async fn in_private_mode_nothing_goes_to_the_public() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let incident = world.the_open("lake").await.name;
    let public = world
        .draft(&incident, words(StatementKind::Update, "一"), "author")
        .await;
    world.approve_all(&public).await;
    let refused = world.release(&public, VOICE).await.expect_err("private");
    assert_eq!(reason(&refused), "NOTHING_LEAVES_IN_PRIVATE_MODE");
    let mut inside = words(StatementKind::Update, "一");
    inside.audience = Audience::Affected.into();
    let inside = world.draft(&incident, inside, "author").await;
    world.approve_all(&inside).await;
    world
        .release(&inside, VOICE)
        .await
        .expect("to the people concerned");
    assert!(world.feed().await.is_empty(), "portals read the feed");
}

#[tokio::test]
async fn of_two_who_publish_at_once_one_wins_i11() {
    let (world, incident) = public().await;
    let draft = world
        .draft(&incident, words(StatementKind::Update, "一"), "author")
        .await;
    world.approve_all(&draft).await;
    let world = Arc::new(world);
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (world, draft) = (Arc::clone(&world), draft.clone());
        tries.spawn(async move { world.release(&draft, VOICE).await.map_err(|s| reason(&s)) });
    }
    let results = tries.join_all().await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    for refused in results.into_iter().filter_map(Result::err) {
        assert_eq!(refused, "STATEMENT_NOT_DRAFT");
    }
    assert_eq!(world.feed().await.len(), 1);
}

#[tokio::test]
async fn a_stage_moves_one_at_a_time_and_its_cadence_with_it_m01() {
    let (world, incident) = public().await;
    let skipped = world
        .to_stage(&incident, IncidentStage::Aftermath, |_| true)
        .await;
    let skipped = skipped.expect_err("skips");
    assert_eq!(reason(&skipped), "ILLEGAL_STAGE");
    assert!(
        skipped.message().contains("HANDLING"),
        "{}",
        skipped.message()
    );
    let due = async || {
        let incident = world.incident(&incident).await;
        let clock = incident.clocks.iter().find(|c| {
            c.kind() == redress_proto::words::ClockKind::InsideReport && c.stop_time.is_none()
        });
        clock.and_then(|c| c.due_time).expect("runs").seconds - world.now().as_second()
    };
    assert_eq!(due().await, 4 * 3600);
    world.advance(60);
    world
        .to_stage(&incident, IncidentStage::Handling, |_| true)
        .await
        .expect("decided");
    assert_eq!(due().await, 12 * 3600);
    world
        .to_stage(&incident, IncidentStage::Outbreak, |_| true)
        .await
        .expect("falls back");
    assert_eq!(due().await, 4 * 3600);
}

#[tokio::test]
async fn another_site_finds_no_statement_i8() {
    let (world, incident) = public().await;
    let draft = world
        .draft(&incident, words(StatementKind::Update, "一"), "author")
        .await;
    let get = wire::GetStatementRequest {
        name: draft.name.clone(),
    };
    let refused = world
        .statements
        .get_statement(as_caller(get, &["hill"]))
        .await;
    assert_eq!(refused.expect_err("foreign").code(), Code::NotFound);
    let create = wire::CreateStatementRequest {
        parent: incident,
        statement: Some(words(StatementKind::Update, "一")),
        request_id: "x".into(),
    };
    let refused = world
        .statements
        .create_statement(as_caller(create, &["hill"]))
        .await;
    assert_eq!(refused.expect_err("foreign").code(), Code::NotFound);
}

#[tokio::test]
async fn what_must_not_be_said_blocks_until_somebody_with_authority_overrides_it_m11() {
    let (world, incident) = public().await;
    let hit = Statement {
        facts: vec![wire::StatementFact {
            key: "injured".into(),
            value: "0".into(),
            source: "hospital".into(),
        }],
        ..words(StatementKind::Update, "据说没有人受伤。")
    };
    let draft = world.draft(&incident, hit.clone(), "author").await;
    assert_eq!(draft.wording_hits, ["ambiguous-to-media"]);
    let check = ReviewStep::FactCheck;
    let refused = world.say(&draft, check, Verdict::Approve, "clerk").await;
    assert_eq!(reason(&refused.expect_err("blocked")), "WORDING_BLOCKED");

    let unsaid = Statement {
        wording_override_reason: "\u{200b}".into(),
        ..hit.clone()
    };
    let unsaid = world.draft(&incident, unsaid, "author").await;
    assert_eq!(unsaid.wording_override_reason, "", "nobody sees it");

    let excused = Statement {
        wording_override_reason: "quotes the newspaper".into(),
        ..hit
    };
    let refused = world.try_draft(&incident, excused.clone(), "author").await;
    let refused = refused.expect_err("without authority");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let create = wire::CreateStatementRequest {
        parent: incident.clone(),
        statement: Some(excused),
        request_id: String::new(),
    };
    let create = with_permission(as_person(create, "lake", "author"), "wording.override");
    let created = world.statements.create_statement(create).await;
    let draft = created.expect("with authority").into_inner().statement;
    let draft = draft.expect("filled");
    world.approve_all(&draft).await;
    world.release(&draft, VOICE).await.expect("overridden");
    let told: Vec<events::StatementPublished> = world
        .published("redress.statement.published.v1", "lake")
        .await;
    assert_eq!(told[0].overridden_rules, ["ambiguous-to-media"]);
    let log = world.incident(&incident).await.log_entries;
    let noted = |e: &wire::LogEntry| e.text.contains("quotes the newspaper");
    assert!(log.iter().any(noted), "visible");
}

#[tokio::test]
async fn a_site_lays_its_own_wording_rules_over_the_products_m11() {
    let (world, incident) = public().await;
    let rules = |scope: &str, revision, document: &str| {
        let payload = events::WordingChanged {
            scope: scope.into(),
            revision,
            effective_time: Some(to_timestamp(world.now())),
            document: document.into(),
        };
        let (kind, subject) = ("redress.wording.changed.v1", "sites/lake".to_owned());
        event("notification", kind, "lake", subject, &payload)
    };
    let hits = async || {
        let text = "据说电梯很安全。";
        let draft = world.draft(&incident, words(StatementKind::Update, text), "author");
        draft.await.wording_hits
    };
    assert_eq!(hits().await, ["ambiguous-to-media"]);
    let said = "{ zh-CN = '不说', en = 'not said' }";
    let own =
        format!("[[rule]]\nid = 'lift'\nphrases = ['电梯很安全']\nwhy = {said}\nbetter = {said}");
    let off = "disable = ['ambiguous-to-media']".to_owned();
    // The newer revision first: whatever order they come in, it holds.
    world
        .take([
            rules("organizations/demo", 2, &own),
            rules("organizations/demo", 1, ""),
            rules("sites/lake", 1, &off),
        ])
        .await;
    assert_eq!(hits().await, ["lift"]);
}

#[tokio::test]
async fn a_holding_statement_that_left_is_not_promised_again() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let incident = world.the_open("lake").await.name;
    let mut holding = words(StatementKind::Holding, "我们正在核实。");
    holding.audience = Audience::Affected.into();
    let draft = world.draft(&incident, holding, "author").await;
    world.approve_all(&draft).await;
    world
        .release(&draft, VOICE)
        .await
        .expect("to those concerned");
    let switch = wire::SwitchModeRequest {
        name: incident.clone(),
        mode: wire::IncidentMode::Public.into(),
        reason: "cameras".into(),
        ..Default::default()
    };
    let switched = world.api.switch_mode(as_person(switch, "lake", TOP)).await;
    let switched = switched.expect("switched").into_inner().incident;
    assert!(!running(&switched.expect("filled")).contains(&"HOLDING_STATEMENT"));
}

#[tokio::test]
async fn a_holding_statement_that_is_ready_before_the_mode_is_public_is_promised_once_it_is_edited_m01()
 {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).event()])
        .await;
    let incident = world.the_open("lake").await.name;
    let words = words(StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&incident, words, "author").await;
    world.approve_all(&draft).await;
    let switch = wire::SwitchModeRequest {
        name: incident.clone(),
        mode: wire::IncidentMode::Public.into(),
        reason: "cameras".into(),
        ..Default::default()
    };
    let switched = world.api.switch_mode(as_person(switch, "lake", TOP)).await;
    let switched = switched.expect("switched").into_inner().incident;
    assert!(!running(&switched.expect("filled")).contains(&"HOLDING_STATEMENT"));
    let edited = world.edit(&draft, "我们正在逐户核实。", "author").await;
    let edited = edited.expect("a draft still");
    assert!(promises_a_first_word(&world, &incident).await);
    world.approve_all(&edited).await;
    assert!(!promises_a_first_word(&world, &incident).await);
    world.release(&edited, TOP).await.expect("released");
    assert!(!promises_a_first_word(&world, &incident).await);
}

async fn promises_a_first_word(world: &World, incident: &str) -> bool {
    running(&world.incident(incident).await).contains(&"HOLDING_STATEMENT")
}

#[tokio::test]
async fn once_anything_was_said_to_the_public_no_first_word_is_owed_m01() {
    let (world, incident) = public().await;
    for (audience, owed) in [(Audience::Affected, true), (Audience::Public, false)] {
        let update = Statement {
            audience: audience.into(),
            ..words(StatementKind::Update, "我们已到现场。")
        };
        let draft = world.draft(&incident, update, "author").await;
        world.approve_all(&draft).await;
        assert!(promises_a_first_word(&world, &incident).await);
        world.release(&draft, VOICE).await.expect("released");
        assert_eq!(promises_a_first_word(&world, &incident).await, owed);
    }
    // Nor later on.
    let moved = world.to_stage(&incident, IncidentStage::Handling, |_| true);
    let moved = moved.await.expect("waived");
    assert!(!running(&moved).contains(&"HOLDING_STATEMENT"));
}

#[tokio::test]
async fn what_holds_staff_or_an_authority_is_no_first_word_m01() {
    for audience in [Audience::Staff, Audience::Authorities] {
        let (world, incident) = public().await;
        let inside = Statement {
            audience: audience.into(),
            ..words(StatementKind::Holding, "我们正在核实。")
        };
        let draft = world.draft(&incident, inside, "author").await;
        world.approve_all(&draft).await;
        let owed = async || promises_a_first_word(&world, &incident).await;
        assert!(owed().await, "{audience:?}: it is ready");
        world.release(&draft, VOICE).await.expect("released");
        assert!(owed().await, "{audience:?}: it left");
        // Nor where promises are looked at anew.
        let moved = world.to_stage(&incident, IncidentStage::Handling, |_| true);
        moved.await.expect("waived");
        assert!(owed().await, "{audience:?}: later on");
        // What is for those outside keeps it, once it is for nobody else.
        let outside = words(StatementKind::Holding, "我们正在核实。");
        let draft = world.draft(&incident, outside, "author").await;
        world.approve_all(&draft).await;
        assert!(!owed().await);
        let turned = wire::UpdateStatementRequest {
            statement: Some(Statement {
                audience: audience.into(),
                ..draft
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["audience".into()],
            }),
            ..Default::default()
        };
        let turned = as_person(turned, "lake", "author");
        let turned = world.statements.update_statement(turned).await;
        turned.expect("a draft still");
        assert!(owed().await, "{audience:?}: nobody outside reads it now");
    }
}

#[tokio::test]
async fn a_corrected_figure_stands_when_what_corrected_it_was_superseded() {
    let (world, incident) = public().await;
    let with = |text: &str, value: &str| Statement {
        facts: vec![wire::StatementFact {
            key: "injured".into(),
            value: value.into(),
            source: "hospital".into(),
        }],
        ..words(StatementKind::Update, text)
    };
    let leaves = async |statement: Statement| {
        world.advance(1);
        let draft = world.draft(&incident, statement, "author").await;
        world.approve_all(&draft).await;
        world.release(&draft, VOICE).await.expect("released");
        draft.name
    };
    leaves(with("2人受伤。", "2")).await;
    let mut corrects = with("3人受伤。", "3");
    corrects.correction_reason = "the hospital counted again".into();
    let corrects = leaves(corrects).await;
    leaves(Statement {
        supersedes: corrects,
        ..words(StatementKind::Update, "伤者正在治疗。")
    })
    .await;
    for (text, value, stands) in [("2人受伤。", "2", false), ("3人受伤。", "3", true)] {
        let draft = world.draft(&incident, with(text, value), "author").await;
        assert_eq!(draft.contradiction.is_empty(), stands, "{text}");
        let said = world.say(&draft, ReviewStep::FactCheck, Verdict::Approve, "clerk");
        assert_eq!(said.await.is_ok(), stands, "{text}");
    }
}

#[tokio::test]
async fn a_first_word_that_is_taken_back_before_it_left_is_promised_anew_p24_m01() {
    let (world, incident) = public().await;
    let holding = words(StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&incident, holding, "author").await;
    world.approve_all(&draft).await;
    assert!(!promises_a_first_word(&world, &incident).await);

    // An edit, long after the hour of the first promise.
    world.advance(90);
    let edited = world.edit(&draft, "我们正在逐户核实。", "author").await;
    let edited = edited.expect("a draft still");
    let promised = clock(
        &world.incident(&incident).await,
        ClockKind::HoldingStatement,
    );
    let now = world.now().as_second();
    let at = |time: Option<prost_types::Timestamp>| time.expect("set").seconds - now;
    assert_eq!((at(promised.start_time), at(promised.due_time)), (0, 3600));
    world.approve_all(&edited).await;
    assert!(!promises_a_first_word(&world, &incident).await);

    // An objection, until it is lifted.
    for (verdict, promised) in [(Verdict::Object, true), (Verdict::Lift, false)] {
        let said = world.say(&edited, ReviewStep::FactCheck, verdict, "doubter");
        said.await.expect("whoever reviews may");
        assert_eq!(promises_a_first_word(&world, &incident).await, promised);
    }

    // The stage: nobody is paged for what is not written yet, and everybody for what runs out.
    let moved = world.to_stage(&incident, IncidentStage::Handling, |_| true);
    let moved = moved.await.expect("waived");
    assert!(running(&moved).contains(&"HOLDING_STATEMENT"));
    world.advance(60);
    world.fire_due().await;
    let told = world
        .clock_events("lake", ClockKind::HoldingStatement)
        .await;
    let breached = told
        .iter()
        .filter(|c| c.transition == to_wire(redress_model::words::ClockTransition::Breached));
    assert_eq!(breached.count(), 1, "the third promise, and no other");

    // Approved as it stands in this stage it is kept; dropped, it is not; and what left stays what it was.
    let again = world.read(&edited.name).await;
    world.approve_all(&again).await;
    assert!(!promises_a_first_word(&world, &incident).await);
    let drop = wire::DropStatementRequest {
        name: again.name.clone(),
        reason: "another is better".into(),
        ..Default::default()
    };
    let dropped = world
        .statements
        .drop_statement(as_person(drop, "lake", VOICE));
    dropped.await.expect("a draft");
    assert!(promises_a_first_word(&world, &incident).await);
    let other = words(StatementKind::Holding, "我们在现场核实。");
    let other = world.draft(&incident, other, "author").await;
    world.approve_all(&other).await;
    world.release(&other, TOP).await.expect("released");
    let back = world.to_stage(&incident, IncidentStage::Outbreak, |_| false);
    let back = back.await.expect("waits for nothing");
    assert!(!running(&back).contains(&"HOLDING_STATEMENT"));
}

#[tokio::test]
async fn of_two_holding_statements_one_that_stands_keeps_the_promise_and_a_larger_quorum_takes_it_back()
 {
    use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
    let (world, incident) = public().await;
    let mut drafts = Vec::new();
    for (language, text) in [
        ("zh-CN", "我们正在核实。"),
        ("en", "We are looking into it."),
    ] {
        let words = Statement {
            language: language.into(),
            ..words(StatementKind::Holding, text)
        };
        let draft = world.draft(&incident, words, "author").await;
        world.approve_all(&draft).await;
        drafts.push(draft);
    }
    let edited = world.edit(&drafts[1], "We look into it.", "author").await;
    edited.expect("a draft still");
    assert!(
        !promises_a_first_word(&world, &incident).await,
        "one stands"
    );
    for (quorum, promised) in [("2", true), ("1", false)] {
        let change = wire::ChangeTermsRequest {
            name: incident.clone(),
            settings: vec![wire::IncidentSetting {
                field: "statement_quorum".into(),
                value: quorum.into(),
            }],
            reason: "two voices".into(),
            ..Default::default()
        };
        let changed = world.playbooks.change_terms(as_person(change, "lake", TOP));
        changed.await.expect("the commander's word");
        assert_eq!(promises_a_first_word(&world, &incident).await, promised);
    }
}

#[tokio::test]
async fn services_read_what_left_and_nothing_else() {
    let (world, incident) = public().await;
    let first = world
        .draft(&incident, words(StatementKind::Update, "甲"), "author")
        .await;
    let read = async |name: &str| {
        let request = wire::ReadStatementTextRequest { name: name.into() };
        let answer = world
            .statements
            .read_statement_text(as_caller(request, &["lake"]));
        answer.await.map(|a| a.into_inner())
    };
    let refused = read(&first.name).await.expect_err("a draft");
    assert_eq!(refused.code(), Code::NotFound);
    world.approve_all(&first).await;
    world.release(&first, VOICE).await.expect("released");
    let left = read(&first.name).await.expect("left");
    assert_eq!((left.text.as_str(), left.superseded), ("甲", false));
    let newer = Statement {
        supersedes: first.name.clone(),
        ..words(StatementKind::Update, "乙")
    };
    let newer = world.draft(&incident, newer, "author").await;
    world.approve_all(&newer).await;
    world.release(&newer, VOICE).await.expect("released");
    assert!(read(&first.name).await.expect("still there").superseded);
}

/// Rings when a request may go on.
struct Knock(tokio::sync::Notify);

impl std::task::Wake for Knock {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Lets a request go on for so many waits, then kills it. Says whether it came to its end before.
pub(crate) async fn killed_after<T>(waits: usize, request: impl Future<Output = T>) -> Option<T> {
    let mut request = std::pin::pin!(request);
    let knock = Arc::new(Knock(tokio::sync::Notify::new()));
    let waker = std::task::Waker::from(Arc::clone(&knock));
    for _ in 0..=waits {
        let mut context = std::task::Context::from_waker(&waker);
        if let std::task::Poll::Ready(done) = request.as_mut().poll(&mut context) {
            return Some(done);
        }
        knock.0.notified().await;
    }
    None
}

#[tokio::test]
async fn publishing_killed_at_any_wait_and_repeated_leaves_once_i2() {
    let (world, incident) = public().await;
    let mut published = 0;
    let mut survivors = 0;
    // Killed one wait later each time, until even the read after the commit comes to its end.
    for waits in 0..1_000 {
        let text = format!("我们在现场{}。", "!".repeat(waits));
        let draft = world
            .draft(&incident, words(StatementKind::Update, &text), "author")
            .await;
        world.approve_all(&draft).await;
        let publish = || {
            let request = wire::PublishStatementRequest {
                name: draft.name.clone(),
                digest: draft.digest.clone(),
                request_id: format!("publish-{waits}"),
                ..Default::default()
            };
            world
                .statements
                .publish_statement(as_person(request, "lake", VOICE))
        };
        let survived = killed_after(waits, publish()).await;
        survivors += usize::from(survived.is_some());
        let again = publish().await.expect("repeated").into_inner();
        published += 1;
        let entry = again.feed_entry.expect("in the feed");
        assert_eq!(entry.number, published, "once, after {waits} waits");
        assert_eq!(entry.text, text);
        let state = again.statement.expect("filled").state();
        assert_eq!(state, StatementState::Published);
        if let Some(first) = survived {
            let first = first.expect("published").into_inner();
            assert_eq!(first.feed_entry, Some(entry), "the same answer");
        }
        if survivors == 3 {
            break;
        }
    }
    assert_eq!(survivors, 3, "publishing takes no end");
    assert!(published > 4, "it was killed at several waits");
    let told: Vec<events::StatementPublished> = world
        .published("redress.statement.published.v1", "lake")
        .await;
    assert_eq!(told.len() as i64, published, "told once each");
    let feed = world.feed().await;
    let chained = feed
        .windows(2)
        .all(|two| two[1].previous_hash == two[0].hash);
    assert!(chained, "without a fork");
}

#[tokio::test]
async fn drafts_and_deputies_of_a_merged_incident_go_on_in_the_one_that_stays_i6_p24() {
    let (world, stays) = public().await;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let ends = open
        .into_iter()
        .find(|i| i.name != stays)
        .expect("two")
        .name;
    let appoint = wire::AppointDeputyRequest {
        name: ends.clone(),
        role: to_wire(DutyRole::LegalCounsel),
        staff: staff("lake", "negotiator"),
        end_time: Some(to_timestamp(
            world.now() + jiff::SignedDuration::from_hours(24),
        )),
        reason: "on a plane".into(),
        ..Default::default()
    };
    let appointed = world
        .statements
        .appoint_deputy(as_person(appoint, "lake", TOP))
        .await;
    appointed.expect("appointed");
    let holding = words(StatementKind::Holding, "我们正在核实。");
    let holding = world.draft(&ends, holding, "author").await;
    world.approve_all(&holding).await;
    assert_eq!(
        clock(&world.incident(&ends).await, ClockKind::HoldingStatement).state,
        to_wire(redress_model::words::ClockState::Met)
    );
    let other = words(StatementKind::Update, "我们已到现场。");
    let other = world.draft(&ends, other, "author").await;
    let promised = clock(&world.incident(&stays).await, ClockKind::HoldingStatement);
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;

    // What was approved there does not count here, so the first word is owed as it was: once.
    let now = world.read(&holding.name).await;
    assert_eq!(
        (now.incident.as_str(), now.state()),
        (stays.as_str(), StatementState::Draft)
    );
    assert_ne!(now.digest, holding.digest);
    assert!(now.reviews.iter().all(|r| !r.counts));
    let refused = world.release(&now, VOICE).await.expect_err("unapproved");
    assert_eq!(reason(&refused), "STATEMENT_NOT_APPROVED");
    let incident = world.incident(&stays).await;
    let owed = clock(&incident, ClockKind::HoldingStatement);
    assert_eq!(
        (&owed.name, owed.due_time),
        (&promised.name, promised.due_time)
    );
    let kinds = running(&incident);
    let count = kinds.iter().filter(|k| **k == "HOLDING_STATEMENT").count();
    assert_eq!(count, 1, "{kinds:?}");

    // It is written on, reviewed by who acts for counsel, and leaves.
    let edited = world
        .edit(&now, "我们正在逐户核实。", "author")
        .await
        .expect("a draft of an open incident");
    for (step, by) in [
        (ReviewStep::FactCheck, "clerk"),
        (ReviewStep::LegalReview, "negotiator"),
        (ReviewStep::Approval, VOICE),
    ] {
        let said = world.say(&edited, step, Verdict::Approve, by).await;
        said.expect("in its turn");
    }
    world.release(&edited, VOICE).await.expect("released");
    let drop = wire::DropStatementRequest {
        name: other.name.clone(),
        reason: "said already".into(),
        ..Default::default()
    };
    let dropped = world
        .statements
        .drop_statement(as_person(drop, "lake", "author"))
        .await;
    dropped.expect("a draft of an open incident");
    assert_eq!(
        world.read(&other.name).await.state(),
        StatementState::Dropped
    );
}

impl World {
    /// Who was asked for a review of which statement, in order.
    async fn reviews_asked(&self) -> Vec<(String, Vec<String>)> {
        let told: Vec<events::WorkNoticed> =
            self.published("redress.work.noticed.v1", "lake").await;
        let short = |name: &String| name.rsplit('/').next().expect("a name").to_owned();
        told.into_iter()
            .map(|t| {
                assert_eq!(t.news(), events::WorkNews::ReviewAwaits);
                (t.resource.clone(), t.staff.iter().map(short).collect())
            })
            .collect()
    }

    /// Who was asked last.
    async fn asked_last(&self) -> Vec<String> {
        self.reviews_asked().await.pop().expect("somebody").1
    }
}

#[tokio::test]
async fn a_step_of_a_review_is_asked_of_its_role_reminds_it_and_climbs_m01() {
    use redress_model::words::ClockTransition::{Breached, Climbed, Met, Started, Warned};
    let (world, incident) = public().await;
    let draft = words(StatementKind::Update, "我们已到现场。");
    let draft = world.draft(&incident, draft, "author").await;
    let onsite = (draft.name.clone(), vec!["onsite".to_owned()]);
    assert_eq!(world.reviews_asked().await, [onsite]);
    let shown = running(&world.incident(&incident).await);
    assert!(shown.contains(&"STATEMENT_REVIEW"), "{shown:?}");
    let check = ReviewStep::FactCheck;
    let checked = world.say(&draft, check, Verdict::Approve, "clerk").await;
    checked.expect("in its turn");
    assert_eq!(world.asked_last().await, [LEGAL]);
    for hours in [3, 1, 2] {
        world.advance(hours * 60);
        world.fire_due().await;
    }
    for (step, by) in [
        (ReviewStep::LegalReview, LEGAL),
        (ReviewStep::Approval, VOICE),
    ] {
        let said = world.say(&draft, step, Verdict::Approve, by).await;
        said.expect("in its turn");
    }
    let told = world.clock_events("lake", ClockKind::StatementReview).await;
    let told: Vec<_> = told
        .iter()
        .map(|e| {
            let who = e
                .notify
                .iter()
                .map(|n| n.rsplit('/').next().expect("a name"));
            let transition: redress_model::words::ClockTransition =
                redress_proto::convert::from_wire(e.transition).expect("known");
            (transition, e.level, who.collect::<Vec<_>>().join(","))
        })
        .collect();
    let nobody = String::new;
    assert_eq!(
        told,
        [
            (Started, 0, nobody()),
            (Met, 0, nobody()),
            (Started, 0, nobody()),
            (Warned, 0, "counsel".to_owned()),
            (Breached, 1, "onsite,counsel".to_owned()),
            (Climbed, 2, "duty".to_owned()),
            (Met, 2, nobody()),
            (Started, 0, nobody()),
            (Met, 0, nobody()),
        ]
    );
    assert_eq!(world.reviews_asked().await.len(), 3, "each once");
}

#[tokio::test]
async fn who_wrote_the_text_is_not_asked_and_who_acts_for_the_role_is_i7() {
    let (world, incident) = public().await;
    // Counsel wrote it: the commander hears of it, who can appoint somebody.
    let own = words(StatementKind::Update, "甲");
    let own = world.draft(&incident, own, LEGAL).await;
    let check = ReviewStep::FactCheck;
    let checked = world.say(&own, check, Verdict::Approve, "clerk").await;
    checked.expect("in its turn");
    assert_eq!(world.asked_last().await, [TOP]);
    let appoint = wire::AppointDeputyRequest {
        name: incident.clone(),
        role: to_wire(DutyRole::LegalCounsel),
        staff: staff("lake", "negotiator"),
        end_time: Some(to_timestamp(
            world.now() + jiff::SignedDuration::from_hours(24),
        )),
        reason: "on a plane".into(),
        ..Default::default()
    };
    let appointed = world
        .statements
        .appoint_deputy(as_person(appoint, "lake", TOP))
        .await;
    appointed.expect("appointed");
    let other = words(StatementKind::Update, "乙");
    let other = world.draft(&incident, other, "author").await;
    let checked = world.say(&other, check, Verdict::Approve, "clerk").await;
    checked.expect("in its turn");
    assert_eq!(world.asked_last().await, [LEGAL, "negotiator"]);

    // An objection is the commander's to weigh, and the step is asked for again once it is lifted.
    let objected = world.say(&other, check, Verdict::Object, "liaison").await;
    objected.expect("anybody may");
    assert_eq!(world.asked_last().await, [TOP]);
    let lifted = world.say(&other, check, Verdict::Lift, "liaison").await;
    lifted.expect("their own");
    assert_eq!(world.asked_last().await, [LEGAL, "negotiator"]);
}

#[tokio::test]
async fn a_holding_statement_is_reviewed_within_its_own_hour_section_9() {
    let (world, incident) = public().await;
    let due = async |kind: ClockKind| {
        let clock = clock(&world.incident(&incident).await, kind);
        clock.due_time.expect("set").seconds
    };
    let promised = due(ClockKind::HoldingStatement).await;
    let holding = words(StatementKind::Holding, "我们正在核实。");
    let holding = world.draft(&incident, holding, "author").await;
    let half = world.now().as_second() + 30 * 60;
    assert_eq!(due(ClockKind::StatementReview).await, half);
    world.advance(40);
    let check = ReviewStep::FactCheck;
    let checked = world.say(&holding, check, Verdict::Approve, "clerk").await;
    checked.expect("in its turn");
    assert_eq!(due(ClockKind::StatementReview).await, promised);
}
