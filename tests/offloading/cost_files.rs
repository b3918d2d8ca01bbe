//! Files of devices, networks and prices: the shipped one to the last digit, links, and messages.

#![expect(clippy::unreadable_literal, reason = "costs as the program prints them")]

use peeksim::config::source::Source;
use peeksim::core::units::Span;
use peeksim::offloading::{Cost, CostFile, LocalFormula};

/// Seconds and dollars of a local call, as published and with operations per token, computed
/// before the constants became a file.
const LOCAL: [(&str, [(f64, f64); 2]); 8] = [
    (
        "Raspberry Pi-4B",
        [(1.125925925925926, 4.1734320987654325e-7), (1152.9481481481482, 0.0004273594469135803)],
    ),
    (
        "Raspberry Pi-5",
        [(0.4840764331210191, 2.691464968152866e-7), (495.69426751592357, 0.0002756060127388535)],
    ),
    (
        "Jetson Nano",
        [(0.03220338983050847, 1.492090395480226e-8), (32.97627118644068, 1.5279005649717514e-5)],
    ),
    (
        "Jetson TX2",
        [(0.011428571428571429, 7.942857142857144e-9), (11.702857142857143, 8.133485714285715e-6)],
    ),
    (
        "Jetson Xavier NX",
        [
            (0.0007238095238095238, 6.707301587301588e-10),
            (0.7411809523809524, 6.868276825396826e-7),
        ],
    ),
    ("Jetson Orin NX", [(0.000152, 1.760666666666667e-10), (0.155648, 1.802922666666667e-7)]),
    (
        "Jetson AGX Orin",
        [
            (5.527272727272727e-5, 1.5365818181818184e-10),
            (0.05659927272727273, 1.573459781818182e-7),
        ],
    ),
    (
        "iPhone 15 Pro",
        [
            (0.0004342857142857143, 3.0182857142857144e-10),
            (0.44470857142857145, 3.0907245714285716e-7),
        ],
    ),
];
/// Seconds of cloud calls with 0 to 3 views.
const CLOUD_S: [(&str, [f64; 4]); 4] = [
    ("Wired", [6.4603, 4.76134, 6.24569, 6.98211]),
    ("WiFi", [0.5, 1.898, 2.016, 2.238]),
    ("5G", [0.5, 6.037, 6.412, 7.118]),
    ("4G", [0.5, 16.603, 17.636, 19.573]),
];
const CLOUD_USD: [f64; 4] = [0.00049, 0.005, 0.00945, 0.01368];

#[test]
fn every_shipped_device_and_network_costs_what_it_did_to_the_last_digit() {
    let file = CostFile::shipped().unwrap();
    let names: Vec<&str> = file.devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, LOCAL.map(|(name, _)| name));
    let names: Vec<&str> = file.networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!(names, CLOUD_S.map(|(name, _)| name));
    for (device, calls) in LOCAL {
        for (network, cloud_s) in CLOUD_S {
            let formulas = [LocalFormula::Published, LocalFormula::Physical];
            for (formula, (seconds, usd)) in formulas.into_iter().zip(calls) {
                let costs = file.costs(formula, device, network, 3).unwrap();
                assert_eq!(costs.latency_s, [&[seconds], &cloud_s[..]].concat());
                assert_eq!(costs.usage_usd, [&[usd], &CLOUD_USD[..]].concat());
                assert_eq!(costs.link, None);
            }
        }
    }
    let sweep = super::synthetic_costs(5);
    assert_eq!(sweep.latency_s, [0.011428571428571429, 0.5, 2.0, 3.5, 5.0, 6.5, 8.0]);
    let usd = [7.942857142857144e-9, 0.0005, 0.0045000000000000005, 0.0085, 0.0125, 0.0165, 0.0205];
    assert_eq!(sweep.usage_usd, usd);
}

fn parse(text: &str) -> Result<CostFile, String> {
    let source = Source { path: "d.toml".into(), text: text.into(), sha256: String::new() };
    CostFile::parse(&source).map_err(|problems| problems.to_string())
}

const DEVICE: &str = "[[device]]\nname = \"phone\"\nlatency_s = 2.5\nusage_usd = 0.001\n";
const NETWORK: &str =
    "[[network]]\nname = \"lte\"\nlatency_s = [1, 2, 3]\ncloud_usd = [0.1, 0.2, 0.3]\n";

#[test]
fn a_link_takes_the_round_trip_the_bytes_and_the_computing() {
    let network = "[[network]]\nname = \"lte\"\nrtt_ms = 50\nuplink_mbps = 8\ntext_bytes = 1000\n\
                   view_bytes = 500000\ncompute_s = [0.5, 0.75, 1]\ncloud_usd = [0.1, 0.2, 0.3]\n";
    let file = parse(&format!("{DEVICE}{network}")).unwrap();
    let costs = file.costs(LocalFormula::Published, "phone", "lte", 2).unwrap();
    // A byte takes a microsecond.
    let expected = [2.5, 0.05 + 0.001 + 0.5, 0.05 + 0.501 + 0.75, 0.05 + 1.001 + 1.0];
    for (found, expected) in costs.latency_s.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    assert_eq!(costs.usage_usd, [0.001, 0.1, 0.2, 0.3]);
    let link = costs.link.unwrap();
    assert_eq!(link.bytes, [1000, 501_000, 1_001_000]);
    assert_eq!(link.compute_s, [0.5, 0.75, 1.0]);
    assert_eq!((link.link.rtt, link.link.mean_bps()), (Span::from_ms(50.0), Some(8_000_000)));
    // Views of different sizes count with their mean.
    let mixed = network.replace("500000", "[400000, 600000]");
    let file = parse(&format!("{DEVICE}{mixed}")).unwrap();
    let same = file.costs(LocalFormula::Published, "phone", "lte", 2).unwrap();
    assert_eq!((same.latency_s, same.link), (costs.latency_s, Some(link)));
    // A table of rates: the mean over its period.
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("rates.csv"), "time_s,mbps\n0,4\n1,12\n").unwrap();
    let table = network.replace("uplink_mbps = 8", "uplink_mbps = \"rates.csv\"");
    std::fs::write(path("d.toml"), format!("{DEVICE}{table}")).unwrap();
    let file = CostFile::read(&path("d.toml")).unwrap();
    let costs = file.costs(LocalFormula::Physical, "phone", "lte", 2).unwrap();
    assert!((costs.latency_s[2] - 1.301).abs() < 1e-12);
    assert!(costs.link.unwrap().link.varies());
}

#[test]
fn measured_calls_and_prices_of_a_network_count() {
    let watts = DEVICE.replace("usage_usd = 0.001", "watts = 10");
    let prices = "[prices]\nusd_per_kwh = 0.36\ncloud_usd = [7, 8]\n";
    let free = "[[network]]\nname = \"free\"\nlatency_s = [1, 2, 3]\n";
    let file = parse(&format!("{prices}{watts}{NETWORK}{free}")).unwrap();
    let call = Cost { latency_s: 2.5, usage_usd: 10.0 * 2.5 * 0.36 / 3.6e6 };
    assert_eq!(file.devices[0].call(LocalFormula::Physical), call);
    assert_eq!(file.networks[0].cloud_usd, [0.1, 0.2, 0.3]);
    assert_eq!(file.networks[1].cloud_usd, [7.0, 8.0]);
    let said = |network, uploaded| {
        file.costs(LocalFormula::Published, "phone", network, uploaded).unwrap_err().to_string()
    };
    let expected = "d.toml: `lte`: found 3 entries of seconds, expected 4 or more: actions upload \
                    0 to 3 of the views";
    assert_eq!(said("lte", 3), expected);
    assert!(
        said("free", 2).starts_with("d.toml: `free`: found 2 entries of cloud_usd, expected 3")
    );
    assert!(said("LTE", 0).ends_with("expected one of lte, free; did you mean `lte`?"));
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_place_and_name() {
    let device = |keys: &str| format!("[[device]]\nname = \"phone\"\n{keys}\n{NETWORK}");
    let network = |keys: &str| format!("{DEVICE}[[network]]\nname = \"lte\"\n{keys}\n");
    for (text, said) in [
        (device("latency_s = 1"), "found device `phone` with no price, expected `watts`, or the"),
        (device("usage_usd = 1"), "found device `phone` with no speed, expected `gflops`, or the"),
        (
            device("latency_s = 1\nwatts = 3"),
            "found device `phone` with `watts` and no price of energy, expected `prices",
        ),
        (
            device("gflops = 5\nusage_usd = 0"),
            "found device `phone` with `gflops` and no model, expected the table `local_model`",
        ),
        (
            device("gflops = 5\nlatency_s = 1\nusage_usd = 0"),
            "found device `phone` with `gflops` and `latency_s`, expected one of them",
        ),
        (
            device("latency_s = 1\nwatts = 1\nusage_usd = 0"),
            "found device `phone` with `watts` and `usage_usd`, expected one of them",
        ),
        (device("latency_s = -1\nusage_usd = 0"), "found -1, expected a number from 0 to 100000"),
        (device("latency_s = nan\nusage_usd = 0"), "found nan, expected a number from 0 to"),
        (device("latency_s = 1\nusage_usd = 1e9"), "expected a number from 0 to 10000"),
        (device("latency_s = 1\nusage_usd = 1\nwatt = 2"), "found unknown key `watt`"),
        (format!("{DEVICE}{DEVICE}{NETWORK}"), "d.toml:6:8: `device.name`: found a second device"),
        (format!("{DEVICE}{NETWORK}{NETWORK}"), "found a second network `lte`, expected distinct"),
        (NETWORK.to_owned(), "`device`: found nothing, expected one or more, each `[[device]]`"),
        (network("latency_s = [1]"), "found network `lte` with no `cloud_usd`, expected its own"),
        (
            network("cloud_usd = [1]"),
            "found network `lte` with no `latency_s`, expected seconds by",
        ),
        (network("cloud_usd = []\nlatency_s = [1]"), "found [], expected a number for each number"),
        (network("cloud_usd = [1]\nlatency_s = [1, -2]"), "`network.latency_s`: found -2"),
        (
            network("cloud_usd = [1]\nlatency_s = [1]\nrtt_ms = 3"),
            "found network `lte` with `latency_s` and `rtt_ms` of a link, expected one of them",
        ),
        (
            network("cloud_usd = [1]\nrtt_ms = 3"),
            "found network `lte` with a link and no `compute_s`, expected seconds of computing",
        ),
        (
            network("cloud_usd = [1]\ncompute_s = [1]\nuplink_mbps = 0"),
            "`network.uplink_mbps`: found 0, expected a number from 0.001 to 1000000000",
        ),
        (
            network("cloud_usd = [1]\ncompute_s = [1, 2]\nview_bytes = [5, 6]"),
            "found bytes of 2 views, expected 1, as in `compute_s`",
        ),
        (
            network("cloud_usd = [1]\ncompute_s = [1]\nuplink_mbps = \"no.csv\""),
            "no.csv: found no such file",
        ),
    ] {
        let found = parse(&text).unwrap_err();
        assert!(found.contains(said), "{text}\n{found}\n{said}");
    }
}
