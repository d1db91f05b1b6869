//! Gets a person.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::StaffName;
use redress_proto::assignment::v1::{GetStaffRequest, GetStaffResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::store::staff::{self, Staff};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetStaffRequest>,
) -> Result<GetStaffResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let name = parse_field("name", &request.get_ref().name)?;
    let staff = shared.db.read(&scope, &Get(name)).await?;
    Ok(GetStaffResponse {
        staff: Some(render::staff(staff)),
    })
}

struct Get(StaffName);

impl Operation for Get {
    const NAME: &'static str = "assignment.get_staff";
    type Output = Staff;

    async fn run(&self, tx: &mut Tx) -> Result<Staff, Fault> {
        staff::get(tx, &self.0).await
    }
}
