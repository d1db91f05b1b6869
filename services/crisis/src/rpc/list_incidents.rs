//! ListIncidents: newest first, by keyset pages.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, ClusterName, SiteId, SiteName};
use redress_model::words::Word as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Incidents;
use super::view::{Depth, view};
use crate::domain::words::{Mode, State};
use crate::store::incidents::{self, Filter, Incident};
use crate::store::sites;

/// Every site of the caller.
pub(super) const ANY_SITE: &str = "sites/-";

type Key = (Timestamp, Uuid);

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ListIncidentsRequest>,
) -> Result<wire::ListIncidentsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let filter = filter(r)?;
    if let Some(site) = &filter.site {
        caller.require_site(site)?;
    }
    let question = wire::ListIncidentsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let page = Page::of("ListIncidents", r.page_size, &r.page_token, &question)?;
    let list = ListIncidents { filter, page };
    let (incidents, next_page_token) = redress_runtime::sight(caller).read(&api.db, &list).await?;
    Ok(wire::ListIncidentsResponse {
        incidents,
        next_page_token,
    })
}

fn filter(r: &wire::ListIncidentsRequest) -> Result<Filter, Fault> {
    let mut site = match r.parent.as_str() {
        ANY_SITE => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    // A case or cluster names its site; one of another site than the parent's finds nothing.
    let mut narrow = |field, named: &SiteId| match &site {
        Some(site) if site != named => Err(Fault::invalid(field, "must belong to parent")),
        Some(_) => Ok(()),
        None => {
            site = Some(named.clone());
            Ok(())
        }
    };
    let case: Option<CaseName> = optional("case", &r.case)?;
    let cluster: Option<ClusterName> = optional("cluster", &r.cluster)?;
    if let Some(case) = &case {
        narrow("case", &case.site)?;
    }
    if let Some(cluster) = &cluster {
        narrow("cluster", &cluster.site)?;
    }
    Ok(Filter {
        site,
        state: State::from_number(r.state),
        mode: Mode::from_number(r.mode),
        case: case.map(|c| c.id),
        cluster: cluster.map(|c| c.id),
    })
}

fn optional<T>(field: &str, text: &str) -> Result<Option<T>, Fault>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    if text.is_empty() {
        Ok(None)
    } else {
        parse_field(field, text).map(Some)
    }
}

struct ListIncidents {
    filter: Filter,
    page: Page<Key>,
}

impl Operation for ListIncidents {
    const NAME: &'static str = "crisis.list_incidents";
    type Output = (Vec<wire::Incident>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let rows = incidents::list(tx, &self.filter, self.page.after(), self.page.limit()).await?;
        let rows = sites::found(tx, self.filter.site.as_ref(), rows).await?;
        let key = |i: &Incident| (i.opened, i.name.id);
        let (rows, next) = self.page.finish(rows, key);
        let mut shown = Vec::with_capacity(rows.len());
        for incident in rows {
            shown.push(view(tx, incident, Depth::Listed).await?);
        }
        Ok((shown, next))
    }
}
