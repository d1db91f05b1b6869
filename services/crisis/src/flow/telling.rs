//! What was told to whom: kept as it happens, and what is missing before a stage ends.

use redress_model::Fault;
use redress_model::name::IncidentName;

use super::Turn;
use crate::domain::matrix::{Situation, Told, missing};
use crate::domain::words::{Audience, TellMeans};
use crate::store::incidents::Incident;
use crate::store::{log, told};

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
