//! Templates: what identities take, what they say themselves, and what people see when it does not fit.

use leasehold_provider::Address;

use super::stack::Stack;

const CI: &str = r#"
scope "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
scope "write" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["*"]
  }
}
template "ci" {
  kind        = "workload"
  owner       = owner.jane
  environment = "prod"
  ttl         = "30d"
  scopes      = [scope.read]
  tags        = { team = "pay", tool = "ci" }
  statement {
    actions   = ["sts:GetCallerIdentity"]
    resources = ["*"]
  }
  trust "service" { principals = ["codebuild.amazonaws.com"] }
  add = ["scopes", "tags"]
}
"#;

fn ci(identity: &str) -> Stack {
    Stack::with(&format!("{CI}\nidentity \"x\" {{\n  template = template.ci\n{identity}}}\n"))
}

#[test]
fn identity_inherits_unset_attributes() {
    let declared = ci("").declared();
    let identity = &declared.identities[&Address::from_text("identity.x")];
    assert_eq!((identity.spec.kind.as_str(), identity.spec.owner.as_str()), ("workload", "jane"));
    assert_eq!(identity.lease.ttl.unwrap().to_string(), "30d");
    assert_eq!(identity.spec.environment.as_deref(), Some("prod"));
    assert_eq!((identity.spec.statements.len(), identity.spec.trusts.len(), identity.spec.tags.len()), (1, 1, 2));
    let mark = identity.spec.template.as_deref().unwrap();
    assert!(mark.starts_with("ci@") && mark.len() == 15, "{mark}");
}

#[test]
fn identity_attributes_override_and_add_lists_extend() {
    let declared = ci(
        "  kind = \"agent\"\n  environment = null\n  expires_at = \"2027-01-01T00:00:00Z\"\n  scopes = [scope.write]\n  tags = { team = \"shop\" }\n  trust \"service\" { principals = [\"lambda.amazonaws.com\"] }\n",
    )
    .declared();
    let identity = &declared.identities[&Address::from_text("identity.x")];
    assert_eq!((identity.spec.kind.as_str(), identity.spec.environment.as_deref()), ("agent", Some("prod")));
    assert!(identity.lease.ttl.is_none() && identity.lease.expires_at.is_some());
    assert_eq!(identity.spec.scopes.iter().map(String::as_str).collect::<Vec<_>>(), ["read", "write"]);
    assert_eq!(
        identity.spec.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(),
        [("team", "shop"), ("tool", "ci")]
    );
    assert_eq!(format!("{:?}", identity.spec.trusts), "[Service { principals: [\"lambda.amazonaws.com\"] }]");
    // The template does not say that scopes replace: an empty list adds nothing.
    let declared = ci("  scopes = []\n").declared();
    assert_eq!(declared.identities.values().next().unwrap().spec.scopes.len(), 1);
}

#[test]
fn template_mark_covers_only_the_template_content() {
    let mark = |text: &str| {
        let stack = Stack::with(&format!("{text}\nidentity \"x\" {{ template = template.ci }}\n"));
        stack.declared().identities.values().next().unwrap().spec.template.clone().unwrap()
    };
    let before = mark(CI);
    assert_eq!(mark(&format!("\n# moved down\n{CI}")), before);
    assert_eq!(mark(&CI.replace("\"30d\"", "\"${10 * 3}d\"")), before);
    for (from, to) in [("30d", "31d"), ("codebuild", "lambda"), ("[scope.read]", "[scope.write]"), (", \"tags\"", "")] {
        assert_ne!(mark(&CI.replacen(from, to, 1)), before, "{from}");
    }
}

/// A new attribute must leave these marks as they are: otherwise every identity of a template shows drift after an upgrade.
#[test]
fn the_marks_of_templates_stay_as_earlier_versions_wrote_them() {
    let terms = "template \"t\" {\n  kind = \"service\"\n  owner = owner.jane\n  expires_at = \"2027-01-01T00:00:00Z\"\n  leaver { grace = \"3d\" }\n  credential \"login\" {}\n  credential \"access_key\" { store = store.vault }\n}\nstore \"file\" \"vault\" {}\n";
    let trusting = "template \"t\" {\n  principal = \"role\"\n  max_session_duration = \"2h\"\n  trust \"identity\" { identities = [identity.bot] }\n}\nidentity \"bot\" {\n  kind = \"service\"\n  owner = owner.jane\n}\n";
    for (template, more, mark) in [
        (CI, "template = template.ci", "ci@4de74695de9a"),
        (terms, "template = template.t", "t@16d69e80d2e7"),
        (trusting, "template = template.t\n  kind = \"service\"\n  owner = owner.jane", "t@401572c63973"),
    ] {
        let declared = Stack::with(&format!("{template}\nidentity \"x\" {{\n  {more}\n}}\n")).declared();
        assert_eq!(declared.identities[&Address::from_text("identity.x")].spec.template.as_deref(), Some(mark));
    }
}

#[test]
fn what_a_template_gives_can_be_read_from_the_identity() {
    let declared = ci("  purpose = \"${identity.x.ttl} ${identity.x.name} ${identity.x.kind}\"\n").declared();
    assert_eq!(declared.identities.values().next().unwrap().spec.purpose.as_deref(), Some("30d x workload"));
}

#[test]
fn template_is_a_module_argument() {
    let declared = Stack::with(&format!("{CI}\nmodule \"m\" {{\n  source = \"./m\"\n  base   = template.ci\n}}\n"))
        .module("m/main.hcl", "variable \"base\" { type = template }\ntemplate \"own\" {\n  ttl = \"2d\"\n}\nidentity \"a\" { template = var.base }\nidentity \"b\" {\n  template = template.own\n  kind     = \"service\"\n  owner    = var.base.owner\n}\n")
        .declared();
    let of = |address: &str| declared.identities[&Address::from_text(address)].spec.template.clone().unwrap();
    assert!(of("module.m.identity.a").starts_with("ci@"));
    assert!(of("module.m.identity.b").starts_with("m.own@"));
}

#[test]
fn template_unknown() {
    insta::assert_snapshot!(ci("  kind = \"agent\"\n").file("b.hcl", b"identity \"y\" {\n  template = template.c1\n}\nidentity \"z\" {\n  template = \"ci\"\n  kind = \"agent\"\n  owner = owner.jane\n}\n").drawn(), @r#"
    config::undefined_reference

      × template.c1 is not declared
       ╭─[b.hcl:2:14]
     1 │ identity "y" {
     2 │   template = template.c1
       ·              ─────┬─────
       ·                   ╰── not declared
     3 │ }
       ╰────
      help: did you mean template.ci?

    config::type

      × `template` names a template block, not text
       ╭─[b.hcl:5:14]
     4 │ identity "z" {
     5 │   template = "ci"
       ·              ──┬─
       ·                ╰── this is a string: "ci"
     6 │   kind = "agent"
       ╰────
      help: write template.ci without quotes
    "#);
}

#[test]
fn template_without_kind() {
    insta::assert_snapshot!(Stack::with("template \"bare\" {\n  ttl = \"1d\"\n}\nidentity \"x\" {\n  template = template.bare\n  owner    = owner.jane\n}\n").drawn(), @r#"
    config::missing_attribute

      × identity "x" has no `kind`
       ╭─[main.hcl:4:1]
     3 │ }
     4 │ identity "x" {
       · ──────┬─────
       ·       ╰── `kind` is missing
     5 │   template = template.bare
       ·              ──────┬──────
       ·                    ╰── this template does not set it either
     6 │   owner    = owner.jane
       ╰────
      help: add `kind` to the identity or to its template
    "#);
}

#[test]
fn template_with_wrong_words() {
    insta::assert_snapshot!(
        "template_with_wrong_words",
        Stack::with("template \"t\" {\n  name = \"x\"\n  ttl  = \"soon\"\n  add  = [\"scopse\", \"ttl\"]\n}\n").drawn()
    );
}

/// A deadline that could not be read is an error. It must not read as "never expires" as well.
#[test]
fn invalid_ttl_is_not_reported_as_no_lease() {
    const IDENTITY: &str = "identity \"x\" {\n  kind = \"service\"\n  owner = owner.jane\n";
    let template = "template \"t\" {\n  ttl = \"ninety\"\n}\n";
    for drawn in [
        Stack::with(&format!("{template}{IDENTITY}  template = template.t\n}}\n")).drawn(),
        Stack::with(&format!("{IDENTITY}  ttl = \"ninety\"\n}}\n")).drawn(),
        Stack::of(&format!(
            "leasehold {{\n  stack = \"one\"\n  defaults {{\n    ttl = \"ninety\"\n  }}\n}}\n\
             owner \"jane\" {{ email = \"jane@example.com\" }}\n{IDENTITY}}}\n"
        ))
        .drawn(),
    ] {
        assert!(drawn.contains("is not a duration") && !drawn.contains("no_lease"), "{drawn}");
    }
    assert!(Stack::with(&format!("{IDENTITY}}}\n")).drawn().contains("no_lease"));
}
