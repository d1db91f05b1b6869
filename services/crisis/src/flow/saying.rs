//! What is said on an incident: loading a statement with all that its reviews hang on, and keeping what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use redress_clock::Deadlines;
use redress_model::Fault;
use redress_model::ids::new_id;
use redress_model::name::{IncidentName, SiteId, StaffId, StaffName, StatementName};
use redress_model::text::is_blank;
use redress_model::words::{ClockKind, ClockState, DutyRole};
use redress_proto::convert::to_timestamp;
use redress_proto::event::v1 as events;
use redress_wording::Checker;

use super::keeping::Carried;
use super::terms::quorum;
use super::{Desk, Transition, Turn};
use crate::domain::briefing::{CORRECTED, SUPERSEDED};
use crate::domain::cadence::{spread, within};
use crate::domain::gate::Waiver;
use crate::domain::matrix::Reach;
use crate::domain::stage::{completes, moves};
use crate::domain::statement::{
    Content, Contradiction, Digest, Draft, Fact, Person, Refusal, Review, Scene, Standing,
    asked_of, chain, changes, contradiction, contradictions, digest, holds, is_author,
    is_first_word, is_public, is_update, needed, personal_data, publishers, standing_facts,
    unsourced_figures, wording_hits,
};
use crate::domain::words::{
    Audience, LogKind, ReviewStep, Stage, State, StatementKind, StatementState, TellMeans,
    UpdateAudience, Verdict,
};
use crate::store::statements::{Publication, Said, Statement};
use crate::store::updates::Update;
use crate::store::{
    cases, clocks, deputies, feed, incidents, links, roles, stages, statements, wording,
};

/// Somebody who has a role in an incident, or acts for whoever has it.
struct Having {
    role: DutyRole,
    staff: StaffId,
    /// By whose word: whoever gave it, then whoever gave that person the right to, and so on; empty where the roster did.
    givers: Vec<Person>,
    /// Whether they only stand in while nobody has it: called, and not the one who gives its word.
    stands_in: bool,
}

impl Having {
    /// Whether they give the word of the role on what these wrote: none of it is theirs, and they have the role by the word of
    /// nobody who wrote.
    fn may_review(&self, site: &SiteId, authors: &[Person]) -> bool {
        !self.stands_in
            && authors.iter().all(|a| a.at(site) != Some(&self.staff))
            && !self.is_picked_by(authors)
    }

    /// Whether somebody of these gave it, or put whoever did there.
    fn is_picked_by(&self, authors: &[Person]) -> bool {
        self.givers.iter().any(|giver| is_author(authors, giver))
    }
}

/// Everybody who has a role in an incident or stands in for it, then who acts for one now.
async fn having(
    tx: &mut redress_store::Tx,
    incident: &IncidentName,
    now: Timestamp,
) -> Result<Vec<Having>, Fault> {
    let IncidentName { site, id } = incident;
    let held = roles::of_incident(tx, site, *id).await?;
    let acting = deputies::acting(tx, site, *id, now).await?;
    let held = held.into_iter().filter_map(|r| {
        Some(Having {
            role: r.role,
            staff: r.held.person()?.clone(),
            stands_in: r.held.staff.is_none(),
            givers: r.givers,
        })
    });
    let acting = acting.into_iter().map(|d| Having {
        role: d.role,
        givers: d.word_of(),
        staff: d.staff,
        stands_in: false,
    });
    Ok(held.chain(acting).collect())
}

/// A statement with everything that was said of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The statement.
    pub statement: Statement,
    /// Everybody who wrote a version.
    pub authors: Vec<Person>,
    /// Every verdict, oldest first.
    pub said: Vec<Said>,
    /// The stage that its digest names.
    pub stage: Stage,
    /// Names exactly what stands now, or what left.
    pub digest: Digest,
    /// Where that stands.
    pub standing: Standing,
    /// What stands published beside it.
    published: Vec<Fact>,
    /// What must not be said.
    wording: Arc<Checker>,
    /// How many of the spokesperson's chain have to approve, by the terms of its incident.
    pub quorum: usize,
}

impl Case {
    /// Reads it. `stage` is the incident's at this instant.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn load(
        tx: &mut redress_store::Tx,
        desk: &Desk,
        statement: Statement,
        stage: Stage,
    ) -> Result<Self, Fault> {
        let StatementName { site, id } = statement.name.clone();
        let told = statements::told(tx, &site, statement.incident, statement.supersedes).await?;
        let authors = statements::authors(tx, &site, id).await?;
        let said = statements::said(tx, &site, id).await?;
        let left = statement.published.as_ref();
        let stage = left.map_or(stage, |p| p.stage);
        let digest = match left {
            Some(left) => left.digest,
            None => {
                let visits = stages::visits(tx, &site, statement.incident).await?;
                let visits: Vec<_> = visits.iter().map(|v| (v.number, v.stage)).collect();
                let scene = Scene::of(stage, &visits);
                digest(statement.incident, scene, &statement.content)
            }
        };
        let reviews: Vec<Review> = said.iter().map(|s| s.review.clone()).collect();
        let standing = Standing::of(&reviews, digest, &authors);
        let quorum = quorum(tx, desk, &site, statement.incident, &authors).await?;
        let now = desk.clock.now();
        Ok(Self {
            standing,
            published: standing_facts(told),
            wording: wording::checker(tx, &site, now).await?,
            quorum,
            statement,
            authors,
            said,
            stage,
            digest,
        })
    }

    /// Steps to come of a draft that too few are left to give as the command stands; none are known where another open
    /// incident leads, whose command may give them too.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn lacking(
        &self,
        tx: &mut redress_store::Tx,
        now: Timestamp,
    ) -> Result<Vec<ReviewStep>, Fault> {
        let Some(due) = self
            .due()
            .filter(|_| self.statement.state == StatementState::Draft)
        else {
            return Ok(Vec::new());
        };
        let StatementName { site, .. } = &self.statement.name;
        let incident = IncidentName::new(site.clone(), self.statement.incident);
        for link in links::of_incident(tx, &incident).await? {
            if link.leads {
                continue;
            }
            // One that is out of sight counts as open.
            let head = incidents::state(tx, &link.other.site, link.other.id).await?;
            if head.is_none_or(|state| state == State::Open) {
                return Ok(Vec::new());
            }
        }
        let having = having(tx, &incident, now).await?;
        let accused = cases::complained_about(tx, site, self.statement.incident).await?;
        let is_accused = |staff: &StaffId| {
            let name = StaffName::new(site.clone(), staff.clone()).to_string();
            accused.contains(&name)
        };
        // One person gives one step, and counts once for it.
        let gave: BTreeSet<&StaffId> = ReviewStep::ALL
            .iter()
            .flat_map(|step| self.standing.approved_by(*step))
            .filter_map(|by| by.at(site))
            .collect();
        let is_left_for = |step: ReviewStep| {
            let able: BTreeSet<&StaffId> = having
                .iter()
                .filter(|of| chain(step).contains(&of.role))
                .filter(|of| of.may_review(site, &self.authors))
                .map(|of| &of.staff)
                .filter(|staff| !gave.contains(staff) && !is_accused(staff))
                .collect();
            let given = self.standing.approved_by(step).len();
            given + able.len() >= needed(step, self.quorum)
        };
        let coming = ReviewStep::ALL.iter().filter(|step| **step >= due);
        Ok(coming
            .filter(|step| !chain(**step).is_empty() && !is_left_for(**step))
            .copied()
            .collect())
    }

    /// The figures of a draft that its fact check will be refused for.
    pub fn unsourced(&self) -> Vec<String> {
        match self.statement.state {
            StatementState::Draft => unsourced_figures(&self.statement.content),
            _ => Vec::new(),
        }
    }

    /// The step that is due; none once it may leave.
    pub fn due(&self) -> Option<ReviewStep> {
        self.standing.due(self.quorum)
    }

    /// Whether it has every approval that it needs.
    pub fn ready(&self) -> bool {
        self.standing.ready(self.quorum)
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            state: self.statement.state,
            authors: &self.authors,
            content: &self.statement.content,
            standing: &self.standing,
            quorum: self.quorum,
            published: &self.published,
            wording: &self.wording,
        }
    }

    /// What keeps a draft back beside missing approvals: the wording rules that it breaks, and what it says otherwise
    /// than what was published.
    pub fn findings(&self) -> (Vec<String>, Option<String>) {
        if self.statement.state != StatementState::Draft {
            return (Vec::new(), None);
        }
        let content = &self.statement.content;
        let found = contradiction(&content.facts, &self.published);
        let mut rules = wording_hits(&self.wording, content);
        // What stands approved without a reason is of before, and is not asked for one.
        if self.due() == Some(ReviewStep::FactCheck) || !is_blank(&content.wording_reason) {
            rules.extend(personal_data(content));
        }
        (rules, found.map(|found| found.to_string()))
    }

    fn refused(&self, refusal: &Refusal) -> Fault {
        Fault::illegal(refusal.reason(), refusal.to_string(), &self.statement.name)
    }
}

impl Turn<'_> {
    /// A statement of this incident, which the caller locked.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn statement(&mut self, name: &StatementName) -> Result<Case, Fault> {
        let found = statements::get(self.tx, &name.site, name.id).await?;
        let statement = found
            .filter(|s| s.incident == self.incident.name.id)
            .ok_or_else(|| Fault::not_found("Statement", name))?;
        Case::load(self.tx, self.desk, statement, self.incident.stage).await
    }

    /// Writes a draft.
    ///
    /// # Errors
    /// INVALID_ARGUMENT when it supersedes what it cannot.
    pub async fn draft_statement(
        &mut self,
        statement: &Statement,
        by: &Person,
    ) -> Result<(), Fault> {
        if let Some(old) = statement.supersedes {
            let site = self.site();
            let fits = match statements::get(self.tx, &site, old).await? {
                // What a merged incident published is for the one that stays to supersede: the other takes no writes.
                Some(old) => {
                    old.state == StatementState::Published
                        && old.content.audience == statement.content.audience
                        && old.content.language == statement.content.language
                        && self.has(old.incident).await?
                }
                None => false,
            };
            if !fits {
                let text = "must be a published statement of the same incident, or of one merged into it, audience and language";
                return Err(Fault::invalid("statement.supersedes", text));
            }
        }
        statements::insert(self.tx, statement).await?;
        statements::write(self.tx, statement, by, self.now).await?;
        let text = format!("a statement to {} was drafted", statement.content.audience);
        self.note_statement(&statement.name, &by.subject, &text)
            .await?;
        self.keep_reviews().await
    }

    /// The drafts of an incident that goes into this one go on here. What was approved of them counts no more, since the
    /// digest names the incident (I7); an objection stays.
    pub(super) async fn take_drafts(&mut self, from: uuid::Uuid) -> Result<(), Fault> {
        let (site, into) = (self.site(), self.incident.name.id);
        for name in statements::move_drafts(self.tx, &site, from, into, self.now).await? {
            let text = "the draft of a statement goes on in this incident; what was approved before does not count for it";
            self.note_statement(&name, "", text).await?;
        }
        Ok(())
    }

    /// Writes another version of a draft.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it is none any more; INVALID_ARGUMENT when what it supersedes no longer fits.
    pub async fn rewrite(
        &mut self,
        case: &Case,
        mut statement: Statement,
        by: &Person,
    ) -> Result<(), Fault> {
        if case.statement.state != StatementState::Draft {
            return Err(case.refused(&Refusal::NotDraft(case.statement.state)));
        }
        if statement.content == case.statement.content {
            return Ok(());
        }
        let addressed = |s: &Statement| (s.content.audience, s.content.language.clone());
        if statement.supersedes.is_some() && addressed(&statement) != addressed(&case.statement) {
            let text =
                "cannot change: the statement supersedes one of the same audience and language";
            return Err(Fault::invalid("statement.audience", text));
        }
        statement.version += 1;
        self.touch(&mut statement);
        // The version first: the row names it.
        statements::write(self.tx, &statement, by, self.now).await?;
        statements::update(self.tx, &statement).await?;
        let text = format!(
            "version {} of a statement was written; what was approved before does not count for it",
            statement.version
        );
        self.note_statement(&statement.name, &by.subject, &text)
            .await?;
        self.keep_first_word(&statement).await
    }

    /// Whether the first word is there (section 9): a holding statement to somebody outside, or any to the public, has left, here
    /// or in an incident that went into this one, or a draft of such a holding statement stands complete, as it would leave now.
    pub(super) async fn first_word_stands(&mut self) -> Result<bool, Fault> {
        let (site, id) = (self.site(), self.incident.name.id);
        if statements::first_word_left(self.tx, &site, id).await? {
            return Ok(true);
        }
        let drafts = statements::Filter {
            state: Some(StatementState::Draft),
            audience: None,
        };
        for draft in statements::list(self.tx, &site, id, drafts, None, i64::MAX).await? {
            if holds(draft.content.kind, draft.content.audience)
                && Case::load(self.tx, self.desk, draft, self.incident.stage)
                    .await?
                    .ready()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Something happened to a statement, and somebody else's word may be due. Of a holding one the promise follows too: it is
    /// kept while one stands complete or has left, and made anew, from now on, once that was taken back.
    async fn keep_first_word(&mut self, statement: &Statement) -> Result<(), Fault> {
        if statement.content.kind != StatementKind::Holding {
            return self.keep_reviews().await;
        }
        self.reconcile(self.now, &Carried::new()).await
    }

    /// Starts and ends clocks until exactly what drafts wait for runs, one thing of each (own): the commander's word while
    /// somebody objects, else the step that is due. Whoever has to give it is told when it becomes theirs. Nothing runs while
    /// nothing may leave.
    pub(super) async fn keep_reviews(&mut self) -> Result<(), Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let mut waits = BTreeMap::new();
        let mut given = BTreeSet::new();
        if self.incident.state == State::Open && !self.incident.provisional {
            let drafts = statements::Filter {
                state: Some(StatementState::Draft),
                audience: None,
            };
            for draft in statements::list(self.tx, &site, id, drafts, None, i64::MAX).await? {
                let case = Case::load(self.tx, self.desk, draft, self.incident.stage).await?;
                let (of, due) = (case.statement.name.id, case.due());
                let steps = ReviewStep::ALL.iter().copied();
                let done = steps.filter(|step| due.is_none_or(|due| *step < due));
                given.extend(done.map(|step| (of, asked_of(step))));
                let role = if case.standing.objectors.is_empty() {
                    given.insert((of, DutyRole::TopLead));
                    due.map(asked_of)
                } else {
                    Some(DutyRole::TopLead)
                };
                if let Some(role) = role {
                    waits.insert(of, (role, case.statement.content.kind));
                }
            }
        }
        let mut first_word = None;
        for clock in clocks::open(self.tx, &site, id).await? {
            match (clock.kind, clock.subject, clock.owner) {
                (ClockKind::HoldingStatement, ..) => first_word = Some(clock.deadlines.due),
                (ClockKind::StatementReview, Some(of), Some(role)) => {
                    if waits.get(&of).is_some_and(|(wanted, _)| *wanted == role) {
                        waits.remove(&of);
                        continue;
                    }
                    let ended = if given.contains(&(of, role)) {
                        ClockState::Met
                    } else {
                        ClockState::Cancelled
                    };
                    self.stop(clock, ended).await?;
                }
                _ => {}
            }
        }
        for (of, (role, kind)) in waits {
            let deadlines = self.review_by(kind, first_word);
            self.promise(ClockKind::StatementReview, of, role, self.now, deadlines)
                .await?;
            self.ask_for_review(&StatementName::new(site.clone(), of), role)
                .await?;
        }
        Ok(())
    }

    /// Until when a step is given: of a holding statement never past the moment until when one is to be ready.
    fn review_by(&self, kind: StatementKind, first_word: Option<Timestamp>) -> Deadlines {
        let policy = &self.terms.policy;
        if kind != StatementKind::Holding {
            return within(&self.zone, self.now, policy.statement_review);
        }
        let own = within(&self.zone, self.now, policy.holding_review);
        match first_word {
            Some(due) if due > self.now && due < own.due => spread(self.now, due),
            _ => own,
        }
    }

    /// Has those told for whom a statement waits now. A message and not a page: the clock reminds of it, and climbs.
    async fn ask_for_review(
        &mut self,
        statement: &StatementName,
        role: DutyRole,
    ) -> Result<(), Fault> {
        let readers = self.reviewers(statement.id, role).await?;
        if readers.is_empty() {
            return Ok(());
        }
        self.notice(
            events::WorkNews::ReviewAwaits,
            readers,
            statement.to_string(),
        )
        .await
    }

    /// Has people of the site told something of the incident's work: a message and not a page.
    pub(super) async fn notice(
        &mut self,
        news: events::WorkNews,
        readers: Vec<StaffId>,
        about: String,
    ) -> Result<(), Fault> {
        let site = self.site();
        let payload = events::WorkNoticed {
            notice_id: new_id(self.now).to_string(),
            news: news.into(),
            staff: readers
                .into_iter()
                .map(|reader| StaffName::new(site.clone(), reader).to_string())
                .collect(),
            case: String::new(),
            resource: about,
            number: self.case_number().await?,
            grade: 1,
        };
        self.publish("redress.work.noticed.v1", &payload).await
    }

    /// For whom a step that is asked of a role waits: whoever holds it or acts for it now, wrote nothing of the text and has it by
    /// the word of nobody who did; where that is nobody, whoever commands, who can appoint somebody; and where that one wrote it, the
    /// duty lead too.
    pub(super) async fn reviewers(
        &mut self,
        statement: uuid::Uuid,
        role: DutyRole,
    ) -> Result<Vec<StaffId>, Fault> {
        let site = self.site();
        let authors = statements::authors(self.tx, &site, statement).await?;
        let having = having(self.tx, &self.incident.name, self.now).await?;
        let of = |role: DutyRole, unpicked: bool| {
            let all = having.iter().filter(move |of| of.role == role);
            all.filter(|of| !self.roster.barred.contains(&of.staff))
                .filter(|of| !unpicked || !of.is_picked_by(&authors))
                .map(|of| of.staff.clone())
                .collect::<Vec<StaffId>>()
        };
        let wrote = |staff: &StaffId| authors.iter().any(|a| a.at(&site) == Some(staff));
        // The fact check takes no role.
        let mut able = of(role, role != asked_of(ReviewStep::FactCheck));
        able.retain(|staff| !wrote(staff));
        if able.is_empty() {
            able = of(DutyRole::TopLead, false);
        }
        // Whom an author appoints approves nothing either.
        if able.iter().all(wrote) {
            able.extend(of(DutyRole::DutyLead, false));
            able.sort();
            able.dedup();
        }
        Ok(able)
    }

    /// Keeps a verdict. A holding statement that stands complete meets its promise; one that does so no more, by an
    /// objection, makes it anew.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the person is not of the step's chain; FAILED_PRECONDITION by what stands.
    pub async fn review(&mut self, case: Case, mut said: Said) -> Result<(), Fault> {
        let Review {
            step, verdict, by, ..
        } = &said.review;
        let roles: &[DutyRole] = match verdict {
            Verdict::Approve => chain(*step),
            Verdict::Overrule => &[DutyRole::TopLead],
            Verdict::Object | Verdict::Lift => &[],
        };
        self.require_chain(roles, by).await?;
        let givers = self.require_unpicked(&case, roles, by).await?;
        case.draft()
            .review(*step, *verdict, by)
            .map_err(|refusal| case.refused(&refusal))?;
        said.review.givers = givers;
        let name = case.statement.name.clone();
        statements::say(self.tx, &name, &said.review, &said.reason, self.now).await?;
        let mut statement = case.statement.clone();
        self.touch(&mut statement);
        statements::update(self.tx, &statement).await?;
        let Review {
            step, verdict, by, ..
        } = &said.review;
        let text = match verdict {
            Verdict::Approve => format!("{step} of a statement was given"),
            Verdict::Object => "somebody objects to a statement".to_owned(),
            Verdict::Lift => "an objection to a statement was lifted".to_owned(),
            Verdict::Overrule => "the commander overruled the objections to a statement".to_owned(),
        };
        self.note_statement(&name, &by.subject, &text).await?;
        let case = Case::load(self.tx, self.desk, statement, self.incident.stage).await?;
        let Content { kind, audience, .. } = case.statement.content;
        if holds(kind, audience)
            && case.ready()
            && self.meet(ClockKind::HoldingStatement, None).await?
        {
            let text = "the holding statement is approved and ready";
            self.note(
                LogKind::HoldingStatement,
                &by.subject,
                text,
                &name.to_string(),
            )
            .await?;
        }
        // An objection takes back what was ready.
        self.keep_first_word(&case.statement).await
    }

    /// Lets it leave: fixed, in the feed where everybody may read it, told to the other services. An outward one is an
    /// outward update too; but one to an authority, which nothing carries there: somebody is asked to bring it.
    ///
    /// # Errors
    /// PERMISSION_DENIED when the person may not release it; FAILED_PRECONDITION by what stands.
    pub async fn publish_statement(
        &mut self,
        case: Case,
        by: &Person,
        sign: &feed::Sign,
    ) -> Result<(), Fault> {
        self.require_chain(publishers(case.statement.content.kind), by)
            .await?;
        self.leaves(&case)
            .map_err(|refusal| case.refused(&refusal))?;
        let (overridden, _) = case.findings();
        let corrected = contradictions(&case.statement.content.facts, &case.published);
        let site = self.site();
        let replaced = match case.statement.supersedes {
            Some(old) => Some(self.supersede(&case, old, &by.subject).await?),
            None => None,
        };
        let mut statement = case.statement.clone();
        statement.state = StatementState::Published;
        statement.published = Some(Publication {
            stage: case.stage,
            digest: case.digest,
            by: by.subject.clone(),
            at: self.now,
        });
        self.touch(&mut statement);
        statements::update(self.tx, &statement).await?;
        let entry = if is_public(statement.content.audience) {
            Some(feed::append(self.tx, &statement, case.digest, self.now, sign).await?)
        } else {
            None
        };
        let payload = events::StatementPublished {
            statement: statement.name.to_string(),
            incident: self.incident.name.to_string(),
            kind: statement.content.kind.word().to_owned(),
            audience: statement.content.audience.word().to_owned(),
            language: statement.content.language.clone(),
            digest: hex::encode(case.digest),
            feed_number: entry.map_or(0, |entry| entry.number),
            publish_time: Some(to_timestamp(self.now)),
            overridden_rules: overridden.clone(),
            supersedes: statement.supersedes.map_or_else(String::new, |old| {
                StatementName::new(site.clone(), old).to_string()
            }),
        };
        self.publish("redress.statement.published.v1", &payload)
            .await?;
        let content = &statement.content;
        let text = format!("a statement to {} was published", content.audience);
        let mut texts = vec![text];
        if !overridden.is_empty() {
            let rules = overridden.join(", ");
            texts.push(format!("{rules} overridden: {}", content.wording_reason));
        }
        // Each an entry of its own: the next briefing tells of them.
        if let Some(old) = replaced {
            let changes = changes(&old, content);
            let audience = content.audience;
            texts.push(format!("{SUPERSEDED}a statement to {audience}: {changes}"));
        }
        if !corrected.is_empty() {
            let found: Vec<String> = corrected.iter().map(Contradiction::to_string).collect();
            texts.push(format!(
                "{CORRECTED}a statement to {}: {}: {}",
                content.audience,
                found.join("; "),
                content.correction
            ));
        }
        for text in &texts {
            self.note_statement(&statement.name, &by.subject, text)
                .await?;
        }
        let left = statement.name.to_string();
        if content.audience == Audience::Authorities {
            self.ask_to_bring(statement.name.id).await?;
        } else {
            // Notification brings it to each of them, or everybody reads the feed.
            let reach = match content.audience {
                Audience::Affected => Reach::Cases(self.members().await?),
                _ => Reach::Everybody,
            };
            self.told(content.audience, TellMeans::Statement, &left, reach)
                .await?;
        }
        if is_first_word(content.kind, content.audience) {
            self.meet(ClockKind::HoldingStatement, None).await?;
        }
        if !is_update(content.audience) {
            return Ok(());
        }
        self.keep_update(Update {
            audience: UpdateAudience::Outward,
            nothing_new: false,
            reference: &left,
            by,
        })
        .await
    }

    /// To whom the statement speaks that an outward update tells again, by its name: one of this incident, or of one that was
    /// merged into it, that was an outward update and stands (I7).
    ///
    /// # Errors
    /// FAILED_PRECONDITION `UPDATE_WITHOUT_STATEMENT`.
    pub async fn told_again(&mut self, reference: &str) -> Result<Audience, Fault> {
        if let Ok(StatementName { site, id }) = reference.parse()
            && site == self.site()
            && let Some(statement) = statements::get(self.tx, &site, id).await?
            && statement.state == StatementState::Published
            && is_update(statement.content.audience)
            && self.has(statement.incident).await?
        {
            return Ok(statement.content.audience);
        }
        let text = "what goes out rests upon a statement: publish one, which is an update; or name as reference one that is \
                    published, stands and speaks to somebody outside other than an authority, to whom a person brings it; \
                    or say that nothing is new, in the words for that";
        let name = &self.incident.name;
        Err(Fault::illegal("UPDATE_WITHOUT_STATEMENT", text, name))
    }

    /// Whether an incident is this one, or was merged into it.
    pub(super) async fn has(&mut self, incident: uuid::Uuid) -> Result<bool, Fault> {
        let own = self.incident.name.id;
        if incident == own {
            return Ok(true);
        }
        let site = self.site();
        let other = incidents::get(self.tx, &site, incident).await?;
        Ok(other.is_some_and(|other| other.merged_into == Some(own)))
    }

    /// Whether it could be published now, but for who does it.
    fn leaves(&self, case: &Case) -> Result<(), Refusal> {
        case.draft()
            .publish(self.incident.mode, self.incident.provisional)
    }

    pub(super) fn may_leave(&self, case: &Case) -> bool {
        self.leaves(case).is_ok()
    }

    /// Takes the place of a statement, and says what that one said.
    async fn supersede(
        &mut self,
        case: &Case,
        old: uuid::Uuid,
        actor: &str,
    ) -> Result<Content, Fault> {
        let site = self.site();
        let found = statements::get(self.tx, &site, old).await?;
        let mut old = found.ok_or_else(|| Fault::internal("a superseded statement is missing"))?;
        if old.state != StatementState::Published {
            let text = "another statement took the place of the one that this supersedes; write it anew over that one";
            let name = &case.statement.name;
            return Err(Fault::illegal("ALREADY_SUPERSEDED", text, name));
        }
        old.state = StatementState::Superseded;
        self.touch(&mut old);
        statements::update(self.tx, &old).await?;
        self.leave_unbrought(old.name.id, actor).await?;
        Ok(old.content)
    }

    /// Drops a draft. Says whether anything changed.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when it has left.
    pub async fn drop_statement(
        &mut self,
        case: &Case,
        reason: &str,
        by: &Person,
    ) -> Result<bool, Fault> {
        match case.statement.state {
            StatementState::Dropped => return Ok(false),
            StatementState::Draft => {}
            left => return Err(case.refused(&Refusal::NotDraft(left))),
        }
        let mut statement = case.statement.clone();
        statement.state = StatementState::Dropped;
        self.touch(&mut statement);
        statements::update(self.tx, &statement).await?;
        let text = format!("a statement was dropped: {reason}");
        self.note_statement(&statement.name, &by.subject, &text)
            .await?;
        self.keep_first_word(&statement).await?;
        Ok(true)
    }

    /// Lets somebody act for a role until an instant.
    ///
    /// # Errors
    /// PERMISSION_DENIED when whoever appoints neither holds the role nor commands; FAILED_PRECONDITION when the person may
    /// hold no role here.
    pub async fn deputize(&mut self, deputy: &deputies::Deputy, reason: &str) -> Result<(), Fault> {
        let by = &deputy.appointed_by;
        let IncidentName { site, id } = self.incident.name.clone();
        let held = roles::of_incident(self.tx, &site, id).await?;
        let holder = held.iter().find(|r| r.role == deputy.role);
        let holder = holder.and_then(|r| r.held.person());
        // Not whoever acts for it: nobody makes their own time longer.
        if holder.is_none() || holder != by.at(&site) {
            self.require_commander(by).await?;
        }
        self.require_on_roster(&deputy.staff)?;
        let holds = held.iter().any(|r| {
            r.role == deputy.role
                    && r.held.staff.as_ref() == Some(&deputy.staff)
                    // By an author's word they review nothing; by another's, as a deputy, they do. Nobody appoints themselves.
                    && (r.givers.is_empty() || by.at(&site) == Some(&deputy.staff))
        });
        // An end that has come takes back what was given before they held it.
        if holds && deputy.end > self.now {
            let text = "the person holds the role, and acts for it by that; appoint somebody else";
            return Err(Fault::illegal("HOLDS_ROLE", text, &self.incident.name));
        }
        let deputy = &deputies::Deputy {
            givers: self.word_of(deputy.role, by).await?.split_off(1),
            ..deputy.clone()
        };
        deputies::appoint(self.tx, &site, id, deputy).await?;
        let text = format!(
            "{} acts for {} until {}: {reason}",
            deputy.staff, deputy.role, deputy.end
        );
        self.note(LogKind::Deputy, &by.subject, &text, "").await
    }

    /// Whoever acts for a role in an incident that goes into this one acts for it here, where nobody does yet: until the same
    /// end, by the same person's word.
    pub(super) async fn take_deputies(&mut self, from: uuid::Uuid) -> Result<(), Fault> {
        let (site, into) = (self.site(), self.incident.name.id);
        let ours = deputies::acting(self.tx, &site, into, self.now).await?;
        for deputy in deputies::acting(self.tx, &site, from, self.now).await? {
            if ours.iter().any(|d| d.role == deputy.role)
                || self.require_on_roster(&deputy.staff).is_err()
            {
                continue;
            }
            deputies::appoint(self.tx, &site, into, &deputy).await?;
            let text = format!(
                "{} acts for {} until {}, as in the incident that was merged into this one",
                deputy.staff, deputy.role, deputy.end
            );
            self.note(LogKind::Deputy, "", &text, "").await?;
        }
        Ok(())
    }

    /// Moves the stage, past its gates where it is completed by that. What runs by the old stage's cadence starts anew
    /// by the new one's.
    ///
    /// # Errors
    /// FAILED_PRECONDITION with what is legal, or with what is missing.
    pub async fn move_stage(
        &mut self,
        to: Stage,
        reason: &str,
        waivers: &[Waiver],
        actor: &str,
    ) -> Result<Option<Transition>, Fault> {
        let from = self.incident.stage;
        if from == to {
            return Ok(None);
        }
        moves(from, to).map_err(|illegal| {
            Fault::illegal("ILLEGAL_STAGE", illegal.to_string(), &self.incident.name)
        })?;
        // What a stage leaves undone that is completed, somebody waived by name.
        let unbrought = if completes(from, to) {
            self.pass_gates(waivers, actor).await?;
            Vec::new()
        } else {
            self.unbrought().await?
        };
        self.skip_tasks(|_| true, reason, waivers, actor).await?;
        let text = format!("{from} → {to}: {reason}");
        self.note(LogKind::StageMoved, actor, &text, "").await?;
        self.enter_stage(to, reason).await?;
        for statement in unbrought {
            self.ask_to_bring(statement).await?;
        }
        self.restart_cadence().await?;
        Ok(Some(Transition::Changed))
    }

    /// Holders of one of these roles, or who acts for them now. No role: the permission was enough.
    pub(super) async fn require_chain(
        &mut self,
        wanted: &[DutyRole],
        by: &Person,
    ) -> Result<(), Fault> {
        if wanted.is_empty() || !self.posts(wanted, by).await?.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = wanted.iter().map(|r| r.word()).collect();
        Err(Fault::only(format!(
            "the {} of the incident, or of the one that leads it, or a deputy,",
            words.join(" or ")
        )))
    }

    /// Whoever has a role by the word of somebody who wrote the statement does not review it: an author picks nobody, under no
    /// account, by no kind of word, through nobody and in neither incident. Says by whose word the reviewer has it.
    async fn require_unpicked(
        &mut self,
        case: &Case,
        wanted: &[DutyRole],
        by: &Person,
    ) -> Result<Vec<Person>, Fault> {
        let mut posts = self.posts(wanted, by).await?;
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        posts.retain(|post| !post.is_picked_by(&case.authors));
        let least = posts.into_iter().min_by_key(|post| post.givers.len());
        least.map(|post| post.givers).ok_or_else(|| {
            let text = "you have the role by the word of somebody who wrote a version of the statement, or of somebody who has it \
                        by theirs; whoever has it by the roster or by somebody else's word reviews it. Where nobody does, somebody \
                        who wrote none of it offers the role or appoints a deputy, or the statement is dropped and written anew by \
                        somebody who gave none of the roles";
            Fault::illegal("AUTHOR_REVIEWS", text, &case.statement.name)
        })
    }

    /// By whose word somebody has a role whom this person gives it: theirs first; and where they themselves have that role, or
    /// command, by the word of persons alone, those persons' too.
    pub(super) async fn word_of(
        &mut self,
        role: DutyRole,
        by: &Person,
    ) -> Result<Vec<Person>, Fault> {
        let mut givers = vec![by.clone()];
        let posts = self.posts(&[role, DutyRole::TopLead], by).await?;
        if posts.iter().all(|post| !post.givers.is_empty()) {
            for giver in posts.into_iter().flat_map(|post| post.givers) {
                if !givers.contains(&giver) {
                    givers.push(giver);
                }
            }
        }
        Ok(givers)
    }

    /// How a person has one of these roles. One command: whoever has it in the open incident that leads this one has it
    /// here too. Row security shows the head's command only to who acts for both sites.
    async fn posts(&mut self, wanted: &[DutyRole], by: &Person) -> Result<Vec<Having>, Fault> {
        let Some(staff) = &by.staff else {
            return Ok(Vec::new());
        };
        let own = self.incident.name.clone();
        let mut posts = Vec::new();
        let here = by.at(&own.site);
        if here.is_some_and(|s| !self.roster.barred.contains(s)) {
            posts = self.posts_in(&own, wanted, &staff.id).await?;
        }
        let accused = cases::complained_about(self.tx, &own.site, own.id).await?;
        if accused.contains(&staff.to_string()) {
            return Ok(posts);
        }
        for link in links::of_incident(self.tx, &own).await? {
            let head = &link.other;
            if link.leads || head.site != staff.site {
                continue;
            }
            let state = incidents::state(self.tx, &head.site, head.id).await?;
            if state == Some(State::Open) {
                // Whoever linked them brought the other's people in.
                let mut there = self.posts_in(head, wanted, &staff.id).await?;
                for post in &mut there {
                    post.givers.push(link.linker());
                }
                posts.append(&mut there);
            }
        }
        Ok(posts)
    }

    /// How a person has one of these roles in an incident, now.
    async fn posts_in(
        &mut self,
        incident: &IncidentName,
        wanted: &[DutyRole],
        staff: &StaffId,
    ) -> Result<Vec<Having>, Fault> {
        let mut posts = having(self.tx, incident, self.now).await?;
        posts.retain(|of| !of.stands_in && wanted.contains(&of.role) && of.staff == *staff);
        Ok(posts)
    }

    fn touch(&self, statement: &mut Statement) {
        statement.revision += 1;
        statement.updated = self.now;
    }

    async fn note_statement(
        &mut self,
        name: &StatementName,
        actor: &str,
        text: &str,
    ) -> Result<(), Fault> {
        self.note(LogKind::Statement, actor, text, &name.to_string())
            .await
    }
}
