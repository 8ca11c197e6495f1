//! A program's first function, without the Rust runtime's preparations.
//!
//! The runtime ignores `SIGPIPE`, opens `/dev/null` where a standard descriptor is closed, and
//! reads `/proc/self/maps`. A program whose work is to become another one hands the first two on
//! by mistake, and pays for the third at each start.

use std::ffi::{OsString, c_int};
use std::io::{self, Write};

/// What [`main!`](crate::main) calls: runs `program` with the arguments of this process, without
/// the first, and makes sure that all it printed is out.
pub fn run(program: fn(&mut dyn Iterator<Item = OsString>) -> u8) -> c_int {
    let status = program(&mut std::env::args_os().skip(1));
    // The runtime would do this. Who has closed its end does not want the rest.
    let _ = io::stdout().flush();
    c_int::from(status)
}

/// What an unwinder would do; there is nothing to unwind where a panic aborts.
///
/// It is called by nothing, as the tables that would lead here are for unwinding only.
pub fn unwind() -> ! {
    std::process::abort()
}

/// What an unwinder says at the end of the stack (`_URC_END_OF_STACK` of `<unwind.h>`): a backtrace
/// is empty, as that of a stripped program is anyway.
#[must_use]
pub fn end_of_stack() -> usize {
    5
}

/// Makes `$program`, a `fn(&mut dyn Iterator<Item = OsString>) -> u8`, the program; the crate is
/// `#![no_main]`, and its panics abort.
///
/// The functions of an unwinder come along, or the standard library would have `libgcc_s.so.1`
/// loaded at each start, or one linked in that needs more libraries still, for the backtraces of
/// panics. All that std and a static C library know by name are here, so that no other one has to
/// be linked for one that is missing.
#[macro_export]
macro_rules! main {
    ($program:path) => {
        // SAFETY: no other function of a program is called `main`, and this is its C prototype
        // with both parameters left out, as main() may have it; the C library keeps the arguments
        // for `std::env::args_os`.
        #[unsafe(no_mangle)]
        extern "C" fn main() -> std::ffi::c_int {
            $crate::entry::run($program)
        }

        $crate::unwinder! {
            end_of_stack: "_Unwind_Backtrace" backtrace;
            unwind: "_Unwind_RaiseException" raise_exception;
            unwind: "_Unwind_ForcedUnwind" forced_unwind;
            unwind: "_Unwind_Resume" resume;
            unwind: "_Unwind_Resume_or_Rethrow" resume_or_rethrow;
            unwind: "_Unwind_DeleteException" delete_exception;
            unwind: "_Unwind_GetGR" get_gr;
            unwind: "_Unwind_SetGR" set_gr;
            unwind: "_Unwind_GetIP" get_ip;
            unwind: "_Unwind_GetIPInfo" get_ip_info;
            unwind: "_Unwind_SetIP" set_ip;
            unwind: "_Unwind_GetCFA" get_cfa;
            unwind: "_Unwind_GetLanguageSpecificData" get_language_specific_data;
            unwind: "_Unwind_GetRegionStart" get_region_start;
            unwind: "_Unwind_GetTextRelBase" get_text_rel_base;
            unwind: "_Unwind_GetDataRelBase" get_data_rel_base;
            unwind: "_Unwind_FindEnclosingFunction" find_enclosing_function;
        }
    };
}

/// Part of [`main!`](crate::main).
#[doc(hidden)]
#[macro_export]
macro_rules! unwinder {
    ($($what:ident: $symbol:literal $name:ident;)*) => {
        $(
            // SAFETY: no other unwinder is linked, and one without arguments ignores those that it
            // is given (C calling convention).
            #[unsafe(export_name = $symbol)]
            extern "C" fn $name() -> usize {
                $crate::entry::$what()
            }
        )*
    };
}
