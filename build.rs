//! Links the unwinder in, which the standard library asks for, instead of loading it.
//!
//! `libgcc_s.so.1` costs each start a tenth of a millisecond and dirty pages, for backtraces that
//! these programs never print. rustc always passes `-lgcc_s`; here it finds a linker script of that
//! name, which leads to the static archive of the same compiler. Where there is none, everything
//! links as usual.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = env::var("TARGET").unwrap_or_default();
    let native = env::var("HOST").is_ok_and(|host| host == target);
    // A cross build has a compiler of its own, and says which; zig brings a static unwinder.
    if !native || !target.ends_with("-linux-gnu") {
        return;
    }
    let Some(folder) = env::var_os("OUT_DIR") else {
        return;
    };
    let printed = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    let archive = printed.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    // The bare name comes back where the compiler has no such file.
    if !Path::new(&archive).is_absolute() {
        return;
    }
    let script = Path::new(&folder).join("libgcc_s.so");
    let folder = folder.to_string_lossy();
    if fs::write(script, format!("INPUT({archive})\n")).is_ok() {
        println!("cargo:rustc-link-search=native={folder}");
    }
}
