/* SPDX-License-Identifier: Apache-2.0 */
/* A request for /metrics: see http_request.h. */
#include <stdbool.h>
#include <string.h>
#include "daemon/http_request.h"

/* An empty line ends the headers; RFC 9112 2.2 lets a lone LF end a line. */
static bool http_is_complete(const char *bytes, size_t length)
{
	return memmem(bytes, length, "\r\n\r\n", 4) || memmem(bytes, length, "\n\n", 2) ||
	       memmem(bytes, length, "\n\r\n", 3);
}

/* The next word of a line of length bytes at *bytes, of single blanks; empty at its end. */
static size_t http_take_word(const char **bytes, size_t *length, const char **word)
{
	const char *end = memchr(*bytes, ' ', *length);
	size_t size = end ? (size_t)(end - *bytes) : *length;

	*word = *bytes;
	*bytes += end ? size + 1 : size;
	*length -= end ? size + 1 : size;
	return size;
}

static bool http_is(const char *word, size_t size, const char *text)
{
	return size == strlen(text) && !memcmp(word, text, size);
}

static int http_judge_version(const char *word, size_t size)
{
	if (size != strlen("HTTP/1.1") || memcmp(word, "HTTP/", 5) || word[6] != '.')
		return 400;
	return word[5] == '1' ? 200 : 505;
}

int http_request_judge(const char *bytes, size_t length, const char *path)
{
	const char *end = memchr(bytes, '\n', length), *method, *target, *version, *query;
	size_t method_size, target_size, version_size, line;
	int status;

	if (!end || !http_is_complete(bytes, length))
		return 0;
	line = (size_t)(end - bytes);
	line -= line && end[-1] == '\r';
	method_size = http_take_word(&bytes, &line, &method);
	target_size = http_take_word(&bytes, &line, &target);
	version_size = http_take_word(&bytes, &line, &version);
	status = http_judge_version(version, version_size);
	if (line || !method_size || !target_size || status != 200)
		return line || status == 200 ? 400 : status;
	if (!http_is(method, method_size, "GET"))
		return 405;
	query = memchr(target, '?', target_size);
	return http_is(target, query ? (size_t)(query - target) : target_size, path) ? 200 : 404;
}

const char *http_status_words(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Bad Request";
	}
}
