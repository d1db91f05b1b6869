//! WatchCases: cases as they change. The change table gives the order, the case is read as it is when it
//! is sent.

use std::sync::Arc;
use std::time::Duration;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId};
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_rpc::page::Digest;
use redress_rpc::watch::{self, Feed, Position, Stream};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{parse_parent, render};
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::{change_feed, directory};

/// How often to look for changes that other replicas wrote.
const POLL: Duration = Duration::from_secs(1);

/// Answers WatchCases. The stream starts where the table stood before the answer's head was sent: who
/// watches first and lists then misses nothing.
pub(super) async fn watch(
    intake: &Arc<Intake>,
    request: Request<pb::WatchCasesRequest>,
) -> Result<Stream<pb::WatchCasesResponse>, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.resume_token);
    let digest = Digest::of("WatchCases", &request);
    let site = parse_parent(&request.parent)?;
    let case = match request.case.as_str() {
        "" => None,
        text => Some(parse_field::<CaseName>("case", text)?),
    };
    if let (Some(site), Some(case)) = (&site, &case)
        && case.site != *site
    {
        return Err(Fault::invalid("case", "must be of the parent's site"));
    }
    let start = Start {
        site: site.as_ref().or(case.as_ref().map(|c| &c.site)),
        case: case.as_ref(),
    };
    let head = intake.read(&caller, &start).await?;
    let feed = CaseFeed {
        intake: Arc::clone(intake),
        caller,
        head,
        site: site.or_else(|| case.as_ref().map(|c| c.site.clone())),
        case,
    };
    watch::stream(feed, digest, &token, &intake.bell, POLL)
}

struct CaseFeed {
    intake: Arc<Intake>,
    caller: Caller,
    head: Position,
    site: Option<SiteId>,
    case: Option<CaseName>,
}

impl Feed for CaseFeed {
    type Change = CaseName;
    type Item = pb::WatchCasesResponse;

    async fn head(&self) -> Result<Position, Fault> {
        Ok(self.head)
    }

    async fn purged(&self) -> Result<Position, Fault> {
        self.intake.read(&self.caller, &Purged).await
    }

    async fn read(&self, after: Position, limit: i64) -> Result<Vec<(Position, CaseName)>, Fault> {
        let operation = Read {
            feed: self,
            after,
            limit,
        };
        self.intake.read(&self.caller, &operation).await
    }

    async fn render(
        &self,
        change: CaseName,
        resume_token: String,
    ) -> Result<Option<pb::WatchCasesResponse>, Fault> {
        let case = self.intake.read(&self.caller, &Find(change)).await?;
        // Out of the viewer's sight: nothing is said about it.
        Ok(case.map(|case| pb::WatchCasesResponse {
            case: Some(render::basic(&case)),
            resume_token,
        }))
    }
}

struct Start<'a> {
    site: Option<&'a SiteId>,
    case: Option<&'a CaseName>,
}

impl Operation for Start<'_> {
    const NAME: &'static str = "intake.watch_head";
    type Output = Position;

    async fn run(&self, tx: &mut Tx) -> Result<Position, Fault> {
        // A watch of what is not there would stay silent for ever.
        if let Some(site) = self.site {
            directory::get_site(tx, site).await?;
        }
        if let Some(case) = self.case {
            case::get(tx, case).await?;
        }
        change_feed::head(tx).await
    }
}

struct Purged;

impl Operation for Purged {
    const NAME: &'static str = "intake.watch_purged";
    type Output = Position;

    async fn run(&self, tx: &mut Tx) -> Result<Position, Fault> {
        change_feed::purged(tx).await
    }
}

struct Read<'a> {
    feed: &'a CaseFeed,
    after: Position,
    limit: i64,
}

impl Operation for Read<'_> {
    const NAME: &'static str = "intake.watch_read";
    type Output = Vec<(Position, CaseName)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let site = self.feed.site.as_ref();
        let case = self.feed.case.as_ref().map(|c| c.id);
        change_feed::read(tx, self.after, site, case, self.limit).await
    }
}

struct Find(CaseName);

impl Operation for Find {
    const NAME: &'static str = "intake.watch_render";
    type Output = Option<Record>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Record>, Fault> {
        Ok(case::load(tx, std::slice::from_ref(&self.0)).await?.pop())
    }
}
