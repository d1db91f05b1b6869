//! RecordUpdate: an inside report or an outward update was given; it may say that nothing is new. News go out as a published
//! statement, which is an update itself (I7): what is left to record here is that nothing is new, in the words that are
//! shipped for that, and that a statement that stands was told again. FAILED_PRECONDITION `UPDATE_WITHOUT_STATEMENT`
//! otherwise, `NOTHING_LEAVES_IN_PRIVATE_MODE` for an outward one in private mode (section 9),
//! `NOTHING_LEAVES_WHILE_PROVISIONAL` while the incident hangs on a suspicion (section 4).

use redress_model::Fault;
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::Incidents;
use super::command::{self, Command, Order};
use super::statements;
use crate::domain::matrix::Reach;
use crate::domain::statement::{NOTHING_NEW, Person};
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
        by: statements::person(caller),
    };
    let shipped = update.audience == UpdateAudience::Outward && update.nothing_new;
    let incident = command::run(api, caller, order, update).await?;
    let words = NOTHING_NEW.into_iter().filter(|_| shipped);
    Ok(wire::RecordUpdateResponse {
        incident: Some(incident),
        words: words
            .map(|(language, text)| wire::UpdateWords {
                language: language.to_owned(),
                text: text.to_owned(),
            })
            .collect(),
    })
}

struct Update<'a> {
    audience: UpdateAudience,
    nothing_new: bool,
    reference: &'a str,
    by: Person,
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
        let (nothing_new, text) = match (self.audience, self.nothing_new) {
            (UpdateAudience::Inside, false) => (false, "an inside report was given".to_owned()),
            (UpdateAudience::Inside, true) => {
                (true, "an inside report was given: nothing new".to_owned())
            }
            (UpdateAudience::Outward, true) => (
                true,
                format!(
                    "an outward update was given: nothing new: {}",
                    NOTHING_NEW.map(|(_, text)| text).join(" / ")
                ),
            ),
            // What was published is told again: it was news when it left, and closed then what it closes.
            (UpdateAudience::Outward, false) => {
                let audience = turn.told_again(self.reference).await?;
                let text = format!("an outward update was given: a statement to {audience} again");
                (true, text)
            }
        };
        // Whoever hears outward that nothing is new was told nothing that a stage waits for.
        if !outward {
            let (staff, means) = (Audience::Staff, TellMeans::Update);
            turn.told(staff, means, self.reference, Reach::Everybody)
                .await?;
        }
        turn.note(LogKind::Update, &self.by.subject, &text, self.reference)
            .await?;
        turn.keep_update(store::Update {
            audience: self.audience,
            nothing_new,
            reference: self.reference,
            by: &self.by,
        })
        .await?;
        Ok(Some(Transition::Noted))
    }
}
