//! The proof that the module cannot panic.
//!
//! In a release build the panic handler calls a symbol that no library defines. The module is
//! linked with `-z defs`, so it links only when the optimizer has shown every panic path to be
//! unreachable, and the handler with it.
//!
//! A debug build has its checks, and no optimizer to remove them: there a panic ends the process.

use core::panic::PanicInfo;

#[cfg(not(debug_assertions))]
#[panic_handler]
fn unreachable(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn nss_workaround_has_a_panic_path() -> !;
    }
    // SAFETY: never called: a module in which it could be does not link.
    unsafe { nss_workaround_has_a_panic_path() }
}

#[cfg(debug_assertions)]
mod debug {
    #[panic_handler]
    fn stop(_: &super::PanicInfo<'_>) -> ! {
        crate::kernel::trap()
    }

    /// The precompiled `core` refers to these for unwinding, which never happens here.
    mod unwinding {
        #[unsafe(no_mangle)]
        extern "C" fn rust_eh_personality() {}

        #[unsafe(no_mangle)]
        extern "C" fn _Unwind_Resume() {}
    }
}
