//! `redress grade`: which grade stands, why, and what persons did to it.

use clap::Subcommand;
use redress_model::words::{Nature, Urgency};
use redress_proto::triage::v1::{
    Decision, GetDecisionRequest, GradeDirection, GradeOverride, ListDecisionsRequest,
    ListGradeProposalsRequest, LowerGradeRequest, RaiseGradeRequest,
};

use super::case::name_of;
use super::word;
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, heading, line, short, when};

/// The message that these commands print.
const DECISION: &str = "triage.v1.Decision";

/// Subcommands of `grade`.
#[derive(Debug, Subcommand)]
pub(crate) enum GradeCommand {
    /// Show the grade that stands, with everything that explains it.
    #[command(after_help = "Example:\n  redress grade show LS-20261121-0001")]
    Show {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
    },
    /// List every decision on a case, newest first, with its cause and who moved the grade.
    #[command(after_help = "Example:\n  redress grade history LS-20261121-0001 --json")]
    History {
        /// The case, `sites/{site}/cases/{case}`, or its number.
        case: String,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Lower the grade of a case; what was known is set aside, what is new raises it again.
    #[command(
        after_help = "Example:\n  redress grade lower LS-20261121-0001 --to 3 --reason 'the crowd was a viewing group'"
    )]
    Lower {
        /// The new grade, 2 to 4.
        #[arg(long, value_parser = clap::value_parser!(i32).range(2..=4))]
        to: i32,
        /// Of what, and why.
        #[command(flatten)]
        wish: Wish,
    },
    /// Raise the grade of a case; it stands until somebody lowers it.
    #[command(
        after_help = "Example:\n  redress grade raise LS-20261121-0001 --to 2 --reason 'the street committee calls'"
    )]
    Raise {
        /// The new grade, 1 to 3.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..=3))]
        to: i32,
        /// Of what, and why.
        #[command(flatten)]
        wish: Wish,
    },
    /// List the cases whose facts give a lower grade than the one that stands.
    #[command(
        after_help = "Examples:\n  redress grade proposals\n  redress grade proposals --site lakeside --json"
    )]
    Proposals {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
}

/// Whose grade to move, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct Wish {
    /// The case, `sites/{site}/cases/{case}`, or its number.
    case: String,
    /// Why, without names of people.
    #[arg(long)]
    reason: String,
    /// The etag of the decision that you looked at; by default the newest one.
    #[arg(long)]
    etag: Option<String>,
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: GradeCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        GradeCommand::Show { case } => {
            let case = name_of(platform, &case).await?;
            shown(&newest(platform, &case).await?, out);
        }
        GradeCommand::History { case, paging } => {
            let case = name_of(platform, &case).await?;
            listed(&history(platform, &case, paging.limit).await?, out);
        }
        GradeCommand::Lower { to, wish } => {
            let (case, etag) = looked_at(platform, &wish).await?;
            let call = LowerGradeRequest {
                case,
                grade: to,
                reason: wish.reason,
                etag,
                request_id: request_id(),
            };
            let answer = platform.triage().lower_grade(request(call)).await?;
            shown(&answer.into_inner().decision.unwrap_or_default(), out);
        }
        GradeCommand::Raise { to, wish } => {
            let (case, etag) = looked_at(platform, &wish).await?;
            let call = RaiseGradeRequest {
                case,
                grade: to,
                reason: wish.reason,
                etag,
                request_id: request_id(),
            };
            let answer = platform.triage().raise_grade(request(call)).await?;
            shown(&answer.into_inner().decision.unwrap_or_default(), out);
        }
        GradeCommand::Proposals { site, paging } => {
            let found = proposals(platform, site.as_deref(), paging.limit).await?;
            proposed(&found, out);
        }
    }
    Ok(())
}

async fn looked_at(platform: &Platform, wish: &Wish) -> Result<(String, String), Failure> {
    let case = name_of(platform, &wish.case).await?;
    let etag = match &wish.etag {
        Some(etag) => etag.clone(),
        None => newest(platform, &case).await?.etag,
    };
    Ok((case, etag))
}

async fn newest(platform: &Platform, case: &str) -> Result<Decision, Failure> {
    let name = format!("{case}/decisions/latest");
    let answer = platform
        .triage()
        .get_decision(request(GetDecisionRequest { name }))
        .await?;
    Ok(answer.into_inner().decision.unwrap_or_default())
}

async fn history(
    platform: &Platform,
    case: &str,
    limit: Option<usize>,
) -> Result<Vec<Decision>, Failure> {
    let client = platform.triage();
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let parent = case.to_owned();
        async move {
            let list = ListDecisionsRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client.list_decisions(request(list)).await?.into_inner();
            Ok((answer.decisions, answer.next_page_token))
        }
    })
    .await
}

async fn proposals(
    platform: &Platform,
    site: Option<&str>,
    limit: Option<usize>,
) -> Result<Vec<Decision>, Failure> {
    let client = platform.triage();
    let parent = parent(site);
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let parent = parent.clone();
        async move {
            let list = ListGradeProposalsRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client
                .list_grade_proposals(request(list))
                .await?
                .into_inner();
            Ok((answer.decisions, answer.next_page_token))
        }
    })
    .await
}

fn shown(decision: &Decision, out: Output) {
    out.one(|| json::of(DECISION, decision), || describe(decision));
}

fn describe(d: &Decision) {
    heading(&format!("Grade of {}", short(&d.case)));
    line("case", &d.case);
    let note = if d.provisional { "  provisional" } else { "" };
    line("grade", format!("{}{note}", grade(d.grade)));
    if d.proposed_grade > 0 {
        line("could fall to", grade(d.proposed_grade));
    }
    line("nature", word::<Nature>(d.nature));
    line("urgency", word::<Urgency>(d.urgency));
    line("cause", &d.cause);
    line("decided", when(d.decide_time.as_ref()));
    line(
        "policy",
        format!("{} revision {}", d.policy_profile, d.policy_revision),
    );
    for c in &d.criteria {
        line(&c.criterion_id, &c.evidence);
    }
    if let Some(moved) = &d.r#override {
        line(direction(moved), told(moved));
        for c in &moved.set_aside {
            line("set aside", format!("{} {}", c.criterion_id, c.evidence));
        }
    }
    line("etag", &d.etag);
}

fn direction(moved: &GradeOverride) -> &'static str {
    match moved.direction() {
        GradeDirection::Lowered => "lowered",
        GradeDirection::Raised => "raised",
        GradeDirection::Unspecified => "moved",
    }
}

fn told(moved: &GradeOverride) -> String {
    format!(
        "{} to {} by {}: {}",
        moved.previous_grade, moved.grade, moved.actor, moved.reason
    )
}

fn listed(decisions: &[Decision], out: Output) {
    out.rows(
        &[
            "Revision",
            "Decided",
            "Grade",
            "Cause",
            "Criteria",
            "By a person",
        ],
        decisions,
        |d| {
            let own = d.r#override.as_ref().filter(|o| o.revision == d.revision);
            vec![
                d.revision.to_string(),
                when(d.decide_time.as_ref()),
                grade(d.grade),
                d.cause.clone(),
                criteria(d),
                own.map_or_else(|| "–".to_owned(), told),
            ]
        },
        |d| json::of(DECISION, d),
    );
}

fn proposed(decisions: &[Decision], out: Output) {
    out.rows(
        &["Case", "Grade", "Could be", "Criteria", "Since"],
        decisions,
        |d| {
            vec![
                d.case.clone(),
                grade(d.grade),
                grade(d.proposed_grade),
                criteria(d),
                when(d.decide_time.as_ref()),
            ]
        },
        |d| json::of(DECISION, d),
    );
}

fn criteria(d: &Decision) -> String {
    let ids: Vec<&str> = d.criteria.iter().map(|c| c.criterion_id.as_str()).collect();
    ids.join(" ")
}
