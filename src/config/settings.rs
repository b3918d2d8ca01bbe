//! Descriptions of settings: for every key its kind, range, default and meaning, each said once.
//!
//! The decoder takes ranges, defaults and choices from here; `peeksim list`, the reference pages
//! and the JSON Schema of experiments are made from the same tables.

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Its value if the key is absent.
    pub default: Preset,
    /// What it does, in a sentence.
    pub meaning: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number from the first to the second; `f64::MIN_POSITIVE` stands for "above 0", `f64::MAX`
    /// for no upper end.
    Number(f64, f64),
    /// A whole number from the first to the second.
    Integer(u64, u64),
    /// `true` or `false`.
    Flag,
    /// A string.
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// One of the strings of a registry.
    Name(fn() -> Vec<&'static str>),
    /// A list of values.
    List(&'static Kind),
    /// A table with these keys.
    Table(&'static Group),
    /// A table with a key for some names of the experiment: of applications or classes.
    ByName(&'static str, &'static Kind),
    /// A table whose keys depend on the name in it.
    Registry(&'static Registry),
    /// Any of these.
    OneOf(&'static [Kind]),
    /// A kind that has this one within.
    Again(fn() -> Kind),
    /// Any value: what it may be depends on other settings.
    Any,
}

/// The value of an absent key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Preset {
    /// The key must be there.
    Required,
    /// This number.
    Number(f64),
    /// This whole number.
    Integer(u64),
    /// This flag.
    Flag(bool),
    /// This string.
    Text(&'static str),
    /// No value; these words say what happens then.
    Absent(&'static str),
}

/// The keys of one kind of table.
#[derive(Debug)]
pub struct Group {
    /// What the table is, such as `worker`.
    pub name: &'static str,
    /// Lists of its keys; of a key that is there twice, the first counts.
    pub settings: Lists,
}

impl Group {
    /// A table without keys yet.
    pub const fn named(name: &'static str) -> Self {
        Self { name, settings: &[] }
    }

    /// The same with these keys.
    pub const fn of(self, settings: Lists) -> Self {
        Self { settings, ..self }
    }
}

/// Lists of settings, some of which several tables share.
pub type Lists = &'static [&'static [Setting]];

/// Tables whose keys depend on a name.
#[derive(Debug)]
pub struct Registry {
    /// What the entries are, such as `scheduler`.
    pub name: &'static str,
    /// The key with the name, for which a bare string may stand for the whole table.
    pub tag: &'static str,
    /// The keys that all of them have.
    pub common: &'static Group,
    /// Every entry.
    pub entries: fn() -> Vec<EntrySettings>,
    /// Whether the name may be absent, and the keys of every entry may then be there.
    pub optional: bool,
}

/// The settings of one entry of a registry.
#[derive(Clone, Debug)]
pub struct EntrySettings {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Its keys, without the common ones.
    pub settings: Vec<Setting>,
}

/// The names of a list of choices.
pub const fn names<T, const N: usize>(choices: &[(&'static str, T); N]) -> [&'static str; N] {
    let (mut names, mut at) = ([""; N], 0);
    while at < N {
        names[at] = choices[at].0;
        at += 1;
    }
    names
}

/// The settings of several lists; of a key that is there twice, the first.
pub fn flattened(lists: &[&[Setting]]) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    for setting in lists.iter().flat_map(|list| list.iter()) {
        if !found.iter().any(|known| known.key == setting.key) {
            found.push(*setting);
        }
    }
    found
}

/// Keys with their defaults, and the other choices, in a line.
pub fn in_a_line(settings: &[Setting]) -> String {
    settings.iter().map(Setting::shown).collect::<Vec<_>>().join(", ")
}

/// Any number.
pub const NUMBER: Kind = Kind::Number(-f64::MAX, f64::MAX);
/// A list of strings.
pub const TEXTS: Kind = Kind::List(&Kind::Text);

impl Setting {
    /// A setting without a meaning yet.
    pub const fn new(key: &'static str, kind: Kind, default: Preset) -> Self {
        Self { key, kind, default, meaning: "" }
    }

    /// The same with its meaning, a sentence.
    pub const fn means(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    /// A number within a range.
    pub const fn number(key: &'static str, range: [f64; 2], default: f64) -> Self {
        Self::new(key, Kind::Number(range[0], range[1]), Preset::Number(default))
    }

    /// A whole number within a range.
    pub const fn integer(key: &'static str, range: [u64; 2], default: u64) -> Self {
        Self::new(key, Kind::Integer(range[0], range[1]), Preset::Integer(default))
    }

    /// `true` or `false`.
    pub const fn flag(key: &'static str, default: bool) -> Self {
        Self::new(key, Kind::Flag, Preset::Flag(default))
    }

    /// One of these; the first is the default.
    pub const fn choice(key: &'static str, choices: &'static [&'static str]) -> Self {
        Self::new(key, Kind::Choice(choices), Preset::Text(choices[0]))
    }

    /// A string.
    pub const fn text(key: &'static str, default: &'static str) -> Self {
        Self::new(key, Kind::Text, Preset::Text(default))
    }

    /// A key without a default value; `absent` says what happens without it.
    pub const fn optional(key: &'static str, kind: Kind, absent: &'static str) -> Self {
        Self::new(key, kind, Preset::Absent(absent))
    }

    /// A key that must be there.
    pub const fn required(key: &'static str, kind: Kind) -> Self {
        Self::new(key, kind, Preset::Required)
    }

    /// The same with another default.
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Preset::Text(default), ..self }
    }

    /// The unit of its value, from the ending of its key; empty if it has none.
    pub fn unit(&self) -> &'static str {
        const UNITS: [(&str, &str); 8] = [
            ("_ms", "ms"),
            ("_s", "s"),
            ("_rps", "requests/s"),
            ("_mbps", "Mbit/s"),
            ("_bytes", "bytes"),
            ("_w", "W"),
            ("_usd", "US$"),
            ("usd_per_request", "US$"),
        ];
        let found = UNITS.into_iter().find(|(ending, _)| self.key.ends_with(ending));
        found.map_or("", |(_, unit)| unit)
    }

    /// The kind with its unit, for people.
    pub fn shown_kind(&self) -> String {
        let (kind, unit) = (self.kind.shown(), self.unit());
        if unit.is_empty() { kind } else { format!("{kind}, {unit}") }
    }

    /// The key with its default and the other choices.
    fn shown(&self) -> String {
        let default = match self.default {
            Preset::Required => " (required)".to_owned(),
            Preset::Absent(then) if !then.starts_with('[') => String::new(),
            _ => format!(" = {}", self.shown_default()),
        };
        let others = match (self.kind, self.default) {
            (Kind::Choice(names), Preset::Text(text)) => {
                names.iter().copied().filter(|name| *name != text).collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        };
        let others = if others.is_empty() { others } else { format!(" ({others})") };
        format!("{}{default}{others}", self.key)
    }

    /// The default, for people.
    pub fn shown_default(&self) -> String {
        match self.default {
            Preset::Required => "required".to_owned(),
            Preset::Number(number) => number.to_string(),
            Preset::Integer(u64::MAX) => "no limit".to_owned(),
            Preset::Integer(number) => number.to_string(),
            Preset::Flag(flag) => flag.to_string(),
            Preset::Text("") => "none".to_owned(),
            Preset::Text(text) | Preset::Absent(text) => text.to_owned(),
        }
    }
}

impl Kind {
    /// The range of its numbers, also in a list, a table by name or among other kinds.
    pub fn numbers(self) -> Option<(f64, f64)> {
        self.find(|kind| if let Self::Number(low, high) = kind { Some((low, high)) } else { None })
    }

    /// The range of its whole numbers, also in a list, a table by name or among other kinds.
    pub fn integers(self) -> Option<(u64, u64)> {
        self.find(|kind| if let Self::Integer(low, high) = kind { Some((low, high)) } else { None })
    }

    /// The first kind within this one of which `range` knows the range.
    fn find<T>(self, range: fn(Self) -> Option<T>) -> Option<T> {
        match self {
            Self::List(of) | Self::ByName(_, of) => of.find(range),
            Self::OneOf(kinds) => kinds.iter().find_map(|kind| kind.find(range)),
            _ => range(self),
        }
    }

    /// The kind, for people.
    pub fn shown(&self) -> String {
        let joined = |kinds: &[Self]| kinds.iter().map(Self::shown).collect::<Vec<_>>();
        match self {
            Self::Number(low, high) => number_range(*low, *high),
            Self::Integer(low, high) => integer_range(*low, *high),
            Self::Flag => "true or false".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Choice(names) => names.join(", "),
            Self::Name(names) if names().len() > 8 => "a name of the list".to_owned(),
            Self::Name(names) => names().join(", "),
            Self::List(of) => format!("list: {}", of.shown()),
            Self::Table(group) => format!("{} table", group.name),
            Self::ByName(of, kind) => format!("by {of}: {}", kind.shown()),
            Self::Registry(registry) => format!("{}, by `{}`", registry.name, registry.tag),
            Self::OneOf(kinds) => joined(kinds).join("; or "),
            Self::Again(_) => "the same again".to_owned(),
            Self::Any => "any value".to_owned(),
        }
    }
}

/// The numbers of a range, as messages and lists have it.
pub fn number_range(low: f64, high: f64) -> String {
    match (low, high) {
        (low, high) if low == f64::MIN_POSITIVE && high == f64::MAX => "a number > 0".to_owned(),
        (low, high) if low == f64::MIN_POSITIVE => format!("a number > 0 and ≤ {high}"),
        (low, high) if low == -f64::MAX && high == f64::MAX => "a number".to_owned(),
        (low, high) if high == f64::MAX => format!("a number ≥ {low}"),
        (low, high) => format!("a number from {low} to {high}"),
    }
}

/// The whole numbers of a range, as messages and lists have it.
pub fn integer_range(low: u64, high: u64) -> String {
    if high >= i64::MAX as u64 {
        format!("a whole number ≥ {low}")
    } else {
        format!("a whole number from {low} to {high}")
    }
}
