//! Asks a department to help on a case that another leads (M03).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{CaseName, DepartmentId, DepartmentName, StaffId, SupportName};
use redress_proto::assignment::v1::{RequestSupportRequest, RequestSupportResponse};
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, end_of, render};
use crate::domain::routing::helper;
use crate::domain::work::{Work, is_live};
use crate::rpc::asked::require_part;
use crate::rpc::{parse, require_present, visible_work};
use crate::store::supports::{self, Support, SupportState};
use crate::store::{bench, departments};

const METHOD: &str = "redress.assignment.v1.StaffingService/RequestSupport";

/// How long a department has where nobody says, in hours (own).
const LIMIT_HOURS: i64 = 24;

pub(super) async fn run(
    shared: &Shared,
    request: Request<RequestSupportRequest>,
) -> Result<RequestSupportResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &case.site, request_id, &request);
    let given = request.support.unwrap_or_default();
    parse::storable("support.task", &given.task)?;
    let department =
        parse::department_of("support.department", Some(&case.site), &given.department)?
            .ok_or_else(|| Fault::invalid("support.department", "must be given"))?;
    let now = shared.clock.now();
    let operation = Ask {
        receipt,
        staff: parse::staff_of("support.staff", Some(&case.site), &given.staff)?,
        department,
        task: given.task,
        due: end_of(request.limit.as_ref(), LIMIT_HOURS, now),
        case,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let support = shared.db.run(&scope, &operation).await?;
    Ok(RequestSupportResponse {
        support: Some(render::support(support)),
    })
}

struct Ask<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    department: DepartmentId,
    staff: Option<StaffId>,
    task: String,
    due: Timestamp,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Ask<'_> {
    const NAME: &'static str = "assignment.request_support";
    type Output = Support;

    async fn run(&self, tx: &mut Tx) -> Result<Support, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let work = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let name: SupportName = parse_field("name", &resource).map_err(Fault::internal)?;
            let known = supports::find(tx, &name).await?;
            return known.ok_or_else(|| Fault::not_found("Support", &name));
        }
        require_part(tx, self.caller, &work, self.now).await?;
        let support = Support {
            id: new_id(self.now),
            case: self.case.clone(),
            staff: self.choose(tx, &work).await?,
            department: self.department.clone(),
            task: self.task.clone(),
            state: SupportState::Requested,
            created_at: self.now,
            due: self.due,
            ended_at: None,
        };
        supports::insert(tx, &support).await?;
        supports::tell(tx, &support, &self.caller.subject).await?;
        let name = SupportName::new(self.case.site.clone(), support.id).to_string();
        receipt::complete(tx, &self.receipt, &name, "").await?;
        Ok(support)
    }
}

impl Ask<'_> {
    async fn choose(&self, tx: &mut Tx, work: &Work) -> Result<StaffId, Fault> {
        let name = parse::work_name(&self.case);
        if !is_live(work.status) || work.decision.is_none() {
            let text = format!(
                "help is for a graded case that lives, this one is {}",
                work.status
            );
            return Err(Fault::illegal("NOT_SUPPORTABLE", text, name));
        }
        let site = &self.case.site;
        let department = DepartmentName::new(site.clone(), self.department.clone());
        departments::get(tx, &department)
            .await
            .map_err(|fault| match fault {
                Fault::NotFound { .. } => Fault::invalid("support.department", "does not exist"),
                other => other,
            })?;
        if work.department.as_ref() == Some(&self.department) {
            return Err(Fault::invalid("support.department", "leads the case"));
        }
        let bench = bench::load(tx, site, self.now).await?;
        let excluded = &work.facts.excluded;
        match &self.staff {
            Some(staff) if bench.may_handle(staff, excluded) => {
                require_present(&bench, staff, name)?;
                Ok(staff.clone())
            }
            Some(_) => {
                let text = "must be somebody who works here and may handle the case";
                Err(Fault::invalid("support.staff", text))
            }
            None => helper(&self.department, excluded, &bench, self.now).ok_or_else(|| {
                let text = format!(
                    "nobody of {} may help on the case; name somebody",
                    self.department
                );
                Fault::illegal("NOT_SUPPORTABLE", text, name)
            }),
        }
    }
}
