//! ListExposures: of an incident, newest first, by keyset pages.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_model::words::Word as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Media, view};
use crate::domain::words::ExposureTruth;
use crate::store::incidents;
use crate::store::media::{self, Assessment, Exposure};

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::ListExposuresRequest>,
) -> Result<wire::ListExposuresResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let question = wire::ListExposuresRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        incident,
        only: ExposureTruth::from_number(r.truth),
        page: Page::of("ListExposures", r.page_size, &r.page_token, &question)?,
    };
    let db = &api.incidents.db;
    let (rows, next_page_token) = redress_runtime::sight(caller).read(db, &list).await?;
    Ok(wire::ListExposuresResponse {
        exposures: rows
            .iter()
            .map(|(exposure, said)| view::exposure(exposure, said))
            .collect::<Result<_, _>>()?,
        next_page_token,
    })
}

struct List {
    incident: IncidentName,
    only: Option<ExposureTruth>,
    page: Page<Uuid>,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_exposures";
    type Output = (Vec<(Exposure, Vec<Assessment>)>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let IncidentName { site, id } = &self.incident;
        let found = incidents::get(tx, site, *id).await?;
        found.ok_or_else(|| Fault::not_found("Incident", &self.incident))?;
        let after = self.page.after().copied();
        let rows = media::exposures(tx, site, *id, self.only, after, self.page.limit()).await?;
        let (rows, next) = self.page.finish(rows, |one: &Exposure| one.name.id);
        let mut all = Vec::with_capacity(rows.len());
        for exposure in rows {
            let said = media::assessments(tx, &exposure.name).await?;
            all.push((exposure, said));
        }
        Ok((all, next))
    }
}
