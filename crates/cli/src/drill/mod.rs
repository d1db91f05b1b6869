//! `redress drill`: a crisis rehearsed on a platform of its own.
//!
//! A drill starts what `redress up` starts, in a data folder below the real one and always empty: a Postgres, a Redis, five
//! services on ports of their own, and a clock that runs fast. It shares nothing with the real platform, and its services
//! refuse to start with anything that could reach people. What is played comes from a script; what is scored is read
//! from the platform alone.

mod cues;
mod facts;
mod people;
mod score;
mod screen;
mod script;
mod team;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use redress_model::time::{Clock as _, RATE_MAX, SystemClock};
use redress_runtime::settings::ClockSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::facts::Facts;
use self::score::{Score, judge, shown};
use self::screen::Stage;
use self::script::{SHIPPED, Script};
use self::team::Team;
use crate::connect::{Home, Platform};
use crate::failure::Failure;
use crate::now::{self, now};
use crate::output::{Output, line, plain};
use crate::paint::Paint as _;
use crate::up::lock::is_held;
use crate::up::settings::write_private;
use crate::up::{Demo, How, Running};

/// How often the runner looks whether something is due.
const TICK: Duration = Duration::from_millis(250);

/// How often the screen is filled anew.
const LOOK: Duration = Duration::from_secs(1);

/// How long the platform has to come up before its clock begins to run fast.
const HEAD_START: SignedDuration = SignedDuration::from_secs(15);

/// Subcommands of `drill`.
#[derive(Debug, Subcommand)]
pub(crate) enum DrillCommand {
    /// List the scripts that are shipped.
    #[command(after_help = "Example:\n  redress drill list")]
    List,
    /// Play a script: start the platform of the drill, let its events happen, and score what was done about them.
    ///
    /// People play with the ordinary commands, given to the drill with --home and the token of their post, both of which
    /// are shown at the start. With --auto a sensible team plays all posts. Fails when an expectation was missed.
    #[command(
        after_help = "Examples:\n  redress drill run plan-change                  wait for people, show events\n  redress drill run false-report --auto          watch how it goes\n  redress drill run my-site.yaml --speed 30 --json"
    )]
    Run(RunArgs),
    /// Score the drill that runs, or the last one.
    #[command(
        after_help = "Examples:\n  redress drill score\n  redress drill score --json | jq .points"
    )]
    Score,
}

/// Arguments of `drill run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Name of a shipped script, or a file.
    script: String,
    /// How many times as fast as real time.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE_MAX)))]
    speed: u32,
    /// Let a scripted team play all posts.
    #[arg(long)]
    auto: bool,
    /// Organization to play in, instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    demo: Option<PathBuf>,
    /// Log filter of the services, for example `warn`.
    #[arg(long, default_value = "off", value_name = "FILTER")]
    log: String,
}

/// What has to be known to score a drill, beside what its platform knows.
#[derive(Debug, Serialize, Deserialize)]
struct Played {
    script: String,
    begin: Timestamp,
    /// The script's names of cases → the platform's.
    cases: BTreeMap<String, String>,
}

impl Played {
    fn path(home: &Home) -> PathBuf {
        home.folder().join("drill.json")
    }

    fn write(&self, home: &Home) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Failure::platform("what is played cannot be written", e))?;
        write_private(&Self::path(home), &text)
    }

    fn read(home: &Home) -> Result<Self, Failure> {
        let path = Self::path(home);
        let text = std::fs::read_to_string(&path).map_err(|_| Failure::NoDrill {
            home: home.folder().display().to_string(),
        })?;
        serde_json::from_str(&text).map_err(|_| Failure::BrokenHome {
            path: path.display().to_string(),
        })
    }
}

/// Runs a subcommand.
pub(crate) async fn run(home: &Home, command: DrillCommand, out: Output) -> Result<(), Failure> {
    match command {
        DrillCommand::List => list(out),
        DrillCommand::Run(args) => play(&home.drill(), &args, out).await,
        DrillCommand::Score => score_of(home, out).await,
    }
}

fn list(out: Output) -> Result<(), Failure> {
    let mut scripts = Vec::new();
    for (name, text) in SHIPPED {
        scripts.push(read(name, text)?);
    }
    out.rows(
        &["Script", "Plays", "Events", "Expected", "About"],
        &scripts,
        |s| {
            vec![
                s.name.clone(),
                shown(s.length),
                s.cues.len().to_string(),
                s.expectations.len().to_string(),
                s.title.clone(),
            ]
        },
        |s| {
            json!({
                "script": s.name, "title": s.title, "about": s.about, "length": shown(s.length),
                "events": s.cues.len(), "expectations": s.expectations.len(),
            })
        },
    );
    Ok(())
}

fn read(name: &str, text: &str) -> Result<Script, Failure> {
    Script::read(text).map_err(|problems| Failure::Script {
        name: name.to_owned(),
        problems,
    })
}

/// The text of a shipped script or of a file.
fn text_of(script: &str) -> Result<String, Failure> {
    if let Some((_, text)) = SHIPPED.iter().find(|(name, _)| *name == script) {
        return Ok((*text).to_owned());
    }
    if !Path::new(script).exists() {
        return Err(Failure::NotFound {
            what: "drill script, shipped (`redress drill list`) or as a file,",
            name: script.to_owned(),
        });
    }
    std::fs::read_to_string(script).map_err(|source| Failure::File {
        what: "cannot read",
        path: script.to_owned(),
        source,
    })
}

async fn play(home: &Home, args: &RunArgs, out: Output) -> Result<(), Failure> {
    let text = text_of(&args.script)?;
    let script = read(&args.script, &text)?;
    if is_held(home) {
        return Err(Failure::RunsAlready {
            home: home.folder().display().to_string(),
        });
    }
    let site = script.site.as_str();
    let zone = Demo::read(args.demo.as_deref())?.zone(site);
    let zone = zone.ok_or_else(|| Failure::NotFound {
        what: "site of the organization that is played in,",
        name: site.to_owned(),
    })?;
    let started = SystemClock.now() + HEAD_START;
    let clock = ClockSettings {
        rate: Some(args.speed),
        origin: script.first_begin(started, &zone),
        started: Some(started),
    };
    prepare(home, clock)?;
    if !out.json {
        crate::output::say!(
            "starting a platform of its own in {}",
            home.folder().display()
        );
    }
    let how = How {
        fresh: true,
        demo: args.demo.as_deref(),
        log: &args.log,
        clock,
    };
    let running = Running::start(home, &how).await?;
    let played = tokio::select! {
        played = perform(home, &running, &script, text, args, out) => played,
        end = running.wait_for_the_end() => end,
    };
    let scored = match played {
        Ok(()) => conclude(home, &running.platform, &script, out).await,
        Err(failure) => Err(failure),
    };
    running.stop(home).await?;
    scored
}

/// Makes the folder, with nothing of an earlier drill, and tells whoever plays which clock counts.
fn prepare(home: &Home, clock: ClockSettings) -> Result<(), Failure> {
    std::fs::create_dir_all(home.folder()).map_err(|source| Failure::File {
        what: "cannot make",
        path: home.folder().display().to_string(),
        source,
    })?;
    for old in [Played::path(home), score_file(home)] {
        let _ = std::fs::remove_file(old);
    }
    let text = serde_json::to_string_pretty(&clock)
        .map_err(|e| Failure::platform("the clock cannot be written", e))?;
    write_private(&home.clock(), &text)?;
    now::follow(clock);
    Ok(())
}

fn score_file(home: &Home) -> PathBuf {
    home.folder().join("score.json")
}

/// Lets everything happen until the script is over.
async fn perform(
    home: &Home,
    running: &Running,
    script: &Script,
    text: String,
    args: &RunArgs,
    out: Output,
) -> Result<(), Failure> {
    let platform = &running.platform;
    let people = people::hire(home, platform, &script.site).await?;
    let speed = u64::from(args.speed);
    // The clock stands before its origin while the head start lasts.
    let mut begin = now();
    if let Some(ahead) = origin(home).map(|origin| origin.duration_since(begin))
        && let Ok(ahead) = Duration::try_from(ahead)
    {
        tokio::time::sleep(ahead).await;
        begin = now();
    }
    let mut played = Played {
        script: text,
        begin,
        cases: BTreeMap::new(),
    };
    played.write(home)?;
    introduce(home, script, &people, args, out);
    let mut team = args
        .auto
        .then(|| Team::new(platform.clone(), &running.endpoints, script, people));
    let mut stage = Stage::enter(!args.auto && !out.json)?;
    let end = begin + script.length;
    let mut looked = tokio::time::Instant::now();
    let mut waiting: Vec<_> = script.cues.iter().collect();
    while now() < end {
        let due = now();
        let mut later = Vec::new();
        for cue in waiting {
            if begin + cue.at > due {
                later.push(cue);
                continue;
            }
            // What is about an incident waits until the platform has opened it.
            if cues::play(platform, script, &cue.what, &mut played.cases).await? {
                played.write(home)?;
                stage.told(now().duration_since(begin), &cue.what, out);
            } else {
                later.push(cue);
            }
        }
        waiting = later;
        if let Some(team) = &mut team {
            team.act().await?;
        }
        if stage.is_shown() && looked <= tokio::time::Instant::now() {
            stage
                .draw(
                    platform,
                    script,
                    begin,
                    speed,
                    waiting.first().copied(),
                    home,
                )
                .await?;
            looked = tokio::time::Instant::now() + LOOK;
        }
        tokio::time::sleep(TICK).await;
    }
    stage.leave();
    if let Some(team) = team
        && !out.json
    {
        for (refusal, times) in team.refusals() {
            anstream::eprintln!("{}", plain(&format!("refused {times} times: {refusal}")));
        }
    }
    Ok(())
}

fn origin(home: &Home) -> Option<Timestamp> {
    let text = std::fs::read_to_string(home.clock()).ok()?;
    serde_json::from_str::<ClockSettings>(&text).ok()?.origin
}

fn introduce(home: &Home, script: &Script, people: &people::People, args: &RunArgs, out: Output) {
    if out.json {
        crate::output::object(&json!({
            "drill": script.name, "speed": args.speed, "length": shown(script.length),
            "home": home.folder().display().to_string(), "auto": args.auto,
        }));
        return;
    }
    crate::output::say!("\n{}\n{}\n", script.title.bold(), script.about);
    line(
        "plays",
        format!("{} at {} times the speed", shown(script.length), args.speed),
    );
    line("home", home.folder().display());
    if args.auto {
        crate::output::say!();
        return;
    }
    line("posts", people.posts().join(", "));
    crate::output::say!(
        "\nTake a post in another terminal, then use any command:\n  export REDRESS_HOME={home} REDRESS_TOKEN=$(cat {file})\n  redress message list --json; redress incident list; redress statement --help\n",
        home = home.folder().display(),
        file = people::file(home, "POST").display(),
    );
}

/// Scores, and says so.
async fn conclude(
    home: &Home,
    platform: &Platform,
    script: &Script,
    out: Output,
) -> Result<(), Failure> {
    let played = Played::read(home)?;
    let score = score(platform, script, &played).await?;
    write_private(&score_file(home), &score.json().to_string())?;
    told(&score, out)
}

async fn score(platform: &Platform, script: &Script, played: &Played) -> Result<Score, Failure> {
    let parent = format!("sites/{}", script.site);
    let facts = Facts::read(platform, &parent).await?;
    Ok(judge(script, &played.cases, &facts, played.begin, now()))
}

fn told(score: &Score, out: Output) -> Result<(), Failure> {
    out.one(|| score.json(), || score::print(&score.json()));
    match (score.left, score.missed()) {
        (0, 0) => Ok(()),
        (0, missed) => Err(Failure::Missed { missed }),
        (left, _) => Err(Failure::Left { left }),
    }
}

/// The score of the drill that runs, else the one that was written at its end.
async fn score_of(home: &Home, out: Output) -> Result<(), Failure> {
    // Players have the data folder of the drill itself.
    let drill = if Played::path(home).exists() {
        home.clone()
    } else {
        home.drill()
    };
    if is_held(&drill) {
        if let Ok(text) = std::fs::read_to_string(drill.clock()) {
            now::follow(serde_json::from_str(&text).unwrap_or_default());
        }
        let played = Played::read(&drill)?;
        let script = read("what is played", &played.script)?;
        let platform = Platform::find(&drill, None)?;
        return told(&score(&platform, &script, &played).await?, out);
    }
    let path = score_file(&drill);
    let text = std::fs::read_to_string(&path).map_err(|_| Failure::NoDrill {
        home: drill.folder().display().to_string(),
    })?;
    if out.json {
        anstream::println!("{}", crate::json::written(&text));
        return Ok(());
    }
    let kept: Value = serde_json::from_str(&text).map_err(|_| Failure::BrokenHome {
        path: path.display().to_string(),
    })?;
    score::print(&kept);
    Ok(())
}
