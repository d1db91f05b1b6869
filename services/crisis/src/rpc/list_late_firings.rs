//! ListLateFirings: which clocks of incidents fired late, and why.

use jiff::SignedDuration;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{ClockName, IncidentName, SiteName};
use redress_proto::convert::{from_wire, to_timestamp, to_wire};
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Incidents;
use super::list_incidents::ANY_SITE;
use crate::store::late::{self, Filter, Key, Late};
use crate::store::sites;

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ListLateFiringsRequest>,
) -> Result<wire::ListLateFiringsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let site = match r.parent.as_str() {
        ANY_SITE => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    if let Some(site) = &site {
        caller.require_site(site)?;
    }
    let question = wire::ListLateFiringsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        filter: Filter {
            site,
            lag: r.min_lag.as_ref().map_or(SignedDuration::ZERO, |lag| {
                SignedDuration::new(lag.seconds, lag.nanos)
            }),
            causes: r.causes.iter().filter_map(|n| from_wire(*n)).collect(),
        },
        page: Page::of("ListLateFirings", r.page_size, &r.page_token, &question)?,
    };
    let rows = redress_runtime::sight(caller).read(&api.db, &list).await?;
    let key = |late: &Late| (late.fired, late.clock, late.generation);
    let (rows, next_page_token) = list.page.finish(rows, key);
    Ok(wire::ListLateFiringsResponse {
        late_firings: rows.into_iter().map(show).collect(),
        next_page_token,
    })
}

fn show(late: Late) -> wire::LateFiring {
    let lag = late.fired.duration_since(late.due);
    wire::LateFiring {
        clock: ClockName::new(late.site.clone(), late.clock).to_string(),
        incident: IncidentName::new(late.site, late.incident).to_string(),
        incident_number: late.number,
        kind: to_wire(late.kind),
        generation: late.generation,
        due_time: Some(to_timestamp(late.due)),
        fire_time: Some(to_timestamp(late.fired)),
        lag: Some(prost_types::Duration {
            seconds: lag.as_secs(),
            nanos: lag.subsec_nanos(),
        }),
        cause: to_wire(late.cause),
    }
}

struct List {
    filter: Filter,
    page: Page<Key>,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_late_firings";
    type Output = Vec<Late>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Late>, Fault> {
        let (after, limit) = (self.page.after().copied(), self.page.limit());
        let rows = late::page(tx, &self.filter, after, limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}
