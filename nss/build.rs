//! How the module is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in [
        // No start files, and no library but those that are asked for by name: std asks for its
        // own in test builds, a freestanding build for none.
        "-nostdlib",
        // The proof that nothing is needed from outside: neither a C library nor a panic handler.
        "-Wl,-z,defs",
        "-Wl,-soname,libnss_workaround.so.2",
        "-Wl,-z,relro,-z,now",
        "-Wl,-z,noexecstack",
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
}
