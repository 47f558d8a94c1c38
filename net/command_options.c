/* command_options.c - see command.h. SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include <stdlib.h>
#include <string.h>

static void help(const command_option *options, size_t count, const char *intro)
{
    (void)printf("%s\n\nOptions:\n", intro);
    for (size_t i = 0; i < count; i++) {
        char left[64];
        const char *metavar = options[i].value ? options[i].metavar : "";
        (void)snprintf(left, sizeof left, "%s%s%s%s%s", options[i].short_name ? options[i].short_name : "", options[i].short_name ? ", " : "",
                       options[i].name, *metavar ? " " : "", metavar);
        (void)printf("  %-28s %s\n", left, options[i].about);
    }
}

static const command_option *find(const command_option *options, size_t count, const char *word, const char **attached)
{
    for (size_t i = 0; i < count; i++) {
        const command_option *o = &options[i];
        const size_t n = strlen(o->name);
        *attached = NULL;
        if (strcmp(word, o->name) == 0 || (o->short_name && strcmp(word, o->short_name) == 0)) return o;
        if (strncmp(word, o->name, n) == 0 && word[n] == '=') {
            *attached = word + n + 1;
            return o;
        }
    }
    return NULL;
}

bool command_options(int count, char **words, const command_option *options, size_t option_count, const char **rest, const char *intro, int *status)
{
    *status = 2;
    for (int i = 1; i < count; i++) {
        const char *attached;
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            help(options, option_count, intro);
            *status = 0;
            return false;
        }
        const command_option *o = find(options, option_count, words[i], &attached);
        if (!o && rest && words[i][0] != '-') {
            *rest = words[i];
        } else if (!o) {
            (void)fprintf(stderr, "firn %s: there is no option '%s' (see --help)\n", words[0], words[i]);
            return false;
        } else if (o->flag) {
            *o->flag = true;
        } else if (attached || i + 1 < count) {
            *o->value = attached ? attached : words[++i];
        } else {
            (void)fprintf(stderr, "firn %s: option '%s' needs a value\n", words[0], words[i]);
            return false;
        }
    }
    return true;
}

bool command_number(const char *option, const char *text, unsigned long most, unsigned *out)
{
    char *end;
    const unsigned long v = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || v > most) {
        (void)fprintf(stderr, "firn: %s must be a number from 0 to %lu, not '%s'\n", option, most, text);
        return false;
    }
    *out = (unsigned)v;
    return true;
}

const char *command_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void command_report(const fn_error *error)
{
    (void)fprintf(stderr, "Code: %d. DB::Exception: %s. (%s)\n", error->code, error->text, fn_error_name(error->code));
}
