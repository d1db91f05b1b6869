//! Refuses what customers must not read or hear before anything is kept of it, naming the field (M11).

use redress_model::{Fault, Violation};

use crate::domain::outward::{faults_of_answer, faults_of_terms};

/// An answer to a complainant.
///
/// # Errors
/// INVALID_ARGUMENT saying what must be said otherwise.
pub(super) fn answer(field: &str, text: &str) -> Result<(), Fault> {
    refuse(field, faults_of_answer(text))
}

/// Terms that are approved before they are told.
///
/// # Errors
/// INVALID_ARGUMENT saying what must be said otherwise.
pub(super) fn terms(field: &str, text: &str) -> Result<(), Fault> {
    refuse(field, faults_of_terms(text))
}

fn refuse(field: &str, faults: Vec<String>) -> Result<(), Fault> {
    if faults.is_empty() {
        return Ok(());
    }
    let violations = faults.into_iter().map(|description| Violation {
        field: field.to_owned(),
        description,
    });
    Err(Fault::violations(violations.collect()))
}
