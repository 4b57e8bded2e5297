//! Outputs of transcoding tasks.

use super::{ALL, StatsDb, selected_ids};
use crate::model::StoreError;
use crate::stats::{Codec, DomainSelection, OutputSums, StoredOutput, TimeRange};
use crate::storage::batch::Rows;
use crate::storage::rows::{Read, Values};

const COLUMNS: [&str; 12] = [
    "job",
    "output",
    "domain_id",
    "succeeded",
    "codec",
    "width",
    "height",
    "audio",
    "duration_ms",
    "centiminutes",
    "finished_at",
    "error",
];

/// Columns of [`OutputSums`], in their order.
type Row = (i64, i64, Codec, i64, i64, i64, i64, i64);

fn sums((at, succeeded, codec, width, height, audio, files, centiminutes): Row) -> OutputSums {
    OutputSums { at, succeeded: succeeded != 0, codec, width, height, audio: audio != 0, files, centiminutes }
}

impl StatsDb {
    /// Adds outputs, except those with a known job and output. Returns the number of added outputs.
    pub(crate) async fn add_transcode_outputs(&self, outputs: &[StoredOutput]) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let ids = self.domain_ids(&mut tx, outputs.iter().map(|output| output.domain.as_str())).await?;
        let mut rows = Rows::new(COLUMNS, outputs.len());
        for output in outputs {
            let id = *ids.get(&output.domain).ok_or_else(|| StoreError::corrupt(&output.domain))?;
            rows.push([
                output.job.as_str().into(),
                output.output.as_str().into(),
                id.into(),
                output.succeeded.into(),
                output.codec.as_str().into(),
                output.width.into(),
                output.height.into(),
                output.audio.into(),
                output.duration_ms.into(),
                output.centiminutes.into(),
                output.finished_at.into(),
                output.error.as_deref().into(),
            ]);
        }
        let ending = " on conflict (job, output) do nothing returning finished_at";
        let added = rows.insert(self.engine, &mut tx, "transcode_outputs", ending).await?.len();
        tx.commit().await?;
        Ok(added)
    }

    /// Returns the time at which the first known task finished.
    pub(crate) async fn first_output(&self) -> Result<Option<i64>, StoreError> {
        let sql = "select min(finished_at) as first from transcode_outputs";
        sqlx::query(sql).fetch_one(&self.read).await?.col("first")
    }

    /// Returns the sums for each of the days.
    pub(crate) async fn transcode_sums(
        &self,
        selection: &DomainSelection,
        days: &[TimeRange],
    ) -> Result<Vec<OutputSums>, StoreError> {
        let only = match selection {
            DomainSelection::All => String::new(),
            DomainSelection::Only(_) => {
                let mut values = Values::default();
                let from = format!("from {}", selected_ids(selection, &mut values));
                let found: Vec<(i64,)> = self.packed("d.id", &from, &values).await?;
                // `ALL` matches no output, and keeps the list from being empty.
                let list: String = found.iter().map(|(id,)| format!(", {id}")).collect();
                format!(" and o.domain_id in ({ALL}{list})")
            }
        };
        let mut rows = Rows::new(["start", "until"], days.len());
        for day in days {
            rows.push([day.from.into(), day.to.into()]);
        }
        let from = format!(
            "from (select r.start, o.succeeded, o.codec, o.width, o.height, o.audio, count(*) as files, \
             cast(sum(o.centiminutes) as bigint) as centiminutes \
             from r cross join transcode_outputs as o where o.finished_at >= r.start and o.finished_at < r.until{only} \
             group by r.start, o.succeeded, o.codec, o.width, o.height, o.audio) as o"
        );
        let columns = "start, succeeded, codec, width, height, audio, files, centiminutes";
        let mut connection = self.read.acquire().await?;
        let found: Vec<Row> = rows.read(self.engine, &mut connection, columns, &from).await?;
        Ok(found.into_iter().map(sums).collect())
    }
}
