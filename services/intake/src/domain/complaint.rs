//! A complaint as it comes in, parsed into a value that cannot be wrong.

use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{SiteId, SiteName, StaffName};
use redress_model::words::{
    CaseMode, Category, Channel, QualityImpact, SignalBasis, SignalKind, Wants,
};
use redress_proto::intake::v1 as pb;
use redress_proto::words as wire_words;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::check::Check;
use super::evidence::{EVIDENCE_AT_RECEIPT_MAX, NewEvidence};
use super::needs::Needs;
use super::people::Complainant;

/// How late a complaint may be entered.
pub const ENTERED_LATE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Longest text.
pub const TEXT_LENGTH_MAX: usize = 10_000;
/// What to do when nobody complains.
pub const NOBODY_COMPLAINS: &str = "must name at least one, anonymous or not, unless headcount counts a crowd or the \
     channel is MEDIA_MONITOR";
/// Largest crowd.
pub const HEADCOUNT_MAX: i32 = 1_000_000;
/// Most signals stated at receipt.
pub const SIGNALS_MAX: usize = 64;
/// Largest reach of a post.
const REACH_MAX: i64 = 10_000_000_000;
/// Most people complained about.
pub const STAFF_COMPLAINED_ABOUT_MAX: usize = 20;
/// Characters of the text that lists show.
const EXCERPT_LENGTH: usize = 80;

/// Where a case is about.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Building.
    pub building: String,
    /// Unit, flat or room.
    pub unit: String,
    /// Anything else.
    pub detail: String,
}

impl Place {
    /// Parses a place; none is an empty one.
    pub fn parse(check: &mut Check, field: &str, wire: Option<&pb::Place>) -> Self {
        let Some(wire) = wire else {
            return Self::default();
        };
        Self {
            building: check.line(format!("{field}.building"), &wire.building, 0, 100),
            unit: check.line(format!("{field}.unit"), &wire.unit, 0, 100),
            detail: check.line(format!("{field}.detail"), &wire.detail, 0, 200),
        }
    }
}

/// A signal known at receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Its id within the platform.
    pub id: Uuid,
    /// What happened.
    pub kind: SignalKind,
    /// How it is known.
    pub basis: SignalBasis,
    /// Readers or viewers of an online post.
    pub reach: i64,
    /// When it became known.
    pub known: Timestamp,
}

impl Signal {
    fn parse(
        check: &mut Check,
        field: &str,
        wire: &wire_words::Signal,
        now: Timestamp,
        id: Uuid,
    ) -> Option<Self> {
        if !wire.signal_id.is_empty() {
            check.wrong(
                format!("{field}.signal_id"),
                "must be empty; the platform gives it",
            );
        }
        let kind = check.required_word(&format!("{field}.kind"), wire.kind);
        let basis = check.required_word(&format!("{field}.basis"), wire.basis);
        if !(0..=REACH_MAX).contains(&wire.reach) {
            check.wrong(format!("{field}.reach"), "must be from 0 to 10000000000");
        } else if wire.reach != 0 && kind.is_some_and(|k| k != SignalKind::OnlinePost) {
            check.wrong(format!("{field}.reach"), "must be 0 except of ONLINE_POST");
        }
        let known = check
            .instant(&format!("{field}.known_time"), wire.known_time.as_ref())
            .unwrap_or(now);
        if known > now {
            check.wrong(format!("{field}.known_time"), "must not be ahead");
        }
        Some(Self {
            id,
            kind: kind?,
            basis: basis?,
            reach: wire.reach,
            known,
        })
    }

    /// As the wire carries it.
    pub fn to_wire(&self) -> wire_words::Signal {
        use redress_proto::convert::{to_timestamp, to_wire};
        wire_words::Signal {
            signal_id: self.id.to_string(),
            kind: to_wire(self.kind),
            basis: to_wire(self.basis),
            reach: self.reach,
            known_time: Some(to_timestamp(self.known)),
        }
    }
}

/// A complaint to be taken in.
#[derive(Clone)]
pub struct NewCase {
    /// The site.
    pub site: SiteId,
    /// Live or historical.
    pub mode: CaseMode,
    /// How it came in.
    pub channel: Channel,
    /// When the complaint was made.
    pub received: Timestamp,
    /// Who complains.
    pub complainants: Vec<Complainant>,
    /// How many complain together; 0 where nobody counted.
    pub headcount: i32,
    /// What they said.
    pub text: String,
    /// Where.
    pub place: Place,
    /// How a quality defect affects the home.
    pub quality_impact: Option<QualityImpact>,
    /// What the complainant wants.
    pub wants: Option<Wants>,
    /// Claimed sum, CNY.
    pub claim: Option<Decimal>,
    /// Stated to be complained again after handling.
    pub repeat: bool,
    /// Needs advisers or another company.
    pub needs_advisers: bool,
    /// Signals known at receipt.
    pub signals: Vec<Signal>,
    /// Category stated by a person.
    pub stated_category: Option<Category>,
    /// Evidence given at receipt.
    pub evidence: Vec<NewEvidence>,
    /// Who received it.
    pub first_contact_owner: Option<StaffName>,
    /// Staff complained about.
    pub staff_complained_about: Vec<StaffName>,
    /// What they say they need, and who is vulnerable (M15).
    pub needs: Needs,
    /// The agency store that complains about this one (M17).
    pub complaining_store: Option<SiteId>,
}

impl std::fmt::Debug for NewCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCase")
            .field("site", &self.site)
            .field("mode", &self.mode)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl NewCase {
    /// Parses a complaint. `new_id` gives ids to signals.
    ///
    /// # Errors
    /// INVALID_FIELD with every violation, none of which repeats a value.
    pub fn parse(
        site: SiteId,
        mode: CaseMode,
        wire: &pb::Case,
        now: Timestamp,
        mut new_id: impl FnMut() -> Uuid,
    ) -> Result<Self, Fault> {
        let mut check = Check::new();
        let channel = check.required_word("channel", wire.channel);
        let received = parse_received(&mut check, mode, wire.received_time.as_ref(), now);
        let complainants = Complainant::parse_all(&mut check, &wire.complainants);
        let headcount = parse_headcount(&mut check, "headcount", wire.headcount);
        // A crowd has no names, but somebody counted it (section 4).
        let nobody = wire.complainants.is_empty() && wire.headcount == 0;
        if nobody && channel.is_some_and(|c| c != Channel::MediaMonitor) {
            check.wrong("complainants", NOBODY_COMPLAINS);
        }
        let text = check.lines("text", &wire.text, 1, TEXT_LENGTH_MAX);
        let place = Place::parse(&mut check, "place", wire.place.as_ref());
        let quality_impact = check.word("quality_impact", wire.quality_impact);
        let wants = check.word("wants", wire.wants);
        let claim = check.amount("claim", wire.claim.as_ref());
        if wire.assessed_claim.is_some() {
            check.wrong(
                "assessed_claim",
                "must be absent; a person with authority sets it later",
            );
        }
        let stated_category = check.word("stated_category", wire.stated_category);
        let signals = parse_signals(&mut check, &wire.signals, now, &mut new_id);
        if wire.evidence.len() > EVIDENCE_AT_RECEIPT_MAX {
            check.wrong(
                "evidence",
                format!("must be at most {EVIDENCE_AT_RECEIPT_MAX} pieces"),
            );
        }
        let evidence = wire
            .evidence
            .iter()
            .take(EVIDENCE_AT_RECEIPT_MAX)
            .enumerate()
            .map(|(i, e)| NewEvidence::parse(&mut check, &format!("evidence[{i}]"), e, now))
            .collect();
        let first_contact_owner = (!wire.first_contact_owner.is_empty())
            .then(|| {
                parse_staff(
                    &mut check,
                    "first_contact_owner",
                    &wire.first_contact_owner,
                    &site,
                )
            })
            .flatten();
        let staff_complained_about =
            parse_complained_about(&mut check, &wire.staff_complained_about, &site);
        let needs = Needs::at_receipt(&mut check, wire.needs.as_ref());
        let complaining_store = (!wire.complaining_store.is_empty())
            .then(|| check.parsed::<SiteName>("complaining_store", &wire.complaining_store))
            .flatten()
            .map(|name| name.0);
        if complaining_store.as_ref() == Some(&site) {
            check.wrong("complaining_store", "must not be the store of the case");
        }
        if let Some(owner) = &first_contact_owner
            && staff_complained_about.contains(owner)
        {
            check.wrong(
                "first_contact_owner",
                "must not be somebody who is complained about",
            );
        }
        check.finish()?;
        let (Some(channel), Some(received)) = (channel, received) else {
            return Err(Fault::internal("a checked case lacks a part"));
        };
        Ok(Self {
            site,
            mode,
            channel,
            received,
            complainants,
            headcount,
            text,
            place,
            quality_impact,
            wants,
            claim,
            repeat: wire.repeat,
            needs_advisers: wire.needs_advisers,
            signals,
            stated_category,
            evidence,
            first_contact_owner,
            staff_complained_about,
            needs,
            complaining_store,
        })
    }

    /// Language of what the first complainant receives: as said, else that of the complaint where it is plain; empty
    /// for the site's.
    pub fn language(&self) -> &str {
        match self.complainants.first() {
            Some(first) if !first.language.is_empty() => &first.language,
            _ => plain_language(&self.text),
        }
    }
}

/// `en` for a text of Latin words without a Chinese character, `zh-CN` for one that is mostly Chinese, else empty.
pub fn plain_language(text: &str) -> &'static str {
    let chinese = text
        .chars()
        .filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c));
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    match (chinese.count(), latin) {
        (0, 8..) => "en",
        (chinese, latin) if chinese > 0 && chinese * 2 > latin => "zh-CN",
        _ => "",
    }
}

/// Letters come late: up to 7 days back, never ahead. History may be any age but has to be dated.
fn parse_received(
    check: &mut Check,
    mode: CaseMode,
    wire: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let Some(wire) = wire else {
        if mode == CaseMode::Historical {
            check.wrong("received_time", "must be given for a historical case");
        }
        return Some(now);
    };
    let received = check.instant("received_time", Some(wire))?;
    if received > now {
        check.wrong("received_time", "must not be ahead");
    } else if mode == CaseMode::Live && now.duration_since(received) > ENTERED_LATE_MAX {
        check.wrong("received_time", "must be at most 7 days back");
    }
    Some(received)
}

/// A headcount within its bounds.
pub fn parse_headcount(check: &mut Check, field: &str, headcount: i32) -> i32 {
    if !(0..=HEADCOUNT_MAX).contains(&headcount) {
        check.wrong(field, format!("must be from 0 to {HEADCOUNT_MAX}"));
        return 0;
    }
    headcount
}

fn parse_signals(
    check: &mut Check,
    wire: &[wire_words::Signal],
    now: Timestamp,
    new_id: &mut impl FnMut() -> Uuid,
) -> Vec<Signal> {
    if wire.len() > SIGNALS_MAX {
        check.wrong("signals", format!("must be at most {SIGNALS_MAX}"));
        return Vec::new();
    }
    wire.iter()
        .enumerate()
        .filter_map(|(i, s)| Signal::parse(check, &format!("signals[{i}]"), s, now, new_id()))
        .collect()
}

/// A person of the same site, whether the roster knows them yet or not.
pub fn parse_staff(check: &mut Check, field: &str, text: &str, site: &SiteId) -> Option<StaffName> {
    let name: StaffName = check.parsed(field, text)?;
    if name.site != *site {
        check.wrong(field, "must be of the same site");
        return None;
    }
    Some(name)
}

/// Staff complained about: of the same site, each once.
pub fn parse_complained_about(check: &mut Check, wire: &[String], site: &SiteId) -> Vec<StaffName> {
    if wire.len() > STAFF_COMPLAINED_ABOUT_MAX {
        check.wrong(
            "staff_complained_about",
            format!("must be at most {STAFF_COMPLAINED_ABOUT_MAX}"),
        );
        return Vec::new();
    }
    let mut names: Vec<StaffName> = wire
        .iter()
        .enumerate()
        .filter_map(|(i, text)| {
            parse_staff(check, &format!("staff_complained_about[{i}]"), text, site)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The first characters of a text on one line, for lists.
pub fn excerpt(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| {
            if c.is_whitespace() || c.is_control() {
                ' '
            } else {
                c
            }
        })
        .take(EXCERPT_LENGTH)
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redress_proto::convert::{to_timestamp, to_wire};

    fn now() -> Timestamp {
        "2026-11-21T04:00:00Z".parse().expect("valid")
    }

    fn wire() -> pb::Case {
        pb::Case {
            channel: to_wire(Channel::Hotline),
            text: "厨房漏水".to_owned(),
            complainants: vec![pb::Complainant::default()],
            ..Default::default()
        }
    }

    fn parse(mode: CaseMode, wire: &pb::Case) -> Result<NewCase, String> {
        let site = "lake".parse().expect("a slug");
        NewCase::parse(site, mode, wire, now(), || Uuid::from_u128(1)).map_err(|f| f.to_string())
    }

    #[test]
    fn an_english_complaint_asks_for_english_and_a_doubtful_one_for_what_the_site_speaks() {
        assert_eq!(plain_language("The lift has been broken for days."), "en");
        assert_eq!(plain_language("电梯坏了三天，B2 也停了"), "zh-CN");
        for doubtful in ["", "B2-1201", "12345", "WeChat: 漏水", "ok"] {
            assert_eq!(plain_language(doubtful), "", "{doubtful}");
        }
    }

    #[test]
    fn letters_are_entered_at_most_seven_days_late_and_never_ahead() {
        let at = |t: Timestamp| pb::Case {
            received_time: Some(to_timestamp(t)),
            ..wire()
        };
        let micro = SignedDuration::from_micros(1);
        let week = SignedDuration::from_hours(168);
        assert!(parse(CaseMode::Live, &at(now())).is_ok());
        assert!(parse(CaseMode::Live, &at(now() + micro)).is_err());
        assert!(parse(CaseMode::Live, &at(now() - week)).is_ok());
        assert!(parse(CaseMode::Live, &at(now() - week - micro)).is_err());
        assert!(parse(CaseMode::Historical, &at(now() - week * 500)).is_ok());
        assert!(parse(CaseMode::Historical, &at(now() + micro)).is_err());
        assert!(parse(CaseMode::Historical, &wire()).is_err());
    }

    #[test]
    fn only_what_a_monitor_found_may_lack_people_and_a_crowd_needs_no_names() {
        for channel in Channel::ALL {
            let of = |headcount| pb::Case {
                channel: to_wire(*channel),
                complainants: Vec::new(),
                headcount,
                ..wire()
            };
            assert_eq!(
                parse(CaseMode::Live, &of(0)).is_ok(),
                *channel == Channel::MediaMonitor,
                "{channel}"
            );
            assert!(parse(CaseMode::Live, &of(40)).is_ok(), "{channel}");
        }
    }

    #[test]
    fn the_text_holds_one_to_ten_thousand_characters() {
        for (length, right) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
            let case = pb::Case {
                text: "水".repeat(length),
                ..wire()
            };
            assert_eq!(parse(CaseMode::Live, &case).is_ok(), right, "{length}");
        }
    }

    #[test]
    fn every_violation_is_told_at_once_and_repeats_no_value() {
        let wrong = pb::Case {
            channel: 0,
            text: String::new(),
            headcount: -1,
            quality_impact: 99,
            claim: Some(redress_proto::Money {
                currency_code: "USD".to_owned(),
                units: 1,
                nanos: 0,
            }),
            assessed_claim: Some(redress_proto::Money::default()),
            complainants: vec![pb::Complainant {
                phone: "canary-phone".to_owned(),
                ..Default::default()
            }],
            signals: vec![wire_words::Signal {
                kind: to_wire(SignalKind::Injury),
                basis: to_wire(SignalBasis::Reported),
                reach: 5,
                ..Default::default()
            }],
            evidence: vec![pb::Evidence::default()],
            first_contact_owner: "sites/river/staff/wang".to_owned(),
            staff_complained_about: vec!["canary".to_owned()],
            ..Default::default()
        };
        let fault = parse(CaseMode::Live, &wrong).expect_err("wrong");
        for field in [
            "channel",
            "text",
            "headcount",
            "quality_impact",
            "claim.currency_code",
            "assessed_claim",
            "complainants[0].phone",
            "signals[0].reach",
            "evidence[0].sha256",
            "first_contact_owner",
            "staff_complained_about[0]",
        ] {
            assert!(fault.contains(field), "{field}: {fault}");
        }
        assert!(!fault.contains("canary"), "{fault}");
    }

    #[test]
    fn nobody_receives_a_complaint_about_themselves_as_its_owner() {
        let case = pb::Case {
            first_contact_owner: "sites/lake/staff/wang".to_owned(),
            staff_complained_about: vec!["sites/lake/staff/wang".to_owned()],
            ..wire()
        };
        assert!(parse(CaseMode::Live, &case).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", phone in "\\PC{0,30}", owner in "\\PC{0,30}") {
            let case = pb::Case {
                text: text.clone(),
                complainants: vec![pb::Complainant { phone, email: text.clone(), account: text, ..Default::default() }],
                first_contact_owner: owner.clone(),
                staff_complained_about: vec![owner],
                ..wire()
            };
            let _ = parse(CaseMode::Live, &case);
        }

        #[test]
        fn an_excerpt_is_one_short_line(text in "(?s).{0,300}") {
            let short = excerpt(&text);
            prop_assert!(short.chars().count() <= EXCERPT_LENGTH);
            prop_assert!(!short.contains('\n'));
        }
    }
}
