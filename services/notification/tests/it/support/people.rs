//! Intake and assignment as far as they know how to reach people; can be away, and can be slow for ever.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use redress_model::Fault;
use redress_model::name::{CaseName, StaffName, StatementName};
use redress_notification::domain::route::ContactPoints;
use redress_notification::domain::words::{MessageChannel, Template};
use redress_notification::jobs::people::{Complainant, People, Published};
use redress_notification::store::staff::StaffContact;

#[derive(Default)]
struct Inner {
    complainants: Mutex<HashMap<(CaseName, String), Complainant>>,
    staff: Mutex<HashMap<StaffName, StaffContact>>,
    statements: Mutex<HashMap<StatementName, Published>>,
    away: AtomicBool,
    hangs: AtomicBool,
    asked: AtomicUsize,
    read_for: Mutex<Vec<Template>>,
    answers: tokio::sync::Notify,
}

/// People of a test.
#[derive(Clone, Default)]
pub(crate) struct TestPeople(Arc<Inner>);

impl TestPeople {
    pub(crate) fn add_complainant(
        &self,
        case: &CaseName,
        token: &str,
        name: &str,
        phone: &str,
        email: &str,
    ) {
        let points = [(MessageChannel::Sms, phone), (MessageChannel::Email, email)];
        self.add(case, token, name, &points);
    }

    /// A complainant who prefers to be called and has nothing but a phone.
    pub(crate) fn add_caller(&self, case: &CaseName, token: &str, name: &str, phone: &str) {
        self.add(case, token, name, &[(MessageChannel::Phone, phone)]);
    }

    /// A complainant who would rather be called than read; an empty number is none.
    pub(crate) fn add_phone(&self, case: &CaseName, token: &str, name: &str, phone: &str) {
        let points = [(MessageChannel::Phone, phone), (MessageChannel::Sms, phone)];
        self.add(case, token, name, &points);
    }

    /// A complainant with a phone who would rather read than be called.
    pub(crate) fn add_textable(&self, case: &CaseName, token: &str, name: &str, phone: &str) {
        let points = [(MessageChannel::Sms, phone), (MessageChannel::Phone, phone)];
        self.add(case, token, name, &points);
    }

    /// A complainant who wants letters.
    pub(crate) fn add_writer(&self, case: &CaseName, token: &str, name: &str, postal: &str) {
        self.add(case, token, name, &[(MessageChannel::Letter, postal)]);
    }

    fn add(&self, case: &CaseName, token: &str, name: &str, ways: &[(MessageChannel, &str)]) {
        let mut points = ContactPoints::of(name);
        for (channel, address) in ways {
            points.add(*channel, address);
        }
        let person = Complainant {
            points,
            language: String::new(),
        };
        let key = (case.clone(), token.to_owned());
        let mut complainants = self.0.complainants.lock().expect("no panic");
        complainants.insert(key, person);
    }

    pub(crate) fn add_staff(&self, name: &StaffName, display: &str, phone: &str, email: &str) {
        let mut points = ContactPoints::of(display);
        points.add(MessageChannel::Sms, phone);
        points.add(MessageChannel::Email, email);
        points.add(MessageChannel::Wecom, phone);
        points.add(MessageChannel::App, &name.to_string());
        let contact = StaffContact {
            department_en: String::new(),
            points,
            language: String::new(),
            department: "Engineering".to_owned(),
            retired: false,
            revision: 1,
        };
        self.0
            .staff
            .lock()
            .expect("no panic")
            .insert(name.clone(), contact);
    }

    pub(crate) fn publish(&self, name: &StatementName, text: &str, superseded: bool) {
        let published = Published {
            text: text.to_owned(),
            superseded,
        };
        self.0
            .statements
            .lock()
            .expect("no panic")
            .insert(name.clone(), published);
    }

    /// The person and the department have names in English too.
    pub(crate) fn name_in_english(&self, staff: &StaffName, name: &str, department: &str) {
        let mut people = self.0.staff.lock().expect("no panic");
        let contact = people.get_mut(staff).expect("hired");
        name.clone_into(&mut contact.points.name_en);
        department.clone_into(&mut contact.department_en);
    }

    /// From now on nobody answers, or everybody does.
    pub(crate) fn set_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    /// From now on questions are never answered, or are.
    pub(crate) fn set_hangs(&self, hangs: bool) {
        self.0.hangs.store(hangs, Ordering::SeqCst);
    }

    /// Whatever hangs is answered now.
    pub(crate) fn answer_now(&self) {
        self.set_hangs(false);
        self.0.answers.notify_waiters();
    }

    /// How many questions were asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// What complainants' contact points were read for, in order.
    pub(crate) fn read_for(&self) -> Vec<Template> {
        self.0.read_for.lock().expect("no panic").clone()
    }

    async fn answer<T>(&self, answer: impl FnOnce(&Inner) -> T) -> Result<T, Fault> {
        let released = self.0.answers.notified();
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if self.0.hangs.load(Ordering::SeqCst) {
            released.await;
        }
        if self.0.away.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("intake"));
        }
        Ok(answer(&self.0))
    }
}

impl People for TestPeople {
    async fn complainant(
        &self,
        case: &CaseName,
        token: &str,
        template: Template,
    ) -> Result<Option<Complainant>, Fault> {
        self.0.read_for.lock().expect("no panic").push(template);
        let key = (case.clone(), token.to_owned());
        self.answer(|inner| {
            inner
                .complainants
                .lock()
                .expect("no panic")
                .get(&key)
                .cloned()
        })
        .await
    }

    async fn staff(&self, staff: &StaffName) -> Result<Option<StaffContact>, Fault> {
        self.answer(|inner| inner.staff.lock().expect("no panic").get(staff).cloned())
            .await
    }

    async fn statement(&self, name: &StatementName) -> Result<Option<Published>, Fault> {
        self.answer(|inner| {
            let statements = inner.statements.lock().expect("no panic");
            statements.get(name).cloned()
        })
        .await
    }
}
