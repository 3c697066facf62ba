//! Calls of functions.

use super::local;

#[test]
fn too_few_arguments() {
    insta::assert_snapshot!(local("replace(var.environment, \"a\")").drawn(), @r#"
    config::function

      × replace() takes 3 arguments, not 2
      │ var.environment is "prod"
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = replace(var.environment, "a")
       ·       ───┬───
       ·          ╰── replace(string, substring, replacement)
     3 │ }
       ╰────
    "#);
}

#[test]
fn too_many_arguments() {
    insta::assert_snapshot!(local("upper(var.environment, 1)").drawn(), @r#"
    config::function

      × upper() takes 1 argument, not 2
      │ var.environment is "prod"
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = upper(var.environment, 1)
       ·       ──┬──
       ·         ╰── upper(string)
     3 │ }
       ╰────
    "#);
}

#[test]
fn wrong_argument() {
    insta::assert_snapshot!(local("join(\", \", var.environment)").drawn(), @r#"
    config::function

      × join(): `lists` is not valid
      │ var.environment is "prod"
       ╭─[main.hcl:2:18]
     1 │ locals {
     2 │   x = join(", ", var.environment)
       ·                  ───────┬───────
       ·                         ╰── a list(string) is required, not a string
     3 │ }
       ╰────
      help: join(separator, lists...)
    "#);
}

#[test]
fn null_argument() {
    insta::assert_snapshot!(local("upper(null)").drawn(), @"
    config::function

      × upper(): `string` is not valid
       ╭─[main.hcl:2:13]
     1 │ locals {
     2 │   x = upper(null)
       ·             ──┬─
       ·               ╰── it must not be null
     3 │ }
       ╰────
      help: upper(string)
    ");
}

#[test]
fn spread_of_text() {
    insta::assert_snapshot!(local("max(var.environment...)").drawn(), @r#"
    config::type

      × only a list, set or tuple can be expanded with `...`
      │ var.environment is "prod"
       ╭─[main.hcl:2:11]
     1 │ locals {
     2 │   x = max(var.environment...)
       ·           ───────┬───────
       ·                  ╰── this is a string: "prod"
     3 │ }
       ╰────
    "#);
}

#[test]
fn not_json() {
    insta::assert_snapshot!(local("jsondecode(\"{a: 1}\")").drawn(), @r#"
    config::function

      × jsondecode(): `string` is not valid
       ╭─[main.hcl:2:18]
     1 │ locals {
     2 │   x = jsondecode("{a: 1}")
       ·                  ────┬───
       ·                      ╰── not JSON: line 1, column 2
     3 │ }
       ╰────
      help: jsondecode(string)
    "#);
}

#[test]
fn not_base64() {
    insta::assert_snapshot!(local("base64decode(var.environment)").drawn(), @r#"
    config::function

      × base64decode(): `string` is not valid
      │ var.environment is "prod"
       ╭─[main.hcl:2:20]
     1 │ locals {
     2 │   x = base64decode(var.environment)
       ·                    ───────┬───────
       ·                           ╰── the decoded value is not UTF-8 text
     3 │ }
       ╰────
      help: base64decode(string)
    "#);
}

#[test]
fn bad_pattern() {
    insta::assert_snapshot!(local("regex(\"[a-\", var.environment)").drawn(), @r#"
    config::function

      × regex(): `pattern` is not valid
      │ var.environment is "prod"
       ╭─[main.hcl:2:13]
     1 │ locals {
     2 │   x = regex("[a-", var.environment)
       ·             ──┬──
       ·               ╰── not a regular expression: unclosed character class
     3 │ }
       ╰────
      help: regex(pattern, string)
    "#);
}

#[test]
fn pattern_without_match() {
    insta::assert_snapshot!(local("regex(\"[0-9]+\", var.environment)").drawn(), @r#"
    config::function

      × regex(): `string` is not valid
      │ var.environment is "prod"
       ╭─[main.hcl:2:23]
     1 │ locals {
     2 │   x = regex("[0-9]+", var.environment)
       ·                       ───────┬───────
       ·                              ╰── the pattern matches nothing in it
     3 │ }
       ╰────
      help: regex(pattern, string)
    "#);
}

#[test]
fn all_of_try_fails() {
    insta::assert_snapshot!(local("try(local.team.boss, local.names[9])").drawn(), @r#"
    config::function

      × no argument of try() has a value
      │ local.team is { lead = "jane", size = 4 }
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = try(local.team.boss, local.names[9])
       ·       ──────────────────┬─────────────────
       ·                         ╰── all of them fail
     3 │ }
       ╰────
      help: the arguments fail for these reasons:
            1. an object has no attribute "boss"
            2. there is no element 9
    "#);
}

#[test]
fn mixed_types() {
    insta::assert_snapshot!(local("tolist([local.names, 1])").drawn(), @r#"
    config::function

      × tolist(): `value` is not valid
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:14]
     1 │ locals {
     2 │   x = tolist([local.names, 1])
       ·              ────────┬───────
       ·                      ╰── all elements must have the same type
     3 │ }
       ╰────
      help: tolist(value)
    "#);
}

#[test]
fn keys_and_values() {
    insta::assert_snapshot!(local("zipmap(local.names, [1])").drawn(), @r#"
    config::function

      × zipmap() failed
      │ local.names is ["ann", "bob"]
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = zipmap(local.names, [1])
       ·       ────────────┬───────────
       ·                   ╰── 2 keys and 1 values: the numbers must be equal
     3 │ }
       ╰────
    "#);
}

#[test]
fn missing_file() {
    insta::assert_snapshot!(local("file(\"policies/${var.environment}.json\")").drawn(), @r#"
    config::function

      × file(): `path` is not valid
      │ var.environment is "prod"
       ╭─[main.hcl:2:12]
     1 │ locals {
     2 │   x = file("policies/${var.environment}.json")
       ·            ─────────────────┬────────────────
       ·                             ╰── there is no file policies/prod.json
     3 │ }
       ╰────
      help: file(path)
    "#);
}

#[test]
fn file_outside() {
    insta::assert_snapshot!(local("file(\"../../etc/passwd\")").drawn(), @r#"
    config::function

      × file(): `path` is not valid
       ╭─[main.hcl:2:12]
     1 │ locals {
     2 │   x = file("../../etc/passwd")
       ·            ─────────┬────────
       ·                     ╰── it is outside the stack's directory
     3 │ }
       ╰────
      help: file(path)
    "#);
}

#[test]
fn format_of_text() {
    insta::assert_snapshot!(local("format(\"%d seats\", var.environment)").drawn(), @r#"
    config::function

      × format(): `args` is not valid
      │ var.environment is "prod"
       ╭─[main.hcl:2:26]
     1 │ locals {
     2 │   x = format("%d seats", var.environment)
       ·                          ───────┬───────
       ·                                 ╰── %d takes a number, not a string
     3 │ }
       ╰────
      help: format(format, args...)
    "#);
}

#[test]
fn bad_date() {
    insta::assert_snapshot!(local("timeadd(\"2027-02-30T00:00:00Z\", \"1h\")").drawn(), @r#"
    config::function

      × timeadd(): `timestamp` is not valid
       ╭─[main.hcl:2:15]
     1 │ locals {
     2 │   x = timeadd("2027-02-30T00:00:00Z", "1h")
       ·               ───────────┬──────────
       ·                          ╰── the day 2027-02-30 does not exist
     3 │ }
       ╰────
      help: timeadd(timestamp, duration)
    "#);
}

#[test]
fn range_too_long() {
    insta::assert_snapshot!(local("range(1e9)").drawn(), @"
    config::function

      × range() failed
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   x = range(1e9)
       ·       ─────┬────
       ·            ╰── more than 1024 numbers; range() is limited to this number
     3 │ }
       ╰────
    ");
}
