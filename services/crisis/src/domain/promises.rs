//! Which promises an incident has to keep now (section 9). Opening, joining, switching the mode and
//! merging all end in the same question, so the answer is one function and starting or cancelling
//! clocks is its difference to what runs.

use redress_model::words::ClockKind;
use uuid::Uuid;

use super::words::{Mode, Stage};

/// A promise: its kind and, for a leader's contact, whose complainant.
pub type Promise = (ClockKind, Option<Uuid>);

/// What decides which promises there are.
#[derive(Debug, Clone)]
pub struct Situation {
    /// It hangs on suspicions that nobody answered: nothing may leave.
    pub provisional: bool,
    /// The mode.
    pub mode: Mode,
    /// The stage.
    pub stage: Stage,
    /// Cases whose complainants a leader has not contacted since they joined: not ended, and with a
    /// complainant (a monitor's find may have none).
    pub uncontacted: Vec<Uuid>,
    /// A holding statement is ready, or has left.
    pub statement_ready: bool,
}

/// The promises of an open incident.
pub fn wanted(situation: &Situation) -> Vec<Promise> {
    if situation.provisional {
        return vec![(ClockKind::InsideReport, None)];
    }
    let mut promises = vec![
        (ClockKind::InsideReport, None),
        (ClockKind::WeeklyBriefing, None),
    ];
    match situation.mode {
        Mode::Public => {
            if !situation.statement_ready {
                promises.push((ClockKind::HoldingStatement, None));
            }
            if situation.stage != Stage::Latent {
                promises.push((ClockKind::OutwardUpdate, None));
            }
        }
        Mode::Private => {
            let contacts = situation.uncontacted.iter();
            promises.extend(contacts.map(|&case| (ClockKind::LeaderContact, Some(case))));
        }
    }
    promises
}

/// What has to change so that exactly the wanted promises run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// To start.
    pub start: Vec<Promise>,
    /// To cancel.
    pub cancel: Vec<Promise>,
}

/// Compares what is wanted with what runs.
pub fn difference(wanted: &[Promise], running: &[Promise]) -> Difference {
    let missing = |from: &[Promise], of: &[Promise]| -> Vec<Promise> {
        of.iter().copied().filter(|p| !from.contains(p)).collect()
    };
    Difference {
        start: missing(running, wanted),
        cancel: missing(wanted, running),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(promises: &[Promise]) -> Vec<ClockKind> {
        promises.iter().map(|p| p.0).collect()
    }

    fn situation(mode: Mode) -> Situation {
        Situation {
            provisional: false,
            mode,
            stage: Stage::Outbreak,
            uncontacted: vec![Uuid::from_u128(7)],
            statement_ready: false,
        }
    }

    #[test]
    fn public_promises_a_statement_updates_reports_and_briefings() {
        use ClockKind::{HoldingStatement, InsideReport, OutwardUpdate, WeeklyBriefing};
        assert_eq!(
            kinds(&wanted(&situation(Mode::Public))),
            [
                InsideReport,
                WeeklyBriefing,
                HoldingStatement,
                OutwardUpdate
            ]
        );
        let ready = Situation {
            statement_ready: true,
            ..situation(Mode::Public)
        };
        assert_eq!(
            kinds(&wanted(&ready)),
            [InsideReport, WeeklyBriefing, OutwardUpdate]
        );
    }

    #[test]
    fn private_promises_a_leaders_contact_for_each_case_and_nothing_outward() {
        use ClockKind::{InsideReport, LeaderContact, WeeklyBriefing};
        assert_eq!(
            kinds(&wanted(&situation(Mode::Private))),
            [InsideReport, WeeklyBriefing, LeaderContact]
        );
        let contacted = Situation {
            uncontacted: Vec::new(),
            ..situation(Mode::Private)
        };
        assert_eq!(kinds(&wanted(&contacted)), [InsideReport, WeeklyBriefing]);
    }

    #[test]
    fn nothing_leaves_while_latent() {
        let latent = Situation {
            stage: Stage::Latent,
            ..situation(Mode::Public)
        };
        assert!(!kinds(&wanted(&latent)).contains(&ClockKind::OutwardUpdate));
    }

    proptest! {
        #[test]
        fn applying_the_difference_gives_what_is_wanted_and_a_second_time_nothing(
            wanted in prop::collection::btree_set((0_usize..9, prop::option::of(0_u128..3)), 0..8),
            running in prop::collection::btree_set((0_usize..9, prop::option::of(0_u128..3)), 0..8),
        ) {
            let promises = |set: std::collections::BTreeSet<(usize, Option<u128>)>| -> Vec<Promise> {
                set.into_iter().map(|(k, c)| (ClockKind::ALL[k], c.map(Uuid::from_u128))).collect()
            };
            let (wanted, mut running) = (promises(wanted), promises(running));
            let d = difference(&wanted, &running);
            running.retain(|p| !d.cancel.contains(p));
            running.extend(&d.start);
            running.sort();
            prop_assert_eq!(&running, &wanted);
            prop_assert_eq!(difference(&wanted, &running), Difference::default());
        }
    }
}
