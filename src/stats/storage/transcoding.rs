//! Outputs of transcoding tasks.

use super::{ALL, StatsDb, chosen_numbers};
use crate::model::StoreError;
use crate::stats::{Chosen, Codec, OutputSums, Slot, StoredOutput};
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

/// The start of the day, succeeded, codec, width, height, audio, files, centiminutes.
type Row = (i64, i64, Codec, i64, i64, i64, i64, i64);

fn sums((at, succeeded, codec, width, height, audio, files, centiminutes): Row) -> OutputSums {
    OutputSums { at, succeeded: succeeded != 0, codec, width, height, audio: audio != 0, files, centiminutes }
}

impl StatsDb {
    /// Adds those that are not known by job and output. Answers with how many these were.
    pub(crate) async fn add_transcode_outputs(&self, outputs: &[StoredOutput]) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let numbers = self.numbers(&mut tx, outputs.iter().map(|output| output.domain.as_str())).await?;
        let mut rows = Rows::new(COLUMNS, outputs.len());
        for output in outputs {
            let number = *numbers.get(&output.domain).ok_or_else(|| StoreError::corrupt(&output.domain))?;
            rows.push([
                output.job.as_str().into(),
                output.output.as_str().into(),
                number.into(),
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

    pub(crate) async fn first_output(&self) -> Result<Option<i64>, StoreError> {
        let sql = "select min(finished_at) as first from transcode_outputs";
        sqlx::query(sql).fetch_one(&self.read).await?.col("first")
    }

    /// Sums for each of these days.
    pub(crate) async fn transcode_sums(&self, chosen: &Chosen, days: &[Slot]) -> Result<Vec<OutputSums>, StoreError> {
        let only = match chosen {
            Chosen::All => String::new(),
            Chosen::Only(_) => {
                let mut values = Values::default();
                let from = format!("from {}", chosen_numbers(chosen, &mut values));
                let found: Vec<(i64,)> = self.packed("d.id", &from, &values).await?;
                // No output is of domain 0.
                let list: String = found.iter().map(|(number,)| format!(", {number}")).collect();
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
