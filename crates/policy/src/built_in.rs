//! The profiles that the product ships.

use std::sync::LazyLock;

use redress_model::words::SiteKind;
use serde_json::Value;

use crate::check::read_profile;
use crate::{Level, Origin, Policy, Practice, Problems, Routing};

/// Names of the profiles that the product ships.
pub const PROFILES: [&str; 4] = [
    "residential",
    "opening-day",
    "property-office",
    "agency-store",
];

/// The documents of every release, `profiles/{revision}/{profile}.yaml`. What is released stays as it is, since promises pin it
/// (P26): whoever changes a profile adds its text under the next revision. A section that is new to all of them is added to the
/// old texts too, and says what was done before it.
const DOCUMENTS: [&str; 4] = [
    include_str!("../profiles/1/residential.yaml"),
    include_str!("../profiles/1/opening-day.yaml"),
    include_str!("../profiles/1/property-office.yaml"),
    include_str!("../profiles/1/agency-store.yaml"),
];

static RELEASED: LazyLock<Vec<Released>> = LazyLock::new(|| {
    DOCUMENTS
        .into_iter()
        .map(|yaml| Released::parse(yaml).expect("a built-in profile reads, as a test shows"))
        .collect()
});

/// A profile as it was released, with its document. Its revision is the release.
#[derive(Debug, Clone, PartialEq)]
pub struct Released {
    policy: Policy,
    document: Value,
}

impl Released {
    /// Reads and checks a whole profile.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and field.
    pub fn parse(yaml: &str) -> Result<Self, Problems> {
        let (policy, document) = read_profile(yaml)?;
        Ok(Self { policy, document })
    }

    /// Every release of every profile that the product ships.
    pub fn all() -> &'static [Self] {
        &RELEASED
    }

    /// The newest of these releases of the profile of this name; none where there is none.
    pub fn newest<'a>(of: &'a [Self], name: &str) -> Option<&'a Self> {
        of.iter()
            .filter(|released| released.policy.name == name)
            .max_by_key(|released| released.policy.revision)
    }

    /// The profile.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What it says of itself as the origin of a value.
    pub fn origin(&self) -> Origin {
        Origin {
            level: Level::Profile,
            name: self.policy.name.clone(),
            revision: self.policy.revision,
        }
    }

    /// Its document.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }
}

impl Policy {
    /// Reads and checks a whole profile.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and field.
    pub fn parse(yaml: &str) -> Result<Self, Problems> {
        Released::parse(yaml).map(|released| released.policy)
    }

    /// The profile of this name, as it was released last; none where the product ships no such.
    pub fn built_in(name: &str) -> Option<&'static Self> {
        Released::newest(Released::all(), name).map(Released::policy)
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

impl Default for Practice {
    /// What section 10 says, as residential projects do.
    fn default() -> Self {
        Policy::for_site(SiteKind::Residential, false)
            .practice
            .clone()
    }
}
