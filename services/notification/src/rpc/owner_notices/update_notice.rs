//! UpdateNotice: texts and audience of a notice that nobody approved. What was submitted or rejected is a draft again.

use redress_model::Fault;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Opened, OwnerNotices, Shown, Write};
use crate::domain::owner_notice::{Act, Content};

const METHOD: &str = "redress.notification.v1.NoticeService/UpdateNotice";

struct UpdateNotice<'a> {
    write: Write<'a>,
    wanted: &'a proto::OwnerNotice,
}

impl Operation for UpdateNotice<'_> {
    const NAME: &'static str = "notification.update_notice";
    type Output = Shown;

    async fn run(&self, tx: &mut Tx) -> Result<Shown, Fault> {
        let mut notice = match self.write.open(tx).await? {
            Opened::Repeat(notice) => return super::shown(tx, notice).await,
            Opened::Fresh(notice) => notice,
        };
        self.write.step(&mut notice, Act::Edit)?;
        notice.content = Content {
            danger: self.wanted.danger,
            include_known: self.wanted.include_known,
            chinese: super::source(self.wanted.chinese.as_ref()),
            english: super::source(self.wanted.english.as_ref()),
            ..notice.content
        };
        // What was let through was another text.
        notice.overridden.clear();
        notice.override_reason.clear();
        notice.overridden_by.clear();
        notice.written_by(&super::names(self.write.caller));
        self.write.close(tx, notice).await
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::UpdateNoticeRequest>,
) -> Result<proto::UpdateNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let wanted = asked
        .notice
        .as_ref()
        .ok_or_else(|| Fault::invalid("notice", "must be given"))?;
    let (site, id) = super::notice_name("notice.name", &wanted.name)?;
    caller.require_site(&site)?;
    super::plain(wanted)?;
    let unnumbered = proto::UpdateNoticeRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = UpdateNotice {
        write: Write {
            name: &wanted.name,
            caller,
            etag: &wanted.etag,
            receipt: service.receipt(caller, METHOD, &site, &asked.request_id, &unnumbered),
            now: service.clock.now(),
            site,
            id,
        },
        wanted,
    };
    let shown = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::UpdateNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
