//! `leasehold fmt`: the layout is Terraform's, and so are the exit codes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use leasehold_test_harness::Stack;

const UGLY: &str = "owner   \"jane\" {\n# who\nname=\"Jane\"\n  email =    \"jane@example.com\"   // where\n}\n";
const NEAT: &str = "owner \"jane\" {\n  # who\n  name  = \"Jane\"\n  email = \"jane@example.com\" // where\n}\n";

/// Cases that Terraform lays out otherwise, and why.
const DIFFERS: &[(&str, &str)] = &[(
    "rewritten",
    "terraform fmt also rewrites: \"${x}\" becomes x, and a label without quotes gets them. Here nothing but blanks changes.",
)];

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embedded/language/format");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|ending| ending == "hcl"));
    cases.sort();
    cases
}

fn through(text: &[u8], args: &[&str]) -> (Vec<u8>, Option<i32>) {
    let stack = Stack::empty();
    let mut child = stack.command(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.stdout, output.status.code())
}

#[test]
fn the_layout_is_terraforms() {
    let cases = cases();
    assert!(cases.len() >= 10, "{}", cases.len());
    for case in cases {
        let (ours, code) = through(&std::fs::read(&case).unwrap(), &["fmt", "-"]);
        assert_eq!(code, Some(0), "{}", case.display());
        let theirs = std::fs::read(case.with_extension("terraform")).unwrap();
        let name = case.file_stem().unwrap().to_str().unwrap();
        let excused = DIFFERS.iter().any(|(case, _)| *case == name);
        let shown = String::from_utf8_lossy(&ours);
        assert_eq!(ours != theirs, excused, "{name}\n{shown}");
        assert_eq!(through(&ours, &["fmt", "-"]).0, ours, "{name} is not stable");
        assert_eq!(through(&ours, &["fmt", "--check", "-"]), (Vec::new(), Some(0)), "{name}");
    }
}

#[test]
fn files_are_laid_out_in_place_and_named() {
    let stack = Stack::empty();
    for name in ["a.hcl", "b.auto.hclvars", "deep/c.hcl", ".hidden/d.hcl", "note.txt"] {
        stack.write(name, if name.ends_with("vars") { "x   =1\n" } else { UGLY });
    }
    stack.write("neat.hcl", NEAT);
    let check = stack.run(&["fmt", "--check"]).expect(3);
    assert_eq!(check.stdout, "a.hcl\nb.auto.hclvars\n");
    assert_eq!(stack.read("a.hcl"), UGLY);

    let diff = stack.run(&["fmt", "--check", "--diff", "--recursive", "."]).expect(3);
    assert!(diff.stdout.contains("--- old/deep/c.hcl\n+++ new/deep/c.hcl\n"), "{}", diff.stdout);
    assert!(
        diff.stdout.contains("-name=\"Jane\"\n") && diff.stdout.contains("+  name  = \"Jane\"\n"),
        "{}",
        diff.stdout
    );

    assert_eq!(stack.ok(&["fmt"]).stdout, "a.hcl\nb.auto.hclvars\n");
    assert_eq!((stack.read("a.hcl").as_str(), stack.read("b.auto.hclvars").as_str()), (NEAT, "x = 1\n"));
    assert_eq!((stack.read("deep/c.hcl"), stack.read("note.txt")), (UGLY.to_owned(), UGLY.to_owned()));
    assert_eq!(stack.ok(&["fmt", "--recursive"]).stdout, "deep/c.hcl\n");
    assert_eq!(stack.read(".hidden/d.hcl"), UGLY);
    assert_eq!(stack.ok(&["fmt", "--check", "--recursive"]).stdout, "");
    assert!(stack.files().keys().all(|path| !path.to_str().unwrap().contains(".next")));
}

#[test]
fn invalid_file_is_reported_and_others_are_formatted() {
    let stack = Stack::empty();
    let broken = "owner \"tom\" {\n   name = \n}\n";
    stack.write("broken.hcl", broken);
    stack.write("other.hcl", UGLY);
    let run = stack.run(&["fmt"]).expect(2);
    assert!(run.stderr.contains("broken.hcl:2") && run.stderr.contains("expected a value"), "{}", run.stderr);
    assert_eq!((stack.read("broken.hcl").as_str(), stack.read("other.hcl").as_str()), (broken, NEAT));
    stack.run(&["fmt", "--check", "nowhere.hcl"]).expect(2);
    stack.write("readme.md", "x");
    let other = stack.run(&["fmt", "readme.md"]).expect(2);
    assert!(other.stderr.contains("is not a configuration file"), "{}", other.stderr);
}

#[test]
fn stdin_goes_to_stdout() {
    assert_eq!(through(UGLY.as_bytes(), &["fmt", "-"]), (NEAT.as_bytes().to_vec(), Some(0)));
    assert_eq!(through(UGLY.as_bytes(), &["fmt", "--check", "-"]), (Vec::new(), Some(3)));
    assert_eq!(through(b"a = \xff", &["fmt", "-"]), (Vec::new(), Some(2)));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let stack = Stack::empty();
    stack.write("real/a.hcl", UGLY);
    std::fs::set_permissions(stack.path("real/a.hcl"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real/a.hcl", stack.path("link.hcl")).unwrap();
    stack.ok(&["fmt", "link.hcl"]);
    assert_eq!(stack.read("real/a.hcl"), NEAT);
    assert!(stack.path("link.hcl").is_symlink());
    assert_eq!(std::fs::metadata(stack.path("real/a.hcl")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_is_refused_and_nothing_is_quoted() {
    let stack = Stack::empty();
    stack.write("repository/.git/HEAD", "");
    stack.write("secret.hcl", "hush hush\n");
    stack.write("repository/notes.txt", "hush hush\n");
    stack.write("repository/x.hclvars", "token = hush hush\n");
    std::os::unix::fs::symlink("../secret.hcl", stack.path("repository/out.hcl")).unwrap();
    std::os::unix::fs::symlink("notes.txt", stack.path("repository/text.hcl")).unwrap();
    for (file, says) in [
        ("out.hcl", "links to a path outside the repository"),
        ("text.hcl", "its name must end in .hcl or .hclvars"),
        ("x.hclvars", "x.hclvars:1"),
    ] {
        stack.run(&["-C", "repository", "fmt", file]).expect(2).says(&[says]).does_not_say(&["hush"]);
    }
    stack.run(&["-C", "repository", "fmt"]).expect(2).does_not_say(&["hush"]);
    assert_eq!(stack.read("secret.hcl"), "hush hush\n");
}

#[test]
fn the_examples_are_laid_out_so() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let stack = Stack::empty();
    let check = stack.run(&["fmt", "--check", "--recursive", examples.to_str().unwrap()]);
    assert_eq!(check.expect(0).stdout, "");
}
