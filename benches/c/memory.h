/* What a process holds in memory, as the kernel counts it. */
#ifndef MEMORY_H
#define MEMORY_H

#include "clock.h"
#include <string.h>
#include <sys/types.h>

/* Prints "PSS PRIVATE DIRTY ", in KiB. */
static void print_memory(pid_t pid)
{
    unsigned long long value, pss = 0, private = 0, dirty = 0;
    char path[64], line[256], key[64];
    FILE *file;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    file = fopen(path, "r");
    if (!file)
        die(path);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%63[^:]: %llu", key, &value) != 2)
            continue;
        pss += strcmp(key, "Pss") ? 0 : value;
        private += strncmp(key, "Private_", 8) ? 0 : value;
        dirty += strcmp(key, "Private_Dirty") && strcmp(key, "Shared_Dirty") ? 0 : value;
    }
    fclose(file);
    printf("%llu %llu %llu ", pss, private, dirty);
}

#endif
