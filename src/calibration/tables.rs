//! Predictions, fits and medians as CSV text, and their charts.

use super::assess::{Assessment, CellAssessment, MEAN, METRICS, Medians, WATTS};
use super::fit::HOST_POWER;
use super::loads::CellKey;
use crate::report::figure::{Chart, ChartKind, Point, Series};
use crate::stats::{Estimate, Median};
use std::fmt::Write as _;

/// A number with six significant digits; empty for none.
fn digits(value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return String::new() };
    if value == 0.0 {
        return "0".to_owned();
    }
    let before = libm::log10(value.abs()).floor() as i32 + 1;
    let text = format!("{value:.places$}", places = (6 - before).clamp(0, 12) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn key(key: &CellKey) -> String {
    format!("{},{},{}", key.device, key.model, key.power_mode)
}

/// `isolated` for cells whose isolated latency is known, `loads` for those fitted to runs alone.
pub(super) fn basis(cell: &CellAssessment) -> &'static str {
    if cell.cell.isolated.is_some() { "isolated" } else { "loads" }
}

/// A row for each cell and load.
pub fn predictions_csv(assessment: &Assessment) -> String {
    let mut text = String::from(
        "basis,device,model,power_mode,load,fitted,saturated,runs,rate_rps,utilization",
    );
    for metric in METRICS {
        // Writing to a String cannot fail.
        let _ = write!(text, ",{metric},{metric}_predicted,{metric}_error,{metric}_repeats");
    }
    text.push('\n');
    for cell in &assessment.cells {
        for load in &cell.loads {
            let _ = write!(
                text,
                "{},{},{},{},{},{},{},{}",
                basis(cell),
                key(&cell.cell.key),
                load.load,
                load.is_fitted,
                load.is_saturated(),
                load.runs,
                digits(Some(load.rate_rps)),
                digits(Some(load.utilization)),
            );
            for compared in &load.metrics {
                let cells =
                    [compared.measured, compared.predicted, compared.error(), compared.repeats];
                for cell in cells {
                    let _ = write!(text, ",{}", digits(cell));
                }
            }
            text.push('\n');
        }
    }
    text
}

/// A row for each cell: its parameters, with 95 % intervals over repeats.
pub fn fits_csv(assessment: &Assessment) -> String {
    let mut text = String::from(
        "basis,device,model,power_mode,service_ms,service_ms_low,service_ms_high,service_ms_sd,\
         overhead_ms,overhead_ms_low,overhead_ms_high,delay_ms,delay_ms_sd,host_before_ms,\
         idle_host_slowdown,idle_w,busy_w,host_w\n",
    );
    for cell in &assessment.cells {
        let fit = &cell.fit;
        let [idle_w, added_w] = fit.power_w.map_or([None; 2], |power| power.map(Some));
        let ends = |estimate: Option<Estimate>| {
            [estimate.map(|own| own.low()), estimate.map(|own| own.high())]
        };
        let service = ends(cell.intervals.service_ms);
        let overhead = ends(cell.intervals.overhead_ms);
        let cells = [
            Some(fit.service_ms),
            service[0],
            service[1],
            Some(fit.service_sd_ms),
            Some(fit.overhead_ms),
            overhead[0],
            overhead[1],
            Some(fit.delay_ms),
            Some(fit.delay_cv * fit.delay_ms),
            Some(fit.before_ms),
            Some(fit.idle_slowdown),
            idle_w,
            idle_w.zip(added_w).map(|(idle, added)| idle + added),
            added_w.map(|added| HOST_POWER * added),
        ];
        let cells: Vec<String> = cells.into_iter().map(digits).collect();
        let _ = writeln!(text, "{},{},{}", basis(cell), key(&cell.cell.key), cells.join(","));
    }
    text
}

/// Medians of several models: a row for each model, basis, load and metric.
pub fn medians_csv(rows: &[(&str, &str, f64, Medians)]) -> String {
    let mut text = String::from(
        "model,basis,load,metric,cells,error_median,error_median_low,error_median_high,\
         signed_error_median,repeats_median\n",
    );
    for (model, basis, load, medians) in rows {
        for (metric, name) in METRICS.iter().enumerate() {
            let absolute = medians.absolute[metric];
            let value = |median: Option<Median>| digits(median.map(|median| median.value));
            let ends = absolute.and_then(|median| median.ends);
            let _ = writeln!(
                text,
                "{model},{basis},{load},{name},{},{},{},{},{},{}",
                absolute.map_or(0, |median| median.count),
                value(absolute),
                digits(ends.map(|ends| ends.0)),
                digits(ends.map(|ends| ends.1)),
                value(medians.signed[metric]),
                value(medians.repeats[metric]),
            );
        }
    }
    text
}

fn point(x: f64, y: f64, ends: Option<(f64, f64)>) -> Point {
    let (low, high) = ends.unwrap_or((y, y));
    Point { x, x_low: x, x_high: x, y, low, high, ringed: false }
}

fn chart(title: &str, note: &str, y_label: &str, series: Vec<Series>) -> Chart {
    Chart {
        kind: ChartKind::Lines,
        title: title.to_owned(),
        note: note.to_owned(),
        x_label: "load (% of the sustained rate)".to_owned(),
        y_label: y_label.to_owned(),
        x_log: false,
        y_log: false,
        y_range: None,
        hulls: Vec::new(),
        series,
    }
}

/// The charts of an assessment by name: the error of mean latency and of power by load, a line for
/// each device, and the differences of repeats. Of cells with an isolated latency, where there are
/// any: the others would hide them.
pub fn charts(assessment: &Assessment) -> Vec<(&'static str, Chart)> {
    let has_isolated = assessment.cells.iter().any(|cell| cell.cell.isolated.is_some());
    let is_drawn = |cell: &CellAssessment| cell.cell.isolated.is_some() || !has_isolated;
    let drawn = assessment.cells.iter().filter(|cell| is_drawn(cell));
    let mut devices: Vec<&str> = drawn.map(|cell| cell.cell.key.device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    let charts = [
        (MEAN, "latency", "Error of mean latency by device", "error of mean latency (%)"),
        (WATTS, "power", "Error of mean power by device", "error of mean power (%)"),
    ];
    let line = |label: &str, of: &dyn Fn(f64) -> Option<Median>| {
        let points = assessment.loads().into_iter().filter_map(|load| {
            let median = of(load)?;
            let ends = median.ends.map(|(low, high)| (100.0 * low, 100.0 * high));
            Some(point(100.0 * load, 100.0 * median.value, ends))
        });
        Series { label: label.to_owned(), points: points.collect() }
    };
    let all = charts.map(|(metric, name, title, y_label)| {
        let mut series: Vec<Series> = devices
            .iter()
            .map(|device| {
                let own = |cell: &CellAssessment| is_drawn(cell) && cell.cell.key.device == *device;
                line(device, &|load| assessment.medians(load, own).signed[metric])
            })
            .collect();
        series.push(line("repeats (absolute)", &|load| {
            assessment.medians(load, is_drawn).repeats[metric]
        }));
        let of = if has_isolated { " with an isolated latency" } else { "" };
        let note = format!(
            "Medians over models and power modes{of}; bands: 95 % by order statistics, where there \
             are six cells. Predicted less measured. Repeats: how far a run is from the mean of \
             its repeats."
        );
        (name, chart(title, &note, y_label, series))
    });
    all.into_iter().filter(|(_, chart)| chart.series.iter().any(|s| !s.points.is_empty())).collect()
}

/// The chart of several models: the median absolute error of mean latency by load.
pub(super) fn model_chart(rows: &[(&str, &str, f64, Medians)]) -> Chart {
    let mut series: Vec<Series> = Vec::new();
    for (model, _, load, medians) in rows {
        let Some(median) = medians.absolute[MEAN] else { continue };
        let at = series.iter().position(|line| line.label == *model).unwrap_or_else(|| {
            series.push(Series { label: (*model).to_owned(), points: Vec::new() });
            series.len() - 1
        });
        let ends = median.ends.map(|(low, high)| (100.0 * low, 100.0 * high));
        series[at].points.push(point(100.0 * load, 100.0 * median.value, ends));
    }
    let note = "Cells with an isolated latency, fitted at the smallest load. Bands: 95 % by order \
                statistics.";
    let chart = chart("What each part of the model contributes", note, "median error (%)", series);
    Chart { y_log: true, ..chart }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        for (value, text) in
            [(1.0 / 3.0, "0.333333"), (1_234_567.8, "1234568"), (-0.25, "-0.25"), (0.0, "0")]
        {
            assert_eq!(digits(Some(value)), text);
        }
        assert_eq!(digits(None), "");
    }
}
