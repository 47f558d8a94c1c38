/* file/open_file.h - what open files of every file system have in common. Shared inside io/file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_OPEN_FILE_H
#define FIRN_OPEN_FILE_H
#include <firn/bits.h>
#include <firn/file.h>

struct fn_file {
    uint64_t size;  /* bytes; grows with writes through this handle */
    char *path;     /* for messages; lies behind the struct */
    unsigned flags; /* FN_OPEN_... */
};

/* True when [offset, offset + size) lies in the file; otherwise CANNOT_READ_ALL_DATA (33) naming the path. */
fn_status file_check_range(fn_ctx *ctx, const fn_file *file, const fn_range *range) FN_MUST_USE;
#endif
