//! Objects counted by a detector in the frames of videos: `video,class,index,count`. Each object
//! of a frame is a request, all at once; all videos begin together, as cameras side by side do.
//!
//! Source of such counts: tungngreen/PipelineScheduler (`OctopInf`).

use super::table::{RowDecoder, TraceTable};
use super::time::TimeUnit;
use super::time_reader::TimeReader;
use super::{ImportKind, ImportedRequest, ImporterEntry};
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};
use crate::config::settings::names;
use crate::config::{Problem, Setting};
use crate::core::units::Span;

/// The most objects in a frame; a larger number is no count.
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
    form: ImportKind::Trace(|settings| {
        let fps = settings.number("fps");
        let key = settings.choice("key", &KEYS);
        let layout = TableLayout::read(settings);
        Box::new(move |path, _| {
            // Frames have numbers; no time is read.
            let clock = TimeReader::new("arrival", None, TimeUnit::Decimal(9));
            TraceTable::open(path, layout, |head| Ok((clock, columns(head, fps, key)?)))
        })
    }),
};

fn columns(head: &Header, fps: f64, key: &str) -> Result<RowDecoder, Problem> {
    head.columns(["video", "class"])?;
    let [index, count, key] = head.columns(["index", "count", key])?;
    Ok(Box::new(move |row, _| {
        let time = Span::from_s(row.integer(index, 0..=MAX_INDEX)? as f64 / fps);
        let time_ns = i64::try_from(time.0).map_err(|_| row.problem(index, "an earlier frame"))?;
        let count = row.integer(count, 0..=MAX_COUNT)?;
        Ok((ImportedRequest::new(time_ns, row.filled(key, "a name")?), count))
    }))
}
