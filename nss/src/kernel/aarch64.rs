//! System calls on aarch64.

use core::arch::asm;

/// Makes system call `number` with four arguments (syscall(2)).
///
/// # Safety
///
/// The arguments are valid for the call, as its manual page says.
#[inline]
pub(super) unsafe fn syscall(number: usize, arguments: [usize; 4]) -> isize {
    let [a, b, c, d] = arguments;
    let result;
    // SAFETY: the kernel keeps all registers but x0; what it does to memory is the caller's
    // promise.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            options(nostack),
        );
    }
    result
}

/// Ends the process, with SIGILL or SIGTRAP.
#[cfg(all(not(test), panic = "abort", debug_assertions))]
pub(crate) fn trap() -> ! {
    // SAFETY: an exception; nothing runs behind it.
    unsafe { asm!("brk #1", options(noreturn, nostack)) }
}
