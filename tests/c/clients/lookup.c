/* Prints the addresses of a name; the least that a resolver's client can be. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int error = argc == 2 ? getaddrinfo(argv[1], NULL, &hints, &list) : EAI_NONAME;
    if (error) {
        fprintf(stderr, "%s\n", gai_strerror(error));
        return 1;
    }
    for (struct addrinfo *item = list; item; item = item->ai_next) {
        char text[INET6_ADDRSTRLEN];
        const void *address = item->ai_family == AF_INET
            ? (const void *)&((struct sockaddr_in *)item->ai_addr)->sin_addr
            : (const void *)&((struct sockaddr_in6 *)item->ai_addr)->sin6_addr;
        puts(inet_ntop(item->ai_family, address, text, sizeof text));
    }
    return 0;
}
