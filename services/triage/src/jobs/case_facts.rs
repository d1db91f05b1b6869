//! Cases that came in, and facts of them that changed.

use std::future::Future;
use std::sync::Arc;

use redress_events::{Applied, Event, Handler};
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_proto::event::v1::{CaseReceived, CaseUpdated};
use redress_proto::intake::v1::case_read_service_client::CaseReadServiceClient;
use redress_proto::intake::v1::{ReadCaseTextRequest, ReadCaseTextResponse};
use redress_rpc::client::{Call, Peers};
use redress_rpc::fault_of;
use redress_store::Tx;
use uuid::Uuid;

use super::parse;
use crate::casework::{self, Move, Mover, Reading, Receipt, Work};
use crate::desk::{CaseText, Desk};
use crate::domain::Cause;
use crate::domain::similarity::Place;
use crate::store::{cases, clusters, sites};

/// Where the text of a case is read, once, to classify it, its place, at each update that may have changed it, and each later
/// message of the customer: they are in no event. All as they are now; none is kept here.
pub trait TextSource: Send + Sync + 'static {
    /// The text and the place; empty where they were erased.
    fn text(&self, case: &CaseName) -> impl Future<Output = Result<CaseText, Fault>> + Send;

    /// What was said in a contact of the case; empty where it was erased, or where intake cannot tell it yet.
    fn note(
        &self,
        case: &CaseName,
        contact: Uuid,
    ) -> impl Future<Output = Result<String, Fault>> + Send;
}

impl TextSource for Peers {
    async fn text(&self, case: &CaseName) -> Result<CaseText, Fault> {
        let answer = read(self, case, String::new()).await?;
        let place = answer.place.unwrap_or_default();
        Ok(CaseText {
            text: answer.text,
            building: place.building,
            unit: place.unit,
        })
    }

    async fn note(&self, case: &CaseName, contact: Uuid) -> Result<String, Fault> {
        let name = format!("{case}/contacts/{contact}");
        let answer = read(self, case, name.clone()).await?;
        Ok(said_in(&name, answer).unwrap_or_else(|| {
            tracing::warn!(contact = %name, "intake is of an older release and tells no notes of contacts");
            String::new()
        }))
    }
}

async fn read(
    peers: &Peers,
    case: &CaseName,
    contact: String,
) -> Result<ReadCaseTextResponse, Fault> {
    let call = Call::new("triage").site(&case.site).idempotent();
    let mut intake = CaseReadServiceClient::new(peers.call("intake", call)?);
    let request = ReadCaseTextRequest {
        name: case.to_string(),
        purpose: "triage".to_owned(),
        contact,
    };
    let answer = intake.read_case_text(request).await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| fault_of("intake", status))
}

/// The note of this contact. An intake that does not know the wish answers with the text of the case, which was read at its
/// receipt: none then, while releases change.
fn said_in(contact: &str, answer: ReadCaseTextResponse) -> Option<String> {
    (answer.contact == contact).then_some(answer.text)
}

/// Takes cases in.
#[derive(Debug)]
pub struct CaseReceivedHandler<T> {
    desk: Arc<Desk>,
    texts: T,
}

impl<T> CaseReceivedHandler<T> {
    /// A handler that reads texts there.
    pub fn new(desk: Arc<Desk>, texts: T) -> Self {
        Self { desk, texts }
    }
}

impl<T: TextSource> Handler for CaseReceivedHandler<T> {
    type Prepared = Reading;

    async fn prepare(&self, event: &Event) -> Result<Reading, Fault> {
        let payload: CaseReceived = event.decode()?;
        let parsed = parse::facts(event, payload.facts.as_ref(), self.desk.now())?;
        let name = CaseName::new(event.site.clone(), parsed.id);
        let text = self.texts.text(&name).await?;
        let desk = Arc::clone(&self.desk);
        // Segmenting a long text is work for the processor.
        tokio::task::spawn_blocking(move || desk.read(&text))
            .await
            .map_err(Fault::internal)
    }

    async fn apply(&self, tx: &mut Tx, event: &Event, reading: &Reading) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.desk.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: CaseReceived = event.decode()?;
        let parsed = parse::facts(event, payload.facts.as_ref(), self.desk.now())?;
        let mut work = Work::new(tx, &site, self.desk.now());
        work.entered = self.desk.clock.at(event.time).min(work.now);
        let receipt = Receipt {
            id: parsed.id,
            facts: &parsed.facts,
            status: parsed.status,
            epoch: parsed.epoch,
            merged_into: parsed.merged_into,
            signals: &parsed.signals,
            reading,
        };
        casework::receive(&mut work, &receipt).await?;
        self.desk.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}

/// Takes changed facts in. They come whole; the newest revision stands. The place is read only where it may have changed, since
/// each reading stands on the case's timeline; it was read just now, so it stands whichever revision this is.
#[derive(Debug)]
pub struct CaseUpdatedHandler<T> {
    desk: Arc<Desk>,
    texts: T,
}

impl<T> CaseUpdatedHandler<T> {
    /// A handler that reads places there.
    pub fn new(desk: Arc<Desk>, texts: T) -> Self {
        Self { desk, texts }
    }
}

impl<T: TextSource> Handler for CaseUpdatedHandler<T> {
    type Prepared = Option<Place>;

    async fn prepare(&self, event: &Event) -> Result<Option<Place>, Fault> {
        let payload: CaseUpdated = event.decode()?;
        if payload.same_place {
            return Ok(None);
        }
        let parsed = parse::facts(event, payload.facts.as_ref(), self.desk.now())?;
        let name = CaseName::new(event.site.clone(), parsed.id);
        let text = self.texts.text(&name).await?;
        Ok(Some(self.desk.place(&text)))
    }

    async fn apply(
        &self,
        tx: &mut Tx,
        event: &Event,
        place: &Option<Place>,
    ) -> Result<Applied, Fault> {
        let Some(site) = sites::get(tx, &event.site, self.desk.now()).await? else {
            return Ok(Applied::Wait);
        };
        let payload: CaseUpdated = event.decode()?;
        let now = self.desk.now();
        let parsed = parse::facts(event, payload.facts.as_ref(), now)?;
        sites::lock_clusters(tx, &site.id).await?;
        let Some(mut case) = cases::lock(tx, &site.id, parsed.id).await? else {
            return Ok(Applied::Wait);
        };
        let mut work = Work::new(tx, &site, now);
        work.entered = self.desk.clock.at(event.time).min(now);
        if let Some(place) = *place {
            clusters::set_place(work.tx, &site.id, case.id, place).await?;
        }
        if parsed.facts.revision > case.facts.revision {
            casework::update(&mut work, &mut case, parsed.facts).await?;
        }
        if payload.facts.as_ref().is_some_and(|facts| facts.erased) {
            cases::erase(work.tx, &site.id, case.id).await?;
        }
        let to = Move {
            mover: Mover::Intake,
            status: parsed.status,
            epoch: parsed.epoch,
            at: self.desk.clock.at(event.time),
            merged_into: parsed.merged_into,
        };
        casework::stand(&mut work, &mut case, &to).await?;
        casework::decide(&mut work, &mut case, Cause::Updated).await?;
        casework::spread(&mut work, &case, Cause::Cluster).await?;
        // The unit or the category that a notice lacked may have come by this.
        casework::propose_defect(&mut work, &case).await?;
        self.desk.schedule_soon(work.entries);
        Ok(Applied::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_case_is_not_taken_for_a_message_while_an_older_intake_answers() {
        let contact = "sites/lake/cases/1/contacts/2";
        let answer = |contact: &str| ReadCaseTextResponse {
            text: "有人摔伤".to_owned(),
            contact: contact.to_owned(),
            ..Default::default()
        };
        assert_eq!(said_in(contact, answer("")), None);
        let said = said_in(contact, answer(contact));
        assert_eq!(said.as_deref(), Some("有人摔伤"));
    }
}
