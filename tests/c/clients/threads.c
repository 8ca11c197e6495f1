/* 64 threads look names up at once, forwards, backwards and by enumeration. */
#include "first.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char **arguments;

static void *resolve(void *unused)
{
    int i;
    (void)unused;
    for (i = 0; i < 200; i++) {
        char text[INET_ADDRSTRLEN], space[1024];
        struct in_addr address;
        struct hostent host, *found;
        int h_errno_;
        const char *got = first(arguments[1], text);
        if (!got || strcmp(got, arguments[2]))
            return "wrong address";
        inet_pton(AF_INET, arguments[2], &address);
        if (gethostbyaddr_r(&address, sizeof address, AF_INET, &host, space, sizeof space, &found, &h_errno_) || !found)
            return "wrong name";
        gethostent_r(&host, space, sizeof space, &found, &h_errno_);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    int i;
    if (argc != 3)
        return 1;
    arguments = argv;
    for (i = 0; i < 64; i++)
        if (pthread_create(&threads[i], NULL, resolve, NULL))
            return 2;
    for (i = 0; i < 64; i++) {
        void *fault;
        pthread_join(threads[i], &fault);
        if (fault) {
            puts(fault);
            return 3;
        }
    }
    puts("64 threads");
    return 0;
}
