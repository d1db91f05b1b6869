//! What setting and getting hints have in common (M14): for whom they are, where they are kept, and how they are shown.

use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::to_wire_opt;
use redress_rpc::Caller;
use redress_store::Tx;

use crate::domain::hints::{Advice, CommunicationStyle, Hints, Motive};
use crate::domain::work::{Work, is_live};
use crate::rpc::{is_staff, parse};
use crate::store::policy;

/// Lets through the responsible person, whom it names, and nobody else: no permission stands in for that, not even to act in
/// another's name.
pub(super) fn require_own<'a>(caller: &Caller, work: &'a Work) -> Result<&'a StaffId, Fault> {
    let own = work.responsible.as_ref();
    own.filter(|person| caller.service.is_none() && is_staff(caller, &work.case, person))
        .ok_or_else(|| Fault::only("the person who is responsible for the case"))
}

/// Refuses where no hints are kept: the site has them off, or the work has ended.
pub(super) async fn require_kept(tx: &mut Tx, work: &Work) -> Result<(), Fault> {
    let policy = policy::of_site(tx, &work.case.site).await?;
    let why = match (policy.handling.hints.enabled, is_live(work.status)) {
        (true, true) => return Ok(()),
        (false, _) => "the policy of the site has hints off",
        (true, false) => "the work has ended; hints are kept while a case is open",
    };
    let name = parse::work_name(&work.case);
    Err(Fault::illegal("HINTS_NOT_KEPT", why, name))
}

/// The hints of a case with what they advise.
pub(super) fn shown(case: &CaseName, hints: Option<Hints>) -> wire::Hints {
    let motive = hints.and_then(|hints| hints.motive);
    let style = hints.and_then(|hints| hints.style);
    wire::Hints {
        name: parse::work_name(case).to_string(),
        motive: to_wire_opt(motive),
        style: to_wire_opt(style),
        motive_advice: motive.map(Motive::advice).map(advice),
        style_advice: style.map(CommunicationStyle::advice).map(advice),
    }
}

fn advice(advice: &Advice) -> wire::HintAdvice {
    wire::HintAdvice {
        speak_zh_cn: advice.speak.zh_cn.clone(),
        speak_en: advice.speak.en.clone(),
        avoid_zh_cn: advice.avoid.zh_cn.clone(),
        avoid_en: advice.avoid.en.clone(),
    }
}
