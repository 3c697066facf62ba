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

      × "2027-02-30T00:00:00Z" is not a valid time
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "2027-02-30T00:00:00Z"
       ·                ───────────┬──────────
       ·                           ╰── the day 2027-02-30 does not exist
     5 │ }
       ╰────
      help: February 2027 ends on the 28th: write "2027-02-28T00:00:00Z" or another valid day
    "#);
}

#[test]
fn never_ends() {
    insta::assert_snapshot!(identity("  expires_at = \"never\"\n").drawn(), @r#"
    config::instant

      × "never" is not a valid time
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "never"
       ·                ───┬───
       ·                   ╰── every lease must expire
     5 │ }
       ╰────
      help: set a time; for an account that must not expire, set kind = "break_glass" and remove this
            attribute
    "#);
}

#[test]
fn relative_instant() {
    insta::assert_snapshot!(identity("  expires_at = \"in 3 days\"\n").drawn(), @r#"
    config::instant

      × "in 3 days" is not a valid time
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "in 3 days"
       ·                ─────┬─────
       ·                     ╰── a relative time would change with each run
     5 │ }
       ╰────
      help: write an absolute time, or use ttl = "3d", which counts from when the identity joins
    "#);
}

#[test]
fn instant_without_offset() {
    insta::assert_snapshot!(identity("  expires_at = \"2027-02-28T00:00:00\"\n").drawn(), @r#"
    config::instant

      × "2027-02-28T00:00:00" is not a valid time
       ╭─[main.hcl:4:16]
     3 │   owner = owner.jane
     4 │   expires_at = "2027-02-28T00:00:00"
       ·                ──────────┬──────────
       ·                          ╰── the UTC offset is missing
     5 │ }
       ╰────
      help: write "2027-02-28T00:00:00Z" for UTC, or an offset such as +01:00
    "#);
}

#[test]
fn ttl_and_expires_at() {
    insta::assert_snapshot!(identity("  ttl        = \"90d\"\n  expires_at = \"2027-02-28T00:00:00Z\"\n").drawn(), @r#"
    config::conflict

      × a lease cannot have both `ttl` and `expires_at`
       ╭─[main.hcl:5:16]
     3 │   owner = owner.jane
     4 │   ttl        = "90d"
       ·                ──┬──
       ·                  ╰── expires after 90d
     5 │   expires_at = "2027-02-28T00:00:00Z"
       ·                ───────────┬──────────
       ·                           ╰── expires at this time
     6 │ }
       ╰────
      help: keep one of the two
    "#);
}

#[test]
fn no_lease() {
    insta::assert_snapshot!(identity("").drawn(), @r#"
    config::no_lease

      ⚠ identity.bot has no lease: its access never expires
       ╭─[main.hcl:1:1]
     1 │ identity "bot" {
       · ───────┬──────
       ·        ╰── neither `ttl` nor `expires_at`
     2 │   kind  = "service"
       ╰────
      help: add ttl = "90d", or a default for all identities: defaults { ttl = "90d" } in the
            `leasehold` block
    "#);
}
