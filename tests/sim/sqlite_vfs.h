/* sqlite_vfs.h - SQLite's files on an fn_fs. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_SIM_SQLITE_VFS_H
#define FIRN_SIM_SQLITE_VFS_H
#include <firn/file.h>

/* Becomes the default VFS. It does what SQLite's own for unix does: the folder is synced with the first sync of a new journal or
 * WAL and with a deletion that asks for it; writes are power-safe beside their range. No locks: one connection. */
void sqlite_vfs_open(fn_fs *fs);
void sqlite_vfs_close(void);
#endif
