//! What buckets hold.

use std::collections::BTreeMap;

use super::{ALL, StatsDb, chosen_numbers};
use crate::model::StoreError;
use crate::stats::{Chosen, Held, Sample, Slot};
use crate::storage::batch::Rows;
use crate::storage::rows::{Value, Values};

impl StatsDb {
    /// What each domain and what all together hold at the end of the point `at`. Domains that are not named hold nothing.
    pub(crate) async fn add_inventory(
        &self,
        at: i64,
        held: &BTreeMap<String, Held>,
        all: Held,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let numbers = self.numbers(&mut tx, held.keys().map(String::as_str)).await?;
        let mut now: BTreeMap<i64, Held> =
            held.iter().filter_map(|(name, held)| Some((*numbers.get(name)?, *held))).collect();
        now.insert(ALL, all);
        let mut asked = Rows::new(["at"], 1);
        asked.push([at.into()]);
        let latest = "from r cross join (select 0 as id union all select id from stats_domains) as d \
             join inventory as i on i.domain_id = d.id \
             and i.at = (select max(x.at) from inventory as x where x.domain_id = d.id and x.at <= r.at)";
        let columns = "i.domain_id, i.bytes, i.files";
        for (number, bytes, files) in asked.read::<(i64, i64, i64)>(self.engine, &mut tx, columns, latest).await? {
            let before = Held { bytes, files };
            if *now.entry(number).or_default() == before {
                now.remove(&number);
            }
        }
        let mut rows = Rows::new(["domain_id", "at", "bytes", "files"], now.len());
        for (number, held) in now {
            rows.push([number, at, held.bytes, held.files].map(Into::into));
        }
        let ending = " on conflict (domain_id, at) do update set bytes = excluded.bytes, files = excluded.files";
        rows.insert(self.engine, &mut tx, "inventory", ending).await?;
        Ok(tx.commit().await?)
    }

    /// For each domain the last sample before the slot, and all within it, by time.
    pub(crate) async fn inventory(&self, chosen: &Chosen, slot: Slot) -> Result<Vec<Sample>, StoreError> {
        let mut values = Values::default();
        let numbers = chosen_numbers(chosen, &mut values);
        // From the last one before the slot, where there is one.
        let from = format!(
            "from (select i.domain_id, i.at, i.bytes, i.files from {numbers} cross join inventory as i \
             where i.domain_id = d.id and i.at < {to} and i.at >= coalesce(\
             (select max(x.at) from inventory as x where x.domain_id = d.id and x.at < {start}), {start}) \
             order by i.at) as i",
            to = values.place(Value::Int(slot.to)),
            start = values.place(Value::Int(slot.from)),
        );
        let rows: Vec<(i64, i64, i64, i64)> = self.packed("domain_id, at, bytes, files", &from, &values).await?;
        Ok(rows
            .into_iter()
            .map(|(domain, at, bytes, files)| Sample { domain, at, held: Held { bytes, files } })
            .collect())
    }
}
