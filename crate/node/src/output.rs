//! Captured output on its way to JavaScript: the bytes cross once.

use napi::{Env, JsString, JsStringLatin1, Result, bindgen_prelude::Buffer};
use napi_derive::napi;

/// Both streams as buffers, which take the memory over that the bytes were read into.
#[napi(object, object_from_js = false)]
pub struct BindingBytes {
    /// All of stdout.
    pub stdout: Buffer,
    /// All of stderr.
    pub stderr: Buffer,
    /// Whether the capture ended before the streams did.
    pub truncated: bool,
    /// The stream (1 or 2) that went over the limit, or 0.
    pub overflow: u32,
}

/// Both streams as strings, decoded from UTF-8; what is not UTF-8 becomes U+FFFD.
#[napi(object, object_from_js = false)]
pub struct BindingText<'env> {
    /// All of stdout.
    pub stdout: JsString<'env>,
    /// All of stderr.
    pub stderr: JsString<'env>,
    /// Whether the capture ended before the streams did.
    pub truncated: bool,
    /// The stream (1 or 2) that went over the limit, or 0.
    pub overflow: u32,
}

/// From this length on a string takes the memory over that was read into, instead of a copy in the engine's heap. What a
/// string like that costs beyond its bytes pays for shorter ones with nothing.
const TAKEN_OVER: usize = 64 * 1024;

/// Makes a string of bytes.
pub(crate) fn decode(env: &Env, bytes: Vec<u8>) -> Result<JsString<'_>> {
    // ASCII, as nearly all output is, needs no decoding.
    if bytes.is_ascii() {
        return if bytes.len() < TAKEN_OVER {
            env.create_string_latin1(&bytes)
        } else {
            JsStringLatin1::from_data(env, bytes).map(JsStringLatin1::into_value)
        };
    }
    match String::from_utf8_lossy(&bytes) {
        std::borrow::Cow::Borrowed(text) => env.create_string(text),
        std::borrow::Cow::Owned(text) => env.create_string(text),
    }
}
