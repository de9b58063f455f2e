//! The store as one file: gzip over lines of JSON, which neither engine is needed to read.
//!
//! The first line says the format and the version of the tables; then come the rows, each as an array in the order of its
//! table's columns, bytes as `{"base64": …}`; the last line counts them and carries the SHA-256 of all lines before it. A
//! file that was cut off or changed is refused before anything is committed.
//!
//! It copies every table that the migrations make, whole and unread, so that no table can be forgotten: it alone may touch
//! the tables of all rooms, and it never names one.

use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Column, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef, query};

use super::migrate::{self, Table};
use super::{Store, StoreError, Tx, events};

/// The version of the format that this program writes, and reads.
pub const FORMAT_VERSION: u64 = 1;
/// How many rows are read at a time.
const PAGE: i64 = 500;
/// The longest line that is read: a row with a preview is far shorter.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A backup was not written or not restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file could not be written or read.
    #[error("cannot {doing} the backup")]
    File {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a whole backup.
    #[error("the file is not a whole backup: {what}")]
    Damaged {
        /// What is wrong with it.
        what: String,
    },
    /// The file was written by another version of Seawall.
    #[error("the backup has {what} {found}, this Seawall reads {known}")]
    Version {
        /// Of what.
        what: &'static str,
        /// The file's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// The store has content already.
    #[error("the store is not empty: a backup is restored into a new store only")]
    NotEmpty,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How much was written or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveSummary {
    /// Rows of all tables.
    pub n_rows: u64,
}

/// Writes everything, as of one moment.
pub async fn write(store: &Store, writer: impl Write + Send) -> Result<ArchiveSummary, ArchiveError> {
    let mut out = LineWriter {
        gzip: GzEncoder::new(writer, Compression::default()),
        hasher: Sha256::new(),
    };
    let head = json!({ "seawall_backup": FORMAT_VERSION, "tables": migrate::newest_version() });
    out.line(&head)?;
    let tables = migrate::tables();
    let mut tx = store.begin_snapshot("backup").await?;
    let mut n_rows = 0;
    for table in &tables {
        let (columns, _) = columns_of(tx.conn(), table).await?;
        out.line(&json!({ "table": table.name, "columns": columns }))?;
        let mut after: Option<Vec<Value>> = None;
        loop {
            let rows = page(tx.conn(), table, &columns, after.as_deref()).await?;
            for row in &rows {
                out.line(&Value::Array(row.clone()))?;
            }
            n_rows += rows.len() as u64;
            let Some(last) = rows.last().filter(|_| rows.len() as i64 == PAGE) else {
                break;
            };
            let place = |key: &String| {
                columns
                    .iter()
                    .position(|column| column == key)
                    .and_then(|place| last.get(place).cloned())
            };
            after = table.key.iter().map(place).collect();
        }
    }
    let digest = hex::encode(out.hasher.clone().finalize());
    out.line(&json!({ "end": true, "rows": n_rows, "sha256": digest }))?;
    let mut writer = out
        .gzip
        .finish()
        .map_err(|source| ArchiveError::File { doing: "write", source })?;
    writer
        .flush()
        .map_err(|source| ArchiveError::File { doing: "write", source })?;
    Ok(ArchiveSummary { n_rows })
}

/// Restores a backup into an empty store: all of it or nothing.
pub async fn read(store: &Store, reader: impl Read + Send) -> Result<ArchiveSummary, ArchiveError> {
    let damaged = |what: &str| ArchiveError::Damaged { what: what.to_owned() };
    let mut lines = LineReader {
        input: BufReader::new(GzDecoder::new(reader)),
        hasher: Sha256::new(),
    };
    let head = lines.line()?.ok_or_else(|| damaged("it is empty"))?;
    let version = |what, found: Option<i64>, known: i64| match found {
        Some(found) if found == known => Ok(()),
        Some(found) => Err(ArchiveError::Version { what, found, known }),
        None => Err(damaged("it does not begin as a backup does")),
    };
    version("the format", head["seawall_backup"].as_i64(), FORMAT_VERSION as i64)?;
    version("tables of version", head["tables"].as_i64(), migrate::newest_version())?;

    let tables = migrate::tables();
    let mut tx = store.begin("restore").await?;
    refuse_unless_empty(&mut tx).await?;
    for table in &tables {
        let statement = format!("DELETE FROM {}", table.name);
        query(AssertSqlSafe(statement))
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("empty a table"))?;
    }
    let mut insert: Option<String> = None;
    let mut is_text: Vec<bool> = Vec::new();
    let mut n_rows = 0u64;
    loop {
        let digest = hex::encode(lines.hasher.clone().finalize());
        let line = lines.line()?.ok_or_else(|| damaged("it ends too early"))?;
        if line.get("end").is_some() {
            if line["rows"].as_u64() != Some(n_rows) || line["sha256"].as_str() != Some(&digest) {
                return Err(damaged("its checksum is wrong"));
            }
            break;
        }
        if let Some(name) = line.get("table").and_then(Value::as_str) {
            let table = tables
                .iter()
                .find(|table| table.name == name)
                .ok_or_else(|| damaged("it names an unknown table"))?;
            let (known, texts) = columns_of(tx.conn(), table).await?;
            let columns: Vec<&str> = line["columns"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            if columns != known {
                return Err(damaged("a table has other columns"));
            }
            is_text = texts;
            let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
            insert = Some(format!(
                "INSERT INTO {name} ({}) VALUES ({})",
                columns.join(", "),
                places.join(", ")
            ));
            continue;
        }
        let (Some(insert), Value::Array(values)) = (&insert, line) else {
            return Err(damaged("a line is not a row"));
        };
        if values.len() != is_text.len() {
            return Err(damaged("a row has too few or too many columns"));
        }
        let mut statement = query(AssertSqlSafe(insert.clone()));
        for (value, is_text) in values.into_iter().zip(&is_text) {
            statement = match value {
                Value::Null if *is_text => statement.bind(None::<String>),
                Value::Null => statement.bind(None::<i64>),
                Value::Number(number) => {
                    statement.bind(number.as_i64().ok_or_else(|| damaged("a number is not whole"))?)
                }
                Value::String(text) => statement.bind(text),
                Value::Object(object) => {
                    let text = object
                        .get("base64")
                        .and_then(Value::as_str)
                        .ok_or_else(|| damaged("bytes are not base64"))?;
                    statement.bind(STANDARD.decode(text).map_err(|_| damaged("bytes are not base64"))?)
                }
                Value::Bool(_) | Value::Array(_) => return Err(damaged("a value is of no known kind")),
            };
        }
        statement
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("restore a row"))?;
        n_rows += 1;
    }
    migrate::refresh_statistics(&mut tx).await?;
    tx.commit().await?;
    Ok(ArchiveSummary { n_rows })
}

/// Whatever happens in a store leaves a line in its log: a store whose log is empty is empty.
async fn refuse_unless_empty(tx: &mut Tx) -> Result<(), ArchiveError> {
    match events::locked_head(tx.conn()).await? {
        0 => Ok(()),
        _ => Err(ArchiveError::NotEmpty),
    }
}

/// The columns of a table, in its order, and whether each holds text. Asked of the statement, since each engine keeps its
/// catalogue elsewhere.
async fn columns_of(conn: &mut AnyConnection, table: &Table) -> Result<(Vec<String>, Vec<bool>), StoreError> {
    let statement = AssertSqlSafe(format!("SELECT * FROM {}", table.name)).into_sql_str();
    let prepared = conn
        .prepare(statement)
        .await
        .map_err(StoreError::at("read a table's columns"))?;
    let columns = prepared.columns();
    let names = columns.iter().map(|column| column.name().to_owned()).collect();
    Ok((
        names,
        columns
            .iter()
            .map(|column| column.type_info().name() == "TEXT")
            .collect(),
    ))
}

/// The next rows after those whose key is `after`.
async fn page(
    conn: &mut AnyConnection,
    table: &Table,
    columns: &[String],
    after: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let key = table.key.join(", ");
    let condition = match after {
        None => String::new(),
        Some(_) => {
            let places: Vec<String> = (1..=table.key.len()).map(|n| format!("${n}")).collect();
            format!("WHERE ({key}) > ({})", places.join(", "))
        }
    };
    let statement = format!(
        "SELECT {} FROM {} {condition} ORDER BY {key} LIMIT {PAGE}",
        columns.join(", "),
        table.name
    );
    let mut select = query(AssertSqlSafe(statement));
    for value in after.into_iter().flatten() {
        select = match value {
            Value::Number(number) => select.bind(number.as_i64().unwrap_or_default()),
            Value::String(text) => select.bind(text.clone()),
            other => {
                return Err(StoreError::Damaged {
                    what: format!("a key of `{}` is {other}", table.name),
                });
            }
        };
    }
    let rows = select.fetch_all(conn).await.map_err(StoreError::at("read a table"))?;
    rows.iter().map(row_as_json).collect()
}

fn row_as_json(row: &AnyRow) -> Result<Vec<Value>, StoreError> {
    let at = StoreError::at("read a row");
    let mut values = Vec::with_capacity(row.len());
    for place in 0..row.len() {
        let raw = row.try_get_raw(place).map_err(&at)?;
        let value = if raw.is_null() {
            Value::Null
        } else {
            match raw.type_info().name() {
                "TEXT" => Value::String(row.try_get(place).map_err(&at)?),
                "BLOB" => {
                    let bytes: Vec<u8> = row.try_get(place).map_err(&at)?;
                    json!({ "base64": STANDARD.encode(bytes) })
                }
                _ => Value::from(row.try_get::<i64, _>(place).map_err(&at)?),
            }
        };
        values.push(value);
    }
    Ok(values)
}

struct LineWriter<W: Write> {
    gzip: GzEncoder<W>,
    hasher: Sha256,
}

impl<W: Write> LineWriter<W> {
    fn line(&mut self, value: &Value) -> Result<(), ArchiveError> {
        let mut text = value.to_string();
        text.push('\n');
        self.hasher.update(text.as_bytes());
        self.gzip
            .write_all(text.as_bytes())
            .map_err(|source| ArchiveError::File { doing: "write", source })
    }
}

struct LineReader<R: Read> {
    input: BufReader<GzDecoder<R>>,
    hasher: Sha256,
}

impl<R: Read> LineReader<R> {
    fn line(&mut self) -> Result<Option<Value>, ArchiveError> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.input).take(LINE_BYTES_MAX);
        limited
            .read_until(b'\n', &mut bytes)
            .map_err(|source| match source.kind() {
                std::io::ErrorKind::UnexpectedEof => ArchiveError::Damaged {
                    what: "it ends too early".to_owned(),
                },
                std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => ArchiveError::Damaged {
                    what: "it is not a gzip file".to_owned(),
                },
                _ => ArchiveError::File { doing: "read", source },
            })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.hasher.update(&bytes);
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| ArchiveError::Damaged {
                what: "a line is not JSON".to_owned(),
            })
    }
}
