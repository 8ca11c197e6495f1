/* Starts programs as PID 1 of a namespace of their own, or plainly, and looks at their life.
 *
 *   life SETTLE   in milliseconds; commands come from standard input, and each is answered by one line:
 *
 *   end WHERE STAMPS SECONDS COMMAND...     run it to its end: FIRST GONE VALUE
 *   boot WHERE STAMPS SECONDS COMMAND...    kill it once all stamps are there: FIRST GONE VALUE
 *   term WHERE STAMPS SECONDS COMMAND...    send SIGTERM once all stamps are there: FIRST GONE VALUE
 *   idle WHERE STAMPS SECONDS COMMAND...    leave it alone: PSS PRIVATE DIRTY CALLS
 *
 * WHERE is pid1 or plain. Of what runs, every "stamp NS" on its standard output counts. FIRST is
 * the time from just before exec to the first stamp; GONE, that from just before exec (end) or
 * from the signal (boot, term) until it is gone, or "never" if that takes more than SECONDS; VALUE, the
 * last "value N" that was printed, or 0. KiB are the process's own, CALLS the system calls that
 * strace saw it make in so many seconds. Times are in nanoseconds.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "memory.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long what has started is left alone before it is looked at or told to end. */
static useconds_t settle;

struct life {
    pid_t pid;
    int output;
    uint64_t begun, first, value;
    size_t stamps;
    char line[128];
    size_t length;
};

static uint64_t *shared;

static void become(char **arguments, int plain, int output)
{
    int null = open("/dev/null", O_RDWR);
    sigset_t empty;
    sigemptyset(&empty);
    dup2(null, 0);
    dup2(output, 1);
    if (!getenv("LIFE_LOG"))
        dup2(null, 2);
    setsid();
    sigprocmask(SIG_SETMASK, &empty, NULL);
    if (!plain && (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL)))
        die("mount /proc");
    *shared = now_ns();
    execvp(arguments[0], arguments);
    die(arguments[0]);
}

static struct life begin(char **arguments, int plain)
{
    struct life life = {0};
    int ends[2];
    long flags = SIGCHLD | (plain ? 0 : CLONE_NEWPID | CLONE_NEWNS);
    if (pipe2(ends, O_CLOEXEC))
        die("pipe");
    fflush(stdout);
    life.pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (life.pid < 0)
        die("clone");
    if (life.pid == 0)
        become(arguments, plain, ends[1]);
    close(ends[1]);
    life.output = ends[0];
    return life;
}

static void take_line(struct life *life)
{
    unsigned long long number;
    if (sscanf(life->line, "stamp %llu", &number) == 1) {
        if (life->stamps++ == 0)
            life->first = number - *shared;
    } else if (sscanf(life->line, "value %llu", &number) == 1) {
        life->value = number;
    }
}

/* Reads what is printed until so many stamps are there; 0 at the end of it, or of the time. */
static int read_stamps(struct life *life, size_t stamps, uint64_t until)
{
    while (life->stamps < stamps) {
        struct pollfd poll_for = {.fd = life->output, .events = POLLIN};
        uint64_t now = now_ns();
        char byte;
        if (now >= until || poll(&poll_for, 1, (int)((until - now) / 1000000) + 1) < 0)
            return 0;
        if (!poll_for.revents)
            continue;
        if (read(life->output, &byte, 1) != 1)
            return 0;
        if (byte != '\n' && life->length < sizeof life->line - 1) {
            life->line[life->length++] = byte;
            continue;
        }
        life->line[life->length] = 0;
        life->length = 0;
        take_line(life);
    }
    return 1;
}

/* Waits until it is gone; kills it when the time is over, and says 0. */
static int wait_gone(struct life *life, uint64_t until)
{
    struct timespec left;
    sigset_t child;
    int gone = 1;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while (waitpid(life->pid, NULL, WNOHANG) == 0) {
        uint64_t now = now_ns();
        if (now >= until) {
            gone = 0;
            kill(life->pid, SIGKILL);
            waitpid(life->pid, NULL, 0);
            break;
        }
        left = (struct timespec){(time_t)((until - now) / 1000000000), (long)((until - now) % 1000000000)};
        sigtimedwait(&child, NULL, &left);
    }
    return gone;
}

static void finish(struct life *life, uint64_t since, uint64_t until)
{
    int gone = wait_gone(life, until);
    uint64_t end = now_ns();
    /* The last lines may still be in the pipe. */
    read_stamps(life, (size_t)-1, end + 1000000);
    close(life->output);
    if (gone)
        printf("%llu %llu %llu\n", (unsigned long long)life->first, (unsigned long long)(end - since),
            (unsigned long long)life->value);
    else
        printf("%llu never %llu\n", (unsigned long long)life->first, (unsigned long long)life->value);
}

/* How many calls the process makes in so many seconds. Attaching makes some calls return early,
 * so the first half second does not count. */
static size_t calls_of(pid_t pid, unsigned seconds)
{
    char text[16], line[512];
    struct timespec now;
    double first, at;
    size_t calls = 0;
    FILE *trace;
    pid_t strace = fork();
    snprintf(text, sizeof text, "%d", (int)pid);
    if (strace == 0) {
        execlp("strace", "strace", "-qq", "-ttt", "-o", "/tmp/idle", "-p", text, (char *)NULL);
        die("strace");
    }
    usleep(500000);
    clock_gettime(CLOCK_REALTIME, &now);
    first = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    sleep(seconds);
    kill(strace, SIGINT);
    waitpid(strace, NULL, 0);
    trace = fopen("/tmp/idle", "r");
    if (!trace)
        die("/tmp/idle");
    while (fgets(line, sizeof line, trace))
        if (sscanf(line, "%lf", &at) == 1 && at >= first && !strstr(line, "<detached"))
            calls++;
    fclose(trace);
    return calls;
}

static void idle(struct life *life, unsigned seconds)
{
    usleep(settle);
    print_memory(life->pid);
    printf("%zu\n", calls_of(life->pid, seconds));
    kill(life->pid, SIGKILL);
    waitpid(life->pid, NULL, 0);
    close(life->output);
}

static void obey(char *command)
{
    char *words, *verb = strtok_r(command, " \n", &words), *where = strtok_r(NULL, " \n", &words);
    char *stamps = strtok_r(NULL, " \n", &words), *seconds = strtok_r(NULL, " \n", &words);
    char *arguments[64];
    size_t count = 0;
    struct life life;
    uint64_t since, until;
    while (count < 63 && (arguments[count] = strtok_r(NULL, " \n", &words)))
        count++;
    arguments[count] = NULL;
    if (!count) {
        fprintf(stderr, "life: no command\n");
        exit(2);
    }
    life = begin(arguments, !strcmp(where, "plain"));
    until = now_ns() + strtoull(seconds, NULL, 10) * 1000000000;
    if (!strcmp(verb, "idle"))
        until += 10ull * 1000000000;
    if (!read_stamps(&life, strtoul(stamps, NULL, 10), until)) {
        kill(life.pid, SIGKILL);
        waitpid(life.pid, NULL, 0);
        close(life.output);
        puts("failed");
    } else if (!strcmp(verb, "idle")) {
        idle(&life, (unsigned)strtoul(seconds, NULL, 10));
    } else if (!strcmp(verb, "boot")) {
        since = now_ns();
        kill(life.pid, SIGKILL);
        finish(&life, since, until);
    } else if (!strcmp(verb, "term")) {
        usleep(settle);
        since = now_ns();
        kill(life.pid, SIGTERM);
        finish(&life, since, since + strtoull(seconds, NULL, 10) * 1000000000);
    } else {
        finish(&life, *shared, until);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;
    sigset_t child;
    settle = argc > 1 ? 1000 * (useconds_t)strtoul(argv[1], NULL, 10) : 0;
    /* Blocked, so that sigtimedwait hears of a child's end at once; children get it back. */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");
    while (getline(&line, &size, stdin) > 0)
        obey(line);
    free(line);
    return 0;
}
