//! RecordUpdate: an inside report or an outward update was given; it may say that nothing is new. FAILED_PRECONDITION
//! `NOTHING_LEAVES_IN_PRIVATE_MODE` for an outward one in private mode (section 9),
//! `NOTHING_LEAVES_WHILE_PROVISIONAL` while the incident hangs on a suspicion (section 4).

use redress_model::Fault;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use crate::domain::matrix::Reach;
use crate::domain::words::{Audience, LogKind, Mode, TellMeans, UpdateAudience};
use crate::flow::{Transition, Turn};
use crate::store::updates as store;

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
        audience: required("audience", r.audience)?,
        nothing_new: r.nothing_new,
        reference: &r.reference,
        actor: &caller.subject,
    };
    let incident = command::run(api, caller, order, update).await?;
    Ok(wire::RecordUpdateResponse {
        incident: Some(incident),
    })
}

struct Update<'a> {
    audience: UpdateAudience,
    nothing_new: bool,
    reference: &'a str,
    actor: &'a str,
}

impl Command for Update<'_> {
    const NAME: &'static str = "crisis.record_update";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        let outward = self.audience == UpdateAudience::Outward;
        if outward && turn.incident.mode == Mode::Private {
            let text = "the incident is in private mode; inside reports are legal, or switch the mode first";
            let name = &turn.incident.name;
            return Err(Fault::illegal("NOTHING_LEAVES_IN_PRIVATE_MODE", text, name));
        }
        if outward {
            turn.require_confirmed()?;
        }
        let what = match self.audience {
            UpdateAudience::Inside => "an inside report was given",
            UpdateAudience::Outward => "an outward update was given",
        };
        let audience = match self.audience {
            UpdateAudience::Inside => Audience::Staff,
            UpdateAudience::Outward => Audience::Public,
        };
        let (means, reach) = (TellMeans::Update, Reach::Everybody);
        turn.told(audience, means, self.reference, reach).await?;
        let news = if self.nothing_new {
            ": nothing new"
        } else {
            ""
        };
        let text = format!("{what}{news}");
        turn.note(LogKind::Update, self.actor, &text, self.reference)
            .await?;
        turn.keep_update(store::Update {
            audience: self.audience,
            nothing_new: self.nothing_new,
            reference: self.reference,
            actor: self.actor,
        })
        .await?;
        Ok(Some(Transition::Noted))
    }
}
