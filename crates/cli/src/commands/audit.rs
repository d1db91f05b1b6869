//! `redress audit`: whether what was written stands as it was written (I12), and who opened what is sealed.

use clap::Subcommand;
use redress_assignment::store::accesses::AccessKind;
use redress_proto::assignment::v1::{BrokenWork, ListAccessesRequest, VerifyWorkRequest};
use redress_proto::crisis::v1::{BrokenIncident, VerifyIncidentsRequest};
use redress_proto::intake::v1::{
    BrokenTimeline, ListSitesRequest, VerifyTimelineRequest, VerifyTimelinesRequest,
};
use redress_proto::triage::v1::{BrokenChain, VerifyDecisionsRequest};

use super::case::name_of;
use super::work::work_name;
use super::{number, word};
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, line, short, when};

/// Subcommands of `audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the hash chains: every decision, every timeline and the history of all work of the sites, or of one case, the
    /// terms of its solutions, and of sites the logs of their incidents. Names the first entry that is wrong of each, and ends
    /// with an error where one does not hold.
    #[command(
        after_help = "Examples:\n  redress audit verify\n  redress audit verify --site lakeside --json\n  redress audit verify LS-20261121-0001"
    )]
    Verify {
        /// One case, `sites/{site}/cases/{case}`, or its number.
        case: Option<String>,
        /// Site; all of the token's sites otherwise.
        #[arg(long, conflicts_with = "case")]
        site: Option<String>,
    },
    /// List who opened the hints on complainants and the contact points of staff, newest first: for admins and auditors. `case show`
    /// tells what services read of a case, its words or its contact points, and what for; what people read of it is not recorded.
    #[command(
        after_help = "Examples:\n  redress audit accesses --site lakeside --limit 20\n  redress audit accesses LS-20261121-0001 --json\n  redress audit accesses --site lakeside --kind CONTACT_POINTS"
    )]
    Accesses {
        /// Only of this case, `sites/{site}/cases/{case}`, or its number.
        #[arg(required_unless_present = "site")]
        case: Option<String>,
        /// Of this site.
        #[arg(long, conflicts_with = "case")]
        site: Option<String>,
        /// Only HINTS or CONTACT_POINTS.
        #[arg(long)]
        kind: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_parser = crate::args::parse_count)]
        limit: usize,
    },
}

/// What was found.
#[derive(Debug, Default)]
struct Verdict {
    cases: i64,
    decisions: i64,
    broken: Vec<BrokenChain>,
    entries: i64,
    broken_timelines: Vec<BrokenTimeline>,
    steps: i64,
    broken_work: Vec<BrokenWork>,
    incidents: i64,
    log_entries: i64,
    broken_logs: Vec<BrokenIncident>,
}

impl Verdict {
    fn holds(&self) -> bool {
        self.broken.is_empty()
            && self.broken_timelines.is_empty()
            && self.broken_work.is_empty()
            && self.broken_logs.is_empty()
    }
}

/// Runs a subcommand.
pub(crate) async fn run(
    platform: &Platform,
    command: AuditCommand,
    out: Output,
) -> Result<(), Failure> {
    let (case, site) = match command {
        AuditCommand::Verify { case, site } => (case, site),
        AuditCommand::Accesses {
            case,
            site,
            kind,
            limit,
        } => return accesses(platform, (case, site, kind), limit, out).await,
    };
    let mut verdict = Verdict::default();
    match case {
        Some(case) => {
            let case = name_of(platform, &case).await?;
            decisions(platform, &case, &mut verdict).await?;
            timeline(platform, &case, &mut verdict).await?;
            work(platform, &case, &mut verdict).await?;
        }
        None => {
            let sites = match site {
                Some(site) => vec![parent(Some(&site))],
                None => sites(platform).await?,
            };
            for site in sites {
                decisions(platform, &site, &mut verdict).await?;
                timelines(platform, &site, &mut verdict).await?;
                work(platform, &site, &mut verdict).await?;
                logs(platform, &site, &mut verdict).await?;
            }
        }
    }
    tell(&verdict, out);
    if verdict.holds() {
        Ok(())
    } else {
        Err(Failure::Tampered)
    }
}

async fn accesses(
    platform: &Platform,
    (case, site, kind): (Option<String>, Option<String>, Option<String>),
    limit: usize,
    out: Output,
) -> Result<(), Failure> {
    let (parent, work) = match case {
        Some(case) => {
            let case = name_of(platform, &case).await?;
            let site = case.split("/cases/").next().unwrap_or_default().to_owned();
            (site, work_name(&case))
        }
        None => (parent(site.as_deref()), String::new()),
    };
    let kind = kind.map_or(Ok(0), |kind| number::<AccessKind>("kind", &kind))?;
    let client = platform.work();
    let rows = all_pages(Some(limit), |page_size, page_token| {
        let mut client = client.clone();
        let list = ListAccessesRequest {
            parent: parent.clone(),
            work: work.clone(),
            kind,
            page_size,
            page_token,
        };
        async move {
            let answer = client.list_accesses(request(list)).await?.into_inner();
            Ok((answer.accesses, answer.next_page_token))
        }
    })
    .await?;
    out.rows(
        &["Opened", "When", "By", "Person", "Case", "What for"],
        &rows,
        |a| {
            vec![
                word::<AccessKind>(a.kind),
                when(a.access_time.as_ref()),
                a.reader.clone(),
                short(&a.staff).to_owned(),
                a.case.clone(),
                a.purpose.clone(),
            ]
        },
        |a| json::of("assignment.v1.Access", a),
    );
    Ok(())
}

async fn sites(platform: &Platform) -> Result<Vec<String>, Failure> {
    let client = platform.directory();
    let sites = all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        async move {
            let list = ListSitesRequest {
                page_size,
                page_token,
                ..Default::default()
            };
            let answer = client.list_sites(request(list)).await?.into_inner();
            Ok((answer.sites, answer.next_page_token))
        }
    })
    .await?;
    Ok(sites.into_iter().map(|site| site.name).collect())
}

async fn decisions(
    platform: &Platform,
    parent: &str,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let client = platform.triage();
    let pages = all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let parent = parent.to_owned();
        async move {
            let verify = VerifyDecisionsRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client.verify_decisions(request(verify)).await?.into_inner();
            let next = answer.next_page_token.clone();
            Ok((vec![answer], next))
        }
    })
    .await?;
    for page in pages {
        verdict.cases += i64::from(page.case_count);
        verdict.decisions += page.decision_count;
        verdict.broken.extend(page.broken);
    }
    Ok(())
}

async fn timelines(
    platform: &Platform,
    parent: &str,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let client = platform.cases();
    let pages = all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let parent = parent.to_owned();
        async move {
            let verify = VerifyTimelinesRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client.verify_timelines(request(verify)).await?.into_inner();
            let next = answer.next_page_token.clone();
            Ok((vec![answer], next))
        }
    })
    .await?;
    for page in pages {
        verdict.entries += page.entry_count;
        verdict.broken_timelines.extend(page.broken);
    }
    Ok(())
}

async fn timeline(platform: &Platform, case: &str, verdict: &mut Verdict) -> Result<(), Failure> {
    let verify = VerifyTimelineRequest {
        name: case.to_owned(),
    };
    let answer = platform.cases().verify_timeline(request(verify)).await?;
    let answer = answer.into_inner();
    verdict.entries += answer.entry_count;
    if !answer.valid {
        verdict.broken_timelines.push(BrokenTimeline {
            case: case.to_owned(),
            first_bad_sequence: answer.first_bad_sequence,
            finding: answer.finding,
        });
    }
    Ok(())
}

async fn work(platform: &Platform, parent: &str, verdict: &mut Verdict) -> Result<(), Failure> {
    let client = platform.work();
    let pages = all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let parent = parent.to_owned();
        async move {
            let verify = VerifyWorkRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client.verify_work(request(verify)).await?.into_inner();
            let next = answer.next_page_token.clone();
            Ok((vec![answer], next))
        }
    })
    .await?;
    for page in pages {
        verdict.steps += page.step_count;
        verdict.broken_work.extend(page.broken);
    }
    Ok(())
}

async fn logs(platform: &Platform, parent: &str, verdict: &mut Verdict) -> Result<(), Failure> {
    let client = platform.incidents();
    let pages = all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let parent = parent.to_owned();
        async move {
            let verify = VerifyIncidentsRequest {
                parent,
                page_size,
                page_token,
            };
            let answer = client.verify_incidents(request(verify)).await?.into_inner();
            let next = answer.next_page_token.clone();
            Ok((vec![answer], next))
        }
    })
    .await?;
    for page in pages {
        verdict.incidents += i64::from(page.incident_count);
        verdict.log_entries += page.entry_count;
        verdict.broken_logs.extend(page.broken);
    }
    Ok(())
}

fn tell(verdict: &Verdict, out: Output) {
    out.one(
        || {
            let broken: Vec<_> = verdict
                .broken
                .iter()
                .map(|b| serde_json::json!({ "case": b.case, "revision": b.revision }))
                .collect();
            let timelines: Vec<_> = verdict
                .broken_timelines
                .iter()
                .map(|b| {
                    serde_json::json!({ "case": b.case, "entry": b.first_bad_sequence, "finding": b.finding })
                })
                .collect();
            let work: Vec<_> = verdict
                .broken_work
                .iter()
                .map(|b| {
                    serde_json::json!({
                        "work": b.name, "step": b.first_bad_sequence, "solution": b.solution, "finding": b.finding
                    })
                })
                .collect();
            let logs: Vec<_> = verdict
                .broken_logs
                .iter()
                .map(|b| {
                    serde_json::json!({
                        "incident": b.name, "entry": b.first_bad_number, "finding": b.finding
                    })
                })
                .collect();
            serde_json::json!({
                "cases": verdict.cases,
                "decisions": verdict.decisions,
                "broken": broken,
                "entries": verdict.entries,
                "broken_timelines": timelines,
                "timeline_intact": verdict.broken_timelines.is_empty(),
                "steps": verdict.steps,
                "broken_work": work,
                "incidents": verdict.incidents,
                "log_entries": verdict.log_entries,
                "broken_logs": logs,
            })
        },
        || {
            line("cases", verdict.cases);
            line("decisions", verdict.decisions);
            for broken in &verdict.broken {
                line(
                    "broken",
                    format!("{} from revision {} on", broken.case, broken.revision),
                );
            }
            if verdict.broken.is_empty() {
                line("chains", "hold");
            }
            line("entries", verdict.entries);
            for broken in &verdict.broken_timelines {
                line(
                    "broken",
                    format!(
                        "{} from entry {} on: {}",
                        broken.case, broken.first_bad_sequence, broken.finding
                    ),
                );
            }
            if verdict.broken_timelines.is_empty() {
                line("timelines", "hold");
            }
            line("steps", verdict.steps);
            for broken in &verdict.broken_work {
                let what = if broken.solution.is_empty() {
                    format!("{} from step {} on", broken.name, broken.first_bad_sequence)
                } else {
                    broken.solution.clone()
                };
                line("broken", format!("{what}: {}", broken.finding));
            }
            if verdict.broken_work.is_empty() {
                line("work", "holds");
            }
            line("incidents", verdict.incidents);
            for broken in &verdict.broken_logs {
                line(
                    "broken",
                    format!(
                        "{} from entry {} on: {}",
                        broken.name, broken.first_bad_number, broken.finding
                    ),
                );
            }
            if verdict.broken_logs.is_empty() {
                line("logs", "hold");
            }
        },
    );
}
