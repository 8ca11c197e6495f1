/* The module seen from C, through the types of <nss.h>.
 *
 *   probe outcome NAME      one lookup's status, errno and h_errno
 *   probe full-table NAME   the same, with no descriptor left
 *   probe abi               every out-value of every entry point, every size and alignment
 *   probe stack             the deepest stack of any entry point, in bytes
 *   probe edits             lookups in 8 threads while the file is renamed, appended to, truncated
 *   probe watch SECONDS     lookups in 4 threads while somebody else does all that
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define HOSTS "/etc/workaround-docker-2267/hosts"

/* Were a type to drift, these assignments would not compile (-Werror). */
static nss_gethostbyname_r *by_name;
static nss_gethostbyname2_r *by_name2;
static nss_gethostbyname3_r *by_name3;
static nss_gethostbyname4_r *by_name4;
static nss_gethostbyaddr_r *by_addr;
static nss_sethostent *set_ent;
static nss_gethostent_r *get_ent;
static nss_endhostent *end_ent;

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *what, int line)
{
    printf("line %d: not so: %s\n", line, what);
    exit(1);
}

static void load(void)
{
    const char *file = getenv("MODULE");
    void *module = dlopen(file ? file : "libnss_workaround.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!module)
        fail(dlerror(), __LINE__);
#define LOAD(pointer, name) (pointer = (__typeof__(pointer))dlsym(module, "_nss_workaround_" name), CHECK(pointer != NULL))
    LOAD(by_name, "gethostbyname_r");
    LOAD(by_name2, "gethostbyname2_r");
    LOAD(by_name3, "gethostbyname3_r");
    LOAD(by_name4, "gethostbyname4_r");
    LOAD(by_addr, "gethostbyaddr_r");
    LOAD(set_ent, "sethostent");
    LOAD(get_ent, "gethostent_r");
    LOAD(end_ent, "endhostent");
}

static void outcome(const char *name)
{
    static char space[4096];
    struct hostent host;
    int h_error = 12345;
    enum nss_status status;
    const char *text, *h_text;
    errno = 0;
    status = by_name2(name, AF_INET, &host, space, sizeof space, &errno, &h_error);
    text = errno ? strerrorname_np(errno) : "untouched";
    h_text = h_error == NETDB_SUCCESS ? "NETDB_SUCCESS" : h_error == HOST_NOT_FOUND ? "HOST_NOT_FOUND"
        : h_error == NETDB_INTERNAL ? "NETDB_INTERNAL" : "another h_errno";
    printf("%s %s %s\n", status == NSS_STATUS_SUCCESS ? "SUCCESS" : status == NSS_STATUS_NOTFOUND ? "NOTFOUND"
        : status == NSS_STATUS_UNAVAIL ? "UNAVAIL" : "TRYAGAIN", text, h_text);
}

static void fill_descriptors(void)
{
    while (open("/dev/null", O_RDONLY) >= 0)
        ;
}

/* One call of entry point `which` into a buffer. */
static enum nss_status call(int which, struct hostent *host, struct gaih_addrtuple **pat, char *canonical[1], char *buffer, size_t size, int *h_error)
{
    static const unsigned char v4[4] = {127, 0, 0, 2}, v6[16] = {[15] = 1};
    int32_t ttl = 77;
    enum nss_status status = NSS_STATUS_UNAVAIL;
    switch (which) {
    case 0: status = by_name("db", host, buffer, size, &errno, h_error); break;
    case 1: status = by_name2("db", AF_INET, host, buffer, size, &errno, h_error); break;
    case 2: status = by_name2("db", AF_INET6, host, buffer, size, &errno, h_error); break;
    case 3: status = by_name3("db", AF_INET, host, buffer, size, &errno, h_error, &ttl, canonical); break;
    case 4: status = by_name3("db", AF_INET, host, buffer, size, &errno, h_error, NULL, NULL); break;
    case 5: case 6: status = by_name4("db", pat, buffer, size, &errno, h_error, &ttl); break;
    case 7: status = by_addr(v4, 4, AF_INET, host, buffer, size, &errno, h_error); break;
    case 8: status = by_addr(v6, 16, AF_INET6, host, buffer, size, &errno, h_error); break;
    case 9: set_ent(0); status = get_ent(host, buffer, size, &errno, h_error); break;
    }
    CHECK(ttl == 77);
    return status;
}

static int within(const void *pointer, const char *buffer, size_t size)
{
    return (const char *)pointer >= buffer && (const char *)pointer < buffer + size;
}

static void check_host(const struct hostent *host, const char *buffer, size_t size)
{
    char **item;
    CHECK(within(host->h_name, buffer, size) && host->h_name[0]);
    CHECK((uintptr_t)host->h_aliases % sizeof(char *) == 0 && (uintptr_t)host->h_addr_list % sizeof(char *) == 0);
    for (item = host->h_aliases; *item; item++)
        CHECK(within(*item, buffer, size) && within(*item + strlen(*item), buffer, size));
    for (item = host->h_addr_list; *item; item++)
        CHECK(within(*item, buffer, size) && within(*item + host->h_length - 1, buffer, size));
    CHECK(within(item, buffer, size) && item > host->h_addr_list);
    CHECK(host->h_length == (host->h_addrtype == AF_INET ? 4 : 16));
}

static void abi(void)
{
    static char space[4096];
    size_t size, shift;
    int which;
    for (which = 0; which < 10; which++)
        for (shift = 0; shift < 16; shift++) {
            int enough = 0;
            for (size = 0; size < 600; size++) {
                struct hostent host, blank;
                struct gaih_addrtuple given, *pat = which == 6 ? &given : NULL;
                char *buffer = space + 64 + shift, *canonical = NULL;
                int h_error = 12345;
                enum nss_status status;
                memset(space, 0x5a, sizeof space);
                memset(&host, 0x5a, sizeof host);
                blank = host;
                errno = 4242;
                status = call(which, &host, &pat, &canonical, buffer, size, &h_error);
                for (char *byte = space; byte < space + sizeof space; byte++)
                    CHECK(within(byte, buffer, size) || *byte == 0x5a);
                if (status == NSS_STATUS_TRYAGAIN) {
                    CHECK(!enough); /* what sufficed keeps sufficing */
                    CHECK(errno == ERANGE && h_error == NETDB_INTERNAL);
                    CHECK(memcmp(&host, &blank, sizeof host) == 0 && !canonical && pat == (which == 6 ? &given : NULL));
                    continue;
                }
                enough = 1;
                CHECK(status == NSS_STATUS_SUCCESS && errno == 4242 && h_error == NETDB_SUCCESS);
                if (which == 5 || which == 6) {
                    CHECK(which == 5 ? within(pat, buffer, size) : pat == &given);
                    CHECK(!strcmp(pat->name, "db") && pat->family == AF_INET && pat->scopeid == 0 && pat->next->family == AF_INET6);
                    CHECK(!pat->next->name && pat->next->next->family == AF_INET && !pat->next->next->next);
                    CHECK((uintptr_t)pat->next % 8 == 0 && ((unsigned char *)pat->next->next->addr)[3] == 2);
                } else {
                    check_host(&host, buffer, size);
                    CHECK(which != 3 || canonical == host.h_name);
                }
            }
            CHECK(enough);
        }
    /* Families that hosts files know nothing of. */
    for (which = 0; which < 3; which++) {
        static const int family[] = {AF_UNSPEC, AF_UNIX, -1};
        struct hostent host;
        int h_error = 12345;
        CHECK(by_name2("db", family[which], &host, space, sizeof space, &errno, &h_error) == NSS_STATUS_UNAVAIL);
        CHECK(errno == EAFNOSUPPORT && h_error == HOST_NOT_FOUND);
    }
    CHECK(set_ent(1) == NSS_STATUS_SUCCESS && end_ent() == NSS_STATUS_SUCCESS);
    puts("abi ok");
}

static ucontext_t outside, inside;
static int entry_point;

static void on_stack(void)
{
    static char space[1 << 20];
    struct hostent host;
    struct gaih_addrtuple *pat = NULL;
    char *canonical;
    int h_error;
    call(entry_point, &host, &pat, &canonical, space, sizeof space, &h_error);
    swapcontext(&inside, &outside);
}

static void stack(void)
{
    static char memory[64 * 1024];
    static size_t deepest, at; /* static: swapcontext returns twice in the eyes of a compiler */
    /* What a context switch and this probe's own frames take is not the module's. */
    for (entry_point = -1; entry_point < 10; entry_point++) {
        static size_t own;
        memset(memory, 0x5a, sizeof memory);
        getcontext(&inside);
        inside.uc_stack.ss_sp = memory;
        inside.uc_stack.ss_size = sizeof memory;
        inside.uc_link = NULL;
        makecontext(&inside, on_stack, 0);
        swapcontext(&outside, &inside);
        for (at = 0; memory[at] == 0x5a; at++)
            ;
        if (entry_point < 0)
            own = sizeof memory - at;
        else if (sizeof memory - at - own > deepest)
            deepest = sizeof memory - at - own;
    }
    printf("deepest %zu\n", deepest);
}

static atomic_int stop;
static atomic_long found, missed;

/* Any version of the file says 10.1.1.1 or 10.2.2.2, whole and once. */
static void *reader(void *unused)
{
    (void)unused;
    while (!stop) {
        char space[4096];
        struct hostent host;
        int error = 0, h_error;
        enum nss_status status = by_name2("db", AF_INET, &host, space, sizeof space, &error, &h_error);
        if (status == NSS_STATUS_SUCCESS) {
            uint32_t address = ntohl(*(uint32_t *)host.h_addr_list[0]);
            CHECK(address == 0x0a010101 || address == 0x0a020202);
            CHECK(!strcmp(host.h_name, "db"));
            found++;
        } else {
            CHECK(status == NSS_STATUS_NOTFOUND || (status == NSS_STATUS_UNAVAIL && error == EAGAIN));
            missed++;
        }
        get_ent(&host, space, sizeof space, &error, &h_error);
    }
    return NULL;
}

static void write_text(const char *path, int flags, const char *filler, size_t lines, const char *tail)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
    char *text = malloc(lines * strlen(filler) + strlen(tail) + 1), *end = text;
    while (lines--)
        end = stpcpy(end, filler);
    end = stpcpy(end, tail);
    CHECK(fd >= 0 && write(fd, text, end - text) == end - text);
    close(fd);
    free(text);
}

static void edits(void)
{
    pthread_t threads[8];
    int i;
    for (i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, reader, NULL);
    for (i = 0; i < 1500; i++) {
        switch (i % 4) {
        case 0: /* a longer file, by rename */
            write_text(HOSTS ".new", O_TRUNC, "10.9.9.9 filler\n", 2000, "10.1.1.1 db\n");
            CHECK(rename(HOSTS ".new", HOSTS) == 0);
            break;
        case 1: write_text(HOSTS, O_APPEND, "", 0, "10.8.8.8 appended\n"); break;
        case 2: CHECK(truncate(HOSTS, 0) == 0); break;
        case 3: write_text(HOSTS, O_APPEND, "", 0, "10.2.2.2 db\n"); break;
        }
        usleep(500);
    }
    stop = 1;
    for (i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK(found > 100);
    printf("edits ok: %ld found, %ld missed\n", (long)found, (long)missed);
}

static void watch(unsigned seconds)
{
    pthread_t threads[4];
    int i;
    for (i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, reader, NULL);
    sleep(seconds);
    stop = 1;
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(found > 100);
    printf("watch ok: %ld found, %ld missed\n", (long)found, (long)missed);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    load();
    if (argc == 3 && !strcmp(what, "outcome"))
        outcome(argv[2]);
    else if (argc == 3 && !strcmp(what, "full-table")) {
        fill_descriptors();
        outcome(argv[2]);
    } else if (!strcmp(what, "abi"))
        abi();
    else if (!strcmp(what, "stack"))
        stack();
    else if (!strcmp(what, "edits"))
        edits();
    else if (argc == 3 && !strcmp(what, "watch"))
        watch((unsigned)atoi(argv[2]));
    else
        return 2;
    return 0;
}
