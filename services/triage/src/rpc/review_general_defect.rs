//! Accepts or dismisses the notice that was proposed to the other owners of a site (M19).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::ClusterName;
use redress_proto::triage::v1::{Cluster, ReviewGeneralDefectRequest, ReviewGeneralDefectResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::cluster_service::Change;
use super::{Shared, get_cluster};
use crate::casework::{self, Work};
use crate::domain::defect::DefectState;
use crate::store::cluster_acts::{self, Act};

const METHOD: &str = "redress.triage.v1.ClusterService/ReviewGeneralDefect";

pub(super) async fn run(
    shared: &Shared,
    request: Request<ReviewGeneralDefectRequest>,
) -> Result<ReviewGeneralDefectResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let name: ClusterName = parse_field("name", &request.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let review = Review {
        change: Change {
            receipt: shared.receipt(&caller, METHOD, &name.site, request_id, &request),
            name,
            etag: request.etag,
            caller: &caller,
            now: shared.desk.now(),
        },
        to: if request.accept {
            DefectState::Accepted
        } else {
            DefectState::Dismissed
        },
        reason: request.reason,
    };
    let scope = redress_runtime::scope(&caller);
    let cluster = shared.desk.db.run(&scope, &review).await?;
    Ok(ReviewGeneralDefectResponse {
        cluster: Some(cluster),
    })
}

struct Review<'a> {
    change: Change<'a>,
    to: DefectState,
    reason: String,
}

impl Operation for Review<'_> {
    const NAME: &'static str = "triage.review_general_defect";
    type Output = Cluster;

    async fn run(&self, tx: &mut Tx) -> Result<Cluster, Fault> {
        let Change {
            name, caller, now, ..
        } = &self.change;
        let open = self.change.begin(tx).await?;
        // A repeat of the same decision changes nothing.
        if open.done_before.is_none() && open.cluster.defect.state != self.to {
            self.change.check(&open)?;
            if open.cluster.defect.state != DefectState::Proposed {
                return Err(Fault::illegal(
                    "NOTHING_PROPOSED",
                    "no notice to other owners waits for a decision on this cluster",
                    name,
                ));
            }
            let mut work = Work::new(tx, &open.site, *now);
            let by = (caller.subject.as_str(), self.reason.as_str());
            casework::review_defect(&mut work, &open.cluster, self.to, by).await?;
            cluster_acts::record(tx, &name.site, name.id, &self.act()).await?;
        }
        let cluster = get_cluster::read(tx, caller, name, *now).await?;
        if open.done_before.is_none() {
            self.change.finish(tx, &cluster.name, &cluster.etag).await?;
        }
        Ok(cluster)
    }
}

impl Review<'_> {
    fn act(&self) -> Act {
        let act = match self.to {
            DefectState::Accepted => "accept_defect",
            DefectState::None | DefectState::Proposed | DefectState::Dismissed => "dismiss_defect",
        };
        Act {
            act: act.to_owned(),
            actor: self.change.caller.subject.clone(),
            reason: self.reason.clone(),
            other: None,
            cases: Vec::new(),
            at: self.change.now,
        }
    }
}
