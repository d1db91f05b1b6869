//! Offers a case in hand to another person, until a limit. Who repairs is not changed midway without a reason (M12).

use jiff::Timestamp;
use redress_model::Fault;
use redress_model::name::{CaseName, StaffId};
use redress_model::text::is_blank;
use redress_model::words::{CaseStatus, Channel};
use redress_proto::assignment::v1::{OfferHandoverRequest, OfferHandoverResponse};
use redress_proto::convert::from_wire;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::{Shared, end_of, person, refused, require_one_of, require_receiver};
use crate::domain::bench::Bench;
use crate::domain::handover::{self, LIMIT_HOURS};
use crate::domain::past_office::{Consent, is_above, is_between_stores, is_kept_above};
use crate::domain::work::Work;
use crate::rpc::{parse, render, visible_work};
use crate::store::{bench, handovers, past_office, work};

const METHOD: &str = "redress.assignment.v1.StaffingService/OfferHandover";

pub(super) async fn run(
    shared: &Shared,
    request: Request<OfferHandoverRequest>,
) -> Result<OfferHandoverResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    caller.require_site(&case.site)?;
    parse::storable("note", &request.note)?;
    let request_id = std::mem::take(&mut request.request_id);
    let now = shared.clock.now();
    let operation = Offer {
        receipt: shared.receipt(&caller, METHOD, &case.site, request_id, &request),
        receiver: person("staff", &case.site, &request.staff)?,
        due: end_of(request.limit.as_ref(), LIMIT_HOURS, now),
        note: std::mem::take(&mut request.note),
        consent: from_wire(request.consent_channel),
        case,
        etag: request.etag,
        caller: &caller,
        now,
    };
    let scope = redress_runtime::scope(&caller);
    let work = shared.db.run(&scope, &operation).await?;
    Ok(OfferHandoverResponse {
        work: Some(render::work(work)),
    })
}

struct Offer<'a> {
    receipt: ReceiptKey,
    case: CaseName,
    receiver: StaffId,
    due: Timestamp,
    note: String,
    /// By which way the complainant was asked who consents to go back to the office (M18).
    consent: Option<Channel>,
    etag: String,
    caller: &'a Caller,
    now: Timestamp,
}

impl Operation for Offer<'_> {
    const NAME: &'static str = "assignment.offer_handover";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        bench::lock(tx, &self.case.site).await?;
        let before = visible_work(tx, self.caller, &self.case).await?;
        if let Claim::Seen { .. } = receipt::claim(tx, &self.receipt, self.now).await? {
            return Ok(before);
        }
        let name = parse::work_name(&self.case);
        etag::check(&self.etag, before.revision, &name)?;
        let mut text = offer_text(&self.note, self.due);
        if let Some(channel) = self.consent {
            text = format!("the complainant consents, asked by {channel}; {text}");
        }
        let outcome = handover::offer(&before, self.receiver.clone(), text, self.now)
            .map_err(|e| refused(&e, &self.case))?;
        require_one_of(self.caller, &self.case, &[before.responsible.as_ref()])?;
        if before.status == CaseStatus::Resolving && is_blank(&self.note) {
            let text =
                "must say why: who carries a solution out is not changed midway without a reason";
            return Err(Fault::invalid("note", text));
        }
        let bench = bench::load(tx, &self.case.site, self.now).await?;
        require_receiver("staff", &before, &self.receiver, &bench)?;
        if is_between_stores(&before, &self.receiver, &bench, self.now) {
            let wrong = "must stand above both stores: one complains about the other";
            return Err(Fault::invalid("staff", wrong));
        }
        self.keep_consent(tx, &before, &bench).await?;
        work::save(tx, Some(&before), &outcome, &self.caller.subject, self.now).await?;
        handovers::keep(tx, &self.case, self.due).await?;
        receipt::complete(
            tx,
            &self.receipt,
            &name.to_string(),
            &etag::of(outcome.work.revision),
        )
        .await?;
        Ok(outcome.work)
    }
}

impl Offer<'_> {
    /// Whoever went over the office's head is handed back only with their consent (M18), which is kept; what else the company
    /// centre took over it keeps (M17).
    async fn keep_consent(&self, tx: &mut Tx, before: &Work, bench: &Bench) -> Result<(), Fault> {
        let mark = past_office::of_case(tx, &self.case).await?;
        match (mark, self.consent) {
            (None, _) if is_kept_above(before, &self.receiver, bench, self.now) => {
                Err(Fault::invalid(
                    "staff",
                    "must stand above the store: the company centre took the case over and keeps it",
                ))
            }
            (Some(mark), None) if mark.waits_for_consent(&self.receiver, bench, self.now) => {
                Err(Fault::invalid(
                    "consent_channel",
                    "must say how the complainant was asked, who went past the office and goes back to it only with consent",
                ))
            }
            (_, None) => Ok(()),
            (Some(_), Some(channel)) if !is_above(&self.receiver, bench, self.now) => {
                let consent = Consent {
                    channel,
                    recorder: self.caller.subject.clone(),
                    at: self.now,
                };
                past_office::consented(tx, &self.case, &consent).await
            }
            (_, Some(_)) => Err(Fault::invalid(
                "consent_channel",
                "is for the office alone, and only where the complainant went past it",
            )),
        }
    }
}

/// What the history says of an offer.
pub(super) fn offer_text(note: &str, due: Timestamp) -> String {
    let until = format!("until {due}");
    match note.trim() {
        "" => until,
        note => format!("{note}; {until}"),
    }
}
