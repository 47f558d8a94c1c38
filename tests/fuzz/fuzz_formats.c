/* fuzz_formats.c - any bytes as input of the format that the first byte chooses, for those without a target of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"JSON", "JSONCompact", "JSONStrings", "JSONColumns", "JSONCompactColumns", "JSONColumnsWithMetadata", "JSONObjectEachRow",
                                        "JSONCompactEachRowWithNames", "JSONCompactStringsEachRowWithNamesAndTypes", "JSONStringsEachRow", "CSVWithNames",
                                        "CSVWithNamesAndTypes", "TabSeparatedWithNamesAndTypes", "TSVRaw", "TSKV", "CustomSeparatedWithNames", "Form", "LineAsString",
                                        "RowBinaryWithNamesAndTypes"};
    if (size == 0) return 0;
    return fuzz_format(names[data[0] % FN_COUNT(names)], data + 1, size - 1);
}
