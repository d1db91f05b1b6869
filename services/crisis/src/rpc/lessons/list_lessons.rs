//! ListLessons: newest first, by keyset pages.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{SiteId, SiteName};
use redress_model::words::Word as _;
use redress_proto::crisis::v1 as wire;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::super::Incidents;
use super::view;
use crate::domain::lesson::LessonState;
use crate::store::lessons::{self, Lesson};
use crate::store::sites;

/// Every site of the caller.
const ANY_SITE: &str = "sites/-";

type Key = (Timestamp, Uuid);

pub(super) async fn handle(
    api: &Incidents,
    request: &Request<wire::ListLessonsRequest>,
) -> Result<wire::ListLessonsResponse, Fault> {
    let caller = Caller::of(request)?;
    let r = request.get_ref();
    let site = match r.parent.as_str() {
        ANY_SITE => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    if let Some(site) = &site {
        caller.require_site(site)?;
    }
    let question = wire::ListLessonsRequest {
        page_size: 0,
        page_token: String::new(),
        ..r.clone()
    };
    let list = List {
        site,
        state: LessonState::from_number(r.state),
        page: Page::of("ListLessons", r.page_size, &r.page_token, &question)?,
    };
    let (lessons, next_page_token) = redress_runtime::sight(caller).read(&api.db, &list).await?;
    Ok(wire::ListLessonsResponse {
        lessons: lessons.iter().map(view::lesson).collect(),
        next_page_token,
    })
}

struct List {
    site: Option<SiteId>,
    state: Option<LessonState>,
    page: Page<Key>,
}

impl Operation for List {
    const NAME: &'static str = "crisis.list_lessons";
    type Output = (Vec<Lesson>, String);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let (site, after, limit) = (self.site.as_ref(), self.page.after(), self.page.limit());
        let rows = lessons::list(tx, site, self.state, after, limit).await?;
        let rows = sites::found(tx, site, rows).await?;
        Ok(self.page.finish(rows, |l: &Lesson| (l.proposed, l.name.id)))
    }
}
