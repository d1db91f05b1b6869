//! Refuses what customers must not read or hear before anything is kept of it, naming the field, by the rules of the site
//! (M11).

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::name::SiteId;
use redress_model::text::is_blank;
use redress_model::{Fault, Violation};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};

use crate::domain::outward::{Kind, found, gives_money};
use crate::store::wording;

/// The permission to let through what the rules find.
const OVERRIDE: &str = "wording.override";

/// The rule of the word that never leaves the house (section 5): no reason lets it through.
const INSIDE: &str = "malicious";

/// Texts that a complainant reads or hears.
pub(super) struct Outward<'a> {
    /// Where.
    pub(super) site: &'a SiteId,
    /// What they are.
    pub(super) kind: Kind,
    /// Each with its field.
    pub(super) texts: Vec<(String, &'a str)>,
    /// Why what is found may be said all the same; empty: it may not.
    pub(super) override_reason: &'a str,
    /// Who says it.
    pub(super) caller: &'a Caller,
    /// When.
    pub(super) now: Timestamp,
}

impl Operation for Outward<'_> {
    const NAME: &'static str = "assignment.check_wording";
    /// What the history says of rules that were let through, to follow what else it says; empty where none was.
    type Output = String;

    /// Fails with INVALID_ARGUMENT saying what must be said otherwise, with PERMISSION_DENIED where a caller without
    /// `wording.override` gives a reason to say it all the same.
    async fn run(&self, tx: &mut Tx) -> Result<String, Fault> {
        let checker = wording::checker(tx, self.site, self.now).await?;
        let mut rules = BTreeSet::new();
        let mut violations = Vec::new();
        for (field, text) in &self.texts {
            for found in found(&checker, self.kind, text) {
                violations.push(Violation {
                    field: field.clone(),
                    description: found.description,
                });
                rules.insert(found.rule);
            }
        }
        if violations.is_empty() {
            return Ok(String::new());
        }
        let reason = self.override_reason.trim();
        if is_blank(reason) || rules.contains(INSIDE) {
            return Err(Fault::violations(violations));
        }
        self.caller.require(OVERRIDE)?;
        let rules = Vec::from_iter(rules).join(", ");
        Ok(format!("; said in spite of {rules}: {reason}"))
    }
}

/// That an answer gives no money: a solution does, once it is approved (M10). No reason overrides that.
///
/// # Errors
/// INVALID_ARGUMENT naming the field.
pub(super) fn require_no_money(field: &str, text: &str) -> Result<(), Fault> {
    if gives_money(text) {
        let what = "must promise no money: a solution does, once it is approved";
        return Err(Fault::invalid(field, what));
    }
    Ok(())
}
