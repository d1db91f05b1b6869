//! Lends a person to another department until an end (M13).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{DepartmentName, LoanName, SiteId, StaffName};
use redress_proto::assignment::v1::{BorrowStaffRequest, BorrowStaffResponse};
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::WorkNews;
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::{Shared, person, render};
use crate::rpc::parse;
use crate::store::demands::{self, Loan};
use crate::store::{bench, departments, notices, sites, staff};

const METHOD: &str = "redress.assignment.v1.StaffingService/BorrowStaff";

pub(super) async fn run(
    shared: &Shared,
    request: Request<BorrowStaffRequest>,
) -> Result<BorrowStaffResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let given = request.loan.unwrap_or_default();
    let now = shared.clock.now();
    let start = given.start_time.as_ref();
    let from = start.map_or(Ok(now), |t| from_timestamp("loan.start_time", t))?;
    let until = from_timestamp("loan.end_time", &given.end_time.unwrap_or_default())?;
    if until <= from {
        return Err(Fault::invalid("loan.end_time", "must be after start_time"));
    }
    let department = parse::department_of("loan.department", Some(&site), &given.department)?
        .ok_or_else(|| Fault::invalid("loan.department", "must be given"))?;
    let operation = Borrow {
        receipt,
        id: new_id(now),
        loan: Loan {
            staff: person("loan.staff", &site, &given.staff)?,
            department,
            from,
            until,
        },
        site,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let (id, loan) = shared.db.run(&scope, &operation).await?;
    Ok(BorrowStaffResponse {
        loan: Some(render::loan(&operation.site, id, &loan)),
    })
}

struct Borrow {
    receipt: ReceiptKey,
    site: SiteId,
    id: Uuid,
    loan: Loan,
    now: Timestamp,
}

impl Operation for Borrow {
    const NAME: &'static str = "assignment.borrow_staff";
    type Output = (Uuid, Loan);

    async fn run(&self, tx: &mut Tx) -> Result<(Uuid, Loan), Fault> {
        let (site, loan) = (&self.site, &self.loan);
        sites::require(tx, site).await?;
        bench::lock(tx, site).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: LoanName = parse_field("name", &resource).map_err(Fault::internal)?;
            let known = demands::loan(tx, site, name.id).await?;
            return Ok((name.id, known.unwrap_or_else(|| loan.clone())));
        }
        let gone = |field: &'static str| {
            move |fault| match fault {
                Fault::NotFound { .. } => Fault::invalid(field, "does not exist or has retired"),
                other => other,
            }
        };
        let name = StaffName::new(site.clone(), loan.staff.clone());
        let person = staff::get(tx, &name).await.map_err(gone("loan.staff"))?;
        if person.retired {
            return Err(Fault::invalid(
                "loan.staff",
                "does not exist or has retired",
            ));
        }
        let name = DepartmentName::new(site.clone(), loan.department.clone());
        departments::get(tx, &name)
            .await
            .map_err(gone("loan.department"))?;
        if person.department.as_ref() == Some(&loan.department) {
            return Err(Fault::invalid("loan.department", "is the person's own"));
        }
        if demands::is_lent(tx, site, &loan.staff, loan.from, loan.until).await? {
            return Err(Fault::invalid("loan.staff", "is lent already in that time"));
        }
        demands::lend(tx, site, self.id, loan).await?;
        let name = LoanName::new(site.clone(), self.id).to_string();
        let (resource, news) = (name.clone(), WorkNews::LoanBegan);
        notices::loan(tx, site, resource, loan, news, self.now).await?;
        receipt::complete(tx, &self.receipt, &name, "").await?;
        Ok((self.id, loan.clone()))
    }
}
