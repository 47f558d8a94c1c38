/* fuzz_tsv.c - any bytes as TabSeparated. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_format("TabSeparated", data, size);
}
