//! What may leave as the company's word on an incident (I7).
//!
//! A review is bound to the digest of exactly what was read: incident, stage and visit of it, kind, audience, language,
//! text and facts. Nothing has to be voided when one of these changes, since the reviews of another digest do not count
//! any more (P24). An objection is not bound to a text: it blocks until whoever raised it lifts it, or the
//! commander overrules it with a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use redress_model::name::{SiteId, StaffId, StaffName};
use redress_model::text::is_blank;
use redress_model::words::DutyRole;
use redress_vault::chain::Parts;
use redress_wording::Checker;
use regex::Regex;
use uuid::Uuid;

use super::figures::{Counted, Figure, agree, figures, in_digits};
use super::words::{Audience, Mode, ReviewStep, Stage, StatementKind, StatementState, Verdict};

/// What names a text: equal for equal content, audience, language and visit of a stage alone.
pub type Digest = [u8; 32];

/// One fact that a statement tells, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fact {
    /// What it is about, for example `injured`. One key means one thing over the whole incident.
    pub key: String,
    /// What is said of it, for example `2`.
    pub value: String,
    /// Who or what it is known from.
    pub source: String,
}

/// What is said, to whom, in which language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What kind of statement.
    pub kind: StatementKind,
    /// To whom.
    pub audience: Audience,
    /// BCP 47.
    pub language: String,
    /// The words.
    pub text: String,
    /// The facts in it.
    pub facts: Vec<Fact>,
    /// Why it may say what the wording check finds; empty where nothing is overridden.
    pub wording_reason: String,
    /// Why it may say otherwise than what was published; empty where it corrects nothing.
    pub correction: String,
}

/// Where an incident stands as a digest names it: an approval given before it was elsewhere does not count once it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scene {
    stage: Stage,
    /// Which visit of the incident this is, where it was in the stage before.
    again: Option<i64>,
}

impl Scene {
    /// In a stage, by every visit of the incident with its number, in order.
    pub fn of(stage: Stage, visits: &[(i64, Stage)]) -> Self {
        let again = match visits {
            [before @ .., (number, last)] if *last == stage => {
                before.iter().any(|(_, s)| *s == stage).then_some(*number)
            }
            _ => None,
        };
        Self { stage, again }
    }

    /// The first visit is named by the stage alone, as all were once.
    fn name(self) -> String {
        match self.again {
            None => self.stage.word().to_owned(),
            Some(number) => format!("{}/{number}", self.stage.word()),
        }
    }
}

/// Names a text in a stage of an incident. Every part is preceded by its length, so that no two contents run
/// into each other.
pub fn digest(incident: Uuid, scene: Scene, content: &Content) -> Digest {
    let mut parts = Parts::default();
    let mut part = |bytes: &[u8]| parts.add(bytes);
    part(incident.as_bytes());
    let scene = scene.name();
    for word in [
        scene.as_str(),
        content.kind.word(),
        content.audience.word(),
        &content.language,
        &content.text,
    ] {
        part(word.as_bytes());
    }
    for fact in &content.facts {
        for text in [&fact.key, &fact.value, &fact.source] {
            part(text.as_bytes());
        }
    }
    // Reviewers approve the exceptions too. A text without any is named as it always was.
    for (label, reason) in [
        ("wording_reason", &content.wording_reason),
        ("correction", &content.correction),
    ] {
        if !reason.is_empty() {
            part(label.as_bytes());
            part(reason.as_bytes());
        }
    }
    parts.finish()
}

/// A person as far as four eyes depend on it: one person may have a token and a place on the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Subject of the token.
    pub subject: String,
    /// The person on the roster, maybe of another site, from where incidents of this one may be led.
    pub staff: Option<StaffName>,
}

impl Person {
    /// Whether both are the same human being.
    pub fn is(&self, other: &Self) -> bool {
        self.subject == other.subject || (self.staff.is_some() && self.staff == other.staff)
    }

    /// The person on the roster of a site.
    pub fn at(&self, site: &SiteId) -> Option<&StaffId> {
        let here = self.staff.as_ref().filter(|s| s.site == *site);
        here.map(|s| &s.id)
    }
}

/// One review: only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Which step.
    pub step: ReviewStep,
    /// What was said.
    pub verdict: Verdict,
    /// Of exactly what.
    pub digest: Digest,
    /// By whom.
    pub by: Person,
    /// By whose word they had the role of the step: whoever gave it, then whoever gave that person the right to, and so on; empty
    /// where the roster did, or the step takes none.
    pub givers: Vec<Person>,
}

/// Where a text stands, computed from everything that was ever said of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Who approved which step of this very text.
    pub approvals: BTreeMap<ReviewStep, Vec<Person>>,
    /// Who objects.
    pub objectors: Vec<Person>,
}

impl Standing {
    /// Weighs the reviews for a text. `reviews` are in the order in which they were given. Whoever has written a
    /// version since does not count as a reviewer any more, even where the text was changed back, nor does whoever had the role
    /// by their word.
    pub fn of(reviews: &[Review], digest: Digest, authors: &[Person]) -> Self {
        let mut standing = Self::default();
        for review in reviews {
            standing.objectors.retain(|o| !o.is(&review.by));
            for persons in standing.approvals.values_mut() {
                persons.retain(|p| !p.is(&review.by));
            }
            match review.verdict {
                Verdict::Approve
                    if review.digest == digest
                        && !is_author(authors, &review.by)
                        && !review.givers.iter().any(|g| is_author(authors, g)) =>
                {
                    standing
                        .approvals
                        .entry(review.step)
                        .or_default()
                        .push(review.by.clone());
                }
                // Of another text: it counts no more; an objection of the same person it has lifted all the same.
                Verdict::Approve | Verdict::Lift => {}
                Verdict::Object => standing.objectors.push(review.by.clone()),
                Verdict::Overrule => standing.objectors.clear(),
            }
        }
        standing.approvals.retain(|_, persons| !persons.is_empty());
        standing
    }

    /// Which of the reviews, in their order, count now: of each person the last that stands, once.
    pub fn counting(&self, reviews: &[Review]) -> Vec<bool> {
        let mut counts = vec![false; reviews.len()];
        for (at, review) in reviews.iter().enumerate() {
            let is_last = !reviews[at + 1..].iter().any(|r| r.by.is(&review.by));
            let stands = match review.verdict {
                Verdict::Approve => self.approved_by(review.step).contains(&review.by),
                Verdict::Object => self.objectors.contains(&review.by),
                Verdict::Lift | Verdict::Overrule => false,
            };
            counts[at] = is_last && stands;
        }
        counts
    }

    /// Who approved a step.
    pub fn approved_by(&self, step: ReviewStep) -> &[Person] {
        self.approvals.get(&step).map_or(&[], Vec::as_slice)
    }

    /// The step that is due now; none when all stand.
    pub fn due(&self, quorum: usize) -> Option<ReviewStep> {
        ReviewStep::ALL
            .iter()
            .copied()
            .find(|&step| self.approved_by(step).len() < needed(step, quorum))
    }

    /// Every step stands and nobody objects.
    pub fn ready(&self, quorum: usize) -> bool {
        self.objectors.is_empty() && self.due(quorum).is_none()
    }
}

/// Whether a person wrote a version, under whichever account.
pub fn is_author(authors: &[Person], person: &Person) -> bool {
    authors.iter().any(|author| author.is(person))
}

/// How many persons a step takes.
pub fn needed(step: ReviewStep, quorum: usize) -> usize {
    match step {
        ReviewStep::FactCheck | ReviewStep::LegalReview => 1,
        ReviewStep::Approval => quorum.max(1),
    }
}

/// Why a review or a publication is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not editable or reviewable any more.
    #[error("the statement is {0}; only a draft can be changed, reviewed or published")]
    NotDraft(StatementState),
    /// I7: the author never approves.
    #[error(
        "whoever wrote any version of a statement never approves it; somebody else who has the role reviews, or whom somebody who wrote none of it appoints as a deputy (AppointDeputy)"
    )]
    Author,
    /// Four eyes.
    #[error("one person gives one step of a text; {0} was already given by the same person")]
    SamePerson(ReviewStep),
    /// Out of order.
    #[error("{due} is due, not {asked}; the order is FACT_CHECK, LEGAL_REVIEW, APPROVAL")]
    NotDue {
        /// What is legal now.
        due: ReviewStep,
        /// What was asked for.
        asked: ReviewStep,
    },
    /// Nothing to lift.
    #[error("no objection of the caller stands")]
    NoObjection,
    /// Not everything stands.
    #[error(
        "{step} of exactly this text, audience, language and stage is missing: given by {given} of {needed}"
    )]
    Unapproved {
        /// What is due.
        step: ReviewStep,
        /// How many gave it.
        given: usize,
        /// How many have to.
        needed: usize,
    },
    /// An objection stands.
    #[error(
        "an objection stands; whoever raised it lifts it, or the commander overrules it with a reason"
    )]
    Objected,
    /// Figures without a source.
    #[error(
        "no fact that counts the same thing has the figure {}; every figure needs a fact with its source: add it to the draft (UpdateStatement), which is then reviewed anew", .0.join(", ")
    )]
    FigureWithoutSource(Vec<String>),
    /// Says otherwise than what was published.
    #[error(
        "{0}; supersede that statement, say what was published, or give a correction_reason (UpdateStatement)"
    )]
    Contradicts(Contradiction),
    /// Says what must not be said.
    #[error(
        "the wording check finds {}; change the text, or give a wording_override_reason with the permission wording.override (UpdateStatement)", .0.join(", ")
    )]
    Wording(Vec<String>),
    /// In private mode.
    #[error("the incident is in private mode; nothing goes to {0}, or switch the mode first")]
    PrivateMode(Audience),
    /// On a suspicion.
    #[error("the incident hangs on a suspicion that nobody confirmed; confirm the signal first")]
    Provisional,
}

impl Refusal {
    /// The reason for machines; stands in docs/errors.md.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotDraft(_) => "STATEMENT_NOT_DRAFT",
            Self::Author => "AUTHOR_REVIEWS",
            Self::SamePerson(_) => "FOUR_EYES",
            Self::NotDue { .. } => "STEP_NOT_DUE",
            Self::NoObjection => "NO_OBJECTION",
            Self::Unapproved { .. } => "STATEMENT_NOT_APPROVED",
            Self::Objected => "STATEMENT_OBJECTED",
            Self::FigureWithoutSource(_) => "FIGURE_WITHOUT_SOURCE",
            Self::Contradicts(_) => "CONTRADICTS_PUBLISHED",
            Self::Wording(_) => "WORDING_BLOCKED",
            Self::PrivateMode(_) => "NOTHING_LEAVES_IN_PRIVATE_MODE",
            Self::Provisional => "NOTHING_LEAVES_WHILE_PROVISIONAL",
        }
    }
}

/// What a review is weighed against.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Whether it still is one.
    pub state: StatementState,
    /// Everybody who wrote a version.
    pub authors: &'a [Person],
    /// What it says.
    pub content: &'a Content,
    /// Where it stands.
    pub standing: &'a Standing,
    /// How many persons the last step takes.
    pub quorum: usize,
    /// What stands published on the incident, without the statement that this one supersedes.
    pub published: &'a [Fact],
    /// What must not be said.
    pub wording: &'a Checker,
}

impl Draft<'_> {
    /// Whether a person may give this verdict on this step.
    ///
    /// # Errors
    /// Why not, and what is legal.
    pub fn review(&self, step: ReviewStep, verdict: Verdict, by: &Person) -> Result<(), Refusal> {
        if self.state != StatementState::Draft {
            return Err(Refusal::NotDraft(self.state));
        }
        match verdict {
            // Anybody who may review may object, the author too, at any time.
            Verdict::Object => Ok(()),
            Verdict::Lift if self.standing.objectors.iter().any(|o| o.is(by)) => Ok(()),
            Verdict::Lift => Err(Refusal::NoObjection),
            Verdict::Overrule if self.standing.objectors.is_empty() => Err(Refusal::NoObjection),
            Verdict::Overrule if is_author(self.authors, by) => Err(Refusal::Author),
            Verdict::Overrule => Ok(()),
            Verdict::Approve => self.approve(step, by),
        }
    }

    fn approve(&self, step: ReviewStep, by: &Person) -> Result<(), Refusal> {
        if is_author(self.authors, by) {
            return Err(Refusal::Author);
        }
        for (&given, persons) in &self.standing.approvals {
            if given != step && persons.iter().any(|p| p.is(by)) {
                return Err(Refusal::SamePerson(given));
            }
        }
        match self.standing.due(self.quorum) {
            Some(due) if due == step => {}
            // A repeat says nothing new; more than the quorum does no harm.
            None if step == ReviewStep::Approval => {}
            Some(due) => return Err(Refusal::NotDue { due, asked: step }),
            None => {
                return Err(Refusal::NotDue {
                    due: ReviewStep::Approval,
                    asked: step,
                });
            }
        }
        let unsourced = unsourced_figures(self.content);
        if !unsourced.is_empty() {
            return Err(Refusal::FigureWithoutSource(unsourced));
        }
        // Found by the first who reads it, not by the last.
        match step {
            ReviewStep::FactCheck => {
                let named = personal_data(self.content);
                match named.filter(|_| is_blank(&self.content.wording_reason)) {
                    Some(rule) => Err(Refusal::Wording(vec![rule])),
                    None => self.says_nothing_wrong(),
                }
            }
            _ => Ok(()),
        }
    }

    /// Neither its words nor its facts keep it back.
    fn says_nothing_wrong(&self) -> Result<(), Refusal> {
        let rules = wording_hits(self.wording, self.content);
        if !rules.is_empty() && is_blank(&self.content.wording_reason) {
            return Err(Refusal::Wording(rules));
        }
        match contradiction(&self.content.facts, self.published) {
            Some(found) if is_blank(&self.content.correction) => Err(Refusal::Contradicts(found)),
            _ => Ok(()),
        }
    }

    /// Whether it may leave.
    ///
    /// # Errors
    /// Why not.
    pub fn publish(&self, mode: Mode, provisional: bool) -> Result<(), Refusal> {
        if self.state != StatementState::Draft {
            return Err(Refusal::NotDraft(self.state));
        }
        if !self.standing.objectors.is_empty() {
            return Err(Refusal::Objected);
        }
        if let Some(step) = self.standing.due(self.quorum) {
            return Err(Refusal::Unapproved {
                step,
                given: self.standing.approved_by(step).len(),
                needed: needed(step, self.quorum),
            });
        }
        if provisional && self.content.audience != Audience::Staff {
            return Err(Refusal::Provisional);
        }
        let audience = self.content.audience;
        if mode == Mode::Private && is_public(audience) {
            return Err(Refusal::PrivateMode(audience));
        }
        self.says_nothing_wrong()
    }
}

/// The rules that the words break, each once; nobody checks what is said inside.
pub fn wording_hits(wording: &Checker, content: &Content) -> Vec<String> {
    let reader = match content.audience {
        Audience::Staff => return Vec::new(),
        Audience::Public | Audience::Media => redress_wording::Audience::Media,
        Audience::Affected | Audience::Authorities => redress_wording::Audience::Complainant,
    };
    let hits = wording.check(&content.text, reader);
    let rules: BTreeSet<String> = hits.into_iter().map(|hit| hit.rule).collect();
    rules.into_iter().collect()
}

/// The rule that a text breaks in which somebody can be told by a number.
const PERSONAL_DATA: &str = "personal-data";

/// The rule that it breaks by the number of a mobile telephone or of an identity card: what is said outside names nobody. Asked at
/// the fact check alone, so that nothing that stands approved is held up. A number at which we are reached takes a reason.
pub fn personal_data(content: &Content) -> Option<String> {
    static APART: LazyLock<Regex> = LazyLock::new(|| numbers(r"[- .\u{a0}\u{3000}]?"));
    static SPOKEN: LazyLock<Regex> = LazyLock::new(|| numbers(r"[- .,，、\u{a0}\u{3000}]?"));
    static WHOLE: LazyLock<Regex> = LazyLock::new(|| numbers(""));
    let plain = |c: char| match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
        '＋' => '+',
        '－' => '-',
        'Ｘ' | 'ｘ' => 'X',
        other => other,
    };
    let text: String = content.text.chars().map(plain).collect();
    // Numerals beside digits are of one number only where nothing stands between: not in 每周一三五 0830-1130.
    let numerals = |c: char| if c.is_ascii_digit() { '#' } else { dictated(c) };
    let read_out: String = text.chars().map(numerals).collect();
    let mixed: String = text.chars().map(dictated).collect();
    let names = APART.is_match(&text) || SPOKEN.is_match(&read_out) || WHOLE.is_match(&mixed);
    (content.audience != Audience::Staff && names).then(|| PERSONAL_DATA.to_owned())
}

/// The number of a mobile telephone or of an identity card, with what may stand between its groups.
fn numbers(apart: &str) -> Regex {
    let mobile = format!(r"(?:\+?86|0086)?{apart}1[3-9]\d{apart}\d{{4}}{apart}\d{{4}}");
    let day = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])";
    // Filing numbers have dashes: 440305-20261130-0012.
    let identity = format!(r"[1-9]\d{{5}} ?{day} ?\d{{3}}[\dXx]");
    Regex::new(&format!(
        r"(?:^|[^\d+])(?:{mobile}|{identity})(?:[^\d元]|元旦|$)"
    ))
    .expect("the expression is right")
}

/// A Chinese numeral as the digit that it is where a number is read out digit by digit: 一三九, 幺三九.
fn dictated(c: char) -> char {
    match c {
        '零' | '〇' | '○' => '0',
        '一' | '幺' | '壹' => '1',
        '二' | '贰' | '貳' => '2',
        '三' | '叁' | '參' => '3',
        '四' | '肆' => '4',
        '五' | '伍' => '5',
        '六' | '陆' | '陸' => '6',
        '七' | '柒' => '7',
        '八' | '捌' => '8',
        '九' | '玖' => '9',
        other => other,
    }
}

/// The roles whose holders, or deputies for a time, give a step; empty where the permission is enough.
pub fn chain(step: ReviewStep) -> &'static [DutyRole] {
    match step {
        ReviewStep::FactCheck => &[],
        ReviewStep::LegalReview => &[DutyRole::LegalCounsel],
        ReviewStep::Approval => &[DutyRole::Spokesperson],
    }
}

/// Which role a step is asked of. Whoever may review gives the fact check; it is asked of whoever leads on site, since that is
/// where the facts are (own).
pub fn asked_of(step: ReviewStep) -> DutyRole {
    match step {
        ReviewStep::FactCheck => DutyRole::OnSiteLead,
        ReviewStep::LegalReview => DutyRole::LegalCounsel,
        ReviewStep::Approval => DutyRole::Spokesperson,
    }
}

/// Whether everybody may read what is said to it: that alone stands in the feed. What is said to those concerned, to
/// authorities and inside goes to them and to nobody else.
pub fn is_public(audience: Audience) -> bool {
    match audience {
        Audience::Public | Audience::Media => true,
        Audience::Affected | Audience::Authorities | Audience::Staff => false,
    }
}

/// Whether what is published to it is an outward update: those outside have it, or can read it, from that moment on. An
/// authority has it once a person brought it, and stays one reader.
pub fn is_update(audience: Audience) -> bool {
    match audience {
        Audience::Affected | Audience::Public | Audience::Media => true,
        Audience::Authorities | Audience::Staff => false,
    }
}

/// Whether it is the holding statement that an incident in public mode promises (section 9): one that people outside will
/// have. What holds staff, or an authority, tells nobody outside that we know.
pub fn holds(kind: StatementKind, audience: Audience) -> bool {
    kind == StatementKind::Holding && is_update(audience)
}

/// Whether it is the first word once it left: the holding statement, or any to the public, after which that would say less.
pub fn is_first_word(kind: StatementKind, audience: Audience) -> bool {
    holds(kind, audience) || audience == Audience::Public
}

/// The words in which an outward update says that nothing is new, by language. Nobody approves them each time, so they are
/// these and no others (I7): no fact, no figure, no promise but the cadence's own.
pub const NOTHING_NEW: [(&str, &str); 2] = [
    (
        "zh-CN",
        "目前没有新的进展。我们仍在处理，有进展即告知，最迟按约定的时间再次通报。",
    ),
    (
        "en",
        "There is nothing new at present. We are still working on it and will tell you as soon as there is, at the latest when the \
         next update is due.",
    ),
];

/// Who may release it: the spokesperson's chain; the commander decides when a holding statement goes (section 9).
pub fn publishers(kind: StatementKind) -> &'static [DutyRole] {
    match kind {
        StatementKind::Holding => &[DutyRole::Spokesperson, DutyRole::TopLead],
        _ => &[DutyRole::Spokesperson],
    }
}

/// What a text says otherwise than what was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} was published as \"{published}\", and this says \"{says}\" as {said_as}")]
pub struct Contradiction {
    /// The published fact's key.
    pub key: String,
    /// Its value.
    pub published: String,
    /// What is said instead.
    pub says: String,
    /// Under which key.
    pub said_as: String,
}

/// What one published statement told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its facts.
    pub facts: Vec<Fact>,
    /// It was published as a correction of what was told before.
    pub corrects: bool,
    /// Another took its place since.
    pub superseded: bool,
    /// The text that is weighed takes its place.
    pub replaced: bool,
}

/// The facts that stand, of what was told, oldest first: the last word on each thing. A correction takes the place of what it
/// contradicts; what a superseded statement told stands until something later speaks of the same, so that a text that is silent
/// about it brings no older figure back. The one that is replaced holds nobody, and what gave way to it stays gone.
pub fn standing_facts(told: Vec<Told>) -> Vec<Fact> {
    let mut standing: Vec<Telling> = Vec::new();
    for told in told {
        if told.corrects {
            let mut open: Vec<Fact> = standing.iter().map(|t| t.fact.clone()).collect();
            while let Some(found) = contradiction(&told.facts, &open) {
                let stays = |fact: &Fact| fact.key != found.key || fact.value != found.published;
                open.retain(stays);
                standing.retain(|t| stays(&t.fact));
            }
        }
        let anew = |fact: &Fact| told.facts.iter().any(|later| same_thing(fact, later));
        standing.retain(|t| !t.superseded || !anew(&t.fact));
        standing.extend(told.facts.into_iter().map(|fact| Telling {
            fact,
            superseded: told.superseded,
            replaced: told.replaced,
        }));
    }
    standing.retain(|t| !t.replaced);
    standing.into_iter().map(|t| t.fact).collect()
}

/// A fact, and what became of the statement that told it.
struct Telling {
    fact: Fact,
    superseded: bool,
    replaced: bool,
}

/// Whether two facts speak of the same: under one key, or counting the same.
fn same_thing(one: &Fact, other: &Fact) -> bool {
    let counted = counts(other);
    one.key == other.key
        || counts(one)
            .iter()
            .any(|(_, c)| counted.iter().any(|(_, o)| o == c))
}

/// The first fact that says otherwise than what was published: the same key with another value, or the same thing
/// counted differently under a key that is new. Whoever says again what was published of the other key has said
/// that both are so.
pub fn contradiction(facts: &[Fact], published: &[Fact]) -> Option<Contradiction> {
    let between = |fact: &Fact, other: &Fact| Contradiction {
        key: other.key.clone(),
        published: other.value.clone(),
        says: fact.value.clone(),
        said_as: fact.key.clone(),
    };
    facts.iter().find_map(|fact| {
        let same_key: Vec<&Fact> = published.iter().filter(|p| p.key == fact.key).collect();
        if let Some(other) = same_key.first() {
            let agrees = same_key.iter().any(|p| agree(&p.value, &fact.value));
            return (!agrees).then(|| between(fact, other));
        }
        let counts = counts(fact);
        published
            .iter()
            .filter(|p| !facts.iter().any(|f| f.key == p.key))
            .find(|p| {
                self::counts(p).iter().any(|(number, counted)| {
                    counts.iter().any(|(n, c)| c == counted && n != number)
                        && !counts.contains(&(number.clone(), *counted))
                })
            })
            .map(|p| between(fact, p))
    })
}

/// Everything that facts say otherwise than what was published.
pub fn contradictions(facts: &[Fact], published: &[Fact]) -> Vec<Contradiction> {
    let (mut standing, mut all) = (published.to_vec(), Vec::new());
    while let Some(found) = contradiction(facts, &standing) {
        standing.retain(|fact| fact.key != found.key || fact.value != found.published);
        all.push(found);
    }
    all
}

/// Facts that are named where a statement took another's place; the rest are counted.
const CHANGES_MAX: usize = 10;

/// What a statement says otherwise than the one whose place it takes, in one line.
pub fn changes(old: &Content, new: &Content) -> String {
    let said = |facts: &[Fact], key: &str| facts.iter().find(|f| f.key == key).cloned();
    let mut changed: Vec<String> = new
        .facts
        .iter()
        .filter_map(|fact| match said(&old.facts, &fact.key) {
            Some(before) if agree(&before.value, &fact.value) => None,
            Some(before) => Some(format!("{}: {} → {}", fact.key, before.value, fact.value)),
            None => Some(format!("{}: {} (new)", fact.key, fact.value)),
        })
        .collect();
    let gone = old
        .facts
        .iter()
        .filter(|f| said(&new.facts, &f.key).is_none());
    changed.extend(gone.map(|f| format!("{}: {} (no longer said)", f.key, f.value)));
    if changed.is_empty() {
        let words = if old.text == new.text {
            "the same"
        } else {
            "others"
        };
        return format!("the facts are the same, the words are {words}");
    }
    let more = changed.len().saturating_sub(CHANGES_MAX);
    changed.truncate(CHANGES_MAX);
    let mut text = changed.join("; ");
    if more > 0 {
        text += &format!("; and {more} more");
    }
    text
}

/// What a fact counts; its key says what where its value does not.
fn counts(fact: &Fact) -> Vec<(String, Counted)> {
    let of = |text: &str| -> Vec<(String, Counted)> {
        figures(text)
            .into_iter()
            .filter_map(|figure| Some((figure.number, figure.counts?)))
            .collect()
    };
    let mut told = of(&fact.value);
    // A time of day counts no buildings where it says in which.
    if is_time(&fact.key) {
        told.retain(|(_, counted)| *counted != Counted::Buildings);
    }
    if told.is_empty() && may_count(&fact.key) {
        let value = in_digits(&fact.value);
        of(&format!("{value} {}", fact.key.replace('_', " ")))
    } else {
        told
    }
}

/// Whether a key tells of a time.
fn is_time(key: &str) -> bool {
    let (first, last) = (key.split('_').next(), key.split('_').next_back());
    matches!(first, Some("time" | "date")) || matches!(last, Some("time" | "date" | "since" | "at"))
}

/// Whether a key says what its figure counts: a time of day counts nobody, whatever happened then; deaths_to_date are a
/// toll.
fn may_count(key: &str) -> bool {
    !is_time(key) || key.ends_with("to_date")
}

/// The figures of a fact, for those of a text to rest upon.
struct Source {
    figures: Vec<Figure>,
    /// Everything that its key may say they count.
    counted: Vec<Counted>,
}

impl Source {
    fn of(fact: &Fact) -> Self {
        let key = if may_count(&fact.key) {
            fact.key.as_str()
        } else {
            ""
        };
        Self {
            figures: figures(&fact.value),
            counted: key
                .split('_')
                .flat_map(|word| figures(&format!("2 {word}")))
                .filter_map(|figure| figure.counts)
                .collect(),
        }
    }

    /// Whether it has a number that counts this: by its value, else by its key, or where neither says what it counts.
    fn has(&self, number: &str, counts: Option<Counted>) -> bool {
        let mut same = self.figures.iter().filter(|f| f.number == number);
        let Some(counts) = counts else {
            return same.next().is_some();
        };
        // 3户 may be three flats.
        let home = |counted| match counted {
            Counted::Flats => Counted::Households,
            other => other,
        };
        same.any(|figure| match figure.counts {
            Some(counted) => home(counted) == home(counts),
            None if self.counted.is_empty() => !figure.measured,
            None => self.counted.iter().any(|c| home(*c) == home(counts)),
        })
    }
}

/// The figures of the text that no fact has, of the same thing where the text says of which. A range in one word is
/// known where both its ends are (五六天, 5-6天).
pub fn unsourced_figures(content: &Content) -> Vec<String> {
    let sources: Vec<Source> = content.facts.iter().map(Source::of).collect();
    let known = |number: &str, counts| sources.iter().any(|source| source.has(number, counts));
    let mut found = Vec::new();
    let unsourced = figures(&content.text)
        .into_iter()
        .filter(|figure| !figure.article && !figure.again)
        .filter(|figure| {
            let (number, counts) = (figure.number.as_str(), figure.counts);
            let ends = number.split_once('-');
            !known(number, counts)
                && !ends.is_some_and(|(from, to)| known(from, counts) && known(to, counts))
        });
    for figure in unsourced {
        if !found.contains(&figure.number) {
            found.push(figure.number);
        }
    }
    found
}

#[cfg(test)]
mod tests;
