/* avro/avro_schema.h - the schema of a container file. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_AVRO_SCHEMA_H
#define FIRN_AVRO_SCHEMA_H
#include <firn/avro.h>

/* Parses the JSON text of avro.schema. INCORRECT_DATA naming the file. */
fn_status avro_schema_parse(fn_ctx *ctx, const char *file, fn_str json, const fn_avro_schema **out) FN_MUST_USE;
#endif
