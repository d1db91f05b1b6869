//! Changes the named fields of a person. Whoever retires hands over in the same step.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::fault::parse_field;
use redress_model::name::{DepartmentId, StaffName};
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{self as wire, UpdateStaffRequest, UpdateStaffResponse};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Keyring, Operation, Tx};
use tonic::Request;

use super::{Shared, parse, render};
use crate::store::contacts::{self, ContactPoint};
use crate::store::staff::{self, Staff};
use crate::store::{bench, outbox, work};

const METHOD: &str = "redress.assignment.v1.RosterService/UpdateStaff";

pub(super) async fn run(
    shared: &Shared,
    request: Request<UpdateStaffRequest>,
) -> Result<UpdateStaffResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let given = request.staff.clone().unwrap_or_default();
    let name: StaffName = parse_field("staff.name", &given.name)?;
    caller.require_site(&name.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &name.site, request_id, &request);
    let paths = parse::paths(request.update_mask)?;
    let operation = Update {
        receipt,
        keyring: Arc::clone(&shared.keyring),
        changes: changes(&name, given, &paths)?,
        name,
        etag: request.etag,
        actor: caller.subject.clone(),
        now: shared.clock.now(),
    };
    let staff = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(UpdateStaffResponse {
        staff: Some(render::staff(staff)),
    })
}

/// One field with its new value.
enum Change {
    DisplayName(String),
    DisplayNameEn(String),
    Department(Option<DepartmentId>),
    Skills(Vec<String>),
    Languages(Vec<String>),
    Account(Option<String>),
    ContactPoints(Vec<ContactPoint>),
    MaxOpenCases(Option<i32>),
    Retired(bool),
}

fn changes(name: &StaffName, given: wire::Staff, paths: &[String]) -> Result<Vec<Change>, Fault> {
    let mut changes = Vec::new();
    let mut violations = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        changes.push(match path.as_str() {
            "display_name" => Change::DisplayName(given.display_name.clone()),
            "display_name_en" => Change::DisplayNameEn(given.display_name_en.clone()),
            "department" => Change::Department(parse::department_of(
                "staff.department",
                Some(&name.site),
                &given.department,
            )?),
            "skills" => Change::Skills(given.skills.clone()),
            "languages" => Change::Languages(given.languages.clone()),
            "account" => {
                Change::Account(Some(given.account.clone()).filter(|account| !account.is_empty()))
            }
            "contact_points" => Change::ContactPoints(parse::contact_points(
                "staff.contact_points",
                &given.contact_points,
            )?),
            "max_open_cases" => Change::MaxOpenCases(Some(given.max_open_cases).filter(|n| *n > 0)),
            "retired" => Change::Retired(given.retired),
            _ => {
                violations.push(Violation {
                    field: format!("update_mask.paths[{i}]"),
                    description:
                        "must be one of display_name, display_name_en, department, skills, languages, account, \
                                  contact_points, max_open_cases, retired"
                            .to_owned(),
                });
                continue;
            }
        });
    }
    if violations.is_empty() {
        Ok(changes)
    } else {
        Err(Fault::violations(violations))
    }
}

struct Update {
    receipt: ReceiptKey,
    keyring: Arc<Keyring>,
    name: StaffName,
    changes: Vec<Change>,
    etag: String,
    actor: String,
    now: Timestamp,
}

impl Operation for Update {
    const NAME: &'static str = "assignment.update_staff";
    type Output = Staff;

    async fn run(&self, tx: &mut Tx) -> Result<Staff, Fault> {
        bench::lock(tx, &self.name.site).await?;
        let before = staff::get(tx, &self.name).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        etag::check(&self.etag, before.revision, &self.name)?;

        let mut after = before.clone();
        let mut points = None;
        for change in &self.changes {
            match change {
                Change::DisplayName(text) => after.display_name.clone_from(text),
                Change::DisplayNameEn(text) => after.display_name_en.clone_from(text),
                Change::Department(department) => after.department.clone_from(department),
                Change::Skills(skills) => after.skills.clone_from(skills),
                Change::Languages(languages) => after.languages.clone_from(languages),
                Change::Account(account) => after.account.clone_from(account),
                Change::ContactPoints(given) => points = Some(given),
                Change::MaxOpenCases(limit) => after.max_open_cases = *limit,
                Change::Retired(retired) => after.retired = *retired,
            }
        }
        if after != before || points.is_some() {
            after.revision += 1;
            after.updated_at = self.now;
            staff::update(tx, &after).await?;
            if let Some(points) = points {
                contacts::replace(tx, &self.keyring, &self.name, points, self.now).await?;
            }
            outbox::staff_changed(tx, &after).await?;
            if after.retired != before.retired {
                let (site, id) = (&self.name.site, &self.name.id);
                work::settle(tx, site, Some(id), &self.actor, self.now).await?;
            }
        }
        let etag = etag::of(after.revision);
        receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        staff::get(tx, &self.name).await
    }
}
