//! ScheduleSurvey: whoever knows that a home was sold, handed over or repaired lets the customer be asked how it was
//! (M12).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName, StaffName};
use redress_model::{Fault, ids};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use redress_vault::normalize_phone;
use tonic::Request;

use super::Surveys;
use crate::domain::causes;
use crate::domain::route::ContactPoints;
use crate::domain::survey;
use crate::domain::words::{MessageChannel, MessageTopic, SurveyKind};
use crate::store::surveys::{self, Contact, NewSurvey, Survey};
use crate::store::{matters, messages, preferences};

const METHOD: &str = "redress.notification.v1.SurveyService/ScheduleSurvey";

/// Furthest that a survey is scheduled ahead.
const AHEAD_DAYS_MAX: i64 = 400;

struct ScheduleSurvey<'a> {
    keys: &'a Keyring,
    site: &'a SiteId,
    kind: SurveyKind,
    person: &'a str,
    contact: Contact,
    department: &'a str,
    handlers: Vec<String>,
    occasion: &'a str,
    open_time: Timestamp,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for ScheduleSurvey<'_> {
    const NAME: &'static str = "notification.schedule_survey";
    type Output = Survey;

    async fn run(&self, tx: &mut Tx) -> Result<Survey, Fault> {
        let site_name = SiteName(self.site.clone());
        let site = matters::site(tx, self.site)
            .await?
            .ok_or_else(|| Fault::not_found("Site", &site_name))?;
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        if let Claim::Seen { resource, .. } = claim {
            let (site, id) = super::survey_name(&resource)?;
            return surveys::get(tx, &site, id)
                .await?
                .ok_or_else(|| Fault::not_found("Survey", resource));
        }
        let preference = preferences::get(tx, self.site, self.person).await?;
        if preference.refuses(Some(MessageTopic::Survey)) {
            return Err(super::refused(site_name));
        }
        let id = ids::new_id(self.now);
        let cause = match self.occasion {
            "" => format!("survey:{id}"),
            occasion => format!("{}:{occasion}", self.kind),
        };
        let zone = TimeZone::get(&site.time_zone).unwrap_or(TimeZone::UTC);
        let new = NewSurvey {
            id,
            cause: &cause,
            kind: self.kind,
            person: self.person,
            case: None,
            known_by: None,
            department: self.department,
            handlers: &self.handlers,
            contact: Some(&self.contact),
            open_time: self.open_time,
            next_call_time: survey::next_call(self.open_time, 0, &zone),
        };
        let (id, fresh) = surveys::insert(tx, self.keys, self.site, &new, self.now).await?;
        if fresh {
            let draft = causes::survey(id, self.person, (None, None), "", self.open_time);
            messages::queue(tx, self.site, &[draft], self.now).await?;
        }
        let survey = surveys::get(tx, self.site, id)
            .await?
            .ok_or_else(|| Fault::internal("a survey vanished"))?;
        let etag = etag::of(survey.revision);
        receipt::complete(tx, &self.receipt, &survey.name(), &etag).await?;
        Ok(survey)
    }
}

pub(super) async fn handle(
    service: &Surveys,
    request: Request<proto::ScheduleSurveyRequest>,
) -> Result<proto::ScheduleSurveyResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let SiteName(site) = parse_field("parent", &asked.parent)?;
    caller.require_site(&site)?;
    let kind = convert::required("kind", asked.kind)?;
    if kind == SurveyKind::Complaint {
        return Err(Fault::invalid(
            "kind",
            "must not be COMPLAINT: that one comes about by itself when the case is resolved",
        ));
    }
    let now = service.clock.now();
    let open_time = match &asked.open_time {
        Some(time) => convert::from_timestamp("open_time", time)?.max(now),
        None => now,
    };
    if open_time.duration_since(now).as_hours() > AHEAD_DAYS_MAX * 24 {
        return Err(Fault::invalid("open_time", "must lie within 400 days"));
    }
    if !asked.department.is_empty() {
        let department: redress_model::name::DepartmentName =
            parse_field("department", &asked.department)?;
        within("department", &site, &department.site)?;
    }
    let mut handlers = Vec::with_capacity(asked.handlers.len());
    for name in &asked.handlers {
        let staff: StaffName = parse_field("handlers", name)?;
        within("handlers", &site, &staff.site)?;
        handlers.push(staff.to_string());
    }
    let unnumbered = proto::ScheduleSurveyRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = ScheduleSurvey {
        keys: &service.keys,
        site: &site,
        kind,
        person: &asked.person,
        contact: contact(asked.contact.clone().unwrap_or_default())?,
        department: &asked.department,
        handlers,
        occasion: &asked.occasion,
        open_time,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now,
    };
    let survey = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::ScheduleSurveyResponse {
        survey: Some(super::survey(&survey, &[])),
    })
}

fn within(field: &str, site: &SiteId, of: &SiteId) -> Result<(), Fault> {
    if site == of {
        Ok(())
    } else {
        Err(Fault::invalid(field, "must lie in the parent"))
    }
}

fn contact(contact: proto::SurveyContact) -> Result<Contact, Fault> {
    // As with a complaint: one number has one spelling, and what is none is nobody's.
    let phone = match contact.phone.trim() {
        "" => String::new(),
        phone => normalize_phone(phone)
            .map_err(|error| Fault::invalid("contact.phone", error.to_string()))?,
    };
    let mut points = ContactPoints::of(contact.display_name);
    points.add(MessageChannel::Sms, &phone);
    points.add(MessageChannel::Wechat, &contact.account);
    points.add(MessageChannel::Email, &contact.email);
    if points.points.is_empty() {
        return Err(Fault::invalid(
            "contact",
            "must have a phone number, an account or an e-mail address",
        ));
    }
    points.add(MessageChannel::Phone, &phone);
    Ok(Contact {
        points,
        language: contact.language,
    })
}
