//! Solutions: what they say, who may approve them, and how they go on (M01, M03, M10, M18).
//!
//! Approvals are given to a digest of the terms, so that no change slips in after one. A solution belongs to the epoch
//! of the case in which it was proposed: what is opened again needs a new one.

use jiff::{SignedDuration, Timestamp};
use redress_model::name::{CaseName, DepartmentId, StaffId};
use redress_model::text::is_blank;
use redress_model::words::ClockKind;
use redress_model::{Grade, words};
use redress_wording::money;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::authority::{Level, Limits};
use super::person::Person;
use super::practice::checklist::Checklist;
use super::practice::{self, Demand, DemandState, derived};

words! {
    /// In what way something is made good.
    RemedyKind, "REMEDY_KIND_" {
        /// Repaired.
        Repair = 1 => "REPAIR",
        /// Replaced.
        Replacement = 2 => "REPLACEMENT",
        /// Money for the damage.
        Compensation = 3 => "COMPENSATION",
        /// Money back.
        Refund = 4 => "REFUND",
        /// A lower price or charge.
        PriceReduction = 5 => "PRICE_REDUCTION",
        /// An apology.
        Apology = 6 => "APOLOGY",
        /// An explanation.
        Explanation = 7 => "EXPLANATION",
        /// Something else in place of what cannot be solved (M16).
        Substitute = 8 => "SUBSTITUTE",
    }
}

impl RemedyKind {
    /// Whether it is money, so that its sum decides who may approve it.
    pub fn pays(self) -> bool {
        matches!(
            self,
            Self::Compensation | Self::Refund | Self::PriceReduction
        )
    }
}

words! {
    /// What a solution cites.
    LegalBasisKind, "LEGAL_BASIS_KIND_" {
        /// A law or regulation.
        Law = 1 => "LAW",
        /// The contract.
        Contract = 2 => "CONTRACT",
        /// A standard.
        Standard = 3 => "STANDARD",
    }
}

words! {
    /// By what liability is settled, in order.
    LiabilityGround, "LIABILITY_GROUND_" {
        /// A clause of the contract.
        ContractClause = 1 => "CONTRACT_CLAUSE",
        /// A statute, where no clause settles it.
        Statute = 2 => "STATUTE",
        /// None: good will.
        Goodwill = 3 => "GOODWILL",
    }
}

words! {
    /// How far a solution is.
    State, "SOLUTION_STATE_" {
        /// Waits for somebody with authority.
        AwaitingApproval = 1 => "AWAITING_APPROVAL",
        /// Approved as it stands.
        Approved = 2 => "APPROVED",
        /// Refused by somebody with authority.
        Refused = 3 => "REFUSED",
        /// Told to the complainant.
        Told = 4 => "TOLD",
        /// Agreed to.
        Agreed = 5 => "AGREED",
        /// Declined.
        Declined = 6 => "DECLINED",
        /// Carried out.
        CarriedOut = 7 => "CARRIED_OUT",
        /// Another took its place.
        Superseded = 8 => "SUPERSEDED",
    }
}

words! {
    /// What a complainant says to a solution.
    Answer, "SOLUTION_ANSWER_" {
        /// It will do.
        Agreed = 1 => "AGREED",
        /// It will not.
        Declined = 2 => "DECLINED",
        /// Nothing, within the time for it.
        Silence = 3 => "NONE",
    }
}

/// One thing that is done for the complainant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// In what way.
    pub kind: RemedyKind,
    /// What.
    pub text: String,
    /// What it costs.
    pub amount: Decimal,
    /// The department that does it.
    pub department: Option<DepartmentId>,
    /// A party outside that takes part.
    pub outside_party: String,
}

/// When a step is done: exact or conditional, never vague.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// By this instant.
    By(Timestamp),
    /// Once this holds.
    If(String),
}

/// One step of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub text: String,
    /// Who; none where a party outside does it.
    pub owner: Option<StaffId>,
    /// The party outside.
    pub outside_party: String,
    /// When.
    pub when: When,
}

/// What a solution says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// In a few sentences.
    pub summary: String,
    /// Why it happened in the first place.
    pub root_cause: String,
    /// What is done.
    pub remedies: Vec<Remedy>,
    /// The schedule.
    pub steps: Vec<Step>,
    /// What is cited.
    pub basis: LegalBasisKind,
    /// Which law, contract or standard.
    pub citation: String,
    /// By what liability is settled.
    pub ground: LiabilityGround,
    /// The clause or article.
    pub reference: String,
    /// Why no clause of the contract settles it.
    pub no_clause_reason: String,
    /// The liable partner.
    pub partner: String,
    /// How recourse is taken.
    pub recourse: String,
    /// The last offer.
    pub final_offer: Option<FinalOffer>,
}

/// The last offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalOffer {
    /// The most that is paid.
    pub ceiling: Decimal,
    /// Until when it stands.
    pub expires: Timestamp,
    /// What it says.
    pub text: String,
}

/// Words about time that promise nothing.
const VAGUE: [&str; 10] = [
    "尽快",
    "尽早",
    "近期",
    "过几天",
    "改天",
    "回头",
    "as soon as possible",
    "asap",
    "shortly",
    "in due course",
];

/// The vague word of a promise, if any.
pub fn vague_word(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    VAGUE.into_iter().find(|word| lower.contains(word))
}

impl Terms {
    /// What the remedies cost together.
    pub fn total(&self) -> Decimal {
        self.remedies.iter().map(|r| r.amount).sum()
    }

    /// What somebody has to be allowed to decide: the ceiling of a last offer binds the company too, and so do the sums that
    /// the words name. The summary, the steps together and the offer say the same in other words.
    pub fn sum_to_decide(&self) -> Decimal {
        let named = |text: &str| money::total(text).unwrap_or_default();
        let offer = self.final_offer.as_ref().map(|offer| named(&offer.text));
        let said = [
            named(&self.summary),
            self.sum_of_steps(),
            offer.unwrap_or_default(),
        ];
        said.into_iter()
            .fold(self.total().max(self.ceiling()), Decimal::max)
    }

    /// What the steps name together. One that names what another names as well goes on with it (applied for, then paid), unless
    /// it says that this comes on top.
    fn sum_of_steps(&self) -> Decimal {
        let mut named: Vec<Decimal> = Vec::new();
        for step in &self.steps {
            let condition = match &step.when {
                When::By(_) => "",
                When::If(condition) => condition.as_str(),
            };
            let texts = [step.text.as_str(), condition];
            let sums = texts.into_iter().filter_map(money::total);
            let sum = sums.max().unwrap_or_default();
            if !named.contains(&sum) || texts.into_iter().any(money::is_further) {
                named.push(sum);
            }
        }
        named.into_iter().sum()
    }

    fn ceiling(&self) -> Decimal {
        let offer = self.final_offer.as_ref();
        offer.map_or(Decimal::ZERO, |offer| offer.ceiling)
    }

    /// The texts that the complainant is told beside the remedies, with their fields.
    fn outward(&self) -> Vec<(String, &str)> {
        let mut texts = vec![("terms.summary".to_owned(), self.summary.as_str())];
        for (i, step) in self.steps.iter().enumerate() {
            texts.push((format!("terms.steps[{i}].text"), &step.text));
            if let When::If(condition) = &step.when {
                texts.push((format!("terms.steps[{i}].condition"), condition));
            }
        }
        if let Some(offer) = &self.final_offer {
            texts.push(("terms.final_offer.text".to_owned(), &offer.text));
        }
        texts
    }

    /// Money is promised by a sum in its field, never by words alone (M10).
    fn faults_of_money(&self, faults: &mut Vec<(String, String)>) {
        let mut wrong = |field: String, what: &str| faults.push((field, what.to_owned()));
        for (i, remedy) in self.remedies.iter().enumerate() {
            let field = format!("terms.remedies[{i}].amount");
            let named = money::total(&remedy.text);
            if remedy.amount < Decimal::ZERO {
                wrong(field, "must not be negative");
            } else if remedy.amount.is_zero() && (remedy.kind.pays() || named.is_some()) {
                wrong(field, "must be above zero: a payment is decided by its sum");
            } else if named.is_some_and(|named| named > remedy.amount) {
                wrong(field, "must be at least what its text names together");
            }
        }
        let pays = !self.total().is_zero() || !self.ceiling().is_zero();
        for (field, text) in self.outward() {
            let unsaid = money::sums(text).iter().any(|sum| sum.yuan.is_none());
            if unsaid && !pays {
                wrong(
                    field,
                    "must not promise money that no remedy names a sum for",
                );
            }
        }
        if let Some(offer) = &self.final_offer
            && money::total(&offer.text).is_some_and(|named| named > offer.ceiling)
        {
            let field = "terms.final_offer.ceiling".to_owned();
            wrong(field, "must be at least what its text names together");
        }
    }

    /// Every text that a complainant reads, with its field (M11).
    pub fn texts(&self) -> Vec<(String, &str)> {
        let remedies = self.remedies.iter().enumerate();
        let remedies =
            remedies.map(|(i, r)| (format!("terms.remedies[{i}].text"), r.text.as_str()));
        self.outward().into_iter().chain(remedies).collect()
    }

    /// Whether staff repair in this step, so that there is more to do than the repair itself (M12).
    fn repairs(&self, step: &Step) -> bool {
        let own = |r: &Remedy| r.kind == RemedyKind::Repair && is_blank(&r.outside_party);
        step.owner.is_some() && self.remedies.iter().any(own)
    }

    /// What is done beside each step: the items that are named for it; where none are named for any, the shipped ones wherever
    /// staff repair.
    pub fn checklists(&self, named: &[Vec<String>]) -> Vec<Checklist> {
        let nowhere = named.iter().all(Vec::is_empty);
        let of = |(i, step): (usize, &Step)| {
            let items = named.get(i).cloned().unwrap_or_default();
            if self.repairs(step) && (nowhere || !items.is_empty()) {
                Checklist::of(items)
            } else {
                Checklist::default()
            }
        };
        self.steps.iter().enumerate().map(of).collect()
    }

    /// The steps for which items are named though nobody of the staff repairs in them: each with its field.
    pub fn faults_of_checklists(&self, named: &[Vec<String>]) -> Vec<(String, String)> {
        let steps = self.steps.iter().zip(named).enumerate();
        steps
            .filter(|(_, (step, items))| !items.is_empty() && !self.repairs(step))
            .map(|(i, _)| {
                let rule = "must be empty unless staff repair in the step";
                (format!("terms.steps[{i}].checklist"), rule.to_owned())
            })
            .collect()
    }

    /// What is wrong with the terms beside their wording: each with its field.
    pub fn faults(&self, now: Timestamp) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut wrong = |field: &str, what: &str| faults.push((field.to_owned(), what.to_owned()));
        let no_clause = is_blank(&self.no_clause_reason);
        let reference = is_blank(&self.reference);
        if self.ground != LiabilityGround::Goodwill && reference {
            wrong(
                "terms.liability.reference",
                "must name the clause or article",
            );
        }
        if self.ground != LiabilityGround::ContractClause && no_clause {
            wrong(
                "terms.liability.no_clause_reason",
                "must say why no clause of the contract settles it: the contract comes first",
            );
        }
        if is_blank(&self.partner) != is_blank(&self.recourse) {
            wrong(
                "terms.liability.recourse",
                "must be given with a liable partner, and only then",
            );
        }
        if let Some(offer) = &self.final_offer {
            if offer.ceiling < self.total() {
                wrong(
                    "terms.final_offer.ceiling",
                    "must not be below what the remedies cost",
                );
            }
            if offer.expires <= now {
                wrong("terms.final_offer.expire_time", "must be ahead");
            }
        }
        for (i, step) in self.steps.iter().enumerate() {
            let field = |part: &str| format!("terms.steps[{i}].{part}");
            if step.owner.is_none() && is_blank(&step.outside_party) {
                wrong(
                    &field("owner"),
                    "must be given unless an outside party does it",
                );
            }
            match &step.when {
                When::By(due) if *due <= now => wrong(&field("due_time"), "must be ahead"),
                When::If(condition) if is_blank(condition) => wrong(
                    &field("due_time"),
                    "must be given, or a condition: a promise is exact or conditional",
                ),
                _ => {}
            }
            if let Some(word) = vague_word(&step.text) {
                wrong(&field("text"), &format!("must not promise vaguely: {word}"));
            }
        }
        self.faults_of_money(&mut faults);
        faults
    }
}

/// Terms as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What they say.
    pub terms: Terms,
    /// Digest of the terms.
    pub digest: Vec<u8>,
    /// What is done beside each step, in the order of the steps.
    pub checklists: Vec<Checklist>,
}

/// What somebody with authority said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Counts from 1.
    pub sequence: i32,
    /// Approved or refused.
    pub approved: bool,
    /// The reviewer's level.
    pub level: Level,
    /// The reviewer's token subject.
    pub reviewer: Person,
    /// Why.
    pub reason: String,
    /// Of which terms.
    pub digest: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

/// A solution of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// Its id.
    pub id: Uuid,
    /// The case.
    pub case: CaseName,
    /// Intake's epoch in which it was proposed.
    pub epoch: i64,
    /// What it says.
    pub terms: Terms,
    /// Digest of the terms.
    pub digest: Vec<u8>,
    /// Who wrote the terms as they stand.
    pub author: Person,
    /// Who wrote the terms before, each once: what they wrote may stand in these still.
    pub former_authors: Vec<Person>,
    /// How far it is.
    pub state: State,
    /// The level that it needed when it was looked at last.
    pub required: Level,
    /// When it was told.
    pub told: Option<Timestamp>,
    /// What the complainant says.
    pub answer: Option<Answer>,
    /// When they said it.
    pub answered: Option<Timestamp>,
    /// When each step was done, in the order of the steps.
    pub done: Vec<Option<Timestamp>>,
    /// What is done beside each step, in the order of the steps.
    pub checklists: Vec<Checklist>,
    /// Every review, oldest first.
    pub reviews: Vec<Review>,
    /// How many of the reviews were given before the terms were last written: they say nothing of these.
    pub former_reviews: usize,
    /// The approval that it waits for; none where it waits for none.
    pub approval: Option<Approval>,
    /// When it was proposed inside.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Rises with every change.
    pub revision: i64,
}

/// The approval that a solution waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// Id of its demand, which has a clock of its own.
    pub demand: Uuid,
    /// From when on.
    pub since: Timestamp,
    /// By when somebody decides.
    pub due: Timestamp,
    /// Nobody did: those one level up were asked, too.
    pub climbed: bool,
}

/// How long whoever may approve has, in hours (own).
const APPROVAL_HOURS: i64 = 24;

/// The class of the ids of clocks that keep the steps of a solution.
const STEP: u128 = 4;

/// The class of the ids of clocks that keep its approvals.
const APPROVAL: u128 = 5;

/// What the state of a solution does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The step does not follow from the state.
    #[error("the solution is {state}, which cannot be {wanted}; legal now: {}", legal_next(*state))]
    State {
        /// The state.
        state: State,
        /// What was wanted.
        wanted: &'static str,
    },
    /// The case was opened again since it was proposed.
    #[error(
        "the case was opened again since; legal now: confirm DECLINED where the case waits for it, or propose another solution"
    )]
    Outdated,
    /// An author reviews, of these terms or of those before.
    #[error("who wrote of it does not review; legal now: somebody else reviews it")]
    OwnWork,
    /// The reviewer may not decide so much.
    #[error(
        "approving it takes {required}, and this reviewer is {level}; legal now: {required} or above reviews it"
    )]
    AboveLimit {
        /// What it takes.
        required: Level,
        /// What the reviewer has.
        level: Level,
    },
    /// The terms are not those that were proposed: somebody changed them where they are kept (I12).
    #[error(
        "the terms do not match their digest: they were changed where they are kept; legal now: revise, confirm DECLINED where it was told, or propose another"
    )]
    Tampered,
    /// Not approved as it stands, at the level that it needs now (M10).
    #[error(
        "the terms as they stand are not approved by {required} or above; legal now: have them reviewed"
    )]
    NotApproved {
        /// What it takes now.
        required: Level,
    },
    /// The last offer stands no more.
    #[error(
        "the final offer has expired; legal now: confirm DECLINED where it was told, then propose another solution"
    )]
    Expired,
    /// Nobody went there since the time for an answer ran out.
    #[error(
        "silence counts only once the time for an answer ran out and a visit since brought none; legal now: visit the complainant"
    )]
    NotAsked,
}

/// What may follow, in words.
fn legal_next(state: State) -> &'static str {
    match state {
        State::AwaitingApproval => "review, revise, or propose another",
        State::Approved => "tell, revise, or propose another",
        State::Refused => "revise, or propose another",
        State::Told => "confirm",
        State::Agreed => {
            "complete its steps, then resolve the case; or confirm DECLINED where it is not carried out"
        }
        State::Declined | State::CarriedOut | State::Superseded => "propose another",
    }
}

impl Solution {
    /// A solution that was just proposed.
    pub fn propose(
        id: Uuid,
        case: CaseName,
        epoch: i64,
        draft: Draft,
        author: Person,
        required: Level,
        at: Timestamp,
    ) -> Self {
        let mut proposed = Self {
            id,
            case,
            epoch,
            done: vec![None; draft.terms.steps.len()],
            terms: draft.terms,
            digest: draft.digest,
            checklists: draft.checklists,
            author,
            former_authors: Vec::new(),
            state: State::AwaitingApproval,
            required,
            told: None,
            answer: None,
            answered: None,
            reviews: Vec::new(),
            former_reviews: 0,
            approval: None,
            created_at: at,
            updated_at: at,
            revision: 1,
        };
        proposed.approval = Some(proposed.ask(at));
        proposed
    }

    /// The approval that it waits for from now on.
    fn ask(&self, at: Timestamp) -> Approval {
        let limit = SignedDuration::from_hours(APPROVAL_HOURS);
        Approval {
            demand: derived(
                self.id,
                APPROVAL,
                usize::try_from(self.revision).unwrap_or_default(),
            ),
            since: at,
            due: at.saturating_add(limit).unwrap_or(Timestamp::MAX),
            climbed: false,
        }
    }

    /// Whether it goes on only once somebody approves it: before it is told, and where what it needs rose afterwards.
    fn lacks_approval(&self) -> bool {
        match self.state {
            State::AwaitingApproval => true,
            State::Told | State::Agreed => self.backed(self.required).is_err(),
            State::Approved
            | State::Refused
            | State::Declined
            | State::CarriedOut
            | State::Superseded => false,
        }
    }

    /// The lowest level that may approve it, or stands behind going on with it, on a case of this grade which is bound to so much
    /// beside it. What was told is carried out by the limits, and by how a text was read, of the day on which it was approved: only
    /// a graver case takes more than that.
    pub fn required_now(&self, limits: &Limits, bound: Decimal, grade: Option<Grade>) -> Level {
        match self.state {
            State::Told | State::Agreed => {
                let by_grade = limits.required(Decimal::ZERO, grade);
                self.required.max(by_grade)
            }
            _ => required(limits, &self.terms, bound, grade),
        }
    }

    /// Whether a further proposal takes its place rather than to wait for it.
    pub fn gives_way(&self, epoch: i64) -> bool {
        let waits = matches!(
            self.state,
            State::AwaitingApproval | State::Approved | State::Refused
        );
        waits || self.epoch < epoch && matches!(self.state, State::Told | State::Agreed)
    }

    /// Whether the complainant waits for it, or it is being carried out.
    pub fn is_binding(&self, epoch: i64) -> bool {
        self.epoch == epoch && matches!(self.state, State::Told | State::Agreed)
    }

    /// How much of it may be promised: all, once it is approved at the level that it needs; none before, nor after it was
    /// declined or another took its place. What was told before the case became graver stands as it was told, but is promised
    /// no further until the higher level approved it.
    pub fn may_be_promised(&self) -> bool {
        match self.state {
            State::Approved | State::Told | State::Agreed => self.backed(self.required).is_ok(),
            State::CarriedOut => true,
            State::AwaitingApproval | State::Refused | State::Declined | State::Superseded => false,
        }
    }

    /// Everybody who wrote of its terms: none of them reviews it (M03).
    pub fn authors(&self) -> impl Iterator<Item = &Person> {
        std::iter::once(&self.author).chain(&self.former_authors)
    }

    /// Whether every step is done.
    pub fn is_done(&self) -> bool {
        self.done.iter().all(Option::is_some)
    }

    /// What is owed: the approval that it waits for, and what its steps promise.
    fn promised(&self) -> Vec<Demand> {
        let approval = self.approval.map(|approval| Demand {
            id: approval.demand,
            kind: ClockKind::Support,
            state: DemandState::Open,
            start: approval.since,
            due: Some(approval.due),
            granted: None,
            party: String::new(),
            outside_number: String::new(),
        });
        approval.into_iter().chain(self.promised_steps()).collect()
    }

    /// What the complainant was promised by its steps (M16, M18): once it is agreed to, each step with a time has a clock of its
    /// own, whoever does it.
    fn promised_steps(&self) -> Vec<Demand> {
        let (State::Agreed | State::CarriedOut, Some(agreed)) = (self.state, self.answered) else {
            return Vec::new();
        };
        let promise = |(i, (step, done)): (usize, (&Step, &Option<Timestamp>))| {
            let When::By(due) = &step.when else {
                return None;
            };
            Some(Demand {
                id: derived(self.id, STEP, i),
                kind: ClockKind::Support,
                state: done.map_or(DemandState::Open, DemandState::Met),
                // What was over when it was agreed to still climbs in its own time.
                start: if *due > agreed {
                    agreed
                } else {
                    self.created_at
                },
                due: Some(*due),
                granted: None,
                party: step.outside_party.clone(),
                outside_number: String::new(),
            })
        };
        let steps = self.terms.steps.iter().zip(&self.done);
        steps.enumerate().filter_map(promise).collect()
    }

    /// The clocks of its approval and its steps that a change of it starts, meets or ends.
    pub fn demands(&self, before: Option<&Self>) -> Vec<Demand> {
        let was = before.map(Self::promised).unwrap_or_default();
        let mut changed = self.promised();
        // A review is what the approval waited for, and ends nothing else.
        let reviewed = before.is_some_and(|b| b.reviews.len() < self.reviews.len());
        let end = if reviewed {
            DemandState::Met(self.updated_at)
        } else {
            DemandState::Cancelled
        };
        let is_gone = |was: &&Demand| changed.iter().all(|is| is.id != was.id);
        let gone = was.iter().filter(is_gone);
        let gone: Vec<Demand> = gone.filter_map(|was| ended(was, end)).collect();
        changed.retain(|is| !was.contains(is));
        changed.extend(gone);
        changed
    }

    /// The clocks that end with the round of the case in which it was proposed: nobody approves it or carries it out any more.
    pub fn outdated_demands(&self) -> Vec<Demand> {
        let promised = self.promised();
        let end = |was| ended(was, DemandState::Cancelled);
        promised.iter().filter_map(end).collect()
    }

    fn in_state(&self, states: &[State], wanted: &'static str, epoch: i64) -> Result<(), Refused> {
        if !states.contains(&self.state) {
            return Err(Refused::State {
                state: self.state,
                wanted,
            });
        }
        if self.epoch != epoch {
            return Err(Refused::Outdated);
        }
        Ok(())
    }

    /// Whether a no takes back what was agreed to, so that it needs a reason.
    pub fn is_taken_back_by(&self, answer: Answer) -> bool {
        self.state == State::Agreed && answer == Answer::Declined
    }

    /// What the complainant's last word comes to: what was agreed to and is not carried out counts as a no.
    pub fn last_word(&self) -> Option<Answer> {
        match self.state {
            State::Declined => Some(Answer::Declined),
            _ => self.answer,
        }
    }

    /// Whether it binds the company: it was told, and no complainant turned it down. What was agreed to and then not carried out
    /// binds still, since part of it may be done.
    fn binds(&self) -> bool {
        let turned_down = self.state == State::Declined && self.answer == Some(Answer::Declined);
        self.told.is_some() && !turned_down
    }

    /// The last thing that every change does: what it waits for follows from what it is now.
    fn changed(&mut self, at: Timestamp) {
        self.updated_at = at;
        self.revision += 1;
        let asked = self.approval;
        let lacks = self.lacks_approval();
        self.approval = lacks.then(|| asked.unwrap_or_else(|| self.ask(at)));
    }

    /// Replaces the terms. What was said of those before says nothing of these.
    ///
    /// # Errors
    /// Where it was told already, or the case was opened again.
    pub fn revise(
        &mut self,
        draft: Draft,
        author: Person,
        required: Level,
        epoch: i64,
        at: Timestamp,
    ) -> Result<(), Refused> {
        let states = [State::AwaitingApproval, State::Approved, State::Refused];
        self.in_state(&states, "revised", epoch)?;
        self.done = vec![None; draft.terms.steps.len()];
        (self.terms, self.digest) = (draft.terms, draft.digest);
        self.checklists = draft.checklists;
        let former = std::mem::replace(&mut self.author, author);
        if !self.former_authors.contains(&former) {
            self.former_authors.push(former);
        }
        self.former_reviews = self.reviews.len();
        self.state = State::AwaitingApproval;
        self.required = required;
        // Other terms are another question.
        self.approval = None;
        self.changed(at);
        Ok(())
    }

    /// Approves or refuses the terms as they stand.
    ///
    /// # Errors
    /// Where it waits for no review, the reviewer wrote of it, or approving takes a higher level.
    pub fn review(
        &mut self,
        mut review: Review,
        required: Level,
        epoch: i64,
    ) -> Result<(), Refused> {
        // What binds the company already is not refused any more, but it may need a higher word than it had.
        let states: &[State] = if review.approved {
            &[
                State::AwaitingApproval,
                State::Approved,
                State::Told,
                State::Agreed,
            ]
        } else {
            &[State::AwaitingApproval, State::Approved]
        };
        self.in_state(states, "reviewed", epoch)?;
        if self.authors().any(|author| author.is(&review.reviewer)) {
            return Err(Refused::OwnWork);
        }
        if review.approved && review.level < required {
            return Err(Refused::AboveLimit {
                required,
                level: review.level,
            });
        }
        self.state = match (self.state, review.approved) {
            (State::Told | State::Agreed, _) => self.state,
            (_, true) => State::Approved,
            (_, false) => State::Refused,
        };
        self.required = required;
        review.sequence = i32::try_from(self.reviews.len()).unwrap_or(i32::MAX - 1) + 1;
        review.digest.clone_from(&self.digest);
        let at = review.at;
        self.reviews.push(review);
        self.changed(at);
        Ok(())
    }

    /// Whether a review is of the terms as they stand: given since they were last written, though they read as former ones do.
    pub fn is_of_these_terms(&self, review: &Review) -> bool {
        let given = usize::try_from(review.sequence).unwrap_or_default();
        given > self.former_reviews && review.digest == self.digest
    }

    /// Whether somebody of this level or above, and no author, stands behind the terms as they are: approved them since anybody
    /// last said no.
    ///
    /// # Errors
    /// Where nobody does.
    fn backed(&self, required: Level) -> Result<(), Refused> {
        let mut since_a_no = self.reviews.iter().rev().take_while(|r| r.approved);
        let stands = since_a_no.any(|review| {
            let wrote = self.authors().any(|author| author.is(&review.reviewer));
            self.is_of_these_terms(review) && review.level >= required && !wrote
        });
        match stands {
            true => Ok(()),
            false => Err(Refused::NotApproved { required }),
        }
    }

    /// Tells it to the complainant.
    ///
    /// # Errors
    /// Where it is not approved at the level that it needs now, was told already, or has expired.
    pub fn tell(&mut self, required: Level, epoch: i64, at: Timestamp) -> Result<(), Refused> {
        self.in_state(
            &[State::AwaitingApproval, State::Approved, State::Refused],
            "told",
            epoch,
        )?;
        if self.state != State::Approved {
            return Err(Refused::NotApproved { required });
        }
        self.backed(required)?;
        self.not_expired(at)?;
        self.state = State::Told;
        self.told = Some(at);
        self.changed(at);
        Ok(())
    }

    fn not_expired(&self, at: Timestamp) -> Result<(), Refused> {
        match &self.terms.final_offer {
            Some(offer) if offer.expires <= at => Err(Refused::Expired),
            _ => Ok(()),
        }
    }

    /// Takes in what the complainant says. `visited` is the last visit that asked. A no is taken at any time, also once it was agreed
    /// to: what was said then, and when, stays beside it.
    ///
    /// # Errors
    /// Where nothing was asked, an expired offer is agreed to, be it by silence, silence is claimed too early, or what would
    /// bind is not approved at the level that it needs now.
    pub fn confirm(
        &mut self,
        answer: Answer,
        visited: Option<Timestamp>,
        required: Level,
        epoch: i64,
        at: Timestamp,
    ) -> Result<(), Refused> {
        if answer == Answer::Declined {
            // Of a former round, too: a merge that was undone leaves the case where it stood.
            self.in_state(&[State::Told, State::Agreed], "declined", self.epoch)?;
        } else {
            self.in_state(&[State::Told], "answered", epoch)?;
            self.backed(required)?;
        }
        if self.is_taken_back_by(answer) {
            self.state = State::Declined;
            self.changed(at);
            return Ok(());
        }
        self.state = match answer {
            Answer::Agreed => {
                self.not_expired(at)?;
                State::Agreed
            }
            Answer::Declined => State::Declined,
            Answer::Silence => {
                self.not_expired(at)?;
                let silent_since = self
                    .answered
                    .filter(|_| self.answer == Some(Answer::Silence));
                if silent_since.is_none() || visited < silent_since {
                    return Err(Refused::NotAsked);
                }
                State::Agreed
            }
        };
        self.answer = Some(answer);
        self.answered = Some(at);
        self.changed(at);
        Ok(())
    }

    /// The time for an answer ran out. Returns whether that is news.
    pub fn unanswered(&mut self, at: Timestamp) -> bool {
        let news = self.state == State::Told && self.answer.is_none();
        if news {
            self.answer = Some(Answer::Silence);
            self.answered = Some(at);
            self.changed(at);
        }
        news
    }

    /// A step is done. Returns whether that is news; none where there is no such step.
    ///
    /// # Errors
    /// Where it is not agreed to, or not approved at the level that it needs now.
    pub fn complete(
        &mut self,
        step: usize,
        required: Level,
        epoch: i64,
        at: Timestamp,
    ) -> Result<Option<bool>, Refused> {
        self.in_state(&[State::Agreed], "carried out", epoch)?;
        self.backed(required)?;
        let Some(done) = self.done.get_mut(step) else {
            return Ok(None);
        };
        let news = done.is_none();
        if news {
            *done = Some(at);
            self.changed(at);
        }
        Ok(Some(news))
    }

    /// Ticks what was done beside a step, by the numbers of the items from 1; a step is done once everything is ticked or somebody
    /// says why not (M12).
    ///
    /// # Errors
    /// What is open, or where the list has no such item.
    pub fn check(
        &mut self,
        step: usize,
        items: &[usize],
        by: &str,
        reasoned: bool,
        at: Timestamp,
    ) -> Result<(), practice::Refused> {
        let Some(list) = self.checklists.get_mut(step) else {
            return Ok(());
        };
        if !items.is_empty() {
            list.tick(items, by, at)?;
        }
        list.expect_done(reasoned)
    }

    /// Takes in what it needs now, after a grade or a limit changed. What nobody was told yet is approved by what holds now, so that
    /// it waits for a higher level by itself, and no longer for one that a mistake asked for; of what was told only more may be
    /// asked. Returns whether that is news.
    pub fn reassess(&mut self, required: Level, epoch: i64, at: Timestamp) -> bool {
        let is_untold = matches!(self.state, State::AwaitingApproval | State::Approved);
        let is_told = matches!(self.state, State::Told | State::Agreed);
        let is_news = required > self.required || is_untold && required < self.required;
        if !(is_untold || is_told) || self.epoch != epoch || !is_news {
            return false;
        }
        // Whoever is asked now was not asked in time: it is owed anew, with a clock of its own.
        if required.asks_others_than(self.required) {
            self.approval = self.approval.filter(|asked| !asked.climbed);
        }
        self.required = required;
        if is_untold {
            self.state = match self.backed(required) {
                Ok(()) => State::Approved,
                Err(_) => State::AwaitingApproval,
            };
        }
        self.changed(at);
        true
    }

    /// Nobody decided in time: those one level up are asked, too. Returns whether that is news.
    pub fn overdue(&mut self, epoch: i64, at: Timestamp) -> bool {
        let late = |a: &Approval| self.epoch == epoch && a.due <= at && !a.climbed;
        let Some(approval) = self.approval.filter(late) else {
            return false;
        };
        self.approval = Some(Approval {
            climbed: true,
            ..approval
        });
        self.changed(at);
        true
    }

    /// Another takes its place.
    pub fn supersede(&mut self, at: Timestamp) {
        self.state = State::Superseded;
        self.changed(at);
    }

    /// The case is resolved by it.
    ///
    /// # Errors
    /// Where it is not approved at the level that it needs now.
    pub fn carry_out(&mut self, required: Level, at: Timestamp) -> Result<(), Refused> {
        self.backed(required)?;
        self.state = State::CarriedOut;
        self.changed(at);
        Ok(())
    }
}

/// The end of a promise that is still open.
fn ended(promise: &Demand, state: DemandState) -> Option<Demand> {
    let open = promise.state == DemandState::Open;
    open.then(|| Demand {
        state,
        ..promise.clone()
    })
}

/// Why a case is not resolved without a solution that somebody else approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOnTheSpot {
    /// It was of grade 1.
    #[error(
        "a case that was of grade 1 is not settled on the spot; legal now: propose a solution, which a region at least approves"
    )]
    Grave,
    /// Money was paid that nobody approved.
    #[error(
        "the summary names money that no solution of the case was approved for; legal now: propose a solution that names the sum"
    )]
    Paid,
}

/// Whether a case is resolved so. `carried_out` is what the solution that resolves it may cost; none: on the spot.
///
/// # Errors
/// Where it takes a solution that was approved before (M10, M18).
pub fn may_resolve(
    summary: &str,
    gravest: Option<Grade>,
    carried_out: Option<Decimal>,
) -> Result<(), NotOnTheSpot> {
    if carried_out.is_none() && gravest == Some(Grade::ONE) {
        return Err(NotOnTheSpot::Grave);
    }
    let approved = carried_out.unwrap_or_default();
    match money::total(summary) {
        Some(named) if approved.is_zero() || named > approved => Err(NotOnTheSpot::Paid),
        _ => Ok(()),
    }
}

/// What binds the company in a case beside one solution: all that was told and not declined, in whatever epoch, and what was
/// agreed to before it was declined. Sums of a case add, so that none is decided in slices.
pub fn bound(of_case: &[Solution], beside: Option<Uuid>) -> Decimal {
    of_case
        .iter()
        .filter(|s| Some(s.id) != beside && s.binds())
        .map(|s| s.terms.sum_to_decide())
        .sum()
}

/// The lowest level that may approve these terms on a case of this grade which is bound to so much already.
pub fn required(limits: &Limits, terms: &Terms, bound: Decimal, grade: Option<Grade>) -> Level {
    limits.required(terms.sum_to_decide() + bound, grade)
}

#[cfg(test)]
#[path = "solution_test.rs"]
mod tests;
