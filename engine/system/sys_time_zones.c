/* sys_time_zones.c - system.time_zones: the names of /usr/share/zoneinfo/tzdata.zi (zones and links), as the machine has them. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include <firn/file.h>

/* "Z Europe/Berlin ..." and "L Europe/Berlin Arctic/Longyearbyen": the name a line defines; data NULL: none. */
static fn_str zone_of(fn_str line)
{
    if (line.size < 3 || line.data[1] != ' ' || (line.data[0] != 'Z' && line.data[0] != 'L')) return (fn_str){NULL, 0};
    fn_str name = {line.data + 2, line.size - 2};
    const char *space = memchr(name.data, ' ', name.size);
    if (line.data[0] == 'L' && space) return (fn_str){space + 1, name.size - (size_t)(space + 1 - name.data)};
    if (space) name.size = (size_t)(space - name.data);
    return name;
}

static fn_status put_all(system_rows *r, fn_str text)
{
    for (size_t at = 0, end; at < text.size; at = end + 1) {
        const char *newline = memchr(text.data + at, '\n', text.size - at);
        end = newline ? (size_t)(newline - text.data) : text.size;
        const fn_str name = zone_of((fn_str){text.data + at, end - at});
        if (!name.size) continue;
        system_put_str(r, "time_zone", name);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

static fn_status fill(system_rows *r)
{
    static const char path[] = "/usr/share/zoneinfo/tzdata.zi";
    fn_fs *fs = fn_fs_local();
    fn_file_info info;
    fn_buf text = FN_BUF_INIT;
    FN_TRY(fs->stat(fs, r->ctx, path, &info));
    if (!info.exists) {
        system_put_text(r, "time_zone", "UTC");
        return system_row(r);
    }
    fn_status status = fn_fs_read_all(fs, r->ctx, path, &text);
    if (status == FN_OK) status = put_all(r, fn_buf_view(&text));
    fn_buf_release(&text);
    return status;
}

const system_def system_time_zones = {"time_zones", fill, "Names of time zones."};
