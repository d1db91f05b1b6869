//! Writes units of a site whole: the dates from which their warranty counts, and what their contracts give.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::SiteId;
use redress_proto::assignment::v1::{PutUnitsRequest, PutUnitsResponse};
use redress_rpc::Caller;
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::super::{Shared, parse as names};
use super::{parse, render};
use crate::domain::practice::warranty::Unit;
use crate::store::{sites, units};

const METHOD: &str = "redress.assignment.v1.WarrantyService/PutUnits";

/// Years for which a structure is designed at most.
const DESIGN_LIFE_YEARS_MAX: u16 = 200;

pub(super) async fn run(
    shared: &Shared,
    request: Request<PutUnitsRequest>,
) -> Result<PutUnitsResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let site = names::site(&request.parent)?;
    caller.require_site(&site)?;
    let request_id = std::mem::take(&mut request.request_id);
    let put = Put {
        receipt: shared.receipt(&caller, METHOD, &site, request_id, &request),
        units: read(&site, request)?,
        site,
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    let kept = shared.db.run(&scope, &put).await?;
    Ok(PutUnitsResponse {
        units: kept
            .into_iter()
            .map(|kept| render::unit(&put.site, kept))
            .collect(),
    })
}

fn read(site: &SiteId, request: PutUnitsRequest) -> Result<Vec<Unit>, Fault> {
    let mut seen = BTreeSet::new();
    let mut units = Vec::with_capacity(request.units.len());
    for (i, given) in request.units.into_iter().enumerate() {
        let at = |part: &str| format!("units[{i}].{part}");
        let (of, id) = parse::unit_name(&at("name"), &given.name)?;
        if of != *site || !seen.insert(id.clone()) {
            return Err(Fault::invalid(
                at("name"),
                format!("must be in sites/{site}, and given once"),
            ));
        }
        let accepted = parse::day(&at("acceptance_date"), &given.acceptance_date)?;
        let handed_over = parse::day_opt(&at("handover_date"), &given.handover_date)?;
        if handed_over.is_some_and(|date| date < accepted) {
            return Err(Fault::invalid(
                at("handover_date"),
                "must not lie before acceptance_date",
            ));
        }
        let years = u16::try_from(given.design_life_years)
            .ok()
            .filter(|n| (1..=DESIGN_LIFE_YEARS_MAX).contains(n))
            .ok_or_else(|| {
                Fault::invalid(
                    at("design_life_years"),
                    format!("must be from 1 to {DESIGN_LIFE_YEARS_MAX}"),
                )
            })?;
        units.push(Unit {
            id,
            accepted,
            handed_over,
            design_life_years: years,
            terms: parse::terms(&at("terms"), given.terms)?,
        });
    }
    Ok(units)
}

struct Put {
    receipt: ReceiptKey,
    site: SiteId,
    units: Vec<Unit>,
    now: Timestamp,
}

impl Operation for Put {
    const NAME: &'static str = "assignment.put_units";
    type Output = Vec<units::Kept>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<units::Kept>, Fault> {
        sites::require(tx, &self.site).await?;
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let is_new = !matches!(claim, Claim::Seen { .. });
        let mut kept = Vec::with_capacity(self.units.len());
        for unit in &self.units {
            if is_new {
                units::put(tx, &self.site, unit).await?;
            }
            kept.extend(units::find(tx, &self.site, &unit.id).await?);
        }
        if is_new {
            receipt::complete(tx, &self.receipt, &format!("sites/{}", self.site), "").await?;
        }
        Ok(kept)
    }
}
