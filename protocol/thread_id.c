/* SPDX-License-Identifier: Apache-2.0 */
/* Thread ids; see thread_id.h. */
#include <errno.h>
#include "protocol/thread_id.h"

static int parse_part(struct cursor *cursor, int32_t *part)
{
	uint64_t number;

	if (cursor_take_text(cursor, "-1")) {
		*part = THREAD_ID_ALL;
		return 0;
	}
	if (cursor_take_number(cursor, &number) || number > INT32_MAX)
		return -EINVAL;
	*part = (int32_t)number;
	return 0;
}

static int parse_with_process(struct cursor *cursor, struct thread_id *id)
{
	if (parse_part(cursor, &id->process))
		return -EINVAL;
	id->thread = THREAD_ID_ALL;
	if (cursor_take_byte(cursor, '.') && parse_part(cursor, &id->thread))
		return -EINVAL;
	if (id->process == THREAD_ID_ALL && id->thread != THREAD_ID_ALL)
		return -EINVAL;
	return 0;
}

int thread_id_parse(struct cursor *cursor, bool multiprocess, struct thread_id *id)
{
	if (multiprocess && cursor_take_byte(cursor, 'p'))
		return parse_with_process(cursor, id);
	id->process = THREAD_ID_UNSAID;
	return parse_part(cursor, &id->thread);
}

bool thread_id_is_of(const struct thread_id *id, unsigned process)
{
	return id->process <= THREAD_ID_ANY || (unsigned)id->process == process;
}
