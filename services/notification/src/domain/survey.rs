//! Surveys: who is asked, who may call, when, and what an answer is (M12, M02).

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::texts::Source;
use super::timing::Quiet;
use super::words::{Language, SurveyKind};

/// Calls at most (own).
pub const CALLS_MAX: usize = 3;
/// Between two calls, and between asking in writing and the first call (own).
const CALL_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// No calls from 20:00 to 09:00 at the site (own).
const NO_CALLS: Quiet = Quiet {
    start: Time::constant(20, 0, 0, 0),
    end: Time::constant(9, 0, 0, 0),
};

/// When the customer may be called for the first time, or once more after `since`.
pub fn next_call(since: Timestamp, calls: usize, zone: &TimeZone) -> Option<Timestamp> {
    let pause = since.saturating_add(CALL_PAUSE).ok()?;
    (calls < CALLS_MAX).then(|| NO_CALLS.opening(zone, pause))
}

/// Whether it is the time for the next call.
pub fn may_call(next: Option<Timestamp>, now: Timestamp, zone: &TimeZone) -> bool {
    next.is_some_and(|next| next <= now) && NO_CALLS.opening(zone, now) == now
}

/// When customers may be called: now by day, else in the morning.
pub fn opening(now: Timestamp, zone: &TimeZone) -> Timestamp {
    NO_CALLS.opening(zone, now)
}

/// What to ask on the phone: one question a line, so that two callers ask alike.
pub fn script(kind: SurveyKind, number: &str, language: Language) -> Source {
    let asks_solved = asks_solved(kind);
    let (subject, mut lines) = match language {
        Language::Chinese => (
            format!("电话回访{}", about(kind, number, language)),
            vec!["请对这次服务打分：1 分很差，5 分很好。"],
        ),
        Language::English => (
            format!("Call and ask{}", about(kind, number, language)),
            vec!["How was it, from 1 (bad) to 5 (good)?"],
        ),
    };
    if asks_solved {
        lines.push(match language {
            Language::Chinese => "问题真的解决了吗？",
            Language::English => "Is it really settled?",
        });
    }
    lines.push(match language {
        Language::Chinese => "还有什么想说的？",
        Language::English => "Is there anything else to say?",
    });
    lines.push(match language {
        Language::Chinese => "有没有哪位工作人员做得特别好？请记下姓名。",
        Language::English => "Did somebody help especially well? Take down the name.",
    });
    Source {
        subject,
        body: lines.join("\n"),
    }
}

/// Whether it is asked if it is solved.
pub fn asks_solved(kind: SurveyKind) -> bool {
    matches!(kind, SurveyKind::Complaint | SurveyKind::Repair)
}

fn about(kind: SurveyKind, number: &str, language: Language) -> String {
    let (chinese, english) = match kind {
        SurveyKind::Sales => ("：购房之后", ": after the sale"),
        SurveyKind::Handover => ("：交房之后", ": after the handover"),
        SurveyKind::Repair => ("：维修之后", ": after the repair"),
        SurveyKind::DailyLiving => ("：日常居住", ": daily living"),
        SurveyKind::Complaint => ("：投诉办结之后", ": after the complaint"),
    };
    let said = match language {
        Language::Chinese => chinese,
        Language::English => english,
    };
    if number.is_empty() {
        said.to_owned()
    } else {
        format!("{said} {number}")
    }
}

/// What a customer answered. The comment is personal: hence no `Debug`.
#[derive(Clone)]
pub struct Answer {
    /// 1 (bad) to 5 (good).
    pub score: i32,
    /// Whether it is solved; none where it was not asked.
    pub solved: Option<bool>,
    /// What the customer said beyond that; empty for nothing.
    pub comment: String,
    /// Staff whom the customer praised, by their full names.
    pub praised: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn m12_whether_it_is_solved_is_asked_after_a_complaint_and_a_repair_alone() {
        for kind in SurveyKind::ALL {
            for (language, question) in [
                (Language::Chinese, "解决了吗"),
                (Language::English, "settled"),
            ] {
                let script = script(*kind, "LAKE-1", language);
                assert!(script.subject.ends_with("LAKE-1"));
                assert_eq!(script.body.contains(question), asks_solved(*kind), "{kind}");
            }
        }
    }

    #[test]
    fn m12_a_customer_is_called_by_day_a_day_apart_and_three_times_at_most() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        // Asked at 22:00; a day later is night again, so the morning after.
        let first = next_call(at("2026-11-21T14:00:00Z"), 0, &zone).unwrap();
        assert_eq!(first, at("2026-11-23T01:00:00Z"));
        assert!(!may_call(Some(first), at("2026-11-23T00:59:59Z"), &zone));
        assert!(may_call(Some(first), first, &zone));
        assert!(may_call(Some(first), at("2026-11-23T11:59:59Z"), &zone));
        assert!(!may_call(Some(first), at("2026-11-23T12:00:00Z"), &zone));
        assert_eq!(next_call(first, 2, &zone), Some(at("2026-11-24T01:00:00Z")));
        assert_eq!(next_call(first, 3, &zone), None);
        assert!(!may_call(None, first, &zone));
    }
}
