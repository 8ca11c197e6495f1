/* Forks again and again while other threads look names up; each child looks one up as well. */
#include "first.h"
#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop;
static char *name;

static void *resolve(void *unused)
{
    char text[INET_ADDRSTRLEN];
    (void)unused;
    while (!stop)
        first(name, text);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    int i, status;
    if (argc != 3)
        return 1;
    name = argv[1];
    for (i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, resolve, NULL);
    for (i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child == 0) {
            char text[INET_ADDRSTRLEN];
            const char *got;
            alarm(10);
            got = first(name, text);
            _exit(got && strcmp(got, argv[2]) == 0 ? 0 : 2);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            return 2;
    }
    stop = 1;
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    puts("ok");
    return 0;
}
