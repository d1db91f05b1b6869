//! ApproveNotice: somebody who wrote none of it lets exactly this text go to exactly these owners (four eyes).

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Opened, OwnerNotices, Shown, Write};
use crate::domain::owner_notice::{Act, NoticeVerdict};
use crate::store::owner_notices::{self, Review};

const METHOD: &str = "redress.notification.v1.NoticeService/ApproveNotice";

struct ApproveNotice<'a> {
    write: Write<'a>,
    digest: &'a str,
    reason: &'a str,
}

impl Operation for ApproveNotice<'_> {
    const NAME: &'static str = "notification.approve_notice";
    type Output = Shown;

    async fn run(&self, tx: &mut Tx) -> Result<Shown, Fault> {
        let mut notice = match self.write.open(tx).await? {
            Opened::Repeat(notice) => return super::shown(tx, notice).await,
            Opened::Fresh(notice) => notice,
        };
        super::may_review(self.write.caller, &notice, self.digest)?;
        self.write.step(&mut notice, Act::Approve)?;
        if !notice.content.danger && owner_notices::incident_speaks(tx, &notice).await? {
            return Err(Fault::illegal(
                "INCIDENT_SPEAKS",
                "an open incident is about the same complaints: its spokesperson tells the owners, by a statement",
                self.write.name,
            ));
        }
        let review = Review {
            verdict: NoticeVerdict::Approved,
            digest: notice.digest().to_vec(),
            reason: self.reason.to_owned(),
            reviewer: self.write.caller.subject.clone(),
            review_time: self.write.now,
        };
        owner_notices::add_review(tx, &notice, &review).await?;
        owner_notices::fix_audience(tx, &notice).await?;
        notice.approved_digest = Some(review.digest);
        notice.approve_time = Some(self.write.now);
        notice.due_time = Some(self.write.now);
        self.write.close(tx, notice).await
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::ApproveNoticeRequest>,
) -> Result<proto::ApproveNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = super::notice_name("name", &asked.name)?;
    caller.require_site(&site)?;
    crate::rpc::texts::plain(&[("reason", &asked.reason)])?;
    let unnumbered = proto::ApproveNoticeRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = ApproveNotice {
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
    Ok(proto::ApproveNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
