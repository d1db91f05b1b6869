//! Records a signal and decides again.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SignalName};
use redress_model::words::SignalBasis;
use redress_model::{Fault, ids};
use redress_proto::triage::v1::{RecordSignalRequest, RecordSignalResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::{Shared, parse, render, require_visible};
use crate::casework::{self, Work};
use crate::domain::{Cause, Signal};
use crate::store::decisions::{self, DecisionRow};
use crate::store::signals::{self, SignalRow};
use crate::store::{cases, sites};

const METHOD: &str = "redress.triage.v1.TriageService/RecordSignal";

/// Whoever states a fact as confirmed has to be one who may confirm.
const CONFIRM: &str = "signals.confirm";

pub(super) async fn run(
    shared: &Shared,
    request: Request<RecordSignalRequest>,
) -> Result<RecordSignalResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case: CaseName = parse_field("parent", &request.parent)?;
    caller.require_site(&case.site)?;
    let now = shared.desk.now();
    let given = request
        .signal
        .as_ref()
        .ok_or_else(|| Fault::invalid("signal", "must be given"))?;
    if !given.signal_id.is_empty() {
        return Err(Fault::invalid("signal.signal_id", "must stay empty"));
    }
    let signal = parse::signal("signal", given, now)?;
    let known = parse::past("signal.known_time", given.known_time.as_ref(), now)?;
    if signal.basis == SignalBasis::Confirmed {
        caller.require(CONFIRM)?;
    }
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        case,
        signal,
        known,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let (row, decision, entries) = shared.desk.db.run(&scope, &record).await?;
    shared.desk.schedule(entries);
    Ok(RecordSignalResponse {
        signal: Some(render::signal(&record.case.site, row)),
        decision: decision.map(|row| render::decision(&record.case.site, row)),
    })
}

struct Record<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    signal: Signal,
    known: Timestamp,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Record<'_> {
    const NAME: &'static str = "triage.record_signal";
    type Output = (SignalRow, Option<DecisionRow>, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        require_visible(tx, self.caller, &self.case).await?;
        let id = &self.case.site;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: SignalName = resource.parse().map_err(Fault::internal)?;
            let row = signals::get(tx, id, name.id)
                .await?
                .ok_or_else(|| Fault::not_found("Signal", &name))?;
            let decision = decisions::get(tx, id, self.case.id, None).await?;
            return Ok((row, decision, Vec::new()));
        }
        let missing = || Fault::not_found("Case", &self.case);
        let site = sites::get(tx, id, self.now).await?.ok_or_else(missing)?;
        let mut case = cases::lock(tx, id, self.case.id)
            .await?
            .ok_or_else(missing)?;
        let row = SignalRow {
            id: ids::new_id(self.now),
            case: self.case.id,
            signal: self.signal,
            known: self.known,
            recorder: self.caller.subject.clone(),
            confirmed: None,
            dismissed: None,
            created: self.now,
            before_law: false,
            revision: 1,
        };
        signals::insert(tx, id, &row, false).await?;
        let mut work = Work::new(tx, &site, self.now);
        casework::decide(&mut work, &mut case, Cause::Signal).await?;
        let entries = work.entries;
        let name = SignalName::new(id.clone(), row.id).to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(row.revision)).await?;
        let decision = decisions::get(tx, id, self.case.id, None).await?;
        Ok((row, decision, entries))
    }
}
