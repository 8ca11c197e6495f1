//! String instructions do nearly all of it; the direction flag is clear at every call (psABI).

macro_rules! function {
    ($name:literal, $($line:literal),+ $(,)?) => {
        core::arch::global_asm!(
            concat!(".section .text.", $name, ",\"ax\",@progbits"),
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
    "mov rax, rdi",
    // String instructions take a while to start; names and addresses are short.
    "cmp rdx, 16",
    "jb 3f",
    "cmp rdx, 256",
    "ja 7f",
    "mov rcx, rdx",
    "2: movups xmm0, xmmword ptr [rsi]",
    "movups xmmword ptr [rdi], xmm0",
    "add rsi, 16",
    "add rdi, 16",
    "sub rcx, 16",
    "cmp rcx, 16",
    "jae 2b",
    // The last 16 bytes, some of them for the second time.
    "movups xmm0, xmmword ptr [rsi + rcx - 16]",
    "movups xmmword ptr [rdi + rcx - 16], xmm0",
    "ret",
    // Less than 16: the first and the last few, which may overlap.
    "3: cmp edx, 8",
    "jb 4f",
    "mov rcx, qword ptr [rsi]",
    "mov r8, qword ptr [rsi + rdx - 8]",
    "mov qword ptr [rdi], rcx",
    "mov qword ptr [rdi + rdx - 8], r8",
    "ret",
    "4: cmp edx, 4",
    "jb 5f",
    "mov ecx, dword ptr [rsi]",
    "mov r8d, dword ptr [rsi + rdx - 4]",
    "mov dword ptr [rdi], ecx",
    "mov dword ptr [rdi + rdx - 4], r8d",
    "ret",
    "5: test edx, edx",
    "je 6f",
    "movzx ecx, byte ptr [rsi]",
    "movzx r8d, byte ptr [rsi + rdx - 1]",
    "mov byte ptr [rdi], cl",
    "mov byte ptr [rdi + rdx - 1], r8b",
    "cmp edx, 3",
    "jne 6f",
    "movzx ecx, byte ptr [rsi + 1]",
    "mov byte ptr [rdi + 1], cl",
    "6: ret",
    "7: mov rcx, rdx",
    "rep movsb",
    "ret",
);

function!(
    "memmove",
    "mov rax, rdi",
    "mov rcx, rdx",
    // Does the target start within the source?
    "mov r8, rdi",
    "sub r8, rsi",
    "cmp r8, rdx",
    "jb 2f",
    "rep movsb",
    "ret",
    // Then the last byte goes first.
    "2: lea rdi, [rdi + rdx - 1]",
    "lea rsi, [rsi + rdx - 1]",
    "std",
    "rep movsb",
    "cld",
    "ret",
);

function!(
    "memset",
    "mov r8, rdi",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r8",
    "ret",
);

function!(
    "memcmp",
    "xor ecx, ecx",
    "2: cmp rcx, rdx",
    "je 3f",
    "movzx eax, byte ptr [rdi + rcx]",
    "movzx r8d, byte ptr [rsi + rcx]",
    "inc rcx",
    "sub eax, r8d",
    "je 2b",
    "ret",
    "3: xor eax, eax",
    "ret",
);

function!("bcmp", "jmp memcmp");

function!(
    "strlen",
    "xor eax, eax",
    "2: cmp byte ptr [rdi + rax], 0",
    "je 3f",
    "inc rax",
    "jmp 2b",
    "3: ret",
);
