//! Durations and instants.

use super::identity;

#[test]
fn ttl_in_months() {
    insta::assert_snapshot!(identity("  ttl = \"3 months\"\n").drawn(), @r#"
    config::duration

      × "3 months" is not a duration
       ╭─[main.hcl:4:9]
     3 │   owner = owner.jane
     4 │   ttl = "3 months"
       ·         ─────┬────
       ·              ╰── months and years have no fixed length
     5 │ }
       ╰────
      help: write the number of days, for example "90d"
    "#);
}

#[test]
fn ttl_without_unit() {
    insta::assert_snapshot!(identity("  ttl = 90\n").drawn(), @r#"
    config::duration

      × "90" is not a duration
       ╭─[main.hcl:4:9]
     3 │   owner = owner.jane
     4 │   ttl = 90
       ·         ─┬
       ·          ╰── 90 has no unit
     5 │ }
       ╰────
      help: write whole numbers with units, largest first, such as "90d", "1d12h" or "45m"
    "#);
}

#[test]
fn no_such_day() {
    insta::assert_snapshot!(identity("  expires_at = \"2027-02-30T00:00:00Z\"\n").drawn(), @r#"
    config::instant

      × "2027-02-30T00:00:00Z" is not an instant
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "2027-02-30T00:00:00Z"
       ·                ───────────┬──────────
       ·                           ╰── there is no day 2027-02-30
     5 │ }
       ╰────
      help: February 2027 ends on the 28th: write "2027-02-28T00:00:00Z", or the day you mean
    "#);
}

#[test]
fn never_ends() {
    insta::assert_snapshot!(identity("  expires_at = \"never\"\n").drawn(), @r#"
    config::instant

      × "never" is not an instant
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "never"
       ·                ───┬───
       ·                   ╰── every lease ends
     5 │ }
       ╰────
      help: give it an end; an account that must not end by lease has kind = "break_glass" and leaves
            this attribute out
    "#);
}

#[test]
fn relative_instant() {
    insta::assert_snapshot!(identity("  expires_at = \"in 3 days\"\n").drawn(), @r#"
    config::instant

      × "in 3 days" is not an instant
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "in 3 days"
       ·                ─────┬─────
       ·                     ╰── it would be another instant on each run
     5 │ }
       ╰────
      help: write the instant itself, or use ttl = "3d", which counts from when the identity joined
    "#);
}

#[test]
fn instant_without_offset() {
    insta::assert_snapshot!(identity("  expires_at = \"2027-02-28T00:00:00\"\n").drawn(), @r#"
    config::instant

      × "2027-02-28T00:00:00" is not an instant
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "2027-02-28T00:00:00"
       ·                ──────────┬──────────
       ·                          ╰── the offset is missing, and it is not guessed
     5 │ }
       ╰────
      help: write "2027-02-28T00:00:00Z" for UTC, or an offset such as +01:00
    "#);
}

#[test]
fn ttl_and_expires_at() {
    insta::assert_snapshot!(identity("  ttl        = \"90d\"\n  expires_at = \"2027-02-28T00:00:00Z\"\n").drawn(), @r#"
    config::conflict

      × a lease has `ttl` or `expires_at`, not both
       ╭─[main.hcl:5:16]
     3 │   owner = owner.jane
     4 │   ttl        = "90d"
       ·                ──┬──
       ·                  ╰── ends 90d after it began
     5 │   expires_at = "2027-02-28T00:00:00Z"
       ·                ───────────┬──────────
       ·                           ╰── ends at an instant
     6 │ }
       ╰────
      help: keep the one that is meant
    "#);
}

#[test]
fn no_lease() {
    insta::assert_snapshot!(identity("").drawn(), @r#"
    config::no_lease

      ⚠ identity.bot has no lease: its access never ends
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── neither `ttl` nor `expires_at`
     2 │   kind  = "service"
       ╰────
      help: add ttl = "90d", or a default for the stack: defaults { ttl = "90d" } in `leasehold`
    "#);
}
