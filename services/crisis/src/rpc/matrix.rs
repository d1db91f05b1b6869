//! MatrixService: GetMatrix, what was told to whom in every stage.

use std::sync::Arc;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::IncidentName;
use redress_proto::convert::{to_timestamp, to_wire, to_wire_opt};
use redress_proto::crisis::v1 as wire;
use redress_proto::crisis::v1::matrix_service_server::MatrixService;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::{Request, Response, Status};

use super::{Incidents, answer};
use crate::domain::matrix::Cell;
use crate::flow::{Account, Desk};
use crate::store::incidents;

/// What the handler needs.
#[derive(Debug)]
pub struct Matrices {
    /// Incidents, of which it is a view.
    pub incidents: Arc<Incidents>,
}

#[tonic::async_trait]
impl MatrixService for Matrices {
    async fn get_matrix(
        &self,
        request: Request<wire::GetMatrixRequest>,
    ) -> Result<Response<wire::GetMatrixResponse>, Status> {
        answer(handle(self, &request).await)
    }
}

async fn handle(
    api: &Matrices,
    request: &Request<wire::GetMatrixRequest>,
) -> Result<wire::GetMatrixResponse, Fault> {
    let caller = Caller::of(request)?;
    let name: IncidentName = parse_field("name", &request.get_ref().name)?;
    caller.require_site(&name.site)?;
    let db = &api.incidents.db;
    let desk = &*api.incidents.desk;
    let read = Read { desk, name };
    let account = redress_runtime::sight(caller).read(db, &read).await?;
    let (now, situation) = (desk.clock.now(), account.situation);
    let cells = account.cells();
    Ok(wire::GetMatrixResponse {
        matrix: Some(wire::Matrix {
            incident: read.name.to_string(),
            stage: to_wire(situation.stage),
            stage_time: Some(to_timestamp(situation.since)),
            cells: cells.iter().map(|cell| view(cell, now)).collect(),
        }),
    })
}

fn view(cell: &Cell<'_>, now: Timestamp) -> wire::MatrixCell {
    let age = |at: Timestamp| prost_types::Duration {
        seconds: at.duration_until(now).as_secs().max(0),
        nanos: 0,
    };
    wire::MatrixCell {
        audience: to_wire(cell.audience),
        stage: to_wire(cell.stage),
        count: i32::try_from(cell.count).unwrap_or(i32::MAX),
        means: to_wire_opt(cell.last.map(|told| told.means)),
        reference: cell
            .last
            .map_or_else(String::new, |told| told.reference.clone()),
        last_time: cell.last.map(|told| to_timestamp(told.at)),
        age: cell.last.map(|told| age(told.at)),
        missing: cell.missing,
        reached_count: i32::try_from(cell.reached.people).unwrap_or(i32::MAX),
        audience_size: i32::try_from(cell.reached.of).unwrap_or(i32::MAX),
        fill: to_wire(cell.reached.fill),
    }
}

struct Read<'a> {
    desk: &'a Desk,
    name: IncidentName,
}

impl Operation for Read<'_> {
    const NAME: &'static str = "crisis.get_matrix";
    type Output = Account;

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let IncidentName { site, id } = &self.name;
        let found = incidents::get(tx, site, *id).await?;
        let incident = found.ok_or_else(|| Fault::not_found("Incident", &self.name))?;
        Account::load(tx, self.desk, &incident).await
    }
}
