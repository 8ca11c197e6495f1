/* An NSS module that knows nothing and says so at once: what is left is libc's own cost. */
#include <errno.h>
#include <netdb.h>
#include <nss.h>

#define MISS(NAME, ...)                                                        \
    enum nss_status _nss_null_##NAME(__VA_ARGS__, char *buffer, size_t length, \
        int *errnop, int *h_errnop)                                            \
    {                                                                          \
        *h_errnop = HOST_NOT_FOUND;                                            \
        return NSS_STATUS_NOTFOUND;                                            \
    }

MISS(gethostbyname2_r, const char *name, int family, struct hostent *host)
MISS(gethostbyaddr_r, const void *address, socklen_t size, int family, struct hostent *host)

enum nss_status _nss_null_gethostbyname4_r(const char *name, struct gaih_addrtuple **tuples,
    char *buffer, size_t length, int *errnop, int *h_errnop, int *ttl)
{
    *h_errnop = HOST_NOT_FOUND;
    return NSS_STATUS_NOTFOUND;
}
