//! What a survey says of people and of the work: praise for staff by name is recognised in the ledger (M02), the score is
//! counted. Waits for nobody.

use jiff::Timestamp;
use redress_events::Event;
use redress_model::Fault;
use redress_model::fault::parse_field;
use redress_model::ids::new_id;
use redress_model::name::{StaffId, StaffName};
use redress_proto::convert::from_timestamp;
use redress_proto::event::v1::SurveyAnswered;
use redress_store::Tx;

use super::case_of;
use crate::domain::ledger::{EntryCause, EntryKind, EntryState};
use crate::store::ledger::{self, Entry, new_entry};
use crate::store::{policy, reports, staff};

/// Takes an answered survey in. Delivered again, it recognises nobody twice.
///
/// # Errors
/// A payload that names nothing, or Postgres away.
pub(super) async fn take(
    tx: &mut Tx,
    event: &Event,
    answered: &SurveyAnswered,
    now: Timestamp,
) -> Result<(), Fault> {
    let case = match answered.case.as_str() {
        "" => None,
        name => Some(case_of(event, name)?),
    };
    let time = answered.answer_time.as_ref();
    let at = time.map_or(Ok(event.time), |t| from_timestamp("data.answer_time", t))?;
    if let (Some(case), Ok(score @ 1..=5)) = (&case, i16::try_from(answered.score)) {
        reports::facts::surveyed(tx, case, score, at).await?;
    }
    let mut names: Vec<StaffName> = Vec::new();
    for name in &answered.praised_staff {
        let name: StaffName = parse_field("data.praised_staff", name)?;
        if name.site == event.site && !names.contains(&name) {
            names.push(name);
        }
    }
    let ids: Vec<String> = names.iter().map(|name| name.id.to_string()).collect();
    // Whoever is not on the roster, or no longer, cannot be recognised here.
    let known: Vec<StaffId> = staff::active(tx, &event.site, &ids).await?;
    let policy = policy::of_site(tx, &event.site).await?;
    for id in known {
        let origin = format!("{}/{id}", answered.survey);
        let what = (EntryKind::Recognition, EntryCause::Praise);
        let mut entry = Entry {
            reason: "praised by name in a survey".to_owned(),
            case: case.as_ref().map(|case| case.id),
            staff: Some(id),
            ..new_entry(
                event.site.clone(),
                new_id(now),
                what,
                &event.source,
                now,
                now,
                &policy,
            )
        };
        // Nothing is to be handed over.
        entry.standing.state = EntryState::Settled;
        ledger::book(tx, &entry, None, Some(&origin)).await?;
    }
    Ok(())
}
