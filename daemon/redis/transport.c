/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/transport.c: three phases (look up, connect, TLS handshake), then bytes.
 */
#include "daemon/redis/transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/status.h"
#include "daemon/redis/resolve.h"

enum phase { PHASE_RESOLVE, PHASE_CONNECT, PHASE_HANDSHAKE, PHASE_OPEN };

struct assay_transport {
    struct assay_redis_address address;
    enum phase phase;
    struct assay_resolve *lookup;
    const struct addrinfo *next; /* to try after this one; of `lookup` */
    int fd;
    short events;
    SSL_CTX *context;
    SSL *ssl;
    int last_errno; /* of the last address tried */
};

/* ---- TLS ----------------------------------------------------------------------------------- */

static enum assay_status tls_failed(struct assay_error *err, const char *what)
{
    unsigned long code = ERR_get_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return assay_fail(err, ASSAY_UNREACHABLE, "TLS: %s%s%s", what, reason == NULL ? "" : ": ",
                      reason == NULL ? "" : reason);
}

static enum assay_status load_files(SSL_CTX *c, const struct assay_redis_tls *tls,
                                    struct assay_error *err)
{
    int ok = tls->ca_file != NULL ? SSL_CTX_load_verify_file(c, tls->ca_file)
                                  : SSL_CTX_set_default_verify_paths(c);
    if (ok != 1) {
        return tls_failed(err, "cannot load the authorities (ca_file)");
    }
    if (tls->cert_file != NULL && SSL_CTX_use_certificate_chain_file(c, tls->cert_file) != 1) {
        return tls_failed(err, "cannot load the client certificate (cert_file)");
    }
    if (tls->key_file != NULL &&
        (SSL_CTX_use_PrivateKey_file(c, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(c) != 1)) {
        return tls_failed(err, "cannot use the client key (key_file)");
    }
    return ASSAY_OK;
}

/* Whether `host` is written as a number. */
static int is_number(const char *host)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
    ASN1_OCTET_STRING_free(ip);
    return ip != NULL;
}

static int expect_host(SSL *ssl, const char *host)
{
    if (is_number(host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    }
    return SSL_set1_host(ssl, host) == 1 && /* the macro for this casts const away */
           SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)host) == 1;
}

static enum assay_status tls_prepare(struct assay_transport *t, const struct assay_redis_tls *tls,
                                     struct assay_error *err)
{
    t->context = SSL_CTX_new(TLS_client_method());
    if (t->context == NULL || SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) != 1) {
        return tls_failed(err, "not available");
    }
    (void)SSL_CTX_set_mode(t->context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    return load_files(t->context, tls, err);
}

/* What an SSL call that did not succeed means: wait, or an error. */
static enum assay_status tls_outcome(struct assay_transport *t, int result, const char *what,
                                     struct assay_error *err)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        t->events = POLLIN;
        return ASSAY_END;
    case SSL_ERROR_WANT_WRITE:
        t->events = POLLOUT;
        return ASSAY_END;
    case SSL_ERROR_ZERO_RETURN:
        return assay_fail(err, ASSAY_UNREACHABLE, "Redis closed the connection");
    default:
        break;
    }
    long verdict = SSL_get_verify_result(t->ssl);
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        return assay_fail(err, ASSAY_UNREACHABLE, "TLS: the certificate of %.100s is refused: %s",
                          t->address.host, X509_verify_cert_error_string(verdict));
    }
    return tls_failed(err, what);
}

/* Begins or continues the handshake. */
static enum assay_status tls_step(struct assay_transport *t, struct assay_error *err)
{
    if (t->ssl == NULL) {
        t->ssl = SSL_new(t->context);
        if (t->ssl == NULL || SSL_set_fd(t->ssl, t->fd) != 1 ||
            !expect_host(t->ssl, t->address.host)) {
            return tls_failed(err, "cannot begin");
        }
    }
    ERR_clear_error();
    int n = SSL_connect(t->ssl);
    if (n != 1) {
        return tls_outcome(t, n, "the handshake failed", err);
    }
    t->phase = PHASE_OPEN;
    t->events = POLLIN;
    return ASSAY_OK;
}

/* ---- connecting ---------------------------------------------------------------------------- */

static void close_socket(struct assay_transport *t)
{
    if (t->fd >= 0) {
        (void)close(t->fd);
        t->fd = -1;
    }
}

/* Begins to connect; 0, or an errno. */
static int dial(struct assay_transport *t, int family, const struct sockaddr *to, socklen_t len)
{
    const int on = 1;
    close_socket(t);
    t->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0) {
        return errno;
    }
    if (family != AF_UNIX) {
        (void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(t->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    t->events = POLLOUT;
    return connect(t->fd, to, len) == 0 || errno == EINPROGRESS ? 0 : errno;
}

static enum assay_status cannot_connect(struct assay_transport *t, int os_errno,
                                        struct assay_error *err)
{
    const struct assay_redis_address *a = &t->address;
    int local = a->link == ASSAY_REDIS_UNIX;
    (void)assay_fail_errno(err, os_errno, "cannot connect to Redis at %.150s%s%s",
                           local ? a->path : a->host, local ? "" : ":", local ? "" : a->port);
    if (err != NULL) {
        err->status = ASSAY_UNREACHABLE;
    }
    return ASSAY_UNREACHABLE;
}

static enum assay_status dial_unix(struct assay_transport *t, struct assay_error *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, t->address.path, sizeof to.sun_path);
    int failed = dial(t, AF_UNIX, (const struct sockaddr *)(const void *)&to, sizeof to);
    /* EAGAIN: the server's backlog is full. */
    return failed == 0 ? ASSAY_OK : cannot_connect(t, failed, err);
}

/* Tries addresses until one begins well. */
static enum assay_status dial_next(struct assay_transport *t, struct assay_error *err)
{
    while (t->next != NULL) {
        const struct addrinfo *a = t->next;
        t->next = a->ai_next;
        t->last_errno = dial(t, a->ai_family, a->ai_addr, a->ai_addrlen);
        if (t->last_errno == 0) {
            return ASSAY_OK;
        }
    }
    return cannot_connect(t, t->last_errno, err);
}

static enum assay_status resolve_step(struct assay_transport *t, struct assay_error *err)
{
    enum assay_status status = assay_resolve_result(t->lookup, &t->next, err);
    if (status == ASSAY_OK) {
        status = dial_next(t, err);
        t->phase = PHASE_CONNECT;
    }
    return status;
}

/* Looks whether connecting is done; the next address when this one failed. */
static enum assay_status connect_step(struct assay_transport *t, struct assay_error *err)
{
    int failed = 0;
    socklen_t len = sizeof failed;
    struct pollfd p = {.fd = t->fd, .events = POLLOUT};
    if (poll(&p, 1, 0) == 0) {
        return ASSAY_END;
    }
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0) {
        failed = errno;
    }
    if (failed != 0) {
        t->last_errno = failed;
        enum assay_status status = dial_next(t, err);
        return status == ASSAY_OK ? ASSAY_END : status;
    }
    t->phase = t->address.link == ASSAY_REDIS_TLS ? PHASE_HANDSHAKE : PHASE_OPEN;
    t->events = POLLIN;
    return ASSAY_OK;
}

enum assay_status assay_transport_step(struct assay_transport *t, struct assay_error *err)
{
    static enum assay_status (*const steps[])(struct assay_transport *, struct assay_error *) = {
        [PHASE_RESOLVE] = resolve_step,
        [PHASE_CONNECT] = connect_step,
        [PHASE_HANDSHAKE] = tls_step};
    enum assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && t->phase != PHASE_OPEN) {
        status = steps[t->phase](t, err);
    }
    return status;
}

enum assay_status assay_transport_open(const struct assay_redis_address *a,
                                       const struct assay_redis_tls *tls,
                                       struct assay_transport **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_transport *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    t->address = *a;
    t->fd = -1;
    t->events = POLLIN;
    enum assay_status status = ASSAY_OK;
    if (a->link == ASSAY_REDIS_TLS) {
        status = tls_prepare(t, tls, err);
    }
    if (status == ASSAY_OK && a->link == ASSAY_REDIS_UNIX) {
        t->phase = PHASE_CONNECT;
        status = dial_unix(t, err);
    } else if (status == ASSAY_OK) {
        t->phase = PHASE_RESOLVE;
        status = assay_resolve_start(a->host, a->port, &t->lookup, err);
    }
    if (status != ASSAY_OK) {
        assay_transport_close(t);
        return status;
    }
    *ret = t;
    return ASSAY_OK;
}

void assay_transport_close(struct assay_transport *t)
{
    if (t != NULL) {
        SSL_free(t->ssl);
        SSL_CTX_free(t->context);
        close_socket(t);
        assay_resolve_drop(t->lookup);
        free(t);
    }
}

int assay_transport_fd(const struct assay_transport *t)
{
    return t->phase == PHASE_RESOLVE ? assay_resolve_fd(t->lookup) : t->fd;
}

short assay_transport_events(const struct assay_transport *t)
{
    return t->phase == PHASE_OPEN ? POLLIN : t->events;
}

/* ---- bytes --------------------------------------------------------------------------------- */

static enum assay_status plain_outcome(ssize_t n, size_t *ret_n, struct assay_error *err)
{
    if (n > 0) {
        *ret_n = (size_t)n;
        return ASSAY_OK;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ASSAY_END;
    }
    return assay_fail(err, ASSAY_UNREACHABLE, "Redis closed the connection");
}

enum assay_status assay_transport_read(struct assay_transport *t, void *buf, size_t cap,
                                       size_t *ret_n, struct assay_error *err)
{
    *ret_n = 0;
    if (t->ssl == NULL) {
        return plain_outcome(recv(t->fd, buf, cap, 0), ret_n, err);
    }
    ERR_clear_error();
    int n = SSL_read_ex(t->ssl, buf, cap, ret_n);
    return n == 1 ? ASSAY_OK : tls_outcome(t, n, "reading failed", err);
}

enum assay_status assay_transport_write(struct assay_transport *t, const void *data, size_t len,
                                        size_t *ret_n, struct assay_error *err)
{
    *ret_n = 0;
    if (t->ssl == NULL) {
        return plain_outcome(send(t->fd, data, len, MSG_NOSIGNAL), ret_n, err);
    }
    ERR_clear_error();
    int n = SSL_write_ex(t->ssl, data, len, ret_n);
    return n == 1 ? ASSAY_OK : tls_outcome(t, n, "writing failed", err);
}
