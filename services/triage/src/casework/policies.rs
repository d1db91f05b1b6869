//! What a policy does: whether a document goes with the levels around it, what it would do to open cases,
//! and grading them again once it holds.
//!
//! It never reaches back (P10, P26): decisions are made anew, which only raises a grade, and promises
//! that run keep their deadlines, warnings and climbs. A promise made from then on has the new ones. Whom a page
//! goes to is asked when it is sent, of promises that run too. A policy holds from its instant on, and a case may be decided for
//! another reason before it is graded again: that decision moves deadlines as far as its facts do, and no further.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use redress_clock::{Deadlines, Event, Length, Promise, Shares, Step, Terms};
use redress_events::{NewEvent, publish};
use redress_model::name::{OrganizationId, SiteId};
use redress_model::words::{ClockKind, ClockState, DutyRole, Urgency};
use redress_model::{Fault, Grade};
use redress_policy::{Clash, Ladder, Overlay, PROFILES, Policy, Released};
use redress_proto::event::v1::PolicyChanged;
use redress_store::Tx;
use uuid::Uuid;

use super::known::{Known, age_of, known};
use super::promises::{folded, learn_grade, length_by, shares_by};
use super::status::open_statuses;
use super::{Work, age, ask, calendar, decide};
use crate::domain::grading::aged;
use crate::domain::policies::{
    self as domain, Document, Line, Place, PolicyScope, SitePolicy, compose, profiles_of,
    release_of,
};
use crate::domain::{Cause, Facts};
use crate::store::cases::{self, Case};
use crate::store::clocks::{self, Clock, Filter};
use crate::store::decisions::Ruling;
use crate::store::duties::{self, Roster};
use crate::store::holds::{self, Hold};
use crate::store::sites::{self, Placed, Site};
use crate::store::{clusters, policies};

/// Cases of one batch.
const BATCH: i64 = 50;

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
    /// The cases of a page to which it would do anything, in the order of their ranks.
    pub effects: Vec<Effect>,
    /// How many of them would be graded more gravely.
    pub regraded: usize,
    /// How many promises still kept would have another deadline.
    pub clocks: usize,
    /// How many more would warn or climb at another instant.
    pub steps: usize,
    /// How many that would run otherwise are broken by then: new terms mend no breach.
    pub broken: usize,
    /// Where other people would be paged, or after another time.
    pub ladders: Vec<LadderEffect>,
    /// Whom the incidents call out that open by cases which become grade 1, and who is asked about what is suspected and would
    /// make a case grade 1 by it.
    pub pages: Pages,
    /// Who would be paged in addition if promises took their new terms.
    pub late_pages: Pages,
    /// Until when rosters are known, where that ends before the document would hold.
    pub roster_until: Option<Timestamp>,
}

/// Which effects a preview lists. Its counts are of all.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// Those after this rank; none: from the first.
    pub after: Option<Rank>,
    /// At most so many.
    pub limit: usize,
}

/// Where an effect stands in the list: new grade, the grade now and the case. The gravest new grade comes first, of those what
/// rises furthest.
pub type Rank = (u8, Reverse<u8>, Uuid);

/// Who would be paged about how many cases: site, duty and person, where there is one. Where others join a case's incident,
/// it counts alone.
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
    /// Its grade at that instant without the document: it may reach an age until then.
    pub grade_without: Grade,
    /// Its grade under the document.
    pub grade_after: Grade,
    /// Its promises still kept that would run otherwise.
    pub clocks: Vec<ClockEffect>,
}

impl Effect {
    /// Where it stands in the list.
    pub fn rank(&self) -> Rank {
        let (after, now) = (self.grade_after.value(), self.grade.value());
        (after, Reverse(now), self.case)
    }
}

/// What a document would make of a promise, if it changed any.
#[derive(Debug)]
pub struct ClockEffect {
    /// The clock.
    pub clock: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Its instants, which stay.
    pub stays: Deadlines,
    /// Those it would have; none where it would not be promised.
    pub would: Option<Deadlines>,
    /// Rung of the ladder that would have been reached.
    pub late_level: usize,
}

impl ClockEffect {
    /// Whether its deadline would be another one, or none.
    fn moves(&self) -> bool {
        self.would.is_none_or(|would| would.due != self.stays.due)
    }
}

/// How a document would change whom promises page. No promise pins that: it is asked at every page.
#[derive(Debug)]
pub struct LadderEffect {
    /// The site.
    pub site: SiteId,
    /// Open promises there, whose next page follows it.
    pub clocks: usize,
    /// The ladder without the document.
    pub before: Ladder,
    /// The ladder under it.
    pub after: Ladder,
}

/// What a document changes at a site, beside the policy under which the work's site is.
struct Change<'a> {
    /// What would hold without it.
    before: &'a Policy,
    /// The calendar of other working time, where it brings one.
    calendar: Option<u32>,
    /// Whether it leaves the thresholds by which cases are graded now: then time alone moves a grade until it holds.
    same_grades: bool,
    /// Who is on duty.
    roster: Roster,
}

/// The matters of a site that are of grade 1 when a document would hold. As far as is known here each has one open incident
/// (I6), which the first of its cases opens and the others join.
#[derive(Default)]
struct Matters {
    /// Those of cases that are so without it.
    grave: BTreeSet<Uuid>,
    /// Those of cases that become so by it, with the staff whom the first of them is about.
    rising: BTreeMap<Uuid, Vec<String>>,
}

/// What a document would do to the open cases below its scope, except those about this person, from an instant on that has not
/// passed: ages, duties and what is late are as of then. Nothing is changed.
pub async fn preview(
    tx: &mut Tx,
    scope: &PolicyScope,
    overlay: &Overlay,
    from: Timestamp,
    now: Timestamp,
    staff: Option<&str>,
    listing: Listing,
) -> Result<Preview, Fault> {
    let at = from.max(now);
    let known = duties::known_until(now);
    let mut found = Preview {
        roster_until: (at > known).then_some(known),
        ..Preview::default()
    };
    for placed in below(tx, scope).await? {
        let (before, after) = around(tx, &placed, scope, overlay, from).await?;
        if before.policy() == after.policy() {
            continue;
        }
        let Some(site) = sites::get(tx, &placed.id, at).await? else {
            continue;
        };
        let grading = &before.policy().grading;
        let same_grades = *grading == after.policy().grading && {
            let holds = sites::policy(tx, &placed.id, placed.kind, now).await?;
            *grading == holds.policy().grading
        };
        let site = Site {
            policy: Arc::clone(&before),
            ..site
        };
        let (site, other_hours) = calendar::under(site, after, at);
        let change = Change {
            before: before.policy(),
            calendar: other_hours.then(|| site.calendar_revision()),
            same_grades,
            roster: duties::roster(tx, &site.id).await?,
        };
        let mut matters = Matters::default();
        let mut promises = 0;
        let mut next = Uuid::nil();
        loop {
            let open = cases::in_status(tx, &site.id, &open_statuses(), next, BATCH).await?;
            let Some(last) = open.last() else { break };
            next = last.id;
            for case in open {
                let about =
                    staff.is_some_and(|staff| case.facts.excluded.iter().any(|e| e == staff));
                if !about {
                    let mut work = Work::new(tx, &site, at);
                    promises += look(&mut work, &case, &change, &mut matters, &mut found).await?;
                }
            }
            found.keep(listing);
        }
        let mut work = Work::new(tx, &site, at);
        call_out(&mut work, &change.roster, matters, staff, &mut found.pages).await?;
        let (before, after) = (&change.before.ladder, &site.profile().ladder);
        if before != after {
            found.ladders.push(LadderEffect {
                site: site.id.clone(),
                clocks: promises,
                before: before.clone(),
                after: after.clone(),
            });
        }
    }
    Ok(found)
}

impl Preview {
    /// Keeps what is listed, after every batch, so that memory is bounded whatever the number of cases.
    fn keep(&mut self, listing: Listing) {
        self.effects
            .retain(|effect| listing.after.is_none_or(|after| effect.rank() > after));
        self.effects.sort_by_key(Effect::rank);
        self.effects.truncate(listing.limit);
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
    let profile = release_of(Released::all(), &policy.name, policy.revision)
        .ok_or_else(|| Fault::internal("what holds is of a release that is kept"))?;
    let after = compose(profile, &documents, policy.revision);
    Ok((before, Arc::new(after)))
}

/// Whom the incidents of matters that become grade 1 call out: whoever has a role of the command, else whoever stands in
/// (section 9). What is about this person tells them nothing.
async fn call_out(
    work: &mut Work<'_>,
    roster: &Roster,
    matters: Matters,
    staff: Option<&str>,
    pages: &mut Pages,
) -> Result<(), Fault> {
    let (site, now) = (&work.site.id, work.now);
    for (cluster, excluded) in matters.rising {
        if matters.grave.contains(&cluster)
            || clusters::is_grave(work.tx, site, cluster, staff).await?
        {
            continue;
        }
        for role in DutyRole::COMMAND {
            let person = std::iter::once(&role)
                .chain(role.stand_ins())
                .find_map(|&role| roster.on_duty_since(role, now, &excluded));
            page(pages, site, role, person);
        }
    }
    Ok(())
}

/// Compares one case; the work's site has the new policy. Gives how many of its promises are open.
async fn look(
    work: &mut Work<'_>,
    case: &Case,
    change: &Change<'_>,
    matters: &mut Matters,
    found: &mut Preview,
) -> Result<usize, Fault> {
    found.cases += 1;
    let Some(grade) = case.grade else {
        return Ok(0);
    };
    let clocks = clock_effects(work, case, change).await?;
    found.broken += clocks.broken;
    let open = clocks.open;
    let site = work.site;
    let (before, after) = (&change.before.grading, &site.profile().grading);
    if before == after && clocks.effects.is_empty() {
        return Ok(open);
    }
    let (grade_without, grade_after) = if change.same_grades && !ages(work, case, grade).await? {
        (grade, grade)
    } else {
        let known = known(work, case).await?;
        if known.would_be_major(after) && !known.would_be_major(before) {
            let (duty, person) = ask::first(work, &change.roster, case);
            page(&mut found.pages, &site.id, duty, person);
        }
        let by = |grading| known.stand_by(grading, &known.facts).grade;
        let grade_without = by(before).min(grade);
        // What it reaches by itself until then, no policy takes back.
        (grade_without, by(after).min(grade_without))
    };
    if grade_without == Grade::ONE {
        matters.grave.insert(case.cluster);
    } else if grade_after == Grade::ONE {
        let first = matters.rising.entry(case.cluster);
        first.or_insert_with(|| case.facts.excluded.clone());
    }
    if grade_after == grade_without && clocks.effects.is_empty() {
        return Ok(open);
    }
    let rungs = site.profile().ladder.rungs;
    let late = clocks.effects.iter().map(|c| c.late_level).max();
    for &role in rungs.iter().take(late.unwrap_or(0)) {
        let holder = change
            .roster
            .on_duty_since(role, work.now, &case.facts.excluded);
        page(&mut found.late_pages, &site.id, role, holder);
    }
    found.regraded += usize::from(grade_after != grade_without);
    let moved = clocks.effects.iter().filter(|c| c.moves()).count();
    found.clocks += moved;
    found.steps += clocks.effects.len() - moved;
    found.effects.push(Effect {
        site: site.id.clone(),
        case: case.id,
        number: case.facts.number.clone(),
        grade,
        grade_without,
        grade_after,
        clocks: clocks.effects,
    });
    Ok(open)
}

/// Whether a case of this grade reaches an age by then that asks for a graver one.
async fn ages(work: &mut Work<'_>, case: &Case, grade: Grade) -> Result<bool, Fault> {
    let merged = cases::first_merged(work.tx, &work.site.id, case.id).await?;
    let own = case.facts.received;
    let age = age_of(work, case, merged.map_or(own, |first| first.min(own))).await?;
    let mut reached = aged(&age, &work.site.profile().grading, work.now);
    Ok(reached.any(|id| id.grade().is_graver_than(grade)))
}

fn page(pages: &mut Pages, site: &SiteId, role: DutyRole, person: Option<(&str, Timestamp)>) {
    let person = person.map(|(staff, _)| staff.to_owned());
    *pages.entry((site.clone(), role, person)).or_default() += 1;
}

/// What a document would make of the promises of a case.
struct Clocks {
    /// What would become of those that are still kept then.
    effects: Vec<ClockEffect>,
    /// How many that would run otherwise are broken by then.
    broken: usize,
    /// How many are open.
    open: usize,
}

async fn clock_effects(
    work: &mut Work<'_>,
    case: &Case,
    change: &Change<'_>,
) -> Result<Clocks, Fault> {
    let site = work.site;
    let shown = |kind: &ClockKind| !matches!(kind, ClockKind::AgeCheck | ClockKind::HoldEnd);
    let filter = Filter {
        site: Some(site.id.clone()),
        case: Some(case.id),
        states: vec![ClockState::Running, ClockState::Breached],
        kinds: ClockKind::ALL.iter().copied().filter(shown).collect(),
        ..Filter::default()
    };
    let open = clocks::page(work.tx, &filter, None, CLOCKS_MAX, work.now).await?;
    let mut found = Clocks {
        effects: Vec::new(),
        broken: 0,
        open: open.len(),
    };
    let changed: Vec<(Clock, Anew)> = open
        .into_iter()
        .filter_map(|(_, clock)| {
            let anew = Anew::of(site.profile(), case, &clock, change)?;
            Some((clock, anew))
        })
        .collect();
    if changed.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Uuid> = changed.iter().map(|(clock, _)| clock.id).collect();
    let mut events = clocks::events_of(work.tx, &site.id, &ids).await?;
    let lasting = match case.held_since {
        Some(_) => holds::lasting(work.tx, &site.id, case.id).await?,
        None => Vec::new(),
    };
    for (clock, anew) in changed {
        let Some(mut events) = events.remove(&clock.id) else {
            continue;
        };
        events.extend(resumes(change.before, &clock, &lasting, work.now));
        let (stays, _) = folded(work, &events).await?;
        let would = match anew.length {
            NewLength::Nothing => None,
            NewLength::Same | NewLength::Of(_) => Some(would_be(work, &events, &anew).await?),
        };
        let is_same = |would: &Promise| !differ(&stays.deadlines, &would.deadlines, work.now);
        if would.as_ref().is_some_and(is_same) {
            continue;
        }
        if stays.is_breached(work.now) {
            found.broken += 1;
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
        found.effects.push(ClockEffect {
            clock: clock.id,
            kind: clock.kind,
            stays: stays.deadlines,
            would: would.as_ref().map(|would| would.deadlines),
            late_level: would.as_ref().map_or(0, is_late),
        });
    }
    Ok(found)
}

/// Whether a deadline is another one, or something still ahead by either comes at another instant.
fn differ(stays: &Deadlines, would: &Deadlines, now: Timestamp) -> bool {
    let ahead = |step| {
        let (stays, would) = (stays.instant(step), would.instant(step));
        stays != would && stays.max(would) > Some(now)
    };
    stays.due != would.due || Step::ALL.into_iter().any(ahead)
}

/// That a promise which stands still runs again by then, where nothing but the holds of its case keeps it: each ends by itself
/// (P13).
fn resumes(policy: &Policy, clock: &Clock, lasting: &[Hold], now: Timestamp) -> Option<Event> {
    let reason = clock.held?;
    lasting
        .iter()
        .filter(|hold| hold.reason == reason || policy.may_hold(hold.reason, clock.kind))
        .map(|hold| hold.until.max(clock.start))
        .max()
        .filter(|until| *until <= now)
        .map(|at| Event::Resumed { at })
}

/// What a document says otherwise of a promise.
struct Anew {
    /// How much time it gives.
    length: NewLength,
    /// When it warns and climbs, where that is another share of it.
    shares: Option<Shares>,
    /// The calendar by which it counts, where working time is another one.
    calendar: Option<u32>,
}

/// How much time a document gives a promise.
enum NewLength {
    /// As much as without it.
    Same,
    /// None: it is not promised.
    Nothing,
    /// So much.
    Of(Length),
}

impl Anew {
    /// Of this promise; none where the document says the same of it.
    fn of(policy: &Policy, case: &Case, clock: &Clock, change: &Change<'_>) -> Option<Self> {
        if clock.is_waited_for() {
            return None;
        }
        let by = (clock.grade, clock.urgency);
        let length = |policy| length_by(policy, by, clock.asked_by(case), clock.kind);
        let after = length(policy);
        // What somebody else demands or was promised by word has a time of its own, and warns and climbs like any other.
        let is_same = !clock.slot.is_empty() || after == length(change.before);
        let shares = shares_by(policy, clock.kind);
        let anew = Self {
            length: match after {
                _ if is_same => NewLength::Same,
                None => NewLength::Nothing,
                Some(length) => NewLength::Of(length),
            },
            shares: (shares != shares_by(change.before, clock.kind)).then_some(shares),
            calendar: change.calendar,
        };
        let says_so = !is_same || anew.shares.is_some() || anew.calendar.is_some();
        says_so.then_some(anew)
    }

    /// These terms as the document has them.
    fn made(&self, terms: Terms) -> Terms {
        Terms {
            term: match self.length {
                NewLength::Of(length) => length.into(),
                NewLength::Same | NewLength::Nothing => terms.term,
            },
            shares: self.shares.unwrap_or(terms.shares),
            calendar: self.calendar.unwrap_or(terms.calendar),
            ..terms
        }
    }
}

/// A promise as it would stand, had it been made on these terms: its own events folded anew, with what was held,
/// extended and moved by a calendar. With another length it is as the case is graded now, so no regrade is left to follow; a
/// calendar of other hours has the days of all before it.
async fn would_be(work: &mut Work<'_>, events: &[Event], anew: &Anew) -> Result<Promise, Fault> {
    let events: Vec<Event> = events
        .iter()
        .filter_map(|event| match *event {
            Event::Started { at, terms } => Some(Event::Started {
                at,
                terms: anew.made(terms),
            }),
            Event::Restarted { at, terms } => Some(Event::Restarted {
                at,
                terms: anew.made(terms),
            }),
            Event::Regraded { .. } if !matches!(anew.length, NewLength::Same) => None,
            Event::Recalendared { .. } if anew.calendar.is_some() => None,
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

/// Whether a decision on the case now would say nothing new but the policy's number; its age checks and the question about what
/// is suspected follow the policy all the same.
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
    // What is suspected says nothing until somebody confirms it, but may be grave enough to be asked about by now.
    ask::follow(work, case, &known, ruling.urgency).await?;
    Ok(true)
}

/// The grade as far as the facts of a case, or a person, moved it. While open cases are still to be graded again under a policy
/// that holds already, what that policy adds to it is left out: it moves no deadline (P26). So is what another profile adds, as
/// when an opening-day window begins or ends, which is no revision. Urgency follows from facts alone.
pub(super) async fn by_facts(
    work: &mut Work<'_>,
    known: &Known,
    new: &Ruling,
    cause: Cause,
) -> Result<Grade, Fault> {
    let Some(last) = known.last.as_ref().map(|row| &row.ruling) else {
        return Ok(new.grade);
    };
    let is_of_it =
        (&last.policy_profile, last.policy_revision) == (&new.policy_profile, new.policy_revision);
    let by_person = matches!(cause, Cause::Lowered | Cause::Raised);
    if is_of_it || by_person || last.grade == new.grade {
        return Ok(new.grade);
    }
    let site = work.site;
    let place = place(work.tx, &site.id).await?;
    let held = match policies::unspread_since(work.tx, &place, work.now).await? {
        Some(since) => {
            // Postgres keeps microseconds.
            let before = since
                .saturating_sub(SignedDuration::from_micros(1))
                .unwrap_or(Timestamp::MIN);
            sites::policy(work.tx, &site.id, site.kind, before).await?
        }
        None if last.policy_profile != new.policy_profile => {
            let (profile, number) = (&last.policy_profile, last.policy_revision);
            match policies::pinned(work.tx, &site.id, profile, number).await? {
                Some(held) => held,
                None => return Ok(new.grade),
            }
        }
        None => return Ok(new.grade),
    };
    let grade = known.stand_by(&held.policy().grading, &known.facts).grade;
    // Where the older one was stricter, what holds now is what the facts give.
    Ok(grade.max(new.grade))
}

/// Lets the promises of a case know its new grade, by which later ones take their turn and pages climb, and
/// leaves their deadlines (P26). The next age check follows the new thresholds.
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
        learn_grade(work, clock, (grade, urgency)).await?;
    }
    age::arm(work, case, &mut all, &facts.age, grade).await
}
