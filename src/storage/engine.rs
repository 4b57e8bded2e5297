//! The differences between SQLite and PostgreSQL.

/// The database in use. The only type that knows both dialects of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Statement that begins a transaction with writes.
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Expression that converts a column of UTF-8 bytes to text.
    pub(crate) fn text(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("cast({column} as text)"),
            Self::Postgres => format!("convert_from({column}, 'UTF8')"),
        }
    }

    /// Query that returns `columns` of all rows of `from` as one JSON array, `found`.
    pub(crate) fn packed(self, columns: &str, from: &str) -> String {
        match self {
            Self::Sqlite => format!("select json_group_array(json_array({columns})) as found {from}"),
            Self::Postgres => format!("select cast(json_agg(json_build_array({columns})) as text) as found {from}"),
        }
    }

    /// Expression that collects a column into a JSON array. Without rows it is null or an empty array.
    pub(crate) fn list(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("json_group_array({column})"),
            Self::Postgres => format!("cast(json_agg({column}) as text)"),
        }
    }

    /// Suffix of a `select` that locks its rows against changes until the transaction ends.
    pub(crate) const fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for share",
        }
    }

    /// Suffix of a `select` that locks its rows for an update.
    pub(crate) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }

    /// Suffix of a `select` that locks its rows for an update and skips rows that are locked.
    pub(crate) const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update skip locked",
        }
    }
}
