/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the daemon, for people. What peers may rely on is negotiated, not this. */
#ifndef DAEMON_VERSION_H
#define DAEMON_VERSION_H

#define GDBPROXYD_VERSION "0.1.0"

#endif
