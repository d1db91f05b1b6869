//! GetMessage: one message with its attempts; its text for those who may read it, or decide about it.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, MessageName};
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::{Messages, voice, wire};
use crate::jobs::compose::{Preview, Previews};
use crate::store::attempts::{self, Attempt};
use crate::store::held::{self, Held};
use crate::store::kept::{self, KeptPage};
use crate::store::messages::{self, Message};
use crate::store::texts;

/// What a caller needs besides the method's own permission to read texts, which name people.
const READ_BODY: &str = "messages.read_body";
/// The permission to decide about what waits in every incident.
const RELEASE: &str = "voice.release";

struct GetMessage<'a> {
    name: &'a MessageName,
    keys: &'a Keyring,
    previews: &'a Previews,
    caller: &'a Caller,
    now: Timestamp,
}

#[derive(Default)]
struct Found {
    message: Option<Message>,
    attempts: Vec<Attempt>,
    pages: Vec<KeptPage>,
    said: String,
    preview: Option<Preview>,
}

impl GetMessage<'_> {
    /// Whether the caller decides about a message that waits: nobody does so blind.
    async fn decides(&self, tx: &mut Tx, waits: Option<&Held>) -> Result<bool, Fault> {
        let Some(held) = waits else {
            return Ok(false);
        };
        let incident = IncidentName::new(self.name.site.clone(), held.incident);
        match voice::require(tx, self.caller, RELEASE, Some(&incident), self.now).await {
            Ok(()) => Ok(true),
            Err(Fault::Denied { .. }) => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

impl Operation for GetMessage<'_> {
    const NAME: &'static str = "notification.get_message";
    type Output = Found;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let message = messages::get(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Message", self.name))?;
        let attempts = attempts::list(tx, self.name).await?;
        let waits = held::get(tx, self.name).await?;
        let waits = waits.filter(|held| held.decision.is_none());
        let mut found = Found::default();
        if self.caller.may(READ_BODY) || self.decides(tx, waits.as_ref()).await? {
            found.pages = kept::list(tx, self.keys, self.name).await?;
            let said = texts::said(tx, self.keys, self.name).await?;
            found.said = said.map(|text| text.to_string()).unwrap_or_default();
            if waits.is_some() {
                found.preview = self.previews.of(tx, self.keys, &message, self.now).await?;
            }
        }
        found.message = Some(message);
        found.attempts = attempts;
        Ok(found)
    }
}

pub(super) async fn handle(
    service: &Messages,
    request: Request<proto::GetMessageRequest>,
) -> Result<proto::GetMessageResponse, Fault> {
    let caller = Caller::of(&request)?;
    let name: MessageName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let operation = GetMessage {
        name: &name,
        keys: &service.keys,
        previews: &service.previews,
        caller,
        now: service.clock.now(),
    };
    let found = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    Ok(proto::GetMessageResponse {
        message: found.message.as_ref().map(wire::message),
        attempts: found.attempts.iter().map(wire::attempt).collect(),
        rendered_messages: found.pages.into_iter().map(wire::rendered).collect(),
        said_text: found.said,
        preview: found.preview.map(wire::preview),
    })
}
