//! The service against a real Postgres, a real mail server and a real HTTP endpoint that misbehaves.

mod causes;
mod crash;
mod digests;
mod privacy;
mod process;
mod rpc;
mod sending;
mod smtp;
mod support;
mod webhook;
