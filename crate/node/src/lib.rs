//! brood behind Node-API: translation only. What is said here in numbers and flat arrays, `src/native.ts` says in types.

#![deny(unsafe_code)]
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    reason = "what #[napi] exports is reached from JavaScript, and printed there"
)]
#![cfg_attr(test, allow(dead_code, reason = "#[napi] exports nothing from a test binary"))]

mod adoption;
mod capabilities;
mod environment;
mod failure;
mod family;
mod output;
mod record;
mod supervise;
