//! Digests, in hexadecimal.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::Takes::Text;
use super::{Function, param, pure};
use crate::config::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    pure("md5", &[param("string", Text)], |args| Ok(hexadecimal(&Md5::digest(args.text(0)?)))),
    pure("sha256", &[param("string", Text)], |args| Ok(hexadecimal(&Sha256::digest(args.text(0)?)))),
];

fn hexadecimal(bytes: &[u8]) -> Value {
    Value::string(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
