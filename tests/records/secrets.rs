//! What is secret stays where it belongs.
