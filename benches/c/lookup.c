/* Asks libc, and times it. Which service answers is the business of the tree it runs in.
 *
 *   lookup QUESTIONS [COMMAND...]
 *
 * QUESTIONS has a question a line: NAME ADDRESS FOUND, where FOUND is 1 or 0. Commands come from
 * the arguments, or from standard input, and each is answered by one line:
 *
 *   time OP FROM COUNT MICROSECONDS     ask questions FROM.. in turn for about so long: NS CALLS
 *   ask OP FROM COUNT CALLS             ask so often, untimed: ok
 *   count OP FROM COUNT CALLS           the same, in a function of its own for callgrind: ok
 *   first OP FROM                       ask once in a fresh process: NS 1
 *   threads THREADS OP FROM COUNT MICROSECONDS    the same by many threads: NS CALLS
 *   replay FILE MICROSECONDS            make the system calls that FILE lists: NS CALLS
 *   run TIMES COMMAND...                start a program and wait for it: NS NS...
 *   memory                              KiB: PSS PRIVATE DIRTY
 *
 * OP is gai (getaddrinfo), name (gethostbyname2_r) or addr (gethostbyaddr_r). An answer other
 * than the expected one ends the command with "wrong": nothing is timed that is not an answer.
 */
#define _GNU_SOURCE
#include "clock.h"
#include "memory.h"
#include "replay.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct question {
    char *name;
    struct in_addr address;
    int found;
};

static struct question *questions;
static size_t question_count;
static const char *questions_path;

typedef int operation(const struct question *);

/* One address, whatever the family: hints as a client has them that connects. */
static int by_getaddrinfo(const struct question *question)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int error = getaddrinfo(question->name, NULL, &hints, &list), right;
    if (!question->found)
        return error == EAI_NONAME || error == EAI_NODATA;
    if (error)
        return 0;
    right = list->ai_family == AF_INET &&
        ((struct sockaddr_in *)list->ai_addr)->sin_addr.s_addr == question->address.s_addr;
    freeaddrinfo(list);
    return right;
}

static int by_name(const struct question *question)
{
    char space[1024];
    struct hostent host, *found = NULL;
    int h_error;
    gethostbyname2_r(question->name, AF_INET, &host, space, sizeof space, &found, &h_error);
    if (!question->found)
        return !found;
    return found && !memcmp(found->h_addr_list[0], &question->address, sizeof question->address);
}

static int by_address(const struct question *question)
{
    char space[1024];
    struct hostent host, *found = NULL;
    int h_error;
    gethostbyaddr_r(&question->address, sizeof question->address, AF_INET, &host, space,
        sizeof space, &found, &h_error);
    if (!question->found)
        return !found;
    return found && !strcmp(found->h_name, question->name);
}

static operation *operation_of(const char *word)
{
    if (word && !strcmp(word, "gai"))
        return by_getaddrinfo;
    if (word && !strcmp(word, "name"))
        return by_name;
    if (word && !strcmp(word, "addr"))
        return by_address;
    fprintf(stderr, "lookup: unknown operation %s\n", word ? word : "");
    exit(2);
}

/* Questions that are asked in turn. */
struct turn {
    operation *ask;
    size_t from, count, next;
};

static int ask(struct turn *turn, uint64_t calls)
{
    while (calls--) {
        if (!turn->ask(&questions[turn->from + turn->next]))
            return 0;
        if (++turn->next == turn->count)
            turn->next = 0;
    }
    return 1;
}

/* The function that callgrind is told to look at. */
__attribute__((noinline)) int counted(struct turn *turn, uint64_t calls)
{
    return ask(turn, calls);
}

static uint64_t number(char **words)
{
    char *word = strtok_r(NULL, " \n", words);
    return word ? strtoull(word, NULL, 10) : 0;
}

static struct turn turn_of(char **words)
{
    static size_t next;
    struct turn turn = {.ask = operation_of(strtok_r(NULL, " \n", words))};
    turn.from = number(words);
    turn.count = number(words);
    if (turn.count == 0 || turn.from + turn.count > question_count) {
        fprintf(stderr, "lookup: no such questions\n");
        exit(2);
    }
    /* A command that has time for a few questions only goes on where the last one stopped. */
    turn.next = next++ % turn.count;
    return turn;
}

/* The first call warms what other programs have cooled down, and tells how many fit. */
static void time_turn(struct turn turn, uint64_t budget)
{
    uint64_t start = now_ns(), took, calls;
    if (!ask(&turn, 1)) {
        puts("wrong");
        return;
    }
    took = now_ns() - start;
    calls = budget / (took + 1);
    if (calls < 2) {
        printf("%llu 1\n", (unsigned long long)took);
        return;
    }
    /* The guess is of a cold call: a tenth of the budget makes it a good one. */
    start = now_ns();
    calls = calls / 10 + 1;
    ask(&turn, calls);
    took = now_ns() - start;
    calls = budget * calls / (took + 1) + 1;
    start = now_ns();
    if (!ask(&turn, calls)) {
        puts("wrong");
        return;
    }
    took = now_ns() - start;
    printf("%llu %llu\n", (unsigned long long)took, (unsigned long long)calls);
}

struct worker {
    pthread_t thread;
    struct turn turn;
    uint64_t until, calls, end;
    pthread_barrier_t *start;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    pthread_barrier_wait(worker->start);
    while (ask(&worker->turn, 1)) {
        worker->calls++;
        worker->end = now_ns();
        if (worker->end >= worker->until)
            return NULL;
    }
    return "wrong";
}

static void time_threads(size_t threads, struct turn turn, uint64_t budget)
{
    struct worker *workers = calloc(threads, sizeof *workers);
    pthread_barrier_t barrier;
    uint64_t start, end = 0, calls = 0;
    int wrong = 0;
    if (!workers || pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1))
        die("threads");
    for (size_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){.turn = turn, .until = UINT64_MAX, .start = &barrier};
        workers[i].turn.next = i % turn.count;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            die("pthread_create");
    }
    start = now_ns();
    for (size_t i = 0; i < threads; i++)
        workers[i].until = start + budget;
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < threads; i++) {
        void *fault;
        pthread_join(workers[i].thread, &fault);
        wrong |= fault != NULL;
        calls += workers[i].calls;
        end = workers[i].end > end ? workers[i].end : end;
    }
    pthread_barrier_destroy(&barrier);
    free(workers);
    if (wrong)
        puts("wrong");
    else
        printf("%llu %llu\n", (unsigned long long)(end - start), (unsigned long long)calls);
}

static void run(uint64_t times, char **words)
{
    extern char **environ;
    char *arguments[64];
    size_t count = 0;
    posix_spawn_file_actions_t actions;
    while (count < 63 && (arguments[count] = strtok_r(NULL, " \n", words)))
        count++;
    arguments[count] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    while (times--) {
        int status;
        pid_t pid;
        uint64_t start = now_ns();
        if (posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ))
            die(arguments[0]);
        if (waitpid(pid, &status, 0) != pid)
            die("waitpid");
        if (status) {
            puts("wrong");
            return;
        }
        printf("%llu ", (unsigned long long)(now_ns() - start));
    }
    puts("");
    posix_spawn_file_actions_destroy(&actions);
}

static void first(const char *operation, uint64_t from)
{
    char command[512], line[128];
    FILE *output;
    snprintf(command, sizeof command, "exec /bench/lookup %s 'time %s %llu 1 0'", questions_path,
        operation, (unsigned long long)from);
    output = popen(command, "r");
    if (!output || !fgets(line, sizeof line, output))
        die(command);
    pclose(output);
    fputs(line, stdout);
}

static void obey(char *command)
{
    char *words, *verb = strtok_r(command, " \n", &words);
    if (!verb)
        return;
    if (!strcmp(verb, "time")) {
        struct turn turn = turn_of(&words);
        time_turn(turn, 1000 * number(&words));
    } else if (!strcmp(verb, "ask")) {
        struct turn turn = turn_of(&words);
        puts(ask(&turn, number(&words)) ? "ok" : "wrong");
    } else if (!strcmp(verb, "count")) {
        struct turn turn = turn_of(&words);
        puts(counted(&turn, number(&words)) ? "ok" : "wrong");
    } else if (!strcmp(verb, "first")) {
        const char *operation = strtok_r(NULL, " \n", &words);
        first(operation, number(&words));
    } else if (!strcmp(verb, "threads")) {
        uint64_t threads = number(&words);
        struct turn turn = turn_of(&words);
        time_threads(threads, turn, 1000 * number(&words));
    } else if (!strcmp(verb, "replay")) {
        const char *file = strtok_r(NULL, " \n", &words);
        replay(file, 1000 * number(&words));
    } else if (!strcmp(verb, "run")) {
        uint64_t times = number(&words);
        run(times, &words);
    } else if (!strcmp(verb, "memory")) {
        print_memory(getpid());
        puts("");
    } else {
        fprintf(stderr, "lookup: unknown command %s\n", verb);
        exit(2);
    }
    fflush(stdout);
}

static void read_questions(const char *path)
{
    char name[1100], address[64];
    int found;
    FILE *file = fopen(path, "r");
    if (!file)
        die(path);
    while (fscanf(file, "%1099s %63s %d", name, address, &found) == 3) {
        struct question *question;
        questions = realloc(questions, (question_count + 1) * sizeof *questions);
        if (!questions)
            die("realloc");
        question = &questions[question_count++];
        question->name = strdup(name);
        question->found = found;
        if (inet_pton(AF_INET, address, &question->address) != 1)
            die(address);
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: lookup QUESTIONS [COMMAND...]\n");
        return 2;
    }
    questions_path = argv[1];
    read_questions(questions_path);
    for (int i = 2; i < argc; i++)
        obey(argv[i]);
    while (argc == 2 && getline(&line, &size, stdin) > 0)
        obey(line);
    free(line);
    return 0;
}
