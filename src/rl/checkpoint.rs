//! Files of policies and checkpoints: TOML with a version, a hash over the rest, a catalogue of
//! what the training depended on, and arrays in hexadecimal single precision, so that nothing is
//! rounded.

use super::net::{ActionHeads, Activation, Mlp};
use crate::config::settings::names;
use crate::config::source::{self, Source};
use crate::config::toml::quote;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, decode,
};

/// The version of the format that is written and read.
const VERSION: u64 = 1;
/// Numbers in one line of text.
const PER_LINE: usize = 64;
/// Largest number of units of a layer.
const MAX_UNITS: u64 = 1 << 16;
/// Activation functions by name.
const ACTIVATIONS: [(&str, Activation); 2] =
    [("tanh", Activation::Tanh), ("relu", Activation::Relu)];

/// What a training depended on: names and values, compared as text.
pub type PolicySignature = Vec<(String, String)>;

/// The purpose of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// A network that decides.
    Policy,
    /// A training that can be resumed.
    Checkpoint,
}

/// Kinds by the name in the file.
const KINDS: [(&str, PolicyKind); 2] =
    [("peeksim-policy", PolicyKind::Policy), ("peeksim-checkpoint", PolicyKind::Checkpoint)];

/// The content of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyFile {
    /// The purpose of the file.
    pub kind: PolicyKind,
    /// What the training depended on.
    pub signature: PolicySignature,
    /// Steps of training.
    pub steps: usize,
    /// Units by layer, inputs first.
    pub layers: Vec<usize>,
    /// The activation function of hidden units.
    pub activation: Activation,
    /// How the network scores actions, if it does so one by one.
    pub heads: Option<ActionHeads>,
    /// The hash of the steps that the training stored, which a file beside a checkpoint holds.
    pub replay: Option<String>,
    /// Named arrays; that of a policy is called `parameters`.
    pub numbers: Vec<(String, Vec<f32>)>,
}

impl PolicyFile {
    /// The file of a trained network.
    pub fn policy(network: &Mlp, steps: usize, signature: PolicySignature) -> Self {
        Self {
            kind: PolicyKind::Policy,
            signature,
            steps,
            layers: network.sizes().to_vec(),
            activation: network.activation(),
            heads: network.heads(),
            replay: None,
            numbers: vec![("parameters".to_owned(), network.parameters.clone())],
        }
    }

    /// The array called `name`; empty if there is none.
    pub fn array(&self, name: &str) -> &[f32] {
        let found = self.numbers.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// The network of a policy's file.
    pub fn network(&self) -> Option<Mlp> {
        let values = self.array("parameters").to_vec();
        let network = Mlp::new(self.layers.clone(), self.activation, values)?;
        match self.heads {
            None => Some(network),
            Some(heads) => network.with_heads(heads),
        }
    }

    /// The text of the file.
    pub fn to_toml(&self) -> String {
        let (kind, activation) =
            (name_of(&KINDS, self.kind), name_of(&ACTIVATIONS, self.activation));
        let mut body = format!(
            "format = {}\nversion = {VERSION}\nsteps = {}\nlayers = {:?}\nactivation = {}\n",
            quote(kind),
            self.steps,
            self.layers,
            quote(activation)
        );
        if let Some(ActionHeads { count, width, prior }) = self.heads {
            let prior = f64::from(prior);
            body.push_str(&format!(
                "choices = {{ count = {count}, width = {width}, prior = {prior:?} }}\n"
            ));
        }
        if let Some(replay) = &self.replay {
            body.push_str(&format!("replay = {}\n", quote(replay)));
        }
        body.push_str("\n[catalogue]\n");
        for (name, value) in &self.signature {
            body.push_str(&format!("{name} = {}\n", quote(value)));
        }
        body.push_str("\n[numbers]\n");
        for (name, values) in &self.numbers {
            body.push_str(&format!("{name} = [\n"));
            for line in values.chunks(PER_LINE) {
                let digits: String = line.iter().map(|x| format!("{:08x}", x.to_bits())).collect();
                body.push_str(&format!("\"{digits}\",\n"));
            }
            body.push_str("]\n");
        }
        let source = Source { path: String::new(), text: body.clone(), sha256: String::new() };
        let hash = ConfigNode::parse_long(&source).map_or(String::new(), |node| hash(&node));
        format!("hash = \"{hash}\"\n{body}")
    }

    /// Reads a file of this kind.
    ///
    /// # Errors
    /// Says what is missing or wrong, or that the file is not what was written.
    pub fn parse(source: &Source, kind: PolicyKind) -> Result<Self, Problems> {
        let node = ConfigNode::parse_long(source)?;
        let mut problems = Problems::default();
        let mut fields = Decoder::new(&node, &FILE, &mut problems);
        let expected_hash = fields.require("hash", "the hash of the rest").map(ConfigNode::cell);
        let found = fields
            .require("format", "what the file is")
            .and_then(|node| decode::choice(node, &KINDS, fields.problems()));
        if let (Some(found), Some(node)) = (found, node.get("format"))
            && found != kind
        {
            fields.problems().push(decode::mismatch(node, quote(name_of(&KINDS, kind))));
        }
        fields.require("version", "the version of the format");
        fields.integer("version");
        let steps = fields.integer("steps") as usize;
        let layers = fields.require("layers", "units by layer");
        let layers = layers.map(|node| sizes(node, fields.problems())).unwrap_or_default();
        let activation = fields.choice("activation", &ACTIVATIONS);
        let heads = fields.take("choices").map(|node| heads(node, fields.problems()));
        let replay = fields.take("replay").map(ConfigNode::cell);
        let signature = fields.require("catalogue", "what it was learned for");
        let signature = signature.map(|node| texts(node, fields.problems())).unwrap_or_default();
        let numbers = fields.require("numbers", "what was learned");
        let numbers = numbers.map(|node| arrays(node, fields.problems())).unwrap_or_default();
        fields.finish();
        if problems.is_empty() && expected_hash != Some(hash(&node)) {
            let found = "a hash that is not that of the rest";
            problems.push(Problem::new(Location::file(&source.path), found, "an unchanged file"));
        }
        let file = Self { kind, signature, steps, layers, activation, heads, replay, numbers };
        problems.check(Some(file))
    }

    /// Compares the signature with the one that is needed.
    ///
    /// # Errors
    /// A problem for each entry that differs.
    pub fn check(&self, expected: &PolicySignature, file: &str) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for (name, value) in expected {
            let found = self.signature.iter().find(|(known, _)| known == name).map(|(_, v)| v);
            if found != Some(value) {
                let found = found.map_or("nothing".to_owned(), |found| format!("`{found}`"));
                let place = Location::file(file).field(&format!("catalogue.{name}"));
                problems.push(Problem::new(place, found, format!("`{value}`")));
            }
        }
        problems.check(Some(()))
    }
}

/// A signature of these entries.
pub fn signature<const N: usize>(entries: [(&str, String); N]) -> PolicySignature {
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The name of a value in a table of names.
pub fn name_of<T: PartialEq + Copy>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

const FILE: Group = Group::named("policy file").of(&[&[
    Setting::required("hash", Kind::Text).means("The hash of the rest."),
    Setting::required("format", Kind::Choice(&names(&KINDS))).means("What the file is."),
    Setting::integer("version", [VERSION, VERSION], VERSION).means("The version of the format."),
    Setting::integer("steps", [0, u64::MAX >> 1], 0).means("The steps of the training so far."),
    Setting::required("layers", Kind::List(&Kind::Integer(1, MAX_UNITS))).means("Units by layer."),
    Setting::choice("activation", &names(&ACTIVATIONS)).means("The activation of hidden layers."),
    Setting::optional("choices", Kind::Table(&CHOICES), "one head")
        .means("The parts of the output."),
    Setting::optional("replay", Kind::Text, "no file")
        .means("The hash of the steps in the file beside a checkpoint."),
    Setting::required("catalogue", Kind::Any).means("What the policy was trained for."),
    Setting::required("numbers", Kind::Any).means("The parameters."),
]]);

const CHOICES: Group = Group::named("choices of a policy").of(&[&[
    Setting::integer("count", [1, MAX_UNITS], 1).means("The number of parts."),
    Setting::integer("width", [1, MAX_UNITS], 1).means("The numbers of a part."),
    Setting::number("prior", [-1e6, 1e6], 0.0).means("What is added to the first of each part."),
]]);

/// The hash of everything but the hash.
fn hash(node: &ConfigNode) -> String {
    let mut rest = node.clone();
    if let Some(entries) = rest.value.entries_mut() {
        entries.retain(|(key, _)| key != "hash");
    }
    source::hash(&rest.canonical())
}

fn heads(node: &ConfigNode, problems: &mut Problems) -> ActionHeads {
    let mut fields = Decoder::new(node, &CHOICES, problems);
    let count = fields.integer("count") as usize;
    let width = fields.integer("width") as usize;
    let prior = fields.number("prior") as f32;
    fields.finish();
    ActionHeads { count, width, prior }
}

fn sizes(node: &ConfigNode, problems: &mut Problems) -> Vec<usize> {
    let items = decode::array(node, problems).iter();
    let sizes = items.filter_map(|item| decode::integer(item, &(1..=MAX_UNITS), problems));
    sizes.map(|size| size as usize).collect()
}

fn texts(node: &ConfigNode, problems: &mut Problems) -> PolicySignature {
    let entries = decode::table(node, problems).iter();
    let text = |(key, node): &(String, ConfigNode)| {
        Some((key.clone(), decode::text(node, problems)?.to_owned()))
    };
    entries.filter_map(text).collect()
}

fn arrays(node: &ConfigNode, problems: &mut Problems) -> Vec<(String, Vec<f32>)> {
    let mut arrays = Vec::new();
    for (name, node) in decode::table(node, problems) {
        let mut values = Vec::new();
        for line in decode::array(node, problems) {
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            let digits = decode::text(line, problems).unwrap_or_default().as_bytes();
            let words = digits.chunks(8).map(|word| {
                let bits = word.iter().try_fold(0, |bits, byte| Some(bits << 4 | digit(byte)?));
                bits.filter(|_| word.len() == 8).map(f32::from_bits)
            });
            let Some(words) = words.collect::<Option<Vec<f32>>>() else {
                let expected = "eight hexadecimal digits for each number";
                problems.push(Problem::new(line.place.clone(), "other characters", expected));
                continue;
            };
            values.extend(words);
        }
        arrays.push((name.clone(), values));
    }
    arrays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    fn stored() -> PolicyFile {
        let mut rng = Rng::new(1, 0).stream(Label::Parameters);
        let network = Mlp::uniform(&[3, 5, 2], Activation::Relu, &mut rng);
        PolicyFile::policy(&network, 7, vec![("actions".into(), "local, cloud".into())])
    }

    fn parse(text: &str) -> Result<PolicyFile, Problems> {
        let source = Source { path: "p.toml".into(), text: text.into(), sha256: String::new() };
        PolicyFile::parse(&source, PolicyKind::Policy)
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let stored = stored();
        let read = parse(&stored.to_toml()).unwrap();
        assert_eq!(read, stored);
        assert!(read.network().is_some());
        let mut rng = Rng::new(1, 0).stream(Label::Parameters);
        let network = Mlp::uniform(&[3, 5, 1], Activation::Relu, &mut rng);
        let asked = network.with_heads(ActionHeads { count: 4, width: 2, prior: 0.1 }).unwrap();
        let read = parse(&PolicyFile::policy(&asked, 7, Vec::new()).to_toml()).unwrap();
        assert_eq!(read.network().unwrap(), asked);
    }

    #[test]
    fn a_file_that_was_changed_or_is_for_something_else_is_refused() {
        let text = stored().to_toml();
        for (from, to, said) in [
            ("steps = 7", "steps = 8", "error: p.toml: found a hash that is not that of the rest"),
            ("version = 1", "version = 2", "error: p.toml:3:11: `version`: found 2, expected"),
            (
                "-policy",
                "-checkpoint",
                "error: p.toml:2:10: `format`: found \"peeksim-checkpoint\"",
            ),
            ("[3, 5, 2]", "[3, 0, 2]", "error: p.toml:5:14: `layers`: found 0, expected a whole"),
            ("hash", "hush", "error: p.toml: `hash`: found nothing, expected the hash of the rest"),
        ] {
            let problems = parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(problems.starts_with(said), "{problems}");
        }
        let other = vec![("actions".to_owned(), "local".to_owned())];
        let said = stored().check(&other, "p.toml").unwrap_err().to_string();
        let expected = "error: p.toml: `catalogue.actions`: found `local, cloud`, expected `local`";
        assert_eq!(said, expected);
        assert!(stored().check(&stored().signature, "p.toml").is_ok());
    }
}
