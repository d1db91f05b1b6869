//! The NoticeService. One RPC a file; this one knows which file is which, how every write begins and ends, and how a
//! notice looks on the wire.

mod add_notice_recipients;
mod approve_notice;
mod create_notice;
mod get_notice;
mod list_notices;
mod reject_notice;
mod submit_notice;
mod update_notice;
mod withdraw_notice;

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use redress_model::Fault;
use redress_model::name::{SiteId, SiteName};
use redress_model::time::SharedClock;
use redress_proto::convert;
use redress_proto::notification::v1 as wire;
use redress_proto::notification::v1::notice_service_server::NoticeService;
use redress_rpc::{Caller, Fingerprints, etag, status};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Database, Keyring, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::domain::owner_notice::{self, Act};
use crate::domain::texts::Source;
use crate::jobs::metrics::Metrics;
use crate::store::owner_notices::{self, Audience, Notice, Progress, Review};

/// Answers callers.
#[derive(Debug)]
pub struct OwnerNotices {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Time.
    pub clock: SharedClock,
    /// What tells a repeated request from another one.
    pub fingerprints: Fingerprints,
    /// What is counted.
    pub metrics: Metrics,
}

#[tonic::async_trait]
impl NoticeService for OwnerNotices {
    async fn create_notice(
        &self,
        request: Request<wire::CreateNoticeRequest>,
    ) -> Result<Response<wire::CreateNoticeResponse>, Status> {
        create_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn update_notice(
        &self,
        request: Request<wire::UpdateNoticeRequest>,
    ) -> Result<Response<wire::UpdateNoticeResponse>, Status> {
        update_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn add_notice_recipients(
        &self,
        request: Request<wire::AddNoticeRecipientsRequest>,
    ) -> Result<Response<wire::AddNoticeRecipientsResponse>, Status> {
        add_notice_recipients::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn get_notice(
        &self,
        request: Request<wire::GetNoticeRequest>,
    ) -> Result<Response<wire::GetNoticeResponse>, Status> {
        get_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn list_notices(
        &self,
        request: Request<wire::ListNoticesRequest>,
    ) -> Result<Response<wire::ListNoticesResponse>, Status> {
        list_notices::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn submit_notice(
        &self,
        request: Request<wire::SubmitNoticeRequest>,
    ) -> Result<Response<wire::SubmitNoticeResponse>, Status> {
        submit_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn approve_notice(
        &self,
        request: Request<wire::ApproveNoticeRequest>,
    ) -> Result<Response<wire::ApproveNoticeResponse>, Status> {
        approve_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn reject_notice(
        &self,
        request: Request<wire::RejectNoticeRequest>,
    ) -> Result<Response<wire::RejectNoticeResponse>, Status> {
        reject_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }

    async fn withdraw_notice(
        &self,
        request: Request<wire::WithdrawNoticeRequest>,
    ) -> Result<Response<wire::WithdrawNoticeResponse>, Status> {
        withdraw_notice::handle(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

impl OwnerNotices {
    fn receipt(
        &self,
        caller: &Caller,
        method: &'static str,
        site: &SiteId,
        request_id: &str,
        unnumbered: &impl Message,
    ) -> ReceiptKey {
        ReceiptKey {
            caller: caller.key(),
            method,
            request_id: request_id.to_owned(),
            site: site.to_string(),
            fingerprint: self.fingerprints.of(method, unnumbered).to_vec(),
        }
    }
}

/// A notice as it is shown: with numbers, and with what others said.
struct Shown {
    notice: Notice,
    audience: Option<Audience>,
    progress: Progress,
    reviews: Vec<Review>,
}

async fn shown(tx: &mut Tx, notice: Notice) -> Result<Shown, Fault> {
    Ok(Shown {
        audience: Some(owner_notices::audience(tx, &notice).await?),
        progress: owner_notices::progress(tx, &notice).await?,
        reviews: owner_notices::reviews(tx, &notice).await?,
        notice,
    })
}

/// Which notice a write is about, and what it comes with.
struct Write<'a> {
    site: SiteId,
    id: Uuid,
    name: &'a str,
    caller: &'a Caller,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

/// How a write begins.
enum Opened {
    /// The same request was answered before.
    Repeat(Notice),
    /// Locked, with the etag that the caller saw.
    Fresh(Notice),
}

impl Write<'_> {
    async fn open(&self, tx: &mut Tx) -> Result<Opened, Fault> {
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let notice = owner_notices::lock(tx, &self.site, self.id)
            .await?
            .ok_or_else(|| Fault::not_found("Notice", self.name))?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok(Opened::Repeat(notice));
        }
        etag::check(self.etag, notice.revision, self.name)?;
        Ok(Opened::Fresh(notice))
    }

    /// Moves the notice where the act leads, or says what would be legal.
    fn step(&self, notice: &mut Notice, act: Act) -> Result<(), Fault> {
        notice.state = owner_notice::step(self.name, notice.state, act)?;
        Ok(())
    }

    async fn close(&self, tx: &mut Tx, mut notice: Notice) -> Result<Shown, Fault> {
        owner_notices::settle(tx, &mut notice).await?;
        self.close_unchanged(tx, notice).await
    }

    async fn close_unchanged(&self, tx: &mut Tx, notice: Notice) -> Result<Shown, Fault> {
        let etag = etag::of(notice.revision);
        receipt::complete(tx, &self.receipt, self.name, &etag).await?;
        shown(tx, notice).await
    }
}

/// Under which names a caller counts as somebody who had a part in a notice: whichever account was used.
fn names(caller: &Caller) -> Vec<String> {
    let staff = caller.staff.as_ref().map(ToString::to_string);
    std::iter::once(caller.subject.clone())
        .chain(staff)
        .collect()
}

/// What a reviewer has read has to be what there is, and none of it the reviewer's own.
fn may_review(caller: &Caller, notice: &Notice, digest: &str) -> Result<(), Fault> {
    if names(caller).iter().any(|n| notice.authors.contains(n)) {
        return Err(Fault::illegal(
            "AUTHOR_APPROVES",
            "whoever wrote any of a notice or of its list neither approves nor rejects it; withdraw it, or let somebody else",
            notice.name(),
        ));
    }
    if hex(&notice.digest()) != digest {
        return Err(Fault::conflict(notice.name(), etag::of(notice.revision)));
    }
    Ok(())
}

/// Site and id of `sites/{site}/notices/{notice}`.
fn notice_name(field: &str, name: &str) -> Result<(SiteId, Uuid), Fault> {
    let read = || {
        let (site, id) = name.split_once("/notices/")?;
        let site: SiteName = site.parse().ok()?;
        let uuid: Uuid = id.parse().ok()?;
        // One spelling a notice.
        (uuid.to_string() == id).then_some((site.0, uuid))
    };
    read().ok_or_else(|| Fault::invalid(field, "must look like sites/{site}/notices/{notice}"))
}

fn source(text: Option<&wire::NoticeText>) -> Source {
    text.map_or_else(Source::default, |text| Source {
        subject: text.subject.trim().to_owned(),
        body: text.body.trim().to_owned(),
    })
}

/// Refuses U+0000 in the texts, which Postgres cannot hold.
fn plain(notice: &wire::OwnerNotice) -> Result<(), Fault> {
    let of = |text: &Option<wire::NoticeText>| text.clone().unwrap_or_default();
    let (chinese, english) = (of(&notice.chinese), of(&notice.english));
    super::texts::plain(&[
        ("notice.chinese.subject", &chinese.subject),
        ("notice.chinese.body", &chinese.body),
        ("notice.english.subject", &english.subject),
        ("notice.english.body", &english.body),
    ])
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn notice(shown: &Shown) -> wire::OwnerNotice {
    let Shown {
        notice,
        audience,
        progress,
        reviews,
    } = shown;
    let text = |text: &Source| wire::NoticeText {
        subject: text.subject.clone(),
        body: text.body.clone(),
    };
    // Owners who have no message yet wait too.
    let unmade = match (notice.approve_time, notice.withdraw_time, audience) {
        (Some(_), None, Some(audience)) => (audience.told() - progress.made()).max(0),
        _ => 0,
    };
    wire::OwnerNotice {
        name: notice.name(),
        etag: etag::of(notice.revision),
        state: convert::to_wire(notice.state),
        cluster: notice
            .cluster()
            .map(|name| name.to_string())
            .unwrap_or_default(),
        category: convert::to_wire_opt(notice.category),
        units: notice.units,
        proposed: notice.proposed,
        danger: notice.content.danger,
        include_known: notice.content.include_known,
        chinese: Some(text(&notice.content.chinese)),
        english: Some(text(&notice.content.english)),
        digest: hex(&notice.digest()),
        authors: notice
            .authors
            .iter()
            .filter(|author| !author.starts_with("sites/"))
            .cloned()
            .collect(),
        audience: audience.map(|audience| wire::NoticeAudience {
            listed_count: count(audience.listed),
            known_count: count(audience.known),
            excluded_count: count(audience.excluded),
        }),
        progress: Some(wire::NoticeProgress {
            told_count: count(progress.told),
            delivered_count: count(progress.delivered),
            failed_count: count(progress.failed),
            waiting_count: count(progress.under_way + unmade),
            cancelled_count: count(progress.cancelled),
        }),
        reviews: reviews
            .iter()
            .map(|review| wire::NoticeReview {
                verdict: convert::to_wire(review.verdict),
                digest: hex(&review.digest),
                reason: review.reason.clone(),
                reviewer: review.reviewer.clone(),
                review_time: Some(convert::to_timestamp(review.review_time)),
            })
            .collect(),
        overridden_rules: notice.overridden.clone(),
        override_reason: notice.override_reason.clone(),
        create_time: Some(convert::to_timestamp(notice.create_time)),
        submit_time: notice.submit_time.map(convert::to_timestamp),
        approve_time: notice.approve_time.map(convert::to_timestamp),
        release_time: notice.release_time.map(convert::to_timestamp),
        withdraw_time: notice.withdraw_time.map(convert::to_timestamp),
        withdraw_reason: notice.withdraw_reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::owner_notice::{NoticeState, NoticeVerdict};
    use redress_model::words::Word as _;

    #[test]
    fn our_words_of_notices_are_the_wires_words() {
        for word in NoticeState::ALL {
            let wire = wire::NoticeState::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("NOTICE_STATE_{word}"));
        }
        for word in NoticeVerdict::ALL {
            let wire = wire::NoticeVerdict::try_from(word.number()).unwrap();
            assert_eq!(wire.as_str_name(), format!("NOTICE_VERDICT_{word}"));
        }
    }

    #[test]
    fn a_name_has_one_spelling() {
        let name = "sites/lake/notices/0190a6c2-0000-7000-8000-00000000000a";
        assert!(notice_name("name", name).is_ok());
        for wrong in [
            &name.to_uppercase(),
            &name.replace('-', ""),
            "sites/lake/surveys/0190a6c2-0000-7000-8000-00000000000a",
        ] {
            assert!(notice_name("name", wrong).is_err(), "{wrong}");
        }
    }
}
