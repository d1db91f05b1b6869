//! Which policy holds at a site: the profile of its kind, changed level by level.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use redress_model::name::{
    NameError, OrganizationId, OrganizationName, RegionName, SiteId, SiteName,
};
use redress_model::words::SiteKind;
use redress_policy::{Clash, Effective, Layer, Level, Origin, Overlay, Policy, Released, merge};

/// Numbers of one release of a profile: a release that changes a profile begins anew above them, so that
/// what a decision pins never names two policies.
const NUMBERS_OF_A_RELEASE: u32 = 1_000_000;

/// What a policy document belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyScope {
    /// All sites of an organization.
    Organization(OrganizationId),
    /// All sites of a region.
    Region(RegionName),
    /// One site.
    Site(SiteId),
}

impl PolicyScope {
    /// How far down it lies.
    pub fn level(&self) -> Level {
        match self {
            Self::Organization(_) => Level::Organization,
            Self::Region(_) => Level::Region,
            Self::Site(_) => Level::Site,
        }
    }

    /// A revision of it.
    pub fn origin(&self, revision: u32) -> Origin {
        Origin {
            level: self.level(),
            name: self.to_string(),
            revision,
        }
    }
}

impl fmt::Display for PolicyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(f, "organizations/{id}"),
            Self::Region(name) => write!(f, "{name}"),
            Self::Site(id) => write!(f, "sites/{id}"),
        }
    }
}

impl FromStr for PolicyScope {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let site = || text.parse::<SiteName>().map(|name| Self::Site(name.0));
        let region = || text.parse::<RegionName>().map(Self::Region);
        let organization = || {
            text.parse::<OrganizationName>()
                .map(|name| Self::Organization(name.0))
        };
        site().or_else(|_| region()).or_else(|_| organization()).map_err(|_| NameError {
            pattern: "organizations/{organization}, organizations/{organization}/regions/{region} or sites/{site}",
        })
    }
}

/// Where a site lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The site.
    pub site: SiteId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its region.
    pub region: RegionName,
    /// Numbers of its policy begin above this since it lies there.
    pub base: u32,
}

impl Place {
    /// What changes its policy, from the top down.
    pub fn scopes(&self) -> [PolicyScope; 3] {
        [
            PolicyScope::Organization(self.organization.clone()),
            PolicyScope::Region(self.region.clone()),
            PolicyScope::Site(self.site.clone()),
        ]
    }
}

/// The number of a policy at a site: the revisions that it is made of, added up. Each of them only rises
/// as time goes on, so every change gives a new number and a number names one policy.
pub fn number(profile: &Policy, base: u32, revisions: impl IntoIterator<Item = u32>) -> u32 {
    let sum: u32 = revisions.into_iter().sum();
    (profile.revision - 1) * NUMBERS_OF_A_RELEASE + 1 + base + sum
}

/// What [`number`] added up: base and revisions.
pub fn sum_of(number: u32) -> u32 {
    number.saturating_sub(1) % NUMBERS_OF_A_RELEASE
}

/// The release of a profile that the number of a policy names, among those that are kept (P26); none where it is not: a later
/// one made it.
pub fn release_of<'a>(kept: &'a [Released], profile: &str, number: u32) -> Option<&'a Released> {
    let revision = number.saturating_sub(1) / NUMBERS_OF_A_RELEASE + 1;
    kept.iter()
        .find(|of| of.policy().name == profile && of.policy().revision == revision)
}

/// A document that takes effect.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it comes from.
    pub origin: Origin,
    /// What it changes; none where this release cannot read it.
    pub overlay: Option<Overlay>,
}

/// What holds at a site.
#[derive(Debug, Clone)]
pub struct SitePolicy {
    /// The policy with the origin of each value.
    pub effective: Effective,
    /// The documents that it is made of, from the top down, the profile first.
    pub origins: Vec<Origin>,
    /// Documents that contradict the levels above them, and those that this release cannot read.
    pub left_out: Vec<Origin>,
}

impl SitePolicy {
    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.effective.policy
    }
}

/// Lays documents over a profile, of the release that the number names. A document is checked against the levels around it when it is applied;
/// one that contradicts them all the same, after its site has moved, is left out, the lowest first: a site
/// without a policy would lose complaints.
pub fn compose(profile: &Released, documents: &[Document], number: u32) -> SitePolicy {
    let (mut taken, mut left_out): (Vec<&Document>, Vec<&Document>) =
        documents.iter().partition(|d| d.overlay.is_some());
    loop {
        let layers: Vec<Layer<'_>> = taken
            .iter()
            .filter_map(|d| d.overlay.as_ref().map(|overlay| (&d.origin, overlay)))
            .map(|(origin, overlay)| Layer { origin, overlay })
            .collect();
        if let Ok(effective) = profile.merge(&layers, number) {
            let origins = taken.iter().map(|d| d.origin.clone());
            return SitePolicy {
                effective,
                origins: std::iter::once(profile.origin()).chain(origins).collect(),
                left_out: left_out.iter().map(|d| d.origin.clone()).collect(),
            };
        }
        // The profile alone always holds, so there is a lowest one.
        left_out.extend(taken.pop());
    }
}

/// A revision of a scope, as far as it says when it holds.
#[derive(Debug, Clone)]
pub struct Head {
    /// What it belongs to.
    pub scope: PolicyScope,
    /// Its number within the scope.
    pub revision: u32,
    /// From when on it holds.
    pub effective: Timestamp,
}

/// The revision of a scope that holds at an instant: the newest of those that have begun.
pub fn holding<'a>(
    heads: impl IntoIterator<Item = &'a Head>,
    scope: &PolicyScope,
    at: Timestamp,
) -> Option<&'a Head> {
    heads
        .into_iter()
        .filter(|head| head.scope == *scope && head.effective <= at)
        .max_by_key(|head| head.revision)
}

/// The revisions that made up the number of a policy, found by walking through time; none where no instant
/// gives it.
pub fn revisions_of(number: u32, place: &Place, heads: &[Head]) -> Option<Vec<(PolicyScope, u32)>> {
    let wanted = sum_of(number);
    let instants: BTreeSet<Timestamp> = std::iter::once(Timestamp::MIN)
        .chain(heads.iter().map(|head| head.effective))
        .collect();
    instants.into_iter().find_map(|at| {
        let held: Vec<(PolicyScope, u32)> = place
            .scopes()
            .into_iter()
            .filter_map(|scope| {
                let revision = holding(heads, &scope, at)?.revision;
                Some((scope, revision))
            })
            .collect();
        let sum: u32 = held.iter().map(|(_, revision)| revision).sum();
        (place.base + sum == wanted).then_some(held)
    })
}

/// The profiles that a kind of site can have.
pub fn profiles_of(kind: SiteKind) -> BTreeSet<&'static str> {
    [false, true]
        .into_iter()
        .map(|opening_day| Policy::profile_of(kind, opening_day))
        .collect()
}

/// A line of levels below a scope whose documents have to go together.
#[derive(Debug, Clone)]
pub struct Line {
    /// The profiles in question.
    pub profiles: BTreeSet<&'static str>,
    /// The scopes from the top down.
    pub scopes: Vec<PolicyScope>,
}

/// Every contradiction that a new document would bring, now or when a revision that already waits takes
/// effect. `documents` are the revisions of all scopes of the lines; the new one is not among them.
pub fn clashes(
    new: (&PolicyScope, &Overlay, u32, Timestamp),
    lines: &[Line],
    documents: &[(Head, Option<Overlay>)],
) -> Vec<Clash> {
    let (scope, overlay, revision, from) = new;
    let mut found: Vec<Clash> = Vec::new();
    for line in lines {
        let own = || {
            documents
                .iter()
                .filter(|(head, _)| line.scopes.contains(&head.scope))
        };
        let instants: BTreeSet<Timestamp> = own()
            .map(|(head, _)| head.effective)
            .filter(|effective| *effective > from)
            .chain([from])
            .collect();
        for at in instants {
            let layers: Vec<(Origin, &Overlay)> = line
                .scopes
                .iter()
                .filter_map(|of| {
                    if of == scope {
                        return Some((scope.origin(revision), overlay));
                    }
                    let head = holding(own().map(|(head, _)| head), of, at)?;
                    let (_, overlay) = own()
                        .find(|(h, _)| h.scope == head.scope && h.revision == head.revision)?;
                    Some((of.origin(head.revision), overlay.as_ref()?))
                })
                .collect();
            let layers: Vec<Layer<'_>> = layers
                .iter()
                .map(|(origin, overlay)| Layer { origin, overlay })
                .collect();
            for profile in &line.profiles {
                found.extend(merge(profile, &layers, 1).err().into_iter().flatten());
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|clash| seen.insert(clash.to_string()));
    found
}

#[cfg(test)]
mod tests {
    use redress_model::Grade;
    use redress_model::words::{Channel, ClockKind, Urgency};
    use redress_policy::LengthKey;

    use super::*;

    const FIRST: &str = include_str!("../../../../crates/policy/profiles/1/residential.yaml");

    #[test]
    fn p26_a_promise_is_regraded_by_the_text_of_the_release_whose_number_it_pins() {
        let (fifteen, ten) = (
            "{ grades: [2], length: 15 days }",
            "{ grades: [2], length: 10 days }",
        );
        let second = FIRST
            .replacen("revision: 1", "revision: 2", 1)
            .replacen(fifteen, ten, 1);
        let kept = [FIRST, second.as_str()].map(|text| Released::parse(text).expect("sound"));
        let site = PolicyScope::Site("lakeside".parse().expect("a slug"));
        let documents = [Document {
            origin: site.origin(3),
            overlay: Some(Overlay::parse("grading: { group: 5 }").expect("sound")),
        }];
        let key = LengthKey {
            grade: Grade::TWO,
            urgency: Urgency::WithinADay,
            channel: Channel::App,
        };
        let by = |number: u32| {
            let release = release_of(&kept, "residential", number)?;
            let site = compose(release, &documents, number);
            let policy = site.policy();
            let length = policy.length(ClockKind::Resolve, key)?.to_string();
            Some((length, policy.grading.group, site.origins[0].revision))
        };
        let newest = Released::newest(&kept, "residential").expect("kept");
        let [pinned, new] = [&kept[0], newest].map(|of| number(of.policy(), 0, [3]));
        assert_eq!((pinned, new), (4, 1_000_004));
        assert_eq!(by(pinned), Some(("15 days".to_owned(), 5, 1)));
        assert_eq!(by(new), Some(("10 days".to_owned(), 5, 2)));
        // The last number of a release, and one of a release that came later.
        assert_eq!(by(1_000_000), by(pinned));
        assert_eq!(by(2_000_001), None);
    }
}
