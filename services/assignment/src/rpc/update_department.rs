//! Changes what a department is called, in either language. Its people are told of anew, since messages name it with them.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::DepartmentName;
use redress_proto::assignment::v1::{UpdateDepartmentRequest, UpdateDepartmentResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
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
    let paths = parse::paths(request.update_mask)?;
    let unknown = |path: &str| !["display_name", "display_name_en"].contains(&path);
    if let Some(i) = paths.iter().position(|path| unknown(path)) {
        let field = format!("update_mask.paths[{i}]");
        return Err(Fault::invalid(
            field,
            "must be display_name or display_name_en",
        ));
    }
    let named = |path: &str, text: String| paths.iter().any(|p| p == path).then_some(text);
    let operation = Update {
        receipt,
        display_name: named("display_name", given.display_name),
        display_name_en: named("display_name_en", given.display_name_en),
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

struct Update {
    receipt: ReceiptKey,
    name: DepartmentName,
    display_name: Option<String>,
    display_name_en: Option<String>,
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
        if let Some(text) = &self.display_name {
            after.display_name.clone_from(text);
        }
        if let Some(text) = &self.display_name_en {
            after.display_name_en.clone_from(text);
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
