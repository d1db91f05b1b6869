//! ListWordingOverrides: who sent what the check had found, and why.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Wording;
use crate::store::matters;
use crate::store::texts::{self, Override};

struct ListOverrides<'a> {
    site: Option<&'a SiteId>,
    page: &'a Page<Uuid>,
}

impl Operation for ListOverrides<'_> {
    const NAME: &'static str = "notification.list_wording_overrides";
    type Output = Vec<Override>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Override>, Fault> {
        let after = self.page.after().copied();
        let rows = texts::overrides(tx, self.site, after, self.page.limit()).await?;
        matters::found(tx, self.site, rows).await
    }
}

pub(super) async fn handle(
    service: &Wording,
    request: Request<proto::ListWordingOverridesRequest>,
) -> Result<proto::ListWordingOverridesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let site = match asked.parent.as_str() {
        "sites/-" => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    if let Some(site) = &site {
        caller.require_site(site)?;
    }
    let question = proto::ListWordingOverridesRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let method = "ListWordingOverrides";
    let page: Page<Uuid> = Page::of(method, asked.page_size, &asked.page_token, &question)?;
    let list = ListOverrides {
        site: site.as_ref(),
        page: &page,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &list)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id);
    Ok(proto::ListWordingOverridesResponse {
        overrides: rows
            .into_iter()
            .map(|row| proto::WordingOverride {
                message: row.message.to_string(),
                rules: row.rules,
                reason: row.reason,
                author: row.author,
                create_time: Some(convert::to_timestamp(row.create_time)),
            })
            .collect(),
        next_page_token,
    })
}
