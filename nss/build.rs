//! How the module is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // No start files, and no library but those that are asked for by name. In debug builds they
    // do no harm, and cargo 1.85 hands these arguments to a cdylib's unit tests too, which are
    // programs and crash without.
    if std::env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        println!("cargo::rustc-cdylib-link-arg=-nostdlib");
    }
    // RELRO ends on a page boundary, and pages of aarch64 have up to 64 KiB: the file would be
    // padded to that. It would protect nothing: the module has no relocations there.
    let aarch64 = std::env::var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|arch| arch == "aarch64");
    let relro = if aarch64 {
        "-Wl,-z,norelro"
    } else {
        "-Wl,-z,relro"
    };
    for argument in [
        // The proof that nothing is needed from outside: neither a C library nor a panic handler.
        "-Wl,-z,defs",
        "-Wl,-soname,libnss_workaround.so.2",
        relro,
        "-Wl,-z,now",
        "-Wl,-z,noexecstack",
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
}
