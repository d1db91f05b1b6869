//! Keeps what the other services said about a case: decision, status, owner, clocks, cluster, messages.
//!
//! What is said converges whatever the order between producers: each field belongs to one producer, whose
//! events come in order and carry a revision; the status belongs to several and is guarded by the epoch.
//!
//! A case is told of a dozen times within its first second, so its view is kept of many events at once: cases are read
//! whole, changed in memory ([`turn`](Views::turn)), and written once, whatever was said of them.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use redress_events::{Applied, Event, Keeper, Kept};
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName, ClusterName};
use redress_model::time::SharedClock;
use redress_model::words::{CaseStatus, ClockKind, ClockState, ClockTransition};
use redress_model::{Fault, Grade};
use redress_proto::convert::{from_wire, grade, required};
use redress_proto::event::v1 as events;
use redress_proto::intake::v1::TimelineKind;
use redress_store::Tx;

use crate::domain::status::{Reported, reported_by_assignment, reported_by_triage};
use crate::domain::timeline::{Facts, facts};
use crate::store::announce::instant;
use crate::store::case::{self, Record};
use crate::store::clocks::{self, Said};
use crate::store::timeline::{self, Happened};
use crate::store::viewer::look_as_platform;

/// Types of the events that the view is kept of.
pub const TOLD: [&str; 6] = [
    "redress.case.graded.v1",
    "redress.case.moved.v1",
    "redress.owner.changed.v1",
    "redress.clock.changed.v1",
    "redress.cluster.changed.v1",
    "redress.message.changed.v1",
];

/// Locks the case of an event. Every case comes from intake, so an unknown one is the sender's mistake.
pub(super) async fn open(tx: &mut Tx, event: &Event, name: &str) -> Result<Record, Fault> {
    let name = case_of(event, name)?;
    look_as_platform(tx).await?;
    case::lock(tx, &name).await
}

fn case_of(event: &Event, name: &str) -> Result<CaseName, Fault> {
    let name: CaseName = parse_field("case", name)?;
    if name.site != event.site {
        return Err(Fault::invalid("case", "must be of the event's site"));
    }
    Ok(name)
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

/// Keeps the views of cases.
#[derive(Debug)]
pub struct CaseView(pub SharedClock);

impl Keeper for CaseView {
    fn concerns(&self, event: &Event) -> bool {
        !matches!(read(event), Ok(None))
    }

    async fn keep(&self, tx: &mut Tx, events: &[Kept<'_>]) -> Result<Applied, Fault> {
        let mut told = Vec::with_capacity(events.len());
        for Kept { event, .. } in events {
            if let Some(news) = read(event)? {
                told.push((*event, news));
            }
        }
        let cases: BTreeSet<CaseName> = told.iter().map(|(_, n)| n.case.clone()).collect();
        let cases: Vec<CaseName> = cases.into_iter().collect();
        let clocks: Vec<&ClockName> = told.iter().filter_map(|(_, n)| n.clock()).collect();
        look_as_platform(tx).await?;
        let mut views = Views {
            cases: case::lock_all(tx, &cases).await?,
            generations: clocks::generations(tx, &clocks).await?,
        };
        let now = self.0.now();
        let (mut entries, mut clocks, mut changed) = (Vec::new(), HashMap::new(), BTreeSet::new());
        for (event, news) in told {
            let Some((kind, at, facts)) = views.turn(&news)? else {
                continue;
            };
            let happened = Happened {
                kind,
                at: at.unwrap_or_else(|| self.0.at(event.time)),
                actor: &event.source,
                facts,
                note: "",
            };
            entries.push(timeline::chain(views.case(&news.case)?, happened, now));
            changed.insert(news.case.clone());
            if let Change::Clock(said) = news.change {
                clocks.insert(said.clock.clone(), (news.case, *said));
            }
        }
        views.cases.retain(|name, _| changed.contains(name));
        let mut cases: Vec<Record> = views.cases.into_values().collect();
        clocks::keep(tx, clocks.into_values().collect()).await?;
        timeline::insert(tx, &entries).await?;
        case::save_all(tx, &mut cases, now).await?;
        Ok(Applied::Done)
    }
}

/// What an event says of a case.
struct News {
    case: CaseName,
    change: Change,
}

enum Change {
    Graded(Box<events::CaseGraded>, Grade, Timestamp),
    Moved(Box<events::CaseMoved>, CaseStatus, Timestamp),
    Owner(Box<events::OwnerChanged>),
    Clock(Box<Said>),
    Cluster(Box<events::ClusterChanged>, ClusterName),
    Message(Box<events::MessageChanged>, Timestamp),
}

impl News {
    fn clock(&self) -> Option<&ClockName> {
        match &self.change {
            Change::Clock(said) => Some(&said.clock),
            _ => None,
        }
    }
}

/// Reads an event. None where no view tells of it.
fn read(event: &Event) -> Result<Option<News>, Fault> {
    let (case, change) = match event.event_type.as_str() {
        "redress.case.graded.v1" => {
            let graded: events::CaseGraded = event.decode()?;
            let decided = instant("decide_time", graded.decide_time.as_ref())?;
            let new = grade(graded.grade)
                .ok_or_else(|| Fault::invalid("grade", "must be from 1 to 4"))?;
            (
                graded.case.clone(),
                Change::Graded(Box::new(graded), new, decided),
            )
        }
        "redress.case.moved.v1" => {
            let moved: events::CaseMoved = event.decode()?;
            let to = required("status", moved.status)?;
            let at = instant("move_time", moved.move_time.as_ref())?;
            (moved.case.clone(), Change::Moved(Box::new(moved), to, at))
        }
        "redress.owner.changed.v1" => {
            let changed: events::OwnerChanged = event.decode()?;
            (changed.case.clone(), Change::Owner(Box::new(changed)))
        }
        "redress.clock.changed.v1" => {
            let changed: events::ClockChanged = event.decode()?;
            if changed.case.is_empty() {
                return Ok(None);
            }
            let kind: ClockKind = required("kind", changed.kind)?;
            // A question to the leads is no promise: what portals read of a case does not tell of it.
            if kind == ClockKind::ConfirmSignal {
                return Ok(None);
            }
            let state: ClockState = required("state", changed.state)?;
            let transition: ClockTransition = required("transition", changed.transition)?;
            let said = Said {
                clock: parse_field("clock", &changed.clock)?,
                kind,
                state,
                transition,
                start: instant("start_time", changed.start_time.as_ref())?,
                due: instant("due_time", changed.due_time.as_ref())?,
                at: instant("transition_time", changed.transition_time.as_ref())?,
                level: changed.level,
                generation: changed.generation,
                is_held: changed.held,
            };
            (changed.case, Change::Clock(Box::new(said)))
        }
        "redress.cluster.changed.v1" => {
            let changed: events::ClusterChanged = event.decode()?;
            let cluster = parse_field("cluster", &changed.cluster)?;
            (
                changed.case.clone(),
                Change::Cluster(Box::new(changed), cluster),
            )
        }
        "redress.message.changed.v1" => {
            let changed: events::MessageChanged = event.decode()?;
            if changed.case.is_empty() {
                return Ok(None);
            }
            let at = instant("change_time", changed.change_time.as_ref())?;
            (changed.case.clone(), Change::Message(Box::new(changed), at))
        }
        _ => return Ok(None),
    };
    let case = case_of(event, &case)?;
    Ok(Some(News { case, change }))
}

/// What is written in the timeline: what happened, when (none: when it was said), the facts.
type Told = (TimelineKind, Option<Timestamp>, Facts);

/// The views of locked cases.
struct Views {
    cases: HashMap<CaseName, Record>,
    /// Of each clock known, which of its changes.
    generations: HashMap<ClockName, i64>,
}

impl Views {
    fn case(&mut self, name: &CaseName) -> Result<&mut Record, Fault> {
        let case = self.cases.get_mut(name);
        case.ok_or_else(|| Fault::not_found("Case", name))
    }

    /// Changes the view. None where it knows better already.
    fn turn(&mut self, news: &News) -> Result<Option<Told>, Fault> {
        if let Change::Clock(said) = &news.change {
            // Whose case nobody knows is refused whatever its clock says.
            self.case(&news.case)?;
            return Ok(self.clock(said));
        }
        let case = self.case(&news.case)?;
        match &news.change {
            Change::Graded(graded, new, decided) => Ok(turn_graded(case, graded, *new, *decided)),
            Change::Moved(moved, to, at) => turn_moved(case, moved, *to, *at),
            Change::Owner(changed) => Ok(turn_owner(case, changed)),
            Change::Cluster(changed, cluster) => Ok(turn_cluster(case, changed, cluster)),
            Change::Message(changed, at) => Ok(Some(turn_message(changed, *at))),
            Change::Clock(_) => Ok(None),
        }
    }

    fn clock(&mut self, said: &Said) -> Option<Told> {
        let known = self.generations.get(&said.clock);
        if known.is_some_and(|known| *known >= said.generation) {
            return None;
        }
        self.generations.insert(said.clock.clone(), said.generation);
        let facts = facts([
            ("clock", said.clock.to_string()),
            ("kind", said.kind.word().to_owned()),
            ("transition", said.transition.word().to_owned()),
            ("state", said.state.word().to_owned()),
            ("due_time", said.due.to_string()),
            ("level", said.level.to_string()),
        ]);
        Some((TimelineKind::ClockChanged, Some(said.at), facts))
    }
}

fn turn_graded(
    case: &mut Record,
    graded: &events::CaseGraded,
    new: Grade,
    decided: Timestamp,
) -> Option<Told> {
    if graded.revision <= case.decision_revision {
        return None;
    }
    case.grade = Some(new);
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
        ("cluster", graded.cluster.clone()),
        ("cause", graded.cause.clone()),
        ("revision", graded.revision.to_string()),
    ]);
    if let Reported::Moves(to) = reported_by_triage(case.status, case.epoch, graded.epoch) {
        facts.insert("from".to_owned(), case.status.word().to_owned());
        facts.insert("to".to_owned(), to.word().to_owned());
        case.status = to;
        case.status_since = decided;
    }
    Some((TimelineKind::Graded, Some(decided), facts))
}

fn turn_moved(
    case: &mut Record,
    moved: &events::CaseMoved,
    to: CaseStatus,
    at: Timestamp,
) -> Result<Option<Told>, Fault> {
    let facts = facts([
        ("from", case.status.word().to_owned()),
        ("to", to.word().to_owned()),
        ("epoch", moved.epoch.to_string()),
        ("by", moved.actor.clone()),
    ]);
    let kind = match reported_by_assignment(case.status, case.epoch, to, moved.epoch)? {
        Reported::Nothing => return Ok(None),
        Reported::Stale => TimelineKind::StaleMove,
        Reported::Moves(to) => {
            case.status = to;
            case.status_since = at;
            TimelineKind::Moved
        }
    };
    Ok(Some((kind, Some(at), facts)))
}

fn turn_owner(case: &mut Record, changed: &events::OwnerChanged) -> Option<Told> {
    if changed.revision <= case.owner_revision {
        return None;
    }
    case.owner.clone_from(&changed.responsible);
    case.offered_to.clone_from(&changed.offered_to);
    case.department.clone_from(&changed.department);
    case.owner_revision = changed.revision;
    let facts = facts([
        ("owner", changed.responsible.clone()),
        ("offered_to", changed.offered_to.clone()),
        ("department", changed.department.clone()),
        ("reason", changed.reason.clone()),
        ("revision", changed.revision.to_string()),
    ]);
    Some((TimelineKind::OwnerChanged, None, facts))
}

fn turn_cluster(
    case: &mut Record,
    changed: &events::ClusterChanged,
    cluster: &ClusterName,
) -> Option<Told> {
    if case.cluster == changed.cluster {
        return None;
    }
    case.cluster = cluster.to_string();
    let facts = facts([
        ("cluster", changed.cluster.clone()),
        ("previous_cluster", changed.previous_cluster.clone()),
        ("merged", changed.merged.to_string()),
    ]);
    Some((TimelineKind::ClusterChanged, None, facts))
}

fn turn_message(changed: &events::MessageChanged, at: Timestamp) -> Told {
    let facts = facts([
        ("message", changed.message.clone()),
        ("template", changed.template.clone()),
        ("state", changed.state.clone()),
        ("channel", changed.channel.clone()),
        ("reason", changed.reason.clone()),
    ]);
    (TimelineKind::Message, Some(at), facts)
}
