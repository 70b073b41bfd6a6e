/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text exposition format 0.0.4: comment lines of a metric, and its samples.  Pure.  Label values may be
 * any bytes: what is not printable ASCII is written as a backslash, x and two digits, so that the text is
 * ASCII and a line a line.
 */
#ifndef DAEMON_PROMETHEUS_H
#define DAEMON_PROMETHEUS_H

#include <stddef.h>
#include <stdint.h>

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct prometheus_label {
	const char *name;
	const char *value;
};

/*
 * The HELP and TYPE lines.  help is one line of ours.  All of these: the length written, NUL-terminated, or
 * -ENOBUFS.
 */
int prometheus_write_head(
	char *text, size_t size, const char *name, const char *type, const char *help);

int prometheus_write_sample(char *text, size_t size, const char *name,
	const struct prometheus_label *labels, unsigned label_count, uint64_t value);

#endif
