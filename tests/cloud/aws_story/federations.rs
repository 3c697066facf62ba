//! Issuers and directories whose word the account takes, as objects of the stack.

use serde_json::{Value, json};

use super::{Emulator, filtered, fresh};
use leasehold_test_harness::Stack;

const FEDERATIONS: &str = r#"
federation "oidc" "github" {
  url       = "https://token.actions.githubusercontent.com"
  audiences = ["sts.amazonaws.com"]
}

federation "saml" "corp" {
  metadata = file("corp.xml")
}

identity "console" {
  kind       = "workload"
  owner      = owner.jane
  expires_at = "2090-01-01T00:00:00Z"
  trust "saml" {
    provider  = "corp"
    audiences = ["https://signin.aws.amazon.com/saml"]
  }
}
"#;

fn metadata(entity: &str) -> String {
    format!("<EntityDescriptor entityID=\"{entity}\">{}</EntityDescriptor>", "x".repeat(1000))
}

/// The stack with two federations, each named by a role's trust; not applied.
fn federated() -> (Emulator, Stack) {
    let (aws, stack) = fresh();
    stack.append("stack.hcl", FEDERATIONS);
    stack.write("corp.xml", &metadata("https://corp.example.com"));
    (aws, stack)
}

/// All that boto3 sees of providers, tags apart.
fn providers(aws: &Emulator) -> Value {
    aws.boto3(
        "
        oidc = [iam.get_open_id_connect_provider(OpenIDConnectProviderArn=p['Arn'])
                for p in iam.list_open_id_connect_providers()['OpenIDConnectProviderList']]
        saml = [iam.get_saml_provider(SAMLProviderArn=p['Arn']) for p in iam.list_saml_providers()['SAMLProviderList']]
        print({
            'oidc': [[p['Url'], sorted(p['ClientIDList']), p['ThumbprintList']] for p in oidc],
            'saml': [p['SAMLMetadataDocument'][:60] for p in saml],
            'marks': sorted({t['Key'] + '=' + t['Value'] for p in oidc + saml for t in p.get('Tags', []) if not t['Key'].endswith(('digest', 'lineage'))}),
        })
        ",
    )
}

#[test]
fn federations_are_created_before_and_deleted_after_their_trusts() {
    let (aws, stack) = federated();
    filtered!("federations_join", stack.apply());
    stack.assert_converged();
    stack.ok(&["drift"]);
    let live = providers(&aws);
    assert_eq!(live["oidc"], json!([["token.actions.githubusercontent.com", ["sts.amazonaws.com"], []]]));
    assert_eq!(live["saml"].as_array().unwrap().len(), 1);
    assert_eq!(
        live["marks"],
        json!(["leasehold:address=federation.corp", "leasehold:address=federation.github", "leasehold:stack=payments"])
    );
    let made = |action: &str, name: &str| {
        let is = |r: &leasehold_emulator::Request| {
            r.action == action && (name.is_empty() || r.parameters.get("RoleName").is_some_and(|role| role == name))
        };
        aws.requests().iter().position(is).unwrap()
    };
    assert!(made("CreateOpenIDConnectProvider", "") < made("CreateRole", "checkout_ci"));
    assert!(made("CreateSAMLProvider", "") < made("CreateRole", "console"));
    let trust = super::role(&aws, "console")["trust"]["Statement"][0]["Principal"].clone();
    assert_eq!(trust, json!({ "Federated": "arn:aws:iam::123456789012:saml-provider/corp" }));

    // Another audience, thumbprints, other metadata.
    stack.edit(
        "stack.hcl",
        "  audiences = [\"sts.amazonaws.com\"]\n}",
        &format!("  audiences   = [\"acme\"]\n  thumbprints = [\"{}\"]\n}}", "A1".repeat(20)),
    );
    stack.write("corp.xml", &metadata("https://login.example.com"));
    filtered!(stack.plan(), @r#"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      ~ federation  federation.github  attached to 1 identity
          ~ aws_iam_openid_connect_provider  token.actions.githubusercontent.com
              client_id_list:
                - "sts.amazonaws.com"
                + "acme"
              thumbprint_list: none → ["a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"]

      ~ federation  federation.corp  attached to 1 identity
          ~ aws_iam_saml_provider           corp
              saml_metadata_document:
                - <EntityDescriptor entityID="https://corp.example.com">xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (1073 characters)
                + <EntityDescriptor entityID="https://login.example.com">xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (1074 characters)

      ~ mover    identity.console  workload · owner jane · expires 2090-01-01 ([days]) · same access
          federation.corp changed

      ~ mover    identity.checkout_ci  workload · owner jane · service checkout · prod · expires 2090-01-01 ([days]) · same access
          federation.github changed

    Plan: 0 to add, 2 to change, 0 to destroy.  2 movers, 2 federations.
    "#);
    stack.apply();
    stack.assert_converged();
    let live = providers(&aws);
    assert_eq!(live["oidc"], json!([["token.actions.githubusercontent.com", ["acme"], ["a1".repeat(20)]]]));
    assert!(live["saml"][0].as_str().unwrap().contains("login.example.com"));

    // Somebody else lets himself in.
    aws.boto3(
        "
        arn = iam.list_open_id_connect_providers()['OpenIDConnectProviderList'][0]['Arn']
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID='intruder')
        ",
    );
    stack.run(&["drift"]).expect(2).says(&["federation.github"]);
    stack.apply();
    stack.assert_converged();
    assert_eq!(providers(&aws)["oidc"][0][1], json!(["acme"]));

    // As long as a role of the stack trusts them they stay; after it they go.
    stack.cut("stack.hcl", "federation \"oidc\" \"github\"");
    stack.cut("stack.hcl", "federation \"saml\" \"corp\"");
    stack.assert_converged();
    stack.cut("stack.hcl", "identity \"console\"");
    stack.cut("stack.hcl", "identity \"checkout_ci\"");
    stack.apply();
    stack.assert_converged();
    assert_eq!(providers(&aws), json!({ "oidc": [], "saml": [], "marks": [] }));
}

#[test]
fn unmanaged_federation_and_its_trusts_are_unchanged() {
    let (aws, stack) = federated();
    aws.boto3(
        "
        iam.create_open_id_connect_provider(Url='https://token.actions.githubusercontent.com', ClientIDList=['theirs'], ThumbprintList=[])
        ",
    );
    filtered!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    plan::name_taken

      × federation.github cannot be created: aws_iam_openid_connect_provider
      │ token.actions.githubusercontent.com already exists and does not belong to this stack
      │ arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com exists in the
      │ cloud, and it has no Leasehold marks. Leasehold only changes objects that have the marks of
      │ its stack.
        ╭─[stack.hcl:62:1]
     61 │ 
     62 │ federation "oidc" "github" {
        · ─────────────┬────────────
        ·              ╰── this name is taken
     63 │   url       = "https://token.actions.githubusercontent.com"
        ╰────
      help: Remove the block: `trust` blocks may also name federations that this stack does not
            manage. Or delete the live object outside Leasehold if it is unused.
    "#);
    stack.cut("stack.hcl", "federation \"oidc\" \"github\"");
    stack.apply();
    stack.assert_converged();
    assert_eq!(providers(&aws)["oidc"][0][1], json!(["theirs"]));

    // Somebody else's role trusts the stack's directory: it is kept, and the plan says for whom.
    aws.boto3(
        "
        trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRoleWithSAML',
                 'Principal': {'Federated': 'arn:aws:iam::123456789012:saml-provider/corp'},
                 'Condition': {'StringEquals': {'SAML:aud': 'https://signin.aws.amazon.com/saml'}}}]}
        iam.create_role(RoleName='theirs', AssumeRolePolicyDocument=json.dumps(trust))
        ",
    );
    stack.cut("stack.hcl", "federation \"saml\" \"corp\"");
    stack.cut("stack.hcl", "identity \"console\"");
    stack.apply();
    assert_eq!(providers(&aws)["saml"].as_array().unwrap().len(), 1);
    stack.plan().says(&["federation.corp", "role/theirs"]);
    aws.boto3("iam.delete_role(RoleName='theirs')");
    stack.apply();
    stack.assert_converged();
    assert_eq!(providers(&aws)["saml"], json!([]));
}

#[test]
fn a_lost_answer_leaves_one_provider_with_the_stacks_marks() {
    let (aws, stack) = federated();
    for action in ["CreateOpenIDConnectProvider", "CreateSAMLProvider"] {
        aws.order(leasehold_emulator::Fault::drop_response(action).times(1));
    }
    stack.apply().says(&["Apply complete!"]);
    stack.assert_converged();
    assert_eq!(providers(&aws)["marks"].as_array().unwrap().len(), 3);
}

#[test]
fn invalid_federation_blocks_are_reported() {
    let bad = FEDERATIONS
        .replace("https://token.actions", "http://token.actions")
        .replace("file(\"corp.xml\")", "\"corp\"")
        .replace("federation \"saml\" \"corp\"", "federation \"saml\" \"1st corp\"");
    let (_, stack) = fresh();
    stack.append("stack.hcl", &bad);
    filtered!("federations_that_are_wrong", stack.run(&["validate"]).expect(1));

    let stack = Stack::of(
        "leasehold {\n  stack = \"s\"\n}\n\nfederation \"oidc\" \"github\" {\n  url = \"https://token.actions.githubusercontent.com\"\n  \
         audiences = [\"sts.amazonaws.com\"]\n}\n",
    );
    filtered!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    realize::no_federations

      × federation.github is not supported: provider local has no federations
       ╭─[stack.hcl:5:1]
     4 │ 
     5 │ federation "oidc" "github" {
       · ─────────────┬────────────
       ·              ╰── not supported here
     6 │   url = "https://token.actions.githubusercontent.com"
       ╰────
      help: remove the block, or use provider "aws"
    "#);
}
