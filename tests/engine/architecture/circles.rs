//! Asserts that the modules inside a stage, and those of each provider crate, form no circle: of two modules in one folder, at most one
//! needs the other, directly or through others.
//!
//! In: the paths in the sources, such as `crate::hcl::value::Type` or `super::names`. Each is resolved to the module that defines the item;
//! `pub use` is followed. Out: for each folder, a graph of its files and folders, whose circles are printed with the paths that form them.
//! A module and the modules inside it may use each other.
//!
//! Example: if `hcl/eval/call.rs` names `crate::hcl::functions::Args`, the folder `hcl` has the arrow `eval → functions`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use regex::Regex;

use super::{MAY_USE, code, root, rust_files};

/// The path of a module below the crate: `["hcl", "eval", "call"]`.
type ModulePath = Vec<String>;

/// The modules of a crate.
struct Modules(BTreeMap<ModulePath, ModulePaths>);

/// The paths that the code of a module names.
#[derive(Default)]
struct ModulePaths {
    /// All paths that may name a module of the same crate.
    named: BTreeSet<String>,
    /// Those of `pub use`.
    exported: Vec<String>,
}

static USE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\bpub(?:\([a-z ]+\))? )?\buse ([^;]+);").unwrap());
static INLINE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|super|self)(?:::[A-Za-z_0-9]+)+").unwrap());

impl ModulePaths {
    fn parse(code: &str) -> Self {
        let mut paths = Self::default();
        for found in USE.captures_iter(code) {
            let named = expand_use(&found[2]);
            if found.get(1).is_some() {
                paths.exported.extend(named.iter().cloned());
            }
            paths.named.extend(named);
        }
        paths.named.extend(INLINE.find_iter(&USE.replace_all(code, "")).map(|found| found.as_str().to_owned()));
        paths
    }
}

impl Modules {
    /// The modules in a folder with the sources of a crate.
    fn read(source: &Path) -> Self {
        let module = |path: PathBuf| {
            let relative = path.strip_prefix(source).unwrap().with_extension("");
            let mut parts: ModulePath = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            parts.pop_if(|last| matches!(last.as_str(), "mod" | "lib"));
            (parts, ModulePaths::parse(&code(&std::fs::read_to_string(&path).unwrap())))
        };
        let files = rust_files(source).into_iter().filter(|path| !path.ends_with("main.rs") && !is_test(path));
        Self(files.map(module).collect())
    }

    /// The module that defines what `path` names. `from` is the module that contains the path. `None`: another crate's.
    fn resolve(&self, from: &[String], path: &str) -> Option<ModulePath> {
        let mut parts = path.split("::").map(str::to_owned).peekable();
        let mut at: ModulePath = match parts.next()?.as_str() {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            child => {
                let inner = [from, &[child.to_owned()]].concat();
                self.0.contains_key(&inner).then_some(inner)?
            }
        };
        while parts.next_if(|part| part == "super").is_some() {
            at.pop();
        }
        for part in parts {
            let inner = [at.as_slice(), std::slice::from_ref(&part)].concat();
            if self.0.contains_key(&inner) {
                at = inner;
            } else {
                return Some(self.follow_reexport(&at, &part).unwrap_or(at));
            }
        }
        Some(at)
    }

    /// The module that defines an item that `at` re-exports as `name`. `None`: `at` defines it.
    fn follow_reexport(&self, at: &[String], name: &str) -> Option<ModulePath> {
        let path = self.0.get(at)?.exported.iter().find(|path| path.rsplit("::").next() == Some(name))?;
        self.resolve(at, path).filter(|target| target != at)
    }

    /// The arrows between the members of each folder, each with the paths that form it. The folder of the whole crate is the empty path.
    fn arrows(&self) -> BTreeMap<ModulePath, BTreeMap<(String, String), BTreeSet<String>>> {
        let mut arrows: BTreeMap<ModulePath, BTreeMap<(String, String), BTreeSet<String>>> = BTreeMap::new();
        for (from, paths) in &self.0 {
            for path in &paths.named {
                let Some(to) = self.resolve(from, path) else { continue };
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                let (Some(working_directory), Some(there)) = (from.get(shared), to.get(shared)) else { continue };
                let folder = arrows.entry(from[..shared].to_vec()).or_default();
                let uses = folder.entry((working_directory.clone(), there.clone())).or_default();
                uses.insert(format!("{}: {path}", from.join("/")));
            }
        }
        arrows
    }
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs" || name == "golden.rs")
}

/// The paths that a `use` declares, without groups and without names after `as`: `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn expand_use(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let group = group.rsplit_once('}').map_or(group, |(inner, _)| inner);
    let mut depth = 0;
    let items = group.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let items = items.filter(|item| !item.trim().is_empty()).flat_map(expand_use);
    items
        .map(|item| if item == "self" { head.trim_end_matches("::").to_owned() } else { format!("{head}{item}") })
        .collect()
}

/// The circles among the arrows of one folder: the members of each, and the paths between them.
fn find_circles(arrows: &BTreeMap<(String, String), BTreeSet<String>>) -> Vec<(BTreeSet<&str>, Vec<String>)> {
    let mut graph: DiGraph<&str, ()> = DiGraph::new();
    let mut nodes = BTreeMap::new();
    for (from, to) in arrows.keys() {
        let [from, to] = [from, to].map(|name| *nodes.entry(name.as_str()).or_insert_with(|| graph.add_node(name)));
        graph.add_edge(from, to, ());
    }
    let circles = tarjan_scc(&graph).into_iter().filter(|members| members.len() > 1);
    let circles: Vec<Vec<&str>> = circles
        .map(|members| members.into_iter().filter_map(|node| graph.node_weight(node).copied()).collect())
        .collect();
    circles.into_iter().map(|members| describe_circle(arrows, members.into_iter().collect())).collect()
}

/// The members of a circle, and the paths between them.
fn describe_circle<'a>(
    arrows: &BTreeMap<(String, String), BTreeSet<String>>,
    members: BTreeSet<&'a str>,
) -> (BTreeSet<&'a str>, Vec<String>) {
    let within = arrows.iter().filter(|((from, to), _)| members.contains(&**from) && members.contains(&**to));
    let describe = |((from, to), uses): (&(String, String), &BTreeSet<String>)| {
        let uses: Vec<&str> = uses.iter().map(String::as_str).collect();
        format!("  {from} → {to}\n    {}", uses.join("\n    "))
    };
    let lines = within.map(describe).collect();
    (members, lines)
}

#[test]
fn no_modules_of_a_folder_form_a_circle() {
    let mut circles = Vec::new();
    let crates = MAY_USE.iter().map(|(folder, _)| root().join(folder).join("src"));
    for source in crates {
        let modules = Modules::read(&source);
        assert!(modules.0.len() > 5, "the sources of {} are found", source.display());
        for (folder, arrows) in &modules.arrows() {
            for (members, uses) in find_circles(arrows) {
                circles.push(format!("{}/{}: {members:?}\n{}", source.display(), folder.join("/"), uses.join("\n")));
            }
        }
    }
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_however_its_paths_are_written() {
    let module =
        |path: &str, code: &str| (path.split('/').map(str::to_owned).collect::<ModulePath>(), ModulePaths::parse(code));
    for (a, b, found) in [
        ("use crate::x::b::B;", "use crate::x::a::A;", true),
        ("use super::b::B;", "use crate::{x::{a::A, c}, y};", true),
        ("fn f() { super::b::f() }", "fn f() { crate::x::a::f() }", true),
        // `B` is re-exported by the folder.
        ("use super::B;", "use super::a::{self, A as Other};", true),
        ("use super::B;", "use super::C;", false),
        ("use super::b::B;", "use super::Item;", false),
        ("use super::b::B;", "use std::a::A;", false),
    ] {
        let modules = Modules(BTreeMap::from([
            module("x", "pub use b::B;\npub use c::C;\npub struct Item;"),
            module("x/a", a),
            module("x/b", b),
            module("x/c", ""),
            module("y", ""),
        ]));
        let arrows = modules.arrows();
        let circles = arrows.get(&vec!["x".to_owned()]).map(find_circles).unwrap_or_default();
        assert_eq!(!circles.is_empty(), found, "{a} {b}");
    }
}
