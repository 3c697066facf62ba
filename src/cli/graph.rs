//! `leasehold graph`: the dependencies between the parts of a stack, for Graphviz or Mermaid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::VariableArgs;
use super::{CommandError, CommandExit, session};
use crate::graph::DependencyGraph;
use crate::views::inert::escape_steering;

/// `leasehold graph`
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The output format
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub format: GraphFormat,
}

/// A form of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
}

/// Prints the dependency graph of the declared stack.
///
/// # Errors
/// The stack is not valid.
pub fn cmd_graph(working_directory: &Path, args: &GraphArgs) -> Result<CommandExit, CommandError> {
    let stack = session::read_stack_without_requirements(
        working_directory,
        args.dir.as_deref(),
        &args.variables,
        session::current_time(None),
    )?;
    let graph = DependencyGraph::from_declared(&stack.declared);
    super::print_result(&match args.format {
        GraphFormat::Dot => render_dot(&graph),
        GraphFormat::Mermaid => render_mermaid(&graph),
    })?;
    Ok(CommandExit::Done)
}

fn render_dot(graph: &DependencyGraph) -> String {
    let quoted = |text: &str| format!("\"{}\"", escape_steering(text).replace('\\', "\\\\").replace('"', "\\\""));
    let mut addresses: Vec<&str> = graph.addresses().map(leasehold_provider::Address::as_str).collect();
    addresses.sort_unstable();
    let mut edges: Vec<(&str, &str, &str)> =
        graph.edges().map(|(from, to, need)| (from.as_str(), to.as_str(), need.verb())).collect();
    edges.sort_unstable();
    let mut out = "digraph leasehold {\n  rankdir = LR;\n  node [shape = box];\n".to_owned();
    for address in addresses {
        out.push_str(&format!("  {};\n", quoted(address)));
    }
    for (from, to, verb) in edges {
        out.push_str(&format!("  {} -> {} [label = {}];\n", quoted(from), quoted(to), quoted(verb)));
    }
    out.push_str("}\n");
    out
}

fn render_mermaid(graph: &DependencyGraph) -> String {
    let quoted = |text: &str| escape_steering(text).replace('"', "#quot;");
    let mut addresses: Vec<&str> = graph.addresses().map(leasehold_provider::Address::as_str).collect();
    addresses.sort_unstable();
    let numbers: BTreeMap<&str, usize> = addresses.iter().copied().zip(0..).collect();
    let mut edges: Vec<(usize, usize, &str)> = graph
        .edges()
        .filter_map(|(from, to, need)| Some((*numbers.get(from.as_str())?, *numbers.get(to.as_str())?, need.verb())))
        .collect();
    edges.sort_unstable();
    let mut out = "flowchart LR\n".to_owned();
    for (address, number) in &numbers {
        out.push_str(&format!("  n{number}[\"{}\"]\n", quoted(address)));
    }
    for (from, to, verb) in edges {
        out.push_str(&format!("  n{from} -->|{verb}| n{to}\n"));
    }
    out
}
