//! What a policy does: whether a document goes with the levels around it, what it would do to open cases,
//! and grading them again once it holds.
//!
//! It never reaches back (P10, P26): decisions are made anew, which only raises a grade, and promises
//! that run keep their deadlines. A promise made from then on has the new length.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use redress_clock::{Event, Length, Promise, Terms};
use redress_events::{NewEvent, publish};
use redress_model::name::{OrganizationId, SiteId};
use redress_model::words::{ClockKind, ClockState, DutyRole, Urgency};
use redress_model::{Fault, Grade};
use redress_policy::{Clash, LengthKey, Overlay, PROFILES, Policy};
use redress_proto::event::v1::PolicyChanged;
use redress_store::Tx;
use uuid::Uuid;

use super::known::known;
use super::promises::{folded, shares};
use super::status::open_statuses;
use super::{Work, age, decide, ladder};
use crate::domain::policies::{
    self as domain, Document, Line, Place, PolicyScope, SitePolicy, compose, profiles_of,
};
use crate::domain::{Cause, Facts};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock, Filter};
use crate::store::sites::{self, Placed, Site};
use crate::store::{duties, policies};

/// Cases of one batch.
const BATCH: i64 = 50;

/// Whom the incident of a grade-1 case calls out (section 9).
const CALLED_OUT: [DutyRole; 7] = [
    DutyRole::TopLead,
    DutyRole::DutyLead,
    DutyRole::OnSiteLead,
    DutyRole::Spokesperson,
    DutyRole::LegalCounsel,
    DutyRole::CustomerLiaison,
    DutyRole::Negotiator,
];

/// Cases that a preview shows.
const EFFECTS_MAX: usize = 500;

/// Clocks of one case that a preview looks at.
const CLOCKS_MAX: i64 = 100;

/// Tells others what the policy that holds at a site now says to them.
pub async fn tell(tx: &mut Tx, site: &Site) -> Result<(), Fault> {
    let policy = site.profile();
    let name = format!("sites/{}", site.id);
    let payload = PolicyChanged {
        site: name.clone(),
        profile: policy.name.clone(),
        revision: i64::from(policy.revision),
        document: serde_json::to_string(&policy.handling()).map_err(Fault::internal)?,
    };
    let event = NewEvent {
        event_type: "redress.policy.changed.v1",
        site: &site.id,
        subject: &name,
        historical: false,
        payload: &payload,
    };
    publish(tx, &event).await?;
    Ok(())
}

/// The organization in which a scope lies.
pub async fn organization_of(tx: &mut Tx, scope: &PolicyScope) -> Result<OrganizationId, Fault> {
    match scope {
        PolicyScope::Organization(id) => Ok(id.clone()),
        PolicyScope::Region(name) => Ok(name.organization.clone()),
        PolicyScope::Site(id) => Ok(place(tx, id).await?.organization),
    }
}

async fn place(tx: &mut Tx, site: &SiteId) -> Result<Place, Fault> {
    policies::place(tx, site, None)
        .await?
        .ok_or_else(|| Fault::internal("a site without a place"))
}

/// The sites below a scope that the transaction sees.
async fn below(tx: &mut Tx, scope: &PolicyScope) -> Result<Vec<Placed>, Fault> {
    let organization = organization_of(tx, scope).await?;
    let mut sites = sites::of_organization(tx, &organization).await?;
    sites.retain(|site| match scope {
        PolicyScope::Organization(_) => true,
        PolicyScope::Region(name) => site.region == *name,
        PolicyScope::Site(id) => site.id == *id,
    });
    Ok(sites)
}

/// Every contradiction that a document would bring at its level and below, from an instant on.
pub async fn clashes(
    tx: &mut Tx,
    scope: &PolicyScope,
    overlay: &Overlay,
    from: Timestamp,
) -> Result<Vec<Clash>, Fault> {
    let organization = organization_of(tx, scope).await?;
    let own = policies::scopes_below(tx, &organization).await?;
    let lines = lines(scope, &organization, &own, &below(tx, scope).await?);
    let scopes: BTreeSet<PolicyScope> = lines.iter().flat_map(|l| l.scopes.clone()).collect();
    let scopes: Vec<PolicyScope> = scopes.into_iter().filter(|s| s != scope).collect();
    let documents: Vec<_> = policies::from(tx, &scopes, from)
        .await?
        .into_iter()
        .map(|row| (row.head(), row.overlay()))
        .collect();
    let number = policies::newest(tx, scope)
        .await?
        .map_or(1, |row| row.revision + 1);
    Ok(domain::clashes(
        (scope, overlay, number, from),
        &lines,
        &documents,
    ))
}

/// The lines of levels through a scope that have documents of their own.
fn lines(
    scope: &PolicyScope,
    organization: &OrganizationId,
    own: &[PolicyScope],
    sites: &[Placed],
) -> Vec<Line> {
    let top = PolicyScope::Organization(organization.clone());
    let all: BTreeSet<&'static str> = PROFILES.into_iter().collect();
    let mut lines = Vec::new();
    let mut add = |profiles: &BTreeSet<&'static str>, scopes: Vec<PolicyScope>| {
        lines.push(Line {
            profiles: profiles.clone(),
            scopes,
        });
    };
    match scope {
        PolicyScope::Organization(_) => {
            add(&all, vec![top.clone()]);
            for region in own.iter().filter(|s| matches!(s, PolicyScope::Region(_))) {
                add(&all, vec![top.clone(), region.clone()]);
            }
        }
        PolicyScope::Region(_) => add(&all, vec![top.clone(), scope.clone()]),
        PolicyScope::Site(_) => {}
    }
    for site in sites {
        let this = PolicyScope::Site(site.id.clone());
        if this == *scope || own.contains(&this) {
            let region = PolicyScope::Region(site.region.clone());
            add(&profiles_of(site.kind), vec![top.clone(), region, this]);
        }
    }
    lines
}

/// What a document would do.
#[derive(Debug, Default)]
pub struct Preview {
    /// Open cases that were looked at.
    pub cases: usize,
    /// The cases to which it would do anything, the gravest new grade first.
    pub effects: Vec<Effect>,
    /// How many of them would be graded more gravely.
    pub regraded: usize,
    /// How many promises still kept would have another deadline.
    pub clocks: usize,
    /// How many of another length are broken already: a new length mends no breach.
    pub broken: usize,
    /// Who is paged about how many cases that become grade 1.
    pub pages: Pages,
    /// Who would be paged in addition if promises took their new length.
    pub late_pages: Pages,
    /// Whether more cases would change than are listed.
    pub truncated: bool,
}

/// Who would be paged about how many cases: site, duty and person, where there is one.
pub type Pages = BTreeMap<(SiteId, DutyRole, Option<String>), u32>;

/// What a document would do to one case.
#[derive(Debug)]
pub struct Effect {
    /// The site.
    pub site: SiteId,
    /// The case.
    pub case: Uuid,
    /// Its number.
    pub number: String,
    /// Its grade.
    pub grade: Grade,
    /// Its grade under the document.
    pub grade_after: Grade,
    /// Its promises still kept that would have another deadline.
    pub clocks: Vec<ClockEffect>,
}

/// What a document would make of a promise, if it moved any.
#[derive(Debug)]
pub struct ClockEffect {
    /// The clock.
    pub clock: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Its deadline, which stays.
    pub due: Timestamp,
    /// The deadline it would have; none where it would not be promised.
    pub due_after: Option<Timestamp>,
    /// Rung of the ladder that would have been reached.
    pub late_level: usize,
}

/// What a document would do to the open cases below its scope, except those about this person. Nothing is
/// changed.
pub async fn preview(
    tx: &mut Tx,
    scope: &PolicyScope,
    overlay: &Overlay,
    from: Timestamp,
    now: Timestamp,
    staff: Option<&str>,
) -> Result<Preview, Fault> {
    let mut found = Preview::default();
    for placed in below(tx, scope).await? {
        let (before, after) = around(tx, &placed, scope, overlay, from).await?;
        if before.policy() == after.policy() {
            continue;
        }
        let Some(site) = sites::get(tx, &placed.id, now).await? else {
            continue;
        };
        let site = Site {
            policy: after,
            ..site
        };
        let mut next = Uuid::nil();
        loop {
            let open = cases::in_status(tx, &site.id, &open_statuses(), next, BATCH).await?;
            let Some(last) = open.last() else { break };
            next = last.id;
            for case in open {
                let about =
                    staff.is_some_and(|staff| case.facts.excluded.iter().any(|e| e == staff));
                if !about {
                    let mut work = Work::new(tx, &site, now);
                    look(&mut work, &case, before.policy(), &mut found).await?;
                }
            }
        }
    }
    found.shorten();
    Ok(found)
}

impl Preview {
    /// Keeps what is shown, so that memory is bounded whatever the number of cases.
    fn shorten(&mut self) {
        self.effects
            .sort_by_key(|e| (e.grade_after, std::cmp::Reverse(e.grade), e.case));
        self.truncated |= self.effects.len() > EFFECTS_MAX;
        self.effects.truncate(EFFECTS_MAX);
    }
}

/// The policy of a site at an instant without a document and with it, under the same number.
async fn around(
    tx: &mut Tx,
    site: &Placed,
    scope: &PolicyScope,
    overlay: &Overlay,
    from: Timestamp,
) -> Result<(Arc<SitePolicy>, Arc<SitePolicy>), Fault> {
    let place = place(tx, &site.id).await?;
    let before = sites::policy(tx, &site.id, site.kind, from).await?;
    let scopes = place.scopes();
    let mut documents = Vec::new();
    for of in &scopes {
        if of == scope {
            documents.push(Document {
                origin: scope.origin(0),
                overlay: Some(overlay.clone()),
            });
        } else {
            documents.extend(policies::holding_document(tx, of, from).await?);
        }
    }
    let policy = before.policy();
    let after = compose(&policy.name, &documents, policy.revision);
    Ok((before, Arc::new(after)))
}

/// Compares one case; the work's site has the new policy.
async fn look(
    work: &mut Work<'_>,
    case: &Case,
    before: &Policy,
    found: &mut Preview,
) -> Result<(), Fault> {
    found.cases += 1;
    let Some(grade) = case.grade else {
        return Ok(());
    };
    let grade_after = if before.grading == work.site.profile().grading {
        grade
    } else {
        let known = known(work, case).await?;
        known.stand(work, &known.facts).grade.min(grade)
    };
    let (clocks, broken) = clock_effects(work, case, before).await?;
    found.broken += broken;
    if grade_after == grade && clocks.is_empty() {
        return Ok(());
    }
    let rungs = work.site.profile().ladder.rungs;
    if grade_after == Grade::ONE && grade != Grade::ONE {
        for role in CALLED_OUT {
            page(work, case, role, &mut found.pages).await?;
        }
    }
    let late = clocks.iter().map(|c| c.late_level).max().unwrap_or(0);
    for &role in rungs.iter().take(late) {
        page(work, case, role, &mut found.late_pages).await?;
    }
    found.regraded += usize::from(grade_after != grade);
    found.clocks += clocks.len();
    found.effects.push(Effect {
        site: work.site.id.clone(),
        case: case.id,
        number: case.facts.number.clone(),
        grade,
        grade_after,
        clocks,
    });
    if found.effects.len() >= 2 * EFFECTS_MAX {
        found.shorten();
    }
    Ok(())
}

async fn page(
    work: &mut Work<'_>,
    case: &Case,
    role: DutyRole,
    pages: &mut Pages,
) -> Result<(), Fault> {
    let site = &work.site.id;
    let person = duties::on_duty(work.tx, site, role, work.now, &case.facts.excluded).await?;
    *pages.entry((site.clone(), role, person)).or_default() += 1;
    Ok(())
}

/// What would become of a case's promises that are still kept, and how many of another length are broken already.
async fn clock_effects(
    work: &mut Work<'_>,
    case: &Case,
    before: &Policy,
) -> Result<(Vec<ClockEffect>, usize), Fault> {
    let shown = |kind: &ClockKind| *kind != ClockKind::AgeCheck;
    let filter = Filter {
        site: Some(work.site.id.clone()),
        case: Some(case.id),
        states: vec![ClockState::Running, ClockState::Breached],
        kinds: ClockKind::ALL.iter().copied().filter(shown).collect(),
        not_about: None,
    };
    let open = clocks::page(work.tx, &filter, None, CLOCKS_MAX).await?;
    let after = work.site.profile();
    let mut changed: Vec<(Clock, Option<Length>)> = open
        .into_iter()
        // What somebody else demands or was promised by word is not the policy's.
        .filter(|(_, clock)| clock.slot.is_empty())
        .filter_map(|(_, clock)| {
            let key = LengthKey {
                grade: clock.grade,
                urgency: clock.urgency,
                channel: case.facts.channel,
            };
            let length = after.length(clock.kind, key);
            (length != before.length(clock.kind, key)).then_some((clock, length))
        })
        .collect();
    let all = changed.len();
    changed.retain(|(clock, _)| clock.state == ClockState::Running);
    let broken = all - changed.len();
    if changed.is_empty() {
        return Ok((Vec::new(), broken));
    }
    let ids: Vec<Uuid> = changed.iter().map(|(clock, _)| clock.id).collect();
    let events = clocks::events_of(work.tx, &work.site.id, &ids).await?;
    let mut effects = Vec::with_capacity(changed.len());
    for (clock, length) in changed {
        let would = match (events.get(&clock.id), length) {
            (Some(events), Some(length)) => Some(would_be(work, &clock, events, length).await?),
            _ => None,
        };
        let due = clock.deadlines.due;
        if would.as_ref().is_some_and(|w| w.deadlines.due == due) {
            continue;
        }
        let is_late = |would: &Promise| {
            let running = would.held.is_none();
            let d = would.deadlines;
            let reached = [d.due, d.climb_duty, d.climb_top];
            reached
                .iter()
                .filter(|at| running && **at <= work.now)
                .count()
        };
        effects.push(ClockEffect {
            clock: clock.id,
            kind: clock.kind,
            due,
            due_after: would.as_ref().map(|would| would.deadlines.due),
            late_level: would.as_ref().map_or(0, is_late),
        });
    }
    Ok((effects, broken))
}

/// A promise as it would stand, had it been made with this length: its own events folded anew, with what was held,
/// extended and moved by a calendar. It is as the case is graded now, so no regrade is left to follow.
async fn would_be(
    work: &mut Work<'_>,
    clock: &Clock,
    events: &[Event],
    length: Length,
) -> Result<Promise, Fault> {
    let shares = shares(work.site, clock.kind);
    let made = |terms: Terms| Terms {
        term: length.into(),
        shares,
        ..terms
    };
    let events: Vec<Event> = events
        .iter()
        .filter_map(|event| match *event {
            Event::Started { at, terms } => Some(Event::Started {
                at,
                terms: made(terms),
            }),
            Event::Restarted { at, terms } => Some(Event::Restarted {
                at,
                terms: made(terms),
            }),
            Event::Regraded { .. } => None,
            other => Some(other),
        })
        .collect();
    Ok(folded(work, &events).await?.0)
}

/// Grades the next open cases of a site again after its policy changed; gives the last of them where there
/// are more.
pub async fn regrade(work: &mut Work<'_>, after: Uuid) -> Result<Option<Uuid>, Fault> {
    let site = &work.site.id;
    let open = cases::in_status(work.tx, site, &open_statuses(), after, BATCH).await?;
    let full = i64::try_from(open.len()).unwrap_or(i64::MAX) == BATCH;
    let last = open.last().map(|case| case.id).filter(|_| full);
    for case in open {
        let Some(mut case) = cases::lock(work.tx, site, case.id).await? else {
            continue;
        };
        if stands_as_before(work, &case).await? {
            continue;
        }
        decide(work, &mut case, Cause::Policy).await?;
    }
    Ok(last)
}

/// Whether a decision on the case now would say nothing new but the policy's number; its age checks follow
/// the policy all the same.
async fn stands_as_before(work: &mut Work<'_>, case: &Case) -> Result<bool, Fault> {
    let known = known(work, case).await?;
    let Some(mut last) = known.last.as_ref().map(|last| last.ruling.clone()) else {
        return Ok(false);
    };
    let ruling = known.ruling(work, case, known.stand(work, &known.facts));
    last.policy_profile.clone_from(&ruling.policy_profile);
    last.policy_revision = ruling.policy_revision;
    if last != ruling {
        return Ok(false);
    }
    keep_deadlines(work, case, &known.facts, ruling.urgency).await?;
    Ok(true)
}

/// Lets the promises of a case know its new grade, by which later ones take their turn and pages climb, and
/// leaves their deadlines (P26). Whoever was paged has no more time to acknowledge than the new grade gives. The next age check
/// follows the new thresholds.
pub(super) async fn keep_deadlines(
    work: &mut Work<'_>,
    case: &Case,
    facts: &Facts,
    urgency: Urgency,
) -> Result<(), Fault> {
    let Some(grade) = case.grade.filter(|_| case.is_open()) else {
        return Ok(());
    };
    let site = work.site;
    let mut all = clocks::lock_of_case(work.tx, &site.id, case.id).await?;
    // A question has a time of its own, and waits in no backlog.
    let running = |clock: &&mut Clock| {
        clock.stopped.is_none()
            && !matches!(clock.kind, ClockKind::AgeCheck | ClockKind::ConfirmSignal)
            && (clock.grade, clock.urgency) != (grade, urgency)
    };
    for clock in all.iter_mut().filter(running) {
        ladder::hurry(site, clock, grade, work.now);
        (clock.grade, clock.urgency) = (grade, urgency);
        clocks::update(work.tx, &site.id, clock).await?;
        work.entries.extend(clock.entry());
    }
    let next = facts.age.next_check(&site.profile().grading, work.now);
    age::arm(work, case, &mut all, next, grade).await
}
