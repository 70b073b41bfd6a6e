/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds any bytes to what reads requests from the control socket, from the metrics socket, and lines of answers.
 * What is refused is refused in one printable line; what a line holds comes back the same after it was
 * written again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/record.h"
#include "daemon/ctl_request.h"
#include "daemon/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_request(const char *bytes, size_t length)
{
	char error[CTL_ERROR_SIZE] = "";
	struct ctl_request request;
	int rc = ctl_request_parse(&request, bytes, length, error);

	if (rc == 1 &&
		(request.debugger > 999 || memchr(request.name, 0, sizeof(request.name)) == NULL))
		abort();
	for (const char *c = error; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			abort();
	if (rc < 0 && !*error)
		abort();
}

static void check_record(const char *bytes, size_t length)
{
	static struct record record, again;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (record_parse(&record, bytes, length) < 0)
		return;
	out = open_memstream(&text, &size);
	record_print(&record, out);
	fclose(out);
	if (!record_has(&record, "type") &&
		(record_parse(&again, text, size) < 0 || again.used != record.used ||
			memcmp(again.storage, record.storage, record.used)))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	check_request((const char *)bytes, length);
	http_request_judge((const char *)bytes, length, "/metrics");
	check_record((const char *)bytes, length);
	return 0;
}
