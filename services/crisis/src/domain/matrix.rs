//! Audience by stage: what was told to whom, how old it is, and what is missing before a stage may end (section 9).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::words::{Audience, Mode, Stage, TellMeans};

/// Something that an audience was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// To whom.
    pub audience: Audience,
    /// In which stage.
    pub stage: Stage,
    /// How.
    pub means: TellMeans,
    /// The statement's name, or where the text lies.
    pub reference: String,
    /// When.
    pub at: Timestamp,
}

/// What decides who has to be told.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// The mode.
    pub mode: Mode,
    /// The stage.
    pub stage: Stage,
    /// Since when it is in that stage: what was told in an earlier visit says nothing about this one.
    pub since: Timestamp,
    /// It hangs on suspicions: nothing may leave.
    pub provisional: bool,
}

/// Who has to have been told something before a stage ends (own).
pub fn required(mode: Mode, stage: Stage, provisional: bool) -> &'static [Audience] {
    use Audience::{Affected, Media, Public, Staff};
    match (provisional, mode, stage) {
        (true, _, _) | (false, _, Stage::Latent) => &[Staff],
        (false, Mode::Public, Stage::Outbreak) => &[Affected, Public, Media, Staff],
        (false, Mode::Public, Stage::Handling) => &[Affected, Public, Staff],
        (false, Mode::Public, Stage::Aftermath) | (false, Mode::Private, _) => &[Affected, Staff],
    }
}

/// One audience in one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The audience.
    pub audience: Audience,
    /// The stage.
    pub stage: Stage,
    /// How much it was told.
    pub count: usize,
    /// The newest.
    pub last: Option<&'a Told>,
    /// The stage is the present one, the audience has to be told, and was not since it began.
    pub missing: bool,
}

/// Every cell, by stage, then audience.
pub fn cells<'a>(told: &'a [Told], now: Situation) -> Vec<Cell<'a>> {
    let missing = missing(told, now);
    let mut by_cell: BTreeMap<(Stage, Audience), Vec<&'a Told>> = BTreeMap::new();
    for one in told {
        by_cell
            .entry((one.stage, one.audience))
            .or_default()
            .push(one);
    }
    let mut cells = Vec::new();
    for &stage in Stage::ALL {
        for &audience in Audience::ALL {
            let all = by_cell.remove(&(stage, audience)).unwrap_or_default();
            cells.push(Cell {
                audience,
                stage,
                count: all.len(),
                last: all.into_iter().max_by_key(|one| one.at),
                missing: stage == now.stage && missing.contains(&audience),
            });
        }
    }
    cells
}

/// Who has to be told something yet before the stage may end.
pub fn missing(told: &[Told], now: Situation) -> Vec<Audience> {
    required(now.mode, now.stage, now.provisional)
        .iter()
        .copied()
        .filter(|audience| {
            !told.iter().any(|one| {
                one.audience == *audience && one.stage == now.stage && one.at >= now.since
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn told(audience: Audience, stage: Stage, second: i64) -> Told {
        Told {
            audience,
            stage,
            means: TellMeans::Statement,
            reference: String::new(),
            at: at(second),
        }
    }

    fn outbreak() -> Situation {
        Situation {
            mode: Mode::Public,
            stage: Stage::Outbreak,
            since: at(100),
            provisional: false,
        }
    }

    #[test]
    fn in_public_mode_an_outbreak_is_told_to_the_affected_the_public_the_press_and_staff() {
        use Audience::{Affected, Authorities, Media, Public, Staff};
        assert_eq!(missing(&[], outbreak()), [Affected, Public, Media, Staff]);
        let most = [Affected, Public, Staff, Authorities].map(|a| told(a, Stage::Outbreak, 100));
        assert_eq!(missing(&most, outbreak()), [Media]);
    }

    #[test]
    fn in_private_mode_and_on_a_suspicion_nobody_outside_has_to_be_told() {
        for &stage in Stage::ALL {
            for outside in [Audience::Public, Audience::Media] {
                assert!(!required(Mode::Private, stage, false).contains(&outside));
            }
            assert_eq!(required(Mode::Public, stage, true), [Audience::Staff]);
        }
    }

    #[test]
    fn what_was_told_before_the_stage_was_entered_again_says_nothing_about_it() {
        let before = [told(Audience::Affected, Stage::Outbreak, 99)];
        assert!(missing(&before, outbreak()).contains(&Audience::Affected));
        let other_stage = [told(Audience::Affected, Stage::Handling, 200)];
        assert!(missing(&other_stage, outbreak()).contains(&Audience::Affected));
    }

    proptest! {
        #[test]
        fn every_cell_is_there_once_and_shows_its_newest(
            all in prop::collection::vec((0..Audience::ALL.len(), 0..Stage::ALL.len(), 0_i64..200), 0..20),
        ) {
            let all: Vec<Told> = all.into_iter().map(|(a, s, t)| told(Audience::ALL[a], Stage::ALL[s], t)).collect();
            let cells = cells(&all, outbreak());
            prop_assert_eq!(cells.len(), Audience::ALL.len() * Stage::ALL.len());
            prop_assert_eq!(cells.iter().map(|c| c.count).sum::<usize>(), all.len());
            for cell in &cells {
                let newest = all.iter().filter(|t| (t.stage, t.audience) == (cell.stage, cell.audience)).map(|t| t.at).max();
                prop_assert_eq!(cell.last.map(|t| t.at), newest);
                prop_assert!(!cell.missing || newest.is_none_or(|t| t < at(100)));
            }
        }
    }
}
