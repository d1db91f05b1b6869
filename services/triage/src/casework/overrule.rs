//! A person moves the grade of a case, with a reason (domain.md section 4). Nothing already done is undone:
//! calls that were sent stay sent, an incident that opened stays open.

use redress_model::{Fault, Grade};

use super::Work;
use super::decide::stands;
use super::known::known;
use crate::domain::Cause;
use crate::domain::standing::{Direction, Wish};
use crate::store::cases::Case;

/// What a person wants of a grade.
#[derive(Debug, Clone, Copy)]
pub struct Overrule<'a> {
    /// Up or down.
    pub direction: Direction,
    /// Where to.
    pub grade: Grade,
    /// Why.
    pub reason: &'a str,
    /// Who: a token subject.
    pub actor: &'a str,
}

/// Moves the grade of a case, which must be locked.
///
/// # Errors
/// `CASE_HISTORICAL`, `CASE_ENDED`, `GRADE_NOT_LOWER`, `GRADE_NOT_GRAVER`.
pub async fn overrule(work: &mut Work<'_>, case: &mut Case, to: Overrule<'_>) -> Result<(), Fault> {
    let name = case.name(&work.site.id);
    if case.facts.historical {
        let text = "imported history is graded by its facts alone";
        return Err(Fault::illegal("CASE_HISTORICAL", text, name));
    }
    if case.is_ended() {
        let text = format!("the case is {}; reopen it first", case.status);
        return Err(Fault::illegal("CASE_ENDED", text, name));
    }
    let known = known(work, case).await?;
    let last = known.stand(work, &known.facts);
    let wish = Wish {
        grade: to.grade,
        reason: to.reason,
        actor: to.actor,
        revision: case.decision + 1,
        cases: known.merged.clone(),
    };
    let given = known.given(work, &known.facts);
    let (standing, cause) = match to.direction {
        Direction::Lowered if last.grade.is_graver_than(to.grade) => {
            (given.lower(&last, &wish), Cause::Lowered)
        }
        Direction::Lowered => {
            let text = format!(
                "the grade is {} and not graver than {}",
                last.grade, to.grade
            );
            return Err(Fault::illegal("GRADE_NOT_LOWER", text, name));
        }
        Direction::Raised if to.grade.is_graver_than(last.firm) => {
            (given.raise(&last, &wish), Cause::Raised)
        }
        Direction::Raised => {
            let text = format!("the grade is {} and as grave as {}", last.firm, to.grade);
            return Err(Fault::illegal("GRADE_NOT_GRAVER", text, name));
        }
    };
    let ruling = known.ruling(work, case, standing);
    stands(work, case, &known, ruling, cause).await
}
