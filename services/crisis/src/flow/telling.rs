//! What was told to whom: kept as it happens, and what is missing before a stage ends.

use redress_model::Fault;
use redress_model::name::IncidentName;
use redress_store::Tx;

use super::{Desk, Turn};
use crate::domain::matrix::{
    Cell, Members, Reach, Situation, Told, Untold, cells, missing, newest_of_each,
};
use crate::domain::words::{Audience, TellMeans};
use crate::store::incidents::Incident;
use crate::store::{cases, stages, terms, told};

impl Turn<'_> {
    /// Keeps that an audience was told something now, and whom that reached.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn told(
        &mut self,
        audience: Audience,
        means: TellMeans,
        reference: &str,
        reach: Reach,
    ) -> Result<(), Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let told = Told {
            audience,
            stage: self.incident.stage,
            means,
            reference: reference.to_owned(),
            reach,
            at: self.now,
        };
        told::add(self.tx, &site, id, &told).await
    }

    /// Keeps that something reached others than was kept of it: when it was told and in the stage in which it was, and of a case that
    /// it told before, as many as then. What was kept before it was named is not replaced.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(super) async fn told_anew(&mut self, reference: &str, reach: Reach) -> Result<(), Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let all = told::of_incident(self.tx, &site, id).await?;
        let Some(before) = all.into_iter().rfind(|told| told.reference == reference) else {
            return Ok(());
        };
        let reach = match (reach, &before.reach) {
            (Reach::Cases(mut cases), Reach::Cases(then)) => {
                cases.extend(then);
                Reach::Cases(cases)
            }
            (reach, _) => reach,
        };
        told::add(self.tx, &site, id, &Told { reach, ..before }).await
    }

    /// Whoever complains now: who joins later is not sent what was said before.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(super) async fn members(&mut self) -> Result<Members, Fault> {
        let IncidentName { site, id } = &self.incident.name;
        cases::members(self.tx, site, *id).await
    }

    /// Who has to be told something yet before the stage may end.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn untold(&mut self) -> Result<Vec<Untold>, Fault> {
        let account = Account::load(self.tx, self.desk, &self.incident).await?;
        Ok(account.missing())
    }
}

/// What was told on an incident, and what decides whether it is enough.
#[derive(Debug)]
pub struct Account {
    /// Where it stands.
    pub situation: Situation,
    told: Vec<Told>,
    members: Members,
}

impl Account {
    /// Reads it.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn load(tx: &mut Tx, desk: &Desk, incident: &Incident) -> Result<Self, Fault> {
        let IncidentName { site, id } = &incident.name;
        let visits = stages::visits(tx, site, *id).await?;
        let terms = desk.terms(terms::newest(tx, &desk.settings, site, *id).await?)?;
        Ok(Self {
            situation: Situation {
                mode: incident.mode,
                stage: incident.stage,
                since: visits.last().map_or(incident.opened, |v| v.entered),
                provisional: incident.provisional,
                reach_percent: terms.policy.reach_percent,
            },
            told: newest_of_each(told::of_incident(tx, site, *id).await?),
            members: cases::members(tx, site, *id).await?,
        })
    }

    /// Everything that was told, oldest first.
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// Every cell, by stage, then audience.
    pub fn cells(&self) -> Vec<Cell<'_>> {
        cells(&self.told, &self.members, self.situation)
    }

    /// Who has to be told something yet before the stage may end.
    pub fn missing(&self) -> Vec<Untold> {
        missing(&self.told, &self.members, self.situation)
    }
}
