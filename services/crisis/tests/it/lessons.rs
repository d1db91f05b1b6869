//! What a review teaches: proposed at the site, accepted by the organization, followed by the next incident (M01).

use redress_model::words::{DutyRole, Word as _};
use redress_policy::Playbook;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::lesson_service_server::LessonService as _;
use redress_proto::crisis::v1::playbook_service_server::PlaybookService as _;
use redress_proto::crisis::v1::{IncidentStage, Lesson, LessonKind, LessonState};
use tonic::{Code, Status};

use crate::aftermath::calm;
use crate::api::ask;
use crate::playbooks::as_organization;
use crate::world::*;

/// An incident that was stood down, by its number.
const ORIGIN: &str = "lake/I20260302-01";

async fn reviewed() -> (World, String) {
    let (world, incident) = calm().await;
    let ended = world.stand_down(&incident, "top").await;
    ended.expect("nothing keeps it");
    (world, incident)
}

pub(crate) fn task(key: &str) -> Lesson {
    Lesson {
        playbook: "quality-defect".into(),
        stage: IncidentStage::Outbreak.into(),
        kind: LessonKind::Task.into(),
        text: Some(wire::PlaybookText {
            zh_cn: "把图纸带到现场".into(),
            en: "Bring the plan to the site".into(),
            ..Default::default()
        }),
        key: key.into(),
        owner: DutyRole::DutyLead.number(),
        within: "1 hour".into(),
        reason: "nobody had it at hand".into(),
        ..Default::default()
    }
}

fn goal() -> Lesson {
    Lesson {
        kind: LessonKind::Goal.into(),
        key: String::new(),
        owner: 0,
        within: String::new(),
        ..task("")
    }
}

impl World {
    pub(crate) async fn propose(&self, incident: &str, lesson: Lesson) -> Result<Lesson, Status> {
        let request = wire::ProposeLessonRequest {
            parent: incident.into(),
            lesson: Some(lesson),
            request_id: String::new(),
        };
        let answer = self.lessons.propose_lesson(as_caller(request, &["lake"]));
        Ok(answer.await?.into_inner().lesson.expect("filled"))
    }

    async fn accept_lesson(&self, name: &str, request_id: &str) -> Result<Lesson, Status> {
        let request = wire::AcceptLessonRequest {
            name: name.into(),
            reason: "every site needs it".into(),
            request_id: request_id.into(),
            ..Default::default()
        };
        let answer = self.lessons.accept_lesson(as_organization(request));
        Ok(answer.await?.into_inner().lesson.expect("filled"))
    }

    async fn decline_lesson(&self, name: &str) -> Result<Lesson, Status> {
        let request = wire::DeclineLessonRequest {
            name: name.into(),
            reason: "the procedure has it".into(),
            ..Default::default()
        };
        let answer = self.lessons.decline_lesson(as_organization(request));
        Ok(answer.await?.into_inner().lesson.expect("filled"))
    }

    /// The playbook that holds at the site.
    async fn held(&self) -> wire::Playbook {
        let request = wire::GetPlaybookRequest {
            name: "sites/lake/playbooks/quality-defect".into(),
        };
        let got = self.playbooks.get_playbook(as_caller(request, &["lake"]));
        got.await
            .expect("shipped")
            .into_inner()
            .playbook
            .expect("filled")
    }
}

#[tokio::test]
async fn whoever_a_case_of_the_incident_complains_about_finds_no_lesson_of_it() {
    let (world, incident) = reviewed().await;
    let lesson = world.propose(&incident, task("bring-plan")).await;
    lesson.expect("fits");
    let found = async |who: &str, parent: &str| {
        let request = wire::ListLessonsRequest {
            parent: parent.into(),
            ..Default::default()
        };
        let listed = world.lessons.list_lessons(as_staff(request, "lake", who));
        listed.await.expect("listed").into_inner().lessons.len()
    };
    assert_eq!(found("voice", "sites/lake").await, 1);
    world
        .take([complains_about(&case("lake", 1), "voice", 2)])
        .await;
    for parent in ["sites/lake", "sites/-"] {
        assert_eq!(found("voice", parent).await, 0, "{parent}");
        assert_eq!(found("counsel", parent).await, 1, "{parent}");
    }
}

#[tokio::test]
async fn what_a_review_teaches_is_done_in_the_next_incident_and_says_where_it_comes_from_m01() {
    let (world, incident) = reviewed().await;
    let proposed = world
        .propose(&incident, task("bring-plan"))
        .await
        .expect("fits");
    assert_eq!(proposed.state(), LessonState::Proposed);
    assert_eq!(world.held().await.revision, 0, "nothing is decided yet");
    world.write(&incident, "").await.expect("written");
    let open = world.close(&incident).await.expect_err("undecided");
    assert!(
        open.message().contains("1 lessons are undecided"),
        "{}",
        open.message()
    );

    let accepted = world
        .accept_lesson(&proposed.name, "one")
        .await
        .expect("fits");
    assert_eq!(
        (accepted.state(), accepted.playbook_revision),
        (LessonState::Accepted, 1)
    );
    let again = world
        .accept_lesson(&proposed.name, "one")
        .await
        .expect("a repeat");
    assert_eq!(again, accepted, "once (I2)");
    let held = world.held().await;
    assert_eq!(held.revision, 1);
    assert_eq!(
        held.reason,
        format!("lesson of {ORIGIN}: nobody had it at hand")
    );
    let shipped = Playbook::document("quality-defect").expect("shipped");
    assert_eq!(
        held.document.lines().next(),
        shipped.lines().next(),
        "its comment stays"
    );
    assert_eq!(world.review(&incident).await.lessons, [accepted]);
    world.close(&incident).await.expect("decided");

    let next = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.5"]);
    world.take([next.at(world.now()).event()]).await;
    let plan = world.plan(&world.the_open("lake").await.name).await;
    assert_eq!(plan.playbook_revision, 1);
    let learned = plan
        .tasks
        .iter()
        .find(|t| t.key == "bring-plan")
        .expect("learned");
    assert_eq!(
        (learned.origin.as_str(), learned.owner),
        (ORIGIN, DutyRole::DutyLead.number())
    );
    assert!(
        plan.tasks
            .iter()
            .all(|t| t.key == "bring-plan" || t.origin.is_empty())
    );
}

#[tokio::test]
async fn a_goal_is_learned_as_well_and_a_lesson_is_declined_with_a_reason() {
    let (world, incident) = reviewed().await;
    let lesson = world.propose(&incident, goal()).await.expect("fits");
    let declined = world
        .propose(&incident, task("bring-plan"))
        .await
        .expect("fits");
    world.accept_lesson(&lesson.name, "").await.expect("fits");
    let declined = world.decline_lesson(&declined.name).await.expect("open");
    assert_eq!(declined.state(), LessonState::Declined);
    assert_eq!(
        (declined.decision.as_str(), declined.playbook_revision),
        ("the procedure has it", 0)
    );
    for twice in [
        world.accept_lesson(&declined.name, "").await,
        world.decline_lesson(&lesson.name).await,
    ] {
        assert_eq!(reason(&twice.expect_err("decided")), "LESSON_DECIDED");
    }
    let next = graded(&case("lake", 2), &cluster("lake", 2), 1, &["G1.5"]);
    world.take([next.at(world.now()).event()]).await;
    let plan = world.plan(&world.the_open("lake").await.name).await;
    assert_eq!(plan.goals.last().expect("learned").origin, ORIGIN);
    assert!(plan.tasks.iter().all(|t| t.key != "bring-plan"));
    let log = world.incident(&incident).await.log_entries;
    let text =
        "lesson task bring-plan for OUTBREAK of quality-defect is not taken: the procedure has it";
    assert!(log.iter().any(|e| e.text == text), "{log:#?}");
}

/// Makes a lesson wrong.
type Spoil = fn(&mut Lesson);

#[tokio::test]
async fn a_lesson_is_proposed_by_an_open_review_and_only_as_the_playbook_could_take_it() {
    let (world, incident) = calm().await;
    let early = world.propose(&incident, goal()).await.expect_err("open");
    assert_eq!(reason(&early), "NOT_STOOD_DOWN");
    world
        .stand_down(&incident, "top")
        .await
        .expect("nothing keeps it");
    let field = |status: Status| {
        use tonic_types::StatusExt as _;
        let bad = status.get_details_bad_request().expect("names it");
        bad.field_violations[0].field.clone()
    };
    let wrong: [(Spoil, &str); 8] = [
        (|l| l.key = "inspect".into(), "lesson.key"),
        (|l| l.key = "Bring it".into(), "lesson.key"),
        (|l| l.owner = DutyRole::Handler.number(), "lesson.owner"),
        (|l| l.owner = 0, "lesson.owner"),
        (|l| l.within = "soon".into(), "lesson.within"),
        (|l| l.within = "2 working hours".into(), "lesson.within"),
        (|l| l.kind = LessonKind::Goal.into(), "lesson.key"),
        (|l| l.text = None, "lesson.text.zh_cn"),
    ];
    for (change, named) in wrong {
        let stage = if named == "lesson.key" {
            IncidentStage::Latent
        } else {
            IncidentStage::Outbreak
        };
        let mut lesson = task("bring-plan");
        lesson.stage = stage.into();
        change(&mut lesson);
        let refused = world.propose(&incident, lesson).await.expect_err(named);
        assert_eq!(field(refused), named);
    }
    let unknown = Lesson {
        playbook: "nothing".into(),
        ..goal()
    };
    let unknown = world.propose(&incident, unknown).await;
    assert_eq!(unknown.expect_err("no such").code(), Code::NotFound);
    let list = wire::ListLessonsRequest {
        parent: "sites/lake".into(),
        ..Default::default()
    };
    let listed = world.lessons.list_lessons(as_caller(list, &["lake"])).await;
    assert!(
        listed.expect("listed").into_inner().lessons.is_empty(),
        "nothing half stored (I10)"
    );
}

#[tokio::test]
async fn two_lessons_accepted_at_once_are_both_learned_and_the_same_task_once() {
    let (world, incident) = reviewed().await;
    let first = world
        .propose(&incident, task("bring-plan"))
        .await
        .expect("fits");
    let second = world
        .propose(&incident, task("call-architect"))
        .await
        .expect("fits");
    let same = world
        .propose(&incident, task("bring-plan"))
        .await
        .expect("fits today");
    let (a, b) = tokio::join!(
        world.accept_lesson(&first.name, "a"),
        world.accept_lesson(&second.name, "b")
    );
    let mut revisions = [
        a.expect("fits").playbook_revision,
        b.expect("fits").playbook_revision,
    ];
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2]);
    let refused = world
        .accept_lesson(&same.name, "")
        .await
        .expect_err("learned");
    assert_eq!(reason(&refused), "LESSON_DOES_NOT_FIT");
    let held = Playbook::parse(&world.held().await.document).expect("right");
    let keys: Vec<&str> = held
        .stages
        .outbreak
        .tasks
        .iter()
        .map(|t| t.key.as_str())
        .collect();
    for key in ["bring-plan", "call-architect"] {
        assert_eq!(keys.iter().filter(|k| **k == key).count(), 1, "{keys:?}");
    }
}

#[tokio::test]
async fn only_who_acts_for_the_whole_organization_decides_i8() {
    let (world, incident) = reviewed().await;
    let lesson = world.propose(&incident, goal()).await.expect("fits");
    let accept = wire::AcceptLessonRequest {
        name: lesson.name.clone(),
        reason: "x".into(),
        ..Default::default()
    };
    let refused = world
        .lessons
        .accept_lesson(as_caller(accept, &["lake"]))
        .await;
    assert_eq!(
        refused.expect_err("one site").code(),
        Code::PermissionDenied
    );
    let decline = wire::DeclineLessonRequest {
        name: lesson.name.clone(),
        reason: "x".into(),
        ..Default::default()
    };
    let refused = world
        .lessons
        .decline_lesson(as_caller(decline, &["lake"]))
        .await;
    assert_eq!(
        refused.expect_err("one site").code(),
        Code::PermissionDenied
    );
    assert_eq!(world.held().await.revision, 0);
    // A stranger's list is empty, and the lesson is not there.
    for stranger in ["river", "organization"] {
        let accept = wire::AcceptLessonRequest {
            name: lesson.name.clone(),
            reason: "x".into(),
            ..Default::default()
        };
        let refused = world.lessons.accept_lesson(ask(stranger, accept)).await;
        assert_eq!(refused.expect_err(stranger).code(), Code::NotFound);
        let decline = wire::DeclineLessonRequest {
            name: lesson.name.clone(),
            reason: "x".into(),
            ..Default::default()
        };
        let refused = world.lessons.decline_lesson(ask(stranger, decline)).await;
        assert_eq!(refused.expect_err(stranger).code(), Code::NotFound);
        let propose = wire::ProposeLessonRequest {
            parent: incident.clone(),
            lesson: Some(goal()),
            request_id: "r".into(),
        };
        let refused = world.lessons.propose_lesson(ask(stranger, propose)).await;
        assert_eq!(refused.expect_err(stranger).code(), Code::NotFound);
        let list = wire::ListLessonsRequest {
            parent: "sites/-".into(),
            ..Default::default()
        };
        let listed = world.lessons.list_lessons(ask(stranger, list)).await;
        assert!(listed.expect("listed").into_inner().lessons.is_empty());
        for parent in ["sites/lake", "sites/nowhere"] {
            let list = wire::ListLessonsRequest {
                parent: parent.into(),
                ..Default::default()
            };
            let listed = world.lessons.list_lessons(ask(stranger, list)).await;
            assert_eq!(listed.expect_err(parent).code(), Code::NotFound);
        }
    }
}
