//! GetMessage: one message with its attempts; its text for those who may read it.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::MessageName;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::{Messages, wire};
use crate::store::attempts::{self, Attempt};
use crate::store::kept::{self, KeptPage};
use crate::store::messages::{self, Message};
use crate::store::texts;

/// What a caller needs besides the method's own permission to read texts, which name people.
const READ_BODY: &str = "messages.read_body";

struct GetMessage<'a> {
    name: &'a MessageName,
    keys: &'a Keyring,
    with_text: bool,
}

impl Operation for GetMessage<'_> {
    const NAME: &'static str = "notification.get_message";
    type Output = (Message, Vec<Attempt>, Vec<KeptPage>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let message = messages::get(tx, self.name)
            .await?
            .ok_or_else(|| Fault::not_found("Message", self.name))?;
        let attempts = attempts::list(tx, self.name).await?;
        if !self.with_text {
            return Ok((message, attempts, Vec::new(), String::new()));
        }
        let pages = kept::list(tx, self.keys, self.name).await?;
        let said = texts::said(tx, self.keys, self.name).await?;
        let said = said.map(|text| text.to_string()).unwrap_or_default();
        Ok((message, attempts, pages, said))
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
        with_text: caller.may(READ_BODY),
    };
    let (message, attempts, pages, said_text) = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    Ok(proto::GetMessageResponse {
        message: Some(wire::message(&message)),
        attempts: attempts.iter().map(wire::attempt).collect(),
        rendered_messages: pages.into_iter().map(wire::rendered).collect(),
        said_text,
    })
}
