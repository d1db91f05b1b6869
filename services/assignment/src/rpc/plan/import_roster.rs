//! Replaces the fixed duties of a window by those of a file; or only says what that would do.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use redress_model::name::SiteId;
use redress_model::{Fault, Violation};
use redress_proto::assignment::v1::{ImportRosterRequest, ImportRosterResponse, RosterFormat};
use redress_rpc::{Caller, etag};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::read_file::Context;
use super::{Shared, render};
use crate::domain::bench::Stretch;
use crate::domain::plan::reached;
use crate::rpc::parse;
use crate::store::{duties, plan, staff};

/// Fixed duties of a site at most.
const DUTIES_MAX: usize = 5_000;

pub(super) async fn run(
    shared: &Shared,
    request: Request<ImportRosterRequest>,
) -> Result<ImportRosterResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let request = request.into_inner();
    let site = parse::site(&request.parent)?;
    caller.require_site(&site)?;
    let mut violations = Vec::new();
    let first = render::date(
        &mut violations,
        "start_date".to_owned(),
        &request.start_date,
    );
    let last = render::date(&mut violations, "end_date".to_owned(), &request.end_date);
    if !violations.is_empty() {
        return Err(Fault::violations(violations));
    }
    let import = Import {
        site,
        format: request.format(),
        content: request.content,
        first,
        last,
        etag: request.etag,
        actor: caller.subject.clone(),
        now: shared.clock.now(),
    };
    let scope = redress_runtime::scope(&caller);
    if request.validate_only {
        shared.db.read(&scope, &Preview(&import)).await
    } else {
        shared.db.run(&scope, &import).await
    }
}

struct Import {
    site: SiteId,
    format: RosterFormat,
    content: String,
    first: Option<Date>,
    last: Option<Date>,
    etag: String,
    actor: String,
    now: Timestamp,
}

/// What an import makes of the fixed duties.
struct Change {
    wanted: Vec<Stretch>,
    added: usize,
    removed: usize,
    kept: usize,
    first: Date,
    last: Date,
}

impl Change {
    fn is_nothing(&self) -> bool {
        self.added == 0 && self.removed == 0
    }

    fn answer(&self, revision: i64) -> ImportRosterResponse {
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        ImportRosterResponse {
            added_count: count(self.added),
            removed_count: count(self.removed),
            kept_count: count(self.kept),
            start_date: self.first.to_string(),
            end_date: self.last.to_string(),
            etag: etag::of(revision),
        }
    }
}

impl Import {
    async fn change(&self, tx: &mut Tx) -> Result<Change, Fault> {
        let context = Context {
            zone: plan::zone(tx, &self.site).await?,
            people: staff::names(tx, &self.site).await?,
        };
        let read = match self.format {
            RosterFormat::Icalendar => context.icalendar(&self.content),
            RosterFormat::Csv | RosterFormat::Unspecified => context.csv(&self.content),
        };
        let mut imported = read.map_err(Fault::violations)?;
        imported.sort_by_key(listing);
        imported.dedup();
        let (first, last) = self.window(&context.zone, &imported)?;
        let days = (
            reached(
                &context.zone,
                first.to_datetime(jiff::civil::Time::midnight()),
            ),
            reached(
                &context.zone,
                last.saturating_add(1.day())
                    .to_datetime(jiff::civil::Time::midnight()),
            ),
        );
        let begins_within = |s: &Stretch| s.from.is_some_and(|f| days.0 <= f && f < days.1);

        let before = duties::all(tx, &self.site).await?;
        let (window, mut wanted): (Vec<Stretch>, Vec<Stretch>) =
            before.into_iter().partition(begins_within);
        let kept = imported.iter().filter(|s| window.contains(s)).count();
        let change = |wanted| Change {
            wanted,
            added: imported.len() - kept,
            removed: window.iter().filter(|s| !imported.contains(s)).count(),
            kept,
            first,
            last,
        };
        wanted.extend(imported.iter().cloned());
        wanted.sort_by_key(listing);
        if wanted.len() > DUTIES_MAX {
            let text = format!("makes more than {DUTIES_MAX} fixed duties");
            return Err(Fault::invalid("content", text));
        }
        Ok(change(wanted))
    }

    /// The days whose duties the file replaces; what it has outside of them is refused by name.
    fn window(&self, zone: &TimeZone, imported: &[Stretch]) -> Result<(Date, Date), Fault> {
        let days: Vec<Date> = imported
            .iter()
            .filter_map(|s| Some(zone.to_datetime(s.from?).date()))
            .collect();
        let ends = days.iter().min().copied().zip(days.iter().max().copied());
        let (earliest, latest) = ends.unwrap_or_default();
        let (first, last) = (self.first.unwrap_or(earliest), self.last.unwrap_or(latest));
        let mut violations = Vec::new();
        for (field, day, inside) in [
            ("start_date", earliest, first <= earliest),
            ("end_date", latest, latest <= last),
        ] {
            if !inside {
                violations.push(Violation {
                    field: field.to_owned(),
                    description: format!(
                        "must include {day}, on which a stretch of the file begins"
                    ),
                });
            }
        }
        if violations.is_empty() {
            Ok((first, last))
        } else {
            Err(Fault::violations(violations))
        }
    }
}

/// The order in which duties are listed: those that start last first.
fn listing(stretch: &Stretch) -> impl Ord + use<> {
    let start = std::cmp::Reverse(stretch.from);
    (
        start,
        stretch.role,
        stretch.rank,
        stretch.staff.clone(),
        stretch.until,
    )
}

impl Operation for Import {
    const NAME: &'static str = "assignment.import_roster";
    type Output = ImportRosterResponse;

    async fn run(&self, tx: &mut Tx) -> Result<ImportRosterResponse, Fault> {
        let site = &self.site;
        plan::zone(tx, site).await?;
        let mut revision = plan::lock(tx, site, self.now).await?;
        etag::check(&self.etag, revision, format!("sites/{site}/duties"))?;
        let change = self.change(tx).await?;
        if change.removed > 0 {
            etag::require(&self.etag, revision, format!("sites/{site}/duties"))?;
        }
        if !change.is_nothing() {
            revision += 1;
            duties::replace(tx, site, &change.wanted, revision).await?;
            plan::announce(tx, site, &self.actor, self.now).await?;
        }
        Ok(change.answer(revision))
    }
}

struct Preview<'a>(&'a Import);

impl Operation for Preview<'_> {
    const NAME: &'static str = "assignment.preview_roster_import";
    type Output = ImportRosterResponse;

    async fn run(&self, tx: &mut Tx) -> Result<ImportRosterResponse, Fault> {
        let change = self.0.change(tx).await?;
        let revision = duties::revision(tx, &self.0.site).await?;
        etag::check(
            &self.0.etag,
            revision,
            format!("sites/{}/duties", self.0.site),
        )?;
        Ok(change.answer(revision))
    }
}
