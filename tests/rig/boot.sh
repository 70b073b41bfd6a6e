# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared with those who source it
#
# Sourced by the rigs: options, the guest's root, the console, and the end. A rig says what it is by
# variables before it calls rig_main, and by four functions:
#   machine_ready     find what is needed, set modules_net and modules_out
#   machine_start     start it with $rig_scratch/initrd; set console_out, the fd to read the guest's
#                     console from, and machine_pid; with -r make $rig_scratch/console-in lead to it
#   machine_complain  say what the emulator itself reported, when the guest did not report
#   machine_out_dev   the name of the guest's device that stands for $rig_scratch/out.img
# What the options said is in the variables opt_*.

# With the death of whoever started it a rig gets SIGTERM, and with the rig's the emulator SIGKILL
# (also when the rig itself is killed by SIGKILL), so that none is ever left behind.
rig_die_with_parent() { # ARGUMENT...
	local parent=${RIG_PARENT-}

	if [ -z "$parent" ]; then
		export RIG_PARENT=$PPID
		exec setpriv --pdeathsig TERM "$0" "$@"
	fi
	unset RIG_PARENT
	[ "$parent" = "$PPID" ] || exit 143 # it died before the kernel knew
}

rig_usage() {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

rig_options() { # ARGUMENT...
	local option

	opt_ports=() opt_out='' opt_secs=120 opt_log='' opt_run='' opt_marker=RIG-SERVING
	opt_modules=() opt_kargs='' opt_mem=${default_mem:?} opt_cpu=${default_cpu:?} opt_smp=2
	opt_tree='' opt_wall='' opt_quiet=''
	while getopts "p:o:t:l:r:e:M:a:m:c:k:q${more_options?}" option; do
		case $option in
		p) opt_ports+=("$OPTARG") ;;
		o) opt_out=$OPTARG ;;
		t) opt_secs=$OPTARG ;;
		l) opt_log=$OPTARG ;;
		r) opt_run=$OPTARG ;;
		e) opt_marker=$OPTARG ;;
		M) opt_modules+=("$OPTARG") ;;
		a) opt_kargs="$opt_kargs $OPTARG" ;;
		m) opt_mem=$OPTARG ;;
		c) opt_cpu=$OPTARG ;;
		k) opt_tree=$OPTARG ;;
		q) opt_quiet=1 ;;
		s) opt_smp=$OPTARG ;;
		w) opt_wall=1 ;;
		*) rig_usage ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -ge 1 ] || rig_usage
	rig_dir=$1
	shift
	rig_cmd=${*:-/test}
	[ -d "$rig_dir" ] || die "$rig_dir: no such directory"
}

# Turn the -p options into rig_forwards, HOST:GUEST each, with free ports where none was asked for.
ports_resolve() {
	local pair host guest

	rig_forwards=()
	for pair in "${opt_ports[@]}"; do
		host=${pair%%:*}
		guest=${pair##*:}
		if [ -z "$host" ]; then
			port_reserve
			host=$rig_port
		elif port_in_use "$host"; then
			die "port $host is in use"
		fi
		rig_forwards+=("$host:$guest")
		[ -z "$opt_run" ] || echo "$host" > "$opt_run/port.$guest"
	done
}

overlay() { # the cpio that goes over the base: the caller's directory and the command
	mkdir -p "$rig_scratch/cmd"
	printf '%s\n' "$rig_cmd" > "$rig_scratch/cmd/rig-cmd"
	(cd "$rig_dir" && find . -mindepth 1 -print0 | cpio --quiet -0 -o -H newc -R 0:0)
	(cd "$rig_scratch/cmd" && echo rig-cmd | cpio --quiet -o -H newc -R 0:0)
}

initrd_build() {
	local modules=() base

	[ ${#rig_forwards[@]} = 0 ] || read -ra modules <<< "${modules_net:?}"
	[ -z "$opt_out" ] || read -ra modules <<< "${modules[*]} ${modules_out:?}"
	modules+=("${opt_modules[@]}")
	base=$rig_cache/initramfs/$(digest "$rig_tree/stamp" "$here/initramfs" "$here/guest-init" \
		"${modules[*]}").cpio
	cached "$base" "$here/initramfs" "$rig_tree" "${modules[@]}"
	{
		cat "$base"
		overlay
	} > "$rig_scratch/initrd"
}

console_line() { # LINE: note what the guest says
	[ -n "$opt_quiet" ] || printf '%s\n' "$1"
	printf '%s\n' "$1" >&"$log_fd"
	[ -z "$opt_run" ] || printf '%s\n' "$1" >&"$run_fd"
	case $1 in
	*"$opt_marker"*) [ -z "$opt_run" ] || : > "$opt_run/ready" ;;
	esac
	case $1 in
	"RIG-EXIT "*)
		rig_status=${1#RIG-EXIT }
		rig_status=${rig_status%% *}
		;;
	*'---[ end Kernel panic'*) return 1 ;;
	esac
}

# Copy the console to the log until the guest has reported its status, the time is up or the
# emulator is gone. Sets rig_status, or leaves it empty; returns 124 when the time is up.
console_follow() {
	local line='' part rc end=$((SECONDS + opt_secs))

	rig_status=
	while [ $SECONDS -lt $end ]; do
		rc=0
		IFS= read -r -t 1 -u "${console_out:?}" part || rc=$?
		line=$line$part
		[ $rc -le 128 ] || continue # a second without a whole line
		[ $rc = 0 ] || return 0     # end of file
		console_line "${line%$'\r'}" || return 0
		[ -z "$rig_status" ] || return 0
		line=
	done
	return 124
}

machine_stop() {
	[ -n "${machine_pid-}" ] || return 0
	kill -KILL "$machine_pid" 2> /dev/null || :
	wait "$machine_pid" 2> /dev/null || :
	machine_pid=
}

rig_finish() { # at any exit
	local status=$?

	trap '' TERM INT HUP
	machine_stop
	scratch_close
	if [ -n "${opt_run-}" ] && [ -d "$opt_run" ]; then
		rm -f "$opt_run/console-in"
		echo "$status" > "$opt_run/status.new"
		mv "$opt_run/status.new" "$opt_run/status"
	fi
	exit "$status"
}

# The directory through which 'ctl' reaches a running rig.
run_open() {
	[ -n "$opt_run" ] || return 0
	mkdir -p "$opt_run"
	rm -f "$opt_run"/{ready,status,pid,console,console-in} "$opt_run"/port.*
	echo "$$" > "$opt_run/pid"
	exec {run_fd}> "$opt_run/console"
}

rig_main() { # ARGUMENT...
	local timed_out=0

	need setpriv
	rig_die_with_parent "$@"
	rig_options "$@"
	trap rig_finish EXIT
	trap 'exit 143' TERM
	trap 'exit 130' INT
	trap 'exit 129' HUP
	need cpio tar
	run_open
	scratch_open
	exec {log_fd}> "${opt_log:-/dev/null}"
	ports_resolve
	machine_ready
	[ -z "$opt_out" ] || opt_kargs="$opt_kargs rig.out=$(machine_out_dev)"
	initrd_build
	machine_start
	[ -z "$opt_run" ] || ln -s "$rig_scratch/console-in" "$opt_run/console-in"
	console_follow || timed_out=$?
	machine_stop
	[ -n "$rig_status" ] || machine_complain >&2
	if [ "$timed_out" != 0 ]; then
		echo "${0##*/}: timed out after $opt_secs s" >&2
		exit 124
	fi
	[ -n "$rig_status" ] || die "the guest ended without a word (try -l LOG)"
	if [ -n "$opt_out" ]; then
		mkdir -p "$opt_out"
		tar --warning=no-timestamp -C "$opt_out" -xf "$rig_scratch/out.img"
	fi
	exit "$rig_status"
}
