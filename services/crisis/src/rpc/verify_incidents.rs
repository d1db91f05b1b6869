//! VerifyIncidents: whether the logs of incidents stand as they were written (I12).

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, SiteId, SiteName};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Incidents;
use crate::flow::verified;
use crate::store::incidents;

/// Incidents of a page at most: every entry of each is read.
const INCIDENTS_MAX: i32 = 200;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::VerifyIncidentsRequest>,
) -> Result<wire::VerifyIncidentsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let (site, incident) = if r.parent.contains("/incidents/") {
        let name: IncidentName = parse_field("parent", &r.parent)?;
        (name.site.clone(), Some(name))
    } else {
        (parse_field::<SiteName>("parent", &r.parent)?.0, None)
    };
    caller.require_site(&site)?;
    let question = wire::VerifyIncidentsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let size = r.page_size.min(INCIDENTS_MAX);
    let page = Page::of("VerifyIncidents", size, &r.page_token, &question)?;
    let verify = Verify {
        site,
        incident,
        page,
    };
    redress_runtime::sight(caller).read(&api.db, &verify).await
}

struct Verify {
    site: SiteId,
    incident: Option<IncidentName>,
    page: Page<Uuid>,
}

impl Operation for Verify {
    const NAME: &'static str = "crisis.verify_incidents";
    type Output = wire::VerifyIncidentsResponse;

    async fn run(&self, tx: &mut Tx) -> Result<wire::VerifyIncidentsResponse, Fault> {
        let ids = match &self.incident {
            Some(name) => {
                let found = incidents::get(tx, &name.site, name.id).await?;
                found.ok_or_else(|| Fault::not_found("Incident", name))?;
                vec![name.id]
            }
            None => {
                let (after, limit) = (self.page.after().copied(), self.page.limit());
                incidents::ids_after(tx, &self.site, after, limit).await?
            }
        };
        let (ids, next_page_token) = self.page.finish(ids, |id| *id);
        let mut answer = wire::VerifyIncidentsResponse {
            incident_count: i32::try_from(ids.len()).unwrap_or(i32::MAX),
            next_page_token,
            ..Default::default()
        };
        for id in ids {
            let name = IncidentName::new(self.site.clone(), id);
            let verified = verified(tx, &name).await?;
            answer.entry_count += verified.entries;
            answer
                .broken
                .extend(verified.broken.map(|b| wire::BrokenIncident {
                    name: name.to_string(),
                    first_bad_number: b.number,
                    finding: b.finding.to_owned(),
                }));
        }
        Ok(answer)
    }
}
