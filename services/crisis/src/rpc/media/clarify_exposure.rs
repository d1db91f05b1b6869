//! ClarifyExposure: set right in the same outlet or one that reaches as far (M17).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{ExposureName, StatementName};
use redress_proto::convert::{from_timestamp, required};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::Order;
use super::super::statements::person;
use super::super::subject::{Command, run};
use super::Media;
use crate::domain::statement::Person;
use crate::flow::{Stood, Transition, Turn};
use crate::store::media::Exposure;

const METHOD: &str = "redress.crisis.v1.MediaService/ClarifyExposure";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::ClarifyExposureRequest>,
) -> Result<wire::ClarifyExposureResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let name: ExposureName = parse_field("name", &r.name)?;
    let unidentified = wire::ClarifyExposureRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "name",
        name: &r.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let now = api.incidents.desk.clock.now();
    let at = r.clarify_time.as_ref();
    let at = at.map(|t| from_timestamp("clarify_time", t)).transpose()?;
    let at = at.unwrap_or(now);
    if at > now {
        return Err(Fault::invalid("clarify_time", "must not lie ahead"));
    }
    let act = Clarifying {
        statement: super::statement(&name.site, &r.statement)?,
        stood: Stood {
            outlet: r.outlet.clone(),
            rank: required("rank", r.rank)?,
            link: r.link.clone(),
            at,
        },
        by: person(caller),
    };
    let exposure = run(&api.incidents, caller, order, act).await?;
    Ok(wire::ClarifyExposureResponse {
        exposure: Some(exposure),
    })
}

struct Clarifying {
    statement: StatementName,
    stood: Stood,
    by: Person,
}

impl Command for Clarifying {
    const NAME: &'static str = "crisis.clarify_exposure";
    type Subject = Exposure;

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        exposure: Exposure,
    ) -> Result<Option<Transition>, Fault> {
        turn.clarify_exposure(exposure, &self.statement, self.stood.clone(), &self.by)
            .await?;
        Ok(Some(Transition::Noted))
    }
}
