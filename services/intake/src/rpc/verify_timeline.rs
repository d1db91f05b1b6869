//! VerifyTimeline: walks a case's chain and finds what was changed (I12).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::timeline::{Chain, Verdict, verify as hold_against};
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
    let walked = intake.read(caller, &operation).await?;
    let (first_bad_sequence, finding) = walked.broken.unwrap_or((0, ""));
    Ok(pb::VerifyTimelineResponse {
        valid: walked.broken.is_none(),
        entry_count: walked.entry_count,
        first_bad_sequence,
        finding: finding.to_owned(),
    })
}

struct Verify {
    name: CaseName,
}

impl Operation for Verify {
    const NAME: &'static str = "intake.verify_timeline";
    type Output = Walked;

    async fn run(&self, tx: &mut Tx) -> Result<Walked, Fault> {
        walk(tx, &self.name).await
    }
}

/// What a walk of one case's chain found.
pub(super) struct Walked {
    /// The case.
    pub case: CaseName,
    /// How many entries there are.
    pub entry_count: i64,
    /// The first entry that is wrong, and what is wrong with it.
    pub broken: Option<(i64, &'static str)>,
}

/// Walks the chain of a case that the viewer may see.
pub(super) async fn walk(tx: &mut Tx, name: &CaseName) -> Result<Walked, Fault> {
    let case = case::get(tx, name).await?;
    let entries = timeline::all(tx, name).await?;
    let chain = Chain {
        site: &name.site,
        case: name.id,
    };
    let broken = match hold_against(chain, &entries, case.timeline_length, &case.timeline_hash) {
        Verdict::Valid => None,
        Verdict::Broken { sequence, finding } => Some((sequence, finding)),
    };
    Ok(Walked {
        case: name.clone(),
        entry_count: i64::try_from(entries.len()).unwrap_or(i64::MAX),
        broken,
    })
}
