//! Somebody who may tag everything, and sometimes more: edits, copies, moves, removes and forges marks, renames and replaces principals.

use std::collections::BTreeMap;

use fastrand::Rng;
use leasehold_local::ExternalAdmin;
use leasehold_provider::{Document, Principal};
use serde_json::{Value, json};

use super::oracle::Rows;

/// The tags of an object.
pub type Tags = BTreeMap<String, String>;

/// The keys of marks that an attacker edits, with values.
const EDITS: [(&str, &[&str]); 15] = [
    ("stack", &["other", "", "laws"]),
    ("address", &["identity.id0", "identity.id1", "identity.nobody", "x y"]),
    ("lineage", &["00000000000000000000000000000000", "none"]),
    ("kind", &["break_glass", "agent", "king"]),
    ("owner", &["omar", "mallory"]),
    ("service", &["shop"]),
    ("environment", &["prod"]),
    ("created-at", &["2036-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "soon"]),
    ("expires-at", &["2036-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "never"]),
    ("grace", &["1h", "3650d"]),
    ("template", &["x@0123456789ab"]),
    ("sensitive", &["policy trust tags"]),
    ("quarantined-at", &["2020-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "never"]),
    ("reason", &["removed", "revoked: gone", "restored"]),
    ("digest", &["0000000000000000000000000000000000000000000000000000000000000000", "x"]),
];

/// The tags of a row.
pub fn read_tags(object: &Value) -> Tags {
    serde_json::from_str(object["row"]["tags"].as_str().unwrap()).unwrap()
}

/// The marks among the tags of a row.
pub fn read_marks(object: &Value) -> Tags {
    read_tags(object).into_iter().filter(|(key, _)| key.starts_with("leasehold:")).collect()
}

/// The name of an object.
pub fn read_name(object: &Value) -> &str {
    object["row"]["name"].as_str().unwrap()
}

/// An attacker.
pub struct Attacker {
    pub admin: ExternalAdmin,
    /// How many names it has made up.
    invented: usize,
}

/// What an attack did beside tags.
#[derive(Debug, Default)]
pub struct Attack {
    /// For people.
    pub log: String,
    /// A principal that was renamed: from, to.
    pub renamed: Option<(String, String)>,
}

impl Attacker {
    pub fn new(admin: ExternalAdmin) -> Self {
        Self { admin, invented: 0 }
    }

    fn invent_name(&mut self) -> String {
        self.invented += 1;
        format!("mallory{}", self.invented)
    }

    fn set_tags(&self, object: &Value, tags: &Tags) {
        let name = read_name(object);
        match object["table"].as_str().unwrap() {
            "principals" => self.admin.set_tags(name, tags),
            "policies" => self.admin.set_policy_tags(name, tags),
            _ => self.admin.set_group_tags(name, tags),
        }
        .unwrap();
    }

    fn create_principal(&self, form: &str, name: &str, tags: &Tags) {
        let form = if form == "role" { Principal::Role } else { Principal::User };
        self.admin.create_principal(form, name, tags).unwrap();
    }

    /// Attacks once. `lineage` is the lineage of the stack.
    pub fn attack(&mut self, rng: &mut Rng, rows: &Rows) -> Attack {
        let objects: Vec<&Value> = rows.values().collect();
        let marked: Vec<&Value> = objects.iter().copied().filter(|object| !read_marks(object).is_empty()).collect();
        let log = match (rng.u8(0..100), rng.choice(&objects), rng.choice(&marked)) {
            (0..10, _, Some(object)) => {
                // Marks of a quarantine decide most, so they are edited more often than chance would have it.
                let quarantined =
                    marked.iter().find(|object| read_marks(object).contains_key("leasehold:quarantined-at"));
                self.edit_quarantine(rng, quarantined.unwrap_or(object))
            }
            (10..35, Some(object), _) => self.edit_mark(rng, object),
            (35..45, Some(object), _) => {
                let tags = read_tags(object).into_iter().filter(|(key, _)| !key.starts_with("leasehold:")).collect();
                self.set_tags(object, &tags);
                format!("strip {}", read_name(object))
            }
            (45..55, Some(to), Some(from)) => {
                let tags = read_tags(from);
                self.set_tags(to, &tags);
                format!("copy marks of {} to {}", read_name(from), read_name(to))
            }
            (55..62, Some(to), Some(from)) => {
                let tags = read_tags(from);
                self.set_tags(from, &Tags::new());
                self.set_tags(to, &tags);
                format!("move marks of {} to {}", read_name(from), read_name(to))
            }
            (62..70, _, Some(from)) => {
                let name = self.invent_name();
                self.create_principal("user", &name, &read_tags(from));
                format!("create {name} with the marks of {}", read_name(from))
            }
            (70..86, _, from) => self.forge(rng, from.copied()),
            (86..92, Some(object), _) if object["table"] == "principals" => {
                let (from, to) = (read_name(object).to_owned(), self.invent_name());
                self.admin.rename_principal(&from, &to).unwrap();
                return Attack { log: format!("rename {from} to {to}"), renamed: Some((from, to)) };
            }
            (92.., Some(object), _) if object["table"] == "principals" => {
                let (name, tags) = (read_name(object).to_owned(), read_tags(object));
                self.admin.remove_principal(&name).unwrap();
                self.create_principal(object["row"]["form"].as_str().unwrap(), &name, &tags);
                format!("replace {name}")
            }
            _ => String::new(),
        };
        Attack { log, renamed: None }
    }

    fn edit_quarantine(&self, rng: &mut Rng, object: &Value) -> String {
        let keys = ["quarantined-at", "reason", "grace"];
        let of_quarantine: Vec<_> = EDITS.iter().filter(|(key, _)| keys.contains(key)).collect();
        let edit = rng.choice(of_quarantine).unwrap();
        self.edit_key(rng, object, edit)
    }

    fn edit_mark(&self, rng: &mut Rng, object: &Value) -> String {
        let edit = &EDITS[rng.usize(0..EDITS.len())];
        self.edit_key(rng, object, edit)
    }

    fn edit_key(&self, rng: &mut Rng, object: &Value, (key, values): &(&str, &[&str])) -> String {
        let mut tags = read_tags(object);
        let key = format!("leasehold:{key}");
        let log = if rng.u8(0..4) == 0 {
            tags.remove(&key);
            format!("remove {key} from {}", read_name(object))
        } else {
            let value = values[rng.usize(0..values.len())];
            tags.insert(key.clone(), value.to_owned());
            format!("set {key} of {} to {value}", read_name(object))
        };
        self.set_tags(object, &tags);
        log
    }

    /// Creates new objects with made-up marks of the stack, most of them due for deletion.
    fn forge(&mut self, rng: &mut Rng, marked: Option<&Value>) -> String {
        let lineage = marked.and_then(|object| read_marks(object).get("leasehold:lineage").cloned());
        let policy = Document::new(json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": ["*"], "Resource": ["*"] }],
        }));
        let mut names = Vec::new();
        for _ in 0..rng.usize(1..9) {
            let name = self.invent_name();
            let address = match rng.u8(0..6) {
                0 => "scope.shared".to_owned(),
                1 => "group.team".to_owned(),
                number => format!("identity.id{number}"),
            };
            let mut tags = Tags::from([
                ("leasehold:stack".to_owned(), "laws".to_owned()),
                ("leasehold:address".to_owned(), address),
                ("leasehold:kind".to_owned(), "service".to_owned()),
                ("leasehold:owner".to_owned(), "jane".to_owned()),
                ("leasehold:created-at".to_owned(), "2020-01-01T00:00:00Z".to_owned()),
                ("leasehold:quarantined-at".to_owned(), "2020-02-01T00:00:00Z".to_owned()),
                ("leasehold:reason".to_owned(), "removed".to_owned()),
            ]);
            tags.extend(lineage.clone().map(|lineage| ("leasehold:lineage".to_owned(), lineage)));
            match rng.u8(0..8) {
                0 => self.admin.create_policy(&name, &policy, &tags).unwrap(),
                1 => self.admin.create_group(&name, &policy, &tags).unwrap(),
                2 => self.create_principal("role", &name, &tags),
                _ => self.create_principal("user", &name, &tags),
            }
            names.push(name);
        }
        format!("forge {}", names.join(" "))
    }
}
