//! The table of scenarios. Each begins with an applied stack, or with an empty account. Then others change the account, the configuration
//! changes, and one run must bring the account to the configured state.

use crate::faults::declared::{
    BOUND, CI, CROWD, DENIAL, DENIED, GUARD, GUARDED, HEAD, HELD_BACK, KEYED, OPPOSED, OPPOSING, REPORTER, STORE,
    WRITER,
};
use crate::faults::harness::{FaultHarness, Kind};
use leasehold_test_harness::Stack;

pub struct Scenario {
    pub name: &'static str,
    /// The identities that exist before; empty if nothing was applied yet.
    before: &'static [&'static str],
    /// What others then change in the account.
    happens: fn(&FaultHarness, &Stack),
    /// The change to the configuration.
    change: fn(&Stack),
    /// The emulators that it can run on. ministack does not store boundaries.
    pub on: &'static [Kind],
    /// What an emulator cannot show, and why.
    pub omitted_kinds: &'static [(Kind, &'static str)],
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "joiner role", change: |stack| add(stack, &[CI]), ..NOTHING },
    Scenario { name: "joiner user", change: |stack| add(stack, &[REPORTER]), ..NOTHING },
    Scenario { name: "joiner that a scope holds back", change: |stack| add(stack, &[GUARD, GUARDED]), ..NOTHING },
    Scenario { name: "joiners of opposed scopes", change: |stack| add(stack, &[OPPOSED, OPPOSING]), ..NOTHING },
    Scenario { name: "joiner user with an access key", change: |stack| add(stack, &[STORE, KEYED]), ..NOTHING },
    Scenario {
        name: "mover of environment with an access key",
        before: &[STORE, KEYED],
        change: |stack| stack.edit("stack.hcl", "\"prod\"", "\"staging\""),
        ..NOTHING
    },
    Scenario {
        name: "leaver user with an issued key",
        before: &[STORE, KEYED],
        change: |stack| drop(stack.cut("stack.hcl", "identity \"caller\"")),
        ..NOTHING
    },
    Scenario {
        name: "restore of a user with an access key",
        before: &[STORE, KEYED],
        happens: |_, stack| quarantine(stack, &["caller"]),
        ..NOTHING
    },
    Scenario {
        name: "mover narrow",
        before: &[CI],
        change: |stack| {
            stack.edit("stack.hcl", r#"["s3:PutObject", "s3:DeleteObject"]"#, r#"["s3:PutObject"]"#);
            stack.edit("stack.hcl", r#"["s3:GetObject", "s3:ListBucket"]"#, r#"["s3:GetObject"]"#);
        },
        ..NOTHING
    },
    Scenario {
        name: "mover expand",
        before: &[CI, REPORTER],
        change: |stack| {
            stack.edit("stack.hcl", "\"s3:DeleteObject\"]", "\"s3:DeleteObject\", \"s3:PutObjectTagging\"]");
            stack.edit("stack.hcl", "scopes = [scope.read] # reporter", "scopes = [scope.read, scope.write]");
        },
        ..NOTHING
    },
    Scenario {
        name: "mover of environment",
        before: &[CI],
        change: |stack| {
            stack.edit("stack.hcl", "\"prod\"", "\"staging\"");
            stack.edit("stack.hcl", "repo:acme/checkout:ref:refs/heads/main", "repo:acme/checkout:environment:staging");
            stack.edit("stack.hcl", "scopes = [scope.read] # ci", "scopes = [scope.write]");
        },
        ..NOTHING
    },
    Scenario {
        name: "mover of what is denied",
        before: &[HELD_BACK],
        change: |stack| {
            stack.edit("stack.hcl", DENIAL, "");
            let (old, new) = (r#"["s3:GetObject", "s3:ListBucket"]"#, r#"["s3:GetObject", "s3:GetObjectTagging"]"#);
            stack.edit("stack.hcl", old, new);
        },
        ..NOTHING
    },
    Scenario {
        name: "mover into a policy of its own, and out of a scope",
        before: &[WRITER],
        change: |stack| {
            stack.edit("stack.hcl", "range(2)", "range(60)");
            stack.edit("stack.hcl", "scopes     = [scope.read]", "scopes     = [scope.write]");
        },
        ..NOTHING
    },
    Scenario {
        name: "mover from under AWSDenyAll",
        before: &[DENIED],
        change: |stack| {
            stack.edit("stack.hcl", "  managed_policy_arns = [\"arn:aws:iam::aws:policy/AWSDenyAll\"]\n", "");
            stack.edit("stack.hcl", "[\"s3:PutObject\"]", "[\"s3:GetObject\"]");
            stack.edit("stack.hcl", "scopes     = [scope.read]", "scopes     = [scope.write]");
        },
        ..NOTHING
    },
    Scenario {
        name: "mover under AWSDenyAll",
        before: &[CI],
        change: |stack| {
            stack.edit(
                "stack.hcl",
                "scopes = [scope.read] # ci",
                "scopes = [scope.write]\n  managed_policy_arns = [\"arn:aws:iam::aws:policy/AWSDenyAll\"]",
            );
        },
        ..NOTHING
    },
    Scenario {
        name: "movers between opposed scopes",
        before: &[OPPOSED, OPPOSING],
        change: |stack| {
            // The role and the group detach from one scope and attach another, and the scope that the role and the user keep is rewritten.
            stack.edit("stack.hcl", "[scope.orders, scope.lists]", "[scope.sweep, scope.lists]");
            stack.edit("stack.hcl", "scopes  = [scope.orders]", "scopes  = [scope.sweep]");
            stack.edit(
                "stack.hcl",
                "\"s3:PutObject\"]\n    resources = [\"*\"]",
                "\"s3:GetObject\"]\n    resources = [\"*\"]",
            );
            stack.edit("stack.hcl", "[\"s3:ListBucket\", ", "[\"s3:PutObject\", ");
        },
        ..NOTHING
    },
    Scenario {
        name: "mover of trust and of access",
        before: &[CI],
        change: |stack| {
            stack.edit("stack.hcl", "repo:acme/checkout:ref:refs/heads/main", "repo:acme/releases:ref:refs/heads/main");
            stack.edit("stack.hcl", r#"["s3:PutObject", "s3:DeleteObject"]"#, r#"["s3:PutObject", "s3:GetObject"]"#);
            stack.edit("stack.hcl", r#"["s3:GetObject", "s3:ListBucket"]"#, r#"["s3:ListBucket", "s3:GetObjectAcl"]"#);
        },
        ..NOTHING
    },
    Scenario {
        name: "mover of boundary and of trust",
        before: &[BOUND],
        change: |stack| {
            stack.edit("stack.hcl", "edge-one", "edge-two");
            stack.edit("stack.hcl", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com");
            stack.edit("stack.hcl", r#"["s3:DeleteObject", "#, r#"["s3:PutObject", "#);
            stack.edit(
                "stack.hcl",
                r#"["s3:GetObject", "s3:ListBucket"]"#,
                r#"["s3:GetObject", "s3:GetObjectTagging"]"#,
            );
        },
        on: &[Kind::Moto],
        ..NOTHING
    },
    Scenario {
        name: "leaver user with every credential",
        before: &[REPORTER],
        happens: |stage, _| every_credential(stage),
        change: |stack| drop(stack.cut("stack.hcl", "identity \"reporter\"")),
        omitted_kinds: NO_SSH,
        ..NOTHING
    },
    Scenario {
        name: "leaver user with every credential, after grace",
        before: &[REPORTER],
        happens: |stage, stack| {
            every_credential(stage);
            quarantined_long_ago(stack, "reporter");
        },
        change: |stack| drop(stack.cut("stack.hcl", "identity \"reporter\"")),
        omitted_kinds: NO_SSH,
        ..NOTHING
    },
    Scenario {
        name: "leaver role in an instance profile",
        before: &[CI],
        happens: |stage, _| in_instance_profile(stage),
        change: |stack| drop(stack.cut("stack.hcl", "identity \"ci\"")),
        ..NOTHING
    },
    Scenario {
        name: "leaver role in an instance profile, after grace",
        before: &[CI],
        happens: |stage, stack| {
            in_instance_profile(stage);
            quarantined_long_ago(stack, "ci");
        },
        change: |stack| drop(stack.cut("stack.hcl", "identity \"ci\"")),
        ..NOTHING
    },
    Scenario {
        name: "restore",
        before: &[CI, REPORTER],
        happens: |_, stack| quarantine(stack, &["ci", "reporter"]),
        change: |_| {},
        ..NOTHING
    },
    Scenario {
        name: "drift of fences and of what they fence",
        before: &[CI, REPORTER],
        happens: |stage, _| remove_lease_denies(stage),
        ..NOTHING
    },
    Scenario { name: "mixed stack of 20 identities", before: &[CROWD], change: move_many_identities, ..NOTHING },
];

const NOTHING: Scenario = Scenario {
    name: "",
    before: &[],
    happens: |_, _| {},
    change: |_| {},
    on: &[Kind::Moto, Kind::Ministack],
    omitted_kinds: &[],
};

const NO_SSH: &[(Kind, &str)] = &[(
    Kind::Ministack,
    "has no SSH keys, signing certificates and credentials for single services: the user has none there",
)];

impl Scenario {
    /// The configuration before the change.
    pub fn stack(&self) -> String {
        format!("{HEAD}{}", self.before.concat())
    }

    /// Whether a stack was applied before.
    pub fn is_applied_first(&self) -> bool {
        !self.before.is_empty()
    }

    pub fn prepare(&self, stage: &FaultHarness, stack: &Stack) {
        (self.happens)(stage, stack);
    }

    pub fn change(&self, stack: &Stack) {
        (self.change)(stack);
    }
}

fn add(stack: &Stack, identities: &[&str]) {
    identities.iter().for_each(|identity| stack.append("stack.hcl", identity));
}

/// Two users and a role leave, six identities join, two move, and a scope that is attached to most is rewritten. 20 identities are
/// involved.
fn move_many_identities(stack: &Stack) {
    let (bots, jobs) = ("identity \"bot\"", "identity \"job\"");
    let edited = |block: String, from: &str, to: &str| {
        assert_eq!(block.matches(from).count(), 1, "{from} in {block}");
        block.replace(from, to)
    };
    let all = r#"["a", "b", "c", "d", "e", "f", "g", "h"]"#;
    let block = edited(stack.cut("stack.hcl", bots), all, r#"["a", "b", "c", "d", "e", "f", "i", "j", "k"]"#);
    stack.append("stack.hcl", &edited(block, r#"["a", "b"], each"#, r#"["b", "c"], each"#));
    let block = edited(stack.cut("stack.hcl", jobs), all, r#"["a", "b", "c", "d", "e", "f", "g", "i", "j", "k"]"#);
    stack.append("stack.hcl", &block);
    stack.edit("stack.hcl", r#"["s3:GetObject", "s3:ListBucket"]"#, r#"["s3:GetObject", "s3:GetObjectVersion"]"#);
}

/// Gives a user every kind of credential that the emulator supports.
fn every_credential(stage: &FaultHarness) {
    let with_ssh = stage.kind == Kind::Moto;
    let ssh = if with_ssh { SSH_AND_CERTIFICATE } else { "" };
    stage.aws.boto3(&format!("{CREDENTIALS}{ssh}"));
}

const CREDENTIALS: &str = "
name = 'reporter'
allow = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sqs:*', 'Resource': '*'}]})
for _ in range(2):
    iam.create_access_key(UserName=name)
iam.create_login_profile(UserName=name, Password='Correct-Horse-7-Battery')
serial = iam.create_virtual_mfa_device(VirtualMFADeviceName='phone')['VirtualMFADevice']['SerialNumber']
iam.enable_mfa_device(UserName=name, SerialNumber=serial, AuthenticationCode1='123456', AuthenticationCode2='654321')
iam.create_group(GroupName='crowd')
iam.put_group_policy(GroupName='crowd', PolicyName='queue', PolicyDocument=allow)
iam.add_user_to_group(UserName=name, GroupName='crowd')
iam.put_user_policy(UserName=name, PolicyName='stray', PolicyDocument=allow)
iam.attach_user_policy(UserName=name, PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
";

pub const SSH_AND_CERTIFICATE: &str = "
import datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
day = datetime.datetime(2026, 1, 1)
certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
               .serial_number(7).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=3650))
               .sign(key, hashes.SHA256()))
iam.upload_signing_certificate(
    UserName=name, CertificateBody=certificate.public_bytes(serialization.Encoding.PEM).decode())
iam.create_service_specific_credential(UserName=name, ServiceName='codecommit.amazonaws.com')
iam.upload_ssh_public_key(UserName=name, SSHPublicKeyBody='ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 reporter')
";

fn in_instance_profile(stage: &FaultHarness) {
    stage.aws.boto3(
        "
        iam.create_instance_profile(InstanceProfileName='machines')
        iam.add_role_to_instance_profile(InstanceProfileName='machines', RoleName='ci')
        ",
    );
}

fn remove_lease_denies(stage: &FaultHarness) {
    stage.aws.boto3(
        "
        scope = 'arn:aws:iam::123456789012:policy/leasehold/faults/faults.read'
        iam.detach_role_policy(RoleName='ci', PolicyArn=scope)
        iam.delete_role_policy(RoleName='ci', PolicyName='leasehold')
        iam.detach_user_policy(UserName='reporter', PolicyArn=scope)
        iam.delete_user_policy(UserName='reporter', PolicyName='leasehold')
        ",
    );
}

/// Removes the blocks of these identities for one run, and puts them back.
fn quarantine(stack: &Stack, names: &[&str]) {
    let blocks: Vec<String> =
        names.iter().map(|name| stack.cut("stack.hcl", &format!("identity \"{name}\""))).collect();
    stack.apply();
    blocks.iter().for_each(|block| stack.append("stack.hcl", block));
}

fn quarantined_long_ago(stack: &Stack, name: &str) {
    quarantine(stack, &[name]);
    stack.end_grace_periods();
}
