/* SPDX-License-Identifier: Apache-2.0 */
/* qXfer: documents read in pages (GDB manual E.4, G.1, E.13 and H). */
#include <errno.h>
#include "protocol/command_table.h"
#include "protocol/description.h"
#include "protocol/osdata.h"
#include "protocol/session_private.h"

enum { TRANSFER_TEXT_SIZE = 128 };

/* The manual's own code for an annex that does not exist. */
static int transfer_refuse_annex(struct session *session)
{
	reply_put_text(&session->reply, "E00");
	return 0;
}

/* One page: as much as was asked for and fits.  'm' says that there is more, 'l' that it is all. */
static int transfer_put_page(
	struct session *session, const struct document *document, uint64_t offset, uint64_t length)
{
	struct reply *reply = &session->reply;
	size_t left;

	if (offset > document->length || !length)
		return -EINVAL;
	left = document->length - (size_t)offset;
	if (!left) {
		reply_put_text(reply, "l");
		return 0;
	}
	reply_put_text(reply, "m");
	if (reply_put_binary(reply, document->text + offset, length < left ? length : left) == left)
		reply->bytes[0] = 'l';
	return 0;
}

/*
 * The target knows its registers once it has been stopped, and they stay the same; which of them are
 * listed may change.  lldb (who else has thread suffixes) shows them set by set, and is told of all.
 * The first page takes the picture.
 */
static int transfer_write_features(struct session *session, bool is_first)
{
	const struct target_ops *ops = session->target->ops;
	const struct target_description *description;

	if (is_first && ops->renew_description)
		ops->renew_description(session->target, session->general_thread);
	description = ops->description(session->target);
	if (!description)
		return -ENODATA;
	if (is_first)
		document_reset(&session->description);
	if (!session->description.length)
		description_write(
			&session->description, description, session->client.thread_suffix);
	return document_status(&session->description);
}

int cmd_transfer_features(struct session *session, struct command_args *args)
{
	int result;

	if (!cursor_is(&args->word, "target.xml"))
		return transfer_refuse_annex(session);
	result = transfer_write_features(session, !args->number[0]);
	if (result)
		return result;
	return transfer_put_page(session, &session->description, args->number[0], args->number[1]);
}

static void transfer_write_thread(struct session *session, unsigned thread)
{
	unsigned process = session_process_in_ids(session);
	struct document *document = &session->threads;
	char text[TRANSFER_TEXT_SIZE] = "";

	session->target->ops->thread_describe(session->target, thread, text, sizeof(text));
	document_put(document, "<thread id=\"");
	if (process)
		document_put(document, "p%x.", process);
	document_put(document, "%x\" core=\"%u\">", thread, thread - 1);
	document_put_escaped(document, text);
	document_put(document, "</thread>\n");
}

static void transfer_write_threads(struct session *session)
{
	unsigned count = session->target->ops->thread_count(session->target);

	document_reset(&session->threads);
	document_put(&session->threads, "<?xml version=\"1.0\"?>\n<threads>\n");
	for (unsigned thread = 1; thread <= count; thread++)
		transfer_write_thread(session, thread);
	document_put(&session->threads, "</threads>\n");
}

/* The first page takes the picture; the later ones are of the same picture. */
int cmd_transfer_threads(struct session *session, struct command_args *args)
{
	if (cursor_left(&args->word))
		return transfer_refuse_annex(session);
	if (!args->number[0])
		transfer_write_threads(session);
	if (document_status(&session->threads))
		return document_status(&session->threads);
	return transfer_put_page(session, &session->threads, args->number[0], args->number[1]);
}

/* ---- qXfer:osdata: "info os" ------------------------------------------------------------- */

static void transfer_write_processes(struct session *session)
{
	struct process process = { .number = 0 };

	osdata_begin(&session->osdata, "processes");
	while (session_next_process(session, process.number, &process))
		osdata_put_process(&session->osdata, &process);
	osdata_end(&session->osdata);
}

static void transfer_write_vcpus(struct session *session)
{
	unsigned count = session->target->ops->thread_count(session->target);

	osdata_begin(&session->osdata, "vcpus");
	for (unsigned thread = 1; thread <= count; thread++) {
		char text[TRANSFER_TEXT_SIZE] = "";

		session->target->ops->thread_describe(session->target, thread, text, sizeof(text));
		osdata_put_vcpu(&session->osdata, thread, text);
	}
	osdata_end(&session->osdata);
}

static void transfer_write_types(struct session *session)
{
	osdata_write_types(&session->osdata);
}

static const struct transfer_table {
	const char *annex;
	void (*write)(struct session *session);
} transfer_tables[] = {
	{ "", transfer_write_types },
	{ "processes", transfer_write_processes },
	{ "vcpus", transfer_write_vcpus },
};

static const struct transfer_table *transfer_find_table(const struct cursor *annex)
{
	for (size_t i = 0; i < sizeof(transfer_tables) / sizeof(*transfer_tables); i++)
		if (cursor_is(annex, transfer_tables[i].annex))
			return &transfer_tables[i];
	return NULL;
}

/* Here too the first page takes the picture. */
int cmd_transfer_osdata(struct session *session, struct command_args *args)
{
	const struct transfer_table *table = transfer_find_table(&args->word);

	if (!table)
		return transfer_refuse_annex(session);
	if (!args->number[0]) {
		document_reset(&session->osdata);
		table->write(session);
	}
	if (document_status(&session->osdata))
		return document_status(&session->osdata);
	return transfer_put_page(session, &session->osdata, args->number[0], args->number[1]);
}
