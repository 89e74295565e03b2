/* The program that is killed and comes back: its first act is to read the clock.
 *
 *   program FORM STARTS [PORT]
 *
 * appends "PID NANOSECONDS\n" (CLOCK_MONOTONIC) to STARTS. FORM is where its standard output is
 * while it runs: "plain" in the supervisor's hands alone, "grand" also in a child's, which outlives
 * it, "file" redirected away. With PORT it answers every HTTP request with 200, as a WebUI that is
 * ready does. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "serve.h"

int main(int count, char **words)
{
    struct timespec now;
    char line[64];
    int length, file;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (count < 3)
        return 2;
    length = snprintf(line, sizeof line, "%d %lld\n", getpid(),
                      now.tv_sec * 1000000000LL + now.tv_nsec);
    file = open(words[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || write(file, line, length) != length)
        return 2;
    if (strcmp(words[1], "file") == 0) {
        int away = open("/dev/null", O_WRONLY);
        dup2(away, 1);
        dup2(away, 2);
        close(away);
    }
    if (strcmp(words[1], "grand") == 0 && fork() == 0) {
        alarm(20); /* Nobody but podkeeper ends it. */
        pause();
        return 0;
    }
    if (count > 3)
        serve(atoi(words[3]));
    for (;;)
        pause();
}
