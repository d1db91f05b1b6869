//! What LowerGrade and RaiseGrade have in common: a person moves the grade of a case that was looked at.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::CaseName;
use redress_model::{Grade, fault::parse_field};
use redress_proto::convert;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;

use super::{Shared, require_visible};
use crate::casework::{self, Work};
use crate::domain::standing::Direction;
use crate::store::decisions::{self, DecisionRow};
use crate::store::{cases, sites};

/// A person's wish as it came in.
pub(super) struct Asked<'a> {
    /// Who.
    pub(super) caller: &'a Caller,
    /// The receipt.
    pub(super) receipt: ReceiptKey,
    /// The case.
    pub(super) case: CaseName,
    /// Up or down.
    pub(super) direction: Direction,
    /// Where to.
    pub(super) grade: Grade,
    /// Why.
    pub(super) reason: String,
    /// The decision that the person saw.
    pub(super) etag: String,
}

/// The case and the grade of a request.
pub(super) fn read(caller: &Caller, case: &str, grade: i32) -> Result<(CaseName, Grade), Fault> {
    let case: CaseName = parse_field("case", case)?;
    caller.require_site(&case.site)?;
    let grade =
        convert::grade(grade).ok_or_else(|| Fault::invalid("grade", "must be from 1 to 4"))?;
    Ok((case, grade))
}

/// A reason that says something.
pub(super) fn reason(text: String) -> Result<String, Fault> {
    if redress_model::text::is_blank(&text) {
        return Err(Fault::invalid("reason", "must say why"));
    }
    Ok(text)
}

/// Moves the grade and returns the decision that stands now.
pub(super) async fn run(shared: &Shared, asked: Asked<'_>) -> Result<DecisionRow, Fault> {
    let scope = redress_runtime::scope(asked.caller);
    let now = shared.desk.now();
    let (row, entries) = shared.desk.db.run(&scope, &Move { asked, now }).await?;
    shared.desk.schedule(entries);
    Ok(row)
}

struct Move<'a> {
    asked: Asked<'a>,
    now: Timestamp,
}

impl Operation for Move<'_> {
    const NAME: &'static str = "triage.overrule";
    type Output = (DecisionRow, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let asked = &self.asked;
        let name = &asked.case;
        let missing = || Fault::not_found("Case", name);
        require_visible(tx, asked.caller, name).await?;
        let claim = receipt::claim(tx, &asked.receipt, self.now).await?;
        if matches!(claim, Claim::Seen { .. }) {
            let row = decisions::get(tx, &name.site, name.id, None).await?;
            return Ok((row.ok_or_else(missing)?, Vec::new()));
        }
        let site = sites::get(tx, &name.site, self.now)
            .await?
            .ok_or_else(missing)?;
        let mut case = cases::lock(tx, &name.site, name.id)
            .await?
            .ok_or_else(missing)?;
        etag::check(&asked.etag, case.decision, name)?;
        let mut work = Work::new(tx, &site, self.now);
        let to = casework::Overrule {
            direction: asked.direction,
            grade: asked.grade,
            reason: &asked.reason,
            actor: &asked.caller.subject,
        };
        casework::overrule(&mut work, &mut case, to).await?;
        let entries = work.entries;
        let resource = format!("{name}/decisions/{}", case.decision);
        receipt::complete(tx, &asked.receipt, &resource, &etag::of(case.decision)).await?;
        let row = decisions::get(tx, &name.site, name.id, None).await?;
        Ok((row.ok_or_else(missing)?, entries))
    }
}
