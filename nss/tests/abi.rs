//! The types at the boundary are glibc's own, as bindgen reads them from its headers.
//!
//! `src/abi.rs` is checked in, so that a build needs no libclang. Make it anew with
//! `BLESS=1 cargo test -p nss-workaround --test abi -- --ignored`.

use std::path::Path;

const HEADER: &str = "#include <netdb.h>\n#include <nss.h>\n";

const PREAMBLE: &str = "\
// Made by bindgen from glibc's <nss.h> and <netdb.h>; see tests/abi.rs. Do not edit.
";

#[test]
#[ignore = "needs libclang, and the headers of glibc 2.33 or later"]
fn the_checked_in_types_are_what_the_headers_say() {
    let bindings = bindgen::Builder::default()
        .header_contents("abi.h", HEADER)
        .use_core()
        .ctypes_prefix("core::ffi")
        .rust_target(bindgen::RustTarget::stable(85, 0).unwrap())
        .rust_edition(bindgen::RustEdition::Edition2024)
        .newtype_enum("nss_status")
        .default_macro_constant_type(bindgen::MacroTypeVariation::Signed)
        .allowlist_type("nss_gethostby(name|name2|name3|name4|addr)_r")
        .allowlist_type("nss_(gethostent_r|sethostent|endhostent)")
        .allowlist_type("nss_status|hostent|gaih_addrtuple")
        .allowlist_var("NETDB_(INTERNAL|SUCCESS)|HOST_NOT_FOUND")
        .allowlist_recursively(true)
        .layout_tests(true)
        .disable_header_comment()
        .formatter(bindgen::Formatter::Rustfmt)
        .generate()
        .unwrap();
    let got = format!("{PREAMBLE}{bindings}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/abi.rs");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &got).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        got,
        want,
        "glibc's headers say otherwise than {}",
        path.display()
    );
}
