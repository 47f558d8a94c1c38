/* func_url.c - parts of URLs. Nothing is decoded and nothing fails: what is not there is an empty string.
 * Each function is a row of one table: a view into the URL, or the URL with a run of bytes left out.
 * firstSignificantSubdomain knows second-level names (co, com, org ...) below two-letter countries, not the whole list of public
 * suffixes that ClickHouse carries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "function/text_rows.h"

static const fn_str nothing = {"", 0};

static size_t find_byte(fn_str s, size_t from, const char *set)
{
    while (from < s.size && !(s.data[from] && strchr(set, s.data[from]))) from++;
    return from;
}
static fn_str slice(fn_str s, size_t from, size_t to)
{
    return from < to ? (fn_str){s.data + from, to - from} : nothing;
}
static bool not_in_host(char b)
{
    return b && strchr(" \t<>%{}|\\^~[];=&", b);
}

/* ---- protocol, host ---- */
static fn_str protocol(fn_str url)
{
    size_t at = 0;
    if (!url.size || !text_is_alpha((uint8_t)url.data[0])) return nothing;
    while (at < url.size && (text_is_alpha((uint8_t)url.data[at]) || text_is_digit((uint8_t)url.data[at]) || strchr("+-.", url.data[at]))) {
        if (!url.data[at]) return nothing;
        at++;
    }
    return at + 4 <= url.size && url.data[at] == ':' ? slice(url, 0, at) : nothing; /* at least three bytes behind the colon */
}

/* Byte where the host (or user information) begins; false if there can be no host. */
static bool host_start(fn_str url, size_t *start)
{
    enum { SCHEME_MAX = 16 };
    *start = 0;
    if (!url.size) return false;
    if (fn_str_starts(url, FN_STR("//"))) {
        *start = 2;
        return true;
    }
    const size_t end = FN_MIN(url.size, (size_t)SCHEME_MAX);
    size_t at = 1;
    for (; at < end; at++) {
        const char b = url.data[at];
        if (text_is_alpha((uint8_t)b) || text_is_digit((uint8_t)b) || b == '.' || b == '-' || b == '+') continue;
        if (not_in_host(b)) return false;
        break;
    }
    if (at + 2 < end && memcmp(url.data + at, "://", 3) == 0) *start = at + 3;
    return true;
}

/* The host with a dot inside; rfc: user information in front of it is skipped. */
static fn_str host_of(fn_str url, bool rfc)
{
    size_t start;
    if (!url.size || url.data[url.size - 1] == '.' || !host_start(url, &start)) return nothing;
    if (rfc) {
        const size_t end = find_byte(url, start, "/?#");
        for (size_t i = start; i < end; i++)
            if (url.data[i] == '@') start = i + 1;
    }
    size_t dot = SIZE_MAX, at = start;
    for (; at < url.size; at++) {
        const char b = url.data[at];
        if (b == '.') dot = at;
        else if (b == ':' || b == '/' || b == '?' || b == '#') break;
        else if (b == '@' || not_in_host(b)) return nothing;
    }
    if (dot == SIZE_MAX || start >= at || at - dot == 1) return nothing;
    return slice(url, start, at);
}
static fn_str without_www(fn_str host)
{
    return host.size > 4 && fn_str_starts(host, FN_STR("www.")) ? text_from(host, 4) : host;
}
static size_t last_dot(fn_str host, size_t end)
{
    while (end > 0 && host.data[end - 1] != '.') end--;
    return end; /* behind the dot; 0: none */
}
static fn_str top_level(fn_str host)
{
    const size_t at = last_dot(host, host.size);
    return at == 0 || text_is_digit((uint8_t)host.data[at]) ? nothing : text_from(host, at);
}

/* Where the first label below the public suffix begins and ends within the host; false if there is none. */
static bool significant(fn_str host, size_t *from, size_t *to)
{
    static const char *const second[] = {"com", "co", "net", "org", "gov", "edu", "ac", "mil", "or", "ne", "go", "gob", "nom"};
    const size_t top = last_dot(host, host.size);
    if (top == 0) return false;
    *to = top - 1;
    *from = last_dot(host, *to);
    const fn_str label = slice(host, *from, *to);
    bool suffix = false;
    for (size_t i = 0; i < FN_COUNT(second); i++) suffix |= host.size - top == 2 && fn_str_eq(label, fn_cstr(second[i]));
    if (suffix && *from > 0) {
        *to = *from - 1;
        *from = last_dot(host, *to);
    }
    return *to > *from;
}
static fn_str significant_label(fn_str host)
{
    size_t from, to;
    return significant(host, &from, &to) ? slice(host, from, to) : nothing;
}
static fn_str cut_to_significant(fn_str host)
{
    size_t from, to;
    if (!significant(host, &from, &to)) return nothing;
    if (fn_str_eq(slice(host, from, to), FN_STR("www"))) from = to + 1;
    return text_from(host, from);
}
static fn_str cut_with_www(fn_str host)
{
    size_t from, to;
    return significant(host, &from, &to) ? text_from(host, from) : nothing;
}

#define OF_HOST(name, inner)                                                                                                             \
    static fn_str name(fn_str url)                                                                                                       \
    {                                                                                                                                    \
        return inner(host_of(url, false));                                                                                               \
    }                                                                                                                                    \
    static fn_str name##_rfc(fn_str url)                                                                                                 \
    {                                                                                                                                    \
        return inner(host_of(url, true));                                                                                                \
    }
static fn_str same(fn_str host)
{
    return host;
}
OF_HOST(domain, same)
OF_HOST(domain_without_www, without_www)
OF_HOST(top_level_domain, top_level)
OF_HOST(first_significant, significant_label)
OF_HOST(cut_to_first, cut_to_significant)
OF_HOST(cut_to_first_www, cut_with_www)

static fn_str netloc(fn_str url)
{
    const ptrdiff_t at = text_find(url, 0, FN_STR("//"));
    size_t from = 0;
    if (at == 0) from = 2;
    else if (at > 0 && url.data[at - 1] == ':' && protocol(url).size == (size_t)at - 1) from = (size_t)at + 2;
    const size_t end = find_byte(url, from, "/?#");
    for (size_t i = from; i < end; i++)
        if (not_in_host(url.data[i])) return nothing;
    return slice(url, from, end);
}

/* ---- path, query, fragment ---- */
static size_t path_start(fn_str url)
{
    const size_t at = find_byte(url, 0, "/");
    return at + 1 < url.size && url.data[at + 1] == '/' ? find_byte(url, at + 2, "/") : at;
}
static fn_str path_full(fn_str url)
{
    return text_from(url, path_start(url));
}
static fn_str path(fn_str url)
{
    const size_t from = path_start(url);
    return slice(url, from, find_byte(url, from, "?#"));
}
static fn_str query_string(fn_str url)
{
    const size_t from = find_byte(url, 0, "?") + 1;
    return slice(url, from, find_byte(url, from, "#"));
}
static fn_str fragment(fn_str url)
{
    return slice(url, find_byte(url, 0, "#") + 1, url.size);
}
static fn_str query_and_fragment(fn_str url)
{
    const size_t query = find_byte(url, 0, "?");
    return query < url.size ? slice(url, query + 1, url.size) : slice(url, find_byte(url, 0, "#"), url.size);
}

/* ---- what is cut out ---- */
static fn_str www(fn_str url)
{
    const ptrdiff_t at = text_find(url, 0, FN_STR("//www."));
    return at < 0 || find_byte(url, 0, "/") != (size_t)at ? nothing : slice(url, (size_t)at + 2, (size_t)at + 6);
}
static fn_str query_with_mark(fn_str url)
{
    const size_t from = find_byte(url, 0, "?");
    return slice(url, from, find_byte(url, from, "#"));
}
static fn_str fragment_with_mark(fn_str url)
{
    return slice(url, find_byte(url, 0, "#"), url.size);
}
static fn_str query_and_fragment_with_mark(fn_str url)
{
    const size_t query = find_byte(url, 0, "?");
    return query < url.size ? slice(url, query, url.size) : fragment_with_mark(url);
}

/* ---- the functions ---- */
typedef struct part {
    const char *name;
    fn_str (*of)(fn_str url);
    bool cut; /* the URL without the part */
} part;
static const part parts[] = {
    {"protocol", protocol, false}, {"domain", domain, false}, {"domainRFC", domain_rfc, false}, {"domainWithoutWWW", domain_without_www, false},
    {"domainWithoutWWWRFC", domain_without_www_rfc, false}, {"topLevelDomain", top_level_domain, false}, {"topLevelDomainRFC", top_level_domain_rfc, false},
    {"firstSignificantSubdomain", first_significant, false}, {"firstSignificantSubdomainRFC", first_significant_rfc, false},
    {"cutToFirstSignificantSubdomain", cut_to_first, false}, {"cutToFirstSignificantSubdomainRFC", cut_to_first_rfc, false},
    {"cutToFirstSignificantSubdomainWithWWW", cut_to_first_www, false}, {"cutToFirstSignificantSubdomainWithWWWRFC", cut_to_first_www_rfc, false},
    {"netloc", netloc, false}, {"path", path, false}, {"pathFull", path_full, false}, {"queryString", query_string, false}, {"fragment", fragment, false},
    {"queryStringAndFragment", query_and_fragment, false}, {"cutWWW", www, true}, {"cutQueryString", query_with_mark, true},
    {"cutFragment", fragment_with_mark, true}, {"cutQueryStringAndFragment", query_and_fragment_with_mark, true},
};
static fn_status bind_part(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s"));
    for (size_t i = 0; i < FN_COUNT(parts); i++)
        if (strcmp(parts[i].name, call->def->name) == 0) call->data = (void *)(uintptr_t)&parts[i];
    FN_ASSERT(call->data != NULL);
    return func_bind_string(ctx, call);
}
static fn_status row_part(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, fn_buf *to)
{
    const part *p = call->data;
    const fn_str url = text_at(args[0], row), view = p->of(url);
    if (!p->cut) return fn_buf_str(ctx, to, view);
    if (!view.size) return fn_buf_str(ctx, to, url);
    FN_TRY(fn_buf_append(ctx, to, url.data, (size_t)(view.data - url.data)));
    const char *behind = view.data + view.size;
    return fn_buf_append(ctx, to, behind, (size_t)(url.data + url.size - behind));
}
TEXT_EVAL(eval_part, text_rows, row_part)

/* ---- port ---- */
static fn_status bind_port(fn_ctx *ctx, func_call *call)
{
    FN_TRY(text_need(ctx, call, "s*"));
    if (call->arg_count > 1 && call->arg_types[1]->id != FN_T_UINT16) return func_illegal(ctx, call);
    call->type = fn_type_simple(FN_T_UINT16);
    return FN_OK;
}
static fn_status row_port(fn_ctx *ctx, const func_call *call, fn_column *const *args, size_t row, uint8_t *to)
{
    (void)ctx;
    const fn_str url = text_at(args[0], row), host = host_of(url, fn_str_ends(fn_cstr(call->def->name), FN_STR("RFC")));
    uint32_t port = 0;
    if (host.size) {
        const char *at = host.data + host.size, *end = url.data + url.size;
        if (at < end && *at == ':')
            for (at++; at < end && text_is_digit((uint8_t)*at); at++) port = FN_MIN(port * 10 + (uint32_t)(*at - '0'), 65536u);
        if (at < end && !strchr("/?#", *at)) port = 0;
    }
    if (port == 0 || port > UINT16_MAX) port = call->arg_count > 1 ? (uint32_t)fn_column_u64_at(args[1], row) : 0;
    fn_store_u16(to, (uint16_t)port);
    return FN_OK;
}
TEXT_EVAL(eval_port, fixed_rows, row_port)

#define PART(fn, what, ex, res) {.name = fn, .args_min = 1, .args_max = 1, .flags = FUNC_PER_ENTRY, .bind = bind_part, .eval = eval_part, .about = what, .example = fn "(" ex ")", .gives = res}
static const func_def rows_[] = {
    PART("protocol", "The scheme of a URL.", "'https://a.com/'", "https"), PART("domain", "The host of a URL.", "'https://www.a.com/'", "www.a.com"),
    PART("domainRFC", "The host of a URL behind user information, by RFC 3986.", "'https://u:p@a.com/'", "a.com"),
    PART("domainWithoutWWW", "The host of a URL without a leading www.", "'https://www.a.com/'", "a.com"),
    PART("domainWithoutWWWRFC", "domainRFC without a leading www.", "'https://u:p@www.a.com/'", "a.com"),
    PART("topLevelDomain", "The last label of the host.", "'https://a.com/'", "com"), PART("topLevelDomainRFC", "The last label of domainRFC.", "'https://u:p@a.com/'", "com"),
    PART("firstSignificantSubdomain", "The label in front of the public suffix.", "'https://news.a.co.uk/'", "a"),
    PART("firstSignificantSubdomainRFC", "The label of domainRFC in front of the public suffix.", "'https://news.a.co.uk/'", "a"),
    PART("cutToFirstSignificantSubdomain", "The host from the label in front of the public suffix on.", "'https://news.a.co.uk/'", "a.co.uk"),
    PART("cutToFirstSignificantSubdomainRFC", "domainRFC from the label in front of the public suffix on.", "'https://news.a.co.uk/'", "a.co.uk"),
    PART("cutToFirstSignificantSubdomainWithWWW", "cutToFirstSignificantSubdomain that keeps www as a label.", "'http://www.tr'", "www.tr"),
    PART("cutToFirstSignificantSubdomainWithWWWRFC", "cutToFirstSignificantSubdomainRFC that keeps www as a label.", "'http://www.tr'", "www.tr"),
    PART("netloc", "User information, host and port.", "'http://u:p@a.com:80/x'", "u:p@a.com:80"), PART("path", "The path without query and fragment.", "'https://a.com/b?c'", "/b"),
    PART("pathFull", "The path with query and fragment.", "'https://a.com/b?c'", "/b?c"), PART("queryString", "The query without the question mark.", "'https://a.com/b?c=d#e'", "c=d"),
    PART("fragment", "The fragment without the hash sign.", "'https://a.com/b#e'", "e"),
    PART("queryStringAndFragment", "Query and fragment.", "'https://a.com/b?c=d#e'", "c=d#e"), PART("cutWWW", "The URL without a leading www of its host.", "'https://www.a.com/'", "https://a.com/"),
    PART("cutQueryString", "The URL without its query.", "'https://a.com/b?c#d'", "https://a.com/b#d"), PART("cutFragment", "The URL without its fragment.", "'https://a.com/b?c#d'", "https://a.com/b?c"),
    PART("cutQueryStringAndFragment", "The URL without query and fragment.", "'https://a.com/b?c#d'", "https://a.com/b"),
    {.name = "port", .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_port, .eval = eval_port,
     .about = "The port of a URL, or the second argument (0) if it names none.", .example = "port('http://a.com:80/')", .gives = "80"},
    {.name = "portRFC", .args_min = 1, .args_max = 2, .flags = FUNC_PER_ENTRY, .bind = bind_port, .eval = eval_port,
     .about = "The port behind the host that domainRFC finds.", .example = "portRFC('http://u:p@a.com:80/')", .gives = "80"},
};
const func_family func_family_url = FUNC_FAMILY("URL", rows_);
