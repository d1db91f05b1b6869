//! RecordHoldingStatementReady: approved and ready; it publishes nothing. FAILED_PRECONDITION
//! `NO_SUCH_PROMISE` when no such clock runs.

use redress_model::Fault;
use redress_model::words::ClockKind;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::words::LogKind;
use crate::flow::{Transition, Turn};

const METHOD: &str = "redress.crisis.v1.IncidentService/RecordHoldingStatementReady";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::RecordHoldingStatementReadyRequest>,
) -> Result<wire::RecordHoldingStatementReadyResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::RecordHoldingStatementReadyRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.fingerprints.of(METHOD, &unidentified),
    };
    let ready = Ready {
        reference: &r.reference,
        actor: &caller.subject,
    };
    let incident = command::run(api, caller, order, ready).await?;
    Ok(wire::RecordHoldingStatementReadyResponse {
        incident: Some(incident),
    })
}

struct Ready<'a> {
    reference: &'a str,
    actor: &'a str,
}

impl Command for Ready<'_> {
    const NAME: &'static str = "crisis.record_holding_statement_ready";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        if !turn.meet(ClockKind::HoldingStatement, None).await? {
            let text =
                "no holding statement is awaited; it is while an incident in public mode has none";
            return Err(Fault::illegal("NO_SUCH_PROMISE", text, &turn.incident.name));
        }
        let text = "the holding statement is approved and ready";
        turn.note(LogKind::HoldingStatement, self.actor, text, self.reference)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
