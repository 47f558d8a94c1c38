/* empty.c - stands in for a library whose folder has no source yet. SPDX-License-Identifier: Apache-2.0 */
typedef int fn_empty_translation_unit;
