//! Tells others what became of a message and what a customer answered, in the transaction in which it became so.

use jiff::Timestamp;
use redress_events::NewEvent;
use redress_model::Fault;
use redress_model::name::{CaseName, IncidentName, SiteId, StatementName};
use redress_proto::convert;
use redress_proto::event::v1::{MessageChanged, MessageHeld, SurveyAnswered, WordingChanged};
use redress_store::Tx;

use crate::domain::message::Recipient;
use crate::domain::words::{DeliveryReport, HoldDecision, MessageState, Template};
use crate::store::held::Held;
use crate::store::messages::Message;
use crate::store::surveys::Survey;
use crate::store::texts::Revision;

/// Type of the event that something became of a message.
pub const MESSAGE_CHANGED: &str = "redress.message.changed.v1";
/// Type of the event that a customer answered a survey.
pub const SURVEY_ANSWERED: &str = "redress.survey.answered.v1";

/// Type of the event that a message is held for the spokesperson, or is no more.
pub const MESSAGE_HELD: &str = "redress.message.held.v1";
/// Type of the event that wording rules were applied.
pub const WORDING_CHANGED: &str = "redress.wording.changed.v1";

/// Announces the state that a message has just reached: SENT, ACKNOWLEDGED, and with the reason FAILED, HELD or CANCELLED.
pub async fn changed(tx: &mut Tx, message: &Message, now: Timestamp) -> Result<(), Fault> {
    let fate = &message.fate;
    let has_reason = matches!(
        fate.state,
        MessageState::Failed | MessageState::Held | MessageState::Cancelled
    );
    let reason = if has_reason { fate.reason.as_str() } else { "" };
    announce(tx, message, fate.state.word(), reason, now).await
}

/// Announces what a customer answered; the comment stays here.
pub async fn answered(tx: &mut Tx, survey: &Survey) -> Result<(), Fault> {
    let case = survey.case.as_ref().map(ToString::to_string);
    let subject = case
        .clone()
        .unwrap_or_else(|| format!("sites/{}", survey.site));
    let payload = SurveyAnswered {
        case: case.unwrap_or_default(),
        survey: survey.name(),
        kind: convert::to_wire(survey.kind),
        score: survey.score.unwrap_or_default(),
        solved: survey.solved.unwrap_or_default(),
        praised_staff: survey.praised.clone(),
        answer_time: survey.answer_time.map(convert::to_timestamp),
    };
    redress_events::publish(
        tx,
        &NewEvent {
            event_type: SURVEY_ANSWERED,
            site: &survey.site,
            subject: &subject,
            historical: false,
            payload: &payload,
        },
    )
    .await?;
    Ok(())
}

/// Announces that a message is held for the spokesperson, or is no more, and how many of its case are.
pub async fn held(
    tx: &mut Tx,
    template: Template,
    held: &Held,
    waiting: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    let site = &held.message.site;
    let incident = IncidentName::new(site.clone(), held.incident).to_string();
    let case = held
        .case
        .map(|case| CaseName::new(site.clone(), case).to_string());
    let subject = case.clone().unwrap_or_else(|| incident.clone());
    // What a person wrote may name somebody: it stays with the message (I9).
    let reason = if held.decided_by.is_empty() {
        held.reason.clone()
    } else {
        String::new()
    };
    let payload = MessageHeld {
        message: held.message.to_string(),
        case: case.unwrap_or_default(),
        incident,
        decision: held.decision.map_or("", HoldDecision::word).to_owned(),
        waiting_count: i32::try_from(waiting).unwrap_or(i32::MAX),
        change_time: Some(convert::to_timestamp(now)),
        template: template.key().to_owned(),
        hold_time: Some(convert::to_timestamp(held.since)),
        decide_by_time: Some(convert::to_timestamp(held.decide_by)),
        decided_by: held.decided_by.clone(),
        reason,
    };
    let event = NewEvent {
        event_type: MESSAGE_HELD,
        site,
        subject: &subject,
        historical: false,
        payload: &payload,
    };
    redress_events::publish(tx, &event).await?;
    Ok(())
}

/// Announces wording rules to those who write outward elsewhere, for one of the sites that they hold for.
pub async fn wording(tx: &mut Tx, site: &SiteId, rules: &Revision) -> Result<(), Fault> {
    let payload = WordingChanged {
        scope: rules.scope.to_string(),
        revision: rules.revision,
        effective_time: Some(convert::to_timestamp(rules.effective)),
        document: rules.document.clone(),
    };
    let event = NewEvent {
        event_type: WORDING_CHANGED,
        site,
        subject: &format!("sites/{site}"),
        historical: false,
        payload: &payload,
    };
    redress_events::publish(tx, &event).await?;
    Ok(())
}

/// Announces what a gateway learned of a message that it had taken.
pub async fn reported(
    tx: &mut Tx,
    message: &Message,
    report: DeliveryReport,
    now: Timestamp,
) -> Result<(), Fault> {
    announce(tx, message, report.word(), "", now).await
}

async fn announce(
    tx: &mut Tx,
    message: &Message,
    state: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
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
        state: state.to_owned(),
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
        channel: message
            .fate
            .channel
            .map(|channel| channel.word().to_owned())
            .unwrap_or_default(),
        statement: message
            .facts
            .statement
            .map(|id| StatementName::new(message.name.site.clone(), id).to_string())
            .unwrap_or_default(),
        reason: reason.to_owned(),
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
