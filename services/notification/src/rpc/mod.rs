//! The MessageService. One RPC a file; this one only knows which file is which.

mod acknowledge_message;
pub mod delivery;
mod get_message;
mod list_messages;
pub mod owner_notices;
mod redrive_messages;
mod retry_message;
mod send_message;
mod subscribe;
pub mod survey;
pub mod tasks;
pub mod templates;
mod texts;
pub mod voice;
mod wire;
pub mod wording;

pub use subscribe::Apps;

use std::sync::Arc;

use redress_model::time::SharedClock;
use redress_proto::notification::v1 as wire_v1;
use redress_proto::notification::v1::message_service_server::MessageService;
use redress_rpc::{Fingerprints, status};
use redress_store::{Database, Keyring};
use tonic::{Request, Response, Status};

use crate::jobs::compose::Previews;
use crate::jobs::metrics::Metrics;

/// Answers callers.
#[derive(Debug)]
pub struct Messages {
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
impl MessageService for Messages {
    async fn list_messages(
        &self,
        request: Request<wire_v1::ListMessagesRequest>,
    ) -> Result<Response<wire_v1::ListMessagesResponse>, Status> {
        list_messages::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_message(
        &self,
        request: Request<wire_v1::GetMessageRequest>,
    ) -> Result<Response<wire_v1::GetMessageResponse>, Status> {
        get_message::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn retry_message(
        &self,
        request: Request<wire_v1::RetryMessageRequest>,
    ) -> Result<Response<wire_v1::RetryMessageResponse>, Status> {
        retry_message::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn send_message(
        &self,
        request: Request<wire_v1::SendMessageRequest>,
    ) -> Result<Response<wire_v1::SendMessageResponse>, Status> {
        send_message::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn redrive_messages(
        &self,
        request: Request<wire_v1::RedriveMessagesRequest>,
    ) -> Result<Response<wire_v1::RedriveMessagesResponse>, Status> {
        redrive_messages::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn acknowledge_message(
        &self,
        request: Request<wire_v1::AcknowledgeMessageRequest>,
    ) -> Result<Response<wire_v1::AcknowledgeMessageResponse>, Status> {
        acknowledge_message::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}
