//! `redress.case.received.v1` and `redress.case.updated.v1`: work begins with a first-contact owner, and follows the
//! facts. Historical cases get none.

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, SiteId, SiteName, StaffId, StaffName};
use redress_model::time::SharedClock;
use redress_model::words::{CaseMode, CaseStatus};
use redress_proto::convert::{from_timestamp, from_wire, required};
use redress_proto::event::v1::{CaseFacts, CaseReceived, CaseUpdated};
use redress_store::Tx;

use super::{apply, case_of};
use crate::domain::transition::{Action, receive};
use crate::domain::work::{Facts, Work};
use crate::store::reports::facts::{self, Received};
use crate::store::{accused, bench, erasure, work};

/// The handler of `redress.case.received.v1`.
#[derive(Debug, Clone)]
pub struct OnCaseReceived(pub SharedClock);

impl Handler for OnCaseReceived {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let facts = event
            .decode::<CaseReceived>()?
            .facts
            .ok_or_else(|| Fault::invalid("data.facts", "must be given"))?;
        let counted = counted(event, &facts)?;
        if counted.historical {
            facts::received(tx, &case_of(event, &facts.case)?, &counted).await?;
            return Ok(Applied::Done);
        }
        let (case, facts) = parse(event, &facts)?;
        bench::lock(tx, &event.site).await?;
        facts::received(tx, &case, &counted).await?;
        match work::find(tx, &case).await? {
            Some(known) => follow(tx, &known, facts, event, &self.0).await?,
            None => {
                let now = self.0.now();
                let bench = bench::load(tx, &event.site, now).await?;
                let outcome = receive(case, facts, &bench, now);
                work::save(tx, None, &outcome, &event.source, now).await?;
            }
        }
        Ok(Applied::Done)
    }
}

/// The handler of `redress.case.updated.v1`.
#[derive(Debug, Clone)]
pub struct OnCaseUpdated(pub SharedClock);

impl Handler for OnCaseUpdated {
    type Prepared = ();

    async fn prepare(&self, _: &Event) -> Result<(), Fault> {
        Ok(())
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, (): &()) -> Result<Applied, Fault> {
        let facts = event
            .decode::<CaseUpdated>()?
            .facts
            .ok_or_else(|| Fault::invalid("data.facts", "must be given"))?;
        let counted = counted(event, &facts)?;
        if counted.historical {
            facts::received(tx, &case_of(event, &facts.case)?, &counted).await?;
            return Ok(Applied::Done);
        }
        let erased = facts.erased;
        let (case, facts) = parse(event, &facts)?;
        bench::lock(tx, &event.site).await?;
        let Some(known) = work::find(tx, &case).await? else {
            return Ok(Applied::Wait);
        };
        facts::received(tx, &case, &counted).await?;
        follow(tx, &known, facts, event, &self.0).await?;
        if erased {
            erasure::forget(tx, &case).await?;
        }
        Ok(Applied::Done)
    }
}

/// Applies facts of work that is known. Whom they accuse since has nothing to do on the case any more.
async fn follow(
    tx: &mut Tx,
    known: &Work,
    facts: Facts,
    event: &Event,
    clock: &SharedClock,
) -> Result<(), Fault> {
    let accuses = !facts.excluded.is_subset(&known.facts.excluded);
    apply(tx, known, Action::Facts(facts), &event.source, clock).await?;
    if accuses {
        accused::pass_on(tx, &known.case, &event.source, clock.now()).await?;
    }
    Ok(())
}

/// What analysis counts of the facts, history too.
fn counted(event: &Event, facts: &CaseFacts) -> Result<Received, Fault> {
    let received = facts
        .received_time
        .as_ref()
        .ok_or_else(|| Fault::invalid("data.facts.received_time", "must be given"))?;
    Ok(Received {
        revision: facts.revision,
        at: from_timestamp("data.facts.received_time", received)?,
        channel: from_wire(facts.channel),
        historical: is_historical(event, facts),
        merged: from_wire(facts.status) == Some(CaseStatus::Merged),
    })
}

fn is_historical(event: &Event, facts: &CaseFacts) -> bool {
    event.historical || from_wire(facts.mode) == Some(CaseMode::Historical)
}

fn parse(event: &Event, facts: &CaseFacts) -> Result<(CaseName, Facts), Fault> {
    let case = case_of(event, &facts.case)?;
    let received = facts
        .received_time
        .as_ref()
        .ok_or_else(|| Fault::invalid("data.facts.received_time", "must be given"))?;
    let excluded: Result<Vec<Option<StaffId>>, Fault> = facts
        .staff_complained_about
        .iter()
        .map(|name| person("data.facts.staff_complained_about", &case.site, name))
        .collect();
    let parsed = Facts {
        number: facts.number.clone(),
        language: facts.language.clone(),
        first_contact: person(
            "data.facts.first_contact_owner",
            &case.site,
            &facts.first_contact_owner,
        )?,
        excluded: excluded?.into_iter().flatten().collect(),
        received_at: from_timestamp("data.facts.received_time", received)?,
        status: required("data.facts.status", facts.status)?,
        epoch: facts.epoch,
        revision: facts.revision,
        complaining_store: store(&facts.complaining_store)?,
    };
    Ok((case, parsed))
}

/// The store that complains; none for a customer's complaint.
fn store(name: &str) -> Result<Option<SiteId>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let name: SiteName = parse_field("data.facts.complaining_store", name)?;
    Ok(Some(name.0))
}

/// The person of this site behind a name; none where it is empty or of another site.
fn person(field: &str, site: &SiteId, name: &str) -> Result<Option<StaffId>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let name: StaffName = parse_field(field, name)?;
    Ok((name.site == *site).then_some(name.id))
}
