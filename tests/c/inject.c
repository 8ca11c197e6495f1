/*
 * Runs a command in a tree and has one of its system calls go wrong, then sees what is left.
 *
 *   inject ROOT list COMMAND [ARGUMENT...]
 *       runs COMMAND, and prints the number and the first three arguments of each system call
 *   inject ROOT kill N COMMAND...
 *       kills COMMAND when it is about to make its N-th system call, counted from 0
 *   inject ROOT ERRNO N COMMAND...
 *       makes the N-th system call fail with the error of that number instead of being made
 *   inject ROOT run COMMAND...
 *       runs COMMAND undisturbed
 *
 * COMMAND is a path inside ROOT. Only the process itself is disturbed, not its children; none of
 * them outlives this program, as they live in a PID namespace of their own. The last line tells
 * how COMMAND ended: `exit STATUS`, `signal NUMBER` or `timeout`.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "this program knows the registers of x86_64 only"
#endif

static void mount_in(const char *root, const char *what, const char *type)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, what);
    char source[4096];
    snprintf(source, sizeof source, "/%s", what);
    if (mount(type ? type : source, path, type, type ? 0 : MS_BIND, NULL) != 0)
        err(99, "cannot mount %s", path);
}

static void start(const char *root, char **command, int traced)
{
    if (chroot(root) != 0 || chdir("/") != 0)
        err(99, "cannot change the root to %s", root);
    if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        err(99, "ptrace");
    execve(command[0], command, (char *[]){"PATH=/usr/bin", NULL});
    err(99, "cannot run %s", command[0]);
}

static int finish(int status)
{
    fflush(stdout);
    if (WIFEXITED(status))
        printf("exit %d\n", WEXITSTATUS(status));
    else
        printf("signal %d\n", WTERMSIG(status));
    return 0;
}

static void too_long(int signal)
{
    (void)signal;
    static const char text[] = "timeout\n";
    (void)!write(1, text, sizeof text - 1);
    _exit(0);
}

/* Goes on to the next stop for a system call; what else stops it is passed on. */
static int next_stop(pid_t child, int *status)
{
    long signal = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, child, NULL, signal) != 0)
            err(99, "ptrace");
        if (waitpid(child, status, 0) != child)
            err(99, "waitpid");
        if (!WIFSTOPPED(*status))
            return 0;
        if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
            return 1;
        signal = WSTOPSIG(*status);
    }
}

static int run(const char *root, const char *what, long nth, char **command)
{
    int traced = strcmp(what, "run") != 0;
    int lists = strcmp(what, "list") == 0;
    pid_t child = fork();
    if (child == 0)
        start(root, command, traced);
    int status;
    if (waitpid(child, &status, 0) != child)
        err(99, "waitpid");
    if (!traced)
        return finish(status);
    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    struct user_regs_struct regs;
    for (long count = 0; next_stop(child, &status); count++) {
        if (lists) {
            ptrace(PTRACE_GETREGS, child, NULL, &regs);
            printf("%llu %llx %llx %llx\n", regs.orig_rax, regs.rdi, regs.rsi, regs.rdx);
        }
        if (!lists && count == nth) {
            if (strcmp(what, "kill") == 0) {
                kill(child, SIGKILL);
                waitpid(child, &status, 0);
                break;
            }
            ptrace(PTRACE_GETREGS, child, NULL, &regs);
            regs.orig_rax = -1;
            ptrace(PTRACE_SETREGS, child, NULL, &regs);
            if (!next_stop(child, &status))
                break;
            ptrace(PTRACE_GETREGS, child, NULL, &regs);
            regs.rax = -atol(what);
            ptrace(PTRACE_SETREGS, child, NULL, &regs);
            continue;
        }
        if (!next_stop(child, &status))
            break;
    }
    while (WIFSTOPPED(status)) {
        ptrace(PTRACE_CONT, child, NULL, NULL);
        waitpid(child, &status, 0);
    }
    return finish(status);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        errx(99, "usage: inject ROOT list|run COMMAND... | inject ROOT kill|ERRNO N COMMAND...");
    const char *root = argv[1], *what = argv[2];
    int numbered = strcmp(what, "list") != 0 && strcmp(what, "run") != 0;
    long nth = numbered ? atol(argv[3]) : -1;
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0)
        err(99, "unshare");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        err(99, "mount");
    pid_t init = fork();
    if (init == 0) {
        signal(SIGALRM, too_long);
        alarm(60);
        mount_in(root, "proc", "proc");
        mount_in(root, "dev/null", NULL);
        exit(run(root, what, nth, argv + (numbered ? 4 : 3)));
    }
    int status;
    if (waitpid(init, &status, 0) != init)
        err(99, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}
