//! Text and positions: reading files, CSV tables, TOML and JSON trees. Knows nothing of the domain.

pub mod csv;
pub mod error;
pub mod fields;
pub mod json;
pub mod lines;
pub mod note;
pub mod path;
mod records;
pub mod rows;
pub mod shown;
pub mod source;
pub mod toml;
mod unzip;

pub use error::{Place, Problem, Problems};
pub use fields::Fields;
pub use toml::{Node, Value};
