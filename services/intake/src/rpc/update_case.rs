//! UpdateCase: changes masked facts of a locked case; of two who act at once, the second is told (I11).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::{CaseStatus, Channel};
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::create_case::require_known;
use super::render;
use crate::domain::change::Changes;
use crate::domain::complaint::{NOBODY_COMPLAINS, plain_language};
use crate::domain::people::Complainant;
use crate::domain::timeline::{Facts, facts};
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::people::{self, Recognised};
use crate::store::timeline::Happened;
use crate::store::viewer::look_as_platform;
use crate::store::{announce, directory, search, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/UpdateCase";

/// Answers UpdateCase.
pub(super) async fn update(
    intake: &Intake,
    request: Request<pb::UpdateCaseRequest>,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let wire = request.case.clone().unwrap_or_default();
    let name: CaseName = parse_field("case.name", &wire.name)?;
    let mask = request.update_mask.clone().unwrap_or_default();
    let changes = Changes::parse(&name.site, &wire, &mask.paths).map_err(|f| f.below("case"))?;
    if changes.assessed_claim.is_some() {
        // It replaces the claimed sum, so it takes authority (section 4).
        caller.require("cases.assess")?;
    }
    let receipt = intake.receipt(&caller, METHOD, Some(&name.site), &request_id, &request);
    let operation = Update {
        intake,
        caller: &caller,
        name,
        changes,
        etag: wire.etag,
        receipt,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Update<'a> {
    intake: &'a Intake,
    caller: &'a Caller,
    name: CaseName,
    changes: Changes,
    etag: String,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Update<'_> {
    const NAME: &'static str = "intake.update_case";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let mut case = case::lock(tx, &self.name).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return render::full(tx, &self.intake.keyring, &case).await;
        }
        etag::check(&self.etag, case.revision, &self.name)?;
        if case.status == CaseStatus::Merged || case.erased {
            return Err(Fault::illegal(
                "ILLEGAL_UPDATE",
                "a merged or erased case does not change; update the case it was merged into",
                &self.name,
            ));
        }
        // Who adds themselves to those complained about may finish, and does not see the case afterwards.
        look_as_platform(tx).await?;
        if let Some(staff) = &self.changes.staff_complained_about {
            require_known(tx, &self.name.site, staff).await?;
        }
        let mut changed = self.change_facts(&mut case);
        if self.change_people(tx, &mut case).await? {
            changed.push("complainants");
        }
        self.require_somebody(&case)?;
        if !changed.is_empty() {
            self.keep(tx, &mut case, &changed).await?;
        }
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(case.revision)).await?;
        if !changed.is_empty() {
            announce::updated(tx, &case, !changed.contains(&"place")).await?;
        }
        render::answer(tx, &self.intake.keyring, self.caller, &case).await
    }
}

fn set<T: Clone + PartialEq>(
    target: &mut T,
    value: Option<&T>,
    path: &'static str,
    changed: &mut Vec<&'static str>,
) {
    if let Some(value) = value
        && target != value
    {
        target.clone_from(value);
        changed.push(path);
    }
}

impl Update<'_> {
    /// Sets the facts and says which of them are other than before.
    fn change_facts(&self, case: &mut Record) -> Vec<&'static str> {
        let new = &self.changes;
        let mut changed = Vec::new();
        let c = &mut changed;
        set(&mut case.headcount, new.headcount.as_ref(), "headcount", c);
        let place = new.place.as_ref().map(|p| &p.0);
        set(&mut case.place, place, "place", c);
        let impact = new.quality_impact.as_ref();
        set(&mut case.quality_impact, impact, "quality_impact", c);
        set(&mut case.wants, new.wants.as_ref(), "wants", c);
        set(&mut case.claim, new.claim.as_ref(), "claim", c);
        let assessed = new.assessed_claim.as_ref();
        set(&mut case.assessed_claim, assessed, "assessed_claim", c);
        set(&mut case.repeat, new.repeat.as_ref(), "repeat", c);
        let advisers = new.needs_advisers.as_ref();
        set(&mut case.needs_advisers, advisers, "needs_advisers", c);
        let category = new.stated_category.as_ref();
        set(&mut case.stated_category, category, "stated_category", c);
        let staff = new.staff_complained_about.as_ref();
        set(
            &mut case.staff_complained_about,
            staff,
            "staff_complained_about",
            c,
        );
        changed
    }

    /// Replaces the people where the list is another than before.
    async fn change_people(&self, tx: &mut Tx, case: &mut Record) -> Result<bool, Fault> {
        let Some(new) = &self.changes.complainants else {
            return Ok(false);
        };
        let keyring = &self.intake.keyring;
        let old = people::open(tx, keyring, &case.name).await?;
        let same = old.len() == new.len()
            && old
                .iter()
                .zip(new)
                .all(|(old, new)| old.complainant == Complainant::to_wire(new));
        if same {
            return Ok(false);
        }
        let site = directory::get_site(tx, &case.name.site).await?;
        let written = (!case.channel.is_spoken()).then_some(case.number.as_str());
        let recognised = Recognised::of(keyring.vault(), site.organization(), new, written);
        people::replace(tx, keyring, &case.name, new, &recognised, self.now).await?;
        case.listed_count = recognised.count();
        case.person_tokens = recognised.known();
        case.language = match new.first() {
            Some(first) if !first.language.is_empty() => first.language.clone(),
            _ => plain_language(&case.text).to_owned(),
        };
        Ok(true)
    }

    /// Refuses to leave the case with nobody, whichever of the two paths would.
    fn require_somebody(&self, case: &Record) -> Result<(), Fault> {
        let new = &self.changes;
        let field = match (&new.complainants, new.headcount) {
            (Some(_), _) => "case.complainants",
            (None, Some(_)) => "case.headcount",
            (None, None) => return Ok(()),
        };
        let nobody = case.listed_count == 0 && case.headcount == 0;
        if nobody && case.channel != Channel::MediaMonitor {
            return Err(Fault::invalid(field, NOBODY_COMPLAINS));
        }
        Ok(())
    }

    async fn keep(
        &self,
        tx: &mut Tx,
        case: &mut Record,
        changed: &[&'static str],
    ) -> Result<(), Fault> {
        case.revision += 1;
        if changed.contains(&"place") || changed.contains(&"staff_complained_about") {
            search::put(tx, case).await?;
        }
        let happened = Happened {
            kind: TimelineKind::Updated,
            at: self.now,
            actor: &self.caller.subject,
            facts: updated_facts(case, changed),
            note: "",
        };
        timeline::append(tx, case, happened, self.now).await?;
        case::save(tx, case, self.now).await
    }
}

/// What changed, with the new values of what is not personal.
fn updated_facts(case: &Record, changed: &[&'static str]) -> Facts {
    let amount = |a: Option<rust_decimal::Decimal>| a.map_or("none".to_owned(), |a| a.to_string());
    let mut facts = facts([
        ("changed", changed.join(",")),
        ("revision", case.revision.to_string()),
    ]);
    for path in changed {
        let value = match *path {
            "headcount" => case.headcount.to_string(),
            "complainants" => case.complainant_count().to_string(),
            "quality_impact" => case.quality_impact.map_or("none", |w| w.word()).to_owned(),
            "wants" => case.wants.map_or("none", |w| w.word()).to_owned(),
            "claim" => amount(case.claim),
            "assessed_claim" => amount(case.assessed_claim),
            "repeat" => case.repeat.to_string(),
            "needs_advisers" => case.needs_advisers.to_string(),
            "stated_category" => case.stated_category.map_or("none", |w| w.word()).to_owned(),
            "staff_complained_about" => case.staff_complained_about.len().to_string(),
            _ => continue,
        };
        facts.insert((*path).to_owned(), value);
    }
    facts
}
