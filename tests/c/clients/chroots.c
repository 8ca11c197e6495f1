/* Looks a name up, changes the root to a tree with another hosts file, and looks it up again. */
#include "first.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char text[INET_ADDRSTRLEN];
    FILE *hosts;
    if (argc != 2 || !first(argv[1], text))
        return 1;
    puts(text);
    mkdir("/tmp/tree", 0755);
    mkdir("/tmp/tree/etc", 0755);
    mkdir("/tmp/tree/etc/workaround-docker-2267", 0755);
    hosts = fopen("/tmp/tree/etc/workaround-docker-2267/hosts", "w");
    if (!hosts || fprintf(hosts, "10.1.1.1 %s\n", argv[1]) < 0 || fclose(hosts))
        return 2;
    if (chroot("/tmp/tree") || chdir("/") || !first(argv[1], text))
        return 3;
    puts(text);
    return 0;
}
