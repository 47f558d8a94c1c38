/* format_list.c - all formats, and their default settings. SPDX-License-Identifier: Apache-2.0 */
#include "text/text_writer.h"

static const fn_format *const formats[] = {
    &format_tsv, &format_tsv_names, &format_tsv_types, &format_tsv_raw, &format_tsv_raw_names, &format_tsv_raw_types, &format_tskv, &format_csv, &format_csv_names,
    &format_csv_types, &format_json, &format_json_compact, &format_json_strings, &format_json_each_row, &format_json_strings_each_row,
    &format_json_compact_each_row, &format_json_compact_each_row_names, &format_json_compact_each_row_types, &format_values, &format_native,
    &format_row_binary, &format_row_binary_names, &format_row_binary_types, &format_pretty, &format_pretty_compact, &format_pretty_space,
    &format_vertical, &format_markdown, &format_null, &format_line_as_string, &format_raw_blob, &format_json_compact_strings, &format_pretty_json_each_row, &format_json_object_each_row, &format_json_each_row_progress, &format_json_strings_each_row_progress, &format_json_compact_strings_each_row, &format_json_compact_strings_each_row_names, &format_json_compact_strings_each_row_types, &format_json_compact_columns, &format_json_columns_meta, &format_json_columns,
    &format_xml, &format_sql_insert, &format_custom, &format_custom_names, &format_custom_types, &format_form, &format_parquet,
};

/* Read through firn/parquet.h: it needs random access. */
const fn_format format_parquet = {.name = "Parquet", .content_type = "application/octet-stream", .random_access = true, .about = "Apache Parquet files (input)."};

const fn_format *fn_format_at(size_t index)
{
    return index < FN_COUNT(formats) ? formats[index] : NULL;
}

const fn_format *fn_format_find(fn_str name)
{
    for (size_t i = 0; i < FN_COUNT(formats); i++) {
        if (fn_str_eq_nocase(name, fn_cstr(formats[i]->name))) return formats[i];
        for (const char *const *alias = formats[i]->aliases; alias && *alias; alias++)
            if (fn_str_eq_nocase(name, fn_cstr(*alias))) return formats[i];
    }
    return NULL;
}

const fn_format *fn_format_by_path(fn_str path)
{
    static const struct {
        const char *ending;
        const fn_format *format;
    } endings[] = {
        {".parquet", &format_parquet},      {".tsv", &format_tsv},           {".csv", &format_csv_names}, {".jsonl", &format_json_each_row},
        {".ndjson", &format_json_each_row}, {".json", &format_json_each_row}, {".native", &format_native}, {".txt", &format_line_as_string},
    };
    static const char *const packed[] = {".gz", ".zst", ".lz4", ".br"};
    for (size_t i = 0; i < FN_COUNT(packed); i++)
        if (fn_str_ends(path, fn_cstr(packed[i]))) path.size -= strlen(packed[i]);
    for (size_t i = 0; i < FN_COUNT(endings); i++)
        if (fn_str_ends(path, fn_cstr(endings[i].ending))) return endings[i].format;
    return NULL;
}

void fn_format_settings_default(fn_format_settings *s)
{
    *s = (fn_format_settings){.max_block_rows = 65409, .write_statistics = true, .with_names_use_header = true, .csv_tuples_apart = true};
    s->pretty = (fn_pretty_options){.max_rows = 1000, .max_pad_width = 250, .max_value_width = 10000, .tip_threshold = 1000000, .footer_min_rows = 50,
                                    .vertical_min_columns = 5, .vertical_min_width = 250, .vertical_max_rows = 10, .row_numbers = true, .multiline = true};
    s->custom = (fn_custom_options){.style = FN_TEXT_ESCAPED, .field_delimiter = FN_STR("\t"), .row_after = FN_STR("\n")};
    s->sql_insert = (fn_sql_insert_options){.batch_rows = 65409, .table = FN_STR("table"), .names = true, .quote = true};
    s->infer = (fn_infer_options){.rows_max = 25000, .nullable = 1, .integers = true, .dates = true, .datetimes = true, .csv_best_effort = true,
                                  .tsv_best_effort = true, .csv_detect_header = true, .tsv_detect_header = true, .custom_detect_header = true,
                                  .json_named_tuples = true, .json_numbers_as_strings = true, .json_bools_as_numbers = true,
                                  .json_bools_as_strings = true};
    fn_text_options_default(&s->text);
}
