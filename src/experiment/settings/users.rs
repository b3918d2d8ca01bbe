//! The table `users` of dialogues: how many share a device and a cloud, and what these are.

use super::workers::{self, AVAILABILITY, LANES, MEMORY_BYTES, NETWORK, SPEEDUP};
use super::workload::{self, WORKLOADS};
use super::{APPS, PROFILES, TRACES, apps};
use crate::config::settings::TEXTS;
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting};
use crate::core::units::{Span, Time};
use crate::experiment::input_cache::InputCache;
use crate::offloading::multi_user::{Background, MultiUserSpec, TurnPacing};
use crate::system::catalog::WorkerSpec;

/// Seconds between turns.
const GAP_S: [f64; 2] = [0.0, 1e6];
/// Calls that the cloud serves at once, unless it is said.
const CLOUD_LANES: u64 = 1024;

/// `users`
pub const USERS: Group = Group::named("users").of(&[&[
    Setting::integer("count", [1, 100_000], 1)
        .means("The number of users at once; each has one dialogue after the other."),
    Setting::number("think_s", GAP_S, 0.0)
        .means("The time from an answer to the next turn of its user."),
    Setting::optional("interarrival_s", Kind::Number(GAP_S[0], GAP_S[1]), "`think_s` counts")
        .means("The time from a turn of a user to the next, answered or not."),
    Setting::flag("queue_info", true)
        .means("Whether policies are told how long calls would wait; otherwise that none does."),
    Setting::optional(
        "until_s",
        Kind::Number(0.0, 1e9),
        "it ends when every turn is answered that can be",
    )
    .means("When the run ends; turns without an answer by then have failed."),
    Setting::optional("device", Kind::Table(&DEVICE), "one lane and nothing else")
        .means("What answers on the device."),
    Setting::optional("cloud", Kind::Table(&CLOUD), "1024 lanes and nothing else")
        .means("What answers in the cloud."),
    Setting::optional("background", Kind::Table(&BACKGROUND), "none").means(
        "Other applications on the device: their requests and the turns are served first come, \
         first served.",
    ),
]]);

/// `users.device`
const DEVICE: Group = Group::named("device").of(&[
    &[
        Setting::optional("class", Kind::Text, "required with `background`")
            .means("The class of the device, as `worker_class` in latency.csv of profiles."),
        LANES,
        MEMORY_BYTES,
        SPEEDUP,
        Setting::integer("model_bytes", [0, u64::MAX / 2], 0).means(
            "The memory of the language model. At the start the device holds what fits; what has \
             to leave for another model is loaded again when it is needed.",
        ),
        Setting::number("model_load_ms", [0.0, 1e9], 0.0)
            .means("The time to load the language model."),
    ],
    AVAILABILITY,
]);

/// `users.cloud`
const CLOUD: Group = Group::named("cloud").of(&[
    &[
        Setting::integer("lanes", [1, 1024], CLOUD_LANES)
            .means("The number of calls that it answers at once."),
        SPEEDUP,
        NETWORK,
    ],
    AVAILABILITY,
]);

/// `users.background`
const BACKGROUND: Group = Group::named("background").of(&[&[
    APPS,
    PROFILES,
    TRACES,
    Setting::optional("variants", Kind::ByName("application", &TEXTS), "all")
        .means("The variants of an application that are kept; the first of them answers."),
    Setting::required("workload", Kind::Registry(&WORKLOADS)).means(
        "When their requests arrive, and which. Without `requests`, a process that gives only \
         instants ends when the last turn is answered.",
    ),
]]);

/// Reads `{ count, think_s, device, cloud, background, … }` and checks that a run can start with
/// it. The random numbers of background requests are those of seed 0: a replicate has its own
/// [`MultiUserSpec::rng`]. Whether a link of the cloud fits the costs of calls is checked by
/// [`MultiUserSpec::check`].
pub fn read(
    node: &ConfigNode,
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<MultiUserSpec> {
    let mut found = Problems::default();
    let mut read = Decoder::new(node, &USERS, &mut found);
    let (users, pacing) = (read.integer("count") as u32, read_pacing(&mut read));
    let queue_info = read.flag("queue_info");
    let until = read.optional_number("until_s").map(|s| Time::ZERO + Span::from_s(s));
    let usual = MultiUserSpec::new(users, pacing, CLOUD_LANES as u16);
    let mut spec = MultiUserSpec { queue_info, until, ..usual };
    spec.device.place = node.place.clone();
    let others = read.take("background");
    if let Some(node) = read.take("device") {
        read_device(node, &mut spec, inputs, read.problems());
    }
    if let Some(node) = read.take("cloud") {
        let mut cloud = Decoder::new(node, &CLOUD, read.problems());
        let base = WorkerSpec { place: node.place.clone(), ..spec.cloud };
        spec.cloud = workers::read_capacity(&mut cloud, base, inputs);
        cloud.finish();
    }
    if let Some(others) = others {
        let class = node.get("device").and_then(|device| device.get("class"));
        if class.is_none() {
            let expected = "the class of workers on which the applications were measured";
            let place = spec.device.place.clone().field("users.device.class");
            read.problems().push(Problem::new(place, "nothing", expected));
        }
        spec.background = read_background(others, inputs, read.problems());
    }
    read.finish();
    if let Some(others) = spec.background.as_ref().filter(|_| found.is_empty())
        && let Err(more) = others.arrivals(&spec.device, spec.rng)
    {
        found.extend(more);
    }
    let spec = found.is_empty().then_some(spec);
    problems.extend(found);
    spec
}

/// The device, and its language model.
fn read_device(
    node: &ConfigNode,
    spec: &mut MultiUserSpec,
    inputs: &mut InputCache,
    problems: &mut Problems,
) {
    let mut read = Decoder::new(node, &DEVICE, problems);
    let class = read.optional_text("class").unwrap_or("device");
    let place = node.get("class").unwrap_or(node).place.clone();
    let base = WorkerSpec { place, ..WorkerSpec::new(class) };
    spec.device = workers::read_capacity(&mut read, base, inputs);
    let memory_bytes = spec.device.memory_bytes;
    let bytes = read.integer_up_to("model_bytes", memory_bytes);
    spec.device_model = (bytes, Span::from_ms(read.number("model_load_ms")));
    read.finish();
}

/// Other applications, and when their requests arrive.
fn read_background(
    node: &ConfigNode,
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<Background> {
    let mut read = Decoder::new(node, &BACKGROUND, problems);
    let apps = apps::read(&mut read, inputs);
    let workload = read.require("workload", "a table: { arrivals, rate_rps }");
    let endless = workload.is_some_and(|node| node.get("requests").is_none());
    let workload = workload.and_then(|node| workload::read(node, &apps, inputs, read.problems()));
    read.finish();
    Some(Background { apps, workload: workload?, endless })
}

/// `think_s`, or `interarrival_s`.
fn read_pacing(read: &mut Decoder<'_>) -> TurnPacing {
    let think = read.optional_number("think_s");
    let node = read.take("interarrival_s");
    let gap = node.and_then(|node| read.number_at("interarrival_s", node));
    if let (Some(_), Some(node)) = (think, node) {
        let found = "`interarrival_s` beside `think_s`";
        read.problems().push(Problem::new(node.place.clone(), found, "one of them"));
    }
    let think = TurnPacing::Closed(Span::from_s(think.unwrap_or(0.0)));
    gap.map_or(think, |gap| TurnPacing::Open(Span::from_s(gap)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::flattened;
    use crate::config::source::Source;
    use crate::system::link::Uplink;

    fn users(text: &str) -> Result<MultiUserSpec, Problems> {
        let (text, mut problems) = (text.to_owned(), Problems::default());
        let source = Source { path: "u.toml".into(), text, sha256: String::new() };
        let node = ConfigNode::parse(&source)?;
        let spec = read(&node, &mut InputCache::default(), &mut problems);
        assert_eq!(spec.is_some(), problems.is_empty(), "{problems}");
        problems.check(spec)
    }

    const OTHERS: &str = "background = { apps = ['voice'], workload = { rate_rps = 9 } }";

    #[test]
    fn everything_that_is_written_is_read() {
        let spec = users(
            "count = 20\ninterarrival_s = 30\nqueue_info = false\nuntil_s = 900\n\
             [device]\nclass = 'edge-cpu'\nlanes = 2\nmemory_bytes = 9000000000\nspeedup = 2\n\
             model_bytes = 4000000000\nmodel_load_ms = 900\navailable_from_s = 1\n\
             slowdown = { at_s = 5, factor = 2 }\nfailures = [{ at_s = 10, for_s = 5 }]\n\
             [cloud]\nlanes = 4\nspeedup = 3\nlink = { rtt_ms = 40, uplink_mbps = 20 }\n\
             available_from_s = 2\nslowdown = { factor = 3 }\n\
             failures = [{ at_s = 1, for_s = 1 }, { at_s = 3, for_s = 1 }]\n\
             [background]\napps = ['heartbeat', 'voice']\nvariants = { voice = ['mlp32'] }\n\
             workload = { arrivals = 'poisson', rate_rps = 50 }\n",
        )
        .unwrap();
        let MultiUserSpec { device, cloud, background, .. } = &spec;
        assert_eq!((spec.users, spec.queue_info), (20, false));
        assert_eq!(spec.pacing, TurnPacing::Open(Span::from_s(30.0)));
        assert_eq!(spec.until, Some(Time::ZERO + Span::from_s(900.0)));
        assert_eq!(spec.device_model, (4_000_000_000, Span::from_ms(900.0)));
        assert_eq!((device.class.as_str(), device.lanes, device.speed), ("edge-cpu", 2, 2.0));
        assert_eq!((device.memory_bytes, device.outages.len()), (9_000_000_000, 1));
        assert_eq!((cloud.lanes, cloud.speed, cloud.outages.len()), (4, 3.0, 2));
        assert_eq!([device.ready, cloud.ready].map(Time::as_s), [1.0, 2.0]);
        assert_eq!([device, cloud].map(|w| w.slowdown.unwrap().factor), [2.0, 3.0]);
        let link = cloud.link.as_ref().unwrap();
        assert_eq!((link.rtt, &link.uplink), (Span::from_ms(40.0), &Uplink::Constant(20_000_000)));
        let background = background.as_ref().unwrap();
        assert_eq!((background.apps.len(), background.endless), (2, true));
        assert_eq!(background.apps[1].variants, ["mlp32"]);
    }

    #[test]
    fn an_empty_table_is_one_user_of_an_idle_system() {
        let spec = users("").unwrap();
        assert_eq!((spec.users, spec.queue_info, spec.until), (1, true, None));
        assert_eq!(spec.pacing, TurnPacing::Closed(Span::ZERO));
        assert_eq!((spec.device.lanes, spec.cloud.lanes), (1, 1024));
        assert!(spec.background.is_none() && spec.cloud.link.is_none());
        let text = "device = { class = 'edge-cpu' }\nbackground = { apps = ['voice'], workload = \
                    { rate_rps = 9, requests = 50 } }";
        assert!(!users(text).unwrap().background.unwrap().endless);
    }

    #[test]
    fn bad_tables_are_refused() {
        for (text, said) in [
            ("count = 0", "`count`: found 0, expected a whole number from 1 to 100000"),
            ("think_s = -1", "`think_s`: found -1, expected a number from 0 to 1000000"),
            ("think_s = 1\ninterarrival_s = 1", "found `interarrival_s` beside `think_s`"),
            ("cloud = { lanes = 2000 }", "found 2000, expected a whole number from 1 to 1024"),
            ("device = { lanes = 0 }", "found 0, expected a whole number from 1 to 1024"),
            ("device = { link = { rtt_ms = 1 } }", "found unknown key `link`"),
            (
                "device = { memory_bytes = 9, model_bytes = 10 }",
                "expected a whole number from 0 to 9",
            ),
            ("cloud = { class = 'x' }", "found unknown key `class`"),
            ("cloud = { failures = [{ at_s = 1 }] }", "how long it is gone"),
            ("lanes = 4", "found unknown key `lanes`"),
            (OTHERS, "`users.device.class`: found nothing, expected the class of workers"),
            (
                "device = { class = 'x' }\nbackground = { apps = ['voice'] }",
                "`background.workload`: found nothing",
            ),
            ("background = { workload = { rate_rps = 9 } }", "`background.apps`: found nothing"),
        ] {
            let problems = users(text).unwrap_err().to_string();
            assert!(problems.contains(said), "{text}: {problems}");
        }
        let on = |class: &str, others: &str| {
            let text = format!("device = {{ class = '{class}' }}\nbackground = {{ {others} }}");
            users(&text).unwrap_err().to_string()
        };
        let poisson = "workload = { rate_rps = 9 }";
        for (class, others, said) in [
            ("edge-gpu", format!("apps = ['voice'], {poisson}"), "unknown worker class `edge-gpu`"),
            ("edge-cpu", format!("apps = ['vioce'], {poisson}"), "unknown application `vioce`"),
            ("edge-cpu", "apps = ['voice'], workload = {}".to_owned(), "workload.rate_rps`"),
            ("edge-cpu", format!("apps = [], {poisson}"), "expected at least one application"),
            (
                "edge-cpu",
                format!("apps = ['voice'], variants = {{ voice = ['x'] }}, {poisson}"),
                "unknown variant `x`",
            ),
        ] {
            let problems = on(class, &others);
            assert!(problems.contains(said), "{class}, {others}: {problems}");
        }
    }

    #[test]
    fn every_key_is_taken() {
        // A decoder asserts that what it takes is described; this is the other direction.
        everything_that_is_written_is_read();
        let taken = crate::config::decode::record::taken();
        for group in [&USERS, &DEVICE, &CLOUD, &BACKGROUND] {
            for setting in flattened(group.settings) {
                assert!(
                    taken.contains(&(group.name, setting.key)),
                    "{} {}",
                    group.name,
                    setting.key
                );
            }
        }
    }
}
