//! The gate and its tokens from outside, as a caller meets them.

mod gate;
mod peers;
mod support;
mod tokens;
mod validation;
