//! The profiles that the product ships.

use std::sync::LazyLock;

use redress_model::words::SiteKind;
use serde_json::Value;

use crate::check::read_profile;
use crate::{Policy, Problems, Routing};

/// Names of the profiles that the product ships.
pub const PROFILES: [&str; 4] = [
    "residential",
    "opening-day",
    "property-office",
    "agency-store",
];

/// Their documents, in the same order.
const DOCUMENTS: [&str; 4] = [
    include_str!("../profiles/residential.yaml"),
    include_str!("../profiles/opening-day.yaml"),
    include_str!("../profiles/property-office.yaml"),
    include_str!("../profiles/agency-store.yaml"),
];

static BUILT_IN: LazyLock<Vec<(Policy, Value)>> = LazyLock::new(|| {
    DOCUMENTS
        .into_iter()
        .map(|yaml| read_profile(yaml).expect("a built-in profile reads, as a test shows"))
        .collect()
});

impl Policy {
    /// Reads and checks a whole profile.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and field.
    pub fn parse(yaml: &str) -> Result<Self, Problems> {
        read_profile(yaml).map(|(policy, _)| policy)
    }

    /// The profile of this name; none where the product ships no such.
    pub fn built_in(name: &str) -> Option<&'static Self> {
        find(name).map(|(policy, _)| policy)
    }

    /// The name of the profile of a kind of site, inside or outside its opening-day windows.
    pub fn profile_of(kind: SiteKind, opening_day: bool) -> &'static str {
        match kind {
            SiteKind::SalesCenter if opening_day => "opening-day",
            SiteKind::Residential | SiteKind::SalesCenter => "residential",
            SiteKind::PropertyOffice => "property-office",
            SiteKind::AgencyStore => "agency-store",
        }
    }

    /// The built-in profile of a kind of site.
    pub fn for_site(kind: SiteKind, opening_day: bool) -> &'static Self {
        Self::built_in(Self::profile_of(kind, opening_day))
            .expect("every name above is a built-in profile, as a test shows")
    }
}

impl Routing {
    /// What section 3 says, which is what residential projects do.
    pub fn handbook() -> &'static Self {
        &Policy::for_site(SiteKind::Residential, false).routing
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self::handbook().clone()
    }
}

/// A built-in profile with its document.
pub(crate) fn find(name: &str) -> Option<&'static (Policy, Value)> {
    BUILT_IN.iter().find(|(policy, _)| policy.name == name)
}
