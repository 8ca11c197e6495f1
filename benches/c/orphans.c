/* Makes orphans for PID 1 to reap, and says how long it took until none was left.
 *
 *   orphans burst COUNT [stay]     so many dead children of one parent, handed over at once
 *   orphans double COUNT [stay]    so many double forks, one after the other
 *
 * Prints "value NANOSECONDS".
 */
#include "clock.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t *orphans;

static pid_t start(void)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    return pid;
}

/* One that is dead at once; the memory is shared, so only its parent writes there. */
static void start_orphan(size_t nth)
{
    pid_t pid = start();
    if (pid == 0)
        _exit(0);
    orphans[nth] = pid;
}

/* A parent that has so many dead children, and ends when the pipe is closed. */
static pid_t parent_of(size_t count, int *release)
{
    int alive[2], go[2];
    char byte;
    pid_t parent;
    if (pipe(alive) || pipe(go))
        die("pipe");
    parent = start();
    if (parent == 0) {
        close(go[1]);
        close(alive[0]);
        for (size_t i = 0; i < count; i++)
            start_orphan(i);
        close(alive[1]);
        if (read(go[0], &byte, 1)) { /* the end of the file is the sign to end */ }
        _exit(0);
    }
    close(go[0]);
    close(alive[1]);
    /* The pipe's last writers are the children: it ends when all are dead. */
    while (read(alive[0], &byte, 1) > 0) {}
    close(alive[0]);
    usleep(20000);
    *release = go[1];
    return parent;
}

static void wait_until_gone(size_t count)
{
    struct timespec pause = {.tv_nsec = 100000};
    for (size_t i = count; i-- > 0;)
        while (kill(orphans[i], 0) == 0 || errno != ESRCH)
            nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    uint64_t begin;
    if (!count) {
        fprintf(stderr, "usage: orphans burst|double COUNT [stay]\n");
        return 2;
    }
    orphans = mmap(NULL, count * sizeof *orphans, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (orphans == MAP_FAILED)
        die("mmap");
    if (!strcmp(argv[1], "burst")) {
        int release;
        pid_t parent = parent_of(count, &release);
        begin = now_ns();
        close(release);
        waitpid(parent, NULL, 0);
    } else {
        begin = now_ns();
        for (size_t i = 0; i < count; i++) {
            pid_t middle = start();
            if (middle == 0) {
                start_orphan(i);
                _exit(0);
            }
            waitpid(middle, NULL, 0);
        }
    }
    wait_until_gone(count);
    printf("value %llu\n", (unsigned long long)(now_ns() - begin));
    fflush(stdout);
    while (argc > 3)
        pause();
    return 0;
}
