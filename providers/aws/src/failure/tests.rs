//! A table: cause, message, remedy.
