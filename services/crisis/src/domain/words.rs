//! The closed sets of words that are crisis' own. One spelling serves Postgres and the wire.

use redress_model::words;

words! {
    /// How an incident is run.
    Mode, "INCIDENT_MODE_" {
        /// Everything of section 9.
        Public = 1 => "PUBLIC",
        /// A leader's direct contact; nothing is published.
        Private = 2 => "PRIVATE",
    }
}

words! {
    /// Where an incident stands (M01).
    Stage, "INCIDENT_STAGE_" {
        /// A hazard before it breaks out.
        Latent = 1 => "LATENT",
        /// Temper lost, spreading.
        Outbreak = 2 => "OUTBREAK",
        /// Being solved.
        Handling = 3 => "HANDLING",
        /// Calm; making good and learning.
        Aftermath = 4 => "AFTERMATH",
    }
}

words! {
    /// Whether an incident is open.
    State, "INCIDENT_STATE_" {
        /// The only one of its matter (I6).
        Open = 1 => "OPEN",
        /// Went into another.
        Merged = 2 => "MERGED",
        /// Ended by the commander.
        StoodDown = 3 => "STOOD_DOWN",
    }
}

words! {
    /// How far somebody has been reached.
    CallOutState, "CALL_OUT_STATE_" {
        /// Called, no answer yet.
        Requested = 1 => "REQUESTED",
        /// The message has left.
        Sent = 2 => "SENT",
        /// The person answered.
        Acknowledged = 3 => "ACKNOWLEDGED",
        /// Not reached.
        Failed = 4 => "FAILED",
    }
}

impl CallOutState {
    /// Whether news of `next` changes anything: an answer counts even after the call failed, nothing
    /// undoes an answer, and "sent" says less than "failed" (messages' events repeat and come late).
    pub fn moves_to(self, next: Self) -> bool {
        match next {
            Self::Requested => false,
            Self::Sent => self == Self::Requested,
            Self::Failed => matches!(self, Self::Requested | Self::Sent),
            Self::Acknowledged => self != Self::Acknowledged,
        }
    }
}

words! {
    /// What a log entry tells.
    LogKind, "LOG_KIND_" {
        /// Opened.
        Opened = 1 => "OPENED",
        /// A case joined.
        CaseJoined = 2 => "CASE_JOINED",
        /// A case changed; the incident stays.
        CaseChanged = 3 => "CASE_CHANGED",
        /// The mode was switched.
        ModeSwitched = 4 => "MODE_SWITCHED",
        /// A role was filled or found unfilled.
        RoleChanged = 5 => "ROLE_CHANGED",
        /// A call-out.
        CalledOut = 6 => "CALLED_OUT",
        /// A clock.
        Clock = 7 => "CLOCK",
        /// A leader spoke with the complainant.
        LeaderContact = 8 => "LEADER_CONTACT",
        /// The holding statement is ready.
        HoldingStatement = 9 => "HOLDING_STATEMENT",
        /// An update was given.
        Update = 10 => "UPDATE",
        /// A briefing was held.
        Briefing = 11 => "BRIEFING",
        /// Incidents were merged.
        Merged = 12 => "MERGED",
        /// The stage moved.
        StageMoved = 13 => "STAGE_MOVED",
        /// A statement was written, reviewed, published or dropped.
        Statement = 14 => "STATEMENT",
        /// A deputy may act for a role for a time.
        Deputy = 15 => "DEPUTY",
        /// It was stood down.
        StoodDown = 40 => "STOOD_DOWN",
        /// Something of its review.
        Review = 41 => "REVIEW",
        /// The press asked, reported, was answered or set right.
        Media = 50 => "MEDIA",
        /// A task or an exit condition of the stage.
        Playbook = 16 => "PLAYBOOK",
        /// What the incident is run by was changed.
        TermsChanged = 17 => "TERMS_CHANGED",
        /// A case left.
        CaseLeft = 18 => "CASE_LEFT",
        /// Linked with another, or unlinked.
        Linked = 19 => "LINKED",
    }
}

words! {
    /// What became of an offer to take a role over.
    HandoverState, "HANDOVER_STATE_" {
        /// The role stays with its holder.
        Offered = 1 => "OFFERED",
        /// The role went over.
        Accepted = 2 => "ACCEPTED",
        /// Declined.
        Declined = 3 => "DECLINED",
        /// Another was offered, or its time was over.
        Replaced = 4 => "REPLACED",
    }
}

words! {
    /// Where a task stands.
    TaskState, "TASK_STATE_" {
        /// To be done.
        Open = 1 => "OPEN",
        /// Done.
        Done = 2 => "DONE",
        /// Left undone, with a reason.
        Skipped = 3 => "SKIPPED",
    }
}

words! {
    /// To whom an update goes.
    UpdateAudience, "UPDATE_AUDIENCE_" {
        /// Inside the company.
        Inside = 1 => "INSIDE",
        /// To the public.
        Outward = 2 => "OUTWARD",
    }
}

words! {
    /// What a statement is for.
    StatementKind, "STATEMENT_KIND_" {
        /// The first word, before the facts are clear.
        Holding = 1 => "HOLDING",
        /// How far it is.
        Update = 2 => "UPDATE",
        /// An answer to a question.
        Answer = 3 => "ANSWER",
        /// Sets right what was told falsely.
        Clarification = 4 => "CLARIFICATION",
        /// What came of it.
        Closing = 5 => "CLOSING",
    }
}

words! {
    /// To whom a statement speaks.
    Audience, "AUDIENCE_" {
        /// The complainants of the incident's cases.
        Affected = 1 => "AFFECTED",
        /// Everybody.
        Public = 2 => "PUBLIC",
        /// Press, radio, television, news sites.
        Media = 3 => "MEDIA",
        /// Authorities.
        Authorities = 4 => "AUTHORITIES",
        /// People inside.
        Staff = 5 => "STAFF",
    }
}

words! {
    /// Where a statement stands.
    StatementState, "STATEMENT_STATE_" {
        /// Being written and reviewed.
        Draft = 1 => "DRAFT",
        /// Left; never changes.
        Published = 2 => "PUBLISHED",
        /// A newer one took its place.
        Superseded = 3 => "SUPERSEDED",
        /// Dropped before it left.
        Dropped = 4 => "DROPPED",
    }
}

words! {
    /// What a statement has to pass, in this order.
    ReviewStep, "REVIEW_STEP_" {
        /// Every fact has a source and is so.
        FactCheck = 1 => "FACT_CHECK",
        /// It does no legal harm.
        LegalReview = 2 => "LEGAL_REVIEW",
        /// The spokesperson's word.
        Approval = 3 => "APPROVAL",
    }
}

words! {
    /// What a reviewer says.
    Verdict, "VERDICT_" {
        /// It may go as it stands.
        Approve = 1 => "APPROVE",
        /// It must not go.
        Object = 2 => "OBJECT",
        /// The own objection is lifted.
        Lift = 3 => "LIFT",
        /// The commander overrules every objection.
        Overrule = 4 => "OVERRULE",
    }
}

words! {
    /// How far an outlet reaches; the first is the highest.
    OutletRank, "OUTLET_RANK_" {
        /// The whole country.
        National = 1 => "NATIONAL",
        /// A province.
        Provincial = 2 => "PROVINCIAL",
        /// A city.
        City = 3 => "CITY",
        /// A district, a forum, somebody's own channel.
        Local = 4 => "LOCAL",
    }
}

words! {
    /// By which medium something was reported.
    ExposureMedium, "EXPOSURE_MEDIUM_" {
        /// A newspaper or a magazine.
        Press = 1 => "PRESS",
        /// Radio or television.
        Broadcast = 2 => "BROADCAST",
        /// A news site.
        NewsSite = 3 => "NEWS_SITE",
        /// A post on a platform.
        Post = 4 => "POST",
    }
}

words! {
    /// What is true of a report.
    ExposureTruth, "EXPOSURE_TRUTH_" {
        /// It is so.
        True = 1 => "TRUE",
        /// Some of it is so.
        Partly = 2 => "PARTLY",
        /// It is not so.
        False = 3 => "FALSE",
        /// It was not so and nobody clarified it in time (M17).
        TakenAsTrue = 4 => "TAKEN_AS_TRUE",
    }
}

words! {
    /// Where an inquiry stands.
    InquiryState, "INQUIRY_STATE_" {
        /// Waits for an answer.
        Open = 1 => "OPEN",
        /// Answered by a statement.
        Answered = 2 => "ANSWERED",
        /// No answer, with a reason.
        Declined = 3 => "DECLINED",
    }
}

words! {
    /// How somebody was told.
    TellMeans, "TELL_MEANS_" {
        /// By a published statement.
        Statement = 1 => "STATEMENT",
        /// By a report or an update.
        Update = 2 => "UPDATE",
        /// At a briefing.
        Briefing = 3 => "BRIEFING",
        /// By a leader, in person.
        Contact = 4 => "CONTACT",
    }
}

words! {
    /// How far an audience was reached.
    Fill, "CELL_FILL_" {
        /// Nobody of it was.
        Nothing = 1 => "NOTHING",
        /// Fewer than have to be.
        Partly = 2 => "PARTLY",
        /// As many as have to be, or whoever it speaks to where nobody knows how many there are.
        Filled = 3 => "FILLED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redress_model::words::Word as _;
    use redress_proto::crisis::v1 as wire;

    #[test]
    fn words_match_the_generated_enums() {
        macro_rules! same {
            ($($ours:ident, $wire:ident;)+) => { $(
                for w in $ours::ALL {
                    let wire = wire::$wire::try_from(w.number()).expect("known");
                    assert_eq!(wire.as_str_name(), format!("{}{}", $ours::WIRE_PREFIX, w.word()));
                }
            )+ };
        }
        same! {
            Mode, IncidentMode;
            Stage, IncidentStage;
            State, IncidentState;
            CallOutState, CallOutState;
            HandoverState, HandoverState;
            TaskState, TaskState;
            UpdateAudience, UpdateAudience;
            LogKind, LogKind;
            StatementKind, StatementKind;
            Audience, Audience;
            StatementState, StatementState;
            ReviewStep, ReviewStep;
            Verdict, Verdict;
            TellMeans, TellMeans;
            Fill, CellFill;
            OutletRank, OutletRank;
            ExposureMedium, ExposureMedium;
            ExposureTruth, ExposureTruth;
            InquiryState, InquiryState;
        }
    }

    #[test]
    fn an_answer_counts_after_a_failed_call_and_nothing_undoes_it() {
        use CallOutState::{Acknowledged, Failed, Requested, Sent};
        assert!(Failed.moves_to(Acknowledged) && Requested.moves_to(Acknowledged));
        for next in [Requested, Sent, Failed, Acknowledged] {
            assert!(!Acknowledged.moves_to(next));
        }
        assert!(!Failed.moves_to(Sent) && Sent.moves_to(Failed) && !Sent.moves_to(Sent));
    }
}
