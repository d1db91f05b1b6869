//! `redress policy`: what grading and promises may do differently from place to place.

mod args;
mod windows;
mod wrong;

pub(crate) use args::PolicyCommand;
pub(crate) use wrong::WrongPolicy;

use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use redress_model::words::{ClockKind, DutyRole};
use redress_policy::{Overlay, Policy, overlay_schema, profile_schema};
use redress_proto::convert::to_timestamp;
use redress_proto::triage::v1::{
    ApplyPolicyRequest, CheckPolicyRequest, ClockEffect, GetPolicyRequest, LadderEffect,
    LadderTerms, ListPolicyRevisionsRequest, PolicyEffect, PolicyLevel, PolicyOrigin, PolicyPage,
    PreviewPolicyRequest, PreviewPolicyResponse,
};
use tonic::Status;

use super::word;
use crate::connect::{Platform, all_pages, parent, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, grade, heading, line, short, when};
pub(super) use args::ScopeArgs;

/// Cases of a page of a preview: each page costs the platform a look at all of them.
const EFFECTS_MAX: i32 = 500;

/// Runs a subcommand; only some of them need the platform.
pub(crate) async fn run(
    platform: impl Fn() -> Result<Platform, Failure>,
    command: PolicyCommand,
    out: Output,
) -> Result<(), Failure> {
    match command {
        PolicyCommand::Check { file, scope } => match scope.name() {
            None => check(&file, out),
            Some(parent) => check_levels(&platform()?, &file, parent, out).await,
        },
        PolicyCommand::Preview { file, scope, from } => {
            let asked = PreviewPolicyRequest {
                parent: required(&scope)?,
                document: checked(&file, out)?,
                effective_time: from.map(|text| time("from", &text)).transpose()?,
                page_size: EFFECTS_MAX,
                page_token: String::new(),
            };
            let client = platform()?.policies();
            let seen = whole(asked, |asked| {
                let mut client = client.clone();
                async move {
                    let answer = client.preview_policy(request(asked)).await?;
                    Ok(answer.into_inner())
                }
            })
            .await?;
            out.one(
                || json::of("triage.v1.PreviewPolicyResponse", &seen),
                || preview(&seen, out),
            );
            Ok(())
        }
        PolicyCommand::Apply {
            file,
            scope,
            from,
            reason,
            etag,
        } => {
            let asked = ApplyPolicyRequest {
                parent: required(&scope)?,
                document: checked(&file, out)?,
                effective_time: from.map(|text| time("from", &text)).transpose()?,
                reason,
                etag,
                request_id: request_id(),
            };
            apply(&platform()?, asked, out).await
        }
        PolicyCommand::Show { site, at, changed } => {
            let at = at.map(|text| time("at", &text)).transpose()?;
            show(&platform()?, &site, at, changed, out).await
        }
        PolicyCommand::History { scope, limit } => {
            history(&platform()?, required(&scope)?, limit, out).await
        }
        PolicyCommand::Schema { profile } => {
            let schema = if profile {
                profile_schema()
            } else {
                overlay_schema()
            };
            out.one(|| schema.clone(), || crate::output::say!("{schema:#}"));
            Ok(())
        }
        PolicyCommand::Windows {
            site,
            open,
            until,
            reason,
            remove,
        } => {
            let added = open
                .zip(until)
                .map(|(start, end)| windows::window(&start, &end, reason))
                .transpose()?;
            let removed = remove.map(|text| time("remove", &text)).transpose()?;
            windows::run(&platform()?, &site, added, removed, out).await
        }
    }
}

pub(super) fn required(scope: &ScopeArgs) -> Result<String, Failure> {
    scope.name().ok_or_else(|| Failure::Argument {
        argument: "site",
        reason: "is missing: say --organization, --region or --site".to_owned(),
    })
}

/// An instant with an offset, or in this machine's zone.
pub(super) fn time(argument: &'static str, text: &str) -> Result<prost_types::Timestamp, Failure> {
    let local = || -> Option<Timestamp> {
        let local: DateTime = text.parse().ok()?;
        TimeZone::system().to_timestamp(local).ok()
    };
    let instant = text.parse::<Timestamp>().ok().or_else(local);
    instant.map(to_timestamp).ok_or_else(|| Failure::Argument {
        argument,
        reason: format!("{text:?} must look like 2026-12-01T08:00 or 2026-12-01T08:00+08:00"),
    })
}

pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let read = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|source| Failure::File {
        what: "cannot read",
        path: file.display().to_string(),
        source,
    })
}

/// The text of a file whose own form is right.
fn checked(file: &Path, out: Output) -> Result<String, Failure> {
    let text = read(file)?;
    match Overlay::check(&text) {
        Ok(_) => Ok(text),
        Err(problems) => Err(wrong(file, &text, &problems, out)),
    }
}

pub(super) fn wrong(
    file: &Path,
    text: &str,
    problems: &redress_policy::Problems,
    out: Output,
) -> Failure {
    let file = file.display().to_string();
    if out.json {
        crate::output::object(&wrong::json(&file, problems));
    }
    Failure::Policy(Box::new(WrongPolicy::alone(&file, text, problems)))
}

fn check(file: &Path, out: Output) -> Result<(), Failure> {
    let text = read(file)?;
    let whole = text.lines().any(|line| line.starts_with("profile:"));
    let found = if whole {
        Policy::parse(&text).map(drop)
    } else {
        Overlay::check(&text).map(drop)
    };
    found.map_err(|problems| wrong(file, &text, &problems, out))?;
    fine(file, out);
    Ok(())
}

fn fine(file: &Path, out: Output) {
    let file = file.display().to_string();
    out.one(
        || serde_json::json!({ "file": file, "problems": [] }),
        || crate::output::say!("{file} is right"),
    );
}

async fn check_levels(
    platform: &Platform,
    file: &Path,
    parent: String,
    out: Output,
) -> Result<(), Failure> {
    let document = checked(file, out)?;
    let asked = CheckPolicyRequest {
        parent,
        document: document.clone(),
    };
    let answer = platform.policies().check_policy(request(asked)).await?;
    let problems = answer.into_inner().problems;
    if problems.is_empty() {
        fine(file, out);
        return Ok(());
    }
    let file = file.display().to_string();
    if out.json {
        for problem in &problems {
            crate::output::object(&json::of("triage.v1.PolicyProblem", problem));
        }
    }
    let wrong = WrongPolicy::among_levels(&file, &document, &problems);
    Err(Failure::Policy(Box::new(wrong)))
}

/// A preview with the cases of all its pages. The counts are those of the first.
async fn whole<F, Fut>(
    mut asked: PreviewPolicyRequest,
    mut page: F,
) -> Result<PreviewPolicyResponse, Failure>
where
    F: FnMut(PreviewPolicyRequest) -> Fut,
    Fut: Future<Output = Result<PreviewPolicyResponse, Status>>,
{
    let mut seen = page(asked.clone()).await?;
    while !seen.next_page_token.is_empty() {
        asked.page_token = std::mem::take(&mut seen.next_page_token);
        let next = page(asked.clone()).await?;
        seen.effects.extend(next.effects);
        seen.truncated = next.truncated;
        seen.next_page_token = next.next_page_token;
    }
    Ok(seen)
}

fn preview(seen: &PreviewPolicyResponse, out: Output) {
    // A platform of before does not say it.
    if seen.effective_time.is_some() {
        line("as of", when(seen.effective_time.as_ref()));
    }
    line("open cases", seen.case_count);
    line("graded anew", seen.regraded_count);
    line(
        "other deadline",
        format!("{} promises; they keep the one they have", seen.clock_count),
    );
    if seen.step_count > 0 {
        line(
            "other warnings",
            format!(
                "or climbs for {} more; they keep those they have",
                seen.step_count
            ),
        );
    }
    if seen.broken_count > 0 {
        line(
            "broken",
            format!(
                "{} promises more by then, unless kept before; that mends none",
                seen.broken_count
            ),
        );
    }
    line("paged", format!("{} people", seen.paged_count));
    if seen.roster_until_time.is_some() {
        line(
            "duties",
            format!(
                "known until {}; who comes on duty later is not",
                when(seen.roster_until_time.as_ref())
            ),
        );
    }
    if let Some(partial) = partial(seen) {
        line("partial", partial);
    }
    if !seen.effects.is_empty() {
        heading("Cases");
        effects(&seen.effects, out);
    }
    if !seen.ladders.is_empty() {
        heading("Paged otherwise from then on, about running clocks too");
        ladders(&seen.ladders, out);
    }
    for (title, pages) in [
        ("Paged when it takes effect", &seen.pages),
        (
            "Would be paged too if running clocks took the new terms (they do not)",
            &seen.late_pages,
        ),
    ] {
        if !pages.is_empty() {
            heading(title);
            paged(pages, seen.roster_until_time.is_none(), out);
        }
    }
}

/// What the list of cases lacks: a platform of before has no further pages.
fn partial(seen: &PreviewPolicyResponse) -> Option<String> {
    let listed = seen.effects.len();
    seen.truncated.then(|| {
        format!("more cases would change than the {listed} listed; the counts above are of all")
    })
}

fn effects(effects: &[PolicyEffect], out: Output) {
    out.rows(
        &["Number", "Grade", "", "Promises that would run otherwise"],
        effects,
        |effect| {
            let clocks: Vec<String> = effect.clocks.iter().map(clock).collect();
            vec![
                effect.number.clone(),
                grade(effect.grade),
                risen(effect),
                clocks.join("; "),
            ]
        },
        |effect| json::of("triage.v1.PolicyEffect", effect),
    );
}

/// What becomes of a grade, and by what: an age that is reached until then is not the policy's doing.
fn risen(effect: &PolicyEffect) -> String {
    // A platform of before does not say it.
    let without = match effect.grade_without {
        0 => effect.grade,
        without => without,
    };
    let by_age = without != effect.grade;
    if effect.grade_after != without {
        let without = if by_age {
            format!(", without it {without} by age")
        } else {
            String::new()
        };
        format!("→ {}{without}", grade(effect.grade_after))
    } else if by_age {
        format!("→ {} by age", grade(effect.grade_after))
    } else {
        String::new()
    }
}

/// What a policy would make of a promise: another deadline, else the warnings and climbs that would come at another instant.
fn clock(of: &ClockEffect) -> String {
    let kind = word::<ClockKind>(of.kind);
    let due = when(of.due_time.as_ref());
    if of.due_time_after.is_none() {
        return format!("{kind} {due} (would be not promised)");
    }
    if of.due_time != of.due_time_after {
        let would = when(of.due_time_after.as_ref());
        let late = if of.late_after { ", passed" } else { "" };
        return format!("{kind} {due} (would be {would}{late})");
    }
    let steps = [
        (
            "warns early",
            &of.warn_early_time,
            &of.warn_early_time_after,
        ),
        ("warns", &of.warn_time, &of.warn_time_after),
        ("climbs", &of.duty_lead_time, &of.duty_lead_time_after),
        (
            "climbs to the top",
            &of.top_lead_time,
            &of.top_lead_time_after,
        ),
    ];
    let steps: Vec<String> = steps
        .iter()
        .filter(|(_, stays, would)| stays != would)
        .map(|&(what, stays, would)| {
            let (stays, would) = (when(stays.as_ref()), when(would.as_ref()));
            format!("{what} {stays} (would {would})")
        })
        .collect();
    format!("{kind} {due} {}", steps.join(", "))
}

fn ladders(ladders: &[LadderEffect], out: Output) {
    out.rows(
        &["Site", "Open", "Now", "Then"],
        ladders,
        |of| {
            vec![
                short(&of.site),
                of.clock_count.to_string(),
                of.before.as_ref().map(rungs).unwrap_or_default(),
                of.after.as_ref().map(rungs).unwrap_or_default(),
            ]
        },
        |of| json::of("triage.v1.LadderEffect", of),
    );
}

/// A ladder in a cell.
fn rungs(of: &LadderTerms) -> String {
    let duties: Vec<String> = of
        .rungs
        .iter()
        .map(|role| word::<DutyRole>(*role))
        .collect();
    format!(
        "{}, {} × {}, grade 1 {}",
        duties.join(" → "),
        of.page_count,
        of.acknowledge_within,
        of.acknowledge_within_grade_one
    )
}

/// Who is paged; where rosters do not reach so far, that nobody is known is not that nobody will be there.
fn paged(pages: &[PolicyPage], rosters_reach: bool, out: Output) {
    out.rows(
        &["Person", "Duty", "Site", "Cases"],
        pages,
        |page| {
            let person = match page.staff.as_str() {
                "" if rosters_reach => "nobody on duty".to_owned(),
                "" => "not known yet".to_owned(),
                staff => short(staff),
            };
            vec![
                person,
                word::<DutyRole>(page.role),
                short(&page.site),
                page.case_count.to_string(),
            ]
        },
        |page| json::of("triage.v1.PolicyPage", page),
    );
}

async fn apply(platform: &Platform, asked: ApplyPolicyRequest, out: Output) -> Result<(), Failure> {
    let answer = platform.policies().apply_policy(request(asked)).await?;
    let revision = answer.into_inner().revision.unwrap_or_default();
    out.one(
        || json::of("triage.v1.PolicyRevision", &revision),
        || {
            line("scope", &revision.scope);
            line("revision", revision.revision);
            line("holds from", when(revision.effective_time.as_ref()));
            line("etag", &revision.etag);
        },
    );
    Ok(())
}

async fn show(
    platform: &Platform,
    site: &str,
    at: Option<prost_types::Timestamp>,
    changed: bool,
    out: Output,
) -> Result<(), Failure> {
    let asked = GetPolicyRequest {
        name: format!("{}/policy", parent(Some(site))),
        as_of_time: at,
    };
    let answer = platform.policies().get_policy(request(asked)).await?;
    let mut policy = answer.into_inner().policy.unwrap_or_default();
    let is_own = |origin: &Option<PolicyOrigin>| {
        origin
            .as_ref()
            .is_some_and(|o| o.level() != PolicyLevel::Profile)
    };
    policy.values.retain(|v| !changed || is_own(&v.origin));
    out.one(
        || json::of("triage.v1.Policy", &policy),
        || {
            line("profile", &policy.profile);
            line("revision", policy.revision);
            line("at", when(policy.as_of_time.as_ref()));
            for origin in &policy.left_out {
                line("left out", from(origin));
            }
            out.rows(
                &["Field", "Value", "From"],
                &policy.values,
                |value| {
                    let by = value.origin.as_ref().map(from).unwrap_or_default();
                    vec![value.field.clone(), value.value.clone(), by]
                },
                |value| json::of("triage.v1.PolicyValue", value),
            );
        },
    );
    Ok(())
}

fn from(origin: &PolicyOrigin) -> String {
    match origin.level() {
        PolicyLevel::Profile => format!("profile {}", origin.scope),
        _ => format!("{} rev {}", origin.scope, origin.revision),
    }
}

async fn history(
    platform: &Platform,
    parent: String,
    limit: Option<usize>,
    out: Output,
) -> Result<(), Failure> {
    let client = platform.policies();
    let revisions = all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let asked = ListPolicyRevisionsRequest {
            parent: parent.clone(),
            page_size: page_size.min(200),
            page_token,
        };
        async move {
            let answer = client
                .list_policy_revisions(request(asked))
                .await?
                .into_inner();
            Ok((answer.revisions, answer.next_page_token))
        }
    })
    .await?;
    out.rows(
        &["Revision", "State", "Holds from", "Applied", "By", "Reason"],
        &revisions,
        |row| {
            let state = row.state().as_str_name();
            vec![
                row.revision.to_string(),
                state
                    .strip_prefix("POLICY_REVISION_STATE_")
                    .unwrap_or(state)
                    .to_owned(),
                when(row.effective_time.as_ref()),
                when(row.create_time.as_ref()),
                row.author.clone(),
                row.reason.clone(),
            ]
        },
        |row| json::of("triage.v1.PolicyRevision", row),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use redress_model::words::Word as _;

    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    fn promise() -> ClockEffect {
        let (warn, due, duty, top) = (at(3_600), at(7_200), at(10_800), at(14_400));
        ClockEffect {
            kind: ClockKind::Resolve.number(),
            due_time: due,
            due_time_after: due,
            warn_time: warn,
            warn_time_after: warn,
            duty_lead_time: duty,
            duty_lead_time_after: duty,
            top_lead_time: top,
            top_lead_time_after: top,
            ..Default::default()
        }
    }

    #[test]
    fn p26_a_promise_says_its_other_deadline_or_what_would_come_at_another_instant() {
        let (warn, due, other) = (when(at(3_600).as_ref()), when(at(7_200).as_ref()), at(600));
        let then = when(other.as_ref());
        let moved = ClockEffect {
            due_time_after: other,
            warn_time_after: at(300),
            late_after: true,
            ..promise()
        };
        assert_eq!(
            clock(&moved),
            format!("RESOLVE {due} (would be {then}, passed)")
        );
        let gone = ClockEffect {
            due_time_after: None,
            ..promise()
        };
        assert_eq!(
            clock(&gone),
            format!("RESOLVE {due} (would be not promised)")
        );
        let warned = ClockEffect {
            warn_time_after: other,
            ..promise()
        };
        assert_eq!(
            clock(&warned),
            format!("RESOLVE {due} warns {warn} (would {then})")
        );
    }

    #[tokio::test]
    async fn p26_a_preview_is_shown_with_the_cases_of_all_its_pages() {
        let mut tokens = Vec::new();
        let seen = whole(PreviewPolicyRequest::default(), |asked| {
            tokens.push(asked.page_token);
            let is_last = tokens.len() == 3;
            let answer = PreviewPolicyResponse {
                case_count: 5,
                effects: vec![PolicyEffect::default(); 2],
                truncated: !is_last,
                next_page_token: if is_last { "" } else { "more" }.to_owned(),
                ..Default::default()
            };
            async move { Ok(answer) }
        })
        .await
        .expect("previewed");
        assert_eq!((seen.case_count, seen.effects.len()), (5, 6));
        assert_eq!(partial(&seen), None);
        assert_eq!(tokens, ["", "more", "more"]);
    }

    #[test]
    fn p26_a_list_of_cases_that_reached_its_bound_says_that_it_is_partial() {
        let mut seen = PreviewPolicyResponse {
            effects: vec![PolicyEffect::default(); 3],
            ..Default::default()
        };
        assert_eq!(partial(&seen), None);
        seen.truncated = true;
        let told = partial(&seen).expect("a list that lacks some");
        assert!(told.contains("than the 3 listed"), "{told}");
    }

    #[test]
    fn p26_a_grade_that_an_age_raises_by_itself_is_not_told_as_the_policys() {
        let of = |grade, grade_without, grade_after| {
            crate::paint::bare(&risen(&PolicyEffect {
                grade,
                grade_without,
                grade_after,
                ..Default::default()
            }))
        };
        assert_eq!(of(4, 4, 4), "");
        assert_eq!(of(4, 4, 3), "→ 3");
        assert_eq!(of(4, 0, 3), "→ 3");
        assert_eq!(of(4, 2, 2), "→ 2 by age");
        assert_eq!(of(4, 2, 1), "→ 1 major, without it 2 by age");
    }

    #[test]
    fn a_ladder_says_its_duties_how_often_and_how_long_it_pages() {
        let ladder = LadderTerms {
            rungs: vec![DutyRole::OnSiteLead.number(), DutyRole::TopLead.number()],
            acknowledge_within: "1 hour".to_owned(),
            acknowledge_within_grade_one: "15 minutes".to_owned(),
            page_count: 2,
        };
        let told = "ON_SITE_LEAD → TOP_LEAD, 2 × 1 hour, grade 1 15 minutes";
        assert_eq!(rungs(&ladder), told);
    }
}
