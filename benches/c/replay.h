/* The floor: the system calls that a lookup makes, with nothing between them. */
#ifndef REPLAY_H
#define REPLAY_H

#include "clock.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line of the list: "open PATH", "stat PATH", "fstat", "pread LENGTH OFFSET", "close". */
struct call {
    enum { OPEN, STAT, FSTAT, PREAD, CLOSE } what;
    size_t length;
    off_t offset;
    char path[256];
};

static struct call *calls_of(const char *file, size_t *count)
{
    struct call *calls = NULL, call;
    char line[512], verb[16];
    FILE *list = fopen(file, "r");
    if (!list)
        die(file);
    *count = 0;
    while (fgets(line, sizeof line, list)) {
        unsigned long long length = 0, offset = 0;
        memset(&call, 0, sizeof call);
        if (sscanf(line, "%15s", verb) != 1)
            continue;
        if (!strcmp(verb, "open") && sscanf(line, "open %255s", call.path) == 1)
            call.what = OPEN;
        else if (!strcmp(verb, "stat") && sscanf(line, "stat %255s", call.path) == 1)
            call.what = STAT;
        else if (!strcmp(verb, "fstat"))
            call.what = FSTAT;
        else if (!strcmp(verb, "pread") && sscanf(line, "pread %llu %llu", &length, &offset) == 2)
            call.what = PREAD;
        else if (!strcmp(verb, "close"))
            call.what = CLOSE;
        else {
            fprintf(stderr, "lookup: cannot replay %s", line);
            exit(2);
        }
        call.length = length;
        call.offset = (off_t)offset;
        calls = realloc(calls, (*count + 1) * sizeof *calls);
        if (!calls)
            die("realloc");
        calls[(*count)++] = call;
    }
    fclose(list);
    return calls;
}

static void replay_once(const struct call *calls, size_t count)
{
    static char buffer[1 << 20];
    /* At most two files are open at once; a call without a path means the newest. */
    int open_files[8], top = 0;
    struct stat status;
    for (const struct call *call = calls; call < calls + count; call++) {
        int file = top ? open_files[top - 1] : -1;
        switch (call->what) {
        case OPEN:
            if (top < 8 && (file = open(call->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) >= 0)
                open_files[top++] = file;
            break;
        case STAT:
            if (stat(call->path, &status)) { /* a file that is not there costs the same here */ }
            break;
        case FSTAT:
            if (fstat(file, &status))
                die("fstat");
            break;
        case PREAD:
            if (pread(file, buffer, call->length > sizeof buffer ? sizeof buffer : call->length, call->offset) < 0)
                die("pread");
            break;
        case CLOSE:
            if (top)
                close(open_files[--top]);
            break;
        }
    }
    while (top)
        close(open_files[--top]);
}

static void replay(const char *file, uint64_t budget)
{
    size_t count;
    struct call *calls = calls_of(file, &count);
    uint64_t start, took, times, left;
    replay_once(calls, count);
    start = now_ns();
    replay_once(calls, count);
    took = now_ns() - start;
    times = left = budget / (took + 1) + 1;
    start = now_ns();
    while (left--)
        replay_once(calls, count);
    took = now_ns() - start;
    free(calls);
    printf("%llu %llu\n", (unsigned long long)took, (unsigned long long)times);
}

#endif
