//! `peeksim plot`: pictures from the CSV files of a results folder, and nothing else.

use crate::support::shell::Shell;
use peeksim::report::Results;
use std::fs;

/// A results folder `o` with nothing but its CSV files.
fn results() -> Shell {
    let shell = Shell::small();
    shell.ok("sweep small.toml --out o");
    for file in ["manifest.toml", "runs.journal", "summary.csv", "timings.csv"] {
        fs::remove_file(shell.path(&format!("o/{file}"))).expect("a file");
    }
    fs::remove_file(shell.path("small.toml")).expect("the experiment");
    shell
}

#[test]
fn the_csv_is_enough() {
    let shell = results();
    // The experiment's own figure differs only in its title.
    shell.ok("plot o --name again --out p");
    let again = shell.read("p/again.svg").replace("o: mean utility", "small: mean utility");
    assert_eq!(again, shell.read("o/figures/utility.svg"));
    shell.ok("plot o --kind cdf --log-x --where workload.rate_rps=50");
    shell.ok("plot o --kind pareto --x latency_ms_p99 --y accuracy_mean --log-y --name p");
    let svg = shell.read("o/figures/p.svg");
    assert!(
        svg.contains("latency, 99th percentile (ms)")
            && svg.contains("accuracy of completed requests")
    );
    assert!(svg.contains("grouped") && !svg.contains("utility"));
    shell.ok("plot o --y model_loads --where scheduler=edf --name edf");
    assert!(!shell.read("o/figures/edf.svg").contains("grouped"));
}

#[test]
fn facets_are_panels_of_one_figure() {
    let shell = results();
    shell.ok("plot o --facet scheduler --out f");
    let svg = shell.read("f/utility_mean-by-workload.rate_rps-by-scheduler.svg");
    let says = |svg: &str, text: &str| {
        svg.contains(&format!(">{text}<")) || svg.contains(&format!("\n{text}\n"))
    };
    assert!(says(&svg, "edf") && says(&svg, "grouped"), "{svg}");
    // One legend.
    shell.ok("plot o --kind pareto --x latency_ms_p99 --y accuracy_mean --name p --out f \
              --series scheduler --facet workload.rate_rps");
    let svg = shell.read("f/p.svg");
    assert!(svg.contains("rate = 50") && svg.contains("rate = 2000"), "{svg}");
    assert_eq!(svg.matches(">grouped<").count() + svg.matches("\ngrouped\n").count(), 1, "{svg}");
    shell.ok("plot o --facet scheduler --where scheduler=grouped --name one --out f");
    let svg = shell.read("f/one.svg");
    assert!(says(&svg, "grouped") && !says(&svg, "edf"), "{svg}");
}

/// The texts of an SVG, with their lines joined.
fn written(svg: &str) -> String {
    let texts = svg.split("</text>").filter_map(|part| part.rsplit('>').next());
    texts.map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn hulls_are_of_groups_of_lines() {
    let shell = results();
    let plot =
        "plot o --kind pareto --x latency_ms_p99 --y accuracy_mean --facet workload.rate_rps";
    shell.ok(&format!("{plot} --name hulls --hull ours=edf --hull others=grouped"));
    let svg = shell.read("o/figures/hulls.svg");
    assert!(svg.contains("hull: ours") && svg.contains("hull: others"), "{svg}");
    assert!(written(&svg).contains("A hull joins the means of its group"), "{svg}");
    for (hull, words) in [
        ("ours=lifo", "unknown line `lifo` of `scheduler`"),
        ("ours", "expected column=value"),
        ("ours=grouped --where scheduler=edf", "unknown line `grouped`"),
    ] {
        let message = shell.fails(2, &format!("{plot} --hull {hull}")).err;
        assert!(message.contains(words), "{hull}: {message}");
    }
    let lines = shell.fails(2, "plot o --hull ours=edf").err;
    assert!(lines.contains("expected a figure with `kind = \"pareto\"`"), "{lines}");
}

#[test]
fn what_is_not_there_is_said_with_the_nearest_name() {
    let shell = results();
    let wrong = [
        ("--y utilty_mean", "did you mean `utility_mean`?"),
        ("--x workload.rate", "did you mean `workload.rate_rps`?"),
        ("--x scheduler", "found an axis with the value `edf`, expected an axis of numbers"),
        ("--kind line", "did you mean `lines`?"),
        ("--series schedulr", "did you mean `scheduler`?"),
        ("--facet schedulr", "did you mean `scheduler`?"),
        ("--where scheduler=groupd", "did you mean `grouped`?"),
        ("--where schedule=edf", "did you mean `scheduler`?"),
        ("--where scheduler", "--where: found `scheduler`, expected column=value"),
        ("--y outcome_source", "unknown metric `outcome_source`"),
        ("--name a/b", "expected a name for a file"),
    ];
    for (flags, expected) in wrong {
        let said = shell.fails(2, &format!("plot o {flags}"));
        assert!(said.err.contains(expected), "{flags}: {}", said.err);
    }
    fs::remove_file(shell.path("o/quantiles.csv")).expect("quantiles");
    let said = shell.fails(2, "plot o --kind cdf");
    assert!(said.err.contains("found no quantiles.csv"), "{}", said.err);
    shell.fails(2, "plot nowhere");
}

#[test]
fn columns_that_an_older_version_had_not_are_empty() {
    let shell = results();
    let runs = shell.read("o/runs.csv");
    let mut reader = csv::Reader::from_reader(runs.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let gone = header.iter().position(|name| name == "model_loads").expect("model_loads");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in [header].into_iter().chain(reader.records().map(|row| row.expect("a row"))) {
        let cells = record.iter().enumerate().filter(|(at, _)| *at != gone);
        writer.write_record(cells.map(|(_, cell)| cell)).expect("a row");
    }
    shell.write("o/runs.csv", writer.into_inner().expect("rows"));
    let results = Results::load(&shell.path("o")).expect("results");
    assert_eq!(results.rows[0].metric("model_loads"), None);
    assert!(results.rows[0].metric("utility_mean").is_some_and(|utility| utility > 0.0));
    assert!(shell.fails(2, "plot o --y model_loads").err.contains("unknown metric `model_loads`"));
}

/// Every use of a word by an element of an SVG that has this colour.
fn strokes(svg: &str, color: &str) -> usize {
    svg.matches(&format!("stroke=\"{}\"", color.to_uppercase())).count()
}

#[test]
fn without_options_the_figures_of_the_manifest_are_drawn_with_its_styles() {
    let shell = Shell::small();
    let text = shell.read("small.toml");
    shell.write("style.toml", "edf = { color = \"#123456\", dash = \"long\" }\nother = {}\n");
    shell.write("styled.toml", format!("style = \"style.toml\"\n{text}"));
    shell.ok("sweep styled.toml --out o");
    let drawn = shell.read("o/figures/utility.svg");
    assert!(strokes(&drawn, "#123456") > 0, "{drawn}");
    // The manifest holds the styles.
    fs::remove_file(shell.path("style.toml")).expect("the styles");
    let said = shell.ok("plot o --out p");
    assert!(said.out.contains("p/utility.svg") && said.out.contains("p/latency.pdf"), "{said:?}");
    for name in ["utility.svg", "utility.png", "utility.pdf", "latency.svg"] {
        assert_eq!(shell.bytes(&format!("p/{name}")), shell.bytes(&format!("o/figures/{name}")));
    }
    shell.write("other.toml", "edf = { color = \"#654321\" }\n");
    shell.ok("plot o --style other.toml --out q");
    let svg = shell.read("q/utility.svg");
    assert!(strokes(&svg, "#654321") > 0 && strokes(&svg, "#123456") == 0, "{svg}");
    // A figure of its own has the styles of the experiment.
    shell.ok("plot o --y model_loads --name own --out q");
    assert!(strokes(&shell.read("q/own.svg"), "#123456") > 0);
    // Styles are no settings of runs: the same rows, and no other settings in the folder.
    shell.ok("sweep small.toml --out plain");
    assert_eq!(shell.read("plain/runs.csv"), shell.read("o/runs.csv"));
    shell.ok("sweep small.toml --out o");
    assert_eq!(strokes(&shell.read("o/figures/utility.svg"), "#123456"), 0);
    shell.write("style.toml", "edf = { color = \"#123456\" }\n");
    shell.ok("plot plain --experiment styled.toml --out r");
    assert!(strokes(&shell.read("r/utility.svg"), "#123456") > 0);
}

#[test]
fn figures_have_the_asked_size() {
    let shell = results();
    shell.ok("plot o --name a --out p --width 85mm --font-size 8");
    let svg = shell.read("p/a.svg");
    assert!(svg.starts_with("<svg width=\"85mm\" height=\""), "{}", &svg[..80]);
    let pdf = shell.bytes("p/a.pdf");
    let text = String::from_utf8_lossy(&pdf);
    // 85 mm in points.
    assert!(text.starts_with("%PDF-") && text.contains("/MediaBox [0 0 240.94489 "), "{text}");
    assert!(!text.contains("CreationDate") && text.contains("/ToUnicode"), "{text}");
    let png = shell.bytes("p/a.png");
    let at = png.windows(4).position(|bytes| bytes == b"pHYs").expect("a density") + 4;
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    let metres = f64::from(number(16)) / f64::from(number(at));
    assert!((metres - 0.085).abs() < 1e-5, "{metres}");
    for (flags, expected) in [
        ("--width 0mm", "--width: found `0mm`, expected a width from 40 mm to 300 mm"),
        ("--width 1km", "--width: found `1km`, expected a width as 85mm, 8.5cm, 3.4in or 240pt"),
        ("--width 8", "--width: found `8`, expected a width as 85mm"),
        ("--font-size 0", "--font-size: found `0`, expected points, a number from 4 to 24"),
        ("--font-size big", "--font-size: found `big`"),
        ("--width 40mm --font-size 12", "a size of type from 4 to 6.4 points in a figure 40mm"),
    ] {
        let said = shell.fails(2, &format!("plot o {flags}"));
        assert!(said.err.contains(expected), "{flags}: {}", said.err);
    }
}
