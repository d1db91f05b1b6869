//! Lists every length of warranty that holds at a site, with its legal source.

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{ListWarrantyRulesRequest, ListWarrantyRulesResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names};
use super::render;
use crate::domain::practice::law::cn;
use crate::domain::practice::warranty::{Term, rules};
use crate::store::{sites, units};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ListWarrantyRulesRequest>,
) -> Result<ListWarrantyRulesResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let site = names::site(&request.get_ref().parent)?;
    let terms = shared.db.read(&scope, &SiteTerms(site)).await?;
    Ok(ListWarrantyRulesResponse {
        rules: rules(cn(), &terms, &[])
            .into_iter()
            .map(render::rule)
            .collect(),
    })
}

struct SiteTerms(SiteId);

impl Operation for SiteTerms {
    const NAME: &'static str = "assignment.list_warranty_rules";
    type Output = Vec<Term>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Term>, Fault> {
        sites::require(tx, &self.0).await?;
        units::site_terms(tx, &self.0).await
    }
}
