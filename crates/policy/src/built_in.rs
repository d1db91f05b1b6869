//! The profiles that the product ships.

use std::sync::LazyLock;

use redress_model::words::SiteKind;

use crate::Policy;

/// Their documents.
const DOCUMENTS: [&str; 4] = [
    include_str!("../profiles/residential.yaml"),
    include_str!("../profiles/opening-day.yaml"),
    include_str!("../profiles/property-office.yaml"),
    include_str!("../profiles/agency-store.yaml"),
];

static BUILT_IN: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    DOCUMENTS
        .into_iter()
        .map(|yaml| Policy::parse(yaml).expect("a built-in profile reads, as a test shows"))
        .collect()
});

impl Policy {
    /// Every profile that the product ships.
    pub fn built_in() -> &'static [Self] {
        &BUILT_IN
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
        let name = Self::profile_of(kind, opening_day);
        BUILT_IN
            .iter()
            .find(|profile| profile.name == name)
            .expect("every name above is a built-in profile, as a test shows")
    }
}
