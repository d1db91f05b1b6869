//! `redress grade`: which grade stands, why, and what persons did to it.

use clap::Subcommand;
use redress_model::words::{Category, Nature, SignalKind, Urgency};
use redress_proto::triage::v1::{
    CategoryBasis, Decision, GetDecisionRequest, GradeDirection, GradeOverride,
    ListDecisionsRequest, ListGradeProposalsRequest, LowerGradeRequest, RaiseGradeRequest,
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
    if !d.cluster.is_empty() {
        line("cluster", &d.cluster);
    }
    let note = if d.provisional { "  provisional" } else { "" };
    line("grade", format!("{}{note}", grade(d.grade)));
    if d.proposed_grade > 0 {
        line("could fall to", grade(d.proposed_grade));
    }
    line("nature", word::<Nature>(d.nature));
    line("urgency", word::<Urgency>(d.urgency));
    for (label, said) in category(d) {
        line(label, said);
    }
    line("cause", &d.cause);
    line("decided", when(d.decide_time.as_ref()));
    line(
        "policy",
        format!("{} revision {}", d.policy_profile, d.policy_revision),
    );
    for c in &d.criteria {
        line(&c.criterion_id, &c.evidence);
    }
    for kind in &d.suspected_signals {
        line(
            "suspected",
            format!(
                "{}, counts once confirmed: redress signal list {}",
                word::<SignalKind>(*kind),
                d.case
            ),
        );
    }
    if let Some(moved) = &d.r#override {
        line(direction(moved), told(moved));
        for c in &moved.set_aside {
            line("set aside", format!("{} {}", c.criterion_id, c.evidence));
        }
    }
    line("etag", &d.etag);
}

/// The category, where it is from and by which words; and what the rules of the order said where corrections led elsewhere.
fn category(d: &Decision) -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("category", word::<Category>(d.category)),
        ("known", known_by(d.category_basis()).to_owned()),
    ];
    if !d.category_words.is_empty() {
        said.push(("by the words", d.category_words.join(", ")));
    }
    if d.category_basis() == CategoryBasis::Learned && d.rule_category != d.category {
        let rules = match d.rule_category {
            0 => "nothing".to_owned(),
            category => word::<Category>(category),
        };
        said.push(("rules said", rules));
    }
    said
}

fn known_by(basis: CategoryBasis) -> &'static str {
    match basis {
        CategoryBasis::Unspecified => {
            "not sure: nobody stated a category, and nothing suggests one"
        }
        CategoryBasis::Stated => "stated by a person",
        CategoryBasis::Suggested => "suggested by what the complaint says",
        CategoryBasis::Learned => {
            "suggested by what the complaint says, as staff of the organization corrected others"
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use redress_model::words::Word as _;

    fn decided(basis: CategoryBasis, category: i32, rule: i32, words: &[&str]) -> Decision {
        Decision {
            category,
            category_basis: basis.into(),
            category_words: words.iter().map(|w| (*w).to_owned()).collect(),
            rule_category: rule,
            ..Default::default()
        }
    }

    fn shown(decision: &Decision) -> Vec<String> {
        let lines = category(decision).into_iter();
        lines
            .map(|(label, said)| format!("{label}: {said}"))
            .collect()
    }

    #[test]
    fn a_category_says_where_it_is_from_by_which_words_and_what_the_rules_said_otherwise() {
        let (repair, quality) = (
            Category::RepairService.number(),
            Category::EngineeringQuality.number(),
        );
        let words = ["漏水", "返修"];
        let from_rules = decided(CategoryBasis::Suggested, quality, 0, &words);
        assert_eq!(
            shown(&from_rules),
            [
                "category: ENGINEERING_QUALITY",
                "known: suggested by what the complaint says",
                "by the words: 漏水, 返修",
            ]
        );
        let learned = |rule| shown(&decided(CategoryBasis::Learned, repair, rule, &words));
        let corrected = "known: suggested by what the complaint says, as staff of the organization corrected others";
        assert_eq!(
            learned(quality),
            [
                "category: REPAIR_SERVICE",
                corrected,
                "by the words: 漏水, 返修",
                "rules said: ENGINEERING_QUALITY",
            ]
        );
        assert_eq!(learned(0)[3], "rules said: nothing");
        assert_eq!(learned(repair).len(), 3, "the rules said the same");
    }

    #[test]
    fn a_category_that_a_person_stated_or_nobody_knows_says_so() {
        let stated = decided(
            CategoryBasis::Stated,
            Category::SalesManagement.number(),
            0,
            &[],
        );
        assert_eq!(
            shown(&stated),
            ["category: SALES_MANAGEMENT", "known: stated by a person"]
        );
        let unknown = decided(CategoryBasis::Unspecified, 0, 0, &[]);
        assert_eq!(
            shown(&unknown),
            [
                "category: –",
                "known: not sure: nobody stated a category, and nothing suggests one",
            ]
        );
    }
}
