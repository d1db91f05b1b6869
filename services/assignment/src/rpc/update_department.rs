//! Changes what a department is called, in either language. Its people are told of anew, since messages name it with them.

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::DepartmentName;
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{
    self as wire, UpdateDepartmentRequest, UpdateDepartmentResponse,
};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::store::departments::{self, Department};
use crate::store::staff::{self, Filter};
use crate::store::{bench, outbox};

const METHOD: &str = "redress.assignment.v1.RosterService/UpdateDepartment";

pub(super) async fn run(
    shared: &Shared,
    request: Request<UpdateDepartmentRequest>,
) -> Result<UpdateDepartmentResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let given = request.department.clone().unwrap_or_default();
    let name: DepartmentName = parse_field("department.name", &given.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &name.site, request_id, &request);
    let paths = request.update_mask.unwrap_or_default().paths;
    let operation = Update {
        receipt,
        changes: changes(&given, &paths)?,
        name,
        etag: request.etag,
        now: shared.clock.now(),
    };
    let department = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(UpdateDepartmentResponse {
        department: Some(render::department(department)),
    })
}

/// One field with its new value.
enum Change {
    DisplayName(String),
    DisplayNameEn(String),
}

fn changes(given: &wire::Department, paths: &[String]) -> Result<Vec<Change>, Fault> {
    if paths.is_empty() {
        return Err(Fault::invalid(
            "update_mask",
            "must name at least one field",
        ));
    }
    let mut changes = Vec::new();
    let mut violations = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        match path.as_str() {
            "display_name" => changes.push(Change::DisplayName(given.display_name.clone())),
            "display_name_en" => changes.push(Change::DisplayNameEn(given.display_name_en.clone())),
            _ => violations.push(Violation {
                field: format!("update_mask.paths[{i}]"),
                description: "must be display_name or display_name_en".to_owned(),
            }),
        }
    }
    if violations.is_empty() {
        Ok(changes)
    } else {
        Err(Fault::violations(violations))
    }
}

struct Update {
    receipt: ReceiptKey,
    name: DepartmentName,
    changes: Vec<Change>,
    etag: String,
    now: Timestamp,
}

impl Operation for Update {
    const NAME: &'static str = "assignment.update_department";
    type Output = Department;

    async fn run(&self, tx: &mut Tx) -> Result<Department, Fault> {
        bench::lock(tx, &self.name.site).await?;
        let before = departments::get(tx, &self.name).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        etag::check(&self.etag, before.revision, &self.name)?;

        let mut after = before.clone();
        for change in &self.changes {
            match change {
                Change::DisplayName(text) => after.display_name.clone_from(text),
                Change::DisplayNameEn(text) => after.display_name_en.clone_from(text),
            }
        }
        if after != before {
            after.revision += 1;
            departments::rename(tx, &after).await?;
            let people = Filter {
                site: Some(self.name.site.clone()),
                department: Some(self.name.id.clone()),
                show_retired: false,
            };
            for person in staff::list(tx, &people, None, i64::MAX).await? {
                outbox::staff_changed(tx, &person).await?;
            }
        }
        let etag = etag::of(after.revision);
        receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        Ok(after)
    }
}
