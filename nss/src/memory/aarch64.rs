//! Sixteen bytes at a time where it counts, single bytes for the rest.

macro_rules! function {
    ($name:literal, $($line:literal),+ $(,)?) => {
        core::arch::global_asm!(
            concat!(".section .text.", $name, ",\"ax\",@progbits"),
            ".p2align 2",
            concat!(".globl ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ", @function"),
            concat!($name, ":"),
            $($line,)+
            concat!(".size ", $name, ", . - ", $name),
            ".text",
        );
    };
}

function!(
    "memcpy",
    "mov x3, x0",
    "2: subs x2, x2, #16",
    "b.lo 3f",
    "ldr q0, [x1], #16",
    "str q0, [x3], #16",
    "b 2b",
    "3: adds x2, x2, #16",
    "b.eq 5f",
    "4: ldrb w4, [x1], #1",
    "strb w4, [x3], #1",
    "subs x2, x2, #1",
    "b.ne 4b",
    "5: ret",
);

function!(
    "memmove",
    // Unless the target starts within the source, memcpy's order is right.
    "sub x3, x0, x1",
    "cmp x3, x2",
    "b.hs memcpy",
    "2: cbz x2, 3f",
    "sub x2, x2, #1",
    "ldrb w4, [x1, x2]",
    "strb w4, [x0, x2]",
    "b 2b",
    "3: ret",
);

function!(
    "memset",
    "mov x3, x0",
    "dup v0.16b, w1",
    "2: subs x2, x2, #16",
    "b.lo 3f",
    "str q0, [x3], #16",
    "b 2b",
    "3: adds x2, x2, #16",
    "b.eq 5f",
    "4: strb w1, [x3], #1",
    "subs x2, x2, #1",
    "b.ne 4b",
    "5: ret",
);

function!(
    "memcmp",
    "2: cbz x2, 3f",
    "ldrb w3, [x0], #1",
    "ldrb w4, [x1], #1",
    "sub x2, x2, #1",
    "subs w3, w3, w4",
    "b.eq 2b",
    "mov w0, w3",
    "ret",
    "3: mov w0, wzr",
    "ret",
);

function!("bcmp", "b memcmp");

function!(
    "strlen",
    "mov x1, x0",
    "2: ldrb w2, [x1], #1",
    "cbnz w2, 2b",
    "sub x0, x1, x0",
    "sub x0, x0, #1",
    "ret",
);
