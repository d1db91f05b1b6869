//! What every matter has in common: it is recorded under a receipt, changes by one step at the etag that the caller saw,
//! is moved by those alone who have a part in its case where its kind says so, and is hidden from whoever the case, or one of its
//! cluster, complains about.

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, SiteId};
use redress_rpc::page::Page;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use uuid::Uuid;

use super::super::{Shared, visible_work};
use crate::domain::practice::{Matter, Refused};
use crate::rpc::asked::require_part;
use crate::store::matters::{self, Change, Filter, Kept, StepRow};
use crate::store::{sites, work};

/// The key of a list: when it was recorded, and its id.
pub(super) type Key = (Timestamp, Uuid);

/// The id of a matter of this kind behind its name.
pub(super) fn parse<T: Matter>(field: &str, name: &str) -> Result<(SiteId, Uuid), Fault> {
    let parsed = || {
        let (site, rest) = name.strip_prefix("sites/")?.split_once('/')?;
        let id = rest.strip_prefix(T::COLLECTION)?.strip_prefix('/')?;
        let uuid = Uuid::try_parse(id).ok()?;
        // Only the form that is printed.
        (uuid.as_hyphenated().to_string() == id).then_some((site.parse().ok()?, uuid))
    };
    parsed().ok_or_else(|| {
        Fault::invalid(
            field,
            format!("must look like sites/{{site}}/{}/{{id}}", T::COLLECTION),
        )
    })
}

/// What the domain refuses, as a caller reads it (I10).
pub(super) fn refuse(refused: Refused, name: &str) -> Fault {
    match refused {
        Refused::State { reason, legal } => Fault::illegal(reason, legal, name),
        Refused::Value { field, rule } => Fault::invalid(field, rule),
    }
}

/// A matter that is new.
pub(super) struct Record<'a, T: Matter> {
    pub(super) receipt: ReceiptKey,
    pub(super) site: SiteId,
    pub(super) case: Option<CaseName>,
    pub(super) matter: T,
    pub(super) step: T::Step,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

impl<T: Matter> Operation for Record<'_, T> {
    const NAME: &'static str = "assignment.record_matter";
    type Output = Kept<T>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<T>, Fault> {
        match &self.case {
            Some(case) => visible_work(tx, self.caller, case).await.map(drop)?,
            None => sites::require(tx, &self.site).await?,
        }
        if let Claim::Seen { resource, .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            let (site, id) = parse::<T>("name", &resource).map_err(Fault::internal)?;
            return get(tx, self.caller, &site, id, false).await;
        }
        require_own::<T>(tx, self.caller, self.case.as_ref(), self.now).await?;
        let id = redress_model::ids::new_id(self.now);
        let mut matter = self.matter.clone();
        let effects = matter
            .record(id, &self.step, self.now)
            .map_err(|r| refuse(r, &format!("sites/{}", self.site)))?;
        let kept = Kept {
            site: self.site.clone(),
            id,
            case: self.case.as_ref().map(|case| case.id),
            matter,
            created: self.now,
            updated: self.now,
            revision: 1,
        };
        let change = Change {
            word: T::word(&self.step),
            text: "",
            actor: &self.caller.subject,
            at: self.now,
        };
        matters::save(tx, &kept, &effects, change).await?;
        receipt::complete(tx, &self.receipt, &kept.name(), &etag::of(kept.revision)).await?;
        Ok(kept)
    }
}

/// Refuses callers who have no part in the case of a matter that takes one (section 7).
async fn require_own<T: Matter>(
    tx: &mut Tx,
    caller: &Caller,
    case: Option<&CaseName>,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(case) = case.filter(|_| T::TAKES_PART) else {
        return Ok(());
    };
    let work = visible_work(tx, caller, case).await?;
    require_part(tx, caller, &work, now).await
}

/// One step of a matter.
pub(super) struct Step<'a, T: Matter> {
    pub(super) receipt: ReceiptKey,
    pub(super) site: SiteId,
    pub(super) id: Uuid,
    pub(super) etag: String,
    pub(super) step: T::Step,
    pub(super) text: String,
    pub(super) caller: &'a Caller,
    pub(super) now: Timestamp,
}

impl<T: Matter> Operation for Step<'_, T> {
    const NAME: &'static str = "assignment.step_matter";
    type Output = Kept<T>;

    async fn run(&self, tx: &mut Tx) -> Result<Kept<T>, Fault> {
        let before = get::<T>(tx, self.caller, &self.site, self.id, true).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        etag::check(&self.etag, before.revision, before.name())?;
        let kept = step(tx, before, &self.step, &self.text, self.caller, self.now).await?;
        receipt::complete(tx, &self.receipt, &kept.name(), &etag::of(kept.revision)).await?;
        Ok(kept)
    }
}

/// Lets a step happen to a locked matter.
pub(super) async fn step<T: Matter>(
    tx: &mut Tx,
    mut kept: Kept<T>,
    step: &T::Step,
    text: &str,
    caller: &Caller,
    now: Timestamp,
) -> Result<Kept<T>, Fault> {
    let case = kept.case.map(|id| CaseName::new(kept.site.clone(), id));
    require_own::<T>(tx, caller, case.as_ref(), now).await?;
    let effects = kept
        .matter
        .record(kept.id, step, now)
        .map_err(|r| refuse(r, &kept.name()))?;
    kept.revision += 1;
    kept.updated = now;
    let change = Change {
        word: T::word(step),
        text,
        actor: &caller.subject,
        at: now,
    };
    matters::save(tx, &kept, &effects, change).await?;
    Ok(kept)
}

/// A matter that the caller may see.
pub(super) async fn get<T: Matter>(
    tx: &mut Tx,
    caller: &Caller,
    site: &SiteId,
    id: Uuid,
    lock: bool,
) -> Result<Kept<T>, Fault> {
    let missing = || Fault::not_found(T::TYPE, format!("sites/{site}/{}/{id}", T::COLLECTION));
    let kept = matters::find::<T>(tx, site, id, lock)
        .await?
        .ok_or_else(missing)?;
    if let Some(case) = kept.case {
        let case = CaseName::new(site.clone(), case);
        visible_work(tx, caller, &case)
            .await
            .map_err(|_| missing())?;
    }
    if is_accused(tx, caller, site, &kept.matter).await? {
        return Err(missing());
    }
    Ok(kept)
}

/// Whether a case of the cluster that a matter is about complains about the caller.
pub(super) async fn is_accused<T: Matter>(
    tx: &mut Tx,
    caller: &Caller,
    site: &SiteId,
    matter: &T,
) -> Result<bool, Fault> {
    let staff = caller.staff.as_ref().filter(|staff| staff.site == *site);
    match (staff, matter.cluster()) {
        (Some(staff), Some(cluster)) => work::cluster_accuses(tx, site, cluster, &staff.id).await,
        _ => Ok(false),
    }
}

/// A matter with its history.
pub(super) struct Get<'a, T> {
    pub(super) site: SiteId,
    pub(super) id: Uuid,
    pub(super) caller: &'a Caller,
    pub(super) kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Matter> Operation for Get<'_, T> {
    const NAME: &'static str = "assignment.get_matter";
    type Output = (Kept<T>, Vec<StepRow>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let kept = get(tx, self.caller, &self.site, self.id, false).await?;
        let steps = matters::steps(tx, &self.site, self.id).await?;
        Ok((kept, steps))
    }
}

/// Gets a matter by its name.
pub(super) async fn read<T: Matter>(
    shared: &Shared,
    caller: &Caller,
    name: &str,
) -> Result<(Kept<T>, Vec<StepRow>), Fault> {
    let (site, id) = parse::<T>("name", name)?;
    let get = Get {
        site,
        id,
        caller,
        kind: std::marker::PhantomData,
    };
    shared.db.read(&redress_runtime::scope(caller), &get).await
}

/// A page of matters.
pub(super) struct List<T> {
    pub(super) filter: Filter,
    pub(super) after: Option<Key>,
    pub(super) limit: i64,
    pub(super) kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Matter> Operation for List<T> {
    const NAME: &'static str = "assignment.list_matters";
    type Output = Vec<Kept<T>>;

    async fn run(&self, tx: &mut Tx) -> Result<Vec<Kept<T>>, Fault> {
        let rows = matters::list(tx, &self.filter, self.after.as_ref(), self.limit).await?;
        sites::found(tx, self.filter.site.as_ref(), rows).await
    }
}

/// Lists matters that the caller may see.
pub(super) async fn list<T: Matter>(
    shared: &Shared,
    caller: &Caller,
    filter: Filter,
    page: &Page<Key>,
) -> Result<(Vec<Kept<T>>, String), Fault> {
    let list = List::<T> {
        filter: Filter {
            not_about: caller.staff.clone().map(|s| (s.site, s.id)),
            ..filter
        },
        after: page.after().copied(),
        limit: page.limit(),
        kind: std::marker::PhantomData,
    };
    let rows = shared
        .db
        .read(&redress_runtime::scope(caller), &list)
        .await?;
    Ok(page.finish(rows, |kept| (kept.created, kept.id)))
}
