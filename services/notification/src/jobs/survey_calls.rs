//! Puts a call on the list of tasks once a customer may be called about a survey (M12): one list for whoever sits at
//! the telephone. How to reach a complainant is asked of intake at that moment, outside any transaction.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use redress_model::Fault;
use redress_model::name::{CaseName, MessageName, SiteId};
use redress_model::time::SharedClock;
use redress_runtime::every;
use redress_store::{Database, Keyring, Operation, Scope, Tx};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::carry;
use super::people::People;
use crate::domain::route::ContactPoints;
use crate::domain::survey;
use crate::domain::task::{self, TaskKind};
use crate::domain::words::{
    Language, MessageChannel, MessageTopic, RecipientKind, SurveyState, Template,
};
use crate::store::surveys::{self, Survey};
use crate::store::tasks::{self, NewTask, TaskText};
use crate::store::{matters, preferences};

/// How often it is looked whose time has come.
const POLL: Duration = Duration::from_secs(30);
/// Surveys that one look takes up.
const SURVEYS_MAX: i64 = 100;
/// How long a call waits where intake does not answer.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Makes tasks of calls.
#[derive(Debug)]
pub struct SurveyCaller<P> {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Those who know how to reach people.
    pub people: P,
    /// Time.
    pub clock: SharedClock,
}

/// How a customer is reached.
enum Reach {
    Known(ContactPoints),
    /// Nobody knows the customer any more.
    Gone,
    /// Nobody answers now.
    Later,
}

impl<P: People> SurveyCaller<P> {
    /// Until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let pause = self.clock.wait(POLL);
        every(pause, &shutdown, "due calls cannot be read", || async {
            for (site, id) in surveys::calls_due(&self.db, self.clock.now(), SURVEYS_MAX).await? {
                if let Err(fault) = self.step(&site, id).await {
                    tracing::warn!(site = %site, reason = fault.reason(), fault = %fault.chain(), "a call could not be put on the list");
                }
            }
            Ok(())
        })
        .await;
    }

    /// Puts one call on the list, where its time has come. Two replicas that do so at once make one task.
    pub async fn step(&self, site: &SiteId, id: Uuid) -> Result<(), Fault> {
        let scope = Scope::site(site.clone());
        let find = FindCustomer {
            keys: &self.keys,
            site,
            id,
        };
        let Some((case, person, contact)) = self.db.read(&scope, &find).await? else {
            return Ok(());
        };
        let reach = match (contact, &case) {
            (Some(points), _) => Reach::Known(points),
            (None, Some(case)) => match self
                .people
                .complainant(case, &person, Template::SurveyAsked)
                .await
            {
                Ok(Some(complainant)) => Reach::Known(complainant.points),
                Ok(None) => Reach::Gone,
                Err(fault) => {
                    tracing::info!(reason = fault.reason(), fault = %fault.chain(), "a complainant's number cannot be read now");
                    Reach::Later
                }
            },
            (None, None) => Reach::Gone,
        };
        let make = MakeCall {
            keys: &self.keys,
            site,
            id,
            reach,
            now: self.clock.now(),
        };
        self.db.run(&scope, &make).await
    }
}

struct FindCustomer<'a> {
    keys: &'a Keyring,
    site: &'a SiteId,
    id: Uuid,
}

impl Operation for FindCustomer<'_> {
    const NAME: &'static str = "notification.find_customer";
    type Output = Option<(Option<CaseName>, String, Option<ContactPoints>)>;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let Some(survey) = surveys::get(tx, self.site, self.id).await? else {
            return Ok(None);
        };
        let contact = surveys::contact(tx, self.keys, self.site, self.id).await?;
        Ok(Some((
            survey.known_by.or(survey.case),
            survey.person,
            contact.map(|contact| contact.points),
        )))
    }
}

struct MakeCall<'a> {
    keys: &'a Keyring,
    site: &'a SiteId,
    id: Uuid,
    reach: Reach,
    now: Timestamp,
}

impl Operation for MakeCall<'_> {
    const NAME: &'static str = "notification.make_survey_call";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        let Some(mut survey) = surveys::lock(tx, self.site, self.id).await? else {
            return Ok(());
        };
        let due = survey.call_task_time.is_some_and(|time| time <= self.now);
        if survey.state != SurveyState::Open || !due {
            return Ok(());
        }
        let preference = preferences::get(tx, self.site, &survey.person).await?;
        if preference.refuses(Some(MessageTopic::Survey)) {
            return surveys::postpone(tx, &mut survey, None, true).await;
        }
        let site = matters::site(tx, self.site).await?;
        let zone = site
            .as_ref()
            .and_then(|site| TimeZone::get(&site.time_zone).ok())
            .unwrap_or(TimeZone::UTC);
        let opening = survey::opening(self.now, &zone);
        let (time, points) = match &self.reach {
            _ if opening > self.now => (Some(opening), None),
            Reach::Later => (self.now.checked_add(AGAIN).ok(), None),
            Reach::Gone => (None, None),
            Reach::Known(points) => (None, Some(points)),
        };
        surveys::set_call_task_time(tx, &survey, time).await?;
        let number = points.and_then(|points| {
            [MessageChannel::Phone, MessageChannel::Sms]
                .map(|channel| points.address(channel))
                .into_iter()
                .find(|number| !number.is_empty())
        });
        let (Some(points), Some(number)) = (points, number) else {
            return Ok(());
        };
        let language =
            Language::choose("", site.as_ref().map_or("", |site| site.language.as_str()));
        self.make(tx, &survey, points, number, language).await
    }
}

impl MakeCall<'_> {
    async fn make(
        &self,
        tx: &mut Tx,
        survey: &Survey,
        points: &ContactPoints,
        number: &str,
        language: Language,
    ) -> Result<(), Fault> {
        let Some(message) = surveys::question(tx, survey).await? else {
            return Ok(());
        };
        let case_number = match survey.known_by.as_ref().or(survey.case.as_ref()) {
            Some(case) => matters::case(tx, case).await?.map(|view| view.number),
            None => None,
        }
        .unwrap_or_default();
        let script = survey::script(survey.kind, &case_number, language);
        let text = TaskText {
            reader: points.name.clone(),
            address: number.to_owned(),
            subject: script.subject,
            body: script.body,
        };
        let calls = surveys::calls(tx, survey).await?.len();
        let role = task::role(RecipientKind::Complainant);
        // Neither whoever is complained about nor whoever handled it asks how it was.
        let mut barred = surveys::handlers(tx, survey).await?;
        if let Some(case) = &survey.case {
            barred.extend(matters::accused(tx, self.site, Some(case.id), None).await?);
        }
        let duties = (&*task::asked(role), 0);
        let found = carry::holder(tx, self.site, duties, &barred, self.now).await?;
        let (holder, step) = carry::rung_of(found);
        let new = NewTask {
            kind: TaskKind::Survey,
            message: &MessageName::new(self.site.clone(), message),
            case: survey.case.as_ref(),
            survey: Some(survey.id),
            round: 1,
            page: i32::try_from(calls).unwrap_or(i32::MAX - 1) + 1,
            attempt: 0,
            role,
            offered_to: holder.as_ref().map(ToString::to_string).unwrap_or_default(),
            step,
            reason: "",
            text: Some(&text),
        };
        if tasks::make(tx, self.keys, &new, self.now).await? {
            carry::tell_holder(tx, self.site, holder, &case_number, self.now).await?;
        }
        Ok(())
    }
}
