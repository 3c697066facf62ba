//! The secret of an issued key is in its store, and nowhere else that anybody can read.

use std::path::Path;

use leasehold_emulator::Emulator;

use crate::keys::{ON_AWS, bot, held};
use leasehold_test_harness::Stack;

/// Everything that was said, and everything that was written, by the runs of a stack.
struct SearchedOutput<'a> {
    stack: &'a Stack,
    texts: Vec<(String, String)>,
}

impl SearchedOutput<'_> {
    /// Runs with every log that there is.
    #[track_caller]
    fn run(&mut self, args: &[&str], code: i32) {
        let output = self.stack.command(args).env("RUST_LOG", "trace").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stdout}{stderr}");
        self.texts.push((args.join(" "), format!("{stdout}{stderr}")));
        self.files(&self.stack.dir());
    }

    /// The files of the stack but those of the store.
    fn files(&mut self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path != self.stack.path("secrets") {
                    self.files(&path);
                }
            } else {
                let bytes = std::fs::read(&path).unwrap();
                self.texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
}

/// A life with two keys: joined from a saved plan, rotated, drifted, shut, audited. The secrets are known only afterwards.
fn life(stack: &Stack) {
    let mut said = SearchedOutput { stack, texts: Vec::new() };
    said.run(&["plan", "--out", "saved.plan", "--json-into", "plan.json"], 0);
    said.run(&["apply", "saved.plan", "--auto-approve"], 0);
    let (first, first_secret) = held(stack);
    for format in ["human", "json", "markdown"] {
        said.run(&["plan", "--format", format], 0);
    }
    stack.edit("stack.hcl", "owner = owner.jane", "owner = owner.tom");
    said.run(&["plan", "--format", "json"], 0);
    said.run(&["apply", "--auto-approve"], 0);
    let (second, second_secret) = held(stack);
    assert_ne!(first, second);
    said.run(&["show", "identity.bot"], 0);
    said.run(&["list", "--format", "json"], 0);
    said.run(&["drift", "--format", "json"], 0);
    stack.cut("stack.hcl", "identity \"bot\"");
    said.run(&["apply", "--auto-approve"], 0);
    said.run(&["audit", "export"], 0);
    said.run(&["audit", "identity", "identity.bot"], 0);
    let shown = |key: &str| said.texts.iter().any(|(_, text)| text.contains(key));
    assert!(shown(&first) && shown(&second), "ids are no secret");
    for secret in [first_secret, second_secret] {
        // Nor a part of it that would do, nor the same in the spelling of JSON, of a URL or of a `Debug`.
        let part = &secret[4..30];
        for (what, text) in &said.texts {
            assert!(!text.contains(part), "{what} shows the secret");
        }
    }
}

#[test]
fn an_issued_secret_is_in_no_output_and_no_other_file_on_the_embedded_directory() {
    life(&Stack::of(&bot("")).at(leasehold_test_harness::START));
}

#[test]
fn an_issued_secret_is_in_no_output_and_no_other_file_on_aws() {
    let aws = Emulator::moto();
    life(&Stack::of(&bot(ON_AWS)).with_env(aws.env()));
}
