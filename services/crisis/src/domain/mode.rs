//! Public or private: decided by criteria, overruled by the commander, switched back only by something
//! new (section 9).

use std::collections::BTreeSet;

use uuid::Uuid;

use super::words::Mode;

/// Criteria that make an incident public.
pub const PUBLIC_CRITERIA: [&str; 4] = ["G1.1", "G1.2", "G1.4", "G1.8"];

/// Exposed by the press, or by a post that reached enough: what the media desk records weighs as this.
pub const EXPOSED: &str = "G1.2";

/// Prefix of the criteria of grade 1.
const GRADE_ONE_PREFIX: &str = "G1.";

/// The mode that these criteria ask for.
pub fn of<S: AsRef<str>>(criteria: &[S]) -> Mode {
    if criteria.iter().any(|c| is_public(c.as_ref())) {
        Mode::Public
    } else {
        Mode::Private
    }
}

fn is_public(criterion: &str) -> bool {
    PUBLIC_CRITERIA.contains(&criterion)
}

/// The criteria behind the mode, for people: those that made it public, else those of grade 1.
pub fn reason<S: AsRef<str>>(criteria: &[S]) -> String {
    let pick = |wanted: fn(&str) -> bool| {
        let found: Vec<&str> = criteria
            .iter()
            .map(AsRef::as_ref)
            .filter(|c| wanted(c))
            .collect();
        found.join(", ")
    };
    match of(criteria) {
        Mode::Public => pick(is_public),
        Mode::Private => pick(|c| c.starts_with(GRADE_ONE_PREFIX)),
    }
}

/// The public criteria that a case or a report brings, as `case/criterion` or `exposure/criterion`.
pub fn causes<S: AsRef<str>>(of: Uuid, criteria: &[S]) -> BTreeSet<String> {
    criteria
        .iter()
        .map(AsRef::as_ref)
        .filter(|c| is_public(c))
        .map(|c| format!("{of}/{c}"))
        .collect()
}

/// What a case's decision, or a report, does to an incident's mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighing {
    /// Everything public that was weighed up to now.
    pub weighed: Vec<String>,
    /// Criteria that switch a private incident to public, for people; none leaves the mode.
    pub switches: Option<String>,
}

/// Weighs the public criteria of a case or a report. A commander who switched to private is overruled only by a
/// criterion that was not there when the word was given; nothing switches to private by itself.
pub fn weigh(mode: Mode, weighed: &[String], causes: &BTreeSet<String>) -> Weighing {
    let before: BTreeSet<&String> = weighed.iter().collect();
    let fresh: BTreeSet<&str> = causes
        .iter()
        .filter(|c| !before.contains(c))
        .filter_map(|c| c.split_once('/').map(|(_, criterion)| criterion))
        .collect();
    let switches = (mode == Mode::Private && !fresh.is_empty())
        .then(|| fresh.into_iter().collect::<Vec<_>>().join(", "));
    let all: BTreeSet<String> = weighed
        .iter()
        .cloned()
        .chain(causes.iter().cloned())
        .collect();
    Weighing {
        weighed: all.into_iter().collect(),
        switches,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn conflict_exposure_crowd_and_danger_are_public_and_the_rest_of_grade_1_private() {
        for public in ["G1.1", "G1.2", "G1.4", "G1.8"] {
            assert_eq!(of(&[public, "G1.6"]), Mode::Public, "{public}");
        }
        for private in ["G1.3", "G1.5", "G1.6", "G1.7"] {
            assert_eq!(of(&[private, "G2.2", "G2.6"]), Mode::Private, "{private}");
        }
        assert_eq!(of::<&str>(&[]), Mode::Private);
        assert_eq!(of(&["G1.40", "G2.1"]), Mode::Private);
    }

    #[test]
    fn the_reason_names_what_decided() {
        assert_eq!(reason(&["G1.6", "G1.4", "G1.1", "G2.2"]), "G1.4, G1.1");
        assert_eq!(reason(&["G1.6", "G1.5", "G2.2"]), "G1.6, G1.5");
    }

    #[test]
    fn the_commanders_word_holds_until_something_new_is_public() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let known = causes(a, &["G1.4"]);
        let weighed: Vec<String> = known.iter().cloned().collect();
        assert_eq!(weigh(Mode::Private, &weighed, &known).switches, None);
        let same_case = weigh(Mode::Private, &weighed, &causes(a, &["G1.4", "G1.2"]));
        assert_eq!(same_case.switches.as_deref(), Some("G1.2"));
        let other_case = weigh(Mode::Private, &weighed, &causes(b, &["G1.4"]));
        assert_eq!(other_case.switches.as_deref(), Some("G1.4"));
        assert_eq!(weigh(Mode::Public, &[], &known).switches, None);
    }

    proptest! {
        #[test]
        fn the_order_in_which_cases_join_does_not_change_the_mode(
            cases in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["G1.1", "G1.3", "G1.6", "G2.2"]), 0..3), 1..5),
            seed in any::<u64>(),
        ) {
            let run = |order: &[usize]| {
                let mut mode = of(&cases[order[0]]);
                let mut weighed: Vec<String> = causes(Uuid::from_u128(order[0] as u128), &cases[order[0]]).into_iter().collect();
                for &i in &order[1..] {
                    let w = weigh(mode, &weighed, &causes(Uuid::from_u128(i as u128), &cases[i]));
                    if w.switches.is_some() { mode = Mode::Public; }
                    weighed = w.weighed;
                }
                (mode, weighed)
            };
            let straight: Vec<usize> = (0..cases.len()).collect();
            let mut turned = straight.clone();
            let shift = usize::try_from(seed % cases.len() as u64).expect("small");
            turned.rotate_left(shift);
            prop_assert_eq!(run(&straight), run(&turned));
        }
    }
}
