//! `redress survey`: how customers say it was.

use clap::Subcommand;
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1::SurveyKind;
use redress_proto::notification::v1::{
    AnswerSurveyRequest, GetSurveyRequest, ListSurveysRequest, RecordSurveyCallRequest,
    ScheduleSurveyRequest, SummarizeSurveysRequest, Survey, SurveyAnswer, SurveyCallOutcome,
    SurveyContact, SurveyState,
};

use super::clock::instant;
use super::people::people;
use super::{case, choice, choice_but};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, heading, line, short, when};

/// Subcommands of `survey`.
#[derive(Debug, Subcommand)]
pub(crate) enum SurveyCommand {
    /// List surveys, newest first.
    #[command(
        after_help = "Examples:\n  redress survey list --site lakeside\n  redress survey list --site lakeside --state open --json\n\nWhom to call now stands in `redress task list --kind SURVEY`."
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only about this case: its name or number.
        #[arg(long)]
        case: Option<String>,
        /// Only in this state: open, answered or cancelled.
        #[arg(long)]
        state: Option<String>,
        /// Only those whose customer may be called now.
        #[arg(long)]
        callable: bool,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one survey with its calls.
    #[command(after_help = "Example:\n  redress survey show sites/lakeside/surveys/ID")]
    Show {
        /// The survey, `sites/{site}/surveys/{survey}`.
        name: String,
    },
    /// Show what the surveys came to, by site, occasion and department.
    #[command(
        after_help = "Examples:\n  redress survey results\n  redress survey results --site lakeside --from 2026-11-01 --to 2026-12-01"
    )]
    Results {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only those made from then on, for example 2026-11-01 or 2026-11-01T08:00.
        #[arg(long)]
        from: Option<String>,
        /// Only those made before then.
        #[arg(long)]
        to: Option<String>,
    },
    /// Schedule a survey after a sale, a handover or a repair, or during daily living.
    #[command(
        after_help = "Example:\n  redress survey schedule --site lakeside --kind handover --person TOKEN --phone +8613900139000 --occasion unit-7"
    )]
    Schedule {
        /// The site.
        #[arg(long)]
        site: String,
        /// After what: sales, handover, repair or daily-living.
        #[arg(long)]
        kind: String,
        /// The customer, by person token.
        #[arg(long)]
        person: String,
        /// Phone number of the customer.
        #[arg(long)]
        phone: String,
        /// How to greet the customer.
        #[arg(long, default_value = "")]
        display_name: String,
        /// What it is about; the same occasion is asked about once.
        #[arg(long, default_value = "")]
        occasion: String,
    },
    /// Take down an answer: given on the phone, for a person on the roster who had no part in it, or by a link's token.
    #[command(
        after_help = "Examples:\n  redress survey answer sites/lakeside/surveys/ID --score 4 --solved true\n  redress survey answer --link-token TOKEN --score 2 --solved false --comment 'it leaks again'"
    )]
    Answer {
        /// The survey, `sites/{site}/surveys/{survey}`.
        #[arg(required_unless_present = "link_token", conflicts_with = "link_token")]
        name: Option<String>,
        /// The token of the link that the customer got.
        #[arg(long)]
        link_token: Option<String>,
        /// 1 (bad) to 5 (good).
        #[arg(long)]
        score: i32,
        /// Whether it is solved; asked after a complaint or a repair.
        #[arg(long)]
        solved: Option<bool>,
        /// What the customer said beyond that.
        #[arg(long, default_value = "")]
        comment: String,
        /// Somebody whom the customer praised, by id or name, with a link `sites/{site}/staff/{staff}`; may be given several
        /// times.
        #[arg(long = "praise", value_name = "STAFF")]
        praise: Vec<String>,
    },
    /// Take down a call without an answer; it ends the call's task, like `redress task done`.
    #[command(
        after_help = "Example:\n  redress survey call sites/lakeside/surveys/ID --outcome not-reached"
    )]
    Call {
        /// The survey, `sites/{site}/surveys/{survey}`.
        name: String,
        /// What came of it: not-reached or refused.
        #[arg(long)]
        outcome: String,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: SurveyCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.surveys();
    let request_id = request_id();
    let survey = match command {
        SurveyCommand::List {
            site,
            case,
            state,
            callable,
            paging,
        } => {
            let filter = ListSurveysRequest {
                parent: parent(site.as_deref()),
                case: case::name_or_any(platform, case.as_deref()).await?,
                state: state.map(|s| state_number(&s)).transpose()?.unwrap_or(0),
                callable,
                ..Default::default()
            };
            show_all(platform, &list(platform, filter, paging.limit).await?, out).await;
            return Ok(());
        }
        SurveyCommand::Results { site, from, to } => {
            let asked = period(site.as_deref(), from.as_deref(), to.as_deref())?;
            return results(platform, asked, out).await;
        }
        SurveyCommand::Show { name } => {
            let answer = client
                .get_survey(request(GetSurveyRequest { name }))
                .await?;
            let answer = answer.into_inner();
            out.one(
                || json::of("notification.v1.GetSurveyResponse", &answer),
                || {
                    show(&answer.survey.clone().unwrap_or_default());
                    if !answer.comment.is_empty() {
                        heading("Comment");
                        crate::output::say!("{}", answer.comment);
                    }
                },
            );
            return Ok(());
        }
        SurveyCommand::Schedule {
            site,
            kind,
            person,
            phone,
            display_name,
            occasion,
        } => {
            let schedule = ScheduleSurveyRequest {
                parent: parent(Some(&site)),
                kind: kind_number(&kind)?,
                person,
                contact: Some(SurveyContact {
                    display_name,
                    phone,
                    ..Default::default()
                }),
                occasion,
                request_id,
                ..Default::default()
            };
            client
                .schedule_survey(request(schedule))
                .await?
                .into_inner()
                .survey
        }
        SurveyCommand::Answer {
            name,
            link_token,
            score,
            solved,
            comment,
            praise,
        } => {
            let praised_staff = match &name {
                Some(survey) => people(platform, survey, &praise).await?,
                // Of which site a link is only its survey knows.
                None => praise,
            };
            let answer = Some(SurveyAnswer {
                score,
                solved,
                comment,
                praised_staff,
            });
            if let Some(token) = link_token {
                let answered = AnswerSurveyRequest {
                    token,
                    answer,
                    request_id,
                };
                client.answer_survey(request(answered)).await?;
                out.one(|| serde_json::json!({}), || crate::output::say!("taken"));
                return Ok(());
            }
            let call = RecordSurveyCallRequest {
                name: name.unwrap_or_default(),
                outcome: SurveyCallOutcome::Answered.into(),
                answer,
                request_id,
                ..Default::default()
            };
            client
                .record_survey_call(request(call))
                .await?
                .into_inner()
                .survey
        }
        SurveyCommand::Call { name, outcome } => {
            let call = RecordSurveyCallRequest {
                name,
                outcome: outcome_number(&outcome)?,
                request_id,
                ..Default::default()
            };
            client
                .record_survey_call(request(call))
                .await?
                .into_inner()
                .survey
        }
    };
    let survey = survey.unwrap_or_default();
    out.one(
        || json::of("notification.v1.Survey", &survey),
        || show(&survey),
    );
    Ok(())
}

async fn list(
    platform: &Platform,
    filter: ListSurveysRequest,
    limit: Option<usize>,
) -> Result<Vec<Survey>, Failure> {
    let client = platform.surveys();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListSurveysRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_surveys(request(filter)).await?.into_inner();
            Ok((answer.surveys, answer.next_page_token))
        }
    })
    .await
}

async fn show_all(platform: &Platform, surveys: &[Survey], out: Output) {
    let cases = surveys.iter().map(|s| s.case.as_str());
    let numbers = case::Numbers::look_up(platform, cases, out).await;
    out.rows(
        &[
            "Survey",
            "After",
            "About",
            "State",
            "Score",
            "Call from",
            "Made",
        ],
        surveys,
        |s| {
            vec![
                s.name.clone(),
                kind(s.kind),
                numbers.of(&s.case),
                state(s.state),
                score(s),
                when(s.next_call_time.as_ref()),
                when(s.create_time.as_ref()),
            ]
        },
        |s| json::of("notification.v1.Survey", s),
    );
}

/// Of which site, or all, and of which period results are asked for.
fn period(
    site: Option<&str>,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<SummarizeSurveysRequest, Failure> {
    let time = |argument, text: Option<&str>| {
        text.map(|text| instant(argument, text, crate::now::now()))
            .transpose()
            .map(|time| time.map(to_timestamp))
    };
    Ok(SummarizeSurveysRequest {
        parent: parent(site),
        start_time: time("from", from)?,
        end_time: time("to", to)?,
    })
}

async fn results(
    platform: &Platform,
    asked: SummarizeSurveysRequest,
    out: Output,
) -> Result<(), Failure> {
    let answer = platform.surveys().summarize_surveys(request(asked)).await?;
    out.rows(
        &[
            "Site",
            "After",
            "Department",
            "Asked",
            "Answered",
            "Mean",
            "Dissatisfied",
            "Unsolved",
            "Praise",
        ],
        &answer.into_inner().results,
        |r| {
            let mean = match r.answered_count {
                0 => "–".to_owned(),
                _ => format!("{:.2}", r.mean_score),
            };
            vec![
                short(&r.site),
                kind(r.kind),
                short(&r.department),
                r.asked_count.to_string(),
                r.answered_count.to_string(),
                mean,
                r.dissatisfied_count.to_string(),
                r.unsolved_count.to_string(),
                r.praising_count.to_string(),
            ]
        },
        |r| json::of("notification.v1.SurveyResult", r),
    );
    Ok(())
}

fn show(s: &Survey) {
    heading(&format!("Survey {}", kind(s.kind)));
    line("name", &s.name);
    line("state", state(s.state));
    if !s.case.is_empty() {
        line("case", &s.case);
    }
    line("asked", when(s.open_time.as_ref()));
    line("call from", when(s.next_call_time.as_ref()));
    line("score", score(s));
    if let Some(solved) = s.solved {
        line("solved", solved);
    }
    for staff in &s.praised_staff {
        line("praised", staff);
    }
    for call in &s.calls {
        let outcome = call.outcome().as_str_name();
        let outcome = outcome.tail("SURVEY_CALL_OUTCOME_");
        line(
            "call",
            format!(
                "{} by {}: {outcome}",
                when(call.call_time.as_ref()),
                call.caller
            ),
        );
    }
}

fn score(s: &Survey) -> String {
    match s.score {
        0 => "–".to_owned(),
        score => format!("{score} of 5"),
    }
}

fn kind(number: i32) -> String {
    SurveyKind::try_from(number)
        .map_or("–", |k| k.as_str_name())
        .tail("SURVEY_KIND_")
        .to_owned()
}

fn state(number: i32) -> String {
    SurveyState::try_from(number)
        .map_or("–", |s| s.as_str_name())
        .tail("SURVEY_STATE_")
        .to_owned()
}

fn kind_number(text: &str) -> Result<i32, Failure> {
    // That one comes about by itself when the case is resolved.
    let refused = [SurveyKind::Complaint];
    let name = SurveyKind::as_str_name;
    choice_but("kind", "SURVEY_KIND_", text, name, &refused)
}

fn state_number(text: &str) -> Result<i32, Failure> {
    choice("state", "SURVEY_STATE_", text, SurveyState::as_str_name)
}

fn outcome_number(text: &str) -> Result<i32, Failure> {
    let name = SurveyCallOutcome::as_str_name;
    choice("outcome", "SURVEY_CALL_OUTCOME_", text, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m12_results_are_asked_for_of_every_site_and_all_time_unless_a_site_or_a_period_is_given() {
        let all = period(None, None, None).expect("asked");
        assert_eq!(all.parent, "sites/-");
        assert_eq!((all.start_time, all.end_time), (None, None));
        let (from, to) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let some = period(Some("lake"), Some(from), Some(to)).expect("asked");
        assert_eq!(some.parent, "sites/lake");
        let seconds = [some.start_time, some.end_time].map(|t| t.map(|t| t.seconds));
        assert_eq!(seconds, [Some(1_793_491_200), Some(1_796_083_200)]);
        assert!(period(None, Some("November"), None).is_err());
    }

    #[test]
    fn i10_only_kinds_that_are_scheduled_are_offered() {
        let said = kind_number("complaint").expect_err("it comes by itself");
        let said = said.to_string();
        let offered = "is not one of SALES, HANDOVER, REPAIR, DAILY_LIVING";
        assert!(said.ends_with(offered), "{said}");
        assert!(kind_number("daily-living").is_ok());
    }
}
