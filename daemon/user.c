/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up root: see user.h. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/user.h"

/* syscalls(start): lchown */
static int user_own_socket(const struct listener *listener, const struct passwd *user)
{
	const struct listen_address *address = &listener->address;

	if (!listener->loop || !address->is_bound)
		return 0;
	return lchown(address->name.un.sun_path, user->pw_uid, user->pw_gid) < 0 ? -errno : 0;
}

/* New sockets are made in the directory and old ones removed. */
/* syscalls(start): lchown */
static int user_own_files(
	const struct conf *conf, const struct daemon *daemon, const struct passwd *user)
{
	int rc = lchown(conf->runtime_dir, user->pw_uid, user->pw_gid) < 0 ? -errno : 0;

	if (rc == 0)
		rc = user_own_socket(&daemon->vcpu_listener, user);
	if (rc == 0)
		rc = user_own_socket(&daemon->ctl.listener, user);
	if (rc == 0)
		rc = user_own_socket(&daemon->metrics.listener, user);
	for (unsigned i = 0; rc == 0 && i < LISTENERS_MAX; i++)
		rc = user_own_socket(&daemon->listeners.slots[i], user);
	return rc;
}

/*
 * Groups first, while we may.  The kernel has made us undumpable for it (prctl(2)), and so a worker
 * could not open its own /proc/self/mem: we hold no secret of root's.
 * The order of the three: credentials(7).
 */
/* syscalls(start): initgroups setresgid setresuid prctl */
static int user_change(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) < 0 ||
		setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0 ||
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* syscalls(start): geteuid getpwuid */
int user_become(const struct conf *conf, const struct daemon *daemon)
{
	const struct passwd *user;
	int rc;

	if (!conf->user.is_set || geteuid() == conf->user.uid)
		return 0;
	if (geteuid() != 0) {
		log_errorx("user: only root can become user %u", conf->user.uid);
		return -EPERM;
	}
	user = getpwuid(conf->user.uid);
	if (!user) {
		log_errorx("user: there is no user %u", conf->user.uid);
		return -ENOENT;
	}
	rc = user_own_files(conf, daemon, user);
	if (rc == 0)
		rc = user_change(user);
	if (rc < 0)
		log_errorx("user: cannot become %s: %s", user->pw_name, strerror(-rc));
	else
		log_info("became user %s", user->pw_name);
	return rc;
}
