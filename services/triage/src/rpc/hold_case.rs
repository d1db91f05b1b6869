//! Holds a case: the reason lies with somebody else.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::{ClockKind, HoldReason};
use redress_proto::convert::{from_timestamp, required};
use redress_proto::triage::v1::{HoldCaseRequest, HoldCaseResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;
use uuid::Uuid;

use super::{Shared, clock_view, require_visible};
use crate::casework::{self, NewHold, Work};
use crate::domain::Cause;
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock};
use crate::store::holds::{self, Hold};
use crate::store::sites::{self, Site};

const METHOD: &str = "redress.triage.v1.ClockService/HoldCase";

/// Whoever allows a hold that the policy wants approved.
const APPROVE: &str = "clocks.approve_hold";

/// Whoever allows a hold beyond the budget of its reason.
const BEYOND: &str = "clocks.hold_beyond";

/// Farthest end of a hold; it can be held again.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

pub(super) async fn run(
    shared: &Shared,
    request: Request<HoldCaseRequest>,
) -> Result<HoldCaseResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case: CaseName = parse_field("parent", &request.parent)?;
    caller.require_site(&case.site)?;
    let now = shared.desk.now();
    let until = request
        .until_time
        .as_ref()
        .ok_or_else(|| Fault::invalid("until_time", "must be given"))?;
    let until = from_timestamp("until_time", until)?;
    if until <= now || now.duration_until(until) > AHEAD_MAX {
        return Err(Fault::invalid(
            "until_time",
            "must lie ahead, by 366 days at most",
        ));
    }
    let request_id = std::mem::take(&mut request.request_id);
    let take = Take {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        new: NewHold {
            reason: required("reason", request.reason)?,
            until,
            approver: caller.subject.clone(),
            note: request.note,
        },
        case,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let (hold, all, entries) = shared.desk.db.run(&scope, &take).await?;
    shared.desk.schedule(entries);
    Ok(HoldCaseResponse {
        hold: Some(clock_view::hold(&take.case.site, hold)),
        clocks: clock_view::clocks(&take.case.site, all),
    })
}

struct Take<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    new: NewHold,
    caller: &'a Caller,
    now: Timestamp,
}

impl Take<'_> {
    /// Whether it goes beyond the budget, if the caller may hold the case at all.
    fn check(&self, site: &Site, case: &Case, all: &[Hold]) -> Result<bool, Fault> {
        let reason: HoldReason = self.new.reason;
        // The customer may be away for the visit that asks whether it really is solved, too.
        let waits_for_it = site.profile().may_hold(reason, ClockKind::FollowUpVisit);
        let follows_up = waits_for_it && !case.is_ended();
        if !(case.is_open() || follows_up) || case.facts.historical {
            return Err(Fault::illegal(
                "CASE_NOT_OPEN",
                "only an open case is held, or a resolved one for its follow-up visit; reopen it first",
                self.case.to_string(),
            ));
        }
        if reason == HoldReason::SingleVoice {
            return Err(Fault::illegal(
                "HOLD_NOT_ALLOWED",
                format!(
                    "{reason} is set by the platform while a message waits for the spokesperson"
                ),
                self.case.to_string(),
            ));
        }
        let rule = site.profile().holds.reasons.get(&reason);
        let budget = casework::budget(site, reason, all, self.now);
        let (Some(rule), Some(budget)) = (rule, budget) else {
            return Err(Fault::illegal(
                "HOLD_NOT_ALLOWED",
                format!("the policy of this site takes no hold for {reason}"),
                self.case.to_string(),
            ));
        };
        let lasts = |h: &Hold| h.end.is_none() && h.until > self.now;
        if all.iter().any(|h| h.reason == reason && lasts(h)) {
            return Err(Fault::illegal(
                "ALREADY_HELD",
                format!("it is held for {reason} already; resume it first"),
                self.case.to_string(),
            ));
        }
        if rule.approval {
            self.caller.require(APPROVE)?;
        }
        let beyond = !budget.fits(self.now.duration_until(self.new.until));
        if beyond {
            self.caller.require(BEYOND)?;
        }
        Ok(beyond)
    }
}

impl Operation for Take<'_> {
    const NAME: &'static str = "triage.hold_case";
    type Output = (Hold, Vec<Clock>, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        let id = &self.case.site;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let hold: Uuid = resource.parse().map_err(Fault::internal)?;
            let all = holds::of_case(tx, id, self.case.id).await?;
            let found = all.into_iter().find(|h| h.id == hold);
            let hold = found.ok_or_else(|| Fault::internal("a hold that was answered is gone"))?;
            let clocks = clocks::lock_of_case(tx, id, self.case.id).await?;
            return Ok((hold, clocks, Vec::new()));
        }
        let missing = || Fault::not_found("Case", &self.case);
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        let mut case = cases::lock(tx, id, self.case.id)
            .await?
            .ok_or_else(missing)?;
        let all = holds::of_case(tx, id, case.id).await?;
        let beyond = self.check(&site, &case, &all)?;
        let mut work = Work::new(tx, &site, self.now);
        let hold = casework::hold(&mut work, &mut case, self.new.clone(), beyond).await?;
        // The next age threshold is as far away as the hold is long.
        casework::decide(&mut work, &mut case, Cause::Age).await?;
        let entries = work.entries;
        receipt::complete(tx, &self.receipt, &hold.id.to_string(), &etag::of(1)).await?;
        let clocks = clocks::lock_of_case(tx, id, case.id).await?;
        Ok((hold, clocks, entries))
    }
}
