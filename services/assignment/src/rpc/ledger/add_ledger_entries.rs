//! Books what somebody owes or earns. Borne together, it is an entry for each, in equal parts.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, LedgerEntryName, SiteId, StaffId, StaffName};
use redress_model::{Fault, Violation};
use redress_proto::Money;
use redress_proto::assignment::v1::{AddLedgerEntriesRequest, AddLedgerEntriesResponse};
use redress_proto::convert::{from_money, required};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tonic::Request;
use uuid::Uuid;

use super::grounds::{Booking, by_policy, prize};
use super::{Shared, case_at, entry_name, is_about, parse, render_entry};
use crate::domain::ledger::{EntryCause, EntryKind, EntryState, due, split};
use crate::rpc::asked::person_of;
use crate::rpc::practice::supervises;
use crate::store::ledger::{self, Entry, new_entry};
use crate::store::{bench, policy, sites, staff, upheld};

const METHOD: &str = "redress.assignment.v1.LedgerService/AddLedgerEntries";

pub(super) async fn run(
    shared: &Shared,
    request: Request<AddLedgerEntriesRequest>,
) -> Result<AddLedgerEntriesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let operation = Add {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        kind: required("kind", request.kind)?,
        cause: required("cause", request.cause)?,
        case: case_at(&site, &request.case)?,
        staff: bearers(&site, &request.staff)?,
        reason: parse::text("reason", request.reason)?,
        amount_fen: fen_of(request.amount.as_ref())?,
        proposed: false,
        caller: &caller,
        site,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let entries = shared.db.run(&scope, &operation).await?;
    Ok(AddLedgerEntriesResponse {
        entries: entries.iter().map(render_entry).collect(),
    })
}

/// An amount that is stated, in fen; none where none is.
pub(super) fn fen_of(amount: Option<&Money>) -> Result<Option<i64>, Fault> {
    match amount {
        None => Ok(None),
        Some(money) => Ok((from_money("amount", money)? * Decimal::ONE_HUNDRED).to_i64()),
    }
}

/// Who bears or earns it together.
pub(super) fn bearers(site: &SiteId, names: &[String]) -> Result<Vec<StaffId>, Fault> {
    let mut bearers = Vec::new();
    let mut violations = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let mut wrong = |description: String| {
            violations.push(Violation {
                field: format!("staff[{i}]"),
                description,
            });
        };
        match parse_field::<StaffName>("staff", name) {
            Ok(name) if name.site != *site => wrong(format!("must lie in sites/{site}")),
            Ok(name) if bearers.contains(&name.id) => wrong("is named twice".to_owned()),
            Ok(name) => bearers.push(name.id),
            Err(_) => wrong("must be sites/{site}/staff/{staff}".to_owned()),
        }
    }
    if violations.is_empty() {
        Ok(bearers)
    } else {
        Err(Fault::violations(violations))
    }
}

pub(super) struct Add<'a> {
    pub(super) receipt: ReceiptKey,
    pub(super) site: SiteId,
    pub(super) kind: EntryKind,
    pub(super) cause: EntryCause,
    pub(super) reason: String,
    pub(super) case: Option<Uuid>,
    pub(super) staff: Vec<StaffId>,
    pub(super) amount_fen: Option<i64>,
    /// It is only proposed, by who supervises.
    pub(super) proposed: bool,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

impl Operation for Add<'_> {
    const NAME: &'static str = "assignment.add_ledger_entries";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        sites::require(tx, &self.site).await?;
        // Of two who book the same, the second sees what the first did.
        bench::lock(tx, &self.site).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return self.booked_before(tx, &resource).await;
        }
        if let Some(id) = self.case
            && is_about(tx, self.caller, &self.site, self.case).await?
        {
            let case = CaseName::new(self.site.clone(), id);
            return Err(Fault::not_found("Case", case));
        }
        if self.proposed {
            let bench = bench::load(tx, &self.site, self.now).await?;
            if !supervises(tx, self.caller, &self.site, &bench).await? {
                return Err(Fault::only("the company centre, the region or head office"));
            }
        }
        for id in &self.staff {
            staff::get(tx, &StaffName::new(self.site.clone(), id.clone())).await?;
        }
        let policy = policy::of_site(tx, &self.site).await?;
        let rules = policy.accountability();
        let (policy_fen, prize_booked) = match self.kind {
            EntryKind::Prize => prize(tx, &self.site, self.now).await?,
            _ => (by_policy(self.kind, self.cause, rules), false),
        };
        let sum_fen = self.amount_fen.unwrap_or(policy_fen);
        if let Some(id) = self.case
            && upheld::gives_way((self.kind, self.cause), &self.staff)
            && !self.proposed
        {
            let case = CaseName::new(self.site.clone(), id);
            upheld::give_way(tx, &case, &person_of(self.caller), self.now).await?;
        }
        let booking = Booking {
            site: &self.site,
            kind: self.kind,
            cause: self.cause,
            case: self.case,
            staff: &self.staff,
            sum_fen,
            policy_fen,
            prize_booked,
            proposed: self.proposed,
            proposed_at: None,
        };
        booking.require(tx, self.caller).await?;
        let mut entries = Vec::new();
        for (staff, amount_fen) in split(sum_fen, &self.staff) {
            let due = due(i64::from(rules.due_days), self.now);
            let id = new_id(self.now);
            let what = (self.kind, self.cause);
            let mut entry = Entry {
                reason: self.reason.clone(),
                case: self.case,
                staff,
                amount_fen,
                ..new_entry(
                    self.site.clone(),
                    id,
                    what,
                    &self.caller.subject,
                    due,
                    self.now,
                    &policy,
                )
            };
            if self.proposed {
                entry.standing.state = EntryState::Proposed;
            }
            ledger::book(tx, &entry, self.caller.staff.as_ref(), None).await?;
            entries.push(entry);
        }
        let names: Vec<String> = entries.iter().map(|e| entry_name(e).to_string()).collect();
        receipt::complete(tx, &self.receipt, &names.join(","), &etag::of(1)).await?;
        Ok(entries)
    }
}

impl Add<'_> {
    async fn booked_before(&self, tx: &mut Tx, names: &str) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        for name in names.split(',') {
            let name: LedgerEntryName = parse_field("name", name)?;
            if let Some((entry, _)) = ledger::get(tx, &name.site, name.id).await? {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}
