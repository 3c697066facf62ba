//! Expressions and variables that go wrong, and what people see of it: the range of what fails, and the values in it.

use crate::stack::Stack;

/// Compares the drawn findings of a stack with the snapshot of that name.
macro_rules! drawn {
    ($($name:ident: $stack:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), $stack.drawn());
        }
    )*};
}

/// A stack with some values to refer to and one local to fail.
fn local(expression: &str) -> Stack {
    Stack::with(&format!("locals {{\n  x = {expression}\n}}\n")).file(
        "values.hcl",
        br#"
variable "environment" { default = "prod" }
variable "count" { default = 3 }
variable "token" {
  default   = "hunter2"
  sensitive = true
}
locals {
  ports = { http = 80, https = 443 }
  names = ["ann", "bob"]
  team = {
    lead = "jane"
    size = 4
  }
}
identity "agent" {
  for_each = toset(["triage", "summarise"])
  kind     = "agent"
  owner    = owner.jane
  ttl      = "30d"
  trust "service" { principals = ["lambda.amazonaws.com"] }
}
"#,
    )
}

fn variable(lines: &str) -> Stack {
    Stack::with(&format!("variable \"v\" {{\n{lines}}}\nlocals {{\n  used = var.v\n}}\n"))
}

drawn! {
    add_text: local("var.environment + 1");
    join_text_with_plus: local("\"arn:\" + local.team.lead");
    compare_text: local("var.environment > local.team.size");
    negate_text: local("-var.environment");
    not_a_number: local("!var.count");
    condition_of_text: local("var.environment ? 1 : 2");
    condition_is_null: local("null ? 1 : 2");
    division_by_zero: local("10 / (var.count - 3)");
    list_in_text: local("\"names: ${local.names}\"");
    null_in_text: local("\"a ${null} b\"");
    block_in_text: local("\"mail to ${owner.jane}\"");
    index_beyond_the_end: local("local.names[var.count]");
    index_of_text: local("local.names[var.environment]");
    element_of_a_set: local("toset(local.names)[0]");
    no_such_key: local("local.ports[\"htps\"]");
    no_such_attribute: local("local.team.leed");
    attribute_of_text: local("var.environment.name");
    attribute_of_a_list: local("local.names.first");
    owner_attribute: local("owner.jane.mail");
    instance_without_key: local("identity.agent.name");
    instance_of_wrong_key: local("identity.agent[\"traige\"].name");
    key_of_a_single_instance: Stack::with("identity \"one\" {\n  kind  = \"human\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\nlocals {\n  x = identity.one[\"a\"].name\n}\n");
    for_over_text: local("[for x in var.environment : x]");
    for_with_equal_keys: local("{ for name in local.names : \"k\" => name }");
    error_inside_a_for: local("[for name, port in local.ports : upper(name) + port]");
    splat_of_missing_attribute: local("[{ a = 1 }, { b = 2 }][*].a");
    too_few_arguments: local("replace(var.environment, \"a\")");
    too_many_arguments: local("upper(var.environment, 1)");
    wrong_argument: local("join(\", \", var.environment)");
    null_argument: local("upper(null)");
    spread_of_text: local("max(var.environment...)");
    not_json: local("jsondecode(\"{a: 1}\")");
    not_base64: local("base64decode(var.environment)");
    bad_pattern: local("regex(\"[a-\", var.environment)");
    pattern_without_match: local("regex(\"[0-9]+\", var.environment)");
    all_of_try_fails: local("try(local.team.boss, local.names[9])");
    mixed_types: local("tolist([local.names, 1])");
    keys_and_values: local("zipmap(local.names, [1])");
    missing_file: local("file(\"policies/${var.environment}.json\")");
    file_outside: local("file(\"../../etc/passwd\")");
    format_of_text: local("format(\"%d seats\", var.environment)");
    bad_date: local("timeadd(\"2027-02-30T00:00:00Z\", \"1h\")");
    range_too_long: local("range(1e9)");
    sensitive_argument: local("tonumber(var.token)");
    sensitive_for_each: Stack::with("variable \"names\" {\n  default   = [\"a\"]\n  sensitive = true\n}\nidentity \"bot\" {\n  for_each = toset(var.names)\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n");
    broken_local_is_told_once: local("local.y + local.y").file("y.hcl", b"locals {\n  y = upper(1, 2)\n  z = local.y\n}\n");
    fault_in_one_instance: Stack::with("identity \"bot\" {\n  for_each    = { a = 1, b = \"x\" }\n  kind        = \"human\"\n  owner       = owner.jane\n  ttl         = \"1d\"\n  environment = \"e-${each.value * 2}\"\n}\n");
    for_each_cycle: Stack::with("identity \"a\" {\n  for_each = toset([for i in [identity.b[\"x\"]] : i.name])\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\nidentity \"b\" {\n  for_each = toset([for i in [identity.a[\"x\"]] : i.name])\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n");
    count_of_text: Stack::with("identity \"bot\" {\n  count = \"many\"\n  kind  = \"human\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n");
    count_and_for_each: Stack::with("identity \"bot\" {\n  count    = 2\n  for_each = toset([\"a\"])\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n");
    dynamic_of_unknown_block: Stack::with("scope \"s\" {\n  dynamic \"statment\" {\n    for_each = []\n    content {}\n  }\n}\n");
    dynamic_content: Stack::with("scope \"s\" {\n  dynamic \"statement\" {\n    for_each = [\"a\"]\n    iterator = it\n    content {\n      action    = [it.value]\n      resources = [statement.value]\n    }\n  }\n}\n");
    template_error: local("templatefile(\"t.txt\", { a = 1 })").beside("t.txt", b"one\ntwo ${a}\nthree ${b}\n");
    heredoc_error: local("<<-EOT\n    one\n    two ${local.team.boss}\n  EOT");
    variable_without_value: variable("  type = string\n");
    variable_of_wrong_type: variable("  type = number\n").var("v", "many");
    variable_default_of_wrong_type: variable("  type    = map(number)\n  default = { a = \"x\" }\n");
    variable_is_no_expression: variable("  type = list(string)\n").var("v", "a,b");
    variable_that_is_sensitive: variable("  type      = list(number)\n  sensitive = true\n").var("v", "[\"hunter2\"]");
    variable_of_unknown_type: variable("  type    = strng\n  default = \"x\"\n");
    variable_type_in_quotes: variable("  type    = \"string\"\n  default = \"x\"\n");
    variable_default_with_reference: variable("  default = local.a\n").file("a.hcl", b"locals {\n  a = 1\n}\n");
    variable_validation: variable("  type    = string\n  default = \"production\"\n  validation {\n    condition     = contains([\"staging\", \"prod\"], var.v)\n    error_message = \"v is staging or prod.\"\n  }\n");
    variable_must_not_be_null: variable("  nullable = false\n").var("v", "x").variable_file("a.auto.hclvars", "v = null\n");
    variable_missing_attribute: variable("  type = object({ name = string, port = optional(number, 80) })\n").variable_file("a.auto.hclvars", "v = { port = 1 }\n");
    undeclared_variable: Stack::with("variable \"environment\" { default = \"x\" }\n").var("enviroment", "prod").variable_file("a.auto.hclvars", "regon = 1\n");
}

#[test]
fn object_types_fill_in_what_is_optional() {
    let stack = variable("  type = object({ name = string, port = optional(number, 80), note = optional(string) })\n")
        .variable_file("a.auto.hclvars", "v = { name = \"x\", other = true }\n")
        .file("o.hcl", b"owner \"o\" { name = jsonencode(var.v) }\n");
    assert_eq!(stack.declared().owners["o"].name.as_deref(), Some("{\"name\":\"x\",\"note\":null,\"port\":80}"));
}

#[test]
fn null_stands_for_the_default_where_it_is_no_value() {
    let stack = variable("  default  = \"d\"\n  nullable = false\n")
        .variable_file("a.auto.hclvars", "v = null\n")
        .file("o.hcl", b"owner \"o\" { name = var.v }\n");
    assert_eq!(stack.declared().owners["o"].name.as_deref(), Some("d"));
}

#[test]
fn values_on_the_command_line_are_read_by_their_type() {
    let name = |of: &str, given: &str| {
        let lines = if of.is_empty() { String::new() } else { format!("  type = {of}\n") };
        let stack = variable(&lines).var("v", given).file("o.hcl", b"owner \"o\" { name = jsonencode(var.v) }\n");
        stack.declared().owners["o"].name.clone().unwrap()
    };
    assert_eq!(name("", "[1]"), "\"[1]\"");
    assert_eq!(name("string", "true"), "\"true\"");
    assert_eq!(name("number", "010"), "10");
    assert_eq!(name("bool", "true"), "true");
    assert_eq!(name("list(string)", "[\"a\", 1]"), "[\"a\",\"1\"]");
    assert_eq!(name("set(number)", "[2, 1, 2]"), "[1,2]");
    assert_eq!(name("tuple([string, number])", "[1, \"2\"]"), "[\"1\",2]");
    assert_eq!(name("any", "{ a = 1 }"), "{\"a\":1}");
}

#[test]
fn counted_identities_have_their_index_as_key() {
    let stack = Stack::with(
        "identity \"bot\" {\n  count = 2\n  name  = \"bot-${count.index + 1}\"\n  kind  = \"human\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n",
    );
    let declared = stack.declared();
    let names: Vec<_> =
        declared.identities.iter().map(|(address, identity)| (address.as_str(), identity.spec.name.as_str())).collect();
    assert_eq!(names, [("identity.bot[0]", "bot-1"), ("identity.bot[1]", "bot-2")]);
}

#[test]
fn text_of_many_lines() {
    let text = |expression: &str| {
        let stack = local(expression).file("o.hcl", b"owner \"o\" { name = local.x }\n");
        stack.declared().owners["o"].name.clone().unwrap()
    };
    assert_eq!(text("<<EOT\n  one\n   two ${1 + 1}\nEOT"), "  one\n   two 2\n");
    assert_eq!(text("<<-EOT\n    one\n      two\n    EOT"), "one\n  two\n");
    // As `terraform console` has them.
    for (heredoc, expected) in [
        (
            "<<-EOT\n    %{ for name in local.names ~}\n    - ${name}\n    %{ endfor ~}\n    end\n    EOT",
            "    - ann\n    - bob\n    end\n",
        ),
        ("<<-EOT\n    one\n      two ${local.names[0]}\n        three\n    EOT", "one\n  two ann\n    three\n"),
        ("<<EOT\n  %{ if true ~}\n    yes\n  %{ else ~}\n    no\n  %{ endif ~}\n  tail\nEOT", "      yes\n    tail\n"),
        ("<<-EOT\n    %{ for name in local.names }\n    - ${name}\n    %{ endfor }\n    EOT", "\n- ann\n\n- bob\n\n"),
        ("<<-EOT\n\n      x\n    ${local.names[0]} y\n\n    z\n    EOT", "\n  x\nann y\n\nz\n"),
        ("<<-EOT\n    a ${~ local.names[0] ~}\n    \n      b\n    EOT", "aann    \n  b\n"),
        ("\"x  %{ for n in local.names ~}  ${n}  %{ endfor ~}   y\"", "x  ann  bob  y"),
    ] {
        assert_eq!(text(heredoc), expected, "{heredoc}");
    }
    assert_eq!(text("<<EOT\n\\n $${x} %%{y}\nEOT"), "\\n ${x} %{y}\n");
    assert_eq!(text("\"%{ if var.count > 2 }many%{ else }few%{ endif }\""), "many");
}
