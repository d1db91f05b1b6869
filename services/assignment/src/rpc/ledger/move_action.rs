//! What doing and checking an action have in common: one action, one move, one transaction.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CorrectiveActionName;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};

use super::super::OVERRIDE;
use super::is_about;
use crate::domain::action::{ActionState, Move, Refused, step};
use crate::rpc::asked::person_of;
use crate::store::actions::{self, CorrectiveAction};

pub(super) struct MoveAction<'a> {
    pub(super) receipt: ReceiptKey,
    pub(super) name: CorrectiveActionName,
    pub(super) etag: String,
    pub(super) to: Move,
    pub(super) note: String,
    /// The new time of an action that did not work.
    pub(super) due: Option<Timestamp>,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

impl Operation for MoveAction<'_> {
    const NAME: &'static str = "assignment.move_corrective_action";
    type Output = CorrectiveAction;

    async fn run(&self, tx: &mut Tx) -> Result<CorrectiveAction, Fault> {
        let mut action = actions::lock(tx, &self.name.site, self.name.id)
            .await?
            .ok_or_else(|| Fault::not_found("CorrectiveAction", &self.name))?;
        if is_about(tx, self.caller, &action.site, action.case).await? {
            return Err(Fault::not_found("CorrectiveAction", &self.name));
        }
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(action);
        }
        etag::check(&self.etag, action.revision, &self.name)?;
        let by = person_of(self.caller);
        action.state = step(
            action.state,
            action.done_by.as_deref(),
            self.to,
            &by.subject,
        )
        .map_err(|refused| self.illegal(refused))?;
        // Nor does whoever did it check it under another token.
        if matches!(self.to, Move::Check { .. }) && actions::did_last(tx, &action, &by).await? {
            return Err(self.illegal(Refused::SamePerson));
        }
        if self.to == Move::Complete {
            let is_owner = self
                .caller
                .staff
                .as_ref()
                .is_some_and(|staff| staff.site == action.site && staff.id == action.owner);
            if !is_owner {
                self.caller.require(OVERRIDE)?;
            }
            action.done_by = Some(by.subject.clone());
        }
        if action.state == ActionState::Open {
            action.failed_checks += 1;
            action.due = self.due.unwrap_or(action.due);
        }
        action.note.clone_from(&self.note);
        action.revision += 1;
        action.updated_at = self.now;
        actions::save(tx, &action, &by).await?;
        let resource = self.name.to_string();
        receipt::complete(tx, &self.receipt, &resource, &etag::of(action.revision)).await?;
        Ok(action)
    }
}

impl MoveAction<'_> {
    fn illegal(&self, refused: Refused) -> Fault {
        let text = refused.to_string();
        match refused {
            Refused::State(_) => Fault::illegal("ACTION_STATE", text, &self.name),
            Refused::SamePerson => Fault::illegal("ACTION_SAME_PERSON", text, &self.name),
        }
    }
}
