//! Bad input, and what people see of it. Each drawing should name the place, the value and the remedy.

use super::stack::Stack;

/// Compares the drawn findings of a stack with the snapshot of that name.
macro_rules! drawn {
    ($($name:ident: $stack:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), $stack.drawn());
        }
    )*};
}

/// An identity that is sound but for what `lines` say.
fn identity(lines: &str) -> Stack {
    Stack::with(&format!("identity \"bot\" {{\n  kind  = \"service\"\n  owner = owner.jane\n{lines}}}\n"))
}

/// A stack with two accounts whose one identity names its provider so.
fn accounts(provider: &str) -> Stack {
    Stack::with(&format!(
        "provider \"aws\" {{\n}}\nprovider \"aws\" {{\n  alias = \"audit\"\n}}\nidentity \"bot\" {{\n  kind     = \"service\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n  provider = {provider}\n}}\n"
    ))
}

drawn! {
    syntax_error: Stack::with("identity \"bot\" {\n  kind = = \"service\"\n}\nscope \"x\" {\n  descripton = \"y\"\n}\n");
    missing_comma: Stack::with("locals {\n  list = [\n    \"a\"\n    \"b\",\n  ]\n}\n");
    two_attributes_on_one_line: Stack::with("service \"x\" { owner = owner.jane status = \"retired\" }\n");
    single_quotes: Stack::with("locals {\n  a = 'text'\n}\n");
    unclosed_brace: Stack::with("owner \"tom\" {\n  name = \"Tom\"\n\nowner \"ann\" {\n  nme = \"Ann\"\n}\n");
    unclosed_string: Stack::with("owner \"tom\" {\n  name = \"Tom\n}\nowner \"ann\" {\n  nme = \"Ann\"\n}\n");
    unclosed_heredoc: Stack::with("locals {\n  text = <<EOT\n    words\n}\n");
    mismatched_bracket: Stack::with("locals {\n  list = [1, 2)\n}\n");
    attribute_twice: Stack::with("owner \"tom\" {\n  name = \"Tom\"\n  name = \"Thomas\"\n}\n");
    unknown_block: Stack::with("identiy \"bot\" {\n}\n");
    unknown_inner_block: identity("  ttl = \"1d\"\n  statment {\n  }\n");
    block_of_a_later_version: Stack::with("grant \"base\" {\n}\nrule \"m\" {\n}\n");
    attribute_of_a_later_version: identity("  ttl = \"1d\"\n  review { every = \"30d\" }\n");
    backend_not_built_in: Stack::of("leasehold {\n  stack = \"demo\"\n  backend \"gcs\" { bucket = \"b\" }\n}\n");
    bucket_without_a_name: Stack::of("leasehold {\n  stack = \"demo\"\n  backend \"s3\" { buckt = \"b\" }\n}\n");
    unknown_attribute: identity("  ttl       = \"1d\"\n  enviroment = \"prod\"\n");
    attribute_that_is_a_block: identity("  ttl = \"1d\"\n  statement = {}\n");
    stray_attribute: Stack::with("bucket = \"x\"\n");
    unknown_reference: Stack::with("identity \"bot\" {\n  kind   = \"service\"\n  owner  = owner.jan\n  ttl    = \"1d\"\n  scopes = [scope.orders, local.scopes]\n}\n");
    unknown_variable: Stack::with("variable \"environment\" { default = \"prod\" }\nlocals {\n  env = var.enviroment\n}\n");
    unknown_word: Stack::with("locals {\n  a = prod\n  b = vra.x\n  c = each.key\n  d = path.module\n}\n");
    unknown_function: Stack::with("locals {\n  a = uper(\"x\")\n  b = timestamp()\n}\n");
    duplicate_block: Stack::with("owner \"jane\" {\n  name = \"Another\"\n}\n");
    duplicate_block_in_one_file: Stack::with("scope \"s\" {\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\nscope \"s\" {\n}\n");
    duplicate_local: Stack::with("locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n");
    wrong_types: identity("  ttl    = [\"1d\"]\n  scopes = \"orders\"\n  tags   = \"x\"\n  managed_policy_arns = \"arn:aws:iam::aws:policy/ReadOnlyAccess\"\n  purpose = { a = 1 }\n");
    missing_owner: Stack::with("identity \"bot\" {\n  kind = \"service\"\n  ttl  = \"1d\"\n}\n");
    owner_is_null: Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = null\n  ttl   = \"1d\"\n}\n");
    owner_as_text: Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = \"jane\"\n  ttl   = \"1d\"\n}\n");
    owner_is_a_service: Stack::with("service \"s\" {}\nidentity \"bot\" {\n  kind  = \"service\"\n  owner = service.s\n  ttl   = \"1d\"\n}\n");
    unknown_kind: Stack::with("identity \"bot\" {\n  kind  = \"servce\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n");
    ttl_in_months: identity("  ttl = \"3 months\"\n");
    ttl_without_unit: identity("  ttl = 90\n");
    no_such_day: identity("  expires_at = \"2027-02-30T00:00:00Z\"\n");
    never_ends: identity("  expires_at = \"never\"\n");
    relative_instant: identity("  expires_at = \"in 3 days\"\n");
    instant_without_offset: identity("  expires_at = \"2027-02-28T00:00:00\"\n");
    ttl_and_expires_at: identity("  ttl        = \"90d\"\n  expires_at = \"2027-02-28T00:00:00Z\"\n");
    names_differ_by_case: Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\nidentity \"other\" {\n  kind  = \"human\"\n  owner = owner.jane\n  name  = \"Bot\"\n  ttl   = \"1d\"\n}\n");
    one_name_twice: Stack::with("identity \"bot\" {\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\nidentity \"other\" {\n  kind  = \"human\"\n  owner = owner.jane\n  name  = \"bot\"\n  ttl   = \"1d\"\n}\n");
    one_name_for_all_instances: Stack::with("identity \"bot\" {\n  for_each = toset([\"a\", \"b\"])\n  kind  = \"service\"\n  name  = \"bot\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n");
    scopes_differ_by_case: Stack::with("scope \"s\" {\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\nscope \"S\" {\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\n");
    no_leasehold_block: Stack::of("owner \"jane\" {\n}\n");
    no_file: Stack::default();
    stack_name: Stack::of("leasehold { stack = \"My Stack\" }\n");
    newer_version_required: Stack::of("leasehold {\n  stack            = \"demo\"\n  required_version = \">= 99.0\"\n}\n");
    not_utf8: Stack::with("").file("latin.hcl", b"owner \"tom\" {\n  name = \"J\xf6rg\"\n}\n");
    utf16: Stack::with("").file("wide.hcl", b"\xff\xfeo\0w\0");
    seventy_levels: Stack::with(&format!("locals {{\n  deep = {}1{}\n}}\nlocals {{\n  x = nope.y\n}}\n", "[".repeat(70), "]".repeat(70)));
    cycle_of_locals: Stack::with("locals {\n  a = \"${local.b}!\"\n  b = [local.c]\n  c = { x = local.a }\n}\n");
    local_needs_itself: Stack::with("locals {\n  a = local.a + 1\n}\n");
    trust_on_a_user: identity("  ttl = \"1d\"\n  max_session_duration = \"1h\"\n  trust \"service\" { principals = [\"lambda.amazonaws.com\"] }\n");
    role_without_trust: Stack::with("identity \"bot\" {\n  kind  = \"workload\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n");
    no_lease: identity("");
    statement_without_resources: identity("  ttl = \"1d\"\n  statement {\n    actions     = [\"s3:GetObject\"]\n    not_actions = [\"s3:PutObject\"]\n  }\n");
    sensitive_name: identity("  ttl  = \"1d\"\n  name = \"bot-${var.token}\"\n").file("v.hcl", b"variable \"token\" {\n  sensitive = true\n  default   = \"hunter2\"\n}\n");
    terminal_escapes: Stack::with("owner \"tom\" {\n  nme = \"\x1b[31mred\x1b[0m \u{202e}txt\"\n}\nowner \"t\x1bm\" {\n}\n");
    several_files_at_once: Stack::with("owner \"tom\" {\n  name = \n}\n").file("b.hcl", b"owner \"ann\" {\n  nme = \"Ann\"\n}\nidentity \"bot\" {\n  kind  = \"service\"\n  owner = owner.tom\n  ttl   = \"never\"\n}\n");
    condition_without_values: identity("  ttl = \"1d\"\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [\"*\"]\n    condition {\n      test     = \"Bool\"\n      variable = \"aws:SecureTransport\"\n    }\n  }\n");
    missing_label: Stack::with("owner {\n  name = \"x\"\n}\nscope \"a\" \"b\" {\n}\nowner \"1 x\" {\n}\n");
    unknown_trust: Stack::with("identity \"bot\" {\n  kind  = \"workload\"\n  owner = owner.jane\n  ttl   = \"1d\"\n  trust \"odic\" {\n  }\n}\n");
    for_each_over_a_list: Stack::with("identity \"bot\" {\n  for_each = [\"a\", \"b\"]\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = \"1d\"\n}\n");
    wrong_in_every_instance: Stack::with("identity \"bot\" {\n  for_each = { a = \"1 month\", b = \"x\" }\n  kind  = \"service\"\n  owner = owner.jane\n  ttl   = each.value\n}\n");
    account_id_as_number: Stack::with("provider \"aws\" {\n  allowed_account_ids = [\"12345\"]\n}\n");
    unknown_provider: accounts("provider.aws.adit");
    provider_as_text: accounts("\"audit\"");
    provider_of_another_type: accounts("provider.local");
    provider_that_is_no_provider: accounts("owner.jane");
    no_provider_without_alias: Stack::with("provider \"aws\" {\n  alias = \"audit\"\n}\nprovider \"aws\" {\n  alias = \"prod\"\n}\nidentity \"bot\" {\n  for_each = toset([\"a\", \"b\"])\n  kind     = \"service\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n}\n");
    two_providers_without_alias: Stack::with("provider \"aws\" {\n}\nprovider \"aws\" {\n  region = \"eu-central-1\"\n}\n");
    one_alias_twice: Stack::with("provider \"aws\" {\n  alias = \"audit\"\n}\nprovider \"aws\" {\n  alias = \"audit\"\n}\n");
    providers_of_two_types: Stack::with("provider \"aws\" {\n}\nprovider \"local\" {\n  alias = \"b\"\n}\n");
    one_directory_twice: Stack::with("provider \"local\" {\n}\nprovider \"local\" {\n  alias = \"b\"\n  path  = \"./.leasehold/directory.db\"\n}\n");
    alias_that_is_no_name: Stack::with("provider \"local\" {\n  alias = \"Audit 1\"\n  path  = \"a.db\"\n}\nprovider \"local\" {\n  alias = upper(\"b\")\n}\n");
    provider_on_a_scope: Stack::with("provider \"aws\" {\n}\nscope \"s\" {\n  provider = provider.aws\n  statement {\n    actions   = [\"a:b\"]\n    resources = [\"*\"]\n  }\n}\n");
    member_of_another_account: Stack::with("provider \"aws\" {\n}\nprovider \"aws\" {\n  alias = \"audit\"\n}\nidentity \"ann\" {\n  kind     = \"human\"\n  owner    = owner.jane\n  ttl      = \"1d\"\n  provider = provider.aws.audit\n}\ngroup \"team\" {\n  members = [identity.ann]\n}\n");
    provider_in_a_module: Stack::with("provider \"aws\" {\n}\nmodule \"team\" {\n  source = \"./team\"\n}\n").module("team/main.hcl", "owner \"ann\" {}\nidentity \"bot\" {\n  kind     = \"service\"\n  owner    = owner.ann\n  ttl      = \"1d\"\n  provider = provider.aws.prod\n}\n");
}

#[test]
fn a_secret_never_shows() {
    for expression in
        ["var.token + 1", "var.token.x", "[for x in var.token : x]", "regex(\"z\", var.token)", "tonumber(var.token)"]
    {
        let stack = Stack::with(&format!("locals {{\n  a = {expression}\n}}\n"))
            .file("v.hcl", b"variable \"token\" {\n  sensitive = true\n  default   = \"hunter2\"\n}\n");
        let drawn = stack.drawn();
        assert!(drawn.contains("(sensitive value)") || drawn.contains("sensitive"), "{drawn}");
        // The default itself stands in its file, but no drawing of this expression shows that line.
        assert!(!drawn.contains("hunter2"), "{drawn}");
    }
}
