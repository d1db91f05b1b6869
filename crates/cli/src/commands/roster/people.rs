//! Who works here.

use redress_model::words::Category;
use redress_proto::assignment::v1::{
    BorrowStaffRequest, Department, EndLoanRequest, GetDepartmentRequest, ListDepartmentsRequest,
    ListLoansRequest, ListStaffRequest, Loan, Staff, UpdateDepartmentRequest,
};

use super::args::{DepartmentCommand, StaffCommand};
use crate::commands::word;
use crate::connect::{Platform, all_pages, parent, request};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, line, short, when};

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
                    staff: super::staff_name(&site, &staff),
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
        &people,
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
    Ok(())
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
pub(super) async fn staff(
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
    out.rows(
        &["Department", "Name", "In English", "Categories"],
        &departments,
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
    Ok(())
}
