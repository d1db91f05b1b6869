//! Cases that hotlines, regulators and petition offices transfer to us. The body's deadline is a demand; only the
//! body's own word moves it. Where the body gave none, the days count that the policy of the site gives it.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use redress_model::words;
use redress_model::words::ClockKind;
use redress_policy::Practice;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::law::Law;
use super::{Demand, DemandState, Effect, Matter, Refused};

words! {
    /// Who transferred a case to us.
    Body, "TRANSFER_BODY_" {
        /// The government hotline.
        Hotline12345 = 1 => "HOTLINE_12345",
        /// The market regulator's hotline.
        Hotline12315 = 2 => "HOTLINE_12315",
        /// The housing authority.
        HousingAuthority = 3 => "HOUSING_AUTHORITY",
        /// The petition office.
        PetitionOffice = 4 => "PETITION_OFFICE",
        /// Another body.
        Other = 5 => "OTHER",
    }
}

impl Body {
    /// Calendar days from receipt to the answer where the body gave no deadline.
    pub fn days(self, practice: &Practice) -> u16 {
        let days = &practice.transfer_days;
        match self {
            Self::Hotline12345 => days.hotline_12345,
            Self::Hotline12315 => days.hotline_12315,
            Self::HousingAuthority => days.housing_authority,
            Self::PetitionOffice => days.petition_office,
            Self::Other => days.other,
        }
    }
}

/// What the policy of a site gave where the body gave no deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByPolicy {
    /// Calendar days from receipt.
    pub days: u16,
    /// The profile on which the policy is based.
    pub profile: String,
    /// The number of the site's policy.
    pub revision: i64,
}

impl ByPolicy {
    /// The deadline: the same local time so many days after receipt; none beyond all calendars.
    pub fn due(&self, received: Timestamp, zone: TimeZone) -> Option<Timestamp> {
        let days = i64::from(self.days).days();
        let due = received.to_zoned(zone).checked_add(days).ok()?;
        Some(due.timestamp())
    }
}

words! {
    /// How far a wish for more time is.
    Extension, "EXTENSION_STATE_" {
        /// None was asked for.
        None = 1 => "NONE",
        /// Asked for.
        Requested = 2 => "REQUESTED",
        /// Granted.
        Granted = 3 => "GRANTED",
        /// Refused.
        Refused = 4 => "REFUSED",
    }
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Who transferred it.
    pub body: Body,
    /// The office, for people.
    pub office: String,
    /// That body's own number.
    pub outside_number: String,
    /// When it came to us.
    pub received: Timestamp,
    /// The deadline as it stands now.
    pub due: Timestamp,
    /// When the body granted it; none where it is the first one.
    #[serde(default)]
    pub granted: Option<Timestamp>,
    /// What the deadline was counted by; none where the body gave it.
    #[serde(default)]
    pub by_policy: Option<ByPolicy>,
    /// In which form the answer goes back.
    pub return_form: String,
    /// How far a wish for more time is.
    pub extension: Extension,
    /// The deadline that is wished for.
    pub wished: Option<Timestamp>,
    /// When the answer went back.
    pub answered: Option<Timestamp>,
    /// What the complainant scored.
    pub score: Option<u8>,
    /// How many representatives came at most.
    pub representatives: u32,
}

/// What may happen to a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It was recorded.
    Recorded,
    /// More time is asked for.
    ExtensionRequested(Timestamp),
    /// More time was granted.
    ExtensionGranted {
        /// The deadline from now on.
        due: Timestamp,
        /// When the body said so.
        granted: Timestamp,
    },
    /// No more time was granted.
    ExtensionRefused,
    /// The answer went back.
    Answered(Timestamp),
    /// The body asked the complainant.
    CalledBack(u8),
    /// Representatives came in person; at most so many may.
    Visited {
        /// How many came.
        representatives: u32,
        /// How many may.
        max: u32,
    },
}

impl Step {
    /// Representatives who came, under this law.
    pub fn visited(law: &Law, representatives: u32) -> Self {
        Self::Visited {
            representatives,
            max: law.petition.representatives_max,
        }
    }
}

fn refused(legal: &str) -> Refused {
    Refused::State {
        reason: "ILLEGAL_TRANSFER_STEP",
        legal: legal.to_owned(),
    }
}

impl Transfer {
    fn demand(&self, id: Uuid, state: DemandState) -> Effect {
        Effect::Demand(Demand {
            id,
            kind: ClockKind::OutsideDeadline,
            state,
            start: self.received,
            due: Some(self.due),
            granted: self.granted,
            party: self.office.clone(),
            outside_number: self.outside_number.clone(),
        })
    }

    /// Where the deadline as it stands now comes from, for people.
    pub fn due_source(&self) -> String {
        match &self.by_policy {
            None => "given by the body".to_owned(),
            Some(by) => {
                let s = if by.days == 1 { "" } else { "s" };
                format!(
                    "{} day{s} from receipt by the policy of the site ({}, revision {}): the body gave none",
                    by.days, by.profile, by.revision
                )
            }
        }
    }

    fn unanswered(&self) -> Result<(), Refused> {
        match self.answered {
            None => Ok(()),
            Some(_) => Err(refused("it is answered; legal now: a call-back")),
        }
    }
}

impl Matter for Transfer {
    const KIND: &'static str = "TRANSFER";
    const COLLECTION: &'static str = "transfers";
    const TYPE: &'static str = "Transfer";
    type Step = Step;

    fn record(&mut self, id: Uuid, step: &Step, at: Timestamp) -> Result<Vec<Effect>, Refused> {
        match *step {
            Step::Recorded => {
                if self.due <= self.received {
                    return Err(Refused::value("due_time", "must lie after receive_time"));
                }
                if self.received > at {
                    return Err(Refused::value("receive_time", "must not lie ahead"));
                }
                Ok(vec![self.demand(id, DemandState::Open)])
            }
            Step::ExtensionRequested(wished) => {
                self.unanswered()?;
                if self.extension == Extension::Requested {
                    return Err(refused(
                        "more time is asked for already; legal now: granted or refused",
                    ));
                }
                if wished <= self.due {
                    return Err(Refused::value(
                        "extension_requested.wished_due_time",
                        "must lie after the deadline",
                    ));
                }
                (self.extension, self.wished) = (Extension::Requested, Some(wished));
                Ok(Vec::new())
            }
            Step::ExtensionGranted { due, granted } => {
                self.unanswered()?;
                self.asked()?;
                if granted < self.received || granted > at {
                    return Err(Refused::value(
                        "extension_granted.grant_time",
                        "must lie between receipt and now",
                    ));
                }
                if due <= self.due {
                    return Err(Refused::value(
                        "extension_granted.due_time",
                        "must lie after the deadline",
                    ));
                }
                (self.extension, self.due) = (Extension::Granted, due);
                (self.granted, self.by_policy) = (Some(granted), None);
                Ok(vec![self.demand(id, DemandState::Open)])
            }
            Step::ExtensionRefused => {
                self.unanswered()?;
                self.asked()?;
                self.extension = Extension::Refused;
                Ok(Vec::new())
            }
            Step::Answered(when) => {
                self.unanswered()?;
                if when < self.received || when > at {
                    return Err(Refused::value(
                        "answered.answer_time",
                        "must lie between receipt and now",
                    ));
                }
                self.answered = Some(when);
                Ok(vec![self.demand(id, DemandState::Met(when))])
            }
            Step::CalledBack(score) => {
                if self.answered.is_none() {
                    return Err(refused(
                        "bodies call back after the answer; legal now: an answer",
                    ));
                }
                self.score = Some(score);
                Ok(Vec::new())
            }
            Step::Visited {
                representatives,
                max,
            } => {
                if representatives > max {
                    return Err(Refused::value(
                        "visited.representatives",
                        format!("must be at most {max}: a group sends so many representatives"),
                    ));
                }
                self.representatives = self.representatives.max(representatives);
                Ok(Vec::new())
            }
        }
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Recorded => "RECORDED",
            Step::ExtensionRequested(_) => "EXTENSION_REQUESTED",
            Step::ExtensionGranted { .. } => "EXTENSION_GRANTED",
            Step::ExtensionRefused => "EXTENSION_REFUSED",
            Step::Answered(_) => "ANSWERED",
            Step::CalledBack(_) => "CALLED_BACK",
            Step::Visited { .. } => "VISITED",
        }
    }

    fn is_ended(&self) -> bool {
        self.answered.is_some()
    }

    fn tags(&self) -> Vec<String> {
        // One number of one body is one transfer.
        vec![format!("number={}={}", self.body, self.outside_number)]
    }
}

impl Transfer {
    fn asked(&self) -> Result<(), Refused> {
        if self.extension == Extension::Requested {
            Ok(())
        } else {
            Err(refused(
                "nobody asked for more time; legal now: ask for it, or answer",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::super::law::cn;
    use super::*;

    fn transfer() -> Transfer {
        Transfer {
            body: Body::Hotline12345,
            office: "12345".to_owned(),
            outside_number: "GD-1".to_owned(),
            received: at("2026-05-28T01:00:00Z"),
            due: at("2026-06-02T01:00:00Z"),
            granted: None,
            by_policy: None,
            return_form: String::new(),
            extension: Extension::None,
            wished: None,
            answered: None,
            score: None,
            representatives: 0,
        }
    }

    fn step(transfer: &mut Transfer, step: Step) -> Result<Vec<Effect>, Refused> {
        transfer.record(Uuid::nil(), &step, at("2026-05-29T01:00:00Z"))
    }

    #[test]
    fn only_what_the_body_grants_moves_the_deadline() {
        let mut t = transfer();
        let later = at("2026-06-10T01:00:00Z");
        let grant = |granted: &str| Step::ExtensionGranted {
            due: later,
            granted: at(granted),
        };
        let granted = "2026-05-28T09:00:00Z";
        assert!(step(&mut t, grant(granted)).is_err(), "nobody asked");
        assert_eq!(
            step(&mut t, Step::ExtensionRequested(later)),
            Ok(Vec::new())
        );
        assert_eq!(t.due, at("2026-06-02T01:00:00Z"));
        assert_eq!(step(&mut t, Step::ExtensionRefused), Ok(Vec::new()));
        step(&mut t, Step::ExtensionRequested(later)).expect("asked again");
        for when in ["2026-05-28T00:59:59Z", "2026-05-29T01:00:01Z"] {
            let refused = step(&mut t, grant(when)).expect_err(when);
            let field = "extension_granted.grant_time";
            assert!(matches!(refused, Refused::Value { field: f, .. } if f == field));
        }
        let effects = step(&mut t, grant(granted)).expect("granted");
        assert_eq!(t.granted, Some(at(granted)));
        assert_eq!(effects, vec![t.demand(Uuid::nil(), DemandState::Open)]);
        assert_eq!(t.due, later);
    }

    #[test]
    fn section_10_where_the_body_gave_no_deadline_the_days_of_the_policy_count_until_it_speaks() {
        let practice = Practice::default();
        let days = Body::ALL.iter().map(|body| body.days(&practice));
        assert_eq!(days.collect::<Vec<_>>(), [5, 7, 10, 15, 10]);
        let by = |days| ByPolicy {
            days,
            profile: "residential".to_owned(),
            revision: 3,
        };
        // The same local time, over a change of clocks too.
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        let received = at("2026-03-27T09:00:00Z");
        let due = by(5).due(received, berlin);
        assert_eq!(due, Some(at("2026-04-01T08:00:00Z")));

        let mut t = transfer();
        assert_eq!(t.due_source(), "given by the body");
        t.by_policy = Some(by(1));
        let said = "1 day from receipt by the policy of the site (residential, revision 3): the body gave none";
        assert_eq!(t.due_source(), said);
        let later = at("2026-06-10T01:00:00Z");
        step(&mut t, Step::ExtensionRequested(later)).expect("asked");
        assert_eq!(t.due_source(), said, "a wish gives nothing");
        let granted = Step::ExtensionGranted {
            due: later,
            granted: at("2026-05-28T09:00:00Z"),
        };
        step(&mut t, granted).expect("granted");
        assert_eq!(t.due_source(), "given by the body");
    }

    #[test]
    fn five_representatives_may_come_and_six_may_not() {
        let mut t = transfer();
        assert!(step(&mut t, Step::visited(cn(), 5)).is_ok());
        let six = step(&mut t, Step::visited(cn(), 6)).expect_err("too many");
        assert!(matches!(
            six,
            Refused::Value {
                field: "visited.representatives",
                ..
            }
        ));
        assert_eq!(t.representatives, 5);
    }

    #[test]
    fn an_answer_meets_the_demand_and_then_only_a_call_back_follows() {
        let mut t = transfer();
        assert!(step(&mut t, Step::CalledBack(5)).is_err());
        let when = at("2026-05-28T05:00:00Z");
        let effects = step(&mut t, Step::Answered(when)).expect("answered");
        assert_eq!(effects, vec![t.demand(Uuid::nil(), DemandState::Met(when))]);
        assert!(step(&mut t, Step::Answered(when)).is_err());
        assert!(step(&mut t, Step::ExtensionRequested(at("2026-07-01T00:00:00Z"))).is_err());
        assert!(step(&mut t, Step::CalledBack(2)).is_ok());
        assert_eq!(t.score, Some(2));
    }

    #[test]
    fn a_deadline_that_lies_before_receipt_is_none() {
        let mut t = transfer();
        t.due = t.received;
        assert!(matches!(
            step(&mut t, Step::Recorded),
            Err(Refused::Value {
                field: "due_time",
                ..
            })
        ));
    }
}
