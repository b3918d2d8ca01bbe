//! The log of requests as a Parquet file: the columns of the CSV file with types of their own.
//!
//! Counts are 64-bit integers, times and shares doubles, `correct` is a boolean, everything else
//! text; empty cells are null. Times are the doubles nearest to the decimals of the CSV file.

use super::{RequestCell, columns, row};
use crate::contract::{Event, Observer};
use crate::core::units::NS_PER_S;
use crate::metrics::column::{Column, ColumnKind};
use crate::metrics::latency_breakdown::LatencyBreakdowns;
use crate::system::catalog::Catalog;
use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows that are written at once, and held until then: some 20 MB.
const GROUP_ROWS: usize = 1 << 17;

/// Writes a row for every request that ends.
pub struct RequestTable<W: Write + Send> {
    catalog: Arc<Catalog>,
    breakdowns: LatencyBreakdowns,
    has_sources: bool,
    writer: SerializedFileWriter<W>,
    columns: Vec<Cells>,
    rows: usize,
    error: Option<ParquetError>,
}

/// The cells of a column that are not null, and for each of its rows 1 if it has one, else 0.
struct Cells {
    values: Values,
    there: Vec<i16>,
}

enum Values {
    Count(Vec<i64>),
    Number(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

impl<W: Write + Send> RequestTable<W> {
    /// Writes to `out`, with a column for the sources of requests if they have any.
    ///
    /// # Errors
    /// An error of writing.
    pub fn with_sources(has_sources: bool, catalog: &Arc<Catalog>, out: W) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("peeksim ", env!("CARGO_PKG_VERSION")).to_owned());
        let fields = columns(has_sources).iter().map(field).collect::<Result<Vec<_>>>();
        let schema = fields.and_then(|fields| {
            Type::group_type_builder("requests").with_fields(fields).build().map(Arc::new)
        });
        let writer = SerializedFileWriter::new(out, schema?, Arc::new(properties.build()))?;
        let (breakdowns, columns) = (LatencyBreakdowns::new(catalog), Cells::all(has_sources));
        let catalog = Arc::clone(catalog);
        Ok(Self { catalog, breakdowns, has_sources, writer, columns, rows: 0, error: None })
    }

    /// Writes what is left and the end of the file.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush();
        match self.error {
            Some(error) => Err(error.into()),
            None => Ok(self.writer.close().map(drop)?),
        }
    }

    fn flush(&mut self) {
        if self.rows > 0 && self.error.is_none() {
            self.error = self.write().err();
        }
        self.rows = 0;
        self.columns = Cells::all(self.has_sources);
    }

    fn write(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (column, cells) in columns(self.has_sources).iter().zip(&self.columns) {
            let there = (!column.empty.is_empty()).then_some(cells.there.as_slice());
            match &cells.values {
                Values::Count(values) => write::<Int64Type, W>(&mut group, values, there),
                Values::Number(values) => write::<DoubleType, W>(&mut group, values, there),
                Values::Flag(values) => write::<BoolType, W>(&mut group, values, there),
                Values::Text(values) => write::<ByteArrayType, W>(&mut group, values, there),
            }?;
        }
        group.close().map(drop)
    }
}

impl<W: Write + Send> Observer for RequestTable<W> {
    fn on(&mut self, event: Event<'_>) {
        let row = row(&self.catalog, &mut self.breakdowns, &event);
        self.breakdowns.on(event);
        let Some(row) = row else { return };
        self.columns.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
        self.rows += 1;
        if self.rows == GROUP_ROWS {
            self.flush();
        }
    }
}

impl Cells {
    fn all(has_sources: bool) -> Vec<Self> {
        columns(has_sources).iter().map(Self::of).collect()
    }

    fn of(column: &Column) -> Self {
        let values = match column.kind {
            ColumnKind::Count => Values::Count(Vec::new()),
            ColumnKind::Number(..) => Values::Number(Vec::new()),
            ColumnKind::Word(["0", "1"]) => Values::Flag(Vec::new()),
            ColumnKind::Word(_) | ColumnKind::Text => Values::Text(Vec::new()),
        };
        Self { values, there: Vec::new() }
    }

    /// Adds a cell; one of another kind than the column's is null.
    fn push(&mut self, cell: RequestCell<'_>) {
        let mut there = 1;
        match (&mut self.values, cell) {
            (Values::Count(values), RequestCell::Count(count)) => values.push(count.cast_signed()),
            (Values::Number(values), RequestCell::Number(number)) => values.push(number),
            (Values::Number(values), RequestCell::Time(ns)) => {
                values.push(ns as f64 / NS_PER_S as f64);
            }
            (Values::Flag(values), RequestCell::Flag(flag)) => values.push(flag),
            (Values::Text(values), RequestCell::Text(text)) => values.push(ByteArray::from(text)),
            _ => there = 0,
        }
        self.there.push(there);
    }
}

/// A column as the schema names it.
fn field(column: &Column) -> Result<Arc<Type>> {
    let (physical, converted) = match Cells::of(column).values {
        Values::Count(_) => (Physical::INT64, ConvertedType::NONE),
        Values::Number(_) => (Physical::DOUBLE, ConvertedType::NONE),
        Values::Flag(_) => (Physical::BOOLEAN, ConvertedType::NONE),
        Values::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
    };
    let always = column.empty.is_empty();
    let repetition = if always { Repetition::REQUIRED } else { Repetition::OPTIONAL };
    let field = Type::primitive_type_builder(column.name, physical);
    field.with_converted_type(converted).with_repetition(repetition).build().map(Arc::new)
}

/// Writes the next column of a group of rows.
fn write<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    column.typed::<T>().write_batch(values, there, None)?;
    column.close()
}
