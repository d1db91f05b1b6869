//! Gets the yearly ranking of one kind of sites (M17).

use redress_model::Fault;
use redress_model::words::SiteKind;
use redress_proto::assignment::v1::{
    GetLedgerRankingRequest, GetLedgerRankingResponse, RankedSite,
};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, money};
use crate::domain::ledger::{Place, Year, rank};
use crate::store::ledger;

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetLedgerRankingRequest>,
) -> Result<GetLedgerRankingResponse, Fault> {
    let caller = Caller::of(&request)?;
    let kind: SiteKind = required("kind", request.get_ref().kind)?;
    let operation = Years {
        kind,
        year: request.get_ref().year,
    };
    let scope = redress_runtime::scope(caller);
    let years = shared.db.read(&scope, &operation).await?;
    let places = rank(years);
    Ok(GetLedgerRankingResponse {
        sites: places.into_iter().map(render).collect(),
    })
}

fn render(place: Place) -> RankedSite {
    let year = place.year;
    RankedSite {
        rank: i32::try_from(place.rank).unwrap_or(i32::MAX),
        site: format!("sites/{}", year.site),
        upheld_complaints: year.upheld,
        exposures: year.exposures,
        take_overs: year.take_overs,
        praise: year.praise,
        cases: year.cases,
        penalties: money(year.penalties_fen),
        share: money(place.share_fen),
        prize: money(place.prize_fen),
    }
}

struct Years {
    kind: SiteKind,
    year: i32,
}

impl Operation for Years {
    const NAME: &'static str = "assignment.get_ledger_ranking";
    type Output = Vec<Year>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Year>, Fault> {
        ledger::years(tx, self.kind, self.year).await
    }
}
