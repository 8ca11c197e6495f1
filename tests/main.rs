//! The integration tests, a module a theme.
//!
//! Some need root, Docker or what `make test` sets up; they are ignored by a plain `cargo test`,
//! and `make test` runs them all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod bench;
mod conformance;
mod demo;
mod e2e;
mod image;
mod index;
mod init;
mod module;
mod patcher;
mod readme;
mod setuser;
mod store;
mod support;
