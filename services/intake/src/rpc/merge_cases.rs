//! MergeCases: several cases that are one and the same become one. All or nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::CaseName;
use redress_model::words::CaseStatus;
use redress_proto::intake::v1 as pb;
use redress_proto::intake::v1::TimelineKind;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{refuse_nul, render};
use crate::domain::status::Move;
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::timeline::Happened;
use crate::store::{announce, search, timeline};

const METHOD: &str = "redress.intake.v1.CaseService/MergeCases";

/// Answers MergeCases.
pub(super) async fn merge(
    intake: &Intake,
    request: Request<pb::MergeCasesRequest>,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let request_id = std::mem::take(&mut request.request_id);
    let name: CaseName = parse_field("name", &request.name)?;
    refuse_nul("reason", &request.reason)?;
    let mut duplicates = BTreeSet::new();
    for (i, text) in request.duplicates.iter().enumerate() {
        let field = format!("duplicates[{i}]");
        let duplicate: CaseName = parse_field(&field, text)?;
        if duplicate.site != name.site || duplicate == name {
            return Err(Fault::invalid(
                field,
                "must be another case of the same site",
            ));
        }
        duplicates.insert(duplicate);
    }
    let receipt = intake.receipt(&caller, METHOD, Some(&name.site), &request_id, &request);
    let operation = Merge {
        intake,
        caller: &caller,
        name,
        duplicates,
        reason: &request.reason,
        etag: &request.etag,
        receipt,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct Merge<'a> {
    intake: &'a Intake,
    caller: &'a Caller,
    name: CaseName,
    duplicates: BTreeSet<CaseName>,
    reason: &'a str,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for Merge<'_> {
    const NAME: &'static str = "intake.merge_cases";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let (mut head, duplicates) = self.lock_all(tx).await?;
        let keyring = &self.intake.keyring;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return render::full(tx, keyring, &head).await;
        }
        let (merged, mut open): (Vec<Record>, Vec<Record>) = duplicates
            .into_iter()
            .partition(|d| d.merged_into == Some(head.name.id));
        if !open.is_empty() {
            etag::check(self.etag, head.revision, &self.name)?;
            Move::Merge.require(head.status, head.mode, head.erased, &self.name)?;
            for duplicate in &open {
                self.require(tx, duplicate).await?;
            }
        }
        let accused_before = head.staff_complained_about.len();
        for duplicate in &mut open {
            self.fold(tx, &mut head, duplicate).await?;
        }
        let accused_came_along = head.staff_complained_about.len() > accused_before;
        if accused_came_along {
            head.revision += 1;
            search::put(tx, &head).await?;
        }
        if !open.is_empty() {
            case::save(tx, &mut head, self.now).await?;
        }
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(head.revision)).await?;
        if accused_came_along {
            // Whoever is complained about in one of them must hold none of it: work moves away from them.
            announce::updated(tx, &head, true).await?;
        }
        for duplicate in &open {
            announce::moved(tx, duplicate, &self.caller.subject).await?;
        }
        for duplicate in &merged {
            // Said again by a repeat: whoever did not keep it from a former release hears of it so.
            announce::updated(tx, duplicate, true).await?;
        }
        render::full(tx, keyring, &head).await
    }
}

impl Merge<'_> {
    /// All cases in the order of their names, so that two merges never wait for each other in a circle.
    async fn lock_all(&self, tx: &mut Tx) -> Result<(Record, Vec<Record>), Fault> {
        let mut head = None;
        let mut duplicates = Vec::new();
        let mut names = self.duplicates.clone();
        names.insert(self.name.clone());
        for name in &names {
            let record = case::lock(tx, name).await?;
            if *name == self.name {
                head = Some(record);
            } else {
                duplicates.push(record);
            }
        }
        let head = head.ok_or_else(|| Fault::internal("the head is among the locked cases"))?;
        Ok((head, duplicates))
    }

    async fn require(&self, tx: &mut Tx, duplicate: &Record) -> Result<(), Fault> {
        Move::Merge.require(
            duplicate.status,
            duplicate.mode,
            duplicate.erased,
            &duplicate.name,
        )?;
        if case::has_merged_cases(tx, &duplicate.name).await? {
            return Err(Fault::illegal(
                "HEAD_OF_MERGES",
                "other cases were merged into this one; unmerge them first, or merge into this one",
                &duplicate.name,
            ));
        }
        Ok(())
    }

    async fn fold(
        &self,
        tx: &mut Tx,
        head: &mut Record,
        duplicate: &mut Record,
    ) -> Result<(), Fault> {
        let from = duplicate.status;
        duplicate.status_before_merge = Some(from);
        duplicate.merged_into = Some(head.name.id);
        duplicate.move_to(CaseStatus::Merged, self.now);
        let entry = |facts| Happened {
            kind: TimelineKind::Moved,
            at: self.now,
            actor: &self.caller.subject,
            facts,
            note: self.reason,
        };
        let moved = entry(facts([
            ("from", from.word().to_owned()),
            ("to", duplicate.status.word().to_owned()),
            ("epoch", duplicate.epoch.to_string()),
            ("merged_into", head.name.to_string()),
        ]));
        timeline::append(tx, duplicate, moved, self.now).await?;
        case::save(tx, duplicate, self.now).await?;
        // The head stands for both complaints now, so it hides from everybody whom one of them accuses (section 7).
        let accused = &mut head.staff_complained_about;
        let before = accused.len();
        accused.extend(duplicate.staff_complained_about.iter().cloned());
        accused.sort();
        accused.dedup();
        let grown = accused.len() > before;
        let count = grown.then(|| accused.len().to_string());
        let absorbed = Happened {
            kind: TimelineKind::Updated,
            ..entry(facts([
                ("absorbed", duplicate.name.to_string()),
                ("staff_complained_about", count.unwrap_or_default()),
            ]))
        };
        timeline::append(tx, head, absorbed, self.now).await
    }
}
