//! Keeps that a person says that cases of a cluster belong together, or takes that back.

use std::collections::BTreeSet;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, ConfirmClusterRequest, ConfirmClusterResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::cluster_service::{Change, cases_of};
use super::{Shared, get_cluster};
use crate::store::cluster_acts::{self, Act};
use crate::store::clusters;

const METHOD: &str = "redress.triage.v1.ClusterService/ConfirmCluster";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ConfirmClusterRequest>,
) -> Result<ConfirmClusterResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: ClusterName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let confirm = Confirm {
        cases: cases_of(&name, &request.cases)?,
        withdraw: request.withdraw,
        change: Change {
            receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
            name,
            etag: request.etag,
            caller: &caller,
            now: shared.desk.now(),
        },
    };
    let scope = redress_runtime::scope(&caller);
    let cluster = shared.desk.db.run(&scope, &confirm).await?;
    Ok(ConfirmClusterResponse {
        cluster: Some(cluster),
    })
}

struct Confirm<'a> {
    change: Change<'a>,
    cases: BTreeSet<Uuid>,
    withdraw: bool,
}

impl Operation for Confirm<'_> {
    const NAME: &'static str = "triage.confirm_cluster";
    type Output = Cluster;

    async fn run(&self, tx: &mut Tx) -> Result<Cluster, Fault> {
        let Change {
            name, caller, now, ..
        } = &self.change;
        let open = self.change.begin(tx).await?;
        if open.done_before.is_none() {
            self.change.check(&open)?;
            self.keep(tx).await?;
        }
        let cluster = get_cluster::read(tx, caller, name, *now).await?;
        if open.done_before.is_none() {
            self.change.finish(tx, &cluster.name, &cluster.etag).await?;
        }
        Ok(cluster)
    }
}

impl Confirm<'_> {
    async fn keep(&self, tx: &mut Tx) -> Result<(), Fault> {
        let Change {
            name, caller, now, ..
        } = &self.change;
        let found = self.change.named(tx, &self.cases).await?;
        // Those about which the word is new.
        let cases: Vec<Uuid> = found
            .into_iter()
            .filter(|(_, confirmed)| *confirmed == self.withdraw)
            .map(|(case, _)| case)
            .collect();
        if cases.is_empty() {
            return Ok(());
        }
        let act = if self.withdraw {
            cluster_acts::withdraw(tx, &name.site, &cases).await?;
            "withdraw"
        } else {
            cluster_acts::confirm(tx, &name.site, &cases, &caller.subject, *now).await?;
            "confirm"
        };
        let act = Act {
            act: act.to_owned(),
            actor: caller.subject.clone(),
            reason: String::new(),
            other: None,
            cases,
            at: *now,
        };
        cluster_acts::record(tx, &name.site, name.id, &act).await?;
        clusters::touch(tx, &name.site, name.id).await
    }
}
