//! Opens the contact points of a person for a service, and keeps who asked and why.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{DepartmentName, StaffName};
use redress_proto::assignment::v1::{
    ContactPoint, ReadStaffContactPointsRequest, ReadStaffContactPointsResponse,
};
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::store::{contacts, departments, staff};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ReadStaffContactPointsRequest>,
) -> Result<ReadStaffContactPointsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let service = caller.require_service()?.to_owned();
    let scope = redress_runtime::scope(caller);
    let request = request.into_inner();
    let operation = Read {
        keyring: Arc::clone(&shared.keyring),
        name: parse_field("name", &request.name)?,
        service,
        purpose: request.purpose,
        now: shared.clock.now(),
    };
    shared.db.run(&scope, &operation).await
}

struct Read {
    keyring: Arc<Keyring>,
    name: StaffName,
    service: String,
    purpose: String,
    now: Timestamp,
}

impl Operation for Read {
    const NAME: &'static str = "assignment.read_staff_contact_points";
    type Output = ReadStaffContactPointsResponse;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let staff = staff::get(tx, &self.name).await?;
        contacts::record_access(tx, &self.name, &self.service, &self.purpose, self.now).await?;
        let points = if staff.retired {
            Vec::new()
        } else {
            contacts::open(tx, &self.keyring, &self.name).await?
        };
        let (department, department_en) = match &staff.department {
            Some(id) => {
                let name = DepartmentName::new(self.name.site.clone(), id.clone());
                let department = departments::get(tx, &name).await?;
                (department.display_name, department.display_name_en)
            }
            None => Default::default(),
        };
        Ok(ReadStaffContactPointsResponse {
            department_display_name: department,
            department_display_name_en: department_en,
            contact_points: points
                .into_iter()
                .map(|p| ContactPoint {
                    kind: render::kind(&p.kind),
                    value: p.value.to_string(),
                })
                .collect(),
            language: staff.languages.into_iter().next().unwrap_or_default(),
            revision: staff.revision,
            display_name: staff.display_name,
            display_name_en: staff.display_name_en,
            retired: staff.retired,
        })
    }
}
