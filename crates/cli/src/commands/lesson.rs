//! `redress incident lesson`: what reviews teach the playbooks.

use clap::Subcommand;
use redress_model::words::DutyRole;
use redress_proto::crisis::v1::{
    AcceptLessonRequest, DeclineLessonRequest, IncidentStage, Lesson, LessonKind, LessonState,
    ListLessonsRequest, PlaybookText, ProposeLessonRequest,
};

use super::incident::{find, stage_number};
use super::playbook::both;
use super::{choice, number, spelled, word};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, line, when};

/// Subcommands of `incident lesson`.
#[derive(Debug, Subcommand)]
pub(crate) enum LessonCommand {
    /// Propose what the review of an incident teaches a playbook: a task, or with no --task a goal.
    #[command(
        after_help = "Examples:\n  redress incident lesson propose lakeside/I20261121-01 --playbook group-protest --stage OUTBREAK --task bring-plan --owner DUTY_LEAD --within '1 hour' --zh 把图纸带到现场 --en 'Bring the plan to the site' --reason 'nobody had it at the gate'\n  redress incident lesson propose lakeside/I20261121-01 --playbook group-protest --stage LATENT --zh 变更先公示 --en 'Show a change before it is made' --reason 'the owners heard it from the builder'"
    )]
    Propose {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// The playbook.
        #[arg(long)]
        playbook: String,
        /// Its stage.
        #[arg(long)]
        stage: String,
        /// The task's name within the stage, for example bring-plan.
        #[arg(long, value_name = "KEY", requires_all = ["owner", "within"])]
        task: Option<String>,
        /// The role that does the task.
        #[arg(long, value_name = "ROLE", requires = "task")]
        owner: Option<String>,
        /// How long it may take from entering the stage on.
        #[arg(long, value_name = "LENGTH", requires = "task")]
        within: Option<String>,
        /// The stage may be left with the task open.
        #[arg(long, requires = "task")]
        optional: bool,
        /// The goal, or the title of the task, in Chinese.
        #[arg(long, value_name = "TEXT")]
        zh: String,
        /// The same in English.
        #[arg(long, value_name = "TEXT")]
        en: String,
        /// What happened that teaches it.
        #[arg(long)]
        reason: String,
    },
    /// List lessons, newest first.
    #[command(
        after_help = "Examples:\n  redress incident lesson list --state PROPOSED\n  redress incident lesson list --site lakeside"
    )]
    List {
        /// Site; every one of the token's where none is given.
        #[arg(long)]
        site: Option<String>,
        /// PROPOSED, ACCEPTED or DECLINED.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Take a lesson into the organization's playbook. Incidents that open from now on have it.
    #[command(
        after_help = "Example:\n  redress incident lesson accept sites/lakeside/lessons/ID --reason 'every site needs it'"
    )]
    Accept {
        /// The lesson, `sites/{site}/lessons/{lesson}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Decide that a lesson is not taken.
    #[command(
        after_help = "Example:\n  redress incident lesson decline sites/lakeside/lessons/ID --reason 'the procedure has it'"
    )]
    Decline {
        /// The lesson, `sites/{site}/lessons/{lesson}`.
        name: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: LessonCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.lessons();
    let request_id = request_id();
    let lesson = match command {
        LessonCommand::Propose {
            name,
            playbook,
            stage,
            task,
            owner,
            within,
            optional,
            zh,
            en,
            reason,
        } => {
            let kind = match task {
                Some(_) => LessonKind::Task,
                None => LessonKind::Goal,
            };
            let owner = owner.map(|o| number::<DutyRole>("owner", &o)).transpose()?;
            let propose = ProposeLessonRequest {
                parent: find(platform, name).await?,
                lesson: Some(Lesson {
                    playbook,
                    stage: stage_number(&stage)?,
                    kind: kind.into(),
                    text: Some(PlaybookText {
                        zh_cn: zh,
                        en,
                        ..Default::default()
                    }),
                    key: task.unwrap_or_default(),
                    owner: owner.unwrap_or(0),
                    within: within.unwrap_or_default(),
                    optional,
                    reason,
                    ..Default::default()
                }),
                request_id,
            };
            let answer = client.propose_lesson(request(propose)).await?;
            answer.into_inner().lesson
        }
        LessonCommand::List {
            site,
            state,
            paging,
        } => {
            let state = state.map(|s| state_number(&s)).transpose()?.unwrap_or(0);
            let parent = parent(site.as_deref());
            let lessons = all_pages(paging.limit, |page_size, page_token| {
                let list = ListLessonsRequest {
                    parent: parent.clone(),
                    state,
                    page_size,
                    page_token,
                };
                let mut client = client.clone();
                async move {
                    let answer = client.list_lessons(request(list)).await?.into_inner();
                    Ok((answer.lessons, answer.next_page_token))
                }
            });
            show_all(&lessons.await?, out);
            return Ok(());
        }
        LessonCommand::Accept { name, reason } => {
            let accept = AcceptLessonRequest {
                name,
                reason,
                etag: String::new(),
                request_id,
            };
            let answer = client.accept_lesson(request(accept)).await?;
            answer.into_inner().lesson
        }
        LessonCommand::Decline { name, reason } => {
            let decline = DeclineLessonRequest {
                name,
                reason,
                etag: String::new(),
                request_id,
            };
            let answer = client.decline_lesson(request(decline)).await?;
            answer.into_inner().lesson
        }
    };
    let lesson = lesson.unwrap_or_default();
    out.one(|| json::of("crisis.v1.Lesson", &lesson), || show(&lesson));
    Ok(())
}

fn state_number(text: &str) -> Result<i32, Failure> {
    choice("state", "LESSON_STATE_", text, LessonState::as_str_name)
}

/// Where a lesson stands; with the revision that has it.
fn state(lesson: &Lesson) -> String {
    let state = spelled(lesson.state().as_str_name(), "LESSON_STATE_");
    match lesson.playbook_revision {
        0 => state,
        revision => format!("{state} as revision {revision}"),
    }
}

fn stage(lesson: &Lesson) -> String {
    let stage = IncidentStage::try_from(lesson.stage).map_or("", |s| s.as_str_name());
    spelled(stage, "INCIDENT_STAGE_")
}

/// Lessons as a table.
pub(super) fn show_all(lessons: &[Lesson], out: Output) {
    out.rows(
        &["Lesson", "For", "Adds", "What", "State", "Why"],
        lessons,
        |l| {
            vec![
                l.name.clone(),
                format!("{} {}", l.playbook, stage(l)),
                match l.key.as_str() {
                    "" => "a goal".to_owned(),
                    key => format!("task {key}"),
                },
                both(l.text.as_ref()),
                state(l),
                l.reason.clone(),
            ]
        },
        |l| json::of("crisis.v1.Lesson", l),
    );
}

fn show(lesson: &Lesson) {
    line("lesson", &lesson.name);
    line("playbook", &lesson.playbook);
    line("stage", stage(lesson));
    line("what", both(lesson.text.as_ref()));
    if !lesson.key.is_empty() {
        line("task", &lesson.key);
        line("owner", word::<DutyRole>(lesson.owner));
        line("within", &lesson.within);
    }
    line("reason", &lesson.reason);
    line("state", state(lesson));
    if lesson.decide_time.is_some() {
        line("decided", when(lesson.decide_time.as_ref()));
        line("because", &lesson.decision);
    }
}
