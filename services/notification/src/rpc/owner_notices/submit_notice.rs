//! SubmitNotice: a draft goes to somebody else for approval, after the wording check (M11). It promises no money (M10).

use redress_model::Fault;
use redress_model::words::DutyRole;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use redress_wording::Audience as Ears;
use redress_wording::promise::promised;
use tonic::Request;

use super::{Opened, OwnerNotices, Shown, Write};
use crate::domain::owner_notice::Act;
use crate::domain::texts::check;
use crate::jobs::owner_notices::tell_lead;
use crate::rpc::texts as shared;
use crate::store::{owner_notices, texts};

const METHOD: &str = "redress.notification.v1.NoticeService/SubmitNotice";

struct SubmitNotice<'a> {
    write: Write<'a>,
    override_reason: &'a str,
}

impl Operation for SubmitNotice<'_> {
    const NAME: &'static str = "notification.submit_notice";
    /// The notice, and whether a reason let it through.
    type Output = (Shown, bool);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let mut notice = match self.write.open(tx).await? {
            Opened::Repeat(notice) => return Ok((super::shown(tx, notice).await?, false)),
            Opened::Fresh(notice) => notice,
        };
        self.write.step(&mut notice, Act::Submit)?;
        let incomplete =
            |what: &str| Err(Fault::illegal("NOTICE_INCOMPLETE", what, self.write.name));
        if notice.content.is_unwritten() {
            return incomplete("subject and body are given in Chinese and in English");
        }
        if owner_notices::audience(tx, &notice).await?.told() <= 0 {
            return incomplete(
                "nobody would be told; add owners to the list, or include the people known at the site",
            );
        }
        let holding = texts::holding(tx, &self.write.site, self.write.now).await?;
        let content = &notice.content;
        let whole = [
            &content.chinese.subject,
            &content.chinese.body,
            &content.english.subject,
            &content.english.body,
        ]
        .map(String::as_str)
        .join("\n");
        let hits = check(&holding, &whole, Ears::Complainant);
        // A notice is of no case, so no solution covers it; and no reason overrides that (M10).
        if promised(&whole).is_some() {
            return Err(Fault::illegal(
                "PROMISE_NOT_APPROVED",
                "a notice must promise no money: a solution of a case does, once it is approved; legal now: name neither sum nor payment",
                self.write.name,
            ));
        }
        let rules = shared::let_through(&hits, self.override_reason, self.write.name)?;
        let overridden = !rules.is_empty();
        if overridden {
            self.override_reason.clone_into(&mut notice.override_reason);
            let author = &self.write.caller.subject;
            author.clone_into(&mut notice.overridden_by);
        }
        notice.overridden = rules;
        notice.submit_time = Some(self.write.now);
        notice.written_by(&super::names(self.write.caller));
        let roles = [DutyRole::TopLead, DutyRole::DutyLead];
        tell_lead(tx, &notice, true, roles, self.write.now).await?;
        Ok((self.write.close(tx, notice).await?, overridden))
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::SubmitNoticeRequest>,
) -> Result<proto::SubmitNoticeResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = super::notice_name("name", &asked.name)?;
    caller.require_site(&site)?;
    shared::plain(&[("override_reason", &asked.override_reason)])?;
    shared::may_override(caller, &asked.override_reason)?;
    let unnumbered = proto::SubmitNoticeRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = SubmitNotice {
        write: Write {
            name: &asked.name,
            caller,
            etag: &asked.etag,
            receipt: service.receipt(caller, METHOD, &site, &asked.request_id, &unnumbered),
            now: service.clock.now(),
            site,
            id,
        },
        override_reason: &asked.override_reason,
    };
    let (shown, overridden) = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    if overridden {
        service.metrics.overridden("notice");
    }
    Ok(proto::SubmitNoticeResponse {
        notice: Some(super::notice(&shown)),
    })
}
