/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: the configuration is read again. */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

struct daemon;

/*
 * Reads the file and the command line's settings again, and checks all of it; where anything is wrong, or a new
 * address cannot be listened at, one log line says so and everything stays as it was.  Workers that run
 * keep what they began with.  What is read at the start alone stays, and one line names it.
 */
void reload(struct daemon *daemon);

#endif
