//! `redress incident tasks|task|condition|terms|update`: what an incident does in its stage, and what is told.

use clap::Subcommand;
use redress_model::words::DutyRole;
use redress_proto::crisis::v1::{
    AnswerConditionRequest, ChangeTermsRequest, CompleteTaskRequest, GetIncidentPlanRequest,
    IncidentPlan, IncidentSetting, IncidentStage, RecordUpdateRequest, SkipTaskRequest, TaskState,
    UpdateAudience,
};

use super::incident::{find, one};
use super::playbook::both;
use super::{choice, spelled, word};
use crate::connect::{Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, short, show_table, table, until, when};

/// Subcommands of `incident` about its stage.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show what an incident does in its stage: goals, tasks with owners and clocks, exit conditions, what keeps it.
    #[command(after_help = "Example:\n  redress incident tasks lakeside/I20261121-01")]
    Tasks {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
    },
    /// End a task of the stage.
    #[command(subcommand)]
    Task(TaskCommand),
    /// Say whether an exit condition of the stage holds.
    #[command(
        after_help = "Examples:\n  redress incident condition lakeside/I20261121-01 people-calm --reason 'the gate is free since 14:00'\n  redress incident condition lakeside/I20261121-01 people-calm --no --reason 'forty people are back'"
    )]
    Condition {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// Key of the condition, as `tasks` shows it.
        condition: String,
        /// It does not hold (any more).
        #[arg(long)]
        no: bool,
        /// On what grounds.
        #[arg(long)]
        reason: String,
    },
    /// Show what an incident is run by, as frozen at its opening, or change it visibly. A period that is set (inside_report,
    /// outward_update) takes the place of the playbook's and does not slow down; a playbook that is named brings its own back.
    #[command(
        after_help = "Examples:\n  redress incident terms lakeside/I20261121-01\n  redress incident terms lakeside/I20261121-01 --set inside_report.outbreak='2 hours' --reason 'the mayor asks'\n  redress incident terms lakeside/I20261121-01 --playbook false-report --reason 'it is in the papers'"
    )]
    Terms {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// A setting that changes. May be repeated.
        #[arg(long = "set", value_name = "FIELD=VALUE", requires = "reason")]
        settings: Vec<String>,
        /// The playbook to follow, with its own periods.
        #[arg(long, default_value = "", requires = "reason")]
        playbook: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Record an inside report or an outward update; the next one is due by the cadence of the stage. News go out as a
    /// statement, and publishing one is an outward update; here one says that nothing is new, in the words that are shown, or
    /// that a published statement was told again.
    #[command(
        after_help = "Examples:\n  redress incident update lakeside/I20261121-01 INSIDE --reference mail/77\n  redress incident update lakeside/I20261121-01 OUTWARD --reference wechat/12 --nothing-new\n  redress incident update lakeside/I20261121-01 OUTWARD --reference sites/lakeside/statements/ID"
    )]
    Update {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// INSIDE or OUTWARD.
        audience: String,
        /// Where its text lies; of an outward one with no --nothing-new the statement that is told again.
        #[arg(long)]
        reference: String,
        /// It says that nothing is new. The second in a row asks for a check.
        #[arg(long)]
        nothing_new: bool,
    },
}

/// Subcommands of `incident task`.
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Say that a task is done; its clock is met.
    #[command(
        after_help = "Example:\n  redress incident task done lakeside/I20261121-01 secure-site --reference photo/3"
    )]
    Done {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// Key of the task, as `tasks` shows it.
        task: String,
        /// Where its result lies.
        #[arg(long, default_value = "")]
        reference: String,
    },
    /// Leave a task undone, with a reason.
    #[command(
        after_help = "Example:\n  redress incident task skip lakeside/I20261121-01 inform-authority --reason 'no duty to report'"
    )]
    Skip {
        /// The incident, `sites/{site}/incidents/{incident}`, or its number with its site.
        name: String,
        /// Key of the task, as `tasks` shows it.
        task: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: PlanCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.playbooks();
    let request_id = request_id();
    let plan = match command {
        PlanCommand::Tasks { name } => get(platform, name).await?,
        PlanCommand::Task(TaskCommand::Done {
            name,
            task,
            reference,
        }) => {
            let done = CompleteTaskRequest {
                name: find(platform, name).await?,
                task,
                reference,
                request_id,
                ..Default::default()
            };
            let answer = client.complete_task(request(done)).await?;
            answer.into_inner().plan.unwrap_or_default()
        }
        PlanCommand::Task(TaskCommand::Skip { name, task, reason }) => {
            let skip = SkipTaskRequest {
                name: find(platform, name).await?,
                task,
                reason,
                request_id,
                ..Default::default()
            };
            let answer = client.skip_task(request(skip)).await?;
            answer.into_inner().plan.unwrap_or_default()
        }
        PlanCommand::Condition {
            name,
            condition,
            no,
            reason,
        } => {
            let said = AnswerConditionRequest {
                name: find(platform, name).await?,
                condition,
                holds: !no,
                reason,
                request_id,
                ..Default::default()
            };
            let answer = client.answer_condition(request(said)).await?;
            answer.into_inner().plan.unwrap_or_default()
        }
        PlanCommand::Terms {
            name,
            settings,
            playbook,
            reason,
        } => {
            let plan = match reason {
                None => get(platform, name).await?,
                Some(reason) => {
                    let change = ChangeTermsRequest {
                        name: find(platform, name).await?,
                        playbook,
                        settings: settings
                            .iter()
                            .map(|s| setting(s))
                            .collect::<Result<_, _>>()?,
                        reason,
                        request_id,
                        ..Default::default()
                    };
                    let answer = client.change_terms(request(change)).await?;
                    answer.into_inner().plan.unwrap_or_default()
                }
            };
            out.one(
                || json::of("crisis.v1.IncidentPlan", &plan),
                || terms(&plan, out),
            );
            return Ok(());
        }
        PlanCommand::Update {
            name,
            audience,
            reference,
            nothing_new,
        } => {
            let update = RecordUpdateRequest {
                name: find(platform, name).await?,
                audience: audience_number(&audience)?,
                reference,
                nothing_new,
                request_id,
                ..Default::default()
            };
            let answer = platform.incidents().record_update(request(update)).await?;
            let answer = answer.into_inner();
            one(&answer.incident.unwrap_or_default(), out);
            if !out.json {
                for words in &answer.words {
                    line(&format!("say ({})", words.language), &words.text);
                }
            }
            return Ok(());
        }
    };
    out.one(|| json::of("crisis.v1.IncidentPlan", &plan), || show(&plan));
    Ok(())
}

async fn get(platform: &Platform, name: String) -> Result<IncidentPlan, Failure> {
    let get = GetIncidentPlanRequest {
        name: find(platform, name).await?,
    };
    let answer = platform.playbooks().get_incident_plan(request(get)).await?;
    Ok(answer.into_inner().plan.unwrap_or_default())
}

/// `FIELD=VALUE`.
fn setting(text: &str) -> Result<IncidentSetting, Failure> {
    let (field, value) = text.split_once('=').ok_or_else(|| Failure::Argument {
        argument: "set",
        reason: format!("{text:?} must look like inside_report.outbreak='2 hours'"),
    })?;
    Ok(IncidentSetting {
        field: field.to_owned(),
        value: value.to_owned(),
    })
}

fn audience_number(text: &str) -> Result<i32, Failure> {
    choice(
        "audience",
        "UPDATE_AUDIENCE_",
        text,
        UpdateAudience::as_str_name,
    )
}

fn show(plan: &IncidentPlan) {
    let now = crate::now::now();
    heading(&both(plan.title.as_ref()));
    line("playbook", version(plan));
    let stage = IncidentStage::try_from(plan.stage).map_or("", |s| s.as_str_name());
    line("stage", spelled(stage, "INCIDENT_STAGE_"));
    line("since", when(plan.enter_time.as_ref()));
    for goal in &plan.goals {
        let taught = match goal.origin.as_str() {
            "" => String::new(),
            origin => format!(" (taught by {origin})"),
        };
        line("goal", format!("{}{taught}", both(Some(goal))));
    }

    heading("Tasks");
    let mut tasks = table(&["Task", "What", "Owner", "State", "Due", ""]);
    for t in &plan.tasks {
        let owner = match t.staff.as_str() {
            "" => word::<DutyRole>(t.owner),
            staff => format!("{} {}", word::<DutyRole>(t.owner), short(staff)),
        };
        let state = TaskState::try_from(t.state).map_or("", |s| s.as_str_name());
        let open = t.state() == TaskState::Open;
        let key = match t.origin.as_str() {
            "" => t.key.clone(),
            origin => format!("{} (taught by {origin})", t.key),
        };
        tasks.add_row(vec![
            key,
            both(t.title.as_ref()),
            owner,
            spelled(state, "TASK_STATE_"),
            when(t.due_time.as_ref()),
            if open {
                until(t.due_time.as_ref(), now)
            } else {
                t.reason.clone()
            },
        ]);
    }
    show_table(tasks);

    heading("Before the stage is left");
    let mut conditions = table(&["Condition", "What", "Holds", "On what grounds"]);
    for c in &plan.conditions {
        conditions.add_row(vec![
            c.key.clone(),
            both(c.text.as_ref()),
            if c.holds { "yes" } else { "no" }.to_owned(),
            c.reason.clone(),
        ]);
    }
    show_table(conditions);

    heading("What keeps it here");
    for gap in &plan.gaps {
        line(&gap.name, &gap.text);
    }
}

fn version(plan: &IncidentPlan) -> String {
    match plan.playbook_revision {
        0 => format!("{}, shipped", plan.playbook),
        revision => format!("{}, revision {revision}", plan.playbook),
    }
}

fn terms(plan: &IncidentPlan, out: Output) {
    line("playbook", version(plan));
    out.rows(
        &["Setting", "Value"],
        &plan.settings,
        |s| vec![s.field.clone(), s.value.clone()],
        |s| json::of("crisis.v1.IncidentSetting", s),
    );
}
