/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/redis/address.h"

#include "core/option.h"

#define DATABASES_MAX 16384
#define DEFAULT_PORT  "6379"

static const struct {
    const char *scheme;
    enum assay_redis_link link;
} schemes[] = {
    {"unix://", ASSAY_REDIS_UNIX},
    {"redis://", ASSAY_REDIS_TCP},
    {"rediss://", ASSAY_REDIS_TLS},
};

static int copy(char *out, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap) {
        return 0;
    }
    memcpy(out, from, len);
    out[len] = '\0';
    return 1;
}

static enum assay_status bad(struct assay_error *err, const char *what)
{
    return assay_fail(err, ASSAY_CONFIG,
                      "the Redis URL %s: write unix:///path/to.sock, redis://host:port/db or "
                      "rediss://host:port/db",
                      what);
}

static enum assay_status set_database(struct assay_redis_address *a, const char *text,
                                      struct assay_error *err)
{
    int64_t n = 0;
    if (assay_parse_int(text, 0, DATABASES_MAX, &n, NULL) != ASSAY_OK) {
        return bad(err, "has a database that is not a number");
    }
    a->database = (unsigned)n;
    return ASSAY_OK;
}

/* `rest` begins at the path. */
static enum assay_status parse_unix(struct assay_redis_address *a, const char *rest,
                                    struct assay_error *err)
{
    size_t len = strcspn(rest, "?");
    if (rest[0] != '/' || !copy(a->path, sizeof a->path, rest, len)) {
        return bad(err, rest[0] != '/' ? "has no absolute socket path"
                                       : "has a socket path longer than 107 bytes");
    }
    if (rest[len] == '\0') {
        return ASSAY_OK;
    }
    return strncmp(rest + len, "?db=", 4) == 0 ? set_database(a, rest + len + 4, err)
                                               : bad(err, "has a parameter other than db");
}

static enum assay_status set_port(struct assay_redis_address *a, const char *text, size_t len,
                                  struct assay_error *err)
{
    int64_t n;
    if (!copy(a->port, sizeof a->port, text, len) ||
        assay_parse_int(a->port, 1, 65535, &n, NULL) != ASSAY_OK) {
        return bad(err, "has a port that is not 1 to 65535");
    }
    return ASSAY_OK;
}

/* `rest` begins at the host. */
static enum assay_status parse_host(struct assay_redis_address *a, const char *rest,
                                    struct assay_error *err)
{
    int bracket = rest[0] == '[';
    const char *host = rest + bracket;
    size_t len = strcspn(host, bracket ? "]" : ":/?");
    if (!copy(a->host, sizeof a->host, host, len) || (bracket && host[len] != ']')) {
        return bad(err, "has no host");
    }
    const char *after = host + len + bracket;
    memcpy(a->port, DEFAULT_PORT, sizeof DEFAULT_PORT);
    if (*after == ':') {
        size_t n = strcspn(after + 1, "/?");
        enum assay_status status = set_port(a, after + 1, n, err);
        if (status != ASSAY_OK) {
            return status;
        }
        after += 1 + n;
    }
    if (strcmp(after, "") == 0 || strcmp(after, "/") == 0) {
        return ASSAY_OK;
    }
    return *after == '/' ? set_database(a, after + 1, err) : bad(err, "goes on after the port");
}

/* Takes "user@" off the front of *rest. */
static enum assay_status parse_user(struct assay_redis_address *a, const char **rest,
                                    struct assay_error *err)
{
    size_t len = strcspn(*rest, "/?@");
    if ((*rest)[len] != '@') {
        return ASSAY_OK;
    }
    if (memchr(*rest, ':', len) != NULL) {
        return assay_fail(err, ASSAY_CONFIG,
                          "the Redis URL holds a password, which would be shown: put it in a file "
                          "and name that as password_file");
    }
    if (!copy(a->user, sizeof a->user, *rest, len)) {
        return bad(err, "has an empty or overlong user");
    }
    *rest += len + 1;
    return ASSAY_OK;
}

enum assay_status assay_redis_address_parse(const char *url, struct assay_redis_address *ret,
                                            struct assay_error *err)
{
    *ret = (struct assay_redis_address){.link = ASSAY_REDIS_UNIX};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, n) != 0) {
            continue;
        }
        const char *rest = url + n;
        ret->link = schemes[i].link;
        enum assay_status status = parse_user(ret, &rest, err);
        if (status != ASSAY_OK) {
            return status;
        }
        return ret->link == ASSAY_REDIS_UNIX ? parse_unix(ret, rest, err)
                                             : parse_host(ret, rest, err);
    }
    return bad(err, "has no scheme we know");
}
