//! PID 1, the environment store and `setuser` of the base image.
#![forbid(unsafe_code)]

pub mod init;
