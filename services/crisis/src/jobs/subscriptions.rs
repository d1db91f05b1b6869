//! Who hears what crisis says.

/// Event type → subscribing services.
pub const SUBSCRIPTIONS: &[(&str, &[&str])] = &[
    ("redress.incident.changed.v1", &["intake", "notification"]),
    ("redress.callout.requested.v1", &["notification"]),
    ("redress.clock.changed.v1", &["notification", "assignment"]),
    ("redress.statement.published.v1", &["notification"]),
    // Who books what is true, and waives what turns out not to be.
    ("redress.exposure.assessed.v1", &["assignment"]),
    ("redress.work.noticed.v1", &["notification"]),
    // Whose clocks of its cases wait for a word about reports.
    ("redress.exposures.assessed.v1", &["triage"]),
];
