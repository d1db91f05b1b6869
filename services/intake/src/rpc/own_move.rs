//! WithdrawCase, UnmergeCase, ReopenCase, ArchiveCase and EraseCase: intake's own moves of one case. They
//! differ in what the domain says about them and in what else changes, so one transaction serves all.

use jiff::Timestamp;
use prost::Message;
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
use crate::domain::complaint::Place;
use crate::domain::status::Move;
use crate::domain::timeline::facts;
use crate::intake::Intake;
use crate::store::case::{self, Record};
use crate::store::timeline::Happened;
use crate::store::{announce, needs, people, search, timeline};

/// One of the moves, as asked for.
pub(super) struct OwnMove {
    method: &'static str,
    kind: Move,
    name: String,
    reason: String,
    etag: String,
    request_id: String,
}

impl OwnMove {
    /// WithdrawCase.
    pub(super) fn withdraw(r: &mut pb::WithdrawCaseRequest) -> Self {
        Self {
            method: "redress.intake.v1.CaseService/WithdrawCase",
            kind: Move::Withdraw,
            name: r.name.clone(),
            reason: r.reason.clone(),
            etag: r.etag.clone(),
            request_id: std::mem::take(&mut r.request_id),
        }
    }

    /// UnmergeCase.
    pub(super) fn unmerge(r: &mut pb::UnmergeCaseRequest) -> Self {
        Self {
            method: "redress.intake.v1.CaseService/UnmergeCase",
            kind: Move::Unmerge,
            name: r.name.clone(),
            reason: r.reason.clone(),
            etag: r.etag.clone(),
            request_id: std::mem::take(&mut r.request_id),
        }
    }

    /// ReopenCase.
    pub(super) fn reopen(r: &mut pb::ReopenCaseRequest) -> Self {
        Self {
            method: "redress.intake.v1.CaseService/ReopenCase",
            kind: Move::Reopen,
            name: r.name.clone(),
            reason: r.reason.clone(),
            etag: r.etag.clone(),
            request_id: std::mem::take(&mut r.request_id),
        }
    }

    /// ArchiveCase.
    pub(super) fn archive(r: &mut pb::ArchiveCaseRequest) -> Self {
        Self {
            method: "redress.intake.v1.CaseService/ArchiveCase",
            kind: Move::Archive,
            name: r.name.clone(),
            reason: String::new(),
            etag: r.etag.clone(),
            request_id: std::mem::take(&mut r.request_id),
        }
    }

    /// EraseCase.
    pub(super) fn erase(r: &mut pb::EraseCaseRequest) -> Self {
        Self {
            method: "redress.intake.v1.CaseService/EraseCase",
            kind: Move::Erase,
            name: r.name.clone(),
            reason: String::new(),
            etag: r.etag.clone(),
            request_id: std::mem::take(&mut r.request_id),
        }
    }
}

/// Answers one of them.
pub(super) async fn run<R: Message>(
    intake: &Intake,
    request: Request<R>,
    read: fn(&mut R) -> OwnMove,
) -> Result<pb::Case, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let asked = read(&mut request);
    let name: CaseName = parse_field("name", &asked.name)?;
    refuse_nul("reason", &asked.reason)?;
    let site = Some(&name.site);
    let receipt = intake.receipt(&caller, asked.method, site, &asked.request_id, &request);
    let operation = MoveCase {
        intake,
        caller: &caller,
        name,
        asked: &asked,
        receipt,
        now: intake.now(),
    };
    intake.run(&caller, &operation).await
}

struct MoveCase<'a> {
    intake: &'a Intake,
    caller: &'a Caller,
    name: CaseName,
    asked: &'a OwnMove,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for MoveCase<'_> {
    const NAME: &'static str = "intake.move_case";
    type Output = pb::Case;

    async fn run(&self, tx: &mut Tx) -> Result<pb::Case, Fault> {
        let mut case = case::lock(tx, &self.name).await?;
        let keyring = &self.intake.keyring;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return render::full(tx, keyring, &case).await;
        }
        let kind = self.asked.kind;
        let is_repeat = match kind {
            Move::Erase => case.erased,
            _ => kind.outcome() == Some(case.status),
        };
        if !is_repeat {
            etag::check(&self.asked.etag, case.revision, &self.name)?;
            kind.require(case.status, case.mode, case.erased, &self.name)?;
            self.leave_nobody_behind(tx).await?;
            self.make(tx, &mut case).await?;
        }
        let name = self.name.to_string();
        receipt::complete(tx, &self.receipt, &name, &etag::of(case.revision)).await?;
        if kind == Move::Erase {
            // What is erased is about no place any more. Said again by a repeat: of a case that a release erased which did not
            // tell the others, this does.
            announce::updated(tx, &case, false).await?;
        }
        if !is_repeat {
            if kind == Move::Reopen {
                announce::updated(tx, &case, true).await?;
            }
            let actor = &self.caller.subject;
            match kind {
                Move::Erase => {}
                Move::Reopen => announce::reopened(tx, &case, actor, true).await?,
                _ => announce::moved(tx, &case, actor).await?,
            }
        }
        render::full(tx, keyring, &case).await
    }
}

impl MoveCase<'_> {
    /// Other people's complaints live on in the case that they were merged into: one of these neither withdraws
    /// nor erases them for the others (I1).
    async fn leave_nobody_behind(&self, tx: &mut Tx) -> Result<(), Fault> {
        let ends_others = matches!(self.asked.kind, Move::Withdraw | Move::Erase);
        if ends_others && case::has_merged_cases(tx, &self.name).await? {
            return Err(Fault::illegal(
                "HEAD_OF_MERGES",
                "other cases were merged into this one; unmerge them first",
                &self.name,
            ));
        }
        Ok(())
    }

    async fn make(&self, tx: &mut Tx, case: &mut Record) -> Result<(), Fault> {
        let from = case.status;
        match self.asked.kind {
            Move::Withdraw => case.move_to(CaseStatus::Withdrawn, self.now),
            Move::Archive => case.move_to(CaseStatus::Archived, self.now),
            Move::Reopen => {
                // Complained again after handling (G3.3).
                case.repeat = true;
                case.move_to(CaseStatus::Reopened, self.now);
            }
            Move::Unmerge => {
                let back = case.status_before_merge.take();
                case.merged_into = None;
                case.move_to(back.unwrap_or(CaseStatus::Received), self.now);
            }
            Move::Erase => self.erase(tx, case).await?,
            Move::Merge => return Err(Fault::internal("merging takes several cases")),
        }
        let kind = match self.asked.kind {
            Move::Erase => TimelineKind::Erased,
            _ => TimelineKind::Moved,
        };
        let happened = Happened {
            kind,
            at: self.now,
            actor: &self.caller.subject,
            facts: facts([
                ("from", from.word().to_owned()),
                ("to", case.status.word().to_owned()),
                ("epoch", case.epoch.to_string()),
            ]),
            note: &self.asked.reason,
        };
        timeline::append(tx, case, happened, self.now).await?;
        case::save(tx, case, self.now).await
    }

    async fn erase(&self, tx: &mut Tx, case: &mut Record) -> Result<(), Fault> {
        case.erased = true;
        case.revision += 1;
        case.text.clear();
        case.place = Place::default();
        case.person_tokens.clear();
        people::erase(tx, &case.name).await?;
        needs::erase(tx, &case.name).await?;
        timeline::erase(tx, &case.name).await?;
        search::put(tx, case).await
    }
}
