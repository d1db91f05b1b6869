//! What triage does about events and about what comes due.

mod calendars;
mod case_facts;
mod case_moved;
mod contact_recorded;
mod demand_changed;
mod directory;
mod dispute_begun;
mod exposures_assessed;
mod message_changed;
mod message_held;
mod owner_changed;
mod parse;
mod policies;
mod regrading;
mod roster;
mod standing;
mod survey_answered;
mod truth;

pub use calendars::CalendarKeeper;
pub use case_facts::{CaseReceivedHandler, CaseUpdatedHandler, TextSource};
pub use case_moved::CaseMovedHandler;
pub use contact_recorded::ContactRecordedHandler;
pub use demand_changed::DemandChangedHandler;
pub use directory::SiteChangedHandler;
pub use dispute_begun::DisputeBegunHandler;
pub use exposures_assessed::ExposuresAssessedHandler;
pub use message_changed::MessageChangedHandler;
pub use message_held::MessageHeldHandler;
pub use owner_changed::OwnerChangedHandler;
pub use policies::PolicyKeeper;
pub use regrading::{regrade_clusters, regrade_waiting};
pub use roster::{DutyChangedHandler, StaffChangedHandler};
pub use standing::watch as watch_standing;
pub use survey_answered::SurveyAnsweredHandler;
pub use truth::ClockTruth;

use redress_events::Subscriptions;

/// Who is told what we say.
pub fn subscriptions() -> Subscriptions {
    Subscriptions::new(&[
        (
            "redress.case.graded.v1",
            &["intake", "assignment", "notification", "crisis"],
        ),
        (
            "redress.cluster.changed.v1",
            &["intake", "crisis", "notification"],
        ),
        // Whoever may tell other owners.
        ("redress.defect.changed.v1", &["notification"]),
        (
            "redress.clock.changed.v1",
            &["intake", "notification", "assignment"],
        ),
        ("redress.policy.changed.v1", &["assignment", "crisis"]),
        ("redress.reopening.asked.v1", &["intake"]),
    ])
}
