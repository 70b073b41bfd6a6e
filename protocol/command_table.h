/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every packet that we answer, and its handler.  The handlers live in the cmd_*.c files by theme;
 * what they return is written at struct command.
 */
#ifndef PROTOCOL_COMMAND_TABLE_H
#define PROTOCOL_COMMAND_TABLE_H

#include "protocol/command.h"

extern const struct command_table command_table;

/* cmd_query.c: who we are */
int cmd_negotiate_features(struct session *session, struct command_args *args);
int cmd_start_no_ack(struct session *session, struct command_args *args);
int cmd_enable_extended(struct session *session, struct command_args *args);
int cmd_query_attached(struct session *session, struct command_args *args);
int cmd_query_offsets(struct session *session, struct command_args *args);
int cmd_offer_symbols(struct session *session, struct command_args *args);

/* cmd_thread.c: which vCPUs there are */
int cmd_select_general(struct session *session, struct command_args *args);
int cmd_select_resumed(struct session *session, struct command_args *args);
int cmd_query_current(struct session *session, struct command_args *args);
int cmd_query_alive(struct session *session, struct command_args *args);
int cmd_list_threads(struct session *session, struct command_args *args);
int cmd_list_more_threads(struct session *session, struct command_args *args);
int cmd_describe_thread(struct session *session, struct command_args *args);

/* cmd_transfer.c: documents, in pages */
int cmd_transfer_features(struct session *session, struct command_args *args);
int cmd_transfer_threads(struct session *session, struct command_args *args);
int cmd_transfer_osdata(struct session *session, struct command_args *args);

/* cmd_register.c */
int cmd_read_registers(struct session *session, struct command_args *args);
int cmd_write_registers(struct session *session, struct command_args *args);
int cmd_read_register(struct session *session, struct command_args *args);
int cmd_write_register(struct session *session, struct command_args *args);
int cmd_save_registers(struct session *session, struct command_args *args);
int cmd_restore_registers(struct session *session, struct command_args *args);

/* cmd_memory.c */
int cmd_read_memory(struct session *session, struct command_args *args);
int cmd_write_memory(struct session *session, struct command_args *args);
int cmd_read_memory_binary(struct session *session, struct command_args *args);
int cmd_write_memory_binary(struct session *session, struct command_args *args);

/* cmd_scan.c: more memory than a reply holds */
int cmd_search_memory(struct session *session, struct command_args *args);
int cmd_checksum_memory(struct session *session, struct command_args *args);

/* cmd_qemu.c: what scripts for QEMU's stub expect */
int cmd_qemu_features(struct session *session, struct command_args *args);
int cmd_qemu_step_bits(struct session *session, struct command_args *args);
int cmd_qemu_step_mode(struct session *session, struct command_args *args);
int cmd_qemu_set_step_mode(struct session *session, struct command_args *args);
int cmd_qemu_memory_mode(struct session *session, struct command_args *args);
int cmd_qemu_set_memory_mode(struct session *session, struct command_args *args);

/* cmd_breakpoint.c */
int cmd_insert_breakpoint(struct session *session, struct command_args *args);
int cmd_remove_breakpoint(struct session *session, struct command_args *args);

/* cmd_run.c: going on and standing still */
int cmd_query_stop(struct session *session, struct command_args *args);
int cmd_file_choose_system(struct session *session, struct command_args *args);
int cmd_file_open(struct session *session, struct command_args *args);
int cmd_file_read(struct session *session, struct command_args *args);
int cmd_file_close(struct session *session, struct command_args *args);
int cmd_run_program(struct session *session, struct command_args *args);
int cmd_set_non_stop(struct session *session, struct command_args *args);
int cmd_next_event(struct session *session, struct command_args *args);
int cmd_interrupt(struct session *session, struct command_args *args);
int cmd_query_actions(struct session *session, struct command_args *args);
int cmd_resume(struct session *session, struct command_args *args);
int cmd_continue(struct session *session, struct command_args *args);
int cmd_continue_signal(struct session *session, struct command_args *args);
int cmd_step(struct session *session, struct command_args *args);
int cmd_step_signal(struct session *session, struct command_args *args);

/* cmd_process.c: which guest */
int cmd_attach(struct session *session, struct command_args *args);
int cmd_query_trace_status(struct session *session, struct command_args *args);

/* cmd_monitor.c: commands for people */
int cmd_monitor(struct session *session, struct command_args *args);

/* cmd_lldb.c: what only lldb says */
int cmd_allow_thread_suffix(struct session *session, struct command_args *args);
int cmd_list_threads_in_stops(struct session *session, struct command_args *args);
int cmd_enable_error_strings(struct session *session, struct command_args *args);
int cmd_query_host(struct session *session, struct command_args *args);
int cmd_query_process(struct session *session, struct command_args *args);
int cmd_query_watchpoints(struct session *session, struct command_args *args);
int cmd_query_version(struct session *session, struct command_args *args);
int cmd_query_thread_stop(struct session *session, struct command_args *args);
int cmd_query_threads_stops(struct session *session, struct command_args *args);
int cmd_query_region(struct session *session, struct command_args *args);

/* cmd_leave.c: the end of a session */
int cmd_detach(struct session *session, struct command_args *args);
int cmd_kill(struct session *session, struct command_args *args);
int cmd_restart(struct session *session, struct command_args *args);

#endif
