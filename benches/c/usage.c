/* Runs a command, and prints how long it took, in nanoseconds, and its peak memory, in KiB. */
#include "clock.h"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status = 0;
    uint64_t start = now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        if (argc > 1)
            execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        die("wait4");
    printf("%llu %ld\n", (unsigned long long)(now_ns() - start), usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
