//! RecordInquiry: somebody of the press asks; the outlet's deadline runs.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{IncidentName, InquiryName};
use redress_proto::convert::{from_timestamp, required};
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::super::subject::Subject as _;
use super::Media;
use crate::domain::words::InquiryState;
use crate::flow::{Desk, Transition, Turn};
use crate::store::incidents;
use crate::store::media::Inquiry;

const METHOD: &str = "redress.crisis.v1.MediaService/RecordInquiry";

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::RecordInquiryRequest>,
) -> Result<wire::RecordInquiryResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let sent = r.inquiry.clone().unwrap_or_default();
    let now = api.incidents.desk.clock.now();
    let received = time("inquiry.receive_time", sent.receive_time.as_ref())?.unwrap_or(now);
    if received > now {
        return Err(Fault::invalid("inquiry.receive_time", "must not lie ahead"));
    }
    let due = time("inquiry.due_time", sent.due_time.as_ref())?
        .ok_or_else(|| Fault::invalid("inquiry.due_time", "must be given"))?;
    if due < received {
        return Err(Fault::invalid(
            "inquiry.due_time",
            "must not lie before the inquiry",
        ));
    }
    let new = Inquiry {
        name: InquiryName::new(incident.site.clone(), new_id(now)),
        incident: incident.id,
        outlet: sent.outlet.clone(),
        rank: required("inquiry.rank", sent.rank)?,
        question: sent.question.clone(),
        received,
        due,
        embargo: time("inquiry.embargo_time", sent.embargo_time.as_ref())?,
        state: InquiryState::Open,
        statement: None,
        digest: None,
        reason: String::new(),
        decided_by: String::new(),
        decided: None,
        recorded_by: caller.subject.clone(),
        created: now,
        revision: 1,
    };
    let unidentified = wire::RecordInquiryRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let fingerprint = api.incidents.fingerprints.of(METHOD, &unidentified);
    let record = Record {
        desk: &api.incidents.desk,
        keys: &api.keys,
        journalist: &sent.journalist,
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
    Ok(wire::RecordInquiryResponse {
        inquiry: Some(shown),
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
    keys: &'a Keyring,
    journalist: &'a str,
    incident: IncidentName,
    new: Inquiry,
    receipt: ReceiptKey,
}

impl Operation for Record<'_> {
    const NAME: &'static str = "crisis.record_inquiry";
    type Output = (wire::Inquiry, Vec<Entry>);

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
                turn.inquire(self.keys, &self.new, self.journalist).await?;
                armed = turn.finish(Transition::Noted).await?.1;
                let etag = etag::of(self.new.revision);
                let name = self.new.name.clone();
                receipt::complete(tx, &self.receipt, &name.to_string(), &etag).await?;
                name
            }
        };
        let found = Inquiry::find(tx, &name).await?;
        let found = found.ok_or_else(|| Fault::not_found("Inquiry", &name))?;
        Ok((found.show(tx, &incident, self.desk).await?, armed))
    }
}
