/* SPDX-License-Identifier: Apache-2.0 */
/* As much of HTTP/1 as reading /metrics takes: the request.  Pure. */
#ifndef DAEMON_HTTP_REQUEST_H
#define DAEMON_HTTP_REQUEST_H

#include <stddef.h>

/*
 * The status to answer with when these are the first length bytes of a connection: 200 it is a GET of path (a
 * query is passed over), 400, 404, 405, 505; 0: the request is not complete yet.
 */
int http_request_judge(const char *bytes, size_t length, const char *path);

/* The words of such a status, and of 431. */
const char *http_status_words(int status);

#endif
