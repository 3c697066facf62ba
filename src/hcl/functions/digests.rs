//! Hash functions such as `sha256`. The result is in hexadecimal.

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::ParamType::Text;
use super::{Function, declare_function, declare_param};
use crate::hcl::value::ConfigValue;

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("md5", &[declare_param("string", Text)], |args| {
        Ok(encode_hex(&Md5::digest(args.expect_text(0)?)))
    }),
    declare_function("sha256", &[declare_param("string", Text)], |args| {
        Ok(encode_hex(&Sha256::digest(args.expect_text(0)?)))
    }),
];

fn encode_hex(bytes: &[u8]) -> ConfigValue {
    ConfigValue::new_string(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
