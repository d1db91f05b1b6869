//! Stored messages in the wire's shape.

use redress_model::words::Word as _;
use redress_proto::convert;
use redress_proto::notification::v1 as wire;
use redress_rpc::etag;

use crate::jobs::compose::Preview;
use crate::store::attempts::Attempt;
use crate::store::kept::KeptPage;
use crate::store::messages::Message;

/// A message, without text.
pub(super) fn message(message: &Message) -> wire::Message {
    let fate = &message.fate;
    let name = |name: Option<String>| name.unwrap_or_default();
    wire::Message {
        name: message.name.to_string(),
        etag: etag::of(fate.revision),
        template: message.template.key().to_owned(),
        state: convert::to_wire(fate.state),
        recipient_kind: convert::to_wire(message.recipient.kind()),
        recipient: message.recipient.to_string(),
        case: name(message.case.as_ref().map(ToString::to_string)),
        incident: name(message.incident.as_ref().map(ToString::to_string)),
        clock: name(message.clock.as_ref().map(ToString::to_string)),
        callout_id: name(message.callout_id.map(|id| id.to_string())),
        language: fate.language.clone(),
        channel: convert::to_wire_opt(fate.channel),
        provider: convert::to_wire_opt(fate.provider),
        attempt_count: fate.attempt_count,
        page_count: if message.template.is_callout() && fate.attempt_count > 0 {
            fate.page
        } else {
            0
        },
        reason: fate.reason.clone(),
        create_time: Some(convert::to_timestamp(message.create_time)),
        next_time: fate.due_time.map(convert::to_timestamp),
        send_time: fate.send_time.map(convert::to_timestamp),
        acknowledge_time: fate.acknowledge_time.map(convert::to_timestamp),
        acknowledged_by: fate.acknowledged_by.clone(),
        digest: name(message.digest.as_ref().map(ToString::to_string)),
        blocked_rules: message.blocked_rules.clone(),
        bundled_count: i32::try_from(message.bundled_count).unwrap_or(i32::MAX),
        deliver_time: fate.deliver_time.map(convert::to_timestamp),
        read_time: fate.read_time.map(convert::to_timestamp),
        erased: message.erased,
    }
}

/// An attempt.
pub(super) fn attempt(attempt: &Attempt) -> wire::Attempt {
    wire::Attempt {
        number: attempt.number,
        page: attempt.page,
        channel: attempt.way.channel.number(),
        provider: attempt.way.provider.number(),
        outcome: attempt.outcome.number(),
        reason: attempt.reason.clone(),
        start_time: Some(convert::to_timestamp(attempt.start_time)),
        end_time: attempt.end_time.map(convert::to_timestamp),
    }
}

/// A page as written.
pub(super) fn rendered(page: KeptPage) -> wire::RenderedMessage {
    wire::RenderedMessage {
        page: page.page,
        channel: page.channel.number(),
        address: page.text.address,
        subject: page.text.subject,
        body: page.text.body,
    }
}

/// What would go now.
pub(super) fn preview(preview: Preview) -> wire::MessagePreview {
    wire::MessagePreview {
        language: preview.language.tag().to_owned(),
        subject: preview.subject,
        body: preview.body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::words::{
        AttemptOutcome, DeliveryReport, HoldDecision, MessageChannel, MessageState, MessageTopic,
        Provider, RecipientKind, SaidPurpose, SurveyCallOutcome, SurveyKind, SurveyState,
        VisitPlace,
    };

    #[test]
    fn our_words_are_the_wires_words() {
        for word in MessageState::ALL {
            let wire = wire::MessageState::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("MESSAGE_STATE_{word}"));
        }
        for word in MessageChannel::ALL {
            let wire = wire::MessageChannel::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("MESSAGE_CHANNEL_{word}"));
        }
        for word in Provider::ALL {
            let wire = wire::MessageProvider::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("MESSAGE_PROVIDER_{word}"));
        }
        for word in RecipientKind::ALL {
            let wire = wire::RecipientKind::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("RECIPIENT_KIND_{word}"));
        }
        for word in SaidPurpose::ALL {
            let wire = wire::MessagePurpose::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("MESSAGE_PURPOSE_{word}"));
        }
        for word in VisitPlace::ALL {
            let wire = wire::VisitPlace::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("VISIT_PLACE_{word}"));
        }
        for word in HoldDecision::ALL {
            let wire = wire::HoldDecision::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("HOLD_DECISION_{word}"));
        }
        for word in SurveyState::ALL {
            let wire = wire::SurveyState::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("SURVEY_STATE_{word}"));
        }
        for word in SurveyCallOutcome::ALL {
            let wire = wire::SurveyCallOutcome::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("SURVEY_CALL_OUTCOME_{word}"));
        }
        for word in SurveyKind::ALL {
            let wire = redress_proto::event::v1::SurveyKind::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("SURVEY_KIND_{word}"));
        }
        for word in MessageTopic::ALL {
            let wire = wire::MessageTopic::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("MESSAGE_TOPIC_{word}"));
        }
        for word in DeliveryReport::ALL {
            let wire = wire::DeliveryReport::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("DELIVERY_REPORT_{word}"));
        }
        for word in AttemptOutcome::ALL {
            let wire = wire::AttemptOutcome::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("ATTEMPT_OUTCOME_{word}"));
        }
    }
}
