//! CaseReadService: what other services may read of a case's personal part, written into its timeline
//! with reader and purpose.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::convert::to_wire;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_proto::intake::v1::case_read_service_server::CaseReadService;
use redress_rpc::{Caller, status};
use redress_store::{Operation, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::render;
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::timeline::Happened;
use crate::store::{contact, directory, people, timeline};

/// Serves reads of the personal part.
#[derive(Debug, Clone)]
pub struct CaseReadServer(pub Arc<Intake>);

#[tonic::async_trait]
impl CaseReadService for CaseReadServer {
    async fn read_case_text(
        &self,
        request: Request<pb::ReadCaseTextRequest>,
    ) -> Result<Response<pb::ReadCaseTextResponse>, Status> {
        self.text(request).await.map(Response::new).map_err(status)
    }

    async fn read_contact_points(
        &self,
        request: Request<pb::ReadContactPointsRequest>,
    ) -> Result<Response<pb::ReadContactPointsResponse>, Status> {
        self.contacts(request)
            .await
            .map(Response::new)
            .map_err(status)
    }
}

impl CaseReadServer {
    async fn text(
        &self,
        request: Request<pb::ReadCaseTextRequest>,
    ) -> Result<pb::ReadCaseTextResponse, Fault> {
        let caller = Caller::of(&request)?;
        let inner = request.get_ref();
        let reader = caller.require_service()?;
        let name: CaseName = parse_field("name", &inner.name)?;
        let contact = contact_of(&name, &inner.contact)?;
        let operation = ReadText(Audit {
            reader,
            name,
            purpose: &inner.purpose,
            what: if contact.is_some() { "contact" } else { "text" },
            contact,
            now: self.0.now(),
        });
        self.0.run(caller, &operation).await
    }

    async fn contacts(
        &self,
        request: Request<pb::ReadContactPointsRequest>,
    ) -> Result<pb::ReadContactPointsResponse, Fault> {
        let caller = Caller::of(&request)?;
        let inner = request.get_ref();
        let audit = Audit {
            reader: caller.require_service()?,
            name: parse_field("name", &inner.name)?,
            purpose: &inner.purpose,
            what: "contact_points",
            contact: None,
            now: self.0.now(),
        };
        let operation = ReadContacts {
            intake: &self.0,
            audit,
        };
        self.0.run(caller, &operation).await
    }
}

/// The contact of a case that is asked for; none where it is the text of the case.
fn contact_of(case: &CaseName, name: &str) -> Result<Option<Uuid>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    name.strip_prefix(&format!("{case}/contacts/"))
        .and_then(|id| id.parse().ok())
        .map(Some)
        .ok_or_else(|| Fault::invalid("contact", "must be a contact of the case"))
}

/// Who reads what, and why.
struct Audit<'a> {
    reader: &'a str,
    name: CaseName,
    purpose: &'a str,
    what: &'static str,
    contact: Option<Uuid>,
    now: Timestamp,
}

impl Audit<'_> {
    /// The case, with the read written down. Its view is as it was, so watchers hear nothing.
    async fn read(&self, tx: &mut Tx) -> Result<Record, Fault> {
        let mut case = case::lock(tx, &self.name).await?;
        let contact = self
            .contact
            .map(|id| format!("{}/contacts/{id}", self.name))
            .unwrap_or_default();
        let happened = Happened {
            kind: TimelineKind::Read,
            at: self.now,
            actor: self.reader,
            facts: facts([
                ("what", self.what.to_owned()),
                ("contact", contact),
                ("purpose", self.purpose.to_owned()),
            ]),
            note: "",
        };
        timeline::append(tx, &mut case, happened, self.now).await?;
        case::save_quietly(tx, &case).await?;
        Ok(case)
    }
}

struct ReadText<'a>(Audit<'a>);

impl Operation for ReadText<'_> {
    const NAME: &'static str = "intake.read_case_text";
    type Output = pb::ReadCaseTextResponse;

    async fn run(&self, tx: &mut Tx) -> Result<pb::ReadCaseTextResponse, Fault> {
        let case = self.0.read(tx).await?;
        let Some(id) = self.0.contact else {
            return Ok(pb::ReadCaseTextResponse {
                place: render::place(&case.place),
                text: case.text,
                revision: case.revision,
                contact: String::new(),
            });
        };
        let contact = contact::get(tx, &case.name, id).await?;
        Ok(pb::ReadCaseTextResponse {
            place: None,
            text: contact.note,
            revision: case.revision,
            contact: contact.name,
        })
    }
}

struct ReadContacts<'a> {
    intake: &'a Intake,
    audit: Audit<'a>,
}

impl Operation for ReadContacts<'_> {
    const NAME: &'static str = "intake.read_contact_points";
    type Output = pb::ReadContactPointsResponse;

    async fn run(&self, tx: &mut Tx) -> Result<pb::ReadContactPointsResponse, Fault> {
        let case = self.audit.read(tx).await?;
        let site = directory::get_site(tx, &case.name.site).await?;
        let people = people::open(tx, &self.intake.keyring, &case.name).await?;
        let contact_points = people
            .into_iter()
            .map(|mut p| {
                if p.complainant.language.is_empty() {
                    p.complainant.language.clone_from(&site.language);
                }
                pb::ContactPoint {
                    position: p.position,
                    complainant: Some(p.complainant),
                    person_token: p.person_token,
                }
            })
            .collect();
        Ok(pb::ReadContactPointsResponse {
            contact_points,
            number: case.number,
            channel: to_wire(case.channel),
            place: render::place(&case.place),
            revision: case.revision,
        })
    }
}
