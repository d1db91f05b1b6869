//! Sets what a site gives beyond the law: it may only raise.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{SetSiteWarrantyRequest, SetSiteWarrantyResponse};
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names};
use super::{parse, render};
use crate::domain::practice::law::cn;
use crate::domain::practice::warranty::{Term, raises, rules};
use crate::store::{sites, units};

const METHOD: &str = "redress.assignment.v1.WarrantyService/SetSiteWarranty";

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetSiteWarrantyRequest>,
) -> Result<SetSiteWarrantyResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = names::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let receipt = shared.receipt(&caller, METHOD, &site, request_id, &request);
    let terms = parse::terms("terms", request.terms)?;
    for (i, term) in terms.iter().enumerate() {
        if !raises(cn(), term) {
            return Err(Fault::invalid(
                format!("terms[{i}].months"),
                format!(
                    "must be more than the law gives for {}: sites may only raise",
                    term.class
                ),
            ));
        }
    }
    let set = Set {
        receipt,
        site,
        terms,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let terms = shared.db.run(&scope, &set).await?;
    Ok(SetSiteWarrantyResponse {
        rules: rules(cn(), &terms, &[])
            .into_iter()
            .map(render::rule)
            .collect(),
    })
}

struct Set {
    receipt: ReceiptKey,
    site: SiteId,
    terms: Vec<Term>,
    now: Timestamp,
}

impl Operation for Set {
    const NAME: &'static str = "assignment.set_site_warranty";
    type Output = Vec<Term>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Term>, Fault> {
        sites::require(tx, &self.site).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return units::site_terms(tx, &self.site).await;
        }
        units::set_site_terms(tx, &self.site, &self.terms).await?;
        receipt::complete(tx, &self.receipt, &format!("sites/{}", self.site), "").await?;
        units::site_terms(tx, &self.site).await
    }
}
