//! WatchIncident: the incident as it is, then after each change. A change that was overtaken is skipped:
//! every message shows the whole incident.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Digest;
use redress_rpc::watch::{Feed, Position, Stream, stream};
use redress_store::{Database, Operation, Tx};
use tonic::Request;

use super::Incidents;
use super::get_incident::ReadIncident;
use super::room::room;
use super::view::{Depth, view};
use crate::flow::Desk;
use crate::store::{changes, incidents};
use redress_store::Sight;

/// How often changes of other replicas are looked for.
const POLL: Duration = Duration::from_secs(2);

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::WatchIncidentRequest>,
) -> Result<Stream<wire::WatchIncidentResponse>, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let name: IncidentName = parse_field("name", &r.name)?;
    caller.require_site(&name.site)?;
    let sight = redress_runtime::sight(caller);
    // A watch of nothing is refused at once instead of staying silent.
    sight.read(&api.db, &ReadIncident { name: &name }).await?;
    let question = wire::WatchIncidentRequest {
        resume_token: String::new(),
        ..r.clone()
    };
    let digest = Digest::of("WatchIncident", &question);
    let feed = IncidentFeed {
        db: api.db.clone(),
        desk: Arc::clone(&api.desk),
        sight,
        name,
        shown: AtomicBool::new(!r.resume_token.is_empty()),
    };
    stream(feed, digest, &r.resume_token, &api.bell, POLL)
}

struct IncidentFeed {
    db: Database,
    desk: Arc<Desk>,
    sight: Sight,
    name: IncidentName,
    /// Whether the caller has seen the incident as it was before the first change.
    shown: AtomicBool,
}

impl Feed for IncidentFeed {
    type Change = ();
    type Item = wire::WatchIncidentResponse;

    async fn head(&self) -> Result<Position, Fault> {
        self.sight.read(&self.db, &Head).await
    }

    async fn purged(&self) -> Result<Position, Fault> {
        self.sight.read(&self.db, &Floor).await
    }

    async fn read(&self, after: Position, _: i64) -> Result<Vec<(Position, ())>, Fault> {
        if !self.shown.swap(true, Ordering::Relaxed) {
            return Ok(vec![(after, ())]);
        }
        let changed = LastChange {
            name: &self.name,
            after,
        };
        let last = self.sight.read(&self.db, &changed).await?;
        Ok(last.into_iter().map(|position| (position, ())).collect())
    }

    async fn render(&self, (): (), resume_token: String) -> Result<Option<Self::Item>, Fault> {
        let read = ReadRoom {
            desk: &self.desk,
            name: &self.name,
        };
        let (incident, room) = self.sight.read(&self.db, &read).await?;
        Ok(Some(wire::WatchIncidentResponse {
            incident: Some(incident),
            resume_token,
            room: Some(room),
        }))
    }
}

/// Reads an incident with what stands beside it, as of one instant.
struct ReadRoom<'a> {
    desk: &'a Desk,
    name: &'a IncidentName,
}

impl Operation for ReadRoom<'_> {
    const NAME: &'static str = "crisis.read_room";
    type Output = (wire::Incident, wire::IncidentRoom);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let found = incidents::get(tx, &self.name.site, self.name.id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", self.name))?;
        let room = room(tx, self.desk, &incident).await?;
        Ok((view(tx, incident, Depth::Whole).await?, room))
    }
}

struct Head;

impl Operation for Head {
    const NAME: &'static str = "crisis.watch_head";
    type Output = Position;

    async fn run(&self, tx: &mut Tx) -> Result<Position, Fault> {
        changes::head(tx).await
    }
}

struct Floor;

impl Operation for Floor {
    const NAME: &'static str = "crisis.watch_floor";
    type Output = Position;

    async fn run(&self, tx: &mut Tx) -> Result<Position, Fault> {
        changes::floor(tx).await
    }
}

struct LastChange<'a> {
    name: &'a IncidentName,
    after: Position,
}

impl Operation for LastChange<'_> {
    const NAME: &'static str = "crisis.watch_changes";
    type Output = Option<Position>;

    async fn run(&self, tx: &mut Tx) -> Result<Option<Position>, Fault> {
        changes::last_after(tx, self.name, self.after).await
    }
}
