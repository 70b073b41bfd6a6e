/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port over a lender's channel (channel.h): the VMM's own vCPU thread makes the calls, in the
 * loop of lender.c.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "kvm/port.h"

/*
 * How long to look for an answer before sleeping.  A wake-up across cores costs many times what a
 * register exchange does, and a lender that is stepping looks for as long on its side.
 */
enum { PORT_LEND_SPIN_US = 30 };

/* syscalls(worker): send */
static int port_lend_send(struct port *port, const void *message, size_t length)
{
	ssize_t n = send(port->fd, message, length, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? -errno : 0;
}

/* syscalls(worker): recv */
static int port_lend_receive(struct port *port)
{
	ssize_t n = recv(port->fd, &port->report, sizeof(port->report), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -ECONNRESET;
	if ((size_t)n > sizeof(port->report))
		return -EPROTO;
	port->report_length = (size_t)n;
	return channel_check_report(&port->report, port->report_length);
}

/* syscalls(worker): clock_gettime */
static int64_t port_lend_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* syscalls(worker): recv */
static bool port_lend_spin(const struct port *port)
{
	int64_t end = port_lend_now_us() + PORT_LEND_SPIN_US;
	char byte;

	do {
		if (recv(port->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			return true;
	} while (port_lend_now_us() < end);
	return false;
}

/* syscalls(worker): poll */
static int port_lend_wait(struct port *port, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = port->fd, .events = POLLIN };
	int n;

	if (port_lend_spin(port))
		return 0;
	do {
		n = poll(&poll_fd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

static void port_lend_close(struct port *port)
{
	close(port->fd);
}

static const struct port_ops port_lend_ops = {
	.send = port_lend_send,
	.receive = port_lend_receive,
	.wait = port_lend_wait,
	.close = port_lend_close,
};

void port_lend_init(struct port *port, int channel_fd)
{
	port->ops = &port_lend_ops;
	port->fd = channel_fd;
	port->seq = 0;
	port->running = true;
	port->is_new = true;
	port->report_length = 0;
}
