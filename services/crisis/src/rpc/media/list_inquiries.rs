//! ListInquiries: of an incident, newest first, by keyset pages.

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
use crate::domain::words::InquiryState;
use crate::store::incidents;
use crate::store::media::{self, Inquiry};

pub(super) async fn handle(
    api: &Media,
    request: &Request<wire::ListInquiriesRequest>,
) -> Result<wire::ListInquiriesResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let question = wire::ListInquiriesRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        incident,
        only: InquiryState::from_number(r.state),
        page: Page::of("ListInquiries", r.page_size, &r.page_token, &question)?,
    };
    let db = &api.incidents.db;
    let (rows, next_page_token) = redress_runtime::sight(caller).read(db, &list).await?;
    Ok(wire::ListInquiriesResponse {
        inquiries: rows.iter().map(view::inquiry).collect(),
        next_page_token,
    })
}

struct List {
    incident: IncidentName,
    only: Option<InquiryState>,
    page: Page<Uuid>,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_inquiries";
    type Output = (Vec<Inquiry>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let IncidentName { site, id } = &self.incident;
        let found = incidents::get(tx, site, *id).await?;
        found.ok_or_else(|| Fault::not_found("Incident", &self.incident))?;
        let after = self.page.after().copied();
        let rows = media::inquiries(tx, site, *id, self.only, after, self.page.limit()).await?;
        Ok(self.page.finish(rows, |one: &Inquiry| one.name.id))
    }
}
