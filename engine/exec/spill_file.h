/* exec/spill_file.h - files of state that does not fit into memory: the engine's folder of them, a statement's share of it, and one
 * file of frames.
 *
 * A frame is a run of bytes, compressed as the setting temporary_files_codec says, behind a checksum that is bound to the frame's
 * place; a file is written by one thread and then read by any. Files lie in <data path>/tmp, which is emptied when the engine
 * opens; an operator removes its files when it closes, however the statement ended. Their bytes count against
 * max_temporary_data_on_disk_size_for_query and _for_user (TOO_MANY_ROWS_OR_BYTES) and leave min_free_disk_space_for_temporary_data
 * bytes of the disk alone (NOT_ENOUGH_SPACE). SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_SPILL_FILE_H
#define FIRN_EXEC_SPILL_FILE_H
#include <firn/arena.h>
#include <firn/codec.h>
#include <firn/file.h>

/* What is written: names counters and settings. */
typedef enum spill_use { SPILL_SORT, SPILL_GROUP, SPILL_JOIN, SPILL_DISTINCT } spill_use;
enum { SPILL_USES = 4 };

typedef struct spill_events {
    _Atomic uint64_t parts;  /* times that state was written out */
    _Atomic uint64_t merges; /* times that it was read back */
    _Atomic uint64_t plain, stored; /* bytes before and after compression */
} spill_events;

/* The engine's. */
typedef struct spill_area {
    fn_fs *fs;
    const char *dir;          /* NULL: there is none, nothing spills */
    _Atomic uint64_t bytes;   /* of all files there are */
    _Atomic uint64_t files_made;
    _Atomic int64_t files[SPILL_USES]; /* there are */
    spill_events events[SPILL_USES];
} spill_area;
/* Makes the folder, or empties it: what is there is of an engine that was killed. dir must live as long as the area. */
fn_status spill_area_open(fn_ctx *ctx, spill_area *a, fn_fs *fs, const char *dir) FN_MUST_USE;

/* Counters for system.events and system.metrics: index from 0; false behind the last. */
typedef struct spill_counter {
    const char *name, *about;
    int64_t value;
} spill_counter;
bool spill_event_at(const spill_area *a, size_t index, spill_counter *out);
bool spill_metric_at(const spill_area *a, size_t index, spill_counter *out);

/* One statement's; its workers share it. */
typedef struct spill_share {
    spill_area *area;
    _Atomic uint64_t bytes;   /* of its files */
} spill_share;

typedef struct spill_frame {
    uint64_t offset;
    uint32_t stored, size;    /* bytes in the file behind the checksum; bytes themselves. Equal: not compressed */
} spill_frame;
enum { SPILL_FRAME_MAX = 1 << 30 };

typedef struct spill_file spill_file;
fn_status spill_file_open(fn_ctx *ctx, spill_share *share, spill_use use, spill_file **out) FN_MUST_USE;
void spill_file_close(spill_file *f); /* removes it; NULL is fine */
/* Appends a frame of at most SPILL_FRAME_MAX bytes. Errors: 243, 396, 75, those of the codec. */
fn_status spill_file_append(fn_ctx *ctx, spill_file *f, const void *bytes, size_t size, spill_frame *out) FN_MUST_USE;
/* Frames can be read from here on. By the writing thread, or when it is known to be done. */
fn_status spill_file_flush(fn_ctx *ctx, spill_file *f) FN_MUST_USE;
/* One reference to the frame's bytes. CHECKSUM_DOESNT_MATCH names the file. Any thread. */
fn_status spill_file_read(fn_ctx *ctx, const spill_file *f, const spill_frame *frame, fn_buffer **out) FN_MUST_USE;
void spill_file_will_read(const spill_file *f, const spill_frame *frame); /* soon */
spill_events *spill_file_events(const spill_file *f);
#endif
