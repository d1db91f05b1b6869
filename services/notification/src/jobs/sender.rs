//! Sends what is due: claim with a lease, find out how to reach the reader, write, hand over, complete by
//! the lease's token.
//!
//! Kill it between any two steps and nothing is lost: the lease runs out, another worker claims, finds
//! an attempt without an end, calls its outcome UNKNOWN and sends again under the same id. At least once
//! towards the provider, once in effect for a receiver that looks at the id.
//!
//! It scans the due column instead of a Redis index: a message has to be claimed in Postgres anyway, a
//! partial index makes the scan as long as what is due, and a commit in this process wakes it at once.
//! Grave messages have workers of their own, so that no crowd of receipts delays a call-out (P22).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use redress_model::name::{MessageName, StatementName};
use redress_model::time::SharedClock;
use redress_model::{Fault, ids};
use redress_rpc::trace_context;
use redress_rpc::watch::Bell;
use redress_runtime::every;
use redress_store::{Database, Keyring, Scope};
use redress_wording::Audience;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use zeroize::Zeroizing;

use super::carry::{self, KeepNotice, KeepPage, MakeTask};
use super::compose::{self, Words};
use super::metrics::Metrics;
use super::people::{People, Published};
use super::steps::{
    BeginAttempt, Block, Claim, ClaimMessage, Claimed, Drop, FinishAttempt, PutOff, Rest,
};
use crate::domain::message::Recipient;
use crate::domain::render::{RenderError, Templates};
use crate::domain::route::{self, Choice, ContactPoints, Past, Way};
use crate::domain::texts;
use crate::domain::verdict::{self, Ended, Next};
use crate::domain::words::{AttemptOutcome, Language, MessageState, Provider};
use crate::provider::{Answer, Gateways, Outgoing};
use crate::settings::Sending;
use crate::store::messages::{self, DueMessage, Lane, Message};
use crate::token::Tokens;

/// How long shutting down waits for messages under way; longer than any provider's timeout.
const DRAIN_MAX: Duration = Duration::from_secs(25);
/// How often a message is put off while its staff reader is not known here, before a person is told.
const UNKNOWN_STAFF_MAX: i32 = 8;

/// How long machines rest for a message before a person is asked instead, whatever else it waited for before.
const REST_PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// Sends messages.
#[derive(Debug)]
pub struct Sender<P> {
    /// The database.
    pub db: Database,
    /// Keys of what is sealed.
    pub keys: Arc<Keyring>,
    /// Those who carry messages.
    pub gateways: Gateways,
    /// What is said.
    pub templates: Templates,
    /// Those who know how to reach people.
    pub people: P,
    /// How messages are sent.
    pub sending: Sending,
    /// Whether every message says that it is a rehearsal.
    pub rehearsal: bool,
    /// What signs the links in messages.
    pub tokens: Tokens,
    /// Time.
    pub clock: SharedClock,
    /// What is counted.
    pub metrics: Metrics,
    /// Rung after apps and portals were told something.
    pub bell: Bell,
}

/// A text, or the wording rules that keep it back.
enum Written {
    Fit(Box<Outgoing>),
    Blocked(Vec<String>),
}

/// How to reach the reader of a held message.
enum Reach {
    Known(ContactPoints, String),
    /// Not now; what to put down, and whether to give up some time.
    Unknown(&'static str, Option<i32>),
    /// Never.
    Gone(&'static str),
}

impl<P: People> Sender<P> {
    /// Sends what is due in one lane until shutdown; then finishes what is under way.
    pub async fn run(self: Arc<Self>, lane: Lane, shutdown: CancellationToken) {
        let limit = usize::from(match lane {
            Lane::Grave => self.sending.grave_concurrency_max,
            Lane::Routine => self.sending.routine_concurrency_max,
        });
        let mut wakes = self.db.wakes();
        let mut under_way: JoinSet<MessageName> = JoinSet::new();
        let mut names: HashSet<MessageName> = HashSet::new();
        while !shutdown.is_cancelled() {
            self.start(lane, limit, &mut under_way, &mut names).await;
            let full = under_way.len() >= limit;
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(done) = under_way.join_next(), if !under_way.is_empty() => forget(done, &mut names),
                // With every hand full there is nothing to look for.
                _ = wakes.changed(), if !full => {}
                () = tokio::time::sleep(self.sending.poll), if !full => {}
            }
        }
        let drain = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_MAX, drain).await.is_err() {
            tracing::warn!("messages under way were left to their leases");
        }
    }

    /// Reports how far behind the sender is until shutdown.
    pub async fn watch_backlog(self: Arc<Self>, shutdown: CancellationToken) {
        const PAUSE: Duration = Duration::from_secs(15);
        let failed = "the backlog of messages cannot be read";
        every(PAUSE, &shutdown, failed, || async {
            let backlog = messages::backlog(&self.db, self.clock.now()).await?;
            self.metrics.behind(backlog);
            Ok(())
        })
        .await;
    }

    /// Starts what is due and not under way here.
    async fn start(
        self: &Arc<Self>,
        lane: Lane,
        limit: usize,
        under_way: &mut JoinSet<MessageName>,
        names: &mut HashSet<MessageName>,
    ) {
        let free = limit.saturating_sub(under_way.len());
        if free == 0 {
            return;
        }
        // What is under way may still look due until its claim commits.
        let rows = i64::try_from(free + names.len()).unwrap_or(i64::MAX);
        let due = match messages::due(&self.db, lane, self.clock.now(), rows).await {
            Ok(due) => due,
            Err(fault) => {
                tracing::warn!(reason = fault.reason(), fault = %fault.chain(), "due messages cannot be read");
                return;
            }
        };
        let fresh: Vec<DueMessage> = due
            .into_iter()
            .filter(|due| !names.contains(&due.name))
            .take(free)
            .collect();
        for due in fresh {
            names.insert(due.name.clone());
            let sender = Arc::clone(self);
            under_way.spawn(async move {
                sender.deliver(&due).await;
                due.name
            });
        }
    }

    /// Takes one message one step on, within the trace of its cause.
    pub async fn deliver(&self, due: &DueMessage) {
        let span = tracing::info_span!(
            "message.deliver",
            otel.kind = "producer",
            redress.message = %due.name,
            redress.message.template = tracing::field::Empty,
        );
        trace_context::follow(&span, &due.traceparent);
        async {
            if let Err(fault) = self.step(&due.name).await {
                // The lease gives it back; an error of ours is told once, here.
                tracing::warn!(
                    message.name = %due.name,
                    reason = fault.reason(),
                    fault = %fault.chain(),
                    "a message stopped on its way and is taken up again when its lease ends",
                );
            }
        }
        .instrument(span)
        .await;
    }

    async fn step(&self, name: &MessageName) -> Result<(), Fault> {
        let scope = Scope::site(name.site.clone());
        let claim = ClaimMessage {
            name,
            keys: &self.keys,
            lease: ids::new_id(self.clock.now()),
            lease_time: self.sending.lease,
            now: self.clock.now(),
            chance: rand::random(),
        };
        let (claim, lost) = self.db.run(&scope, &claim).await?;
        // A worker died before it knew whether the provider had taken it. Where it is still wanted it is sent again, under
        // the same id.
        for way in lost {
            self.metrics.attempted(way, AttemptOutcome::Unknown.word());
        }
        let mut claimed = match claim {
            Claim::Held(claimed) => *claimed,
            Claim::Ended(message) => {
                self.told(&message);
                return Ok(());
            }
            Claim::Gone => return Ok(()),
        };
        let message = &claimed.message;
        tracing::Span::current().record("redress.message.template", message.template.key());
        // What somebody caused days later leads back to the complaint.
        trace_context::link(&tracing::Span::current(), &claimed.origin);
        let (mut points, language) = match self.reach(&claimed).await {
            Reach::Known(points, language) => (points, language),
            Reach::Unknown(reason, limit) => return self.put_off(&claimed, reason, limit).await,
            Reach::Gone(reason) => return self.put_off(&claimed, reason, Some(0)).await,
        };
        match self.published(&claimed).await {
            Ok(None) => {}
            Ok(Some(published)) if published.superseded => return self.overtaken(&claimed).await,
            Ok(Some(published)) => claimed.said = Some(Zeroizing::new(published.text)),
            Err((reason, limit)) => return self.put_off(&claimed, reason, limit).await,
        }
        let message = &claimed.message;
        claimed.preference.order(&mut points);
        let language = match Language::of_tag(&claimed.preference.language) {
            Some(preferred) => preferred,
            None => Language::choose(&language, &claimed.site.language),
        };
        // The outbox needs no address, but a customer without any is told nothing by it: a person has to look.
        let unknown = matches!(message.recipient, Recipient::Complainant(_)) && points.is_empty();
        let ways = if unknown {
            Vec::new()
        } else {
            self.gateways.providers(&name.site).ways(&points)
        };
        let way = match self.choose(&claimed, &ways) {
            Choice::Go(way) => way,
            Choice::Wait(until) => return self.rest(&claimed, until).await,
            Choice::UsedUp => {
                let reason = if ways.is_empty() {
                    "NO_WAY"
                } else {
                    "WAYS_USED_UP"
                };
                return self.put_off(&claimed, reason, Some(0)).await;
            }
        };
        let outgoing = match self.write(&claimed, &points, way, language) {
            Ok(Written::Fit(outgoing)) => *outgoing,
            Ok(Written::Blocked(rules)) => return self.block(&claimed, &rules).await,
            Err(error) => {
                tracing::error!(message.name = %message.name, %error, "a message cannot be written");
                return self.put_off(&claimed, "TEMPLATE_BROKEN", Some(0)).await;
            }
        };
        if !self.gateways.admit(way, &name.site, self.clock.now()) {
            // Somebody else became the probe meanwhile.
            let soon = self.clock.now() + SignedDuration::from_secs(1);
            return self.rest(&claimed, soon).await;
        }
        self.attempt(&scope, &claimed, &ways, way, outgoing).await
    }

    /// The statement that a message tells; none for other messages. Else what to put down, and whether to give up.
    async fn published(
        &self,
        claimed: &Claimed,
    ) -> Result<Option<Published>, (&'static str, Option<i32>)> {
        let message = &claimed.message;
        let Some(id) = message.facts.statement else {
            return Ok(None);
        };
        let name = StatementName::new(message.name.site.clone(), id);
        match self.people.statement(&name).await {
            Ok(Some(published)) => Ok(Some(published)),
            Ok(None) => Err(("STATEMENT_UNKNOWN", Some(0))),
            Err(fault) => {
                tracing::info!(reason = fault.reason(), fault = %fault.chain(), "a statement cannot be read now");
                Err(("CRISIS_UNAVAILABLE", None))
            }
        }
    }

    /// A newer statement took the place of the one that it tells.
    async fn overtaken(&self, claimed: &Claimed) -> Result<(), Fault> {
        let name = &claimed.message.name;
        let drop = Drop {
            name,
            lease: claimed.lease,
            reason: "SUPERSEDED",
            now: self.clock.now(),
        };
        let scope = Scope::site(name.site.clone());
        if let Some(message) = self.db.run(&scope, &drop).await? {
            self.told(&message);
        }
        Ok(())
    }

    fn choose(&self, claimed: &Claimed, ways: &[Way]) -> Choice {
        let message = &claimed.message;
        let now = self.clock.now();
        let rests = message.fate.rest_time;
        let waited = rests.is_some_and(|since| now.duration_since(since) > REST_PATIENCE);
        route::choose(
            ways,
            &claimed.history,
            self.sending.attempts_per_way_max,
            message.priority <= 1 || waited,
            |way| self.gateways.shut_until(way, &message.name.site, now),
        )
    }

    async fn rest(&self, claimed: &Claimed, until: jiff::Timestamp) -> Result<(), Fault> {
        let name = &claimed.message.name;
        let rest = Rest {
            name,
            lease: claimed.lease,
            until,
            now: self.clock.now(),
        };
        self.db.run(&Scope::site(name.site.clone()), &rest).await
    }

    async fn reach(&self, claimed: &Claimed) -> Reach {
        let message = &claimed.message;
        let case_language = || {
            let case = claimed.own.as_ref().or(claimed.case.as_ref());
            case.map_or("", |case| case.language.as_str())
        };
        let own = message.known_by.as_ref().or(message.case.as_ref());
        let case = own.or(claimed.known_by.as_ref());
        match (&message.recipient, &claimed.staff, case) {
            (Recipient::Staff(_), Some(staff), _) if staff.retired => Reach::Gone("STAFF_RETIRED"),
            (Recipient::Staff(_), Some(staff), _) => {
                Reach::Known(staff.points.clone(), staff.language.clone())
            }
            // The local outbox needs no address, so a call-out does not wait for one.
            (Recipient::Staff(_), None, _) if self.gateways.outbox => {
                Reach::Known(ContactPoints::default(), String::new())
            }
            (Recipient::Staff(_), None, _) => {
                Reach::Unknown("STAFF_UNKNOWN", Some(UNKNOWN_STAFF_MAX))
            }
            (Recipient::Complainant(_), _, None) => match &claimed.contact {
                Some(contact) => Reach::Known(contact.points.clone(), contact.language.clone()),
                None => Reach::Gone("CASE_UNKNOWN"),
            },
            (Recipient::Complainant(token), _, Some(case)) => {
                match self.people.complainant(case, token, message.template).await {
                    Ok(Some(person)) if person.language.is_empty() => {
                        Reach::Known(person.points, case_language().to_owned())
                    }
                    Ok(Some(person)) => Reach::Known(person.points, person.language),
                    Ok(None) => Reach::Gone("RECIPIENT_UNKNOWN"),
                    Err(fault) => {
                        tracing::info!(reason = fault.reason(), fault = %fault.chain(), "a complainant's contact points cannot be read now");
                        Reach::Unknown("INTAKE_UNAVAILABLE", None)
                    }
                }
            }
        }
    }

    fn write(
        &self,
        claimed: &Claimed,
        points: &ContactPoints,
        way: Way,
        language: Language,
    ) -> Result<Written, RenderError> {
        let message = &claimed.message;
        let link = match (&self.sending.survey_url, message.facts.survey) {
            (Some(page), Some(survey)) => {
                format!("{page}{}", self.tokens.survey(&message.name.site, survey))
            }
            _ => String::new(),
        };
        let words = Words {
            message,
            site: &claimed.site,
            case: claimed.case.as_ref(),
            owner: claimed.owner.as_ref(),
            visitor: claimed.visitor.as_ref(),
            notice: claimed.notice.as_ref(),
            said: claimed.said.as_ref().map(|said| said.as_str()),
            digest: &claimed.digest,
            reader: points.name_in(language),
            link: &link,
        };
        let own = texts::template(&claimed.holding, message.template, language);
        let source = own.as_ref().map(|own| &own.source);
        let text = words.write(&self.templates, language, source)?;
        let outside = matches!(message.recipient, Recipient::Complainant(_));
        if message.template.is_outward() && outside {
            let mut whole = format!("{}\n{}", text.subject, text.body);
            if !points.name.is_empty() {
                // What people call themselves is theirs.
                whole = whole.replace(&points.name, "");
            }
            let hits = texts::check(&claimed.holding, &whole, Audience::Complainant);
            let allowed = |rule: &String| {
                claimed.overridden.contains(rule)
                    || message.facts.allowed_rules.contains(rule)
                    || own
                        .as_ref()
                        .is_some_and(|own| own.overridden.contains(rule))
            };
            let mut rules: Vec<String> = hits.into_iter().map(|hit| hit.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            rules.retain(|rule| !allowed(rule));
            if !rules.is_empty() {
                return Ok(Written::Blocked(rules));
            }
        }
        Ok(Written::Fit(Box::new(Outgoing {
            name: message.name.clone(),
            page: message.fate.page,
            lost: 0,
            by_another: false,
            template: message.template,
            channel: way.channel,
            language,
            address: points.address(way.channel).to_owned(),
            subject: compose::marked(self.rehearsal, language, text.subject),
            body: compose::marked(self.rehearsal, language, text.body),
            params: text.params,
            reader: points.name_in(language).to_owned(),
            create_time: message.create_time,
            unsubscribe: self.unsubscribe(message),
        })))
    }

    /// Keeps a message back until its text is changed or somebody with authority lets it through.
    async fn block(&self, claimed: &Claimed, rules: &[String]) -> Result<(), Fault> {
        let name = &claimed.message.name;
        let block = Block {
            name,
            keys: &self.keys,
            lease: claimed.lease,
            rules,
            now: self.clock.now(),
        };
        let scope = Scope::site(name.site.clone());
        if let Some(message) = self.db.run(&scope, &block).await? {
            self.told(&message);
        }
        Ok(())
    }

    /// Where the reader refuses such messages by one click; none where they are told in any case.
    fn unsubscribe(&self, message: &Message) -> Option<String> {
        let page = self.sending.unsubscribe_url.as_ref()?;
        let topic = message.template.topic()?;
        let Recipient::Complainant(person) = &message.recipient else {
            return None;
        };
        let token = self.tokens.refusal(&message.name.site, person, topic);
        Some(format!("{page}{token}"))
    }

    async fn attempt(
        &self,
        scope: &Scope,
        claimed: &Claimed,
        ways: &[Way],
        way: Way,
        mut outgoing: Outgoing,
    ) -> Result<(), Fault> {
        let message = &claimed.message;
        let begin = BeginAttempt {
            name: &message.name,
            lease: claimed.lease,
            lease_time: self.sending.lease,
            way,
            language: outgoing.language,
            now: self.clock.now(),
        };
        let Some((number, copies)) = self.db.run(scope, &begin).await? else {
            return Ok(());
        };
        outgoing.lost = copies.lost;
        outgoing.by_another = copies.by_another;
        let answer = self.hand_over(scope, way, message, number, &outgoing).await;
        self.metrics.attempted(way, answer.outcome.word());
        let site = &message.name.site;
        let now = self.clock.now();
        let standing = self.gateways.heard(way, site, &answer, now, rand::random());
        self.metrics.stands(way, standing);
        let mut history = claimed.history.clone();
        history.push(Past {
            way,
            outcome: answer.outcome,
        });
        let now = self.clock.now();
        let ended = Ended {
            outcome: answer.outcome,
            wish: answer.wish,
            ways,
            history: &history,
            attempts_per_way_max: self.sending.attempts_per_way_max,
            grave: message.priority <= 1,
            answer_within: message
                .template
                .is_callout()
                .then_some(self.sending.callout_answer),
        };
        let next = verdict::after(&ended, now, rand::random());
        let finish = FinishAttempt {
            name: &message.name,
            keys: &self.keys,
            lease: claimed.lease,
            number,
            outcome: answer.outcome,
            reason: &answer.reason,
            next,
            now,
        };
        match self.db.run(scope, &finish).await? {
            Some(settled) if !matches!(next, Next::Again { .. }) => self.told(&settled),
            Some(_) => {}
            None => {
                tracing::info!(message.name = %message.name, "a message was taken over while it was under way")
            }
        }
        Ok(())
    }

    async fn hand_over(
        &self,
        scope: &Scope,
        way: Way,
        message: &Message,
        attempt: i32,
        outgoing: &Outgoing,
    ) -> Answer {
        let now = self.clock.now();
        let keys = &self.keys;
        // Whatever way it goes, the reader's app shows it too.
        let told = if self.gateways.app {
            let notice = KeepNotice {
                keys,
                message,
                outgoing,
                now,
            };
            let told = self.db.run(scope, &notice).await;
            self.bell.ring();
            told
        } else {
            Ok(())
        };
        if let Err(fault) = &told {
            tracing::warn!(message.name = %message.name, reason = fault.reason(), fault = %fault.chain(), "apps could not be told");
        }
        match way.provider {
            Provider::App => kept(told),
            Provider::Outbox => {
                let keep = KeepPage {
                    keys,
                    outgoing,
                    now,
                };
                kept(self.db.run(scope, &keep).await)
            }
            Provider::Task => {
                let make = MakeTask {
                    keys,
                    message,
                    attempt,
                    outgoing,
                    now,
                };
                carry::answer(self.db.run(scope, &make).await)
            }
            Provider::Smtp | Provider::Webhook | Provider::SmsGateway | Provider::Wecom => {
                let answer = self.gateways.send(way, outgoing, now).await;
                answer.unwrap_or_else(|| Answer::permanent("PROVIDER_GONE"))
            }
        }
    }

    async fn put_off(
        &self,
        claimed: &Claimed,
        reason: &'static str,
        limit: Option<i32>,
    ) -> Result<(), Fault> {
        let name = &claimed.message.name;
        let put_off = PutOff {
            name,
            keys: &self.keys,
            lease: claimed.lease,
            reason,
            limit,
            now: self.clock.now(),
            chance: rand::random(),
        };
        let scope = Scope::site(name.site.clone());
        let settled = self.db.run(&scope, &put_off).await?;
        if let Some(message) = settled.filter(|m| m.fate.due_time.is_none()) {
            self.told(&message);
        }
        Ok(())
    }

    /// Counts and logs what a message came to. Names and addresses are not part of it.
    fn told(&self, message: &Message) {
        self.metrics.reached(message);
        let fate = &message.fate;
        if fate.state == MessageState::Failed {
            tracing::warn!(
                message.name = %message.name,
                template = message.template.key(),
                reason = %fate.reason,
                attempts = fate.attempt_count,
                "a message failed; a person has to look",
            );
        } else {
            tracing::info!(
                message.name = %message.name,
                template = message.template.key(),
                state = fate.state.word(),
                page = fate.page,
                reason = %fate.reason,
                "a message reached its state",
            );
        }
    }
}

/// What became of keeping a page in our own database.
fn kept(done: Result<(), Fault>) -> Answer {
    match done {
        Ok(()) => Answer::accepted(),
        Err(fault) => Answer::transient(fault.reason()),
    }
}

fn forget(done: Result<MessageName, tokio::task::JoinError>, names: &mut HashSet<MessageName>) {
    match done {
        Ok(name) => {
            names.remove(&name);
        }
        Err(error) => {
            // Its name is not known; what is still under way will look due and be refused by its claim.
            tracing::error!(panic = error.is_panic(), "sending a message panicked");
            names.clear();
        }
    }
}
