/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/address.h: where a Redis server is, from its URL.
 *
 *     unix://[user@]/absolute/path[?db=N]
 *     redis://[user@]host[:port][/N]       TCP
 *     rediss://[user@]host[:port][/N]      TLS over TCP
 *
 * An IPv6 host stands in brackets. A password in the URL is refused: URLs are shown in status and
 * logs, passwords never are (password_file). Pure; any thread.
 */
#ifndef ASSAY_DAEMON_REDIS_ADDRESS_H
#define ASSAY_DAEMON_REDIS_ADDRESS_H

#include "assay/base.h"

enum assay_redis_link { ASSAY_REDIS_UNIX, ASSAY_REDIS_TCP, ASSAY_REDIS_TLS };

struct assay_redis_address {
    enum assay_redis_link link;
    char path[108]; /* of the Unix socket */
    char host[256], port[8];
    char user[128]; /* "": the default user */
    unsigned database;
};

enum assay_status assay_redis_address_parse(const char *url, struct assay_redis_address *ret,
                                            struct assay_error *err);

#endif
