/* sys_codecs.c - system.codecs: what may stand in CODEC(...). firn keeps and shows the clause; how bytes are encoded is chosen per
 * column and part by what is smallest. SPDX-License-Identifier: Apache-2.0 */
#include "system/system_list.h"

static const struct {
    const char *name;
    uint8_t byte, compression, generic, time_series;
    const char *about;
} codecs[] = {
    {"NONE", 2, 1, 0, 0, "No compression."},
    {"LZ4", 130, 1, 1, 0, "Fast compression."},
    {"LZ4HC", 130, 1, 1, 0, "Slower to write than LZ4, smaller."},
    {"ZSTD", 144, 1, 1, 0, "Strong compression."},
    {"Delta", 146, 0, 0, 1, "Differences of neighbours."},
    {"DoubleDelta", 148, 1, 0, 1, "Differences of differences."},
    {"Gorilla", 149, 1, 0, 1, "Floats as XOR with the one before."},
    {"T64", 147, 1, 0, 0, "Integers cut to the bits they need."},
    {"FPC", 152, 1, 0, 0, "Floats as XOR with a prediction."},
    {"GCD", 154, 0, 0, 0, "Values divided by their greatest common divisor."},
};

static fn_status fill(system_rows *r)
{
    for (size_t i = 0; i < FN_COUNT(codecs); i++) {
        system_put_text(r, "name", codecs[i].name);
        system_put_u64(r, "method_byte", codecs[i].byte);
        system_put_u64(r, "is_compression", codecs[i].compression);
        system_put_u64(r, "is_generic_compression", codecs[i].generic);
        system_put_u64(r, "is_timeseries_codec", codecs[i].time_series);
        system_put_text(r, "description", codecs[i].about);
        FN_TRY(system_row(r));
    }
    return FN_OK;
}

const system_def system_codecs = {"codecs", fill, "Names for CODEC(...)."};
