//! What happens without a caller: news of other services become messages, messages are sent.

pub mod announce;
pub(crate) mod carry;
pub mod compose;
pub(crate) mod erase;
pub mod inbox;
pub mod metrics;
pub mod owner_notices;
pub mod people;
pub mod sender;
pub(crate) mod steps;
pub mod survey_calls;
pub mod task_watch;
pub mod tell_rules;
pub mod voice;
