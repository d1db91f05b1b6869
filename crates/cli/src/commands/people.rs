//! Whom of the staff an argument names: by id, by the name of the resource, or as people call them. Every command that names
//! somebody asks here.

use redress_model::name::StaffId;
use redress_proto::assignment::v1::Staff;

use super::roster::staff;
use crate::connect::Platform;
use crate::failure::Failure;

/// Somebody of the site of what this names, by id, `sites/{site}/staff/{staff}` or what they are called; empty for nobody.
/// `sites/-` is every site of the token.
pub(crate) async fn person(platform: &Platform, of: &str, who: &str) -> Result<String, Failure> {
    let site = site_of(of);
    if let Some(name) = spelled(site, who) {
        return Ok(name);
    }
    // Whoever has left may still be complained about.
    let all = staff(platform, site, None, true, None).await?;
    called(&all, who)
}

/// As [`person`], for several.
pub(crate) async fn people(
    platform: &Platform,
    of: &str,
    whom: &[String],
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::with_capacity(whom.len());
    for who in whom {
        names.push(person(platform, of, who).await?);
    }
    Ok(names)
}

/// As [`person`], where somebody may be left out.
pub(crate) async fn person_if_given(
    platform: &Platform,
    of: &str,
    who: Option<&str>,
) -> Result<String, Failure> {
    person(platform, of, who.unwrap_or_default()).await
}

/// The site that a name lies in; none where it is every site.
pub(crate) fn site_of(name: &str) -> Option<&str> {
    let site = name.strip_prefix("sites/")?.split('/').next();
    site.filter(|site| *site != "-")
}

/// The name where what was typed says it whole, so that nobody has to be asked.
fn spelled(site: Option<&str>, who: &str) -> Option<String> {
    if who.is_empty() || who.starts_with("sites/") {
        return Some(who.to_owned());
    }
    let id: StaffId = who.parse().ok()?;
    site.map(|site| format!("sites/{site}/staff/{id}"))
}

/// The one who has this id or is called so. Who works here comes before who has left.
fn called(all: &[Staff], who: &str) -> Result<String, Failure> {
    let is_meant = |s: &&Staff| {
        let id = s.name.rsplit('/').next();
        id == Some(who) || s.display_name == who || s.display_name_en.eq_ignore_ascii_case(who)
    };
    let mut meant: Vec<&Staff> = all.iter().filter(is_meant).collect();
    if meant.iter().any(|s| !s.retired) {
        meant.retain(|s| !s.retired);
    }
    match meant.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => Err(Failure::NotFound {
            what: "person of the staff with the id or name",
            name: who.to_owned(),
        }),
        several => {
            let names: Vec<&str> = several.iter().map(|s| s.name.as_str()).collect();
            Err(Failure::Argument {
                argument: "staff",
                reason: format!("{who} may be any of {}: say which", names.join(", ")),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(site: &str, id: &str, name: &str, retired: bool) -> Staff {
        Staff {
            name: format!("sites/{site}/staff/{id}"),
            display_name: name.to_owned(),
            display_name_en: format!("Engineer {id}"),
            retired,
            ..Default::default()
        }
    }

    #[test]
    fn who_is_typed_whole_or_by_id_at_a_known_site_is_looked_up_nowhere() {
        let lake = Some("lake");
        assert_eq!(spelled(lake, "li").as_deref(), Some("sites/lake/staff/li"));
        let other = "sites/river/staff/li";
        assert_eq!(spelled(lake, other).as_deref(), Some(other));
        assert_eq!(spelled(lake, "").as_deref(), Some(""), "nobody");
        assert_eq!(spelled(lake, "工程师二"), None);
        assert_eq!(spelled(None, "li"), None, "of which site?");
        assert_eq!(site_of("sites/lake/work/x"), lake);
        assert_eq!(site_of("sites/-"), None);
        assert_eq!(site_of("LS-1"), None);
    }

    #[test]
    fn one_person_is_found_by_what_they_are_called_and_several_are_told_apart() {
        let all = [
            staff("lake", "one", "工程师一", false),
            staff("lake", "two", "工程师二", false),
            staff("lake", "left", "工程师二", true),
            staff("river", "one", "工程师三", false),
        ];
        let found = |who| called(&all, who).map_err(|e| e.to_string());
        let two = Ok("sites/lake/staff/two".to_owned());
        assert_eq!(found("工程师二"), two, "who works here comes first");
        assert_eq!(found("engineer TWO"), two);
        assert_eq!(found("left"), Ok("sites/lake/staff/left".to_owned()));
        let several = found("one").expect_err("two sites");
        assert!(
            several.contains("sites/lake/staff/one, sites/river/staff/one"),
            "{several}"
        );
        let nobody = found("工程师四").expect_err("nobody");
        assert!(nobody.contains("工程师四"), "{nobody}");
    }
}
