//! Sites: the tenant boundary. Every change is told to every service, whole.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{RegionName, SiteId, SiteName};
use redress_proto::intake::v1 as pb;
use redress_rpc::page::Page;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::check::Check;
use crate::domain::directory::NewSite;
use crate::domain::people::parse_language;
use crate::intake::Intake;
use crate::store::announce;
use crate::store::directory::{self, DirectoryKey, Site};
use crate::store::stored;

const CREATE: &str = "redress.intake.v1.DirectoryService/CreateSite";
const UPDATE: &str = "redress.intake.v1.DirectoryService/UpdateSite";

/// Answers CreateSite.
pub(super) async fn create(
    intake: &Intake,
    request: Request<pb::CreateSiteRequest>,
) -> Result<Site, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let wire = request.site.clone().unwrap_or_default();
    let operation = Create {
        intake,
        // The site is in nobody's list yet, so the receipt is about none.
        receipt: intake.receipt(&caller, CREATE, None, &request_id, &request),
        new: NewSite::parse(&request.site_id, &wire)?,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Create<'a> {
    intake: &'a Intake,
    new: NewSite,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Create<'_> {
    const NAME: &'static str = "intake.create_site";
    type Output = Site;

    async fn run(&self, tx: &mut Tx) -> Result<Site, Fault> {
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: SiteName = stored(&resource)?;
            return directory::get_site(tx, &name.0).await;
        }
        let site = directory::insert_site(tx, &self.new, self.now).await?;
        // Whoever makes a site makes its first key, before anybody complains.
        self.intake.keyring.sealing(tx, &site.id, self.now).await?;
        let name = SiteName(site.id.clone()).to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(site.revision)).await?;
        announce::site(tx, &site).await?;
        Ok(site)
    }
}

/// Answers GetSite.
pub(super) async fn get(
    intake: &Intake,
    request: Request<pb::GetSiteRequest>,
) -> Result<Site, Fault> {
    let caller = Caller::of(&request)?;
    let name: SiteName = parse_field("name", &request.get_ref().name)?;
    intake.read(caller, &Get(name.0)).await
}

struct Get(SiteId);

impl Operation for Get {
    const NAME: &'static str = "intake.get_site";
    type Output = Site;

    async fn run(&self, tx: &mut Tx) -> Result<Site, Fault> {
        directory::get_site(tx, &self.0).await
    }
}

/// Answers ListSites.
pub(super) async fn list(
    intake: &Intake,
    request: Request<pb::ListSitesRequest>,
) -> Result<pb::ListSitesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size);
    let page = Page::of("ListSites", size, &token, &request)?;
    let region = match request.region.as_str() {
        "" => None,
        text => Some(parse_field("region", text)?),
    };
    let operation = List {
        region,
        page: &page,
    };
    let found = intake.read(&caller, &operation).await?;
    let (sites, next_page_token) = page.finish(found, |s| (s.created, s.id.to_string()));
    Ok(pb::ListSitesResponse {
        sites: sites.iter().map(Site::to_wire).collect(),
        next_page_token,
    })
}

struct List<'a> {
    region: Option<RegionName>,
    page: &'a Page<DirectoryKey>,
}

impl Operation for List<'_> {
    const NAME: &'static str = "intake.list_sites";
    type Output = Vec<Site>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Site>, Fault> {
        let (after, limit) = (self.page.after(), self.page.limit());
        directory::sites(tx, None, self.region.as_ref(), after, limit).await
    }
}

/// Answers UpdateSite.
pub(super) async fn update(
    intake: &Intake,
    request: Request<pb::UpdateSiteRequest>,
) -> Result<Site, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let wire = request.site.clone().unwrap_or_default();
    let name: SiteName = parse_field("site.name", &wire.name)?;
    let mask = request.update_mask.clone().unwrap_or_default();
    let mut check = Check::new();
    if mask.paths.is_empty() {
        check.wrong("update_mask", "must name at least one path");
    }
    let (mut display_name, mut display_name_en, mut language) = (None, None, None);
    for path in &mask.paths {
        match path.as_str() {
            "display_name" => {
                display_name = Some(check.line("site.display_name", &wire.display_name, 1, 100));
            }
            "display_name_en" => {
                let text = &wire.display_name_en;
                display_name_en = Some(check.line("site.display_name_en", text, 0, 100));
            }
            "language" => {
                let text = parse_language(&mut check, "site.language", &wire.language);
                if wire.language.is_empty() {
                    check.wrong("site.language", "must be zh-CN or en");
                }
                language = Some(text);
            }
            _ => check.wrong(
                "update_mask",
                "may name only display_name, display_name_en, language",
            ),
        }
    }
    check.finish()?;
    let operation = Update {
        receipt: intake.receipt(&caller, UPDATE, Some(&name.0), &request_id, &request),
        id: name.0,
        display_name,
        display_name_en,
        language,
        etag: wire.etag,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Update {
    id: SiteId,
    display_name: Option<String>,
    display_name_en: Option<String>,
    language: Option<String>,
    etag: String,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Update {
    const NAME: &'static str = "intake.update_site";
    type Output = Site;

    async fn run(&self, tx: &mut Tx) -> Result<Site, Fault> {
        let before = directory::lock_site(tx, &self.id).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = SiteName(self.id.clone()).to_string();
        etag::check(&self.etag, before.revision, &name)?;
        let mut site = before.clone();
        site.display_name = self.display_name.clone().unwrap_or(site.display_name);
        let in_english = self.display_name_en.clone();
        site.display_name_en = in_english.unwrap_or(site.display_name_en);
        site.language = self.language.clone().unwrap_or(site.language);
        let changed = site.display_name != before.display_name
            || site.display_name_en != before.display_name_en
            || site.language != before.language;
        if changed {
            site.revision += 1;
            site.updated = self.now;
            directory::save_site(tx, &site).await?;
        }
        receipt::complete(tx, &self.receipt, &name, &etag::of(site.revision)).await?;
        if changed {
            announce::site(tx, &site).await?;
        }
        Ok(site)
    }
}
