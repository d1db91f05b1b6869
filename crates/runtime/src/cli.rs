//! The command line of a service: `serve`, `migrate`, `check-config`, `healthcheck`.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::config::{self, Sources};
use crate::host::{self, Hosting};
use crate::service::{BoxError, Service};
use crate::settings::Common;
use crate::telemetry::{self, Telemetry};
use crate::tls;

/// How long `healthcheck` waits for an answer.
const HEALTH_LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    /// Configuration on top of the defaults, TOML. Variables REDRESS__SECTION__KEY lie on top of it.
    #[arg(long, global = true, env = "REDRESS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Serves until SIGTERM or Ctrl-C, then ends in good order.
    Serve,
    /// Brings the schema up to this release, and ends. Repeating it is harmless.
    Migrate,
    /// Says whether the configuration is right, and ends.
    CheckConfig,
    /// Asks the service on this machine for its health: 0 when it serves, 1 otherwise.
    Healthcheck,
}

/// The `main` of a service.
pub fn main<S: Service>() -> ExitCode {
    let command = Arguments::command()
        .bin_name(format!("redress-{}", S::NAME))
        .display_name(format!("redress-{}", S::NAME))
        .about(format!("The {} service of Redress", S::NAME));
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let sources = Sources {
        file: arguments.config,
        overlay: None,
        environment: true,
    };
    let result = match arguments.command {
        Command::Serve => serve::<S>(sources),
        Command::Migrate => migrate::<S>(&sources),
        Command::CheckConfig => check_config::<S>(&sources),
        Command::Healthcheck => healthcheck::<S>(&sources),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody can be told when standard error is gone.
            let _ = writeln!(std::io::stderr(), "redress-{}: {error}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

fn serve<S: Service>(sources: Sources) -> Result<(), BoxError> {
    let runtime = small_runtime()?;
    runtime.block_on(async {
        // Before the service starts, so that no signal is missed.
        let mut stop = Stop::listen()?;
        let handle = host::start::<S>(Hosting {
            sources,
            clock: None,
        })?;
        tokio::select! {
            ended = handle.ended() => return ended,
            () = stop.asked() => handle.shutdown(),
        }
        tokio::select! {
            ended = handle.ended() => ended,
            () = stop.asked() => Err("stopped at once by a second signal".into()),
        }
    })
}

fn migrate<S: Service>(sources: &Sources) -> Result<(), BoxError> {
    let common = load::<S>(sources)?;
    let owner_url = common.database.owner_url.as_ref().ok_or_else(|| {
        format!(
            "database.owner_url is missing; set it in the file given by --config or as REDRESS_{}__DATABASE__OWNER_URL",
            S::NAME.to_uppercase()
        )
    })?;
    let telemetry = Telemetry::start(S::NAME, "migrate", &common.telemetry)?;
    telemetry::install(telemetry.dispatch());
    let result = small_runtime()?.block_on(async {
        let owner = redress_store::Database::connect_owner(owner_url, S::NAME).await?;
        redress_store::migrate(&owner, S::NAME, &S::migrators()).await?;
        owner.close().await;
        tracing::info!(schema = S::NAME, "the schema is up to date");
        Ok(())
    });
    telemetry.shutdown();
    result
}

fn check_config<S: Service>(sources: &Sources) -> Result<(), BoxError> {
    host::prepare::<S>(sources)?;
    writeln!(
        std::io::stdout(),
        "the configuration of redress-{} is right",
        S::NAME
    )?;
    Ok(())
}

fn healthcheck<S: Service>(sources: &Sources) -> Result<(), BoxError> {
    let common = load::<S>(sources)?;
    let is_tls = common.server.tls.is_some();
    let scheme = if is_tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", reachable(common.server.listen));
    let mut endpoint = tonic::transport::Endpoint::from_shared(url.clone())?;
    if is_tls {
        let name = known_as(&common, S::NAME);
        endpoint = endpoint.tls_config(tls::peers(&common.peers_tls)?.domain_name(name))?;
    }
    let ask = async {
        let channel = endpoint
            .connect_timeout(HEALTH_LIMIT)
            .connect()
            .await
            .map_err(|_| format!("nothing answers at {url}"))?;
        let answer = HealthClient::new(channel)
            .check(HealthCheckRequest::default())
            .await
            .map_err(|status| format!("{url} answers {:?}", status.code()))?;
        match answer.into_inner().status() {
            ServingStatus::Serving => Ok(()),
            ServingStatus::Unknown | ServingStatus::NotServing | ServingStatus::ServiceUnknown => {
                Err(format!("{url} does not serve now").into())
            }
        }
    };
    small_runtime()?.block_on(async {
        tokio::time::timeout(HEALTH_LIMIT, ask)
            .await
            .unwrap_or_else(|_| Err(format!("{url} did not answer in time").into()))
    })
}

fn load<S: Service>(sources: &Sources) -> Result<Common, BoxError> {
    let (common, _) = config::load::<S::Settings>(S::NAME, S::DEFAULT_CONFIG, sources)?;
    Ok(common)
}

/// The host name that the other services know this one by, which its certificate is for.
fn known_as(common: &Common, service: &str) -> String {
    let url = common.peers.get(service);
    let uri = url.and_then(|url| url.parse::<http::Uri>().ok());
    let host = uri.as_ref().and_then(http::Uri::host);
    host.unwrap_or("localhost")
        .trim_matches(['[', ']'])
        .to_owned()
}

/// An address that listens everywhere, as one that can be called.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

fn small_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
