//! The WordingService. One RPC a file; this one only knows which file is which, and how its nouns look on the wire.

mod apply_wording_rules;
mod check_wording;
mod get_wording_rules;
mod list_wording_overrides;
mod list_wording_revisions;

use redress_model::time::SharedClock;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::wording_service_server::WordingService;
use redress_rpc::{Fingerprints, etag, status};
use redress_store::Database;
use tonic::{Request, Response, Status};

use crate::jobs::metrics::Metrics;
use crate::store::texts::Revision;
use redress_wording::{Audience, Hit};

/// Answers whoever writes outward.
#[derive(Debug)]
pub struct Wording {
    /// The database.
    pub db: Database,
    /// Time.
    pub clock: SharedClock,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
    /// What is counted.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl WordingService for Wording {
    async fn apply_wording_rules(
        &self,
        request: Request<proto::ApplyWordingRulesRequest>,
    ) -> Result<Response<proto::ApplyWordingRulesResponse>, Status> {
        apply_wording_rules::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn check_wording(
        &self,
        request: Request<proto::CheckWordingRequest>,
    ) -> Result<Response<proto::CheckWordingResponse>, Status> {
        check_wording::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_wording_rules(
        &self,
        request: Request<proto::GetWordingRulesRequest>,
    ) -> Result<Response<proto::GetWordingRulesResponse>, Status> {
        get_wording_rules::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn list_wording_overrides(
        &self,
        request: Request<proto::ListWordingOverridesRequest>,
    ) -> Result<Response<proto::ListWordingOverridesResponse>, Status> {
        list_wording_overrides::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn list_wording_revisions(
        &self,
        request: Request<proto::ListWordingRevisionsRequest>,
    ) -> Result<Response<proto::ListWordingRevisionsResponse>, Status> {
        list_wording_revisions::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

/// What was found, explained in a language.
pub(super) fn hits(hits: &[Hit], language: &str) -> Vec<proto::WordingHit> {
    let offset = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    hits.iter()
        .map(|hit| proto::WordingHit {
            rule: hit.rule.clone(),
            start: offset(hit.start),
            end: offset(hit.end),
            why: hit.why.in_language(language).to_owned(),
            better: hit.better.in_language(language).to_owned(),
        })
        .collect()
}

fn audience(audience: proto::WordingAudience) -> Audience {
    match audience {
        proto::WordingAudience::Unspecified | proto::WordingAudience::Complainant => {
            Audience::Complainant
        }
        proto::WordingAudience::Media => Audience::Media,
    }
}

fn revision(row: Revision) -> proto::WordingRevision {
    proto::WordingRevision {
        parent: row.scope.to_string(),
        revision: row.revision,
        etag: etag::of(i64::from(row.revision)),
        document: row.document,
        effective_time: Some(convert::to_timestamp(row.effective)),
        author: row.author,
        reason: row.reason,
        create_time: Some(convert::to_timestamp(row.created)),
    }
}
