//! System calls on `x86_64`.

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
    // SAFETY: the kernel keeps all registers but rax, rcx and r11; what it does to memory is the
    // caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Ends the process, with SIGILL or SIGTRAP.
#[cfg(all(not(test), panic = "abort", debug_assertions))]
pub(crate) fn trap() -> ! {
    // SAFETY: an exception; nothing runs behind it.
    unsafe { asm!("ud2", options(noreturn, nostack)) }
}
