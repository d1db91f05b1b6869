//! What a caller sees: the sites in scope, without what complains about that person (section 7). Row
//! security reads the person from the transaction.

use redress_model::Fault;
use redress_model::name::StaffName;

use crate::fault::StoreResultExt as _;
use crate::{Database, Operation, Scope, Tx};

/// What a caller sees.
#[derive(Debug, Clone)]
pub struct Sight {
    scope: Scope,
    staff: Option<StaffName>,
}

impl Sight {
    /// These sites, without what complains about this person.
    pub fn new(scope: Scope, staff: Option<StaffName>) -> Self {
        Self { scope, staff }
    }

    /// Reads.
    ///
    /// # Errors
    /// What the operation says, or when Postgres is away.
    pub async fn read<O: Operation>(&self, db: &Database, what: &O) -> Result<O::Output, Fault> {
        db.read(&self.scope, &self.seen(what)).await
    }

    /// Writes.
    ///
    /// # Errors
    /// What the operation says, or when Postgres is away.
    pub async fn run<O: Operation>(&self, db: &Database, what: &O) -> Result<O::Output, Fault> {
        db.run(&self.scope, &self.seen(what)).await
    }

    fn seen<'a, O>(&'a self, what: &'a O) -> Seen<'a, O> {
        Seen {
            staff: self.staff.as_ref(),
            what,
        }
    }
}

struct Seen<'a, O> {
    staff: Option<&'a StaffName>,
    what: &'a O,
}

impl<O: Operation> Operation for Seen<'_, O> {
    const NAME: &'static str = O::NAME;
    type Output = O::Output;

    async fn run(&self, tx: &mut Tx) -> Result<O::Output, Fault> {
        if let Some(staff) = self.staff {
            sqlx::query!(
                "-- store::sight::look
                SELECT set_config('redress.staff', $1, true) AS staff",
                staff.to_string(),
            )
            .fetch_one(&mut **tx)
            .await
            .or_fault()?;
        }
        self.what.run(tx).await
    }
}
