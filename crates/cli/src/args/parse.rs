//! What clap cannot read by itself: names, instants and spans.

use redress_model::name::{NameError, OrganizationId, RegionId, RegionName, SiteId, StaffName};
use rust_decimal::Decimal;

/// A site's id, with or without `sites/`.
pub(super) fn parse_site(text: &str) -> Result<String, NameError> {
    let id = text.strip_prefix("sites/").unwrap_or(text);
    id.parse().map(|id: SiteId| id.to_string())
}

/// An organization's id, with or without `organizations/`.
pub(super) fn parse_organization(text: &str) -> Result<String, NameError> {
    let id = text.strip_prefix("organizations/").unwrap_or(text);
    id.parse().map(|id: OrganizationId| id.to_string())
}

/// The id of a region that is to be made.
pub(super) fn parse_slug(text: &str) -> Result<String, NameError> {
    text.parse().map(|id: RegionId| id.to_string())
}

/// A region's name, whole or as `organization/region`.
pub(super) fn parse_region(text: &str) -> Result<String, NameError> {
    let short = NameError {
        pattern: "ORGANIZATION/REGION",
    };
    let name = match text.split_once('/') {
        Some(("organizations", _)) => text.to_owned(),
        Some((organization, region)) => format!("organizations/{organization}/regions/{region}"),
        None => return Err(short),
    };
    let name: RegionName = name.parse().map_err(|_| short)?;
    Ok(name.to_string())
}

/// A person's name.
pub(super) fn parse_staff(text: &str) -> Result<String, NameError> {
    text.parse().map(|name: StaffName| name.to_string())
}

/// How many rows: none are asked for by nobody, and "none" would say that there are none.
pub(super) fn parse_limit(text: &str) -> Result<usize, String> {
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.ok_or_else(|| "must be a whole number, at least 1".to_owned())
}

/// An instant: whole, local, or so long from now.
pub(crate) fn parse_when(text: &str) -> Result<jiff::Timestamp, String> {
    crate::commands::clock::instant("when", text, crate::now::now())
        .map_err(|_| "must look like 2026-12-01T18:00, 2026-12-01T18:00:00Z, 8h or 3d".to_owned())
}

/// An amount in yuan.
pub(crate) fn parse_yuan(text: &str) -> Result<Decimal, String> {
    let wrong = |_| "must be an amount in yuan, for example 1200.50".to_owned();
    let amount: Decimal = text.parse().map_err(wrong)?;
    if amount.normalize().scale() > 2 {
        return Err("must have at most two decimals".to_owned());
    }
    Ok(amount)
}

/// A month, as its first day.
pub(crate) fn parse_month(text: &str) -> Result<jiff::civil::Date, String> {
    let wrong = || "must be a month, YYYY-MM, for example 2026-10".to_owned();
    let first = (text.len() == 7).then(|| format!("{text}-01"));
    first.ok_or_else(wrong)?.parse().map_err(|_| wrong())
}

/// A month, as the contracts spell it.
pub(crate) fn parse_month_text(text: &str) -> Result<String, String> {
    parse_month(text).map(|_| text.to_owned())
}

/// How many.
pub(crate) fn parse_count(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| "must be a whole number, zero or more".to_owned())
}

/// So long: minutes, hours or days.
pub(super) fn parse_span(text: &str) -> Result<std::time::Duration, String> {
    let span: Option<jiff::SignedDuration> = match text.strip_suffix('d') {
        Some(days) => days
            .parse::<i32>()
            .map(|d| jiff::SignedDuration::from_hours(i64::from(d) * 24))
            .ok(),
        None => text.parse().ok(),
    };
    let span = span.ok_or("must be a length of time, for example 30m, 8h or 5d")?;
    std::time::Duration::try_from(span).map_err(|_| "must not be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_decimals_at_most_and_what_is_more_is_not_cut() {
        for right in ["10000.01", "10000.010", "2000", "-1"] {
            assert!(parse_yuan(right).is_ok(), "{right}");
        }
        for wrong in ["10000.001", "0.0000000001"] {
            let said = parse_yuan(wrong).expect_err("finer than a fen");
            assert_eq!(said, "must have at most two decimals", "{wrong}");
        }
        let said = parse_yuan("much").expect_err("no number");
        assert!(said.contains("1200.50"), "{said}");
    }

    #[test]
    fn months_are_read_by_year_and_month() {
        assert_eq!(parse_month("2026-10"), Ok(jiff::civil::date(2026, 10, 1)));
        assert_eq!(parse_month_text("2026-10").as_deref(), Ok("2026-10"));
        for wrong in ["2026-13", "2026-1", "2026-10-01", "october", ""] {
            let said = parse_month_text(wrong).expect_err("no month");
            assert!(said.contains("YYYY-MM"), "{said}");
        }
    }

    #[test]
    fn a_limit_of_no_rows_is_refused() {
        assert_eq!(parse_limit("1"), Ok(1));
        for wrong in ["0", "-1", "many"] {
            let said = parse_limit(wrong).expect_err(wrong);
            assert!(said.contains("at least 1"), "{said}");
        }
    }

    #[test]
    fn spans_are_read_in_minutes_hours_and_days() {
        assert_eq!(parse_span("15m").map(|d| d.as_secs()), Ok(900));
        assert_eq!(parse_span("8h").map(|d| d.as_secs()), Ok(28_800));
        assert_eq!(parse_span("30d").map(|d| d.as_secs()), Ok(2_592_000));
        for wrong in ["soon", "5x", "", "99999999999999999999d", "d"] {
            let said = parse_span(wrong).expect_err("no span");
            assert_eq!(said, "must be a length of time, for example 30m, 8h or 5d");
        }
        assert!(parse_span("-1h").is_err());
    }
}
