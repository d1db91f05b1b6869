//! The accountability ledger and corrective actions, one file per RPC.

mod add_ledger_entries;
mod appeal_ledger_entry;
mod check_corrective_action;
mod complete_corrective_action;
mod create_corrective_action;
mod decide_ledger_appeal;
mod decide_penalty;
mod get_ledger_entry;
mod get_ledger_ranking;
mod grounds;
mod list_corrective_actions;
mod list_ledger_entries;
mod move_action;
mod move_entry;
mod propose_penalty;
mod settle_ledger_entry;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, CorrectiveActionName, LedgerEntryName, SiteId, StaffName};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::assignment::v1::ledger_service_server::LedgerService;
use redress_proto::convert::{CURRENCY, to_timestamp, to_wire};
use redress_rpc::{Caller, etag, status};
use redress_store::Tx;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Shared, parse};
use crate::store::actions::CorrectiveAction;
use crate::store::ledger::Entry;
use crate::store::work;

/// Lets its holder see everybody's entries, not only the own ones.
const SEE_ALL: &str = "ledger.list";

/// The ledger.
#[derive(Debug, Clone)]
pub struct LedgerRpc(pub Shared);

#[tonic::async_trait]
impl LedgerService for LedgerRpc {
    async fn add_ledger_entries(
        &self,
        request: Request<wire::AddLedgerEntriesRequest>,
    ) -> Result<Response<wire::AddLedgerEntriesResponse>, Status> {
        answer!(&self.0, request, add_ledger_entries)
    }

    async fn propose_penalty(
        &self,
        request: Request<wire::ProposePenaltyRequest>,
    ) -> Result<Response<wire::ProposePenaltyResponse>, Status> {
        answer!(&self.0, request, propose_penalty)
    }

    async fn decide_penalty(
        &self,
        request: Request<wire::DecidePenaltyRequest>,
    ) -> Result<Response<wire::DecidePenaltyResponse>, Status> {
        answer!(&self.0, request, decide_penalty)
    }

    async fn get_ledger_entry(
        &self,
        request: Request<wire::GetLedgerEntryRequest>,
    ) -> Result<Response<wire::GetLedgerEntryResponse>, Status> {
        answer!(&self.0, request, get_ledger_entry)
    }

    async fn list_ledger_entries(
        &self,
        request: Request<wire::ListLedgerEntriesRequest>,
    ) -> Result<Response<wire::ListLedgerEntriesResponse>, Status> {
        answer!(&self.0, request, list_ledger_entries)
    }

    async fn appeal_ledger_entry(
        &self,
        request: Request<wire::AppealLedgerEntryRequest>,
    ) -> Result<Response<wire::AppealLedgerEntryResponse>, Status> {
        answer!(&self.0, request, appeal_ledger_entry)
    }

    async fn decide_ledger_appeal(
        &self,
        request: Request<wire::DecideLedgerAppealRequest>,
    ) -> Result<Response<wire::DecideLedgerAppealResponse>, Status> {
        answer!(&self.0, request, decide_ledger_appeal)
    }

    async fn settle_ledger_entry(
        &self,
        request: Request<wire::SettleLedgerEntryRequest>,
    ) -> Result<Response<wire::SettleLedgerEntryResponse>, Status> {
        answer!(&self.0, request, settle_ledger_entry)
    }

    async fn get_ledger_ranking(
        &self,
        request: Request<wire::GetLedgerRankingRequest>,
    ) -> Result<Response<wire::GetLedgerRankingResponse>, Status> {
        answer!(&self.0, request, get_ledger_ranking)
    }

    async fn create_corrective_action(
        &self,
        request: Request<wire::CreateCorrectiveActionRequest>,
    ) -> Result<Response<wire::CreateCorrectiveActionResponse>, Status> {
        answer!(&self.0, request, create_corrective_action)
    }

    async fn list_corrective_actions(
        &self,
        request: Request<wire::ListCorrectiveActionsRequest>,
    ) -> Result<Response<wire::ListCorrectiveActionsResponse>, Status> {
        answer!(&self.0, request, list_corrective_actions)
    }

    async fn complete_corrective_action(
        &self,
        request: Request<wire::CompleteCorrectiveActionRequest>,
    ) -> Result<Response<wire::CompleteCorrectiveActionResponse>, Status> {
        answer!(&self.0, request, complete_corrective_action)
    }

    async fn check_corrective_action(
        &self,
        request: Request<wire::CheckCorrectiveActionRequest>,
    ) -> Result<Response<wire::CheckCorrectiveActionResponse>, Status> {
        answer!(&self.0, request, check_corrective_action)
    }
}

/// The case of a request, which must lie at its site; none where it is empty.
fn case_at(site: &SiteId, name: &str) -> Result<Option<Uuid>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let case: CaseName = parse_field("case", name)?;
    if case.site == *site {
        Ok(Some(case.id))
    } else {
        Err(Fault::invalid("case", format!("must lie in sites/{site}")))
    }
}

/// Whether a case complains about the caller, who finds nothing of it.
async fn is_about(
    tx: &mut Tx,
    caller: &Caller,
    site: &SiteId,
    case: Option<Uuid>,
) -> Result<bool, Fault> {
    let (Some(case), Some(staff)) = (case, &caller.staff) else {
        return Ok(false);
    };
    let work = work::find(tx, &CaseName::new(site.clone(), case)).await?;
    Ok(staff.site == *site && work.is_some_and(|w| w.facts.excluded.contains(&staff.id)))
}

/// An entry as the caller may see it; none where they may not. Whoever bears an entry for a case that complains about them
/// sees what they bear, to appeal it, and not the case.
async fn visible_entry(
    tx: &mut Tx,
    caller: &Caller,
    mut entry: Entry,
) -> Result<Option<Entry>, Fault> {
    if is_about(tx, caller, &entry.site, entry.case).await? {
        if !bears(caller, &entry) {
            return Ok(None);
        }
        entry.case = None;
    }
    Ok(may_see(caller, &entry).then_some(entry))
}

fn bears(caller: &Caller, entry: &Entry) -> bool {
    let staff = caller.staff.as_ref();
    staff.is_some_and(|s| s.site == entry.site && entry.staff.as_ref() == Some(&s.id))
}

/// Whether the caller may see the entry: all of them, or what they bear.
fn may_see(caller: &Caller, entry: &Entry) -> bool {
    caller.may(SEE_ALL) || bears(caller, entry)
}

fn entry_name(entry: &Entry) -> LedgerEntryName {
    LedgerEntryName::new(entry.site.clone(), entry.id)
}

fn action_name(action: &CorrectiveAction) -> CorrectiveActionName {
    CorrectiveActionName::new(action.site.clone(), action.id)
}

pub(super) fn money(fen: i64) -> Option<Money> {
    Some(Money {
        currency_code: CURRENCY.to_owned(),
        units: fen / 100,
        nanos: i32::try_from(fen % 100).unwrap_or(0) * 10_000_000,
    })
}

fn render_entry(entry: &Entry) -> wire::LedgerEntry {
    let standing = &entry.standing;
    wire::LedgerEntry {
        name: entry_name(entry).to_string(),
        kind: to_wire(standing.kind),
        cause: to_wire(entry.cause),
        reason: entry.reason.clone(),
        case: entry.case.map_or_else(String::new, |id| {
            CaseName::new(entry.site.clone(), id).to_string()
        }),
        staff: entry.staff.clone().map_or_else(String::new, |id| {
            StaffName::new(entry.site.clone(), id).to_string()
        }),
        amount: money(entry.amount_fen),
        due_time: Some(to_timestamp(standing.due)),
        state: to_wire(standing.state),
        author: standing.author.clone(),
        appellant: standing.appellant.clone().unwrap_or_default(),
        create_time: Some(to_timestamp(entry.created_at)),
        update_time: Some(to_timestamp(entry.updated_at)),
        etag: etag::of(entry.revision),
        policy_profile: entry.policy_profile.clone(),
        policy_revision: entry.policy_revision,
    }
}

fn render_action(action: &CorrectiveAction, now: jiff::Timestamp) -> wire::CorrectiveAction {
    use crate::domain::action::ActionState;
    wire::CorrectiveAction {
        name: action_name(action).to_string(),
        title: action.title.clone(),
        cause: action.cause.clone(),
        case: action.case.map_or_else(String::new, |id| {
            CaseName::new(action.site.clone(), id).to_string()
        }),
        owner: StaffName::new(action.site.clone(), action.owner.clone()).to_string(),
        due_time: Some(to_timestamp(action.due)),
        state: to_wire(action.state),
        overdue: action.state == ActionState::Open && now >= action.due,
        note: action.note.clone(),
        failed_checks: action.failed_checks,
        create_time: Some(to_timestamp(action.created_at)),
        update_time: Some(to_timestamp(action.updated_at)),
        etag: etag::of(action.revision),
    }
}
