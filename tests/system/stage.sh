# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the system tests: a place that has a KVM (this machine, or a rig), with gdbproxyd and
# demo-vmm at work in it, and gdb here.
#
#   stage_open KIND                    host, arm64 or x86-bochs; a rig is booted, once
#   stage_configure LINE...            the configuration of gdbproxyd
#   stage_start_daemon [OPTION...]     gdbproxyd
#   stage_start_vmm VCPUS GUEST [OPTION...]
#                                      demo-vmm; waits until gdb could attach.  GUEST: demo, selftest
#   stage_start_vmm_alone ...          the same where there is no daemon to wait for
#   stage_start_linux VCPUS            demo-vmm with the rig's kernel (stage_files must have /Image, /initrd)
#   stage_in COMMAND                   a shell command there, in the stage's directory
#   stage_spawn NAME COMMAND...        a process there: its NAME.pid, NAME.out, NAME.err, and NAME.status
#                                      once it has ended
#   stage_end NAME [SIGNAL]            ends it and waits; its status is in NAME.status
#   stage_gdb SECONDS ARGUMENT...      gdb here, with the guest's symbols
#   stage_lldb SECONDS SCRIPT          LLDB, one that tests/debuggers knows, with a script in Python
#
# Before stage_open the arrays stage_files and stage_rig_options may name more files for a rig's root
# and more options for the rig.
# Sets: stage_arch, stage_target (for 'target remote'), stage_elf and stage_guest (the guest's ELF
# file here and there), stage_abilities (as tests/rig/abilities has them), stage_tmp (here).
# Everything ends with the script that sourced this, however that ends.

stage_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stage_root=$(cd "$stage_here/../.." && pwd)
stage_build=${STAGE_BUILD:-$stage_root/build}
stage_rig=$stage_root/tests/rig
stage_tmp=
stage_port=1234
stage_files=() stage_rig_options=()
stage_scratch= # another directory to be removed at the end

stage_die() { # MESSAGE...
	echo "Bail out! ${0##*/}: $*"
	exit 1
}

# ---- opening and closing --------------------------------------------------------------------

stage_close() {
	local status=$?

	trap '' TERM INT HUP
	if [ "${stage_kind-}" != host ] && [ -s "$stage_tmp/rig/pid" ]; then
		[ $status = 0 ] || {
			echo "# the rig's console said last:"
			tail -qn 15 "$stage_tmp/rig/console" "$stage_tmp/rig.log" | sed 's/^/#   /'
		}
		"$stage_rig/ctl" "$stage_tmp/rig" kill > /dev/null 2>&1 || :
	fi
	for pid in "$stage_tmp"/w/*.pid; do
		[ "$stage_kind" != host ] || [ ! -s "$pid" ] || [ -e "${pid%.pid}.status" ] ||
			kill -KILL "$(cat "$pid")" 2> /dev/null || :
	done
	for _ in {1..10}; do # those who note the status of what was killed may be at it still
		rm -rf "$stage_tmp" "$stage_scratch" 2> /dev/null && break
		sleep 0.1
	done
	exit "$status"
}

stage_require() { # FILE...
	local file

	for file; do
		[ -e "$file" ] || stage_die "$file is missing: build it first (make, make static, make peers)"
	done
}

# GDB: one of those that tests/debuggers knows. Else the installed one that knows the guest's architecture.
stage_choose_gdb() {
	if [ -n "${GDB-}" ]; then
		"$stage_root/tests/debuggers" have "$GDB" ||
			stage_die "$GDB is not there (try: tests/debuggers fetch $GDB)"
		stage_gdb=("$stage_root/tests/debuggers" run "$GDB" --)
		return 0
	fi
	stage_gdb=(gdb)
	[ "$stage_arch" = "$(uname -m | sed s/aarch64/arm64/)" ] || stage_gdb=(gdb-multiarch)
	type "${stage_gdb[0]}" > /dev/null 2>&1 || stage_die "${stage_gdb[0]} is not installed (try tests/deps)"
}

stage_open() { # KIND
	stage_kind=$1
	case $stage_kind in
	host | alone) stage_arch=$(uname -m | sed s/aarch64/arm64/) ;;
	arm64) stage_arch=arm64 ;;
	x86-bochs) stage_arch=x86_64 ;;
	*) stage_die "no place is called '$stage_kind' (there are: host alone arm64 x86-bochs)" ;;
	esac
	if [ "$stage_kind" = host ] && ! [ -w /dev/kvm ]; then
		echo "1..0 # SKIP this machine has no /dev/kvm that we may use"
		exit 0
	fi
	stage_choose_gdb
	stage_tmp=$(mktemp -d "${TMPDIR:-/tmp}/gdbproxy-system.XXXXXX")
	trap stage_close EXIT
	trap 'exit 143' TERM
	trap 'exit 130' INT
	trap 'exit 129' HUP
	mkdir "$stage_tmp/w"
	if [ "$stage_kind" = alone ]; then
		stage_kind=host
	else
		stage_abilities=$("$stage_rig/abilities" "$stage_kind") ||
			stage_die "what the KVM of $stage_kind can do could not be found out"
	fi
	if [ "$stage_kind" = host ]; then
		stage_open_host
	else
		stage_open_rig
	fi
}

stage_open_host() {
	stage_bin=$stage_build/$stage_arch
	stage_guests=$stage_bin/guest
	stage_require "$stage_bin"/{gdbproxyd,demo-vmm} "$stage_guests"/{demo,selftest}.elf
	stage_dir=$stage_tmp/w
	stage_target=$stage_dir/vm.sock
}

# kvm_intel in Bochs: its virtual APIC lacks what KVM expects of one.
stage_rig_command() {
	cat <<-'EOF'
		trap 'exit 0' TERM
		if [ -e /mod/kvm_intel.ko ]; then
			rmmod kvm_intel
			insmod /mod/kvm_intel.ko enable_apicv=0
		fi
		mkdir -p /w
		echo RIG-SERVING
		sleep 100000 &
		wait
	EOF
}

stage_open_rig() {
	local bin=$stage_build/$stage_arch root=$stage_tmp/root

	stage_bin='' stage_guests='' stage_dir=/w
	stage_require "$bin"/static/{gdbproxyd,demo-vmm} "$bin"/guest/{demo,selftest}.elf
	mkdir "$root"
	cp -a "$bin"/static/{gdbproxyd,demo-vmm} "$bin"/guest/{demo,selftest}.elf "${stage_files[@]}" "$root"
	"$stage_rig/$stage_kind" -q -r "$stage_tmp/rig" -p ":$stage_port" -t "${STAGE_SECONDS:-1700}" \
		"${stage_rig_options[@]}" "$root" "$(stage_rig_command)" > "$stage_tmp/rig.log" 2>&1 &
	"$stage_rig/ctl" "$stage_tmp/rig" wait || {
		sed 's/^/# /' "$stage_tmp/rig.log"
		stage_die "the rig $stage_kind did not start"
	}
	stage_target=localhost:$("$stage_rig/ctl" "$stage_tmp/rig" port "$stage_port")
}

# ---- what runs there ------------------------------------------------------------------------

stage_in() { # COMMAND
	if [ "$stage_kind" = host ]; then
		(cd "$stage_tmp/w" && sh -c "$*")
	else
		"$stage_rig/ctl" "$stage_tmp/rig" tell "cd /w; $*"
	fi
}

# The shell command that starts a process and leaves word of its pid and, in time, its status.
stage_spawn_script() {
	# shellcheck disable=SC2016 # expands there
	echo 'name=$1; shift; rm -f $name.status
		"$@" > $name.out 2> $name.err < /dev/null & echo $! > $name.pid
		wait $!; echo $? > $name.new; mv $name.new $name.status'
}

stage_spawn() { # NAME COMMAND...
	local name=$1

	shift
	stage_in "rm -f $name.pid"
	if [ "$stage_kind" = host ]; then
		(cd "$stage_tmp/w" && exec setpriv --pdeathsig KILL sh -c "$(stage_spawn_script)" spawn \
			"$name" setpriv --pdeathsig KILL "$@") > /dev/null 2>&1 &
		disown
	else
		stage_in "sh -c '$(stage_spawn_script)' spawn $name ${*@Q} > /dev/null 2>&1 &"
	fi
	stage_await 10 "[ -s $name.pid ]"
}

# Waits until a shell command there succeeds.  Fails when the time is up.
stage_await() { # SECONDS COMMAND
	stage_in "n=0; until $2; do
		n=\$((n + 1)); [ \$n -lt ${1}0 ] || exit 1; sleep 0.1; done"
}

stage_is_alive() { # NAME
	stage_in "[ -s $1.pid ] && [ ! -e $1.status ] && kill -0 \$(cat $1.pid)" > /dev/null 2>&1
}

stage_signal() { # NAME SIGNAL
	stage_in "kill -$2 \$(cat $1.pid)" > /dev/null 2>&1
}

stage_end() { # NAME [SIGNAL]
	stage_in "[ -s $1.pid ] || exit 0; [ -e $1.status ] || kill -${2-TERM} \$(cat $1.pid)" 2> /dev/null
	stage_await 10 "[ -e $1.status ] || [ ! -s $1.pid ]" || stage_signal "$1" KILL
}

# The configuration from the next start on, in place of the one before.
stage_configure() { # LINE...
	stage_in "printf '%s\n' ${*@Q} > conf"
	[ "$stage_kind" = host ] || stage_in 'echo allow-remote = yes >> conf'
}

# With -d (STAGE_DAEMON= goes without): a system call that lacks its annotation is named.
stage_start_daemon() { # [OPTION...]
	local rig=(--listen "0.0.0.0:$stage_port")

	[ "$stage_kind" != host ] || rig=()
	[ -z "${STAGE_DAEMON--d}" ] || rig+=("${STAGE_DAEMON--d}")
	stage_in '[ -e conf ]' || stage_configure '# as it is'
	stage_spawn daemon "${stage_bin:+$stage_bin}/gdbproxyd" --vcpu-socket "$stage_dir/vcpu.sock" \
		--runtime-dir "$stage_dir" -f "$stage_dir/conf" \
		"${rig[@]}" "$@"
	stage_await 10 '[ -e vcpu.sock ]' || stage_die "gdbproxyd did not start: $(stage_in cat daemon.err)"
}

stage_stop_daemon() {
	stage_end daemon
}

stage_start_vmm_alone() { # VCPUS GUEST [OPTION...]
	local vcpus=$1 name=$2

	shift 2
	stage_elf=$stage_build/$stage_arch/guest/$name.elf
	stage_guest=$stage_guests/$name.elf
	stage_vcpus=$vcpus
	stage_spawn vmm "${stage_bin:+$stage_bin}/demo-vmm" --vcpu-socket "$stage_dir/vcpu.sock" --name vm \
		--vcpus "$vcpus" "$@" "$stage_guest"
}

stage_await_lent() {
	stage_await 20 '[ -e vm.sock ] || [ -e vmm.status ]' || :
	stage_in '[ -e vm.sock ]' || stage_die "demo-vmm was not lent: $(stage_in cat vmm.err daemon.err)"
}

stage_start_vmm() { # VCPUS GUEST [OPTION...]
	stage_in 'rm -f vm.sock'
	stage_start_vmm_alone "$@"
	stage_await_lent
}

stage_start_linux() { # VCPUS
	stage_elf='' stage_vcpus=$1
	stage_in 'rm -f vm.sock'
	stage_spawn vmm /demo-vmm --vcpu-socket "$stage_dir/vcpu.sock" --name vm --vcpus "$1" \
		--memory 256 --kernel /Image --initrd /initrd --append 'console=ttyAMA0 quiet kpti=on'
	stage_await_lent
}

stage_stop_vmm() {
	stage_end vmm
	stage_await 10 '! [ -e vm.sock ]'
}

# Waits until the guest has printed something.
stage_await_console() { # SECONDS TEXT
	stage_await "$1" "grep -q '$2' vmm.out" 2> /dev/null
}

# How often the guest has printed a heartbeat.
stage_beats() {
	stage_in "grep -c ^heartbeat vmm.out || :"
}

# True when the guest goes on: it prints another heartbeat, soon.
stage_goes_on() {
	local beats

	beats=$(stage_beats)
	stage_await 20 "[ \$(grep -c ^heartbeat vmm.out) -gt $beats ]"
}

stage_able() { # NAME...: has the KVM of this stage all these abilities?
	local name

	for name; do
		grep -qx "$name=yes" <<< "$stage_abilities" || return 1
	done
}

# ---- guest memory ---------------------------------------------------------------------------

# Keep a copy of all the guest's code as it is now, and look later whether it is still the same,
# byte by byte.  What is not writable for the guest must also be as the ELF file has it.
#
# One line a segment: file offset, offset in guest memory, size, flags.
stage_code_segments() {
	local base=0

	[ "$stage_arch" != arm64 ] || base=$((0x40000000))
	readelf -lW "$stage_elf" | while read -r type offset _ gpa size _ flags; do
		case "$type $flags" in
		'LOAD R E'*) echo "$((offset)) $((gpa - base)) $((size)) fixed" ;;
		'LOAD RWE'*) echo "$((offset)) $((gpa - base)) $((size)) open" ;;
		esac
	done
}

# shellcheck disable=SC2016 # expands there
stage_find_memory='for m in /proc/$(cat vmm.pid)/fd/*; do
	case $(readlink $m) in /memfd:guest-memory*) break ;; esac; done'

stage_keep_code() {
	local offset at size kind n=0

	while read -r offset at size kind; do
		stage_in "$stage_find_memory; tail -c +$((at + 1)) \$m | head -c $size > code.$n"
		if [ "$kind" = fixed ]; then
			stage_in "cmp -n $size $stage_guest code.$n $offset 0" || return 1
		fi
		n=$((n + 1))
	done < <(stage_code_segments)
	[ $n -gt 0 ]
}

# Prints where it differs.
stage_compare_code() {
	local at size n=0 failed=0

	while read -r _ at size _; do
		stage_in "$stage_find_memory; cmp -l -n $size code.$n \$m 0 $at" || failed=1
		n=$((n + 1))
	done < <(stage_code_segments)
	[ $n -gt 0 ] && [ $failed = 0 ]
}

# ---- gdb ------------------------------------------------------------------------------------

stage_gdb() { # SECONDS ARGUMENT...
	local seconds=$1

	shift
	STAGE_KIND=$stage_kind STAGE_ARCH=$stage_arch STAGE_VCPUS=$stage_vcpus \
		STAGE_TARGET=$stage_target STAGE_ELF=$stage_elf STAGE_ABILITIES=$stage_abilities \
		PYTHONPATH=$stage_here/gdb:$stage_here PYTHONDONTWRITEBYTECODE=1 \
		timeout --foreground -k 5 "$seconds" "${stage_gdb[@]}" -nx -q -batch \
		-iex 'set debuginfod enabled off' ${stage_elf:+"$stage_elf"} "$@" < /dev/null
}

stage_lldb() { # SECONDS SCRIPT
	STAGE_KIND=$stage_kind STAGE_ARCH=$stage_arch STAGE_VCPUS=$stage_vcpus \
		STAGE_TARGET=$stage_target STAGE_ELF=$stage_elf STAGE_ABILITIES=$stage_abilities \
		PYTHONPATH=$stage_here/lldb:$stage_here \
		timeout --foreground -k 5 "$1" "$stage_root/tests/debuggers" run "$LLDB" -- \
		--no-lldbinit --no-use-colors --batch -o "command script import $2" "$stage_elf" < /dev/null
}

# ---- TAP ------------------------------------------------------------------------------------

tap_count=0 tap_failed=0

tap_line() { # 'ok' | 'not ok' TEXT
	tap_count=$((tap_count + 1))
	[ "$1" = ok ] || tap_failed=$((tap_failed + 1))
	echo "$1 $tap_count - $2"
}

# The outcome of the command, under that name.
tap_check() { # TEXT COMMAND...
	local text=$1 said

	shift
	if said=$("$@" 2>&1); then
		tap_line ok "$text"
	else
		tap_line 'not ok' "$text"
		[ -z "$said" ] || printf '# %s\n' "${said//$'\n'/$'\n'# }"
		return 1
	fi
}

tap_skip() { # TEXT REASON
	tap_line ok "$1 # SKIP $2"
}

# Lines of TAP without numbers, as the scripts in gdb write them.
tap_copy() { # PREFIX FILE
	local line

	while IFS= read -r line; do
		case $line in
		'ok - '*) tap_line ok "$1${line#ok - }" ;;
		'not ok - '*) tap_line 'not ok' "$1${line#not ok - }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done < "$2"
}

tap_end() {
	echo "1..$tap_count"
	[ $tap_failed = 0 ] && [ $tap_count -gt 0 ]
}
