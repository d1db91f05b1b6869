//! Resource names after AIP-122: `sites/{site}/cases/{case}`. Parsed once at the border, so that no
//! handler ever splits a string.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not a resource name of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must look like {pattern}")]
pub struct NameError {
    /// What a right one looks like.
    pub pattern: &'static str,
}

/// Longest slug in characters.
pub const SLUG_LENGTH_MAX: usize = 63;

fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=SLUG_LENGTH_MAX).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

macro_rules! slug_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        /// Letters a to z, digits and `-`, starting with a letter, 1 to 63 characters.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_slug(text) { Ok(Self(text.to_owned())) } else { Err(NameError { pattern: "lakeside-2: a to z, 0 to 9 and hyphens, a letter first, 63 at most" }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> { text.parse() }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
    };
}

slug_id! {
    /// Id of an organization.
    OrganizationId
}
slug_id! {
    /// Id of a region within its organization.
    RegionId
}
slug_id! {
    /// Id of a site: the tenant boundary.
    SiteId
}
slug_id! {
    /// Id of a person within a site.
    StaffId
}
slug_id! {
    /// Id of a department within a site.
    DepartmentId
}

/// `organizations/{organization}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationName(pub OrganizationId);

/// `organizations/{organization}/regions/{region}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName {
    /// The organization.
    pub organization: OrganizationId,
    /// The region.
    pub region: RegionId,
}

/// `sites/{site}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteName(pub SiteId);

impl FromStr for OrganizationName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        text.strip_prefix("organizations/")
            .and_then(|id| id.parse().ok())
            .map(Self)
            .ok_or(NameError {
                pattern: "organizations/{organization}",
            })
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "organizations/{}", self.0)
    }
}

impl FromStr for RegionName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let parse = || {
            let (organization, region) = text
                .strip_prefix("organizations/")?
                .split_once("/regions/")?;
            Some(Self {
                organization: organization.parse().ok()?,
                region: region.parse().ok()?,
            })
        };
        parse().ok_or(NameError {
            pattern: "organizations/{organization}/regions/{region}",
        })
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "organizations/{}/regions/{}",
            self.organization, self.region
        )
    }
}

impl FromStr for SiteName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        text.strip_prefix("sites/")
            .and_then(|id| id.parse().ok())
            .map(Self)
            .ok_or(NameError {
                pattern: "sites/{site}",
            })
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sites/{}", self.0)
    }
}

fn site_child<'a>(text: &'a str, collection: &str) -> Option<(SiteId, &'a str)> {
    let (site, rest) = text.strip_prefix("sites/")?.split_once('/')?;
    let id = rest.strip_prefix(collection)?.strip_prefix('/')?;
    Some((site.parse().ok()?, id))
}

/// Only the canonical form: what is printed reads back to the same text.
fn canonical_uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.as_hyphenated().to_string() == text).then_some(id)
}

macro_rules! site_child_name {
    ($(#[$meta:meta])* $name:ident, $collection:literal, $pattern:literal) => {
        site_child_name! {
            $(#[$meta])*
            $name, $collection, concat!($pattern, ", the last part a UUID in lower case"), Uuid, canonical_uuid
        }
    };
    ($(#[$meta:meta])* $name:ident, $collection:literal, $pattern:expr, $id:ty, $parse:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name {
            /// The site it belongs to.
            pub site: SiteId,
            /// The id within the site.
            pub id: $id,
        }

        impl $name {
            /// The name of this id at this site.
            pub fn new(site: SiteId, id: $id) -> Self { Self { site, id } }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> { text.parse() }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String { name.to_string() }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                let parse: fn(&str) -> Option<$id> = $parse;
                site_child(text, $collection)
                    .and_then(|(site, id)| Some(Self { site, id: parse(id)? }))
                    .ok_or(NameError { pattern: $pattern })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("sites/{}/", $collection, "/{}"), self.site, self.id)
            }
        }
    };
}

site_child_name! {
    /// A case.
    CaseName, "cases", "sites/{site}/cases/{case}"
}
site_child_name! {
    /// A cluster of cases about the same issue.
    ClusterName, "clusters", "sites/{site}/clusters/{cluster}"
}
site_child_name! {
    /// A clock.
    ClockName, "clocks", "sites/{site}/clocks/{clock}"
}
site_child_name! {
    /// A crisis incident.
    IncidentName, "incidents", "sites/{site}/incidents/{incident}"
}
site_child_name! {
    /// An outward text on an incident.
    StatementName, "statements", "sites/{site}/statements/{statement}"
}
site_child_name! {
    /// An inquiry of the press.
    InquiryName, "inquiries", "sites/{site}/inquiries/{inquiry}"
}
site_child_name! {
    /// Something that was reported.
    ExposureName, "exposures", "sites/{site}/exposures/{exposure}"
}
site_child_name! {
    /// A message to a person.
    MessageName, "messages", "sites/{site}/messages/{message}"
}
site_child_name! {
    /// What a person is asked to do about a message.
    TaskName, "tasks", "sites/{site}/tasks/{task}"
}
site_child_name! {
    /// The work on a case.
    WorkName, "work", "sites/{site}/work/{work}"
}
site_child_name! {
    /// A solution of a case.
    SolutionName, "solutions", "sites/{site}/solutions/{solution}"
}
site_child_name! {
    /// A signal of a case.
    SignalName, "signals", "sites/{site}/signals/{signal}"
}
site_child_name! {
    /// A person at a site.
    StaffName, "staff", "sites/{site}/staff/{staff}", StaffId, |t| t.parse().ok()
}
site_child_name! {
    /// A department of a site.
    DepartmentName, "departments", "sites/{site}/departments/{department}", DepartmentId, |t| t.parse().ok()
}
site_child_name! {
    /// A leave of a person.
    LeaveName, "leaves", "sites/{site}/leaves/{leave}"
}
site_child_name! {
    /// A swap of duties between two people.
    SwapName, "swaps", "sites/{site}/swaps/{swap}"
}
site_child_name! {
    /// A person lent by one department to another.
    LoanName, "loans", "sites/{site}/loans/{loan}"
}
site_child_name! {
    /// A department's help on a case.
    SupportName, "supports", "sites/{site}/supports/{support}"
}
site_child_name! {
    /// Somebody who has to appear because of a case.
    SummonsName, "summonses", "sites/{site}/summonses/{summons}"
}
site_child_name! {
    /// An entry of the accountability ledger.
    LedgerEntryName, "ledgerEntries", "sites/{site}/ledgerEntries/{entry}"
}
site_child_name! {
    /// A corrective action.
    CorrectiveActionName, "correctiveActions", "sites/{site}/correctiveActions/{action}"
}
site_child_name! {
    /// A briefing of an incident.
    BriefingName, "briefings", "sites/{site}/briefings/{briefing}"
}
site_child_name! {
    /// What was promised at a briefing.
    CommitmentName, "commitments", "sites/{site}/commitments/{commitment}"
}
site_child_name! {
    /// What the review of an incident asks of somebody.
    ReviewActionName, "reviewActions", "sites/{site}/reviewActions/{action}"
}
site_child_name! {
    /// What the review of an incident teaches a playbook.
    LessonName, "lessons", "sites/{site}/lessons/{lesson}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_parses_prints_the_same_text(text in "\\PC{0,120}") {
            if let Ok(name) = text.parse::<CaseName>() { prop_assert_eq!(name.to_string(), text.clone()); }
            if let Ok(name) = text.parse::<StaffName>() { prop_assert_eq!(name.to_string(), text.clone()); }
            if let Ok(name) = text.parse::<RegionName>() { prop_assert_eq!(name.to_string(), text.clone()); }
        }

        #[test]
        fn names_read_back(site in "[a-z][a-z0-9-]{0,62}", id in any::<u128>()) {
            let name = CaseName::new(site.parse().expect("a slug"), Uuid::from_u128(id));
            prop_assert_eq!(name.to_string().parse::<CaseName>().expect("canonical"), name);
        }
    }

    #[test]
    fn near_misses_are_refused() {
        let id = "0190a6c2-0000-7000-8000-000000000001";
        assert!(format!("sites/lake/cases/{id}").parse::<CaseName>().is_ok());
        for wrong in [
            format!("sites/lake/cases/{}", id.to_uppercase()),
            format!("sites/Lake/cases/{id}"),
            format!("sites//cases/{id}"),
            format!("sites/lake/case/{id}"),
            format!("sites/lake/cases/{id}/"),
            "sites/lake/cases/".to_owned(),
            format!("sites/1lake/cases/{id}"),
            format!("sites/{}/cases/{id}", "a".repeat(64)),
        ] {
            assert!(wrong.parse::<CaseName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_name_says_whether_its_last_part_is_a_uuid() {
        let wrong = "sites/lake/cases/xx".parse::<CaseName>();
        assert_eq!(
            wrong.expect_err("no UUID").to_string(),
            "must look like sites/{site}/cases/{case}, the last part a UUID in lower case"
        );
        let wrong = "sites/lake/staff/X".parse::<StaffName>();
        assert_eq!(
            wrong.expect_err("no slug").to_string(),
            "must look like sites/{site}/staff/{staff}"
        );
    }
}
