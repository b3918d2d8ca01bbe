//! Objects counted by a detector in the frames of videos: `video,class,index,count`. Every frame
//! sends as many requests at once; all videos begin together, as cameras that run side by side.
//!
//! Source of such counts: tungngreen/PipelineScheduler (`OctopInf`).

use super::table::{Read, Table};
use super::time::TimeUnit;
use super::time_reader::TimeReader;
use super::{ImportKind, ImportedRequest, ImporterEntry};
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};
use crate::config::settings::names;
use crate::config::{Problem, Setting};
use crate::core::units::Span;

/// More objects in a frame than that are no count.
const MAX_COUNT: u64 = 100_000;
/// Frames of some years.
const MAX_INDEX: u64 = 10_000_000_000;

const FPS: Setting = Setting::number("fps", [1e-3, 1e4], 30.0).means("The frames per second.");
const KEYS: [(&str, &str); 2] = [("class", "class"), ("video", "video")];
const KEY: Setting = Setting::choice("key", &names(&KEYS)).means("What has a key of its own.");

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "video-counts",
    summary: "objects per video frame, each a request; a key per class of objects, or per video",
    settings: &[&[FPS, KEY], LAYOUT],
    form: ImportKind::Trace(|read| {
        let fps = read.number("fps");
        let key = read.choice("key", &KEYS);
        let layout = TableLayout::read(read);
        // Frames have numbers; there is no time to read.
        let clock = || TimeReader::new("arrival", None, TimeUnit::Decimal(9));
        Box::new(move |path, _| {
            Table::open(path, layout, |head| Ok((clock(), columns(head, fps, key)?)))
        })
    }),
};

fn columns(head: &Header, fps: f64, key: &'static str) -> Result<Read, Problem> {
    let (video, class) = (head.column("video")?, head.column("class")?);
    let (index, count) = (head.column("index")?, head.column("count")?);
    let key = if key == "video" { video } else { class };
    Ok(Box::new(move |row, _| {
        let time = Span::from_s(row.integer(index, 0..=MAX_INDEX)? as f64 / fps);
        let time_ns = i64::try_from(time.0).map_err(|_| row.problem(index, "an earlier frame"))?;
        let count = row.integer(count, 0..=MAX_COUNT)?;
        if row.text(key).is_empty() {
            return Err(row.problem(key, "a name"));
        }
        let key = row.text(key).to_owned();
        Ok((ImportedRequest { time_ns, key, class: None, budget_ns: None }, count))
    }))
}
