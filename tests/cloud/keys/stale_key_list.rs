//! An account that shows what was, for a while: who was just given a key is not given another.

use std::time::Duration;

use leasehold_emulator::Emulator;
use leasehold_fault_proxy::FaultProxy;

use crate::keys::{ON_AWS, assert_one_key, bot};
use leasehold_test_harness::Stack;

/// Longer than the test takes.
const LONG: Duration = Duration::from_secs(600);

#[test]
fn unlisted_key_is_kept() {
    let text = bot(ON_AWS);
    let start = text.find("\n  credential").unwrap();
    let aws = Emulator::moto();
    let proxy = FaultProxy::start_for_emulator(&aws);
    let stack = Stack::of(&format!("{}}}\n", &text[..start])).with_env(proxy.env());
    stack.apply();
    stack.write("stack.hcl", &text);
    proxy.enable_stale_reads(LONG, 1.0);
    // It cannot see the key that it made, and says so.
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["not verified", "Run `leasehold apply` again"]);
    stack.run(&["plan", "--detailed-exitcode"]).expect(0);
    stack.apply().says(&["No changes."]);
    proxy.clear_disturbances();
    assert_one_key(&aws, &stack, "after three runs");
    stack.assert_converged();
}
