//! Corrective actions (M16): done by one person, checked by another, open again where they did not work; and who hears, and when,
//! that one is due. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::name::StaffId;

use super::bench::{ABOVE, Bench, LADDER};

/// By which percent of its time an open action is told of: to its owner before it is late, then to one rung of the lead ladder more
/// each time, as clocks climb (section 6).
pub const TELLINGS_PERCENT: [i32; 4] = [75, 100, 150, 200];

/// How many tellings of an action that was opened then are due by now.
pub fn tellings(opened: Timestamp, due: Timestamp, now: Timestamp) -> usize {
    let whole = opened.duration_until(due);
    let is_due = |percent: i32| {
        let at = opened.saturating_add(whole * percent / 100);
        at.is_ok_and(|at| at <= now)
    };
    TELLINGS_PERCENT.iter().filter(|p| is_due(**p)).count()
}

/// Who hears of the tellings from one on up to before another: the owner, and whoever stands on the rungs that are reached; a rung on
/// which nobody is left is passed over at once (P14).
pub fn listeners(
    owner: &StaffId,
    (told, due): (usize, usize),
    bench: &Bench,
    excluded: &BTreeSet<StaffId>,
    at: Timestamp,
) -> BTreeSet<StaffId> {
    let rungs = || LADDER.into_iter().chain([ABOVE]);
    let of_rung = |rung: usize| {
        let mut from = rungs().skip(rung);
        from.find_map(|role| bench.on_duty(role, at, excluded))
    };
    // The first telling is the owner's alone.
    let reached = (told.max(1)..due).filter_map(|telling| of_rung(telling - 1));
    let owner = Some(owner).filter(|owner| bench.may_handle(owner, excluded));
    let people: BTreeSet<StaffId> = reached.chain(owner).cloned().collect();
    if people.is_empty() {
        return of_rung(0).cloned().into_iter().collect();
    }
    people
}

redress_model::words! {
    /// Where an action stands.
    ActionState, "CORRECTIVE_ACTION_STATE_" {
        /// To be done.
        Open = 1 => "OPEN",
        /// Done; whether it works is to be checked.
        Done = 2 => "DONE",
        /// It works.
        Effective = 3 => "EFFECTIVE",
    }
}

/// What may happen to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Somebody did it.
    Complete,
    /// Somebody looked whether it works.
    Check {
        /// It does.
        effective: bool,
    },
}

/// Why a move is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not allow it.
    #[error("the action is {0}; legal now: {legal}", legal = legal(*.0))]
    State(ActionState),
    /// Whoever did it does not check it.
    #[error("an action is checked by somebody else than whoever did it")]
    SamePerson,
}

fn legal(state: ActionState) -> &'static str {
    match state {
        ActionState::Open => "DONE",
        ActionState::Done => "EFFECTIVE, OPEN",
        ActionState::Effective => "nothing, it has ended",
    }
}

/// Where the move leads.
///
/// # Errors
/// Why not.
pub fn step(
    state: ActionState,
    done_by: Option<&str>,
    to: Move,
    by: &str,
) -> Result<ActionState, Refused> {
    match (state, to) {
        (ActionState::Open, Move::Complete) => Ok(ActionState::Done),
        (ActionState::Done, Move::Check { .. }) if done_by == Some(by) => Err(Refused::SamePerson),
        (ActionState::Done, Move::Check { effective: true }) => Ok(ActionState::Effective),
        (ActionState::Done, Move::Check { effective: false }) => Ok(ActionState::Open),
        _ => Err(Refused::State(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m16_an_action_is_checked_by_somebody_else_and_open_again_where_it_did_not_work() {
        use ActionState::{Done, Effective, Open};
        let check = |effective, by| step(Done, Some("eng"), Move::Check { effective }, by);
        assert_eq!(step(Open, None, Move::Complete, "eng"), Ok(Done));
        assert_eq!(check(true, "lead"), Ok(Effective));
        assert_eq!(check(false, "lead"), Ok(Open));
        assert_eq!(check(true, "eng"), Err(Refused::SamePerson));
        let early = step(Open, None, Move::Check { effective: true }, "lead");
        let refused = early.expect_err("not done");
        assert_eq!(refused.to_string(), "the action is OPEN; legal now: DONE");
        assert!(step(Effective, Some("eng"), Move::Complete, "eng").is_err());
    }
}
