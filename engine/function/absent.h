/* absent.h - functions of ClickHouse that are not here. SPDX-License-Identifier: Apache-2.0 */
#ifndef FN_FUNCTION_ABSENT_H
#define FN_FUNCTION_ABSENT_H

#include "expr/function.h"

/* Whether ClickHouse has a function or aggregate function of that name, which func_find and agg_find do not know. */
bool func_is_absent(fn_str name);

#endif
