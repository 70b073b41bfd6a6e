/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building programs and reading reports: see program.h.  Sizes are checked here once; who builds a
 * program looks at program.overflow (port_start() does) and at nothing else.
 */
#include <errno.h>
#include <string.h>
#include "kvm/program.h"

/* As channel_check_program() wants it: results are as long as their steps, and must fit a report. */
enum {
	PROGRAM_MAX_BYTES = CHANNEL_MAX_BYTES - (int)sizeof(struct channel_report) +
			    (int)sizeof(struct channel_program)
};

static struct channel_program *program_header(struct program *program)
{
	return (struct channel_program *)(void *)program->bytes;
}

void program_init(struct program *program, uint32_t flags)
{
	struct channel_program header = { .type = CHANNEL_PROGRAM, .flags = flags };

	program->overflow = false;
	program->length = sizeof(header);
	memcpy(program->bytes, &header, sizeof(header));
}

static void program_append(struct program *program, uint32_t request, const void *arg, size_t size)
{
	struct channel_step step = { .request = request, .size = (uint32_t)size };
	size_t need = sizeof(step) + channel_padded(size);
	struct channel_program *header = program_header(program);
	uint8_t *end = program->bytes + program->length;

	if (size > PROGRAM_MAX_BYTES || need > PROGRAM_MAX_BYTES - program->length ||
		header->before_count + header->after_count >= CHANNEL_MAX_STEPS) {
		program->overflow = true;
		return;
	}
	memset(end, 0, need);
	memcpy(end, &step, sizeof(step));
	if (arg)
		memcpy(end + sizeof(step), arg, size);
	program->length += need;
}

void program_before(struct program *program, uint32_t request, const void *arg, size_t size)
{
	program_append(program, request, arg, size);
	if (program_header(program)->after_count)
		program->overflow = true; /* out of order: as wrong as one too many */
	if (!program->overflow)
		program_header(program)->before_count++;
}

void program_after(struct program *program, uint32_t request, const void *arg, size_t size)
{
	program_append(program, request, arg, size);
	if (!program->overflow)
		program_header(program)->after_count++;
}

void results_init(struct results *results, const struct channel_report *report, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)report;

	results->next = bytes + sizeof(*report);
	results->end = bytes + length;
	results->left = report->result_count;
}

int results_next(struct results *results, const void **bytes, size_t *size)
{
	struct channel_result result;
	size_t room = (size_t)(results->end - results->next);

	*bytes = NULL;
	*size = 0;
	if (!results->left || room < sizeof(result))
		return -ENODATA;
	memcpy(&result, results->next, sizeof(result));
	if (channel_padded(result.size) > room - sizeof(result))
		return -ENODATA;
	results->left--;
	if (result.rc >= 0 && result.size) {
		*bytes = results->next + sizeof(result);
		*size = result.size;
	}
	results->next += sizeof(result) + channel_padded(result.size);
	return result.rc;
}
