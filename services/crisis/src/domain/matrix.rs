//! Audience by stage: what was told to whom, how old it is, and what is missing before a stage may end (section 9).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::words::{Audience, Fill, Mode, Stage, TellMeans};

/// Whom something reached, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody to whom it speaks.
    Everybody,
    /// So many of those who complained in each of these cases.
    Cases(BTreeMap<Uuid, u64>),
    /// One of those who complained in this case: the one who was called.
    OneOf(Uuid),
    /// So many who came.
    Attended(u64),
}

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
    /// Whom it reached.
    pub reach: Reach,
    /// When.
    pub at: Timestamp,
}

/// What was told, without what was kept of a briefing before that was set right.
pub fn newest_of_each(mut told: Vec<Told>) -> Vec<Told> {
    let mut seen = BTreeSet::new();
    told.reverse();
    told.retain(|one| {
        let is_named = one.means == TellMeans::Briefing && !one.reference.is_empty();
        !is_named || seen.insert(one.reference.clone())
    });
    told.reverse();
    told
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
    /// So many percent of those concerned have to be reached, by the incident's terms.
    pub reach_percent: u8,
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

/// How many complain in each case of an incident that has not ended: the affected, as far as anybody knows.
pub type Members = BTreeMap<Uuid, u64>;

/// How far an audience was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// So many people of it.
    pub people: u64,
    /// Of so many; 0 where nobody knows how many there are.
    pub of: u64,
    /// Whether that is enough.
    pub fill: Fill,
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
    /// How far it was reached; in the present stage since it began.
    pub reached: Reached,
    /// The stage is the present one, the audience has to be told, and is not reached as far as it has to be.
    pub missing: bool,
}

/// Every cell, by stage, then audience.
pub fn cells<'a>(told: &'a [Told], members: &Members, now: Situation) -> Vec<Cell<'a>> {
    let required = required(now.mode, now.stage, now.provisional);
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
            let mut counting = all.clone();
            counting.retain(|one| stage != now.stage || one.at >= now.since);
            // Only of the affected anybody knows how many there are.
            let of = match audience {
                Audience::Affected => members.clone(),
                _ => Members::new(),
            };
            let reached = reached(&counting, &of, now.reach_percent);
            cells.push(Cell {
                audience,
                stage,
                count: all.len(),
                last: all.into_iter().max_by_key(|one| one.at),
                reached,
                missing: stage == now.stage
                    && required.contains(&audience)
                    && reached.fill != Fill::Filled,
            });
        }
    }
    cells
}

/// How far those were reached whom something told. Whoever came to one meeting may have come to the next, and may have been
/// called: of such counts the largest holds, and nobody is counted twice.
fn reached(told: &[&Told], members: &Members, percent: u8) -> Reached {
    let of: u64 = members.values().sum();
    if of == 0 {
        let any = told.iter().any(|one| one.reach != Reach::Attended(0));
        let fill = if any { Fill::Filled } else { Fill::Nothing };
        return Reached {
            people: 0,
            of,
            fill,
        };
    }
    // Of each case that was told, how many at most.
    let mut whole: BTreeMap<Uuid, u64> = BTreeMap::new();
    let (mut called, mut came) = (BTreeSet::new(), 0_u64);
    for one in told {
        match &one.reach {
            Reach::Everybody => whole.extend(members),
            Reach::Cases(cases) => {
                for (case, people) in cases {
                    let most = whole.entry(*case).or_default();
                    *most = (*most).max(*people);
                }
            }
            Reach::OneOf(case) => {
                called.insert(*case);
            }
            Reach::Attended(people) => came = came.max(*people),
        }
    }
    let by_case: u64 = members
        .iter()
        .map(|(case, people)| {
            let called = u64::from(called.contains(case));
            whole
                .get(case)
                .copied()
                .unwrap_or(0)
                .max(called)
                .min(*people)
        })
        .sum();
    let people = by_case.max(came).min(of);
    let fill = if people == 0 {
        Fill::Nothing
    } else if people * 100 >= of * u64::from(percent) {
        Fill::Filled
    } else {
        Fill::Partly
    };
    Reached { people, of, fill }
}

/// Somebody who has to be told something yet before the stage may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untold {
    /// Who.
    pub audience: Audience,
    /// How far it was reached.
    pub reached: Reached,
    /// How many percent have to be.
    pub percent: u8,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reached { people, of, .. } = self.reached;
        match people {
            0 => f.write_str("was told nothing in this stage"),
            _ => write!(
                f,
                "{people} of {of} were reached in this stage, {} % have to be",
                self.percent
            ),
        }
    }
}

/// Who has to be told something yet before the stage may end.
pub fn missing(told: &[Told], members: &Members, now: Situation) -> Vec<Untold> {
    cells(told, members, now)
        .into_iter()
        .filter(|cell| cell.missing)
        .map(|cell| Untold {
            audience: cell.audience,
            reached: cell.reached,
            percent: now.reach_percent,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::slice;

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
            reach: Reach::Everybody,
            at: at(second),
        }
    }

    fn outbreak() -> Situation {
        Situation {
            mode: Mode::Public,
            stage: Stage::Outbreak,
            since: at(100),
            provisional: false,
            reach_percent: 80,
        }
    }

    /// Who is missing where nobody knows how many are affected.
    fn missing(told: &[Told], now: Situation) -> Vec<Audience> {
        let missing = super::missing(told, &Members::new(), now);
        missing.into_iter().map(|untold| untold.audience).collect()
    }

    fn case(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    /// So many of each case.
    fn cases(of: &[(u128, u64)]) -> Reach {
        Reach::Cases(of.iter().map(|(n, people)| (case(*n), *people)).collect())
    }

    /// How far the affected are reached, of whom so many complain in each case.
    fn affected(told: &[Reach], members: &[(u128, u64)]) -> Reached {
        let told: Vec<Told> = told
            .iter()
            .map(|reach| Told {
                reach: reach.clone(),
                ..self::told(Audience::Affected, Stage::Outbreak, 100)
            })
            .collect();
        let members: Members = members
            .iter()
            .map(|(n, people)| (case(*n), *people))
            .collect();
        let cells = cells(&told, &members, outbreak());
        let found = |c: &&Cell<'_>| (c.stage, c.audience) == (Stage::Outbreak, Audience::Affected);
        let cell = cells.iter().find(found).expect("every cell is there");
        assert_eq!(cell.missing, cell.reached.fill != Fill::Filled);
        cell.reached
    }

    fn shown(reached: Reached) -> (u64, u64, Fill) {
        (reached.people, reached.of, reached.fill)
    }

    #[test]
    fn one_call_of_thirty_five_people_fills_nothing_but_its_one() {
        let crowd = [(1, 35)];
        let call = Reach::OneOf(case(1));
        assert_eq!(shown(affected(&[], &crowd)), (0, 35, Fill::Nothing));
        assert_eq!(
            shown(affected(slice::from_ref(&call), &crowd)),
            (1, 35, Fill::Partly)
        );
        assert_eq!(
            shown(affected(&[call.clone(), call.clone()], &crowd)),
            (1, 35, Fill::Partly),
            "the same one, for all that is known"
        );
        assert_eq!(shown(affected(&[call], &[(1, 1)])), (1, 1, Fill::Filled));
        let statement = cases(&[(1, 35)]);
        assert_eq!(
            shown(affected(&[statement], &crowd)),
            (35, 35, Fill::Filled)
        );
        // What the release before wrote counts as it always did.
        assert_eq!(
            shown(affected(&[Reach::Everybody], &crowd)),
            (35, 35, Fill::Filled)
        );
    }

    #[test]
    fn a_meeting_fills_by_who_came_and_one_that_nobody_attended_nothing() {
        let crowd = [(1, 20), (2, 15)];
        for (came, people, fill) in [
            (0, 0, Fill::Nothing),
            (12, 12, Fill::Partly),
            (27, 27, Fill::Partly),
            (28, 28, Fill::Filled),
            (500, 35, Fill::Filled),
        ] {
            let met = affected(&[Reach::Attended(came)], &crowd);
            assert_eq!(shown(met), (people, 35, fill), "{came}");
        }
        let twice = [Reach::Attended(20), Reach::Attended(20)];
        assert_eq!(affected(&twice, &crowd).people, 20, "maybe the same ones");
        // Where nobody is known to be affected, somebody still has to be told.
        assert_eq!(affected(&[Reach::Attended(0)], &[]).fill, Fill::Nothing);
        assert_eq!(affected(&[Reach::Attended(3)], &[]).fill, Fill::Filled);
        assert_eq!(affected(&[cases(&[])], &[]).fill, Fill::Filled);
    }

    #[test]
    fn whom_a_message_did_not_reach_was_not_told_unless_by_another() {
        let members = [(1, 20), (2, 15)];
        let reached = |one: u64, other: u64| cases(&[(1, one), (2, other)]);
        assert_eq!(affected(&[reached(17, 10)], &members).people, 27);
        assert_eq!(
            affected(&[reached(17, 10), reached(11, 14)], &members).people,
            31
        );
        let called = [reached(0, 0), Reach::OneOf(case(2))];
        assert_eq!(affected(&called, &members).people, 1);
    }

    #[test]
    fn who_joined_later_is_not_reached_by_what_was_said_before() {
        let said = cases(&[(1, 12), (9, 3)]);
        let before = affected(slice::from_ref(&said), &[(1, 12)]);
        assert_eq!(shown(before), (12, 12, Fill::Filled));
        let after = affected(slice::from_ref(&said), &[(1, 12), (2, 23)]);
        assert_eq!(shown(after), (12, 35, Fill::Partly));
        let grown = affected(slice::from_ref(&said), &[(1, 35)]);
        assert_eq!(shown(grown), (12, 35, Fill::Partly), "in the same case too");
        let untold = Untold {
            audience: Audience::Affected,
            reached: after,
            percent: 80,
        };
        assert_eq!(
            untold.to_string(),
            "12 of 35 were reached in this stage, 80 % have to be"
        );
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
            let cells = cells(&all, &Members::new(), outbreak());
            prop_assert_eq!(cells.len(), Audience::ALL.len() * Stage::ALL.len());
            prop_assert_eq!(cells.iter().map(|c| c.count).sum::<usize>(), all.len());
            for cell in &cells {
                let newest = all.iter().filter(|t| (t.stage, t.audience) == (cell.stage, cell.audience)).map(|t| t.at).max();
                prop_assert_eq!(cell.last.map(|t| t.at), newest);
                prop_assert!(!cell.missing || newest.is_none_or(|t| t < at(100)));
            }
        }

        #[test]
        fn nobody_is_reached_twice_and_telling_more_reaches_no_fewer(
            members in prop::collection::vec((0_u128..4, 0_u64..40), 0..4),
            tellings in prop::collection::vec((0..4, 0_u128..6, 0_u64..60), 0..8),
        ) {
            let told: Vec<Reach> = tellings
                .into_iter()
                .map(|(kind, n, people)| match kind {
                    0 => Reach::Everybody,
                    1 => Reach::Cases([(case(n), people)].into()),
                    2 => Reach::OneOf(case(n)),
                    _ => Reach::Attended(people),
                })
                .collect();
            let mut before = affected(&[], &members);
            for n in 0..told.len() {
                let now = affected(&told[..=n], &members);
                prop_assert!(now.people <= now.of && now.people >= before.people);
                prop_assert!(now.of == 0 || (now.fill == Fill::Filled) == (now.people * 100 >= now.of * 80));
                before = now;
            }
        }
    }
}
