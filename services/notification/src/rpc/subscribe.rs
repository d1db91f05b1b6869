//! Subscribe: what apps and portals are told, as it happens. The notices themselves are the change table.

use std::sync::Arc;
use std::time::Duration;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_proto::notification::v1::app_service_server::AppService;
use redress_rpc::page::Digest;
use redress_rpc::watch::{self, Bell, Feed, Position, Stream};
use redress_rpc::{Caller, status};
use redress_store::{Database, Keyring, Operation, Tx};
use tonic::{Request, Response, Status};

use crate::domain::words::RecipientKind;
use crate::store::notices::{self, Notice, NoticeText, Readers};

/// What a caller needs besides the method's own permission to hear what complainants are told.
const RELAY: &str = "notices.relay";
/// How often to look for notices that other replicas wrote.
const POLL: Duration = Duration::from_secs(1);

/// Serves apps and portals.
#[derive(Debug, Clone)]
pub struct Apps {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Rung after a notice was added.
    pub bell: Bell,
}

#[tonic::async_trait]
impl AppService for Apps {
    type SubscribeStream = watch::Stream<proto::SubscribeResponse>;

    async fn subscribe(
        &self,
        request: Request<proto::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        subscribe(self, request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

async fn subscribe(
    apps: &Apps,
    request: Request<proto::SubscribeRequest>,
) -> Result<Stream<proto::SubscribeResponse>, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.resume_token);
    // A token belongs to who was given it.
    let digest = Digest::of(&format!("Subscribe {}", caller.key()), &request);
    let SiteName(site) = parse_field("parent", &request.parent)?;
    caller.require_site(&site)?;
    let readers = match &caller.staff {
        Some(staff) if staff.site == site => Readers {
            site,
            kind: RecipientKind::Staff,
            recipients: vec![staff.to_string()],
        },
        Some(_) | None => {
            caller.require(RELAY)?;
            if request
                .person_tokens
                .iter()
                .any(|token| token.contains('\0'))
            {
                return Err(Fault::invalid("person_tokens", "must not hold U+0000"));
            }
            Readers {
                site,
                kind: RecipientKind::Complainant,
                recipients: request.person_tokens,
            }
        }
    };
    let head = redress_runtime::sight(&caller)
        .read(&apps.db, &Head)
        .await?;
    let feed = NoticeFeed {
        apps: apps.clone(),
        caller,
        head,
        readers,
    };
    watch::stream(feed, digest, &token, &apps.bell, POLL)
}

struct NoticeFeed {
    apps: Apps,
    caller: Caller,
    head: Position,
    readers: Readers,
}

impl Feed for NoticeFeed {
    type Change = Notice;
    type Item = proto::SubscribeResponse;

    async fn head(&self) -> Result<Position, Fault> {
        Ok(self.head)
    }

    async fn purged(&self) -> Result<Position, Fault> {
        redress_runtime::sight(&self.caller)
            .read(&self.apps.db, &Purged)
            .await
    }

    async fn read(&self, after: Position, limit: i64) -> Result<Vec<(Position, Notice)>, Fault> {
        let read = Read {
            after,
            readers: &self.readers,
            limit,
        };
        redress_runtime::sight(&self.caller)
            .read(&self.apps.db, &read)
            .await
    }

    async fn render(
        &self,
        notice: Notice,
        resume_token: String,
    ) -> Result<Option<proto::SubscribeResponse>, Fault> {
        let open = Open {
            keys: &self.apps.keys,
            notice: &notice,
        };
        let text = redress_runtime::sight(&self.caller)
            .read(&self.apps.db, &open)
            .await?;
        Ok(Some(proto::SubscribeResponse {
            notice: Some(proto::Notice {
                message: notice.message.to_string(),
                page: notice.page,
                template: notice.template,
                recipient_kind: convert::to_wire(notice.recipient_kind),
                recipient: notice.recipient,
                case: notice.case.map(|case| case.to_string()).unwrap_or_default(),
                subject: text.subject,
                body: text.body,
                create_time: Some(convert::to_timestamp(notice.create_time)),
                edition: notice.edition,
                withdrawn: notice.withdrawn,
            }),
            resume_token,
        }))
    }
}

struct Head;

impl Operation for Head {
    const NAME: &'static str = "notification.subscribe_head";
    type Output = Position;

    async fn run(&self, tx: &mut Tx) -> Result<Position, Fault> {
        notices::head(tx).await
    }
}

struct Purged;

impl Operation for Purged {
    const NAME: &'static str = "notification.subscribe_purged";
    type Output = Position;

    async fn run(&self, tx: &mut Tx) -> Result<Position, Fault> {
        notices::purged(tx).await
    }
}

struct Read<'a> {
    after: Position,
    readers: &'a Readers,
    limit: i64,
}

impl Operation for Read<'_> {
    const NAME: &'static str = "notification.subscribe_read";
    type Output = Vec<(Position, Notice)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        notices::read(tx, self.after, self.readers, self.limit).await
    }
}

struct Open<'a> {
    keys: &'a Keyring,
    notice: &'a Notice,
}

impl Operation for Open<'_> {
    const NAME: &'static str = "notification.subscribe_open";
    type Output = NoticeText;

    async fn run(&self, tx: &mut Tx) -> Result<NoticeText, Fault> {
        notices::open(tx, self.keys, self.notice).await
    }
}
