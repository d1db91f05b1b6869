//! Gets a department.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::DepartmentName;
use redress_proto::assignment::v1::{GetDepartmentRequest, GetDepartmentResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::store::departments::{self, Department};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetDepartmentRequest>,
) -> Result<GetDepartmentResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let name = parse_field("name", &request.get_ref().name)?;
    let department = shared.db.read(&scope, &Get(name)).await?;
    Ok(GetDepartmentResponse {
        department: Some(render::department(department)),
    })
}

struct Get(DepartmentName);

impl Operation for Get {
    const NAME: &'static str = "assignment.get_department";
    type Output = Department;

    async fn run(&self, tx: &mut Tx) -> Result<Department, Fault> {
        departments::get(tx, &self.0).await
    }
}
