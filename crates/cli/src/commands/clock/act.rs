//! What a person does to clocks from the command line.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_clock::Length;
use redress_model::words::{ClockKind, HoldReason, LegalDeadline};
use redress_proto::convert::to_timestamp;
use redress_proto::triage::v1 as wire;
use redress_proto::triage::v1::start_clock_request::Term;

use super::args::{Start, Target};
use super::list;
use crate::commands::{case, number, word};
use crate::connect::{Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, when};

/// An instant as people type it: whole, in this machine's zone, or so long from now.
pub(crate) fn instant(
    argument: &'static str,
    text: &str,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let from_now = || {
        let span = match text.strip_suffix('d') {
            Some(days) => SignedDuration::from_secs(days.parse::<i64>().ok()?.checked_mul(86_400)?),
            None => text.parse().ok()?,
        };
        now.checked_add(span).ok()
    };
    let local = || {
        let local: DateTime = text.parse().ok()?;
        Some(local.to_zoned(TimeZone::system()).ok()?.timestamp())
    };
    text.parse()
        .ok()
        .or_else(local)
        .or_else(from_now)
        .ok_or_else(|| Failure::Argument {
            argument,
            reason: "must look like 2026-12-01T18:00, 2026-12-01T18:00:00Z, 8h or 3d".to_owned(),
        })
}

/// Holds a case.
pub(super) async fn hold(
    platform: &Platform,
    (of, reason): (&str, &str),
    until: &str,
    note: String,
    out: Output,
) -> Result<(), Failure> {
    let message = wire::HoldCaseRequest {
        parent: case::name_of(platform, of).await?,
        reason: number::<HoldReason>("reason", reason)?,
        until_time: Some(to_timestamp(instant("until", until, crate::now::now())?)),
        note,
        request_id: request_id(),
    };
    let answer = platform
        .clocks()
        .hold_case(request(message))
        .await?
        .into_inner();
    show(
        platform,
        &answer.hold.unwrap_or_default(),
        answer.clocks,
        out,
    )
    .await;
    Ok(())
}

/// Ends a hold.
pub(super) async fn resume(
    platform: &Platform,
    of: &str,
    reason: &str,
    out: Output,
) -> Result<(), Failure> {
    let message = wire::ResumeCaseRequest {
        parent: case::name_of(platform, of).await?,
        reason: number::<HoldReason>("reason", reason)?,
        request_id: request_id(),
    };
    let answer = platform
        .clocks()
        .resume_case(request(message))
        .await?
        .into_inner();
    show(
        platform,
        &answer.hold.unwrap_or_default(),
        answer.clocks,
        out,
    )
    .await;
    Ok(())
}

async fn show(platform: &Platform, hold: &wire::Hold, clocks: Vec<wire::CaseClock>, out: Output) {
    if out.json {
        crate::output::object(&json::of("triage.v1.Hold", hold));
        return;
    }
    list::show(platform, clocks, None, out).await;
}

/// Shows holds and budgets.
pub(super) async fn holds(platform: &Platform, of: &str, out: Output) -> Result<(), Failure> {
    let message = wire::ListHoldsRequest {
        parent: case::name_of(platform, of).await?,
    };
    let answer = platform
        .clocks()
        .list_holds(request(message))
        .await?
        .into_inner();
    if out.json {
        crate::output::object(&json::of("triage.v1.ListHoldsResponse", &answer));
        return Ok(());
    }
    out.rows(
        &["Reason", "From", "Until", "Ended", "Why", "By", "Note"],
        &answer.holds,
        |h| {
            vec![
                word::<HoldReason>(h.reason),
                when(h.start_time.as_ref()),
                when(h.until_time.as_ref()),
                when(h.end_time.as_ref()),
                h.end_cause.clone(),
                h.approver.clone(),
                h.note.clone(),
            ]
        },
        |h| json::of("triage.v1.Hold", h),
    );
    out.rows(
        &["Reason", "Days used", "Days allowed", "Approval", "Stops"],
        &answer.budgets,
        |b| {
            let stops: Vec<String> = b.stops.iter().map(|k| word::<ClockKind>(*k)).collect();
            vec![
                word::<HoldReason>(b.reason),
                days(b.used.as_ref()).to_string(),
                days(b.allowed.as_ref()).to_string(),
                if b.needs_approval { "yes" } else { "no" }.to_owned(),
                stops.join(", "),
            ]
        },
        |b| json::of("triage.v1.HoldBudget", b),
    );
    Ok(())
}

/// A duration in days, of which one that has begun is one.
pub(super) fn days(d: Option<&prost_types::Duration>) -> i64 {
    d.map_or(0, |d| d.seconds + i64::from(d.nanos > 0) + 86_399) / 86_400
}

fn length(length: Length) -> wire::ClockLength {
    use wire::ClockUnit;
    let (amount, unit) = match length {
        Length::Minutes(n) => (n, ClockUnit::Minutes),
        Length::WorkingMinutes(n) => (n, ClockUnit::WorkingMinutes),
        Length::WorkingDays(n) => (n, ClockUnit::WorkingDays),
        Length::Days(n) => (n, ClockUnit::Days),
        Length::Months(n) => (n, ClockUnit::Months),
    };
    wire::ClockLength {
        amount: i64::from(amount),
        unit: unit.into(),
    }
}

/// Starts a clock.
pub(super) async fn start(platform: &Platform, args: Start, out: Output) -> Result<(), Failure> {
    let due = args
        .due
        .map(|due| instant("due", &due, crate::now::now()))
        .transpose()?
        .map(|due| Term::DueTime(to_timestamp(due)));
    let from = args
        .from
        .map(|from| instant("from", &from, crate::now::now()))
        .transpose()?;
    let kind = args.kind.map(|kind| number::<ClockKind>("kind", &kind));
    let law = args.law.map(|law| number::<LegalDeadline>("law", &law));
    let message = wire::StartClockRequest {
        parent: case::name_of(platform, &args.case).await?,
        kind: kind.transpose()?.unwrap_or_default(),
        law: law.transpose()?.unwrap_or_default(),
        start_time: from.map(to_timestamp),
        term: due.or(args.length.map(|l| Term::Length(length(l)))),
        party: args.party,
        outside_number: args.number,
        told_to_customer: args.told,
        request_id: request_id(),
    };
    let answer = platform.clocks().start_clock(request(message)).await?;
    let clocks = Vec::from_iter(answer.into_inner().clock);
    list::show(platform, clocks, None, out).await;
    Ok(())
}

/// Moves a deadline later.
pub(super) async fn extend(
    platform: &Platform,
    target: &Target,
    due: &str,
    reason: String,
    out: Output,
) -> Result<(), Failure> {
    let clock = list::one(platform, target).await?;
    let message = wire::ExtendClockRequest {
        name: clock.name,
        due_time: Some(to_timestamp(instant("due", due, crate::now::now())?)),
        reason,
        etag: clock.etag,
        request_id: request_id(),
    };
    let answer = platform.clocks().extend_clock(request(message)).await?;
    let clocks = Vec::from_iter(answer.into_inner().clock);
    list::show(platform, clocks, None, out).await;
    Ok(())
}

/// Meets a clock.
pub(super) async fn meet(platform: &Platform, target: &Target, out: Output) -> Result<(), Failure> {
    let clock = list::one(platform, target).await?;
    let message = wire::MeetClockRequest {
        name: clock.name,
        meet_time: None,
        etag: clock.etag,
        request_id: request_id(),
    };
    let answer = platform.clocks().meet_clock(request(message)).await?;
    let clocks = Vec::from_iter(answer.into_inner().clock);
    list::show(platform, clocks, None, out).await;
    Ok(())
}

/// Cancels a clock.
pub(super) async fn cancel(
    platform: &Platform,
    target: &Target,
    reason: String,
    out: Output,
) -> Result<(), Failure> {
    let clock = list::one(platform, target).await?;
    let message = wire::CancelClockRequest {
        name: clock.name,
        reason,
        etag: clock.etag,
        request_id: request_id(),
    };
    let answer = platform.clocks().cancel_clock(request(message)).await?;
    let clocks = Vec::from_iter(answer.into_inner().clock);
    list::show(platform, clocks, None, out).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_typed_whole_or_as_so_long_from_now() {
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().expect("an instant");
        let read = |text: &str| instant("until", text, now).ok().map(|t| t.to_string());
        assert_eq!(read("8h").as_deref(), Some("2026-03-02T17:00:00Z"));
        assert_eq!(read("3d").as_deref(), Some("2026-03-05T09:00:00Z"));
        let whole = "2026-12-01T18:00:00Z";
        assert_eq!(read(whole).as_deref(), Some(whole));
        assert!(read("2026-12-01T18:00").is_some());
        assert_eq!(read("soon"), None);
        assert_eq!(read("99999999999999999d"), None);
    }
}
