//! ListNotices: newest first, with what became of each, without audience and reviews.

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

use super::{OwnerNotices, Shown};
use crate::domain::owner_notice::NoticeState;
use crate::store::{matters, owner_notices};

struct ListNotices<'a> {
    site: Option<SiteId>,
    state: Option<NoticeState>,
    page: &'a Page<Uuid>,
}

impl Operation for ListNotices<'_> {
    const NAME: &'static str = "notification.list_notices";
    type Output = Vec<Shown>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Shown>, Fault> {
        let after = self.page.after().copied();
        let limit = self.page.limit();
        let site = self.site.as_ref();
        let notices = owner_notices::list(tx, site, self.state, after, limit).await?;
        let notices = matters::found(tx, site, notices).await?;
        let mut rows = Vec::with_capacity(notices.len());
        for notice in notices {
            rows.push(Shown {
                audience: None,
                progress: owner_notices::progress(tx, &notice).await?,
                reviews: Vec::new(),
                notice,
            });
        }
        Ok(rows)
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::ListNoticesRequest>,
) -> Result<proto::ListNoticesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let site = match asked.parent.as_str() {
        "sites/-" => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    if let Some(site) = &site {
        caller.require_site(site)?;
    }
    let question = proto::ListNoticesRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let page = Page::of("ListNotices", asked.page_size, &asked.page_token, &question)?;
    let operation = ListNotices {
        site,
        state: convert::from_wire(asked.state),
        page: &page,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |shown| shown.notice.id);
    Ok(proto::ListNoticesResponse {
        notices: rows.iter().map(super::notice).collect(),
        next_page_token,
    })
}
