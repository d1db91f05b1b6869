//! ApplyWordingRules: a level adds, replaces or switches off rules.

use redress_model::Fault;
use redress_model::fault::{Violation, parse_field};
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::receipt::ReceiptKey;
use redress_wording::Document;
use tonic::Request;

use super::Wording;
use crate::domain::texts::{Subject, TextScope};
use crate::rpc::texts::{self, Apply};

const METHOD: &str = "redress.notification.v1.WordingService/ApplyWordingRules";

pub(super) async fn handle(
    service: &Wording,
    request: Request<proto::ApplyWordingRulesRequest>,
) -> Result<proto::ApplyWordingRulesResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let scope: TextScope = parse_field("parent", &asked.parent)?;
    texts::plain(&[("reason", &asked.reason), ("document", &asked.document)])?;
    let document = Document::parse(&asked.document).map_err(|problems| {
        Fault::violations(
            problems
                .into_iter()
                .map(|problem| Violation {
                    field: "document".to_owned(),
                    description: problem.to_string(),
                })
                .collect(),
        )
    })?;
    let now = service.clock.now();
    let unnumbered = proto::ApplyWordingRulesRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let apply = Apply {
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: texts::receipt_site(&scope),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        subject: Subject::Wording,
        document: asked.document.clone(),
        disable: document.disable,
        effective: texts::effective(asked.effective_time.as_ref(), now)?,
        reason: asked.reason.clone(),
        overridden: Vec::new(),
        etag: asked.etag.clone(),
        scope,
        caller,
        now,
    };
    let (row, _) = redress_runtime::sight(caller)
        .run(&service.db, &apply)
        .await?;
    Ok(proto::ApplyWordingRulesResponse {
        revision: Some(super::revision(row)),
    })
}
