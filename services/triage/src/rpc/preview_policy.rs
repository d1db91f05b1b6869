//! Says what a document would do to the open cases below its scope. Nothing is changed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_clock::Deadlines;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName, SiteId, SiteName};
use redress_policy::{Ladder, Overlay};
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::triage::v1::{self as wire, PreviewPolicyRequest, PreviewPolicyResponse};
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::policy_service::{clashes, effective, problems, require_inside, wrong};
use super::{Shared, render};
use crate::casework::{
    self, PolicyClock, PolicyEffect, PolicyLadder, PolicyListing, PolicyPages, PolicyPreview,
    PolicyRank,
};
use crate::domain::policies::PolicyScope;

/// Effects of a page where no size is asked for: each page looks at every open case.
const EFFECTS_DEFAULT: i32 = 500;

pub(super) async fn run(
    shared: &Shared,
    request: Request<PreviewPolicyRequest>,
) -> Result<PreviewPolicyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let size = match std::mem::take(&mut request.page_size) {
        0 => EFFECTS_DEFAULT,
        size => size,
    };
    let token = std::mem::take(&mut request.page_token);
    let page: Page<PolicyRank> = Page::of("PreviewPolicy", size, &token, &request)?;
    let now = shared.desk.now();
    let preview = Preview {
        scope: parse_field("parent", &request.parent)?,
        overlay: Overlay::parse(&request.document).map_err(|of| wrong(problems(&of)))?,
        from: effective(request.effective_time.as_ref(), now)?,
        caller: &caller,
        now,
        listing: PolicyListing {
            after: page.after().copied(),
            limit: usize::try_from(page.limit()).map_err(Fault::internal)?,
        },
    };
    let scope = redress_runtime::scope(&caller);
    let mut found = shared.desk.db.read(&scope, &preview).await?;
    let effects = std::mem::take(&mut found.effects);
    let (effects, next_page_token) = page.finish(effects, PolicyEffect::rank);
    Ok(PreviewPolicyResponse {
        effects: effects.iter().map(effect).collect(),
        truncated: !next_page_token.is_empty(),
        next_page_token,
        ..show(&found, preview.from)
    })
}

struct Preview<'a> {
    scope: PolicyScope,
    overlay: Overlay,
    from: Timestamp,
    caller: &'a Caller,
    now: Timestamp,
    listing: PolicyListing,
}

impl Operation for Preview<'_> {
    const NAME: &'static str = "triage.preview_policy";
    type Output = PolicyPreview;

    async fn run(&self, tx: &mut Tx) -> Result<PolicyPreview, Fault> {
        require_inside(tx, self.caller, &self.scope).await?;
        let (scope, overlay) = (&self.scope, &self.overlay);
        let found = casework::policy_clashes(tx, scope, overlay, self.from).await?;
        if !found.is_empty() {
            return Err(wrong(clashes(&found, scope, overlay)));
        }
        let staff = self.caller.staff.as_ref().map(ToString::to_string);
        let (from, now, staff) = (self.from, self.now, staff.as_deref());
        casework::preview_policy(tx, scope, overlay, from, now, staff, self.listing).await
    }
}

/// All of it but the page of effects.
fn show(found: &PolicyPreview, from: Timestamp) -> PreviewPolicyResponse {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let paged: BTreeSet<&String> = found
        .pages
        .keys()
        .filter_map(|key| key.2.as_ref())
        .collect();
    PreviewPolicyResponse {
        case_count: number(found.cases),
        regraded_count: number(found.regraded),
        clock_count: number(found.clocks),
        paged_count: number(paged.len()),
        pages: pages(&found.pages),
        late_pages: pages(&found.late_pages),
        broken_count: number(found.broken),
        step_count: number(found.steps),
        ladders: found.ladders.iter().map(ladder).collect(),
        roster_until_time: found.roster_until.map(to_timestamp),
        effective_time: Some(to_timestamp(from)),
        ..Default::default()
    }
}

fn pages(of: &PolicyPages) -> Vec<wire::PolicyPage> {
    of.iter()
        .map(|((site, role, staff), cases)| wire::PolicyPage {
            staff: staff.clone().unwrap_or_default(),
            role: to_wire(*role),
            site: format!("sites/{site}"),
            case_count: render::count(*cases),
        })
        .collect()
}

fn effect(of: &PolicyEffect) -> wire::PolicyEffect {
    wire::PolicyEffect {
        case: CaseName::new(of.site.clone(), of.case).to_string(),
        number: of.number.clone(),
        grade: render::grade(of.grade),
        grade_after: render::grade(of.grade_after),
        clocks: of.clocks.iter().map(|c| clock(&of.site, c)).collect(),
        grade_without: render::grade(of.grade_without),
    }
}

fn clock(site: &SiteId, of: &PolicyClock) -> wire::ClockEffect {
    let stays = of.stays;
    let would = |instant: fn(Deadlines) -> Timestamp| of.would.map(|d| to_timestamp(instant(d)));
    wire::ClockEffect {
        clock: ClockName::new(site.clone(), of.clock).to_string(),
        kind: to_wire(of.kind),
        due_time: Some(to_timestamp(stays.due)),
        due_time_after: would(|d| d.due),
        late_after: of.late_level > 0,
        warn_early_time: stays.warn_early.map(to_timestamp),
        warn_early_time_after: of.would.and_then(|d| d.warn_early).map(to_timestamp),
        warn_time: Some(to_timestamp(stays.warn)),
        warn_time_after: would(|d| d.warn),
        duty_lead_time: Some(to_timestamp(stays.climb_duty)),
        duty_lead_time_after: would(|d| d.climb_duty),
        top_lead_time: Some(to_timestamp(stays.climb_top)),
        top_lead_time_after: would(|d| d.climb_top),
    }
}

fn ladder(of: &PolicyLadder) -> wire::LadderEffect {
    wire::LadderEffect {
        site: SiteName(of.site.clone()).to_string(),
        clock_count: i32::try_from(of.clocks).unwrap_or(i32::MAX),
        before: Some(terms(&of.before)),
        after: Some(terms(&of.after)),
    }
}

fn terms(of: &Ladder) -> wire::LadderTerms {
    wire::LadderTerms {
        rungs: of.rungs.iter().copied().map(to_wire).collect(),
        acknowledge_within: of.acknowledge_within.to_string(),
        acknowledge_within_grade_one: of.acknowledge_within_grade_1.to_string(),
        page_count: i32::from(of.pages),
    }
}
