//! What clap cannot read by itself: names, instants and spans.

use redress_model::name::{NameError, OrganizationId, SiteId, StaffName};
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

/// A person's name.
pub(super) fn parse_staff(text: &str) -> Result<String, NameError> {
    text.parse().map(|name: StaffName| name.to_string())
}

/// An instant: whole, local, or so long from now.
pub(crate) fn parse_when(text: &str) -> Result<jiff::Timestamp, String> {
    crate::commands::clock::instant("when", text, crate::now::now())
        .map_err(|_| "must look like 2026-12-01T18:00, 2026-12-01T18:00:00Z, 8h or 3d".to_owned())
}

/// An amount in yuan.
pub(crate) fn parse_yuan(text: &str) -> Result<Decimal, String> {
    let amount: Decimal = text
        .parse()
        .map_err(|e: rust_decimal::Error| e.to_string())?;
    if amount.normalize().scale() > 2 {
        return Err("must have at most two decimals".to_owned());
    }
    Ok(amount)
}

/// So long: minutes, hours or days.
pub(super) fn parse_span(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration = match text.strip_suffix('d') {
        Some(days) => days
            .parse::<i64>()
            .map(|d| jiff::SignedDuration::from_hours(d.saturating_mul(24)))
            .map_err(|e| e.to_string())?,
        None => text.parse().map_err(|e: jiff::Error| e.to_string())?,
    };
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
        assert!(parse_yuan("much").is_err());
    }

    #[test]
    fn spans_are_read_in_minutes_hours_and_days() {
        assert_eq!(parse_span("15m").map(|d| d.as_secs()), Ok(900));
        assert_eq!(parse_span("8h").map(|d| d.as_secs()), Ok(28_800));
        assert_eq!(parse_span("30d").map(|d| d.as_secs()), Ok(2_592_000));
        assert!(parse_span("soon").is_err());
        assert!(parse_span("-1h").is_err());
    }
}
