//! CreateNotice: somebody writes a notice that no defect proposed.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::{ClusterName, SiteId, SiteName};
use redress_model::{Fault, ids};
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{OwnerNotices, Shown};
use crate::domain::owner_notice::Content;
use crate::rpc::texts;
use crate::store::owner_notices::{self, NewNotice};

const METHOD: &str = "redress.notification.v1.NoticeService/CreateNotice";

struct CreateNotice<'a> {
    site: &'a SiteId,
    content: Content,
    authors: Vec<String>,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for CreateNotice<'_> {
    const NAME: &'static str = "notification.create_notice";
    type Output = Shown;

    async fn run(&self, tx: &mut Tx) -> Result<Shown, Fault> {
        texts::require_site(tx, self.site).await?;
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let id = match &claim {
            Claim::Seen { resource, .. } => super::notice_name("name", resource)?.1,
            Claim::New => ids::new_id(self.now),
        };
        if matches!(claim, Claim::New) {
            let new = NewNotice {
                id,
                category: None,
                units: 0,
                proposed: false,
                content: &self.content,
                authors: &self.authors,
            };
            owner_notices::insert(tx, self.site, &new, self.now).await?;
        }
        let notice = owner_notices::get(tx, self.site, id)
            .await?
            .ok_or_else(|| Fault::internal("a notice vanished"))?;
        if matches!(claim, Claim::New) {
            let etag = etag::of(notice.revision);
            receipt::complete(tx, &self.receipt, &notice.name(), &etag).await?;
        }
        super::shown(tx, notice).await
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::CreateNoticeRequest>,
) -> Result<proto::CreateNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let SiteName(site) = parse_field("parent", &asked.parent)?;
    caller.require_site(&site)?;
    let wanted = asked.notice.clone().unwrap_or_default();
    super::plain(&wanted)?;
    let cluster = if wanted.cluster.is_empty() {
        None
    } else {
        let cluster: ClusterName = parse_field("notice.cluster", &wanted.cluster)?;
        if cluster.site != site {
            return Err(Fault::invalid("notice.cluster", "must lie in the parent"));
        }
        Some(cluster.id)
    };
    let unnumbered = proto::CreateNoticeRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = CreateNotice {
        site: &site,
        content: Content {
            cluster,
            danger: wanted.danger,
            include_known: wanted.include_known,
            chinese: super::source(wanted.chinese.as_ref()),
            english: super::source(wanted.english.as_ref()),
            list_revision: 0,
        },
        authors: super::names(caller),
        receipt: service.receipt(caller, METHOD, &site, &asked.request_id, &unnumbered),
        now: service.clock.now(),
    };
    let shown = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::CreateNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
