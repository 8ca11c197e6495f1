/* Time and errors, as all drivers have them. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A driver that cannot do its work says so and ends: a figure that is made up is worse than none. */
static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

#endif
