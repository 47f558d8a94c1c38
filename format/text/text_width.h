/* text/text_width.h - columns of a terminal that a text takes. SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_TEXT_WIDTH_H
#define FIRN_TEXT_WIDTH_H
#include <firn/arena.h>

/* Wide characters (East Asian; emoji not, as in ClickHouse) count 2, combining ones 0, a tab up to the next multiple of 8 when the text begins at
 * column `from`. */
uint32_t text_width(fn_str s, uint32_t from);
/* The longest beginning of s that takes at most `width` columns. */
fn_str text_cut(fn_str s, uint32_t width);
#endif
