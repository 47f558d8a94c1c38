/* fault_disk.c - inodes with a live and a durable state, the log of names that are not durable yet, and the power cut.
 * See fault_fs.h. SPDX-License-Identifier: Apache-2.0 */
#include "fault_fs.h"
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One change of a name; the two halves of a rename stand next to each other and share a group. */
typedef struct change {
    inode *dir; /* NULL: the directory is gone */
    char *name;
    inode *to;  /* NULL: the name goes */
    uint64_t group;
    bool chosen;
} change;

disk the_disk = {.next_id = 16, .capacity_bytes = 512ull << 20};
static change *changes;
static size_t change_count, change_capacity;
static uint64_t last_group;
static uint64_t random_state = 88172645463325252ull;

uint64_t fault_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- memory: without it there is nothing to go on with ---- */
static void *need(void *p)
{
    if (p) return p;
    perror("fault_fs: memory");
    exit(1);
}

static void *fresh(size_t size)
{
    return need(calloc(1, size ? size : 1));
}

static char *copy_text(const char *text)
{
    return need(strdup(text));
}

/* ---- pages ---- */
static page *page_new(void)
{
    page *p = fresh(sizeof *p);
    p->refs = 1;
    the_disk.used_pages++;
    return p;
}

static void page_drop(page *p)
{
    if (!p || --p->refs) return;
    free(p);
    the_disk.used_pages--;
}

static page *page_ref(page *p)
{
    if (p) p->refs++;
    return p;
}

static page *page_at(const pages *p, size_t index)
{
    return index < p->count ? p->list[index] : NULL;
}

static void pages_grow(pages *p, size_t want)
{
    size_t count = p->count ? p->count : 4;
    if (want <= p->count) return;
    while (count < want) count *= 2;
    p->list = need(realloc(p->list, count * sizeof *p->list));
    memset(p->list + p->count, 0, (count - p->count) * sizeof *p->list);
    p->count = count;
}

static void live_grow(inode *i, size_t want)
{
    const size_t before = i->live.count;
    pages_grow(&i->live, want);
    if (i->live.count == before) return;
    i->lost = need(realloc(i->lost, i->live.count));
    memset(i->lost + before, 0, i->live.count - before);
}

static page *own_page(page **at)
{
    page *p = *at;
    if (!p) return *at = page_new();
    if (p->refs == 1) return p;
    page *copy = page_new();
    memcpy(copy->bytes, p->bytes, PAGE);
    page_drop(p);
    return *at = copy;
}

page *page_to_write(inode *i, size_t index)
{
    live_grow(i, index + 1);
    i->lost[index] = 0;
    return own_page(&i->live.list[index]);
}

void page_punch(inode *i, size_t index)
{
    if (index >= i->live.count) return;
    page_drop(i->live.list[index]);
    i->live.list[index] = NULL;
}

static size_t pages_of(uint64_t size)
{
    return (size_t)((size + PAGE - 1) / PAGE);
}

void data_truncate(inode *i, uint64_t size)
{
    if (size < i->live.size) {
        for (size_t k = pages_of(size); k < i->live.count; k++) page_punch(i, k);
        if (size % PAGE && page_at(&i->live, size / PAGE)) memset(page_to_write(i, size / PAGE)->bytes + size % PAGE, 0, PAGE - size % PAGE);
    }
    i->live.size = size;
}

void data_save(inode *i)
{
    const size_t count = pages_of(i->live.size);
    pages_grow(&i->durable, count);
    for (size_t k = 0; k < i->durable.count; k++) {
        page *p = k < count ? page_at(&i->live, k) : NULL;
        if (p == i->durable.list[k] || (k < i->live.count && i->lost[k])) continue;
        page_drop(i->durable.list[k]);
        i->durable.list[k] = page_ref(p);
    }
    i->durable.size = i->live.size;
}

void data_lose(inode *i)
{
    for (size_t k = 0; k < i->live.count; k++) i->lost[k] |= i->live.list[k] != page_at(&i->durable, k);
}

size_t data_unsynced(const inode *i)
{
    const size_t count = i->live.count > i->durable.count ? i->live.count : i->durable.count;
    size_t found = 0;
    for (size_t k = 0; k < count; k++) found += page_at(&i->live, k) != page_at(&i->durable, k);
    return found;
}

static void pages_free(pages *p)
{
    for (size_t k = 0; k < p->count; k++) page_drop(p->list[k]);
    free(p->list);
}

/* ---- inodes ---- */
inode *inode_find(uint64_t id)
{
    inode *i = the_disk.table[id % INODE_BUCKETS];
    while (i && i->id != id) i = i->next;
    return i;
}

inode *inode_new(uint32_t mode, uint32_t uid, uint32_t gid, uint64_t id)
{
    inode *i = fresh(sizeof *i);
    i->id = id ? id : the_disk.next_id++;
    i->mode = mode;
    i->uid = uid;
    i->gid = gid;
    clock_gettime(CLOCK_REALTIME, &i->modified);
    i->next = the_disk.table[i->id % INODE_BUCKETS];
    the_disk.table[i->id % INODE_BUCKETS] = i;
    the_disk.inodes++;
    return i;
}

static void directory_free(directory *d)
{
    for (size_t k = 0; k < d->count; k++) free(d->entries[k].name);
    free(d->entries);
    *d = (directory){0};
}

void inode_release(inode *i)
{
    if (i == the_disk.root || i->live_links > 0 || i->durable_links > 0 || i->logged > 0 || i->lookups > 0) return;
    inode **at = &the_disk.table[i->id % INODE_BUCKETS];
    while (*at != i) at = &(*at)->next;
    *at = i->next;
    for (size_t k = 0; k < i->durable_names.count; k++) {
        inode *to = i->durable_names.entries[k].to;
        if (!to) continue;
        to->durable_links--;
        inode_release(to);
    }
    for (size_t k = 0; k < change_count; k++)
        if (changes[k].dir == i) changes[k].dir = NULL;
    pages_free(&i->live);
    pages_free(&i->durable);
    directory_free(&i->names);
    directory_free(&i->durable_names);
    free(i->lost);
    free(i->target);
    free(i);
    the_disk.inodes--;
}

/* ---- names ---- */
static uint32_t hash_of(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++) h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

entry *name_find(directory *d, const char *name)
{
    const uint32_t hash = hash_of(name);
    for (size_t k = 0; k < d->count; k++) {
        entry *e = &d->entries[k];
        if (e->to && e->hash == hash && strcmp(e->name, name) == 0) return e;
    }
    return NULL;
}

/* to NULL: the name goes; its place stays, for the sake of readers of the directory. */
static void name_put(directory *d, const char *name, inode *to)
{
    entry *e = name_find(d, name);
    if (e && to) {
        e->to = to;
    } else if (e) {
        free(e->name);
        *e = (entry){0};
        d->dead++;
    } else if (to) {
        if (d->count == d->capacity) {
            d->capacity = d->capacity ? d->capacity * 2 : 8;
            d->entries = need(realloc(d->entries, d->capacity * sizeof *d->entries));
        }
        d->entries[d->count++] = (entry){copy_text(name), hash_of(name), to};
    }
}

size_t names_alive(const directory *d)
{
    return d->count - d->dead;
}

void names_squeeze(directory *d)
{
    size_t kept = 0;
    for (size_t k = 0; k < d->count; k++)
        if (d->entries[k].to) d->entries[kept++] = d->entries[k];
    d->count = kept;
    d->dead = 0;
}

static void log_change(inode *dir, const char *name, inode *to, uint64_t group)
{
    name_put(&dir->names, name, to);
    clock_gettime(CLOCK_REALTIME, &dir->modified);
    if (change_count == change_capacity) {
        change_capacity = change_capacity ? change_capacity * 2 : 256;
        changes = need(realloc(changes, change_capacity * sizeof *changes));
    }
    changes[change_count++] = (change){.dir = dir, .name = copy_text(name), .to = to, .group = group};
    if (to) to->logged++;
    the_disk.pending = change_count;
}

/* Takes a change off the log: into the durable names, or into nothing. */
static void end_change(change *c, bool keep)
{
    inode *old = NULL;
    if (keep && c->dir) {
        entry *e = name_find(&c->dir->durable_names, c->name);
        old = e ? e->to : NULL;
        name_put(&c->dir->durable_names, c->name, c->to);
        if (c->to) c->to->durable_links++;
        if (old) old->durable_links--;
    }
    if (c->to) {
        c->to->logged--;
        inode_release(c->to);
    }
    if (old && old != c->to) inode_release(old);
    free(c->name);
}

void names_commit(inode *only)
{
    for (size_t k = 0; k < change_count; k++) {
        changes[k].chosen = !only || changes[k].dir == only;
        if (k && changes[k - 1].group == changes[k].group) changes[k].chosen = changes[k - 1].chosen = changes[k].chosen || changes[k - 1].chosen;
    }
    size_t kept = 0;
    for (size_t k = 0; k < change_count; k++) {
        if (changes[k].chosen) end_change(&changes[k], true);
        else changes[kept++] = changes[k];
    }
    the_disk.pending = change_count = kept;
}

inode *name_create(inode *dir, const char *name, uint32_t mode, uint32_t uid, uint32_t gid)
{
    inode *i = inode_new(mode, uid, gid, 0);
    i->live_links = 1;
    i->parent = dir;
    log_change(dir, name, i, ++last_group);
    return i;
}

void name_link(inode *dir, const char *name, inode *to)
{
    to->live_links++;
    log_change(dir, name, to, ++last_group);
}

static void lose_link(inode *i)
{
    i->live_links = S_ISDIR(i->mode) ? 0 : i->live_links - 1;
    inode_release(i);
}

int name_unlink(inode *dir, const char *name)
{
    entry *e = name_find(&dir->names, name);
    if (!e) return ENOENT;
    inode *to = e->to;
    log_change(dir, name, NULL, ++last_group);
    lose_link(to);
    return 0;
}

int name_rename(inode *from, const char *from_name, inode *to, const char *to_name, unsigned flags)
{
    entry *a = name_find(&from->names, from_name), *b = name_find(&to->names, to_name);
    if (!a) return ENOENT;
    inode *moved = a->to, *replaced = b ? b->to : NULL;
    if (flags & RENAME_NOREPLACE && replaced) return EEXIST;
    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) return EINVAL;
    const uint64_t group = ++last_group;
    if (flags & RENAME_EXCHANGE) {
        if (!replaced) return ENOENT;
        log_change(from, from_name, replaced, group);
        log_change(to, to_name, moved, group);
        moved->parent = to;
        replaced->parent = from;
        return 0;
    }
    if (moved == replaced) return 0;
    if (replaced) {
        if (S_ISDIR(replaced->mode) != S_ISDIR(moved->mode)) return S_ISDIR(replaced->mode) ? EISDIR : ENOTDIR;
        if (S_ISDIR(replaced->mode) && names_alive(&replaced->names)) return ENOTEMPTY;
    }
    log_change(from, from_name, NULL, group);
    log_change(to, to_name, moved, group);
    moved->parent = to;
    if (replaced) lose_link(replaced);
    return 0;
}

/* ---- power cuts ---- */
typedef struct cut_counts {
    size_t names_lost, unsynced, kept, torn;
} cut_counts;

/* Which of the logged names are on the disk: strict: any of them, journal: those before a point in time. */
static void cut_names(bool random, bool keep, cut_counts *n)
{
    const uint64_t end = change_count ? changes[fault_random() % change_count].group : 0;
    uint64_t group = 0;
    bool yes = false;
    for (size_t k = 0; k < change_count; k++) {
        if (changes[k].group != group || k == 0) {
            group = changes[k].group;
            yes = keep || (random && (the_disk.journal ? group < end : fault_random() & 1));
        }
        n->names_lost += !yes;
        end_change(&changes[k], yes);
    }
    the_disk.pending = change_count = 0;
}

static page *tear(const page *live, const page *durable)
{
    page *torn = page_new();
    for (size_t s = 0; s < PAGE; s += SECTOR) {
        const page *from = fault_random() & 1 ? live : durable;
        if (from) memcpy(torn->bytes + s, from->bytes + s, SECTOR);
    }
    return torn;
}

/* An unsynced page: half of the time there, a quarter gone, a quarter torn at sectors. */
static void cut_page(inode *i, size_t k, bool random, cut_counts *n)
{
    page *live = i->live.list[k], *durable = i->durable.list[k], *left;
    i->lost[k] = 0;
    if (live == durable) return;
    const unsigned fate = random ? (unsigned)(fault_random() % 4) : 2;
    n->unsynced++;
    n->kept += fate < 2;
    n->torn += fate == 3;
    left = fate == 3 ? tear(live, durable) : page_ref(fate < 2 ? live : durable);
    page_drop(live);
    page_drop(durable);
    i->live.list[k] = left;
    i->durable.list[k] = page_ref(left);
}

static uint64_t cut_size(const inode *i, bool random)
{
    const uint64_t a = i->live.size, b = i->durable.size, low = a < b ? a : b, high = a < b ? b : a;
    if (!random || a == b) return b;
    switch (fault_random() % 3) {
    case 0:
        return a;
    case 1:
        return b;
    }
    return low + fault_random() % (high - low + 1);
}

static void cut_file(inode *i, bool random, cut_counts *n)
{
    const size_t count = i->live.count > i->durable.count ? i->live.count : i->durable.count;
    const uint64_t size = cut_size(i, random);
    live_grow(i, count);
    pages_grow(&i->durable, count);
    for (size_t k = 0; k < count; k++) cut_page(i, k, random, n);
    i->live.size = i->durable.size = size;
    for (size_t k = pages_of(size); k < i->live.count; k++) page_punch(i, k);
    for (size_t k = pages_of(size); k < i->durable.count; k++) {
        page_drop(i->durable.list[k]);
        i->durable.list[k] = NULL;
    }
    if (size % PAGE == 0 || !page_at(&i->live, size / PAGE)) return;
    page *last = page_to_write(i, size / PAGE);
    memset(last->bytes + size % PAGE, 0, PAGE - size % PAGE);
    page_drop(i->durable.list[size / PAGE]);
    i->durable.list[size / PAGE] = page_ref(last);
}

static void names_from_durable(inode *d)
{
    for (size_t k = 0; k < d->names.count; k++) free(d->names.entries[k].name);
    d->names.count = d->names.dead = 0;
    for (size_t k = 0; k < d->durable_names.count; k++) {
        inode *to = d->durable_names.entries[k].to;
        if (!to) continue;
        name_put(&d->names, d->durable_names.entries[k].name, to);
        if (++to->live_links > 1 || !S_ISDIR(to->mode)) continue;
        to->parent = d;
        names_from_durable(to);
    }
}

void fault_cut(const char *how, uint64_t seed, char *answer, size_t size)
{
    const bool random = strcmp(how, "random") == 0, keep = strcmp(how, "keep") == 0;
    cut_counts n = {0};
    if (seed) random_state = (seed * 0x9E3779B97F4A7C15ull) | 1;
    for (int k = 0; k < 16; k++) (void)fault_random();
    cut_names(random, keep, &n);
    for (size_t b = 0; b < INODE_BUCKETS; b++) {
        for (inode *i = the_disk.table[b]; i; i = i->next) {
            i->live_links = 0;
            if (!S_ISREG(i->mode)) continue;
            if (keep) data_save(i);
            cut_file(i, random, &n);
        }
    }
    the_disk.root->live_links = 2;
    names_from_durable(the_disk.root);
    for (size_t b = 0; b < INODE_BUCKETS; b++) {
        for (inode *i = the_disk.table[b], *next; i; i = next) {
            next = i->next;
            if (i == the_disk.root || i->live_links) continue;
            if (S_ISDIR(i->mode)) directory_free(&i->names);
            if (i->lookups || i->durable_links) continue;
            inode_release(i);
            next = the_disk.table[b]; /* others may have gone with it */
        }
    }
    the_disk.cuts++;
    (void)snprintf(answer, size, "cut %s: names lost %zu, unsynced pages %zu (kept %zu, torn %zu)\n", how, n.names_lost, n.unsynced, n.kept, n.torn);
}
