//! CreateStatement: a draft. The caller is its author and never approves it.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{IncidentName, StatementName};
use redress_proto::convert::required;
use redress_proto::crisis::v1 as wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use tonic::Request;

use super::Statements;
use super::view;
use crate::domain::statement::{Content, Fact, Person};
use crate::domain::words::StatementState;
use crate::flow::{Desk, Transition, Turn};
use crate::store::incidents;
use crate::store::statements::{self, Statement};

const METHOD: &str = "redress.crisis.v1.StatementService/CreateStatement";

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::CreateStatementRequest>,
) -> Result<wire::CreateStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let incident: IncidentName = parse_field("parent", &r.parent)?;
    caller.require_site(&incident.site)?;
    let drafted = r.statement.clone().unwrap_or_default();
    let supersedes = match drafted.supersedes.as_str() {
        "" => None,
        old => {
            let old: StatementName = parse_field("statement.supersedes", old)?;
            if old.site != incident.site {
                return Err(Fault::invalid(
                    "statement.supersedes",
                    "must belong to the parent's site",
                ));
            }
            Some(old.id)
        }
    };
    let unidentified = wire::CreateStatementRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let content = content(&drafted)?;
    may_override(caller, &content)?;
    let create = Create {
        desk: &api.incidents.desk,
        by: super::person(caller),
        content,
        supersedes,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: r.request_id.clone(),
            site: incident.site.to_string(),
            fingerprint: api
                .incidents
                .fingerprints
                .of(METHOD, &unidentified)
                .to_vec(),
        },
        incident,
    };
    let db = &api.incidents.db;
    let (statement, armed) = redress_runtime::sight(caller).run(db, &create).await?;
    api.incidents.committed(armed);
    Ok(wire::CreateStatementResponse {
        statement: Some(statement),
    })
}

/// What a statement says, as it was sent.
pub(super) fn content(sent: &wire::Statement) -> Result<Content, Fault> {
    let mut facts: Vec<Fact> = Vec::with_capacity(sent.facts.len());
    for (at, fact) in sent.facts.iter().enumerate() {
        if facts.iter().any(|f| f.key == fact.key) {
            let field = format!("statement.facts[{at}].key");
            return Err(Fault::invalid(
                field,
                "must differ from the other facts' keys",
            ));
        }
        facts.push(Fact {
            key: fact.key.clone(),
            value: fact.value.clone(),
            source: fact.source.clone(),
        });
    }
    Ok(Content {
        kind: required("statement.kind", sent.kind)?,
        audience: required("statement.audience", sent.audience)?,
        language: language(&sent.language)?,
        text: sent.text.clone(),
        facts,
        wording_reason: reason(&sent.wording_override_reason),
        correction: reason(&sent.correction_reason),
    })
}

/// The languages that everything said to people is written in.
const LANGUAGES: [&str; 2] = ["zh-CN", "en"];

fn language(tag: &str) -> Result<String, Fault> {
    if LANGUAGES.contains(&tag) {
        return Ok(tag.to_owned());
    }
    Err(Fault::invalid("statement.language", "must be zh-CN or en"))
}

/// A reason; one that nobody sees is none.
fn reason(text: &str) -> String {
    if redress_model::text::is_blank(text) {
        return String::new();
    }
    text.trim().to_owned()
}

/// Overriding the wording check takes more than writing.
pub(super) fn may_override(caller: &Caller, content: &Content) -> Result<(), Fault> {
    if content.wording_reason.is_empty() {
        Ok(())
    } else {
        caller.require("wording.override")
    }
}

struct Create<'a> {
    desk: &'a Desk,
    incident: IncidentName,
    by: Person,
    content: Content,
    supersedes: Option<uuid::Uuid>,
    receipt: ReceiptKey,
}

impl Create<'_> {
    fn draft(&self, now: Timestamp) -> Statement {
        Statement {
            name: StatementName::new(self.incident.site.clone(), new_id(now)),
            incident: self.incident.id,
            supersedes: self.supersedes,
            state: StatementState::Draft,
            version: 1,
            content: self.content.clone(),
            published: None,
            created: now,
            updated: now,
            revision: 1,
        }
    }
}

impl Operation for Create<'_> {
    const NAME: &'static str = "crisis.create_statement";
    type Output = (wire::Statement, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let site = &self.incident.site;
        // Before the receipt, so that a foreign incident is NOT_FOUND and not a receipt out of scope.
        let locked = incidents::lock(tx, site, self.incident.id).await?;
        let stage = locked
            .ok_or_else(|| Fault::not_found("Incident", &self.incident))?
            .stage;
        let mut armed = Vec::new();
        let name = match receipt::claim(tx, &self.receipt, now).await? {
            Claim::Seen { resource, .. } => resource.parse().map_err(Fault::internal)?,
            Claim::New => {
                let mut turn = Turn::take_open(tx, self.desk, now, &self.incident).await?;
                let draft = self.draft(now);
                turn.draft_statement(&draft, &self.by).await?;
                armed = turn.finish(Transition::Noted).await?.1;
                let etag = etag::of(draft.revision);
                receipt::complete(tx, &self.receipt, &draft.name.to_string(), &etag).await?;
                draft.name
            }
        };
        let found = statements::get(tx, site, name.id).await?;
        let statement = found.ok_or_else(|| Fault::not_found("Statement", &name))?;
        let shown = view::load(tx, self.desk, statement, stage).await?;
        Ok((shown, armed))
    }
}
