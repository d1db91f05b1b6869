//! RecordUpdate: an inside report or an outward update was given. FAILED_PRECONDITION
//! `NOTHING_LEAVES_IN_PRIVATE_MODE` for an outward one in private mode (section 9),
//! `NOTHING_LEAVES_WHILE_PROVISIONAL` while the incident hangs on a suspicion (section 4).

use redress_model::Fault;
use redress_model::words::ClockKind;
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::UpdateAudience;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::words::{Audience, LogKind, Mode, TellMeans};
use crate::flow::{Transition, Turn};

const METHOD: &str = "redress.crisis.v1.IncidentService/RecordUpdate";

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::RecordUpdateRequest>,
) -> Result<wire::RecordUpdateResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let unidentified = wire::RecordUpdateRequest {
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
    let update = Update {
        outward: r.audience() == UpdateAudience::Outward,
        reference: &r.reference,
        actor: &caller.subject,
    };
    let incident = command::run(api, caller, order, update).await?;
    Ok(wire::RecordUpdateResponse {
        incident: Some(incident),
    })
}

struct Update<'a> {
    outward: bool,
    reference: &'a str,
    actor: &'a str,
}

impl Command for Update<'_> {
    const NAME: &'static str = "crisis.record_update";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        if self.outward && turn.incident.mode == Mode::Private {
            let text = "the incident is in private mode; inside reports are legal, or switch the mode first";
            let name = &turn.incident.name;
            return Err(Fault::illegal("NOTHING_LEAVES_IN_PRIVATE_MODE", text, name));
        }
        if self.outward && turn.incident.provisional {
            let text = "the incident hangs on a suspicion that nobody confirmed; inside reports are legal, or \
                        confirm the signal first";
            let name = &turn.incident.name;
            return Err(Fault::illegal(
                "NOTHING_LEAVES_WHILE_PROVISIONAL",
                text,
                name,
            ));
        }
        let (kind, text) = if self.outward {
            (ClockKind::OutwardUpdate, "an outward update was given")
        } else {
            (ClockKind::InsideReport, "an inside report was given")
        };
        let audience = if self.outward {
            Audience::Public
        } else {
            Audience::Staff
        };
        turn.told(audience, TellMeans::Update, self.reference)
            .await?;
        // One that nobody waits for is recorded all the same.
        turn.meet(kind, None).await?;
        turn.note(LogKind::Update, self.actor, text, self.reference)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
