//! Who works here.

use redress_model::words::Category;
use redress_proto::assignment::v1::{
    BorrowStaffRequest, ContactKind, ContactPoint, CreateDepartmentRequest, CreateStaffRequest,
    Department, EndLoanRequest, GetDepartmentRequest, GetStaffRequest, ListDepartmentsRequest,
    ListLoansRequest, ListStaffRequest, Loan, Staff, UpdateDepartmentRequest, UpdateStaffRequest,
};

use super::args::{DepartmentCommand, PersonArgs, StaffCommand};
use crate::commands::people::person;
use crate::commands::{choice, number, word};
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, Tail as _, line, short, when};

/// Runs a subcommand of `staff`.
pub(crate) async fn run_staff(
    platform: &Platform,
    command: StaffCommand,
    out: Output,
) -> Result<(), Failure> {
    let (site, department, retired, paging) = match command {
        StaffCommand::List {
            site,
            department,
            retired,
            paging,
        } => (site, department, retired, paging),
        StaffCommand::Show { staff, site } => {
            let name = person(platform, &parent(site.as_deref()), &staff).await?;
            show_person(&read(platform, name).await?, out);
            return Ok(());
        }
        StaffCommand::Add {
            staff,
            name,
            site,
            said,
        } => return add(platform, &site, (staff, name), said, out).await,
        StaffCommand::Set {
            staff,
            site,
            etag,
            name,
            retired,
            said,
        } => {
            let person = person(platform, &parent(site.as_deref()), &staff).await?;
            return set(platform, person, etag, (name, retired), said, out).await;
        }
        StaffCommand::Borrow {
            staff,
            department,
            site,
            from,
            until,
        } => {
            let zone = super::zone(platform, &site).await?;
            let from = from.map(|f| super::moment("from", &f, &zone)).transpose()?;
            let borrow = BorrowStaffRequest {
                parent: parent(Some(&site)),
                loan: Some(Loan {
                    staff: person(platform, &parent(Some(&site)), &staff).await?,
                    department: format!(
                        "{}/departments/{}",
                        parent(Some(&site)),
                        short(&department)
                    ),
                    start_time: from.and_then(super::stamp),
                    end_time: super::stamp(super::moment("until", &until, &zone)?),
                    ..Default::default()
                }),
                request_id: super::request_id(),
            };
            let answer = platform.staffing().borrow_staff(request(borrow)).await?;
            show_loans(&Vec::from_iter(answer.into_inner().loan), out);
            return Ok(());
        }
        StaffCommand::Loans { site, paging } => {
            let client = platform.staffing();
            let loans = all_pages(paging.limit, |page_size, page_token| {
                let mut client = client.clone();
                let list = ListLoansRequest {
                    parent: parent(Some(&site)),
                    page_size,
                    page_token,
                };
                async move {
                    let answer = client.list_loans(request(list)).await?.into_inner();
                    Ok((answer.loans, answer.next_page_token))
                }
            })
            .await?;
            show_loans(&loans, out);
            return Ok(());
        }
        StaffCommand::Return { name } => {
            let answer = platform
                .staffing()
                .end_loan(request(EndLoanRequest { name }))
                .await?;
            show_loans(&Vec::from_iter(answer.into_inner().loan), out);
            return Ok(());
        }
    };
    let people = staff(
        platform,
        site.as_deref(),
        department.as_deref(),
        retired,
        paging.limit,
    )
    .await?;
    show_people(&people, out);
    Ok(())
}

async fn read(platform: &Platform, name: String) -> Result<Staff, Failure> {
    let get = GetStaffRequest { name };
    let answer = platform.roster().get_staff(request(get)).await?;
    Ok(answer.into_inner().staff.unwrap_or_default())
}

async fn add(
    platform: &Platform,
    site: &str,
    (staff_id, display_name): (String, String),
    said: PersonArgs,
    out: Output,
) -> Result<(), Failure> {
    let mut staff = Staff {
        display_name,
        ..Default::default()
    };
    let parent = parent(Some(site));
    amend(&mut staff, &parent, said)?;
    let create = CreateStaffRequest {
        parent,
        staff_id,
        staff: Some(staff),
        request_id: super::request_id(),
    };
    let answer = platform.roster().create_staff(request(create)).await?;
    show_person(&answer.into_inner().staff.unwrap_or_default(), out);
    Ok(())
}

async fn set(
    platform: &Platform,
    name: String,
    etag: String,
    (display_name, retired): (Option<String>, Option<bool>),
    said: PersonArgs,
    out: Output,
) -> Result<(), Failure> {
    let site = name.split("/staff/").next().unwrap_or_default().to_owned();
    let mut staff = read(platform, name).await?;
    let mut paths = amend(&mut staff, &site, said)?;
    if let Some(display_name) = display_name {
        staff.display_name = display_name;
        paths.push("display_name".to_owned());
    }
    if let Some(retired) = retired {
        staff.retired = retired;
        paths.push("retired".to_owned());
    }
    let update = UpdateStaffRequest {
        staff: Some(staff),
        update_mask: Some(prost_types::FieldMask { paths }),
        etag,
        request_id: super::request_id(),
    };
    let answer = platform.roster().update_staff(request(update)).await?;
    show_person(&answer.into_inner().staff.unwrap_or_default(), out);
    Ok(())
}

/// Writes what is given into a person of a site, `sites/{site}`; the paths of what that changes.
fn amend(staff: &mut Staff, site: &str, said: PersonArgs) -> Result<Vec<String>, Failure> {
    let some = |given: Vec<String>| given.into_iter().filter(|one| !one.is_empty());
    let mut paths = Vec::new();
    if let Some(english) = said.english {
        staff.display_name_en = english;
        paths.push("display_name_en");
    }
    if let Some(department) = said.department {
        staff.department = match department.as_str() {
            "" => String::new(),
            name if name.starts_with("sites/") => name.to_owned(),
            id => format!("{site}/departments/{id}"),
        };
        paths.push("department");
    }
    if let Some(skills) = said.skills {
        staff.skills = some(skills).collect();
        paths.push("skills");
    }
    if let Some(languages) = said.languages {
        staff.languages = some(languages).collect();
        paths.push("languages");
    }
    if let Some(account) = said.account {
        staff.account = account;
        paths.push("account");
    }
    if let Some(max_open) = said.max_open {
        staff.max_open_cases = max_open;
        paths.push("max_open_cases");
    }
    if let Some(contacts) = said.contacts {
        let points = some(contacts).map(|text| contact(&text));
        staff.contact_points = points.collect::<Result<_, _>>()?;
        paths.push("contact_points");
    }
    Ok(paths.into_iter().map(str::to_owned).collect())
}

/// `KIND=VALUE`. A value that does not fit is not repeated: it is somebody's number.
fn contact(text: &str) -> Result<ContactPoint, Failure> {
    let (kind, value) = text.split_once('=').ok_or_else(|| Failure::Argument {
        argument: "contact",
        reason: "must look like EMAIL=li-na@lakeside.example".to_owned(),
    })?;
    Ok(ContactPoint {
        kind: choice("contact", "CONTACT_KIND_", kind, ContactKind::as_str_name)?,
        value: value.to_owned(),
    })
}

fn show_person(p: &Staff, out: Output) {
    out.one(|| json::of("assignment.v1.Staff", p), || describe(p));
}

fn describe(p: &Staff) {
    line("person", &p.name);
    line("name", &p.display_name);
    let kinds = p.contact_kinds().map(|kind| {
        let kind = kind.as_str_name();
        kind.tail("CONTACT_KIND_").to_owned()
    });
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let skills = p.skills.join(", ");
    let languages = p.languages.join(", ");
    for (label, text) in [
        ("in English", &p.display_name_en),
        ("department", &short(&p.department)),
        ("skills", &skills),
        ("languages", &languages),
        ("account", &p.account),
        ("reached by", &kinds),
    ] {
        if !text.is_empty() {
            line(label, text);
        }
    }
    line("open cases", p.open_cases);
    if p.max_open_cases > 0 {
        line("limit", p.max_open_cases);
    }
    if p.retired {
        line("works here", "no longer");
    }
    line("etag", &p.etag);
}

fn show_people(people: &[Staff], out: Output) {
    out.rows(
        &[
            "Person",
            "Name",
            "Department",
            "Skills",
            "Languages",
            "Open",
            "Limit",
        ],
        people,
        |p| {
            vec![
                if p.retired {
                    format!("{} (left)", short(&p.name))
                } else {
                    short(&p.name)
                },
                p.display_name.clone(),
                short(&p.department),
                p.skills.join(", "),
                p.languages.join(", "),
                p.open_cases.to_string(),
                if p.max_open_cases == 0 {
                    "–".to_owned()
                } else {
                    p.max_open_cases.to_string()
                },
            ]
        },
        |p| json::of("assignment.v1.Staff", p),
    );
}

fn show_loans(loans: &[Loan], out: Output) {
    out.rows(
        &["Loan", "Person", "Department", "From", "Until"],
        loans,
        |l| {
            vec![
                l.name.clone(),
                short(&l.staff),
                short(&l.department),
                when(l.start_time.as_ref()),
                when(l.end_time.as_ref()),
            ]
        },
        |l| json::of("assignment.v1.Loan", l),
    );
}

/// People of a site, or of all sites of the token.
pub(crate) async fn staff(
    platform: &Platform,
    site: Option<&str>,
    department: Option<&str>,
    show_retired: bool,
    limit: Option<usize>,
) -> Result<Vec<Staff>, Failure> {
    let client = platform.roster();
    let filter = ListStaffRequest {
        parent: parent(site),
        department: department.map_or_else(String::new, |d| {
            format!("{}/departments/{}", parent(site), short(d))
        }),
        show_retired,
        ..Default::default()
    };
    all_pages(limit, |page_size, page_token| {
        let mut client = client.clone();
        let filter = ListStaffRequest {
            page_size,
            page_token,
            ..filter.clone()
        };
        async move {
            let answer = client.list_staff(request(filter)).await?.into_inner();
            Ok((answer.staff, answer.next_page_token))
        }
    })
    .await
}

/// Runs a subcommand of `department`.
pub(crate) async fn run_department(
    platform: &Platform,
    command: DepartmentCommand,
    out: Output,
) -> Result<(), Failure> {
    let (site, paging) = match command {
        DepartmentCommand::List { site, paging } => (site, paging),
        DepartmentCommand::Add {
            department,
            name,
            site,
            english,
            categories,
        } => {
            let categories = categories.iter().map(|c| number::<Category>("category", c));
            let create = CreateDepartmentRequest {
                parent: parent(Some(&site)),
                department_id: department,
                department: Some(Department {
                    display_name: name,
                    display_name_en: english,
                    categories: categories.collect::<Result<_, _>>()?,
                    ..Default::default()
                }),
                request_id: super::request_id(),
            };
            let mut client = platform.roster();
            let answer = client.create_department(request(create)).await?;
            show_departments(&Vec::from_iter(answer.into_inner().department), out);
            return Ok(());
        }
        DepartmentCommand::Rename {
            department,
            site,
            to,
            english,
        } => {
            let name = match site {
                Some(site) => format!("{}/departments/{}", parent(Some(&site)), short(&department)),
                None => department,
            };
            let paths = [("display_name", &to), ("display_name_en", &english)];
            let paths = paths.into_iter().filter(|(_, given)| given.is_some());
            let paths = paths.map(|(path, _)| path.to_owned()).collect();
            let client = platform.roster();
            let get = GetDepartmentRequest { name };
            let answer = client.clone().get_department(request(get)).await?;
            let mut department = answer.into_inner().department.unwrap_or_default();
            if let Some(to) = to {
                department.display_name = to;
            }
            if let Some(english) = english {
                department.display_name_en = english;
            }
            let update = UpdateDepartmentRequest {
                etag: department.etag.clone(),
                department: Some(department),
                update_mask: Some(prost_types::FieldMask { paths }),
                request_id: super::request_id(),
            };
            let answer = client.clone().update_department(request(update)).await?;
            let department = answer.into_inner().department.unwrap_or_default();
            out.one(
                || json::of("assignment.v1.Department", &department),
                || {
                    line("department", &department.name);
                    line("name", &department.display_name);
                    line("in English", &department.display_name_en);
                },
            );
            return Ok(());
        }
    };
    let client = platform.roster();
    let departments: Vec<Department> = all_pages(paging.limit, |page_size, page_token| {
        let mut client = client.clone();
        let list = ListDepartmentsRequest {
            parent: parent(site.as_deref()),
            page_size,
            page_token,
        };
        async move {
            let answer = client.list_departments(request(list)).await?.into_inner();
            Ok((answer.departments, answer.next_page_token))
        }
    })
    .await?;
    show_departments(&departments, out);
    Ok(())
}

fn show_departments(departments: &[Department], out: Output) {
    out.rows(
        &["Department", "Name", "In English", "Categories"],
        departments,
        |d| {
            let categories: Vec<String> =
                d.categories.iter().map(|c| word::<Category>(*c)).collect();
            vec![
                d.name.clone(),
                d.display_name.clone(),
                d.display_name_en.clone(),
                categories.join(", "),
            ]
        },
        |d| json::of("assignment.v1.Department", d),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_of_a_person_stays_and_an_empty_word_takes_it_away() {
        let mut staff = Staff {
            display_name: "李娜".to_owned(),
            skills: vec!["waterproofing".to_owned()],
            account: "li-na".to_owned(),
            max_open_cases: 20,
            ..Default::default()
        };
        let said = PersonArgs {
            english: None,
            department: Some("repair".to_owned()),
            skills: Some(vec![String::new()]),
            languages: None,
            account: Some(String::new()),
            max_open: None,
            contacts: Some(vec!["email=li-na@lakeside.example".to_owned()]),
        };
        let paths = amend(&mut staff, "sites/lakeside", said).ok();
        let expected = ["department", "skills", "account", "contact_points"];
        assert_eq!(paths, Some(expected.map(str::to_owned).to_vec()));
        assert_eq!(staff.department, "sites/lakeside/departments/repair");
        assert!(staff.skills.is_empty() && staff.account.is_empty());
        assert_eq!(staff.max_open_cases, 20, "stays");
        assert_eq!(staff.contact_points[0].kind(), ContactKind::Email);
        assert_eq!(staff.contact_points[0].value, "li-na@lakeside.example");
    }

    #[test]
    fn a_contact_without_its_kind_is_refused_without_being_repeated() {
        let refused = contact("13800000000").expect_err("no kind");
        assert!(!format!("{refused:?}").contains("138"), "{refused:?}");
    }
}
