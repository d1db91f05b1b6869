//! An event, as handlers see it and as it travels (CloudEvents 1.0, protobuf format).

use std::collections::HashMap;

use bytes::Bytes;
use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::cloudevents::CloudEvent;
use redress_proto::cloudevents::cloud_event::cloud_event_attribute_value::Attr;
use redress_proto::cloudevents::cloud_event::{CloudEventAttributeValue, Data};
use redress_proto::convert::{from_timestamp, to_timestamp};
use uuid::Uuid;

const SPEC_VERSION: &str = "1.0";
const CONTENT_TYPE: &str = "application/protobuf";

/// An event of some service, as its handler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Id, unique within its source.
    pub id: Uuid,
    /// The service that says it.
    pub source: String,
    /// What it says, for example `redress.case.graded.v1`.
    pub event_type: String,
    /// The site it belongs to; the only one its handler may touch.
    pub site: SiteId,
    /// What it is about. Events of one source about one subject arrive in order.
    pub subject: String,
    /// Whether it is about a historical case: recorded, but nobody is called or clocked for it.
    pub historical: bool,
    /// When it was said, by the sender's database. Business times stand in the payload.
    pub time: Timestamp,
    /// W3C trace context of what caused it; empty where there was none.
    pub traceparent: String,
    /// The payload, a message of `redress.event.v1`.
    pub data: Bytes,
}

impl Event {
    /// The payload as the message that the type names.
    ///
    /// # Errors
    /// INVALID_FIELD when the bytes are no such message.
    pub fn decode<M: prost::Message + Default>(&self) -> Result<M, Fault> {
        M::decode(self.data.clone())
            .map_err(|_| Fault::invalid("data", "must be the message that the event's type names"))
    }

    /// The event in CloudEvents' protobuf format.
    pub fn to_cloud_event(&self) -> CloudEvent {
        let mut attributes = HashMap::from([
            attribute("subject", Attr::CeString(self.subject.clone())),
            attribute("time", Attr::CeTimestamp(to_timestamp(self.time))),
            attribute("datacontenttype", Attr::CeString(CONTENT_TYPE.to_owned())),
            attribute("site", Attr::CeString(self.site.to_string())),
            attribute("historical", Attr::CeBoolean(self.historical)),
        ]);
        if !self.traceparent.is_empty() {
            attributes.extend([attribute(
                "traceparent",
                Attr::CeString(self.traceparent.clone()),
            )]);
        }
        CloudEvent {
            id: self.id.to_string(),
            source: self.source.clone(),
            spec_version: SPEC_VERSION.to_owned(),
            r#type: self.event_type.clone(),
            attributes,
            data: Some(Data::BinaryData(self.data.to_vec())),
        }
    }

    /// The event behind CloudEvents' protobuf format.
    ///
    /// # Errors
    /// INVALID_FIELD naming what is missing or wrong.
    pub fn from_cloud_event(mut cloud: CloudEvent) -> Result<Self, Fault> {
        let mut text = |name: &str| match cloud.attributes.remove(name).and_then(|v| v.attr) {
            Some(Attr::CeString(text)) => text,
            _ => String::new(),
        };
        let subject = text("subject");
        let site = text("site");
        let traceparent = text("traceparent");
        if subject.is_empty() {
            return Err(Fault::invalid("attributes.subject", "must be given"));
        }
        if cloud.r#type.is_empty() {
            return Err(Fault::invalid("type", "must be given"));
        }
        let attr = |name: &str| cloud.attributes.get(name).and_then(|v| v.attr.as_ref());
        let historical = matches!(attr("historical"), Some(Attr::CeBoolean(true)));
        let time = match attr("time") {
            Some(Attr::CeTimestamp(t)) => from_timestamp("attributes.time", t)?,
            _ => return Err(Fault::invalid("attributes.time", "must be a timestamp")),
        };
        let data = match cloud.data {
            Some(Data::BinaryData(data)) => Bytes::from(data),
            Some(Data::ProtoData(any)) => Bytes::from(any.value),
            // An empty message has no bytes.
            None => Bytes::new(),
            Some(Data::TextData(_)) => {
                return Err(Fault::invalid("data", "must be a protobuf message"));
            }
        };
        Ok(Self {
            id: redress_model::fault::parse_field("id", &cloud.id)?,
            source: cloud.source,
            event_type: cloud.r#type,
            site: redress_model::fault::parse_field("attributes.site", &site)?,
            subject,
            historical,
            time,
            traceparent,
            data,
        })
    }
}

fn attribute(name: &str, attr: Attr) -> (String, CloudEventAttributeValue) {
    (
        name.to_owned(),
        CloudEventAttributeValue { attr: Some(attr) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            id: Uuid::from_u128(7),
            source: "intake".to_owned(),
            event_type: "redress.case.received.v1".to_owned(),
            site: "lake".parse().expect("a slug"),
            subject: "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001".to_owned(),
            historical: true,
            time: Timestamp::from_microsecond(1_234_567_890).expect("in range"),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            data: Bytes::from_static(b"payload"),
        }
    }

    #[test]
    fn an_event_travels_and_reads_back_equal() {
        let sent = event();
        let read = Event::from_cloud_event(sent.to_cloud_event()).expect("whole");
        assert_eq!(read, sent);
    }

    #[test]
    fn an_event_without_its_attributes_is_refused_by_name() {
        for name in ["subject", "site", "time"] {
            let mut cloud = event().to_cloud_event();
            cloud.attributes.remove(name);
            let fault = Event::from_cloud_event(cloud).expect_err("incomplete");
            assert!(fault.to_string().contains(name), "{fault}");
        }
    }

    #[test]
    fn an_event_whose_id_is_no_uuid_is_refused() {
        let mut cloud = event().to_cloud_event();
        cloud.id = "1".to_owned();
        assert!(Event::from_cloud_event(cloud).is_err());
    }
}
