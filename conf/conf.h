/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of the daemon as one plain value, and the functions that fill it.
 *
 * Everything declared here but conf_read_file() and conf_environment_init() is pure: bytes and
 * an environment go in, a struct conf or an error text comes out. Nothing here prints, logs or
 * exits, and nothing here knows what a socket is: whether a listen address makes sense is for
 * the daemon to say.
 *
 * The order of use is conf_init(), conf_parse() or conf_read_file(), conf_override() for each
 * setting of the command line, conf_settle().
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/conf_error.h"

#define CONF_DEFAULT_FILE "/etc/gdbproxy/gdbproxy.conf"

enum {
	CONF_TEXT_SIZE = 256,     /* a path or an address, with its NUL */
	CONF_LISTEN_MAX = 16,     /* listen addresses */
	CONF_UID_MAX = 64,        /* users or groups in allow-uid and the like */
	CONF_VMS_MAX = 4096,      /* the most that max-vms can be */
	CONF_KEPT_SIZE = 256,     /* enough for any conf_keep_fixed() */
	CONF_KEY_COUNT = 27,      /* rows of the key table */
	CONF_FILE_MAX = 65536,    /* bytes in a configuration file */
	CONF_FORMAT_SIZE = 16384, /* enough for any conf_format() */
};

/* Where a value came from: a line of the file (counted from 1) or one of these two. */
#define CONF_LINE_DEFAULT 0u
#define CONF_LINE_COMMAND UINT_MAX

/* In the order of the words of the key log-level: each level includes those before it. */
enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };

/* In the order of the words of the key on-worker-death. */
enum conf_on_worker_death { CONF_ON_WORKER_DEATH_RESUME, CONF_ON_WORKER_DEATH_HOLD };
/* In the order of the words of the key log-format. */
enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };

/* What a stopped guest does whose debugger has vanished. */
enum conf_on_disconnect {
	CONF_ON_DISCONNECT_RESUME,
	CONF_ON_DISCONNECT_HOLD,
	CONF_ON_DISCONNECT_HOLD_FOR,
};

struct conf_disconnect {
	unsigned int policy;  /* enum conf_on_disconnect */
	unsigned int seconds; /* HOLD_FOR: for so long; else 0 */
};

struct conf_listen {
	unsigned int count;
	char text[CONF_LISTEN_MAX][CONF_TEXT_SIZE];
	unsigned int line[CONF_LISTEN_MAX];
};

struct conf_uids {
	unsigned int count;
	uid_t uid[CONF_UID_MAX];
};

struct conf_gids {
	unsigned int count;
	gid_t gid[CONF_UID_MAX];
};

struct conf_user {
	bool is_set;
	uid_t uid;
};

/* A value without pointers: it may be copied and needs no destructor. Unused bytes are zero. */
struct conf {
	char vcpu_socket[CONF_TEXT_SIZE];
	unsigned int vcpu_socket_mode;
	struct conf_listen listen;
	char runtime_dir[CONF_TEXT_SIZE];
	unsigned int socket_mode;
	bool allow_remote;
	unsigned int log_level;  /* enum conf_log_level */
	unsigned int log_format; /* enum conf_log_format */
	bool packet_trace;
	unsigned int stop_timeout_ms;
	unsigned int max_vms;
	unsigned int max_vcpus; /* of one VM */
	struct conf_uids allow_uid;
	struct conf_gids allow_gid;
	struct conf_uids debug_uid;
	struct conf_gids debug_gid;
	bool memory_without_fd;
	struct conf_user user;
	bool isolation;
	unsigned int on_worker_death;        /* enum conf_on_worker_death */
	char control_socket[CONF_TEXT_SIZE]; /* "none": there is none */
	unsigned int control_socket_mode;
	struct conf_uids control_uid;
	char metrics_socket[CONF_TEXT_SIZE]; /* "none": there is none */
	unsigned int metrics_socket_mode;
	struct conf_disconnect on_disconnect;
	unsigned int peer_timeout_s; /* 0: none */

	unsigned int line[CONF_KEY_COUNT]; /* by row of the key table: where the value came from */
};

/* Finds the uid of a user. 0, or -ENOENT. */
typedef int (*conf_find_user)(const char *name, uid_t *uid);

/* Finds the gid of a group. 0, or -ENOENT. */
typedef int (*conf_find_group)(const char *name, gid_t *gid);

/* What the meaning of a configuration depends on besides its text. */
struct conf_environment {
	uid_t uid;                   /* who the daemon runs as */
	const char *xdg_runtime_dir; /* NULL: not set */
	const char *default_file;    /* read when no file was named; it may be missing */
	conf_find_user find_user;
	conf_find_group find_group;
};

/* Describes this process: effective uid, XDG_RUNTIME_DIR, CONF_DEFAULT_FILE, getpwnam(3),
 * getgrnam(3). */
void conf_environment_init(struct conf_environment *env);

/* Every key at the default of the key table; those that depend on the environment stay empty
 * until conf_settle(). */
void conf_init(struct conf *conf);

/*
 * Reads LENGTH bytes of configuration, called FILE in errors, into CONF. A key set twice is an
 * error unless the key may repeat. Returns 0 or -EINVAL with ERROR filled; CONF is then half
 * changed and good for nothing.
 */
int conf_parse(struct conf *conf, const struct conf_environment *env, const char *file,
	const char *bytes, size_t length, struct conf_error *error);

/*
 * conf_parse() of the file at PATH. Returns 0, -EINVAL (the text is wrong), -EFBIG (more than
 * CONF_FILE_MAX bytes) or what open(2) and read(2) said; ERROR is filled in each case. That a
 * file is missing (-ENOENT) is for the caller to judge.
 */
int conf_read_file(struct conf *conf, const struct conf_environment *env, const char *path,
	struct conf_error *error);

/*
 * Sets KEY as the command line says, whatever the file said. The first value of a repeatable
 * key drops those of the file, the next ones add to it. FLAG names the option in errors. Returns
 * 0 or -EINVAL with ERROR filled.
 */
int conf_override(struct conf *conf, const struct conf_environment *env, const char *flag,
	const char *key, const char *value, struct conf_error *error);

/*
 * Gives the keys that nobody set, and whose default depends on who runs the daemon, their
 * value: runtime-dir, vcpu-socket and control-socket (in it), allow-uid, control-uid. Returns 0 or -EINVAL with ERROR filled.
 */
int conf_settle(struct conf *conf, const struct conf_environment *env, struct conf_error *error);

/* Whether UID is one of the users. */
bool conf_uids_have(const struct conf_uids *uids, uid_t uid);

/* Where the value of KEY came from: a line number, CONF_LINE_DEFAULT or CONF_LINE_COMMAND. */
unsigned int conf_line_of(const struct conf *conf, const char *key);

/*
 * CONF was read while OLD is in effect: keys that are read at the start alone (conf_table.h, at_start)
 * get the value of OLD back. TEXT, of SIZE bytes, gets the names of those that were different, with
 * commas.
 */
void conf_keep_fixed(struct conf *conf, const struct conf *old, char *text, size_t size);

/*
 * Writes the whole configuration as text that conf_parse() reads back to the same values, each
 * with a remark where it came from. TEXT has room for SIZE bytes and is NUL-terminated. Returns
 * the length or -ENOBUFS.
 */
int conf_format(const struct conf *conf, char *text, size_t size);

#endif
