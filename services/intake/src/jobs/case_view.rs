//! Keeps what the other services said about a case: decision, status, owner, clocks, cluster, messages.
//!
//! Handlers converge whatever the order between producers: each field belongs to one producer, whose
//! events come in order and carry a revision; the status belongs to several and is guarded by the epoch.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName, ClusterName};
use redress_model::time::SharedClock;
use redress_model::words::{CaseStatus, ClockKind, ClockState, ClockTransition};
use redress_proto::convert::{from_wire, grade, required};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1::TimelineKind;
use redress_store::{StoreResultExt as _, Tx};

use crate::domain::status::{Reported, reported_by_assignment, reported_by_triage};
use crate::domain::timeline::{Facts, facts};
use crate::store::announce::instant;
use crate::store::case::{self, Record};
use crate::store::timeline::{self, Happened};
use crate::store::viewer::look_as_platform;

/// Locks the case of an event. Every case comes from intake, so an unknown one is the sender's mistake.
pub(super) async fn open(tx: &mut Tx, event: &Event, name: &str) -> Result<Record, Fault> {
    let name: CaseName = parse_field("case", name)?;
    if name.site != event.site {
        return Err(Fault::invalid("case", "must be of the event's site"));
    }
    look_as_platform(tx).await?;
    case::lock(tx, &name).await
}

/// Writes down what an event did and saves the case.
pub(super) async fn keep(
    tx: &mut Tx,
    case: &mut Record,
    event: &Event,
    kind: TimelineKind,
    at: Timestamp,
    facts: Facts,
    now: Timestamp,
) -> Result<Applied, Fault> {
    let happened = Happened {
        kind,
        at,
        actor: &event.source,
        facts,
        note: "",
    };
    timeline::append(tx, case, happened, now).await?;
    case::save(tx, case, now).await?;
    Ok(Applied::Done)
}

/// `redress.case.graded.v1`.
#[derive(Debug)]
pub struct Graded(pub SharedClock);

impl Handler for Graded {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let graded: events::CaseGraded = event.decode()?;
        let decided = instant("decide_time", graded.decide_time.as_ref())?;
        let new_grade =
            grade(graded.grade).ok_or_else(|| Fault::invalid("grade", "must be from 1 to 4"))?;
        let mut case = open(tx, event, &graded.case).await?;
        if graded.revision <= case.decision_revision {
            return Ok(Applied::Done);
        }
        let now = self.0.now();
        case.grade = Some(new_grade);
        case.criterion_ids = graded
            .criteria
            .iter()
            .map(|c| c.criterion_id.clone())
            .collect();
        case.nature = from_wire(graded.nature);
        case.urgency = from_wire(graded.urgency);
        case.category = from_wire(graded.category);
        case.decision_revision = graded.revision;
        case.cluster.clone_from(&graded.cluster);
        let mut facts = facts([
            ("grade", graded.grade.to_string()),
            ("previous_grade", graded.previous_grade.to_string()),
            ("criteria", case.criterion_ids.join(",")),
            (
                "category",
                case.category.map_or("", |w| w.word()).to_owned(),
            ),
            ("nature", case.nature.map_or("", |w| w.word()).to_owned()),
            ("urgency", case.urgency.map_or("", |w| w.word()).to_owned()),
            ("cluster", graded.cluster),
            ("cause", graded.cause),
            ("revision", graded.revision.to_string()),
        ]);
        if let Reported::Moves(to) = reported_by_triage(case.status, case.epoch, graded.epoch) {
            facts.insert("from".to_owned(), case.status.word().to_owned());
            facts.insert("to".to_owned(), to.word().to_owned());
            case.status = to;
            case.status_since = decided;
        }
        keep(
            tx,
            &mut case,
            event,
            TimelineKind::Graded,
            decided,
            facts,
            now,
        )
        .await
    }
}

/// `redress.case.moved.v1` from assignment.
#[derive(Debug)]
pub struct Moved(pub SharedClock);

impl Handler for Moved {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let moved: events::CaseMoved = event.decode()?;
        let to: CaseStatus = required("status", moved.status)?;
        let at = instant("move_time", moved.move_time.as_ref())?;
        let mut case = open(tx, event, &moved.case).await?;
        let facts = facts([
            ("from", case.status.word().to_owned()),
            ("to", to.word().to_owned()),
            ("epoch", moved.epoch.to_string()),
            ("by", moved.actor),
        ]);
        let kind = match reported_by_assignment(case.status, case.epoch, to, moved.epoch)? {
            Reported::Nothing => return Ok(Applied::Done),
            Reported::Stale => TimelineKind::StaleMove,
            Reported::Moves(to) => {
                case.status = to;
                case.status_since = at;
                TimelineKind::Moved
            }
        };
        keep(tx, &mut case, event, kind, at, facts, self.0.now()).await
    }
}

/// `redress.owner.changed.v1`.
#[derive(Debug)]
pub struct OwnerChanged(pub SharedClock);

impl Handler for OwnerChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::OwnerChanged = event.decode()?;
        let mut case = open(tx, event, &changed.case).await?;
        if changed.revision <= case.owner_revision {
            return Ok(Applied::Done);
        }
        case.owner.clone_from(&changed.responsible);
        case.offered_to.clone_from(&changed.offered_to);
        case.department.clone_from(&changed.department);
        case.owner_revision = changed.revision;
        let facts = facts([
            ("owner", changed.responsible),
            ("offered_to", changed.offered_to),
            ("department", changed.department),
            ("reason", changed.reason),
            ("revision", changed.revision.to_string()),
        ]);
        let kind = TimelineKind::OwnerChanged;
        keep(
            tx,
            &mut case,
            event,
            kind,
            self.0.at(event.time),
            facts,
            self.0.now(),
        )
        .await
    }
}

/// `redress.clock.changed.v1` from triage.
#[derive(Debug)]
pub struct ClockChanged(pub SharedClock);

impl Handler for ClockChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::ClockChanged = event.decode()?;
        if changed.case.is_empty() {
            return Ok(Applied::Done);
        }
        let kind: ClockKind = required("kind", changed.kind)?;
        // A question to the leads is no promise: what portals read of a case does not tell of it.
        if kind == ClockKind::ConfirmSignal {
            return Ok(Applied::Done);
        }
        let state: ClockState = required("state", changed.state)?;
        let transition: ClockTransition = required("transition", changed.transition)?;
        let start = instant("start_time", changed.start_time.as_ref())?;
        let due = instant("due_time", changed.due_time.as_ref())?;
        let at = instant("transition_time", changed.transition_time.as_ref())?;
        let name: ClockName = parse_field("clock", &changed.clock)?;
        let mut case = open(tx, event, &changed.case).await?;
        let is_news = sqlx::query!(
            "-- intake::case_view::clock_changed
            INSERT INTO case_clock AS k (site, clock, case_id, kind, state, start_time, due_time, level, generation, held)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT ON CONSTRAINT case_clock_key DO UPDATE
            SET state = $5, start_time = $6, due_time = $7, level = $8, generation = $9, held = $10
            WHERE k.generation < $9",
            event.site.as_str(),
            name.to_string(),
            case.name.id,
            kind.word(),
            state.word(),
            start.to_sqlx() as _,
            due.to_sqlx() as _,
            changed.level,
            changed.generation,
            changed.held,
        )
        .execute(&mut **tx)
        .await
        .or_fault()?
        .rows_affected()
            == 1;
        if !is_news {
            return Ok(Applied::Done);
        }
        let facts = facts([
            ("clock", changed.clock),
            ("kind", kind.word().to_owned()),
            ("transition", transition.word().to_owned()),
            ("state", state.word().to_owned()),
            ("due_time", due.to_string()),
            ("level", changed.level.to_string()),
        ]);
        let entry = TimelineKind::ClockChanged;
        keep(tx, &mut case, event, entry, at, facts, self.0.now()).await
    }
}

/// `redress.cluster.changed.v1`.
#[derive(Debug)]
pub struct ClusterChanged(pub SharedClock);

impl Handler for ClusterChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::ClusterChanged = event.decode()?;
        let cluster: ClusterName = parse_field("cluster", &changed.cluster)?;
        let mut case = open(tx, event, &changed.case).await?;
        if case.cluster == changed.cluster {
            return Ok(Applied::Done);
        }
        case.cluster = cluster.to_string();
        let facts = facts([
            ("cluster", changed.cluster),
            ("previous_cluster", changed.previous_cluster),
            ("merged", changed.merged.to_string()),
        ]);
        let kind = TimelineKind::ClusterChanged;
        keep(
            tx,
            &mut case,
            event,
            kind,
            self.0.at(event.time),
            facts,
            self.0.now(),
        )
        .await
    }
}

/// `redress.message.changed.v1`: part of what happened to the case.
#[derive(Debug)]
pub struct MessageChanged(pub SharedClock);

impl Handler for MessageChanged {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let changed: events::MessageChanged = event.decode()?;
        if changed.case.is_empty() {
            return Ok(Applied::Done);
        }
        let at = instant("change_time", changed.change_time.as_ref())?;
        let mut case = open(tx, event, &changed.case).await?;
        let facts = facts([
            ("message", changed.message),
            ("template", changed.template),
            ("state", changed.state),
            ("channel", changed.channel),
            ("reason", changed.reason),
        ]);
        let kind = TimelineKind::Message;
        keep(tx, &mut case, event, kind, at, facts, self.0.now()).await
    }
}
