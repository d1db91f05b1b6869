//! What may leave as the company's word: one RPC a file.

mod appoint_deputy;
mod command;
mod create_statement;
mod drop_statement;
mod get_statement;
mod list_feed;
mod list_statements;
mod publish_statement;
mod read_statement_text;
mod review_statement;
mod update_statement;
pub(super) mod view;

use std::sync::Arc;

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::crisis::v1::statement_service_server::StatementService;
use redress_proto::crisis::v1::{
    AppointDeputyRequest, AppointDeputyResponse, CreateStatementRequest, CreateStatementResponse,
    DropStatementRequest, DropStatementResponse, GetStatementRequest, GetStatementResponse,
    ListFeedRequest, ListFeedResponse, ListStatementsRequest, ListStatementsResponse,
    PublishStatementRequest, PublishStatementResponse, ReadStatementTextRequest,
    ReadStatementTextResponse, ReviewStatementRequest, ReviewStatementResponse,
    UpdateStatementRequest, UpdateStatementResponse,
};
use redress_rpc::Caller;
use redress_rpc::client::Peers;
use tonic::{Request, Response, Status};

use super::{Incidents, answer};
use crate::domain::feed::Form;
use crate::domain::statement::Person;
use crate::store::feed::Sign;

/// The `typ` of the signature of a feed entry.
pub const FEED_TYPE: &str = "redress-statement+jwt";

/// What the handlers need.
pub struct Statements {
    /// Incidents, in whose turns statements move.
    pub incidents: Arc<Incidents>,
    /// Signs feed entries.
    pub sign: Arc<Sign>,
}

impl std::fmt::Debug for Statements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statements").finish_non_exhaustive()
    }
}

#[derive(serde::Serialize)]
struct Signed<'a> {
    site: &'a str,
    number: i64,
    hash: &'a str,
    /// What the hash covers.
    form: u8,
}

/// Signs with the key of the platform's issuer.
pub fn signer(peers: Peers) -> Arc<Sign> {
    Arc::new(
        move |site: &SiteId, number: i64, hash: &str| -> Result<String, Fault> {
            let entry = Signed {
                site: site.as_str(),
                number,
                hash,
                form: Form::NEWEST.number(),
            };
            peers.attest(FEED_TYPE, &entry)
        },
    )
}

/// The caller as somebody who writes and reviews.
pub(super) fn person(caller: &Caller) -> Person {
    Person {
        subject: caller.subject.clone(),
        staff: caller.staff.clone(),
    }
}

#[tonic::async_trait]
impl StatementService for Statements {
    async fn create_statement(
        &self,
        request: Request<CreateStatementRequest>,
    ) -> Result<Response<CreateStatementResponse>, Status> {
        answer(create_statement::handle(self, &request).await)
    }

    async fn get_statement(
        &self,
        request: Request<GetStatementRequest>,
    ) -> Result<Response<GetStatementResponse>, Status> {
        answer(get_statement::handle(self, &request).await)
    }

    async fn list_statements(
        &self,
        request: Request<ListStatementsRequest>,
    ) -> Result<Response<ListStatementsResponse>, Status> {
        answer(list_statements::handle(self, &request).await)
    }

    async fn update_statement(
        &self,
        request: Request<UpdateStatementRequest>,
    ) -> Result<Response<UpdateStatementResponse>, Status> {
        answer(update_statement::handle(self, &request).await)
    }

    async fn review_statement(
        &self,
        request: Request<ReviewStatementRequest>,
    ) -> Result<Response<ReviewStatementResponse>, Status> {
        answer(review_statement::handle(self, &request).await)
    }

    async fn publish_statement(
        &self,
        request: Request<PublishStatementRequest>,
    ) -> Result<Response<PublishStatementResponse>, Status> {
        answer(publish_statement::handle(self, &request).await)
    }

    async fn drop_statement(
        &self,
        request: Request<DropStatementRequest>,
    ) -> Result<Response<DropStatementResponse>, Status> {
        answer(drop_statement::handle(self, &request).await)
    }

    async fn appoint_deputy(
        &self,
        request: Request<AppointDeputyRequest>,
    ) -> Result<Response<AppointDeputyResponse>, Status> {
        answer(appoint_deputy::handle(self, &request).await)
    }

    async fn read_statement_text(
        &self,
        request: Request<ReadStatementTextRequest>,
    ) -> Result<Response<ReadStatementTextResponse>, Status> {
        answer(read_statement_text::handle(self, &request).await)
    }

    async fn list_feed(
        &self,
        request: Request<ListFeedRequest>,
    ) -> Result<Response<ListFeedResponse>, Status> {
        answer(list_feed::handle(self, &request).await)
    }
}
