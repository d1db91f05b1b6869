//! GetNotice: one notice with what others said, whom it concerns and what became of it, in numbers.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{OwnerNotices, Shown};
use crate::store::owner_notices;

struct GetNotice<'a> {
    site: &'a SiteId,
    id: Uuid,
}

impl Operation for GetNotice<'_> {
    const NAME: &'static str = "notification.get_notice";
    type Output = Option<Shown>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Shown>, Fault> {
        match owner_notices::get(tx, self.site, self.id).await? {
            Some(notice) => super::shown(tx, notice).await.map(Some),
            None => Ok(None),
        }
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::GetNoticeRequest>,
) -> Result<proto::GetNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let name = &request.get_ref().name;
    let (site, id) = super::notice_name("name", name)?;
    caller.require_site(&site)?;
    let shown = redress_runtime::sight(caller)
        .read(&service.db, &GetNotice { site: &site, id })
        .await?
        .ok_or_else(|| Fault::not_found("Notice", name))?;
    Ok(proto::GetNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
