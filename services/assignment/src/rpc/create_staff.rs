//! Adds a person. A site whose cases nobody could be responsible for yet gets its owners in the same step.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{StaffId, StaffName};
use redress_proto::assignment::v1::{CreateStaffRequest, CreateStaffResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
use crate::store::contacts::{self, ContactPoint};
use crate::store::staff::{self, Staff};
use crate::store::{bench, outbox, sites, work};

const METHOD: &str = "redress.assignment.v1.RosterService/CreateStaff";

pub(super) async fn run(
    shared: &Shared,
    request: Request<CreateStaffRequest>,
) -> Result<CreateStaffResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let id: StaffId = parse_field("staff_id", &request.staff_id)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let given = request.staff.unwrap_or_default();
    let points = parse::contact_points("staff.contact_points", &given.contact_points)?;
    let department = parse::department_of("staff.department", Some(&site), &given.department)?;
    let now = shared.clock.now();
    let operation = Create {
        receipt,
        keyring: Arc::clone(&shared.keyring),
        staff: Staff {
            name: StaffName::new(site, id),
            display_name: given.display_name,
            display_name_en: given.display_name_en,
            department,
            skills: given.skills,
            languages: given.languages,
            account: Some(given.account).filter(|a| !a.is_empty()),
            max_open_cases: Some(given.max_open_cases).filter(|n| *n > 0),
            retired: given.retired,
            contact_kinds: points.iter().map(|p| p.kind.clone()).collect(),
            open_cases: 0,
            created_at: now,
            updated_at: now,
            revision: 1,
        },
        points,
        actor: caller.subject.clone(),
        now,
    };
    let staff = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(CreateStaffResponse {
        staff: Some(render::staff(staff)),
    })
}

struct Create {
    receipt: ReceiptKey,
    keyring: Arc<Keyring>,
    staff: Staff,
    points: Vec<ContactPoint>,
    actor: String,
    now: Timestamp,
}

impl Operation for Create {
    const NAME: &'static str = "assignment.create_staff";
    type Output = Staff;

    async fn run(&self, tx: &mut Tx) -> Result<Staff, Fault> {
        let name = &self.staff.name;
        sites::require(tx, &name.site).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return staff::get(tx, name).await;
        }
        bench::lock(tx, &name.site).await?;
        staff::insert(tx, &self.staff).await?;
        contacts::replace(tx, &self.keyring, name, &self.points, self.now).await?;
        outbox::staff_changed(tx, &self.staff).await?;
        work::settle(tx, &name.site, None, &self.actor, self.now).await?;
        let etag = etag::of(self.staff.revision);
        receipt::complete(tx, &self.receipt, &name.to_string(), &etag).await?;
        staff::get(tx, name).await
    }
}
