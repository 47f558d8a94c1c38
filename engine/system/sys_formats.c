/* sys_formats.c - system.formats. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"
#include <firn/format.h>

static fn_status put_format(system_rows *r, const fn_format *f, const char *name)
{
    system_put_text(r, "name", name);
    system_put_u64(r, "is_input", f->open_reader || f->random_access);
    system_put_u64(r, "is_output", f->open_writer != NULL);
    system_put_u64(r, "is_tty_friendly", !f->content_type || strcmp(f->content_type, "application/octet-stream") != 0);
    system_put_text(r, "content_type", f->content_type ? f->content_type : "");
    system_put_u64(r, "supports_random_access", f->random_access);
    system_put_u64(r, "has_schema_inference", f->infer || f->random_access);
    system_put_text(r, "description", f->about ? f->about : "");
    return system_row(r);
}

static fn_status fill(system_rows *r)
{
    const fn_format *f;
    for (size_t i = 0; (f = fn_format_at(i)); i++) {
        FN_TRY(put_format(r, f, f->name));
        for (const char *const *alias = f->aliases; alias && *alias; alias++) FN_TRY(put_format(r, f, *alias));
    }
    return FN_OK;
}

const system_def system_formats = {"formats", fill, "Formats of input and output."};
