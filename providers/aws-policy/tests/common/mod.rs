//! A seeded generator of policies and of requests that can distinguish them. A seed gives the same policies on every
//! machine.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod alphabet;
pub mod hostile;
pub mod managed;

use leasehold_policy::{PolicyDocument, PolicySet};
use serde_json::{Map, Value, json};

/// A number from an environment variable.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Prints the seed of a case if the case panics.
pub struct SeedOnPanic(pub u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("LEASEHOLD_TEST_SEED={}", self.0);
        }
    }
}

/// The xorshift64* generator: the same numbers for a seed on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap() % limit.max(1)
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn some<'a>(&mut self, from: &[&'a str], most: usize) -> Vec<&'a str> {
        (0..=self.below(most)).map(|_| *self.pick(from)).collect()
    }
}

const ACTIONS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "s3:?etObject",
    "S3:PUT*",
    "iam:PassRole",
    "iam:*",
    "*:*",
    "s3:*Object",
    "s3:*e*",
    "s3:Get??ject",
    "s3:Put*Object",
];

const RESOURCES: &[&str] = &[
    "*",
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/a*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/${aws:username, 'u'}",
    "arn:*:s3:::b/*",
    "arn:aws:iam::*:role/x",
    "arn:aws:iam::1*:role/*",
    "arn:aws:s3*",
    "arn:aws:s3:*",
    "arn:aws:s3:*:*:b/?",
    "arn:aws:s3:::b/a?c",
    "arn:aws:s3:::b/*a",
    "arn:*",
    "arn:aws:s3:::b/${*}",
    "arn:aws:?3:::b/a*",
];

/// Condition keys with their operators and values.
const CONDITIONS: &[Row] = &[
    (
        "k:text",
        &[
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIfExists",
            "StringLikeIfExists",
            "StringNotEqualsIfExists",
        ],
        &["a", "b", "A", "a*", "*b", "?", "*", "", "${aws:username}", "${aws:username}*", "a${*}"],
    ),
    (
        "k:fold",
        &["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringEquals", "StringEqualsIgnoreCaseIfExists"],
        &["a", "A", "aB", "Ab", "é"],
    ),
    ("aws:username", &["StringEquals", "StringLike", "StringNotEquals"], &["a", "u", "a*", "*"]),
    (
        "k:number",
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
            "NumericLessThanIfExists",
            "NumericNotEqualsIfExists",
        ],
        &["1", "2", "2.0", "2.5", "10", "-1"],
    ),
    ("k:oddnumber", &["NumericEquals", "NumericLessThan"], &["1", "one"]),
    (
        "aws:CurrentTime",
        &[
            "DateLessThan",
            "DateGreaterThan",
            "DateGreaterThanEquals",
            "DateLessThanEquals",
            "DateEquals",
            "DateNotEquals",
            "DateLessThanIfExists",
        ],
        &["2026-01-01T00:00:00Z", "2026-01-01", "2027-01-01T00:00:00+01:00", "1767225600"],
    ),
    ("k:date", &["DateLessThan", "DateGreaterThanIfExists"], &["2026", "2027-06-01"]),
    ("k:flag", &["Bool", "BoolIfExists", "bool"], &["true", "false", "TRUE"]),
    ("k:flagtext", &["Bool", "StringEquals", "StringNotEquals"], &["true", "false"]),
    (
        "aws:SourceIp",
        &["IpAddress", "NotIpAddress", "IpAddressIfExists", "NotIpAddressIfExists"],
        &["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32", "10.1.2.3"],
    ),
    (
        "k:arn",
        &["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals", "ArnLikeIfExists"],
        &["arn:aws:s3:::b", "arn:aws:s3:::*", "arn:aws:*:::b", "arn:aws:*", "arn:*:s3:*:*:b*"],
    ),
    ("k:arntext", &["ArnLike", "StringLike", "StringEquals"], &["arn:aws:s3:::b", "arn:aws:s3:*", "arn:*:s3:*:*:b*"]),
    ("k:bytes", &["BinaryEquals"], &["QQ==", "Qg=="]),
    ("k:mixed", &["StringEquals", "NumericLessThan", "IpAddress"], &["1", "10.0.0.0/8", "a"]),
    (
        "aws:TagKeys",
        &[
            "ForAllValues:StringEquals",
            "ForAnyValue:StringEquals",
            "ForAllValues:StringLike",
            "StringEquals",
            "ForAnyValue:StringNotEquals",
            "ForAllValues:StringNotEquals",
            "ForAllValues:StringEqualsIfExists",
            "ForAnyValue:StringLikeIfExists",
        ],
        &["a", "b", "a*", "*", "${aws:username}"],
    ),
    (
        "k:many",
        &["ForAllValues:NumericLessThan", "ForAnyValue:NumericGreaterThan", "ForAllValues:NumericNotEquals"],
        &["1", "2", "3"],
    ),
    ("k:unknown", &["StringMatches", "ForAnyValue:Null"], &["a", "b"]),
];

const PRINCIPALS: &[&str] = &[
    "*",
    r#"{"AWS": "*"}"#,
    r#"{"AWS": "111111111111"}"#,
    r#"{"AWS": "arn:aws:iam::111111111111:root"}"#,
    r#"{"AWS": "arn:aws:iam::111111111111:user/a"}"#,
    r#"{"AWS": "arn:aws:iam::111111111111:role/p/r"}"#,
    r#"{"AWS": ["arn:aws:sts::111111111111:assumed-role/r/s", "222222222222"]}"#,
    r#"{"AWS": "AROAEXAMPLEEXAMPLE123"}"#,
    r#"{"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}"#,
    r#"{"Service": "ec2.amazonaws.com"}"#,
    r#"{"Federated": "accounts.google.com"}"#,
    r#"{"CanonicalUser": "abc", "AWS": "arn:aws:iam::222222222222:user/b"}"#,
    r#"{"AWS": ["arn:aws:iam::111111111111:role/p/r", "arn:aws:sts::111111111111:assumed-role/r/s"]}"#,
];

const CALLERS: &[(&str, &str)] = &[
    ("", ""),
    ("AWS", "arn:aws:iam::111111111111:root"),
    ("AWS", "arn:aws:iam::111111111111:user/a"),
    ("AWS", "arn:aws:iam::111111111111:user/z"),
    ("AWS", "arn:aws:iam::111111111111:role/p/r"),
    ("AWS", "arn:aws:sts::111111111111:assumed-role/r/s"),
    ("AWS", "arn:aws:sts::111111111111:assumed-role/r/t"),
    ("AWS", "arn:aws:sts::111111111111:assumed-role/q/s"),
    ("AWS", "arn:aws:iam::222222222222:user/b"),
    ("AWS", "arn:aws:iam::222222222222:root"),
    ("AWS", "arn:aws:iam::333333333333:user/b"),
    ("Service", "ec2.amazonaws.com"),
    ("Service", "lambda.amazonaws.com"),
    ("Service", "s3.amazonaws.com"),
    ("Federated", "accounts.google.com"),
    ("Federated", "x"),
    ("CanonicalUser", "abc"),
    ("CanonicalUser", "abd"),
    ("AWS", "AROAEXAMPLEEXAMPLE123"),
];

fn condition(random: &mut Random, out: &mut Map<String, Value>) {
    let (mut key, mut operators, mut values) = *random.pick(CONDITIONS);
    if matches!(key, "k:unknown" | "k:mixed" | "k:oddnumber") && !random.one_in(4) {
        // Undecidable conditions make a pair Unknown when they matter, so they are rare.
        (key, operators, values) = CONDITIONS[0];
    }
    condition_on(random, (key, operators, values), out);
}

type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

fn condition_on(random: &mut Random, (key, operators, values): Row, out: &mut Map<String, Value>) {
    let (operator, value) = if random.one_in(6) {
        ("Null", json!(random.some(&["true", "false"], 1)))
    } else {
        (*random.pick(operators), json!(random.some(values, 3)))
    };
    let taken = out.iter().any(|(name, block)| name.eq_ignore_ascii_case(operator) && block.get(key).is_some());
    if !taken {
        out.entry(operator).or_insert_with(|| json!({}))[key] = value;
    }
}

pub fn statement(random: &mut Random, with_principal: bool, deny_in: usize) -> Value {
    let mut out = Map::new();
    out.insert("Effect".to_owned(), json!(if random.one_in(deny_in) { "Deny" } else { "Allow" }));
    let not = |random: &mut Random, name: &str| format!("{}{name}", if random.one_in(7) { "Not" } else { "" });
    if with_principal {
        let text = *random.pick(PRINCIPALS);
        let value = if text == "*" { json!("*") } else { serde_json::from_str(text).unwrap() };
        out.insert(not(random, "Principal"), value);
    }
    out.insert(not(random, "Action"), json!(random.some(ACTIONS, 3)));
    out.insert(not(random, "Resource"), json!(random.some(RESOURCES, 3)));
    if !random.one_in(3) {
        let mut conditions = Map::new();
        for _ in 0..=random.below(3) {
            condition(random, &mut conditions);
        }
        out.insert("Condition".to_owned(), Value::Object(conditions));
    }
    Value::Object(out)
}

pub fn document(random: &mut Random, with_principal: bool) -> Value {
    let version = if random.one_in(8) { "2008-10-17" } else { "2012-10-17" };
    let statements: Vec<Value> = (0..=random.below(3)).map(|_| statement(random, with_principal, 4)).collect();
    json!({ "Version": version, "Statement": statements })
}

/// The document with a small change, like the policies of a mover.
pub fn change_document(random: &mut Random, document: &Value, with_principal: bool) -> Value {
    let mut out = document.clone();
    let statements = out["Statement"].as_array_mut().unwrap();
    let at = random.below(statements.len());
    match random.below(6) {
        0 if statements.len() > 1 => drop(statements.remove(at)),
        1 => statements.push(statement(random, with_principal, 3)),
        2 => statements[at] = statement(random, with_principal, 4),
        3 => {
            let fresh = statement(random, with_principal, 4);
            for name in ["Action", "Resource", "Principal"] {
                if statements[at].get(name).is_some() && fresh.get(name).is_some() && random.one_in(2) {
                    statements[at][name] = fresh[name].clone();
                }
            }
        }
        4 => {
            let mut conditions =
                statements[at].get("Condition").and_then(Value::as_object).cloned().unwrap_or_default();
            condition(random, &mut conditions);
            statements[at]["Condition"] = Value::Object(conditions);
        }
        _ => {
            let name = if random.one_in(2) { "Action" } else { "Resource" };
            if let Some(list) = statements[at].get_mut(name).and_then(Value::as_array_mut) {
                if list.len() > 1 {
                    list.pop();
                } else {
                    let from = if name == "Action" { ACTIONS } else { RESOURCES };
                    list.push(json!(random.pick(from)));
                }
            }
        }
    }
    out
}

/// A document in which only one element varies (actions, resources, principals, or conditions on one or two keys), so
/// that a few requests cover it.
fn focused_document(random: &mut Random, focus: usize, keys: [usize; 2]) -> Value {
    let statements: Vec<Value> = (0..=random.below(3))
        .map(|_| {
            let mut out = json!({"Effect": if random.one_in(4) { "Deny" } else { "Allow" }, "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/abc"});
            let not = if random.one_in(4) { "Not" } else { "" };
            let mut vary = |name: &str, value: Value| {
                out.as_object_mut().unwrap().remove(name);
                out[format!("{not}{name}")] = value;
            };
            match focus {
                0 => vary("Action", json!(random.some(ACTIONS, 3))),
                1 => vary("Resource", json!(random.some(RESOURCES, 3))),
                2 => {
                    let text = *random.pick(PRINCIPALS);
                    vary("Principal", if text == "*" { json!("*") } else { serde_json::from_str(text).unwrap() });
                }
                _ => {
                    let mut conditions = Map::new();
                    for _ in 0..=random.below(2) {
                        let key = keys[random.below(2)];
                        condition_on(random, CONDITIONS[key], &mut conditions);
                    }
                    out["Condition"] = Value::Object(conditions);
                }
            }
            out
        })
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Old and new policies, as JSON and as policy sets.
pub fn pair(random: &mut Random) -> (Vec<Value>, Vec<Value>, PolicySet, PolicySet) {
    if random.one_in(2) {
        return broad_pair(random);
    }
    let focus = random.below(7);
    let key = random.below(CONDITIONS.len());
    let keys = [key, if random.one_in(2) { key } else { random.below(CONDITIONS.len()) }];
    let old = vec![focused_document(random, focus, keys)];
    let new = vec![focused_document(random, focus, keys)];
    let (mut before, mut after) = (access(&old), access(&new));
    if random.one_in(5) && focus != 2 {
        for access in [&mut before, &mut after] {
            let limit = focused_document(random, focus, keys);
            access.boundary = Some(vec![PolicyDocument::from_value(&limit).unwrap()]);
        }
    }
    (old, new, before, after)
}

/// Old and new policies in which every element varies.
fn broad_pair(random: &mut Random) -> (Vec<Value>, Vec<Value>, PolicySet, PolicySet) {
    let with_principal = random.one_in(3);
    let old: Vec<Value> = (0..=random.below(2)).map(|_| document(random, with_principal)).collect();
    let mut new = old.clone();
    if random.one_in(4) {
        new = (0..=random.below(2)).map(|_| document(random, with_principal)).collect();
    } else {
        let at = random.below(new.len());
        for _ in 0..=random.below(2) {
            new[at] = change_document(random, &new[at], with_principal);
        }
    }
    let (mut before, mut after) = (access(&old), access(&new));
    if random.one_in(4) {
        let limit = document(random, false);
        let other = if random.one_in(2) { limit.clone() } else { change_document(random, &limit, false) };
        if !random.one_in(4) {
            before.boundary = Some(vec![PolicyDocument::from_value(&limit).unwrap()]);
        }
        if !random.one_in(4) {
            after.boundary = Some(vec![PolicyDocument::from_value(&other).unwrap()]);
        }
    }
    (old, new, before, after)
}

pub fn access(documents: &[Value]) -> PolicySet {
    PolicySet::new(documents.iter().map(|value| PolicyDocument::from_value(value).unwrap()).collect())
}
