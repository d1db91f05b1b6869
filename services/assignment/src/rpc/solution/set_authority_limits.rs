//! Sets what levels may decide at a site, and has what nobody was told yet looked at again by it. Setting the same again changes
//! nothing, so a repeat is safe.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_proto::assignment::v1::{SetAuthorityLimitsRequest, SetAuthorityLimitsResponse};
use redress_proto::convert::{from_money, required};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use rust_decimal::Decimal;
use tonic::Request;

use super::level::level_of;
use crate::domain::authority::{Level, Limits};
use crate::rpc::{Shared, render};
use crate::store::{bench, limits, sites, solutions};

pub(super) async fn run(
    shared: &Shared,
    request: Request<SetAuthorityLimitsRequest>,
) -> Result<SetAuthorityLimitsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let site: SiteName = parse_field("name", &request.name)?;
    caller.require_site(&site.0)?;
    let mut given = Vec::new();
    for (i, limit) in request.limits.iter().enumerate() {
        let level: Level = required(&format!("limits[{i}].level"), limit.level)?;
        let amount = limit.amount.clone().unwrap_or_default();
        given.push((level, from_money(&format!("limits[{i}].amount"), &amount)?));
    }
    let operation = Set {
        site: site.0,
        given,
        caller: &caller,
    };
    let limits = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(SetAuthorityLimitsResponse {
        limits: render::limits(&limits),
    })
}

struct Set<'a> {
    caller: &'a Caller,
    site: SiteId,
    given: Vec<(Level, Decimal)>,
}

impl Operation for Set<'_> {
    const NAME: &'static str = "assignment.set_authority_limits";
    type Output = Limits;

    async fn run(&self, tx: &mut Tx) -> Result<Limits, Fault> {
        sites::require(tx, &self.site).await?;
        bench::lock(tx, &self.site).await?;
        let own = level_of(tx, self.caller, &self.site).await?;
        if let Some((level, _)) = self.given.iter().find(|(level, _)| *level >= own) {
            return Err(Fault::illegal(
                "ABOVE_LIMIT",
                format!(
                    "what {level} may decide is set by a higher level, and the caller is {own}"
                ),
                SiteName(self.site.clone()),
            ));
        }
        let before = limits::of_site(tx, &self.site).await?;
        let mut all = before;
        for (level, amount) in &self.given {
            all.set(*level, *amount);
        }
        all.check()
            .map_err(|wrong| Fault::invalid("limits", wrong.to_string()))?;
        for (level, amount) in &self.given {
            limits::set(tx, &self.site, *level, *amount).await?;
        }
        if all != before {
            // What takes another level now is worked out case by case, by a job.
            solutions::mark_untold(tx, &self.site).await?;
        }
        Ok(all)
    }
}
