/* fault_rules.c - the control file .ctl: power cuts, and rules by which calls fail. A command is written to it, the answer read from it.
 *
 *   cut drop            power loss: everything not durable is gone
 *   cut random SEED     power loss: each unsynced page is there, gone, or torn at 512-byte sectors; of unsynced names a random subset
 *                       (strict) or those before a moment (journal) survived
 *   cut keep            nothing is lost, as after kill -9
 *   freeze, thaw        while frozen every write, sync and change of a name fails with EIO
 *   model strict|journal, size MIB (ENOSPC beyond), stat
 *   rule op=OP [path=TEXT] [err=EIO|ENOSPC|EDQUOT|ENOMEM|EROFS|SHORT|FLIP|LOSE] [after=N] [count=M]
 *        OP: read write fsync open create unlink rename mkdir truncate fallocate any; TEXT: part of the path
 *        SHORT: half of a write or read; FLIP: one bit of what is read; LOSE: fsync fails and its pages count as clean afterwards, so
 *        that a second fsync reports success and still saves nothing
 *   clear               drops all rules
 * SPDX-License-Identifier: Apache-2.0 */
#include "fault_fs.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rule {
    char op[16], path[128];
    int error;
    long after, count, hits, fired; /* count < 0: always */
} rule;

enum { RULES_MAX = 64 };
static rule rules[RULES_MAX];
static size_t rule_count;
static bool frozen;
static char answer[1024] = "ready\n";
fault_counts counts;

static const struct {
    const char *name;
    int value;
} errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"ENOMEM", ENOMEM}, {"EROFS", EROFS}, {"SHORT", RULE_SHORT}, {"FLIP", RULE_FLIP}, {"LOSE", RULE_LOSE}};

const char *fault_answer(void)
{
    return answer;
}

/* The path of an inode below the root, for rules; cut off where it is too long. */
static void path_of(inode *i, char *out, size_t size)
{
    char up[512];
    out[0] = '\0';
    if (i == the_disk.root || !i->parent) return;
    path_of(i->parent, up, sizeof up);
    for (size_t k = 0; k < i->parent->names.count; k++)
        if (i->parent->names.entries[k].to == i) (void)snprintf(out, size, "%.200s/%.255s", up, i->parent->names.entries[k].name);
}

static bool matches(const rule *r, const char *op, inode *i, const char *leaf)
{
    char path[1024];
    if (strcmp(r->op, "any") != 0 && strcmp(r->op, op) != 0) return false;
    if (!r->path[0]) return true;
    path_of(i, path, 512);
    const size_t length = strlen(path);
    if (leaf) (void)snprintf(path + length, sizeof path - length, "/%.255s", leaf);
    return strstr(path, r->path) != NULL;
}

int fault_check(const char *op, inode *i, const char *leaf)
{
    if (frozen && strcmp(op, "read") != 0 && strcmp(op, "open") != 0) return EIO;
    for (size_t k = 0; k < rule_count; k++) {
        rule *r = &rules[k];
        if (!matches(r, op, i, leaf)) continue;
        if (++r->hits <= r->after || (r->count >= 0 && r->fired >= r->count)) continue;
        r->fired++;
        counts.fired++;
        return r->error;
    }
    return 0;
}

static void add_rule(char *words)
{
    rule r = {.op = "any", .count = -1, .error = EIO};
    char *rest = words;
    if (rule_count == RULES_MAX) return;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        if (!value) continue;
        *value++ = '\0';
        if (strcmp(word, "op") == 0) (void)snprintf(r.op, sizeof r.op, "%s", value);
        else if (strcmp(word, "path") == 0) (void)snprintf(r.path, sizeof r.path, "%s", value);
        else if (strcmp(word, "after") == 0) r.after = strtol(value, NULL, 10);
        else if (strcmp(word, "count") == 0) r.count = strtol(value, NULL, 10);
        else if (strcmp(word, "err") == 0)
            for (size_t k = 0; k < sizeof errors / sizeof errors[0]; k++) r.error = strcmp(value, errors[k].name) == 0 ? errors[k].value : r.error;
    }
    rules[rule_count++] = r;
}

static void say_state(void)
{
    size_t unsynced = 0;
    for (size_t b = 0; b < INODE_BUCKETS; b++)
        for (const inode *i = the_disk.table[b]; i; i = i->next) unsynced += data_unsynced(i);
    (void)snprintf(answer, sizeof answer, "inodes %llu used_kib %llu unsynced_pages %zu pending_names %llu writes %llu syncs %llu directory_syncs %llu fired %llu cuts %llu\n",
                   (unsigned long long)the_disk.inodes, (unsigned long long)the_disk.used_pages * (PAGE / 1024), unsynced, (unsigned long long)the_disk.pending,
                   (unsigned long long)counts.writes, (unsigned long long)counts.syncs, (unsigned long long)counts.directory_syncs, (unsigned long long)counts.fired,
                   (unsigned long long)the_disk.cuts);
}

void fault_control(char *command)
{
    char name[32] = "", first[32] = "", second[32] = "";
    command[strcspn(command, "\n")] = '\0';
    (void)sscanf(command, "%31s %31s %31s", name, first, second);
    (void)snprintf(answer, sizeof answer, "ok %.500s\n", command);
    if (strcmp(name, "cut") == 0) fault_cut(first, strtoull(second, NULL, 10), answer, sizeof answer);
    else if (strcmp(name, "freeze") == 0) frozen = true;
    else if (strcmp(name, "thaw") == 0) frozen = false;
    else if (strcmp(name, "clear") == 0) rule_count = 0;
    else if (strcmp(name, "size") == 0) the_disk.capacity_bytes = strtoull(first, NULL, 10) << 20;
    else if (strcmp(name, "model") == 0) the_disk.journal = strcmp(first, "journal") == 0;
    else if (strcmp(name, "rule") == 0) add_rule(command + 4);
    else if (strcmp(name, "stat") == 0) say_state();
    else (void)snprintf(answer, sizeof answer, "error: what is %s?\n", name);
}
