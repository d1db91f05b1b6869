//! Says whether a defect is within warranty, by every source and its dates (section 10).

use redress_model::Fault;
use redress_model::name::SiteId;
use redress_policy::Practice;
use redress_proto::assignment::v1::{ExplainWarrantyRequest, ExplainWarrantyResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::Shared;
use super::{parse, render};
use crate::domain::practice::law::{DefectClass, cn};
use crate::domain::practice::warranty::{Term, Unit, explain};
use crate::store::{policy, units};

pub(super) async fn run(
    shared: &Shared,
    request: Request<ExplainWarrantyRequest>,
) -> Result<ExplainWarrantyResponse, Fault> {
    let scope = redress_runtime::scope(Caller::of(&request)?);
    let request = request.into_inner();
    let (site, unit) = parse::unit_name("name", &request.name)?;
    let class: DefectClass = required("defect_class", request.defect_class)?;
    let reported = parse::day("report_date", &request.report_date)?;
    let (practice, site_terms, unit) = shared.db.read(&scope, &Find { site, unit }).await?;
    let explained = explain(cn(), &practice, &site_terms, &unit, class, reported);
    let end = explained.end;
    let explanation = match (explained.start, end) {
        (_, Some(end)) if explained.covered => {
            format!("within warranty: {reported} is not after {end}")
        }
        (Some(start), Some(_)) if reported < start => {
            format!("nothing counts on {reported} yet: the first length counts from {start}")
        }
        (_, Some(end)) if reported > end => format!("out of warranty: {reported} is after {end}"),
        (_, Some(_)) => format!("out of warranty: no length counts on {reported}"),
        (_, None) => "nothing counts yet: the unit is not handed over".to_owned(),
    };
    Ok(ExplainWarrantyResponse {
        covered: explained.covered,
        end_date: end.map_or_else(String::new, |d| d.to_string()),
        claims: explained
            .claims
            .into_iter()
            .map(|claim| {
                let decides = claim.end.is_some() && claim.end == end;
                render::claim(claim, decides)
            })
            .collect(),
        explanation,
    })
}

struct Find {
    site: SiteId,
    unit: String,
}

impl Operation for Find {
    const NAME: &'static str = "assignment.explain_warranty";
    type Output = (Practice, Vec<Term>, Unit);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let missing =
            || Fault::not_found("Unit", format!("sites/{}/units/{}", self.site, self.unit));
        let kept = units::find(tx, &self.site, &self.unit)
            .await?
            .ok_or_else(missing)?;
        let practice = policy::of_site(tx, &self.site).await?.practice();
        let terms = units::site_terms(tx, &self.site).await?;
        Ok((practice, terms, kept.unit))
    }
}
