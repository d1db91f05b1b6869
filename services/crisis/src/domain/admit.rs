//! Whether a decision on a case opens an incident, joins one, or neither (decision 50).

use redress_model::Grade;

use super::words::State;

/// What is known of a case when a decision on it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Imported history, by this decision or by anything that came before.
    pub historical: bool,
    /// Highest of intake's epochs known.
    pub epoch: i64,
    /// Intake ended the case in that epoch: withdrawn, merged into another, archived.
    pub ended: bool,
    /// State of the incident that the case belongs to.
    pub incident: Option<State>,
    /// A person split it off its incident, into none.
    pub parted: bool,
}

/// A decision as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The grade.
    pub grade: Grade,
    /// The grade before; none at the first decision.
    pub previous: Option<Grade>,
    /// Intake's epoch that triage saw.
    pub epoch: i64,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Nothing: not grade 1, historical, or ended.
    Nothing,
    /// Triage saw a move of intake's that is not known here yet: wait for it.
    Wait,
    /// It is in an open incident already; its criteria are weighed anew.
    Member,
    /// It joins the open incident of its matter, or opens one.
    Joins,
}

/// The epoch every case begins with.
const EPOCH_FIRST: i64 = 1;

/// Whether crisis hears first of the grade or of the case's end, nobody is called about a case that is known to have ended
/// (P06), and what was done before its end was heard of stays. When it is reopened triage tells its decision again, in the
/// new epoch, so that both orders go on the same (I3). A case of which intake has told nothing yet does not wait: a crisis
/// does not wait for intake.
pub fn admit(facts: Facts, verdict: Verdict) -> Admission {
    if facts.historical {
        return Admission::Nothing;
    }
    // A later epoch is a reopening that is not known here yet.
    if facts.ended && verdict.epoch <= facts.epoch {
        return Admission::Nothing;
    }
    if facts.incident == Some(State::Open) {
        return Admission::Member;
    }
    if verdict.grade != Grade::ONE {
        return Admission::Nothing;
    }
    if verdict.epoch > facts.epoch.max(EPOCH_FIRST) {
        return Admission::Wait;
    }
    // After a stand-down, and after a person took it out, only a new rise to grade 1 opens another.
    if (facts.incident.is_some() || facts.parted) && verdict.previous == Some(Grade::ONE) {
        return Admission::Nothing;
    }
    Admission::Joins
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: Facts = Facts {
        historical: false,
        epoch: 1,
        ended: false,
        incident: None,
        parted: false,
    };
    const FIRST: Verdict = Verdict {
        grade: Grade::ONE,
        previous: None,
        epoch: 1,
    };

    #[test]
    fn grade_1_joins_and_nothing_less_does() {
        assert_eq!(admit(LIVE, FIRST), Admission::Joins);
        for grade in [Grade::TWO, Grade::THREE, Grade::FOUR] {
            assert_eq!(admit(LIVE, Verdict { grade, ..FIRST }), Admission::Nothing);
        }
    }

    #[test]
    fn history_never_opens_whatever_else_holds() {
        for incident in [None, Some(State::Open), Some(State::StoodDown)] {
            let facts = Facts {
                historical: true,
                incident,
                ..LIVE
            };
            assert_eq!(admit(facts, FIRST), Admission::Nothing);
        }
    }

    #[test]
    fn a_case_that_has_ended_opens_nothing_whenever_it_was_decided_i3_p06() {
        for incident in [None, Some(State::Open), Some(State::StoodDown)] {
            let withdrawn = Facts {
                epoch: 2,
                ended: true,
                incident,
                ..LIVE
            };
            for epoch in [0, 1, 2] {
                let decided = admit(withdrawn, Verdict { epoch, ..FIRST });
                assert_eq!(decided, Admission::Nothing, "{incident:?} {epoch}");
            }
        }
    }

    #[test]
    fn what_triage_tells_again_at_a_reopening_opens_or_waits_for_the_reopening_i3() {
        let told_again = Verdict {
            previous: Some(Grade::ONE),
            epoch: 3,
            ..FIRST
        };
        let withdrawn = Facts {
            epoch: 2,
            ended: true,
            ..LIVE
        };
        assert_eq!(admit(withdrawn, told_again), Admission::Wait);
        let reopened = Facts {
            epoch: 3,
            ended: false,
            ..LIVE
        };
        assert_eq!(admit(reopened, told_again), Admission::Joins);
    }

    #[test]
    fn a_move_that_triage_saw_and_we_did_not_is_waited_for_i3() {
        assert_eq!(admit(LIVE, Verdict { epoch: 2, ..FIRST }), Admission::Wait);
        let reopened = Facts {
            epoch: 3,
            ended: false,
            ..LIVE
        };
        assert_eq!(
            admit(reopened, Verdict { epoch: 2, ..FIRST }),
            Admission::Joins
        );
    }

    #[test]
    fn a_case_of_which_intake_told_nothing_opens_at_once() {
        let unknown = Facts { epoch: 0, ..LIVE };
        assert_eq!(admit(unknown, FIRST), Admission::Joins);
        assert_eq!(
            admit(unknown, Verdict { epoch: 0, ..FIRST }),
            Admission::Joins
        );
    }

    #[test]
    fn after_a_stand_down_and_a_split_only_a_new_rise_opens_another() {
        let stood_down = Facts {
            incident: Some(State::StoodDown),
            ..LIVE
        };
        let parted = Facts {
            parted: true,
            ..LIVE
        };
        let again = Verdict {
            previous: Some(Grade::ONE),
            ..FIRST
        };
        assert_eq!(admit(stood_down, again), Admission::Nothing);
        assert_eq!(admit(parted, again), Admission::Nothing);
        let risen = Verdict {
            previous: Some(Grade::TWO),
            ..FIRST
        };
        assert_eq!(admit(stood_down, risen), Admission::Joins);
        assert_eq!(admit(parted, risen), Admission::Joins);
    }

    #[test]
    fn a_fallen_grade_leaves_the_case_in_its_incident() {
        let member = Facts {
            incident: Some(State::Open),
            ..LIVE
        };
        let fallen = Verdict {
            grade: Grade::THREE,
            previous: Some(Grade::ONE),
            epoch: 1,
        };
        assert_eq!(admit(member, fallen), Admission::Member);
    }
}
