/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock(7): a process gives up the file system but for some directories, and, where the kernel
 * knows more, connections and signals.  What the kernel does not know is not asked of it.
 */
#ifndef DAEMON_LANDLOCK_H
#define DAEMON_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* What stays allowed below a directory: bits. */
enum landlock_use {
	LANDLOCK_USE_READ = 1,    /* of files */
	LANDLOCK_USE_WRITE = 2,   /* of files that are there */
	LANDLOCK_USE_SOCKETS = 4, /* make them and remove them */
};

struct landlock_rule {
	const char *path; /* a file or directory; one that is not there is passed over */
	unsigned use;
};

/* The version of the kernel's Landlock, from 1; 0: it has none, or it is switched off. */
int landlock_version(void);

/*
 * Restricts this process and its future children to the rules; is_isolated: neither may it connect by
 * TCP or an abstract socket, or send a signal to others, where the kernel can see to that.  The process has
 * given up gaining privileges.  0, -ENOSYS without Landlock, -errno.
 */
int landlock_restrict(const struct landlock_rule *rules, unsigned count, bool is_isolated);

#endif
