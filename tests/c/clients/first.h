/* The first IPv4 address of a name, as text; NULL if there is none. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>

static const char *first(const char *name, char text[INET_ADDRSTRLEN])
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
    const char *found;
    if (getaddrinfo(name, NULL, &hints, &list))
        return NULL;
    found = inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text, INET_ADDRSTRLEN);
    freeaddrinfo(list);
    return found;
}
