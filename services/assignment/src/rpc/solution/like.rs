//! What like cases got, beside what is proposed and what is looked at before it is approved: like cases, like remedies (M10).

use redress_model::Fault;
use redress_proto::assignment::v1::LikeCases;
use redress_proto::convert::to_money;
use redress_rpc::Caller;
use redress_store::Tx;

use crate::domain::practice::library::spread;
use crate::domain::work::Work;
use crate::store::library;

/// What cases like this one got, as far as the caller may know of them.
pub(super) async fn cases(tx: &mut Tx, caller: &Caller, work: &Work) -> Result<LikeCases, Fault> {
    let like = library::like(tx, work, caller.staff.as_ref(), None).await?;
    let paid: Vec<_> = like
        .iter()
        .filter_map(|(kept, _)| kept.matter.amount)
        .collect();
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let (like, of_them) = (count(like.len()), count(paid.len()));
    let spread = spread(paid);
    Ok(LikeCases {
        count: like,
        paid: of_them,
        min: spread.map(|s| to_money(s.0)),
        median: spread.map(|s| to_money(s.1)),
        max: spread.map(|s| to_money(s.2)),
    })
}
