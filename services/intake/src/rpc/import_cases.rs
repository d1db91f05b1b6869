//! ImportCases: each row is taken in by itself, in order, and gets its own result. The caller's pace is the
//! brake: the next row is read when the last one's result is taken.

use std::sync::Arc;

use futures::StreamExt as _;
use redress_model::fault::parse_field;
use redress_model::name::SiteName;
use redress_model::words::CaseMode;
use redress_model::{Fault, Violation};
use redress_proto::convert::required;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_rpc::watch::Stream;
use tonic::{Request, Streaming};

use super::create_case::{Entry, take_in};
use crate::domain::check::Check;
use crate::intake::Intake;

const METHOD: &str = "redress.intake.v1.CaseService/ImportCases";
/// Longest id of a row, in characters.
const ROW_ID_LENGTH_MAX: usize = 128;
/// Longest parent, in characters.
const PARENT_LENGTH_MAX: usize = 200;

/// Answers ImportCases.
pub(super) fn import(
    intake: &Arc<Intake>,
    request: Request<Streaming<pb::ImportCasesRequest>>,
) -> Result<Stream<pb::ImportCasesResponse>, Fault> {
    let caller = Arc::new(Caller::of(&request)?.clone());
    let intake = Arc::clone(intake);
    let results = request.into_inner().then(move |row| {
        let (intake, caller) = (Arc::clone(&intake), Arc::clone(&caller));
        async move {
            let row = row?;
            let row_id = row.row_id.chars().take(ROW_ID_LENGTH_MAX).collect();
            Ok(match import_row(&intake, &caller, row).await {
                Ok(case) => pb::ImportCasesResponse {
                    row_id,
                    case: case.name,
                    number: case.number,
                    ..Default::default()
                },
                Err(fault) => failed(row_id, &fault),
            })
        }
    });
    Ok(Box::pin(results))
}

async fn import_row(
    intake: &Intake,
    caller: &Caller,
    mut row: pb::ImportCasesRequest,
) -> Result<pb::Case, Fault> {
    let row_id = std::mem::take(&mut row.row_id);
    let mut check = Check::new();
    let is_too_long = row_id.chars().count() > ROW_ID_LENGTH_MAX;
    if row_id.trim().is_empty() || row_id.contains('\0') || is_too_long {
        let rule = format!("must hold 1 to {ROW_ID_LENGTH_MAX} characters");
        check.wrong("row_id", rule);
    }
    let site = if row.parent.chars().count() > PARENT_LENGTH_MAX {
        let rule = format!("must hold at most {PARENT_LENGTH_MAX} characters");
        check.wrong("parent", rule);
        None
    } else {
        check.take(parse_field::<SiteName>("parent", &row.parent))
    };
    let mode = check.take(required::<CaseMode>("mode", row.mode));
    if row.case.is_none() {
        check.wrong("case", "must be given");
    }
    check.finish()?;
    let (Some(SiteName(site)), Some(mode), Some(wire)) = (site, mode, row.case.clone()) else {
        return Err(Fault::internal("a checked row lacks a part"));
    };
    let receipt = intake.receipt(caller, METHOD, Some(&site), &row_id, &row);
    let entry = Entry {
        site,
        mode,
        wire: &wire,
        receipt,
        validate_only: false,
    };
    take_in(intake, caller, entry).await.map_err(of_row)
}

/// A row has its id where other requests have their `request_id`, so that is what its sender is told of.
fn of_row(mut fault: Fault) -> Fault {
    if let Fault::Invalid {
        reason: "REQUEST_ID_REUSED",
        violations,
    } = &mut fault
    {
        *violations = vec![Violation {
            field: "row_id".to_owned(),
            description: "was used for a row of other content; give this one another id".to_owned(),
        }];
    }
    fault
}

fn failed(row_id: String, fault: &Fault) -> pb::ImportCasesResponse {
    if let Fault::Internal { source } = fault {
        tracing::error!(error = %source, "an imported row failed");
    }
    let violations = match fault {
        Fault::Invalid { violations, .. } => violations
            .iter()
            .map(|v| pb::ImportViolation {
                field: v.field.clone(),
                description: v.description.clone(),
            })
            .collect(),
        other => vec![pb::ImportViolation {
            field: String::new(),
            description: other.to_string(),
        }],
    };
    pb::ImportCasesResponse {
        row_id,
        reason: fault.reason().to_owned(),
        violations,
        transient: fault.is_transient(),
        ..Default::default()
    }
}
