//! The gates of an incident's stage. Another gate is another line in [`Turn::gaps`].

use redress_model::Fault;
use redress_model::words::{ClockKind, ClockState};

use super::Turn;
use crate::domain::gate::{Gap, Waiver, pass};
use crate::domain::words::LogKind;
use crate::store::clocks;

impl Turn<'_> {
    /// Everything that keeps the incident in its stage now.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn gaps(&mut self) -> Result<Vec<Gap>, Fault> {
        let mut gaps = Vec::new();
        gaps.extend(self.unkept_promises().await?);
        gaps.extend(self.untold_audiences().await?);
        gaps.extend(self.undone().await?);
        Ok(gaps)
    }

    /// Passes what keeps the incident in its stage; what is waived stands in the log with its reason.
    ///
    /// # Errors
    /// FAILED_PRECONDITION naming each gap that is neither closed nor waived.
    pub async fn pass_gates(&mut self, waivers: &[Waiver], actor: &str) -> Result<(), Fault> {
        let gaps = self.gaps().await?;
        let waived = pass(&gaps, waivers).map_err(|missing| {
            Fault::illegal("STAGE_NOT_READY", missing.to_string(), &self.incident.name)
        })?;
        for Waiver { gap, reason } in waived {
            let text = format!("{gap} is waived: {reason}");
            self.note(LogKind::StageMoved, actor, &text, "").await?;
        }
        Ok(())
    }

    /// Who has to be told something before the stage ends: the missing cells of the matrix.
    async fn untold_audiences(&mut self) -> Result<Vec<Gap>, Fault> {
        let missing = self.untold().await?;
        Ok(missing
            .into_iter()
            .map(|untold| Gap::new("audience", untold.audience, untold.to_string()))
            .collect())
    }

    /// Whoever is concerned has been told: the first word is ready, each complainant has spoken with a leader, and no
    /// cadence is broken.
    async fn unkept_promises(&mut self) -> Result<Vec<Gap>, Fault> {
        let site = self.site();
        let open = clocks::open(self.tx, &site, self.incident.name.id).await?;
        let gaps = open.into_iter().filter_map(|clock| {
            let kind = clock.kind;
            match (kind, clock.case, clock.state) {
                (ClockKind::HoldingStatement, ..) => {
                    Some(Gap::new("promise", kind, "no holding statement is ready"))
                }
                (ClockKind::LeaderContact, Some(case), _) => {
                    let what = format!("{kind}/{case}");
                    let text = "no leader has spoken with the complainant";
                    Some(Gap::new("promise", what, text))
                }
                (
                    ClockKind::InsideReport | ClockKind::OutwardUpdate | ClockKind::WeeklyBriefing,
                    _,
                    ClockState::Breached,
                ) => Some(Gap::new("promise", kind, "it is overdue")),
                _ => None,
            }
        });
        Ok(gaps.collect())
    }
}
