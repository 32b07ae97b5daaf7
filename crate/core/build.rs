//! Names the systems and architectures that have the raw clone of `sys/clone.rs`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(raw_clone)");
    let is = |variable, values: &[&str]| std::env::var(variable).is_ok_and(|value| values.contains(&value.as_str()));
    if is("CARGO_CFG_TARGET_OS", &["linux"]) && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"]) {
        println!("cargo::rustc-cfg=raw_clone");
    }
}
