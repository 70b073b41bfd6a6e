/* SPDX-License-Identifier: Apache-2.0 */
/* The common addresses: see listeners.h. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include "daemon/listeners.h"
#include "daemon/log.h"

/* ---- one --------------------------------------------------------------------------------- */

static void log_listening(const struct listen_address *address, const char *peers)
{
	char text[LISTEN_ADDRESS_TEXT_SIZE];

	listen_address_format(address, text, sizeof(text));
	log_info("listening for %s at %s", peers, text);
}

static void log_refusal(const struct listen_address *address, int error)
{
	char text[LISTEN_ADDRESS_TEXT_SIZE];

	listen_address_format(address, text, sizeof(text));
	if (error == EADDRINUSE)
		log_errorx("cannot listen at %s: another process listens there", text);
	else if (error == ENOTSOCK)
		log_errorx("cannot listen at %s: there is a file that is no socket; remove it "
			   "or choose another path",
			text);
	else
		log_errorx("cannot listen at %s: %s", text, strerror(error));
}

int listeners_start_one(struct listener *listener, struct ev_loop *loop, const char *peers,
	const struct listen_address *address, int type, mode_t mode, listener_on_accept on_accept,
	void *owner)
{
	int rc = listener_start(listener, loop, address, type, mode, on_accept, owner);

	if (rc < 0)
		log_refusal(address, -rc);
	else
		log_listening(&listener->address, peers);
	return rc;
}

int listeners_adopt_one(struct listener *listener, struct ev_loop *loop, const char *peers, int fd,
	listener_on_accept on_accept, void *owner)
{
	int rc = listener_adopt(listener, loop, fd, on_accept, owner);

	if (rc < 0)
		log_errorx("a socket of the service manager's cannot be used: %s", strerror(-rc));
	else
		log_listening(&listener->address, peers);
	return rc;
}

/* ---- all --------------------------------------------------------------------------------- */

void listeners_init(struct listeners *listeners, struct ev_loop *loop, listener_on_accept on_accept,
	void *owner)
{
	*listeners = (struct listeners){ .loop = loop, .on_accept = on_accept, .owner = owner };
}

/* -1: none is vacant. */
static int listeners_room(const struct listeners *listeners)
{
	for (int i = 0; i < LISTENERS_MAX; i++)
		if (!listeners->slots[i].loop)
			return i;
	return -1;
}

int listeners_adopt(struct listeners *listeners, int fd, bool allow_remote)
{
	int slot = listeners_room(listeners);
	char text[LISTEN_ADDRESS_TEXT_SIZE];
	struct listener *listener;
	int rc;

	if (slot < 0 || slot >= CONF_LISTEN_MAX) {
		log_errorx("more than %d sockets for debuggers", CONF_LISTEN_MAX);
		close(fd);
		return -ENOSPC;
	}
	listener = &listeners->slots[slot];
	rc = listeners_adopt_one(
		listener, listeners->loop, "debuggers", fd, listeners->on_accept, listeners->owner);
	if (rc < 0)
		return rc;
	listeners->is_given[slot] = true;
	if (listener->address.is_loopback || allow_remote)
		return 0;
	listen_address_format(&listener->address, text, sizeof(text));
	log_errorx("the socket unit's '%s' is not a loopback address, and whoever can connect owns "
		   "the guest; 'allow-remote = yes' in the configuration permits it",
		text);
	return -EPERM;
}

bool listeners_have(const struct listeners *listeners, const struct listen_address *address)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		if (listeners->slots[i].loop &&
			(listen_address_equals(&listeners->slots[i].address, address) ||
				listen_address_equals(&listeners->slots[i].wanted, address)))
			return true;
	return false;
}

static bool options_want(const struct options *options, const struct listener *listener)
{
	for (unsigned i = 0; i < options->listen_count; i++)
		if (listen_address_equals(&options->listen[i], &listener->wanted))
			return true;
	return false;
}

/* Opens what is not open yet; *opened has a bit for each. */
static int listeners_open_new(
	struct listeners *listeners, const struct options *options, uint64_t *opened)
{
	int rc = 0;

	_Static_assert(LISTENERS_MAX <= 64, "a bit for each");
	for (unsigned i = 0; rc == 0 && i < options->listen_count; i++) {
		int slot = listeners_room(listeners);

		if (listeners_have(listeners, &options->listen[i]))
			continue;
		rc = slot < 0 ? -ENOSPC
			      : listeners_start_one(&listeners->slots[slot], listeners->loop,
					"debuggers", &options->listen[i], SOCK_STREAM,
					options->conf.socket_mode, listeners->on_accept,
					listeners->owner);
		if (rc == 0) {
			listeners->is_given[slot] = false;
			*opened |= UINT64_C(1) << slot;
		}
	}
	return rc;
}

int listeners_change(struct listeners *listeners, const struct options *options)
{
	char text[LISTEN_ADDRESS_TEXT_SIZE];
	uint64_t opened = 0;
	int rc = listeners_open_new(listeners, options, &opened);

	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		struct listener *listener = &listeners->slots[i];
		bool is_new = opened & UINT64_C(1) << i;

		if (!listener->loop || listeners->is_given[i] ||
			(rc < 0 ? !is_new : options_want(options, listener)))
			continue;
		listen_address_format(&listener->address, text, sizeof(text));
		log_info("listening no more at %s", text);
		listener_stop(listener);
	}
	return rc;
}

void listeners_stop(struct listeners *listeners)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		listener_stop(&listeners->slots[i]);
}
