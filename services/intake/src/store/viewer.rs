//! Who is looking. Staff complained about cannot see the case (domain.md section 7): row security asks
//! `redress.viewer`, and while nobody set it no case is visible at all.

use redress_model::Fault;
use redress_rpc::Caller;
use redress_store::{Operation, StoreResultExt as _, Tx};

/// The person behind a caller, as far as row security needs to know.
#[derive(Debug, Clone)]
pub struct Viewer {
    subject: String,
    staff: Vec<String>,
}

impl Viewer {
    /// The caller: the person that the token names, and whoever on the roster has the token's subject as
    /// account.
    pub fn of(caller: &Caller) -> Self {
        Self {
            subject: caller.subject.clone(),
            staff: caller.staff.iter().map(ToString::to_string).collect(),
        }
    }

    /// From here on the transaction looks as this person.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn look(&self, tx: &mut Tx) -> Result<(), Fault> {
        sqlx::query!(
            "-- intake::viewer::look
            SELECT set_config('redress.viewer', ARRAY(
              SELECT unnest($1::text[])
              UNION
              SELECT name FROM staff WHERE account = $2 AND account <> '')::text, true) AS viewer",
            &self.staff,
            self.subject,
        )
        .fetch_one(&mut **tx)
        .await
        .or_fault()?;
        Ok(())
    }
}

/// From here on the transaction looks as the platform itself: for events, and for what a caller does to a
/// case that was visible before.
pub async fn look_as_platform(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!(
        "-- intake::viewer::look_as_platform
        SELECT set_config('redress.viewer', '{}', true) AS viewer"
    )
    .fetch_one(&mut **tx)
    .await
    .or_fault()?;
    Ok(())
}

/// An operation that sees what the viewer sees.
#[derive(Debug)]
pub struct SeenBy<'a, O> {
    /// Who is looking.
    pub viewer: &'a Viewer,
    /// What is done.
    pub operation: &'a O,
}

impl<O: Operation> Operation for SeenBy<'_, O> {
    const NAME: &'static str = O::NAME;
    type Output = O::Output;

    async fn run(&self, tx: &mut Tx) -> Result<O::Output, Fault> {
        self.viewer.look(tx).await?;
        self.operation.run(tx).await
    }
}
