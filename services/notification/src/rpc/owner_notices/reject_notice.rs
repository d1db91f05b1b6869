//! RejectNotice: somebody who wrote none of it says no, and why. An edit makes it a draft again.

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Opened, OwnerNotices, Shown, Write};
use crate::domain::owner_notice::{Act, NoticeVerdict};
use crate::store::owner_notices::{self, Review};

const METHOD: &str = "redress.notification.v1.NoticeService/RejectNotice";

struct RejectNotice<'a> {
    write: Write<'a>,
    digest: &'a str,
    reason: &'a str,
}

impl Operation for RejectNotice<'_> {
    const NAME: &'static str = "notification.reject_notice";
    type Output = Shown;

    async fn run(&self, tx: &mut Tx) -> Result<Shown, Fault> {
        let mut notice = match self.write.open(tx).await? {
            Opened::Repeat(notice) => return super::shown(tx, notice).await,
            Opened::Fresh(notice) => notice,
        };
        super::may_review(self.write.caller, &notice, self.digest)?;
        self.write.step(&mut notice, Act::Reject)?;
        let review = Review {
            verdict: NoticeVerdict::Rejected,
            digest: notice.digest().to_vec(),
            reason: self.reason.to_owned(),
            reviewer: self.write.caller.subject.clone(),
            review_time: self.write.now,
        };
        owner_notices::add_review(tx, &notice, &review).await?;
        self.write.close(tx, notice).await
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::RejectNoticeRequest>,
) -> Result<proto::RejectNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = super::notice_name("name", &asked.name)?;
    caller.require_site(&site)?;
    crate::rpc::texts::plain(&[("reason", &asked.reason)])?;
    let unnumbered = proto::RejectNoticeRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = RejectNotice {
        write: Write {
            name: &asked.name,
            caller,
            etag: "",
            receipt: service.receipt(caller, METHOD, &site, &asked.request_id, &unnumbered),
            now: service.clock.now(),
            site,
            id,
        },
        digest: &asked.digest,
        reason: &asked.reason,
    };
    let shown = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::RejectNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
