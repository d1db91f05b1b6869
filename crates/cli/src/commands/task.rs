//! `redress task`: calls to make, letters to write, customers to ask how it was, readers whom nothing reached.

use clap::{Args, Subcommand};
use redress_proto::notification::v1::{
    ClaimTaskRequest, CompleteTaskRequest, GetTaskRequest, ListTasksRequest,
    RecordSurveyCallRequest, SurveyAnswer, SurveyCallOutcome, Task, TaskKind, TaskOutcome,
    TaskState, TaskText,
};

use super::people::people;
use super::{case, choice};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, heading, line, short, when};

/// Subcommands of `task`.
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks, the one that is due first in front.
    #[command(
        after_help = "Examples:\n  redress task list --site lakeside --state OPEN\n  redress task list --mine --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only in this state: OPEN, CLAIMED, DONE.
        #[arg(long)]
        state: Option<String>,
        /// Only of this kind: CALL, LETTER, UNREACHED, SURVEY.
        #[arg(long)]
        kind: Option<String>,
        /// Only about this case: its name or number.
        #[arg(long)]
        case: Option<String>,
        /// Only what you have taken.
        #[arg(long)]
        mine: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a task; what to say or print, where you have taken it.
    #[command(after_help = "Example:\n  redress task show sites/lakeside/tasks/ID")]
    Show {
        /// The task, `sites/{site}/tasks/{task}`.
        name: String,
    },
    /// Take a task, and see whom to call or what to print.
    #[command(
        after_help = "Examples:\n  redress task claim sites/lakeside/tasks/ID\n  redress task claim sites/lakeside/tasks/ID --take-over"
    )]
    Claim {
        /// The task, `sites/{site}/tasks/{task}`.
        name: String,
        /// Take it over from whoever has taken it.
        #[arg(long)]
        take_over: bool,
    },
    /// Say how a task ended. In vain, it sends the message on by its next way; a customer is called again a day later.
    #[command(
        after_help = "Examples:\n  redress task done sites/lakeside/tasks/ID --outcome DELIVERED\n  redress task done sites/lakeside/tasks/ID --outcome UNREACHABLE\n  redress task done sites/lakeside/tasks/ID --outcome DELIVERED --score 5 --solved true --praise li"
    )]
    Done {
        /// The task, `sites/{site}/tasks/{task}`.
        name: String,
        /// DELIVERED, UNREACHABLE, WRONG_CONTACT or NOT_NEEDED; of a survey NOT_NEEDED says that the customer does not
        /// want to be asked.
        #[arg(long)]
        outcome: String,
        /// What a customer who was asked how it was answered.
        #[command(flatten)]
        answer: Answer,
    },
}

/// The answer of a survey.
#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// Of a survey: 1 (bad) to 5 (good).
    #[arg(long)]
    score: Option<i32>,
    /// Of a survey after a complaint or a repair: whether it is solved.
    #[arg(long)]
    solved: Option<bool>,
    /// Of a survey: what the customer said beyond that.
    #[arg(long, default_value = "")]
    comment: String,
    /// Of a survey: somebody whom the customer praised, by id or name; may be given several times.
    #[arg(long = "praise", value_name = "STAFF")]
    praise: Vec<String>,
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: TaskCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.tasks();
    let (task, text) = match command {
        TaskCommand::List {
            site,
            state,
            kind,
            case,
            mine,
            paging,
        } => {
            let filter = ListTasksRequest {
                parent: parent(site.as_deref()),
                states: state
                    .map(|word| choice("state", "TASK_STATE_", &word, TaskState::as_str_name))
                    .transpose()?
                    .into_iter()
                    .collect(),
                kind: kind
                    .map(|word| choice("kind", "TASK_KIND_", &word, TaskKind::as_str_name))
                    .transpose()?
                    .unwrap_or(0),
                case: case::name_or_any(platform, case.as_deref()).await?,
                mine,
                ..Default::default()
            };
            let tasks = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let filter = ListTasksRequest {
                    page_size,
                    page_token,
                    ..filter.clone()
                };
                async move {
                    let answer = client.list_tasks(request(filter)).await?.into_inner();
                    Ok((answer.tasks, answer.next_page_token))
                }
            })
            .await?;
            show_all(&tasks, out);
            return Ok(());
        }
        TaskCommand::Show { name } => {
            let answer = client.get_task(request(GetTaskRequest { name })).await?;
            let answer = answer.into_inner();
            (answer.task, answer.text)
        }
        TaskCommand::Claim { name, take_over } => {
            let claim = ClaimTaskRequest {
                name,
                take_over,
                request_id: request_id(),
                ..Default::default()
            };
            let answer = client.claim_task(request(claim)).await?.into_inner();
            (answer.task, answer.text)
        }
        TaskCommand::Done {
            name,
            outcome,
            answer,
        } => {
            let outcome: TaskOutcome = choice(
                "outcome",
                "TASK_OUTCOME_",
                &outcome,
                TaskOutcome::as_str_name,
            )?;
            let get = GetTaskRequest { name: name.clone() };
            let task = client.get_task(request(get)).await?.into_inner().task;
            let task = task.unwrap_or_default();
            if !task.survey.is_empty() {
                return asked(platform, task, outcome, answer, out).await;
            }
            let done = CompleteTaskRequest {
                name,
                outcome: outcome.into(),
                request_id: request_id(),
                ..Default::default()
            };
            (
                client.complete_task(request(done)).await?.into_inner().task,
                None,
            )
        }
    };
    let task = task.unwrap_or_default();
    out.one(
        || {
            let mut shown = json::of("notification.v1.Task", &task);
            if let Some(text) = &text {
                shown["text"] = json::of("notification.v1.TaskText", text);
            }
            shown
        },
        || show(&task, text.as_ref()),
    );
    Ok(())
}

/// Records what came of a call about a survey, which ends its task.
async fn asked(
    platform: &Platform,
    task: Task,
    outcome: TaskOutcome,
    answer: Answer,
    out: Output,
) -> Result<(), Failure> {
    let (outcome, answer) = match (outcome, answer.score) {
        (TaskOutcome::Delivered, None) => {
            return Err(Failure::Argument {
                argument: "score",
                reason: "must be given where a customer was asked how it was".to_owned(),
            });
        }
        (TaskOutcome::Delivered, Some(score)) => {
            let answer = SurveyAnswer {
                score,
                solved: answer.solved,
                comment: answer.comment,
                praised_staff: people(platform, &task.survey, &answer.praise).await?,
            };
            (SurveyCallOutcome::Answered, Some(answer))
        }
        (TaskOutcome::NotNeeded, _) => (SurveyCallOutcome::Refused, None),
        (TaskOutcome::Unreachable | TaskOutcome::WrongContact | TaskOutcome::Unspecified, _) => {
            (SurveyCallOutcome::NotReached, None)
        }
    };
    let record = RecordSurveyCallRequest {
        name: task.survey,
        outcome: outcome.into(),
        answer,
        request_id: request_id(),
        ..Default::default()
    };
    platform
        .surveys()
        .record_survey_call(request(record))
        .await?;
    let get = GetTaskRequest { name: task.name };
    let task = platform.tasks().get_task(request(get)).await?.into_inner();
    let task = task.task.unwrap_or_default();
    out.one(
        || json::of("notification.v1.Task", &task),
        || show(&task, None),
    );
    Ok(())
}

fn show_all(tasks: &[Task], out: Output) {
    out.rows(
        &[
            "Task", "Kind", "State", "Due", "For", "About", "Taken by", "Outcome",
        ],
        tasks,
        |t| {
            vec![
                t.name.clone(),
                kind(t),
                state(t),
                when(t.due_time.as_ref()),
                t.role.clone(),
                short(if t.case.is_empty() {
                    &t.message
                } else {
                    &t.case
                }),
                t.taken_by.clone(),
                outcome(t),
            ]
        },
        |t| json::of("notification.v1.Task", t),
    );
}

fn show(task: &Task, text: Option<&TaskText>) {
    heading(&format!("Task {}", kind(task)));
    line("name", &task.name);
    line("state", state(task));
    line("due", when(task.due_time.as_ref()));
    line("message", &task.message);
    if !task.case.is_empty() {
        line("case", &task.case);
    }
    if !task.survey.is_empty() {
        line("survey", &task.survey);
    }
    if !task.reason.is_empty() {
        line("why", &task.reason);
    }
    if !task.taken_by.is_empty() {
        line("taken by", &task.taken_by);
    }
    if task.outcome != 0 {
        line("outcome", outcome(task));
    }
    if let Some(text) = text {
        if !text.reader.is_empty() {
            line("reader", &text.reader);
        }
        line("where", &text.address);
        heading(&text.subject);
        crate::output::say!("{}", text.body);
    }
}

fn kind(task: &Task) -> String {
    task.kind().as_str_name().tail("TASK_KIND_").to_owned()
}

fn state(task: &Task) -> String {
    task.state().as_str_name().tail("TASK_STATE_").to_owned()
}

fn outcome(task: &Task) -> String {
    match task.outcome() {
        TaskOutcome::Unspecified => "–".to_owned(),
        outcome => outcome.as_str_name().tail("TASK_OUTCOME_").to_owned(),
    }
}
