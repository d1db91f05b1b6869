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

/// The same where a value is replaced that somebody else may have written: who names no etag has not said what they saw
/// (P28).
///
/// # Errors
/// INVALID_ARGUMENT for `etag` where none is given; ABORTED with the current etag.
pub fn require(given: &str, revision: i64, name: impl Display) -> Result<(), Fault> {
    if given.is_empty() {
        let text = "must be the one that was seen: what stands there is replaced";
        return Err(Fault::invalid("etag", text));
    }
    check(given, revision, name)
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

    #[test]
    fn p28_who_replaces_what_stands_says_what_they_saw() {
        assert!(require("r3", 3, "sites/lake").is_ok());
        let unseen = require("", 3, "sites/lake").expect_err("none");
        let by_field =
            matches!(&unseen, Fault::Invalid { violations, .. } if violations[0].field == "etag");
        assert!(by_field, "{unseen}");
        assert!(require("r2", 3, "sites/lake").is_err());
    }
}
