/* SPDX-License-Identifier: Apache-2.0 */
/* Becoming the user of the key `user`, for a main that root has started by hand. */
#ifndef DAEMON_USER_H
#define DAEMON_USER_H

#include "conf/conf.h"

struct daemon;

/*
 * Gives up root for ever: this process becomes conf->user, with its groups alone and no capability, and owns
 * the runtime directory and the sockets that were made as root.  Nothing to do where no user is set,
 * or where it is who we are.  0, or -errno after a log line: only root can.
 */
int user_become(const struct conf *conf, const struct daemon *daemon);

#endif
