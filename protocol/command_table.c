/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every packet that we answer (GDB manual E.2 to E.4).  What is not here gets the empty reply, and
 * so does vMustReplyEmpty, which must take the very path of the unknown.
 */
#include "protocol/command_table.h"

#define ALWAYS  COMMAND_ANYWHERE
#define LISTS   COMMAND_UNATTACHED
#define STOPPED COMMAND_STOPPED
#define ASKS    (COMMAND_STOPPED | COMMAND_UNATTACHED)
#define THREAD  COMMAND_THREAD
#define LOOKS   (COMMAND_THREAD | COMMAND_LOOKS)
#define RESUMES (COMMAND_STOPPED | COMMAND_RESUMES | COMMAND_LOOKS)
#define ATTACH  (COMMAND_STOPPED | COMMAND_ATTACHES)
#define DETACH  (COMMAND_STOPPED | COMMAND_ANYWHERE)
#define LEAVES  (COMMAND_STOPPED | COMMAND_SILENT | COMMAND_ANYWHERE)
#define SILENT  (COMMAND_SILENT | COMMAND_ANYWHERE)
#define TALKS   (COMMAND_STOPPED | COMMAND_TALKS | COMMAND_ANYWHERE)

/* clang-format off */
static const struct command rows[] = {
	{ "!",			  COMMAND_EXACT,  "",		ALWAYS,	 cmd_enable_extended },
	{ "?",			  COMMAND_EXACT,  "",		ASKS,	 cmd_query_stop },
	{ "C",			  COMMAND_PREFIX, "s?;n",	RESUMES, cmd_continue_signal },
	{ "D",			  COMMAND_PREFIX, "?;n",	DETACH,	 cmd_detach },
	{ "G",			  COMMAND_PREFIX, "df",		THREAD, cmd_write_registers },
	{ "Hc",			  COMMAND_PREFIX, "t",		0,	 cmd_select_resumed },
	{ "Hg",			  COMMAND_PREFIX, "t",		COMMAND_LOOKS,	 cmd_select_general },
	{ "M",			  COMMAND_PREFIX, "n,n:r",	STOPPED, cmd_write_memory },
	{ "P",			  COMMAND_PREFIX, "n=df",	THREAD, cmd_write_register },
	{ "R",			  COMMAND_PREFIX, "r",		SILENT,	 cmd_restart },
	{ "S",			  COMMAND_PREFIX, "s?;n",	RESUMES, cmd_step_signal },
	{ "T",			  COMMAND_PREFIX, "t",		0,	 cmd_query_alive },
	{ "X",			  COMMAND_PREFIX, "n,n:r",	STOPPED, cmd_write_memory_binary },
	{ "Z",			  COMMAND_PREFIX, "z,n,nr",	STOPPED, cmd_insert_breakpoint },
	{ "c",			  COMMAND_PREFIX, "?n",		RESUMES, cmd_continue },
	{ "g",			  COMMAND_PREFIX, "f",		LOOKS, cmd_read_registers },
	{ "k",			  COMMAND_EXACT,  "",		LEAVES,	 cmd_kill },
	{ "m",			  COMMAND_PREFIX, "n,n",	LOOKS, cmd_read_memory },
	{ "p",			  COMMAND_PREFIX, "nf",		LOOKS, cmd_read_register },
	{ "s",			  COMMAND_PREFIX, "?n",		RESUMES, cmd_step },
	{ "x",			  COMMAND_PREFIX, "n,n",	LOOKS, cmd_read_memory_binary },
	{ "z",			  COMMAND_PREFIX, "z,n,n",	STOPPED, cmd_remove_breakpoint },

	{ "Qqemu.PhyMemMode",	  COMMAND_WORD,	  ":n",		0,	 cmd_qemu_set_memory_mode },
	{ "Qqemu.sstep=",	  COMMAND_PREFIX, "r",		0,	 cmd_qemu_set_step_mode },
	{ "QEnableErrorStrings",  COMMAND_EXACT,  "",		ALWAYS,	 cmd_enable_error_strings },
	{ "QListThreadsInStopReply", COMMAND_EXACT, "",		ALWAYS,	 cmd_list_threads_in_stops },
	{ "QRestoreRegisterState", COMMAND_WORD,  ":if",	STOPPED, cmd_restore_registers },
	{ "QSaveRegisterState",	  COMMAND_WORD,	  "f",		STOPPED, cmd_save_registers },
	{ "QNonStop",		  COMMAND_WORD,	  ":n",		ALWAYS,	 cmd_set_non_stop },
	{ "QStartNoAckMode",	  COMMAND_WORD,	  "",		ALWAYS,	 cmd_start_no_ack },
	{ "QThreadSuffixSupported", COMMAND_EXACT, "",		ALWAYS,	 cmd_allow_thread_suffix },
	{ "jThreadsInfo",	  COMMAND_EXACT,  "",		STOPPED, cmd_query_threads_stops },
	{ "qAttached",		  COMMAND_WORD,	  "?:n",	0,	 cmd_query_attached },
	{ "qC",			  COMMAND_EXACT,  "",		0,	 cmd_query_current },
	{ "qCRC",		  COMMAND_WORD,	  ":n,n",	THREAD, cmd_checksum_memory },
	{ "qGDBServerVersion",	  COMMAND_EXACT,  "",		ALWAYS,	 cmd_query_version },
	{ "qHostInfo",		  COMMAND_EXACT,  "",		STOPPED, cmd_query_host },
	{ "qMemoryRegionInfo",	  COMMAND_WORD,	  ":n",		STOPPED, cmd_query_region },
	{ "qOffsets",		  COMMAND_EXACT,  "",		STOPPED, cmd_query_offsets },
	{ "qProcessInfo",	  COMMAND_EXACT,  "",		STOPPED, cmd_query_process },
	{ "qRcmd",		  COMMAND_WORD,	  ",r",		TALKS,	 cmd_monitor },
	{ "qSearch:memory",	  COMMAND_WORD,	  ":n;n;r",	THREAD, cmd_search_memory },
	{ "qSupported",		  COMMAND_WORD,	  "?:r",	ALWAYS,	 cmd_negotiate_features },
	{ "qSymbol",		  COMMAND_WORD,	  "?:r",	ALWAYS,	 cmd_offer_symbols },
	{ "qTStatus",		  COMMAND_WORD,	  "",		ALWAYS,	 cmd_query_trace_status },
	{ "qThreadExtraInfo",	  COMMAND_WORD,	  ",t",		0,	 cmd_describe_thread },
	{ "qThreadStopInfo",	  COMMAND_PREFIX, "t",		STOPPED, cmd_query_thread_stop },
	{ "qWatchpointSupportInfo", COMMAND_WORD,  "?:",		STOPPED, cmd_query_watchpoints },
	{ "qXfer:features:read",  COMMAND_WORD,	  ":wn,n",	STOPPED, cmd_transfer_features },
	{ "qXfer:osdata:read",	  COMMAND_WORD,	  ":wn,n",	ALWAYS,	 cmd_transfer_osdata },
	{ "qXfer:threads:read",	  COMMAND_WORD,	  ":wn,n",	LISTS,	 cmd_transfer_threads },
	{ "qqemu.PhyMemMode",	  COMMAND_EXACT,  "",		0,	 cmd_qemu_memory_mode },
	{ "qqemu.Supported",	  COMMAND_EXACT,  "",		0,	 cmd_qemu_features },
	{ "qqemu.sstep",	  COMMAND_EXACT,  "",		0,	 cmd_qemu_step_mode },
	{ "qqemu.sstepbits",	  COMMAND_EXACT,  "",		0,	 cmd_qemu_step_bits },
	{ "qfThreadInfo",	  COMMAND_WORD,	  "",		LISTS,	 cmd_list_threads },
	{ "qsThreadInfo",	  COMMAND_WORD,	  "",		LISTS,	 cmd_list_more_threads },

	{ "vAttach",		  COMMAND_WORD,	  ";n",		ATTACH,	 cmd_attach },
	{ "vCont",		  COMMAND_WORD,	  "r",		RESUMES, cmd_resume },
	{ "vCont?",		  COMMAND_EXACT,  "",		ALWAYS,	 cmd_query_actions },
	{ "vCtrlC",		  COMMAND_EXACT,  "",		0,	 cmd_interrupt },
	{ "vFile:close",	  COMMAND_WORD,	  ":n",		0,	 cmd_file_close },
	{ "vFile:open",		  COMMAND_WORD,	  ":r",		THREAD,	 cmd_file_open },
	{ "vFile:pread",	  COMMAND_WORD,	  ":n,n,n",	0,	 cmd_file_read },
	{ "vFile:setfs",	  COMMAND_WORD,	  ":n",		0,	 cmd_file_choose_system },
	{ "vKill",		  COMMAND_WORD,	  ";n",		DETACH,	 cmd_detach },
	{ "vRun",		  COMMAND_WORD,	  "?;r",	ALWAYS,	 cmd_run_program },
	{ "vStopped",		  COMMAND_EXACT,  "",		ALWAYS,	 cmd_next_event },
};
/* clang-format on */

const struct command_table command_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(*rows),
};
