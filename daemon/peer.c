/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a Unix socket: see peer.h. */
#include <stdlib.h>
#include <time.h>
#include "daemon/log.h"
#include "daemon/peer.h"

enum { PEER_QUIET_MS = 1000 };

/* syscalls(main): getsockopt */
static bool peer_is_unix(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

/* syscalls(main): getsockopt */
bool peer_identify(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	*peer = (struct ucred){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	return peer_is_unix(fd) && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0;
}

static bool peer_has_gid(const struct conf_gids *gids, gid_t gid)
{
	for (unsigned i = 0; i < gids->count; i++)
		if (gids->gid[i] == gid)
			return true;
	return false;
}

/* The first call is for how much room they take (ERANGE): there may be 65536. */
/* syscalls(main): getsockopt */
static bool peer_has_other_gid(int fd, const struct conf_gids *gids)
{
	socklen_t size = 0;
	gid_t *groups;
	bool found = false;

	getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size);
	groups = size ? malloc(size) : NULL;
	if (!groups)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; !found && i < size / sizeof(*groups); i++)
			found = peer_has_gid(gids, groups[i]);
	free(groups);
	return found;
}

bool peer_is_listed(int fd, const struct conf_uids *uids, const struct conf_gids *gids)
{
	struct ucred peer;

	if (!peer_identify(fd, &peer))
		return false;
	for (unsigned i = 0; i < uids->count; i++)
		if (uids->uid[i] == peer.uid)
			return true;
	if (!gids->count)
		return false;
	return peer_has_gid(gids, peer.gid) || peer_has_other_gid(fd, gids);
}

bool peer_may_debug(int fd, const struct conf *conf)
{
	bool is_open = !conf->debug_uid.count && !conf->debug_gid.count;

	return is_open || !peer_is_unix(fd) ||
	       peer_is_listed(fd, &conf->debug_uid, &conf->debug_gid);
}

/* syscalls(main): clock_gettime */
static int64_t peer_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void peer_log_refusal(struct peer_refusals *refusals, int fd, const char *what)
{
	int64_t now_ms = peer_now_ms();
	struct ucred peer;

	if (now_ms < refusals->quiet_until_ms) {
		refusals->unsaid++;
		return;
	}
	peer_identify(fd, &peer);
	log_warnx("refused: user %d, group %d, process %d may not %s (and %u more since the last "
		  "such line)",
		(int)peer.uid, (int)peer.gid, (int)peer.pid, what, refusals->unsaid);
	refusals->quiet_until_ms = now_ms + PEER_QUIET_MS;
	refusals->unsaid = 0;
}
