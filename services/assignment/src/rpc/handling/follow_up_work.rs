//! Records what the complainant says after the resolution: is it really solved (M10, M16)?

use redress_model::Fault;
use redress_model::text::is_blank;
use redress_model::words::Channel;
use redress_policy::TakeOver;
use redress_proto::assignment::v1::{FollowUpWorkRequest, FollowUpWorkResponse};
use redress_proto::convert::required;
use redress_rpc::Caller;
use redress_store::{Operation, Tx};
use tonic::Request;

use super::authors;
use crate::domain::handling::{FollowUp, Satisfaction};
use crate::domain::transition::Action;
use crate::domain::work::Work;
use crate::jobs::survey_answered::DISSATISFIED;
use crate::rpc::asked::{Asked, person_of};
use crate::rpc::{OVERRIDE, Shared, parse, render};
use crate::store::outbox::{self, Spoken};
use crate::store::take_over::take_over;
use crate::store::visits;

const METHOD: &str = "redress.assignment.v1.HandlingService/FollowUpWork";

pub(super) async fn run(
    shared: &Shared,
    request: Request<FollowUpWorkRequest>,
) -> Result<FollowUpWorkResponse, Fault> {
    let caller = Caller::of(&request)?.clone();
    let mut request = request.into_inner();
    let case = parse::case_of_work(&request.name)?;
    let request_id = std::mem::take(&mut request.request_id);
    let asked = shared.asked(&caller, METHOD, case, request_id, &request, &request.etag)?;
    let said = FollowUp {
        satisfaction: required("satisfaction", request.satisfaction)?,
        last_word: request.last_word,
        at: asked.now,
    };
    if said.last_word {
        if said.satisfaction != Satisfaction::Dissatisfied {
            return Err(Fault::invalid(
                "last_word",
                "is said to the dissatisfied alone",
            ));
        }
        if is_blank(&request.note) {
            return Err(Fault::invalid("note", "must say why the last word stands"));
        }
    }
    let operation = Follow {
        said,
        channel: required("channel", request.channel)?,
        note: request.note,
        asked,
    };
    let work = shared
        .db
        .run(&redress_runtime::scope(&caller), &operation)
        .await?;
    Ok(FollowUpWorkResponse {
        work: Some(render::work(work)),
    })
}

struct Follow<'a> {
    asked: Asked<'a>,
    said: FollowUp,
    channel: Channel,
    note: String,
}

impl Follow<'_> {
    /// Whether it really is solved is asked by somebody who neither resolved the case nor wrote its solution.
    async fn refuse_own_work(&self, tx: &mut Tx, work: &Work) -> Result<(), Fault> {
        if self.said.satisfaction.of_own_work() {
            return Ok(());
        }
        let asker = person_of(self.asked.caller);
        if authors(tx, work)
            .await?
            .iter()
            .any(|author| author.is(&asker))
        {
            return Err(Fault::illegal(
                "OWN_WORK",
                "who resolved the case or wrote its solution does not ask whether it is solved; legal now: somebody else records the follow-up, or the complainant answers the survey",
                parse::work_name(&work.case),
            ));
        }
        Ok(())
    }
}

impl Operation for Follow<'_> {
    const NAME: &'static str = "assignment.follow_up_work";
    type Output = Work;

    async fn run(&self, tx: &mut Tx) -> Result<Work, Fault> {
        let begun = self.asked.begin(tx).await?;
        if begun.done.is_some() {
            return Ok(begun.work);
        }
        let (now, caller) = (self.asked.now, self.asked.caller);
        if self.said.last_word {
            caller.require(OVERRIDE)?;
        }
        self.refuse_own_work(tx, &begun.work).await?;
        let is_dissatisfied = self.said.satisfaction == Satisfaction::Dissatisfied;
        // What a person with authority said is not undone by asking again.
        let said = &FollowUp {
            last_word: self.said.last_word
                || is_dissatisfied && visits::last_word_stands(tx, &begun.work).await?,
            ..self.said.clone()
        };
        let text = format!("{}: {}", said.satisfaction, self.note);
        let mut work = self
            .asked
            .change(tx, &begun.work, Action::FollowUp(text))
            .await?;
        visits::add_follow_up(tx, &work.case, said, &self.note, &caller.subject, now).await?;
        // Whom nobody reached was not spoken with.
        if said.satisfaction != Satisfaction::Unreachable {
            let spoken = Spoken {
                channel: self.channel,
                substantive: false,
                visit: self.channel == Channel::Visit,
                follow_up: true,
                promised: None,
                staff: caller.staff.as_ref(),
                at: now,
            };
            outbox::contact_recorded(tx, &work.case, &spoken).await?;
        }
        if is_dissatisfied && !said.last_word {
            outbox::reopening_asked(tx, &work, DISSATISFIED, now).await?;
            let cause = TakeOver::Dissatisfied;
            work = take_over(tx, &work, cause, &person_of(caller), now).await?;
        }
        self.asked.keep(tx, &work).await?;
        Ok(work)
    }
}
