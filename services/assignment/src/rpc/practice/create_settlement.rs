//! Writes down the terms of a group settlement and its roll (M10).

use std::collections::BTreeMap;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{ClusterName, SiteId};
use redress_proto::assignment::v1::{
    CreateSettlementRequest, CreateSettlementResponse, HouseholdEntry,
};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names};
use super::matter::{Record, is_accused};
use super::{parse, render};
use crate::domain::outward::Kind;
use crate::domain::practice::settlement::{Author, Entry, Settlement, Step};
use crate::rpc::asked::person_of;
use crate::rpc::outward::Outward;
use crate::store::matters::Kept;

const METHOD: &str = "redress.assignment.v1.SettlementService/CreateSettlement";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateSettlementRequest>,
) -> Result<CreateSettlementResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = names::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let record = Record {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        case: None,
        matter: Settlement {
            cluster: cluster(&site, &request.cluster)?,
            title: request.title,
            terms: request.terms,
            needed_percent: u8::try_from(request.needed_percent)
                .map_err(|_| Fault::invalid("needed_percent", "must be from 1 to 100"))?,
            households: BTreeMap::new(),
            reached: None,
            closed: false,
            author: Some(Author::from(&person_of(&caller))),
            approval: None,
        },
        step: Step::Created(entries(request.households)?),
        site,
        caller: &caller,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &Create(record)).await?;
    Ok(CreateSettlementResponse {
        settlement: Some(render::settlement(kept, true, Vec::new())),
    })
}

struct Create<'a>(Record<'a, Settlement>);

impl Operation for Create<'_> {
    const NAME: &'static str = "assignment.create_settlement";
    type Output = Kept<Settlement>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<Settlement>, Fault> {
        let Self(record) = self;
        // Found as little as the cluster itself.
        if is_accused(tx, record.caller, &record.site, &record.matter).await? {
            return Err(Fault::not_found("Cluster", &record.matter.cluster));
        }
        let kept = record.run(tx).await?;
        // A repeat was held against the rules of its time.
        if kept.created == record.now {
            // Households read and sign it; what it gives is decided by whoever approves it.
            let outward = Outward {
                site: &record.site,
                kind: Kind::Terms,
                texts: vec![("terms".to_owned(), record.matter.terms.as_str())],
                override_reason: "",
                caller: record.caller,
                now: record.now,
            };
            outward.run(tx).await?;
        }
        Ok(kept)
    }
}

/// A cluster of this site; empty where none is named.
fn cluster(site: &SiteId, name: &str) -> Result<String, Fault> {
    if name.is_empty() {
        return Ok(String::new());
    }
    let cluster: ClusterName = parse_field("cluster", name)?;
    if cluster.site == *site {
        Ok(cluster.to_string())
    } else {
        Err(Fault::invalid(
            "cluster",
            format!("must lie in sites/{site}"),
        ))
    }
}

/// What households say.
pub(super) fn entries(given: Vec<HouseholdEntry>) -> Result<Vec<Entry>, Fault> {
    given
        .into_iter()
        .map(|entry| {
            Ok(Entry {
                unit: parse::unit_id("households.unit", &entry.unit)?,
                person_token: entry.person_token,
                answer: required("households.answer", entry.answer)?,
            })
        })
        .collect()
}
