//! The deliveries of recoveries and their outcomes. A delivery is counted in the transaction that takes it out of the queue.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use crate::deliveries::DeliveryState;
use crate::deliveries::storage::log::id_list;
use crate::model::{CallbackId, DeliveryId, RecoveryId, StoreError};
use crate::storage::Db;
use crate::storage::batch::Rows;

/// Numbers of deliveries that were delivered, failed and were cancelled, by recovery and callback.
#[derive(Default)]
pub(crate) struct RecoveryCounts(BTreeMap<(RecoveryId, CallbackId), [i64; 3]>);

impl RecoveryCounts {
    /// Counts a delivery that was taken out of the queue.
    pub(crate) fn count(&mut self, recovery: RecoveryId, callback: CallbackId, state: DeliveryState) {
        let column = match state {
            DeliveryState::Delivered => 0,
            DeliveryState::Failed => 1,
            DeliveryState::Cancelled | DeliveryState::Skipped => 2,
            DeliveryState::Pending | DeliveryState::Retrying => return,
        };
        self.0.entry((recovery, callback)).or_default()[column] += 1;
    }
}

impl Db {
    pub(crate) async fn add_recovery_counts(
        &self,
        tx: &mut AnyConnection,
        counts: RecoveryCounts,
    ) -> Result<(), StoreError> {
        let mut rows = Rows::new(["recovery_id", "callback_id", "delivered", "failed", "cancelled"], counts.0.len());
        for ((recovery, callback), [delivered, failed, cancelled]) in counts.0 {
            rows.push([recovery.0, callback.0, delivered, failed, cancelled].map(Into::into));
        }
        let sql = "update recovery_outcomes as o set delivered = o.delivered + r.delivered, failed = o.failed + r.failed, \
             cancelled = o.cancelled + r.cancelled from r where o.recovery_id = r.recovery_id and o.callback_id = r.callback_id";
        rows.with(self.engine, tx, sql).await?;
        Ok(())
    }

    /// Records that a recovery has handled these deliveries, and, if it `queued` them, marks their queue rows with it.
    pub(crate) async fn add_recovery_deliveries(
        &self,
        tx: &mut AnyConnection,
        recovery: RecoveryId,
        callback: CallbackId,
        deliveries: &[DeliveryId],
        queued: bool,
    ) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let mut rows = Rows::new(["recovery_id", "delivery_id"], deliveries.len());
        deliveries.iter().for_each(|delivery| rows.push([recovery.0.into(), delivery.0.into()]));
        rows.insert(self.engine, tx, "recovery_deliveries", "").await?;
        if queued {
            let sql = format!(
                "update queue set recovery_id = $1 where callback_id = $2 and delivery_id in ({})",
                id_list(deliveries)
            );
            let sql = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(recovery.0).bind(callback.0);
            sql.execute(&mut *tx).await?;
        }
        Ok(())
    }
}
