//! CreateCase: one transaction holds receipt, case, people, evidence, timeline and event, and nobody
//! else is asked (I1). ImportCases takes its rows in by the same way.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId, SiteName, StaffName};
use redress_model::words::{CaseMode, CaseStatus, SignalBasis, SiteKind};
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::render;
use crate::domain::complaint::NewCase;
use crate::domain::number;
use crate::domain::timeline::{Facts, facts};
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::directory::{self, Site};
use crate::store::people::{self, Recognised};
use crate::store::timeline::Happened;
use crate::store::viewer::look_as_platform;
use crate::store::{announce, evidence, needs, roster, search, stored, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/CreateCase";

/// Who says that staff know something is one of those who record what staff know.
const RECORD_SIGNALS: &str = "signals.record";
/// Who says that somebody received a complaint answers for people, as who records their contacts.
const ANSWER: &str = "cases.answer";

/// Answers CreateCase.
pub(super) async fn create(
    intake: &Intake,
    request: Request<pb::CreateCaseRequest>,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse_field::<SiteName>("parent", &request.parent)?.0;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = intake.receipt(&caller, METHOD, Some(&site), &request_id, &request);
    let wire = request
        .case
        .ok_or_else(|| Fault::invalid("case", "must be given"))?;
    let entry = Entry {
        site,
        mode: CaseMode::Live,
        wire: &wire,
        receipt,
        validate_only: request.validate_only,
    };
    take_in(intake, &caller, entry).await
}

/// A complaint at the door.
pub(super) struct Entry<'a> {
    /// Where.
    pub(super) site: SiteId,
    /// Live or historical.
    pub(super) mode: CaseMode,
    /// What was sent.
    pub(super) wire: &'a pb::Case,
    /// Of the request.
    pub(super) receipt: ReceiptKey,
    /// Keep nothing.
    pub(super) validate_only: bool,
}

/// Takes a complaint in, or finds the case that the same request made before.
pub(super) async fn take_in(
    intake: &Intake,
    caller: &Caller,
    entry: Entry<'_>,
) -> Result<pb::Case, Fault> {
    caller.require_site(&entry.site)?;
    let now = intake.now();
    let parsed = NewCase::parse(entry.site.clone(), entry.mode, entry.wire, now, || {
        redress_model::ids::new_id(now)
    });
    let new = match parsed {
        Ok(new) => new,
        // What was right when it was sent first may be too old by now; its retry gets the same answer.
        Err(fault) => return repeated(intake, caller, &entry, fault.below("case"), now).await,
    };
    let site = intake.read(caller, &FindSite(&entry.site)).await?;
    require_staff(caller, &new)?;
    if let Some(complaining) = &new.complaining_store {
        require_stores(intake, caller, &site, complaining).await?;
    }
    if entry.validate_only {
        let check = CheckPeople { new: &new, caller };
        intake.read(caller, &check).await?;
        return Ok(as_said(entry.wire));
    }
    let day = number::day(now, &site.zone()?);
    let scope = redress_runtime::scope(caller);
    let counter = intake
        .numbers
        .next(&intake.db, &scope, &site.id, day)
        .await?;
    let operation = TakeIn {
        intake,
        caller,
        number: number::format(&site.number_prefix, day, counter),
        site,
        new: &new,
        receipt: &entry.receipt,
        now,
    };
    intake.run(caller, &operation).await
}

/// What only people of the company say of a live case: that staff confirmed a signal, which person received it, and that one
/// store complains about another (M17). A portal hands on what complainants say. History is told by those who may import it.
fn require_staff(caller: &Caller, new: &NewCase) -> Result<(), Fault> {
    if new.mode == CaseMode::Historical {
        return Ok(());
    }
    let mut signals = new.signals.iter();
    if let Some(at) = signals.position(|s| s.basis == SignalBasis::Confirmed)
        && !caller.may(RECORD_SIGNALS)
    {
        let why = format!("case.signals[{at}].basis says that staff confirmed it");
        return Err(Fault::denied_since(RECORD_SIGNALS, why));
    }
    if let Some(owner) = &new.first_contact_owner
        && caller.staff.as_ref() != Some(owner)
        && !caller.may(ANSWER)
    {
        let why = "case.first_contact_owner names who received it and is responsible";
        return Err(Fault::denied_since(ANSWER, why));
    }
    if new.complaining_store.is_some() && !caller.may(ANSWER) {
        let why =
            "case.complaining_store says that the company's desk took it in between two stores";
        return Err(Fault::denied_since(ANSWER, why));
    }
    Ok(())
}

/// One store complains about another of its organization, and who takes it in may act for both: the company, neither of them.
async fn require_stores(
    intake: &Intake,
    caller: &Caller,
    about: &Site,
    complaining: &SiteId,
) -> Result<(), Fault> {
    let wrong = |text: &str| Err(Fault::invalid("case.complaining_store", text));
    if about.kind != SiteKind::AgencyStore {
        return wrong("must be absent: the case is not about an agency store");
    }
    let another = "must be another agency store of the organization that you may act for";
    match intake.read(caller, &FindSite(complaining)).await {
        Ok(store)
            if store.kind == SiteKind::AgencyStore
                && store.organization() == about.organization() =>
        {
            Ok(())
        }
        Ok(_) => wrong(another),
        Err(fault) if fault.reason() == "NOT_FOUND" => wrong(another),
        Err(fault) => Err(fault),
    }
}

struct FindSite<'a>(&'a SiteId);

impl Operation for FindSite<'_> {
    const NAME: &'static str = "intake.find_site";
    type Output = Site;

    async fn run(&self, tx: &mut Tx) -> Result<Site, Fault> {
        directory::get_site(tx, self.0).await
    }
}

/// What a caller says of a case, without whatever else stands in the message: that is the platform's to say.
fn as_said(wire: &pb::Case) -> pb::Case {
    let evidence = wire.evidence.iter().map(|piece| pb::Evidence {
        name: String::new(),
        add_time: None,
        adder: String::new(),
        custody: Vec::new(),
        ..piece.clone()
    });
    pb::Case {
        channel: wire.channel,
        received_time: wire.received_time,
        complainants: wire.complainants.clone(),
        headcount: wire.headcount,
        text: wire.text.clone(),
        place: wire.place.clone(),
        quality_impact: wire.quality_impact,
        wants: wire.wants,
        claim: wire.claim.clone(),
        repeat: wire.repeat,
        needs_advisers: wire.needs_advisers,
        signals: wire.signals.clone(),
        stated_category: wire.stated_category,
        evidence: evidence.collect(),
        first_contact_owner: wire.first_contact_owner.clone(),
        staff_complained_about: wire.staff_complained_about.clone(),
        needs: wire.needs.as_ref().map(|said| pb::Needs {
            stated: said.stated.clone(),
            vulnerable_groups: said.vulnerable_groups.clone(),
            ..pb::Needs::default()
        }),
        complaining_store: wire.complaining_store.clone(),
        ..pb::Case::default()
    }
}

/// What taking a complaint in checks against the database, for who only asks.
struct CheckPeople<'a> {
    new: &'a NewCase,
    caller: &'a Caller,
}

impl Operation for CheckPeople<'_> {
    const NAME: &'static str = "intake.check_case";
    type Output = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        look_as_platform(tx).await?;
        check_people(tx, self.new, self.caller).await
    }
}

/// Live complaints are about people whom somebody knows, and received by such a person: nobody would answer for one that a
/// mistyped name owns. Who names oneself is known by the token. History may name people who left.
async fn check_people(tx: &mut Tx, new: &NewCase, caller: &Caller) -> Result<(), Fault> {
    if new.mode != CaseMode::Live {
        return Ok(());
    }
    require_known(tx, &new.site, &new.staff_complained_about).await?;
    let named = new.first_contact_owner.as_ref();
    if let Some(owner) = named.filter(|owner| caller.staff.as_ref() != Some(*owner))
        && roster::unknown(tx, &new.site, &[owner.to_string()])
            .await?
            .is_some()
    {
        return Err(Fault::invalid(
            "case.first_contact_owner",
            "must be a person of the site",
        ));
    }
    Ok(())
}

/// The answer of the first request, where there was one; else the fault.
async fn repeated(
    intake: &Intake,
    caller: &Caller,
    entry: &Entry<'_>,
    fault: Fault,
    now: Timestamp,
) -> Result<pb::Case, Fault> {
    if entry.receipt.request_id.is_empty() || entry.validate_only {
        return Err(fault);
    }
    let operation = FindRepeated {
        intake,
        caller,
        entry,
        now,
    };
    match intake.run(caller, &operation).await {
        Ok(case) => Ok(case),
        Err(other) if other.is_transient() || other.reason() == "REQUEST_ID_REUSED" => Err(other),
        Err(_) => Err(fault),
    }
}

struct FindRepeated<'a> {
    intake: &'a Intake,
    caller: &'a Caller,
    entry: &'a Entry<'a>,
    now: Timestamp,
}

impl Operation for FindRepeated<'_> {
    const NAME: &'static str = "intake.find_repeated_case";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let site = directory::get_site(tx, &self.entry.site).await?;
        match receipt::claim(tx, &self.entry.receipt, self.now).await? {
            Claim::Seen { resource, .. } => answer(tx, self.intake, self.caller, &resource).await,
            // Rolls the claim back.
            Claim::New => Err(Fault::not_found("Case", SiteName(site.id))),
        }
    }
}

/// The case of an earlier request of the same caller, as it is now.
async fn answer(
    tx: &mut Tx,
    intake: &Intake,
    caller: &Caller,
    resource: &str,
) -> Result<pb::Case, Fault> {
    look_as_platform(tx).await?;
    let name: CaseName = stored(resource)?;
    let case = case::get(tx, &name).await?;
    render::answer(tx, &intake.keyring, caller, &case).await
}

struct TakeIn<'a> {
    intake: &'a Intake,
    caller: &'a Caller,
    site: Site,
    number: String,
    new: &'a NewCase,
    receipt: &'a ReceiptKey,
    now: Timestamp,
}

impl Operation for TakeIn<'_> {
    const NAME: &'static str = "intake.create_case";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        if let Claim::Seen { resource, .. } = receipt::claim(tx, self.receipt, self.now).await? {
            return answer(tx, self.intake, self.caller, &resource).await;
        }
        // Who enters a complaint about themselves may, and does not see it afterwards.
        look_as_platform(tx).await?;
        let new = self.new;
        check_people(tx, new, self.caller).await?;
        let people = Recognised::of(
            self.intake.keyring.vault(),
            self.site.organization(),
            &new.complainants,
            (!new.channel.is_spoken()).then_some(self.number.as_str()),
        );
        let mut case = self.record(tx, &people).await?;
        case::insert(tx, &case).await?;
        let keyring = &self.intake.keyring;
        people::replace(
            tx,
            keyring,
            &case.name,
            &new.complainants,
            &people,
            self.now,
        )
        .await?;
        if !new.needs.is_empty() {
            needs::put(tx, keyring, &case.name, &new.needs, self.now).await?;
        }
        for piece in &new.evidence {
            evidence::add(tx, &case.name, piece, &self.caller.subject, self.now).await?;
        }
        search::put(tx, &case).await?;
        let happened = Happened {
            kind: TimelineKind::Received,
            at: case.received,
            actor: &self.caller.subject,
            facts: received_facts(&case, new),
            // What was said is chained too, so that nobody changes it unnoticed.
            note: &new.text,
        };
        timeline::append(tx, &mut case, happened, self.now).await?;
        case::save(tx, &mut case, self.now).await?;
        let name = case.name.to_string();
        receipt::complete(tx, self.receipt, &name, &etag::of(case.revision)).await?;
        announce::received(tx, &case).await?;
        render::answer(tx, keyring, self.caller, &case).await
    }
}

impl TakeIn<'_> {
    async fn record(&self, tx: &mut Tx, people: &Recognised) -> Result<Record, Fault> {
        let new = self.new;
        let is_live = new.mode == CaseMode::Live;
        let tokens = people.known();
        let earlier = people::earlier_cases(tx, &new.site, &tokens, new.received).await?;
        let owner = self.first_contact_owner(tx).await?;
        Ok(Record {
            name: CaseName::new(new.site.clone(), redress_model::ids::new_id(self.now)),
            number: self.number.clone(),
            mode: new.mode,
            channel: new.channel,
            received: new.received,
            created: self.now,
            updated: self.now,
            creator: self.caller.subject.clone(),
            headcount: new.headcount,
            listed_count: people.count(),
            person_tokens: tokens,
            text: new.text.clone(),
            place: new.place.clone(),
            quality_impact: new.quality_impact,
            wants: new.wants,
            claim: new.claim,
            assessed_claim: None,
            repeat: new.repeat,
            needs_advisers: new.needs_advisers,
            signals: new.signals.clone(),
            stated_category: new.stated_category,
            language: new.language().to_owned(),
            first_contact_owner: owner.clone(),
            staff_complained_about: new.staff_complained_about.clone(),
            earlier_cases: earlier,
            erased: false,
            status: if is_live {
                CaseStatus::Received
            } else {
                CaseStatus::Archived
            },
            status_since: self.now,
            status_before_merge: None,
            merged_into: None,
            epoch: 1,
            revision: 1,
            grade: None,
            criterion_ids: Vec::new(),
            nature: None,
            urgency: None,
            category: None,
            decision_revision: 0,
            cluster: String::new(),
            owner,
            offered_to: String::new(),
            department: String::new(),
            owner_revision: 0,
            incident: String::new(),
            timeline_length: 0,
            timeline_hash: Vec::new(),
            clocks: Vec::new(),
            complaining_store: new.complaining_store.clone(),
        })
    }

    /// Whoever is named; on other than machine channels the caller; else who is on duty. History has
    /// none unless it is named. Nobody owns a complaint about themselves.
    async fn first_contact_owner(&self, tx: &mut Tx) -> Result<String, Fault> {
        let new = self.new;
        if let Some(owner) = &new.first_contact_owner {
            return Ok(owner.to_string());
        }
        if new.mode == CaseMode::Historical {
            return Ok(String::new());
        }
        if let Some(staff) = &self.caller.staff
            && !new.channel.is_machine()
            && staff.site == new.site
            && !new.staff_complained_about.contains(staff)
        {
            return Ok(staff.to_string());
        }
        let except: Vec<String> = new
            .staff_complained_about
            .iter()
            .map(ToString::to_string)
            .collect();
        let owner = roster::first_contact(tx, &new.site, self.now, &except).await?;
        Ok(owner.unwrap_or_default())
    }
}

/// Refuses a person complained about whom nobody knows: a mistyped name would leave the right one seeing the case.
///
/// # Errors
/// INVALID_ARGUMENT naming the field.
pub(super) async fn require_known(
    tx: &mut Tx,
    site: &SiteId,
    staff: &[StaffName],
) -> Result<(), Fault> {
    let names: Vec<String> = staff.iter().map(ToString::to_string).collect();
    match roster::unknown(tx, site, &names).await? {
        None => Ok(()),
        Some(at) => Err(Fault::invalid(
            format!("case.staff_complained_about[{at}]"),
            "must be a person of the site",
        )),
    }
}

fn received_facts(case: &Record, new: &NewCase) -> Facts {
    let signals: Vec<&str> = case.signals.iter().map(|s| s.kind.word()).collect();
    facts([
        ("number", case.number.clone()),
        ("mode", case.mode.word().to_owned()),
        ("channel", case.channel.word().to_owned()),
        ("status", case.status.word().to_owned()),
        ("complainants", case.complainant_count().to_string()),
        (
            "claim",
            case.claim.map(|c| c.to_string()).unwrap_or_default(),
        ),
        ("signals", signals.join(",")),
        ("evidence", new.evidence.len().to_string()),
        ("repeat", case.repeat.to_string()),
        ("earlier_cases", case.earlier_cases.len().to_string()),
        ("first_contact_owner", case.first_contact_owner.clone()),
        ("complaining_store", case.complaining_store_name()),
    ])
}
