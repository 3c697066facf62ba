//! Responses of the bucket that are cut off, with a length that fits: each is an error that names the request, or leads to the right result.

use leasehold_emulator::{Emulator, Fault};

use super::{entries, iam, objects, on_s3_with_lease};

/// The parts of a response that arrive: nothing, every place near an end, and many between.
const KEPT: [f64; 14] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.45, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999];

/// A page of a list, an entry, the lock, the accounts, evidence.
const RESPONSES: [&str; 5] = ["list-type=2", "/ledger/", "/lock.json", "/accounts.json", "/evidence/"];

#[test]
fn one_response_that_is_cut_off_changes_no_result() {
    let aws = Emulator::moto();
    let stack = on_s3_with_lease(&aws, "60s");
    stack.apply();
    stack.cut("stack.hcl", "identity \"old\"");
    stack.apply();
    let verified = stack.ok(&["audit", "verify", "--format", "json"]).json();
    assert!(verified["entries"].as_u64().unwrap() >= 4 && verified["evidence"] == 1, "{verified}");
    let listed = stack.ok(&["audit", "list", "--format", "json"]).stdout;
    let before = objects(&aws);
    for kept in KEPT {
        for response in RESPONSES {
            aws.order(Fault::cut_response("S3:GET", kept).on_key(response).times(1));
            let again = stack.ok(&["audit", "verify", "--format", "json"]).json();
            assert_eq!(again, verified, "{response} {kept}");
            aws.clear_faults();
        }
        aws.order(Fault::cut_response("S3:GET", kept).on_key("list-type=2").times(1));
        assert_eq!(stack.ok(&["audit", "list", "--format", "json"]).stdout, listed, "{kept}");
        aws.clear_faults();
    }
    assert_eq!(objects(&aws), before);
}

#[test]
fn responses_that_are_always_cut_off_are_an_error_that_names_the_request() {
    let aws = Emulator::moto();
    let stack = on_s3_with_lease(&aws, "60s");
    stack.apply();
    for (response, key, kept) in [
        ("list-type=2", "cannot list ledger", 0.6),
        ("/ledger/", "cannot read ledger/", 0.99),
        ("/lock.json", "cannot read lock.json", 0.5),
    ] {
        aws.order(Fault::cut_response("S3:GET", kept).on_key(response));
        let ran = stack.run(&["audit", "verify"]).expect(1);
        ran.says(&[key, "s3://records/iam/crash", "the response is not complete"]);
        aws.clear_faults();
    }
}

#[test]
fn apply_through_a_proxy_that_cuts_off_responses_writes_nothing_wrong() {
    let aws = Emulator::moto();
    let stack = on_s3_with_lease(&aws, "60s");
    stack.apply();
    stack.edit("stack.hcl", "arn:aws:s3:::acme/*", "arn:aws:s3:::acme/orders/*");
    for skipped in 0..8 {
        for kept in [0.0, 0.7, 0.99] {
            aws.order(Fault::cut_response("S3:GET", kept).after(skipped).times(1));
            stack.apply();
            aws.clear_faults();
            stack.ok(&["audit", "verify"]);
        }
        let bucket = if skipped % 2 == 0 { "invoices" } else { "orders" };
        let old = if skipped % 2 == 0 { "orders" } else { "invoices" };
        stack.edit("stack.hcl", &format!("acme/{old}/*"), &format!("acme/{bucket}/*"));
    }
    stack.apply();
    stack.assert_converged();
    assert!(entries(&aws).len() > 10);
    assert!(iam(&aws).to_string().contains("acme/"));
}
