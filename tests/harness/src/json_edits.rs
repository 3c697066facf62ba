//! Every edit of one node of a JSON document, to show that an edited file is refused.

use serde_json::{Value, json};

/// The path of every node below a value, as a JSON pointer.
pub fn list_node_paths(value: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    add_node_paths(value, "", &mut paths);
    paths
}

fn add_node_paths(value: &Value, path: &str, into: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (escape(name), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let path = format!("{path}/{name}");
        add_node_paths(child, &path, into);
        into.push(path);
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Every edit of one node: other values, without it, twice, in the place of its neighbour.
pub fn edit_node(document: &Value, path: &str) -> Vec<Value> {
    let edit = |change: &dyn Fn(&mut Value)| {
        let mut edited = document.clone();
        change(&mut edited);
        edited
    };
    let (parent, name) = path.rsplit_once('/').unwrap();
    let mut all: Vec<Value> = others(document.pointer(path).unwrap())
        .into_iter()
        .map(|other| edit(&|document| *document.pointer_mut(path).unwrap() = other.clone()))
        .collect();
    let name = name.replace("~1", "/").replace("~0", "~");
    match document.pointer(parent).unwrap() {
        Value::Object(fields) => {
            let next = fields.keys().skip_while(|key| **key != name).nth(1).cloned();
            all.push(edit(&|document| {
                document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&name);
            }));
            all.push(edit(&|document| {
                let fields = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                fields.insert(format!("{name}2"), fields[&name].clone());
            }));
            all.extend(next.map(|next| {
                edit(&|document| {
                    let fields = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                    let (one, other) = (fields[&name].clone(), fields[&next].clone());
                    fields.insert(name.clone(), other);
                    fields.insert(next.clone(), one);
                })
            }));
        }
        Value::Array(items) => {
            let index: usize = name.parse().unwrap();
            let list = |document: &mut Value, change: &dyn Fn(&mut Vec<Value>)| {
                change(document.pointer_mut(parent).unwrap().as_array_mut().unwrap());
            };
            all.push(edit(&|document| {
                list(document, &|items| {
                    items.remove(index);
                });
            }));
            all.push(edit(&|document| list(document, &|items| items.insert(index, items[index].clone()))));
            if index + 1 < items.len() {
                all.push(edit(&|document| list(document, &|items| items.swap(index, index + 1))));
            }
        }
        _ => {}
    }
    all
}

/// Other values for a node, some of which parse as the same type.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!("x"), json!("2026-12-02T23:00:00Z")],
        Value::Bool(flag) => vec![json!(!flag), Value::Null],
        Value::Number(number) => vec![json!(number.as_u64().unwrap_or_default() + 1), json!(0), json!(-1)],
        Value::String(text) => {
            let mut all = vec![json!(format!("{text}x")), json!(""), json!("*"), Value::Null];
            all.extend(text.parse::<jiff::Timestamp>().map(|_| json!("2026-12-02T21:59:59Z")));
            all.extend((text.len() == 64).then(|| json!("0".repeat(64))));
            all
        }
        Value::Array(_) => vec![json!([]), json!(["*"]), Value::Null],
        Value::Object(_) => vec![json!({}), Value::Null],
    }
}
