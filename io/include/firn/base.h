/* firn/base.h - status, errors, context, assertions: the lowest door; everything may include it.
 *
 * Errors. A function that can fail returns fn_status: FN_OK (0) or one of ClickHouse's error codes
 * (errors.def). The message is written once into ctx->error by fn_fail(), where the facts are known;
 * the first failure wins; callers pass it up with FN_TRY. Bugs abort through FN_ASSERT; whatever came
 * from outside (network, file, S3, user) is never asserted but answered with an error.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRN_BASE_H
#define FIRN_BASE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int fn_status;

enum {
#define X(name, code, http) FN_##name = (code),
#include <firn/errors.def>
#undef X
};

#define FN_MUST_USE              __attribute__((warn_unused_result))
#define FN_PRINTF(fmt, args)     __attribute__((format(printf, fmt, args)))
#define FN_UNUSED                __attribute__((unused))
#define FN_LIKELY(x)             __builtin_expect(!!(x), 1)
#define FN_UNLIKELY(x)           __builtin_expect(!!(x), 0)
#define FN_COUNT(array)          (sizeof(array) / sizeof *(array))
#define FN_MIN(a, b)             ((a) < (b) ? (a) : (b))
#define FN_MAX(a, b)             ((a) > (b) ? (a) : (b))

/* A borrowed run of bytes; not 0-terminated. {NULL, 0} is the empty string. */
typedef struct fn_str {
    const char *data;
    size_t size;
} fn_str;
#define FN_STR(literal)          ((fn_str){(literal), sizeof(literal) - 1})
#define FN_STR_FMT               "%.*s"
#define FN_STR_ARG(s)            (int)FN_MIN((s).size, (size_t)4096), (s).data

typedef struct fn_error {
    fn_status code;   /* FN_OK: no error so far */
    const char *file; /* where it was raised (file name without folder); for the log */
    int line;
    char text[2048]; /* the message, 0-terminated, cut if longer */
} fn_error;

/* Why and when a query must stop. Shared by all its threads; checked at every morsel. */
typedef struct fn_cancel {
    _Atomic int reason;           /* FN_OK, or the code to fail with: QUERY_WAS_CANCELLED, TIMEOUT_EXCEEDED... */
    _Atomic int64_t deadline_ns;  /* on fn_clock_monotonic_ns(); 0 = none */
    _Atomic int64_t idle_ns;      /* the longest wait for more of what the client sends; 0: as the connection has it */
} fn_cancel;

typedef struct fn_arena fn_arena;
typedef struct fn_tracker fn_tracker;
struct fn_settings; /* engine/settings; opaque here */

/* What every function that can fail or allocate gets first. One per thread and query: the error and
 * the arena are not shared. Frozen: anything else is passed by name. */
typedef struct fn_ctx {
    fn_arena *arena;                   /* lives as long as the query (or morsel, as the caller says) */
    fn_tracker *memory;                /* may be NULL: not tracked */
    fn_cancel *cancel;                 /* may be NULL */
    const struct fn_settings *settings; /* may be NULL below the engine */
    const struct table_claim *claims;  /* what names must still mean when something is committed; see table/table.h. NULL: none */
    fn_error error;
} fn_ctx;

/* Records the failure and returns `code`. If ctx holds one already, that one stays and its code is returned. */
fn_status fn_fail_at(fn_ctx *ctx, fn_status code, const char *file, int line, const char *fmt, ...)
    FN_PRINTF(5, 6);
#define fn_fail(ctx, code, ...)  fn_fail_at((ctx), (code), __FILE_NAME__, __LINE__, __VA_ARGS__)
/* Out of memory at the system's allocator: CANNOT_ALLOCATE_MEMORY. */
fn_status fn_fail_memory(fn_ctx *ctx, size_t bytes);
/* Failure of a system call: code, message "<what>: errno text (errno N)". */
fn_status fn_fail_errno(fn_ctx *ctx, fn_status code, int err, const char *fmt, ...) FN_PRINTF(4, 5);
/* Puts text in front of the message (context such as the file name); no-op without error. Returns the code. */
fn_status fn_error_prefix(fn_ctx *ctx, const char *fmt, ...) FN_PRINTF(2, 3);
/* For the caller that handles the failure itself. */
void fn_error_clear(fn_ctx *ctx);
const char *fn_error_name(fn_status code);  /* "UNKNOWN_TABLE"; "UNKNOWN_EXCEPTION" for a foreign number */
int fn_error_http_status(fn_status code);   /* 200, 404, 500 ... */

/* Fails with the cancel reason or TIMEOUT_EXCEEDED when the query has to stop. Call at each morsel. */
fn_status fn_ctx_check(fn_ctx *ctx) FN_MUST_USE;

#define FN_TRY(expr)                                                                               \
    do {                                                                                           \
        const fn_status fn_try_ = (expr);                                                          \
        if (FN_UNLIKELY(fn_try_ != FN_OK)) return fn_try_;                                         \
    } while (0)
/* For pointers from allocators that have set ctx->error themselves. */
#define FN_TRY_PTR(ctx, ptr)                                                                       \
    do {                                                                                           \
        if (FN_UNLIKELY((ptr) == NULL)) return (ctx)->error.code;                                  \
    } while (0)

/* A bug in firn: message on stderr, abort. Stays on in release builds. */
#define FN_ASSERT(cond)          ((cond) ? (void)0 : fn_assert_failed(#cond, __FILE_NAME__, __LINE__))
#define FN_IMPOSSIBLE(why)       fn_assert_failed("impossible: " why, __FILE_NAME__, __LINE__)
#ifdef FN_DEBUG
#define FN_DEBUG_ASSERT(cond)    FN_ASSERT(cond)
#else
#define FN_DEBUG_ASSERT(cond)    ((void)sizeof(cond))
#endif
_Noreturn void fn_assert_failed(const char *what, const char *file, int line);

/* Log: one line on stderr (or the sink set at start). Never in a kernel, never twice for one error. */
typedef enum fn_log_level { FN_LOG_DEBUG, FN_LOG_INFO, FN_LOG_WARN, FN_LOG_ERROR } fn_log_level;
void fn_log(fn_log_level level, const char *module, const char *fmt, ...) FN_PRINTF(3, 4);
void fn_log_set_level(fn_log_level level); /* before threads start; default INFO */

/* CPU features; masked by FIRN_CPU=scalar|avx2|avx512 in the environment. */
enum { FN_CPU_AVX2 = 1u << 0, FN_CPU_BMI2 = 1u << 1, FN_CPU_AVX512 = 1u << 2 };
unsigned fn_cpu_flags(void);
/* What this process may use of the machine: control groups, and for cores its affinity, taken off. As they are when first asked for. */
unsigned fn_cpu_count(void);
uint64_t fn_memory_size(void); /* bytes */
#endif
