//! Objects counted by a detector in the frames of videos: `video,class,index,count`. Every frame
//! sends as many requests at once; all videos begin together, as cameras that run side by side.
//!
//! Source of such counts: tungngreen/PipelineScheduler (`OctopInf`).

use super::table::{Read, Table};
use super::{Entry, Form, Request, Requests};
use crate::input::csv::Head;
use crate::input::{Place, Problem};
use crate::units::Span;

/// More objects in a frame than that are no count.
const MAX_COUNT: u64 = 100_000;
/// Frames of some years.
const MAX_INDEX: u64 = 10_000_000_000;

pub(super) const ENTRY: Entry = Entry {
    name: "video-counts",
    summary: "objects per video frame, each a request; a key per class of objects, or per video",
    settings: "fps = 30, key = class | video",
    form: Form::Trace(|read| {
        let fps = read.number("fps", 1e-3..=1e4, 30.0);
        let key = read.choice("key", &[("class", "class"), ("video", "video")]);
        Box::new(move |path| {
            // The budget carries the count from the row to where it is dealt out.
            let rows = Table::open(path, |head| columns(head, fps, key))?;
            Ok(Box::new(Frames { rows, current: None }))
        })
    }),
};

fn columns(head: &Head, fps: f64, key: &'static str) -> Result<Read, Problem> {
    let (video, class) = (head.column("video")?, head.column("class")?);
    let (index, count) = (head.column("index")?, head.column("count")?);
    let key = if key == "video" { video } else { class };
    Ok(Box::new(move |row| {
        let time_ns = Span::from_s(row.integer(index, 0..=MAX_INDEX)? as f64 / fps).0 as i64;
        let count = row.integer(count, 0..=MAX_COUNT)?;
        if let "" = row.text(key) {
            return Err(row.problem(key, "a name"));
        }
        let key = row.text(key).to_owned();
        let request = Request { time_ns, key, class: None, budget_ns: Some(count) };
        Ok((count > 0).then_some(request))
    }))
}

/// Deals out the requests of a frame one by one.
struct Frames {
    rows: Box<dyn Requests>,
    /// A request of the frame, and how many are still to come.
    current: Option<(Request, u64)>,
}

impl Requests for Frames {
    fn next_request(&mut self) -> Result<Option<Request>, Problem> {
        if let Some((request, left)) = &mut self.current
            && *left > 0
        {
            *left -= 1;
            return Ok(Some(request.clone()));
        }
        let Some(mut request) = self.rows.next_request()? else { return Ok(None) };
        let count = request.budget_ns.take().unwrap_or(1);
        self.current = Some((request.clone(), count - 1));
        Ok(Some(request))
    }

    fn place(&self) -> Place {
        self.rows.place()
    }

    fn is_broken(&self) -> bool {
        self.rows.is_broken()
    }

    fn sha256(&self) -> String {
        self.rows.sha256()
    }
}
