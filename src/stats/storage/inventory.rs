//! Files and bytes stored in buckets.

use std::collections::BTreeMap;

use super::{ALL, StatsDb, selected_ids};
use crate::model::StoreError;
use crate::stats::{DomainSelection, InventorySample, StoredTotals, TimeRange};
use crate::storage::batch::Rows;
use crate::storage::rows::{Value, Values};

impl StatsDb {
    /// Stores the totals by domain and of all domains at the end of the bin `at`, if they have changed. Domains that are missing in
    /// `by_domain` have no files.
    pub(crate) async fn add_inventory(
        &self,
        at: i64,
        by_domain: &BTreeMap<String, StoredTotals>,
        all: StoredTotals,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let ids = self.domain_ids(&mut tx, by_domain.keys().map(String::as_str)).await?;
        let mut now: BTreeMap<i64, StoredTotals> =
            by_domain.iter().filter_map(|(name, totals)| Some((*ids.get(name)?, *totals))).collect();
        now.insert(ALL, all);
        let mut time = Rows::new(["at"], 1);
        time.push([at.into()]);
        let latest = "from r cross join (select 0 as id union all select id from stats_domains) as d \
             join inventory as i on i.domain_id = d.id \
             and i.at = (select max(x.at) from inventory as x where x.domain_id = d.id and x.at <= r.at)";
        let columns = "i.domain_id, i.bytes, i.files";
        for (id, bytes, files) in time.read::<(i64, i64, i64)>(self.engine, &mut tx, columns, latest).await? {
            let before = StoredTotals { bytes, files };
            if *now.entry(id).or_default() == before {
                now.remove(&id);
            }
        }
        let mut rows = Rows::new(["domain_id", "at", "bytes", "files"], now.len());
        for (id, totals) in now {
            rows.push([id, at, totals.bytes, totals.files].map(Into::into));
        }
        let ending = " on conflict (domain_id, at) do update set bytes = excluded.bytes, files = excluded.files";
        rows.insert(self.engine, &mut tx, "inventory", ending).await?;
        Ok(tx.commit().await?)
    }

    /// Returns for each domain the last sample before the range and all samples within it, by time.
    pub(crate) async fn inventory(
        &self,
        selection: &DomainSelection,
        range: TimeRange,
    ) -> Result<Vec<InventorySample>, StoreError> {
        let mut values = Values::default();
        let ids = selected_ids(selection, &mut values);
        // Starts at the last sample before the range, if there is one.
        let from = format!(
            "from (select i.domain_id, i.at, i.bytes, i.files from {ids} cross join inventory as i \
             where i.domain_id = d.id and i.at < {to} and i.at >= coalesce(\
             (select max(x.at) from inventory as x where x.domain_id = d.id and x.at < {start}), {start}) \
             order by i.at) as i",
            to = values.place(Value::Int(range.to)),
            start = values.place(Value::Int(range.from)),
        );
        let rows: Vec<(i64, i64, i64, i64)> = self.packed("domain_id, at, bytes, files", &from, &values).await?;
        Ok(rows
            .into_iter()
            .map(|(domain, at, bytes, files)| InventorySample { domain, at, stored: StoredTotals { bytes, files } })
            .collect())
    }
}
