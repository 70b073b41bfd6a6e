/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a call reaches KVM: the narrow seam between run control and the means by which code in the
 * VMM's address space is made to issue ioctls (KVM answers -EIO to anybody else: kvm_vcpu_ioctl()
 * in virt/kvm/kvm_main.c).  One file per means; nothing above this header may know which is in use.
 *
 * A port belongs to one vCPU.  It is born with a RUN in progress, whose number its report will tell.
 */
#ifndef KVM_PORT_H
#define KVM_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kvm/program.h"

struct port;

struct port_ops {
	/* Hands over one whole message: 0, -EAGAIN, or -errno when the peer is lost. */
	int (*send)(struct port *port, const void *message, size_t length);
	/*
	 * Takes one whole message into port->report: 0, -EAGAIN when none is there, -EPROTO when it
	 * is none, -errno when the peer is lost.
	 */
	int (*receive)(struct port *port);
	/* Waits for a message: 0, -ETIMEDOUT, or -errno. */
	int (*wait)(struct port *port, int timeout_ms);
	void (*close)(struct port *port);
};

struct port {
	const struct port_ops *ops;
	int fd;       /* becomes readable when a report comes; owned by the port */
	uint32_t seq; /* of the last program sent */
	bool running; /* that program's report has not come */
	bool is_new;  /* the RUN in progress is somebody else's: its number is yet to be learned */
	size_t report_length;
	struct {
		struct channel_report head;
		uint8_t rest[CHANNEL_MAX_BYTES - sizeof(struct channel_report)];
	} report; /* the last one, checked */
};

/* A port over the daemon's end of a lender's channel; takes channel_fd (SEQPACKET). */
void port_lend_init(struct port *port, int channel_fd);

/* Closes; -1 is left behind.  A port that was never opened (fd -1, ops NULL) is fine. */
void port_close(struct port *port);

/* Asks the vCPU to park soon; harmless when it has done so already.  0 or -errno (peer lost). */
int port_kick(struct port *port);

/*
 * Starts a program with CHANNEL_RUN: its report will come by port_receive().  0, -E2BIG when the
 * program overflowed, -EBUSY when one is in progress, or -errno (peer lost).
 */
int port_start(struct port *port, struct program *program);

/*
 * The report of the RUN in progress, if it is there: 1 (in port->report), 0 not yet, or
 * -errno: the peer is lost, or has sent what is no report, or one when none is due (-EPROTO).
 */
int port_receive(struct port *port);

/*
 * Executes a program without RUN on a parked vCPU and waits for its report: 0 (in port->report),
 * -ETIMEDOUT, or as above.
 */
int port_call(struct port *port, struct program *program, int timeout_ms);

/* Begins reading the results of the last report. */
void port_results(const struct port *port, struct results *results);

#endif
