//! Where a case may go by intake's own moves, and what becomes of the moves that others report.
//!
//! Intake withdraws, merges, reopens and archives; each of these bumps the epoch. Triage and assignment
//! move the rest and stamp the epoch they saw: a move of an older epoch happened before intake's move
//! and is recorded without effect (section 7).

use redress_model::Fault;
use redress_model::lifecycle::{self, Mover};
use redress_model::words::{CaseMode, CaseStatus};

/// A move that a caller of intake asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// The complainant takes it back.
    Withdraw,
    /// It is one and the same as another.
    Merge,
    /// It is not the same after all.
    Unmerge,
    /// Complained again after handling.
    Reopen,
    /// Kept for the record.
    Archive,
    /// The personal part goes; the status stays.
    Erase,
}

/// Whether the matter of a case in this status is still to be resolved, so that a next word is owed.
pub fn is_open(status: CaseStatus) -> bool {
    match status {
        CaseStatus::Received
        | CaseStatus::Triaged
        | CaseStatus::Assigned
        | CaseStatus::Accepted
        | CaseStatus::Investigating
        | CaseStatus::Proposed
        | CaseStatus::Resolving
        | CaseStatus::Reopened => true,
        CaseStatus::Resolved
        | CaseStatus::Closed
        | CaseStatus::Archived
        | CaseStatus::Withdrawn
        | CaseStatus::Rejected
        | CaseStatus::Merged => false,
    }
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 6] = [
        Self::Withdraw,
        Self::Merge,
        Self::Unmerge,
        Self::Reopen,
        Self::Archive,
        Self::Erase,
    ];

    fn verb(self) -> &'static str {
        match self {
            Self::Withdraw => "withdraw",
            Self::Merge => "merge",
            Self::Unmerge => "unmerge",
            Self::Reopen => "reopen",
            Self::Archive => "archive",
            Self::Erase => "erase",
        }
    }

    /// Where the case stands when the move was already made, so that a repeat succeeds.
    pub fn outcome(self) -> Option<CaseStatus> {
        match self {
            Self::Withdraw => Some(CaseStatus::Withdrawn),
            Self::Merge => Some(CaseStatus::Merged),
            Self::Reopen => Some(CaseStatus::Reopened),
            Self::Archive => Some(CaseStatus::Archived),
            Self::Unmerge | Self::Erase => None,
        }
    }

    /// Whether a case may make this move. What was erased is not handled again: nothing is left of it.
    pub fn is_legal(self, status: CaseStatus, mode: CaseMode, erased: bool) -> bool {
        use CaseStatus as S;
        let live = mode == CaseMode::Live;
        let allowed = |to| lifecycle::allows(status, to, Mover::Intake);
        if self.outcome().is_some_and(|to| !allowed(to)) {
            return false;
        }
        match self {
            Self::Withdraw | Self::Merge => live,
            Self::Unmerge => status == S::Merged,
            Self::Reopen => live && !erased,
            Self::Archive => true,
            Self::Erase => {
                !erased && matches!(status, S::Closed | S::Archived | S::Withdrawn | S::Rejected)
            }
        }
    }

    /// Refuses an illegal move and says what is legal.
    ///
    /// # Errors
    /// FAILED_PRECONDITION `ILLEGAL_MOVE`.
    pub fn require(
        self,
        status: CaseStatus,
        mode: CaseMode,
        erased: bool,
        name: impl std::fmt::Display,
    ) -> Result<(), Fault> {
        if self.is_legal(status, mode, erased) {
            return Ok(());
        }
        let legal: Vec<&str> = Self::ALL
            .into_iter()
            .filter(|m| m.is_legal(status, mode, erased))
            .map(Self::verb)
            .collect();
        let legal = if legal.is_empty() {
            "nothing".to_owned()
        } else {
            legal.join(", ")
        };
        let state = if erased { "erased and " } else { "" };
        Err(Fault::illegal(
            "ILLEGAL_MOVE",
            format!(
                "cannot {} a case that is {state}{status} ({mode}); legal now: {legal}",
                self.verb()
            ),
            name,
        ))
    }
}

/// What a move that another service reports comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// The case goes there.
    Moves(CaseStatus),
    /// It is there already, or further.
    Nothing,
    /// It was made before intake's own move; recorded without effect.
    Stale,
}

/// A move that assignment reports.
///
/// # Errors
/// A status that assignment never moves to, or an epoch that intake never gave.
pub fn reported_by_assignment(
    status: CaseStatus,
    epoch: i64,
    to: CaseStatus,
    to_epoch: i64,
) -> Result<Reported, Fault> {
    use CaseStatus as S;
    if !lifecycle::makes(Mover::Assignment, to) {
        return Err(Fault::invalid(
            "status",
            "must be one that assignment moves to",
        ));
    }
    if to_epoch > epoch {
        return Err(Fault::invalid("epoch", "must be one that intake gave"));
    }
    if to_epoch < epoch || matches!(status, S::Merged | S::Withdrawn | S::Archived) {
        return Ok(Reported::Stale);
    }
    if status == to {
        return Ok(Reported::Nothing);
    }
    Ok(Reported::Moves(to))
}

/// What a decision comes to: it moves a case that nobody has taken further yet.
pub fn reported_by_triage(status: CaseStatus, epoch: i64, seen_epoch: i64) -> Reported {
    match status {
        _ if seen_epoch < epoch => Reported::Stale,
        CaseStatus::Received | CaseStatus::Reopened => Reported::Moves(CaseStatus::Triaged),
        _ => Reported::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_move_is_decided_and_a_refusal_names_what_is_legal() {
        for &status in CaseStatus::ALL {
            for &mode in CaseMode::ALL {
                for m in Move::ALL {
                    for erased in [false, true] {
                        match m.require(status, mode, erased, "x") {
                            Ok(()) => assert!(m.is_legal(status, mode, erased)),
                            Err(fault) => {
                                assert_eq!(fault.reason(), "ILLEGAL_MOVE");
                                assert!(fault.to_string().contains("legal now: "));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn section_7_intake_moves_a_live_case_as_the_table_says_and_takes_from_assignment_what_that_moves()
     {
        for &status in CaseStatus::ALL {
            let own = Move::ALL.into_iter().filter_map(|m| {
                let to = m.outcome()?;
                m.is_legal(status, CaseMode::Live, false).then_some(to)
            });
            let mut own: Vec<CaseStatus> = own.collect();
            own.sort_unstable();
            let by_intake = |(_, by): &&(CaseStatus, Mover)| *by == Mover::Intake;
            let table = lifecycle::next(status).iter().filter(by_intake);
            let mut table: Vec<CaseStatus> = table.map(|(to, _)| *to).collect();
            table.sort_unstable();
            assert_eq!(own, table, "{status}");
            for (to, by) in lifecycle::next(status) {
                let taken = reported_by_assignment(status, 1, *to, 1);
                assert_eq!(taken.is_ok(), *by == Mover::Assignment, "{status} to {to}");
            }
        }
    }

    #[test]
    fn history_is_never_withdrawn_merged_or_reopened() {
        for &status in CaseStatus::ALL {
            for m in [Move::Withdraw, Move::Merge, Move::Reopen] {
                assert!(!m.is_legal(status, CaseMode::Historical, false));
            }
        }
    }

    #[test]
    fn a_case_that_is_over_is_reopened_and_nothing_else_moves_it_back() {
        assert!(Move::Reopen.is_legal(CaseStatus::Withdrawn, CaseMode::Live, false));
        assert!(!Move::Withdraw.is_legal(CaseStatus::Closed, CaseMode::Live, false));
        assert!(!Move::Merge.is_legal(CaseStatus::Merged, CaseMode::Live, false));
        assert!(!Move::Archive.is_legal(CaseStatus::Received, CaseMode::Live, false));
        assert!(!Move::Erase.is_legal(CaseStatus::Received, CaseMode::Live, false));
    }

    #[test]
    fn a_move_of_an_older_epoch_has_no_effect() {
        for &status in CaseStatus::ALL {
            assert_eq!(
                reported_by_assignment(status, 3, CaseStatus::Accepted, 2).expect("legal"),
                Reported::Stale
            );
            assert_eq!(reported_by_triage(status, 3, 2), Reported::Stale);
        }
    }

    #[test]
    fn moves_that_overtake_the_decision_are_not_undone_by_it() {
        assert_eq!(
            reported_by_assignment(CaseStatus::Received, 1, CaseStatus::Assigned, 1)
                .expect("legal"),
            Reported::Moves(CaseStatus::Assigned)
        );
        assert_eq!(
            reported_by_triage(CaseStatus::Assigned, 1, 1),
            Reported::Nothing
        );
    }

    #[test]
    fn assignment_never_makes_intakes_moves() {
        for to in [
            CaseStatus::Withdrawn,
            CaseStatus::Merged,
            CaseStatus::Reopened,
            CaseStatus::Archived,
            CaseStatus::Received,
            CaseStatus::Triaged,
        ] {
            assert!(reported_by_assignment(CaseStatus::Accepted, 1, to, 1).is_err());
        }
        assert!(reported_by_assignment(CaseStatus::Accepted, 1, CaseStatus::Closed, 2).is_err());
    }
}
