/* Looks a name up, closes every descriptor but standard output, puts a file of its own in their
 * place, and looks it up again: as daemons do. */
#include "first.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char before[INET_ADDRSTRLEN], after[INET_ADDRSTRLEN];
    int fd, own = -1;
    if (argc != 2 || !first(argv[1], before))
        return 1;
    for (fd = 0; fd < 1024; fd++)
        if (fd != 1)
            close(fd);
    for (fd = 0; fd < 20; fd++)
        own = open("/dev/zero", O_RDONLY);
    if (own < 0 || !first(argv[1], after))
        return 2;
    puts(after);
    return 0;
}
