//! Gets a clock with what happened to it.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClockName};
use redress_proto::triage::v1::{GetClockRequest, GetClockResponse};
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, render, require_visible, shown_clock};
use crate::store::clocks::{self, Clock, History};
use crate::store::pages::{self, PageRow};

pub(super) async fn run(
    shared: &Shared,
    request: Request<GetClockRequest>,
) -> Result<GetClockResponse, Fault> {
    let caller = Caller::of(&request)?;
    let get = Get {
        name: parse_field("name", &request.get_ref().name)?,
        caller,
        now: shared.desk.now(),
    };
    let (clock, history, page) = shared
        .desk
        .db
        .read(&redress_runtime::scope(caller), &get)
        .await?;
    Ok(GetClockResponse {
        clock: Some(render::paged(&get.name.site, clock, page.as_ref())),
        history: history.into_iter().map(render::history).collect(),
    })
}

struct Get<'a> {
    name: ClockName,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Get<'_> {
    const NAME: &'static str = "triage.get_clock";
    type Output = (Clock, Vec<History>, Option<PageRow>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let site = &self.name.site;
        let missing = || Fault::not_found("Clock", &self.name);
        let clock = shown_clock(tx, &self.name, self.now)
            .await?
            .ok_or_else(missing)?;
        let case = CaseName::new(site.clone(), clock.case);
        require_visible(tx, self.caller, &case)
            .await
            .map_err(|fault| match fault {
                Fault::NotFound { .. } => missing(),
                other => other,
            })?;
        let history = clocks::history(tx, site, clock.id).await?;
        let page = pages::last(tx, site, clock.id, clock.round).await?;
        Ok((clock, history, page))
    }
}
