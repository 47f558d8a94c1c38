/* exec/join_probe.h - the streaming side of a hash join. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_EXEC_JOIN_PROBE_H
#define FIRN_EXEC_JOIN_PROBE_H
#include "exec/op_join.h"

/* Appends the probe operator to the pipeline that delivers the other input. */
fn_status op_join_probe_append(fn_ctx *ctx, exec *e, const plan *node, op_join_build *build, pipeline *p) FN_MUST_USE;
#endif
