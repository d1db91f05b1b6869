//! AppointDeputy: somebody acts for the spokesperson or the legal counsel for a time, by the word of whoever holds the role
//! or commands.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, StaffName};
use redress_proto::convert::{from_timestamp, required};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::command::{self, Command, Order};
use super::{Statements, view};
use crate::flow::{Transition, Turn};
use crate::store::deputies::{self, Deputy};

const METHOD: &str = "redress.crisis.v1.StatementService/AppointDeputy";

/// How long somebody may act at most.
const ACTS_MAX: SignedDuration = SignedDuration::from_hours(72);

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::AppointDeputyRequest>,
) -> Result<wire::AppointDeputyResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("name", &r.name)?;
    let staff: StaffName = parse_field("staff", &r.staff)?;
    if staff.site != incident.site {
        return Err(Fault::invalid(
            "staff",
            "must belong to the incident's site",
        ));
    }
    let end = from_timestamp("end_time", &r.end_time.unwrap_or_default())?;
    if end > api.incidents.desk.clock.now() + ACTS_MAX {
        return Err(Fault::invalid(
            "end_time",
            "must lie at most 72 hours ahead",
        ));
    }
    let unidentified = wire::AppointDeputyRequest {
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
    let appoint = Appoint {
        deputy: Deputy {
            role: required("role", r.role)?,
            staff: staff.id,
            end,
            appointed_by: super::person(caller),
            givers: Vec::new(),
        },
        reason: &r.reason,
    };
    command::run(&api.incidents, caller, order, appoint).await?;
    let acting = Acting {
        at: api.incidents.desk.clock.now(),
        incident,
    };
    let db = &api.incidents.db;
    let deputies = redress_runtime::sight(caller).read(db, &acting).await?;
    let site = &acting.incident.site;
    Ok(wire::AppointDeputyResponse {
        deputies: deputies.iter().map(|d| view::deputy(site, d)).collect(),
    })
}

struct Appoint<'a> {
    deputy: Deputy,
    reason: &'a str,
}

impl Command for Appoint<'_> {
    const NAME: &'static str = "crisis.appoint_deputy";

    async fn act(&self, turn: &mut Turn<'_>) -> Result<Option<Transition>, Fault> {
        turn.deputize(&self.deputy, self.reason).await?;
        Ok(Some(Transition::Changed))
    }
}

struct Acting {
    incident: IncidentName,
    at: Timestamp,
}

impl Operation for Acting {
    const NAME: &'static str = "crisis.acting_deputies";
    type Output = Vec<Deputy>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Deputy>, Fault> {
        let IncidentName { site, id } = &self.incident;
        deputies::acting(tx, site, *id, self.at).await
    }
}
