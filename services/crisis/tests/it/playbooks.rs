//! Playbooks: what is done in a stage, by whom, until when (M01).

use redress_model::words::{ClockKind, ClockTransition, DutyRole, Word as _};
use redress_policy::Playbook;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::incident_service_server::IncidentService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService;
use redress_proto::crisis::v1::{IncidentPlan, IncidentStage, TaskState};
use redress_proto::event::v1::IncidentTermsChanged;
use tonic::{Code, Request, Status};

use crate::statements::{VOICE, words};
use crate::world::*;

async fn opened(criterion: &str) -> (World, String) {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &[criterion]).event()])
        .await;
    let name = world.the_open("lake").await.name;
    (world, name)
}

fn shipped(name: &str) -> &'static Playbook {
    let found = Playbook::shipped().iter().find(|p| p.name == name);
    found.expect("shipped")
}

fn task<'p>(plan: &'p IncidentPlan, key: &str) -> &'p wire::IncidentTask {
    plan.tasks.iter().find(|t| t.key == key).expect("planned")
}

impl World {
    async fn done(&self, name: &str, task: &str) -> Result<IncidentPlan, Status> {
        let request = wire::CompleteTaskRequest {
            name: name.into(),
            task: task.into(),
            reference: "photo/3".into(),
            ..Default::default()
        };
        let answer = self.playbooks.complete_task(as_caller(request, &["lake"]));
        Ok(answer.await?.into_inner().plan.expect("filled"))
    }

    async fn skip(&self, name: &str, task: &str) -> Result<IncidentPlan, Status> {
        let request = wire::SkipTaskRequest {
            name: name.into(),
            task: task.into(),
            reason: "not here".into(),
            ..Default::default()
        };
        let answer = self.playbooks.skip_task(as_caller(request, &["lake"]));
        Ok(answer.await?.into_inner().plan.expect("filled"))
    }

    pub(crate) async fn answer(
        &self,
        name: &str,
        condition: &str,
        holds: bool,
    ) -> Result<IncidentPlan, Status> {
        let request = wire::AnswerConditionRequest {
            name: name.into(),
            condition: condition.into(),
            holds,
            reason: "seen".into(),
            ..Default::default()
        };
        let answer = self
            .playbooks
            .answer_condition(as_caller(request, &["lake"]));
        Ok(answer.await?.into_inner().plan.expect("filled"))
    }

    pub(crate) async fn change(
        &self,
        name: &str,
        playbook: &str,
        settings: &[(&str, &str)],
    ) -> Result<IncidentPlan, Status> {
        let request = wire::ChangeTermsRequest {
            name: name.into(),
            playbook: playbook.into(),
            settings: settings
                .iter()
                .map(|(field, value)| wire::IncidentSetting {
                    field: (*field).into(),
                    value: (*value).into(),
                })
                .collect(),
            reason: "it is in the papers".into(),
            ..Default::default()
        };
        let answer = self
            .playbooks
            .change_terms(as_person(request, "lake", "top"));
        Ok(answer.await?.into_inner().plan.expect("filled"))
    }

    async fn apply(&self, document: &str, request_id: &str) -> Result<wire::Playbook, Status> {
        let request = wire::ApplyPlaybookRequest {
            parent: "organizations/demo".into(),
            document: document.into(),
            reason: "lessons of November".into(),
            request_id: request_id.into(),
            ..Default::default()
        };
        let answer = self
            .playbooks
            .apply_playbook(as_organization(request))
            .await?;
        Ok(answer.into_inner().playbook.expect("filled"))
    }
}

/// A request of somebody who acts for all of the organization.
pub(crate) fn as_organization<T>(message: T) -> Request<T> {
    let mut request = as_caller(message, &[]);
    let caller = request
        .extensions_mut()
        .get_mut::<std::sync::Arc<redress_rpc::Caller>>();
    let caller = std::sync::Arc::get_mut(caller.expect("set")).expect("not shared yet");
    caller.organizations = vec!["demo".parse().expect("a slug")];
    request
}

#[tokio::test]
async fn an_incident_opens_with_the_tasks_of_its_playbook_each_with_owner_and_clock_m01() {
    let (world, name) = opened("G1.1").await;
    let plan = world.plan(&name).await;
    let playbook = shipped("group-protest");
    assert_eq!(
        (plan.playbook.as_str(), plan.playbook_revision),
        ("group-protest", 0)
    );
    assert_eq!(plan.stage(), IncidentStage::Outbreak);
    assert_eq!(plan.goals.len(), playbook.stages.outbreak.goals.len());
    assert_eq!(plan.tasks.len(), playbook.stages.outbreak.tasks.len());
    assert_eq!(plan.conditions.len(), playbook.stages.outbreak.exit.len());
    let secure = task(&plan, "secure-site");
    assert_eq!(secure.owner, DutyRole::OnSiteLead.number());
    assert_eq!(secure.staff, staff("lake", "onsite"));
    assert_eq!(secure.state(), TaskState::Open);
    let minutes = secure.due_time.expect("set").seconds - world.now().as_second();
    assert_eq!(minutes, 30 * 60);
    let started = world.clock_events("lake", ClockKind::PlaybookTask).await;
    assert_eq!(started.len(), plan.tasks.len());
}

#[tokio::test]
async fn a_task_that_nobody_does_warns_its_owner_breaches_and_climbs() {
    let (world, name) = opened("G1.1").await;
    world.advance(61);
    world.fire_due().await;
    let told = world.clock_events("lake", ClockKind::PlaybookTask).await;
    let of = |transition: ClockTransition| {
        told.iter()
            .filter(move |e| e.transition == transition.number())
            .flat_map(|e| e.notify.clone())
            .collect::<Vec<_>>()
    };
    assert!(of(ClockTransition::Breached).contains(&staff("lake", "onsite")));
    assert!(of(ClockTransition::Climbed).contains(&staff("lake", "duty")));
    assert!(of(ClockTransition::Climbed).contains(&staff("lake", "top")));
    world
        .done(&name, "secure-site")
        .await
        .expect("late is done");
    world.advance(600);
    world.fire_due().await;
    let clock = &told[0].clock;
    let after = world.clock_events("lake", ClockKind::PlaybookTask).await;
    let of_secure = after.iter().rfind(|e| e.clock == *clock);
    assert_eq!(
        of_secure.expect("told").transition,
        ClockTransition::Met.number()
    );
}

#[tokio::test]
async fn a_task_ends_once_done_or_skipped_with_a_reason() {
    let (world, name) = opened("G1.1").await;
    let plan = world.done(&name, "secure-site").await.expect("open");
    let done = task(&plan, "secure-site");
    assert_eq!((done.state(), done.actor.as_str()), (TaskState::Done, "li"));
    assert_eq!(done.reference, "photo/3");
    let before = world.the_open("lake").await;
    world
        .done(&name, "secure-site")
        .await
        .expect("a repeat succeeds");
    assert_eq!(world.the_open("lake").await, before, "and changes nothing");
    let refused = world.skip(&name, "secure-site").await.expect_err("done");
    assert_eq!(reason(&refused), "TASK_ENDED");
    let plan = world.skip(&name, "keep-evidence").await.expect("open");
    let skipped = task(&plan, "keep-evidence");
    assert_eq!(
        (skipped.state(), skipped.reason.as_str()),
        (TaskState::Skipped, "not here")
    );
    assert!(plan.gaps.iter().all(|g| g.name != "task/keep-evidence"));
    let missing = world
        .done(&name, "explain-change")
        .await
        .expect_err("of another stage");
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn a_stage_is_left_when_its_tasks_are_ended_and_its_conditions_hold_m01() {
    let (world, name) = opened("G1.1").await;
    for planned in &world.plan(&name).await.tasks {
        if !planned.optional {
            world.done(&name, &planned.key).await.expect("open");
        }
    }
    let others = |gap: &str| !gap.starts_with("task/") && !gap.starts_with("condition/");
    let refused = world
        .to_stage(&name, IncidentStage::Handling, others)
        .await
        .expect_err("nobody says that people are calm");
    for gap in ["condition/people-calm", "condition/way-out-seen"] {
        assert!(refused.message().contains(gap), "{}", refused.message());
    }
    world
        .answer(&name, "people-calm", true)
        .await
        .expect("known");
    world
        .answer(&name, "way-out-seen", true)
        .await
        .expect("known");
    let plan = world
        .answer(&name, "people-calm", false)
        .await
        .expect("known");
    assert!(plan.gaps.iter().any(|g| g.name == "condition/people-calm"));
    world
        .answer(&name, "people-calm", true)
        .await
        .expect("known");
    world
        .to_stage(&name, IncidentStage::Handling, others)
        .await
        .expect("completed");
    let plan = world.plan(&name).await;
    assert_eq!(
        plan.tasks.len(),
        shipped("group-protest").stages.handling.tasks.len()
    );
    assert!(plan.conditions.iter().all(|c| !c.holds));
    // The optional one that was left open does not stay behind with a clock.
    let told = world.clock_events("lake", ClockKind::PlaybookTask).await;
    assert!(
        told.iter()
            .any(|e| e.transition == ClockTransition::Cancelled.number())
    );
    let unknown = world
        .answer(&name, "people-calm", true)
        .await
        .expect_err("of the outbreak");
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn a_fall_back_begins_the_stage_anew_and_leaves_nothing_open_behind() {
    let (world, name) = opened("G1.1").await;
    world.done(&name, "secure-site").await.expect("open");
    world
        .answer(&name, "people-calm", true)
        .await
        .expect("known");
    world
        .to_stage(&name, IncidentStage::Handling, |_| true)
        .await
        .expect("waived");
    world.advance(60);
    world
        .to_stage(&name, IncidentStage::Outbreak, |_| false)
        .await
        .expect("falls back");
    let plan = world.plan(&name).await;
    assert!(plan.tasks.iter().all(|t| t.state() == TaskState::Open));
    assert!(plan.conditions.iter().all(|c| !c.holds));
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM crisis.incident_clock WHERE kind = 'PLAYBOOK_TASK' AND stop_time IS NULL",
    )
    .fetch_one(&world.database.admin)
    .await
    .expect("counts");
    assert_eq!(usize::try_from(open).expect("few"), plan.tasks.len());
}

#[tokio::test]
async fn a_suspicion_makes_no_tasks_until_it_is_confirmed() {
    let world = World::new().await;
    let (case, matter) = (case("lake", 1), cluster("lake", 1));
    world
        .take([graded(&case, &matter, 1, &["G1.8"]).provisional().event()])
        .await;
    let name = world.the_open("lake").await.name;
    assert!(world.plan(&name).await.tasks.is_empty());
    world
        .take([graded(&case, &matter, 1, &["G1.8"]).revision(2, 1).event()])
        .await;
    let plan = world.plan(&name).await;
    assert_eq!(
        plan.tasks.len(),
        shipped("danger-to-life").stages.outbreak.tasks.len()
    );
}

#[tokio::test]
async fn an_incident_that_goes_into_another_leaves_no_task_open_i6() {
    let (world, survivor) = opened("G1.1").await;
    world.advance(1);
    world
        .take([graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.2"])
            .at(world.now())
            .event()])
        .await;
    let younger = world.open("lake").await.remove(0).name;
    assert_ne!(younger, survivor);
    world
        .take([cluster_merged(
            &case("lake", 2),
            &cluster("lake", 2),
            &cluster("lake", 1),
        )])
        .await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT incident::text FROM crisis.incident_task WHERE state = 'OPEN'",
    )
    .fetch_all(&world.database.admin)
    .await
    .expect("reads");
    assert_eq!(open, [survivor.rsplit('/').next().expect("an id")]);
    assert!(running(&world.incident(&younger).await).is_empty());
}

#[tokio::test]
async fn an_organizations_playbook_holds_for_what_opens_and_not_for_what_is_open_p26() {
    let (world, name) = opened("G1.1").await;
    let document = Playbook::document("group-protest")
        .expect("shipped")
        .replace("within: 30 minutes", "within: 10 minutes");
    let applied = world.apply(&document, "one").await.expect("right");
    assert_eq!(applied.revision, 1);
    assert_eq!(applied.name, "organizations/demo/playbooks/group-protest");
    let again = world.apply(&document, "one").await.expect("repeated");
    assert_eq!(again.revision, 1, "a repeat adds nothing (I2)");
    let due = |plan: &IncidentPlan| {
        let task = task(plan, "secure-site");
        task.due_time.expect("set").seconds - task.start_time.expect("set").seconds
    };
    assert_eq!(
        due(&world.plan(&name).await),
        30 * 60,
        "frozen at its opening"
    );
    world
        .take([graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.1"]).event()])
        .await;
    let newer = world.open("lake").await;
    let newer = newer.iter().find(|i| i.name != name).expect("opened");
    let plan = world.plan(&newer.name).await;
    assert_eq!((due(&plan), plan.playbook_revision), (10 * 60, 1));
}

#[tokio::test]
async fn a_wrong_playbook_and_a_caller_of_one_site_change_nothing_i8() {
    let world = World::new().await;
    world.take([site_changed("lake")]).await;
    let refused = world.apply("playbook: Group Protest", "").await;
    assert_eq!(reason(&refused.expect_err("wrong")), "INVALID_PLAYBOOK");
    let request = wire::ApplyPlaybookRequest {
        parent: "organizations/demo".into(),
        document: Playbook::document("group-protest").expect("shipped").into(),
        reason: "x".into(),
        ..Default::default()
    };
    let refused = world
        .playbooks
        .apply_playbook(as_caller(request, &["lake"]));
    assert_eq!(refused.await.expect_err("one site").code(), Code::NotFound);
    let list = wire::ListPlaybooksRequest {
        parent: "sites/lake".into(),
    };
    let listed = world
        .playbooks
        .list_playbooks(as_caller(list, &["lake"]))
        .await;
    let listed = listed.expect("listed").into_inner().playbooks;
    assert!(
        listed.len() == 4
            && listed
                .iter()
                .all(|p| p.revision == 0 && p.document.is_empty())
    );
    let get = wire::GetPlaybookRequest {
        name: listed[0].name.clone(),
    };
    let got = world
        .playbooks
        .get_playbook(as_caller(get, &["lake"]))
        .await;
    let got = got.expect("listed").into_inner().playbook.expect("filled");
    assert_eq!(
        Playbook::parse(&got.document).expect("right").name,
        "danger-to-life"
    );
}

#[tokio::test]
async fn another_playbook_is_followed_visibly_and_only_its_tasks_stay() {
    let (world, name) = opened("G1.1").await;
    world.done(&name, "secure-site").await.expect("open");
    let plan = world
        .change(&name, "false-report", &[])
        .await
        .expect("shipped");
    assert_eq!(plan.playbook, "false-report");
    let open: Vec<&str> = plan
        .tasks
        .iter()
        .filter(|t| t.state() == TaskState::Open)
        .map(|t| t.key.as_str())
        .collect();
    let mut planned: Vec<&str> = shipped("false-report")
        .stages
        .outbreak
        .tasks
        .iter()
        .map(|t| t.key.as_str())
        .collect();
    planned.sort_unstable();
    let mut sorted = open.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, planned);
    assert_eq!(
        task(&plan, "secure-site").state(),
        TaskState::Done,
        "what was done stays"
    );
    let log = world.incident(&name).await.log_entries;
    let text = "playbook: group-protest r0 → false-report r0 (it is in the papers)";
    assert!(
        log.iter()
            .any(|e| e.text == text && e.actor == "account-top"),
        "{log:#?}"
    );
    let missing = world
        .change(&name, "nothing", &[])
        .await
        .expect_err("no such");
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn a_setting_changes_only_visibly_with_old_new_and_reason() {
    let (world, name) = opened("G1.1").await;
    let plan = world
        .change(&name, "", &[("inside_report.outbreak", "2 hours")])
        .await
        .expect("fits");
    let value = plan
        .settings
        .iter()
        .find(|s| s.field == "inside_report.outbreak");
    assert_eq!(value.expect("listed").value, "2 hours");
    let told: Vec<IncidentTermsChanged> = world
        .published("redress.incident.terms_changed.v1", "lake")
        .await;
    assert_eq!(told.len(), 1);
    let change = &told[0].changes[0];
    assert_eq!(
        (
            change.field.as_str(),
            change.old_value.as_str(),
            change.new_value.as_str()
        ),
        ("inside_report.outbreak", "4 hours", "2 hours")
    );
    assert_eq!(told[0].reason, "it is in the papers");
    // What was promised stays; what is promised next goes by it.
    let inside = ClockKind::InsideReport;
    assert_eq!(world.period(&name, inside).await, 4 * 60);
    world.report(&name, wire::UpdateAudience::Inside).await;
    assert_eq!(world.period(&name, inside).await, 2 * 60);
    world
        .change(&name, "", &[("inside_report.outbreak", "2 hours")])
        .await
        .expect("a repeat succeeds");
    assert_eq!(
        world
            .published::<IncidentTermsChanged>("redress.incident.terms_changed.v1", "lake")
            .await
            .len(),
        1
    );
    let refused = world
        .change(&name, "", &[("inside_report.outbreak", "soon")])
        .await;
    assert_eq!(
        refused.expect_err("no length").code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn a_cadence_that_is_set_takes_the_place_of_the_playbooks_rhythm() {
    let (world, name) = opened("G1.8").await;
    let (field, rhythm) = (
        "inside_report.outbreak",
        "1 hour, decay 150 %, floor 4 hours",
    );
    let in_force = |plan: &IncidentPlan| {
        let found = plan.settings.iter().find(|s| s.field == field);
        found.expect("listed").value.clone()
    };
    let told = async || {
        let told: Vec<IncidentTermsChanged> = world
            .published("redress.incident.terms_changed.v1", "lake")
            .await;
        let changes = told.into_iter().flat_map(|t| t.changes);
        let values = changes.map(|c| (c.field, c.old_value, c.new_value));
        values.collect::<Vec<_>>()
    };
    assert_eq!(in_force(&world.plan(&name).await), rhythm);
    let plan = world.change(&name, "", &[(field, "2 hours")]).await;
    assert_eq!(in_force(&plan.expect("fits")), "2 hours");
    let change = (field.to_owned(), rhythm.to_owned(), "2 hours".to_owned());
    assert_eq!(told().await, [change]);
    let log = world.incident(&name).await.log_entries;
    let text = format!("{field}: {rhythm} → 2 hours (it is in the papers)");
    assert!(log.iter().any(|e| e.text == text), "{log:#?}");

    // What was promised stays; each of the next goes by it, and none slows down.
    let inside = ClockKind::InsideReport;
    assert_eq!(world.period(&name, inside).await, 60);
    for _ in 0..3 {
        world.advance(30);
        world.report(&name, wire::UpdateAudience::Inside).await;
        assert_eq!(world.period(&name, inside).await, 2 * 60);
    }
    // So in every later visit of the stage.
    for stage in [IncidentStage::Handling, IncidentStage::Outbreak] {
        let moved = world.to_stage(&name, stage, |_| true).await;
        moved.expect("waived");
    }
    assert_eq!(world.period(&name, inside).await, 2 * 60);

    // The playbook, named again, brings its rhythm back; what the same call sets comes after it.
    let plan = world.change(&name, "danger-to-life", &[]).await;
    assert_eq!(in_force(&plan.expect("shipped")), rhythm);
    let back = (field.to_owned(), "2 hours".to_owned(), rhythm.to_owned());
    assert_eq!(told().await[1..], [back]);
    let plan = world
        .change(&name, "false-report", &[(field, "3 hours")])
        .await;
    assert_eq!(in_force(&plan.expect("shipped")), "3 hours");
    world.report(&name, wire::UpdateAudience::Inside).await;
    assert_eq!(world.period(&name, inside).await, 3 * 60);
}

#[tokio::test]
async fn an_open_incident_goes_by_what_it_froze_on_a_replica_that_is_configured_otherwise_p26() {
    let (world, name) = opened("G1.5").await;
    let other = world.replica_with(&[
        ("leader_contact", "30 minutes".into()),
        ("holding_statement", "10 minutes".into()),
        ("statement_quorum", 2.into()),
    ]);
    assert_eq!(
        other.plan(&name).await.settings,
        world.plan(&name).await.settings
    );
    let minutes = |incident: &wire::Incident, kind: ClockKind| {
        let found = clock(incident, kind);
        (found.due_time.expect("set").seconds - found.start_time.expect("set").seconds) / 60
    };
    // Whatever it promises from now on, and whatever it asks for.
    world.advance(1);
    let joins = graded(&case("lake", 2), &cluster("lake", 1), 1, &["G1.5"]).at(world.now());
    other.take([joins.event()]).await;
    let joined = other.the_open("lake").await;
    let started = other.clock_events("lake", ClockKind::LeaderContact).await;
    assert_eq!(started.len(), 2, "one for each");
    assert_eq!(minutes(&joined, ClockKind::LeaderContact), 2 * 60);
    let switch = wire::SwitchModeRequest {
        name: name.clone(),
        mode: wire::IncidentMode::Public.into(),
        reason: "cameras".into(),
        ..Default::default()
    };
    let switched = other.api.switch_mode(as_person(switch, "lake", "top"));
    let switched = switched.await.expect("switched").into_inner().incident;
    let switched = switched.expect("filled");
    assert_eq!(minutes(&switched, ClockKind::HoldingStatement), 60);
    let holding = words(wire::StatementKind::Holding, "我们正在核实。");
    let draft = other.draft(&name, holding, "author").await;
    other.approve_all(&draft).await;
    other.release(&draft, VOICE).await.expect("one is enough");

    // What opens there goes by that configuration, here too.
    let newer = graded(&case("lake", 3), &cluster("lake", 3), 1, &["G1.5"]).at(world.now());
    other.take([newer.event()]).await;
    let open = world.open("lake").await;
    let newer = open.iter().find(|i| i.name != name).expect("opened");
    assert_eq!(minutes(newer, ClockKind::LeaderContact), 30);
    let holding = words(wire::StatementKind::Holding, "我们正在核实。");
    let draft = world.draft(&newer.name, holding, "author").await;
    let read = world.approve_all(&draft).await;
    assert_eq!(read.due_step(), wire::ReviewStep::Approval, "two approve");
}

#[tokio::test]
async fn no_playbook_that_was_accepted_keeps_an_incident_from_opening() {
    let world = World::new().await;
    world
        .take([site_changed("lake"), duty_changed("lake", FULL, 1)])
        .await;
    let document = Playbook::document("group-protest")
        .expect("shipped")
        .replace("within: 30 minutes", "within: 3650 days")
        .replace("within: 1 hour", "within: 80000 hours");
    world.apply(&document, "").await.expect("right");
    world
        .take([graded(&case("lake", 1), &cluster("lake", 1), 1, &["G1.1"]).event()])
        .await;
    let plan = world.plan(&world.the_open("lake").await.name).await;
    assert_eq!(plan.playbook_revision, 1);
    assert!(task(&plan, "secure-site").due_time.is_some());
}
