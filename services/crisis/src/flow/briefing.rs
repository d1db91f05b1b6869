//! Weekly briefings: planning with their clock, holding, releasing notes, and keeping what was promised.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{BriefingName, CommitmentName, IncidentName, StaffId};
use redress_model::time::whole_micros;
use redress_model::words::{ClockKind, ClockState};
use redress_store::Tx;
use uuid::Uuid;

use super::Turn;
use crate::domain::briefing::{
    Asked, BriefingState, CommitmentState, Form, Header, Item, Record, Settled, Window, agenda,
    digest, form, notes,
};
use crate::domain::cadence::{briefed_until, is_of_its_week, told_until};
use crate::domain::matrix::Reach;
use crate::domain::statement::Person;
use crate::domain::words::{Audience, LogKind, TellMeans};
use crate::store::briefings::{Briefing, Held, Released};
use crate::store::commitments::Commitment;
use crate::store::incidents::Incident;
use crate::store::{briefings, cases, commitments, duty};

/// Somebody who promises something in more than a year promises nothing.
pub(super) const DUE_WITHIN_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Two briefings of an incident that are nearer, of which one is beside those of the weeks, are one that was recorded twice.
const APART_AT_LEAST: SignedDuration = SignedDuration::from_mins(15);

/// What is recorded of a briefing.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// What was asked, each with the answer that was given; empty where none was.
    pub questions: Vec<(String, String)>,
    /// What was promised.
    pub commitments: Vec<Pledge>,
}

/// What was recorded wrongly of a briefing; what is none or empty stays.
#[derive(Debug, Clone, Default)]
pub struct Correction {
    /// How many people who complain attended or were told.
    pub attendance: Option<i32>,
    /// Who of the company attended.
    pub staff: Vec<StaffId>,
    /// Whose complainants attended or were told.
    pub cases: Vec<Uuid>,
    /// Where papers lie.
    pub reference: String,
}

impl Correction {
    fn of(&self, before: &Held) -> Held {
        let mut held = before.clone();
        if let Some(attendance) = self.attendance {
            held.attendance = attendance;
        }
        if !self.staff.is_empty() {
            held.staff.clone_from(&self.staff);
        }
        if !self.cases.is_empty() {
            held.cases.clone_from(&self.cases);
        }
        if !self.reference.is_empty() {
            held.reference.clone_from(&self.reference);
        }
        held
    }
}

/// A commitment as somebody makes it.
#[derive(Debug, Clone)]
pub struct Pledge {
    /// What.
    pub text: String,
    /// Who keeps it.
    pub owner: StaffId,
    /// By when.
    pub due: Timestamp,
}

/// A briefing with everything that its reader wants.
#[derive(Debug, Clone)]
pub struct Told {
    /// The briefing.
    pub briefing: Briefing,
    /// Meeting or notice.
    pub form: Form,
    /// What it is about.
    pub agenda: Vec<Item>,
    /// What that covers.
    pub window: Window,
    /// Notes as released, or as they would be now; empty before it was held.
    pub notes: String,
    /// Whether the rows give what was released.
    pub reproducible: bool,
    /// The notes of the last one that was released before; none where there is none.
    pub before: Option<String>,
    /// What was asked.
    pub asked: Vec<Asked>,
    /// What was promised at it.
    pub commitments: Vec<Commitment>,
}

impl Told {
    /// Reads it. `now` is where the window of one that was not held ends.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn load(
        tx: &mut Tx,
        incident: &Incident,
        briefing: Briefing,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let site = &briefing.name.site;
        let id = briefing.incident;
        let before = last_released(tx, &briefing).await?;
        let window = match &briefing.released {
            Some(released) => released.window,
            None => window(tx, incident, &briefing, before.as_ref(), now).await?,
        };
        let record = Record {
            log: briefings::log(tx, site, id, &window).await?,
            broken: briefings::broken(tx, site, id, &window).await?,
            promised: commitments::promised(tx, site, id).await?,
            asked: briefings::asked(tx, site, id).await?,
        };
        let form = match &briefing.held {
            Some(held) => held.form,
            None => form(briefings::complainants(tx, site, id).await?),
        };
        let written = match &briefing.held {
            None => String::new(),
            Some(held) => {
                let released = briefing.released.as_ref();
                let then = released.and_then(|r| TimeZone::get(&r.zone).ok());
                let header = Header {
                    incident: &incident.number,
                    number: briefing.number,
                    form,
                    stage: released.map_or(incident.stage, |r| r.stage),
                    planned: briefing.planned,
                    held: held.at,
                    attendance: held.attendance,
                    staff: &held.staff,
                    cases: &briefings::case_numbers(tx, site, &held.cases).await?,
                    reference: &held.reference,
                    zone: then.as_ref().unwrap_or(zone),
                };
                notes(&header, &record, &window)
            }
        };
        let reproducible = briefing
            .released
            .as_ref()
            .is_none_or(|r| r.notes == written && r.digest == digest(&written));
        let mut all = commitments::list(tx, site, id, None, None, i64::MAX).await?;
        all.retain(|c| c.briefing == briefing.name);
        let mut asked = record.asked.clone();
        asked.retain(|q| q.briefing == briefing.number);
        Ok(Self {
            form,
            agenda: agenda(&record, &window, briefing.number),
            window,
            notes: match &briefing.released {
                Some(released) => released.notes.clone(),
                None => written,
            },
            reproducible,
            before: before.map(|b| b.released.notes),
            asked,
            commitments: all,
            briefing,
        })
    }
}

/// What the agenda of a briefing covers that is not released: from where the one before it ends until it was held. What happens
/// between that and the release is the next one's, since nobody was there to hear it.
async fn window(
    tx: &mut Tx,
    incident: &Incident,
    briefing: &Briefing,
    before: Option<&Before>,
    now: Timestamp,
) -> Result<Window, Fault> {
    let (site, id) = (&briefing.name.site, briefing.incident);
    let told = before.map(|b| b.released.window);
    let since_log = told.map_or(0, |w| w.until_log);
    let since = told.map_or(incident.opened, |w| w.until);
    let last = briefings::last_log(tx, site, id).await?;
    let (until_log, until) = match &briefing.held {
        Some(held) => (
            briefings::last_log_until(tx, site, id, held.at).await?,
            held.at,
        ),
        None => (last, now),
    };
    Ok(Window {
        since_log,
        since,
        since_number: before.map_or(0, |b| b.number),
        since_noted: told.map_or(0, |w| w.noted_log),
        // One that is recorded late may have been held before the one before it.
        until_log: until_log.max(since_log),
        until: until.max(since),
        noted_log: last,
    })
}

/// A briefing whose notes were released before.
struct Before {
    number: i32,
    released: Released,
}

/// The last released briefing before one.
async fn last_released(tx: &mut Tx, briefing: &Briefing) -> Result<Option<Before>, Fault> {
    let (site, before) = (&briefing.name.site, Some(briefing.number));
    let released = Some(BriefingState::Released);
    let mut found = briefings::list(tx, site, briefing.incident, released, before, 1).await?;
    let last = found.pop().and_then(|b| {
        Some(Before {
            number: b.number,
            released: b.released?,
        })
    });
    Ok(last)
}

impl Turn<'_> {
    /// Plans the briefing of a period whose clock starts.
    pub(super) async fn plan_briefing(&mut self, at: Timestamp) -> Result<(), Fault> {
        let name = BriefingName::new(self.site(), new_id(self.now));
        briefings::plan(self.tx, &name, self.incident.name.id, at).await
    }

    /// Its clock was cancelled: there is no briefing.
    pub(super) async fn unplan_briefing(&mut self) -> Result<(), Fault> {
        let site = self.site();
        let planned = briefings::planned(self.tx, &site, self.incident.name.id).await?;
        let Some(mut briefing) = planned else {
            return Ok(());
        };
        briefing.state = BriefingState::Cancelled;
        briefing.revision += 1;
        briefings::update(self.tx, &briefing).await
    }

    /// The briefing of this incident that is to be held. An incident that was open before briefings were kept has
    /// none yet.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn planned_briefing(&mut self) -> Result<Briefing, Fault> {
        let site = self.site();
        let id = self.incident.name.id;
        if let Some(planned) = briefings::planned(self.tx, &site, id).await? {
            return Ok(planned);
        }
        self.plan_briefing(self.now).await?;
        briefings::planned(self.tx, &site, id)
            .await?
            .ok_or_else(|| Fault::internal("a planned briefing is missing"))
    }

    /// The cases of this incident whose complainants have to be told.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn concerned(&mut self) -> Result<Vec<Uuid>, Fault> {
        let site = self.site();
        briefings::concerned(self.tx, &site, self.incident.name.id).await
    }

    /// Records that a briefing was held, meets its clock and plans the next; one that is held long before its week's fixed time
    /// is one more, and the week's own stays owed. The form of `held` is set by who
    /// complains now.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it is not planned or its turn has not come, nothing may leave yet, a notice left somebody out, or an
    /// owner has no place here;
    /// INVALID_ARGUMENT for a case of another incident and a time that cannot be.
    pub async fn hold_briefing(
        &mut self,
        mut briefing: Briefing,
        mut held: Held,
        new: &Notes,
    ) -> Result<(), Fault> {
        require(&briefing, BriefingState::Planned)?;
        self.require_confirmed()?;
        held.at = whole_micros(held.at);
        if held.at > self.now || held.at < self.incident.opened {
            let text = "must not be ahead, and not before the incident opened";
            return Err(Fault::invalid("hold_time", text));
        }
        let site = self.site();
        let id = self.incident.name.id;
        // One may be held ahead of its time, and not the one after it too: people would hear of nothing for weeks.
        let before = briefings::held_below(self.tx, &site, id, briefing.number).await?;
        let week = is_of_its_week(briefing.planned, held.at);
        let turn = told_until(&self.terms.policy, &self.zone, &before).filter(|_| week);
        if let Some(turn) = turn.filter(|turn| held.at < *turn) {
            let text = format!(
                "the briefing before it was held for the week until {}; the next may be held from then on",
                self.local(turn)
            );
            return Err(Fault::illegal("BRIEFING_TOO_EARLY", text, &briefing.name));
        }
        held.form = form(briefings::complainants(self.tx, &site, id).await?);
        self.require_held(&held, &[]).await?;
        let concerned = self.concerned().await?;
        require_told(&briefing, &held, &concerned)?;
        let text = match held.form {
            Form::Meeting => format!(
                "briefing {} was held, {} attended",
                briefing.number, held.attendance
            ),
            Form::Notice => format!("briefing {} was given as personal notices", briefing.number),
        };
        let (fixed, at) = (briefing.planned, held.at);
        let same = before
            .iter()
            .find(|(_, other)| other.duration_until(at).abs() < APART_AT_LEAST);
        // One of a week may follow another of a week at once; beside one more, the same was recorded twice.
        if let Some((_, other)) = same.filter(|(planned, other)| !week || planned == other) {
            let text = format!(
                "a briefing that was held at {} is recorded: what is wrong or missing in that record is set right by AddBriefingNotes; \
                 one that is another is held a quarter of an hour from it at the least",
                self.local(*other)
            );
            return Err(Fault::illegal("BRIEFING_TOO_EARLY", text, &briefing.name));
        }
        if !week {
            // One more, for its own moment; the one of the week is planned still.
            briefing.planned = at;
        }
        let by = held.by.clone();
        let reference = held.reference.clone();
        let reach = self.reach_of(&held).await?;
        briefing.state = BriefingState::Held;
        briefing.held = Some(held);
        briefing.revision += 1;
        briefings::update(self.tx, &briefing).await?;
        self.note(LogKind::Briefing, &by, &text, &reference).await?;
        self.take_notes(&briefing, new, &by).await?;
        let (affected, means) = (Audience::Affected, TellMeans::Briefing);
        self.told(affected, means, &briefing.name.to_string(), reach)
            .await?;
        if week {
            self.meet_briefing(at).await?;
        } else {
            self.plan_briefing(fixed).await?;
        }
        Ok(())
    }

    /// What is recorded of a briefing that was held can be so: its cases, who was there, and that somebody was told. Those that were
    /// recorded `before` may have left since.
    async fn require_held(&mut self, held: &Held, before: &[Uuid]) -> Result<(), Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        for case in held.cases.iter().filter(|c| !before.contains(c)) {
            let file = cases::get(self.tx, &site, *case).await?;
            if file.is_none_or(|f| f.incident != Some(id)) {
                return Err(Fault::invalid("cases", "must be cases of the incident"));
            }
        }
        // Who left since, or is complained about, was there all the same.
        let known = duty::known(self.tx, &site, &held.staff).await?;
        if let Some(at) = held.staff.iter().position(|s| !known.contains(s)) {
            let text = "must be somebody who works at the site, or did";
            return Err(Fault::invalid(format!("staff[{at}]"), text));
        }
        if held.form == Form::Meeting && held.attendance == 0 && held.staff.is_empty() {
            let text = "must say how many came; a meeting to which nobody did names who of the company held it (staff)";
            return Err(Fault::invalid("attendance", text));
        }
        Ok(())
    }

    /// Whom a briefing told.
    async fn reach_of(&mut self, held: &Held) -> Result<Reach, Fault> {
        Ok(match held.form {
            Form::Meeting => Reach::Attended(u64::try_from(held.attendance).unwrap_or(0)),
            Form::Notice => {
                let mut members = self.members().await?;
                members.retain(|case, _| held.cases.contains(case));
                Reach::Cases(members)
            }
        })
    }

    /// An instant as people of the site read it.
    fn local(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M %:z").to_string()
    }

    /// Until when the briefings of this incident that were held leave nothing to tell; none before one was held.
    pub(super) async fn briefed(&mut self) -> Result<Option<Timestamp>, Fault> {
        let site = self.site();
        let held = briefings::held_below(self.tx, &site, self.incident.name.id, i32::MAX).await?;
        Ok(briefed_until(&self.terms.policy, &self.zone, &held))
    }

    /// Adds to the notes of a held briefing, and sets right what was recorded of it.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it is not held, or an owner has no place here; as [`Self::hold_briefing`] for what is set right.
    pub async fn add_notes(
        &mut self,
        mut briefing: Briefing,
        new: &Notes,
        right: &Correction,
        by: &str,
    ) -> Result<(), Fault> {
        require(&briefing, BriefingState::Held)?;
        if let Some(before) = briefing.held.clone() {
            let held = right.of(&before);
            if held != before {
                self.require_held(&held, &before.cases).await?;
                // Whoever was told in person was told, and who joined since is the next one's.
                require_told(&briefing, &held, &before.cases)?;
                self.set_right(&briefing, &before, &held, by).await?;
                briefing.held = Some(held);
            }
        }
        briefing.revision += 1;
        briefings::update(self.tx, &briefing).await?;
        self.take_notes(&briefing, new, by).await
    }

    /// Visibly: the log says what was recorded before, and whom it told is counted anew.
    async fn set_right(
        &mut self,
        briefing: &Briefing,
        before: &Held,
        held: &Held,
        by: &str,
    ) -> Result<(), Fault> {
        let text = format!(
            "the record of briefing {} is set right: attendance {} → {}, staff [{}] → [{}], {} → {} cases, papers {} → {}",
            briefing.number,
            before.attendance,
            held.attendance,
            names(&before.staff),
            names(&held.staff),
            before.cases.len(),
            held.cases.len(),
            quoted(&before.reference),
            quoted(&held.reference),
        );
        self.note(LogKind::Briefing, by, &text, &briefing.name.to_string())
            .await?;
        let reference = briefing.name.to_string();
        let reached = match held.form {
            Form::Meeting => before.attendance != held.attendance,
            Form::Notice => before.cases != held.cases,
        };
        match reached {
            true => {
                let reach = self.reach_of(held).await?;
                self.told_anew(&reference, reach).await
            }
            false => Ok(()),
        }
    }

    async fn take_notes(
        &mut self,
        briefing: &Briefing,
        new: &Notes,
        by: &str,
    ) -> Result<(), Fault> {
        let site = self.site();
        let id = self.incident.name.id;
        let asked = briefings::asked(self.tx, &site, id).await?;
        let known = asked.iter().filter(|q| q.briefing == briefing.number);
        let mut number = known.map(|q| q.number).max().unwrap_or(0);
        for (text, answer) in &new.questions {
            number += 1;
            let words = format!("question {number} of briefing {}", briefing.number);
            let log = self.record(by, &words, &briefing.name).await?;
            let question = Asked {
                briefing: briefing.number,
                number,
                log,
                text: text.clone(),
                answer: (!answer.is_empty()).then(|| Settled {
                    log,
                    at: self.now,
                    by: by.to_owned(),
                    text: answer.clone(),
                }),
            };
            briefings::ask(self.tx, &briefing.name, &question).await?;
        }
        for pledge in &new.commitments {
            self.pledge(briefing, pledge, by).await?;
        }
        Ok(())
    }

    async fn pledge(
        &mut self,
        briefing: &Briefing,
        pledge: &Pledge,
        by: &str,
    ) -> Result<(), Fault> {
        let due = whole_micros(pledge.due);
        if due <= self.now || self.now.duration_until(due) > DUE_WITHIN_MAX {
            let text = "must be ahead, and within a year";
            return Err(Fault::invalid("commitments.due_time", text));
        }
        self.require_on_roster(&pledge.owner)?;
        let name = CommitmentName::new(self.site(), new_id(self.now));
        let text = format!("{} promises by {due}: {}", pledge.owner, pledge.text);
        let log = self.record(by, &text, &name).await?;
        let commitment = Commitment {
            incident: self.incident.name.id,
            briefing: briefing.name.clone(),
            number: briefing.number,
            text: pledge.text.clone(),
            owner: pledge.owner.clone(),
            stage: self.incident.stage,
            due,
            log,
            state: CommitmentState::Open,
            settled: None,
            revision: 1,
            clock: ClockState::Running,
            name,
        };
        commitments::insert(self.tx, &commitment).await?;
        self.start_until(ClockKind::Commitment, commitment.name.id, due)
            .await
    }

    /// Answers a question that was left open.
    ///
    /// # Errors
    /// NOT_FOUND; FAILED_PRECONDITION when it has an answer.
    pub async fn answer_question(
        &mut self,
        mut briefing: Briefing,
        number: i32,
        answer: &str,
        by: &str,
    ) -> Result<(), Fault> {
        let site = self.site();
        let asked = briefings::asked(self.tx, &site, self.incident.name.id).await?;
        let question = asked
            .iter()
            .find(|q| q.briefing == briefing.number && q.number == number)
            .ok_or_else(|| Fault::not_found("BriefingQuestion", number))?;
        if question.answer.is_some() {
            let text =
                "the question has an answer, which stands; answer another one in the next briefing";
            return Err(Fault::illegal("QUESTION_ANSWERED", text, &briefing.name));
        }
        let words = format!(
            "question {number} of briefing {} was answered",
            briefing.number
        );
        let log = self.record(by, &words, &briefing.name).await?;
        let answer = Settled {
            log,
            at: self.now,
            by: by.to_owned(),
            text: answer.to_owned(),
        };
        briefings::answer(self.tx, &briefing.name, number, &answer).await?;
        briefing.revision += 1;
        briefings::update(self.tx, &briefing).await
    }

    /// Releases the notes of a held briefing. Says whether anything changed.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it was not held.
    pub async fn release_briefing(
        &mut self,
        mut briefing: Briefing,
        by: &str,
    ) -> Result<bool, Fault> {
        if briefing.state == BriefingState::Released {
            return Ok(false);
        }
        require(&briefing, BriefingState::Held)?;
        let zone = self.zone.clone();
        let told = Told::load(self.tx, &self.incident, briefing.clone(), &zone, self.now).await?;
        briefing.state = BriefingState::Released;
        briefing.released = Some(Released {
            window: told.window,
            at: self.now,
            by: by.to_owned(),
            stage: self.incident.stage,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            digest: digest(&told.notes),
            notes: told.notes,
        });
        briefing.revision += 1;
        briefings::update(self.tx, &briefing).await?;
        let text = format!("the notes of briefing {} were released", briefing.number);
        self.record(by, &text, &briefing.name).await?;
        Ok(true)
    }

    /// Settles a commitment: kept, as its owner or whoever commands says, or by decision of whoever commands not to be kept.
    ///
    /// # Errors
    /// PERMISSION_DENIED to anybody else; FAILED_PRECONDITION when it is settled.
    pub async fn settle_commitment(
        &mut self,
        commitment: &Commitment,
        kept: bool,
        outcome: &str,
        by: &Person,
    ) -> Result<(), Fault> {
        let own = by.at(&commitment.name.site) == Some(&commitment.owner);
        if !(kept && own) {
            self.require_commander(by).await?;
        }
        if commitment.state != CommitmentState::Open {
            let text = format!("it is {}, and stays so", commitment.state);
            return Err(Fault::illegal("COMMITMENT_SETTLED", text, &commitment.name));
        }
        let (state, word) = if kept {
            (CommitmentState::Kept, "kept")
        } else {
            (CommitmentState::Waived, "waived")
        };
        let text = format!("{} of {}: {outcome}", commitment.text, commitment.owner);
        let log = self
            .record(&by.subject, &format!("{word}: {text}"), &commitment.name)
            .await?;
        let settled = Settled {
            log,
            at: self.now,
            by: by.subject.clone(),
            text: outcome.to_owned(),
        };
        commitments::settle(self.tx, &commitment.name, state, &settled).await?;
        let clock = if kept {
            ClockState::Met
        } else {
            ClockState::Cancelled
        };
        self.settle(commitment.name.id, clock).await?;
        Ok(())
    }

    /// Somebody who may answer for something on this incident.
    ///
    /// # Errors
    /// FAILED_PRECONDITION otherwise.
    pub(super) fn require_on_roster(&self, staff: &StaffId) -> Result<(), Fault> {
        let known = self.roster.slots.iter().any(|s| s.staff == *staff);
        if known && !self.roster.barred.contains(staff) {
            return Ok(());
        }
        let text =
            "the person has no duty at the site, left, or is complained about in this incident";
        Err(Fault::illegal("NOT_ON_ROSTER", text, &self.incident.name))
    }

    /// Adds to the log, and says as which entry.
    async fn record(
        &mut self,
        by: &str,
        text: &str,
        reference: &impl ToString,
    ) -> Result<i64, Fault> {
        self.note(LogKind::Briefing, by, text, &reference.to_string())
            .await?;
        let IncidentName { site, id } = self.incident.name.clone();
        briefings::last_log(self.tx, &site, id).await
    }
}

/// Personal notices leave nobody out.
fn require_told(briefing: &Briefing, held: &Held, concerned: &[Uuid]) -> Result<(), Fault> {
    let left_out = concerned.iter().filter(|c| !held.cases.contains(c)).count();
    if held.form != Form::Notice || left_out == 0 {
        return Ok(());
    }
    let text = format!(
        "fewer than 3 people complain, so each is told in person; of {left_out} of the incident's cases nobody is said to be: name them (cases)"
    );
    Err(Fault::illegal("NOT_EVERYBODY_TOLD", text, &briefing.name))
}

fn names(staff: &[StaffId]) -> String {
    let names: Vec<&str> = staff.iter().map(StaffId::as_str).collect();
    names.join(", ")
}

fn quoted(words: &str) -> String {
    format!("“{words}”")
}

fn require(briefing: &Briefing, state: BriefingState) -> Result<(), Fault> {
    if briefing.state == state {
        return Ok(());
    }
    let text = format!(
        "it is {}, and has to be {state}: a planned briefing is held, then noted, then released",
        briefing.state
    );
    Err(Fault::illegal("BRIEFING_STATE", text, &briefing.name))
}
