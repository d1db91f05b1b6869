//! Reviews and their actions as callers see them.

use redress_model::Fault;
use redress_model::name::{IncidentName, ReviewActionName, SiteId, StaffName};
use redress_model::words::Word as _;
use redress_proto::convert::{to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::etag;
use redress_store::Tx;
use uuid::Uuid;

use super::super::lessons::view::lesson;
use super::super::subject::Subject;
use super::super::view::entry;
use crate::domain::words::LogKind;
use crate::flow::Desk;
use crate::store::incidents;
use crate::store::incidents::Incident;
use crate::store::lessons;
use crate::store::log;
use crate::store::reviews::{self, Action, Review, Score};

/// Entries of a timeline at most.
const TIMELINE_MAX: i64 = 1_000;

impl Subject for Review {
    const TYPE: &'static str = "Incident";
    type Name = IncidentName;
    type Shown = wire::Review;

    fn site(name: &IncidentName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &IncidentName) -> Result<Option<Self>, Fault> {
        match incidents::get(tx, &name.site, name.id).await? {
            Some(_) => reviews::get(tx, name).await.map(Some),
            None => Ok(None),
        }
    }

    fn incident(&self) -> Uuid {
        self.incident.id
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(
        self,
        tx: &mut Tx,
        incident: &Incident,
        desk: &Desk,
    ) -> Result<wire::Review, Fault> {
        let IncidentName { site, id } = &incident.name;
        let actions = reviews::actions(tx, site, *id).await?;
        let scores = reviews::scores(tx, &incident.name, desk.clock.now()).await?;
        let taught = lessons::of_incident(tx, site, *id).await?;
        let mut entries = log::last(tx, site, *id, TIMELINE_MAX).await?;
        entries.retain(|e| e.kind != LogKind::Clock || e.text.contains("breached"));
        entries.reverse();
        Ok(wire::Review {
            incident: incident.name.to_string(),
            etag: etag::of(self.revision),
            state: self.state.number(),
            actions: actions.iter().map(action).collect(),
            timeline: entries.into_iter().map(entry).collect(),
            scores: scores.into_iter().map(score).collect(),
            lessons: taught.iter().map(lesson).collect(),
            causes: self.causes,
            worked: self.worked,
            lacking: self.lacking,
            author: self.author,
            update_time: self.updated.map(to_timestamp),
            close_time: self.closed.map(|c| to_timestamp(c.0)),
        })
    }
}

impl Subject for Action {
    const TYPE: &'static str = "ReviewAction";
    type Name = ReviewActionName;
    type Shown = wire::ReviewAction;

    fn site(name: &ReviewActionName) -> &SiteId {
        &name.site
    }

    async fn find(tx: &mut Tx, name: &ReviewActionName) -> Result<Option<Self>, Fault> {
        reviews::action(tx, &name.site, name.id).await
    }

    fn incident(&self) -> Uuid {
        self.incident
    }

    fn revision(&self) -> i64 {
        self.revision
    }

    async fn show(self, _: &mut Tx, _: &Incident, _: &Desk) -> Result<wire::ReviewAction, Fault> {
        Ok(action(&self))
    }
}

/// An action.
pub(in crate::rpc) fn action(action: &Action) -> wire::ReviewAction {
    let site = &action.name.site;
    let settled = action.settled.as_ref();
    wire::ReviewAction {
        name: action.name.to_string(),
        etag: etag::of(action.revision),
        incident: IncidentName::new(site.clone(), action.incident).to_string(),
        text: action.text.clone(),
        owner: StaffName::new(site.clone(), action.owner.clone()).to_string(),
        due_time: Some(to_timestamp(action.due)),
        state: action.state.number(),
        settle_time: settled.map(|s| to_timestamp(s.0)),
        settled_by: settled.map(|s| s.1.clone()).unwrap_or_default(),
        outcome: settled.map(|s| s.2.clone()).unwrap_or_default(),
        clock_state: to_wire(action.clock),
    }
}

fn score(score: Score) -> wire::PromiseScore {
    wire::PromiseScore {
        kind: to_wire(score.kind),
        count: i32::try_from(score.count).unwrap_or(i32::MAX),
        broken_count: i32::try_from(score.broken).unwrap_or(i32::MAX),
    }
}
