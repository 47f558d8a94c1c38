/* command.h - what the commands of the program share: options from words and the environment.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_COMMAND_H
#define FIRN_COMMAND_H
#include <firn/base.h>
#include <stdio.h>

typedef int command_fn(int count, char **words);
command_fn command_server, command_local, command_client, command_recover;

/* An option `--name VALUE` or `--name=VALUE`, or a flag without value. */
typedef struct command_option {
    const char *name, *short_name; /* "--path", NULL */
    const char **value;            /* exactly one of value and flag */
    bool *flag;
    const char *metavar, *about;
} command_option;

/* Reads words[1..]. False after a message on stderr (*status 2) or the help on stdout (*status 0). Every other word goes to
 * `rest` if there is one. `intro` begins the help. */
bool command_options(int count, char **words, const command_option *options, size_t option_count, const char **rest, const char *intro, int *status);
/* "8123" as a number up to `most`; false with a message. */
bool command_number(const char *option, const char *text, unsigned long most, unsigned *out);
const char *command_environment(const char *name); /* NULL when unset or empty */
/* "Code: N. DB::Exception: text. (NAME)" on stderr. */
void command_report(const fn_error *error);
#endif
