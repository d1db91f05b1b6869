//! What the platform of a drill knows of it: the only thing that is scored. Nothing here is remembered by the runner, so
//! that a score is the same whoever asks for it and when.

use jiff::Timestamp;
use redress_model::words::{ClockKind, ClockState, Word as _};
use redress_proto::crisis::v1::{
    Audience, Briefing, Exposure, ExposureTruth, GetIncidentPlanRequest, GetIncidentRequest,
    GetMatrixRequest, Incident, IncidentMode, IncidentPlan, IncidentStage, Inquiry, InquiryState,
    ListBriefingsRequest, ListExposuresRequest, ListIncidentsRequest, ListInquiriesRequest,
    ListStatementsRequest, LogKind, MatrixCell, ReviewStep, Statement, StatementKind, Verdict,
};
use redress_proto::intake::v1::{
    Case, ListCasesRequest, ListTimelineRequest, TimelineEntry, TimelineKind,
};
use redress_proto::notification::v1::{
    HeldMessage, ListHeldMessagesRequest, ListMessagesRequest, Message, MessageProvider,
    MessageState,
};

use crate::connect::{Platform, all_pages, request};
use crate::failure::Failure;
use crate::output::instant;

/// Key of call-outs.
pub(crate) const CALL_OUT: &str = "incident.callout";

/// What happened in a drill until now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) cases: Vec<CaseFacts>,
    pub(crate) calls: Vec<Call>,
    pub(crate) incidents: Vec<IncidentFacts>,
    pub(crate) said: Vec<Said>,
    pub(crate) promises: Vec<Promise>,
    pub(crate) inquiries: Vec<Asked>,
    pub(crate) reports: Vec<Reported>,
    pub(crate) voice: Voice,
    /// How many messages went by providers other than the platform's own.
    pub(crate) left: usize,
    /// How many messages there are.
    pub(crate) messages: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct CaseFacts {
    pub(crate) name: String,
    pub(crate) received: Timestamp,
    /// When a person of ours first turned to the complainants.
    pub(crate) answered: Option<Timestamp>,
}

/// A call-out.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) made: Timestamp,
    pub(crate) acknowledged: Option<Timestamp>,
    /// Nobody waits for its answer any more.
    pub(crate) cancelled: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct IncidentFacts {
    pub(crate) public: bool,
    pub(crate) opened: Timestamp,
    pub(crate) cases: Vec<String>,
    pub(crate) leader_contacts: Vec<Timestamp>,
    /// Where it stands, and since when.
    pub(crate) stage: (IncidentStage, Timestamp),
}

/// A statement with what was said of it.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) kind: StatementKind,
    pub(crate) audience: Audience,
    pub(crate) authors: Vec<String>,
    pub(crate) written: Timestamp,
    pub(crate) published: Option<Timestamp>,
    /// Approvals that count: step, who, when.
    pub(crate) approvals: Vec<(ReviewStep, String, Timestamp)>,
}

/// A promise of an incident.
#[derive(Debug, Clone)]
pub(crate) struct Promise {
    pub(crate) kind: ClockKind,
    pub(crate) state: ClockState,
    pub(crate) due: Timestamp,
    pub(crate) stopped: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) outlet: String,
    pub(crate) decided: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct Reported {
    pub(crate) outlet: String,
    pub(crate) assessed: Option<Timestamp>,
    pub(crate) clarified: Option<Timestamp>,
}

/// What was held for the spokesperson.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Voice {
    pub(crate) waiting: i64,
    pub(crate) released: i64,
    pub(crate) dropped: i64,
    /// When the first was decided.
    pub(crate) decided: Option<Timestamp>,
}

impl Facts {
    /// Reads them. `parent` is the site of the drill.
    pub(crate) async fn read(platform: &Platform, parent: &str) -> Result<Self, Failure> {
        let mut facts = Self::default();
        for incident in incidents(platform, parent).await? {
            let name = incident.name.clone();
            let get = GetIncidentRequest { name: name.clone() };
            let whole = platform.incidents().get_incident(request(get)).await?;
            let incident = whole.into_inner().incident.unwrap_or_default();
            facts.statements(platform, &name).await?;
            facts.media(platform, &name).await?;
            let plan = plan(platform, &name).await?;
            facts.incident(&incident, instant(plan.enter_time.as_ref()));
        }
        for message in messages(platform, parent, "").await? {
            facts.messages += 1;
            facts.left += usize::from(has_left(&message));
            if message.template == CALL_OUT
                && let Some(made) = instant(message.create_time.as_ref())
            {
                facts.calls.push(Call {
                    made,
                    acknowledged: instant(message.acknowledge_time.as_ref()),
                    cancelled: message.state() == MessageState::Cancelled,
                });
            }
        }
        facts.voice(platform, parent).await?;
        facts.cases(platform, parent).await?;
        Ok(facts)
    }

    fn incident(&mut self, i: &Incident, entered: Option<Timestamp>) {
        let Some(opened) = instant(i.open_time.as_ref()) else {
            return;
        };
        let contacts = i
            .log_entries
            .iter()
            .filter(|e| e.kind() == LogKind::LeaderContact);
        self.incidents.push(IncidentFacts {
            public: i.mode() == IncidentMode::Public,
            opened,
            cases: i.cases.iter().map(|c| c.case.clone()).collect(),
            leader_contacts: contacts
                .filter_map(|e| instant(e.log_time.as_ref()))
                .collect(),
            stage: (i.stage(), entered.unwrap_or(opened)),
        });
        for clock in &i.clocks {
            let known = (
                ClockKind::from_number(clock.kind),
                ClockState::from_number(clock.state),
                instant(clock.due_time.as_ref()),
            );
            if let (Some(kind), Some(state), Some(due)) = known {
                self.promises.push(Promise {
                    kind,
                    state,
                    due,
                    stopped: instant(clock.stop_time.as_ref()),
                });
            }
        }
    }

    async fn statements(&mut self, platform: &Platform, incident: &str) -> Result<(), Failure> {
        for s in statements(platform, incident).await? {
            let Some(written) = instant(s.create_time.as_ref()) else {
                continue;
            };
            let counting = s
                .reviews
                .iter()
                .filter(|r| r.counts && r.verdict() == Verdict::Approve);
            let approvals = counting.filter_map(|r| {
                let at = instant(r.review_time.as_ref())?;
                Some((r.step(), r.reviewer.clone(), at))
            });
            self.said.push(Said {
                kind: s.kind(),
                audience: s.audience(),
                approvals: approvals.collect(),
                authors: s.authors.clone(),
                written,
                published: instant(s.publish_time.as_ref()),
            });
        }
        Ok(())
    }

    async fn media(&mut self, platform: &Platform, incident: &str) -> Result<(), Failure> {
        for i in inquiries(platform, incident).await? {
            self.inquiries.push(Asked {
                decided: (i.state() != InquiryState::Open)
                    .then(|| instant(i.decide_time.as_ref()))
                    .flatten(),
                outlet: i.outlet,
            });
        }
        for e in exposures(platform, incident).await? {
            let first = e.assessments.iter().find(|a| {
                a.truth() != ExposureTruth::Unspecified && a.truth() != ExposureTruth::TakenAsTrue
            });
            let clarified = e.clarification.as_ref();
            self.reports.push(Reported {
                assessed: first.and_then(|a| instant(a.assess_time.as_ref())),
                clarified: clarified.and_then(|c| instant(c.clarify_time.as_ref())),
                outlet: e.outlet,
            });
        }
        Ok(())
    }

    async fn voice(&mut self, platform: &Platform, parent: &str) -> Result<(), Failure> {
        let mut list = ListHeldMessagesRequest {
            parent: parent.to_owned(),
            decided: true,
            page_size: 200,
            ..Default::default()
        };
        loop {
            let page = request(list.clone());
            let held = platform.voice().list_held_messages(page).await?;
            let held = held.into_inner();
            let decided = held
                .held_messages
                .iter()
                .filter_map(|h| instant(h.decide_time.as_ref()));
            self.voice = Voice {
                waiting: held.waiting_count,
                released: held.released_count,
                dropped: held.dropped_count,
                decided: decided.chain(self.voice.decided).min(),
            };
            if held.next_page_token.is_empty() {
                return Ok(());
            }
            list.page_token = held.next_page_token;
        }
    }

    async fn cases(&mut self, platform: &Platform, parent: &str) -> Result<(), Failure> {
        for case in cases(platform, parent).await? {
            let Some(received) = instant(case.received_time.as_ref()) else {
                continue;
            };
            let entries = timeline(platform, &case.name).await?;
            let fact = |entry: &TimelineEntry, key: &str| {
                entry
                    .facts
                    .get(key)
                    .map(String::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let ours = entries.iter().filter(|e| {
                e.kind() == TimelineKind::Contact
                    && fact(e, "direction") == "OUTBOUND"
                    && fact(e, "by_person") == "true"
            });
            self.cases.push(CaseFacts {
                received,
                answered: ours.filter_map(|e| instant(e.event_time.as_ref())).min(),
                name: case.name,
            });
        }
        Ok(())
    }
}

/// Whether somebody other than the platform itself carried it.
fn has_left(message: &Message) -> bool {
    match message.provider() {
        MessageProvider::Smtp
        | MessageProvider::Webhook
        | MessageProvider::SmsGateway
        | MessageProvider::Wecom => true,
        MessageProvider::Unspecified
        | MessageProvider::Outbox
        | MessageProvider::Task
        | MessageProvider::App => false,
    }
}

/// A list of everything, page by page.
macro_rules! listed {
    ($(#[$doc:meta])* $name:ident, $service:ident, $method:ident, $request:ident, $rows:ident, $row:ty) => {
        $(#[$doc])*
        pub(super) async fn $name(platform: &Platform, parent: &str) -> Result<Vec<$row>, Failure> {
            let client = platform.$service();
            all_pages(None, |page_size, page_token| {
                let mut client = client.clone();
                let list = $request {
                    parent: parent.to_owned(),
                    page_size: page_size.min(200),
                    page_token,
                    ..Default::default()
                };
                async move {
                    let answer = client.$method(request(list)).await?.into_inner();
                    Ok((answer.$rows, answer.next_page_token))
                }
            })
            .await
        }
    };
}

listed!(
    /// Cases of a site.
    cases, cases, list_cases, ListCasesRequest, cases, Case
);
listed!(
    /// Incidents of a site, without logs and stopped clocks.
    incidents, incidents, list_incidents, ListIncidentsRequest, incidents, Incident
);
listed!(
    /// Statements of an incident.
    statements, statements, list_statements, ListStatementsRequest, statements, Statement
);
listed!(
    /// Briefings of an incident.
    briefings, briefings, list_briefings, ListBriefingsRequest, briefings, Briefing
);
listed!(
    /// Inquiries of an incident.
    inquiries, media, list_inquiries, ListInquiriesRequest, inquiries, Inquiry
);
listed!(
    /// Exposures of an incident.
    exposures, media, list_exposures, ListExposuresRequest, exposures, Exposure
);
listed!(
    /// What was held at a site and waits.
    held, voice, list_held_messages, ListHeldMessagesRequest, held_messages, HeldMessage
);

/// The timeline of a case.
async fn timeline(platform: &Platform, case: &str) -> Result<Vec<TimelineEntry>, Failure> {
    let client = platform.cases();
    all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let list = ListTimelineRequest {
            parent: case.to_owned(),
            page_size,
            page_token,
        };
        async move {
            let answer = client.list_timeline(request(list)).await?.into_inner();
            Ok((answer.entries, answer.next_page_token))
        }
    })
    .await
}

/// What an incident does in its stage.
pub(super) async fn plan(platform: &Platform, incident: &str) -> Result<IncidentPlan, Failure> {
    let get = GetIncidentPlanRequest {
        name: incident.to_owned(),
    };
    let plan = platform.playbooks().get_incident_plan(request(get)).await?;
    Ok(plan.into_inner().plan.unwrap_or_default())
}

/// How far the affected were reached in the present stage of an incident.
pub(super) async fn affected(platform: &Platform, incident: &str) -> Result<MatrixCell, Failure> {
    let get = GetMatrixRequest {
        name: incident.to_owned(),
    };
    let answer = platform.matrices().get_matrix(request(get)).await?;
    let matrix = answer.into_inner().matrix.unwrap_or_default();
    let (stage, mut cells) = (matrix.stage, matrix.cells.into_iter());
    let found = cells.find(|c| c.stage == stage && c.audience() == Audience::Affected);
    Ok(found.unwrap_or_default())
}

/// Messages of a site; of one template where it is named.
pub(super) async fn messages(
    platform: &Platform,
    parent: &str,
    template: &str,
) -> Result<Vec<Message>, Failure> {
    let client = platform.messages();
    all_pages(None, |page_size, page_token| {
        let mut client = client.clone();
        let list = ListMessagesRequest {
            parent: parent.to_owned(),
            template: template.to_owned(),
            page_size,
            page_token,
            ..Default::default()
        };
        async move {
            let answer = client.list_messages(request(list)).await?.into_inner();
            Ok((answer.messages, answer.next_page_token))
        }
    })
    .await
}
