//! Audience by stage: what was told to whom, how old it is, and what keeps an incident in its stage.

use redress_model::words::{ClockKind, DutyRole, Word as _};
use redress_proto::convert::to_timestamp;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::aftermath_service_server::AftermathService as _;
use redress_proto::crisis::v1::briefing_service_server::BriefingService as _;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::matrix_service_server::MatrixService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::{
    Audience, CellFill, IncidentStage, MatrixCell, StatementKind, TellMeans,
};
use redress_proto::event::v1 as events;
use tonic::{Code, Status};

use crate::statements::{VOICE, public, words};
use crate::world::*;

impl World {
    async fn matrix(&self, incident: &str) -> Result<wire::Matrix, Status> {
        let request = wire::GetMatrixRequest {
            name: incident.to_owned(),
        };
        let answer = self
            .matrices
            .get_matrix(as_caller(request, &["lake"]))
            .await?;
        Ok(answer.into_inner().matrix.expect("filled"))
    }

    pub(crate) async fn cell(
        &self,
        incident: &str,
        audience: Audience,
        stage: IncidentStage,
    ) -> MatrixCell {
        let matrix = self.matrix(incident).await.expect("there is one");
        let found = |c: &MatrixCell| (c.audience(), c.stage()) == (audience, stage);
        matrix
            .cells
            .into_iter()
            .find(found)
            .expect("every cell is there")
    }

    async fn missing(&self, incident: &str) -> Vec<Audience> {
        let matrix = self.matrix(incident).await.expect("there is one");
        let missing = matrix.cells.iter().filter(|c| c.missing);
        missing.map(MatrixCell::audience).collect()
    }

    async fn say_to(&self, incident: &str, audience: Audience) -> wire::Statement {
        let statement = wire::Statement {
            audience: audience.into(),
            ..words(StatementKind::Update, "我们在现场。")
        };
        let draft = self.draft(incident, statement, "author").await;
        self.approve_all(&draft).await;
        self.release(&draft, VOICE).await.expect("released");
        draft
    }

    /// Tells outward what stands already, or that nothing is new.
    async fn outward(
        &self,
        incident: &str,
        reference: &str,
        nothing_new: bool,
    ) -> Result<wire::RecordUpdateResponse, Status> {
        let request = wire::RecordUpdateRequest {
            name: incident.to_owned(),
            audience: wire::UpdateAudience::Outward.into(),
            reference: reference.to_owned(),
            nothing_new,
            ..Default::default()
        };
        let answer = self.api.record_update(as_person(request, "lake", "duty"));
        Ok(answer.await?.into_inner())
    }

    /// Tells inside or outward that there is news.
    pub(crate) async fn report(&self, incident: &str, audience: wire::UpdateAudience) {
        let request = wire::RecordUpdateRequest {
            name: incident.to_owned(),
            audience: audience.into(),
            reference: "report 7".into(),
            ..Default::default()
        };
        let done = self
            .api
            .record_update(as_person(request, "lake", "duty"))
            .await;
        done.expect("recorded");
    }
}

#[tokio::test]
async fn the_matrix_shows_what_was_told_to_whom_and_how_old_it_is() {
    let (world, incident) = public().await;
    use Audience::{Affected, Media, Public, Staff};
    assert_eq!(
        world.missing(&incident).await,
        [Affected, Public, Media, Staff]
    );
    let said = world.say_to(&incident, Affected).await;
    world.report(&incident, wire::UpdateAudience::Inside).await;
    world.advance(90);
    let cell = world
        .cell(&incident, Affected, IncidentStage::Outbreak)
        .await;
    assert_eq!((cell.count, cell.means()), (1, TellMeans::Statement));
    assert_eq!(cell.reference, said.name);
    assert_eq!(cell.age.expect("told").seconds, 90 * 60);
    let cell = world.cell(&incident, Staff, IncidentStage::Outbreak).await;
    assert_eq!(
        (cell.means(), cell.reference.as_str()),
        (TellMeans::Update, "report 7")
    );
    let untouched = world
        .cell(&incident, Affected, IncidentStage::Handling)
        .await;
    assert!(untouched.count == 0 && untouched.age.is_none() && !untouched.missing);
    assert_eq!(world.missing(&incident).await, [Public, Media]);
}

#[tokio::test]
async fn a_stage_does_not_end_before_everybody_concerned_was_told_or_it_is_waived() {
    let (world, incident) = public().await;
    let move_on = async |waived: &[&str]| {
        let waiver = |gap: &&str| wire::GateWaiver {
            gap: (*gap).to_owned(),
            reason: "the paper asks nothing".into(),
        };
        let request = wire::MoveStageRequest {
            name: incident.clone(),
            stage: IncidentStage::Handling.into(),
            reason: "as decided".into(),
            waivers: waived.iter().map(waiver).collect(),
            ..Default::default()
        };
        world
            .api
            .move_stage(as_person(request, "lake", "top"))
            .await
    };
    let holding = words(StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&incident, holding, "author").await;
    world.approve_all(&draft).await;
    world.release(&draft, VOICE).await.expect("to the public");
    world.say_to(&incident, Audience::Affected).await;
    let refused = move_on(&[])
        .await
        .expect_err("the press and staff were told nothing");
    assert_eq!(reason(&refused), "STAGE_NOT_READY");
    let names = |gap: &str| refused.message().contains(gap);
    assert!(
        names("audience/MEDIA") && names("audience/STAFF"),
        "{refused:?}"
    );
    assert!(
        !names("audience/AFFECTED") && !names("audience/PUBLIC"),
        "{refused:?}"
    );
    world.report(&incident, wire::UpdateAudience::Inside).await;
    world.play_through(&incident).await;
    move_on(&["audience/MEDIA"]).await.expect("told or waived");
    // The next stage asks anew.
    let missing = world.missing(&incident).await;
    assert_eq!(
        missing,
        [Audience::Affected, Audience::Public, Audience::Staff]
    );
}

#[tokio::test]
async fn what_a_merged_incident_had_told_counts_in_the_one_that_stays() {
    let (world, older) = public().await;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let younger = open.into_iter().find(|i| i.name != older).expect("two");
    let said = world.say_to(&younger.name, Audience::Affected).await;
    let missing = world.missing(&older).await;
    assert!(missing.contains(&Audience::Affected), "it told nobody");
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let cell = world
        .cell(&older, Audience::Affected, IncidentStage::Outbreak)
        .await;
    assert_eq!((cell.count, cell.reference.clone()), (1, said.name));
    // Of the older one's own people nobody has heard anything.
    assert_eq!(
        (cell.reached_count, cell.audience_size, cell.fill()),
        (1, 2, CellFill::Partly)
    );
    assert!(world.missing(&older).await.contains(&Audience::Affected));
    world.say_to(&older, Audience::Affected).await;
    assert!(!world.missing(&older).await.contains(&Audience::Affected));
    let gaps = world.plan(&older).await.gaps;
    assert!(gaps.iter().all(|gap| gap.name != "audience/AFFECTED"));
    assert!(gaps.iter().any(|gap| gap.name == "audience/MEDIA"));
}

/// An incident about a crowd, in private mode, and how far its people are reached in its first stage.
async fn about(people: i32) -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let mut graded = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]);
    graded.payload.complainants = people;
    graded.payload.cluster_complainants = people;
    world.take([graded.event()]).await;
    let incident = world.the_open("lake").await.name;
    (world, incident)
}

#[tokio::test]
async fn one_call_and_an_empty_meeting_do_not_tell_thirty_five_people_and_who_comes_does() {
    let (world, incident) = about(35).await;
    let reached = async || {
        let cell = world
            .cell(&incident, Audience::Affected, IncidentStage::Outbreak)
            .await;
        let gaps = world.plan(&incident).await.gaps;
        let gap = gaps.into_iter().find(|gap| gap.name == "audience/AFFECTED");
        assert_eq!(cell.missing, gap.is_some(), "what is missing is a gap");
        let figures = (cell.reached_count, cell.audience_size, cell.fill());
        (figures, gap.map(|gap| gap.text).unwrap_or_default())
    };
    let ((people, of, fill), gap) = reached().await;
    assert_eq!((people, of, fill), (0, 35, CellFill::Nothing));
    assert_eq!(gap, "was told nothing in this stage");
    world
        .take([contact(&case("lake", 1), "duty", world.now())])
        .await;
    let ((people, of, fill), gap) = reached().await;
    assert_eq!((people, of, fill), (1, 35, CellFill::Partly));
    assert_eq!(gap, "1 of 35 were reached in this stage, 80 % have to be");
    for (attendance, people, fill) in [
        (0, 1, CellFill::Partly),
        (27, 27, CellFill::Partly),
        (28, 28, CellFill::Filled),
    ] {
        // Each in its week.
        world.advance(7 * 24 * 60);
        let list = wire::ListBriefingsRequest {
            parent: incident.clone(),
            state: wire::BriefingState::Planned.into(),
            ..Default::default()
        };
        let planned = world.briefings.list_briefings(as_caller(list, &["lake"]));
        let planned = planned.await.expect("listed").into_inner();
        let request = wire::HoldBriefingRequest {
            name: planned.briefings[0].name.clone(),
            attendance,
            staff: vec![staff("lake", "onsite")],
            ..Default::default()
        };
        let held = world.briefings.hold_briefing(as_caller(request, &["lake"]));
        held.await.expect("held");
        assert_eq!(reached().await.0, (people, 35, fill), "{attendance} came");
    }
    // The share is of the incident's terms, and changed by the commander alone.
    let request = wire::ChangeTermsRequest {
        name: incident.clone(),
        settings: vec![wire::IncidentSetting {
            field: "reach_percent".into(),
            value: "100".into(),
        }],
        reason: "everybody lost the water".into(),
        ..Default::default()
    };
    let request = as_person(request, "lake", "top");
    world.playbooks.change_terms(request).await.expect("theirs");
    assert_eq!(reached().await.0, (28, 35, CellFill::Partly));
    world.say_to(&incident, Audience::Affected).await;
    assert_eq!(reached().await.0, (35, 35, CellFill::Filled));
}

#[tokio::test]
async fn whom_a_statement_did_not_reach_has_not_been_told_in_whatever_order_the_news_come_i3() {
    let (world, incident) = about(4).await;
    let said = world.say_to(&incident, Audience::Affected).await;
    let news = |message: u128, state: &str, minutes: i64| {
        let payload = events::MessageChanged {
            message: format!("sites/lake/messages/{}", uuid::Uuid::from_u128(message)),
            template: "statement.published".into(),
            case: case("lake", 1).to_string(),
            incident: incident.clone(),
            state: state.into(),
            change_time: Some(to_timestamp(
                world.now() + jiff::SignedDuration::from_mins(minutes),
            )),
            statement: said.name.clone(),
            ..Default::default()
        };
        let kind = "redress.message.changed.v1";
        event("notification", kind, "lake", incident.clone(), &payload)
    };
    let reached = async || {
        let cell = world.cell(&incident, Audience::Affected, IncidentStage::Outbreak);
        let cell = cell.await;
        (cell.reached_count, cell.audience_size, cell.fill())
    };
    assert_eq!(reached().await, (4, 4, CellFill::Filled));
    let before = world.watched(&incident, "").await;
    world.take([news(1, "SENT", 1), news(2, "FAILED", 2)]).await;
    assert_eq!(reached().await, (3, 4, CellFill::Partly));
    // Whoever watches sees it at once.
    let shown = world.watched(&incident, &before.resume_token).await;
    let cells = shown.room.expect("a room").cells;
    let affected = cells.iter().find(|c| c.audience() == Audience::Affected);
    assert_eq!(affected.expect("a cell").reached_count, 3);
    world.take([news(1, "BOUNCED", 3)]).await;
    assert_eq!(reached().await, (2, 4, CellFill::Partly));
    // Sent again, and read; what was known before comes late.
    world
        .take([news(1, "READ", 5), news(1, "BOUNCED", 4)])
        .await;
    assert_eq!(reached().await, (3, 4, CellFill::Partly));
    world.take([news(2, "SENT", 9), news(2, "FAILED", 9)]).await;
    assert_eq!(reached().await, (4, 4, CellFill::Filled));
}

#[tokio::test]
async fn who_joins_after_a_statement_has_not_been_told() {
    let (world, incident) = about(12).await;
    world.say_to(&incident, Audience::Affected).await;
    let cell = async || {
        let cell = world.cell(&incident, Audience::Affected, IncidentStage::Outbreak);
        let cell = cell.await;
        (cell.reached_count, cell.audience_size, cell.fill())
    };
    assert_eq!(cell().await, (12, 12, CellFill::Filled));
    // As a new case, and with a case that was there.
    let mut joins = graded(&case("lake", 2), &cluster("lake", 1), 1, &["G1.5"]).at(world.now());
    joins.payload.complainants = 23;
    world.take([joins.event()]).await;
    assert_eq!(cell().await, (12, 35, CellFill::Partly));
    let mut grows = graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.5"]).revision(2, 1);
    grows.payload.complainants = 20;
    world.take([grows.at(world.now()).event()]).await;
    assert_eq!(cell().await, (12, 43, CellFill::Partly));
    world.say_to(&incident, Audience::Affected).await;
    assert_eq!(cell().await, (43, 43, CellFill::Filled));
}

#[tokio::test]
async fn whoever_was_told_was_told_when_a_gap_was_waived_and_the_incident_has_ended_too() {
    let (world, incident) = crate::aftermath::calm().await;
    let cell = async || {
        let cell = world
            .cell(&incident, Audience::Affected, IncidentStage::Aftermath)
            .await;
        (cell.reached_count, cell.audience_size, cell.missing)
    };
    let told = cell().await;
    assert!(told.0 > 0 && !told.2, "{told:?}");
    let plan = world.plan(&incident).await;
    let condition = &plan.conditions[0].key;
    world
        .answer(&incident, condition, false)
        .await
        .expect("of the stage");
    let request = wire::StandDownRequest {
        name: incident.clone(),
        reason: "everybody accepted".into(),
        waivers: vec![wire::GateWaiver {
            gap: format!("condition/{condition}"),
            reason: "as the region says".into(),
        }],
        ..Default::default()
    };
    world.advance(5);
    let ended = world
        .aftermath
        .stand_down(as_person(request, "lake", "top"));
    ended.await.expect("calm");
    assert_eq!(cell().await, told);
}

#[tokio::test]
async fn what_goes_out_rests_upon_a_statement_that_stands_and_is_no_news_i7() {
    let (world, incident) = public().await;
    let refused = async |reference: &str| {
        let refused = world.outward(&incident, reference, false).await;
        let refused = refused.expect_err("rests upon nothing");
        assert_eq!(reason(&refused), "UPDATE_WITHOUT_STATEMENT", "{reference}");
    };
    refused("wechat/12").await;
    let unapproved = words(StatementKind::Update, "我们在核实。");
    let unapproved = world.draft(&incident, unapproved, "author").await;
    refused(&unapproved.name).await;
    let inside = world.say_to(&incident, Audience::Staff).await;
    refused(&inside.name).await;
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let open = world.open("lake").await;
    let other = open.into_iter().find(|i| i.name != incident).expect("two");
    let theirs = world.say_to(&other.name, Audience::Public).await;
    refused(&theirs.name).await;

    // What stands is told again: an update, and nothing new.
    let said = world.say_to(&incident, Audience::Affected).await;
    for times in 1..=2 {
        world.advance(30);
        let told = world.outward(&incident, &said.name, false).await;
        assert!(told.expect("told again").words.is_empty());
        let tasks = world.plan(&incident).await.tasks;
        let asked = tasks.iter().any(|t| t.key.starts_with("check-outward-"));
        assert_eq!(asked, times == 2, "two in a row ask for a check");
    }
    let cell = world
        .cell(&incident, Audience::Affected, IncidentStage::Outbreak)
        .await;
    assert_eq!(
        (cell.count, cell.means()),
        (1, TellMeans::Statement),
        "nobody was sent anything again"
    );
    assert_eq!(cell.reference, said.name);
    let missing = world.missing(&incident).await;
    assert!(missing.contains(&Audience::Public), "it spoke to others");

    let newer = wire::Statement {
        audience: Audience::Affected.into(),
        supersedes: said.name.clone(),
        ..words(StatementKind::Update, "我们已到现场。")
    };
    let newer = world.draft(&incident, newer, "author").await;
    world.approve_all(&newer).await;
    world.release(&newer, VOICE).await.expect("supersedes");
    refused(&said.name).await;

    // What a merged incident published stands for the one that stays.
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    let told = world.outward(&incident, &theirs.name, false).await;
    told.expect("it is ours now");
}

#[tokio::test]
async fn that_nothing_is_new_goes_out_in_the_shipped_words_and_closes_no_gap_i7() {
    let (world, incident) = public().await;
    let missing = world.missing(&incident).await;
    let told = world.outward(&incident, "wechat/12", true).await;
    let told = told.expect("needs no statement");
    let said = told.words.iter().map(|w| (&*w.language, &*w.text));
    let said: Vec<(&str, &str)> = said.collect();
    assert_eq!(said, redress_crisis::domain::statement::NOTHING_NEW);
    let log = told.incident.expect("filled").log_entries;
    let noted = log.iter().find(|e| e.reference == "wechat/12");
    let noted = &noted.expect("in the log").text;
    assert!(said.iter().all(|(_, text)| noted.contains(text)), "{noted}");
    assert_eq!(world.missing(&incident).await, missing, "nobody was told");
}

#[tokio::test]
async fn those_concerned_are_told_once_a_leader_spoke_with_each_of_them_m01() {
    for criterion in ["G1.5", "G1.4"] {
        let world = World::new().await;
        world
            .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
            .await;
        for n in [1, 2] {
            let graded = graded(&case("lake", n), &cluster("lake", 1), 1, &[criterion]);
            world.take([graded.event()]).await;
        }
        let incident = world.the_open("lake").await.name;
        world.advance(10);
        let spoke = contact(&case("lake", 1), "duty", world.now());
        world.take([spoke]).await;
        let missing = world.missing(&incident).await;
        assert!(missing.contains(&Audience::Affected), "{criterion}: one");
        let spoke = contact(&case("lake", 2), "duty", world.now());
        world.take([spoke]).await;
        let missing = world.missing(&incident).await;
        assert!(!missing.contains(&Audience::Affected), "{criterion}: both");
        let cell = world
            .cell(&incident, Audience::Affected, IncidentStage::Outbreak)
            .await;
        assert_eq!((cell.count, cell.means()), (2, TellMeans::Contact));

        // The next stage asks anew.
        let waived = world.to_stage(&incident, IncidentStage::Handling, |_| true);
        waived.await.expect("waived");
        for (n, told) in [(1, false), (2, true)] {
            world.advance(10);
            let spoke = contact(&case("lake", n), "duty", world.now());
            world.take([spoke]).await;
            let missing = world.missing(&incident).await;
            assert_eq!(!missing.contains(&Audience::Affected), told, "{criterion}");
        }
    }
}

#[tokio::test]
async fn another_site_sees_no_matrix_i8() {
    let (world, incident) = public().await;
    let request = wire::GetMatrixRequest { name: incident };
    let refused = world
        .matrices
        .get_matrix(as_caller(request, &["hill"]))
        .await;
    assert_eq!(refused.expect_err("foreign").code(), Code::NotFound);
}

/// The task by which a statement is brought to its authority.
fn bringing(statement: &wire::Statement) -> String {
    let id = statement.name.rsplit('/').next().expect("an id");
    format!("bring-{id}")
}

impl World {
    /// The task by which a statement is brought, in the present stage.
    async fn brought(
        &self,
        incident: &str,
        statement: &wire::Statement,
    ) -> Option<wire::IncidentTask> {
        let tasks = self.plan(incident).await.tasks;
        let key = bringing(statement);
        tasks.into_iter().find(|t| t.key == key)
    }

    async fn bring(&self, incident: &str, statement: &wire::Statement) {
        let done = wire::CompleteTaskRequest {
            name: incident.to_owned(),
            task: bringing(statement),
            reference: "the housing authority, by hand".into(),
            ..Default::default()
        };
        let done = self.playbooks.complete_task(as_caller(done, &["lake"]));
        done.await.expect("open");
    }
}

#[tokio::test]
async fn an_authority_was_told_once_somebody_brought_it_its_statement_and_not_before_i7() {
    let (world, incident) = public().await;
    world.advance(10);
    let outward = async || clock(&world.incident(&incident).await, ClockKind::OutwardUpdate);
    let before = outward().await;
    let said = world.say_to(&incident, Audience::Authorities).await;
    assert_eq!(outward().await, before, "no update: nobody has it");
    let cell = async || {
        let stage = IncidentStage::Outbreak;
        world.cell(&incident, Audience::Authorities, stage).await
    };
    assert_eq!(cell().await.count, 0);
    let refused = world.outward(&incident, &said.name, false).await;
    let refused = refused.expect_err("nobody has it to be told again");
    assert_eq!(reason(&refused), "UPDATE_WITHOUT_STATEMENT");
    let task = world.brought(&incident, &said).await.expect("asked for");
    assert_eq!(task.state(), wire::TaskState::Open);
    assert_eq!(task.owner, DutyRole::DutyLead.number());

    world.advance(20);
    world.bring(&incident, &said).await;
    let told = cell().await;
    assert_eq!(
        (told.count, told.means(), told.reference),
        (1, TellMeans::Statement, said.name)
    );
    assert_eq!(told.age.expect("told").seconds, 0, "when it was brought");
    assert_eq!(outward().await, before);
}

#[tokio::test]
async fn what_nobody_brought_is_asked_for_where_the_matter_goes_on_and_not_once_it_is_superseded() {
    let (world, incident) = public().await;
    let moved = async |stage| world.to_stage(&incident, stage, |_| true).await;
    moved(IncidentStage::Handling).await.expect("waived");
    let said = world.say_to(&incident, Audience::Authorities).await;
    let open = async |of: &wire::Statement| {
        let task = world.brought(&incident, of).await;
        task.is_some_and(|t| t.state() == wire::TaskState::Open)
    };
    assert!(open(&said).await);
    moved(IncidentStage::Outbreak).await.expect("falls back");
    assert!(open(&said).await, "in the new visit");
    let another = world.change(&incident, "false-report", &[]).await;
    another.expect("shipped");
    assert!(open(&said).await, "of no playbook");

    let newer = wire::Statement {
        audience: Audience::Authorities.into(),
        supersedes: said.name.clone(),
        ..words(StatementKind::Update, "我们仍在现场。")
    };
    let newer = world.draft(&incident, newer, "author").await;
    world.approve_all(&newer).await;
    world.release(&newer, VOICE).await.expect("released");
    assert!(!open(&said).await && open(&newer).await);

    // Of two incidents that become one, the one that stays brings it.
    world.advance(5);
    let second = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.4"]);
    world.take([second.at(world.now()).event()]).await;
    let all = world.open("lake").await;
    let younger = all.into_iter().find(|i| i.name != incident).expect("two");
    let theirs = world.say_to(&younger.name, Audience::Authorities).await;
    let (from, into) = (cluster("lake", 2), cluster("lake", 1));
    world
        .take([cluster_merged(&case("lake", 2), &from, &into)])
        .await;
    assert!(open(&theirs).await && open(&newer).await);
    world.bring(&incident, &theirs).await;
    let stage = IncidentStage::Outbreak;
    let cell = world.cell(&incident, Audience::Authorities, stage).await;
    assert_eq!((cell.count, cell.reference), (1, theirs.name));

    // What a completed stage leaves unbrought is waived by name, and asked for no more.
    moved(IncidentStage::Handling).await.expect("waived");
    assert!(world.brought(&incident, &newer).await.is_none());
}
