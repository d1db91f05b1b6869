//! Regions of an organization.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{OrganizationId, OrganizationName, RegionName};
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

const METHOD: &str = "redress.intake.v1.DirectoryService/CreateRegion";

/// Answers CreateRegion.
pub(super) async fn create(
    intake: &Intake,
    request: Request<pb::CreateRegionRequest>,
) -> Result<pb::Region, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let parent: OrganizationName = parse_field("parent", &request.parent)?;
    let name = RegionName {
        organization: parent.0,
        region: parse_field("region_id", &request.region_id)?,
    };
    let wire = request.region.clone().unwrap_or_default();
    let operation = Create {
        receipt: intake.receipt(&caller, METHOD, None, &request_id, &request),
        name,
        display_name: display_name("region.display_name", &wire.display_name)?,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Create {
    name: RegionName,
    display_name: String,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Create {
    const NAME: &'static str = "intake.create_region";
    type Output = pb::Region;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Region, Fault> {
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return find(tx, &stored(&resource)?).await;
        }
        directory::insert_region(tx, &self.name, &self.display_name, self.now).await?;
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(1)).await?;
        find(tx, &self.name).await
    }
}

async fn find(tx: &mut Tx, name: &RegionName) -> Result<pb::Region, Fault> {
    let id = Some(name.region.as_str());
    let found = directory::regions(tx, &name.organization, id, None, 1).await?;
    found
        .into_iter()
        .next()
        .map(|(_, wire)| wire)
        .ok_or_else(|| Fault::not_found("Region", name))
}

/// Answers GetRegion.
pub(super) async fn get(
    intake: &Intake,
    request: Request<pb::GetRegionRequest>,
) -> Result<pb::Region, Fault> {
    let caller = Caller::of(&request)?;
    let name: RegionName = parse_field("name", &request.get_ref().name)?;
    intake.read(caller, &Get(name)).await
}

struct Get(RegionName);

impl Operation for Get {
    const NAME: &'static str = "intake.get_region";
    type Output = pb::Region;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Region, Fault> {
        find(tx, &self.0).await
    }
}

/// Answers ListRegions.
pub(super) async fn list(
    intake: &Intake,
    request: Request<pb::ListRegionsRequest>,
) -> Result<pb::ListRegionsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size);
    let page = Page::of("ListRegions", size, &token, &request)?;
    let parent: OrganizationName = parse_field("parent", &request.parent)?;
    let operation = List {
        organization: parent.0,
        page: &page,
    };
    let found = intake.read(&caller, &operation).await?;
    let (rows, next_page_token) = page.finish(found, |(key, _)| key.clone());
    Ok(pb::ListRegionsResponse {
        regions: rows.into_iter().map(|(_, wire)| wire).collect(),
        next_page_token,
    })
}

struct List<'a> {
    organization: OrganizationId,
    page: &'a Page<DirectoryKey>,
}

impl Operation for List<'_> {
    const NAME: &'static str = "intake.list_regions";
    type Output = Vec<(DirectoryKey, pb::Region)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let (after, limit) = (self.page.after(), self.page.limit());
        directory::regions(tx, &self.organization, None, after, limit).await
    }
}
