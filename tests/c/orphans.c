/* Makes orphans by double forks as fast as it can, each ending with status 77, and waits until no
   zombie is left in /proc: orphans COUNT STATUS prints "N zombies" and exits with STATUS. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

static pid_t fork_for_sure(void) {
    pid_t pid;
    /* A full PID space is no failure: it is being emptied meanwhile. */
    while ((pid = fork()) < 0) pause_ms(1);
    return pid;
}

static int zombies(void) {
    DIR *proc = opendir("/proc");
    int count = 0;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char path[300], line[300] = "";
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *stat = fopen(path, "r");
        if (!stat) continue;
        if (fgets(line, sizeof line, stat) && strstr(line, ") Z ")) count++;
        fclose(stat);
    }
    if (proc) closedir(proc);
    return count;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    for (int left = atoi(argv[1]); left > 0; left--) {
        pid_t pid = fork_for_sure();
        if (pid == 0) _exit(fork_for_sure() == 0 ? 77 : 0);
        waitpid(pid, NULL, 0);
    }
    int left = 0;
    for (int tries = 0; tries < 1000 && (left = zombies()) > 0; tries++) pause_ms(10);
    printf("%d zombies\n", left);
    return atoi(argv[2]);
}
