//! Terms from the wire, with their digest.

use jiff::Timestamp;
use redress_model::name::SiteId;
use redress_model::{Fault, Violation};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{from_deadline, from_money, required};
use redress_rpc::Caller;
use redress_store::{Operation as _, Tx};
use rust_decimal::Decimal;

use crate::domain::outward::Kind;
use crate::domain::solution::{Draft, FinalOffer, Remedy, Step, Terms, When};
use crate::domain::work::Work;
use crate::rpc::outward::Outward;
use crate::rpc::{parse, render, require_present_at};

/// Terms of a solution of this site, with their digest and what is done beside its steps.
///
/// # Errors
/// INVALID_ARGUMENT naming every wrong field.
pub(super) fn parsed(
    site: &SiteId,
    given: Option<wire::SolutionTerms>,
    now: Timestamp,
) -> Result<Draft, Fault> {
    let given = given.ok_or_else(|| Fault::invalid("terms", "must be given"))?;
    let basis = given.legal_basis.unwrap_or_default();
    let liability = given.liability.unwrap_or_default();
    let mut remedies = Vec::new();
    for (i, remedy) in given.remedies.into_iter().enumerate() {
        let field = |part: &str| format!("terms.remedies[{i}].{part}");
        remedies.push(Remedy {
            kind: required(&field("kind"), remedy.kind)?,
            text: remedy.text,
            amount: money(&field("amount"), remedy.amount.as_ref())?,
            department: parse::department_of(&field("department"), Some(site), &remedy.department)?,
            outside_party: remedy.outside_party,
        });
    }
    let mut steps = Vec::new();
    let mut named: Vec<Vec<String>> = Vec::new();
    for (i, step) in given.steps.into_iter().enumerate() {
        let field = |part: &str| format!("terms.steps[{i}].{part}");
        let when = match &step.due_time {
            Some(_) if !step.condition.is_empty() => {
                let wrong = "must be empty where there is a time";
                return Err(Fault::invalid(field("condition"), wrong));
            }
            Some(due) => When::By(from_deadline(&field("due_time"), due, now)?),
            None => When::If(step.condition),
        };
        for (n, item) in step.checklist.iter().enumerate() {
            parse::storable(&field(&format!("checklist[{n}].text")), &item.text)?;
        }
        named.push(step.checklist.into_iter().map(|item| item.text).collect());
        steps.push(Step {
            owner: parse::staff_of(&field("owner"), Some(site), &step.owner)?,
            text: step.text,
            outside_party: step.outside_party,
            when,
        });
    }
    let final_offer = given
        .final_offer
        .map(|offer| -> Result<FinalOffer, Fault> {
            let expires = offer.expire_time.unwrap_or_default();
            Ok(FinalOffer {
                ceiling: money("terms.final_offer.ceiling", offer.ceiling.as_ref())?,
                expires: from_deadline("terms.final_offer.expire_time", &expires, now)?,
                text: offer.text,
            })
        })
        .transpose()?;
    let terms = Terms {
        summary: given.summary,
        root_cause: given.root_cause,
        remedies,
        steps,
        basis: required("terms.legal_basis.kind", basis.kind)?,
        citation: basis.citation,
        ground: required("terms.liability.ground", liability.ground)?,
        reference: liability.reference,
        no_clause_reason: liability.no_clause_reason,
        partner: liability.partner,
        recourse: liability.recourse,
        final_offer,
    };
    let mut faults = terms.faults(now);
    faults.extend(terms.faults_of_checklists(&named));
    if !faults.is_empty() {
        let violations = faults
            .into_iter()
            .map(|(field, description)| Violation { field, description });
        return Err(Fault::violations(violations.collect()));
    }
    Ok(Draft {
        digest: render::digest(site, &terms),
        checklists: terms.checklists(&named),
        terms,
    })
}

/// Holds the texts of terms against the rules of the site (M11); the reason lets through what they find. Returns what the
/// history says of that.
///
/// # Errors
/// INVALID_ARGUMENT naming every field that says what must not be said; PERMISSION_DENIED where a reason is given by somebody
/// who may not.
pub(super) async fn check_wording(
    tx: &mut Tx,
    site: &SiteId,
    (terms, override_reason): (&Terms, &str),
    caller: &Caller,
    now: Timestamp,
) -> Result<String, Fault> {
    let outward = Outward {
        site,
        kind: Kind::Terms,
        texts: terms.texts(),
        override_reason,
        caller,
        now,
    };
    outward.run(tx).await
}

/// That nobody carries out a step of a case that complains about them.
///
/// # Errors
/// INVALID_ARGUMENT naming every such step; not why, which is nobody else's business.
pub(super) fn require_owners(terms: &Terms, work: &Work) -> Result<(), Fault> {
    let excluded = &work.facts.excluded;
    let wrong = |(i, step): (usize, &Step)| {
        let is_wrong = step.owner.as_ref().is_some_and(|o| excluded.contains(o));
        is_wrong.then(|| Violation {
            field: format!("terms.steps[{i}].owner"),
            description: "must be somebody who may handle the case".to_owned(),
        })
    };
    let violations: Vec<_> = terms.steps.iter().enumerate().filter_map(wrong).collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Fault::violations(violations))
    }
}

/// That nobody is to carry out a step at a time at which they are on leave (P14); what waits for a condition is theirs from now on.
///
/// # Errors
/// FAILED_PRECONDITION `ON_LEAVE` for the first of them.
pub(super) async fn require_present(
    tx: &mut Tx,
    terms: &Terms,
    work: &Work,
    now: Timestamp,
) -> Result<(), Fault> {
    for step in &terms.steps {
        let at = match &step.when {
            When::By(due) => *due,
            When::If(_) => now,
        };
        if let Some(owner) = &step.owner {
            let legal = "name somebody else or another time";
            require_present_at(tx, &work.case, owner, at, legal).await?;
        }
    }
    Ok(())
}

fn money(field: &str, given: Option<&Money>) -> Result<Decimal, Fault> {
    given.map_or(Ok(Decimal::ZERO), |money| from_money(field, money))
}
