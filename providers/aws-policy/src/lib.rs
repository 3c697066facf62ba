//! The IAM policy language: parse, canonical form, evaluate, compare. No I/O.
