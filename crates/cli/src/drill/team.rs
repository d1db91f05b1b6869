//! A sensible team that plays every post by script, for watching and testing a drill. It looks at the platform, sees what
//! is next and does it after the time that people need; it remembers nothing but its tokens.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use redress_model::words::{Channel, ClockKind, ClockState, DutyRole, Word as _};
use redress_proto::convert::to_wire;
use redress_proto::crisis::v1::{
    AnswerConditionRequest, AnswerInquiryRequest, AssessExposureRequest, Audience, BriefingState,
    CellFill, ClarifyExposureRequest, CompleteTaskRequest, CreateStatementRequest, Exposure,
    ExposureTruth, GateWaiver, HoldBriefingRequest, Incident, IncidentClock, IncidentMode,
    IncidentPlan, IncidentStage, IncidentState, Inquiry, InquiryState, MoveStageRequest,
    PublishStatementRequest, RecordUpdateRequest, ReleaseBriefingRequest, ReviewStatementRequest,
    ReviewStep, Statement, StatementFact, StatementKind, StatementState, TaskState, UpdateAudience,
    Verdict,
};
use redress_proto::event::v1::ContactDirection;
use redress_proto::intake::v1::{Contact, RecordContactRequest};
use redress_proto::notification::v1::{
    AcknowledgeMessageRequest, MessageState, ReleaseMessageRequest,
};
use redress_proto::triage::v1::ListClocksRequest;
use tonic::Status;

use super::facts::{self, CALL_OUT};
use super::people::People;
use super::script::{Happening, Script};
use crate::connect::{Endpoints, Platform, all_pages, request, request_id};
use crate::failure::{Failure, in_short};
use crate::now::now;
use crate::output::instant;

/// How long people take for what they do.
const ANSWER: SignedDuration = SignedDuration::from_mins(2);
const DRAFT: SignedDuration = SignedDuration::from_mins(8);
const REVIEW: SignedDuration = SignedDuration::from_mins(4);
const ASSESS: SignedDuration = SignedDuration::from_mins(15);
const DECIDE: SignedDuration = SignedDuration::from_mins(10);
const NOTES: SignedDuration = SignedDuration::from_mins(30);

/// A team at work.
pub(crate) struct Team<'a> {
    /// Sees what everybody in the room sees.
    room: Platform,
    endpoints: &'a Endpoints,
    script: &'a Script,
    parent: String,
    people: People,
    /// Platforms as somebody calls them.
    hands: BTreeMap<String, Platform>,
    refusals: BTreeMap<String, usize>,
}

impl<'a> Team<'a> {
    pub(crate) fn new(
        room: Platform,
        endpoints: &'a Endpoints,
        script: &'a Script,
        people: People,
    ) -> Self {
        Self {
            room,
            endpoints,
            script,
            parent: format!("sites/{}", script.site),
            people,
            hands: BTreeMap::new(),
            refusals: BTreeMap::new(),
        }
    }

    /// What was refused, and how often: a race that the next look settles, or something that the team does wrong.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&String, &usize)> {
        self.refusals.iter()
    }

    /// Does whatever is next.
    pub(crate) async fn act(&mut self) -> Result<(), Failure> {
        self.answer_calls().await?;
        let incidents = facts::incidents(&self.room, &self.parent).await?;
        for incident in incidents
            .iter()
            .filter(|i| i.state() == IncidentState::Open)
        {
            let said = facts::statements(&self.room, &incident.name).await?;
            self.review(incident, &said).await?;
            self.speak(incident, &said).await?;
            self.meet_media(incident, &said).await?;
            self.report(incident).await?;
            self.release(incident).await?;
            self.meet(incident).await?;
            self.work(incident).await?;
        }
        let lead = incidents
            .first()
            .and_then(|i| holder(i, DutyRole::DutyLead));
        if let Some(lead) = lead {
            self.turn_to_complainants(&lead).await?;
        }
        Ok(())
    }

    fn hand(&mut self, staff: &str) -> Result<Platform, Failure> {
        if let Some(platform) = self.hands.get(staff) {
            return Ok(platform.clone());
        }
        let token = self.people.token(staff).ok_or_else(|| Failure::NotFound {
            what: "person on the roster",
            name: staff.to_owned(),
        })?;
        let platform = Platform::connect(self.endpoints, token)?;
        self.hands.insert(staff.to_owned(), platform.clone());
        Ok(platform)
    }

    /// What was refused is looked at again with the next look; a platform that cannot be reached ends the drill by
    /// itself.
    fn noted<T>(&mut self, what: &str, answer: Result<T, Status>) {
        if let Err(status) = answer {
            *self
                .refusals
                .entry(format!("{what}: {}", in_short(&status)))
                .or_default() += 1;
        }
    }

    async fn answer_calls(&mut self) -> Result<(), Failure> {
        for message in facts::messages(&self.room, &self.parent, CALL_OUT).await? {
            let waits = matches!(message.state(), MessageState::Sent | MessageState::Queued)
                && message.send_time.is_some();
            if !waits || !is_past(message.send_time.as_ref(), ANSWER) {
                continue;
            }
            let acknowledge = AcknowledgeMessageRequest {
                name: message.name,
                ..Default::default()
            };
            let mut client = self.hand(&message.recipient)?.messages();
            let answer = client.acknowledge_message(request(acknowledge)).await;
            self.noted("acknowledge", answer);
        }
        Ok(())
    }

    /// Takes each draft one step on.
    async fn review(&mut self, incident: &Incident, said: &[Statement]) -> Result<(), Failure> {
        for draft in said.iter().filter(|s| s.state() == StatementState::Draft) {
            if !is_past(draft.update_time.as_ref(), REVIEW) {
                continue;
            }
            let role = match draft.due_step() {
                ReviewStep::FactCheck => DutyRole::OnSiteLead,
                ReviewStep::LegalReview => DutyRole::LegalCounsel,
                ReviewStep::Approval | ReviewStep::Unspecified => DutyRole::Spokesperson,
            };
            let Some(who) = holder(incident, role) else {
                continue;
            };
            let mut client = self.hand(&who)?.statements();
            let request_id = request_id();
            if draft.due_step() == ReviewStep::Unspecified {
                let publish = PublishStatementRequest {
                    name: draft.name.clone(),
                    digest: draft.digest.clone(),
                    request_id,
                    ..Default::default()
                };
                let answer = client.publish_statement(request(publish)).await;
                self.noted("publish", answer);
            } else {
                let review = ReviewStatementRequest {
                    name: draft.name.clone(),
                    step: draft.due_step,
                    verdict: Verdict::Approve.into(),
                    digest: draft.digest.clone(),
                    request_id,
                    ..Default::default()
                };
                let answer = client.review_statement(request(review)).await;
                self.noted("review", answer);
            }
        }
        Ok(())
    }

    /// Writes what is missing: the first word, a word to those concerned, and news when they are due.
    async fn speak(&mut self, incident: &Incident, said: &[Statement]) -> Result<(), Failure> {
        if incident.provisional || !is_past(incident.open_time.as_ref(), DRAFT) {
            return Ok(());
        }
        let none = |audience: Audience| said.iter().all(|s| s.audience() != audience);
        let no_draft = |audience: Audience| {
            let mut drafts = said.iter().filter(|s| s.state() == StatementState::Draft);
            drafts.all(|s| s.audience() != audience)
        };
        // Somebody joined since, or one of many was called: the others hear of it too.
        let affected = facts::affected(&self.room, &incident.name).await?;
        let others_wait = affected.fill() == CellFill::Partly && no_draft(Audience::Affected);
        if incident.mode() != IncidentMode::Public {
            if others_wait {
                self.draft(incident, StatementKind::Update, Audience::Affected)
                    .await?;
            }
            return Ok(());
        }
        let said_first = said
            .iter()
            .any(|s| s.kind() == StatementKind::Holding && s.publish_time.is_some());
        if said.iter().all(|s| s.kind() != StatementKind::Holding) {
            self.draft(incident, StatementKind::Holding, Audience::Public)
                .await?;
        } else if said_first && (none(Audience::Affected) || others_wait) {
            self.draft(incident, StatementKind::Update, Audience::Affected)
                .await?;
        } else if said_first
            && no_draft(Audience::Public)
            && is_half_used(incident, ClockKind::OutwardUpdate)
        {
            self.draft(incident, StatementKind::Update, Audience::Public)
                .await?;
        }
        Ok(())
    }

    async fn draft(
        &mut self,
        incident: &Incident,
        kind: StatementKind,
        audience: Audience,
    ) -> Result<(), Failure> {
        let Some(author) = holder(incident, DutyRole::CustomerLiaison) else {
            return Ok(());
        };
        let create = CreateStatementRequest {
            parent: incident.name.clone(),
            statement: Some(Statement {
                kind: kind.into(),
                audience: audience.into(),
                language: "zh-CN".to_owned(),
                text: words(kind).to_owned(),
                facts: known(kind),
                ..Default::default()
            }),
            request_id: request_id(),
        };
        let mut client = self.hand(&author)?.statements();
        let answer = client.create_statement(request(create)).await;
        self.noted("draft", answer);
        Ok(())
    }

    async fn meet_media(&mut self, incident: &Incident, said: &[Statement]) -> Result<(), Failure> {
        let Some(voice) = holder(incident, DutyRole::Spokesperson) else {
            return Ok(());
        };
        for exposure in facts::exposures(&self.room, &incident.name).await? {
            self.face_report(incident, &exposure, said, &voice).await?;
        }
        for inquiry in facts::inquiries(&self.room, &incident.name).await? {
            self.face_question(incident, &inquiry, said, &voice).await?;
        }
        Ok(())
    }

    async fn face_report(
        &mut self,
        incident: &Incident,
        exposure: &Exposure,
        said: &[Statement],
        voice: &str,
    ) -> Result<(), Failure> {
        let mut desk = self.hand(voice)?.media();
        if exposure.truth() == ExposureTruth::Unspecified {
            if is_past(exposure.create_time.as_ref(), ASSESS) {
                let assess = AssessExposureRequest {
                    name: exposure.name.clone(),
                    truth: self.truth_of(&exposure.outlet).into(),
                    reason: "looked into on site".to_owned(),
                    request_id: request_id(),
                    ..Default::default()
                };
                let answer = desk.assess_exposure(request(assess)).await;
                self.noted("assess", answer);
            }
            return Ok(());
        }
        if exposure.truth() != ExposureTruth::False
            || exposure.clarification.is_some()
            || incident.mode() != IncidentMode::Public
        {
            return Ok(());
        }
        match at_hand(said, StatementKind::Clarification, None) {
            Found::Published(statement) => {
                let clarify = ClarifyExposureRequest {
                    name: exposure.name.clone(),
                    statement: statement.name.clone(),
                    outlet: exposure.outlet.clone(),
                    rank: exposure.rank,
                    request_id: request_id(),
                    ..Default::default()
                };
                let answer = desk.clarify_exposure(request(clarify)).await;
                self.noted("clarify", answer);
            }
            Found::Draft => {}
            Found::Nothing => {
                self.draft(incident, StatementKind::Clarification, Audience::Public)
                    .await?;
            }
        }
        Ok(())
    }

    fn truth_of(&self, wanted: &str) -> ExposureTruth {
        let found = self.script.cues.iter().find_map(|cue| match &cue.what {
            Happening::Report { outlet, truth, .. } if outlet == wanted => Some(*truth),
            _ => None,
        });
        found.unwrap_or(ExposureTruth::Partly)
    }

    async fn face_question(
        &mut self,
        incident: &Incident,
        inquiry: &Inquiry,
        said: &[Statement],
        voice: &str,
    ) -> Result<(), Failure> {
        if inquiry.state() != InquiryState::Open || incident.mode() != IncidentMode::Public {
            return Ok(());
        }
        match at_hand(
            said,
            StatementKind::Answer,
            instant(inquiry.receive_time.as_ref()),
        ) {
            Found::Published(statement) => {
                let answer = AnswerInquiryRequest {
                    name: inquiry.name.clone(),
                    statement: statement.name.clone(),
                    request_id: request_id(),
                    ..Default::default()
                };
                let mut desk = self.hand(voice)?.media();
                let answer = desk.answer_inquiry(request(answer)).await;
                self.noted("answer", answer);
            }
            Found::Draft => {}
            Found::Nothing => {
                self.draft(incident, StatementKind::Answer, Audience::Media)
                    .await?;
            }
        }
        Ok(())
    }

    /// Tells people inside how far it is, when half of the time for it is used.
    async fn report(&mut self, incident: &Incident) -> Result<(), Failure> {
        let Some(lead) = holder(incident, DutyRole::DutyLead) else {
            return Ok(());
        };
        if is_half_used(incident, ClockKind::InsideReport) {
            let update = RecordUpdateRequest {
                name: incident.name.clone(),
                audience: UpdateAudience::Inside.into(),
                reference: "report of the duty lead".to_owned(),
                request_id: request_id(),
                ..Default::default()
            };
            let mut client = self.hand(&lead)?.incidents();
            let answer = client.record_update(request(update)).await;
            self.noted("report", answer);
        }
        Ok(())
    }

    /// Holds the briefing when it is time for it, and releases its notes once they are written.
    async fn meet(&mut self, incident: &Incident) -> Result<(), Failure> {
        let Some(lead) = holder(incident, DutyRole::DutyLead) else {
            return Ok(());
        };
        let affected = facts::affected(&self.room, &incident.name).await?;
        for briefing in facts::briefings(&self.room, &incident.name).await? {
            let mut client = self.hand(&lead)?.briefings();
            let request_id = request_id();
            match briefing.state() {
                BriefingState::Planned
                    if is_past(briefing.plan_time.as_ref(), SignedDuration::ZERO) =>
                {
                    let cases = incident.cases.iter().map(|c| c.case.clone());
                    let hold = HoldBriefingRequest {
                        name: briefing.name,
                        // Whoever complains comes.
                        attendance: affected.audience_size.max(incident.case_count),
                        staff: vec![lead.clone()],
                        cases: cases.collect(),
                        request_id,
                        ..Default::default()
                    };
                    let answer = client.hold_briefing(request(hold)).await;
                    self.noted("briefing", answer);
                }
                BriefingState::Held if is_past(briefing.hold_time.as_ref(), NOTES) => {
                    let release = ReleaseBriefingRequest {
                        name: briefing.name,
                        request_id,
                        ..Default::default()
                    };
                    let answer = client.release_briefing(request(release)).await;
                    self.noted("notes", answer);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Everybody does what the playbook asks of their role. Once that is done, the commander says that the stage's conditions
    /// hold, and moves it on.
    async fn work(&mut self, incident: &Incident) -> Result<(), Failure> {
        if incident.provisional {
            return Ok(());
        }
        let plan = facts::plan(&self.room, &incident.name).await?;
        for task in plan.tasks.iter().filter(|t| t.state() == TaskState::Open) {
            let done = instant(task.start_time.as_ref())
                .zip(instant(task.due_time.as_ref()))
                .is_some_and(|(start, due)| start + effort(start.duration_until(due)) <= now());
            if !done || task.staff.is_empty() {
                continue;
            }
            let complete = CompleteTaskRequest {
                name: incident.name.clone(),
                task: task.key.clone(),
                request_id: request_id(),
                ..Default::default()
            };
            let mut client = self.hand(&task.staff)?.playbooks();
            let answer = client.complete_task(request(complete)).await;
            self.noted("task", answer);
        }
        let Some(top) = holder(incident, DutyRole::TopLead) else {
            return Ok(());
        };
        match next(&plan) {
            Next::Wait => {}
            Next::Say(condition) => {
                let answer = AnswerConditionRequest {
                    name: incident.name.clone(),
                    condition,
                    holds: true,
                    reason: "seen on site".to_owned(),
                    request_id: request_id(),
                    ..Default::default()
                };
                let mut client = self.hand(&top)?.playbooks();
                let answer = client.answer_condition(request(answer)).await;
                self.noted("condition", answer);
            }
            Next::Move(stage, waivers) => {
                let move_on = MoveStageRequest {
                    name: incident.name.clone(),
                    stage: stage.into(),
                    reason: "what had to be done is done".to_owned(),
                    waivers,
                    request_id: request_id(),
                    ..Default::default()
                };
                let mut client = self.hand(&top)?.incidents();
                let answer = client.move_stage(request(move_on)).await;
                self.noted("stage", answer);
            }
        }
        Ok(())
    }

    /// Lets go what was held and says nothing that the published words do not.
    async fn release(&mut self, incident: &Incident) -> Result<(), Failure> {
        let Some(voice) = holder(incident, DutyRole::Spokesperson) else {
            return Ok(());
        };
        for held in facts::held(&self.room, &self.parent).await? {
            if held.incident != incident.name || !is_past(held.hold_time.as_ref(), DECIDE) {
                continue;
            }
            let release = ReleaseMessageRequest {
                name: held.message.unwrap_or_default().name,
                reason: "says nothing new".to_owned(),
                request_id: request_id(),
                ..Default::default()
            };
            let mut client = self.hand(&voice)?.voice();
            let answer = client.release_message(request(release)).await;
            self.noted("release", answer);
        }
        Ok(())
    }

    /// A lead speaks with whoever waits for a first word; of private incidents that is the leader's contact.
    async fn turn_to_complainants(&mut self, lead: &str) -> Result<(), Failure> {
        let client = self.room.clocks();
        let waiting = all_pages(None, |page_size, page_token| {
            let mut client = client.clone();
            let list = ListClocksRequest {
                parent: self.parent.clone(),
                kinds: vec![ClockKind::Acknowledge.number()],
                page_size,
                page_token,
                ..Default::default()
            };
            async move {
                let answer = client.list_clocks(request(list)).await?.into_inner();
                Ok((answer.clocks, answer.next_page_token))
            }
        })
        .await?;
        for clock in waiting {
            if clock.stop_time.is_some() || !is_past(clock.start_time.as_ref(), DECIDE) {
                continue;
            }
            let record = RecordContactRequest {
                parent: clock.case,
                contact: Some(Contact {
                    direction: ContactDirection::Outbound.into(),
                    channel: to_wire(Channel::Hotline),
                    by_person: true,
                    substantive: true,
                    staff: lead.to_owned(),
                    note: "told what is known and when the next word comes".to_owned(),
                    ..Default::default()
                }),
                // Until the promise hears of it, the same contact is told again and counts once.
                request_id: format!(
                    "drill-{}",
                    clock.name.rsplit('/').next().unwrap_or_default()
                ),
            };
            let mut client = self.hand(lead)?.cases();
            let answer = client.record_contact(request(record)).await;
            self.noted("contact", answer);
        }
        Ok(())
    }
}

/// What a commander does about a stage.
#[derive(Debug, PartialEq)]
enum Next {
    Wait,
    /// Says that a condition holds.
    Say(String),
    /// Moves it, past these gaps.
    Move(IncidentStage, Vec<GateWaiver>),
}

/// Whoever has to be told, and every task, comes first; a press that asks nothing need not be told. The last stage ends with
/// the incident, which is no drill's matter.
fn next(plan: &IncidentPlan) -> Next {
    let further = match plan.stage() {
        IncidentStage::Latent => IncidentStage::Outbreak,
        IncidentStage::Outbreak => IncidentStage::Handling,
        IncidentStage::Handling => IncidentStage::Aftermath,
        IncidentStage::Aftermath | IncidentStage::Unspecified => return Next::Wait,
    };
    let (mut waivers, mut unsaid) = (Vec::new(), None);
    for gap in &plan.gaps {
        match (gap.name.strip_prefix("condition/"), gap.name.as_str()) {
            (Some(condition), _) => unsaid = Some(condition.to_owned()),
            (None, "audience/MEDIA") => waivers.push(GateWaiver {
                gap: gap.name.clone(),
                reason: "the press asks nothing".to_owned(),
            }),
            (None, _) => return Next::Wait,
        }
    }
    // A hazard that is under control does not break out.
    match (unsaid, plan.stage()) {
        (_, IncidentStage::Latent) => Next::Wait,
        (Some(condition), _) => Next::Say(condition),
        (None, _) => Next::Move(further, waivers),
    }
}

/// How long people take for a task: half of its time; what has to be done within a day is done within ninety minutes.
fn effort(within: SignedDuration) -> SignedDuration {
    let half = within / 2;
    if within <= SignedDuration::from_hours(24) {
        half.min(SignedDuration::from_mins(90))
    } else {
        half
    }
}

/// What there is of a kind of statement.
#[derive(Debug, PartialEq)]
enum Found<'a> {
    Published(&'a Statement),
    Draft,
    Nothing,
}

/// A statement of a kind that was written since.
fn at_hand(said: &[Statement], kind: StatementKind, since: Option<Timestamp>) -> Found<'_> {
    let fits = |s: &&Statement| {
        s.kind() == kind
            && s.state() != StatementState::Dropped
            && since.is_none_or(|since| {
                instant(s.create_time.as_ref()).is_some_and(|written| written >= since)
            })
    };
    let mut found = Found::Nothing;
    for s in said.iter().filter(fits) {
        if s.state() == StatementState::Published {
            return Found::Published(s);
        }
        found = Found::Draft;
    }
    found
}

/// What is said. No figures, no promises: nothing is known yet that could be either.
fn words(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Unspecified | StatementKind::Holding => {
            "我们已到现场,正在核实情况,核实后会及时告知各位。"
        }
        StatementKind::Update => "现场情况正在逐项核实,负责人已与业主面谈,请推选代表到接待室。",
        StatementKind::Answer => "情况正在核实,核实结果会向社会公布,我们保持沟通。",
        StatementKind::Clarification => {
            "报道与事实不符。现场没有人员受伤,具体情况以公布的核实结果为准。"
        }
        StatementKind::Closing => "事情已经妥善处理,感谢各位业主的理解。",
    }
}

/// What is known of the figures in those words: nobody is one too (I7).
fn known(kind: StatementKind) -> Vec<StatementFact> {
    match kind {
        StatementKind::Clarification => vec![StatementFact {
            key: "injured".to_owned(),
            value: "0".to_owned(),
            source: "现场核查".to_owned(),
        }],
        _ => Vec::new(),
    }
}

/// Who holds a role of an incident, or stands in.
fn holder(incident: &Incident, role: DutyRole) -> Option<String> {
    let found = incident.roles.iter().find(|r| r.role == role.number())?;
    (!found.staff.is_empty()).then(|| found.staff.clone())
}

fn is_past(since: Option<&prost_types::Timestamp>, by: SignedDuration) -> bool {
    instant(since).is_some_and(|since| since + by <= now())
}

/// Whether a promise runs of which half the time is used.
fn is_half_used(incident: &Incident, kind: ClockKind) -> bool {
    let half = |c: &IncidentClock| {
        let (start, due) = (
            instant(c.start_time.as_ref())?,
            instant(c.due_time.as_ref())?,
        );
        Some(start + start.duration_until(due) / 2)
    };
    let runs = [ClockState::Running, ClockState::Breached];
    incident
        .clocks
        .iter()
        .filter(|c| c.kind == kind.number() && runs.iter().any(|s| s.number() == c.state))
        .any(|c| half(c).is_some_and(|half| half <= now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_proto::convert::to_timestamp;

    fn statement(kind: StatementKind, state: StatementState, written: i64) -> Statement {
        let at = Timestamp::from_second(written).expect("an instant");
        Statement {
            kind: kind.into(),
            state: state.into(),
            create_time: Some(to_timestamp(at)),
            ..Default::default()
        }
    }

    #[test]
    fn a_stage_is_moved_once_its_tasks_are_done_everybody_is_told_and_its_conditions_hold() {
        let plan = |stage: IncidentStage, gaps: &[&str]| IncidentPlan {
            stage: stage.into(),
            gaps: gaps
                .iter()
                .map(|name| redress_proto::crisis::v1::Gap {
                    name: (*name).to_owned(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        use IncidentStage::{Aftermath, Handling, Latent, Outbreak};
        let open = ["task/secure-site", "condition/people-calm"];
        assert_eq!(next(&plan(Outbreak, &open)), Next::Wait);
        let untold = ["audience/STAFF", "condition/people-calm"];
        assert_eq!(next(&plan(Outbreak, &untold)), Next::Wait);
        let unsaid = ["audience/MEDIA", "condition/people-calm"];
        let calm = Next::Say("people-calm".to_owned());
        assert_eq!(next(&plan(Outbreak, &unsaid)), calm);
        let Next::Move(Handling, waivers) = next(&plan(Outbreak, &["audience/MEDIA"])) else {
            panic!("nothing else keeps it");
        };
        assert_eq!(waivers[0].gap, "audience/MEDIA");
        assert_eq!(
            next(&plan(Handling, &[])),
            Next::Move(Aftermath, Vec::new())
        );
        for stays in [Latent, Aftermath] {
            assert_eq!(next(&plan(stays, &[])), Next::Wait);
        }
    }

    #[test]
    fn a_question_is_answered_by_what_was_written_after_it() {
        let since = Timestamp::from_second(100).ok();
        let early = statement(StatementKind::Answer, StatementState::Published, 50);
        let said = [early];
        assert_eq!(at_hand(&said, StatementKind::Answer, since), Found::Nothing);
        let later = statement(StatementKind::Answer, StatementState::Draft, 150);
        let said = [said[0].clone(), later];
        assert_eq!(at_hand(&said, StatementKind::Answer, since), Found::Draft);
        assert_eq!(
            at_hand(&said, StatementKind::Answer, None),
            Found::Published(&said[0])
        );
        let dropped = [statement(
            StatementKind::Answer,
            StatementState::Dropped,
            150,
        )];
        assert_eq!(
            at_hand(&dropped, StatementKind::Answer, since),
            Found::Nothing
        );
    }
}
