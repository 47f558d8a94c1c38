/* file/open_file.h - what open files of every file system have in common. Shared inside io/file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_OPEN_FILE_H
#define FIRN_OPEN_FILE_H
#include <firn/bits.h>
#include <firn/file.h>

/* When a file was changed last, and which one it is. */
typedef struct file_stamp {
    uint64_t device, inode;
    int64_t modified_ns, changed_ns;
} file_stamp;

struct fn_file {
    uint64_t size;  /* bytes; grows with writes through this handle */
    char *path;     /* for messages; lies behind the struct */
    unsigned flags; /* FN_OPEN_... */
    bool stamped;   /* opened for reading only, of a file system that has such: */
    file_stamp stamp;
};

/* True when [offset, offset + size) lies in the file; otherwise CANNOT_READ_ALL_DATA (33) naming the path. */
fn_status file_check_range(fn_ctx *ctx, const fn_file *file, const fn_range *range) FN_MUST_USE;
#endif
