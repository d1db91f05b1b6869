//! ListTasks: what is due first in front, without text.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, MessageName, SiteId, SiteName};
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;
use uuid::Uuid;

use super::Tasks;
use crate::domain::task::TaskState;
use crate::store::matters;
use crate::store::tasks::{self, Filter, Last, Task};

struct ListTasks<'a> {
    filter: Filter,
    after: Option<Last>,
    page: &'a Page<(i64, i32, Uuid)>,
}

impl Operation for ListTasks<'_> {
    const NAME: &'static str = "notification.list_tasks";
    type Output = Vec<Task>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Task>, Fault> {
        let rows = tasks::list(tx, &self.filter, self.after, self.page.limit()).await?;
        matters::found(tx, self.filter.site.as_ref(), rows).await
    }
}

pub(super) async fn handle(
    service: &Tasks,
    request: Request<proto::ListTasksRequest>,
) -> Result<proto::ListTasksResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let filter = read(asked, &caller.subject)?;
    if let Some(site) = &filter.site {
        caller.require_site(site)?;
    }
    let question = proto::ListTasksRequest {
        page_size: 0,
        page_token: String::new(),
        ..asked.clone()
    };
    let page: Page<(i64, i32, Uuid)> =
        Page::of("ListTasks", asked.page_size, &asked.page_token, &question)?;
    let after = page
        .after()
        .map(|(second, nano, id)| Timestamp::new(*second, *nano).map(|due| (due, *id)))
        .transpose()
        .map_err(|_| Fault::invalid("page_token", "must be one that ListTasks gave"))?;
    let operation = ListTasks {
        filter,
        after,
        page: &page,
    };
    let rows = redress_runtime::sight(caller)
        .read(&service.db, &operation)
        .await?;
    let (rows, next_page_token) = page.finish(rows, |task| {
        let due = task.due_time;
        (due.as_second(), due.subsec_nanosecond(), task.name.id)
    });
    Ok(proto::ListTasksResponse {
        tasks: rows.iter().map(super::task).collect(),
        next_page_token,
    })
}

fn read(asked: &proto::ListTasksRequest, subject: &str) -> Result<Filter, Fault> {
    let mut site = match asked.parent.as_str() {
        "sites/-" => None,
        parent => Some(parse_field::<SiteName>("parent", parent)?.0),
    };
    let mut within = |field: &str, of: SiteId| match &site {
        Some(site) if *site != of => Err(Fault::invalid(field, "must lie in the parent")),
        _ => {
            site = Some(of);
            Ok(())
        }
    };
    let mut filter = Filter {
        kind: convert::from_wire(asked.kind),
        taken_by: if asked.mine {
            subject.to_owned()
        } else {
            String::new()
        },
        ..Filter::default()
    };
    if !asked.case.is_empty() {
        let case: CaseName = parse_field("case", &asked.case)?;
        within("case", case.site)?;
        filter.case = Some(case.id);
    }
    if !asked.message.is_empty() {
        let message: MessageName = parse_field("message", &asked.message)?;
        within("message", message.site)?;
        filter.message = Some(message.id);
    }
    for state in &asked.states {
        let state: TaskState = convert::required("states", *state)?;
        filter.states.push(state.word().to_owned());
    }
    filter.site = site;
    Ok(filter)
}
