//! Which facts of a case an update changes, after its mask.

use redress_model::Fault;
use redress_model::name::{SiteId, StaffName};
use redress_model::words::{Category, QualityImpact, Wants};
use redress_proto::intake::v1 as pb;
use rust_decimal::Decimal;

use super::check::Check;
use super::complaint::{Place, parse_complained_about, parse_headcount};
use super::people::Complainant;

/// Paths that an update may name.
pub const PATHS: [&str; 11] = [
    "complainants",
    "headcount",
    "place",
    "quality_impact",
    "wants",
    "claim",
    "assessed_claim",
    "repeat",
    "needs_advisers",
    "stated_category",
    "staff_complained_about",
];

/// The new values; none where a fact stays. An inner none clears the fact.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The whole list.
    pub complainants: Option<Vec<Complainant>>,
    /// How many complain together.
    pub headcount: Option<i32>,
    /// Where.
    pub place: Option<PlaceChange>,
    /// How a quality defect affects the home.
    pub quality_impact: Option<Option<QualityImpact>>,
    /// What the complainant wants.
    pub wants: Option<Option<Wants>>,
    /// Claimed sum.
    pub claim: Option<Option<Decimal>>,
    /// Assessed sum.
    pub assessed_claim: Option<Option<Decimal>>,
    /// Complained again after handling.
    pub repeat: Option<bool>,
    /// Needs advisers or another company.
    pub needs_advisers: Option<bool>,
    /// Category stated by a person.
    pub stated_category: Option<Option<Category>>,
    /// Staff complained about.
    pub staff_complained_about: Option<Vec<StaffName>>,
    /// The paths, in the order of [`PATHS`].
    pub paths: Vec<&'static str>,
}

/// A place whose `Debug` shows nothing.
#[derive(Clone)]
pub struct PlaceChange(pub Place);

impl std::fmt::Debug for PlaceChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlaceChange")
    }
}

impl Changes {
    /// Parses the masked fields of `wire`.
    ///
    /// # Errors
    /// INVALID_FIELD with every violation, among them unknown and immutable paths.
    pub fn parse(site: &SiteId, wire: &pb::Case, mask: &[String]) -> Result<Self, Fault> {
        let mut check = Check::new();
        if mask.is_empty() {
            check.wrong("update_mask", "must name at least one path");
        }
        if mask.iter().any(|p| !PATHS.contains(&p.as_str())) {
            check.wrong("update_mask", format!("may name only {}", PATHS.join(", ")));
        }
        let has = |path: &str| mask.iter().any(|p| p == path);
        let mut changes = Self {
            paths: PATHS.into_iter().filter(|p| has(p)).collect(),
            ..Self::default()
        };
        if has("complainants") {
            changes.complainants = Some(Complainant::parse_all(&mut check, &wire.complainants));
        }
        if has("headcount") {
            changes.headcount = Some(parse_headcount(&mut check, "headcount", wire.headcount));
        }
        if has("place") {
            changes.place = Some(PlaceChange(Place::parse(
                &mut check,
                "place",
                wire.place.as_ref(),
            )));
        }
        if has("quality_impact") {
            changes.quality_impact = Some(check.word("quality_impact", wire.quality_impact));
        }
        if has("wants") {
            changes.wants = Some(check.word("wants", wire.wants));
        }
        if has("claim") {
            changes.claim = Some(check.amount("claim", wire.claim.as_ref()));
        }
        if has("assessed_claim") {
            changes.assessed_claim =
                Some(check.amount("assessed_claim", wire.assessed_claim.as_ref()));
        }
        if has("repeat") {
            changes.repeat = Some(wire.repeat);
        }
        if has("needs_advisers") {
            changes.needs_advisers = Some(wire.needs_advisers);
        }
        if has("stated_category") {
            changes.stated_category = Some(check.word("stated_category", wire.stated_category));
        }
        if has("staff_complained_about") {
            changes.staff_complained_about = Some(parse_complained_about(
                &mut check,
                &wire.staff_complained_about,
                site,
            ));
        }
        check.finish()?;
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(wire: &pb::Case, mask: &[&str]) -> Result<Changes, String> {
        let mask: Vec<String> = mask.iter().map(|s| (*s).to_owned()).collect();
        Changes::parse(&"lake".parse().expect("a slug"), wire, &mask).map_err(|f| f.to_string())
    }

    #[test]
    fn only_masked_fields_are_read() {
        let wire = pb::Case {
            headcount: 9,
            wants: 99,
            ..Default::default()
        };
        let changes = parse(&wire, &["headcount"]).expect("right");
        assert_eq!(changes.headcount, Some(9));
        assert!(changes.wants.is_none());
        assert!(parse(&wire, &["wants"]).is_err());
    }

    #[test]
    fn immutable_and_unknown_paths_are_refused() {
        for path in ["text", "received_time", "*", "status", "grade", ""] {
            let fault = parse(&pb::Case::default(), &[path]).expect_err("refused");
            assert!(fault.starts_with("update_mask"), "{fault}");
        }
        assert!(parse(&pb::Case::default(), &[]).is_err());
    }

    #[test]
    fn a_masked_field_without_a_value_is_cleared() {
        let changes = parse(&pb::Case::default(), &["claim", "stated_category"]).expect("right");
        assert_eq!(changes.claim, Some(None));
        assert_eq!(changes.stated_category, Some(None));
    }
}
