//! What all writes to something that belongs to an incident share: receipt, the lock of the incident, etag, the act, and
//! the thing as it is then. Whoever touches a part holds the whole, so that two writes never meet half way.

use std::fmt::Display;
use std::str::FromStr;

use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::name::{IncidentName, SiteId};
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use redress_timers::Entry;
use uuid::Uuid;

use super::Incidents;
use super::command::Order;
use crate::flow::{Desk, Transition, Turn};
use crate::store::incidents::{self, Incident};
use crate::store::sites;

/// Something that belongs to an incident.
pub(super) trait Subject: Sized + Send {
    /// How it is named in errors.
    const TYPE: &'static str;
    /// Its resource name.
    type Name: FromStr<Err: Display> + Display + Clone + Send + Sync;
    /// How callers see it.
    type Shown: Send;

    /// The site that a name belongs to.
    fn site(name: &Self::Name) -> &SiteId;

    /// Reads it; none where there is none in scope.
    fn find(
        tx: &mut Tx,
        name: &Self::Name,
    ) -> impl Future<Output = Result<Option<Self>, Fault>> + Send;

    /// Its incident.
    fn incident(&self) -> Uuid;

    /// Rises with every change.
    fn revision(&self) -> i64;

    /// Renders it.
    fn show(
        self,
        tx: &mut Tx,
        incident: &Incident,
        desk: &Desk,
    ) -> impl Future<Output = Result<Self::Shown, Fault>> + Send;
}

/// One kind of write.
pub(super) trait Command: Send + Sync {
    /// Name of the transaction.
    const NAME: &'static str;
    /// Whether the incident has to be open.
    const OPEN: bool = true;
    /// What it is done to.
    type Subject: Subject;

    /// Does it. None where it changes nothing.
    fn act(
        &self,
        turn: &mut Turn<'_>,
        subject: Self::Subject,
    ) -> impl Future<Output = Result<Option<Transition>, Fault>> + Send;
}

/// Runs a command.
pub(super) async fn run<C: Command>(
    api: &Incidents,
    caller: &Caller,
    order: Order<'_>,
    command: C,
) -> Result<<C::Subject as Subject>::Shown, Fault> {
    let name: <C::Subject as Subject>::Name = parse_field(order.field, order.name)?;
    let site = C::Subject::site(&name);
    caller.require_site(site)?;
    let write = Write {
        desk: &api.desk,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: order.method,
            request_id: order.request_id.to_owned(),
            site: site.to_string(),
            fingerprint: order.fingerprint.to_vec(),
        },
        name,
        etag: order.etag,
        command,
    };
    let (shown, armed) = redress_runtime::sight(caller).run(&api.db, &write).await?;
    api.committed(armed);
    Ok(shown)
}

struct Write<'a, C: Command> {
    desk: &'a Desk,
    receipt: ReceiptKey,
    name: <C::Subject as Subject>::Name,
    etag: &'a str,
    command: C,
}

impl<C: Command> Operation for Write<'_, C> {
    const NAME: &'static str = C::NAME;
    type Output = (<C::Subject as Subject>::Shown, Vec<Entry>);

    async fn run(&self, tx: &mut Tx) -> Result<Self::Output, Fault> {
        let now = self.desk.clock.now();
        let site = C::Subject::site(&self.name).clone();
        let missing = || Fault::not_found(C::Subject::TYPE, &self.name);
        let found = C::Subject::find(tx, &self.name).await?;
        let incident = found.ok_or_else(missing)?.incident();
        // Before the receipt, so that what is foreign is NOT_FOUND and not a receipt out of scope.
        let locked = incidents::lock(tx, &site, incident).await?;
        let locked = locked.ok_or_else(missing)?;
        let mut armed = Vec::new();
        let new = receipt::claim(tx, &self.receipt, now).await? == Claim::New;
        if new {
            // Again, now that nobody else can change it.
            let found = C::Subject::find(tx, &self.name).await?;
            let subject = found.ok_or_else(missing)?;
            let mut turn = if C::OPEN {
                let name = IncidentName::new(site.clone(), incident);
                Turn::take_open(tx, self.desk, now, &name).await?
            } else {
                Turn::take(tx, self.desk, now, locked).await?
            };
            etag::check(self.etag, subject.revision(), &self.name)?;
            if let Some(transition) = self.command.act(&mut turn, subject).await? {
                armed = turn.finish(transition).await?.1;
            }
        }
        let subject = C::Subject::find(tx, &self.name)
            .await?
            .ok_or_else(missing)?;
        let etag = etag::of(subject.revision());
        let found = incidents::get(tx, &site, subject.incident()).await?;
        let incident = found.ok_or_else(missing)?;
        let shown = subject.show(tx, &incident, self.desk).await?;
        if new {
            receipt::complete(tx, &self.receipt, &self.name.to_string(), &etag).await?;
        }
        Ok((shown, armed))
    }
}

/// Reads one thing, with its incident, which the caller has to be able to see.
pub(super) struct Read<'a, S: Subject> {
    pub(super) desk: &'a Desk,
    pub(super) name: S::Name,
}

impl<S: Subject + Sync> Operation for Read<'_, S> {
    const NAME: &'static str = "crisis.read";
    type Output = S::Shown;

    async fn run(&self, tx: &mut Tx) -> Result<S::Shown, Fault> {
        let missing = || Fault::not_found(S::TYPE, &self.name);
        let subject = S::find(tx, &self.name).await?.ok_or_else(missing)?;
        let site = S::site(&self.name);
        let found = incidents::get(tx, site, subject.incident()).await?;
        let incident = found.ok_or_else(missing)?;
        subject.show(tx, &incident, self.desk).await
    }
}

/// The zone in which a site reads its times.
pub(super) async fn zone(
    tx: &mut Tx,
    desk: &Desk,
    site: &SiteId,
) -> Result<jiff::tz::TimeZone, Fault> {
    let known = sites::zone(tx, site).await?;
    Ok(known.unwrap_or_else(|| desk.zone.clone()))
}
