//! Clocks and what happened to them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use redress_clock::{Deadlines, Event, Step, Term};
use redress_model::name::SiteId;
use redress_model::words::{
    Channel, ClockKind, ClockState, ClockTransition, HoldReason, LegalDeadline, Urgency,
};
use redress_model::{Fault, Grade};
use redress_rpc::trace_context::traceparent;
use redress_store::{Database, StoreResultExt as _, Tx};
use redress_timers::{Entry, Overdue};
use uuid::Uuid;

use super::cases::{Case, grade_of_row};
use super::word;
use crate::domain::paging::Paging;

/// Entries of a clock's history that are shown at most.
const HISTORY_MAX: i64 = 200;

/// A clock as it is stored.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// Which of its kind; empty for the one that the policy promises.
    pub slot: String,
    /// The demand that it keeps, as assignment names it; none where nobody named one.
    pub demand: Option<Uuid>,
    /// Where it stands.
    pub state: ClockState,
    /// How much time it gives.
    pub term: Term,
    /// When it was made.
    pub start: Timestamp,
    /// Its instants.
    pub deadlines: Deadlines,
    /// When something happens next.
    pub next: Option<Timestamp>,
    /// The last step that took effect in this round.
    pub told: Option<Step>,
    /// Rung of the ladder that was told.
    pub level: u8,
    /// When it stopped.
    pub stopped: Option<Timestamp>,
    /// Why it stopped; empty while it runs.
    pub stop_cause: String,
    /// Why no time is used now.
    pub held: Option<HoldReason>,
    /// The customer was told the deadline.
    pub told_customer: bool,
    /// How often it was made.
    pub round: u32,
    /// The grade that gave its length.
    pub grade: Grade,
    /// The urgency that gave its length.
    pub urgency: Urgency,
    /// Where paging about its breach stands.
    pub paging: Paging,
    /// The policy that it pins.
    pub policy_profile: String,
    /// That policy's revision.
    pub policy_revision: i32,
    /// The revision of the site's calendar by which it counts.
    pub calendar_revision: u32,
    /// Whether it reaches into a year that is not published yet.
    pub provisional: bool,
    /// By which channel the customer asked for it; none where the channel of the case says it. A release that keeps none makes it
    /// anew and leaves this as it was, until the next event of this one.
    pub channel: Option<Channel>,
    /// Who demands it or owes it; empty where nobody but us.
    pub party: String,
    /// That party's own number for the case.
    pub outside_number: String,
    /// When triage made it.
    pub created: Timestamp,
    /// When what it was made of, or last made anew, was entered, whenever it counts from.
    pub made: Timestamp,
    /// Rises with every change.
    pub generation: i64,
}

impl Clock {
    /// One that promises nothing to anybody, yet: only an instant that is waited for. It is not behind the
    /// calendar of that moment.
    pub fn silent(
        id: Uuid,
        case: &Case,
        kind: ClockKind,
        start: Timestamp,
        now: Timestamp,
        calendar_revision: u32,
    ) -> Self {
        Self {
            id,
            case: case.id,
            kind,
            slot: String::new(),
            demand: None,
            state: ClockState::Running,
            term: Term::Until(start),
            start,
            deadlines: Deadlines::at(start),
            next: None,
            told: None,
            level: 0,
            stopped: None,
            stop_cause: String::new(),
            held: None,
            told_customer: false,
            round: 1,
            grade: case.grade.unwrap_or(Grade::FOUR),
            urgency: Urgency::WithinADay,
            paging: Paging::default(),
            policy_profile: String::new(),
            policy_revision: 0,
            calendar_revision,
            provisional: false,
            channel: None,
            party: String::new(),
            outside_number: String::new(),
            created: now,
            made: now,
            generation: 1,
        }
    }

    /// Whether it is this one of its kind. Demands that share a slot, as those of a defence do, are told apart by name.
    pub fn is_for(&self, kind: ClockKind, slot: &str, demand: Option<Uuid>) -> bool {
        self.kind == kind && self.slot == slot && (!slot.is_empty() || self.demand == demand)
    }

    /// By which channel the customer asked for it.
    pub fn asked_by(&self, case: &Case) -> Channel {
        self.channel.unwrap_or(case.facts.channel)
    }

    /// The deadline of the law that it keeps: its slot begins with that one's name.
    pub fn law(&self) -> Option<LegalDeadline> {
        law_of(self.kind, &self.slot)
    }

    /// The same, with what says until when it took care of what was known.
    pub fn legal(&self) -> Option<Legal> {
        let name = self.law()?;
        Some(Legal {
            case: self.case,
            clock: self.id,
            name,
            by_facts: self.slot == name.word(),
            until: self.stopped.map(|stopped| stopped.max(self.start)),
            stop_cause: self.stop_cause.clone(),
        })
    }

    /// Whether it promises nothing to anybody, so that it has no events.
    pub fn is_silent(&self) -> bool {
        matches!(self.kind, ClockKind::AgeCheck | ClockKind::HoldEnd)
    }

    /// Whether it is only waited for: whoever waits says what comes next, and no calendar moves it. The kinds that
    /// promise nothing, and the question whether a signal is so, which has events but is asked rung by rung.
    pub fn is_waited_for(&self) -> bool {
        self.is_silent() || self.kind == ClockKind::ConfirmSignal
    }

    /// Whether it stands still with the age of its case: it waits, and for no instant. What for the holds of the case say.
    pub fn is_still(&self) -> bool {
        self.kind == ClockKind::AgeCheck && self.stopped.is_none() && self.next.is_none()
    }

    /// Its deadline as it holds now: whoever is asked a question now has until then.
    pub fn due(&self) -> Timestamp {
        let asked = self.kind == ClockKind::ConfirmSignal;
        let until = self.paging.until.filter(|_| asked);
        until.unwrap_or(self.deadlines.due)
    }

    /// Arms it for its next step, or for when paging goes on, whichever comes first. Nobody is paged about a clock
    /// that is stopped or held.
    pub fn arm(&mut self, step: Option<Timestamp>) {
        if self.stopped.is_some() {
            self.paging.until = None;
        }
        let until = self.paging.until.filter(|_| self.held.is_none());
        self.next = step.into_iter().chain(until).min();
    }

    /// Its entry in the timer index; none where nothing comes.
    pub fn entry(&self) -> Option<Entry> {
        let due = self.next?;
        Some(Entry::new(self.id, self.generation, due).first(self.grade == Grade::ONE))
    }
}

/// A deadline of the law that a case keeps or kept.
#[derive(Debug, Clone)]
pub struct Legal {
    /// The case.
    pub case: Uuid,
    /// Its clock.
    pub clock: Uuid,
    /// Which.
    pub name: LegalDeadline,
    /// Whether signals of the case started it, and no person: then its slot is the name alone.
    pub by_facts: bool,
    /// Until when it took care of what was known; none while it runs.
    pub until: Option<Timestamp>,
    /// Why it stopped; empty while it runs.
    pub stop_cause: String,
}

/// The deadline of the law that a clock of this kind keeps in this slot, if any.
pub fn law_of(kind: ClockKind, slot: &str) -> Option<LegalDeadline> {
    let name = slot.split('/').next()?;
    name.parse()
        .ok()
        .filter(|_| kind == ClockKind::OutsideDeadline)
}

/// Something that happened to a clock.
#[derive(Debug, Clone)]
pub struct History {
    /// What.
    pub transition: ClockTransition,
    /// When it took effect.
    pub at: Timestamp,
    /// The deadline after it.
    pub due: Timestamp,
    /// Why.
    pub cause: String,
}

struct Row {
    id: Uuid,
    case_id: Uuid,
    kind: String,
    state: String,
    length: String,
    start_time: jiff_sqlx::Timestamp,
    warn_time: jiff_sqlx::Timestamp,
    due_time: jiff_sqlx::Timestamp,
    duty_lead_time: jiff_sqlx::Timestamp,
    top_lead_time: jiff_sqlx::Timestamp,
    next_time: Option<jiff_sqlx::Timestamp>,
    told: i16,
    level: i16,
    stop_time: Option<jiff_sqlx::Timestamp>,
    round: i32,
    grade: i16,
    policy_profile: String,
    policy_revision: i32,
    provisional: bool,
    create_time: jiff_sqlx::Timestamp,
    generation: i64,
    slot: String,
    warn_early_time: Option<jiff_sqlx::Timestamp>,
    calendar_revision: i32,
    told_customer: bool,
    hold_reason: Option<String>,
    stop_cause: String,
    party: String,
    outside_number: String,
    urgency: String,
    page_state: String,
    page_time: Option<jiff_sqlx::Timestamp>,
    demand: Option<Uuid>,
    made_time: Option<jiff_sqlx::Timestamp>,
    channel: Option<String>,
}

impl Row {
    fn read(self) -> Result<Clock, Fault> {
        Ok(Clock {
            id: self.id,
            case: self.case_id,
            kind: word(&self.kind)?,
            state: word(&self.state)?,
            slot: self.slot,
            demand: self.demand,
            term: self.length.parse().map_err(Fault::internal)?,
            start: self.start_time.to_jiff(),
            deadlines: Deadlines {
                warn_early: self.warn_early_time.map(jiff_sqlx::Timestamp::to_jiff),
                warn: self.warn_time.to_jiff(),
                due: self.due_time.to_jiff(),
                climb_duty: self.duty_lead_time.to_jiff(),
                climb_top: self.top_lead_time.to_jiff(),
            },
            next: self.next_time.map(jiff_sqlx::Timestamp::to_jiff),
            told: step_of_row(self.told),
            level: u8::try_from(self.level).unwrap_or(0),
            stopped: self.stop_time.map(jiff_sqlx::Timestamp::to_jiff),
            stop_cause: self.stop_cause,
            held: self.hold_reason.as_deref().map(word).transpose()?,
            told_customer: self.told_customer,
            round: u32::try_from(self.round).unwrap_or(1),
            grade: grade_of_row(self.grade)
                .ok_or_else(|| Fault::internal("a grade beyond 1 to 4"))?,
            urgency: word(&self.urgency)?,
            paging: Paging {
                state: word(&self.page_state)?,
                until: self.page_time.map(jiff_sqlx::Timestamp::to_jiff),
            },
            policy_profile: self.policy_profile,
            policy_revision: self.policy_revision,
            calendar_revision: u32::try_from(self.calendar_revision).unwrap_or(0),
            provisional: self.provisional,
            channel: self.channel.as_deref().map(word).transpose()?,
            party: self.party,
            outside_number: self.outside_number,
            created: self.create_time.to_jiff(),
            made: self.made_time.unwrap_or(self.create_time).to_jiff(),
            generation: self.generation,
        })
    }
}

fn step_to_row(step: Option<Step>) -> i16 {
    match step {
        None => 0,
        Some(Step::Warn) => 1,
        Some(Step::Breach) => 2,
        Some(Step::ClimbDuty) => 3,
        Some(Step::ClimbTop) => 4,
        Some(Step::WarnEarly) => 5,
    }
}

fn step_of_row(step: i16) -> Option<Step> {
    Step::ALL
        .into_iter()
        .find(|s| step_to_row(Some(*s)) == step)
}

/// Keeps new clocks.
pub async fn insert(tx: &mut Tx, site: &SiteId, clocks: &[&Clock]) -> Result<(), Fault> {
    if clocks.is_empty() {
        return Ok(());
    }
    type At = jiff_sqlx::Timestamp;
    let at = |of: fn(&Clock) -> Timestamp| -> Vec<At> {
        clocks.iter().map(|c| of(c).to_sqlx()).collect()
    };
    let may_be_at = |of: fn(&Clock) -> Option<Timestamp>| -> Vec<Option<At>> {
        clocks.iter().map(|c| of(c).map(|t| t.to_sqlx())).collect()
    };
    let text = |of: fn(&Clock) -> String| -> Vec<String> { clocks.iter().map(|c| of(c)).collect() };
    let is = |of: fn(&Clock) -> bool| -> Vec<bool> { clocks.iter().map(|c| of(c)).collect() };
    let whole = |of: fn(&Clock) -> i32| -> Vec<i32> { clocks.iter().map(|c| of(c)).collect() };
    let ids: Vec<Uuid> = clocks.iter().map(|c| c.id).collect();
    let cases: Vec<Uuid> = clocks.iter().map(|c| c.case).collect();
    let told: Vec<i16> = clocks.iter().map(|c| step_to_row(c.told)).collect();
    let levels: Vec<i16> = clocks.iter().map(|c| i16::from(c.level)).collect();
    let grades: Vec<i16> = clocks.iter().map(|c| i16::from(c.grade.value())).collect();
    let generations: Vec<i64> = clocks.iter().map(|c| c.generation).collect();
    let held: Vec<Option<&str>> = clocks
        .iter()
        .map(|c| c.held.map(HoldReason::word))
        .collect();
    let demands: Vec<Option<Uuid>> = clocks.iter().map(|c| c.demand).collect();
    let channels: Vec<Option<&str>> = clocks
        .iter()
        .map(|c| c.channel.map(Channel::word))
        .collect();
    sqlx::query!(
        "-- triage::store::clocks::insert
        INSERT INTO clock (site, traceparent, id, case_id, kind, state, length, start_time, warn_time, due_time,
          duty_lead_time, top_lead_time, next_time, told, level, stop_time, held, round, grade, policy_profile,
          policy_revision, provisional, create_time, generation, slot, warn_early_time, calendar_revision, told_customer,
          hold_reason, stop_cause, party, outside_number, urgency, demand, made_time, channel)
        SELECT $1, $2, n.* FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
          $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
          $14::smallint[], $15::smallint[], $16::timestamptz[], $17::boolean[], $18::integer[], $19::smallint[],
          $20::text[], $21::integer[], $22::boolean[], $23::timestamptz[], $24::bigint[], $25::text[],
          $26::timestamptz[], $27::integer[], $28::boolean[], $29::text[], $30::text[], $31::text[], $32::text[],
          $33::text[], $34::uuid[], $35::timestamptz[], $36::text[]) AS n",
        site.as_str(),
        traceparent().unwrap_or_default(),
        &ids,
        &cases,
        &text(|c| c.kind.word().to_owned()),
        &text(|c| c.state.word().to_owned()),
        &text(|c| c.term.to_string()),
        &at(|c| c.start) as &[At],
        &at(|c| c.deadlines.warn) as &[At],
        &at(|c| c.deadlines.due) as &[At],
        &at(|c| c.deadlines.climb_duty) as &[At],
        &at(|c| c.deadlines.climb_top) as &[At],
        &may_be_at(|c| c.next) as &[Option<At>],
        &told,
        &levels,
        &may_be_at(|c| c.stopped) as &[Option<At>],
        &is(|c| c.held.is_some()),
        &whole(|c| i32::try_from(c.round).unwrap_or(i32::MAX)),
        &grades,
        &text(|c| c.policy_profile.clone()),
        &whole(|c| c.policy_revision),
        &is(|c| c.provisional),
        &at(|c| c.created) as &[At],
        &generations,
        &text(|c| c.slot.clone()),
        &may_be_at(|c| c.deadlines.warn_early) as &[Option<At>],
        &whole(|c| i32::try_from(c.calendar_revision).unwrap_or(i32::MAX)),
        &is(|c| c.told_customer),
        &held as &[Option<&str>],
        &text(|c| c.stop_cause.clone()),
        &text(|c| c.party.clone()),
        &text(|c| c.outside_number.clone()),
        &text(|c| c.urgency.word().to_owned()),
        &demands as &[Option<Uuid>],
        &at(|c| c.made) as &[At],
        &channels as &[Option<&str>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// Keeps a clock as it is now.
pub async fn update(tx: &mut Tx, site: &SiteId, clock: &Clock) -> Result<(), Fault> {
    sqlx::query!(
        "-- triage::store::clocks::update
        UPDATE clock SET state = $3, length = $4, start_time = $5, warn_time = $6, due_time = $7,
          duty_lead_time = $8, top_lead_time = $9, next_time = $10, told = $11, level = $12, stop_time = $13,
          held = $14, round = $15, grade = $16, provisional = $17, generation = $18, warn_early_time = $19,
          calendar_revision = $20, told_customer = $21, hold_reason = $22, stop_cause = $23, policy_profile = $24,
          policy_revision = $25, urgency = $26, page_state = $27, page_time = $28, party = $29, outside_number = $30,
          demand = $31, made_time = $32, channel = $33
        WHERE site = $1 AND id = $2",
        site.as_str(),
        clock.id,
        clock.state.word(),
        clock.term.to_string(),
        clock.start.to_sqlx(),
        clock.deadlines.warn.to_sqlx(),
        clock.deadlines.due.to_sqlx(),
        clock.deadlines.climb_duty.to_sqlx(),
        clock.deadlines.climb_top.to_sqlx(),
        clock.next.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        step_to_row(clock.told),
        i16::from(clock.level),
        clock.stopped.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        clock.held.is_some(),
        i32::try_from(clock.round).unwrap_or(i32::MAX),
        i16::from(clock.grade.value()),
        clock.provisional,
        clock.generation,
        clock.deadlines.warn_early.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        i32::try_from(clock.calendar_revision).unwrap_or(i32::MAX),
        clock.told_customer,
        clock.held.map(HoldReason::word),
        clock.stop_cause,
        clock.policy_profile,
        clock.policy_revision,
        clock.urgency.word(),
        clock.paging.state.word(),
        clock.paging.until.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        clock.party,
        clock.outside_number,
        clock.demand,
        clock.made.to_sqlx(),
        clock.channel.map(Channel::word),
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The clocks of a case, locked until the transaction ends.
pub async fn lock_of_case(tx: &mut Tx, site: &SiteId, case: Uuid) -> Result<Vec<Clock>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::clocks::lock_of_case
        SELECT id, case_id, kind, state, length, start_time, warn_time, due_time, duty_lead_time, top_lead_time,
               next_time, told, level, stop_time, round, grade, policy_profile, policy_revision, provisional,
               create_time, generation, slot, warn_early_time, calendar_revision, told_customer, hold_reason,
               stop_cause, party, outside_number, urgency, page_state, page_time, demand, made_time, channel
        FROM clock WHERE site = $1 AND case_id = $2 ORDER BY id FOR UPDATE",
        site.as_str(),
        case,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// The demands that clocks of this kind keep on these cases, whether they still run or not.
pub async fn demands(
    tx: &mut Tx,
    site: &SiteId,
    cases: &[Uuid],
    kind: ClockKind,
) -> Result<Vec<Uuid>, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::clocks::demands
        SELECT demand AS \"demand!\" FROM clock
        WHERE site = $1 AND case_id = ANY ($2) AND kind = $3 AND demand IS NOT NULL",
        site.as_str(),
        cases,
        kind.word(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// The deadlines of the law that these cases keep or kept.
pub async fn legal_of(tx: &mut Tx, site: &SiteId, cases: &[Uuid]) -> Result<Vec<Legal>, Fault> {
    const KIND: ClockKind = ClockKind::OutsideDeadline;
    let rows = sqlx::query!(
        "-- triage::store::clocks::legal_of
        SELECT id, case_id, slot, start_time, stop_time, stop_cause FROM clock
        WHERE site = $1 AND case_id = ANY ($2) AND kind = $3",
        site.as_str(),
        cases,
        KIND.word(),
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let legal = rows.into_iter().filter_map(|row| {
        let stopped = row.stop_time.map(jiff_sqlx::Timestamp::to_jiff);
        let name = law_of(KIND, &row.slot)?;
        Some(Legal {
            case: row.case_id,
            clock: row.id,
            name,
            by_facts: row.slot == name.word(),
            // A case may have ended, as we hear now, before it was started.
            until: stopped.map(|stopped| stopped.max(row.start_time.to_jiff())),
            stop_cause: row.stop_cause,
        })
    });
    Ok(legal.collect())
}

/// These clocks, locked until the transaction ends. Their cases must be locked.
pub async fn lock_many(
    tx: &mut Tx,
    site: &SiteId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Clock>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::clocks::lock_many
        SELECT id, case_id, kind, state, length, start_time, warn_time, due_time, duty_lead_time, top_lead_time,
               next_time, told, level, stop_time, round, grade, policy_profile, policy_revision, provisional,
               create_time, generation, slot, warn_early_time, calendar_revision, told_customer, hold_reason,
               stop_cause, party, outside_number, urgency, page_state, page_time, demand, made_time, channel
        FROM clock WHERE site = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE",
        site.as_str(),
        ids,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?
    .into_iter()
    .map(|row| Ok((row.id, row.read()?)))
    .collect()
}

/// Keeps how far telling of these clocks has come; the rest of their rows is as it was.
pub async fn update_told(tx: &mut Tx, site: &SiteId, clocks: &[&Clock]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = clocks.iter().map(|c| c.id).collect();
    let states: Vec<String> = clocks.iter().map(|c| c.state.word().to_owned()).collect();
    let next: Vec<Option<jiff_sqlx::Timestamp>> =
        clocks.iter().map(|c| c.next.map(|t| t.to_sqlx())).collect();
    let told: Vec<i16> = clocks.iter().map(|c| step_to_row(c.told)).collect();
    let levels: Vec<i16> = clocks.iter().map(|c| i16::from(c.level)).collect();
    let generations: Vec<i64> = clocks.iter().map(|c| c.generation).collect();
    let paging: Vec<String> = clocks
        .iter()
        .map(|c| c.paging.state.word().to_owned())
        .collect();
    let until: Vec<Option<jiff_sqlx::Timestamp>> = clocks
        .iter()
        .map(|c| c.paging.until.map(|t| t.to_sqlx()))
        .collect();
    sqlx::query!(
        "-- triage::store::clocks::update_told
        UPDATE clock c SET state = n.state, next_time = n.next, told = n.told, level = n.level,
          generation = n.generation, page_state = n.paging, page_time = n.until
        FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::smallint[], $6::smallint[], $7::bigint[],
                    $8::text[], $9::timestamptz[])
          AS n(id, state, next, told, level, generation, paging, until)
        WHERE c.site = $1 AND c.id = n.id",
        site.as_str(),
        &ids,
        &states,
        &next as &[Option<jiff_sqlx::Timestamp>],
        &told,
        &levels,
        &generations,
        &paging,
        &until as &[Option<jiff_sqlx::Timestamp>],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// One clock.
pub async fn get(tx: &mut Tx, site: &SiteId, id: Uuid) -> Result<Option<Clock>, Fault> {
    sqlx::query_as!(
        Row,
        "-- triage::store::clocks::get
        SELECT id, case_id, kind, state, length, start_time, warn_time, due_time, duty_lead_time, top_lead_time,
               next_time, told, level, stop_time, round, grade, policy_profile, policy_revision, provisional,
               create_time, generation, slot, warn_early_time, calendar_revision, told_customer, hold_reason,
               stop_cause, party, outside_number, urgency, page_state, page_time, demand, made_time, channel
        FROM clock WHERE site = $1 AND id = $2",
        site.as_str(),
        id,
    )
    .fetch_optional(&mut **tx)
    .await
    .or_fault()?
    .map(Row::read)
    .transpose()
}

/// What a list of clocks is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One site; none: all in scope.
    pub site: Option<SiteId>,
    /// One case.
    pub case: Option<Uuid>,
    /// These states; empty: any.
    pub states: Vec<ClockState>,
    /// These kinds.
    pub kinds: Vec<ClockKind>,
    /// Held or not; none: both.
    pub held: Option<bool>,
    /// Held for one of these reasons; empty: any.
    pub hold_reasons: Vec<HoldReason>,
    /// Not of cases about this person, `sites/{site}/staff/{staff}`.
    pub not_about: Option<String>,
}

/// Clocks with their site, newest first, after a key. An age check that stands still is held for what its case is held for.
pub async fn page(
    tx: &mut Tx,
    filter: &Filter,
    after: Option<(Timestamp, Uuid)>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<(SiteId, Clock)>, Fault> {
    let (time, id) = after.unzip();
    let states: Vec<String> = filter.states.iter().map(|s| s.word().to_owned()).collect();
    let kinds: Vec<String> = filter.kinds.iter().map(|k| k.word().to_owned()).collect();
    let reasons: Vec<String> = filter
        .hold_reasons
        .iter()
        .map(|r| r.word().to_owned())
        .collect();
    let rows = sqlx::query!(
        "-- triage::store::clocks::page
        SELECT site, id, case_id, kind, state, length, start_time, warn_time, due_time, duty_lead_time,
               top_lead_time, next_time, told, level, stop_time, round, grade, policy_profile,
               policy_revision, provisional,
               create_time, generation, slot, warn_early_time, calendar_revision, told_customer,
               coalesce(hold_reason, still.reason) AS hold_reason,
               stop_cause, party, outside_number, urgency, page_state, page_time, demand, made_time, channel
        FROM clock LEFT JOIN LATERAL (
          SELECT h.reason FROM case_hold h
          WHERE clock.kind = 'AGE_CHECK' AND clock.stop_time IS NULL AND clock.next_time IS NULL
            AND h.site = clock.site AND h.case_id = clock.case_id AND h.end_time IS NULL AND h.until_time > $11
            AND h.reason <> 'SINGLE_VOICE'
          ORDER BY h.start_time, h.id LIMIT 1) AS still ON true
        WHERE ($1::text IS NULL OR site = $1) AND ($2::uuid IS NULL OR case_id = $2)
          AND (cardinality($3::text[]) = 0 OR state = ANY ($3)) AND kind = ANY ($4)
          AND ($5::timestamptz IS NULL OR (create_time, id) < ($5, $6))
          AND ($8::text IS NULL OR NOT EXISTS (
            SELECT FROM case_file c WHERE c.site = clock.site AND c.id = clock.case_id AND $8 = ANY (c.excluded)))
          AND ($9::boolean IS NULL OR (coalesce(hold_reason, still.reason) IS NOT NULL) = $9)
          AND (cardinality($10::text[]) = 0 OR coalesce(hold_reason, still.reason) = ANY ($10))
        ORDER BY create_time DESC, id DESC LIMIT $7",
        filter.site.as_ref().map(SiteId::as_str),
        filter.case,
        &states,
        &kinds,
        time.map(|t| t.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        id,
        limit,
        filter.not_about,
        filter.held,
        &reasons,
        now.to_sqlx() as _,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|r| {
            let site: SiteId = r.site.parse().map_err(Fault::internal)?;
            let row = Row {
                id: r.id,
                case_id: r.case_id,
                kind: r.kind,
                state: r.state,
                length: r.length,
                start_time: r.start_time,
                warn_time: r.warn_time,
                due_time: r.due_time,
                duty_lead_time: r.duty_lead_time,
                top_lead_time: r.top_lead_time,
                next_time: r.next_time,
                told: r.told,
                level: r.level,
                stop_time: r.stop_time,
                round: r.round,
                grade: r.grade,
                policy_profile: r.policy_profile,
                policy_revision: r.policy_revision,
                provisional: r.provisional,
                create_time: r.create_time,
                generation: r.generation,
                slot: r.slot,
                warn_early_time: r.warn_early_time,
                calendar_revision: r.calendar_revision,
                told_customer: r.told_customer,
                hold_reason: r.hold_reason,
                stop_cause: r.stop_cause,
                party: r.party,
                outside_number: r.outside_number,
                urgency: r.urgency,
                page_state: r.page_state,
                page_time: r.page_time,
                demand: r.demand,
                made_time: r.made_time,
                channel: r.channel,
            };
            Ok((site, row.read()?))
        })
        .collect()
}

/// What is added to the history of a clock: what happened, and for a step of its fold the event that it was.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// Which clock.
    pub clock: Uuid,
    /// None where something was only told.
    pub event: Option<&'a Event>,
    /// What happened.
    pub entry: &'a History,
}

/// Adds to the histories of clocks, in this order.
pub async fn note(tx: &mut Tx, site: &SiteId, notes: &[Note<'_>]) -> Result<(), Fault> {
    if notes.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = notes.iter().map(|n| n.clock).collect();
    let events: Result<Vec<Option<serde_json::Value>>, _> = notes
        .iter()
        .map(|n| n.event.map(serde_json::to_value).transpose())
        .collect();
    let transitions: Vec<&str> = notes.iter().map(|n| n.entry.transition.word()).collect();
    let at: Vec<jiff_sqlx::Timestamp> = notes.iter().map(|n| n.entry.at.to_sqlx()).collect();
    let due: Vec<jiff_sqlx::Timestamp> = notes.iter().map(|n| n.entry.due.to_sqlx()).collect();
    let causes: Vec<&str> = notes.iter().map(|n| n.entry.cause.as_str()).collect();
    sqlx::query!(
        "-- triage::store::clocks::note
        INSERT INTO clock_event (site, clock_id, sequence, event, transition, event_time, due_time, cause)
        SELECT $1, n.id,
               coalesce((SELECT max(e.sequence) FROM clock_event e WHERE e.site = $1 AND e.clock_id = n.id), 0)
                 + row_number() OVER (PARTITION BY n.id ORDER BY n.place),
               n.event, n.transition, n.at, n.due, n.cause
        FROM unnest($2::uuid[], $3::jsonb[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[])
          WITH ORDINALITY AS n(id, event, transition, at, due, cause, place)",
        site.as_str(),
        &ids,
        &events.map_err(Fault::internal)? as &[Option<serde_json::Value>],
        &transitions as &[&str],
        &at as &[jiff_sqlx::Timestamp],
        &due as &[jiff_sqlx::Timestamp],
        &causes as &[&str],
    )
    .execute(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// The events of the folds of these clocks, in the order in which they happened.
pub async fn events_of(
    tx: &mut Tx,
    site: &SiteId,
    clocks: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Event>>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clocks::events_of
        SELECT clock_id, event AS \"event!\" FROM clock_event
        WHERE site = $1 AND clock_id = ANY ($2) AND event IS NOT NULL ORDER BY clock_id, sequence",
        site.as_str(),
        clocks,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    let mut events: HashMap<Uuid, Vec<Event>> = HashMap::new();
    for row in rows {
        let event = serde_json::from_value(row.event).map_err(Fault::internal)?;
        events.entry(row.clock_id).or_default().push(event);
    }
    Ok(events)
}

/// The events of a clock's fold, in the order in which they happened.
pub async fn events(tx: &mut Tx, site: &SiteId, clock: Uuid) -> Result<Vec<Event>, Fault> {
    let rows = sqlx::query_scalar!(
        "-- triage::store::clocks::events
        SELECT event AS \"event!\" FROM clock_event
        WHERE site = $1 AND clock_id = $2 AND event IS NOT NULL ORDER BY sequence",
        site.as_str(),
        clock,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .map(|event| serde_json::from_value(event).map_err(Fault::internal))
        .collect()
}

/// Why each of the events of a clock's fold happened, in the same order.
pub async fn causes(tx: &mut Tx, site: &SiteId, clock: Uuid) -> Result<Vec<String>, Fault> {
    sqlx::query_scalar!(
        "-- triage::store::clocks::causes
        SELECT cause FROM clock_event
        WHERE site = $1 AND clock_id = $2 AND event IS NOT NULL ORDER BY sequence",
        site.as_str(),
        clock,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()
}

/// What happened to a clock, oldest first: the newest 200.
pub async fn history(tx: &mut Tx, site: &SiteId, clock: Uuid) -> Result<Vec<History>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clocks::history
        SELECT transition, event_time, due_time, cause FROM clock_event
        WHERE site = $1 AND clock_id = $2 ORDER BY sequence DESC LIMIT $3",
        site.as_str(),
        clock,
        HISTORY_MAX,
    )
    .fetch_all(&mut **tx)
    .await
    .or_fault()?;
    rows.into_iter()
        .rev()
        .map(|row| {
            Ok(History {
                transition: word(&row.transition)?,
                at: row.event_time.to_jiff(),
                due: row.due_time.to_jiff(),
                cause: row.cause,
            })
        })
        .collect()
}

/// Where a clock of any site is.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The site.
    pub site: SiteId,
    /// The case.
    pub case: Uuid,
    /// Which promise.
    pub kind: ClockKind,
    /// The trace in which it was made.
    pub traceparent: String,
}

/// Where these clocks are: the worker's view.
pub async fn origins(db: &Database, ids: &[Uuid]) -> Result<HashMap<Uuid, Origin>, Fault> {
    sqlx::query!(
        "-- triage::store::clocks::origins
        SELECT id, site, case_id, kind, traceparent FROM clock WHERE id = ANY ($1)",
        ids,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?
    .into_iter()
    .map(|r| {
        let origin = Origin {
            site: r.site.parse().map_err(Fault::internal)?,
            case: r.case_id,
            kind: word(&r.kind)?,
            traceparent: r.traceparent,
        };
        Ok((r.id, origin))
    })
    .collect()
}

/// What is due, since an instant where one is given, grade 1 first, then the oldest: the worker's view of all sites.
pub async fn due(
    db: &Database,
    since: Option<Timestamp>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clocks::due
        SELECT id, generation, next_time AS \"next_time!\", grade FROM clock
        WHERE next_time <= $1 AND next_time >= coalesce($3, '-infinity'::timestamptz)
        ORDER BY (grade = 1) DESC, next_time, id LIMIT $2",
        now.to_sqlx(),
        limit,
        since.map(|at| at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| Entry::new(r.id, r.generation, r.next_time.to_jiff()).first(r.grade == 1))
        .collect())
}

/// How much is due, by how late it is: the worker's view of all sites. Reads of the index `clock_due` what lies between
/// `since` and `now`, as [`due`] does, and of no case.
pub async fn overdue(
    db: &Database,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<Overdue, Fault> {
    let [second, ten, minute, long] = Overdue::instants(now).map(|at| at.to_sqlx());
    let row = sqlx::query!(
        "-- triage::store::clocks::overdue
        SELECT count(*) FILTER (WHERE next_time > $2) AS \"under_1s!\",
               count(*) FILTER (WHERE next_time <= $2 AND next_time > $3) AS \"under_10s!\",
               count(*) FILTER (WHERE next_time <= $3 AND next_time > $4) AS \"under_1m!\",
               count(*) FILTER (WHERE next_time <= $4 AND next_time > $5) AS \"under_10m!\",
               count(*) FILTER (WHERE next_time <= $5) AS \"over_10m!\",
               min(next_time) AS oldest
        FROM clock WHERE next_time <= $1 AND next_time >= coalesce($6, '-infinity'::timestamptz)",
        now.to_sqlx(),
        second,
        ten,
        minute,
        long,
        since.map(|at| at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .fetch_one(db.worker())
    .await
    .or_fault()?;
    let counts = [
        row.under_1s,
        row.under_10s,
        row.under_1m,
        row.under_10m,
        row.over_10m,
    ];
    Ok(Overdue {
        counts: counts.map(i64::unsigned_abs),
        oldest: row.oldest.map(|at| at.to_jiff()),
    })
}

/// Everything that is armed, by id: the worker's view of all sites.
pub async fn armed(db: &Database, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>, Fault> {
    let rows = sqlx::query!(
        "-- triage::store::clocks::armed
        SELECT id, generation, next_time AS \"next_time!\", grade FROM clock
        WHERE next_time IS NOT NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2",
        after,
        limit,
    )
    .fetch_all(db.worker())
    .await
    .or_fault()?;
    Ok(rows
        .into_iter()
        .map(|r| Entry::new(r.id, r.generation, r.next_time.to_jiff()).first(r.grade == 1))
        .collect())
}
