//! PolicyService: which file answers what, and policies as the wire has them.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::fault::Violation;
use redress_model::name::{SiteId, SiteName};
use redress_policy::{Clash, Level, Origin, Overlay, Problem, Problems};
use redress_proto::convert::{from_timestamp, to_timestamp};
use redress_proto::triage::v1::policy_service_server::PolicyService;
use redress_proto::triage::v1::{
    self as wire, ApplyPolicyRequest, ApplyPolicyResponse, CheckPolicyRequest, CheckPolicyResponse,
    GetPolicyRequest, GetPolicyResponse, ListOpeningWindowsRequest, ListOpeningWindowsResponse,
    ListPolicyRevisionsRequest, ListPolicyRevisionsResponse, PreviewPolicyRequest,
    PreviewPolicyResponse, SetOpeningWindowsRequest, SetOpeningWindowsResponse,
};
use redress_rpc::{Caller, etag, status};
use redress_store::Tx;
use tonic::{Request, Response, Status};

use super::{
    TriageRpc, answer, apply_policy, check_policy, get_policy, list_opening_windows,
    list_policy_revisions, preview_policy, set_opening_windows,
};
use crate::domain::policies::{Head, PolicyScope, holding};
use crate::store::openings::Windows;
use crate::store::policies::Revision;
use crate::store::sites;

/// By how much a caller's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

#[tonic::async_trait]
impl PolicyService for TriageRpc {
    async fn get_policy(
        &self,
        request: Request<GetPolicyRequest>,
    ) -> Result<Response<GetPolicyResponse>, Status> {
        answer!(&self.0, request, get_policy)
    }

    async fn list_policy_revisions(
        &self,
        request: Request<ListPolicyRevisionsRequest>,
    ) -> Result<Response<ListPolicyRevisionsResponse>, Status> {
        answer!(&self.0, request, list_policy_revisions)
    }

    async fn check_policy(
        &self,
        request: Request<CheckPolicyRequest>,
    ) -> Result<Response<CheckPolicyResponse>, Status> {
        answer!(&self.0, request, check_policy)
    }

    async fn preview_policy(
        &self,
        request: Request<PreviewPolicyRequest>,
    ) -> Result<Response<PreviewPolicyResponse>, Status> {
        answer!(&self.0, request, preview_policy)
    }

    async fn apply_policy(
        &self,
        request: Request<ApplyPolicyRequest>,
    ) -> Result<Response<ApplyPolicyResponse>, Status> {
        answer!(&self.0, request, apply_policy)
    }

    async fn list_opening_windows(
        &self,
        request: Request<ListOpeningWindowsRequest>,
    ) -> Result<Response<ListOpeningWindowsResponse>, Status> {
        answer!(&self.0, request, list_opening_windows)
    }

    async fn set_opening_windows(
        &self,
        request: Request<SetOpeningWindowsRequest>,
    ) -> Result<Response<SetOpeningWindowsResponse>, Status> {
        answer!(&self.0, request, set_opening_windows)
    }
}

/// That there is nothing of this name that the caller may know of.
pub(super) fn missing(scope: &PolicyScope) -> Fault {
    let kind = match scope.level() {
        Level::Organization => "Organization",
        Level::Region => "Region",
        Level::Profile | Level::Site => "Site",
    };
    Fault::not_found(kind, scope)
}

/// The site of `sites/{site}/{what}`.
pub(super) fn site_of(name: &str, what: &str) -> Result<SiteId, Fault> {
    let site: Option<SiteName> = name
        .strip_suffix(what)
        .and_then(|rest| rest.strip_suffix('/'))
        .and_then(|site| site.parse().ok());
    site.map(|site| site.0)
        .ok_or_else(|| Fault::invalid("name", format!("must look like sites/{{site}}/{what}")))
}

/// Refuses a scope in which the caller has nothing, like one that is not there.
pub(super) async fn require_inside(
    tx: &mut Tx,
    caller: &Caller,
    scope: &PolicyScope,
) -> Result<(), Fault> {
    let inside = acts_for(caller, scope)
        || match scope {
            PolicyScope::Site(id) => sites::exists(tx, id).await?,
            PolicyScope::Region(name) => {
                sites::any_in(tx, &name.organization, Some(&name.region)).await?
            }
            PolicyScope::Organization(id) => {
                caller.regions.iter().any(|r| r.organization == *id)
                    || sites::any_in(tx, id, None).await?
            }
        };
    inside.then_some(()).ok_or_else(|| missing(scope))
}

/// Refuses a scope for the whole of which the caller does not act.
pub(super) async fn require_whole(
    tx: &mut Tx,
    caller: &Caller,
    scope: &PolicyScope,
) -> Result<(), Fault> {
    let whole = match scope {
        PolicyScope::Site(id) => sites::exists(tx, id).await?,
        PolicyScope::Region(_) | PolicyScope::Organization(_) => acts_for(caller, scope),
    };
    whole.then_some(()).ok_or_else(|| missing(scope))
}

/// Whether the caller's token names all of an organization or a region.
fn acts_for(caller: &Caller, scope: &PolicyScope) -> bool {
    match scope {
        PolicyScope::Site(_) => false,
        PolicyScope::Region(name) => {
            caller.organizations.contains(&name.organization) || caller.regions.contains(name)
        }
        PolicyScope::Organization(id) => caller.organizations.contains(id),
    }
}

/// From when on a document is to hold: never in the past (P10).
pub(super) fn effective(
    asked: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let asked = asked
        .map(|time| from_timestamp("effective_time", time))
        .transpose()?;
    match asked {
        Some(at) if at.duration_until(now) > SKEW => Err(Fault::invalid(
            "effective_time",
            "must not have passed: what was decided and promised before stays as it was",
        )),
        at => Ok(at.unwrap_or(now).max(now)),
    }
}

/// A document that is wrong, as a refusal.
pub(super) fn wrong(problems: Vec<wire::PolicyProblem>) -> Fault {
    let violations = problems
        .into_iter()
        .map(|p| {
            let at = match p.line {
                0 => String::new(),
                line => format!("line {line}: "),
            };
            let by = p.origin.map_or_else(String::new, |origin| {
                format!(
                    " (profile {}, set by {} revision {})",
                    p.profile, origin.scope, origin.revision
                )
            });
            let field = if p.field.is_empty() {
                "document".to_owned()
            } else {
                format!("document.{}", p.field)
            };
            Violation {
                field,
                description: format!("{at}{}{by}", p.description),
            }
        })
        .collect();
    Fault::Invalid {
        reason: "INVALID_POLICY",
        violations,
    }
}

pub(super) fn problems(of: &Problems) -> Vec<wire::PolicyProblem> {
    of.0.iter().map(problem).collect()
}

fn problem(of: &Problem) -> wire::PolicyProblem {
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    wire::PolicyProblem {
        field: of.field.clone(),
        description: of.description.clone(),
        line: of.place.map_or(0, |place| number(place.line)),
        column: of.place.map_or(0, |place| number(place.column)),
        profile: String::new(),
        origin: None,
    }
}

/// Contradictions that a document of this scope would bring; those that it says itself with their lines.
pub(super) fn clashes(
    all: &[Clash],
    scope: &PolicyScope,
    overlay: &Overlay,
) -> Vec<wire::PolicyProblem> {
    all.iter()
        .map(|of| {
            let own = of.origin.level == scope.level() && of.origin.name == scope.to_string();
            let found = if own {
                problem(&overlay.placed(&of.profile, of.problem.clone()))
            } else {
                problem(&of.problem)
            };
            wire::PolicyProblem {
                profile: of.profile.clone(),
                origin: Some(origin(&of.origin)),
                ..found
            }
        })
        .collect()
}

pub(super) fn origin(of: &Origin) -> wire::PolicyOrigin {
    let level = match of.level {
        Level::Profile => wire::PolicyLevel::Profile,
        Level::Organization => wire::PolicyLevel::Organization,
        Level::Region => wire::PolicyLevel::Region,
        Level::Site => wire::PolicyLevel::Site,
    };
    wire::PolicyOrigin {
        level: level.into(),
        scope: of.name.clone(),
        revision: super::render::count(of.revision),
    }
}

/// A revision with where it stands among those of its scope.
pub(super) fn revision(row: &Revision, heads: &[Head], now: Timestamp) -> wire::PolicyRevision {
    let newest = heads
        .iter()
        .map(|h| h.revision)
        .max()
        .unwrap_or(row.revision);
    wire::PolicyRevision {
        scope: row.scope.to_string(),
        revision: super::render::count(row.revision),
        effective_time: Some(to_timestamp(row.effective)),
        document: row.document.clone(),
        author: row.author.clone(),
        reason: row.reason.clone(),
        create_time: Some(to_timestamp(row.created)),
        hash: row.hash.clone(),
        state: state(row, heads, now).into(),
        etag: etag::of(i64::from(newest)),
    }
}

fn state(row: &Revision, heads: &[Head], now: Timestamp) -> wire::PolicyRevisionState {
    let holds_at = |at: Timestamp| holding(heads, &row.scope, at).map(|head| head.revision);
    // Once a newer one holds from then or earlier, it never did.
    if holds_at(row.effective) != Some(row.revision) {
        wire::PolicyRevisionState::Superseded
    } else if row.effective > now {
        wire::PolicyRevisionState::Pending
    } else if holds_at(now) == Some(row.revision) {
        wire::PolicyRevisionState::Effective
    } else {
        wire::PolicyRevisionState::Past
    }
}

pub(super) fn windows(site: &SiteId, of: Windows, now: Timestamp) -> wire::OpeningWindows {
    wire::OpeningWindows {
        name: format!("sites/{site}/openingWindows"),
        open: of.is_open(now),
        windows: of
            .windows
            .iter()
            .map(|window| wire::OpeningWindow {
                start_time: Some(to_timestamp(window.start)),
                end_time: Some(to_timestamp(window.end)),
                reason: window.reason.clone(),
            })
            .collect(),
        author: of.author,
        update_time: of.created.map(to_timestamp),
        etag: etag::of(of.revision),
    }
}
