//! The DeliveryService. One RPC a file; this one knows which file is which, and the names of its two nouns.

mod get_delivery_policy;
mod get_preference;
mod record_delivery_receipt;
mod unsubscribe;
mod update_delivery_policy;
mod update_preference;

use jiff::SignedDuration;
use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_model::time::SharedClock;
use redress_model::words::Word as _;
use redress_proto::convert;
use redress_proto::notification::v1 as wire;
use redress_proto::notification::v1::delivery_service_server::DeliveryService;
use redress_rpc::{Fingerprints, etag, status};
use redress_store::Database;
use tonic::{Request, Response, Status};

use crate::domain::preference::Preference;
use crate::domain::timing::Quiet;
use crate::jobs::metrics::Metrics;
use crate::store::timing::DeliveryPolicy;
use crate::token::Tokens;

/// Longest person token, in characters; ours have 32.
const PERSON_LENGTH_MAX: usize = 64;

/// Answers callers.
#[derive(Debug)]
pub struct Delivery {
    /// The database.
    pub db: Database,
    /// Time.
    pub clock: SharedClock,
    /// What signed the links in messages.
    pub tokens: Tokens,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
    /// How long somebody called out has to acknowledge.
    pub callout_answer: SignedDuration,
    /// What is counted.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn get_delivery_policy(
        &self,
        request: Request<wire::GetDeliveryPolicyRequest>,
    ) -> Result<Response<wire::GetDeliveryPolicyResponse>, Status> {
        get_delivery_policy::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn update_delivery_policy(
        &self,
        request: Request<wire::UpdateDeliveryPolicyRequest>,
    ) -> Result<Response<wire::UpdateDeliveryPolicyResponse>, Status> {
        update_delivery_policy::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_preference(
        &self,
        request: Request<wire::GetPreferenceRequest>,
    ) -> Result<Response<wire::GetPreferenceResponse>, Status> {
        get_preference::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn update_preference(
        &self,
        request: Request<wire::UpdatePreferenceRequest>,
    ) -> Result<Response<wire::UpdatePreferenceResponse>, Status> {
        update_preference::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn record_delivery_receipt(
        &self,
        request: Request<wire::RecordDeliveryReceiptRequest>,
    ) -> Result<Response<wire::RecordDeliveryReceiptResponse>, Status> {
        record_delivery_receipt::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn unsubscribe(
        &self,
        request: Request<wire::UnsubscribeRequest>,
    ) -> Result<Response<wire::UnsubscribeResponse>, Status> {
        unsubscribe::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

/// The site of `sites/{site}/deliveryPolicy`.
fn policy_site(field: &str, name: &str) -> Result<SiteId, Fault> {
    name.strip_suffix("/deliveryPolicy")
        .and_then(|site| site.parse::<SiteName>().ok())
        .map(|site| site.0)
        .ok_or_else(|| Fault::invalid(field, "must look like sites/{site}/deliveryPolicy"))
}

/// Site and person of `sites/{site}/preferences/{person}`.
fn preference_person(field: &str, name: &str) -> Result<(SiteId, String), Fault> {
    let read = || {
        let (site, person) = name.split_once("/preferences/")?;
        let token = (1..=PERSON_LENGTH_MAX).contains(&person.len())
            && person
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let site: SiteName = site.parse().ok()?;
        token.then(|| (site.0, person.to_owned()))
    };
    read().ok_or_else(|| Fault::invalid(field, "must look like sites/{site}/preferences/{person}"))
}

fn policy_name(site: &SiteId) -> String {
    format!("sites/{site}/deliveryPolicy")
}

fn preference_name(site: &SiteId, person: &str) -> String {
    format!("sites/{site}/preferences/{person}")
}

/// An etag; empty for what was never written.
fn etag_of(revision: i64) -> String {
    if revision == 0 {
        String::new()
    } else {
        etag::of(revision)
    }
}

fn policy_wire(site: &SiteId, policy: &DeliveryPolicy) -> wire::DeliveryPolicy {
    let (quiet_start, quiet_end) = policy.quiet.texts();
    wire::DeliveryPolicy {
        name: policy_name(site),
        etag: etag_of(policy.revision),
        quiet_start,
        quiet_end,
        customer_burst: policy.customer.burst,
        customer_per_hour: policy.customer.per_hour,
        staff_burst: policy.staff.burst,
        staff_per_hour: policy.staff.per_hour,
    }
}

fn preference_wire(site: &SiteId, person: &str, preference: &Preference) -> wire::Preference {
    let (quiet_start, quiet_end) = preference.quiet.map(Quiet::texts).unwrap_or_default();
    wire::Preference {
        name: preference_name(site, person),
        etag: etag_of(preference.revision),
        channels: preference.channels.iter().map(|c| c.number()).collect(),
        language: preference.language.clone(),
        time_zone: preference.time_zone.clone(),
        quiet_start,
        quiet_end,
        refused_topics: preference.refused.iter().map(|t| t.number()).collect(),
        update_time: preference.update_time.map(convert::to_timestamp),
    }
}
