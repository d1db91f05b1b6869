//! What every service agrees on before any byte travels: the domain's words, resource names, time
//! and the one error type. Pure: nothing here does I/O, knows SQL or knows gRPC.

pub mod fault;
pub mod ids;
pub mod lifecycle;
pub mod name;
pub mod text;
pub mod time;
pub mod words;

pub use fault::{Fault, Violation};
/// For the `words!` macro, whose users need no serde of their own.
#[doc(hidden)]
pub use serde;
pub use words::Grade;
