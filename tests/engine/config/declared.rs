//! What good input declares.

use leasehold_provider::{Address, Kind, Principal, Trust};

use super::stack::Stack;

#[test]
fn the_reference_stack_is_read_whole() {
    let stack = Stack::of(include_str!("reference.hcl"));
    let declared = stack.declared();
    assert_eq!(stack.drawn(), "");
    let addresses: Vec<&str> = declared.identities.keys().map(Address::as_str).collect();
    assert_eq!(
        addresses,
        ["identity.agent[\"summarise\"]", "identity.agent[\"triage\"]", "identity.checkout_ci", "identity.watcher"]
    );
    let of = |address: &str| &declared.identities[&Address::from_text(address)];

    let ci = of("identity.checkout_ci");
    assert_eq!(
        (ci.spec.kind, ci.spec.principal, ci.spec.name.as_str()),
        (Kind::Workload, Principal::Role, "checkout_ci")
    );
    assert_eq!((ci.spec.owner.as_str(), ci.spec.service.as_deref()), ("jane", Some("checkout")));
    assert_eq!(ci.spec.environment.as_deref(), Some("staging"));
    assert_eq!(ci.lease.ttl.unwrap().to_string(), "90d");
    assert_eq!(ci.lease.renewed_at.unwrap().to_string(), "2026-10-31T23:00:00Z");
    assert_eq!(ci.spec.tags["team"], "payments");

    let triage = of("identity.agent[\"triage\"]");
    assert_eq!((triage.spec.name.as_str(), triage.lease.ttl.unwrap().as_seconds()), ("agent-triage", 30 * 86_400));
    assert_eq!(triage.spec.max_session_duration.unwrap().as_seconds(), 3_600);
    let Trust::Identity { identities } = &triage.spec.trusts[1] else { panic!("{:?}", triage.spec.trusts) };
    assert_eq!(identities[0].address.as_str(), "identity.checkout_ci");

    let watcher = of("identity.watcher");
    let Trust::Identity { identities } = &watcher.spec.trusts[0] else { panic!("{:?}", watcher.spec.trusts) };
    assert_eq!(identities.len(), 2);
    let statements: Vec<_> = watcher
        .spec
        .statements
        .iter()
        .map(|statement| (statement.sid.as_deref(), statement.actions.join(" ")))
        .collect();
    assert_eq!(statements, [(Some("List"), "s3:ListBucket".to_owned()), (Some("Read"), "s3:GetObject".to_owned())]);
    assert_eq!(watcher.spec.grace.unwrap().to_string(), "14d");
    let dependency: Vec<&str> = watcher.depends_on.iter().map(Address::as_str).collect();
    assert_eq!(dependency, ["identity.agent[\"triage\"]"]);

    let (orders, _) = &declared.scopes["orders_read"];
    assert_eq!(orders.statements[0].resources, ["arn:aws:s3:::acme-staging-orders/*"]);
    assert_eq!(orders.statements[0].conditions[0].values, ["true"]);
}

#[test]
fn an_origin_leads_to_the_text_of_a_part() {
    let text = include_str!("reference.hcl");
    let declared = Stack::of(text).declared();
    let origin = &declared.identities[&Address::for_identity("checkout_ci", None)].origin;
    let at = |span: leasehold::hcl::source::FileSpan| &text[span.bytes];
    assert_eq!(at(origin.header_span()), "identity \"checkout_ci\"");
    assert_eq!(at(origin.part_span("scopes")), "[scope.orders_read]");
    assert_eq!(at(origin.part_span("trust")), "trust \"oidc\"");
    assert_eq!(at(origin.part_span("ttl")), "identity \"checkout_ci\"");
}

#[test]
fn the_order_of_files_and_blocks_does_not_matter() {
    let mut blocks: Vec<&str> = include_str!("reference.hcl").split("\n\n").collect();
    let before = format!("{:?}", without_origins(&Stack::of(&blocks.join("\n\n")).declared()));
    blocks.reverse();
    let mut stack = Stack::default();
    for (index, block) in blocks.iter().enumerate() {
        stack = stack.file(&format!("{index}.hcl"), format!("{block}\n").as_bytes());
    }
    assert_eq!(before, format!("{:?}", without_origins(&stack.declared())));
}

fn without_origins(declared: &leasehold::config::DeclaredStack) -> impl std::fmt::Debug + use<> {
    let scopes: Vec<_> = declared.scopes.values().map(|(scope, _)| scope.clone()).collect();
    let identities: Vec<_> = declared
        .identities
        .values()
        .map(|identity| {
            let statements = identity.spec.statements.clone();
            (
                identity.spec.address.clone(),
                identity.spec.name.clone(),
                identity.spec.trusts.clone(),
                statements,
                identity.spec.tags.clone(),
            )
        })
        .collect();
    (scopes, identities)
}

#[test]
fn line_endings_and_a_byte_order_mark_change_nothing() {
    let unix = "leasehold {\n  stack = \"demo\"\n}\nlocals {\n  text = <<-EOT\n    one\n    two\n  EOT\n}\nscope \"a\" {\n  description = local.text\n  statement {\n    actions = [\"a:B\"]\n    resources = [\"*\"]\n  }\n}\n";
    let dos = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    let name = |text: &str| Stack::of(text).declared().scopes["a"].0.description.clone();
    assert_eq!(name(unix).as_deref(), Some("one\ntwo\n"));
    assert_eq!(name(unix), name(&dos));
}

#[test]
fn sensitive_values_are_marked_and_not_shown() {
    let stack = Stack::with(
        r#"
variable "token" {
  type      = string
  sensitive = true
}
identity "x" {
  kind  = "service"
  owner = owner.jane
  ttl   = "1d"
  tags  = { plain = "p", token = "t-${var.token}" }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${var.token}/*"]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
"#,
    )
    .var("token", "hunter2");
    let declared = stack.declared();
    let identity = &declared.identities[&Address::for_identity("x", None)];
    let marks: Vec<bool> = identity.spec.statements.iter().map(|statement| statement.sensitive).collect();
    assert_eq!(marks, [true, false]);
    assert_eq!(identity.spec.sensitive_tags.iter().collect::<Vec<_>>(), ["token"]);
    assert_eq!(identity.spec.tags["token"], "t-hunter2");
}

#[test]
fn variables_take_the_last_value_given() {
    let text = "variable \"n\" { type = number }\nowner \"o\" { name = \"${var.n + 1}\" }\n";
    let name = |stack: Stack| stack.declared().owners["o"].name.clone().unwrap();
    assert_eq!(name(Stack::with(text).environment("n", "1")), "2");
    assert_eq!(name(Stack::with(text).environment("n", "1").variable_file("a.auto.hclvars", "n = 2\n")), "3");
    let all = Stack::with(text).environment("n", "1").variable_file("a.auto.hclvars", "n = 2\n").var("n", "3");
    assert_eq!(name(all), "4");
    assert_eq!(name(Stack::with(text).environment("n", "7").environment("other", "x")), "8");
}

#[test]
fn files_that_were_read_are_named_with_their_digest() {
    let stack = Stack::with("owner \"o\" { name = file(\"./names/o.txt\") }\n").beside("names/o.txt", b"Olga");
    let declared = stack.declared();
    assert_eq!(declared.owners["o"].name.as_deref(), Some("Olga"));
    let read: Vec<_> = declared.files_read.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
    assert_eq!(read, [("names/o.txt", leasehold_provider::Digest::from_bytes(b"Olga"))]);
}

#[test]
fn an_empty_file_beside_others_is_fine() {
    Stack::with("").file("empty.hcl", b"").file("words.hcl", b"# nothing but words").declared();
}

#[test]
fn each_object_has_its_account() {
    let text = r#"
provider "aws" { alias = "prod" }
provider "aws" { alias = "audit" }
locals { place = provider.aws.prod }
template "bot" {
  kind     = "service"
  owner    = owner.jane
  ttl      = "1d"
  provider = provider.aws.prod
}
identity "a" { template = template.bot }
identity "b" {
  for_each = toset(["x", "y"])
  template = template.bot
  provider = each.key == "x" ? local.place : provider.aws.audit
}
group "team" {
  members  = [identity.a]
  provider = local.place
}
federation "oidc" "ci" {
  url       = "https://tokens.example"
  audiences = ["sts"]
  provider  = provider.aws.audit
}
"#;
    let mut declared = Stack::with(text).declared();
    let accounts: Vec<(String, Option<String>)> = declared
        .identities
        .values()
        .map(|identity| (identity.spec.address.to_string(), identity.spec.account.as_ref().map(ToString::to_string)))
        .collect();
    // Where every provider has an alias, the first by it is the stack's first account.
    let prod = || Some("prod".to_owned());
    let expected = [("identity.a", prod()), ("identity.b[\"x\"]", prod()), ("identity.b[\"y\"]", None)];
    assert_eq!(accounts, expected.map(|(address, account)| (address.to_owned(), account)));
    assert_eq!(declared.groups["team"].group.account.as_ref().map(ToString::to_string), prod());
    assert_eq!(declared.federations["ci"].0.account, None);
    let named = |declared: &leasehold::config::DeclaredStack| declared.find_provider_reference(None);
    assert_eq!(named(&declared).as_deref(), Some("provider.aws.audit"), "what lives there still has to say so");
    declared.providers.clear();
    assert_eq!(named(&declared), None);
}
