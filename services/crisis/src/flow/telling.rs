//! What was told to whom: kept as it happens, and what is missing before a stage ends.

use redress_model::Fault;
use redress_model::name::IncidentName;

use super::Turn;
use crate::domain::matrix::{Situation, Told, missing};
use crate::domain::words::{Audience, TellMeans};
use crate::store::incidents::Incident;
use crate::store::{cases, log, told};

impl Turn<'_> {
    /// Keeps that an audience was told something now.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn told(
        &mut self,
        audience: Audience,
        means: TellMeans,
        reference: &str,
    ) -> Result<(), Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let told = Told {
            audience,
            stage: self.incident.stage,
            means,
            reference: reference.to_owned(),
            at: self.now,
        };
        told::add(self.tx, &site, id, &told).await
    }

    /// A leader spoke with a complainant: those concerned were told once nobody is left with whom none did in this stage. Says
    /// whether that is so.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn spoken(&mut self) -> Result<bool, Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let since = situation(self.tx, &self.incident).await?.since;
        if !cases::all_contacted(self.tx, &site, id, since).await? {
            return Ok(false);
        }
        self.told(Audience::Affected, TellMeans::Contact, "")
            .await?;
        Ok(true)
    }

    /// Who has to be told something yet before the stage may end.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn untold(&mut self) -> Result<Vec<Audience>, Fault> {
        let IncidentName { site, id } = self.incident.name.clone();
        let told = told::of_incident(self.tx, &site, id).await?;
        let situation = situation(self.tx, &self.incident).await?;
        Ok(missing(&told, situation))
    }
}

/// What decides who has to be told.
///
/// # Errors
/// When Postgres is away.
pub async fn situation(
    tx: &mut redress_store::Tx,
    incident: &Incident,
) -> Result<Situation, Fault> {
    let IncidentName { site, id } = &incident.name;
    let moved = log::stage_moved(tx, site, *id).await?;
    Ok(Situation {
        mode: incident.mode,
        stage: incident.stage,
        since: moved.unwrap_or(incident.opened),
        provisional: incident.provisional,
    })
}
