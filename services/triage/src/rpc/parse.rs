//! Names and facts of requests, as the domain's types.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId, SiteName};
use redress_model::words::{SignalBasis, SignalKind};
use redress_proto::convert::{from_deadline, from_timestamp, required};
use redress_proto::words;

use crate::domain::Signal;

/// `sites/{site}/cases/{case}/decisions/{revision}`; no revision for `latest`.
pub(super) fn decision(name: &str) -> Result<(CaseName, Option<i64>), Fault> {
    let wrong = || {
        Fault::invalid(
            "name",
            "must look like sites/{site}/cases/{case}/decisions/{revision} or …/decisions/latest",
        )
    };
    let (case, revision) = name.rsplit_once("/decisions/").ok_or_else(wrong)?;
    let case = case.parse().map_err(|_| wrong())?;
    if revision == "latest" {
        return Ok((case, None));
    }
    let number: i64 = revision.parse().map_err(|_| wrong())?;
    // Only the canonical spelling.
    if number < 1 || number.to_string() != revision {
        return Err(wrong());
    }
    Ok((case, Some(number)))
}

/// One site, or none for `sites/-`.
pub(super) fn site_or_any(parent: &str) -> Result<Option<SiteId>, Fault> {
    if parent == "sites/-" {
        return Ok(None);
    }
    let site: SiteName = parse_field("parent", parent)?;
    Ok(Some(site.0))
}

/// A signal of a request.
pub(super) fn signal(field: &str, signal: &words::Signal, now: Timestamp) -> Result<Signal, Fault> {
    let kind: SignalKind = required(&format!("{field}.kind"), signal.kind)?;
    let basis: SignalBasis = required(&format!("{field}.basis"), signal.basis)?;
    let reach = u64::try_from(signal.reach)
        .map_err(|_| Fault::invalid(format!("{field}.reach"), "must be 0 or more"))?;
    if reach > 0 && kind != SignalKind::OnlinePost {
        return Err(Fault::invalid(
            format!("{field}.reach"),
            "must be 0 for every kind but ONLINE_POST",
        ));
    }
    Ok(Signal {
        kind,
        basis,
        reach,
        provisional: false,
        since: now,
    })
}

/// A deadline that a person sets.
pub(super) fn ahead(
    field: &str,
    time: &prost_types::Timestamp,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let due = from_deadline(field, time, now)?;
    if due <= now {
        return Err(Fault::invalid(field, "must lie ahead"));
    }
    Ok(due)
}

/// An instant that may be left out and never lies ahead.
pub(super) fn past(
    field: &str,
    time: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Fault> {
    let Some(time) = time else { return Ok(now) };
    let time = from_timestamp(field, time)?;
    if time > now {
        return Err(Fault::invalid(field, "must not lie ahead"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_named_by_revision_or_latest() {
        let case = "sites/lake/cases/0190a6c2-0000-7000-8000-000000000001";
        let parsed =
            |revision: &str| decision(&format!("{case}/decisions/{revision}")).map(|d| d.1);
        assert_eq!(parsed("latest").ok(), Some(None));
        assert_eq!(parsed("3").ok(), Some(Some(3)));
        for wrong in ["0", "-1", "03", "+3", "", "last", "99999999999999999999"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        assert!(decision(case).is_err());
    }
}
