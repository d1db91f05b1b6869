//! Any message as one compact JSON object, by the protobuf JSON mapping with the contract's field
//! names.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

use crate::output::is_hidden;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(redress_proto::FILE_DESCRIPTOR_SET)
        .expect("the descriptors were written by our own build")
});

/// The message `redress.<name>` as JSON; null should the name be unknown, which the tests exclude.
pub(crate) fn of(name: &str, message: &impl Message) -> serde_json::Value {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(true);
    POOL.get_message_by_name(&format!("redress.{name}"))
        .and_then(|d| DynamicMessage::decode(d, message.encode_to_vec().as_slice()).ok())
        .and_then(|m| {
            m.serialize_with_options(serde_json::value::Serializer, &options)
                .ok()
        })
        .unwrap_or(serde_json::Value::Null)
}

/// A JSON text as it may stand on a terminal: what one obeys or hides is escaped in it, so that its values stay as they are.
/// JSON itself escapes no more than the control characters of ASCII.
pub(crate) fn written(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for letter in text.chars() {
        // Of ASCII only DEL stands in a string unescaped; what is below it is a letter or the blank between values.
        let obeyed = letter >= '\u{7F}' && letter.is_control();
        if obeyed || is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                told.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            told.push(letter);
        }
    }
    told
}

/// The message `redress.<name>` that a JSON text describes, by the same mapping.
pub(crate) fn read<M: Message + Default>(name: &str, text: &str) -> Result<M, String> {
    let descriptor = POOL
        .get_message_by_name(&format!("redress.{name}"))
        .ok_or_else(|| format!("{name} is not known"))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor, &mut json).map_err(|e| e.to_string())?;
    json.end().map_err(|e| e.to_string())?;
    M::decode(message.encode_to_vec().as_slice()).map_err(|e| e.to_string())
}

/// Whether the contract has a method of this name.
#[cfg(test)]
pub(crate) fn is_method(name: &str) -> bool {
    POOL.services()
        .any(|service| service.methods().any(|method| method.name() == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_their_contract_names() {
        let site = redress_proto::intake::v1::Site {
            name: "sites/lake".to_owned(),
            kind: 1,
            ..Default::default()
        };
        assert_eq!(
            of("intake.v1.Site", &site).to_string(),
            r#"{"kind":"SITE_KIND_RESIDENTIAL","name":"sites/lake"}"#
        );
    }

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped_and_keeps_its_value() {
        let said = "a\u{1b}[2J\u{7f}\u{9b}2J\u{202E}b\u{200B}\u{E0041}外墙 👨\u{200D}👩";
        let text = written(&serde_json::json!({ "text": said }).to_string());
        assert_eq!(
            text,
            "{\"text\":\"a\\u001b[2J\\u007f\\u009b2J\\u202eb\\u200b\\udb40\\udc41外墙 👨\u{200D}👩\"}"
        );
        let value: serde_json::Value = serde_json::from_str(&text).expect("still JSON");
        assert_eq!(value["text"], said);
        // A text of several lines keeps them.
        assert_eq!(written("{\n  \"a\": 1\n}"), "{\n  \"a\": 1\n}");
    }

    #[test]
    fn what_is_printed_reads_back_and_what_is_unknown_is_refused() {
        let plan = redress_proto::assignment::v1::RosterPlan {
            time_zone: "Asia/Shanghai".to_owned(),
            ..Default::default()
        };
        let text = of("assignment.v1.RosterPlan", &plan).to_string();
        assert_eq!(read("assignment.v1.RosterPlan", &text), Ok(plan));
        let unknown = read::<redress_proto::assignment::v1::RosterPlan>(
            "assignment.v1.RosterPlan",
            r#"{"sifts":[]}"#,
        );
        assert!(unknown.is_err());
    }

    #[test]
    fn every_message_that_a_command_prints_is_known() {
        for name in [
            "intake.v1.Organization",
            "intake.v1.Region",
            "intake.v1.Site",
            "intake.v1.Case",
            "intake.v1.TimelineEntry",
            "triage.v1.CaseClock",
            "triage.v1.CaseSignal",
            "triage.v1.Decision",
            "triage.v1.Calendar",
            "triage.v1.GetCalendarResponse",
            "triage.v1.ImportCalendarResponse",
            "triage.v1.AddWorkingTimeResponse",
            "triage.v1.ClockMove",
            "triage.v1.LateFiring",
            "triage.v1.Policy",
            "triage.v1.PolicyValue",
            "triage.v1.PolicyProblem",
            "triage.v1.PolicyRevision",
            "triage.v1.PolicyEffect",
            "triage.v1.PolicyPage",
            "triage.v1.PreviewPolicyResponse",
            "triage.v1.OpeningWindows",
            "triage.v1.OpeningWindow",
            "assignment.v1.Access",
            "assignment.v1.Department",
            "assignment.v1.GetWorkResponse",
            "assignment.v1.HandOverShiftResponse",
            "assignment.v1.Hints",
            "assignment.v1.Loan",
            "assignment.v1.RoutingRules",
            "assignment.v1.Summons",
            "assignment.v1.Support",
            "assignment.v1.Work",
            "assignment.v1.Duty",
            "assignment.v1.ImportRosterResponse",
            "assignment.v1.Leave",
            "assignment.v1.RosterPlan",
            "assignment.v1.Staff",
            "assignment.v1.Swap",
            "assignment.v1.Visit",
            "assignment.v1.ValidityDecision",
            "assignment.v1.JudgedDemand",
            "assignment.v1.Appeal",
            "assignment.v1.Solution",
            "assignment.v1.LikeCases",
            "assignment.v1.SolutionTerms",
            "assignment.v1.AuthorityLimit",
            "crisis.v1.Briefing",
            "crisis.v1.Review",
            "crisis.v1.ReviewAction",
            "crisis.v1.StandDownCondition",
            "crisis.v1.Commitment",
            "crisis.v1.Incident",
            "crisis.v1.LateFiring",
            "notification.v1.Message",
            "notification.v1.RedriveMessagesResponse",
            "notification.v1.CheckWordingResponse",
            "notification.v1.PreviewTemplateResponse",
            "notification.v1.Template",
            "notification.v1.TemplateRevision",
            "notification.v1.WordingOverride",
            "notification.v1.WordingRevision",
            "notification.v1.WordingRule",
            "notification.v1.Task",
            "notification.v1.TaskText",
            "notification.v1.GetMessageResponse",
            "event.v1.ParkedEvent",
        ] {
            assert!(
                POOL.get_message_by_name(&format!("redress.{name}"))
                    .is_some(),
                "{name}"
            );
        }
    }
}
