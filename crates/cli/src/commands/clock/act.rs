//! What a person does to clocks from the command line.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_clock::Length;
use redress_model::words::{ClockKind, HoldReason, LegalDeadline, UnknownWord, Word as _};
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

/// An instant as people type it: whole, with an offset or a zone, in this machine's zone, or so long from now.
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
    // What names a zone is read before what names none, which would take it for this machine's.
    let zoned = || Some(text.parse::<jiff::Zoned>().ok()?.timestamp());
    text.parse()
        .ok()
        .or_else(zoned)
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
        reason: reason_of(reason)?,
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
        reason: reason_of(reason)?,
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

/// The reason that was typed: one for which people hold a case. What the platform alone holds for it says itself.
fn reason_of(typed: &str) -> Result<i32, Failure> {
    number::<HoldReason>("reason", typed).map_err(|failure| match failure {
        Failure::Word { argument, unknown } => {
            let taken = HoldReason::ALL.iter();
            let taken = taken.filter(|reason| **reason != HoldReason::SingleVoice);
            let words: Vec<&str> = taken.map(|reason| reason.word()).collect();
            Failure::Word {
                argument,
                unknown: UnknownWord {
                    expected: words.join(", "),
                    ..unknown
                },
            }
        }
        other => other,
    })
}

/// Shows what was done, for which holds the case stands still now, and its clocks: while another hold lasts, none of them
/// need have changed.
async fn show(platform: &Platform, hold: &wire::Hold, clocks: Vec<wire::CaseClock>, out: Output) {
    if out.json {
        crate::output::object(&json::of("triage.v1.Hold", hold));
        return;
    }
    // It is done whether the others can be listed or not.
    let all = list_holds(platform, hold.case.clone()).await;
    let now = crate::now::now();
    for line in told(hold, &all.unwrap_or_default(), &clocks, now) {
        crate::output::say!("{line}");
    }
    list::show(platform, clocks, None, out).await;
}

/// What was done, and what holds the case now.
fn told(
    hold: &wire::Hold,
    all: &wire::ListHoldsResponse,
    clocks: &[wire::CaseClock],
    now: Timestamp,
) -> Vec<String> {
    let reason = word::<HoldReason>(hold.reason);
    let is_over = hold.end_time.is_some();
    let mut lines = vec![if is_over {
        format!("No longer held for {reason}.")
    } else {
        format!("Held for {}.", what(hold))
    }];
    let budget = all.budgets.iter().find(|b| b.reason == hold.reason);
    if hold.beyond_budget && !is_over {
        let days_of = budget.map_or_else(String::new, |b| {
            let (used, allowed) = (days(b.used.as_ref()), days(b.allowed.as_ref()));
            format!(": {used} days with this one, {allowed} allowed")
        });
        let by = &hold.approver;
        lines.push(format!(
            "Beyond the budget of {reason}{days_of}; {by} may allow that."
        ));
    }
    let also = if is_over { "Still" } else { "Also" };
    let others: Vec<&wire::Hold> = all
        .holds
        .iter()
        .filter(|h| h.hold_id != hold.hold_id && lasts(h, now))
        .collect();
    lines.extend(
        others
            .iter()
            .map(|h| format!("{also} held for {}.", what(h))),
    );
    let held = clocks.iter().filter(|clock| clock.held);
    let held: Vec<String> = held
        .map(|clock| {
            let (kind, reason) = (
                word::<ClockKind>(clock.kind),
                word::<HoldReason>(clock.hold_reason),
            );
            format!("{kind} for {reason}")
        })
        .collect();
    lines.push(match held.as_slice() {
        [] if is_over && others.is_empty() => "Nothing stands still.".to_owned(),
        [] => "No clock stands still: the policy lets it stop none of those that run.".to_owned(),
        held => format!("What stands still: {}.", held.join(", ")),
    });
    lines
}

/// A hold in a few words: its reason, end and note.
fn what(hold: &wire::Hold) -> String {
    let note = match hold.note.as_str() {
        "" => String::new(),
        note => format!(" ({note})"),
    };
    let reason = word::<HoldReason>(hold.reason);
    format!("{reason} until {}{note}", when(hold.until_time.as_ref()))
}

/// Whether a hold has not ended, by itself neither.
fn lasts(hold: &wire::Hold, now: Timestamp) -> bool {
    hold.end_time.is_none()
        && crate::output::instant(hold.until_time.as_ref()).is_none_or(|until| until > now)
}

async fn list_holds(
    platform: &Platform,
    parent: String,
) -> Result<wire::ListHoldsResponse, Failure> {
    let message = wire::ListHoldsRequest { parent };
    let answer = platform.clocks().list_holds(request(message)).await?;
    Ok(answer.into_inner())
}

/// Shows holds and budgets.
pub(super) async fn holds(platform: &Platform, of: &str, out: Output) -> Result<(), Failure> {
    let answer = list_holds(platform, case::name_of(platform, of).await?).await?;
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
                by(h),
                h.note.clone(),
            ]
        },
        |h| json::of("triage.v1.Hold", h),
    );
    out.rows(
        &BUDGET,
        &answer.budgets,
        |b| {
            let stops: Vec<String> = b.stops.iter().map(|k| word::<ClockKind>(*k)).collect();
            let [held, granted, allowed] = spent(b);
            vec![
                word::<HoldReason>(b.reason),
                held,
                granted,
                allowed,
                if b.needs_approval { "yes" } else { "no" }.to_owned(),
                stops.join(", "),
            ]
        },
        |b| json::of("triage.v1.HoldBudget", b),
    );
    Ok(())
}

/// The columns of budgets: what was held until now is not what counts, which is what was granted.
const BUDGET: [&str; 6] = [
    "Reason",
    "Days held",
    "With granted",
    "Days allowed",
    "Approval",
    "Stops",
];

/// What of a budget was held until now, what counts against it with what is still granted, and how much it is; the last two
/// only where there is a budget.
fn spent(budget: &wire::HoldBudget) -> [String; 3] {
    let held = days(budget.held.as_ref()).to_string();
    match &budget.allowed {
        None => [held, "–".to_owned(), "–".to_owned()],
        Some(allowed) => [
            held,
            days(budget.used.as_ref()).to_string(),
            days(Some(allowed)).to_string(),
        ],
    }
}

/// Who allowed a hold, and whether that was beyond its budget.
fn by(hold: &wire::Hold) -> String {
    let beyond = if hold.beyond_budget {
        ", beyond the budget"
    } else {
        ""
    };
    format!("{}{beyond}", hold.approver)
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

/// The kinds that a person starts, as the contract takes them; the others follow from what happens.
const STARTABLE: [ClockKind; 10] = [
    ClockKind::OutsideDeadline,
    ClockKind::Support,
    ClockKind::InterimUpdate,
    ClockKind::Defence,
    ClockKind::AppealJudgment,
    ClockKind::AppealRuling,
    ClockKind::Rescue,
    ClockKind::OnSite,
    ClockKind::StoreReport,
    ClockKind::MediaClarification,
];

/// The kind that was typed, where a person starts it.
fn startable(typed: &str) -> Result<i32, Failure> {
    let kind = number::<ClockKind>("kind", typed).ok();
    let kind = kind.filter(|kind| STARTABLE.iter().any(|k| k.number() == *kind));
    kind.ok_or_else(|| Failure::Word {
        argument: "kind",
        unknown: UnknownWord {
            text: typed.to_owned(),
            expected: STARTABLE.map(|kind| kind.word()).join(", "),
        },
    })
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
    let kind = args.kind.map(|kind| startable(&kind));
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
        for there in [
            "2026-12-01T18:00[Asia/Shanghai]",
            "2026-12-01T18:00+08[Asia/Shanghai]",
            "2026-12-01T18:00+08:00",
        ] {
            assert_eq!(
                read(there).as_deref(),
                Some("2026-12-01T10:00:00Z"),
                "{there}"
            );
        }
        assert_eq!(read("soon"), None);
        assert_eq!(read("99999999999999999d"), None);
    }

    #[test]
    fn what_a_person_may_not_hold_for_or_start_is_named_by_no_list_of_what_is_taken() {
        let said = |failure: Failure| failure.to_string();
        let reason = said(reason_of("FOO").expect_err("none"));
        assert!(
            reason.ends_with("CUSTOMER, OUTSIDE_PARTY, COURT"),
            "{reason}"
        );
        assert!(
            reason_of("single-voice").is_ok(),
            "the service says whose it is"
        );
        assert_eq!(startable("on-site").ok(), Some(ClockKind::OnSite.number()));
        for typed in ["FOO", "RESOLVE"] {
            let kind = said(startable(typed).expect_err("none"));
            assert!(
                kind.contains(typed) && kind.contains("OUTSIDE_DEADLINE, SUPPORT"),
                "{kind}"
            );
            assert_eq!(kind.matches(", ").count(), STARTABLE.len() - 1, "{kind}");
        }
    }

    fn at(text: &str) -> Option<prost_types::Timestamp> {
        let at: Timestamp = text.parse().expect("an instant");
        Some(to_timestamp(at))
    }

    fn hold_for(reason: HoldReason, id: &str) -> wire::Hold {
        wire::Hold {
            hold_id: id.to_owned(),
            reason: reason.number(),
            until_time: at("2026-12-09T09:00:00Z"),
            approver: "admin".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn what_a_hold_did_is_told_while_another_lasts_and_above_its_budget_who_allowed_it() {
        let now: Timestamp = "2026-12-01T09:00:00Z".parse().expect("an instant");
        let day = |days: i64| {
            Some(prost_types::Duration {
                seconds: days * 86_400,
                nanos: 0,
            })
        };
        let resolve = wire::CaseClock {
            kind: ClockKind::Resolve.number(),
            held: true,
            hold_reason: HoldReason::Customer.number(),
            ..Default::default()
        };
        let first = hold_for(HoldReason::Customer, "1");
        let mut second = wire::Hold {
            beyond_budget: true,
            ..hold_for(HoldReason::Court, "2")
        };
        let mut all = wire::ListHoldsResponse {
            holds: vec![first, second.clone()],
            budgets: vec![wire::HoldBudget {
                reason: HoldReason::Court.number(),
                allowed: day(90),
                used: day(200),
                held: day(0),
                ..Default::default()
            }],
        };
        let clocks = std::slice::from_ref(&resolve);
        let said = told(&second, &all, clocks, now);
        assert!(said[0].starts_with("Held for COURT until "), "{said:?}");
        assert_eq!(
            said[1],
            "Beyond the budget of COURT: 200 days with this one, 90 allowed; admin may allow that."
        );
        assert!(
            said[2].starts_with("Also held for CUSTOMER until "),
            "{said:?}"
        );
        assert_eq!(said[3], "What stands still: RESOLVE for CUSTOMER.");
        second.end_time = at("2026-12-01T09:00:00Z");
        all.holds[1] = second.clone();
        let said = told(&second, &all, clocks, now);
        assert_eq!(said[0], "No longer held for COURT.");
        assert!(
            said[1].starts_with("Still held for CUSTOMER until "),
            "{said:?}"
        );
        all.holds.remove(0);
        let said = told(&second, &all, &[], now);
        assert_eq!(said, ["No longer held for COURT.", "Nothing stands still."]);
        assert_eq!(by(&second), "admin, beyond the budget");
    }

    #[test]
    fn days_held_and_days_granted_stand_apart_and_what_has_no_budget_shows_none() {
        let budget = wire::HoldBudget {
            used: Some(prost_types::Duration {
                seconds: 3 * 86_400,
                nanos: 0,
            }),
            held: Some(prost_types::Duration {
                seconds: 5,
                nanos: 0,
            }),
            allowed: Some(prost_types::Duration {
                seconds: 90 * 86_400,
                nanos: 0,
            }),
            ..Default::default()
        };
        assert_eq!(spent(&budget), ["1", "3", "90"]);
        let none = wire::HoldBudget {
            allowed: None,
            ..budget
        };
        assert_eq!(spent(&none), ["1", "–", "–"]);
    }
}
