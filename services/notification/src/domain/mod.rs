//! What messages are, who gets them because of what, by which way and how often. Pure: time, chance
//! and what is known come in as arguments.

pub mod breaker;
pub mod case;
pub mod causes;
pub mod digest;
pub mod labels;
pub mod message;
pub mod owner_notice;
pub mod paging;
pub mod preference;
pub mod render;
pub mod retry;
pub mod route;
pub mod survey;
pub mod task;
pub mod texts;
pub mod timing;
pub mod variables;
pub mod verdict;
pub mod voice;
pub mod words;
