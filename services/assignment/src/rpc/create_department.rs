//! Makes a department.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{DepartmentId, DepartmentName, SiteId};
use redress_proto::assignment::v1::{CreateDepartmentRequest, CreateDepartmentResponse};
use redress_proto::convert::from_wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
use crate::store::departments::{self, Department};
use crate::store::sites;

const METHOD: &str = "redress.assignment.v1.RosterService/CreateDepartment";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateDepartmentRequest>,
) -> Result<CreateDepartmentResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let id: DepartmentId = parse_field("department_id", &request.department_id)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let given = request.department.unwrap_or_default();
    let now = shared.clock.now();
    let operation = Create {
        receipt,
        department: Department {
            name: DepartmentName::new(site, id),
            display_name: given.display_name,
            display_name_en: given.display_name_en,
            categories: given.categories.into_iter().filter_map(from_wire).collect(),
            created_at: now,
            revision: 1,
        },
        now,
    };
    let department = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CreateDepartmentResponse {
        department: Some(render::department(department)),
    })
}

struct Create {
    receipt: ReceiptKey,
    department: Department,
    now: Timestamp,
}

impl Operation for Create {
    const NAME: &'static str = "assignment.create_department";
    type Output = Department;

    async fn run(&self, tx: &mut Tx) -> Result<Department, Fault> {
        let name = &self.department.name;
        let site: &SiteId = &name.site;
        sites::require(tx, site).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return departments::get(tx, name).await;
        }
        departments::insert(tx, &self.department).await?;
        let etag = etag::of(self.department.revision);
        receipt::complete(tx, &self.receipt, &name.to_string(), &etag).await?;
        Ok(self.department.clone())
    }
}
