//! A profile folder of fitted devices: classes of workers are devices, variants are models.

use super::assess::{Assessment, CellAssessment};
use super::fit::HOST_POWER;
use super::loads::{Cell, CellKey};
use super::predict::INERTIA_MS;
use crate::config::{ConfigNode, Decoder, Group, Problems};
use crate::core::units::{Span, decimal};
use crate::import::{Folder, GIVEN, Measured};
use std::fmt::Write as _;

/// Settings of what the runs do not tell: accuracy, load times, memory, the budget.
pub const SETTINGS: Group = Group::named("calibrate device").of(&[GIVEN]);

/// A time in milliseconds as profiles have it.
fn ms(value: f64) -> String {
    decimal(Span::from_ms(value).0, 6)
}

/// Checks the settings of a profile with these cells, before anything is simulated.
///
/// # Errors
/// Settings that lack or are out of range.
pub fn check<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    settings: &ConfigNode,
) -> Result<(), Problems> {
    base(cells.map(|cell| (&cell.key, 1.0)), settings).map(drop)
}

/// The files of a profile with these fits; `settings` says what was not measured.
///
/// # Errors
/// Settings that lack or are out of range.
pub fn folder(assessment: &Assessment, settings: &ConfigNode) -> Result<Folder, Problems> {
    // Variants in order of their service times.
    let mut cells: Vec<&CellAssessment> = assessment.cells.iter().collect();
    cells.sort_by(|a, b| a.fit.service_ms.total_cmp(&b.fit.service_ms));
    let times = cells.into_iter().map(|own| (&own.cell.key, own.fit.service_ms));
    let mut made = base(times, settings)?;
    made.files.retain(|(name, _)| *name != "latency.csv");
    made.files.push(("latency.csv", latency_csv(assessment)));
    made.files.push(("device.csv", device_csv(assessment)));
    Ok(made)
}

/// The files that every profile has, of devices and models with their service times in ms.
fn base<'a>(
    times: impl Iterator<Item = (&'a CellKey, f64)>,
    settings: &ConfigNode,
) -> Result<Folder, Problems> {
    let mut problems = Problems::default();
    let mut decoder = Decoder::new(settings, &SETTINGS, &mut problems);
    let mut measured = Measured::default();
    for (key, service_ms) in times {
        let ns = Span::from_ms(service_ms).0.max(1);
        measured.add([&key.device, &key.model], 1, ns, 1);
    }
    let about = [
        "models on measured devices",
        "fitted by `peeksim calibrate device`",
        "Latencies and device.csv were fitted to runs under load.",
    ];
    let made = measured.folder(about, &mut decoder);
    if made.is_some() {
        decoder.finish();
    }
    problems.check(made)
}

fn latency_csv(assessment: &Assessment) -> String {
    let mut text = String::from("worker_class,power_mode,variant,batch,latency_ms,latency_ms_sd\n");
    for CellAssessment { cell, fit, .. } in &assessment.cells {
        let (key, service, sd) = (&cell.key, ms(fit.service_ms), ms(fit.service_sd_ms));
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{},{},{},1,{service},{sd}", key.device, cell.power_mode(), key.model);
    }
    text
}

fn device_csv(assessment: &Assessment) -> String {
    let mut text = String::from(
        "worker_class,power_mode,variant,delay_ms,delay_ms_sd,idle_host_slowdown,inertia_ms,\
         idle_w,busy_w,host_w\n",
    );
    for CellAssessment { cell, fit, .. } in &assessment.cells {
        let key = &cell.key;
        let delay = [ms(fit.delay_ms), ms(fit.delay_ms * fit.delay_cv)].join(",");
        let slowdown = fit.idle_slowdown;
        let power = match fit.power_w {
            None => ",,".to_owned(),
            // Idle power is of the device, whatever model it holds.
            Some([_, added]) => {
                let idle = idle_w(assessment, &key.device, &key.power_mode);
                format!("{idle:.3},{:.3},{:.3}", idle + added, HOST_POWER * added)
            }
        };
        let _ = writeln!(
            text,
            "{},{},{},{delay},{slowdown:.4},{INERTIA_MS},{power}",
            key.device,
            cell.power_mode(),
            key.model
        );
    }
    text
}

/// The mean idle power over the models of a device in a power mode.
fn idle_w(assessment: &Assessment, device: &str, power_mode: &str) -> f64 {
    let own = assessment.cells.iter().filter(|own| {
        let key = &own.cell.key;
        (key.device.as_str(), key.power_mode.as_str()) == (device, power_mode)
    });
    let powers: Vec<f64> = own.filter_map(|own| Some(own.fit.power_w?[0])).collect();
    powers.iter().sum::<f64>() / powers.len().max(1) as f64
}
