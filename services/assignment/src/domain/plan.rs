//! A roster by rules, and the stretches of duty that follow from it.
//!
//! What is planned are the shifts of the rotations and the fixed duties. For each instant of a planned stretch: the newest
//! swap that covers it puts its substitute in the place of the planned person; whoever it is then has no duty while on leave. Ranks stay,
//! so a deputy moves up wherever the holder is gone (P14). Swaps look at who was planned, never at each
//! other's outcome, so that two people who swap with each other do so at once.
//!
//! Local times become instants by one rule: the instant at which the wall clock first reaches them. So what touches on
//! the wall touches in time, whatever the clocks do: no minute between two shifts is lost or counted twice.
//!
//! Cost: a day of a rotation is a few conversions of about a microsecond each; two weeks of a big roster take milliseconds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use redress_model::name::StaffId;
use redress_model::words::DutyRole;
use serde::{Deserialize, Serialize};

use super::bench::Stretch;

/// A stretch of each day, or of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Its id in the plan.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// When it begins.
    pub start: Time,
    /// When it ends; not later than `start`: on the next day.
    pub end: Time,
    /// The days on which it begins, Monday being 1; none: every day.
    pub weekdays: BTreeSet<i8>,
}

impl Shift {
    fn is_whole_day(&self) -> bool {
        self.start == self.end
    }

    fn begins_on(&self, date: Date) -> bool {
        let weekday = date.weekday().to_monday_one_offset();
        self.weekdays.is_empty() || self.weekdays.contains(&weekday)
    }

    /// Its two ends on the wall clock, where they are in the range of dates.
    fn on(&self, date: Date) -> Option<(DateTime, DateTime)> {
        let last = if self.end > self.start {
            date
        } else {
            date.tomorrow().ok()?
        };
        Some((date.to_datetime(self.start), last.to_datetime(self.end)))
    }
}

/// Crews that take turns at a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Its id in the plan.
    pub id: String,
    /// Which duty.
    pub role: DutyRole,
    /// Rank of the first of each crew.
    pub rank: i32,
    /// The shifts of a day, by id.
    pub shifts: Vec<String>,
    /// The crews in order.
    pub crews: Vec<Vec<StaffId>>,
    /// How many days a turn lasts.
    pub days_each: i32,
    /// The first day of the first crew.
    pub from: Date,
    /// The last day; none: until further notice.
    pub until: Option<Date>,
}

impl Rotation {
    /// Which turn a day belongs to, counted from 0; none before the first and after the last day.
    fn turn(&self, date: Date) -> Option<i64> {
        let within = date >= self.from && self.until.is_none_or(|last| date <= last);
        within.then(|| days_between(self.from, date) / i64::from(self.days_each.max(1)))
    }

    fn crew(&self, turn: i64) -> &[StaffId] {
        let count = i64::try_from(self.crews.len()).unwrap_or(i64::MAX).max(1);
        usize::try_from(turn % count)
            .ok()
            .and_then(|at| self.crews.get(at))
            .map_or(&[], Vec::as_slice)
    }

    /// Rank of the place in the crew; people at work stand side by side.
    fn rank_of(&self, place: usize) -> i32 {
        match self.role {
            DutyRole::Handler => self.rank,
            _ => self.rank + i32::try_from(place).unwrap_or(0),
        }
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// The rules of a roster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The shifts.
    pub shifts: Vec<Shift>,
    /// The rotations.
    pub rotations: Vec<Rotation>,
}

impl Rules {
    /// Everybody whom the rules name.
    pub fn people(&self) -> BTreeSet<&StaffId> {
        self.rotations
            .iter()
            .flat_map(|r| r.crews.iter().flatten())
            .collect()
    }

    /// What does not fit together, with the field.
    pub fn problems(&self, exists: impl Fn(&StaffId) -> bool) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut ids = BTreeSet::new();
        for (i, shift) in self.shifts.iter().enumerate() {
            if !ids.insert(&shift.id) {
                problems.push((format!("shifts[{i}].id"), "is used twice".to_owned()));
            }
        }
        let mut rotations = BTreeSet::new();
        for (i, rotation) in self.rotations.iter().enumerate() {
            let mut wrong = |field: String, text: String| {
                problems.push((format!("rotations[{i}].{field}"), text))
            };
            if !rotations.insert(&rotation.id) {
                wrong("id".to_owned(), "is used twice".to_owned());
            }
            for (n, shift) in rotation.shifts.iter().enumerate() {
                if !ids.contains(shift) {
                    wrong(format!("shifts[{n}]"), "is no shift of the plan".to_owned());
                }
            }
            for (c, crew) in rotation.crews.iter().enumerate() {
                for (n, person) in crew.iter().enumerate() {
                    if !exists(person) {
                        let text = format!("{person} does not exist or has retired");
                        wrong(format!("crews[{c}].staff[{n}]"), text);
                    }
                }
            }
            if rotation.until.is_some_and(|until| until < rotation.from) {
                wrong(
                    "end_date".to_owned(),
                    "must not be before start_date".to_owned(),
                );
            }
        }
        problems
    }
}

/// A time in which a person has no duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Who.
    pub staff: StaffId,
    /// From this instant on.
    pub from: Timestamp,
    /// Until before this instant.
    pub until: Timestamp,
}

/// One person in the place of another, in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Who was planned.
    pub staff: StaffId,
    /// Who comes.
    pub substitute: StaffId,
    /// Only this duty; none: every one.
    pub role: Option<DutyRole>,
    /// From this instant on.
    pub from: Timestamp,
    /// Until before this instant.
    pub until: Timestamp,
}

/// Everything that says who has which duty at a site.
#[derive(Debug, Clone)]
pub struct Roster {
    /// The zone of local times.
    pub zone: TimeZone,
    /// The rules.
    pub rules: Rules,
    /// Duties set flat.
    pub fixed: Vec<Stretch>,
    /// Leave, in any order.
    pub leaves: Vec<Leave>,
    /// Swaps in the order of making.
    pub swaps: Vec<Swap>,
}

impl Roster {
    /// Who has a duty at this instant.
    pub fn at(&self, at: Timestamp) -> Vec<Stretch> {
        let soon = at
            .saturating_add(SignedDuration::from_nanos(1))
            .unwrap_or(Timestamp::MAX);
        self.between(at, soon)
    }

    /// Who is on leave at this instant.
    pub fn away(&self, at: Timestamp) -> BTreeSet<StaffId> {
        let leaves = self.leaves.iter();
        leaves
            .filter(|l| l.from <= at && at < l.until)
            .map(|l| l.staff.clone())
            .collect()
    }

    /// Everybody whom the roster names in the window, or gives a duty of its own later, with their duties: also who has none in it,
    /// on turns longer than it or away on leave. A rotation counts once it runs in the window. Who only stands in for somebody is on no roster.
    pub fn members(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BTreeMap<&StaffId, BTreeSet<DutyRole>> {
        let day = |at: Timestamp| self.zone.to_datetime(at).date();
        let (first, last) = (day(from), day(until));
        let runs = |r: &&Rotation| r.from <= last && r.until.is_none_or(|end| end >= first);
        let rotations = self.rules.rotations.iter().filter(runs);
        let turning = rotations.flat_map(|r| r.crews.iter().flatten().map(move |p| (p, r.role)));
        let fixed = self.fixed.iter().map(|s| (&s.staff, s.role));
        let mut members: BTreeMap<&StaffId, BTreeSet<DutyRole>> = BTreeMap::new();
        for (person, role) in turning.chain(fixed) {
            members.entry(person).or_default().insert(role);
        }
        members
    }

    /// Every stretch of duty that touches the window, whole, earliest first.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        let stretches: Vec<Stretch> = self
            .planned(from, until)
            .iter()
            .chain(&self.fixed)
            .flat_map(|planned| self.actual(planned))
            .collect();
        let mut stretches: Vec<Stretch> = no_own_deputies(stretches)
            .into_iter()
            .filter(|s| s.from.is_none_or(|f| f < until) && s.until.is_none_or(|u| u > from))
            .collect();
        stretches.sort_by(|a, b| {
            (a.from, a.role, a.rank, &a.staff, a.until)
                .cmp(&(b.from, b.role, b.rank, &b.staff, b.until))
        });
        stretches.dedup();
        stretches
    }

    /// What the rotations make of the days around the window.
    fn planned(&self, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        let day = |at: Timestamp| self.zone.to_datetime(at).date();
        // A shift reaches into the next day at most, and a zone that skips a day moves it by one more.
        let first = day(from).saturating_sub(2.days());
        let last = day(until).saturating_add(1.day());
        let mut planned = Vec::new();
        for rotation in &self.rules.rotations {
            self.turn_by_turn(rotation, first, last, &mut planned);
        }
        planned
    }

    fn turn_by_turn(
        &self,
        rotation: &Rotation,
        first: Date,
        last: Date,
        planned: &mut Vec<Stretch>,
    ) {
        let shifts: Vec<&Shift> = rotation
            .shifts
            .iter()
            .filter_map(|id| self.rules.shifts.iter().find(|s| s.id == *id))
            .collect();
        // Whole days of one turn are one stretch, whatever the window: look from where the turn begins to where it ends.
        let reach = if shifts.iter().any(|s| s.is_whole_day()) {
            rotation.days_each.max(1) - 1
        } else {
            0
        };
        let first = first.saturating_sub(reach.days()).max(rotation.from);
        let last = rotation
            .until
            .map_or(Date::MAX, |until| until)
            .min(last.saturating_add(reach.days()));
        for shift in shifts {
            let begun = planned.len();
            let days = first.series(1.day()).take_while(|date| *date <= last);
            for date in days.filter(|date| shift.begins_on(*date)) {
                let (Some(turn), Some((start, end))) = (rotation.turn(date), shift.on(date)) else {
                    continue;
                };
                let (from, until) = (reached(&self.zone, start), reached(&self.zone, end));
                // The clocks skipped it whole.
                if from >= until {
                    continue;
                }
                let goes_on = shift.is_whole_day()
                    && date > rotation.from
                    && rotation.turn(date.saturating_sub(1.day())) == Some(turn);
                let crew = rotation.crew(turn);
                // What the day before made lies at the end.
                let latest = if goes_on { crew.len() } else { 0 };
                for (place, person) in crew.iter().enumerate() {
                    let stretch = Stretch {
                        role: rotation.role,
                        staff: person.clone(),
                        rank: rotation.rank_of(place),
                        from: Some(from),
                        until: Some(until),
                    };
                    let before = planned[begun..].iter_mut().rev().take(latest).find(|p| {
                        p.until == stretch.from
                            && (p.role, p.rank, &p.staff)
                                == (stretch.role, stretch.rank, &stretch.staff)
                    });
                    match before {
                        Some(before) => before.until = stretch.until,
                        None => planned.push(stretch),
                    }
                }
            }
        }
    }

    /// What swaps and leave make of a planned stretch.
    fn actual(&self, planned: &Stretch) -> Vec<Stretch> {
        let swaps: Vec<&Swap> = self
            .swaps
            .iter()
            .filter(|s| s.staff == planned.staff && s.role.is_none_or(|role| role == planned.role))
            .collect();
        let person_at = |at: Timestamp| {
            let newest = swaps.iter().rev().find(|s| s.from <= at && at < s.until);
            newest.map_or(&planned.staff, |s| &s.substitute)
        };
        let start = planned.from.unwrap_or(Timestamp::MIN);
        let end = planned.until.unwrap_or(Timestamp::MAX);
        // Between two of these nothing changes.
        let mut edges = BTreeSet::from([start]);
        edges.extend(swaps.iter().flat_map(|s| [s.from, s.until]));
        let concerned = |person: &StaffId| {
            *person == planned.staff || swaps.iter().any(|s| s.substitute == *person)
        };
        let leaves: Vec<&Leave> = self.leaves.iter().filter(|l| concerned(&l.staff)).collect();
        edges.extend(leaves.iter().flat_map(|l| [l.from, l.until]));
        let edges: Vec<Timestamp> = edges
            .into_iter()
            .filter(|at| (start..end).contains(at))
            .chain([end])
            .collect();

        let mut pieces: Vec<Stretch> = Vec::new();
        for (&from, &until) in edges.iter().zip(edges.iter().skip(1)) {
            let person = person_at(from);
            let away = leaves
                .iter()
                .any(|l| l.staff == *person && l.from <= from && from < l.until);
            if away {
                continue;
            }
            let piece = Stretch {
                staff: person.clone(),
                from: (from != Timestamp::MIN).then_some(from),
                until: (until != Timestamp::MAX).then_some(until),
                ..planned.clone()
            };
            match pieces.last_mut() {
                Some(last) if last.staff == piece.staff && last.until == piece.from => {
                    last.until = piece.until;
                }
                _ => pieces.push(piece),
            }
        }
        pieces
    }
}

/// Nobody stands in for themselves: where a person has a duty twice, by a swap or an import over what was planned, the
/// better rank counts, and the deputy after them moves up.
fn no_own_deputies(stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut best: BTreeMap<(DutyRole, StaffId), Vec<Stretch>> = BTreeMap::new();
    for stretch in &stretches {
        let of = best.entry((stretch.role, stretch.staff.clone()));
        of.or_default().push(stretch.clone());
    }
    stretches
        .into_iter()
        .flat_map(|stretch| {
            let of = best.get(&(stretch.role, stretch.staff.clone()));
            let better = of.into_iter().flatten().filter(|b| b.rank < stretch.rank);
            let (mut pieces, better) = (vec![stretch.clone()], better.collect::<Vec<_>>());
            for b in better {
                pieces = pieces.iter().flat_map(|p| without(p, b)).collect();
            }
            pieces
        })
        .collect()
}

/// What is left of a stretch outside another.
fn without(stretch: &Stretch, other: &Stretch) -> Vec<Stretch> {
    let (from, until) = bounds(stretch);
    let (cut_from, cut_until) = bounds(other);
    if cut_from >= until || cut_until <= from {
        return vec![stretch.clone()];
    }
    let mut left = Vec::new();
    if from < cut_from {
        left.push(Stretch {
            until: Some(cut_from),
            ..stretch.clone()
        });
    }
    if cut_until < until {
        left.push(Stretch {
            from: Some(cut_until),
            ..stretch.clone()
        });
    }
    left
}

fn bounds(stretch: &Stretch) -> (Timestamp, Timestamp) {
    (
        stretch.from.unwrap_or(Timestamp::MIN),
        stretch.until.unwrap_or(Timestamp::MAX),
    )
}

/// The instant at which the wall clock of the zone first reaches a local time.
pub fn reached(zone: &TimeZone, local: DateTime) -> Timestamp {
    let offset = zone.to_ambiguous_timestamp(local).offset();
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).unwrap_or(Timestamp::MAX);
    match offset {
        AmbiguousOffset::Unambiguous { offset } => at(offset),
        AmbiguousOffset::Fold { before, .. } => at(before),
        AmbiguousOffset::Gap { before, .. } => {
            // By the old offset it would be now or after the change, which is the last one up to then.
            let late = at(before)
                .saturating_add(SignedDuration::from_nanos(1))
                .unwrap_or(Timestamp::MAX);
            zone.preceding(late)
                .next()
                .map_or(late, |change| change.timestamp())
        }
    }
}

#[cfg(test)]
mod tests;
