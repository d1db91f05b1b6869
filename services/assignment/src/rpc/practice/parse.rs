//! What requests of law and practice have in common, from the wire.

use jiff::Timestamp;
use jiff::civil::Date;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId};
use redress_proto::Money;
use redress_proto::assignment::v1 as wire;
use redress_proto::convert::{from_deadline, from_money, from_timestamp, required};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::practice::warranty::Term;

/// A case that has to be named.
pub(super) fn case(name: &str) -> Result<CaseName, Fault> {
    parse_field("case", name)
}

/// The case that a list is narrowed to, which has to lie in its site.
pub(super) fn case_of(site: Option<&SiteId>, name: &str) -> Result<Option<Uuid>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let case = case(name)?;
    match site {
        Some(site) if *site == case.site => Ok(Some(case.id)),
        _ => Err(Fault::invalid(
            "case",
            "needs a parent that is its own site",
        )),
    }
}

/// A day.
pub(super) fn day(field: &str, text: &str) -> Result<Date, Fault> {
    text.parse()
        .map_err(|_| Fault::invalid(field, "must be a day of the calendar, YYYY-MM-DD"))
}

/// A day that may be left out.
pub(super) fn day_opt(field: &str, text: &str) -> Result<Option<Date>, Fault> {
    (!text.is_empty()).then(|| day(field, text)).transpose()
}

/// An instant that has to be given.
pub(super) fn time(field: &str, time: Option<&prost_types::Timestamp>) -> Result<Timestamp, Fault> {
    let time = time.ok_or_else(|| Fault::invalid(field, "must be given"))?;
    from_timestamp(field, time)
}

/// A deadline that somebody else gave.
pub(super) fn deadline(
    field: &str,
    given: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let due = given.ok_or_else(|| Fault::invalid(field, "must be given"))?;
    from_deadline(field, due, now)
}

/// An amount that has to be given.
pub(super) fn money(field: &str, amount: Option<&Money>) -> Result<Decimal, Fault> {
    let amount = amount.ok_or_else(|| Fault::invalid(field, "must be given"))?;
    from_money(field, amount)
}

/// A text of at most so many characters: variants of a step carry no rules of their own.
pub(super) fn text(field: &str, text: String, max: usize) -> Result<String, Fault> {
    if text.chars().count() > max {
        return Err(Fault::invalid(
            field,
            format!("must have at most {max} characters"),
        ));
    }
    if text.contains('\0') {
        return Err(Fault::invalid(field, "must have no zero characters"));
    }
    Ok(text)
}

/// The id of a unit.
pub(super) fn unit_id(field: &str, text: &str) -> Result<String, Fault> {
    let right = (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-');
    if right {
        Ok(text.to_owned())
    } else {
        Err(Fault::invalid(
            field,
            "must be 1 to 63 of a to z, 0 to 9 and -",
        ))
    }
}

/// The site and the id of a unit behind its name.
pub(super) fn unit_name(field: &str, name: &str) -> Result<(SiteId, String), Fault> {
    let parts = name
        .strip_prefix("sites/")
        .and_then(|rest| rest.split_once("/units/"));
    let (site, unit) =
        parts.ok_or_else(|| Fault::invalid(field, "must look like sites/{site}/units/{unit}"))?;
    Ok((parse_field(field, site)?, unit_id(field, unit)?))
}

/// Terms, one a class.
pub(super) fn terms(field: &str, given: Vec<wire::ContractTerm>) -> Result<Vec<Term>, Fault> {
    let mut terms: Vec<Term> = Vec::new();
    for (i, term) in given.into_iter().enumerate() {
        let at = |part: &str| format!("{field}[{i}].{part}");
        let class = required(&at("defect_class"), term.defect_class)?;
        if terms.iter().any(|t| t.class == class) {
            return Err(Fault::invalid(at("defect_class"), "must be given once"));
        }
        let months = u16::try_from(term.months)
            .ok()
            .filter(|n| (1..=1_200).contains(n))
            .ok_or_else(|| Fault::invalid(at("months"), "must be from 1 to 1200"))?;
        terms.push(Term {
            class,
            months,
            clause: text(&at("clause"), term.clause, 200)?,
        });
    }
    terms.sort_by_key(|term| term.class);
    Ok(terms)
}
