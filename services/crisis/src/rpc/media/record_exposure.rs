//! RecordExposure: something was reported. What exposes (G1.2) makes a private incident public, and asks whether it breaks out.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{ExposureName, IncidentName};
use redress_proto::convert::{from_timestamp, from_wire, required};
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::super::subject::Subject as _;
use super::Media;
use crate::flow::{Desk, Turn};
use crate::store::incidents;
use crate::store::media::Exposure;

const METHOD: &str = "redress.crisis.v1.MediaService/RecordExposure";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::RecordExposureRequest>,
) -> Result<wire::RecordExposureResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let sent = r.exposure.clone().unwrap_or_default();
    let now = api.incidents.desk.clock.now();
    let published = time("exposure.publish_time", sent.publish_time.as_ref())?.unwrap_or(now);
    if published > now {
        return Err(Fault::invalid(
            "exposure.publish_time",
            "must not lie ahead",
        ));
    }
    let new = Exposure {
        name: ExposureName::new(incident.site.clone(), new_id(now)),
        incident: incident.id,
        outlet: sent.outlet.clone(),
        rank: required("exposure.rank", sent.rank)?,
        medium: required("exposure.medium", sent.medium)?,
        link: sent.link.clone(),
        reach: sent.reach,
        published,
        truth: from_wire(sent.truth),
        clarify_due: None,
        clarified: None,
        recorded_by: caller.subject.clone(),
        created: now,
        updated: now,
        revision: 1,
    };
    let unidentified = wire::RecordExposureRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let fingerprint = api.incidents.fingerprints.of(METHOD, &unidentified);
    let record = Record {
        desk: &api.incidents.desk,
        new,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: incident.site.to_string(),
            fingerprint: fingerprint.to_vec(),
        },
        incident,
    };
    let db = &api.incidents.db;
    let (shown, armed) = redress_runtime::sight(caller).run(db, &record).await?;
    api.incidents.committed(armed);
    Ok(wire::RecordExposureResponse {
        exposure: Some(shown),
    })
}

fn time(
    field: &'static str,
    sent: Option<&prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Fault> {
    sent.map(|t| from_timestamp(field, t)).transpose()
}

struct Record<'a> {
    desk: &'a Desk,
    incident: IncidentName,
    new: Exposure,
    receipt: ReceiptKey,
}

impl Operation for Record<'_> {
    const NAME: &'static str = "crisis.record_exposure";
    type Output = (wire::Exposure, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let site = &self.incident.site;
        // Before the receipt, so that a foreign incident is NOT_FOUND and not a receipt out of scope.
        let missing = || Fault::not_found("Incident", &self.incident);
        let locked = incidents::lock(tx, site, self.incident.id).await?;
        let incident = locked.ok_or_else(missing)?;
        let mut armed = Vec::new();
        let name = match receipt::claim(tx, &self.receipt, now).await? {
            Claim::Seen { resource, .. } => resource.parse().map_err(Fault::internal)?,
            Claim::New => {
                let mut turn = Turn::take_open(tx, self.desk, now, &self.incident).await?;
                let transition = turn.expose(self.new.clone()).await?;
                armed = turn.finish(transition).await?.1;
                let etag = etag::of(self.new.revision);
                let name = self.new.name.clone();
                receipt::complete(tx, &self.receipt, &name.to_string(), &etag).await?;
                name
            }
        };
        let found = Exposure::find(tx, &name).await?;
        let found = found.ok_or_else(|| Fault::not_found("Exposure", &name))?;
        Ok((found.show(tx, &incident, self.desk).await?, armed))
    }
}
