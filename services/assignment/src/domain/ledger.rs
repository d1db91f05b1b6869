//! The accountability ledger (M17, M02): what somebody owes or earns for a complaint, why, and until when. Pure.
//!
//! An entry moves OPEN → APPEALED → CONFIRMED or WAIVED, and OPEN or CONFIRMED → SETTLED. It is appealed once, while it is
//! not due yet, and somebody else decides. A penalty that is only proposed (M13) is PROPOSED first, then OPEN or WAIVED.

use jiff::{SignedDuration, Timestamp};
use redress_model::name::StaffId;

redress_model::words! {
    /// What an entry is.
    EntryKind, "LEDGER_KIND_" {
        /// To be paid for a fault.
        Penalty = 1 => "PENALTY",
        /// To be paid for what the company centre does instead.
        Fee = 2 => "FEE",
        /// Work well done.
        Recognition = 3 => "RECOGNITION",
        /// Thanks of a customer.
        Thanks = 4 => "THANKS",
        /// Won in the yearly ranking.
        Prize = 5 => "PRIZE",
    }
}

redress_model::words! {
    /// Why there is an entry.
    EntryCause, "LEDGER_CAUSE_" {
        /// A complaint was upheld.
        UpheldComplaint = 1 => "UPHELD_COMPLAINT",
        /// The media exposed it, truly or not clarified in time.
        Exposure = 2 => "EXPOSURE",
        /// The company centre took the case over.
        TakeOver = 3 => "TAKE_OVER",
        /// A customer praised somebody by name.
        Praise = 4 => "PRAISE",
        /// The yearly ranking.
        Ranking = 5 => "RANKING",
        /// As the reason says.
        Other = 6 => "OTHER",
    }
}

redress_model::words! {
    /// Where an entry stands.
    EntryState, "LEDGER_STATE_" {
        /// Booked.
        Open = 1 => "OPEN",
        /// Somebody says that it is wrong; nothing is due until that is decided.
        Appealed = 2 => "APPEALED",
        /// The appeal was heard, and it stands.
        Confirmed = 3 => "CONFIRMED",
        /// The appeal was heard, or the proposal refused, and it falls.
        Waived = 4 => "WAIVED",
        /// Paid, or handed over.
        Settled = 5 => "SETTLED",
        /// Proposed: nothing is owed until somebody with authority confirms it.
        Proposed = 6 => "PROPOSED",
    }
}

impl EntryKind {
    /// Whether somebody has to pay it.
    pub fn is_debt(self) -> bool {
        matches!(self, Self::Penalty | Self::Fee)
    }
}

/// An entry, as far as its moves depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is.
    pub kind: EntryKind,
    /// Where it stands.
    pub state: EntryState,
    /// Until when it is to be settled.
    pub due: Timestamp,
    /// Who booked it.
    pub author: String,
    /// Who appealed; none where nobody has.
    pub appellant: Option<String>,
}

impl Standing {
    /// Lets it fall without an appeal, because what it was booked for turned out not to be so. False where it has ended: what
    /// was paid is settled by people.
    pub fn waive(&mut self) -> bool {
        let stands = !matches!(self.state, EntryState::Waived | EntryState::Settled);
        if stands {
            self.state = EntryState::Waived;
        }
        stands
    }
}

/// What may happen to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It is said to be wrong.
    Appeal,
    /// Somebody with authority decided on the proposal.
    Confirm {
        /// It is owed from now on.
        stands: bool,
    },
    /// The appeal was heard.
    Decide {
        /// It stands.
        stands: bool,
    },
    /// It was paid, or handed over.
    Settle,
}

/// Why a move is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not allow it.
    #[error("the entry is {state}; legal now: {}", legal(*.state, *.is_debt))]
    State {
        /// The state.
        state: EntryState,
        /// Whether it is to be paid.
        is_debt: bool,
    },
    /// It was appealed before, or its time has passed.
    #[error("an entry is appealed once, before it is due; legal now: SETTLED")]
    TooLate,
    /// Whoever booked or proposed it, appealed or bears it does not decide.
    #[error(
        "an appeal or a proposal is decided by somebody who neither proposed or booked the entry nor appealed, and does not bear it"
    )]
    SamePerson,
}

fn legal(state: EntryState, is_debt: bool) -> &'static str {
    match state {
        EntryState::Open if is_debt => "APPEALED, SETTLED",
        EntryState::Open | EntryState::Confirmed => "SETTLED",
        EntryState::Appealed => "CONFIRMED, WAIVED",
        EntryState::Proposed => "OPEN, WAIVED",
        EntryState::Waived | EntryState::Settled => "nothing, it has ended",
    }
}

/// Where the move leads, and until when the entry is due then.
///
/// # Errors
/// Why not.
pub fn step(
    entry: &Standing,
    to: Move,
    by: &str,
    due_days: i64,
    now: Timestamp,
) -> Result<(EntryState, Timestamp), Refused> {
    let illegal = || Refused::State {
        state: entry.state,
        is_debt: entry.kind.is_debt(),
    };
    match (to, entry.state) {
        (Move::Appeal, EntryState::Open) if entry.kind.is_debt() => {
            if entry.appellant.is_some() || now >= entry.due {
                return Err(Refused::TooLate);
            }
            Ok((EntryState::Appealed, entry.due))
        }
        (Move::Appeal, EntryState::Confirmed) => Err(Refused::TooLate),
        (Move::Confirm { stands }, EntryState::Proposed) => {
            if by == entry.author {
                return Err(Refused::SamePerson);
            }
            Ok(if stands {
                (EntryState::Open, due(due_days, now))
            } else {
                (EntryState::Waived, entry.due)
            })
        }
        (Move::Decide { stands }, EntryState::Appealed) => {
            if by == entry.author || entry.appellant.as_deref() == Some(by) {
                return Err(Refused::SamePerson);
            }
            // Whoever lost an appeal gets the whole time to pay.
            Ok(if stands {
                (EntryState::Confirmed, due(due_days, now))
            } else {
                (EntryState::Waived, entry.due)
            })
        }
        (Move::Settle, EntryState::Open | EntryState::Confirmed) => {
            Ok((EntryState::Settled, entry.due))
        }
        _ => Err(illegal()),
    }
}

/// Until when something booked now is to be settled.
pub fn due(days: i64, now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MAX)
}

/// A sum borne together, each an equal part; what does not divide falls on the first ones, a fen each.
pub fn split(sum_fen: i64, bearers: &[StaffId]) -> Vec<(Option<StaffId>, i64)> {
    let Ok(count @ 1..) = i64::try_from(bearers.len()) else {
        return vec![(None, sum_fen)];
    };
    let (part, rest) = (sum_fen / count, sum_fen % count);
    bearers
        .iter()
        .zip(0..)
        .map(|(staff, i)| (Some(staff.clone()), part + i64::from(i < rest)))
        .collect()
}

/// What the yearly ranking looks at, of one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Year {
    /// The site.
    pub site: String,
    /// Upheld complaints that stand.
    pub upheld: i64,
    /// Exposures that stand.
    pub exposures: i64,
    /// Cases that the company centre took over.
    pub take_overs: i64,
    /// Praise and thanks.
    pub praise: i64,
    /// Penalties that stand, in fen.
    pub penalties_fen: i64,
    /// Of them paid.
    pub paid_fen: i64,
    /// Cases received.
    pub cases: i64,
    /// What its policy gives the best places, best first, in fen.
    pub prizes_fen: Vec<i64>,
}

/// A site's place in the ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The site's year.
    pub year: Year,
    /// 1 is best; equal years have equal places.
    pub rank: usize,
    /// What it wins, in fen.
    pub prize_fen: i64,
    /// Its share of the penalties that others paid, in fen (M17: shared out to the other stores).
    pub share_fen: i64,
}

/// Ranks the year: fewest faults that stand (upheld, exposed, taken over), then most praise, then fewest cases (own). A site
/// wins what its own policy gives its place.
/// Who stands alone has won against nobody.
/// What a site paid is shared out equally to the others; fen that do not divide stay with the company.
pub fn rank(mut years: Vec<Year>) -> Vec<Place> {
    let merit = |y: &Year| {
        let faults = y.upheld + y.exposures + y.take_overs;
        (faults, std::cmp::Reverse(y.praise), y.cases)
    };
    years.sort_by(|a, b| merit(a).cmp(&merit(b)).then_with(|| a.site.cmp(&b.site)));
    let others = i64::try_from(years.len()).unwrap_or(i64::MAX) - 1;
    let share = |paid: i64| if others > 0 { paid / others } else { 0 };
    let prize = |year: &Year, rank: usize| match year.prizes_fen.get(rank - 1) {
        Some(fen) if others > 0 => *fen,
        _ => 0,
    };
    let shared: i64 = years.iter().map(|y| share(y.paid_fen)).sum();
    let mut places: Vec<Place> = Vec::with_capacity(years.len());
    for year in years {
        let rank = match places.last() {
            Some(last) if merit(&last.year) == merit(&year) => last.rank,
            _ => places.len() + 1,
        };
        places.push(Place {
            rank,
            prize_fen: prize(&year, rank),
            share_fen: shared - share(year.paid_fen),
            year,
        });
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(state: EntryState) -> Standing {
        Standing {
            kind: EntryKind::Penalty,
            state,
            due: at(3 * 24),
            author: "manager".to_owned(),
            appellant: (state != EntryState::Open).then(|| "agent".to_owned()),
        }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    #[test]
    fn m17_an_entry_is_appealed_once_in_time_and_decided_by_somebody_else() {
        let open = entry(EntryState::Open);
        let appeal = |hours| step(&open, Move::Appeal, "agent", 3, at(hours));
        assert_eq!(appeal(71), Ok((EntryState::Appealed, at(72))));
        assert_eq!(appeal(72), Err(Refused::TooLate));
        let decide = |stands, by| {
            let appealed = entry(EntryState::Appealed);
            step(&appealed, Move::Decide { stands }, by, 3, at(100))
        };
        assert_eq!(decide(true, "head"), Ok((EntryState::Confirmed, at(172))));
        assert_eq!(decide(false, "head"), Ok((EntryState::Waived, at(72))));
        assert_eq!(decide(true, "manager"), Err(Refused::SamePerson));
        assert_eq!(decide(false, "agent"), Err(Refused::SamePerson));
        let confirmed = entry(EntryState::Confirmed);
        let again = step(&confirmed, Move::Appeal, "agent", 3, at(1));
        assert_eq!(again, Err(Refused::TooLate));
    }

    #[test]
    fn every_move_from_every_state_is_legal_as_written_or_says_what_is() {
        let moves = [
            Move::Appeal,
            Move::Decide { stands: true },
            Move::Decide { stands: false },
            Move::Confirm { stands: true },
            Move::Confirm { stands: false },
            Move::Settle,
        ];
        let mut legal_moves = 0;
        for state in EntryState::ALL {
            for to in moves {
                match step(&entry(*state), to, "head", 3, at(1)) {
                    Ok((after, _)) => {
                        assert!(legal(*state, true).contains(after.word()), "{state}");
                        legal_moves += 1;
                    }
                    Err(refused) => assert!(!refused.to_string().is_empty()),
                }
            }
        }
        assert_eq!(legal_moves, 7);
    }

    #[test]
    fn m13_a_proposal_is_owed_once_somebody_else_confirms_it_and_has_the_whole_time_then() {
        let proposed = entry(EntryState::Proposed);
        let confirm = |stands, by| step(&proposed, Move::Confirm { stands }, by, 3, at(100));
        assert_eq!(confirm(true, "head"), Ok((EntryState::Open, at(172))));
        assert_eq!(confirm(false, "head"), Ok((EntryState::Waived, at(72))));
        for stands in [true, false] {
            assert_eq!(confirm(stands, "manager"), Err(Refused::SamePerson));
        }
        for to in [Move::Appeal, Move::Settle] {
            let refused = step(&proposed, to, "head", 3, at(1)).expect_err("not owed");
            let said = "the entry is PROPOSED; legal now: OPEN, WAIVED";
            assert_eq!(refused.to_string(), said);
        }
    }

    #[test]
    fn nobody_appeals_praise() {
        let praise = Standing {
            kind: EntryKind::Recognition,
            ..entry(EntryState::Open)
        };
        let refused = step(&praise, Move::Appeal, "agent", 3, at(1)).expect_err("nothing is owed");
        assert_eq!(refused.to_string(), "the entry is OPEN; legal now: SETTLED");
    }

    #[test]
    fn m17_the_ranking_counts_faults_first_and_shares_out_what_was_paid() {
        let year = |site: &str, upheld, praise, paid_fen| Year {
            site: site.to_owned(),
            upheld,
            praise,
            paid_fen,
            prizes_fen: vec![300_000, 200_000, 100_000],
            ..Year::default()
        };
        let years = vec![
            year("c", 2, 9, 100_000),
            year("a", 0, 1, 0),
            year("b", 0, 1, 0),
            year("d", 1, 0, 50_000),
        ];
        let places = rank(years);
        let seen: Vec<(&str, usize, i64, i64)> = places
            .iter()
            .map(|p| (p.year.site.as_str(), p.rank, p.prize_fen, p.share_fen))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", 1, 300_000, 49_999),
                ("b", 1, 300_000, 49_999),
                ("d", 3, 100_000, 33_333),
                ("c", 4, 0, 16_666),
            ]
        );
    }

    #[test]
    fn m17_the_only_store_wins_nothing() {
        let alone = Year {
            prizes_fen: vec![300_000],
            paid_fen: 50_000,
            ..Year::default()
        };
        let places = rank(vec![alone]);
        assert_eq!(
            (places[0].rank, places[0].prize_fen, places[0].share_fen),
            (1, 0, 0)
        );
    }

    proptest! {
        #[test]
        fn parts_add_up_and_differ_by_a_fen_at_most(sum in 0..10_000_000_i64, count in 1..9_usize) {
            let staff: Vec<StaffId> = (0..count).map(|i| format!("s{i}").parse().expect("a slug")).collect();
            let parts = split(sum, &staff);
            let fen: Vec<i64> = parts.iter().map(|(_, fen)| *fen).collect();
            prop_assert_eq!(fen.iter().sum::<i64>(), sum);
            prop_assert!(fen.iter().max().unwrap_or(&0) - fen.iter().min().unwrap_or(&0) <= 1);
        }
    }
}
