//! Books what somebody owes or earns. Borne together, it is an entry for each, in equal parts.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, LedgerEntryName, SiteId, StaffId, StaffName};
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

use super::{Shared, case_at, entry_name, is_about, parse, render_entry};
use crate::domain::ground::{self, CaseKnown, Known, Ungrounded};
use crate::domain::ledger::{EntryCause, EntryKind, due, split};
use crate::rpc::solution::level::level_of;
use crate::store::ledger::{self, Entry, new_entry};
use crate::store::{bench, limits, policy, sites, staff, validity, work};

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

struct Add<'a> {
    receipt: ReceiptKey,
    site: SiteId,
    kind: EntryKind,
    cause: EntryCause,
    reason: String,
    case: Option<Uuid>,
    staff: Vec<StaffId>,
    amount_fen: Option<i64>,
    caller: &'a Caller,
    now: Timestamp,
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
        for id in &self.staff {
            staff::get(tx, &StaffName::new(self.site.clone(), id.clone())).await?;
        }
        let policy = policy::of_site(tx, &self.site).await?;
        let rules = policy.accountability();
        let sum = self.amount_fen.unwrap_or_else(|| self.by_policy(rules));
        self.require_ground(tx, rules, sum).await?;
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
                    &self.caller.subject,
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

impl Add<'_> {
    fn by_policy(&self, rules: &Accountability) -> i64 {
        Accountability::fen(match (self.kind, self.cause) {
            (EntryKind::Penalty, EntryCause::UpheldComplaint) => rules.upheld_complaint,
            (EntryKind::Penalty, EntryCause::Exposure) => rules.exposure,
            (EntryKind::Fee, EntryCause::TakeOver) => rules.take_over,
            _ => Decimal::ZERO,
        })
    }

    /// That there is something to book this for (M17).
    async fn require_ground(
        &self,
        tx: &mut Tx,
        rules: &Accountability,
        sum: i64,
    ) -> Result<(), Fault> {
        let case = match self.case {
            Some(id) => Some(self.case_known(tx, id).await?),
            None => None,
        };
        let level = level_of(tx, self.caller, &self.site).await?;
        let limits = limits::of_site(tx, &self.site).await?;
        let limit = limits.pairs().find(|(of, _)| *of == level);
        let policy_fen = match self.kind {
            EntryKind::Prize => rules.prizes.iter().map(|p| Accountability::fen(*p)).max(),
            _ => Some(self.by_policy(rules)),
        };
        let own = self.caller.staff.as_ref().filter(|s| s.site == self.site);
        let known = Known {
            case,
            policy_fen: policy_fen.filter(|fen| *fen > 0),
            limit_fen: limit.map(|(_, amount)| Accountability::fen(amount)),
            is_own: own.is_some_and(|own| self.staff.contains(&own.id)),
        };
        ground::require(self.kind, self.cause, sum, &known).map_err(|why| self.refuse(why))
    }

    async fn case_known(&self, tx: &mut Tx, id: Uuid) -> Result<CaseKnown, Fault> {
        let case = CaseName::new(self.site.clone(), id);
        let work = work::find(tx, &case).await?;
        let decisions = validity::of_case(tx, &case).await?;
        Ok(CaseKnown {
            upheld: decisions.first().is_some_and(|d| d.validity.is_valid()),
            taken_over: work.is_some_and(|w| w.taken_over_at.is_some()),
            booked: ledger::stands(tx, &case, self.kind, self.cause).await?,
        })
    }

    fn refuse(&self, why: Ungrounded) -> Fault {
        let (text, site) = (why.to_string(), format!("sites/{}", self.site));
        match why {
            Ungrounded::Kind => Fault::invalid("kind", text),
            Ungrounded::NoCase => Fault::invalid("case", text),
            Ungrounded::Nothing | Ungrounded::AbovePolicy => Fault::invalid("amount", text),
            Ungrounded::NotUpheld | Ungrounded::NotTakenOver => {
                Fault::illegal("LEDGER_NO_GROUND", text, site)
            }
            Ungrounded::Booked => Fault::illegal("LEDGER_BOOKED", text, site),
            Ungrounded::AboveLimit => Fault::illegal("LEDGER_ABOVE_AUTHORITY", text, site),
            Ungrounded::Own => Fault::illegal("LEDGER_SAME_PERSON", text, site),
        }
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
