//! What there has to be before somebody books an entry by hand (M17): nobody pays for a fault that nobody found, twice for one,
//! or more than the policy and the booker's authority allow, and nobody books what they earn. Pure.

use super::ledger::{EntryCause, EntryKind};

/// What is known of a case, as far as an entry for it depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseKnown {
    /// The complaint was decided to be valid, by the decision that stands.
    pub upheld: bool,
    /// The company centre took it over.
    pub taken_over: bool,
    /// Something that stands, and does not give way, was booked for it by the same kind and cause.
    pub booked: bool,
}

/// What is known of what is to be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The case that it is for.
    pub case: Option<CaseKnown>,
    /// What the policy says of this kind and cause, in fen, of a prize what the site won by it; none where it says nothing.
    pub policy_fen: Option<i64>,
    /// The prize for the same ranking was booked before.
    pub prize_booked: bool,
    /// What the booker may decide, in fen; none: without limit.
    pub limit_fen: Option<i64>,
    /// The booker is among those who bear or earn it.
    pub is_own: bool,
}

/// Why nothing is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ungrounded {
    /// The kind does not go with the cause.
    #[error("does not go with this cause")]
    Kind,
    /// The cause is one of a case, and none is named.
    #[error("must name the case that it is for")]
    NoCase,
    /// The complaint was not upheld.
    #[error("the complaint was not upheld; legal now: decide that it is VALID_A or VALID_B first")]
    NotUpheld,
    /// The company centre did not take the case over.
    #[error("the company centre did not take the case over")]
    NotTakenOver,
    /// It was booked before.
    #[error("it was booked for this case already; legal now: waive that one by an appeal first")]
    Booked,
    /// The prize for the year was booked before.
    #[error("the prize for the ranking of last year was booked already; there is one a year")]
    PrizeBooked,
    /// A debt or a prize of nothing.
    #[error("must be above 0")]
    Nothing,
    /// More than the policy says.
    #[error(
        "must be at most what the policy of the site says, of a prize for the place of last year"
    )]
    AbovePolicy,
    /// More than the booker may decide.
    #[error("must be at most what you may decide; somebody above you may book more")]
    AboveLimit,
    /// Nobody books what they earn.
    #[error("nobody books what they earn themselves")]
    Own,
}

/// Holds an entry to what is known.
///
/// # Errors
/// The first reason against it.
pub fn require(
    kind: EntryKind,
    cause: EntryCause,
    amount_fen: i64,
    known: &Known,
) -> Result<(), Ungrounded> {
    if !goes_with(kind, cause) {
        return Err(Ungrounded::Kind);
    }
    if known.is_own && !kind.is_debt() {
        return Err(Ungrounded::Own);
    }
    if kind == EntryKind::Prize && known.prize_booked {
        return Err(Ungrounded::PrizeBooked);
    }
    if matches!(
        cause,
        EntryCause::UpheldComplaint | EntryCause::Exposure | EntryCause::TakeOver
    ) {
        let case = known.case.ok_or(Ungrounded::NoCase)?;
        match cause {
            EntryCause::UpheldComplaint if !case.upheld => return Err(Ungrounded::NotUpheld),
            EntryCause::TakeOver if !case.taken_over => return Err(Ungrounded::NotTakenOver),
            // A case may be exposed by several outlets.
            EntryCause::Exposure => {}
            _ if case.booked => return Err(Ungrounded::Booked),
            _ => {}
        }
    }
    if (kind.is_debt() || kind == EntryKind::Prize) && amount_fen == 0 {
        return Err(Ungrounded::Nothing);
    }
    match known.policy_fen {
        Some(policy) if amount_fen > policy => Err(Ungrounded::AbovePolicy),
        Some(_) => Ok(()),
        None if known.limit_fen.is_some_and(|limit| amount_fen > limit) => {
            Err(Ungrounded::AboveLimit)
        }
        None => Ok(()),
    }
}

fn goes_with(kind: EntryKind, cause: EntryCause) -> bool {
    use EntryCause as C;
    match kind {
        EntryKind::Penalty => matches!(cause, C::UpheldComplaint | C::Exposure | C::Other),
        EntryKind::Fee => matches!(cause, C::TakeOver | C::Other),
        EntryKind::Recognition | EntryKind::Thanks => matches!(cause, C::Praise | C::Other),
        EntryKind::Prize => cause == C::Ranking,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known {
            case: Some(CaseKnown {
                upheld: true,
                taken_over: true,
                booked: false,
            }),
            policy_fen: Some(50_000),
            prize_booked: false,
            limit_fen: Some(1_000_000),
            is_own: false,
        }
    }

    fn case(change: impl FnOnce(&mut CaseKnown)) -> Known {
        let mut known = known();
        change(known.case.as_mut().expect("a case"));
        known
    }

    #[test]
    fn m17_a_penalty_takes_an_upheld_complaint_that_nobody_paid_for_yet() {
        let penalty = |amount, known: &Known| {
            require(
                EntryKind::Penalty,
                EntryCause::UpheldComplaint,
                amount,
                known,
            )
        };
        assert_eq!(penalty(50_000, &known()), Ok(()));
        assert_eq!(penalty(50_001, &known()), Err(Ungrounded::AbovePolicy));
        assert_eq!(penalty(0, &known()), Err(Ungrounded::Nothing));
        let none = Known {
            case: None,
            ..known()
        };
        assert_eq!(penalty(50_000, &none), Err(Ungrounded::NoCase));
        let open = case(|c| c.upheld = false);
        assert_eq!(penalty(50_000, &open), Err(Ungrounded::NotUpheld));
        let twice = case(|c| c.booked = true);
        assert_eq!(penalty(50_000, &twice), Err(Ungrounded::Booked));
    }

    #[test]
    fn m17_a_fee_takes_a_case_that_the_centre_has() {
        let fee = |known: &Known| require(EntryKind::Fee, EntryCause::TakeOver, 50_000, known);
        assert_eq!(fee(&known()), Ok(()));
        let kept = case(|c| c.taken_over = false);
        assert_eq!(fee(&kept), Err(Ungrounded::NotTakenOver));
    }

    #[test]
    fn nobody_books_a_prize_for_themselves_or_beyond_their_authority() {
        let own = Known {
            is_own: true,
            ..known()
        };
        let prize =
            |amount, known: &Known| require(EntryKind::Prize, EntryCause::Ranking, amount, known);
        assert_eq!(prize(1, &own), Err(Ungrounded::Own));
        assert_eq!(prize(50_001, &known()), Err(Ungrounded::AbovePolicy));
        assert_eq!(prize(0, &known()), Err(Ungrounded::Nothing));
        let again = Known {
            prize_booked: true,
            ..known()
        };
        assert_eq!(prize(1, &again), Err(Ungrounded::PrizeBooked));
        let free = Known {
            policy_fen: None,
            ..known()
        };
        let other = |amount| require(EntryKind::Penalty, EntryCause::Other, amount, &free);
        assert_eq!(other(1_000_000), Ok(()));
        assert_eq!(other(1_000_001), Err(Ungrounded::AboveLimit));
        assert_eq!(
            require(EntryKind::Prize, EntryCause::Other, 1, &free),
            Err(Ungrounded::Kind)
        );
    }
}
