//! Requests that can distinguish policies, built from the policies' own texts.

use std::collections::BTreeSet;

use leasehold_policy::{AccessRequest, PolicySet, RequestCaller};

use super::*;

/// Values for each part of a request, built from the policies' texts by replacing wildcards and variables in several
/// ways.
pub struct Alphabet {
    actions: Vec<String>,
    resources: Vec<String>,
    callers: Vec<RequestCaller>,
    keys: Vec<(String, Vec<Vec<String>>)>,
}

fn filled(text: &str, out: &mut BTreeSet<String>) {
    for (many, one, variable) in
        [("", "x", "u"), ("x", "a", "a"), ("a", "b", ""), ("x:y", ":", "b"), ("b/a", "c", "u"), ("*", "*", "*")]
    {
        let mut filled = text.replace("${aws:username, 'u'}", variable).replace("${aws:username}", variable);
        filled = filled.replace("${*}", "\u{1}").replace('*', many).replace('?', one).replace('\u{1}', "*");
        out.insert(filled);
    }
}

impl Alphabet {
    pub fn from_policies(accesses: [&PolicySet; 2]) -> Self {
        let mut actions = BTreeSet::from(["x:x".to_owned(), "s3:GetObject".to_owned(), "iam:PassRole".to_owned()]);
        let mut resources = BTreeSet::from(["*".to_owned(), "arn:aws:s3:::b/abc".to_owned()]);
        let mut keys: std::collections::BTreeMap<String, BTreeSet<String>> = std::collections::BTreeMap::new();
        let mut principals = false;
        for access in accesses {
            for document in access.policies.iter().chain(access.boundary.iter().flatten()) {
                for statement in &document.statements {
                    principals |= statement.principals.is_some();
                    statement.actions.items.iter().for_each(|action| filled(action.text(), &mut actions));
                    let clauses = statement.resources.iter().flat_map(|clause| &clause.items);
                    clauses.for_each(|resource| {
                        filled(resource.text(), &mut resources);
                        if resource.text().contains("${aws:username") {
                            keys.entry("aws:username".to_owned()).or_default().insert("u".to_owned());
                        }
                    });
                    for condition in &statement.conditions {
                        let values = keys.entry(condition.key.clone()).or_default();
                        for value in &condition.values {
                            neighbours(value.text(), values);
                        }
                    }
                }
            }
        }
        actions.retain(|action| action.split_once(':').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()));
        resources
            .retain(|resource| resource == "*" || (resource.starts_with("arn:") && resource.matches(':').count() >= 5));
        let keys = keys.into_iter().map(|(key, values)| (key.clone(), choices(&key, values))).collect();
        let caller = |&(kind, text): &(&str, &str)| match kind {
            "" => RequestCaller::Anonymous,
            "AWS" => RequestCaller::Aws(text.to_owned()),
            "Service" => RequestCaller::Service(text.to_owned()),
            "Federated" => RequestCaller::Federated(text.to_owned()),
            _ => RequestCaller::CanonicalUser(text.to_owned()),
        };
        let callers = if principals { CALLERS } else { &CALLERS[2..3] };
        Self {
            actions: actions.into_iter().collect(),
            resources: resources.into_iter().collect(),
            callers: callers.iter().map(caller).collect(),
            keys,
        }
    }

    pub fn size(&self) -> usize {
        let keys = self.keys.iter().map(|(_, choices)| choices.len());
        keys.fold(self.actions.len() * self.resources.len() * self.callers.len(), usize::saturating_mul)
    }

    /// The request with this number. Different numbers below `size` give different requests.
    pub fn request(&self, mut number: usize) -> AccessRequest {
        let mut digit = |count: usize| {
            let digit = number % count;
            number /= count;
            digit
        };
        let action = &self.actions[digit(self.actions.len())];
        let resource = &self.resources[digit(self.resources.len())];
        let caller = self.callers[digit(self.callers.len())].clone();
        let mut request = AccessRequest::new(caller, action, resource);
        for (key, choices) in &self.keys {
            let values = &choices[digit(choices.len())];
            if !values.is_empty() {
                request.context.insert(key.clone(), values.clone());
            }
        }
        request
    }
}

fn neighbours(text: &str, out: &mut BTreeSet<String>) {
    if text.contains(':') && text.starts_with("20") && !text.contains("::") {
        out.insert("2025-12-31T23:59:59Z".to_owned());
        out.insert("2026-06-01T00:00:00Z".to_owned());
        out.insert("2028-01-01".to_owned());
    }
    match text {
        "10.0.0.0/8" | "10.1.0.0/16" | "0.0.0.0/0" | "::/0" | "2001:db8::/32" | "10.1.2.3" => {
            out.extend(["10.0.0.1", "10.1.2.3", "10.1.2.4", "11.0.0.0", "2001:db8::1", "::1"].map(str::to_owned));
        }
        _ => {
            if let Ok(number) = text.parse::<f64>()
                && number.abs() < 1000.0
            {
                out.extend([(number - 0.5).to_string(), (number + 0.5).to_string()]);
            }
            filled(text, out);
        }
    }
}

/// The sets of values for a key: absent (if a request may lack the key), each value, and some sets of two and three.
fn choices(key: &str, values: BTreeSet<String>) -> Vec<Vec<String>> {
    let values: Vec<String> = values.into_iter().take(14).collect();
    let mut out: Vec<Vec<String>> = if key == "aws:currenttime" { Vec::new() } else { vec![Vec::new()] };
    out.extend(values.iter().map(|value| vec![value.clone()]));
    if key == "aws:tagkeys" || key == "k:many" || key == "k:text" {
        for (index, a) in values.iter().enumerate() {
            for b in values.iter().skip(index + 1).take(3) {
                out.push(vec![a.clone(), b.clone()]);
            }
        }
        out.push(values.iter().take(3).cloned().collect());
    }
    out
}
