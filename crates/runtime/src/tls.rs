//! Certificates, where they are given: what the server shows and whom it asks for one, and what calls to the other
//! services show and trust. Read once, at start: a renewed certificate counts from the next start on.

use std::path::Path;
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};

use crate::settings::{PeersTlsSettings, ServerTlsSettings};

/// How long a client gets to show who it is.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// Certificates that cannot be used. Its text names the key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TlsError(String);

/// How the server speaks TLS.
///
/// # Errors
/// A file that cannot be read, or files that do not fit together.
pub(crate) fn server(settings: &ServerTlsSettings) -> Result<ServerTlsConfig, TlsError> {
    let identity = Identity::from_pem(
        certificates("server.tls.cert_file", &settings.cert_file)?,
        read("server.tls.key_file", &settings.key_file)?,
    );
    let mut config = ServerTlsConfig::new()
        .identity(identity)
        .timeout(HANDSHAKE_LIMIT);
    if let Some(file) = &settings.client_ca_file {
        let pem = certificates("server.tls.client_ca_file", file)?;
        config = config.client_ca_root(Certificate::from_pem(pem));
    }
    match Server::builder().tls_config(config.clone()) {
        Ok(_) => Ok(config),
        Err(error) => Err(unfit("server.tls", &error)),
    }
}

/// How calls to peers at `https://` speak TLS.
///
/// # Errors
/// A file that cannot be read, or files that do not fit together.
pub(crate) fn peers(settings: &PeersTlsSettings) -> Result<ClientTlsConfig, TlsError> {
    let mut config = match &settings.ca_file {
        Some(file) => {
            let pem = certificates("peers_tls.ca_file", file)?;
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
        }
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match (&settings.cert_file, &settings.key_file) {
        // Roots of the machine are looked for where a peer asks for them.
        (None, None) if settings.ca_file.is_none() => return Ok(config),
        (None, None) => {}
        (Some(cert), Some(key)) => {
            config = config.identity(Identity::from_pem(
                certificates("peers_tls.cert_file", cert)?,
                read("peers_tls.key_file", key)?,
            ));
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(TlsError(
                "peers_tls.cert_file and peers_tls.key_file belong together; give both or none"
                    .to_owned(),
            ));
        }
    }
    match Endpoint::from_static("https://localhost").tls_config(config.clone()) {
        Ok(_) => Ok(config),
        Err(error) => Err(unfit("peers_tls", &error)),
    }
}

fn certificates(key: &str, file: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = read(key, file)?;
    // A store of no certificates would only be noticed by trusting nobody.
    let text = String::from_utf8_lossy(&pem);
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(pem)
    } else {
        Err(TlsError(format!(
            "{key}: {} holds no certificate in PEM",
            file.display()
        )))
    }
}

fn read(key: &str, file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|e| TlsError(format!("{key}: {}: {e}", file.display())))
}

fn unfit(section: &str, error: &dyn std::error::Error) -> TlsError {
    let why = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    TlsError(format!(
        "{section}: its certificates and keys cannot be used together: {why}"
    ))
}
