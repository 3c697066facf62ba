//! Changes to the text of a stack. The random number generator decides which, so that a seed gives the same changes.

use fastrand::Rng;

use super::vocabulary::{ATOMS, FUNCTIONS, TYPE_KEYWORDS};

/// A number below `bound`; 0 if there is none.
fn below(random: &mut Rng, bound: usize) -> usize {
    random.usize(..bound.max(1))
}

fn pick<'t>(random: &mut Rng, choices: &[&'t str]) -> &'t str {
    choices[below(random, choices.len())]
}

/// A random expression, nested `depth` deep.
fn expression(random: &mut Rng, depth: usize) -> String {
    if depth == 0 {
        return pick(random, ATOMS).to_owned();
    }
    let mut inner = || expression(random, depth - 1);
    let (a, b, c) = (inner(), inner(), inner());
    let function = pick(random, FUNCTIONS);
    match below(random, 16) {
        0 => format!("{function}({a})"),
        1 => format!("{function}({a}, {b})"),
        2 => format!("{function}({a}, {b}, {c})"),
        3 => format!("[{a}, {b}, {c}]"),
        4 => format!("{{ x = {a}, ({b}) = {c} }}"),
        5 => format!("[for x in {a} : {b} if {c}]"),
        6 => format!("{{ for k, v in {a} : k => {b}... }}"),
        7 => format!("({a} {} {b})", pick(random, &["+", "-", "*", "/", "%", "==", "<", "&&", "||"])),
        8 => format!("({a} ? {b} : {c})"),
        9 => format!("{a}[{b}]"),
        10 => format!("{a}[*].x"),
        11 => format!("\"x ${{{a}}} %{{ if {b} }}y%{{ endif }}\""),
        12 => format!("{function}({a}...)"),
        13 => format!("-{a}"),
        14 => format!("[for a in range(1000) : [for b in range(1000) : {a}]]"),
        _ => a,
    }
}

/// The last boundary of a character at or before `at`.
pub fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Makes one change, chosen at random: cuts, inserts, repeats or swaps text, or takes text of another stack of the pool.
pub fn change(text: &mut String, pool: &[String], random: &mut Rng) {
    let (a, b) = (below(random, text.len() + 1), below(random, 40));
    let (from, to) = (boundary(text, a), boundary(text, a.saturating_add(b)));
    match below(random, 11) {
        0 => text.replace_range(from..to, ""),
        1 => text.insert_str(from, pick(random, TYPE_KEYWORDS)),
        2 => text.replace_range(from..to, pick(random, TYPE_KEYWORDS)),
        3 | 4 => {
            // Another value for some attribute.
            let places: Vec<usize> = text.match_indices("= ").map(|(at, _)| at + 2).collect();
            if !places.is_empty() {
                let at = places[below(random, places.len())];
                let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
                let depth = 1 + below(random, 4);
                text.replace_range(at..end, &expression(random, depth));
            }
        }
        5 => {
            let other = &pool[below(random, pool.len())];
            let cut = boundary(other, below(random, other.len() + 1));
            text.truncate(from);
            text.push_str(&other[cut..]);
        }
        6 => {
            let part = text[from..to].repeat(2 + below(random, 60));
            text.insert_str(from, &part);
        }
        7 => {
            let open = pick(random, &["[", "(", "{ a = ", "\"${", "f(", "!", "-", "x[", "a {\n"]);
            let many = 1 << below(random, 12);
            text.insert_str(from, &open.repeat(many));
        }
        8 => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (x, y) = (below(random, lines.len()), below(random, lines.len()));
            let last = lines.len() - 1;
            let mut lines = lines.clone();
            lines.swap(x.min(last), y.min(last));
            *text = lines.concat();
        }
        9 => {
            let value = expression(random, 5);
            text.push_str(&format!("\nlocals {{\n  l{} = {value}\n}}\n", below(random, 100)));
        }
        _ => {
            let other = &pool[below(random, pool.len())];
            text.push('\n');
            text.push_str(other);
        }
    }
    if text.is_empty() {
        text.push('\n');
    }
}
