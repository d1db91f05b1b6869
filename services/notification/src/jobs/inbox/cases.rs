//! News of cases and their promises: facts, moves, grades, owners, clocks.
//!
//! A case is told of a dozen times within its first second, so what is remembered of cases is kept of many events at once:
//! their rows are locked and read, changed in memory, written once, and then what follows from each event is done in its own
//! trace.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_events::{Applied, Event, Keeper, Kept};
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName, ClusterName, SiteId, StaffName};
use redress_model::words::{CaseMode, CaseStatus, ClockKind, ClockState, ClockTransition};
use redress_model::{Fault, ids};
use redress_proto::convert;
use redress_proto::event::v1::{
    CaseFacts, CaseGraded, CaseMoved, CaseReceived, CaseUpdated, ClockChanged, OwnerChanged,
    WorkNoticed,
};
use redress_store::{Keyring, Tx};
use tracing::Instrument as _;
use uuid::Uuid;

use super::News;
use super::incidents::optional;
use crate::domain::case::{CaseView, Reader, is_silent, readers};
use crate::domain::causes::{self, ClockNews, WorkNotice};
use crate::domain::message::Draft;
use crate::domain::survey;
use crate::domain::words::{MessageTopic, SurveyKind};
use crate::jobs::people::People;
use crate::jobs::{carry, erase, voice};
use crate::store::digests::{self, Bundling};
use crate::store::matters::Promise;
use crate::store::surveys::{self, NewSurvey};
use crate::store::{matters, messages, owner_notices, preferences, tasks};

/// Types of this news.
pub const TOLD: [&str; 6] = [
    "redress.case.received.v1",
    "redress.case.updated.v1",
    "redress.case.moved.v1",
    "redress.case.graded.v1",
    "redress.owner.changed.v1",
    "redress.clock.changed.v1",
];

/// Keeps what is remembered of cases and clocks, and does what follows.
impl<P: People> Keeper for News<P> {
    async fn keep(&self, tx: &mut Tx, events: &[Kept<'_>]) -> Result<Applied, Fault> {
        let Some(site) = events.first().map(|kept| &kept.event.site) else {
            return Ok(Applied::Done);
        };
        let now = self.clock.now();
        let told: Result<Vec<Told>, Fault> = events.iter().map(|kept| read(kept.event)).collect();
        let told = told?;
        let cases: BTreeSet<Uuid> = told
            .iter()
            .filter_map(|t| Some(t.case.as_ref()?.id))
            .collect();
        let touched: BTreeSet<Uuid> = told.iter().filter_map(Told::touches).collect();
        voice::lock_waiting(tx, site, &touched).await?;
        let erased: BTreeSet<Uuid> = told.iter().filter_map(Told::erases).collect();
        erase::lock(tx, site, &erased).await?;
        let known = matters::lock_cases(tx, site, &cases).await?;
        let mut memory = Memory {
            cases: known.clone(),
            clocks: BTreeMap::new(),
        };
        let mut follow = Vec::with_capacity(told.len());
        for (told, kept) in told.into_iter().zip(events) {
            match memory.turn(told, now) {
                Some(then) => follow.push((then, &kept.span)),
                None => return Ok(Applied::Wait),
            }
        }
        let changed = memory.cases.iter();
        let changed: Vec<(Uuid, &CaseView)> = changed
            .filter(|(id, view)| known.get(id) != Some(view))
            .map(|(id, view)| (*id, view))
            .collect();
        matters::keep_cases(tx, site, &changed).await?;
        matters::keep_clocks(tx, site, &memory.clocks).await?;
        voice::promises_changed(tx, site, &memory.clocks, now).await?;
        for (then, span) in follow {
            let done = self.follow(tx, site, then, now);
            done.instrument(span.clone()).await?;
        }
        Ok(Applied::Done)
    }
}

/// What an event says.
struct Told {
    /// None of an incident's clock.
    case: Option<CaseName>,
    historical: bool,
    what: What,
}

impl Told {
    /// The case of whose waiting messages it may have something to say.
    fn touches(&self) -> Option<Uuid> {
        match &self.what {
            What::Clock(news, state) if voice::touches(news.kind, *state) => {
                self.case.as_ref().map(|case| case.id)
            }
            _ => None,
        }
    }

    /// The case that it says was erased.
    fn erases(&self) -> Option<Uuid> {
        match &self.what {
            What::Facts(facts) if facts.erased => self.case.as_ref().map(|case| case.id),
            _ => None,
        }
    }
}

enum What {
    Facts(Box<CaseFacts>),
    Moved {
        status: CaseStatus,
        epoch: i64,
        moved: Timestamp,
        into: Option<CaseName>,
    },
    Graded(i64, i32, i64, Option<ClusterName>),
    Owned(Box<OwnerChanged>, Option<StaffName>),
    Clock(Box<ClockNews>, ClockState),
}

fn read(event: &Event) -> Result<Told, Fault> {
    let facts = |facts: Option<CaseFacts>| {
        let facts = facts.ok_or_else(|| Fault::invalid("facts", "must be given"))?;
        let case: CaseName = parse_field("facts.case", &facts.case)?;
        Ok((Some(case), What::Facts(Box::new(facts))))
    };
    let (case, what) = match event.event_type.as_str() {
        "redress.case.received.v1" => facts(event.decode::<CaseReceived>()?.facts)?,
        "redress.case.updated.v1" => facts(event.decode::<CaseUpdated>()?.facts)?,
        "redress.case.moved.v1" => {
            let news: CaseMoved = event.decode()?;
            let case = parse_field("case", &news.case)?;
            let status = convert::required("status", news.status)?;
            let moved = match &news.move_time {
                Some(time) => convert::from_timestamp("move_time", time)?,
                None => Timestamp::UNIX_EPOCH,
            };
            let what = What::Moved {
                status,
                epoch: news.epoch,
                moved,
                into: optional("merged_into", &news.merged_into)?,
            };
            (Some(case), what)
        }
        "redress.case.graded.v1" => {
            let news: CaseGraded = event.decode()?;
            let case = parse_field("case", &news.case)?;
            let cluster = optional("cluster", &news.cluster)?;
            let what = What::Graded(news.revision, news.grade, news.epoch, cluster);
            (Some(case), what)
        }
        "redress.owner.changed.v1" => {
            let news: OwnerChanged = event.decode()?;
            let case = parse_field("case", &news.case)?;
            let offered_to = optional("offered_to", &news.offered_to)?;
            (Some(case), What::Owned(Box::new(news), offered_to))
        }
        _ => {
            let news: ClockChanged = event.decode()?;
            let state = convert::required("state", news.state)?;
            let news = read_clock(news)?;
            (news.case.clone(), What::Clock(Box::new(news), state))
        }
    };
    if case.as_ref().is_some_and(|case| case.site != event.site) {
        return Err(Fault::invalid("case", "must be of the event's site"));
    }
    Ok(Told {
        case,
        historical: event.historical,
        what,
    })
}

fn read_clock(news: ClockChanged) -> Result<ClockNews, Fault> {
    Ok(ClockNews {
        clock: parse_field("clock", &news.clock)?,
        case: optional("case", &news.case)?,
        incident: optional("incident", &news.incident)?,
        kind: convert::required("kind", news.kind)?,
        transition: convert::required("transition", news.transition)?,
        due_time: news
            .due_time
            .map(|t| convert::from_timestamp("due_time", &t))
            .transpose()?,
        generation: news.generation,
        level: news.level,
        grade: news.grade,
        number: news.number,
        notify: news
            .notify
            .iter()
            .map(|name| parse_field("notify", name))
            .collect::<Result<_, _>>()?,
        made: news
            .create_time
            .map(|t| convert::from_timestamp("create_time", &t))
            .transpose()?,
        made_by: news.started_by,
    })
}

/// What is done once the memory is kept.
enum Then {
    /// Receipts are queued; whoever is accused since passes on what they have.
    Received {
        case: CaseName,
        view: Box<CaseView>,
        tokens: Vec<String>,
        accuses_others: bool,
    },
    /// Surveys end or begin, people hear how it goes.
    Moved {
        case: CaseName,
        view: Box<CaseView>,
        status: CaseStatus,
        moved: Timestamp,
        /// Not of an older epoch: it was opened again, or withdrawn, since.
        stands: bool,
    },
    /// What is grade 1 waits in no digest.
    Graded {
        case: CaseName,
        is_grave: bool,
        cluster: Option<ClusterName>,
    },
    /// Whoever it is offered to is told, by a digest where too much comes at once (P22).
    Owned {
        case: CaseName,
        responsible: String,
        /// None where somebody newer is known.
        department: Option<String>,
        offers: Vec<Draft>,
        completes: bool,
    },
    /// People are paged.
    Clock {
        drafts: Vec<Draft>,
        /// Whose receipts say everything now.
        completes: Option<CaseName>,
    },
}

/// What is remembered of the cases and clocks that events are about.
struct Memory {
    cases: HashMap<Uuid, CaseView>,
    clocks: BTreeMap<ClockName, Promise>,
}

impl Memory {
    /// Takes in what is said. None where intake has not told of the case yet.
    fn turn(&mut self, told: Told, now: Timestamp) -> Option<Then> {
        let historical = told.historical;
        match (told.what, told.case) {
            (What::Facts(facts), Some(case)) => Some(self.facts(case, *facts, historical)),
            (
                What::Moved {
                    status,
                    epoch,
                    moved,
                    into,
                },
                Some(case),
            ) => {
                let view = self.cases.get_mut(&case.id)?;
                view.moved(status, epoch);
                if let Some(into) = into.filter(|_| status == CaseStatus::Merged) {
                    view.merged(into.id, epoch);
                }
                if epoch == view.epoch {
                    view.heard(status, now);
                }
                let stands = epoch == view.epoch && !historical && !view.historical;
                Some(Then::Moved {
                    view: Box::new(view.clone()),
                    case,
                    status,
                    moved,
                    stands,
                })
            }
            (What::Graded(revision, grade, epoch, cluster), Some(case)) => {
                let view = self.cases.get_mut(&case.id)?;
                view.graded(revision, grade);
                view.moved(CaseStatus::Triaged, epoch);
                let is_grave = view.grade == 1;
                Some(Then::Graded {
                    case,
                    is_grave,
                    cluster,
                })
            }
            (What::Owned(news, offered_to), Some(case)) => {
                let view = self.cases.get_mut(&case.id)?;
                let newer = view.owned(news.revision, &news.responsible, &news.offered_to);
                // Where it rose since, assignment may not know.
                let grade = if news.grade == 0 || view.grade == 1 {
                    view.grade
                } else {
                    news.grade
                };
                let offered = offered_to.filter(|_| newer && !historical);
                let offers = offered.and_then(|staff| {
                    causes::offer(&case, view, &staff, news.revision, grade, now)
                });
                Some(Then::Owned {
                    completes: newer && view.receipt_is_complete(),
                    case,
                    responsible: news.responsible,
                    department: newer.then_some(news.department),
                    offers: offers.into_iter().collect(),
                })
            }
            (What::Clock(news, state), case) => self.clock(*news, state, case, historical, now),
            (_, None) => None,
        }
    }

    /// Facts are whole: what was received and what was updated is told alike, and a complainant who joins
    /// later gets the receipt then.
    fn facts(&mut self, case: CaseName, facts: CaseFacts, historical: bool) -> Then {
        let status = convert::from_wire(facts.status).unwrap_or(CaseStatus::Received);
        let historical = historical || convert::from_wire(facts.mode) == Some(CaseMode::Historical);
        let mut accuses_others = false;
        let erased = facts.erased;
        let (epoch, into) = (facts.epoch, facts.merged_into.parse::<CaseName>().ok());
        let view = match self.cases.get_mut(&case.id) {
            Some(view) => {
                if view.updated(facts.revision, &facts.number, &facts.language) {
                    accuses_others = view.complained_about != facts.staff_complained_about;
                    view.complained_about = facts.staff_complained_about;
                    view.person_tokens.clone_from(&facts.person_tokens);
                }
                view.moved(status, facts.epoch);
                view.clone()
            }
            None => {
                let view = CaseView {
                    number: facts.number,
                    historical,
                    status,
                    epoch: facts.epoch,
                    revision: facts.revision,
                    language: facts.language,
                    grade: 0,
                    grade_revision: 0,
                    responsible: facts.first_contact_owner,
                    offered_to: String::new(),
                    owner_revision: 0,
                    next_time: None,
                    complained_about: facts.staff_complained_about,
                    person_tokens: facts.person_tokens.clone(),
                    erased: false,
                    merged_into: None,
                    work_time: None,
                };
                self.cases.insert(case.id, view.clone());
                view
            }
        };
        let view = match self.cases.get_mut(&case.id) {
            Some(kept) => {
                if let Some(into) = into.filter(|_| status == CaseStatus::Merged) {
                    kept.merged(into.id, epoch);
                }
                if erased {
                    kept.erase();
                }
                kept.clone()
            }
            None => view,
        };
        Then::Received {
            case,
            view: Box::new(view),
            tokens: facts.person_tokens,
            accuses_others,
        }
    }

    fn clock(
        &mut self,
        mut news: ClockNews,
        state: ClockState,
        case: Option<CaseName>,
        historical: bool,
        now: Timestamp,
    ) -> Option<Then> {
        let mut may_page = !historical;
        let mut completes = None;
        if let Some(case) = &case {
            let view = self.cases.get_mut(&case.id)?;
            let of_appeal = news.kind == ClockKind::Support;
            may_page &= !is_silent(view.status, view.historical, of_appeal);
            if view.grade == 1 {
                // It rose since: another service's news may not know.
                news.grade = 1;
            }
            let promises_contact = news.kind == ClockKind::Acknowledge
                && matches!(
                    news.transition,
                    ClockTransition::Started | ClockTransition::Moved
                );
            if promises_contact {
                view.next_time = news.due_time;
                completes = view.receipt_is_complete().then(|| case.clone());
            }
        }
        let mut promise = Promise {
            case: case.as_ref().map(|case| case.id),
            kind: news.kind,
            state,
            due: news.due_time,
            generation: news.generation,
            made: news.made,
            made_by: std::mem::take(&mut news.made_by),
        };
        let known = self.clocks.get(&news.clock);
        if known.is_none_or(|known| known.generation < promise.generation) {
            if let Some(known) =
                known.filter(|k| promise.made_by.is_empty() && k.made == promise.made)
            {
                // Said with its start alone.
                promise.made_by.clone_from(&known.made_by);
            }
            self.clocks.insert(news.clock.clone(), promise);
        }
        let drafts = match may_page {
            true => causes::clock(&news, now),
            false => Vec::new(),
        };
        Some(Then::Clock { drafts, completes })
    }
}

impl<P: People> News<P> {
    async fn follow(
        &self,
        tx: &mut Tx,
        site: &SiteId,
        then: Then,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match then {
            Then::Received {
                case,
                view,
                tokens,
                accuses_others,
            } => {
                if accuses_others {
                    carry::pass_on(tx, &case, &view.complained_about, &view.number, now).await?;
                }
                if view.erased {
                    return erase::forget(tx, &case, now).await;
                }
                let drafts = causes::receipts(&case, &view, &tokens, now, self.receipt_wait);
                messages::queue(tx, site, &drafts, now).await?;
            }
            Then::Moved {
                case,
                view,
                status,
                moved,
                stands,
            } => {
                let into = view.merged_into;
                for survey in surveys::cancel_of_case(tx, &case, view.epoch, into).await? {
                    voice::survey_ended(tx, &survey, now).await?;
                }
                tasks::end_needless_surveys(tx, site, Some(case.id), None, now).await?;
                if stands {
                    let readers = matters::readers(tx, &case, &view).await?;
                    let drafts = causes::progress(&case, &view, status, moved, &readers, now);
                    messages::queue(tx, site, &drafts, now).await?;
                    if status == CaseStatus::Resolved {
                        ask(tx, &self.keys, &case, &view, now).await?;
                    }
                }
            }
            Then::Graded {
                case,
                is_grave,
                cluster,
            } => {
                if is_grave {
                    digests::hurry(tx, &case, now).await?;
                }
                if let Some(cluster) = cluster {
                    owner_notices::keep_cluster(tx, &case, cluster.id, None).await?;
                }
            }
            Then::Owned {
                case,
                responsible,
                department,
                offers,
                completes,
            } => {
                surveys::keep_handler(tx, &case, &responsible, department.as_deref()).await?;
                digests::queue(tx, site, &offers, self.bundling, now).await?;
                if completes {
                    matters::release_receipts(tx, &case, now).await?;
                }
            }
            Then::Clock { drafts, completes } => {
                if let Some(case) = completes {
                    matters::release_receipts(tx, &case, now).await?;
                }
                digests::queue(tx, site, &drafts, self.bundling, now).await?;
            }
        }
        Ok(())
    }
}

/// Asks everybody who was told that the case was received whether it really is solved (M10, M16), but those who do not
/// want to be asked.
async fn ask(
    tx: &mut Tx,
    keys: &Keyring,
    case: &CaseName,
    view: &CaseView,
    now: Timestamp,
) -> Result<(), Fault> {
    let cause = format!("case:{}:{}", case.id, view.epoch);
    let site = matters::site(tx, &case.site).await?;
    let zone = site
        .and_then(|site| TimeZone::get(&site.time_zone).ok())
        .unwrap_or(TimeZone::UTC);
    let (department, handlers) = surveys::handled_by(tx, case).await?;
    for reader in asked(tx, case, view).await? {
        let preference = preferences::get(tx, &case.site, &reader.token).await?;
        if preference.refuses(Some(MessageTopic::Survey)) {
            let draft = causes::resolved(case, view, &reader, now);
            messages::queue(tx, &case.site, &[draft], now).await?;
            continue;
        }
        let new = NewSurvey {
            id: ids::new_id(now),
            cause: &cause,
            kind: SurveyKind::Complaint,
            person: &reader.token,
            case: Some((case, view.epoch)),
            known_by: reader.known_by.as_ref(),
            department: &department,
            handlers: &handlers,
            contact: None,
            open_time: now,
            next_call_time: survey::next_call(now, 0, &zone),
        };
        let (id, fresh) = surveys::insert(tx, keys, &case.site, &new, now).await?;
        if fresh {
            let cases = (Some(case), reader.known_by.as_ref());
            let draft = causes::survey(id, &reader.token, cases, &reader.number, now);
            messages::queue(tx, &case.site, &[draft], now).await?;
        }
    }
    Ok(())
}

/// Those who are asked about a resolved case: whoever was told that it, or a case that was merged into it, was received.
async fn asked(tx: &mut Tx, case: &CaseName, view: &CaseView) -> Result<Vec<Reader>, Fault> {
    let mut joined = matters::joined(tx, case).await?;
    for (case, view) in &mut joined {
        view.person_tokens = surveys::people_of_case(tx, case).await?;
    }
    let own = CaseView {
        person_tokens: surveys::people_of_case(tx, case).await?,
        ..view.clone()
    };
    Ok(readers(&own, &joined))
}

/// What people have to know about the work: each of them is told once, by a digest where too much comes at once (P22).
pub(super) async fn work_noticed(
    tx: &mut Tx,
    event: &Event,
    now: Timestamp,
    bundling: Bundling,
) -> Result<Applied, Fault> {
    if event.historical {
        return Ok(Applied::Done);
    }
    let news: WorkNoticed = event.decode()?;
    let word = news.news().as_str_name().trim_start_matches("WORK_NEWS_");
    let staff: Result<Vec<StaffName>, Fault> = news
        .staff
        .iter()
        .map(|name| parse_field("staff", name))
        .collect();
    let case: Option<CaseName> = match news.case.as_str() {
        "" => None,
        name => Some(parse_field("case", name)?),
    };
    let mut grade = news.grade;
    // Locked, so that a rise finds what joins a digest.
    if let Some(case) = &case
        && let Some(view) = matters::lock_case(tx, case).await?
        && view.grade == 1
    {
        // It rose since: assignment may not know.
        grade = 1;
    }
    let notice = WorkNotice {
        id: parse_field("notice_id", &news.notice_id)?,
        news: word.to_owned(),
        staff: staff?,
        case,
        about: news.resource.clone(),
        number: news.number.clone(),
        grade,
    };
    let drafts = causes::work_notice(&notice, now);
    digests::queue(tx, &event.site, &drafts, bundling, now).await?;
    Ok(Applied::Done)
}
