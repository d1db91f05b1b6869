//! `redress token`: an access token of this machine's own issuer.

use std::sync::Arc;
use std::time::Duration;

use redress_model::time::SystemClock;
use redress_rpc::auth::{Grant, Issuer};
use serde_json::json;

use crate::args::TokenArgs;
use crate::connect::Home;
use crate::failure::Failure;
use crate::output::Output;

/// The `iss` of tokens that this machine's issuer mints.
pub(crate) const LOCAL_ISSUER: &str = "redress";

/// Prints a token.
pub(crate) fn run(home: &Home, args: &TokenArgs, out: Output) -> Result<(), Failure> {
    let bare = |names: &[String], prefix: &str| -> Vec<String> {
        names
            .iter()
            .map(|n| n.strip_prefix(prefix).unwrap_or(n).to_owned())
            .collect()
    };
    let grant = Grant {
        subject: args.subject.clone(),
        roles: args.roles.clone(),
        organizations: bare(&args.organizations, "organizations/"),
        sites: bare(&args.sites, "sites/"),
        staff: args.staff.clone(),
        ..Grant::default()
    };
    let token = mint(home, grant, args.ttl)?;
    out.one(
        || json!({ "token": token }),
        || crate::output::say!("{token}"),
    );
    Ok(())
}

/// A token by the issuer whose key lies in the data folder.
pub(crate) fn mint(home: &Home, grant: Grant, ttl: Duration) -> Result<String, Failure> {
    issuer(home)?
        .user_token(grant, ttl)
        .map_err(|e| Failure::platform("no token can be made", e))
}

/// The issuer whose key lies in the data folder.
pub(crate) fn issuer(home: &Home) -> Result<Issuer, Failure> {
    let key = home.issuer_key();
    if !key.exists() {
        return Err(Failure::NotUp {
            home: home.folder().display().to_string(),
        });
    }
    Issuer::from_file(&key, LOCAL_ISSUER, Arc::new(SystemClock))
        .map_err(|e| Failure::platform("the issuer's key cannot be read", e))
}
