//! Whoever writes a statement picks nobody who approves it (I7), whichever way somebody comes by the role.

use redress_model::words::{DutyRole, Word as _};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::command_service_server::CommandService as _;
use redress_proto::crisis::v1::statement_service_server::StatementService as _;
use redress_proto::crisis::v1::{ReviewStep, Statement, StatementKind, Verdict};
use redress_proto::event::v1 as events;
use tonic::{Code, Request, Status};

use crate::statements::{for_counsel, public, words};
use crate::world::*;

const COUNSEL: DutyRole = DutyRole::LegalCounsel;
const VOICE: DutyRole = DutyRole::Spokesperson;

fn offer(incident: &str, role: DutyRole, to: &str) -> wire::OfferRoleRequest {
    wire::OfferRoleRequest {
        name: incident.into(),
        role: role.number(),
        staff: staff("lake", to),
        reason: "end of shift".into(),
        ..Default::default()
    }
}

impl World {
    /// A role goes to somebody at the lake, by this offer.
    async fn hand(&self, offer: Request<wire::OfferRoleRequest>) {
        let asked = offer.get_ref().clone();
        self.commanding.offer_role(offer).await.expect("offered");
        let to = asked.staff.rsplit('/').next().expect("a name").to_owned();
        let accept = wire::AnswerRoleRequest {
            name: asked.name,
            role: asked.role,
            accept: true,
            ..Default::default()
        };
        let taken = self.commanding.answer_role(as_person(accept, "lake", &to));
        taken.await.expect("taken");
    }

    async fn gives(&self, incident: &str, by: &str, role: DutyRole, to: &str) {
        self.hand(as_person(offer(incident, role, to), "lake", by))
            .await;
    }

    /// A draft at the lake whose facts somebody checked.
    async fn checked(&self, incident: &str, kind: StatementKind, by: &str) -> Statement {
        let draft = words(kind, "我们正在核实。");
        let draft = self.draft(incident, draft, by).await;
        let check = self.say(&draft, ReviewStep::FactCheck, Verdict::Approve, "clerk");
        check.await.expect("checked")
    }

    async fn legal(&self, of: &Statement, by: &str) -> Result<Statement, Status> {
        self.say(of, ReviewStep::LegalReview, Verdict::Approve, by)
            .await
    }
}

/// That a review was refused since an author picked who gives it.
fn picked(refused: Result<Statement, Status>) -> Status {
    let refused = refused.expect_err("picked");
    assert_eq!(reason(&refused), "AUTHOR_REVIEWS");
    refused
}

#[tokio::test]
async fn whoever_takes_a_role_that_an_author_offered_does_not_review_i7() {
    let (world, incident) = public().await;
    let draft = world.draft(
        &incident,
        words(
            StatementKind::Holding,
            "我们正在核实，最迟今天18时再次通报。",
        ),
        "top",
    );
    let draft = draft.await;
    world.gives(&incident, "top", COUNSEL, "liaison").await;
    world.gives(&incident, "top", VOICE, "negotiator").await;
    let check = world.say(&draft, ReviewStep::FactCheck, Verdict::Approve, "onsite");
    check.await.expect("checked");
    // The commander wrote it and can appoint nobody: the duty lead hears of it too.
    let told: Vec<events::WorkNoticed> = world.published("redress.work.noticed.v1", "lake").await;
    let told = &told.last().expect("asked").staff;
    assert_eq!(*told, [staff("lake", "duty"), staff("lake", "top")]);
    let refused = picked(world.legal(&draft, "liaison").await);
    let says = ["offers the role", "written anew"];
    assert!(
        says.iter().all(|s| refused.message().contains(s)),
        "{refused}"
    );

    // What the refusal says to do: somebody else's word counts.
    world.gives(&incident, "duty", COUNSEL, "onsite").await;
    let refused = world.legal(&draft, "onsite").await;
    assert_eq!(reason(&refused.expect_err("checked it")), "FOUR_EYES");
    world.gives(&incident, "duty", COUNSEL, "counsel").await;
    world
        .legal(&draft, "counsel")
        .await
        .expect("the duty lead's word");
    let approve = async |by| {
        let step = ReviewStep::Approval;
        world.say(&draft, step, Verdict::Approve, by).await
    };
    picked(approve("negotiator").await);
    // Whom the roster puts first nobody picked.
    world.gives(&incident, "top", VOICE, "voice").await;
    approve("voice").await.expect("the roster's own");
}

#[tokio::test]
async fn another_who_writes_it_anew_has_it_reviewed_by_whom_the_commander_picked_i7() {
    let (world, incident) = public().await;
    world.gives(&incident, "top", COUNSEL, "liaison").await;
    let kind = StatementKind::Update;
    let own = world.checked(&incident, kind, "top").await;
    picked(world.legal(&own, "liaison").await);
    let anew = world.checked(&incident, kind, "author").await;
    world
        .legal(&anew, "liaison")
        .await
        .expect("no author's word");
}

#[tokio::test]
async fn who_was_put_there_by_an_author_puts_nobody_there_either_i7() {
    let (world, incident) = public().await;
    let draft = world.checked(&incident, StatementKind::Update, "top").await;
    world.gives(&incident, "top", COUNSEL, "liaison").await;
    let appoint = for_counsel(&world, &incident, "onsite");
    let appointed = world
        .statements
        .appoint_deputy(as_person(appoint, "lake", "liaison"));
    appointed.await.expect("holds the role");
    picked(world.legal(&draft, "onsite").await);
    world
        .gives(&incident, "liaison", COUNSEL, "negotiator")
        .await;
    picked(world.legal(&draft, "negotiator").await);
    // A command by an author's word gives no other.
    let command = DutyRole::TopLead;
    world.gives(&incident, "top", command, "duty").await;
    world
        .gives(&incident, "duty", COUNSEL, "second-voice")
        .await;
    picked(world.legal(&draft, "second-voice").await);
    // Nor does it overrule what somebody objects to in the author's text.
    let object = world.say(&draft, ReviewStep::LegalReview, Verdict::Object, "clerk");
    object.await.expect("anybody may");
    let overrule = world.say(&draft, ReviewStep::LegalReview, Verdict::Overrule, "duty");
    picked(overrule.await);
    // A deputy by an author's word who hands the role on.
    let (world, incident) = public().await;
    let draft = world.checked(&incident, StatementKind::Update, "top").await;
    let appoint = for_counsel(&world, &incident, "onsite");
    let appointed = world
        .statements
        .appoint_deputy(as_person(appoint, "lake", "top"));
    appointed.await.expect("commands");
    world.gives(&incident, "onsite", COUNSEL, "liaison").await;
    picked(world.legal(&draft, "liaison").await);
}

#[tokio::test]
async fn an_author_offers_nothing_under_another_account_i7() {
    let (world, incident) = public().await;
    let draft = world.checked(&incident, StatementKind::Update, "top").await;
    let other = as_staff(offer(&incident, COUNSEL, "liaison"), "lake", "top");
    world.hand(other).await;
    picked(world.legal(&draft, "liaison").await);
    // An offer of an older release names the account and the person, and the role that it gave.
    world
        .administer(
            "UPDATE crisis.incident_role SET givers = '[]';
             UPDATE crisis.incident_handover SET givers = NULL",
        )
        .await;
    world
        .legal(&draft, "liaison")
        .await
        .expect("nothing shows it");
    let (world, incident) = public().await;
    let draft = world.checked(&incident, StatementKind::Update, "top").await;
    let offered = as_staff(offer(&incident, COUNSEL, "liaison"), "lake", "top");
    world.commanding.offer_role(offered).await.expect("offered");
    world
        .administer("UPDATE crisis.incident_handover SET givers = NULL")
        .await;
    let accept = wire::AnswerRoleRequest {
        name: incident.clone(),
        role: COUNSEL.number(),
        accept: true,
        ..Default::default()
    };
    let accept = as_person(accept, "lake", "liaison");
    world.commanding.answer_role(accept).await.expect("taken");
    picked(world.legal(&draft, "liaison").await);
}

#[tokio::test]
async fn whoever_offered_before_they_wrote_a_version_picked_all_the_same_i7() {
    let (world, incident) = public().await;
    world.gives(&incident, "top", COUNSEL, "liaison").await;
    let draft = world
        .checked(&incident, StatementKind::Update, "author")
        .await;
    let given = world
        .legal(&draft, "liaison")
        .await
        .expect("no author's word");
    assert_eq!(given.due_step(), ReviewStep::Approval);
    let other = world.edit(&draft, "我们已到现场。", "top").await;
    other.expect("a draft");
    // The same words again: the fact check counts, and not what came of the author's pick.
    let back = world.edit(&draft, &draft.text, "author").await;
    let back = back.expect("a draft");
    assert_eq!(back.digest, draft.digest);
    assert_eq!(back.due_step(), ReviewStep::LegalReview);
    picked(world.legal(&back, "liaison").await);
}

#[tokio::test]
async fn a_role_that_came_with_a_merger_stays_by_whose_word_it_was_i7() {
    let world = World::new().await;
    let without: Vec<_> = FULL.iter().copied().filter(|d| d.0 != COUNSEL).collect();
    world
        .take([site_changed("lake"), duty_changed("lake", &without, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.4"]).event()])
        .await;
    let older = world.the_open("lake").await.name;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let younger = open
        .into_iter()
        .find(|i| i.name != older)
        .expect("two")
        .name;
    world.gives(&younger, "top", COUNSEL, "liaison").await;
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let shown = world.the_open("lake").await;
    let counsel = shown.roles.iter().find(|r| r.role == COUNSEL.number());
    assert_eq!(counsel.expect("there").staff, staff("lake", "liaison"));
    let draft = world.checked(&older, StatementKind::Update, "top").await;
    picked(world.legal(&draft, "liaison").await);
    let other = world.checked(&older, StatementKind::Update, "author").await;
    world
        .legal(&other, "liaison")
        .await
        .expect("no author's word");
}

#[tokio::test]
async fn whoever_links_incidents_brings_in_nobody_for_their_own_words_i7() {
    for by in ["top", "duty"] {
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
        // Somebody has the role in the incident that leads, and nowhere else.
        world.gives(&older, "duty", COUNSEL, "liaison").await;
        let link = wire::LinkIncidentRequest {
            name: older.clone(),
            led: younger.clone(),
            reason: "the same contractor".into(),
            ..Default::default()
        };
        let link = as_staff(link, "lake", by);
        world.commanding.link_incident(link).await.expect("linked");
        let draft = world.checked(&younger, StatementKind::Update, "top").await;
        let given = world.legal(&draft, "liaison").await;
        if by == "top" {
            picked(given);
            world
                .legal(&draft, "counsel")
                .await
                .expect("of this incident");
        } else {
            given.expect("no author's word");
        }
    }
}

#[tokio::test]
async fn the_command_shows_who_acts_for_a_role_and_until_when() {
    let (world, incident) = public().await;
    let appoint = for_counsel(&world, &incident, "onsite");
    let end = appoint.end_time;
    let appointed = world
        .statements
        .appoint_deputy(as_person(appoint, "lake", "top"));
    appointed.await.expect("commands");
    let command = async || {
        let get = wire::GetCommandRequest {
            name: incident.clone(),
        };
        let answer = world
            .commanding
            .get_command(as_caller(get, &["lake"]))
            .await;
        answer
            .expect("there is one")
            .into_inner()
            .command
            .expect("filled")
    };
    let shown = command().await;
    assert_eq!(shown.deputies.len(), 1);
    assert_eq!(shown.deputies[0].staff, staff("lake", "onsite"));
    assert_eq!(shown.deputies[0].end_time, end);
    let next = shown.roles.iter().find(|r| r.role == VOICE.number());
    assert_eq!(
        next.expect("there").deputies,
        [staff("lake", "second-voice")]
    );
    world.advance(2 * 60);
    assert!(command().await.deputies.is_empty(), "its time is over");
}

/// The fields that a refusal names.
fn fields(refused: &Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    assert_eq!(refused.code(), Code::InvalidArgument);
    let bad = refused.get_details_bad_request().expect("names them");
    bad.field_violations.into_iter().map(|v| v.field).collect()
}

#[tokio::test]
async fn a_statement_is_written_in_a_language_that_people_are_told_things_in() {
    let (world, incident) = public().await;
    let mut french = words(StatementKind::Update, "Nous sommes sur place.");
    for other in ["fr", "zh-TW", "en-US", "EN"] {
        french.language = other.into();
        let refused = world.try_draft(&incident, french.clone(), "author").await;
        let refused = refused.expect_err("nobody reads it");
        assert_eq!(fields(&refused), ["statement.language"], "{other}");
    }
    let draft = words(StatementKind::Update, "一");
    let draft = world.draft(&incident, draft, "author").await;
    let update = wire::UpdateStatementRequest {
        statement: Some(Statement {
            language: "fr".into(),
            ..draft.clone()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["language".into()],
        }),
        ..Default::default()
    };
    let refused = world
        .statements
        .update_statement(as_person(update, "lake", "author"));
    let refused = refused.await.expect_err("nobody reads it");
    assert_eq!(fields(&refused), ["statement.language"]);
}

#[tokio::test]
async fn an_update_asks_for_no_field_that_its_mask_does_not_name() {
    use redress_proto::codec::Checked as _;
    let (world, incident) = public().await;
    let draft = words(StatementKind::Update, "一");
    let draft = world.draft(&incident, draft, "author").await;
    let update = |text: &str, other: &str| wire::UpdateStatementRequest {
        statement: Some(Statement {
            name: draft.name.clone(),
            text: text.into(),
            language: other.into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["text".into()],
        }),
        ..Default::default()
    };
    let send = async |update: wire::UpdateStatementRequest| {
        assert!(update.check().is_ok(), "the contract asks for no more");
        let update = as_person(update, "lake", "author");
        let answer = world.statements.update_statement(update).await?;
        Ok::<_, Status>(answer.into_inner().statement.expect("filled"))
    };
    for other in ["", "no language"] {
        let text = format!("二{other}");
        let written = send(update(&text, other)).await.expect("the text alone");
        assert_eq!((written.text, written.language), (text, "zh-CN".into()));
    }
    // What the mask names keeps its rules.
    let long = "长".repeat(4_001);
    for wrong in ["", "\u{200b}", &long] {
        let refused = send(update(wrong, "")).await.expect_err("says nothing");
        assert_eq!(fields(&refused), ["statement.text"]);
    }
    let audience = wire::UpdateStatementRequest {
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["audience".into()],
        }),
        ..update("", "")
    };
    let refused = send(audience).await.expect_err("nobody");
    assert_eq!(fields(&refused), ["statement.audience"]);
    let nothing = wire::UpdateStatementRequest {
        statement: None,
        ..update("", "")
    };
    let refused = send(nothing).await.expect_err("no text");
    assert_eq!(fields(&refused), ["statement.text"]);
}
