//! What an entry is held to before it is booked, at once or as a proposal that somebody confirms (M17, M13).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId, StaffId};
use redress_policy::Accountability;
use redress_rpc::Caller;
use redress_store::Tx;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::ground::{self, CaseKnown, Known, Ungrounded};
use crate::domain::ledger::{EntryCause, EntryKind, rank};
use crate::rpc::solution::level::level_of;
use crate::store::{ledger, limits, sites, upheld, validity, work};

/// What is to be booked.
pub(super) struct Booking<'a> {
    pub(super) site: &'a SiteId,
    pub(super) kind: EntryKind,
    pub(super) cause: EntryCause,
    pub(super) case: Option<Uuid>,
    /// Who bears or earns it; none: the site.
    pub(super) staff: &'a [StaffId],
    /// The whole of it, in fen.
    pub(super) sum_fen: i64,
    /// What the policy says of it, in fen; of a prize what the site won by it.
    pub(super) policy_fen: i64,
    /// The prize for last year's ranking was booked.
    pub(super) prize_booked: bool,
    /// It is only proposed: whoever confirms it needs the authority.
    pub(super) proposed: bool,
    /// When it was proposed, where it is confirmed now: its own other parts were not booked before it.
    pub(super) proposed_at: Option<Timestamp>,
}

/// What the policy says of a kind and a cause, in fen.
pub(super) fn by_policy(kind: EntryKind, cause: EntryCause, rules: &Accountability) -> i64 {
    Accountability::fen(match (kind, cause) {
        (EntryKind::Penalty, EntryCause::UpheldComplaint) => rules.upheld_complaint,
        (EntryKind::Penalty, EntryCause::Exposure) => rules.exposure,
        (EntryKind::Fee, EntryCause::TakeOver) => rules.take_over,
        _ => Decimal::ZERO,
    })
}

/// What a site won in the last year of its zone that is over, in fen, as the ranking of the caller's sites of its kind has it, and
/// whether a prize was booked since.
pub(super) async fn prize(
    tx: &mut Tx,
    site: &SiteId,
    now: Timestamp,
) -> Result<(i64, bool), Fault> {
    let this_year = sites::year(tx, site, now).await?;
    let booked = ledger::prize_stands(tx, site, this_year).await?;
    let Some(kind) = sites::kind(tx, site).await? else {
        return Ok((0, booked));
    };
    let years = ledger::years(tx, kind, this_year - 1).await?;
    let place = rank(years)
        .into_iter()
        .find(|p| p.year.site == site.as_str());
    Ok((place.map_or(0, |place| place.prize_fen), booked))
}

impl Booking<'_> {
    /// That there is something to book this for.
    pub(super) async fn require(&self, tx: &mut Tx, caller: &Caller) -> Result<(), Fault> {
        let case = match self.case {
            Some(id) => Some(self.case_known(tx, id).await?),
            None => None,
        };
        let level = level_of(tx, caller, self.site).await?;
        let limits = limits::of_site(tx, self.site).await?;
        let limit = limits
            .pairs()
            .find(|(of, _)| *of == level)
            .filter(|_| !self.proposed);
        let own = caller.staff.as_ref().filter(|s| s.site == *self.site);
        let known = Known {
            case,
            // Whoever won nothing gets nothing, whatever the caller may decide.
            policy_fen: Some(self.policy_fen)
                .filter(|fen| *fen > 0 || self.kind == EntryKind::Prize),
            prize_booked: self.prize_booked,
            limit_fen: limit.map(|(_, amount)| Accountability::fen(amount)),
            is_own: own.is_some_and(|own| self.staff.contains(&own.id)),
        };
        ground::require(self.kind, self.cause, self.sum_fen, &known).map_err(|why| self.refuse(why))
    }

    async fn case_known(&self, tx: &mut Tx, id: Uuid) -> Result<CaseKnown, Fault> {
        let case = CaseName::new(self.site.clone(), id);
        // A case that is hidden from the caller answers the same.
        let work = work::find(tx, &case).await?;
        let work = work.ok_or_else(|| Fault::not_found("Case", &case))?;
        let decisions = validity::of_case(tx, &case).await?;
        let what = (self.kind, self.cause);
        let gives_way = upheld::gives_way(what, self.staff);
        Ok(CaseKnown {
            upheld: decisions.first().is_some_and(|d| d.validity.is_valid()),
            taken_over: work.taken_over_at.is_some(),
            booked: ledger::stands(tx, &case, what, self.proposed_at, gives_way).await?,
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
            Ungrounded::Booked | Ungrounded::PrizeBooked => {
                Fault::illegal("LEDGER_BOOKED", text, site)
            }
            Ungrounded::AboveLimit => Fault::illegal("LEDGER_ABOVE_AUTHORITY", text, site),
            Ungrounded::Own => Fault::illegal("LEDGER_SAME_PERSON", text, site),
        }
    }
}
