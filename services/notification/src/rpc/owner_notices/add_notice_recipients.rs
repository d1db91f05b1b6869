//! AddNoticeRecipients: owners of an uploaded list, each once, sealed. Who a person is follows from account, phone or
//! e-mail as everywhere, so that whoever is known from a case too is told once.

use std::collections::HashMap;

use redress_model::Fault;
use redress_model::fault::Violation;
use redress_model::name::OrganizationId;
use redress_proto::notification::v1 as proto;
use redress_rpc::Caller;
use redress_store::{Keyring, Operation, Tx};
use redress_vault::{Identity, normalize_email, normalize_phone};
use tonic::Request;

use super::{Opened, OwnerNotices, Shown, Write};
use crate::domain::owner_notice::{Act, LISTED_MAX};
use crate::domain::route::ContactPoints;
use crate::domain::words::MessageChannel;
use crate::store::owner_notices;
use crate::store::surveys::Contact;
use crate::store::texts;

const METHOD: &str = "redress.notification.v1.NoticeService/AddNoticeRecipients";

/// One owner, read.
struct Listed {
    identity: Identity,
    contact: Contact,
}

struct AddNoticeRecipients<'a> {
    write: Write<'a>,
    keys: &'a Keyring,
    people: Vec<Listed>,
    replace: bool,
}

impl Operation for AddNoticeRecipients<'_> {
    const NAME: &'static str = "notification.add_notice_recipients";
    type Output = Shown;

    async fn run(&self, tx: &mut Tx) -> Result<Shown, Fault> {
        let mut notice = match self.write.open(tx).await? {
            Opened::Repeat(notice) => return super::shown(tx, notice).await,
            Opened::Fresh(notice) => notice,
        };
        self.write.step(&mut notice, Act::Edit)?;
        let (organization, _) = texts::place(tx, &self.write.site)
            .await?
            .ok_or_else(|| Fault::not_found("Notice", self.write.name))?;
        if self.replace {
            owner_notices::clear_recipients(tx, &notice).await?;
        }
        let people = self.people(&organization);
        owner_notices::add_recipients(tx, self.keys, &notice, &people, self.write.now).await?;
        if owner_notices::listed(tx, &notice).await? > LISTED_MAX {
            return Err(Fault::illegal(
                "NOTICE_FULL",
                format!(
                    "a notice lists {LISTED_MAX} owners at most; make another one for the rest"
                ),
                self.write.name,
            ));
        }
        notice.content.list_revision += 1;
        notice.written_by(&super::names(self.write.caller));
        self.write.close(tx, notice).await
    }
}

impl AddNoticeRecipients<'_> {
    /// Each person once, with what came last.
    fn people(&self, organization: &OrganizationId) -> Vec<(String, Contact)> {
        let mut people: Vec<(String, Contact)> = Vec::with_capacity(self.people.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for listed in &self.people {
            let token = self
                .keys
                .vault()
                .person_token(organization, &listed.identity);
            match places.get(&token) {
                Some(place) => people[*place].1 = listed.contact.clone(),
                None => {
                    places.insert(token.clone(), people.len());
                    people.push((token, listed.contact.clone()));
                }
            }
        }
        people
    }
}

/// Reads every entry; all that is wrong is named by its position, never by what it says.
fn read(recipients: &[proto::NoticeRecipient]) -> Result<Vec<Listed>, Fault> {
    let mut violations = Vec::new();
    let mut people = Vec::with_capacity(recipients.len());
    for (position, given) in recipients.iter().enumerate() {
        let mut wrong = |field: &str, description: &str| {
            violations.push(Violation {
                field: format!("recipients[{position}]{field}"),
                description: description.to_owned(),
            });
        };
        let texts = [
            &given.display_name,
            &given.phone,
            &given.account,
            &given.email,
            &given.postal_address,
        ];
        if texts.iter().any(|text| text.contains('\0')) {
            wrong("", "must not hold the character U+0000");
            continue;
        }
        let phone = match given.phone.trim() {
            "" => String::new(),
            phone => match normalize_phone(phone) {
                Ok(phone) => phone,
                Err(error) => {
                    wrong(".phone", &error.to_string());
                    continue;
                }
            },
        };
        let email = normalize_email(&given.email);
        let account = given.account.trim();
        let postal = given.postal_address.trim();
        let identity = Identity::account(account)
            .or_else(|| Identity::phone(&phone).ok())
            .or_else(|| Identity::email(&email))
            // A letter is for whoever lives there.
            .or_else(|| {
                Identity::account(&format!("postal:{postal}")).filter(|_| !postal.is_empty())
            });
        let Some(identity) = identity else {
            wrong(
                "",
                "must have a phone number, an account, an e-mail or a postal address",
            );
            continue;
        };
        let mut points = ContactPoints::of(given.display_name.trim());
        points.add(MessageChannel::Sms, &phone);
        points.add(MessageChannel::Wechat, account);
        points.add(MessageChannel::Email, &email);
        points.add(MessageChannel::Phone, &phone);
        points.add(MessageChannel::App, account);
        points.add(MessageChannel::Letter, postal);
        people.push(Listed {
            identity,
            contact: Contact {
                points,
                language: given.language.clone(),
            },
        });
    }
    if violations.is_empty() {
        Ok(people)
    } else {
        Err(Fault::violations(violations))
    }
}

pub(super) async fn handle(
    service: &OwnerNotices,
    request: Request<proto::AddNoticeRecipientsRequest>,
) -> Result<proto::AddNoticeRecipientsResponse, Fault> {
    let caller = Caller::of(&request)?;
    let asked = request.get_ref();
    let (site, id) = super::notice_name("name", &asked.name)?;
    caller.require_site(&site)?;
    let unnumbered = proto::AddNoticeRecipientsRequest {
        request_id: String::new(),
        ..asked.clone()
    };
    let operation = AddNoticeRecipients {
        people: read(&asked.recipients)?,
        write: Write {
            name: &asked.name,
            caller,
            etag: &asked.etag,
            receipt: service.receipt(caller, METHOD, &site, &asked.request_id, &unnumbered),
            now: service.clock.now(),
            site,
            id,
        },
        keys: &service.keys,
        replace: asked.replace,
    };
    let shown = redress_runtime::sight(caller)
        .run(&service.db, &operation)
        .await?;
    Ok(proto::AddNoticeRecipientsResponse {
        notice: Some(super::notice(&shown)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i9_what_is_wrong_with_a_list_is_named_by_position_and_never_by_what_it_says() {
        let given = |phone: &str, email: &str| proto::NoticeRecipient {
            display_name: "王女士".to_owned(),
            phone: phone.to_owned(),
            email: email.to_owned(),
            ..Default::default()
        };
        let list = [
            given("13800138000", ""),
            given("call-wang-fang", ""),
            given("", "  "),
            given("", "wang@example.com"),
        ];
        let fault = read(&list).err().map(|f| f.to_string()).unwrap_or_default();
        assert!(fault.contains("recipients[1].phone"), "{fault}");
        assert!(fault.contains("recipients[2]"), "{fault}");
        assert!(!fault.contains("recipients[0]") && !fault.contains("recipients[3]"));
        assert!(!fault.contains("wang") && !fault.contains('王'), "{fault}");
    }
}
