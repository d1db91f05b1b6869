//! What has to hold before an incident is stood down, and before its review is closed (section 9, M01). A condition says
//! what is missing, each thing by its name; it holds when nothing is.

use redress_model::words;

words! {
    /// Where a review stands.
    ReviewState, "REVIEW_STATE_" {
        /// Being written.
        Open = 1 => "OPEN",
        /// Finished.
        Closed = 2 => "CLOSED",
    }
}

words! {
    /// Where an action of a review stands.
    ActionState, "REVIEW_ACTION_STATE_" {
        /// To be done.
        Open = 1 => "OPEN",
        /// Done.
        Done = 2 => "DONE",
        /// Not to be done, by decision.
        Dropped = 3 => "DROPPED",
    }
}

/// Things that a refusal names of one condition; the rest are counted.
const NAMED_MAX: usize = 5;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its name.
    pub name: &'static str,
    /// What it asks.
    pub text: &'static str,
    /// What is missing.
    pub missing: Vec<String>,
}

impl Condition {
    /// A condition, with what is missing.
    pub fn new(name: &'static str, text: &'static str, missing: Vec<String>) -> Self {
        Self {
            name,
            text,
            missing,
        }
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Every condition that does not hold, named with what is missing; none when all do.
pub fn failing(conditions: &[Condition]) -> Option<String> {
    let failing: Vec<String> = conditions
        .iter()
        .filter(|c| !c.holds())
        .map(|c| {
            let named: Vec<&str> = c
                .missing
                .iter()
                .take(NAMED_MAX)
                .map(String::as_str)
                .collect();
            let more = match c.missing.len().saturating_sub(NAMED_MAX) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            format!("{} ({}): {}{more}", c.name, c.text, named.join("; "))
        })
        .collect();
    (!failing.is_empty()).then(|| failing.join(" | "))
}

/// What a review has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Causes.
    pub causes: usize,
    /// What worked.
    pub worked: usize,
    /// What was lacking.
    pub lacking: usize,
    /// Actions that are not settled.
    pub open_actions: usize,
    /// Lessons that are not decided.
    pub open_lessons: usize,
}

/// What is missing before a review is closed; none when nothing is.
pub fn incomplete(written: Written) -> Option<String> {
    let mut missing = Vec::new();
    for (has, what) in [
        (written.causes > 0, "no cause is written"),
        (written.worked > 0, "nothing is written that worked"),
        (written.lacking > 0, "nothing is written that was lacking"),
    ] {
        if !has {
            missing.push(what.to_owned());
        }
    }
    if written.open_actions > 0 {
        missing.push(format!("{} actions are open", written.open_actions));
    }
    if written.open_lessons > 0 {
        missing.push(format!("{} lessons are undecided", written.open_lessons));
    }
    (!missing.is_empty()).then(|| missing.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_model::words::Word as _;
    use redress_proto::crisis::v1 as wire;

    #[test]
    fn each_failing_condition_is_named_and_those_that_hold_are_not() {
        let condition = |name, missing: &[&str]| {
            let missing = missing.iter().map(|m| (*m).to_owned()).collect();
            Condition::new(name, "what it asks", missing)
        };
        let text = failing(&[
            condition("commitments", &["the roof", "the lift"]),
            condition("clarifications", &[]),
            condition("briefing", &["1", "2", "3", "4", "5", "6", "7"]),
        ]);
        assert_eq!(
            text.expect("two fail"),
            "commitments (what it asks): the roof; the lift | briefing (what it asks): 1; 2; 3; 4; 5; and 2 more"
        );
        assert_eq!(failing(&[condition("commitments", &[])]), None);
    }

    #[test]
    fn a_review_is_closed_only_when_it_is_whole() {
        let whole = Written {
            causes: 1,
            worked: 1,
            lacking: 1,
            open_actions: 0,
            open_lessons: 0,
        };
        assert_eq!(incomplete(whole), None);
        for (written, word) in [
            (Written { causes: 0, ..whole }, "cause"),
            (Written { worked: 0, ..whole }, "worked"),
            (
                Written {
                    lacking: 0,
                    ..whole
                },
                "lacking",
            ),
            (
                Written {
                    open_actions: 2,
                    ..whole
                },
                "2 actions",
            ),
            (
                Written {
                    open_lessons: 3,
                    ..whole
                },
                "3 lessons",
            ),
        ] {
            let text = incomplete(written).expect("incomplete");
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn words_match_the_generated_enums() {
        macro_rules! same {
            ($($ours:ident, $wire:ident;)+) => { $(
                for w in $ours::ALL {
                    let wire = wire::$wire::try_from(w.number()).expect("known");
                    assert_eq!(wire.as_str_name(), format!("{}{}", $ours::WIRE_PREFIX, w.word()));
                }
            )+ };
        }
        same! {
            ReviewState, ReviewState;
            ActionState, ReviewActionState;
        }
    }
}
