/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of a command for people: words, and numbers that may be sums of registers.  Each
 * function moves *at past what it takes and past the spaces behind it.
 */
#ifndef KVM_MONITOR_WORDS_H
#define KVM_MONITOR_WORDS_H

#include "kvm/monitor.h"

/* Takes this very word if it is next. */
bool monitor_take_word(const char **at, const char *word);

/*
 * Takes a number: 0x..., decimal, $REGISTER, sums, products and brackets of them; it ends where none
 * of that goes on.  0, or -errno, told in a line; what is for the line of one that is not there.
 */
int monitor_take_number(
	struct monitor *monitor, const char **at, const char *what, uint64_t *number);

/* 0 when nothing is left, else an error that names what is. */
int monitor_take_end(struct monitor *monitor, const char *at);

/* "on" or "off" (or nothing: -ENODATA, and no line) by other names. */
int monitor_take_choice(
	struct monitor *monitor, const char *at, const char *on, const char *off, bool *is_on);

#endif
