//! Credentials of every kind, and roles that run on instances: held, strayed, shut, removed.

use serde_json::{Value, json};

use super::{AWS_PROVIDER, Emulator, applied, assert_denies_everything, filtered, fresh, names, user};
use leasehold_test_harness::Stack;

/// Gives a user one credential of every kind, two MFA devices among them, by hand.
pub fn equip(aws: &Emulator, user: &str) {
    aws.boto3(&format!(
        "{CERTIFICATE}
        user = '{user}'
        iam.create_access_key(UserName=user)
        iam.create_login_profile(UserName=user, Password='Secret-123456')
        iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody='ssh-rsa AAAAB3 ' + user)
        iam.upload_signing_certificate(UserName=user, CertificateBody=certificate)
        iam.create_service_specific_credential(UserName=user, ServiceName='codecommit.amazonaws.com')
        serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=user + '-phone')['VirtualMFADevice']['SerialNumber']
        iam.enable_mfa_device(UserName=user, SerialNumber=serial, AuthenticationCode1='123456', AuthenticationCode2='654321')
        iam.enable_mfa_device(UserName=user, SerialNumber='GAHT12345678', AuthenticationCode1='123456', AuthenticationCode2='654321')
        "
    ));
}

/// All credentials that boto3 sees of a user, with their status; and the account's virtual MFA devices.
fn held(aws: &Emulator, user: &str) -> Value {
    aws.boto3(&format!(
        "
        user = '{user}'
        try:
            login = bool(iam.get_login_profile(UserName=user))
        except iam.exceptions.NoSuchEntityException:
            login = False
        print({{
            'keys': [k['Status'] for k in iam.list_access_keys(UserName=user)['AccessKeyMetadata']],
            'login': login,
            'ssh': [k['Status'] for k in iam.list_ssh_public_keys(UserName=user)['SSHPublicKeys']],
            'certificates': [c['Status'] for c in iam.list_signing_certificates(UserName=user)['Certificates']],
            'services': [c['Status'] for c in iam.list_service_specific_credentials(UserName=user)['ServiceSpecificCredentials']],
            'devices': sorted(d['SerialNumber'] for d in iam.list_mfa_devices(UserName=user)['MFADevices']),
            'virtual': [d['SerialNumber'] for d in iam.list_virtual_mfa_devices()['VirtualMFADevices']],
        }})
        "
    ))
}

fn nothing() -> Value {
    json!({
        "keys": [], "login": false, "ssh": [], "certificates": [], "services": [], "devices": [], "virtual": [],
    })
}

/// The writes since they were last forgotten, those of one sort that follow each other taken as one.
fn writes(aws: &Emulator) -> Vec<String> {
    let mut writes: Vec<String> = aws.requests().iter().filter(|r| r.writes()).map(|r| r.action.clone()).collect();
    writes.dedup();
    writes
}

#[test]
fn undeclared_credentials_are_shown_and_removed() {
    let (aws, stack) = applied();
    let before = user(&aws, "reporter");
    equip(&aws, "reporter");
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    filtered!(plan, @"
    $ leasehold plan --detailed-exitcode
    exit 2
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      ! drift    identity.reporter  changed outside Leasehold
          - aws_iam_mfa_device                   reporter/GAHT12345678
          - aws_iam_virtual_mfa_device           reporter/reporter-phone
          - aws_iam_service_specific_credential  reporter/ACCA[id]
          - aws_iam_user_ssh_key                 reporter/APKA[id]
          - aws_iam_signing_certificate          reporter/[certificate id]
          - aws_iam_access_key                   reporter/[key]
          - aws_iam_user_login_profile           reporter

    Plan: 0 to add, 0 to change, 7 to destroy.  1 drift.
    ");
    filtered!("stray_credentials_as_drift", stack.run(&["drift"]).expect(2));
    aws.clear_requests();
    stack.apply();
    stack.assert_converged();
    assert_eq!(held(&aws, "reporter"), nothing());
    assert_eq!(user(&aws, "reporter"), before);
    let writes = writes(&aws);
    let at = |action: &str| writes.iter().position(|write| write == action).unwrap();
    assert!(at("DeleteLoginProfile") < at("DeactivateMFADevice"), "a password is never left alone: {writes:?}");
    stack.ok(&["drift"]);
}

#[test]
fn mfa_device_of_a_person_is_kept_before_leaving() {
    let (aws, stack) = fresh();
    stack.append(
        "stack.hcl",
        "identity \"ann\" {\n  kind = \"human\"\n  owner = owner.jane\n  expires_at = \"2090-01-01T00:00:00Z\"\n}\n",
    );
    stack.apply();
    aws.boto3(
        "
        serial = iam.create_virtual_mfa_device(VirtualMFADeviceName='ann')['VirtualMFADevice']['SerialNumber']
        iam.enable_mfa_device(UserName='ann', SerialNumber=serial, AuthenticationCode1='123456', AuthenticationCode2='654321')
        ",
    );
    stack.assert_converged();
    stack.ok(&["drift"]);
    stack.ok(&["show", "identity.ann"]).says(&["aws_iam_virtual_mfa_device", "ann/ann"]);
    // Nobody declared the key and the SSH key beside it.
    aws.boto3("iam.create_access_key(UserName='ann')");
    stack.apply().says(&["1 destroyed"]);
    stack.assert_converged();
    assert_eq!(held(&aws, "ann")["devices"], json!(["arn:aws:iam::123456789012:mfa/ann"]));
    // Whoever is no person any more has no claim to it.
    stack.edit("stack.hcl", "kind = \"human\"", "kind = \"service\"");
    stack.apply();
    stack.assert_converged();
    assert_eq!(held(&aws, "ann"), nothing());
}

#[test]
fn credential_block_keeps_the_live_credential() {
    let (aws, stack) = applied();
    equip(&aws, "reporter");
    let blocks = ["access_key", "login", "ssh_key", "signing_certificate", "service_specific", "mfa_device"]
        .map(|sort| format!("  credential \"{sort}\" {{\n  }}\n"))
        .concat();
    stack.edit(
        "stack.hcl",
        "  purpose    = \"builds the nightly report\"\n",
        &format!("  purpose    = \"builds the nightly report\"\n{blocks}"),
    );
    let before = held(&aws, "reporter");
    stack.apply().says(&["0 destroyed"]);
    stack.assert_converged();
    assert_eq!(held(&aws, "reporter"), before);
}

#[test]
fn leaver_with_every_credential_is_quarantined_and_deleted_in_order() {
    let (aws, stack) = applied();
    equip(&aws, "reporter");
    stack.cut("stack.hcl", "identity \"reporter\"");
    filtered!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - leaver   identity.reporter  no longer in configuration; changed outside Leasehold → quarantine now, delete after [day]
          ~ aws_iam_user_policy                  reporter/leasehold                        deny everything
          ~ aws_iam_service_specific_credential  reporter/ACCA[id]             ACCA…[id] → Inactive
          ~ aws_iam_user_ssh_key                 reporter/APKA[id]             APKA…[id] → Inactive
          ~ aws_iam_signing_certificate          reporter/[certificate id]  [certificate] → Inactive
          ~ aws_iam_access_key                   reporter/[key]             [short key] → Inactive
          - aws_iam_user_login_profile           reporter

    Plan: 0 to add, 5 to change, 1 to destroy.  1 leaver, 1 drift.
    ");
    aws.clear_requests();
    stack.apply();
    stack.assert_converged();
    assert_eq!(
        writes(&aws),
        [
            "PutUserPolicy",
            "UpdateAccessKey",
            "DeleteLoginProfile",
            "UpdateSSHPublicKey",
            "UpdateSigningCertificate",
            "UpdateServiceSpecificCredential",
            "TagUser",
        ]
    );
    let phone = "arn:aws:iam::123456789012:mfa/reporter-phone";
    assert_eq!(
        held(&aws, "reporter"),
        json!({
            "keys": ["Inactive"], "login": false, "ssh": ["Inactive"], "certificates": ["Inactive"], "services": ["Inactive"],
            "devices": ["GAHT12345678", phone], "virtual": [phone],
        })
    );
    assert_denies_everything(&user(&aws, "reporter")["inline"]["leasehold"]);
    let evidence = evidence(&stack, "identity.reporter", "quarantine");
    for kind in [
        "aws_iam_access_key",
        "aws_iam_user_login_profile",
        "aws_iam_user_ssh_key",
        "aws_iam_signing_certificate",
        "aws_iam_service_specific_credential",
        "aws_iam_virtual_mfa_device",
        "aws_iam_mfa_device",
    ] {
        assert!(evidence.contains(kind), "{kind} is not in the evidence: {evidence}");
    }
    assert!(evidence.contains(phone) && evidence.contains("GAHT12345678"), "{evidence}");
    let id = aws.boto3("print(iam.get_user(UserName='reporter')['User']['UserId'])");
    assert!(evidence.contains(&format!("\"unique_id\":{id}")), "{id}: {evidence}");
    assert!(!evidence.contains("told-once") && !evidence.contains("ssh-rsa"), "no secret, and no key: {evidence}");

    stack.end_grace_periods();
    filtered!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - leaver   identity.reporter  no longer in configuration → delete now
          - aws_iam_user                         reporter
          - aws_iam_user_policy                  reporter/leasehold
          - aws_iam_mfa_device                   reporter/GAHT12345678
          - aws_iam_user_policy_attachment       reporter/orders_read
          - aws_iam_virtual_mfa_device           reporter/reporter-phone
          - aws_iam_service_specific_credential  reporter/ACCA[id]
          - aws_iam_user_ssh_key                 reporter/APKA[id]
          - aws_iam_signing_certificate          reporter/[certificate id]
          - aws_iam_access_key                   reporter/[key]

    Plan: 0 to add, 0 to change, 9 to destroy.  1 leaver.
    ");
    aws.clear_requests();
    stack.apply();
    let writes = writes(&aws);
    // The two devices go beside each other.
    let (devices, rest): (Vec<&String>, Vec<&String>) = writes.iter().partition(|write| write.ends_with("MFADevice"));
    assert_eq!(
        rest,
        [
            "DeleteAccessKey",
            "DeleteSigningCertificate",
            "DeleteSSHPublicKey",
            "DeleteServiceSpecificCredential",
            "DetachUserPolicy",
            "DeleteUserPolicy",
            "DeleteUser",
        ],
        "the access keys first, the Deny last but the user"
    );
    assert_eq!(devices.last().unwrap().as_str(), "DeleteVirtualMFADevice", "{writes:?}");
    assert_eq!((aws.calls("DeactivateMFADevice"), aws.calls("DeleteVirtualMFADevice")), (2, 1));
    let at = |action: &str| writes.iter().position(|write| write == action).unwrap();
    assert!(at("DeleteServiceSpecificCredential") < at("DeactivateMFADevice"), "{writes:?}");
    assert!(at("DeleteVirtualMFADevice") < at("DetachUserPolicy"), "{writes:?}");
    assert_eq!(names(&aws), json!(["checkout_ci"]));
    assert_eq!(aws.boto3("print(iam.list_virtual_mfa_devices()['VirtualMFADevices'])"), json!([]));
    stack.assert_converged();
}

#[test]
fn orphaned_mfa_device_is_deleted_with_its_user() {
    let (aws, stack) = applied();
    equip(&aws, "reporter");
    stack.cut("stack.hcl", "identity \"reporter\"");
    stack.apply();
    stack.end_grace_periods();
    // Off the user, and not deleted: nothing on the user tells of it any more. A stranger's lies beside it.
    aws.boto3("iam.create_virtual_mfa_device(VirtualMFADeviceName='strangers')");
    aws.order(leasehold_emulator::Fault::deny("DeleteVirtualMFADevice").times(1));
    stack.run(&["apply", "--auto-approve"]).expect(1);
    assert_eq!(held(&aws, "reporter")["devices"], json!([]), "both are off");
    stack.apply().says(&["Apply complete!"]);
    assert_eq!(names(&aws), json!(["checkout_ci"]));
    let left = aws.boto3("print([d['SerialNumber'] for d in iam.list_virtual_mfa_devices()['VirtualMFADevices']])");
    assert_eq!(left, json!(["arn:aws:iam::123456789012:mfa/strangers"]));
}

#[test]
fn role_is_removed_from_instance_profiles_before_deletion() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        iam.create_instance_profile(InstanceProfileName='fleet')
        iam.add_role_to_instance_profile(InstanceProfileName='fleet', RoleName='checkout_ci')
        ",
    );
    // Which instances run with a role is for those to say who run them.
    stack.assert_converged();
    stack.ok(&["drift"]);
    stack.ok(&["show", "identity.checkout_ci"]).says(&["checkout_ci/fleet"]);
    stack.cut("stack.hcl", "identity \"checkout_ci\"");
    aws.clear_requests();
    stack.apply();
    stack.assert_converged();
    assert_eq!(writes(&aws), ["UpdateAssumeRolePolicy", "PutRolePolicy", "TagRole"]);
    assert!(evidence(&stack, "identity.checkout_ci", "quarantine").contains("checkout_ci/fleet"));
    stack.end_grace_periods();
    filtered!(stack.plan(), @"
    $ leasehold plan
    exit 0
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      - leaver   identity.checkout_ci  no longer in configuration → delete now
          - aws_iam_role                         checkout_ci
          - aws_iam_role_policy                  checkout_ci/leasehold
          - aws_iam_instance_profile_membership  checkout_ci/fleet        running instances with this profile lose the role
          - aws_iam_role_policy_attachment       checkout_ci/orders_read

    Plan: 0 to add, 0 to change, 4 to destroy.  1 leaver.
    ");
    aws.clear_requests();
    stack.apply();
    assert_eq!(writes(&aws), ["RemoveRoleFromInstanceProfile", "DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"]);
    assert_eq!(
        aws.boto3("print(iam.get_instance_profile(InstanceProfileName='fleet')['InstanceProfile']['Roles'])"),
        json!([])
    );
    stack.assert_converged();
}

#[test]
fn service_specific_credential_is_shown_with_its_expiration() {
    let (aws, stack) = applied();
    aws.boto3(
        "iam.create_service_specific_credential(UserName='reporter', ServiceName='bedrock.amazonaws.com', CredentialAgeDays=30)",
    );
    let end = aws.boto3(
        "print(iam.list_service_specific_credentials(UserName='reporter')['ServiceSpecificCredentials'][0]['ExpirationDate'].date().isoformat())",
    );
    let end = end.as_str().unwrap();
    let (ends, ended) = (format!("expires {end}"), format!("expired {end}"));
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&[&ends, "1 to destroy"]);
    stack.run(&["drift"]).expect(2).says(&[&format!("(Active, {ends})")]);

    // Kept, it ends when it ends, and that nobody changed.
    let kept = "  purpose    = \"builds the nightly report\"\n";
    stack.edit("stack.hcl", kept, &format!("{kept}  credential \"service_specific\" {{\n  }}\n"));
    stack.apply();
    stack.ok(&["show", "identity.reporter"]).says(&["expiration_date: ", "status: Active"]);
    let expire = "
        id = iam.list_service_specific_credentials(UserName='reporter')['ServiceSpecificCredentials'][0]['ServiceSpecificCredentialId']
        iam.update_service_specific_credential(UserName='reporter', ServiceSpecificCredentialId=id, Status='Expired')
        ";
    aws.boto3(expire);
    stack.assert_converged();
    stack.ok(&["drift"]);

    // Who leaves with it: it is off already, and goes with the rest.
    stack.cut("stack.hcl", "identity \"reporter\"");
    aws.clear_requests();
    stack.apply();
    stack.assert_converged();
    assert_eq!(aws.calls("UpdateServiceSpecificCredential"), 0);
    assert!(evidence(&stack, "identity.reporter", "quarantine").contains("\"expiration_date\""));
    stack.end_grace_periods();
    stack.plan().says(&[&ended]);
    stack.apply();
    assert_eq!(names(&aws), json!(["checkout_ci"]));
}

/// More users than are asked one by one.
const CROWD: usize = 101;

#[test]
fn many_users_need_few_calls_and_leavers_are_read_exactly() {
    let aws = Emulator::moto();
    let stack = Stack::of(&format!(
        "leasehold {{\n  stack = \"crowd\"\n}}\n{AWS_PROVIDER}owner \"jane\" {{\n}}\nidentity \"bot\" {{\n  \
         for_each = toset([for n in range({CROWD}) : format(\"%03d\", n) if n != var.gone])\n  kind = \"service\"\n  owner = \
         owner.jane\n  expires_at = \"2090-01-01T00:00:00Z\"\n}}\nvariable \"gone\" {{\n  type    = number\n  default = -1\n}}\n"
    ))
    .with_env(aws.env());
    stack.ok(&["apply", "--auto-approve", "--parallelism", "32"]);
    aws.clear_requests();
    stack.assert_converged();
    let calls = aws.requests().len();
    assert!(calls <= 12, "{calls} calls for a converged plan: {:?}", aws.counts());

    // What a report or a list tells of a user who stays is a stray as ever.
    equip(&aws, "bot-050");
    aws.clear_requests();
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    for kind in
        ["access_key", "user_login_profile", "signing_certificate", "service_specific_credential", "virtual_mfa_device"]
    {
        assert!(plan.stdout.contains(&format!("- aws_iam_{kind} ")), "{kind} in {plan}");
    }
    // Nothing tells of the SSH key but a call of its own.
    plan.does_not_say(&["ssh_key"]);
    let calls = aws.requests().len();
    assert!(calls <= 18, "{calls} calls: {:?}", aws.counts());

    let denied = super::error_messages::deny_each_read(&aws, &stack, &["plan", "--detailed-exitcode"]);
    assert!(denied.contains("GenerateCredentialReport") && denied.contains("GetCredentialReport"), "{denied:?}");

    // Of a leaver everything is asked for, in the plan that shuts him already.
    equip(&aws, "bot-077");
    aws.clear_requests();
    stack.ok(&["plan", "--var", "gone=77"]).says(&["- leaver   identity.bot[\"077\"]", "aws_iam_user_ssh_key"]);
    let asked = |action: &str| {
        let asked = aws.requests().into_iter().filter(|request| request.action == action);
        asked.filter_map(|request| request.parameters.get("UserName").cloned()).collect::<Vec<String>>()
    };
    assert_eq!(asked("ListSSHPublicKeys"), ["bot-077"]);
    stack.ok(&["apply", "--auto-approve", "--var", "gone=77"]);
    assert_eq!(held(&aws, "bot-077")["ssh"], json!(["Inactive"]));
    stack.end_grace_periods();
    stack.ok(&["sweep", "--auto-approve", "--var", "gone=77"]);
    assert!(!names(&aws).as_array().unwrap().contains(&json!("bot-077")));
}

/// What the records keep of an identity from before a stage of its leaving.
fn evidence(stack: &Stack, address: &str, before: &str) -> String {
    let folder = stack.path(".leasehold").join("evidence");
    let texts = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut found: Vec<String> = texts.filter(|text| text.contains(&format!("\"address\":\"{address}\""))).collect();
    assert_eq!(found.len(), 1, "one object of {address} before its {before}");
    found.remove(0)
}

/// A certificate of nobody, made in the emulator.
const CERTIFICATE: &str = "
        import datetime
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'nobody')])
        start = datetime.datetime(2026, 1, 1)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9999))
        certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
";
