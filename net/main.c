/* main.c - the program: which command it is. `firn <command> --help` tells the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include <firn/engine.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    command_fn *run;
    const char *about;
} commands[] = {
    {"server", command_server, "serve a data directory over HTTP"},
    {"local", command_local, "run statements without a server"},
    {"client", command_client, "run statements on a server"},
    {"recover", command_recover, "make a lost catalog of a data directory again"},
};

static int usage(FILE *to, int status)
{
    (void)fprintf(to, "Usage: firn COMMAND [OPTIONS]\n\nCommands:\n");
    for (size_t i = 0; i < FN_COUNT(commands); i++) (void)fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].about);
    (void)fprintf(to, "\n'firn COMMAND --help' lists the options of a command. 'firn --version' prints the version.\n");
    return status;
}

int main(int count, char **words)
{
    if (count < 2) return usage(stderr, 2);
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0 || strcmp(words[1], "help") == 0) return usage(stdout, 0);
    if (strcmp(words[1], "--version") == 0 || strcmp(words[1], "-V") == 0) {
        (void)printf("firn (ClickHouse %s protocol)\n", fn_engine_version());
        return 0;
    }
    for (size_t i = 0; i < FN_COUNT(commands); i++)
        if (strcmp(words[1], commands[i].name) == 0) return commands[i].run(count - 1, words + 1);
    (void)fprintf(stderr, "firn: there is no command '%s'\n\n", words[1]);
    return usage(stderr, 2);
}
