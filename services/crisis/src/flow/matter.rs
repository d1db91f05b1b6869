//! Which incident a case belongs to: opening, joining, weighing the mode, merging.

use jiff::Timestamp;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, IncidentName, SiteId};
use redress_model::{Fault, Grade};
use redress_store::Tx;
use redress_timers::Entry;
use uuid::Uuid;

use super::keeping::Carried;
use super::terms::freeze;
use super::turn::CASES_MAX;
use super::{Because, Desk, Transition, Turn};
use crate::domain::admit::{Admission, Facts, Verdict, admit};
use crate::domain::mode;
use crate::domain::stage::hotter;
use crate::domain::words::{LogKind, Mode, Stage, State};
use crate::store::cases::{CaseFile, Ruling};
use crate::store::incidents::Incident;
use crate::store::{briefings, cases, commitments, incidents, links, lock_site, media, stages};

/// Why an incident that opens by itself was opened.
const REASON_GRADED: &str = "graded";

/// Why an incident opens.
#[derive(Debug, Clone)]
pub struct Cause {
    /// `graded`, or the words of a person.
    pub reason: String,
    /// Subject of the person's token; empty where it opens by itself.
    pub actor: String,
    /// The mode that person wants; none: by the criteria of the case.
    pub mode: Option<Mode>,
    /// Where it begins.
    pub stage: Stage,
    /// When: the promises run from here.
    pub at: Timestamp,
    /// Since when the case belongs to one: what a leader said to its complainant from then on counts.
    pub joined: Timestamp,
    /// It hangs on a suspicion that nobody answered.
    pub provisional: bool,
    /// What the case was promised in the incident that it comes from; empty where it comes from none.
    pub carried: Carried,
}

/// What came of a decision.
#[derive(Debug, Default)]
pub struct Decided {
    /// What is to be armed.
    pub armed: Vec<Entry>,
    /// Whether the case opened an incident, or joined the open one of its matter, by this decision.
    pub admitted: bool,
}

/// Takes in a decision: opens or joins an incident, or weighs its mode anew. None when it has to wait
/// for a move of intake's that triage saw and that is not known here; nothing is written then.
///
/// # Errors
/// When Postgres is away.
pub async fn decide(tx: &mut Tx, desk: &Desk, ruling: &Ruling) -> Result<Option<Decided>, Fault> {
    let site = ruling.case.site.clone();
    // Most decisions have nothing to do with incidents and do not queue for the site.
    let member = cases::get(tx, &site, ruling.case.id).await?;
    if ruling.grade == Grade::ONE || member.is_some_and(|m| m.incident.is_some()) {
        lock_site(tx, &site).await?;
    }
    let known = cases::lock(tx, &site, ruling.case.id).await?;
    let incident = match known.as_ref().and_then(|k| k.incident) {
        Some(id) => incidents::state(tx, &site, id).await?,
        None => None,
    };
    let facts = Facts {
        historical: ruling.historical || known.as_ref().is_some_and(|k| k.historical),
        epoch: known.as_ref().map_or(0, |k| k.epoch),
        ended: known.as_ref().is_some_and(|k| k.ended),
        incident,
        parted: known.as_ref().is_some_and(|k| k.parted),
    };
    let verdict = Verdict {
        grade: ruling.grade,
        previous: ruling.previous,
        epoch: ruling.epoch,
    };
    let admission = admit(facts, verdict);
    if admission == Admission::Wait {
        return Ok(None);
    }
    let fallen_from = known.as_ref().and_then(|k| k.grade);
    let Some(case) = cases::rule(tx, ruling).await? else {
        return Ok(Some(Decided::default()));
    };
    match admission {
        Admission::Nothing | Admission::Wait => Ok(Some(Decided::default())),
        Admission::Joins => {
            let at = ruling.decided.min(desk.clock.now());
            let cause = Cause {
                reason: REASON_GRADED.to_owned(),
                actor: String::new(),
                mode: None,
                stage: Stage::Outbreak,
                at,
                joined: at,
                provisional: ruling.provisional,
                carried: Carried::new(),
            };
            let (_, armed) = open_or_join(tx, desk, &site, &case, &cause).await?;
            Ok(Some(Decided {
                armed,
                admitted: true,
            }))
        }
        Admission::Member => {
            let Some(id) = case.incident else {
                return Ok(Some(Decided::default()));
            };
            let found = incidents::lock(tx, &site, id).await?;
            let incident = found.ok_or_else(|| Fault::internal("a case's incident is missing"))?;
            let mut turn = Turn::take(tx, desk, desk.clock.now(), incident).await?;
            let at = ruling.decided.min(turn.now);
            let mut switched = turn.weigh(&case, at).await?;
            if ruling.grade == Grade::ONE && !ruling.provisional {
                switched |= turn.confirm(&case, at, &Carried::new()).await?;
            }
            if fallen_from != case.grade {
                let grade = case.grade.map_or(0, |g| g.value());
                let text = format!(
                    "case {} is now grade {grade}; the incident stays",
                    case.number
                );
                turn.note(LogKind::CaseChanged, "", &text, "").await?;
                turn.ask_whether_it_breaks_out(&case).await?;
            }
            let transition = if switched {
                Transition::Changed
            } else {
                Transition::Noted
            };
            Ok(Some(Decided {
                armed: turn.finish(transition).await?.1,
                admitted: false,
            }))
        }
    }
}

/// Opens an incident by a person's word, for the matter of a case. The caller holds the site's lock.
///
/// # Errors
/// ALREADY_EXISTS when the matter has an open one; FAILED_PRECONDITION `IN_ANOTHER_INCIDENT` when the case is in that of another.
pub async fn open_by_hand(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
    case: &CaseFile,
    cluster: Uuid,
    cause: &Cause,
) -> Result<(Incident, Vec<Entry>), Fault> {
    let cluster = cases::cluster_now(tx, site, cluster).await?;
    if let Some(open) = incidents::lock_open(tx, site, cluster).await? {
        return Err(Fault::exists(open.name));
    }
    open_or_join(tx, desk, site, case, cause).await
}

/// A case leaves an open incident by SplitCase alone, which takes a turn of that one: its promises end, its log and whoever watches
/// it are told. By a decision no case gets here that is in an open one ([`Admission::Member`]).
async fn require_free(tx: &mut Tx, site: &SiteId, case: &CaseFile) -> Result<(), Fault> {
    let Some(id) = case.incident else {
        return Ok(());
    };
    match incidents::lock(tx, site, id).await? {
        Some(other) if other.state == State::Open => {
            let text = format!(
                "the case belongs to the open incident {}; SplitCase takes it out of that one, into one of its own",
                other.name
            );
            let name = CaseName::new(site.clone(), case.id);
            Err(Fault::illegal("IN_ANOTHER_INCIDENT", text, name))
        }
        Some(_) => Ok(()),
        // Nobody hears of one that is hidden from them (section 7). It is open while it is in a stage.
        None if stages::visit(tx, site, id).await?.is_some() => {
            Err(Fault::not_found("Incident", "of this matter"))
        }
        None => Ok(()),
    }
}

/// The open incident of the case's matter gets it as a member; where there is none, one opens.
async fn open_or_join(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
    case: &CaseFile,
    cause: &Cause,
) -> Result<(Incident, Vec<Entry>), Fault> {
    let cluster = case
        .cluster
        .ok_or_else(|| Fault::internal("a case without a matter cannot have an incident"))?;
    require_free(tx, site, case).await?;
    let cluster = cases::cluster_now(tx, site, cluster).await?;
    let now = desk.clock.now();
    let (incident, transition) = match incidents::lock_open(tx, site, cluster).await? {
        Some(open) => (open, Transition::Joined),
        None => {
            let incident = new_incident(tx, desk, site, case, cluster, cause).await?;
            (incident, Transition::Opened)
        }
    };
    cases::join(tx, site, case.id, incident.name.id, cause.joined).await?;
    let mut turn = Turn::take(tx, desk, now, incident).await?;
    if transition == Transition::Opened {
        let how = if turn.incident.provisional {
            "provisionally opened"
        } else {
            "opened"
        };
        let text = format!(
            "{how} in {} mode ({}) by case {}",
            turn.incident.mode.word().to_lowercase(),
            turn.incident.mode_reason,
            case.number
        );
        turn.note(LogKind::Opened, &cause.actor, &text, "").await?;
        turn.fill_roles(Because::TimePassed).await?;
        turn.make_tasks(cause.at).await?;
    } else {
        let text = format!(
            "case {} joins ({})",
            case.number,
            mode::reason(&case.criteria)
        );
        turn.note(LogKind::CaseJoined, "", &text, "").await?;
        // Whoever the case complains about leaves the command.
        turn.fill_roles(Because::TimePassed).await?;
        turn.ask_whether_it_breaks_out(case).await?;
    }
    turn.weigh(case, cause.at).await?;
    if !cause.provisional {
        turn.confirm(case, cause.at, &cause.carried).await?;
    }
    turn.reconcile(cause.at, &cause.carried).await?;
    turn.finish(transition).await
}

async fn new_incident(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
    case: &CaseFile,
    cluster: Uuid,
    cause: &Cause,
) -> Result<Incident, Fault> {
    let zone = crate::store::sites::zone(tx, site).await?;
    let zone = zone.unwrap_or_else(|| desk.zone.clone());
    let now = desk.clock.now();
    let day = cause.at.to_zoned(zone).date();
    let count = incidents::next_of_day(tx, site, day).await?;
    let by_criteria = mode::of(&case.criteria);
    let mode = cause.mode.unwrap_or(by_criteria);
    let incident = Incident {
        name: IncidentName::new(site.clone(), new_id(now)),
        number: format!("I{}-{count:02}", day.strftime("%Y%m%d")),
        cluster,
        state: State::Open,
        mode,
        mode_reason: match cause.mode {
            None if cause.actor.is_empty() => mode::reason(&case.criteria),
            None if by_criteria == Mode::Public => mode::reason(&case.criteria),
            Some(_) | None => cause.reason.clone(),
        },
        weighed: mode::causes(case.id, &case.criteria).into_iter().collect(),
        stage: cause.stage,
        open_reason: cause.reason.clone(),
        opened_by: cause.actor.clone(),
        opened_case: case.id,
        opened: cause.at,
        updated: now,
        merged_into: None,
        revision: 0,
        provisional: cause.provisional,
    };
    incidents::insert(tx, &incident).await?;
    freeze(tx, desk, &incident, &case.criteria).await?;
    let (id, at) = (incident.name.id, incident.opened);
    stages::enter(tx, site, id, incident.stage, &cause.reason, at).await?;
    Ok(incident)
}

impl Turn<'_> {
    /// Weighs the public criteria of a member; switches to public, visibly, when there is a new one.
    pub(super) async fn weigh(&mut self, case: &CaseFile, at: Timestamp) -> Result<bool, Fault> {
        let causes = mode::causes(case.id, &case.criteria);
        let weighing = mode::weigh(self.incident.mode, &self.incident.weighed, &causes);
        self.incident.weighed = weighing.weighed;
        match weighing.switches {
            Some(reason) => self.set_mode(Mode::Public, &reason, "", at).await,
            None => Ok(false),
        }
    }

    /// A case of it is grade 1 beyond a suspicion: what leaves is promised from here on. Says whether
    /// anything changed.
    pub(super) async fn confirm(
        &mut self,
        case: &CaseFile,
        at: Timestamp,
        carried: &Carried,
    ) -> Result<bool, Fault> {
        if !self.incident.provisional {
            return Ok(false);
        }
        self.incident.provisional = false;
        let text = format!("no longer provisional by case {}", case.number);
        self.note(LogKind::CaseChanged, "", &text, "").await?;
        self.make_tasks(at).await?;
        self.reconcile(at, carried).await?;
        Ok(true)
    }

    /// Switches the mode; promises that the new one does not have are cancelled, its own start, by a person's word
    /// where they stood. Says whether anything changed.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn set_mode(
        &mut self,
        mode: Mode,
        reason: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<bool, Fault> {
        if self.incident.mode == mode {
            return Ok(false);
        }
        self.incident.mode = mode;
        reason.clone_into(&mut self.incident.mode_reason);
        let text = format!("mode is now {} ({reason})", mode.word().to_lowercase());
        self.note(LogKind::ModeSwitched, actor, &text, "").await?;
        // There and back gives no new time and forgets no breach; a new public criterion gives its own.
        let carried = if actor.is_empty() {
            Carried::new()
        } else {
            self.promises().await?
        };
        self.reconcile(at, &carried).await?;
        Ok(true)
    }
}

/// Takes in that a cluster was merged whole into another: their open incidents become one, the older
/// (I6). The caller holds the site's lock.
///
/// # Errors
/// When Postgres is away.
pub async fn merge_matters(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
    from: Uuid,
    into: Uuid,
) -> Result<Vec<Entry>, Fault> {
    if from == into {
        return Ok(Vec::new());
    }
    cases::merge_clusters(tx, site, from, into).await?;
    let into = cases::cluster_now(tx, site, into).await?;
    let Some(moving) = incidents::lock_open(tx, site, from).await? else {
        return Ok(Vec::new());
    };
    let now = desk.clock.now();
    let Some(resident) = incidents::lock_open(tx, site, into).await? else {
        let mut turn = Turn::take(tx, desk, now, moving).await?;
        turn.incident.cluster = into;
        let text = "its matter is now part of another cluster";
        turn.note(LogKind::Merged, "", text, "").await?;
        return Ok(turn.finish(Transition::Changed).await?.1);
    };
    let key = |i: &Incident| (i.opened, i.name.id);
    let (older, younger) = if key(&resident) <= key(&moving) {
        (resident, moving)
    } else {
        (moving, resident)
    };
    merge(tx, desk, older, younger, into).await
}

/// The younger ends, and what it had goes to the older: cases, people and who acts for them, drafts, promises as they stand,
/// and its stage where that is the hotter one.
async fn merge(
    tx: &mut Tx,
    desk: &Desk,
    older: Incident,
    younger: Incident,
    cluster: Uuid,
) -> Result<Vec<Entry>, Fault> {
    let site = older.name.site.clone();
    let now = desk.clock.now();
    let (survivor, ended) = (older.name.id, younger.name.id);
    let (mode, reason) = (younger.mode, younger.mode_reason.clone());
    let weighed = younger.weighed.clone();
    let number = younger.number.clone();
    let (provisional, stage) = (younger.provisional, younger.stage);

    let mut turn = Turn::take(tx, desk, now, younger).await?;
    let carried = turn.promises().await?;
    let mut own = turn.own().await?;
    let mut unbrought = turn.unbrought().await?;
    let ended_name = turn.incident.name.clone();
    let linked = links::of_incident(turn.tx, &ended_name).await?;
    turn.incident.state = State::Merged;
    turn.incident.merged_into = Some(survivor);
    // Promises of people go on where the matter goes on: the entry that tells of the merger is the next of its log.
    let log = briefings::last_log(turn.tx, &site, survivor).await? + 1;
    commitments::move_open(turn.tx, &site, ended, survivor, log).await?;
    media::move_all(turn.tx, &site, ended, survivor).await?;
    turn.reconcile(now, &Carried::new()).await?;
    let text = format!("merged into {}", older.number);
    turn.note(LogKind::Merged, "", &text, "").await?;
    let brought = cases::of_incident(turn.tx, &site, ended, CASES_MAX).await?;
    cases::move_all(turn.tx, &site, ended, survivor, now).await?;
    incidents::repoint(turn.tx, &site, ended, survivor).await?;
    turn.finish(Transition::Merged).await?;

    let mut turn = Turn::take(tx, desk, now, older).await?;
    turn.incident.cluster = cluster;
    turn.tell_assessed().await?;
    let text = format!("{number} is merged into this incident");
    turn.note(LogKind::Merged, "", &text, "").await?;
    turn.take_links(&ended_name, linked).await?;
    turn.adopt_roles(ended).await?;
    turn.fill_roles(Because::TimePassed).await?;
    turn.take_deputies(ended).await?;
    turn.take_drafts(ended).await?;
    turn.incident.provisional &= provisional;
    own.extend(turn.own().await?);
    unbrought.extend(turn.unbrought().await?);
    let breaks_out = hotter(stage, turn.incident.stage);
    if breaks_out {
        turn.skip_tasks(|_| true, &text, &[], "").await?;
        let moved = format!("{} → {stage}: {text}", turn.incident.stage);
        turn.note(LogKind::StageMoved, "", &moved, "").await?;
        turn.enter_stage(stage, &text).await?;
    } else {
        turn.make_tasks(now).await?;
        // The question of the one that ended has ended with it.
        if let Some(case) = brought.iter().find(|c| c.grade == Some(Grade::ONE)) {
            turn.ask_whether_it_breaks_out(case).await?;
        }
    }
    for statement in unbrought {
        turn.ask_to_bring(statement).await?;
    }
    turn.incident.weighed.extend(weighed);
    turn.incident.weighed.sort();
    turn.incident.weighed.dedup();
    if mode == Mode::Public && turn.incident.mode == Mode::Private {
        turn.incident.mode = Mode::Public;
        turn.incident.mode_reason = reason.clone();
        let text = format!("mode is now public ({reason})");
        turn.note(LogKind::ModeSwitched, "", &text, "").await?;
    }
    turn.reconcile(now, &carried).await?;
    if breaks_out {
        turn.restart_cadence().await?;
    }
    turn.keep_earlier(&own).await?;
    Ok(turn.finish(Transition::Changed).await?.1)
}
