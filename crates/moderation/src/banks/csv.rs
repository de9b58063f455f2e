//! Banks as files: columns `type,value,quality,name,labels`, or a plain list of PDQ hashes, one a line.
//!
//! Pure: text in, entries out. Rows that follow each other with the same name are the signals of one entry. Labels are
//! separated by `;`. A line that does not read is reported with its number and the rest goes on. Start with [`pieces`].

use std::borrow::Cow;
use std::io::{self, Read, Write};

use signal::{Signal, SignalType};

use crate::model::{Entry, NewEntry};

/// The header of a bank file.
pub const HEADER: [&str; 5] = ["type", "value", "quality", "name", "labels"];

/// What was read from a bank file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedBank {
    /// The entries, in the file's order. Each has at least one signal.
    pub entries: Vec<NewEntry>,
    /// The lines that did not read.
    pub errors: Vec<LineError>,
}

/// A line that did not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Which line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

/// A bank file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadBankError {
    /// The file is not text with comma-separated values.
    #[error("cannot read the bank file")]
    Csv(#[from] csv::Error),
    /// A row goes on and on, as it does behind a quotation mark that nothing closes.
    #[error("the row that begins in line {line} is longer than {ROW_BYTES_MAX} bytes: a quotation mark may be missing")]
    RowTooLong {
        /// Which line, from 1.
        line: u64,
    },
}

/// The longest row that is read: the vPDQ hash of a video of a day, at one frame a second.
const ROW_BYTES_MAX: usize = 16 << 20;

/// Reads a bank file whole.
pub fn parse(reader: impl Read) -> Result<ParsedBank, ReadBankError> {
    let mut bank = ParsedBank {
        entries: Vec::new(),
        errors: Vec::new(),
    };
    for piece in pieces(reader) {
        match piece? {
            Piece::Entry(entry) => bank.entries.push(entry),
            Piece::BadLine(error) => bank.errors.push(error),
        }
    }
    Ok(bank)
}

/// A piece of a bank file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// An entry, with at least one signal.
    Entry(NewEntry),
    /// A line that did not read.
    BadLine(LineError),
}

/// The pieces of a bank file, one after the other, so that a file of any size can be read. A line that does not read may come before the entry that
/// stands around it.
pub fn pieces<R: Read>(reader: R) -> Pieces<R> {
    let rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(Bounded { reader, left: 0 });
    Pieces {
        rows,
        columns: None,
        record: csv::ByteRecord::new(),
        entry: None,
    }
}

/// See [`pieces`].
pub struct Pieces<R> {
    rows: csv::Reader<Bounded<R>>,
    columns: Option<Columns>,
    record: csv::ByteRecord,
    /// The entry that the last rows were of. The next may be of it, too.
    entry: Option<NewEntry>,
}

impl<R: Read> Iterator for Pieces<R> {
    type Item = Result<Piece, ReadBankError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rows.get_mut().left = ROW_BYTES_MAX;
            let begins_at = self.rows.position().line();
            match self.rows.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return self.entry.take().map(|entry| Ok(Piece::Entry(entry))),
                Err(_) if self.rows.get_ref().left == 0 => {
                    return Some(Err(ReadBankError::RowTooLong { line: begins_at }));
                }
                Err(error) => return Some(Err(error.into())),
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            match read_record(&mut self.columns, &self.record) {
                Ok(None) => {}
                Ok(Some(row)) => {
                    if let Some(ended) = add(&mut self.entry, row) {
                        return Some(Ok(Piece::Entry(ended)));
                    }
                }
                Err(what) => return Some(Ok(Piece::BadLine(LineError { line, what }))),
            }
        }
    }
}

/// A reader that gives so many bytes and then fails.
struct Bounded<R> {
    reader: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let wanted = buffer.len().min(self.left);
        let n_read = self.reader.read(&mut buffer[..wanted])?;
        self.left -= n_read;
        Ok(n_read)
    }
}

/// The row of a record; none for an empty line, a remark and the header, which says where the columns stand.
fn read_record(columns: &mut Option<Columns>, record: &csv::ByteRecord) -> Result<Option<Row>, String> {
    let fields: Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
    let fields = fields.map_err(|_| "not UTF-8".to_owned())?;
    let fields: Vec<&str> = fields
        .into_iter()
        .map(|field| field.trim_start_matches('\u{feff}'))
        .collect();
    if fields.iter().all(|field| field.is_empty()) || fields[0].starts_with('#') {
        return Ok(None);
    }
    if let Some(columns) = columns {
        return columns.read_row(&fields).map(Some);
    }
    if let Some(header) = Columns::of_header(&fields) {
        *columns = Some(header);
        return Ok(None);
    }
    columns.insert(Columns::STANDARD).read_row(&fields).map(Some)
}

/// Writes entries as a bank file, with its header.
pub fn write<'a>(writer: impl Write, entries: impl IntoIterator<Item = &'a NewEntry>) -> Result<(), csv::Error> {
    let mut rows = csv::Writer::from_writer(writer);
    rows.write_record(HEADER)?;
    for entry in entries {
        let labels = entry.labels.join(";");
        for signal in &entry.signals {
            let quality = signal.quality().map(|quality| quality.to_string()).unwrap_or_default();
            rows.write_record([
                signal.signal_type().as_str(),
                &signal.value(),
                &quality,
                &guarded(&entry.name),
                &guarded(&labels),
            ])?;
        }
    }
    rows.flush()?;
    Ok(())
}

struct Row {
    signal: Signal,
    name: String,
    labels: Vec<String>,
}

/// Where each column stands.
struct Columns {
    signal_type: Option<usize>,
    value: usize,
    quality: Option<usize>,
    name: Option<usize>,
    labels: Option<usize>,
}

impl Columns {
    const STANDARD: Columns = Columns {
        signal_type: Some(0),
        value: 1,
        quality: Some(2),
        name: Some(3),
        labels: Some(4),
    };

    fn of_header(fields: &[&str]) -> Option<Self> {
        let place = |name: &str| fields.iter().position(|field| field.eq_ignore_ascii_case(name));
        let value = place("value")?;
        Some(Self {
            signal_type: place("type"),
            value,
            quality: place("quality"),
            name: place("name"),
            labels: place("labels"),
        })
    }

    fn read_row(&self, fields: &[&str]) -> Result<Row, String> {
        // A line with nothing but a hash is a line of a plain list.
        if let [hash] = fields {
            let signal = Signal::parse(SignalType::Pdq, hash, None).map_err(|error| error.to_string())?;
            return Ok(Row {
                signal,
                name: String::new(),
                labels: Vec::new(),
            });
        }
        let field = |place: Option<usize>| place.and_then(|place| fields.get(place)).copied().unwrap_or_default();
        let signal_type = match field(self.signal_type) {
            "" => SignalType::Pdq,
            name => name
                .parse()
                .map_err(|_| format!("`{}` is not a type of signal", short(name)))?,
        };
        let quality = match field(self.quality) {
            "" => None,
            text => match text.parse::<u8>() {
                Ok(quality) if quality <= 100 => Some(quality),
                Ok(_) | Err(_) => return Err(format!("`{}` is not a quality from 0 to 100", short(text))),
            },
        };
        let signal = Signal::parse(signal_type, field(Some(self.value)), quality).map_err(|error| error.to_string())?;
        let name = unguarded(field(self.name));
        if name.chars().count() > Entry::TEXT_LENGTH_MAX {
            return Err(format!("the name is longer than {} characters", Entry::TEXT_LENGTH_MAX));
        }
        let labels: Vec<String> = unguarded(field(self.labels))
            .split(';')
            .map(str::trim)
            .filter(|label| !label.is_empty())
            .map(str::to_owned)
            .collect();
        if labels
            .iter()
            .any(|label| label.chars().count() > Entry::TEXT_LENGTH_MAX)
        {
            return Err(format!("a label is longer than {} characters", Entry::TEXT_LENGTH_MAX));
        }
        if name.contains('\0') || labels.iter().any(|label| label.contains('\0')) {
            return Err("the name or a label has a NUL character".to_owned());
        }
        if labels.len() > Entry::LABELS_MAX {
            return Err(format!("there are more than {} labels", Entry::LABELS_MAX));
        }
        Ok(Row {
            signal,
            name: name.to_owned(),
            labels,
        })
    }
}

/// Adds a row to the entry that it is of. One that is of another begins it; the entry before has then ended.
fn add(entry: &mut Option<NewEntry>, row: Row) -> Option<NewEntry> {
    if let Some(entry) = entry
        && !row.name.is_empty()
        && entry.name == row.name
        && entry.signals.len() < Entry::SIGNALS_MAX
        && !has_recording_like(entry, &row.signal)
    {
        entry.signals.push(row.signal);
        for label in row.labels {
            if !entry.labels.contains(&label) && entry.labels.len() < Entry::LABELS_MAX {
                entry.labels.push(label);
            }
        }
        return None;
    }
    entry.replace(NewEntry {
        name: row.name,
        labels: row.labels,
        source: String::new(),
        expires_at: None,
        signals: vec![row.signal],
    })
}

/// An entry is of one recording: another begins another entry, whatever its name.
fn has_recording_like(entry: &NewEntry, signal: &Signal) -> bool {
    let kind = signal.signal_type();
    signal.is_long() && entry.signals.iter().any(|known| known.signal_type() == kind)
}

/// The text as a cell that spreadsheets show and do not run: names and labels come from strangers, and a bank that is opened
/// to be looked at must not compute or fetch anything. [`unguarded`] takes the sign away again.
/// Source: OWASP, "CSV Injection".
fn guarded(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("{GUARD}{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What [`guarded`] was given.
fn unguarded(cell: &str) -> &str {
    cell.strip_prefix(GUARD).filter(|rest| is_formula(rest)).unwrap_or(cell)
}

const GUARD: char = '\'';

/// Whether a spreadsheet could run it, or it looks like a text that was guarded.
fn is_formula(text: &str) -> bool {
    let bare = text.trim_start_matches(GUARD);
    let first = bare.trim_start().chars().next();
    bare.starts_with(['\t', '\r', '\n'])
        || matches!(
            first,
            Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
        )
}

/// As much of a hostile text as an error message should carry.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";
    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    fn check(text: &str, entries: &[(&str, usize, &[&str])], errors: &[u64]) -> ParsedBank {
        let bank = parse(text.as_bytes()).unwrap();
        let found: Vec<(String, usize, Vec<String>)> = bank
            .entries
            .iter()
            .map(|e| (e.name.clone(), e.signals.len(), e.labels.clone()))
            .collect();
        let expected: Vec<(String, usize, Vec<String>)> = entries
            .iter()
            .map(|(name, n, labels)| ((*name).to_owned(), *n, labels.iter().map(|l| (*l).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(bank.errors.iter().map(|e| e.line).collect::<Vec<_>>(), errors);
        bank
    }

    #[test]
    fn a_bank_file_reads_with_rows_of_one_name_as_one_entry() {
        let text = format!(
            "type,value,quality,name,labels\npdq,{HASH},100,a.png,x;y\nmd5,{MD5},,a.png,y;z\npdq,{HASH},50,b.png,\n"
        );
        let bank = check(&text, &[("a.png", 2, &["x", "y", "z"]), ("b.png", 1, &[])], &[]);
        assert_eq!(bank.entries[0].signals[0].quality(), Some(100));
    }

    #[test]
    fn a_plain_list_of_hashes_is_a_bank() {
        check(
            &format!("{HASH}\n\n# comment\n{HASH}\r\n"),
            &[("", 1, &[]), ("", 1, &[])],
            &[],
        );
    }

    #[test]
    fn bad_lines_are_named_and_the_rest_goes_on() {
        let text = format!(
            "type,value,quality,name,labels\npdq,zz,1,a,\npdq,{HASH},101,a,\nnope,{HASH},1,a,\npdq,{HASH},1,ok,\n"
        );
        check(&text, &[("ok", 1, &[])], &[2, 3, 4]);
    }

    #[test]
    fn what_no_bank_would_take_is_a_bad_line() {
        let long = "x".repeat(Entry::TEXT_LENGTH_MAX + 1);
        let text = format!(
            "type,value,quality,name,labels\npdq,{HASH},1,{long},\npdq,{HASH},1,a,{long}\npdq,{HASH},1,a\0b,\npdq,{HASH},1,a,b\0c\n\
             pdq,{HASH},1,ok,\n"
        );
        check(&text, &[("ok", 1, &[])], &[2, 3, 4, 5]);
    }

    #[test]
    fn a_file_is_read_piece_by_piece_up_to_where_it_breaks_off() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        let text = format!("pdq,{HASH},,a\nmd5,zz,,a\nmd5,{MD5},,a\npdq,{HASH},,b\n");
        let mut pieces = pieces(text.as_bytes().chain(Broken));
        assert!(matches!(
            pieces.next(),
            Some(Ok(Piece::BadLine(LineError { line: 2, .. })))
        ));
        assert!(
            matches!(pieces.next(), Some(Ok(Piece::Entry(entry))) if entry.name == "a" && entry.signals.len() == 2)
        );
        assert!(matches!(pieces.next(), Some(Err(ReadBankError::Csv(_)))));
    }

    #[test]
    fn a_row_without_an_end_is_not_read_into_memory() {
        let text = format!("pdq,{HASH},,a\npdq,{HASH},,\"b\n");
        let endless = io::repeat(b'x');
        let mut pieces = pieces(text.as_bytes().chain(endless));
        assert!(matches!(
            pieces.next(),
            Some(Err(ReadBankError::RowTooLong { line: 2 }))
        ));
        // As long as a row may be, it is read; what is beside the columns is passed over.
        let text = format!("pdq,{HASH},,a,,{}\npdq,{HASH},,b\n", "x".repeat(ROW_BYTES_MAX / 2));
        check(&text, &[("a", 1, &[]), ("b", 1, &[])], &[]);
    }

    #[test]
    fn files_of_spreadsheets_read_as_any_other() {
        let rows = format!(
            "type,value,quality,name,labels\r\npdq,{HASH},100,\"a, \"\"b\"\"\r\nc\",\"x; y\"\r\n\r\nmd5,{MD5},,d,\r\n"
        );
        let quoted = rows.replacen("type,value", "\"type\",\"value\"", 1);
        for text in [
            rows.clone(),
            format!("\u{feff}{rows}"),
            format!("\u{feff}{quoted}"),
            rows.trim_end().to_owned(),
        ] {
            check(&text, &[("a, \"b\"\r\nc", 1, &["x", "y"]), ("d", 1, &[])], &[]);
        }
    }

    #[test]
    fn columns_may_stand_in_any_order_and_begin_with_a_byte_order_mark() {
        check(
            &format!("\u{feff}name,value,type\nx,{MD5},md5\n"),
            &[("x", 1, &[])],
            &[],
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = format!("type,value,quality,name,labels\npdq,{HASH},100,\"a, b\",x;y\nmd5,{MD5},,\"a, b\",x;y\n");
        let bank = parse(text.as_bytes()).unwrap();
        let mut written = Vec::new();
        write(&mut written, &bank.entries).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }

    #[test]
    fn no_cell_is_a_formula_and_every_name_reads_back() {
        for name in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1+1",
            "@SUM(A1)",
            "'=1",
            "''=1",
            "\u{ff1d}1",
            "'quoted'",
            "plain",
            "a=b",
        ] {
            let entry = NewEntry {
                name: name.to_owned(),
                labels: vec![name.to_owned(), "x".to_owned()],
                source: String::new(),
                expires_at: None,
                signals: vec![Signal::parse(SignalType::Pdq, HASH, None).unwrap()],
            };
            let mut written = Vec::new();
            write(&mut written, [&entry]).unwrap();
            let mut rows = csv::Reader::from_reader(written.as_slice());
            for cell in rows.records().next().unwrap().unwrap().iter() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\u{ff1d}']), "{cell}");
            }
            assert_eq!(parse(written.as_slice()).unwrap().entries, [entry], "{name}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_a_bad_line() {
        let bank = parse(&b"\xff\xfe\x00\n"[..]).unwrap();
        assert!(bank.entries.is_empty());
        assert_eq!(bank.errors.len(), 1);
    }
}
