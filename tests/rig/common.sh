# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the scripts of this folder: where things are kept, scratch directories that a killed
# script cannot leave behind for ever, and TCP ports that two rigs cannot both take.

rig_cache=${GDBPROXY_CACHE:-${HOME:?}/.cache/gdbproxy}
rig_scratch=

die() { # MESSAGE...
	echo "${0##*/}: $*" >&2
	exit 125
}

need() { # PROGRAM...: must be installed
	local program

	for program; do
		type "$program" > /dev/null 2>&1 || die "$program is not installed (try tests/deps)"
	done
}

# Set rig_scratch to a new directory, locked by this script and its children; remove those whose
# lock nobody holds any more.
scratch_open() {
	local dir fd

	mkdir -p "$rig_cache/run"
	exec {fd}> "$rig_cache/run.lock"
	flock "$fd"
	for dir in "$rig_cache"/run/*/; do
		flock -n "$dir" rm -rf "$dir" 2> /dev/null || :
	done
	rig_scratch=$(mktemp -d "$rig_cache/run/XXXXXX")
	exec {rig_scratch_fd}< "$rig_scratch"
	flock "$rig_scratch_fd"
	exec {fd}>&-
}

scratch_close() {
	[ -z "$rig_scratch" ] || rm -rf "$rig_scratch"
	rig_scratch=
}

port_in_use() { # PORT: does anything on this machine use it?
	grep -qi ": [0-9a-f]*:$(printf %04x "$1") " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Set rig_port to a TCP port that is free, and stays free of other rigs until this script and its
# children have ended. Below the range that the kernel gives to outgoing connections.
port_reserve() {
	local fd tries

	mkdir -p "$rig_cache/ports"
	for ((tries = 0; tries < 100; tries++)); do
		rig_port=$((20000 + RANDOM % 12000))
		exec {fd}> "$rig_cache/ports/$rig_port"
		if flock -n "$fd" && ! port_in_use "$rig_port"; then
			return 0
		fi
		exec {fd}>&-
	done
	die "no free TCP port found"
}

# Build FILE by running COMMAND with its standard output there, unless it exists: whole or not at all.
cached() { # FILE COMMAND...
	local file=$1 new

	shift
	[ ! -e "$file" ] || return 0
	mkdir -p "${file%/*}"
	new=$(mktemp "${file%/*}/.new-XXXXXX")
	"$@" > "$new" || {
		rm -f "$new"
		die "$file: cannot be made"
	}
	chmod a+rX "$new"
	mv "$new" "$file"
}

# A short name for the contents of files and strings: cached things are named by what they came from.
digest() { # STRING|FILE...
	local item

	for item; do
		if [ -f "$item" ]; then
			cat "$item"
		else
			echo "$item"
		fi
	done | sha256sum | cut -c1-16
}
