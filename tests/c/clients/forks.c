/* Forks again and again while other threads are inside the module; each child looks a name up
 * through libc. The threads call the module itself: where they call getaddrinfo, a child's lookup
 * fails with glibc's own files service just as well (seen on 2.36), so that would test glibc. */
#include "first.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int lookup(const char *, int, struct hostent *, char *, size_t, int *, int *);

static atomic_int stop, failures;
static lookup *look_up;
static char *name;

static void *resolve(void *unused)
{
    struct hostent host;
    char space[1024];
    int error, h_error;
    (void)unused;
    while (!stop)
        if (look_up(name, AF_INET, &host, space, sizeof space, &error, &h_error) != 1)
            failures++;
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    void *module = dlopen("libnss_workaround.so.2", RTLD_NOW);
    int i, status;
    if (argc != 3 || !module)
        return 1;
    look_up = (lookup *)dlsym(module, "_nss_workaround_gethostbyname2_r");
    name = argv[1];
    for (i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, resolve, NULL);
    for (i = 0; i < 500; i++) {
        pid_t child = fork();
        if (child == 0) {
            char text[INET_ADDRSTRLEN];
            const char *got;
            alarm(10);
            got = first(name, text);
            _exit(got && strcmp(got, argv[2]) == 0 ? 0 : 2);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            printf("child %d: status %#x\n", i, status);
            return 2;
        }
    }
    stop = 1;
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    if (failures)
        return 3;
    puts("ok");
    return 0;
}
