//! Tells crisis, intake and triage what became of a message, in the transaction in which it became so.

use jiff::Timestamp;
use redress_events::NewEvent;
use redress_model::Fault;
use redress_proto::convert;
use redress_proto::event::v1::MessageChanged;
use redress_store::Tx;

use crate::domain::message::Recipient;
use crate::store::messages::Message;

/// Type of the event.
pub const MESSAGE_CHANGED: &str = "redress.message.changed.v1";

/// Announces the state that a message has just reached: SENT, FAILED or ACKNOWLEDGED.
pub async fn changed(tx: &mut Tx, message: &Message, now: Timestamp) -> Result<(), Fault> {
    let case = message.case.as_ref().map(ToString::to_string);
    let incident = message.incident.as_ref().map(ToString::to_string);
    let subject = incident
        .clone()
        .or_else(|| case.clone())
        .unwrap_or_else(|| message.name.to_string());
    let payload = MessageChanged {
        message: message.name.to_string(),
        template: message.template.key().to_owned(),
        case: case.unwrap_or_default(),
        incident: incident.unwrap_or_default(),
        callout_id: message
            .callout_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        state: message.fate.state.word().to_owned(),
        change_time: Some(convert::to_timestamp(now)),
        clock: message
            .clock
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        clock_generation: message.clock_generation,
        staff: match &message.recipient {
            Recipient::Staff(name) => name.to_string(),
            Recipient::Complainant(_) => String::new(),
        },
    };
    redress_events::publish(
        tx,
        &NewEvent {
            event_type: MESSAGE_CHANGED,
            site: &message.name.site,
            subject: &subject,
            historical: false,
            payload: &payload,
        },
    )
    .await?;
    Ok(())
}
