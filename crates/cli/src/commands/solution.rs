//! `redress solution`: what is proposed to complainants, who approves it, and what came of it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use redress_assignment::domain::authority::Level;
use redress_assignment::domain::solution::{
    Answer, LegalBasisKind, LiabilityGround, RemedyKind, State,
};
use redress_model::words::Channel;
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;

use super::case::{Numbers, name_of};
use super::contractor::checked;
use super::practice::cny;
use super::work::work_name;
use super::{number, word};
use crate::args::Paging;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, heading, line, short, when};

/// The message that most of these commands print.
const SOLUTION: &str = "assignment.v1.Solution";

/// What a file of terms looks like.
const TERMS: &str = r#"A file of terms holds the message SolutionTerms as JSON:
  {
    "summary": "seal the joint and pay for the ceiling",
    "root_cause": "a loose joint",
    "remedies": [
      { "kind": "REMEDY_KIND_COMPENSATION", "text": "for the ceiling",
        "amount": { "currency_code": "CNY", "units": "1200" } }
    ],
    "steps": [
      { "text": "seal the joint", "owner": "sites/lakeside/staff/eng-one", "due_time": "2026-12-01T10:00:00Z" }
    ],
    "legal_basis": { "kind": "LEGAL_BASIS_KIND_LAW", "citation": "建设工程质量管理条例第四十条" },
    "liability": { "ground": "LIABILITY_GROUND_CONTRACT_CLAUSE", "reference": "第十二条" }
  }

Examples:
  redress solution propose LS-20261121-0001 --terms terms.json
  redress solution propose sites/lakeside/solutions/ID --terms terms.json --etag r2"#;

/// Subcommands of `solution`.
#[derive(Debug, Subcommand)]
pub(crate) enum SolutionCommand {
    /// List solutions, newest first.
    #[command(
        after_help = "Examples:\n  redress solution list --state AWAITING_APPROVAL --level REGION\n  redress solution list --case LS-20261121-0001 --json"
    )]
    List {
        /// Site; all of the token's sites otherwise.
        #[arg(long)]
        site: Option<String>,
        /// Only of this case: its name or number.
        #[arg(long)]
        case: Option<String>,
        /// Only in this state, for example AWAITING_APPROVAL.
        #[arg(long)]
        state: Option<String>,
        /// Only those that need this level, for example REGION.
        #[arg(long)]
        level: Option<String>,
        /// Rows.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a solution with its terms and reviews.
    #[command(
        after_help = "Examples:\n  redress solution show LS-20261121-0001\n  redress solution show sites/lakeside/solutions/ID --json"
    )]
    Show {
        /// The solution, or the case or its number: its newest one.
        solution: String,
    },
    /// Propose a solution inside, or change one that is not told yet.
    #[command(after_help = TERMS)]
    Propose {
        /// The case, its number, or the solution to change, `sites/{site}/solutions/{solution}`.
        of: String,
        /// File of the terms.
        #[arg(long, value_name = "FILE")]
        terms: PathBuf,
        /// Why it may say what the wording rules find; takes the permission wording.override.
        #[arg(long, default_value = "")]
        override_wording: String,
        /// The etag of what you looked at: of the solution to change, as `show` prints it, or of the work on the case, as
        /// `work show` does, where a solution gives way to this one. Needed in both.
        #[arg(long, default_value = "")]
        etag: String,
    },
    /// Approve a solution, or refuse it.
    #[command(
        after_help = "Look at it first; `show` prints everything that the digest is made of, and the etag.\n\nExamples:\n  redress solution show sites/lakeside/solutions/ID\n  redress solution approve sites/lakeside/solutions/ID --etag r2\n  redress solution approve sites/lakeside/solutions/ID --etag r2 --refuse 'like cases got less'"
    )]
    Approve {
        /// The solution, or the case or its number: its newest one.
        solution: String,
        /// Refuse it, with this reason.
        #[arg(long, value_name = "REASON")]
        refuse: Option<String>,
        /// The etag of what you looked at, as `show` prints it: another one is not approved.
        #[arg(long)]
        etag: String,
    },
    /// Tell an approved solution to the complainant.
    #[command(
        after_help = "Example:\n  redress solution tell sites/lakeside/solutions/ID --channel HOTLINE"
    )]
    Tell {
        /// The solution, or the case or its number: its newest one.
        solution: String,
        /// By which way it was told.
        #[arg(long)]
        channel: String,
        /// The etag of what you looked at, as `show` prints it: what somebody changed since is left alone.
        #[arg(long, default_value = "")]
        etag: String,
    },
    /// Record what the complainant says to it, also that what was agreed to is not carried out.
    #[command(
        after_help = "What was agreed to is taken back with the etag and the reason: the case is investigated again.\n\nExamples:\n  redress solution confirm sites/lakeside/solutions/ID AGREED\n  redress solution confirm sites/lakeside/solutions/ID DECLINED --etag r6 --note 'the contractor is insolvent'"
    )]
    Confirm {
        /// The solution, or the case or its number: its newest one.
        solution: String,
        /// AGREED, DECLINED, or NONE after a visit brought no answer either.
        answer: String,
        /// What was said; why what was agreed to is not carried out.
        #[arg(long, default_value = "")]
        note: String,
        /// The etag of what you looked at, as `show` prints it: what somebody changed since is left alone. Needed to take back
        /// what was agreed to.
        #[arg(long, default_value = "")]
        etag: String,
    },
    /// Record that a step of an agreed solution is done.
    #[command(
        after_help = "Examples:\n  redress solution done sites/lakeside/solutions/ID 1\n  redress solution done sites/lakeside/solutions/ID 1 --check 1 --check 2 --text 'the home is empty'"
    )]
    Done {
        /// The solution, or the case or its number: its newest one.
        solution: String,
        /// Which step, counted from 1.
        step: i32,
        /// The etag of what you looked at, as `show` prints it: what somebody changed since is left alone.
        #[arg(long, default_value = "")]
        etag: String,
        /// An item of the step's checklist that was done, counted from 1; may be given several times.
        #[arg(long = "check", value_name = "ITEM", value_parser = clap::value_parser!(i32).range(1..=20))]
        items: Vec<i32>,
        /// Why items of its checklist are open; name nobody.
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Show what each level may decide at a site, or set it.
    #[command(
        after_help = "Examples:\n  redress solution limits lakeside\n  redress solution limits lakeside --level DEPARTMENT_MANAGER --amount 3000"
    )]
    Limits {
        /// The site.
        #[command(flatten)]
        of: crate::args::OfSite,
        /// The level to set, HANDLER to REGION.
        #[arg(long, requires = "amount")]
        level: Option<String>,
        /// Up to this sum in whole yuan, itself included.
        #[arg(long, requires = "level", value_parser = clap::value_parser!(i64).range(0..))]
        amount: Option<i64>,
    },
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: SolutionCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.solutions();
    let mut like = None;
    let solution = match command {
        SolutionCommand::List {
            site,
            case,
            state,
            level,
            paging,
        } => {
            let case = match case {
                Some(case) => name_of(platform, &case).await?,
                None => String::new(),
            };
            let state = state.map(|s| number::<State>("state", &s)).transpose()?;
            let level = level.map_or(Ok(0), |l| number::<Level>("level", &l))?;
            let list = wire::ListSolutionsRequest {
                parent: parent(site.as_deref()),
                case,
                states: state.into_iter().collect(),
                required_level: level,
                ..Default::default()
            };
            return listed(platform, &list, paging, out).await;
        }
        SolutionCommand::Limits { of, level, amount } => {
            return limits(platform, &of.id(), level, amount, out).await;
        }
        SolutionCommand::Show { solution } => {
            let call = wire::GetSolutionRequest {
                name: newest(platform, solution).await?,
            };
            let answer = client.get_solution(request(call)).await?.into_inner();
            like = answer.like_cases;
            answer.solution
        }
        SolutionCommand::Propose {
            of,
            terms,
            override_wording,
            etag,
        } => {
            let said = (terms.as_path(), override_wording);
            let (solution, cases) = propose(platform, &of, said, etag).await?;
            like = cases;
            solution
        }
        SolutionCommand::Approve {
            solution,
            refuse,
            etag,
        } => {
            let call = wire::ReviewSolutionRequest {
                name: newest(platform, solution).await?,
                approve: refuse.is_none(),
                reason: refuse.unwrap_or_default(),
                etag,
                request_id: request_id(),
            };
            client
                .review_solution(request(call))
                .await?
                .into_inner()
                .solution
        }
        SolutionCommand::Tell {
            solution,
            channel,
            etag,
        } => {
            let call = wire::TellSolutionRequest {
                name: newest(platform, solution).await?,
                channel: number::<Channel>("channel", &channel)?,
                etag,
                request_id: request_id(),
                ..Default::default()
            };
            client
                .tell_solution(request(call))
                .await?
                .into_inner()
                .solution
        }
        SolutionCommand::Confirm {
            solution,
            answer,
            note,
            etag,
        } => {
            let call = wire::ConfirmSolutionRequest {
                name: newest(platform, solution).await?,
                answer: number::<Answer>("answer", &answer)?,
                note,
                etag,
                request_id: request_id(),
            };
            client
                .confirm_solution(request(call))
                .await?
                .into_inner()
                .solution
        }
        SolutionCommand::Done {
            solution,
            step,
            etag,
            items,
            text,
        } => {
            let call = wire::CompleteSolutionStepRequest {
                name: newest(platform, solution).await?,
                step,
                etag,
                request_id: request_id(),
                checked_items: items,
                text,
            };
            client
                .complete_solution_step(request(call))
                .await?
                .into_inner()
                .solution
        }
    };
    let solution = solution.unwrap_or_default();
    out.one(
        || as_json(&solution, like.as_ref()),
        || {
            describe(&solution);
            if let Some(like) = &like {
                describe_like(like);
            }
        },
    );
    Ok(())
}

/// A solution by its name, or the newest one of a case by the case's name or number.
async fn newest(platform: &Platform, name: String) -> Result<String, Failure> {
    if name.contains("/solutions/") {
        return Ok(name);
    }
    let case = name_of(platform, &name).await?;
    let site = case.split('/').take(2).collect::<Vec<_>>().join("/");
    let of_case = wire::ListSolutionsRequest {
        parent: site,
        case,
        page_size: 1,
        ..Default::default()
    };
    let answer = platform
        .solutions()
        .list_solutions(request(of_case))
        .await?;
    let found = answer.into_inner().solutions.into_iter().next();
    let found = found.map(|s| s.name);
    found.ok_or(Failure::NoSolution { case: name })
}

async fn propose(
    platform: &Platform,
    of: &str,
    (file, override_wording): (&Path, String),
    etag: String,
) -> Result<(Option<wire::Solution>, Option<wire::LikeCases>), Failure> {
    let text = std::fs::read_to_string(file).map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })?;
    let terms =
        json::read("assignment.v1.SolutionTerms", &text).map_err(|reason| Failure::Argument {
            argument: "terms",
            reason,
        })?;
    let mut client = platform.solutions();
    if of.contains("/solutions/") {
        let call = wire::ReviseSolutionRequest {
            name: of.to_owned(),
            terms: Some(terms),
            etag,
            request_id: request_id(),
            wording_override_reason: override_wording,
        };
        let answer = client.revise_solution(request(call)).await?.into_inner();
        return Ok((answer.solution, answer.like_cases));
    }
    let case = name_of(platform, of).await?;
    let call = wire::ProposeSolutionRequest {
        parent: work_name(&case),
        terms: Some(terms),
        etag,
        request_id: request_id(),
        wording_override_reason: override_wording,
    };
    let answer = client.propose_solution(request(call)).await?.into_inner();
    Ok((answer.solution, answer.like_cases))
}

async fn listed(
    platform: &Platform,
    list: &wire::ListSolutionsRequest,
    paging: Paging,
    out: Output,
) -> Result<(), Failure> {
    let client = platform.solutions();
    let rows = all_pages(paging.limit, |page_size, page_token| {
        let mut client = client.clone();
        let list = wire::ListSolutionsRequest {
            page_size,
            page_token,
            ..list.clone()
        };
        async move {
            let answer = client.list_solutions(request(list)).await?.into_inner();
            Ok((answer.solutions, answer.next_page_token))
        }
    })
    .await?;
    let numbers = Numbers::look_up(platform, rows.iter().map(|s| s.case.as_str()), out).await;
    out.rows(
        &[
            "Solution", "Case", "State", "Needs", "Total", "Author", "Proposed",
        ],
        &rows,
        |s| {
            vec![
                s.name.clone(),
                numbers.of(&s.case),
                word::<State>(s.state),
                word::<Level>(s.required_level),
                cny(s.total.as_ref()),
                s.author.clone(),
                when(s.create_time.as_ref()),
            ]
        },
        |s| json::of(SOLUTION, s),
    );
    Ok(())
}

async fn limits(
    platform: &Platform,
    site: &str,
    level: Option<String>,
    amount: Option<i64>,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.solutions();
    let name = parent(Some(site));
    let limits = match (level, amount) {
        (Some(level), Some(yuan)) => {
            let call = wire::SetAuthorityLimitsRequest {
                name,
                limits: vec![wire::AuthorityLimit {
                    level: number::<Level>("level", &level)?,
                    amount: Some(Money {
                        currency_code: "CNY".to_owned(),
                        units: yuan,
                        nanos: 0,
                    }),
                }],
            };
            client
                .set_authority_limits(request(call))
                .await?
                .into_inner()
                .limits
        }
        _ => {
            let call = wire::GetAuthorityLimitsRequest { name };
            client
                .get_authority_limits(request(call))
                .await?
                .into_inner()
                .limits
        }
    };
    out.rows(
        &["Level", "May decide up to"],
        &limits,
        |l| vec![word::<Level>(l.level), cny(l.amount.as_ref())],
        |l| json::of("assignment.v1.AuthorityLimit", l),
    );
    Ok(())
}

/// A solution, and in it what like cases got where that is known.
fn as_json(solution: &wire::Solution, like: Option<&wire::LikeCases>) -> serde_json::Value {
    let mut shown = json::of(SOLUTION, solution);
    if let Some(like) = like {
        shown["like_cases"] = json::of("assignment.v1.LikeCases", like);
    }
    shown
}

/// What like cases got, beside what this one is to get.
fn describe_like(like: &wire::LikeCases) {
    let [min, median, max] = [&like.min, &like.median, &like.max].map(|m| cny(m.as_ref()));
    let spread = match like.paid {
        0 => String::new(),
        _ => format!(": {min} to {max}, the middle {median}"),
    };
    line(
        "like cases",
        format!("{} told, {} paid{spread}", like.count, like.paid),
    );
}

fn describe(s: &wire::Solution) {
    heading(&format!("Solution {}", short(&s.name)));
    line("solution", &s.name);
    line("case", &s.case);
    line("state", word::<State>(s.state));
    line("needs", word::<Level>(s.required_level));
    line("total", cny(s.total.as_ref()));
    line("author", &s.author);
    if let Some(terms) = &s.terms {
        line("summary", &terms.summary);
        line("root cause", &terms.root_cause);
        for (i, remedy) in terms.remedies.iter().enumerate() {
            line(&format!("remedy {}", i + 1), described(remedy));
        }
        if let Some(basis) = &terms.legal_basis {
            let kind = word::<LegalBasisKind>(basis.kind);
            line("rests on", format!("{kind}: {}", basis.citation));
        }
        if let Some(liability) = &terms.liability {
            let ground = word::<LiabilityGround>(liability.ground);
            line("liable by", format!("{ground} {}", liability.reference));
            for (label, text) in [
                ("no clause as", &liability.no_clause_reason),
                ("partner", &liability.partner),
                ("recourse", &liability.recourse),
            ] {
                if !text.is_empty() {
                    line(label, text);
                }
            }
        }
        for (i, step) in terms.steps.iter().enumerate() {
            let until = if step.condition.is_empty() {
                when(step.due_time.as_ref())
            } else {
                format!("if {}", step.condition)
            };
            let done = if step.done_time.is_some() {
                "done"
            } else {
                "open"
            };
            line(
                &format!("step {}", i + 1),
                format!("{}  {until}  {done}{}", step.text, by_whom(step)),
            );
            if !step.checklist.is_empty() {
                line("beside it", checked(&step.checklist));
            }
        }
        if let Some(offer) = &terms.final_offer {
            let until = when(offer.expire_time.as_ref());
            line(
                "final offer",
                format!("up to {} until {until}", cny(offer.ceiling.as_ref())),
            );
            line("offer says", &offer.text);
        }
    }
    for review in &s.reviews {
        let said = if review.approved {
            "approved"
        } else {
            "refused"
        };
        let stands = if review.of_these_terms {
            ""
        } else {
            "  of former terms"
        };
        let level = word::<Level>(review.level);
        line(
            said,
            format!("{} as {level} {}{stands}", review.reviewer, review.reason),
        );
    }
    if s.answer != 0 {
        line("answer", word::<Answer>(s.answer));
    }
    line("digest", &s.digest);
    if s.tampered {
        line(
            "TAMPERED",
            "the terms do not match the digest: they were changed where they are kept; nothing goes on by them",
        );
    }
    line("etag", &s.etag);
}

/// A remedy with its sum, and who does it.
fn described(remedy: &wire::Remedy) -> String {
    let kind = word::<RemedyKind>(remedy.kind);
    let mut text = format!("{kind}  {}  {}", cny(remedy.amount.as_ref()), remedy.text);
    if !remedy.department.is_empty() {
        text.push_str(&format!("  by {}", remedy.department));
    }
    if !remedy.outside_party.is_empty() {
        text.push_str(&format!("  with {}", remedy.outside_party));
    }
    text
}

/// Who does a step.
fn by_whom(step: &wire::SolutionStep) -> String {
    let people = [&step.owner, &step.outside_party];
    let people: Vec<&str> = people
        .into_iter()
        .map(String::as_str)
        .filter(|p| !p.is_empty())
        .collect();
    if people.is_empty() {
        String::new()
    } else {
        format!("  by {}", people.join(" with "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m10_the_json_of_a_solution_shows_what_like_cases_got_where_that_is_known() {
        let solution = wire::Solution {
            name: "sites/lake/solutions/x".to_owned(),
            ..Default::default()
        };
        let like = wire::LikeCases {
            count: 7,
            ..Default::default()
        };
        let shown = as_json(&solution, Some(&like));
        assert_eq!(shown["name"], "sites/lake/solutions/x");
        assert_eq!(shown["like_cases"]["count"], 7);
        assert_eq!(as_json(&solution, None), json::of(SOLUTION, &solution));
    }
}
