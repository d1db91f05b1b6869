//! Etags (AIP-154): the revision of a resource, so that of two people who act at once the second is
//! told instead of overwriting the first (I11).

use std::fmt::Display;

use redress_model::Fault;

/// The etag of a revision.
pub fn of(revision: i64) -> String {
    format!("r{revision}")
}

/// Holds the etag that a caller read against the current revision. An empty one asks for no check.
///
/// # Errors
/// ABORTED with the current etag.
pub fn check(given: &str, revision: i64, name: impl Display) -> Result<(), Fault> {
    if given.is_empty() || given == of(revision) {
        Ok(())
    } else {
        Err(Fault::conflict(name, of(revision)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_etag_is_told_the_current_one() {
        assert!(check("", 3, "sites/lake").is_ok());
        assert!(check("r3", 3, "sites/lake").is_ok());
        let fault = check("r2", 3, "sites/lake").expect_err("stale");
        assert!(fault.to_string().ends_with("its etag is now r3"));
    }
}
