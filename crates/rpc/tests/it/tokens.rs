//! What is refused about a token, and what is accepted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use redress_model::Fault;
use redress_rpc::Caller;
use redress_rpc::auth::{Audience, Claims, Issuer, JwksSource, Trusted, USER_AUDIENCE};

use crate::support::{HOUR, Platform, clock, grant, new_issuer, verifier};

async fn verify(platform: &Platform, token: &str) -> Result<Caller, Fault> {
    platform.verifier().verify(token).await
}

async fn refusal(platform: &Platform, claims: &Claims) -> String {
    let token = platform.issuer.sign(claims).expect("signable");
    let fault = verify(platform, &token).await.expect_err("refused");
    assert_eq!(fault.reason(), "UNAUTHENTICATED");
    fault.to_string()
}

fn claims(issuer: &Issuer) -> Claims {
    Claims {
        sub: "li".to_owned(),
        aud: Audience::One(USER_AUDIENCE.to_owned()),
        roles: vec!["clerk".to_owned()],
        ..issuer.blank(HOUR)
    }
}

#[tokio::test]
async fn a_right_token_makes_a_caller_with_scope_and_permissions() {
    let platform = Platform::new();
    let caller = verify(&platform, &platform.token(&["clerk"]))
        .await
        .expect("right");
    assert_eq!(caller.subject, "li");
    assert_eq!(caller.sites, ["lake".parse().expect("a slug")]);
    assert_eq!(
        caller.regions[0].to_string(),
        "organizations/demo/regions/north"
    );
    assert!(caller.may("cases.create") && !caller.may("events.redrive"));
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let platform = Platform::new();
    let claims = Claims {
        aud: Audience::Many(vec!["shop".to_owned()]),
        ..claims(&platform.issuer)
    };
    let text = refusal(&platform, &claims).await;
    assert_eq!(text, "the access token is for another audience");
}

#[tokio::test]
async fn an_expired_token_is_refused_beyond_the_leeway() {
    let platform = Platform::new();
    let now = clock().now().as_second();
    let at = |exp| Claims {
        exp,
        ..claims(&platform.issuer)
    };
    let within = platform.issuer.sign(&at(now - 10)).expect("signable");
    assert!(verify(&platform, &within).await.is_ok());
    assert_eq!(
        refusal(&platform, &at(now - 40)).await,
        "the access token expired"
    );
}

#[tokio::test]
async fn a_token_of_the_future_is_refused_beyond_the_leeway() {
    let platform = Platform::new();
    let now = clock().now().as_second();
    let at = |nbf| Claims {
        nbf: Some(nbf),
        ..claims(&platform.issuer)
    };
    let within = platform.issuer.sign(&at(now + 10)).expect("signable");
    assert!(verify(&platform, &within).await.is_ok());
    let text = refusal(&platform, &at(now + 60)).await;
    assert_eq!(text, "the access token is not valid yet");
}

#[tokio::test]
async fn an_unknown_issuer_is_refused() {
    let platform = Platform::new();
    let claims = Claims {
        iss: "https://elsewhere.example".to_owned(),
        ..claims(&platform.issuer)
    };
    let text = refusal(&platform, &claims).await;
    assert_eq!(text, "the issuer of the access token is not trusted");
}

#[tokio::test]
async fn a_malformed_scope_is_refused_and_not_ignored() {
    let platform = Platform::new();
    let claims = Claims {
        regions: vec!["north".to_owned()],
        ..claims(&platform.issuer)
    };
    let text = refusal(&platform, &claims).await;
    assert!(text.starts_with("a scope claim"), "{text}");
}

#[tokio::test]
async fn a_rotated_key_is_found_by_reading_again_and_the_old_one_goes() {
    let platform = Platform::new();
    let verifier = platform.verifier();
    let old = platform.token(&["clerk"]);
    assert!(verifier.verify(&old).await.is_ok());

    let next = new_issuer(&platform.folder, "second", "redress");
    platform.publish(&next);
    let new = next.user_token(grant(&["clerk"]), HOUR).expect("signable");
    assert!(verifier.verify(&new).await.is_ok());
    let fault = verifier.verify(&old).await.expect_err("withdrawn");
    assert_eq!(
        fault.to_string(),
        "the key of the access token is not known"
    );
}

#[test]
fn keys_have_an_issuer_when_they_hold_its_very_key_under_its_id() {
    let platform = Platform::new();
    let next = new_issuer(&platform.folder, "second", "redress");
    let (own, other) = (platform.issuer.jwks(), next.jwks());
    let source = |keys: &[&Jwk]| {
        let set = JwkSet {
            keys: keys.iter().map(|key| (*key).clone()).collect(),
        };
        let text = serde_json::to_vec(&set).expect("plain data");
        std::fs::write(platform.jwks_file(), text).expect("writable");
        JwksSource::File(platform.jwks_file())
    };
    assert!(source(&[&other.keys[0], &own.keys[0]]).has_key_of(&platform.issuer));
    assert!(!source(&[&other.keys[0]]).has_key_of(&platform.issuer));
    let mut nameless = own.keys[0].clone();
    nameless.common.key_id = None;
    assert!(!source(&[&nameless]).has_key_of(&platform.issuer));
    let mut false_name = other.keys[0].clone();
    false_name.common.key_id = Some(platform.issuer.key_id().to_owned());
    assert!(!source(&[&false_name]).has_key_of(&platform.issuer));
    assert!(JwksSource::Fixed(own).has_key_of(&platform.issuer));
}

#[tokio::test]
async fn keys_that_cannot_be_read_are_our_trouble_and_not_the_callers() {
    let platform = Platform::new();
    std::fs::remove_file(platform.jwks_file()).expect("was there");
    let fault = verify(&platform, &platform.token(&[]))
        .await
        .expect_err("no keys");
    assert_eq!(fault.reason(), "DEPENDENCY_UNAVAILABLE");
}

/// Publishes keys over HTTP, as an identity provider does; answers each request with what is there then.
async fn publish_over_http(keys: Arc<Mutex<JwkSet>>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = connection.read(&mut request).await.expect("a request");
            assert!(request[..read].starts_with(b"GET /jwks.json HTTP/1.1"));
            let body = serde_json::to_string(&*keys.lock().expect("unpoisoned"));
            let body = body.expect("plain data");
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            connection
                .write_all(answer.as_bytes())
                .await
                .expect("answered");
        }
    });
    format!("http://{address}/jwks.json")
}

#[tokio::test]
async fn keys_are_fetched_from_a_url_and_fetched_again_after_a_rotation() {
    let platform = Platform::new();
    let keys = Arc::new(Mutex::new(platform.issuer.jwks()));
    let url = publish_over_http(Arc::clone(&keys)).await;
    let verifier = verifier(vec![Trusted {
        keys: JwksSource::Url(url),
        ..platform.trusted()
    }]);
    let old = platform.token(&["clerk"]);
    assert!(verifier.verify(&old).await.is_ok());
    let next = new_issuer(&platform.folder, "second", "redress");
    *keys.lock().expect("unpoisoned") = next.jwks();
    let new = next.user_token(grant(&["clerk"]), HOUR).expect("signable");
    assert!(verifier.verify(&new).await.is_ok());
    assert!(verifier.verify(&old).await.is_err());
}

#[tokio::test]
async fn a_signature_without_algorithm_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let platform = Platform::new();
    let kid = kid_of(&platform.issuer);
    let claims = serde_json::to_vec(&claims(&platform.issuer)).expect("plain data");
    for algorithm in ["none", "None", "NONE"] {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{kid}"}}"#);
        let token = format!("{}.{}.", BASE64.encode(header), BASE64.encode(&claims));
        let fault = verify(&platform, &token).await.expect_err("unsigned");
        assert_eq!(fault.reason(), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_public_key_used_as_a_shared_secret_is_refused() {
    let platform = Platform::new();
    let jwk = &platform.issuer.jwks().keys[0];
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(kid_of(&platform.issuer));
    let secret = serde_json::to_vec(jwk).expect("plain data");
    let token = jsonwebtoken::encode(
        &header,
        &claims(&platform.issuer),
        &EncodingKey::from_secret(&secret),
    )
    .expect("signable");
    let fault = verify(&platform, &token).await.expect_err("confused");
    assert_eq!(
        fault.to_string(),
        "the access token is signed with a wrong algorithm"
    );
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let platform = Platform::new();
    let right = platform.token(&["clerk"]);
    let forged = platform.token(&["admin"]);
    let (head, _) = forged.rsplit_once('.').expect("three parts");
    let (_, signature) = right.rsplit_once('.').expect("three parts");
    let fault = verify(&platform, &format!("{head}.{signature}"))
        .await
        .expect_err("forged");
    assert_eq!(
        fault.to_string(),
        "the signature of the access token is wrong"
    );
}

#[tokio::test]
async fn a_services_token_is_for_its_receiver_alone() {
    let platform = Platform::new();
    let token = |audience| {
        let sites = ["lake".parse().expect("a slug")];
        platform
            .issuer
            .service_token("intake", audience, &sites, "deliver events")
            .expect("signable")
    };
    let caller = verify(&platform, &token("triage")).await.expect("for us");
    assert_eq!(caller.require_service().expect("a service"), "intake");
    assert_eq!(caller.purpose.as_deref(), Some("deliver events"));
    assert!(caller.may("events.deliver"));
    assert!(verify(&platform, &token("crisis")).await.is_err());
}

#[tokio::test]
async fn only_the_platform_speaks_for_services() {
    let platform = Platform::new();
    let company = new_issuer(&platform.folder, "company", "company");
    let verifier = verifier(vec![
        platform.trusted(),
        Trusted {
            issuer: "company".to_owned(),
            audience: "complaints".to_owned(),
            keys: JwksSource::Fixed(company.jwks()),
            platform: false,
        },
    ]);
    let mut claims = Claims {
        aud: Audience::One("complaints".to_owned()),
        roles: vec!["service".to_owned()],
        ..claims(&company)
    };
    let token = company.sign(&claims).expect("signable");
    let caller = verifier.verify(&token).await.expect("a person");
    assert!(
        !caller.may("events.deliver"),
        "the role alone grants nothing"
    );

    claims.service = Some("intake".to_owned());
    claims.aud = Audience::Many(vec!["complaints".to_owned(), "triage".to_owned()]);
    let token = company.sign(&claims).expect("signable");
    let fault = verifier.verify(&token).await.expect_err("not its business");
    assert!(fault.to_string().starts_with("only the platform's issuer"));
}

#[tokio::test]
async fn rsa_and_ed25519_keys_are_accepted() {
    for (pem, algorithm) in [
        (&include_bytes!("keys/rsa.pem")[..], Algorithm::RS256),
        (&include_bytes!("keys/ed25519.pem")[..], Algorithm::EdDSA),
    ] {
        let key = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
            _ => EncodingKey::from_ed_pem(pem),
        }
        .expect("a key");
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).expect("a key");
        jwk.common.key_id = Some("k".to_owned());
        let verifier = verifier(vec![Trusted {
            issuer: "company".to_owned(),
            audience: USER_AUDIENCE.to_owned(),
            keys: JwksSource::Fixed(JwkSet { keys: vec![jwk] }),
            platform: false,
        }]);
        let platform = Platform::new();
        let claims = Claims {
            iss: "company".to_owned(),
            ..claims(&platform.issuer)
        };
        let mut header = Header::new(algorithm);
        header.kid = Some("k".to_owned());
        let token = jsonwebtoken::encode(&header, &claims, &key).expect("signable");
        let caller = verifier.verify(&token).await;
        assert_eq!(caller.expect("accepted").issuer, "company", "{algorithm:?}");
    }
}

#[test]
fn a_key_file_is_never_overwritten_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.pem");
    Issuer::generate_key_file(&path).expect("new");
    let mode = std::fs::metadata(&path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(Issuer::generate_key_file(&path).is_err());
}

#[tokio::test]
async fn a_token_lives_as_long_as_it_was_granted() {
    let platform = Platform::new();
    let lifetime = Duration::from_secs(600);
    let token = platform
        .issuer
        .user_token(grant(&[]), lifetime)
        .expect("signable");
    let caller = verify(&platform, &token).await.expect("right");
    let left = clock().now().duration_until(caller.expires).as_secs();
    assert!(
        (600..=631).contains(&left),
        "lifetime and leeway, got {left}"
    );
}

fn kid_of(issuer: &Issuer) -> String {
    let jwks = issuer.jwks();
    jwks.keys[0].common.key_id.clone().expect("named")
}
