//! What a promise that nobody meets does to people: warns whoever answers for it at 75 %, breaches to
//! the on-site lead, climbs to the duty lead and the top lead (section 6).

use jiff::Timestamp;
use redress_clock::{Deadlines, Step};
use redress_model::name::StaffId;
use redress_model::words::ClockTransition;

/// Who is to be told at this moment.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Whoever answers for the promise; several where a role is somebody's and others act for it.
    pub responsible: Vec<StaffId>,
    /// The ladder: on-site lead, duty lead, top lead; none where nobody is on duty.
    pub leads: [Option<StaffId>; 3],
}

/// What was told about a promise so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// The last step.
    pub step: Option<Step>,
    /// Somebody heard of the breach.
    pub heard: bool,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub transition: ClockTransition,
    /// Rung reached.
    pub level: u8,
    /// Whom to tell.
    pub notify: Vec<StaffId>,
}

/// What a look at a promise gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// What to tell now, in order; empty where nothing is due yet.
    pub notices: Vec<Notice>,
    /// What has been told then.
    pub told: Told,
    /// When to look again; none when the ladder is climbed.
    pub next: Option<Timestamp>,
}

/// Looks at a running promise. A warning whose breach is due too is left out (P08); a rung on which
/// nobody is on duty passes on at once to the next one that has somebody (P14).
pub fn strike(deadlines: &Deadlines, told: Told, now: Timestamp, people: &People) -> Strike {
    let mut told = told;
    let mut notices = Vec::new();
    while let Some((step, at)) = step_after(deadlines, told.step, now) {
        if at > now && !passed_on(told.step, people) {
            break;
        }
        let notice = notice(step, people);
        told.step = Some(step);
        told.heard |= step >= Step::Breach && !notice.notify.is_empty();
        notices.push(notice);
    }
    let next = following(deadlines, told, now);
    Strike {
        notices,
        told,
        next,
    }
}

/// What is to be told again once people are known: a breach of which nobody heard.
pub fn unheard(told: Told) -> Option<Told> {
    (told.step >= Some(Step::Breach) && !told.heard).then_some(Told {
        step: Some(Step::Warn),
        heard: false,
    })
}

/// When something of a promise is to be told next; none when the ladder is climbed.
pub fn following(deadlines: &Deadlines, told: Told, now: Timestamp) -> Option<Timestamp> {
    step_after(deadlines, told.step, now).map(|(_, at)| at)
}

fn step_after(
    deadlines: &Deadlines,
    told: Option<Step>,
    now: Timestamp,
) -> Option<(Step, Timestamp)> {
    Step::ALL
        .into_iter()
        .filter(|&s| told.is_none_or(|t| s > t) && !(s < Step::Breach && deadlines.due <= now))
        .find_map(|s| Some((s, deadlines.instant(s)?)))
}

/// Nobody stands on the rung just reached, and somebody does above it.
fn passed_on(told: Option<Step>, people: &People) -> bool {
    let Some(step) = told.filter(|s| *s >= Step::Breach) else {
        return false;
    };
    let (here, above) = people.leads.split_at(usize::from(step.level()));
    here.last().is_some_and(Option::is_none) && above.iter().any(Option::is_some)
}

fn notice(step: Step, people: &People) -> Notice {
    let lead = usize::from(step.level())
        .checked_sub(1)
        .and_then(|rung| people.leads[rung].clone());
    let responsible: &[StaffId] = match step {
        Step::WarnEarly | Step::Warn | Step::Breach => &people.responsible,
        Step::ClimbDuty | Step::ClimbTop => &[],
    };
    let mut notify: Vec<StaffId> = lead
        .into_iter()
        .chain(responsible.iter().cloned())
        .collect();
    notify.dedup();
    Notice {
        transition: match step {
            Step::WarnEarly | Step::Warn => ClockTransition::Warned,
            Step::Breach => ClockTransition::Breached,
            Step::ClimbDuty | Step::ClimbTop => ClockTransition::Climbed,
        },
        level: step.level(),
        notify,
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::tests::staff;
    use super::*;
    use proptest::prelude::*;

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(s).expect("in range")
    }

    fn promise() -> Deadlines {
        Deadlines {
            warn_early: None,
            warn: second(75),
            due: second(100),
            climb_duty: second(150),
            climb_top: second(200),
        }
    }

    fn people(on_site: &str, duty: &str, top: &str) -> People {
        let some = |id: &str| (!id.is_empty()).then(|| staff(id));
        People {
            responsible: vec![staff("voice")],
            leads: [some(on_site), some(duty), some(top)],
        }
    }

    fn levels(strike: &Strike) -> Vec<(ClockTransition, u8, Vec<String>)> {
        strike
            .notices
            .iter()
            .map(|n| {
                (
                    n.transition,
                    n.level,
                    n.notify.iter().map(ToString::to_string).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn it_warns_breaches_and_climbs_each_at_its_instant_and_once() {
        use ClockTransition::{Breached, Climbed, Warned};
        let all = people("onsite", "duty", "top");
        let mut told = Told::default();
        for (at, expected) in [
            (74, None),
            (75, Some((Warned, 0, vec!["voice"]))),
            (99, None),
            (100, Some((Breached, 1, vec!["onsite", "voice"]))),
            (149, None),
            (150, Some((Climbed, 2, vec!["duty"]))),
            (200, Some((Climbed, 3, vec!["top"]))),
            (1_000, None),
        ] {
            let strike = strike(&promise(), told, second(at), &all);
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(t, l, n): (_, _, Vec<&str>)| {
                    (t, l, n.into_iter().map(str::to_owned).collect())
                })
                .collect();
            assert_eq!(levels(&strike), expected, "at {at}");
            told = strike.told;
        }
        assert_eq!(told.step, Some(Step::ClimbTop));
    }

    #[test]
    fn nobody_on_a_rung_passes_on_at_once_p14() {
        let s = strike(
            &promise(),
            Told::default(),
            second(100),
            &people("", "duty", "top"),
        );
        assert_eq!(
            s.notices.iter().map(|n| n.level).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(s.next, Some(second(200)));
        let s = strike(
            &promise(),
            Told::default(),
            second(100),
            &people("", "", "top"),
        );
        assert_eq!(
            s.notices.iter().map(|n| n.level).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert_eq!(s.next, None);
        let s = strike(
            &promise(),
            Told::default(),
            second(100),
            &people("onsite", "", "top"),
        );
        assert_eq!(
            s.notices.iter().map(|n| n.level).collect::<Vec<_>>(),
            [1],
            "the first rung has somebody"
        );
    }

    #[test]
    fn a_warning_is_left_out_when_the_breach_is_due_too_p08() {
        let s = strike(
            &promise(),
            Told::default(),
            second(160),
            &people("onsite", "duty", "top"),
        );
        assert_eq!(
            s.notices.iter().map(|n| n.level).collect::<Vec<_>>(),
            [1, 2]
        );
    }

    #[test]
    fn a_breach_of_which_nobody_heard_is_told_again_once_people_are_known() {
        let nobody = People::default();
        let s = strike(&promise(), Told::default(), second(100), &nobody);
        assert!(!s.told.heard);
        assert_eq!(
            s.next,
            Some(second(150)),
            "without people it keeps to its times"
        );
        let again = unheard(s.told).expect("nobody heard");
        let s = strike(&promise(), again, second(120), &people("onsite", "", ""));
        assert_eq!(s.notices.len(), 1);
        assert!(s.told.heard && unheard(s.told).is_none());
        assert_eq!(unheard(Told::default()), None);
    }

    proptest! {
        #[test]
        fn whenever_it_is_looked_at_no_step_comes_early_or_twice(mut looks in prop::collection::vec(0_i64..300, 1..12), gaps in any::<[bool; 3]>()) {
            looks.sort_unstable();
            let all = People { responsible: Vec::new(), leads: gaps.map(|there| there.then(|| staff("lead"))) };
            let mut told = Told::default();
            let mut seen = Vec::new();
            for at in looks {
                let s = strike(&promise(), told, second(at), &all);
                if at < 75 { prop_assert!(s.notices.is_empty()); }
                if at < 100 { prop_assert!(s.notices.iter().all(|n| n.level == 0)); }
                seen.extend(s.notices.iter().map(|n| (n.level, n.transition)));
                told = s.told;
            }
            let mut unique = seen.clone();
            unique.dedup();
            prop_assert_eq!(seen, unique);
        }
    }
}
