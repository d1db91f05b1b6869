//! What intake decides, pure: parsing requests into values that cannot be wrong, which moves of a case
//! are legal, how the timeline is chained, what a case is found by. No I/O, no SQL, no gRPC; time and ids
//! come in as arguments.

pub mod change;
pub mod check;
pub mod complaint;
pub mod contact;
pub mod custody;
pub mod directory;
pub mod evidence;
pub mod needs;
pub mod number;
pub mod people;
pub mod search;
pub mod status;
pub mod timeline;
