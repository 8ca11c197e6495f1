/* Asks glibc's own `files` service and ours the same questions about the same file, and compares
 * every byte of the answers.
 *
 *   conformance SEED COUNT [--wrong]     generated cases (COUNT questions at least)
 *   conformance --table                  hand-made cases
 *
 * To be run as root in a container of its own: it writes /etc/hosts and
 * /etc/workaround-docker-2267/hosts. Both services are called directly, by their entry points in
 * the C library of the system, so nothing in between can hide a difference. What may differ is
 * listed in docs/nss.md, and masked here under the names in capitals.
 *
 * --wrong spoils ours on purpose: the test of the test.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <netdb.h>
#include <nss.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tuple { /* struct gaih_addrtuple; older headers do not declare it everywhere */
    struct tuple *next;
    char *name;
    int family;
    uint32_t addr[4];
    uint32_t scopeid;
};

typedef enum nss_status byname2(const char *, int, struct hostent *, char *, size_t, int *, int *);
typedef enum nss_status byname(const char *, struct hostent *, char *, size_t, int *, int *);
typedef enum nss_status byname3(const char *, int, struct hostent *, char *, size_t, int *, int *, int32_t *, char **);
typedef enum nss_status byname4(const char *, struct tuple **, char *, size_t, int *, int *, int32_t *);
typedef enum nss_status byaddr(const void *, socklen_t, int, struct hostent *, char *, size_t, int *, int *);
typedef enum nss_status setent(int);
typedef enum nss_status getent_(struct hostent *, char *, size_t, int *, int *);
typedef enum nss_status endent(void);

struct service {
    byname *name;
    byname2 *name2;
    byname3 *name3;
    byname4 *name4;
    byaddr *addr;
    setent *set;
    getent_ *get;
    endent *end;
};

static struct service files, ours;
static int minor;         /* of glibc's version */
static int wrong;
static unsigned long asked, files_written;
static unsigned char text[1 << 22];
static size_t text_len;

#define MAPPED_REVERSE (minor < 38) /* a mapped question is not answered by a v4 line */
#define BLANK_TAIL (minor >= 32) /* a line with leading blanks that no newline ends gets its tail doubled */

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void *entry(void *library, const char *service, const char *name)
{
    char symbol[100];
    void *found;
    snprintf(symbol, sizeof symbol, "_nss_%s_%s", service, name);
    found = dlsym(library, symbol);
    if (!found) {
        fprintf(stderr, "no %s: %s\n", symbol, dlerror());
        exit(2);
    }
    return found;
}

static void load(struct service *service, const char *file, const char *name)
{
    void *library = dlopen(file, RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    service->name = entry(library, name, "gethostbyname_r");
    service->name2 = entry(library, name, "gethostbyname2_r");
    service->name3 = entry(library, name, "gethostbyname3_r");
    service->name4 = entry(library, name, "gethostbyname4_r");
    service->addr = entry(library, name, "gethostbyaddr_r");
    service->set = entry(library, name, "sethostent");
    service->get = entry(library, name, "gethostent_r");
    service->end = entry(library, name, "endhostent");
}

static void put(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, text_len) != (ssize_t)text_len || close(fd))
        die(path);
}

static void write_files(void)
{
    put("/etc/hosts");
    put("/etc/workaround-docker-2267/hosts");
    files_written++;
}

/* An answer as text, so that comparing is comparing strings. */
struct answer {
    enum nss_status status;
    int error, h_error;
    size_t buffer; /* the size that sufficed */
    size_t len;
    char text[1 << 22];
};

static struct answer theirs, mine;

static void say(struct answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    answer->len += vsnprintf(answer->text + answer->len, sizeof answer->text - answer->len, format, arguments);
    va_end(arguments);
    if (answer->len >= sizeof answer->text)
        die("an answer is too long");
}

static void say_host(struct answer *answer, const struct hostent *host)
{
    char **item;
    int i;
    say(answer, "name <%s> type %d length %d", host->h_name, host->h_addrtype, host->h_length);
    for (item = host->h_aliases; *item; item++)
        say(answer, " alias <%s>", *item);
    for (item = host->h_addr_list; *item; item++) {
        say(answer, " address ");
        for (i = 0; i < host->h_length; i++)
            say(answer, "%02x", (unsigned char)(*item)[i]);
    }
}

static void say_tuples(struct answer *answer, const struct tuple *tuple)
{
    for (; tuple; tuple = tuple->next) {
        say(answer, "family %d name <%s> scope %u address %08x", tuple->family, tuple->name ? tuple->name : "(none)",
            tuple->scopeid, tuple->addr[0]);
        if (tuple->family == AF_INET6)
            say(answer, "%08x%08x%08x", tuple->addr[1], tuple->addr[2], tuple->addr[3]);
        say(answer, "; ");
    }
}

enum kind { NAME, NAME2, NAME3, NAME4, NAME4_GIVEN, ADDR, ENTRY };

struct question {
    enum kind kind;
    const char *name;
    int family;
    unsigned char address[16];
};

static char space[1 << 24];

/* Asks once, with a buffer of `size` bytes that starts `shift` bytes off its alignment. */
static void ask_once(struct service *service, const struct question *q, struct answer *answer, size_t size, size_t shift)
{
    struct hostent host;
    struct tuple given, *tuples = NULL;
    char *canonical = NULL, *buffer = space + shift;
    int32_t ttl = 77;
    size_t guard;

    memset(&host, 0x5a, sizeof host);
    memset(&given, 0x5a, sizeof given);
    for (guard = 0; guard < 64; guard++)
        buffer[size + guard] = (char)(guard ^ 0xc3);
    answer->len = 0;
    answer->text[0] = 0;
    answer->error = 0;
    answer->h_error = 12345;
    errno = 0;
    switch (q->kind) {
    case NAME: answer->status = service->name(q->name, &host, buffer, size, &errno, &answer->h_error); break;
    case NAME2: answer->status = service->name2(q->name, q->family, &host, buffer, size, &errno, &answer->h_error); break;
    case NAME3: answer->status = service->name3(q->name, q->family, &host, buffer, size, &errno, &answer->h_error, &ttl, &canonical); break;
    case NAME4_GIVEN: tuples = &given; /* fall through */
    case NAME4: answer->status = service->name4(q->name, &tuples, buffer, size, &errno, &answer->h_error, NULL); break;
    case ADDR: answer->status = service->addr(q->address, q->family == AF_INET ? 4 : 16, q->family, &host, buffer, size, &errno, &answer->h_error); break;
    case ENTRY: answer->status = service->get(&host, buffer, size, &errno, &answer->h_error); break;
    }
    answer->error = errno;
    answer->buffer = size;
    for (guard = 0; guard < 64; guard++)
        if (buffer[size + guard] != (char)(guard ^ 0xc3)) {
            printf("WRITES PAST A BUFFER OF %zu\n", size);
            exit(1);
        }
    if (answer->status != NSS_STATUS_SUCCESS) {
        struct hostent untouched;
        memset(&untouched, 0x5a, sizeof untouched);
        if (service == &ours && memcmp(&untouched, &host, sizeof host)) {
            printf("TOUCHES THE RESULT OF A FAILURE\n");
            exit(1);
        }
        return;
    }
    if (q->kind == NAME4 || q->kind == NAME4_GIVEN)
        say_tuples(answer, tuples);
    else
        say_host(answer, &host);
    if (q->kind == NAME3)
        say(answer, " canonical <%s> ttl %d", canonical, ttl);
    if (service == &ours && wrong && answer->len > 40)
        answer->text[answer->len / 2] ^= 1;
}

static int too_small(const struct answer *answer)
{
    return answer->status == NSS_STATUS_TRYAGAIN && answer->error == ERANGE && answer->h_error == NETDB_INTERNAL;
}

/* Asks with growing buffers, as libc does. */
static void ask(struct service *service, const struct question *q, struct answer *answer, size_t size, size_t shift)
{
    for (;;) {
        ask_once(service, q, answer, size, shift);
        if (!too_small(answer))
            return;
        if (size > sizeof space / 2 - 100) {
            printf("WANTS EVER MORE\n");
            exit(1);
        }
        size = size * 2 + 1;
    }
}

static const char *kinds[] = {"gethostbyname_r", "gethostbyname2_r", "gethostbyname3_r", "gethostbyname4_r",
                              "gethostbyname4_r with a tuple", "gethostbyaddr_r", "gethostent_r"};

static void show_bytes(const unsigned char *bytes, size_t len)
{
    size_t i;
    for (i = 0; i < len && i < 4000; i++)
        if (bytes[i] >= 32 && bytes[i] < 127 && bytes[i] != '\\')
            putchar(bytes[i]);
        else
            printf("\\x%02x", bytes[i]);
}

static void differ(const struct question *q)
{
    printf("DIFFERENCE in %s family %d of <", kinds[q->kind], q->family);
    if (q->kind == ADDR)
        for (int i = 0; i < (q->family == AF_INET ? 4 : 16); i++)
            printf("%02x", q->address[i]);
    else if (q->kind != ENTRY)
        show_bytes((const unsigned char *)q->name, strlen(q->name));
    printf(">\n files: status %d errno %d h_errno %d %.3000s\n ours:  status %d errno %d h_errno %d %.3000s\n file (%zu bytes): ",
           theirs.status, theirs.error, theirs.h_error, theirs.text, mine.status, mine.error, mine.h_error, mine.text, text_len);
    show_bytes(text, text_len);
    printf("\n");
    exit(1);
}

static int is_mapped(const unsigned char *address)
{
    static const unsigned char head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, head, 12) == 0;
}

static void compare(const struct question *q, size_t size, size_t shift)
{
    asked++;
    ask(&files, q, &theirs, 1 << 16, 0);
    ask(&ours, q, &mine, size, shift);
    if (q->kind == ADDR && q->family == AF_INET6 && is_mapped(q->address) && MAPPED_REVERSE)
        return;
    if (theirs.status != mine.status || strcmp(theirs.text, mine.text))
        differ(q);
    /* On success files leaves h_errno alone or sets it; ours sets it. */
    if (mine.status == NSS_STATUS_SUCCESS ? mine.h_error != NETDB_SUCCESS : mine.h_error != theirs.h_error)
        differ(q);
    /* Where nothing failed, errno is the caller's; 2.31 leaves EINVAL behind. */
    if (mine.error != 0)
        differ(q);
}

/* Every size from 0 until it suffices: refused in just one way, then one and the same answer. */
static void all_sizes(const struct question *q)
{
    char *want;
    size_t size, shift = asked % 8;
    ask(&ours, q, &mine, 4096, shift);
    if (mine.status != NSS_STATUS_SUCCESS || q->kind == ENTRY || mine.len > 2000)
        return;
    want = strdup(mine.text);
    for (size = 0;; size++) {
        ask_once(&ours, q, &mine, size, shift);
        asked++;
        if (mine.status == NSS_STATUS_SUCCESS)
            break;
        if (!too_small(&mine)) {
            printf("A BUFFER OF %zu: ", size);
            differ(q);
        }
    }
    if (strcmp(want, mine.text)) {
        printf("ANOTHER ANSWER IN A BUFFER OF %zu: ", size);
        differ(q);
    }
    free(want);
}

static void by_name(const char *name, size_t size, size_t shift)
{
    static const enum kind twice[] = {NAME2, NAME3};
    struct question q = {.name = name};
    size_t i;
    q.family = AF_INET;
    q.kind = NAME;
    compare(&q, size, shift);
    for (i = 0; i < 2; i++) {
        q.kind = twice[i];
        q.family = AF_INET;
        compare(&q, size, shift);
        q.family = AF_INET6;
        compare(&q, size, shift);
    }
    q.family = AF_UNSPEC;
    q.kind = NAME4;
    compare(&q, size, shift);
    q.kind = NAME4_GIVEN;
    compare(&q, size, shift);
}

static void by_address(const char *address, size_t size, size_t shift)
{
    struct question q = {.kind = ADDR, .family = strchr(address, ':') ? AF_INET6 : AF_INET};
    if (inet_pton(q.family, address, q.address) == 1)
        compare(&q, size, shift);
}

static void enumerate(size_t size, size_t shift)
{
    struct question q = {.kind = ENTRY};
    if (files.set(0) != ours.set(0))
        differ(&q);
    do
        compare(&q, size, shift);
    while (mine.status == NSS_STATUS_SUCCESS);
    files.end();
    ours.end();
}

/* --- generated cases --- */

static uint64_t state;

static unsigned below(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % limit);
}

#define PICK(list) (list)[below(sizeof(list) / sizeof *(list))]

static const char *addresses[] = {
    "127.0.0.1", "127.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.10", "192.168.1.254", "255.255.255.255", "0.0.0.0", "::1", "::",
    "::ffff:10.0.0.1", "::FFFF:a00:1", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1", "fd00::1", "FD00::0001", "fd00::abcd:1", "fd00::10.0.0.1",
    "fe80::1%eth0", "[::1]", "010.0.0.1", "10.0.0.01", "0x7f.0.0.1", "127.1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4.", "::1::", ":1",
    "12345::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "\xef\xbb\xbf""127.0.0.1", "\xc2\xa0""127.0.0.1", "localhost", "-1",
};

static const char *names[] = {
    "db", "DB", "dB", "db.", "db1", "xdb", "d", "b", "db.example.com", "DB.Example.Com", "localhost", "LOCALHOST", "a", "A", "\xc3\xa4",
    "\xc3\x84", "\xff", "10.0.0.1", "::1", "ffff:", "-", "_x", "info", "INFO", "very-long-name-that-goes-on-and-on-and-on-for-more-than-sixty-four-bytes.example.com",
    "very-long-name-that-goes-on-and-on-and-on-for-more-than-sixty-four-bytes.example.org", "*", "",
};

static void add(const char *bytes, size_t len)
{
    if (text_len + len > sizeof text - 70000)
        return;
    memcpy(text + text_len, bytes, len);
    text_len += len;
}

static void add_text(const char *bytes)
{
    add(bytes, strlen(bytes));
}

/* Makes sure that each line with leading blanks ends in a newline, and not in a NUL before it. */
static void avoid_blank_tails(void)
{
    size_t start = 0, at;
    int blank = 0;
    for (at = 0; at < text_len; at++) {
        if (at == start)
            blank = text[at] && strchr(" \t\v\f\r", text[at]);
        if (blank && text[at] == 0)
            text[at] = 'n';
        if (text[at] == '\n')
            start = at + 1;
    }
    if (blank && start < text_len)
        add_text("\n");
}

static void generate(void)
{
    static const char *blanks[] = {" ", " ", " ", "\t", "  ", " \t ", "\v", "\f", "\r"};
    static const char *ends[] = {"\n", "\n", "\n", "\n", "\r\n", " \n", "\n\n", "#x db\n", " # db\n", "\t\n"};
    unsigned lines = below(12), words, i;
    text_len = 0;
    while (lines--) {
        if (below(8) == 0)
            add_text(PICK(blanks));
        if (below(12) == 0)
            add_text("#");
        add_text(PICK(addresses));
        for (words = below(5); words; words--) {
            add_text(PICK(blanks));
            add_text(PICK(names));
            if (below(50) == 0)
                add("\0", 1);
            if (below(50) == 0)
                add_text("#");
        }
        if (below(60) == 0) { /* longer than any buffer that either side starts with */
            unsigned len = 1000 << below(7);
            add_text(" ");
            for (i = 0; i < len; i++)
                add_text(i % 61 ? "l" : (below(2) ? "." : " "));
            add_text(" db");
        }
        add_text(PICK(ends));
    }
    if (text_len && below(3) == 0)
        text_len -= 1;
    if (BLANK_TAIL)
        avoid_blank_tails();
}

static void generated(unsigned long count)
{
    while (asked < count) {
        unsigned i;
        size_t size = 1u << below(13), shift = below(9);
        generate();
        write_files();
        for (i = 0; i < 4; i++)
            by_name(PICK(names), size, shift);
        for (i = 0; i < 4; i++)
            by_address(PICK(addresses), size, shift);
        enumerate(size, shift);
        if (below(20) == 0) {
            struct question q = {.kind = (enum kind)below(6), .name = "db", .family = below(2) ? AF_INET : AF_INET6,
                                 .address = {10, 0, 0, 1}};
            all_sizes(&q);
        }
    }
}

/* --- hand-made cases --- */

static void table(void)
{
    static const char *cases[] = {
        "127.0.0.1 localhost\n", "127.0.0.1\tlocalhost  alias\n", "127.0.0.1 localhost", "127.0.0.1 localhost\r\n", "",
        "\n\n\n", "# nothing\n", "127.0.0.1\n", "127.0.0.1", "127.0.0.1 #c\n", "127.0.0.1#c\n", "127.0.0.1 db#c\n", "127.0.0.1 # db\n",
        "::1 db\n127.0.0.1 db\n", "127.0.0.1 db\n::1 db\n", "::1 localhost ip6\n", "::ffff:10.0.0.1 db\n", "::ffff:a00:1 db\n10.0.0.1 db\n",
        "10.0.0.1 a db\n10.0.0.2 b db\n10.0.0.1 db a\n", "10.0.0.1 db db db\n10.0.0.1 db\n", "10.0.0.1 DB\n10.0.0.2 db\n10.0.0.3 Db x\n",
        "fd00::1 db\nFD00::0001 db2\nfd00:0:0:0:0:0:0:1 db\n", "fd00::10.0.0.1 db\n", "fe80::1%lo db\n10.0.0.1 db\n", "[::1] db\n", "010.0.0.1 db\n",
        "10.0.0.1\vdb\fa\n", " 10.0.0.1 db\n", "10.0.0.1 db.\n", "10.0.0.1 \xc3\xa4\n", "10.0.0.1 \xff\n", "\xef\xbb\xbf""10.0.0.1 db\n", "x\n10.0.0.1 db\ny",
        "10.0.0.1 a b d A B D db DB\n", "255.255.255.255 db\n0.0.0.0 a\n:: b\n",
    };
    static const char nul[] = "10.0.0.1 d\0b db\n10.0.0.2 db\0\n\0 10.0.0.3 db\n10.0.0.4 db";
    size_t i, j, size;
    for (i = 0; i <= sizeof cases / sizeof *cases; i++) {
        text_len = 0;
        if (i < sizeof cases / sizeof *cases)
            add_text(cases[i]);
        else
            add(nul, sizeof nul - 1);
        write_files();
        for (size = 0; size < 400; size += 67) {
            for (j = 0; j < sizeof names / sizeof *names; j++)
                by_name(names[j], size, size % 8);
            for (j = 0; j < sizeof addresses / sizeof *addresses; j++)
                by_address(addresses[j], size, size % 8);
            enumerate(size, size % 8);
        }
        for (j = 0; j < 6; j++) {
            struct question q = {.kind = (enum kind)j, .name = "db", .family = AF_INET, .address = {10, 0, 0, 1}};
            all_sizes(&q);
        }
    }
    /* As many addresses as glibc's own test of its unlimited answers has. */
    text_len = 0;
    for (i = 0; i < 22222; i++) {
        char line[64];
        snprintf(line, sizeof line, "10.%zu.%zu.%zu db a%zu\n", i >> 16, i >> 8 & 255, i & 255, i % 3);
        add_text(line);
    }
    write_files();
    by_name("db", 1024, 1);
    by_name("a1", 1024, 1);
    by_address("10.0.86.205", 1024, 1);
    by_address("10.9.9.9", 1024, 1);
}

int main(int argc, char **argv)
{
    struct addrinfo *list;
    FILE *conf = fopen("/etc/host.conf", "w");
    if (!conf || fputs("multi on\n", conf) < 0 || fclose(conf))
        die("/etc/host.conf");
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* Makes glibc read host.conf, which a direct call of its service does not. */
    if (getaddrinfo("localhost", NULL, NULL, &list) == 0)
        freeaddrinfo(list);
    sscanf(gnu_get_libc_version(), "2.%d", &minor);
    load(&files, minor >= 34 ? "libc.so.6" : "libnss_files.so.2", "files");
    load(&ours, "libnss_workaround.so.2", "workaround");
    if (argc == 2 && !strcmp(argv[1], "--table"))
        table();
    else if (argc >= 3) {
        wrong = argc > 3 && !strcmp(argv[3], "--wrong");
        state = strtoull(argv[1], NULL, 10) * 2654435761u + 1;
        generated(strtoul(argv[2], NULL, 10));
    } else
        return 2;
    printf("glibc 2.%d: %lu questions about %lu files, no difference\n", minor, asked, files_written);
    return 0;
}
