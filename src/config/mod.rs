//! Text and positions: reading files, CSV tables, TOML and JSON trees. Knows nothing of the domain.

pub mod csv;
pub mod decode;
mod decompress;
pub mod entries;
pub mod error;
pub mod json;
pub mod json_lines;
pub mod lines;
pub mod note;
pub mod path;
mod records;
pub mod rows;
pub mod settings;
pub mod shown;
pub mod source;
pub mod toml;

pub use decode::Decoder;
pub use entries::{Entries, Named};
pub use error::{Location, Problem, Problems};
pub use settings::{Group, Kind, Setting};
pub use toml::{ConfigNode, Value};
