/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a debugger protocol asks of the thing it debugs: the seam between protocol/ and kvm/.
 * It belongs to its user, protocol/; kvm/vm.c implements it, and tests implement it once more.
 * Nothing here knows packets, hex or XML; nothing here knows KVM.
 *
 * Threads are vCPUs, numbered from 1.  Addresses are guest-virtual (linear on x86-64) where nothing
 * else is said.
 * Register values are bytes in the target's own byte order (little-endian on both architectures).
 */
#ifndef PROTOCOL_TARGET_H
#define PROTOCOL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- registers --------------------------------------------------------------------------- */

enum target_type {
	TARGET_TYPE_INT,
	TARGET_TYPE_CODE_PTR,
	TARGET_TYPE_DATA_PTR,
	TARGET_TYPE_X87,      /* 80 bits */
	TARGET_TYPE_VECTOR,   /* 128 bits */
	TARGET_TYPE_WIDE,     /* 128 or 256 bits that mean nothing alone: a vector's upper part */
	TARGET_TYPE_SCALABLE, /* a vector of any multiple of 128 bits, the same in all of a feature */
	TARGET_TYPE_BYTES,    /* a vector of bytes, the same */
	TARGET_TYPE_FLAGS,    /* named bits: target_register.flags */
};

struct target_flag {
	const char *name;
	uint8_t start, end; /* bit numbers, both included */
};

struct target_flags {
	const char *id; /* of the type: unique in the description */
	uint8_t bytes;  /* 4 or 8 */
	uint8_t count;
	const struct target_flag *fields;
};

struct target_register {
	const char *name; /* as the debugger's standard features spell it */
	uint16_t bits;    /* a multiple of 8 */
	enum target_type type;
	const char *group; /* "general", "float", "vector", "system"; NULL: by type */
	const struct target_flags *flags; /* for TARGET_TYPE_FLAGS */
	bool no_save; /* a debugger must not save and restore it around a call (control registers) */
};

struct target_feature {
	const char *name; /* "org.gnu.gdb.i386.core", ... */
	const struct target_register *registers;
	unsigned count;
};

/* What lldb has to be told of a register and gdb knows by itself. */
struct target_alias {
	const char *name;  /* of the register; when this guest has none, the alias is for nobody */
	const char *other; /* a second name, "fp"; or NULL */
	const char *role;  /* "pc", "sp", "fp", "ra", "flags", "arg1"...; or NULL */
	int dwarf;         /* its number in the architecture's DWARF */
};

/* The longest register is an SVE vector of 2048 bits. */
enum { TARGET_REGISTER_MAX_BYTES = 256, TARGET_MAX_THREADS = 1024 };

/* Register numbers count through the features in order, from 0. */
struct target_description {
	const char *architecture; /* "i386:x86-64", "aarch64" */
	const struct target_feature *features;
	unsigned feature_count;
	unsigned register_count; /* the sum over the features */
	unsigned bulk_count; /* how many of the first registers are worth a bulk transfer ('g') */
	/*
	 * How many of the first registers a debugger is shown by itself; 0: all.  The rest are there for
	 * who knows their numbers, and do not swell its lists.
	 */
	unsigned listed_count;
	const uint8_t *expedited; /* registers every stop reports, each < 0x100 */
	unsigned expedited_count;
	unsigned pc;                        /* number of the program counter */
	unsigned watchpoint_count;          /* how many there are; 0: unknown */
	const struct target_alias *aliases; /* up to the first without a name; or NULL */
};

/* ---- stops and actions ------------------------------------------------------------------- */

enum target_stop_reason {
	TARGET_STOP_QUIET,     /* stopped because the debugger attached; nothing happened */
	TARGET_STOP_HALTED,    /* non-stop: at rest because it was asked to, or was found so */
	TARGET_STOP_INTERRUPT, /* asked to by target_ops.stop while running */
	TARGET_STOP_STEP,      /* one instruction done */
	TARGET_STOP_SWBREAK,   /* at a software breakpoint: pc is the breakpoint's address */
	TARGET_STOP_HWBREAK,
	TARGET_STOP_WATCH,   /* a write to address; x86-64: pc is after it, arm64: pc is at it */
	TARGET_STOP_RWATCH,  /* a read */
	TARGET_STOP_AWATCH,  /* either */
	TARGET_STOP_TRAP,    /* at a breakpoint of the guest's own, which it gets when it goes on */
	TARGET_STOP_CRASHED, /* the guest cannot go on (triple fault, failed KVM_RUN) */
	TARGET_STOP_EXITED,  /* the guest shut down in good order, status in code */
	TARGET_STOP_GONE,    /* the VMM vanished */
};

struct target_stop {
	unsigned thread; /* 1...; 0 for EXITED and GONE */
	enum target_stop_reason reason;
	uint64_t address; /* of the data, for the three WATCH reasons */
	int code;
};

enum target_action {
	TARGET_STAY, /* remain stopped */
	TARGET_CONTINUE,
	TARGET_STEP,       /* one instruction */
	TARGET_STEP_RANGE, /* one instruction, and on while start <= pc < end */
	TARGET_HALT,       /* non-stop only: come to rest */
};

/* What one thread is to do. */
struct target_resume {
	enum target_action action;
	uint64_t start, end; /* for TARGET_STEP_RANGE */
};

enum target_breakpoint {
	TARGET_BREAK_SOFTWARE, /* Z0 */
	TARGET_BREAK_HARDWARE, /* Z1 */
	TARGET_WATCH_WRITE,    /* Z2 */
	TARGET_WATCH_READ,     /* Z3 */
	TARGET_WATCH_ACCESS,   /* Z4 */
};

/* Bytecode of an agent expression (GDB manual appendix F), its owner's for the time of a call. */
struct target_code {
	const uint8_t *bytes;
	size_t length;
};

struct target_breakpoint_spec {
	enum target_breakpoint type;
	uint64_t address;
	uint64_t length; /* of the instruction (the protocol's "kind"), or of the watched data */
	/* It stops when one of them is not 0, or cannot be evaluated; without any: always. */
	const struct target_code *conditions;
	unsigned condition_count;
	/* Run instead of a stop; one that fails stops. */
	const struct target_code *commands;
	unsigned command_count;
	bool commands_persist; /* go on when the debugger has left */
};

/* ---- memory ------------------------------------------------------------------------------ */

/* A range of addresses that are mapped alike: for the guest, whatever a debugger may do there. */
struct target_region {
	uint64_t start, last;      /* both inside */
	bool mapped;               /* and it is memory: never a device */
	bool writable, executable; /* at some privilege level */
};

/* Where a kernel runs that may have been moved from where it was linked to run. */
struct target_kernel {
	uint64_t base; /* its first byte */
	bool has_slide;
	uint64_t slide; /* by how much it was moved */
};

/* ---- what the target tells its user ------------------------------------------------------ */

struct target_listener;

struct target_listener_ops {
	/*
	 * All-stop: all threads are stopped; why, in *stop.  Comes exactly once each time the
	 * target comes to rest: for a successful resume(), or for a stop() that returned 0 while
	 * it ran by itself; a stop() of what resume() started adds none.
	 * Non-stop: one thread has stopped, or all have come to an end (thread 0).
	 * Never from inside those calls.
	 */
	void (*on_stop)(struct target_listener *listener, const struct target_stop *stop);
	/* What hold() was asked for is so.  Never from inside it. */
	void (*on_hold)(struct target_listener *listener);
	/* One line for the person at the debugger, without newline: a limitation, a warning. */
	void (*on_message)(struct target_listener *listener, const char *text);
	/* Text for the same person as it is: what a breakpoint's command has printed. */
	void (*on_output)(struct target_listener *listener, const char *text, size_t length);
};

struct target_listener {
	const struct target_listener_ops *ops;
};

/* ---- what the user asks of the target ---------------------------------------------------- */

/* Where the answer to a command for people goes: lines, each with its newline, in any portions. */
struct target_text {
	void (*put)(struct target_text *text, const char *bytes, size_t length);
};

struct target;

/*
 * Unless said otherwise a call needs the target stopped or held, and answers -EBUSY while it runs; no
 * call blocks longer than the target's stop timeout.  All return 0 or -errno.
 *
 * Several debuggers may have a target each that stand for the same guest.  All-stop: one of them
 * drives, the first that stops or resumes it; what another one would change is refused with
 * -EPERM, and its resume() only waits for the next stop.  Non-stop: all are equal.
 */
struct target_ops {
	/*
	 * Which registers there are depends on the vCPU: NULL until the target has been stopped once,
	 * and the same from then on.  The target's own.
	 */
	const struct target_description *(*description)(struct target *target);
	/*
	 * The debugger is about to read the description from its beginning.  If its user has chosen another
	 * layout, description() is of that one now, and so are register numbers.  May be NULL.
	 */
	void (*renew_description)(struct target *target, unsigned thread);
	unsigned (*thread_count)(struct target *target);
	/* One line about a thread, "vCPU 1, halted", cut to size.  Always legal. */
	void (*thread_describe)(struct target *target, unsigned thread, char *text, size_t size);
	/* The debugger's view of all-stop: stopped and nothing owed.  Always legal. */
	bool (*is_stopped)(struct target *target);
	/* Non-stop: this thread is at rest, and that has been told.  Always legal. */
	bool (*thread_is_stopped)(struct target *target, unsigned thread);

	/*
	 * All-stop, stopped: what has happened to this thread as well and is to be told at the next resume,
	 * because another one was told of first.  True: it is in *stop, and counts as told.
	 */
	bool (*thread_take_stop)(struct target *target, unsigned thread, struct target_stop *stop);

	/*
	 * Chooses non-stop or all-stop, legal at any time.  To non-stop: what has been stopped by a
	 * hold() alone goes on.  To all-stop: the next hold() or stop() stops all.  -EBUSY: the guest
	 * is debugged in the other mode by somebody else.
	 */
	int (*set_non_stop)(struct target *target, bool on);

	/*
	 * Makes the target (thread 0), or one thread of it, hold still for a look or a change, until
	 * unhold(): 0, or -EINPROGRESS and on_hold will come.  Idempotent.  All-stop, by who drives or
	 * may: it is a stop, which unhold() does not end, and on_stop comes in place of on_hold.
	 */
	int (*hold)(struct target *target, unsigned thread);
	void (*unhold)(struct target *target);

	/*
	 * Asks a running target to stop: 0 and on_stop will come; -EALREADY when stopped.  Non-stop:
	 * one thread that runs.
	 */
	int (*stop)(struct target *target);
	/*
	 * Lets threads go: threads[i] is for thread i + 1.  0 and on_stop will come; -EINVAL when
	 * every action is TARGET_STAY.  After an error nothing has been resumed.
	 * Non-stop: legal at any time; threads that stay, or run already, are left alone.
	 */
	int (*resume)(struct target *target, const struct target_resume *threads);

	/*
	 * One register whole, register_count numbering; value has TARGET_REGISTER_MAX_BYTES room.
	 * -ENOENT no such register; -ENODATA it exists but cannot be read now (never shown as 0);
	 * write: -EINVAL the value is one that KVM or the architecture refuses, -EROFS read-only.
	 */
	int (*register_read)(struct target *target, unsigned thread, unsigned number, void *value);
	int (*register_write)(
		struct target *target, unsigned thread, unsigned number, const void *value);

	/*
	 * Memory as the thread sees it, planted breakpoints hidden.  read returns the length of the
	 * longest readable prefix (> 0), or, when not even the first byte is there, -EFAULT (nothing is
	 * mapped) or -ENXIO (a device is, or nothing behind the mapping; devices are never touched).
	 * write is all or nothing: 0, one of these, or -EROFS.  length 0 is 0 when the address is mapped.
	 */
	ssize_t (*memory_read)(
		struct target *target, unsigned thread, uint64_t address, void *buf, size_t length);
	int (*memory_write)(struct target *target, unsigned thread, uint64_t address,
		const void *buf, size_t length);
	/* The same of guest-physical addresses. */
	ssize_t (*physical_read)(struct target *target, uint64_t address, void *buf, size_t length);
	int (*physical_write)(
		struct target *target, uint64_t address, const void *buf, size_t length);
	/*
	 * The region around an address: from the beginning of its page, or of a piece of the hole that it
	 * is in, as far as can be found in a bounded time; the next call goes on at last + 1.
	 */
	int (*memory_region)(struct target *target, unsigned thread, uint64_t address,
		struct target_region *region);

	/*
	 * Where the guest's kernel is: 0; -ENOENT when there is none that can be found at a glance.
	 */
	int (*kernel_locate)(struct target *target, struct target_kernel *kernel);

	/*
	 * In force on every thread from the next resume.  One that is there already (the same type,
	 * address and length) gets the new conditions and commands in place of the old.
	 * -ENOTSUP this type does not exist here; -EFAULT nothing mapped; -ENOSPC out of debug
	 * registers; -EINVAL a bad length or bytecode.  Removing what is not there is 0.
	 */
	int (*breakpoint_insert)(
		struct target *target, unsigned thread, const struct target_breakpoint_spec *spec);
	int (*breakpoint_remove)(struct target *target, unsigned thread,
		enum target_breakpoint type, uint64_t address, uint64_t length);

	/*
	 * A command for people, one line of printable ASCII ("monitor" in gdb).  Its answer goes into out,
	 * and so does, as the last line, why it failed.  -ENOENT: there is no command of that name, and
	 * nothing has been put.
	 */
	int (*monitor)(
		struct target *target, unsigned thread, const char *line, struct target_text *out);

	/*
	 * Removes this debugger's breakpoints; with the last debugger gives the guest its debug
	 * hardware back.  Lets it run.  Afterwards the target takes no more calls.
	 */
	int (*detach)(struct target *target);
};

/*
 * Embedded in the implementation.  The listener is set by its user before the first call that can
 * lead to an event, and is NULL when nobody listens.
 */
struct target {
	const struct target_ops *ops;
	struct target_listener *listener;
};

#endif
