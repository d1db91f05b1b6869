//! WithdrawNotice: whoever was not told yet is not told any more.

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Opened, OwnerNotices, Shown, Write};
use crate::domain::owner_notice::{Act, NoticeState};
use crate::store::owner_notices;

const METHOD: &str = "redress.notification.v1.NoticeService/WithdrawNotice";

struct WithdrawNotice<'a> {
    write: Write<'a>,
    reason: &'a str,
}

impl Operation for WithdrawNotice<'_> {
    const NAME: &'static str = "notification.withdraw_notice";
    type Output = Shown;

    async fn run(&self, tx: &mut Tx) -> Result<Shown, Fault> {
        let mut notice = match self.write.open(tx).await? {
            Opened::Repeat(notice) => return super::shown(tx, notice).await,
            Opened::Fresh(notice) => notice,
        };
        if notice.state == NoticeState::Withdrawn {
            return self.write.close_unchanged(tx, notice).await;
        }
        if notice.state == NoticeState::Released
            && owner_notices::progress(tx, &notice).await?.under_way == 0
        {
            return Err(Fault::illegal(
                "NOTICE_TOLD",
                "nobody is left to be told; what was said is mended by another notice",
                self.write.name,
            ));
        }
        self.write.step(&mut notice, Act::Withdraw)?;
        notice.withdraw_time = Some(self.write.now);
        self.reason.clone_into(&mut notice.withdraw_reason);
        notice.due_time = None;
        owner_notices::forget_list(tx, &notice).await?;
        owner_notices::wake_messages(tx, &notice, self.write.now).await?;
        self.write.close(tx, notice).await
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::WithdrawNoticeRequest>,
) -> Result<proto::WithdrawNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = super::notice_name("name", &asked.name)?;
    caller.require_site(&site)?;
    crate::rpc::texts::plain(&[("reason", &asked.reason)])?;
    let unnumbered = proto::WithdrawNoticeRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = WithdrawNotice {
        write: Write {
            name: &asked.name,
            caller,
            etag: &asked.etag,
            receipt: service.receipt(caller, METHOD, &site, &asked.request_id, &unnumbered),
            now: service.clock.now(),
            site,
            id,
        },
        reason: &asked.reason,
    };
    let shown = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::WithdrawNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
