//! From the wire into types that cannot be wrong.

use prost_types::FieldMask;
use redress_model::fault::parse_field;
use redress_model::name::{
    CaseName, DepartmentId, DepartmentName, SiteId, SiteName, StaffId, StaffName, WorkName,
};
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{ContactKind, ContactPoint};
use redress_vault::{normalize_email, normalize_phone};
use zeroize::Zeroizing;

use crate::store::contacts;

/// A text that Postgres can take: it knows no U+0000.
pub(super) fn text(field: &str, text: String) -> Result<String, Fault> {
    if text.contains('\0') {
        return Err(Fault::invalid(field, "must not hold the character U+0000"));
    }
    Ok(text)
}

/// Refuses the one character that a text of Postgres cannot hold.
pub(super) fn storable(field: &str, text: &str) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(Fault::invalid(field, "must not hold the character U+0000"));
    }
    Ok(())
}

/// The site of a parent.
pub(super) fn site(parent: &str) -> Result<SiteId, Fault> {
    site_in("parent", parent)
}

/// The site that a field names.
pub(super) fn site_in(field: &str, name: &str) -> Result<SiteId, Fault> {
    parse_field::<SiteName>(field, name).map(|name| name.0)
}

/// The site of a parent that may be `sites/-`, every site of the caller: none.
pub(super) fn site_or_any(parent: &str) -> Result<Option<SiteId>, Fault> {
    if parent == "sites/-" {
        Ok(None)
    } else {
        site(parent).map(Some)
    }
}

/// The case behind the name of its work.
pub(super) fn case_of_work(name: &str) -> Result<CaseName, Fault> {
    case_of("name", name)
}

/// The same, from another field.
pub(super) fn case_of(field: &str, name: &str) -> Result<CaseName, Fault> {
    let work: WorkName = parse_field(field, name)?;
    Ok(CaseName::new(work.site, work.id))
}

/// The case of a site behind the name of its work; none where the name is empty.
pub(super) fn case_in(field: &str, site: &SiteId, name: &str) -> Result<Option<CaseName>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let work: WorkName = parse_field(field, name)?;
    same_site(field, Some(site), &work.site)?;
    Ok(Some(CaseName::new(work.site, work.id)))
}

/// The name of the work on a case.
pub(super) fn work_name(case: &CaseName) -> WorkName {
    WorkName::new(case.site.clone(), case.id)
}

/// The department of a site behind its name; none where the name is empty.
pub(super) fn department_of(
    field: &str,
    site: Option<&SiteId>,
    name: &str,
) -> Result<Option<DepartmentId>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let name: DepartmentName = parse_field(field, name)?;
    same_site(field, site, &name.site)?;
    Ok(Some(name.id))
}

/// The person of a site behind a name; none where the name is empty.
pub(super) fn staff_of(
    field: &str,
    site: Option<&SiteId>,
    name: &str,
) -> Result<Option<StaffId>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let name: StaffName = parse_field(field, name)?;
    same_site(field, site, &name.site)?;
    Ok(Some(name.id))
}

fn same_site(field: &str, site: Option<&SiteId>, given: &SiteId) -> Result<(), Fault> {
    match site {
        Some(site) if site == given => Ok(()),
        Some(site) => Err(Fault::invalid(field, format!("must lie in sites/{site}"))),
        None => Err(Fault::invalid(field, "needs a parent of one site")),
    }
}

/// Contact points, each in one spelling.
pub(super) fn contact_points(
    field: &str,
    given: &[ContactPoint],
) -> Result<Vec<contacts::ContactPoint>, Fault> {
    let mut points = Vec::new();
    let mut violations = Vec::new();
    for (i, point) in given.iter().enumerate() {
        let value = match point.kind() {
            ContactKind::Phone => normalize_phone(&point.value).map_err(|e| e.to_string()),
            ContactKind::Email => {
                let address = normalize_email(&point.value);
                match address.split_once('@') {
                    Some((user, host)) if !user.is_empty() && host.contains('.') => Ok(address),
                    _ => Err("must be an e-mail address".to_owned()),
                }
            }
            ContactKind::Webhook | ContactKind::Unspecified => Ok(point.value.clone()),
        };
        match value {
            Ok(value) => points.push(contacts::ContactPoint {
                kind: kind_word(point.kind()).to_owned(),
                value: Zeroizing::new(value),
            }),
            Err(description) => violations.push(Violation {
                field: format!("{field}[{i}].value"),
                description,
            }),
        }
    }
    if violations.is_empty() {
        Ok(points)
    } else {
        Err(Fault::violations(violations))
    }
}

/// The fields that an update changes.
pub(super) fn paths(mask: Option<FieldMask>) -> Result<Vec<String>, Fault> {
    let paths = mask.unwrap_or_default().paths;
    if paths.is_empty() {
        let what = "must name at least one field";
        return Err(Fault::invalid("update_mask", what));
    }
    Ok(paths)
}

/// The word of a kind as Postgres keeps it.
pub(super) fn kind_word(kind: ContactKind) -> &'static str {
    kind.as_str_name()
        .strip_prefix("CONTACT_KIND_")
        .unwrap_or_default()
}
