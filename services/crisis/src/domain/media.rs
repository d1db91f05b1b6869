//! The media desk (M01, M17): what answers an inquiry, what a false exposure leads to, and where it may be clarified.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_clock::Length;

use super::cadence::within;
use super::words::{Audience, ExposureMedium, ExposureTruth, OutletRank, StatementKind};

/// A false exposure is clarified within this, or it is taken as true (M17). The handbook says days and not working days:
/// the same local time so many calendar days later.
const CLARIFY_WITHIN: Length = Length::Days(5);

/// And never less than this after it was found false (own): who assesses late still lets somebody clarify.
const CLARIFY_AT_LEAST: Length = Length::Days(1);

/// A post that reached so many exposes as the press does (G1.2, own).
const POST_REACH: i64 = 10_000;

/// Whether a report exposes as G1.2 has it: by press, radio, television or a news site, or as a post that reached enough.
pub fn exposes(medium: ExposureMedium, reach: i64) -> bool {
    medium != ExposureMedium::Post || reach >= POST_REACH
}

/// Between which instants a false exposure is to be clarified, by when it was recorded and when it was found false, on the
/// site's own clock.
pub fn clarify_between(
    zone: &TimeZone,
    recorded: Timestamp,
    assessed: Timestamp,
) -> (Timestamp, Timestamp) {
    let due = within(zone, recorded, CLARIFY_WITHIN).due;
    let least = within(zone, assessed, CLARIFY_AT_LEAST).due;
    if due < least {
        (assessed, least)
    } else {
        (recorded, due)
    }
}

/// Why an act of the media desk is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was answered or declined before.
    #[error("the inquiry was decided before; only an open one is answered or declined")]
    Decided,
    /// The text does not speak to the press.
    #[error(
        "a statement to {0} answers no journalist; legal: one to MEDIA or PUBLIC of the same incident"
    )]
    OtherAudience(Audience),
    /// Not everything stands.
    #[error(
        "the statement has not left; publish it, or, while an embargo was agreed and lasts, let all its approvals stand"
    )]
    NotApproved,
    /// Another took its place.
    #[error("the statement was superseded; answer with the one that took its place")]
    Superseded,
    /// Nothing to clarify.
    #[error("only an exposure that was found false is clarified; assess it first")]
    NotFalse,
    /// Set right, or too late for it.
    #[error("the exposure was clarified, or nobody did so in time and it is taken as true (M17)")]
    Settled,
    /// The wrong kind of text, or one that everybody else reads.
    #[error("only a published CLARIFICATION to MEDIA or PUBLIC of the same incident clarifies")]
    NoClarification,
    /// In a smaller outlet.
    #[error(
        "a clarification stands in the same outlet or in one of the same or a higher rank than {0} (M17)"
    )]
    TooSmall(OutletRank),
}

impl Refusal {
    /// The reason for machines; stands in docs/errors.md.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Decided => "INQUIRY_DECIDED",
            Self::OtherAudience(_) | Self::NotApproved | Self::Superseded => "ANSWER_NOT_APPROVED",
            Self::NotFalse => "EXPOSURE_NOT_FALSE",
            Self::Settled => "EXPOSURE_SETTLED",
            Self::NoClarification | Self::TooSmall(_) => "CLARIFICATION_NOT_EQUAL",
        }
    }
}

/// A statement as an answer or a clarification sees it.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// To whom it speaks.
    pub audience: Audience,
    /// What it is for.
    pub kind: StatementKind,
    /// It has left, and stands.
    pub published: bool,
    /// It has left, and another took its place.
    pub superseded: bool,
    /// It could leave now: every approval of exactly this text stands, nobody objects, nothing in it keeps it back.
    pub approved: bool,
}

impl Words {
    fn reach_the_press(self) -> bool {
        matches!(self.audience, Audience::Media | Audience::Public)
    }
}

/// Whether a statement may answer an inquiry: published, or approved while an embargo lasts.
///
/// # Errors
/// Why not.
pub fn answers(words: Words, embargo: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
    if !words.reach_the_press() {
        return Err(Refusal::OtherAudience(words.audience));
    }
    let under_embargo = embargo.is_some_and(|until| now < until);
    if words.published || (words.approved && under_embargo) {
        Ok(())
    } else if words.superseded {
        Err(Refusal::Superseded)
    } else {
        Err(Refusal::NotApproved)
    }
}

/// An outlet.
#[derive(Debug, Clone, Copy)]
pub struct Outlet<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its rank.
    pub rank: OutletRank,
}

/// Whether a text in one outlet clarifies what stood in another (M17).
///
/// # Errors
/// Why not.
pub fn clarifies(
    truth: Option<ExposureTruth>,
    stood_in: Outlet<'_>,
    words: Words,
    stands_in: Outlet<'_>,
) -> Result<(), Refusal> {
    if !matches!(
        truth,
        Some(ExposureTruth::False | ExposureTruth::TakenAsTrue)
    ) {
        return Err(Refusal::NotFalse);
    }
    let clarifies = words.kind == StatementKind::Clarification && words.reach_the_press();
    if !words.published || !clarifies {
        return Err(Refusal::NoClarification);
    }
    let same = stood_in.name.trim().to_lowercase() == stands_in.name.trim().to_lowercase();
    // The smaller number is the higher rank.
    if same || stands_in.rank <= stood_in.rank {
        Ok(())
    } else {
        Err(Refusal::TooSmall(stood_in.rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn words(kind: StatementKind, audience: Audience, published: bool) -> Words {
        Words {
            audience,
            kind,
            published,
            superseded: false,
            approved: true,
        }
    }

    #[test]
    fn the_press_exposes_whatever_its_reach_and_a_post_from_ten_thousand_on() {
        for medium in ExposureMedium::ALL.iter().copied() {
            let post = medium == ExposureMedium::Post;
            assert_eq!(exposes(medium, 9_999), !post, "{medium:?}");
            assert!(exposes(medium, 10_000), "{medium:?}");
        }
    }

    #[test]
    fn an_answer_is_a_statement_to_the_press_that_left_or_is_approved_under_an_embargo() {
        let answer = |audience, published, embargo| {
            answers(
                words(StatementKind::Answer, audience, published),
                embargo,
                at(100),
            )
        };
        assert_eq!(answer(Audience::Media, true, None), Ok(()));
        assert_eq!(answer(Audience::Public, true, None), Ok(()));
        assert_eq!(answer(Audience::Media, false, Some(at(101))), Ok(()));
        assert_eq!(
            answer(Audience::Media, false, None),
            Err(Refusal::NotApproved)
        );
        assert_eq!(
            answer(Audience::Media, false, Some(at(100))),
            Err(Refusal::NotApproved)
        );
        let draft = Words {
            approved: false,
            ..words(StatementKind::Answer, Audience::Media, false)
        };
        assert_eq!(
            answers(draft, Some(at(200)), at(100)),
            Err(Refusal::NotApproved)
        );
        let old = Words {
            superseded: true,
            approved: false,
            ..words(StatementKind::Answer, Audience::Media, false)
        };
        assert_eq!(answers(old, None, at(100)), Err(Refusal::Superseded));
        for audience in [Audience::Affected, Audience::Authorities, Audience::Staff] {
            let refused = answer(audience, true, None);
            assert_eq!(refused, Err(Refusal::OtherAudience(audience)));
        }
    }

    #[test]
    fn m17_a_report_that_is_found_false_late_leaves_a_day() {
        let day = 24 * 3600;
        let found = |assessed| clarify_between(&TimeZone::UTC, at(0), at(assessed));
        assert_eq!(found(0), (at(0), at(5 * day)));
        assert_eq!(found(4 * day), (at(0), at(5 * day)));
        assert_eq!(found(4 * day + 1), (at(4 * day + 1), at(5 * day + 1)));
        assert_eq!(found(9 * day), (at(9 * day), at(10 * day)));
    }

    #[test]
    fn m17_five_days_end_at_the_same_local_time_where_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").expect("in the database of zones");
        let at = |text: &str| -> Timestamp { text.parse().expect("an instant") };
        for (recorded, due) in [
            // 119 hours: the clocks go forward on 29 March.
            ("2026-03-27T09:00:00+01:00", "2026-04-01T09:00:00+02:00"),
            // 121 hours: they go back on 25 October.
            ("2026-10-23T09:00:00+02:00", "2026-10-28T09:00:00+01:00"),
            ("2026-06-01T09:00:00+02:00", "2026-06-06T09:00:00+02:00"),
        ] {
            let recorded = at(recorded);
            let (_, found) = clarify_between(&zone, recorded, recorded);
            assert_eq!(found, at(due), "{recorded}");
        }
        // The day that a late assessment leaves is a local one too.
        let (recorded, late) = (
            at("2026-03-20T09:00:00+01:00"),
            at("2026-03-28T12:00:00+01:00"),
        );
        let found = clarify_between(&zone, recorded, late);
        assert_eq!(found, (late, at("2026-03-29T12:00:00+02:00")));
    }

    #[test]
    fn m17_a_clarification_stands_in_the_same_outlet_or_one_of_equal_rank() {
        let left = words(StatementKind::Clarification, Audience::Public, true);
        let stood = Outlet {
            name: "City Daily",
            rank: OutletRank::City,
        };
        let clarify = |name, rank| {
            clarifies(
                Some(ExposureTruth::False),
                stood,
                left,
                Outlet { name, rank },
            )
        };
        assert_eq!(
            clarify(" city daily", OutletRank::Local),
            Ok(()),
            "the same"
        );
        assert_eq!(clarify("Evening News", OutletRank::City), Ok(()));
        assert_eq!(clarify("People's Daily", OutletRank::National), Ok(()));
        let refused = Err(Refusal::TooSmall(OutletRank::City));
        assert_eq!(clarify("A blog", OutletRank::Local), refused);
        for truth in [None, Some(ExposureTruth::True), Some(ExposureTruth::Partly)] {
            assert_eq!(clarifies(truth, stood, left, stood), Err(Refusal::NotFalse));
        }
        let update = words(StatementKind::Update, Audience::Public, true);
        let draft = words(StatementKind::Clarification, Audience::Public, false);
        let inside = words(StatementKind::Clarification, Audience::Staff, true);
        for wrong in [update, draft, inside] {
            let refused = clarifies(Some(ExposureTruth::False), stood, wrong, stood);
            assert_eq!(refused, Err(Refusal::NoClarification));
        }
    }
}
