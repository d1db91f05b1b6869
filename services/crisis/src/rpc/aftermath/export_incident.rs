//! ExportIncident: the whole incident as one document whose hashes are chained and whose last hash is signed.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use redress_vault::chain::Broken;
use tonic::Request;

use super::Aftermath;
use crate::domain::export::{Entry, Format, chain, write};
use crate::flow::{Desk, whole_story};
use crate::store::incidents;

pub(super) async fn handle(
    api: &Aftermath,
    request: &Request<wire::ExportIncidentRequest>,
) -> Result<wire::ExportIncidentResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let name: IncidentName = parse_field("name", &r.name)?;
    caller.require_site(&name.site)?;
    let format = match r.format() {
        wire::ExportFormat::Unspecified | wire::ExportFormat::Markdown => Format::Markdown,
        wire::ExportFormat::Html => Format::Html,
    };
    let export = Export {
        desk: &api.incidents.desk,
        name,
    };
    let db = &api.incidents.db;
    let (entries, broken) = redress_runtime::sight(caller).read(db, &export).await?;
    let hash = chain(&entries).pop().unwrap_or_default();
    let signature = (api.sign)(&export.name, &hash)?;
    Ok(wire::ExportIncidentResponse {
        document: write(&entries, &signature, format),
        entry_count: i32::try_from(entries.len()).unwrap_or(i32::MAX),
        hash,
        broken: broken.map(|(name, b)| wire::BrokenIncident {
            name: name.to_string(),
            first_bad_number: b.number,
            finding: b.finding.to_owned(),
        }),
    })
}

struct Export<'a> {
    desk: &'a Desk,
    name: IncidentName,
}

impl Operation for Export<'_> {
    const NAME: &'static str = "crisis.export_incident";
    type Output = (Vec<Entry>, Option<(IncidentName, Broken)>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let found = incidents::get(tx, &self.name.site, self.name.id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        whole_story(tx, self.desk, &incident).await
    }
}
