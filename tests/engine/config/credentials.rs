//! `store` blocks and the `credential` blocks that name them.

use leasehold::config::declared::{KeyRotation, SecretStore};
use leasehold_provider::{Address, Credential, Span};

use super::stack::Stack;

/// A stack with a store and a user that has these blocks.
fn stack(credentials: &str) -> Stack {
    user("service", credentials)
}

fn user(kind: &str, credentials: &str) -> Stack {
    Stack::with(&format!(
        "store \"file\" \"vault\" {{ path = \"secrets\" }}\nidentity \"x\" {{\n  kind = \"{kind}\"\n  owner = owner.jane\n  ttl = \"1d\"\n  {credentials}\n}}\n"
    ))
}

fn terms(stack: &Stack) -> Option<KeyRotation> {
    let declared = stack.declared();
    assert_eq!(stack.drawn(), "");
    declared.identities[&Address::for_identity("x", None)].access_key.clone()
}

#[test]
fn keys_are_issued_on_the_terms_that_are_written_or_on_the_usual_ones() {
    let usual = terms(&stack("credential \"access_key\" { store = store.vault }")).unwrap();
    assert_eq!((usual.rotate_every, usual.overlap), (Span::from_days(90), Span::from_days(1)));
    let own = "credential \"access_key\" {\n store = store.vault\n rotate_every = \"12h\"\n overlap = \"45m\"\n }";
    let own = terms(&stack(own)).unwrap();
    assert_eq!(
        (own.store.as_str(), own.rotate_every.to_string(), own.overlap.to_string()),
        ("vault", "12h".into(), "45m".into())
    );
}

#[test]
fn empty_credential_block_keeps_live_credentials() {
    let stack = stack("credential \"access_key\" {}\n credential \"login\" {}");
    assert_eq!(terms(&stack), None);
    let identity = &stack.declared().identities[&Address::for_identity("x", None)];
    assert_eq!(Vec::from_iter(identity.spec.retained_credentials.clone()), [Credential::AccessKey, Credential::Login]);
}

#[test]
fn stores_have_a_place_below_the_stack_unless_they_say_another() {
    let stack = Stack::with("store \"file\" \"a\" {}\nstore \"file\" \"b\" { path = \"/run/secrets/b\" }\n");
    let path = |name: &str| match &stack.declared().stores[name].settings {
        SecretStore::File { path } => path.clone(),
    };
    assert_eq!((path("a").as_str(), path("b").as_str()), (".leasehold/secrets/a", "/run/secrets/b"));
}

#[test]
fn credential_block_in_template_and_store_as_module_argument() {
    let text = "store \"file\" \"vault\" {}\ntemplate \"bot\" {\n  kind = \"service\"\n  owner = owner.jane\n  ttl = \"1d\"\n  credential \"access_key\" {\n    store = store.vault\n    rotate_every = \"7d\"\n  }\n}\nidentity \"x\" { template = template.bot }\nidentity \"kept\" {\n  template = template.bot\n  credential \"access_key\" {}\n}\n";
    let stack = Stack::with(text);
    assert_eq!(terms(&stack).unwrap().rotate_every, Span::from_days(7));
    let kept = &stack.declared().identities[&Address::for_identity("kept", None)];
    assert!(kept.access_key.is_none() && kept.spec.retained_credentials.contains(&Credential::AccessKey));

    let calls = "store \"file\" \"vault\" {}\nmodule \"m\" {\n  source = \"./m\"\n  keep = store.vault\n  who = owner.jane\n}\n";
    let module = "variable \"keep\" { type = store }\nvariable \"who\" { type = owner }\nidentity \"x\" {\n  kind = \"service\"\n  owner = var.who\n  ttl = \"1d\"\n  credential \"access_key\" { store = var.keep }\n}\n";
    let stack = Stack::with(calls).module("m/main.hcl", module);
    let declared = stack.declared();
    assert_eq!(stack.drawn(), "");
    let inner = declared.identities.values().next().unwrap();
    assert_eq!(inner.access_key.as_ref().unwrap().store, "vault");
}

#[test]
fn invalid_credential_blocks_have_place_and_remedy() {
    let key = |inner: &str| format!("credential \"access_key\" {{\n {inner}\n }}");
    let cases = [
        (stack(&key("rotate_every = \"9d\"")), "`rotate_every` requires `store`", "store = store.NAME"),
        (stack(&key("store = store.volt")), "store.volt is not declared", "did you mean store.vault?"),
        (stack(&key("store = \"vault\"")), "`store` names a store block, not text", "write store.vault without quotes"),
        (stack(&key("store = owner.jane")), "`store` must be a store", "store.NAME"),
        (
            stack(&key("store = store.vault\n overlap = \"90d\"")),
            "an overlap of 90d is not shorter than",
            "shorter than `rotate_every`",
        ),
        (
            stack(&key("store = store.vault\n rotate_every = \"1d\"")),
            "an overlap of 1d is not shorter than",
            "such as \"1d\" and \"90d\"",
        ),
        (stack(&key("store = store.vault\n overlap = \"soon\"")), "\"soon\" is not a duration", ""),
        (
            stack(&key("store = store.vault\n rotate = \"9d\"")),
            "has no attribute `rotate`",
            "did you mean `rotate_every`?",
        ),
        (
            stack(&key("").repeat(2).replace("}credential", "}\ncredential")),
            "has two credential \"access_key\" blocks",
            "into one",
        ),
        (user("workload", &key("store = store.vault")), "only a user can have credentials", "principal = \"user\""),
        (
            Stack::with("store \"file\" \"a\" { path = \"s\" }\nstore \"file\" \"b\" { path = \"./s/\" }\n"),
            "store.b and store.a have the same path",
            "a different path for each store",
        ),
        (Stack::with("store \"file\" \"../x\" {}\n"), "is not a valid store name", "store \"file\" \"vault\" {}"),
        (Stack::with("store \"vault\" \"x\" {}\n"), "\"vault\"", "file"),
        (Stack::with("store \"file\" \"a\" {}\nstore \"file\" \"a\" {}\n"), "is declared twice", "change the label"),
        (
            Stack::with("module \"m\" { source = \"./m\" }\n").module("m/main.hcl", "store \"file\" \"a\" {}\n"),
            "a module cannot have a `store` block",
            "remove it",
        ),
    ];
    for (stack, summary, help) in cases {
        let drawn = stack.drawn();
        let words = drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(summary) && words.contains(help), "{summary:?}, {help:?}:\n{drawn}");
    }
}
