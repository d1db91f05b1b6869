//! `redress jwks`: the public keys of the platform's issuer, for services while keys are exchanged and for whoever verifies
//! what the platform signed.

use std::path::Path;
use std::sync::Arc;

use redress_model::time::SystemClock;
use redress_rpc::auth::{Issuer, JwkSet};

use super::token::{self, LOCAL_ISSUER};
use crate::args::JwksArgs;
use crate::connect::Home;
use crate::failure::Failure;
use crate::output::{Output, say};

/// Prints the keys: JSON in any case, on one line where lines are asked for.
pub(crate) fn run(home: &Home, args: &JwksArgs, out: Output) -> Result<(), Failure> {
    let set = match args.keys.as_slice() {
        [] => token::issuer(home)?.jwks(),
        files => of(files)?,
    };
    let told = |e| Failure::platform("the keys cannot be written", e);
    let text = serde_json::to_string_pretty(&set).map_err(told)?;
    let object = serde_json::to_value(&set).map_err(told)?;
    out.one(|| object, || say!("{text}"));
    Ok(())
}

/// The public keys of these private ones, each once.
fn of(files: &[impl AsRef<Path>]) -> Result<JwkSet, Failure> {
    let mut set = JwkSet { keys: Vec::new() };
    for file in files {
        // Whose tokens it signs says nothing about the key.
        let issuer = Issuer::from_file(file.as_ref(), LOCAL_ISSUER, Arc::new(SystemClock));
        let issuer = issuer.map_err(|e| Failure::Argument {
            argument: "key",
            reason: e.to_string(),
        })?;
        for key in issuer.jwks().keys {
            if !set.keys.contains(&key) {
                set.keys.push(key);
            }
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_printed_once_each_by_their_thumbprints_and_without_what_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["old.pem", "new.pem"].map(|name| folder.path().join(name));
        for file in &files {
            Issuer::generate_key_file(file).expect("writable");
        }
        let set = of(&[&files[0], &files[1], &files[0]]).expect("keys");
        let json = serde_json::to_value(&set).expect("plain data");
        let keys = json["keys"].as_array().expect("a list");
        assert_eq!(keys.len(), 2);
        for (key, file) in keys.iter().zip(&files) {
            let issuer = Issuer::from_file(file, "any", Arc::new(SystemClock)).expect("a key");
            assert_eq!(key["kid"], issuer.key_id());
            let mut members: Vec<&str> = key
                .as_object()
                .map(|key| key.keys().map(String::as_str).collect())
                .expect("an object");
            members.sort_unstable();
            assert_eq!(members, ["alg", "crv", "kid", "kty", "x", "y"]);
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("public.pem");
        let text = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        std::fs::write(&file, text).expect("writable");
        let said = of(&[&file]).expect_err("no private key").to_string();
        assert!(said.starts_with("--key the issuer key /"), "{said}");
        assert!(said.contains("public.pem"), "{said}");
    }
}
