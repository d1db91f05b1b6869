//! The service against a real Postgres, a real mail server and a real HTTP endpoint that misbehaves.

mod again;
mod causes;
mod channels;
mod crash;
mod delivery;
mod digests;
mod erasure;
mod journeys;
mod merged;
mod owner_notices;
mod privacy;
mod process;
mod rehearsal;
mod rpc;
mod sending;
mod smtp;
mod statements;
mod support;
mod surveys;
mod task_watch;
mod texts;
mod timing;
mod voice;
mod webhook;
