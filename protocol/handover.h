/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handover: how a VMM lends a VM to the daemon, over an AF_UNIX SOCK_SEQPACKET connection.
 * The messages as they are on the wire, and the daemon's side of one connection as a state
 * machine that takes bytes and facts about fds and says what they mean.  It knows no socket and no
 * KVM.  Specified for other languages in protocol/HANDOVER.md.
 *
 * One message is one packet; integers are little-endian.  Every request has one answer, with the
 * request's serial.  A refused request changes nothing, and the connection lives on; bytes that are no
 * request at all are a violation, and end it.
 */
#ifndef PROTOCOL_HANDOVER_H
#define PROTOCOL_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDOVER_MAGIC UINT64_C(0x59584f5250424447) /* "GDBPROXY" in memory */

enum {
	HANDOVER_VERSION = 1,
	HANDOVER_NAME_SIZE = 64,
	HANDOVER_TEXT_SIZE = 232,
	HANDOVER_MAX_REGIONS = 128,
	HANDOVER_MAX_VCPUS = 1024,
	HANDOVER_MAX_FDS = 2,     /* with one message */
	HANDOVER_MAX_BYTES = 256, /* of one message */
	HANDOVER_ALIGNMENT = 4096,
};

enum handover_type {
	HANDOVER_HELLO = 1,
	HANDOVER_MEMORY_ADD = 2,
	HANDOVER_MEMORY_REMOVE = 3,
	HANDOVER_VCPU = 4,
	HANDOVER_READY = 5,
	HANDOVER_NOTICE = 6,
	HANDOVER_GOODBYE = 7,
	HANDOVER_ANSWER = 128, /* daemon to VMM */
};

/* Offered in HELLO; the answer has those that both sides know.  Unknown bits are no error. */
enum {
	HANDOVER_FEATURE_JOURNAL = 1, /* the answer to HELLO carries the journal's fd */
	HANDOVER_FEATURE_HOLD = 2,    /* vCPUs under debug wait for the next registration */
};

/* ELF's e_machine numbers, which need no registry of our own. */
enum handover_machine {
	HANDOVER_X86_64 = 62,
	HANDOVER_ARM64 = 183,
};

enum { HANDOVER_MEMORY_READONLY = 1 }; /* the guest cannot write it */
enum { HANDOVER_READY_HOLD = 1 };      /* the vCPUs wait for a debugger before they run */

/* The same numbers as enum gdbproxy_event. */
enum handover_notice_event {
	HANDOVER_RESET = 1,
	HANDOVER_SHUTDOWN = 2,
	HANDOVER_CRASHED = 3,
};

/* The error of an answer.  The numbers never change their meaning; text is for people. */
enum handover_error {
	HANDOVER_OK = 0,
	HANDOVER_BAD_MESSAGE = 1, /* not a request of this protocol: the connection ends */
	HANDOVER_UNKNOWN = 2,     /* a type this daemon does not know */
	HANDOVER_BAD_ORDER = 3,   /* not now */
	HANDOVER_BAD_VERSION = 4,
	HANDOVER_BAD_MACHINE = 5, /* not this host's architecture */
	HANDOVER_BAD_NAME = 6,
	HANDOVER_BAD_VALUE = 7, /* a field out of its range, an unknown flag, a reserved field */
	HANDOVER_OVERLAP = 8,   /* two regions, or a vCPU told twice */
	HANDOVER_NOT_FOUND = 9,
	HANDOVER_TOO_MANY = 10,
	HANDOVER_BAD_FD = 11,     /* wrong number of fds, or not what was claimed */
	HANDOVER_NAME_TAKEN = 12, /* another VM has this name */
	HANDOVER_DENIED = 13,     /* the configuration does not allow this user */
	HANDOVER_INTERNAL = 14,   /* the daemon could not follow: out of memory, of fds, ... */
};

/* ---- messages ---------------------------------------------------------------------------- */

struct handover_header {
	uint32_t type;
	uint32_t serial; /* the VMM's choice; the answer repeats it */
};

struct handover_hello {
	struct handover_header header;
	uint64_t magic;
	uint32_t version;
	uint32_t machine;
	uint32_t nr_vcpus;
	uint32_t reserved;
	uint64_t features;
	char name[HANDOVER_NAME_SIZE]; /* zero-padded, at least one zero */
};

/* With one fd, or none: then the memory is reached through hva in the VMM's address space. */
struct handover_memory_add {
	struct handover_header header;
	uint64_t gpa;
	uint64_t size;
	uint64_t offset; /* in the fd */
	uint64_t hva;    /* where the VMM has it mapped */
	uint32_t flags;
	uint32_t reserved;
};

struct handover_memory_remove {
	struct handover_header header;
	uint64_t gpa; /* where a region begins */
};

/* With two fds: the vCPU's, then the daemon's end of the channel. */
struct handover_vcpu {
	struct handover_header header;
	uint32_t index;
	uint32_t kvm_id;
};

struct handover_ready {
	struct handover_header header;
	uint32_t flags;
	uint32_t reserved;
};

struct handover_notice {
	struct handover_header header;
	uint32_t event;
	int32_t detail;
};

struct handover_goodbye {
	struct handover_header header;
};

struct handover_answer {
	struct handover_header header;
	uint32_t error;
	uint32_t version;  /* to HELLO: the version that is spoken from now on; else 0 */
	uint64_t features; /* to HELLO: what both sides know; else 0 */
	char text[HANDOVER_TEXT_SIZE]; /* zero-padded, at least one zero; empty when error is 0 */
};

/* Every request begins with the header. */
union handover_message {
	struct handover_header header;
	struct handover_hello hello;
	struct handover_memory_add memory_add;
	struct handover_memory_remove memory_remove;
	struct handover_vcpu vcpu;
	struct handover_ready ready;
	struct handover_notice notice;
	struct handover_goodbye goodbye;
};

/* ---- what is known about a received fd --------------------------------------------------- */

enum handover_fd_kind {
	HANDOVER_FD_OTHER,
	HANDOVER_FD_FILE,    /* a regular file: memfd, shared memory, hugetlbfs, a file on disk */
	HANDOVER_FD_VCPU,    /* anon_inode:kvm-vcpu:N */
	HANDOVER_FD_CHANNEL, /* an AF_UNIX SOCK_SEQPACKET socket */
};

struct handover_fd {
	enum handover_fd_kind kind;
	bool readable, writable; /* as it was opened */
	bool shrink_sealed;      /* FILE: F_SEAL_SHRINK: its size cannot fall */
	uint64_t size;           /* FILE: bytes */
	uint32_t kvm_id;         /* VCPU: the N */
};

struct handover_fds {
	unsigned count;
	struct handover_fd fd[HANDOVER_MAX_FDS];
};

/* ---- one connection, seen from the daemon ------------------------------------------------ */

/* What the daemon allows; it outlives the connections that point to it. */
struct handover_limits {
	uint32_t machine;   /* the host's */
	uint32_t max_vcpus; /* of one VM; at most HANDOVER_MAX_VCPUS */
	uint64_t features;
};

enum handover_state {
	HANDOVER_STATE_START,   /* waits for HELLO */
	HANDOVER_STATE_GREETED, /* is told of memory and vCPUs */
	HANDOVER_STATE_READY,   /* the VM can be debugged */
	HANDOVER_STATE_ENDED,   /* GOODBYE was said */
};

struct handover_region {
	uint64_t gpa, size;
};

struct handover {
	const struct handover_limits *limits;
	enum handover_state state;
	uint32_t nr_vcpus;
	uint32_t vcpu_count; /* told so far */
	uint32_t region_count;
	struct handover_region regions[HANDOVER_MAX_REGIONS];
	bool vcpu_told[HANDOVER_MAX_VCPUS];
	uint32_t vcpu_kvm_id[HANDOVER_MAX_VCPUS];
};

/* A request, checked.  With error HANDOVER_OK every field of message can be relied upon. */
struct handover_event {
	union handover_message message; /* header.type 0: there was no whole header */
	enum handover_error error;
	char text[HANDOVER_TEXT_SIZE]; /* cause and cure in a line; "" when error is HANDOVER_OK */
};

void handover_init(struct handover *handover, const struct handover_limits *limits);

/*
 * Takes one packet of length bytes that came with fds->count fds (each inspected, in order).
 * 0: *event is a request: with HANDOVER_OK it is legal and the connection's state says so already,
 * the caller now follows it (or calls handover_refuse()); with another error it is refused.
 * -EPROTO: a violation; answer *event if you like, then close.  In each case the caller answers by
 * handover_answer_make() and owns the fds: those of a refused request are to be closed.
 */
int handover_receive(struct handover *handover, const void *message, size_t length,
	const struct handover_fds *fds, struct handover_event *event);

/*
 * Takes back what the last handover_receive() accepted, because the caller cannot follow: *event
 * becomes a refusal with error and the formatted text.
 */
__attribute__((format(printf, 4, 5))) void handover_refuse(struct handover *handover,
	struct handover_event *event, enum handover_error error, const char *format, ...);

/* The answer to *event, refused or not, ready to be sent. */
void handover_answer_make(const struct handover *handover, const struct handover_event *event,
	struct handover_answer *answer);

/* True for 1 to 63 of [A-Za-z0-9._-], not starting with '.', zero-padded to the end. */
bool handover_name_valid(const char name[HANDOVER_NAME_SIZE]);

/* "MEMORY_ADD"; "?" for what is no request. */
const char *handover_type_name(uint32_t type);

#endif
