/* The program that takes too much memory: it waits until it is told to, takes it and holds it.
 *
 *   hog FOLDER LIMIT_MIB TAKEN_MIB [PORT]
 *
 * appends "PID NANOSECONDS\n" (CLOCK_MONOTONIC) to FOLDER/starts when it is ready, to
 * FOLDER/crossings in the instant in which it has touched LIMIT_MIB, and to FOLDER/held once it
 * holds TAKEN_MIB. It is told by SIGUSR1. With PORT it answers every HTTP request with 200, as a
 * WebUI that is ready does. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

enum { MIB = 1 << 20 };
static const char *folder;
static size_t limit, taken;

static void note(const char *name)
{
    struct timespec now;
    char path[4096], line[64];
    int length, file;

    clock_gettime(CLOCK_MONOTONIC, &now);
    length = snprintf(line, sizeof line, "%d %lld\n", getpid(),
                      now.tv_sec * 1000000000LL + now.tv_nsec);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, length) != length)
        exit(2);
    close(file);
}

static void *take(void *told)
{
    size_t page = sysconf(_SC_PAGESIZE), at;
    char *memory;
    int number;

    sigwait(told, &number);
    memory = mmap(NULL, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(2);
    for (at = 0; at < taken; at += page) {
        if (at == limit)
            note("crossings");
        memset(memory + at, 1, page);
    }
    note("held");
    for (;;)
        pause();
}

int main(int count, char **words)
{
    sigset_t told;
    pthread_t taker;

    if (count < 4)
        return 2;
    folder = words[1];
    limit = (size_t)atoi(words[2]) * MIB;
    taken = (size_t)atoi(words[3]) * MIB;
    sigemptyset(&told);
    sigaddset(&told, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &told, NULL);
    if (pthread_create(&taker, NULL, take, &told))
        return 2;
    note("starts");
    if (count > 4)
        serve(atoi(words[4]));
    for (;;)
        pause();
}
