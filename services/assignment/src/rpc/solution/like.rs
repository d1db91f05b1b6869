//! What like cases got, beside what is proposed and what is looked at before it is approved: like cases, like remedies (M10).

use redress_model::Fault;
use redress_proto::assignment::v1::LikeCases;
use redress_proto::convert::to_money;
use redress_rpc::Caller;
use redress_store::Tx;

use crate::domain::practice::library::spread;
use crate::domain::work::Work;
use crate::store::solutions;

/// What cases like this one got, as far as the caller may know of them: amounts, and nobody's name.
pub(super) async fn cases(tx: &mut Tx, caller: &Caller, work: &Work) -> Result<LikeCases, Fault> {
    let got = solutions::got(tx, work, caller.staff.as_ref()).await?;
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let like = count(got.len());
    let paid: Vec<_> = got.into_iter().filter(|total| !total.is_zero()).collect();
    let of_them = count(paid.len());
    let spread = spread(paid);
    Ok(LikeCases {
        count: like,
        paid: of_them,
        min: spread.map(|s| to_money(s.0)),
        median: spread.map(|s| to_money(s.1)),
        max: spread.map(|s| to_money(s.2)),
    })
}
