//! Contacts with complainants, the facts that meet clocks.

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{SiteId, StaffName};
use redress_model::words::Channel;
use redress_proto::event::v1::ContactDirection;
use redress_proto::intake::v1 as pb;

use super::check::Check;
use super::complaint::parse_staff;

/// How far ahead a next word may be promised.
const PROMISE_AHEAD_MAX: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Whether it is for people alone, as what meets or makes promises is, and not for a portal: whatever goes out, and whenever a
/// person of ours talked.
pub fn answers(wire: &pb::Contact) -> bool {
    wire.by_person || wire.direction() == ContactDirection::Outbound
}

/// A contact to be recorded.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// Who reached out to whom.
    pub direction: ContactDirection,
    /// By which way.
    pub channel: Channel,
    /// Not an automatic receipt.
    pub by_person: bool,
    /// Answers the matter itself.
    pub substantive: bool,
    /// Our visit on site.
    pub visit: bool,
    /// When it took place.
    pub at: Timestamp,
    /// When the next word was promised.
    pub promised_next: Option<Timestamp>,
    /// Who of ours did it; none where nobody did, or nobody is named.
    pub staff: Option<StaffName>,
    /// What was said.
    pub note: String,
}

impl NewContact {
    /// Parses a contact on a case of `site` that was received at `received`, by `speaker` where it names nobody else. While its
    /// matter `is_open`, a person's word that answers nothing yet is an interim answer, and promises when the next one comes (M16);
    /// a visit is no answer.
    ///
    /// # Errors
    /// INVALID_FIELD with every violation.
    pub fn parse(
        wire: &pb::Contact,
        site: &SiteId,
        speaker: Option<&StaffName>,
        received: Timestamp,
        is_open: bool,
        now: Timestamp,
    ) -> Result<Self, redress_model::Fault> {
        let mut check = Check::new();
        let direction = ContactDirection::try_from(wire.direction)
            .ok()
            .filter(|d| *d != ContactDirection::Unspecified);
        if direction.is_none() {
            check.wrong("contact.direction", "must be INBOUND or OUTBOUND");
        }
        let channel = check.required_word("contact.channel", wire.channel);
        let at = check
            .instant("contact.contact_time", wire.contact_time.as_ref())
            .unwrap_or(now);
        if at > now {
            check.wrong("contact.contact_time", "must not be ahead");
        } else if at < received {
            check.wrong("contact.contact_time", "must not be before the complaint");
        }
        let promised_next = check.instant(
            "contact.promised_next_time",
            wire.promised_next_time.as_ref(),
        );
        if promised_next.is_some_and(|p| p <= at || p.duration_since(at) > PROMISE_AHEAD_MAX) {
            check.wrong(
                "contact.promised_next_time",
                "must be after the contact, within a year",
            );
        }
        if promised_next.is_some() && !wire.by_person {
            check.wrong(
                "contact.promised_next_time",
                "holds only of a contact by a person",
            );
        }
        let outbound = direction == Some(ContactDirection::Outbound);
        let interim = outbound && wire.by_person && !wire.substantive && !wire.visit;
        if is_open && interim && wire.promised_next_time.is_none() {
            check.wrong(
                "contact.promised_next_time",
                "must say when the next word comes: what does not answer the matter is an interim answer (M16)",
            );
        }
        if wire.substantive && !(wire.by_person && outbound) {
            check.wrong(
                "contact.substantive",
                "holds only of an outbound contact by a person",
            );
        }
        if wire.visit && !(wire.by_person && outbound) {
            check.wrong(
                "contact.visit",
                "holds only of an outbound contact by a person",
            );
        }
        let staff = if wire.staff.is_empty() {
            speaker.cloned()
        } else {
            parse_staff(&mut check, "contact.staff", &wire.staff, site)
        };
        let inbound = direction == Some(ContactDirection::Inbound);
        if inbound && wire.by_person && wire.staff.is_empty() && staff.is_none() {
            check.wrong(
                "contact.staff",
                "must say who spoke with whoever came, where the token names nobody",
            );
        }
        let note = check.lines("contact.note", &wire.note, 0, 4_000);
        check.finish()?;
        match (direction, channel) {
            (Some(direction), Some(channel)) => Ok(Self {
                direction,
                channel,
                by_person: wire.by_person,
                substantive: wire.substantive,
                visit: wire.visit,
                at,
                promised_next,
                staff: staff.filter(|_| wire.by_person),
                note,
            }),
            _ => Err(redress_model::Fault::internal(
                "a checked contact lacks a part",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_proto::convert::to_timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn call() -> pb::Contact {
        pb::Contact {
            direction: ContactDirection::Outbound.into(),
            channel: 1,
            by_person: true,
            substantive: true,
            ..Default::default()
        }
    }

    fn parse(wire: &pb::Contact) -> Result<NewContact, String> {
        parse_while(true, wire)
    }

    fn parse_while(is_open: bool, wire: &pb::Contact) -> Result<NewContact, String> {
        let wang = "sites/lake/staff/wang".parse().expect("a name");
        parse_by(Some(&wang), is_open, wire)
    }

    fn parse_by(
        speaker: Option<&StaffName>,
        is_open: bool,
        wire: &pb::Contact,
    ) -> Result<NewContact, String> {
        let site = "lake".parse().expect("a slug");
        NewContact::parse(wire, &site, speaker, at(100), is_open, at(200))
            .map_err(|f| f.to_string())
    }

    #[test]
    fn a_contact_takes_place_between_the_complaint_and_now() {
        assert_eq!(parse(&call()).expect("right").at, at(200));
        for (second, right) in [(99, false), (100, true), (200, true), (201, false)] {
            let wire = pb::Contact {
                contact_time: Some(to_timestamp(at(second))),
                ..call()
            };
            assert_eq!(parse(&wire).is_ok(), right, "{second}");
        }
    }

    #[test]
    fn an_automatic_receipt_answers_nothing() {
        let wire = pb::Contact {
            by_person: false,
            ..call()
        };
        assert!(
            parse(&wire)
                .expect_err("wrong")
                .starts_with("contact.substantive")
        );
        let inbound = pb::Contact {
            direction: ContactDirection::Inbound.into(),
            ..call()
        };
        assert!(
            parse(&inbound)
                .expect_err("wrong")
                .starts_with("contact.substantive")
        );
    }

    #[test]
    fn a_customer_who_comes_to_us_is_no_visit_on_site() {
        let visit = pb::Contact {
            substantive: false,
            visit: true,
            ..call()
        };
        assert!(parse(&visit).expect("ours").visit);
        for wrong in [
            pb::Contact {
                direction: ContactDirection::Inbound.into(),
                ..visit.clone()
            },
            pb::Contact {
                by_person: false,
                ..visit.clone()
            },
        ] {
            let refused = parse(&wrong).expect_err("nobody was on site");
            assert!(refused.starts_with("contact.visit"), "{refused}");
        }
    }

    #[test]
    fn who_speaks_with_whoever_came_is_named() {
        let asked = pb::Contact {
            direction: ContactDirection::Inbound.into(),
            substantive: false,
            ..call()
        };
        let refused = parse_by(None, true, &asked).expect_err("nobody is named");
        assert!(refused.starts_with("contact.staff"), "{refused}");
        let named = pb::Contact {
            staff: "sites/lake/staff/li".to_owned(),
            ..asked.clone()
        };
        let who = |contact: NewContact| contact.staff.map(|staff| staff.to_string());
        let wang: StaffName = "sites/lake/staff/wang".parse().expect("a name");
        for (speaker, by, wire) in [
            (None, "li", &named),
            (Some(&wang), "wang", &asked),
            (Some(&wang), "li", &named),
        ] {
            let contact = parse_by(speaker, true, wire).expect("named");
            assert_eq!(who(contact), Some(format!("sites/lake/staff/{by}")));
        }
        // What was left here by itself nobody of ours did, and we may go to the customer without saying who.
        let left = pb::Contact {
            by_person: false,
            ..named
        };
        assert_eq!(who(parse(&left).expect("left")), None);
        let ours = parse_by(None, true, &call()).expect("ours");
        assert_eq!(who(ours), None);
    }

    #[test]
    fn m16_a_person_promises_the_next_word_whoever_reached_out_and_a_machine_does_not() {
        let asked = pb::Contact {
            direction: ContactDirection::Inbound.into(),
            substantive: false,
            promised_next_time: Some(to_timestamp(at(300))),
            ..call()
        };
        let promised = parse(&asked).expect("promises").promised_next;
        assert_eq!(promised, Some(at(300)));
        let by_machine = pb::Contact {
            by_person: false,
            ..asked
        };
        let refused = parse(&by_machine).expect_err("nobody promised");
        assert!(
            refused.starts_with("contact.promised_next_time"),
            "{refused}"
        );
    }

    #[test]
    fn m16_an_interim_answer_promises_when_the_next_one_comes() {
        let interim = pb::Contact {
            substantive: false,
            ..call()
        };
        let refused = parse(&interim).expect_err("promises nothing");
        assert!(
            refused.starts_with("contact.promised_next_time"),
            "{refused}"
        );
        let promising = pb::Contact {
            promised_next_time: Some(to_timestamp(at(300))),
            ..interim.clone()
        };
        let promised = parse(&promising).expect("promises").promised_next;
        assert_eq!(promised, Some(at(300)));
        let by_machine = pb::Contact {
            by_person: false,
            ..interim.clone()
        };
        let visit = pb::Contact {
            visit: true,
            ..interim.clone()
        };
        let asked = pb::Contact {
            direction: ContactDirection::Inbound.into(),
            ..interim.clone()
        };
        for other in [call(), by_machine, visit, asked] {
            parse(&other).expect("no interim answer");
        }
        parse_while(false, &interim).expect("nothing more is owed");
    }

    #[test]
    fn a_promise_lies_after_the_contact() {
        for (second, right) in [(200, false), (201, true), (200 + 400 * 86_400, false)] {
            let wire = pb::Contact {
                promised_next_time: Some(to_timestamp(at(second))),
                ..call()
            };
            assert_eq!(parse(&wire).is_ok(), right, "{second}");
        }
    }
}
