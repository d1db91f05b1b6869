//! Books what somebody owes or earns. Borne together, it is an entry for each, in equal parts.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{LedgerEntryName, SiteId, StaffId, StaffName};
use redress_model::{Fault, Violation};
use redress_policy::Accountability;
use redress_proto::assignment::v1::{AddLedgerEntriesRequest, AddLedgerEntriesResponse};
use redress_proto::convert::{from_money, required};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use tonic::Request;
use uuid::Uuid;

use super::{Shared, case_at, entry_name, parse, render_entry};
use crate::domain::ledger::{EntryCause, EntryKind, due, split};
use crate::store::ledger::{self, Entry, new_entry};
use crate::store::{policy, sites, staff};

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
    let amount_fen = match &request.amount {
        None => None,
        Some(money) => (from_money("amount", money)? * Decimal::ONE_HUNDRED).to_i64(),
    };
    let operation = Add {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        kind: required("kind", request.kind)?,
        cause: required("cause", request.cause)?,
        case: case_at(&site, &request.case)?,
        staff: bearers(&site, &request.staff)?,
        reason: parse::text("reason", request.reason)?,
        amount_fen,
        author: caller.subject.clone(),
        site,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let entries = shared.db.run(&scope, &operation).await?;
    Ok(AddLedgerEntriesResponse {
        entries: entries.iter().map(render_entry).collect(),
    })
}

fn bearers(site: &SiteId, names: &[String]) -> Result<Vec<StaffId>, Fault> {
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

struct Add {
    receipt: ReceiptKey,
    site: SiteId,
    kind: EntryKind,
    cause: EntryCause,
    reason: String,
    case: Option<Uuid>,
    staff: Vec<StaffId>,
    amount_fen: Option<i64>,
    author: String,
    now: Timestamp,
}

impl Operation for Add {
    const NAME: &'static str = "assignment.add_ledger_entries";
    type Output = Vec<Entry>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Entry>, Fault> {
        sites::require(tx, &self.site).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return self.booked_before(tx, &resource).await;
        }
        for id in &self.staff {
            staff::get(tx, &StaffName::new(self.site.clone(), id.clone())).await?;
        }
        let policy = policy::of_site(tx, &self.site).await?;
        let rules = policy.accountability();
        let sum = self.amount_fen.unwrap_or_else(|| self.by_policy(rules));
        let mut entries = Vec::new();
        for (staff, amount_fen) in split(sum, &self.staff) {
            let due = due(i64::from(rules.due_days), self.now);
            let id = new_id(self.now);
            let what = (self.kind, self.cause);
            let entry = Entry {
                reason: self.reason.clone(),
                case: self.case,
                staff,
                amount_fen,
                ..new_entry(
                    self.site.clone(),
                    id,
                    what,
                    &self.author,
                    due,
                    self.now,
                    &policy,
                )
            };
            ledger::book(tx, &entry, None).await?;
            entries.push(entry);
        }
        let names: Vec<String> = entries.iter().map(|e| entry_name(e).to_string()).collect();
        receipt::complete(tx, &self.receipt, &names.join(","), &etag::of(1)).await?;
        Ok(entries)
    }
}

impl Add {
    fn by_policy(&self, rules: &Accountability) -> i64 {
        Accountability::fen(match (self.kind, self.cause) {
            (EntryKind::Penalty, EntryCause::UpheldComplaint) => rules.upheld_complaint,
            (EntryKind::Penalty, EntryCause::Exposure) => rules.exposure,
            (EntryKind::Fee, EntryCause::TakeOver) => rules.take_over,
            _ => Decimal::ZERO,
        })
    }

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
