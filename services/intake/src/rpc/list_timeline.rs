//! ListTimeline: what happened to a case, newest first.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_proto::convert::to_timestamp;
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use crate::domain::timeline::Stored;
use crate::intake::Intake;
use crate::store::{case, timeline};

/// Answers ListTimeline.
pub(super) async fn list(
    intake: &Intake,
    request: Request<pb::ListTimelineRequest>,
) -> Result<pb::ListTimelineResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size);
    let page: Page<i64> = Page::of("ListTimeline", size, &token, &request)?;
    let operation = List {
        name: parse_field("parent", &request.parent)?,
        page: &page,
    };
    let found = intake.read(&caller, &operation).await?;
    let (entries, next_page_token) = page.finish(found, |e| e.entry.sequence);
    Ok(pb::ListTimelineResponse {
        entries: entries.into_iter().map(render).collect(),
        next_page_token,
    })
}

fn render(stored: Stored) -> pb::TimelineEntry {
    let entry = stored.entry;
    pb::TimelineEntry {
        sequence: entry.sequence,
        kind: entry.kind.into(),
        event_time: Some(to_timestamp(entry.event_time)),
        record_time: Some(to_timestamp(entry.record_time)),
        actor: entry.actor,
        facts: entry.facts.into_iter().collect(),
        erased: entry.commitment.is_some() && stored.note.is_none(),
        note: stored.note.unwrap_or_default(),
        hash: hex::encode(stored.hash),
    }
}

struct List<'a> {
    name: CaseName,
    page: &'a Page<i64>,
}

impl Operation for List<'_> {
    const NAME: &'static str = "intake.list_timeline";
    type Output = Vec<Stored>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Stored>, Fault> {
        case::get(tx, &self.name).await?;
        let below = self.page.after().copied();
        timeline::page(tx, &self.name, below, self.page.limit()).await
    }
}
