//! Why what promises nothing to anybody is due when it is: an age check follows from the age of its case, the end of a hold
//! from the hold. Neither has events of its own, so that both are told from what they wait for.

use jiff::{SignedDuration, Timestamp};
use redress_clock::{Length, Stretch, StretchKind};
use redress_model::Fault;

use super::Work;
use super::holds::{Budget, budget, stops_the_age, together};
use super::known::age_of;
use crate::store::cases;
use crate::store::clocks::Clock;
use crate::store::holds::{self, Hold};

/// What an age check waits for.
#[derive(Debug)]
pub struct Ageing {
    /// How old the case is at the deadline; none where its policy asks for no such age any more.
    pub age: Option<Length>,
    /// Its time from the first complaint on: until the age check stopped, else until its deadline while that is ahead, and
    /// until now while it stands still. Where a hold alone stopped the age they show it; else they are one, of which less is
    /// used than it lasts.
    pub stretches: Vec<Stretch>,
}

/// What this age check waits for.
pub async fn ageing(work: &mut Work<'_>, clock: &Clock) -> Result<Ageing, Fault> {
    let (site, now) = (work.site, work.now);
    let case = cases::get(work.tx, &site.id, clock.case)
        .await?
        .ok_or_else(|| Fault::internal("a clock that is stored has its case"))?;
    let own = case.facts.received;
    let merged = cases::first_merged(work.tx, &site.id, case.id).await?;
    let received = merged.map_or(own, |first| first.min(own));
    let age = age_of(work, &case, received).await?;
    let due = clock.deadlines.due;
    let until = match clock.stopped {
        Some(stopped) => stopped,
        None if clock.is_still() => now,
        None => due.max(now),
    };
    let past = until.min(now);
    let all = holds::of_case(work.tx, &site.id, case.id).await?;
    let held: Vec<(Timestamp, Timestamp)> = all
        .iter()
        .filter(|hold| stops_the_age(hold.reason))
        .map(|hold| (hold.start, hold.end.unwrap_or(hold.until).min(past)))
        .collect();
    let lasting = age.held_since.map_or(SignedDuration::ZERO, |since| {
        since.duration_until(past.max(since))
    });
    let still = age.held + lasting;
    let stretches = if together(held.iter().copied()) == still {
        stretches(received, until, held)
    } else {
        // It was resolved for a while, and nobody keeps when.
        let mut whole = stretches(received, until, Vec::new());
        for stretch in &mut whole {
            stretch.used = stretch.used.saturating_sub(still).max(SignedDuration::ZERO);
        }
        whole
    };
    Ok(Ageing {
        age: age.reached_at(&site.profile().grading, due),
        stretches,
    })
}

/// The hold whose end is waited for.
#[derive(Debug)]
pub struct Ending {
    /// The hold.
    pub hold: Hold,
    /// What its reason may last; none where the policy takes no such hold any more.
    pub budget: Option<Budget>,
    /// Its time, until it ended or is to end.
    pub stretches: Vec<Stretch>,
}

/// The hold whose end this clock waits for, or waited for last.
pub async fn ending(work: &mut Work<'_>, clock: &Clock) -> Result<Option<Ending>, Fault> {
    let all = holds::of_case(work.tx, &work.site.id, clock.case).await?;
    let due = clock.deadlines.due;
    let hold = all.iter().rfind(|hold| hold.until == due).cloned();
    Ok(hold.map(|hold| Ending {
        budget: budget(work.site, hold.reason, &all, work.now),
        stretches: stretches(hold.start, hold.end.unwrap_or(hold.until), Vec::new()),
        hold,
    }))
}

/// The time from here to there, of which what was held does not count.
fn stretches(
    from: Timestamp,
    until: Timestamp,
    mut held: Vec<(Timestamp, Timestamp)>,
) -> Vec<Stretch> {
    held.sort_unstable();
    let (mut at, mut used) = (from, SignedDuration::ZERO);
    let mut all = Vec::new();
    let mut add = |to: Timestamp, kind: StretchKind| {
        if to <= at {
            return;
        }
        if kind == StretchKind::Elapsed {
            used += at.duration_until(to);
        }
        all.push(Stretch {
            from: at,
            to,
            kind,
            used,
        });
        at = to;
    };
    for (start, end) in held {
        add(start.min(until), StretchKind::Elapsed);
        add(end, StretchKind::Held);
    }
    add(until, StretchKind::Elapsed);
    all
}
