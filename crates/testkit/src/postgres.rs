//! One Postgres for all tests of a process.

use std::sync::OnceLock;

use redress_local::PostgresOptions;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;

/// A server that is already there, as superuser: saves every test binary the making of a cluster.
const URL_VARIABLE: &str = "REDRESS_TEST_POSTGRES_URL";

/// The Postgres that this process's tests share.
#[derive(Debug)]
pub struct Postgres {
    admin_url: String,
    /// Ends with the process, through its watchdog: statics are not dropped.
    private: Option<redress_local::Postgres>,
}

/// The Postgres of this process: a private cluster, or the one that `REDRESS_TEST_POSTGRES_URL` names.
///
/// # Panics
/// When it cannot be started; the message says what to install.
pub async fn postgres() -> &'static Postgres {
    postgres_with(PostgresOptions::for_tests()).await
}

/// The same, where a private cluster is started with these options if this is asked before all else: for what is measured,
/// which the small cache of tests would slow down.
///
/// # Panics
/// As [`postgres`].
pub async fn postgres_with(options: PostgresOptions) -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    crate::blocking(move || POSTGRES.get_or_init(|| Postgres::find(&options))).await
}

impl Postgres {
    fn find(options: &PostgresOptions) -> Self {
        if let Ok(admin_url) = std::env::var(URL_VARIABLE) {
            return Self {
                admin_url,
                private: None,
            };
        }
        let private = redress_local::Postgres::start(&crate::home(), options)
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            admin_url: private.admin_url(),
            private: Some(private),
        }
    }

    /// How the superuser reaches it.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// How the superuser reaches it, parsed.
    pub fn admin(&self) -> PgConnectOptions {
        self.admin_url
            .parse()
            .expect("the admin URL is one of Postgres")
    }

    /// Whether it ends with this process, so that nothing needs to be tidied up.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// The password of a role. The same in every process that shares the server, since roles belong to the server.
    pub(crate) fn password(&self, role: &str) -> String {
        hex::encode(&Sha256::digest(format!("{}\n{role}", self.admin_url))[..16])
    }
}
