//! What makes an organization, a region or a site right.

use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::name::{RegionName, SiteId};
use redress_model::words::SiteKind;
use redress_proto::intake::v1 as pb;

use super::check::Check;
use super::people::parse_language;

/// Where most sites are.
const TIME_ZONE_DEFAULT: &str = "Asia/Shanghai";
/// What most customers read.
const LANGUAGE_DEFAULT: &str = "zh-CN";

/// A site to be made.
#[derive(Debug, Clone)]
pub struct NewSite {
    /// Its id.
    pub id: SiteId,
    /// Where it belongs.
    pub region: RegionName,
    /// What kind of place it is.
    pub kind: SiteKind,
    /// Name for people.
    pub display_name: String,
    /// Name for people who read English; empty: the other.
    pub display_name_en: String,
    /// IANA time zone.
    pub time_zone: String,
    /// What the numbers of its cases begin with.
    pub number_prefix: String,
    /// What customers receive unless they prefer another.
    pub language: String,
}

/// A name for people.
///
/// # Errors
/// INVALID_FIELD naming the field.
pub fn display_name(field: &str, text: &str) -> Result<String, Fault> {
    let mut check = Check::new();
    let name = check.line(field, text, 1, 100);
    check.finish()?;
    Ok(name)
}

impl NewSite {
    /// Parses a site.
    ///
    /// # Errors
    /// INVALID_FIELD with every violation.
    pub fn parse(site_id: &str, wire: &pb::Site) -> Result<Self, Fault> {
        let mut check = Check::new();
        let id = check.parsed("site_id", site_id);
        let region = check.parsed("site.region", &wire.region);
        let kind = check.required_word("site.kind", wire.kind);
        let display_name = check.line("site.display_name", &wire.display_name, 1, 100);
        let display_name_en = check.line("site.display_name_en", &wire.display_name_en, 0, 100);
        let time_zone = or_default(&wire.time_zone, TIME_ZONE_DEFAULT);
        if !is_iana_zone(&time_zone) {
            check.wrong("site.time_zone", "must be an IANA time zone");
        }
        let prefix = &wire.number_prefix;
        if !(1..=6).contains(&prefix.len()) || !prefix.bytes().all(|b| b.is_ascii_uppercase()) {
            check.wrong("site.number_prefix", "must be 1 to 6 letters A to Z");
        }
        let language = parse_language(&mut check, "site.language", &wire.language);
        check.finish()?;
        match (id, region, kind) {
            (Some(id), Some(region), Some(kind)) => Ok(Self {
                id,
                region,
                kind,
                display_name,
                display_name_en,
                time_zone,
                number_prefix: prefix.clone(),
                language: or_default(&language, LANGUAGE_DEFAULT),
            }),
            _ => Err(Fault::internal("a checked site lacks a part")),
        }
    }
}

/// Only names of the database, not POSIX strings, so that every service reads the same zone.
fn is_iana_zone(text: &str) -> bool {
    TimeZone::get(text).is_ok_and(|z| z.iana_name().is_some())
}

fn or_default(text: &str, default: &str) -> String {
    if text.is_empty() { default } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> pb::Site {
        pb::Site {
            region: "organizations/demo/regions/east".to_owned(),
            kind: 1,
            display_name: "湖畔".to_owned(),
            number_prefix: "LX".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_site_has_defaults_for_zone_and_language() {
        let site = NewSite::parse("lake", &wire()).expect("right");
        assert_eq!(
            (site.time_zone.as_str(), site.language.as_str()),
            ("Asia/Shanghai", "zh-CN")
        );
    }

    #[test]
    fn every_wrong_part_is_named() {
        let wrong = pb::Site {
            region: "east".to_owned(),
            kind: 0,
            display_name: String::new(),
            time_zone: "Mars/Olympus".to_owned(),
            number_prefix: "lx".to_owned(),
            language: "fr".to_owned(),
            ..Default::default()
        };
        let fault = NewSite::parse("Lake", &wrong)
            .expect_err("wrong")
            .to_string();
        for field in [
            "site_id",
            "site.region",
            "site.kind",
            "site.display_name",
            "site.time_zone",
            "site.number_prefix",
            "site.language",
        ] {
            assert!(fault.contains(field), "{field}: {fault}");
        }
    }
}
