//! PID 1, the environment store and `setuser` of the base image.
//!
//! | module | is |
//! |---|---|
//! | [`environment`] | the environment as a value |
//! | [`store`] | `/etc/container_environment` and its dumps |
//! | [`exec`] | becoming a command |
//! | [`setuser`] | `setuser` |
//! | [`init`] | PID 1 |
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod environment;
pub mod exec;
pub mod init;
pub mod setuser;
pub mod store;
