//! How to reach people, and what was published: asked of the service that knows.
//!
//! A trait, since there are two: the peers over gRPC, and the people of a test.

use std::time::Duration;

use redress_model::Fault;
use redress_model::name::{CaseName, StaffName, StatementName};
use redress_model::words::Word as _;
use redress_proto::assignment::v1 as assignment;
use redress_proto::crisis::v1 as crisis;
use redress_proto::intake::v1 as intake;
use redress_rpc::client::{Call, Peers};
use redress_rpc::fault_of;

use crate::domain::route::ContactPoints;
use crate::domain::words::{MessageChannel, Template};
use crate::store::staff::StaffContact;

/// Longest wait for a peer; with the provider's timeout well inside the lease.
const DEADLINE: Duration = Duration::from_secs(10);

/// A complainant, at the moment of sending. Personal data: hence no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Complainant {
    /// Name and addresses.
    pub points: ContactPoints,
    /// Language that the person asked for; empty for the site's.
    pub language: String,
}

/// Those who know how to reach people.
pub trait People: Send + Sync + 'static {
    /// How to reach a complainant of a case now, to say this; none where intake does not know the person any more.
    fn complainant(
        &self,
        case: &CaseName,
        token: &str,
        template: Template,
    ) -> impl Future<Output = Result<Option<Complainant>, Fault>> + Send;

    /// How to reach staff, to be kept sealed here; none where assignment does not know the person.
    fn staff(
        &self,
        staff: &StaffName,
    ) -> impl Future<Output = Result<Option<StaffContact>, Fault>> + Send;

    /// What was published; none where crisis does not know it.
    fn statement(
        &self,
        statement: &StatementName,
    ) -> impl Future<Output = Result<Option<Published>, Fault>> + Send;
}

/// A published statement, at the moment of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The words.
    pub text: String,
    /// A newer one took its place.
    pub superseded: bool,
}

/// The services that know people and what was published: intake, assignment and crisis.
#[derive(Debug, Clone)]
pub struct PeersPeople {
    peers: Peers,
}

impl PeersPeople {
    /// Asks these peers.
    pub fn new(peers: Peers) -> Self {
        Self { peers }
    }
}

impl People for PeersPeople {
    async fn complainant(
        &self,
        case: &CaseName,
        token: &str,
        template: Template,
    ) -> Result<Option<Complainant>, Fault> {
        let purpose = purpose(template);
        let call = Call::new(purpose.clone())
            .site(&case.site)
            .deadline(DEADLINE)
            .idempotent();
        let mut client = intake::case_read_service_client::CaseReadServiceClient::new(
            self.peers.call("intake", call)?,
        );
        let answer = client
            .read_contact_points(intake::ReadContactPointsRequest {
                name: case.to_string(),
                purpose,
            })
            .await
            .map_err(|status| fault_of("intake", status));
        let Some(answer) = known(answer)? else {
            return Ok(None);
        };
        let answer = answer.into_inner();
        let place = answer.place.unwrap_or_default();
        let person = answer
            .contact_points
            .into_iter()
            .find(|point| point.person_token == token)
            .and_then(|point| point.complainant);
        Ok(person.map(|person| complainant(person, &place)))
    }

    async fn staff(&self, staff: &StaffName) -> Result<Option<StaffContact>, Fault> {
        const PURPOSE: &str = "message.staff";
        let call = Call::new(PURPOSE)
            .site(&staff.site)
            .deadline(DEADLINE)
            .idempotent();
        let mut client = assignment::roster_service_client::RosterServiceClient::new(
            self.peers.call("assignment", call)?,
        );
        let answer = client
            .read_staff_contact_points(assignment::ReadStaffContactPointsRequest {
                name: staff.to_string(),
                purpose: PURPOSE.to_owned(),
            })
            .await
            .map_err(|status| fault_of("assignment", status));
        let name = staff.to_string();
        Ok(known(answer)?.map(|answer| staff_contact(&name, &answer.into_inner())))
    }

    async fn statement(&self, statement: &StatementName) -> Result<Option<Published>, Fault> {
        let call = Call::new("message.statement-published")
            .site(&statement.site)
            .deadline(DEADLINE)
            .idempotent();
        let mut client = crisis::statement_service_client::StatementServiceClient::new(
            self.peers.call("crisis", call)?,
        );
        let answer = client
            .read_statement_text(crisis::ReadStatementTextRequest {
                name: statement.to_string(),
            })
            .await
            .map_err(|status| fault_of("crisis", status));
        Ok(known(answer)?.map(|answer| {
            let answer = answer.into_inner();
            Published {
                text: answer.text,
                superseded: answer.superseded,
            }
        }))
    }
}

/// What a complainant's contact points are read for, as intake writes it down: the message that is sent.
fn purpose(template: Template) -> String {
    format!("message.{}", template.key().replace('.', "-"))
}

fn known<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Fault::NotFound { .. }) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The way a person prefers comes first; the others follow from the quickest to the slowest.
fn complainant(person: intake::Complainant, place: &intake::Place) -> Complainant {
    let mut points = ContactPoints::of(person.display_name.as_str());
    points.add(MessageChannel::Sms, &person.phone);
    points.add(MessageChannel::Wechat, &person.account);
    points.add(MessageChannel::Email, &person.email);
    points.add(MessageChannel::Phone, &person.phone);
    points.add(MessageChannel::App, &person.account);
    // Who can be reached by nothing else gets a letter too (M16).
    if person.preferred_contact_way() == intake::ContactWay::Letter || points.is_empty() {
        // Where nothing says where the person lives, who writes has to find it out.
        let place = postal(place);
        let known = [&person.postal_address, &place, &person.display_name];
        for address in known.into_iter().filter(|text| !text.is_empty()) {
            points.add(MessageChannel::Letter, address);
        }
    }
    // The numbers of intake's ways are those of our first five channels.
    if let Some(channel) = MessageChannel::from_number(person.preferred_contact_way)
        .filter(|channel| channel.number() <= MessageChannel::Letter.number())
    {
        points.prefer(channel);
    }
    Complainant {
        points,
        language: person.language,
    }
}

/// Where a letter finds who lives there, on one line.
fn postal(place: &intake::Place) -> String {
    [&place.building, &place.unit, &place.detail]
        .into_iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Staff are reached in the order in which their contact points were given.
fn staff_contact(staff: &str, answer: &assignment::ReadStaffContactPointsResponse) -> StaffContact {
    let mut points = ContactPoints::of(answer.display_name.as_str());
    points.name_en.clone_from(&answer.display_name_en);
    for point in &answer.contact_points {
        let channel = match point.kind() {
            assignment::ContactKind::Phone => MessageChannel::Sms,
            assignment::ContactKind::Email => MessageChannel::Email,
            assignment::ContactKind::Webhook => MessageChannel::Gateway,
            assignment::ContactKind::Unspecified => continue,
        };
        points.add(channel, &point.value);
    }
    // A group of colleagues comes after the own ways, the app last: nothing there rings.
    let phone = points.address(MessageChannel::Sms).to_owned();
    points.add(MessageChannel::Wecom, &phone);
    points.add(MessageChannel::App, staff);
    StaffContact {
        points,
        language: answer.language.clone(),
        department: answer.department_display_name.clone(),
        department_en: answer.department_display_name_en.clone(),
        retired: answer.retired,
        revision: answer.revision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::route::Providers;

    #[test]
    fn contact_points_are_read_for_the_message_that_is_sent_in_words_that_intake_takes() {
        assert_eq!(purpose(Template::CaseReceived), "message.case-received");
        assert_eq!(purpose(Template::SurveyAsked), "message.survey-asked");
        for &template in Template::ALL {
            let purpose = purpose(template);
            assert!(purpose.len() <= 64, "{purpose}");
            assert!(
                purpose
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_' | b'-')),
                "{purpose}"
            );
        }
    }

    #[test]
    fn a_complainant_is_reached_by_the_preferred_way_first() {
        let reached = |way: intake::ContactWay| {
            let person = intake::Complainant {
                display_name: "王".to_owned(),
                phone: "+8613800000000".to_owned(),
                email: "wang@example.com".to_owned(),
                preferred_contact_way: way.into(),
                ..intake::Complainant::default()
            };
            let providers = Providers {
                smtp: true,
                webhook: MessageChannel::ALL.to_vec(),
                ..Providers::default()
            };
            providers.ways(&complainant(person, &intake::Place::default()).points)[0]
                .channel
                .word()
        };
        assert_eq!(reached(intake::ContactWay::Email), "EMAIL");
        assert_eq!(reached(intake::ContactWay::PhoneCall), "PHONE");
        assert_eq!(reached(intake::ContactWay::Sms), "SMS");
        assert_eq!(reached(intake::ContactWay::Unspecified), "SMS");
        assert_eq!(reached(intake::ContactWay::Wechat), "SMS");
    }

    #[test]
    fn m16_a_letter_is_addressed_to_the_place_that_the_complaint_is_about() {
        let person = intake::Complainant {
            display_name: "王芳".to_owned(),
            preferred_contact_way: intake::ContactWay::Letter.into(),
            ..intake::Complainant::default()
        };
        let place = intake::Place {
            building: "3栋".to_owned(),
            unit: "1单元1201".to_owned(),
            detail: String::new(),
        };
        let reached = complainant(person.clone(), &place).points;
        assert_eq!(reached.address(MessageChannel::Letter), "3栋 1单元1201");
        let unknown = complainant(person, &intake::Place::default()).points;
        assert_eq!(unknown.address(MessageChannel::Letter), "王芳");
    }

    #[test]
    fn m16_who_gave_no_way_gets_a_letter_to_the_address_that_is_known_best() {
        let letter = |postal_address: &str, building: &str| {
            let person = intake::Complainant {
                display_name: "李四".to_owned(),
                postal_address: postal_address.to_owned(),
                ..intake::Complainant::default()
            };
            let place = intake::Place {
                building: building.to_owned(),
                ..intake::Place::default()
            };
            let points = complainant(person, &place).points;
            points.address(MessageChannel::Letter).to_owned()
        };
        assert_eq!(letter("湖滨路1号", "3栋"), "湖滨路1号");
        assert_eq!(letter("", "3栋"), "3栋");
        assert_eq!(letter("", ""), "李四");
        let reached = intake::Complainant {
            phone: "+8613800138000".to_owned(),
            ..intake::Complainant::default()
        };
        let points = complainant(reached, &intake::Place::default()).points;
        assert_eq!(points.address(MessageChannel::Letter), "");
    }

    #[test]
    fn staff_are_reached_in_the_given_order() {
        let point = |kind: assignment::ContactKind, value: &str| assignment::ContactPoint {
            kind: kind.into(),
            value: value.to_owned(),
        };
        let contact = staff_contact(
            "sites/lake/staff/li",
            &assignment::ReadStaffContactPointsResponse {
                contact_points: vec![
                    point(assignment::ContactKind::Email, "li@example.com"),
                    point(assignment::ContactKind::Phone, "+8613800000001"),
                    point(assignment::ContactKind::Webhook, "pager-7"),
                ],
                display_name: "李明".to_owned(),
                ..Default::default()
            },
        );
        let providers = Providers {
            smtp: true,
            webhook: vec![MessageChannel::Sms, MessageChannel::Gateway],
            outbox: true,
            ..Providers::default()
        };
        let words: Vec<&str> = providers
            .ways(&contact.points)
            .iter()
            .map(|way| way.channel.word())
            .collect();
        assert_eq!(words, ["EMAIL", "SMS", "GATEWAY", "EMAIL"]);
    }
}
