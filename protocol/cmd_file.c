/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the target (GDB manual E.7, vFile).  A guest has none that we could show; but where gdb
 * takes it for Linux ("set osabi GNU/Linux") it looks for the memory of a core ("generate-core-file")
 * in /proc/PID/smaps: that one file is made up of the guest's page tables, and read-only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "protocol/command_table.h"
#include "protocol/session_private.h"

enum {
	FILE_NAME = 64,
	FILE_NUMBER = 3,                /* of the one file that may be open */
	FILE_MAX_REGIONS = 1 << 16,     /* looked at for one document */
	FILE_PORTION = PACKET_SIZE / 4, /* of one read: so much fits with every byte escaped */
};

/* The numbers of errors in File-I/O (E.13.10): not always those of this machine. */
enum {
	FILE_ENOENT = 2,
	FILE_EBADF = 9,
	FILE_EACCES = 13,
	FILE_EINVAL = 22,
	FILE_EMFILE = 24,
	FILE_EFBIG = 27
};

static int file_fail(struct session *session, unsigned error)
{
	reply_put_text(&session->reply, "F-1,");
	reply_put_number(&session->reply, error);
	return 0;
}

static int file_succeed(struct session *session, uint64_t value)
{
	reply_put_text(&session->reply, "F");
	reply_put_number(&session->reply, value);
	return 0;
}

/* ---- the document ------------------------------------------------------------------------ */

/*
 * As proc(5) has it.  What is mapped counts as anonymous and private, which gdb dumps by itself; file,
 * device and inode are nothing.
 */
static void file_put_region(struct document *document, const struct target_region *region)
{
	unsigned long long size_kib =
		((unsigned long long)(region->last - region->start) >> 10) + 1;

	document_put(document, "%llx-%llx r%c%cp 00000000 00:00 0\n",
		(unsigned long long)region->start, (unsigned long long)region->last + 1,
		region->writable ? 'w' : '-', region->executable ? 'x' : '-');
	document_put(document, "Size: %llu kB\nAnonymous: %llu kB\n", size_kib, size_kib);
}

static bool file_continues(const struct target_region *before, const struct target_region *next)
{
	return before->mapped && next->mapped && before->last + 1 == next->start &&
	       before->writable == next->writable && before->executable == next->executable;
}

/* 0; -EFBIG when the guest has more regions than there is room for. */
static int file_write_maps(struct session *session)
{
	const struct target_ops *ops = session->target->ops;
	struct target_region whole = { .mapped = false }, next;
	uint64_t at = 0;

	document_reset(&session->file);
	for (unsigned i = 0; i < FILE_MAX_REGIONS; i++) {
		int result =
			ops->memory_region(session->target, session->general_thread, at, &next);

		if (result)
			return result;
		if (file_continues(&whole, &next)) {
			whole.last = next.last;
		} else {
			if (whole.mapped)
				file_put_region(&session->file, &whole);
			whole = next;
		}
		at = next.last + 1;
		if (at)
			continue;
		if (whole.mapped)
			file_put_region(&session->file, &whole);
		return document_status(&session->file);
	}
	return -EFBIG;
}

/* ---- packets ----------------------------------------------------------------------------- */

/* vFile:setfs:PID: there is one file system. */
int cmd_file_choose_system(struct session *session, struct command_args *args)
{
	(void)args;
	return file_succeed(session, 0);
}

/* The name in hexadecimal, then flags and mode: 0, or -EINVAL. */
static int file_parse_name(struct cursor name, char *text, size_t size)
{
	size_t length = cursor_left(&name) / 2;

	if (!length || length >= size || cursor_left(&name) % 2 ||
		cursor_take_hex(&name, text, length))
		return -EINVAL;
	text[length] = '\0';
	return 0;
}

static bool file_is_maps(const struct session *session, const char *name)
{
	char maps[FILE_NAME];

	snprintf(maps, sizeof(maps), "/proc/%u/smaps", session->process);
	return !strcmp(name, maps);
}

/* vFile:open:NAME,FLAGS,MODE */
int cmd_file_open(struct session *session, struct command_args *args)
{
	struct cursor name = cursor_take_token(&args->rest, ',');
	uint64_t flags, mode;
	char text[FILE_NAME];
	int result;

	if (cursor_take_number(&args->rest, &flags) || !cursor_take_byte(&args->rest, ',') ||
		cursor_take_number(&args->rest, &mode) || cursor_left(&args->rest))
		return file_fail(session, FILE_EINVAL);
	if (file_parse_name(name, text, sizeof(text)) || !file_is_maps(session, text))
		return file_fail(session, FILE_ENOENT);
	if (flags)
		return file_fail(session, FILE_EACCES);
	if (session->file_is_open)
		return file_fail(session, FILE_EMFILE);
	result = file_write_maps(session);
	if (result)
		return file_fail(session, result == -EFBIG ? FILE_EFBIG : FILE_EACCES);
	session->file_is_open = true;
	return file_succeed(session, FILE_NUMBER);
}

static bool file_has(const struct session *session, uint64_t number)
{
	return session->file_is_open && number == FILE_NUMBER;
}

/* vFile:pread:FD,COUNT,OFFSET: as much as fits; nothing at the end. */
int cmd_file_read(struct session *session, struct command_args *args)
{
	const struct document *document = &session->file;
	uint64_t offset = args->number[2], count = args->number[1];
	struct reply *reply = &session->reply;
	size_t left;

	if (!file_has(session, args->number[0]))
		return file_fail(session, FILE_EBADF);
	left = offset < document->length ? document->length - (size_t)offset : 0;
	if (count > left)
		count = left;
	if (count > FILE_PORTION)
		count = FILE_PORTION;
	file_succeed(session, count);
	reply_put_text(reply, ";");
	reply_put_binary(reply, document->text + (left ? offset : 0), (size_t)count);
	return 0;
}

/* vFile:close:FD */
int cmd_file_close(struct session *session, struct command_args *args)
{
	if (!file_has(session, args->number[0]))
		return file_fail(session, FILE_EBADF);
	session->file_is_open = false;
	return file_succeed(session, 0);
}
