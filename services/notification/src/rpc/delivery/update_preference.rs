//! UpdatePreference: how a customer wants to be reached, as the customer told staff or a portal.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redress_model::Fault;
use redress_model::fault::Violation;
use redress_model::name::SiteId;
use redress_proto::convert;
use redress_proto::notification::v1 as proto;
use redress_rpc::{Caller, etag};
use redress_store::receipt::{self, Claim, ReceiptKey};
use redress_store::{Operation, Tx};
use tonic::Request;

use super::Delivery;
use crate::domain::preference::Preference;
use crate::domain::timing::Quiet;
use crate::domain::words::Language;
use crate::domain::words::MessageTopic;
use crate::jobs::voice;
use crate::store::preferences;

const METHOD: &str = "redress.notification.v1.DeliveryService/UpdatePreference";

struct UpdatePreference<'a> {
    site: &'a SiteId,
    person: &'a str,
    preference: Preference,
    etag: &'a str,
    receipt: ReceiptKey,
    now: Timestamp,
}

impl Operation for UpdatePreference<'_> {
    const NAME: &'static str = "notification.update_preference";
    type Output = Preference;

    async fn run(&self, tx: &mut Tx) -> Result<Preference, Fault> {
        let name = super::preference_name(self.site, self.person);
        if !preferences::is_known(tx, self.site, self.person).await? {
            return Err(Fault::not_found("Preference", name));
        }
        let claim = receipt::claim(tx, &self.receipt, self.now).await?;
        let current = preferences::get(tx, self.site, self.person).await?;
        if matches!(claim, Claim::Seen { .. }) {
            return Ok(current);
        }
        etag::check(self.etag, current.revision, &name)?;
        let kept = Preference {
            update_time: Some(self.now),
            revision: current.revision + 1,
            ..self.preference.clone()
        };
        if !preferences::keep(tx, self.site, self.person, &kept, self.now).await? {
            let now = preferences::get(tx, self.site, self.person).await?;
            return Err(Fault::Conflict {
                name,
                current_etag: etag::of(now.revision),
            });
        }
        if kept.refuses(Some(MessageTopic::Survey)) {
            voice::surveys_refused(tx, self.site, self.person, self.now).await?;
        }
        receipt::complete(tx, &self.receipt, &name, &etag::of(kept.revision)).await?;
        Ok(kept)
    }
}

pub(super) async fn handle(
    service: &Delivery,
    request: Request<proto::UpdatePreferenceRequest>,
) -> Result<proto::UpdatePreferenceResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let wanted = asked
        .preference
        .as_ref()
        .ok_or_else(|| Fault::invalid("preference", "must be given"))?;
    let (site, person) = super::preference_person("preference.name", &wanted.name)?;
    caller.require_site(&site)?;
    let unnumbered = proto::UpdatePreferenceRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = UpdatePreference {
        site: &site,
        person: &person,
        preference: read(wanted)?,
        etag: &wanted.etag,
        receipt: ReceiptKey {
            caller: caller.key(),
            method: METHOD,
            request_id: asked.request_id.clone(),
            site: site.to_string(),
            fingerprint: service.fingerprints.of(METHOD, &unnumbered).to_vec(),
        },
        now: service.clock.now(),
    };
    let preference = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::UpdatePreferenceResponse {
        preference: Some(super::preference_wire(&site, &person, &preference)),
    })
}

fn read(wanted: &proto::Preference) -> Result<Preference, Fault> {
    let mut violations = Vec::new();
    let mut wrong = |field: &str, description: &str| {
        violations.push(Violation {
            field: format!("preference.{field}"),
            description: description.to_owned(),
        });
    };
    if !wanted.time_zone.is_empty() && TimeZone::get(&wanted.time_zone).is_err() {
        wrong("time_zone", "must be a name of the IANA time zone database");
    }
    if !wanted.language.is_empty() && Language::of_tag(&wanted.language).is_none() {
        wrong(
            "language",
            "must be zh-CN or en: what messages are written in",
        );
    }
    let quiet = match (wanted.quiet_start.as_str(), wanted.quiet_end.as_str()) {
        ("", "") => None,
        (start, end) => match Quiet::parse(start, end) {
            Ok(quiet) if quiet.is_empty() => {
                wrong(
                    "quiet_end",
                    "must differ from quiet_start: as they are, no hour is quiet",
                );
                None
            }
            Ok(quiet) => Some(quiet),
            Err(_) => {
                wrong(
                    "quiet_start",
                    "must look like 21:00 and come with quiet_end",
                );
                None
            }
        },
    };
    if !violations.is_empty() {
        return Err(Fault::violations(violations));
    }
    Ok(Preference {
        channels: wanted
            .channels
            .iter()
            .map(|c| convert::required("preference.channels", *c))
            .collect::<Result<_, _>>()?,
        language: wanted.language.clone(),
        time_zone: wanted.time_zone.clone(),
        quiet,
        refused: wanted
            .refused_topics
            .iter()
            .map(|t| convert::required("preference.refused_topics", *t))
            .collect::<Result<_, _>>()?,
        update_time: None,
        revision: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_none_and_half_a_pair_of_hours_are_named_at_once() {
        let wanted = proto::Preference {
            time_zone: "Asia/Nowhere".to_owned(),
            quiet_start: "21:00".to_owned(),
            ..proto::Preference::default()
        };
        let text = read(&wanted)
            .err()
            .map(|f| f.to_string())
            .unwrap_or_default();
        let nobody = proto::Preference {
            language: "xx".to_owned(),
            quiet_start: "10:00".to_owned(),
            quiet_end: "10:00".to_owned(),
            ..proto::Preference::default()
        };
        let refused = read(&nobody).err().map(|f| f.to_string());
        let refused = refused.unwrap_or_default();
        assert!(
            refused.contains("language") && refused.contains("quiet_end"),
            "{refused}"
        );
        assert!(
            text.contains("time_zone") && text.contains("quiet_start"),
            "{text}"
        );
    }
}
