//! UpdateStatement: another version of a draft. The caller becomes one of its authors.

use redress_model::Fault;
use redress_model::fault::Violation;
use redress_proto::codec::Checked as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use tonic::Request;

use super::super::command::Order;
use super::command::Command;
use super::create_statement::{content, may_override};
use super::{Statements, command::run};
use crate::domain::statement::{Content, Person};
use crate::flow::{StatementCase, Turn};

const METHOD: &str = "redress.crisis.v1.StatementService/UpdateStatement";

/// The fields that may change.
const FIELDS: [&str; 6] = [
    "audience",
    "language",
    "text",
    "facts",
    "wording_override_reason",
    "correction_reason",
];

pub(super) async fn handle(
    api: &Statements,
    request: &Request<wire::UpdateStatementRequest>,
) -> Result<wire::UpdateStatementResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let sent = r.statement.clone().unwrap_or_default();
    let paths = r.update_mask.clone().unwrap_or_default().paths;
    if paths.is_empty() || paths.iter().any(|p| !FIELDS.contains(&p.as_str())) {
        let text = format!(
            "must name at least one of {}, and nothing else",
            FIELDS.join(", ")
        );
        return Err(Fault::invalid("update_mask", text));
    }
    let unidentified = wire::UpdateStatementRequest {
        request_id: String::new(),
        ..r.clone()
    };
    let order = Order {
        method: METHOD,
        field: "statement.name",
        name: &sent.name,
        etag: &r.etag,
        request_id: &r.request_id,
        fingerprint: api.incidents.fingerprints.of(METHOD, &unidentified),
    };
    let content = content(&masked(&sent, &paths)?)?;
    if paths.iter().any(|p| p == "wording_override_reason") {
        may_override(caller, &content)?;
    }
    let update = Update { content, paths };
    let statement = run(api, caller, order, update).await?;
    Ok(wire::UpdateStatementResponse {
        statement: Some(statement),
    })
}

/// What is sent as far as the mask names it, in a draft that keeps every rule: nothing else is asked of the caller.
fn masked(sent: &wire::Statement, paths: &[String]) -> Result<wire::Statement, Fault> {
    let mut statement = wire::Statement {
        kind: wire::StatementKind::Update.into(),
        audience: wire::Audience::Staff.into(),
        language: "en".to_owned(),
        text: "–".to_owned(),
        ..Default::default()
    };
    for path in paths {
        match path.as_str() {
            "audience" => statement.audience = sent.audience,
            "language" => statement.language.clone_from(&sent.language),
            "text" => statement.text.clone_from(&sent.text),
            "wording_override_reason" => {
                statement
                    .wording_override_reason
                    .clone_from(&sent.wording_override_reason);
            }
            "correction_reason" => {
                statement
                    .correction_reason
                    .clone_from(&sent.correction_reason);
            }
            _ => statement.facts.clone_from(&sent.facts),
        }
    }
    let create = wire::CreateStatementRequest {
        parent: "sites/-".to_owned(),
        statement: Some(statement),
        request_id: String::new(),
    };
    if let Err(broken) = create.check() {
        let violations = broken.violations().iter().map(|v| Violation {
            field: v.field_path(),
            description: v.message().to_owned(),
        });
        return Err(Fault::violations(violations.collect()));
    }
    Ok(create.statement.unwrap_or_default())
}

struct Update {
    content: Content,
    paths: Vec<String>,
}

impl Command for Update {
    const NAME: &'static str = "crisis.update_statement";

    async fn act(
        &self,
        turn: &mut Turn<'_>,
        case: StatementCase,
        by: &Person,
    ) -> Result<(), Fault> {
        let mut statement = case.statement.clone();
        let sent = self.content.clone();
        for path in &self.paths {
            match path.as_str() {
                "audience" => statement.content.audience = sent.audience,
                "language" => statement.content.language.clone_from(&sent.language),
                "text" => statement.content.text.clone_from(&sent.text),
                "wording_override_reason" => {
                    statement
                        .content
                        .wording_reason
                        .clone_from(&sent.wording_reason);
                }
                "correction_reason" => statement.content.correction.clone_from(&sent.correction),
                _ => statement.content.facts.clone_from(&sent.facts),
            }
        }
        turn.rewrite(&case, statement, by).await
    }
}
