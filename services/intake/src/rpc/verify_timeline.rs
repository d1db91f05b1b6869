//! VerifyTimeline: walks a case's chain and finds what was changed (I12).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::timeline::{Chain, Verdict, verify as walk};
use crate::intake::Intake;
use crate::store::{case, timeline};

/// Answers VerifyTimeline.
pub(super) async fn verify(
    intake: &Intake,
    request: Request<pb::VerifyTimelineRequest>,
) -> Result<pb::VerifyTimelineResponse, Fault> {
    let caller = Caller::of(&request)?;
    let operation = Verify {
        name: parse_field("name", &request.get_ref().name)?,
    };
    intake.read(caller, &operation).await
}

struct Verify {
    name: CaseName,
}

impl Operation for Verify {
    const NAME: &'static str = "intake.verify_timeline";
    type Output = pb::VerifyTimelineResponse;

    async fn run(&self, tx: &mut Tx) -> Result<pb::VerifyTimelineResponse, Fault> {
        let case = case::get(tx, &self.name).await?;
        let entries = timeline::all(tx, &self.name).await?;
        let chain = Chain {
            site: &self.name.site,
            case: self.name.id,
        };
        let verdict = walk(chain, &entries, case.timeline_length, &case.timeline_hash);
        let (first_bad_sequence, finding) = match verdict {
            Verdict::Valid => (0, ""),
            Verdict::Broken { sequence, finding } => (sequence, finding),
        };
        Ok(pb::VerifyTimelineResponse {
            valid: verdict == Verdict::Valid,
            entry_count: i64::try_from(entries.len()).unwrap_or(i64::MAX),
            first_bad_sequence,
            finding: finding.to_owned(),
        })
    }
}
