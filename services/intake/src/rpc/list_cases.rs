//! ListCases: conditions, latest received first, keyset pages.

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{CaseName, StaffName};
use redress_model::words::{CaseMode, CaseStatus, Category, Channel};
use redress_proto::convert::{from_timestamp, from_wire, required};
use redress_proto::intake::v1 as pb;
use redress_rpc::Caller;
use redress_rpc::page::Page;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{parse_parent, render};
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::directory;
use crate::store::list::{self, CaseKey, Wanted};

/// Answers ListCases.
pub(super) async fn list(
    intake: &Intake,
    request: Request<pb::ListCasesRequest>,
) -> Result<pb::ListCasesResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let token = std::mem::take(&mut request.page_token);
    let size = std::mem::take(&mut request.page_size);
    let page = Page::of("ListCases", size, &token, &request)?;
    let operation = List {
        intake,
        wanted: parse(&request)?,
        phone: request.phone.clone(),
        page: &page,
    };
    let found = intake.read(&caller, &operation).await?;
    let (cases, next_page_token) = page.finish(found, key);
    Ok(pb::ListCasesResponse {
        cases: cases.iter().map(render::basic).collect(),
        next_page_token,
    })
}

/// Where a page ends.
pub(super) fn key(case: &Record) -> CaseKey {
    (case.received, case.name.id)
}

fn parse(request: &pb::ListCasesRequest) -> Result<Wanted, Fault> {
    let at = |field, wire: &Option<prost_types::Timestamp>| {
        wire.as_ref().map(|t| from_timestamp(field, t)).transpose()
    };
    let owner = match request.owner.as_str() {
        "" => None,
        text => Some(parse_field::<StaffName>("owner", text)?.to_string()),
    };
    Ok(Wanted {
        site: parse_parent(&request.parent)?,
        statuses: words("statuses", &request.statuses, CaseStatus::word)?,
        grades: request
            .grades
            .iter()
            .filter_map(|g| i16::try_from(*g).ok())
            .collect(),
        categories: words("categories", &request.categories, Category::word)?,
        channels: words("channels", &request.channels, Channel::word)?,
        owner,
        received_from: at("received_from_time", &request.received_from_time)?,
        received_until: at("received_until_time", &request.received_until_time)?,
        phone_indexes: None,
        mode: from_wire::<CaseMode>(request.mode).map(|m| m.word().to_owned()),
        numbers: request.numbers.clone(),
        ids: request
            .cases
            .iter()
            .map(|name| parse_field::<CaseName>("cases", name).map(|n| n.id))
            .collect::<Result<_, _>>()?,
    })
}

fn words<W: redress_model::words::Word>(
    field: &str,
    numbers: &[i32],
    word: fn(W) -> &'static str,
) -> Result<Vec<String>, Fault> {
    numbers
        .iter()
        .map(|n| required::<W>(field, *n).map(|w| word(w).to_owned()))
        .collect()
}

struct List<'a> {
    intake: &'a Intake,
    wanted: Wanted,
    phone: String,
    page: &'a Page<CaseKey>,
}

impl Operation for List<'_> {
    const NAME: &'static str = "intake.list_cases";
    type Output = Vec<Record>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Record>, Fault> {
        let mut wanted = self.wanted.clone();
        if !self.phone.is_empty() {
            wanted.phone_indexes = Some(self.phone_indexes(tx).await?);
        }
        let names = list::names(tx, &wanted, self.page.after(), self.page.limit()).await?;
        let names = directory::found(tx, wanted.site.as_ref(), names).await?;
        case::load(tx, &names).await
    }
}

impl List<'_> {
    /// A phone is found by its keyed hash, which differs between organizations.
    async fn phone_indexes(&self, tx: &mut Tx) -> Result<Vec<String>, Fault> {
        let vault = self.intake.keyring.vault();
        directory::organizations_in_scope(tx)
            .await?
            .iter()
            .map(|organization| {
                vault
                    .phone_index(organization, &self.phone)
                    .map_err(|e| Fault::invalid("phone", e.to_string()))
            })
            .collect()
    }
}
