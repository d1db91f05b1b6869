//! What a clerk does to a case after it was taken in: contacts, evidence, whom it is about, withdrawing, merging,
//! opening again.

use clap::Subcommand;
use redress_model::words::{Category, Channel};
use redress_proto::convert::{to_money, to_timestamp};
use redress_proto::event::v1::ContactDirection;
use redress_proto::intake::v1::{
    AddEvidenceRequest, Case, Contact, CustodyAct, CustodyEntry, Evidence, EvidenceKind,
    MergeCasesRequest, Needs, Place, RecordContactRequest, RecordCustodyRequest,
    RecordNeedsRequest, ReopenCaseRequest, UnmergeCaseRequest, UpdateCaseRequest,
    WithdrawCaseRequest,
};
use rust_decimal::Decimal;

use super::{find, groups, name_of, names_of, show_needs, show_stated};
use crate::commands::people::{people, person, person_if_given};
use crate::commands::{choice, number, word};
use crate::connect::{Platform, request, request_id};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, heading, line};

/// Acts on one case.
#[derive(Debug, Subcommand)]
pub(crate) enum ActCommand {
    /// Record a talk or message with the complainant.
    #[command(
        after_help = "Examples:\n  redress case contact LS-20261121-0001 --channel HOTLINE --by-person --note 'will be called back' --next 4h\n  redress case contact LS-20261121-0001 --inbound --channel APP --note 'sent photos'"
    )]
    Contact {
        /// The case, by name or number.
        case: String,
        /// By which way.
        #[arg(long, default_value = "HOTLINE")]
        channel: String,
        /// The complainant reached out; otherwise we did.
        #[arg(long)]
        inbound: bool,
        /// A person of ours talked; where we reached out it meets promises, else it acknowledges alone.
        #[arg(long)]
        by_person: bool,
        /// It answers the matter itself; meets the answer clock. What does not is an interim answer and takes --next.
        #[arg(long, requires = "by_person")]
        substantive: bool,
        /// It was a visit of ours on site.
        #[arg(long, requires = "by_person", conflicts_with = "inbound")]
        visit: bool,
        /// When the next word was promised: an instant, a local time, or so long from now; runs as a promise.
        #[arg(long = "next", value_name = "WHEN", requires = "by_person", value_parser = crate::args::parse_when)]
        promised: Option<jiff::Timestamp>,
        /// Who of the staff talked, by id or name; otherwise whoever the token names.
        #[arg(long, requires = "by_person")]
        staff: Option<String>,
        /// What was said.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Add a photo, record, document or thing; its content stays where it is kept.
    #[command(
        after_help = "Example:\n  redress case evidence LS-20261121-0001 --kind PHOTO --file leak.jpg --media-type image/jpeg --kept-at 'https://files.example.com/leak.jpg'"
    )]
    Evidence {
        /// The case, by name or number.
        case: String,
        /// PHOTO, VIDEO, AUDIO, SIGNED_RECORD, DOCUMENT or OBJECT.
        #[arg(long)]
        kind: String,
        /// The file, of which size and SHA-256 are recorded; not for OBJECT.
        #[arg(long)]
        file: Option<std::path::PathBuf>,
        /// Media type of the file.
        #[arg(long, default_value = "")]
        media_type: String,
        /// Where it is kept: a URL or a place.
        #[arg(long)]
        kept_at: String,
    },
    /// Record who holds a piece of evidence from now on.
    #[command(
        after_help = "Example:\n  redress case custody sites/lakeside/cases/ID/evidence/ID --act TAKEN --holder engineer-1"
    )]
    Custody {
        /// The piece of evidence.
        evidence: String,
        /// TAKEN, HANDED_OVER, SEALED, UNSEALED or RETURNED.
        #[arg(long)]
        act: String,
        /// Who of the staff holds it, by id or name.
        #[arg(long, default_value = "")]
        holder: String,
        /// The body outside that holds it, a laboratory for example.
        #[arg(long, default_value = "")]
        outside: String,
        /// SHA-256 found at the act; has to be that of the evidence.
        #[arg(long, default_value = "")]
        sha256: String,
    },
    /// Correct where a case is about, what is claimed, how many complain or its category; what is not given stays.
    #[command(
        group = clap::ArgGroup::new("changed").required(true).multiple(true).args(["building", "unit", "claim", "headcount", "category"]),
        after_help = "Examples:\n  redress case update LS-20261121-0001 --building 3栋 --unit 1201\n  redress case update LS-20261121-0001 --claim 2000.00 --headcount 12"
    )]
    Update {
        /// The case, by name or number.
        case: String,
        /// Building of the place; '' clears it.
        #[arg(long)]
        building: Option<String>,
        /// Unit of the place; '' clears it.
        #[arg(long)]
        unit: Option<String>,
        /// Claimed amount in CNY, for example 2000.00.
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true, value_parser = crate::args::parse_yuan)]
        claim: Option<Decimal>,
        /// How many complain together; 0 clears it, and who is named counts.
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        headcount: Option<i32>,
        /// What it is about, as a person states it, for example ENGINEERING_QUALITY.
        #[arg(long)]
        category: Option<String>,
    },
    /// Record what the complainant needs and who is vulnerable; what is not given stays. Without options shows it.
    #[command(
        after_help = "Examples:\n  redress case needs LS-20261121-0001\n  redress case needs LS-20261121-0001 --real 'a dry room for the child to sleep in' --vulnerable CHILDREN\n  redress case needs LS-20261121-0001 --nobody-vulnerable"
    )]
    Needs {
        /// The case, by name or number.
        case: String,
        /// What they say they need.
        #[arg(long)]
        stated: Option<String>,
        /// What you found that they really need.
        #[arg(long)]
        real: Option<String>,
        /// CHILDREN, ELDERLY, DISABLED or PREGNANT; may be given several times. Replaces who was named before.
        #[arg(long, value_name = "GROUP", conflicts_with = "nobody_vulnerable")]
        vulnerable: Vec<String>,
        /// Nobody vulnerable is concerned.
        #[arg(long)]
        nobody_vulnerable: bool,
    },
    /// Say which staff a complaint is about: from then on they neither see nor handle it.
    #[command(
        after_help = "Examples:\n  redress case about LS-20261121-0001 --staff engineer-1\n  redress case about LS-20261121-0001 --nobody"
    )]
    About {
        /// The case, by name or number.
        case: String,
        /// One of the staff, by id or name; may be given several times. Replaces who was named before.
        #[arg(long, required_unless_present = "nobody", conflicts_with = "nobody")]
        staff: Vec<String>,
        /// It is about nobody.
        #[arg(long)]
        nobody: bool,
    },
    /// Withdraw a case on the complainant's word.
    #[command(
        after_help = "Example:\n  redress case withdraw LS-20261121-0001 --reason 'said by telephone that it works again'"
    )]
    Withdraw {
        /// The case, by name or number.
        case: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Open a handled case again.
    #[command(
        after_help = "Example:\n  redress case reopen LS-20261121-0001 --reason 'it leaks again'"
    )]
    Reopen {
        /// The case, by name or number.
        case: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Merge cases that are one and the same into the first.
    #[command(
        after_help = "Example:\n  redress case merge LS-20261121-0001 LS-20261121-0007 --reason 'called twice about the same leak'"
    )]
    Merge {
        /// The case that stays, by name or number.
        case: String,
        /// The cases that are the same, by name or number.
        #[arg(required = true)]
        duplicates: Vec<String>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Undo a merge: the case stands on its own again.
    #[command(
        after_help = "Example:\n  redress case unmerge LS-20261121-0007 --reason 'another flat'"
    )]
    Unmerge {
        /// The merged case, by name or number.
        case: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Runs one.
pub(super) async fn run(
    platform: &Platform,
    command: ActCommand,
    out: Output,
) -> Result<(), Failure> {
    let mut client = platform.cases();
    let mut stood = String::new();
    let request_id = request_id();
    let case = match command {
        ActCommand::Contact {
            case,
            channel,
            inbound,
            by_person,
            substantive,
            visit,
            promised,
            staff,
            note,
        } => {
            let parent = name_of(platform, &case).await?;
            let direction = if inbound {
                ContactDirection::Inbound
            } else {
                ContactDirection::Outbound
            };
            let contact = Contact {
                direction: direction.into(),
                channel: number::<Channel>("channel", &channel)?,
                by_person,
                substantive,
                visit,
                promised_next_time: promised.map(to_timestamp),
                staff: person_if_given(platform, &parent, staff.as_deref()).await?,
                note,
                ..Default::default()
            };
            let record = RecordContactRequest {
                parent,
                contact: Some(contact),
                request_id,
            };
            let answer = client.record_contact(request(record)).await?.into_inner();
            let contact = answer.contact.unwrap_or_default();
            out.one(
                || json::of("intake.v1.Contact", &contact),
                || crate::output::say!("the contact is recorded"),
            );
            return Ok(());
        }
        ActCommand::Evidence {
            case,
            kind,
            file,
            media_type,
            kept_at,
        } => {
            let (sha256, size_bytes) = match &file {
                Some(path) => digest(path)?,
                None => (String::new(), 0),
            };
            let evidence = Evidence {
                kind: choice("kind", "EVIDENCE_KIND_", &kind, EvidenceKind::as_str_name)?,
                sha256,
                size_bytes,
                media_type,
                kept_at,
                ..Default::default()
            };
            let add = AddEvidenceRequest {
                parent: name_of(platform, &case).await?,
                evidence: Some(evidence),
                request_id,
            };
            let answer = client.add_evidence(request(add)).await?.into_inner();
            show_evidence(&answer.evidence.unwrap_or_default(), out);
            return Ok(());
        }
        ActCommand::Custody {
            evidence,
            act,
            holder,
            outside,
            sha256,
        } => {
            let entry = CustodyEntry {
                act: choice("act", "CUSTODY_ACT_", &act, CustodyAct::as_str_name)?,
                holder: person(platform, &evidence, &holder).await?,
                outside_body: outside,
                sha256,
                ..Default::default()
            };
            let record = RecordCustodyRequest {
                name: evidence,
                entry: Some(entry),
                request_id,
            };
            let answer = client.record_custody(request(record)).await?.into_inner();
            show_evidence(&answer.evidence.unwrap_or_default(), out);
            return Ok(());
        }
        ActCommand::Needs {
            case,
            stated,
            real,
            vulnerable,
            nobody_vulnerable,
        } => {
            let before = find(platform, &case).await?;
            let is_asked =
                stated.is_none() && real.is_none() && vulnerable.is_empty() && !nobody_vulnerable;
            if is_asked {
                show_needs_of(&before, out);
                return Ok(());
            }
            let mut needs = before.needs.unwrap_or_default();
            needs.stated = stated.unwrap_or(needs.stated);
            needs.real = real.unwrap_or(needs.real);
            if nobody_vulnerable || !vulnerable.is_empty() {
                needs.vulnerable_groups = groups(&vulnerable)?;
            }
            let record = RecordNeedsRequest {
                name: before.name,
                needs: Some(needs),
                etag: before.etag,
                request_id,
            };
            let answer = client.record_needs(request(record)).await?.into_inner();
            show_needs_of(&answer.case.unwrap_or_default(), out);
            return Ok(());
        }
        ActCommand::Update {
            case,
            building,
            unit,
            claim,
            headcount,
            category,
        } => {
            let category = category
                .map(|c| number::<Category>("category", &c))
                .transpose()?;
            let before = find(platform, &case).await?;
            let (case, paths) = corrected(before, building, unit, claim, headcount, category);
            let update = UpdateCaseRequest {
                case: Some(case),
                update_mask: Some(prost_types::FieldMask { paths }),
                request_id,
            };
            let answer = client.update_case(request(update)).await?.into_inner();
            let case = answer.case.unwrap_or_default();
            out.one(
                || json::of("intake.v1.Case", &case),
                || {
                    heading(&format!("Case {}", case.number));
                    if case.stated_category != 0 {
                        line("category", word::<Category>(case.stated_category));
                    }
                    show_stated(&case);
                },
            );
            return Ok(());
        }
        ActCommand::About { case, staff, .. } => {
            let name = name_of(platform, &case).await?;
            let update = UpdateCaseRequest {
                case: Some(Case {
                    staff_complained_about: people(platform, &name, &staff).await?,
                    name,
                    ..Default::default()
                }),
                update_mask: Some(prost_types::FieldMask {
                    paths: vec!["staff_complained_about".to_owned()],
                }),
                request_id,
            };
            client.update_case(request(update)).await?.into_inner().case
        }
        ActCommand::Withdraw { case, reason } => {
            let name = stands(platform, &case, &mut stood).await?;
            let withdraw = WithdrawCaseRequest {
                name,
                reason,
                request_id,
                ..Default::default()
            };
            let answer = client.withdraw_case(request(withdraw)).await?;
            answer.into_inner().case
        }
        ActCommand::Reopen { case, reason } => {
            let name = stands(platform, &case, &mut stood).await?;
            let reopen = ReopenCaseRequest {
                name,
                reason,
                request_id,
                ..Default::default()
            };
            client.reopen_case(request(reopen)).await?.into_inner().case
        }
        ActCommand::Merge {
            case,
            duplicates,
            reason,
        } => {
            let merge = MergeCasesRequest {
                name: name_of(platform, &case).await?,
                duplicates: names_of(platform, &duplicates).await?,
                reason,
                request_id,
                ..Default::default()
            };
            client.merge_cases(request(merge)).await?.into_inner().case
        }
        ActCommand::Unmerge { case, reason } => {
            let name = stands(platform, &case, &mut stood).await?;
            let unmerge = UnmergeCaseRequest {
                name,
                reason,
                request_id,
                ..Default::default()
            };
            let answer = client.unmerge_case(request(unmerge)).await?;
            answer.into_inner().case
        }
    };
    let is_repeat = case.as_ref().is_some_and(|case| case.etag == stood);
    super::show_all(&Vec::from_iter(case), out);
    if is_repeat && !out.json {
        crate::output::say!("it was so before: nothing has changed, and the reason was not kept");
    }
    Ok(())
}

/// The name of a case, and as what it stands before something is done to it.
async fn stands(platform: &Platform, case: &str, stood: &mut String) -> Result<String, Failure> {
    let case = find(platform, case).await?;
    *stood = case.etag;
    Ok(case.name)
}

/// What an update says of a case as it was read: its etag, the new values, and their paths. A place changes as a whole, so
/// what is not given of it is that of before.
fn corrected(
    before: Case,
    building: Option<String>,
    unit: Option<String>,
    claim: Option<Decimal>,
    headcount: Option<i32>,
    category: Option<i32>,
) -> (Case, Vec<String>) {
    let mut paths = Vec::new();
    let mut case = Case {
        name: before.name,
        etag: before.etag,
        ..Default::default()
    };
    if building.is_some() || unit.is_some() {
        let place = before.place.unwrap_or_default();
        case.place = Some(Place {
            building: building.unwrap_or(place.building),
            unit: unit.unwrap_or(place.unit),
            detail: place.detail,
        });
        paths.push("place".to_owned());
    }
    if let Some(claim) = claim {
        case.claim = Some(to_money(claim));
        paths.push("claim".to_owned());
    }
    if let Some(headcount) = headcount {
        case.headcount = headcount;
        paths.push("headcount".to_owned());
    }
    if let Some(category) = category {
        case.stated_category = category;
        paths.push("stated_category".to_owned());
    }
    (case, paths)
}

/// SHA-256 and size of a file.
fn digest(path: &std::path::Path) -> Result<(String, i64), Failure> {
    use std::io::Read as _;

    use sha2::Digest as _;

    let cannot_read = |source| Failure::File {
        what: "cannot read",
        path: path.display().to_string(),
        source,
    };
    let mut file = std::fs::File::open(path).map_err(cannot_read)?;
    let (mut hash, mut size, mut part) = (sha2::Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let count = file.read(&mut part).map_err(cannot_read)?;
        if count == 0 {
            break;
        }
        hash.update(&part[..count]);
        size += count;
    }
    let digest = hash.finalize();
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, i64::try_from(size).unwrap_or(i64::MAX)))
}

fn show_evidence(evidence: &Evidence, out: Output) {
    out.one(
        || json::of("intake.v1.Evidence", evidence),
        || {
            crate::output::say!("{}", evidence.name);
            for entry in &evidence.custody {
                let act = CustodyAct::try_from(entry.act).map_or("", |a| a.as_str_name());
                let holder = if entry.holder.is_empty() {
                    &entry.outside_body
                } else {
                    &entry.holder
                };
                crate::output::say!(
                    "  {}  {:<12} {holder}",
                    crate::output::when(entry.act_time.as_ref()),
                    act.tail("CUSTODY_ACT_"),
                );
            }
        },
    );
}

/// What the complainant of a case needs, or that nobody recorded any.
fn show_needs_of(case: &Case, out: Output) {
    out.one(
        || json::of("intake.v1.Case", case),
        || match case.needs.as_ref().filter(|n| is_said(n)) {
            Some(needs) => show_needs(needs),
            None => crate::output::say!("no needs are recorded, and nobody vulnerable is"),
        },
    );
}

/// Whether anything is recorded of what somebody needs.
fn is_said(needs: &Needs) -> bool {
    !needs.stated.is_empty() || !needs.real.is_empty() || !needs.vulnerable_groups.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m15_needs_that_nobody_recorded_are_said_to_be_none() {
        let said = |stated: &str, vulnerable_groups: &[i32]| {
            is_said(&Needs {
                stated: stated.to_owned(),
                vulnerable_groups: vulnerable_groups.to_vec(),
                ..Default::default()
            })
        };
        assert!(!said("", &[]));
        assert!(said("a dry room", &[]));
        assert!(said("", &[1]));
    }

    #[test]
    fn i11_an_update_names_what_was_given_under_the_etag_that_was_read() {
        let before = Case {
            name: "sites/lake/cases/one".to_owned(),
            etag: "r3".to_owned(),
            headcount: 4,
            place: Some(Place {
                building: "3栋".to_owned(),
                unit: "1201".to_owned(),
                detail: "车库入口".to_owned(),
            }),
            ..Default::default()
        };
        let unit = Some("1202".to_owned());
        let (case, paths) = corrected(before.clone(), None, unit, None, None, None);
        assert_eq!(paths, ["place"]);
        assert_eq!(case.name, before.name);
        assert_eq!(case.etag, "r3");
        let place = case.place.expect("a place");
        assert_eq!(
            [place.building, place.unit, place.detail],
            ["3栋", "1202", "车库入口"],
            "the rest of a place stays"
        );

        let claim = Some(Decimal::from(2000));
        let (case, paths) = corrected(before, None, None, claim, Some(12), Some(2));
        assert_eq!(paths, ["claim", "headcount", "stated_category"]);
        assert_eq!(case.claim, claim.map(to_money));
        assert_eq!((case.headcount, case.stated_category), (12, 2));
        assert_eq!(case.place, None);
    }
}
