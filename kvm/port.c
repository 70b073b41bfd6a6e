/* SPDX-License-Identifier: Apache-2.0 */
/* What all ports share: numbering programs and matching reports to them. */
#include <errno.h>
#include <string.h>
#include "kvm/port.h"

void port_close(struct port *port)
{
	if (port->ops)
		port->ops->close(port);
	port->ops = NULL;
	port->fd = -1;
}

int port_kick(struct port *port)
{
	struct channel_program kick = { .type = CHANNEL_KICK };
	int rc = port->ops->send(port, &kick, sizeof(kick));

	/* A full queue holds kicks already. */
	return rc == -EAGAIN ? 0 : rc;
}

static int port_send_program(struct port *port, struct program *program)
{
	struct channel_program *header = (struct channel_program *)(void *)program->bytes;
	int rc;

	if (program->overflow)
		return -E2BIG;
	if (port->running)
		return -EBUSY;
	header->seq = port->seq + 1;
	rc = port->ops->send(port, program->bytes, program->length);
	if (rc < 0)
		return rc == -EAGAIN ? -ENOBUFS : rc;
	port->seq = header->seq;
	port->running = true;
	return 0;
}

int port_start(struct port *port, struct program *program)
{
	return port_send_program(port, program);
}

int port_receive(struct port *port)
{
	int rc;

	rc = port->ops->receive(port);
	if (rc == -EAGAIN)
		return 0;
	if (rc < 0)
		return rc;
	if (!port->running)
		return -EPROTO; /* nothing was asked */
	if (port->report.head.seq != port->seq && !port->is_new)
		return -EPROTO;
	/* A vCPU that another worker had before goes on with its numbers. */
	port->seq = port->report.head.seq;
	port->is_new = false;
	port->running = false;
	return 1;
}

int port_call(struct port *port, struct program *program, int timeout_ms)
{
	int rc = port_send_program(port, program);

	while (rc == 0) {
		rc = port_receive(port);
		if (rc)
			return rc < 0 ? rc : 0;
		rc = port->ops->wait(port, timeout_ms);
	}
	return rc;
}

void port_results(const struct port *port, struct results *results)
{
	results_init(results, &port->report.head, port->report_length);
}
