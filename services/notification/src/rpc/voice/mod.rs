//! The VoiceService: what waits for the spokesperson. One RPC a file; releasing and dropping are one decision. The gate asks
//! for what everybody has who takes part in incidents; `require` asks who decides.

mod decide;
mod drop_message;
mod list_held_messages;
mod release_message;

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_model::time::SharedClock;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::voice_service_server::VoiceService;
use redress_rpc::{Caller, Fingerprints, status};
use redress_store::{Database, Keyring, Tx};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::wire;
use crate::jobs::compose::{Preview, Previews};
use crate::jobs::metrics::Metrics;
use crate::store::held::Held;
use crate::store::matters;
use crate::store::messages::Message;

/// Answers the spokesperson.
#[derive(Debug)]
pub struct Voice {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: SharedClock,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
    /// What is counted.
    pub metrics: Metrics,
    /// Writes what waits for whoever decides about it.
    pub previews: Arc<Previews>,
}

#[tonic::async_trait]
impl VoiceService for Voice {
    async fn list_held_messages(
        &self,
        request: Request<proto::ListHeldMessagesRequest>,
    ) -> Result<Response<proto::ListHeldMessagesResponse>, Status> {
        list_held_messages::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn release_message(
        &self,
        request: Request<proto::ReleaseMessageRequest>,
    ) -> Result<Response<proto::ReleaseMessageResponse>, Status> {
        release_message::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn drop_message(
        &self,
        request: Request<proto::DropMessageRequest>,
    ) -> Result<Response<proto::DropMessageResponse>, Status> {
        drop_message::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

/// Lets pass who has the permission by office, and who speaks for the incident now: its spokesperson, or who acts for them.
/// Nobody whom one of its cases complains about speaks for it (section 7).
///
/// # Errors
/// PERMISSION_DENIED to everybody else; when Postgres is away.
pub(super) async fn require(
    tx: &mut Tx,
    caller: &Caller,
    permission: &str,
    incident: Option<&IncidentName>,
    now: Timestamp,
) -> Result<(), Fault> {
    if caller.may(permission) {
        return Ok(());
    }
    if let (Some(staff), Some(IncidentName { site, id })) = (&caller.staff, incident) {
        let accused = matters::accused(tx, site, None, Some(*id)).await?;
        let voices = matters::voices(tx, site, *id, &accused, now).await?;
        if voices.contains(staff) {
            return Ok(());
        }
    }
    let why = if incident.is_some() {
        "only who speaks for the incident now, its spokesperson or a deputy, does so without a permission"
    } else {
        "name the incident for which you speak: without a permission only what that one holds is shown"
    };
    Err(Fault::denied_since(permission, why))
}

/// A held message with everything that is to be read before it is decided. The words are staff's own.
struct Shown {
    held: Held,
    message: Message,
    text: Option<Zeroizing<String>>,
    preview: Option<Preview>,
}

fn shown(shown: Shown) -> proto::HeldMessage {
    let Shown {
        held,
        message,
        text,
        preview,
    } = shown;
    proto::HeldMessage {
        message: Some(wire::message(&message)),
        incident: IncidentName::new(held.message.site.clone(), held.incident).to_string(),
        hold_time: Some(convert::to_timestamp(held.since)),
        decide_by_time: Some(convert::to_timestamp(held.decide_by)),
        text: text
            .as_ref()
            .map_or_else(String::new, |text| text.to_string()),
        decision: convert::to_wire_opt(held.decision),
        decided_by: held.decided_by,
        reason: held.reason,
        decide_time: held.decided.map(convert::to_timestamp),
        preview: preview.map(wire::preview),
    }
}
