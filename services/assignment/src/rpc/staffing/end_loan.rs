//! Ends a loan now.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::LoanName;
use redress_proto::assignment::v1::{EndLoanRequest, EndLoanResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render};
use crate::store::bench;
use crate::store::demands::{self, Loan};

pub(super) async fn run(
    shared: &Shared,
    request: Request<EndLoanRequest>,
) -> Result<EndLoanResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let name: LoanName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let operation = End {
        name,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let loan = shared.db.run(&scope, &operation).await?;
    let name = &operation.name;
    Ok(EndLoanResponse {
        loan: Some(render::loan(&name.site, name.id, &loan)),
    })
}

struct End {
    name: LoanName,
    now: Timestamp,
}

impl Operation for End {
    const NAME: &'static str = "assignment.end_loan";
    type Output = Loan;

    async fn run(&self, tx: &mut Tx) -> Result<Loan, Fault> {
        let (site, id) = (&self.name.site, self.name.id);
        bench::lock(tx, site).await?;
        demands::end_loan(tx, site, id, self.now).await?;
        demands::tell_end(tx, &self.name, self.now).await?;
        let loan = demands::loan(tx, site, id).await?;
        loan.ok_or_else(|| Fault::not_found("Loan", &self.name))
    }
}
