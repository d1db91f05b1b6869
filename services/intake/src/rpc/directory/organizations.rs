//! Organizations: made by whoever's token names them, seen by everybody below.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{OrganizationId, OrganizationName};
use redress_proto::intake::v1 as pb;
use redress_rpc::page::Page;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::directory::display_name;
use crate::intake::Intake;
use crate::store::directory::{self, DirectoryKey};
use crate::store::stored;

const METHOD: &str = "redress.intake.v1.DirectoryService/CreateOrganization";

/// Answers CreateOrganization.
pub(super) async fn create(
    intake: &Intake,
    request: Request<pb::CreateOrganizationRequest>,
) -> Result<pb::Organization, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let name = OrganizationName(parse_field("organization_id", &request.organization_id)?);
    let wire = request.organization.clone().unwrap_or_default();
    let operation = Create {
        receipt: intake.receipt(&caller, METHOD, None, &request_id, &request),
        name,
        display_name: display_name("organization.display_name", &wire.display_name)?,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Create {
    name: OrganizationName,
    display_name: String,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Create {
    const NAME: &'static str = "intake.create_organization";
    type Output = pb::Organization;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Organization, Fault> {
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: OrganizationName = stored(&resource)?;
            return find(tx, &name.0).await;
        }
        directory::insert_organization(tx, &self.name, &self.display_name, self.now).await?;
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(1)).await?;
        find(tx, &self.name.0).await
    }
}

async fn find(tx: &mut Tx, id: &OrganizationId) -> Result<pb::Organization, Fault> {
    let found = directory::organizations(tx, Some(id), None, 1).await?.pop();
    found
        .map(|(_, wire)| wire)
        .ok_or_else(|| Fault::not_found("Organization", OrganizationName(id.clone())))
}

/// Answers GetOrganization.
pub(super) async fn get(
    intake: &Intake,
    request: Request<pb::GetOrganizationRequest>,
) -> Result<pb::Organization, Fault> {
    let caller = Caller::of(&request)?;
    let name: OrganizationName = parse_field("name", &request.get_ref().name)?;
    intake.read(caller, &Get(name.0)).await
}

struct Get(OrganizationId);

impl Operation for Get {
    const NAME: &'static str = "intake.get_organization";
    type Output = pb::Organization;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Organization, Fault> {
        find(tx, &self.0).await
    }
}

/// Answers ListOrganizations.
pub(super) async fn list(
    intake: &Intake,
    request: Request<pb::ListOrganizationsRequest>,
) -> Result<pb::ListOrganizationsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let filter = pb::ListOrganizationsRequest::default();
    let page = Page::of(
        "ListOrganizations",
        asked.page_size,
        &asked.page_token,
        &filter,
    )?;
    let found = intake.read(caller, &List(&page)).await?;
    let (rows, next_page_token) = page.finish(found, |(key, _)| key.clone());
    Ok(pb::ListOrganizationsResponse {
        organizations: rows.into_iter().map(|(_, wire)| wire).collect(),
        next_page_token,
    })
}

struct List<'a>(&'a Page<DirectoryKey>);

impl Operation for List<'_> {
    const NAME: &'static str = "intake.list_organizations";
    type Output = Vec<(DirectoryKey, pb::Organization)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        directory::organizations(tx, None, self.0.after(), self.0.limit()).await
    }
}
