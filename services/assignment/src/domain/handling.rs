//! What is done with the people of a case beside moving it, and how a case ends for both sides (M01, M16).

use jiff::{SignedDuration, Timestamp};
use redress_model::name::StaffId;
use redress_model::words;
use redress_model::words::ClockKind;
use uuid::Uuid;

use super::person::Person;
use super::practice::{Demand, DemandState};
use super::solution::Answer;

words! {
    /// What is changed so that a heated talk becomes calm (M16).
    CalmingMove, "CALMING_MOVE_" {
        /// Somebody senior takes over.
        Person = 1 => "PERSON",
        /// A quiet room instead of the hall.
        Place = 2 => "PLACE",
        /// The talk is put off to an agreed hour.
        Time = 3 => "TIME",
    }
}

words! {
    /// What somebody goes out for.
    VisitPurpose, "VISIT_PURPOSE_" {
        /// To see the matter on site.
        Inspection = 1 => "INSPECTION",
        /// To meet the complainant.
        Meeting = 2 => "MEETING",
        /// To ask whether it will do, or whether it really is solved.
        FollowUp = 3 => "FOLLOW_UP",
    }
}

words! {
    /// What a complainant says at the follow-up.
    Satisfaction, "SATISFACTION_" {
        /// It is solved.
        Satisfied = 1 => "SATISFIED",
        /// It is not.
        Dissatisfied = 2 => "DISSATISFIED",
        /// Nobody could be reached.
        Unreachable = 3 => "UNREACHABLE",
    }
}

words! {
    /// How a case ended for both sides (M01).
    Ending, "OUTCOME_" {
        /// Both sides are satisfied.
        BothSatisfied = 1 => "BOTH_SATISFIED",
        /// One side is not: a risk stays below the surface.
        OneSided = 2 => "ONE_SIDED",
        /// Nothing was agreed on: both lose.
        Lapsed = 3 => "LAPSED",
    }
}

/// The lowest score of a survey that does not open a case again (own).
const SCORE_SATISFIED_MIN: i32 = 3;

impl Satisfaction {
    /// What an answered survey says: a low score or "not solved" is dissatisfaction.
    pub fn of_survey(score: i32, solved: bool) -> Self {
        if solved && score >= SCORE_SATISFIED_MIN {
            Self::Satisfied
        } else {
            Self::Dissatisfied
        }
    }
}

impl Satisfaction {
    /// Whether somebody may record it of a resolution that is partly their own work: only what speaks against it. A
    /// follow-up is a question by somebody else (M03, M10).
    pub fn of_own_work(self) -> bool {
        self == Self::Dissatisfied
    }
}

impl Ending {
    /// How a case ends that is closed with this answer to its last proposal (none where nothing was proposed) and this
    /// last word at the follow-up.
    pub fn of(answer: Option<Answer>, follow_up: Satisfaction) -> Self {
        match (follow_up, answer) {
            (Satisfaction::Satisfied, Some(Answer::Declined)) => Self::OneSided,
            (Satisfaction::Satisfied, _) => Self::BothSatisfied,
            (_, Some(Answer::Declined)) | (Satisfaction::Unreachable, Some(Answer::Silence)) => {
                Self::Lapsed
            }
            (Satisfaction::Dissatisfied | Satisfaction::Unreachable, _) => Self::OneSided,
        }
    }
}

/// What was understood, said back to the complainant (M16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restatement {
    /// What was understood.
    pub text: String,
    /// The complainant confirmed it.
    pub confirmed: bool,
    /// When it was said.
    pub at: Timestamp,
}

/// How long after its time a planned visit is kept still (own): it is recorded once it was made.
pub const VISIT_GRACE: SignedDuration = SignedDuration::from_hours(2);

/// A visit to the place or the people of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Its id.
    pub id: Uuid,
    /// What for.
    pub purpose: VisitPurpose,
    /// Who.
    pub staff: Option<StaffId>,
    /// When it is to take place.
    pub planned: Option<Timestamp>,
    /// When it took place.
    pub made: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled: Option<Timestamp>,
    /// What was found.
    pub findings: String,
}

impl Visit {
    /// A visit that is to take place.
    pub fn plan(
        id: Uuid,
        purpose: VisitPurpose,
        staff: Option<StaffId>,
        planned: Timestamp,
    ) -> Self {
        Self {
            id,
            purpose,
            staff,
            planned: Some(planned),
            made: None,
            cancelled: None,
            findings: String::new(),
        }
    }

    /// Whether it is still to take place.
    pub fn is_open(&self) -> bool {
        self.made.is_none() && self.cancelled.is_none()
    }

    /// Its clock (M16): it is owed from its planning until [`VISIT_GRACE`] after its time. One that nobody planned ahead has none:
    /// who is to ask at once has the clock of the follow-up.
    pub fn demand(&self, since: Timestamp) -> Option<Demand> {
        let planned = self.planned.filter(|planned| *planned > since)?;
        Some(Demand {
            id: self.id,
            kind: ClockKind::Support,
            state: match (self.made, self.cancelled) {
                (Some(at), _) => DemandState::Met(at),
                (None, Some(_)) => DemandState::Cancelled,
                (None, None) => DemandState::Open,
            },
            start: since,
            due: Some(planned.saturating_add(VISIT_GRACE).unwrap_or(planned)),
            granted: None,
            party: String::new(),
            outside_number: String::new(),
        })
    }
}

/// What was said at a follow-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// What the complainant says.
    pub satisfaction: Satisfaction,
    /// The company's last word stands though they are dissatisfied.
    pub last_word: bool,
    /// When.
    pub at: Timestamp,
}

/// Why a case cannot be closed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotClosable {
    /// Nobody asked since it was resolved (M10, M16).
    #[error(
        "nobody has asked the complainant since the resolution; legal now: record the follow-up"
    )]
    NotFollowedUp,
    /// The complainant says that it is not solved.
    #[error(
        "the complainant is dissatisfied, so the case is opened again; legal now: handle it again, or record that the company's last word stands"
    )]
    Dissatisfied,
    /// Closing is a review by somebody else (M03).
    #[error(
        "who resolved the case or wrote its solution does not review it; legal now: somebody else closes it"
    )]
    OwnWork,
}

/// What closing looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing<'a> {
    /// Who closes.
    pub reviewer: &'a Person,
    /// Who resolved the case, and who wrote its last solution.
    pub authors: &'a [Person],
    /// The last word at the follow-up since the resolution.
    pub follow_up: Option<&'a FollowUp>,
    /// What was said to the last solution.
    pub answer: Option<Answer>,
}

impl Closing<'_> {
    /// How the case ends.
    ///
    /// # Errors
    /// Where it cannot be closed now.
    pub fn end(&self) -> Result<Ending, NotClosable> {
        if self.authors.iter().any(|author| author.is(self.reviewer)) {
            return Err(NotClosable::OwnWork);
        }
        let asked = self.follow_up.ok_or(NotClosable::NotFollowedUp)?;
        if asked.satisfaction == Satisfaction::Dissatisfied && !asked.last_word {
            return Err(NotClosable::Dissatisfied);
        }
        Ok(Ending::of(self.answer, asked.satisfaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m16_who_is_to_ask_at_once_has_the_clock_of_the_follow_up_alone() {
        let now: Timestamp = "2026-03-02T01:00:00Z".parse().expect("an instant");
        let of = |planned| Visit::plan(Uuid::nil(), VisitPurpose::FollowUp, None, planned);
        assert_eq!(of(now).demand(now), None);
        let ahead = now + SignedDuration::from_hours(1);
        let demand = of(ahead).demand(now).expect("it is planned");
        assert_eq!((demand.start, demand.due), (now, Some(ahead + VISIT_GRACE)));
    }

    fn asked(satisfaction: Satisfaction, last_word: bool) -> FollowUp {
        FollowUp {
            satisfaction,
            last_word,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn close(
        reviewer: &str,
        follow_up: Option<FollowUp>,
        answer: Option<Answer>,
    ) -> Result<Ending, NotClosable> {
        let person = |subject: &str| Person {
            subject: subject.to_owned(),
            staff: None,
        };
        let authors = ["li", "wang"].map(person);
        Closing {
            reviewer: &person(reviewer),
            authors: &authors,
            follow_up: follow_up.as_ref(),
            answer,
        }
        .end()
    }

    #[test]
    fn m03_who_resolved_a_case_or_wrote_its_solution_does_not_close_it() {
        let satisfied = || Some(asked(Satisfaction::Satisfied, false));
        for author in ["li", "wang"] {
            assert_eq!(close(author, satisfied(), None), Err(NotClosable::OwnWork));
        }
        assert_eq!(close("zhao", satisfied(), None), Ok(Ending::BothSatisfied));
    }

    #[test]
    fn m16_nothing_is_closed_before_somebody_asked() {
        assert_eq!(close("zhao", None, None), Err(NotClosable::NotFollowedUp));
    }

    #[test]
    fn the_dissatisfied_are_closed_only_by_the_companys_last_word_and_stay_a_risk() {
        let asked = |last_word| Some(asked(Satisfaction::Dissatisfied, last_word));
        let refused = close("zhao", asked(false), Some(Answer::Agreed));
        assert_eq!(refused, Err(NotClosable::Dissatisfied));
        let ended = close("zhao", asked(true), Some(Answer::Agreed));
        assert_eq!(ended, Ok(Ending::OneSided));
    }

    #[test]
    fn m01_the_three_outcomes_follow_from_the_answer_and_the_follow_up() {
        use Answer::{Agreed, Declined, Silence};
        use Satisfaction::{Dissatisfied, Satisfied, Unreachable};
        for (answer, follow_up, ending) in [
            (Some(Agreed), Satisfied, Ending::BothSatisfied),
            (None, Satisfied, Ending::BothSatisfied),
            (Some(Silence), Satisfied, Ending::BothSatisfied),
            (Some(Declined), Satisfied, Ending::OneSided),
            (Some(Agreed), Dissatisfied, Ending::OneSided),
            (Some(Agreed), Unreachable, Ending::OneSided),
            (None, Unreachable, Ending::OneSided),
            (Some(Silence), Unreachable, Ending::Lapsed),
            (Some(Declined), Unreachable, Ending::Lapsed),
            (Some(Declined), Dissatisfied, Ending::Lapsed),
        ] {
            assert_eq!(
                Ending::of(answer, follow_up),
                ending,
                "{answer:?} {follow_up}"
            );
        }
    }

    #[test]
    fn a_low_score_or_not_solved_is_dissatisfaction() {
        for (score, solved, expected) in [
            (5, true, Satisfaction::Satisfied),
            (3, true, Satisfaction::Satisfied),
            (2, true, Satisfaction::Dissatisfied),
            (5, false, Satisfaction::Dissatisfied),
        ] {
            assert_eq!(
                Satisfaction::of_survey(score, solved),
                expected,
                "{score} {solved}"
            );
        }
    }
}
