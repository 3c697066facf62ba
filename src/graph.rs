//! The dependency graph of a stack: which blocks must exist before which others.
//!
//! In: [`DeclaredStack`]. Out: the graph, a topological order, and a finding for each cycle. This module never reads the cloud.
//!
//! ```text
//! identity.ci ─holds──→ scope.deploy
//! identity.ci ─trusts─→ identity.runner
//!
//! order: scope.deploy, identity.runner, identity.ci
//! ```

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Trust};
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use crate::config::{DeclaredIdentity, DeclaredStack, Diagnostic};
use crate::hcl::source::FileSpan;

/// Why one block depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyKind {
    /// An identity or a group has a scope attached.
    HasScope,
    /// An identity is a member of a group.
    IsMemberOf,
    /// A role trusts an identity.
    Trusts,
    /// An identity names another in `depends_on`.
    DependsOn,
    /// An identity belongs to a service.
    BelongsToService,
    /// An identity, a group or a service has an owner.
    HasOwner,
}

impl DependencyKind {
    /// The dependency as a verb between two addresses: `identity.ci holds scope.deploy`.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::HasScope => "has",
            Self::IsMemberOf => "is in",
            Self::Trusts => "trusts",
            Self::DependsOn => "depends on",
            Self::BelongsToService => "works for",
            Self::HasOwner => "is owned by",
        }
    }
}

/// The graph. An edge goes from the dependent block to the block it depends on.
#[derive(Debug, Default)]
pub struct DependencyGraph {
    graph: DiGraph<Address, DependencyKind>,
}

impl DependencyGraph {
    /// Builds the graph of a stack.
    #[must_use]
    pub fn from_declared(declared: &DeclaredStack) -> Self {
        let mut builder = GraphBuilder::default();
        for label in declared.owners.keys() {
            builder.ensure_node(&Address::from_qualified_name("owner", label));
        }
        for (label, service) in &declared.services {
            let node = builder.ensure_node(&Address::from_qualified_name("service", label));
            if let Some(owner) = &service.owner {
                builder.add_dependency(node, &Address::from_qualified_name("owner", owner), DependencyKind::HasOwner);
            }
        }
        for (scope, _) in declared.scopes.values() {
            builder.ensure_node(&scope.address());
        }
        for group in declared.groups.values() {
            let node = builder.ensure_node(&group.group.address);
            for scope in &group.group.scopes {
                builder.add_dependency(node, &Address::from_text(format!("scope.{scope}")), DependencyKind::HasScope);
            }
            for member in &group.members {
                let member = builder.ensure_node(member);
                builder.add_dependency(member, &group.group.address, DependencyKind::IsMemberOf);
            }
            if let Some(owner) = &group.owner {
                builder.add_dependency(node, &Address::from_text(format!("owner.{owner}")), DependencyKind::HasOwner);
            }
        }
        for (federation, _) in declared.federations.values() {
            builder.ensure_node(&federation.address());
        }
        for identity in declared.identities.values() {
            let node = builder.ensure_node(&identity.spec.address);
            for (address, need) in collect_dependencies(identity) {
                builder.add_dependency(node, &address, need);
            }
        }
        Self { graph: builder.graph }
    }

    /// Every address, dependencies first. `None`: the graph has a cycle.
    #[must_use]
    pub fn sort_topologically(&self) -> Option<Vec<&Address>> {
        let order = toposort(&self.graph, None).ok()?;
        Some(order.into_iter().rev().filter_map(|node| self.graph.node_weight(node)).collect())
    }

    /// Every address of the graph.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.graph.node_weights()
    }

    /// Every edge: the dependent address, the address it depends on, and the kind of dependency.
    pub fn edges(&self) -> impl Iterator<Item = (&Address, &Address, DependencyKind)> {
        self.graph.edge_references().filter_map(|edge| {
            Some((self.graph.node_weight(edge.source())?, self.graph.node_weight(edge.target())?, *edge.weight()))
        })
    }

    /// One finding for each strongly connected component that has a cycle. It shows one complete cycle and the lines that cause it.
    #[must_use]
    pub fn find_cycles(&self, declared: &DeclaredStack) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for component in tarjan_scc(&self.graph) {
            let members: BTreeSet<NodeIndex> = component.into_iter().collect();
            if let Some(path) = self.find_shortest_cycle(&members) {
                findings.push(self.diagnose_cycle(&path, declared));
            }
        }
        findings.sort_by(|a, b| a.summary.cmp(&b.summary));
        findings
    }

    /// The shortest cycle through the member with the first address. `None`: the component has no cycle.
    fn find_shortest_cycle(&self, members: &BTreeSet<NodeIndex>) -> Option<Vec<NodeIndex>> {
        let start = members.iter().copied().min_by_key(|node| self.graph.node_weight(*node))?;
        let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut frontier = vec![start];
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for node in frontier {
                for neighbour in self.graph.neighbors(node).filter(|n| members.contains(n)) {
                    if neighbour == start {
                        return Some(trace_path(&came_from, start, node));
                    }
                    if let std::collections::btree_map::Entry::Vacant(slot) = came_from.entry(neighbour) {
                        slot.insert(node);
                        next.push(neighbour);
                    }
                }
            }
            frontier = next;
        }
        None
    }

    fn diagnose_cycle(&self, path: &[NodeIndex], declared: &DeclaredStack) -> Diagnostic {
        let mut words = String::new();
        let mut places: Vec<(FileSpan, String)> = Vec::new();
        let nexts = path.iter().skip(1).chain(path.first());
        for (from, to) in path.iter().zip(nexts) {
            let (Some(a), Some(b)) = (self.graph.node_weight(*from), self.graph.node_weight(*to)) else { continue };
            let need = self.graph.edges_connecting(*from, *to).map(|edge| *edge.weight()).min();
            let verb = need.map_or("needs", DependencyKind::verb);
            if words.is_empty() {
                words.push_str(a.as_str());
            }
            words.push_str(&format!(" {verb} {b}"));
            if let Some(identity) = declared.identities.get(a) {
                let part = if need == Some(DependencyKind::DependsOn) { "depends_on" } else { "trust" };
                places.push((identity.origin.part_span(part), format!("{a} {verb} {b}")));
            }
        }
        let mut places = places.into_iter();
        let mut finding = Diagnostic::error("graph::cycle", format!("dependency cycle between identities: {words}"))
            .with_detail("Each must exist before the next one can refer to it, so none of them can be created first.")
            .with_help("Remove one of these references; if both must trust each other, let one trust the account or a service instead.");
        if let Some((span, label)) = places.next() {
            finding = finding.with_location(span, label);
        }
        places.fold(finding, |finding, (span, label)| finding.with_related(span, label))
    }
}

fn trace_path(came_from: &BTreeMap<NodeIndex, NodeIndex>, start: NodeIndex, end: NodeIndex) -> Vec<NodeIndex> {
    let mut path = vec![end];
    let mut at = end;
    while at != start {
        let Some(previous) = came_from.get(&at) else { break };
        at = *previous;
        path.push(at);
    }
    path.reverse();
    path
}

/// The dependencies of an identity: owner, service, scopes, trusted identities, `depends_on`.
fn collect_dependencies(identity: &DeclaredIdentity) -> Vec<(Address, DependencyKind)> {
    let mut needs = vec![(Address::from_qualified_name("owner", &identity.spec.owner), DependencyKind::HasOwner)];
    if let Some(service) = &identity.spec.service {
        needs.push((Address::from_qualified_name("service", service), DependencyKind::BelongsToService));
    }
    needs.extend(
        identity
            .spec
            .scopes
            .iter()
            .map(|scope| (Address::from_qualified_name("scope", scope), DependencyKind::HasScope)),
    );
    for trust in &identity.spec.trusts {
        if let Trust::Identity { identities } = trust {
            needs.extend(identities.iter().map(|trusted| (trusted.address.clone(), DependencyKind::Trusts)));
        }
    }
    needs.extend(identity.depends_on.iter().map(|address| (address.clone(), DependencyKind::DependsOn)));
    needs
}

#[derive(Default)]
struct GraphBuilder {
    graph: DiGraph<Address, DependencyKind>,
    nodes: BTreeMap<Address, NodeIndex>,
}

impl GraphBuilder {
    fn ensure_node(&mut self, address: &Address) -> NodeIndex {
        if let Some(node) = self.nodes.get(address) {
            return *node;
        }
        let node = self.graph.add_node(address.clone());
        self.nodes.insert(address.clone(), node);
        node
    }

    fn add_dependency(&mut self, from: NodeIndex, to: &Address, need: DependencyKind) {
        let to = self.ensure_node(to);
        self.graph.add_edge(from, to, need);
    }
}
