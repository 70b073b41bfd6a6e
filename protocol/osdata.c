/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of "info os"; see osdata.h. */
#include "protocol/osdata.h"

static void osdata_put_text(struct document *document, const char *column, const char *text)
{
	document_put(document, "<column name=\"%s\">", column);
	document_put_escaped(document, text);
	document_put(document, "</column>");
}

static void osdata_put_number(struct document *document, const char *column, unsigned number)
{
	document_put(document, "<column name=\"%s\">%u</column>", column, number);
}

void osdata_begin(struct document *document, const char *type)
{
	document_put(document, "<?xml version=\"1.0\"?>\n<osdata type=\"%s\">\n", type);
}

void osdata_end(struct document *document)
{
	document_put(document, "</osdata>\n");
}

void osdata_put_process(struct document *document, const struct process *process)
{
	document_put(document, "<item>");
	osdata_put_number(document, "pid", process->number);
	osdata_put_text(document, "command", process->name);
	osdata_put_number(document, "vcpus", process->threads);
	osdata_put_text(document, "state", process->state);
	document_put(document, "</item>\n");
}

void osdata_put_vcpu(struct document *document, unsigned thread, const char *state)
{
	document_put(document, "<item>");
	osdata_put_number(document, "thread", thread);
	osdata_put_text(document, "state", state);
	document_put(document, "</item>\n");
}

/* Type, Description and Title are the names gdb looks for; it shows the first two. */
static void osdata_put_type(
	struct document *document, const char *type, const char *description, const char *title)
{
	document_put(document, "<item>");
	osdata_put_text(document, "Type", type);
	osdata_put_text(document, "Description", description);
	osdata_put_text(document, "Title", title);
	document_put(document, "</item>\n");
}

void osdata_write_types(struct document *document)
{
	osdata_begin(document, "types");
	osdata_put_type(document, "processes", "Listing of all VMs, for 'attach'", "VMs");
	osdata_put_type(document, "vcpus", "Listing of this VM's vCPUs", "vCPUs");
	osdata_end(document);
}
