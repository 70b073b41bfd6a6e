#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Real gdb against protocol/ over the fake target, for both register descriptions.
#	gdb-smoke.sh RSP_SERVE		(the program built from tests/unit/rsp_serve.c)
# GDB names the debugger, default gdb-multiarch, else gdb.  Prints TAP.
set -u
serve=${1:?usage: gdb-smoke.sh RSP_SERVE}
gdb=${GDB:-$(command -v gdb-multiarch || command -v gdb || true)}
folder=$(mktemp -d)
server=
tests=0
failed=0

cleanup()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$folder"
}
trap cleanup EXIT

# expect NAME PATTERN: the last gdb's output has a line with the extended regular expression
expect()
{
	tests=$((tests + 1))
	if grep -Eq -- "$2" "$folder/out"; then
		echo "ok $tests - $arch $1"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $arch $1"
		echo "# no line like: $2"
		sed 's/^/#   /' "$folder/out"
	fi
}

# refuse NAME PATTERN: it has none
refuse()
{
	tests=$((tests + 1))
	if grep -Eiq -- "$2" "$folder/out"; then
		failed=$((failed + 1))
		echo "not ok $tests - $arch $1"
		grep -Ei -- "$2" "$folder/out" | sed 's/^/#   /'
	else
		echo "ok $tests - $arch $1"
	fi
}

start_server()
{
	"$serve" "$arch" 3 "$folder/$arch.sock" >"$folder/ready" 2>"$folder/trace" &
	server=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q ready "$folder/ready" && return
		sleep 0.1
	done
}

stop_server()
{
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=
}

# run_gdb COMMANDS...: one connection
run_gdb()
{
	printf '%s\n' 'set pagination off' 'set confirm off' 'set debuginfod enabled off' "$@" \
		>"$folder/commands"
	timeout 60 "$gdb" -nx -batch -x "$folder/commands" >"$folder/out" 2>&1
	echo "gdb exit $?" >>"$folder/out"
}

# check_arch PC STORE NEXT VECTOR: the pc's name, the storing instruction's address, where a
# watchpoint on what it stores stops gdb, the name of a vector register
check_arch()
{
	start_server
	run_gdb "target remote $folder/$arch.sock" 'info registers' 'x/4xb 0x4000' \
		'info threads' 'thread 3' "p/x \$$1" 'thread 1' "p \$$4" \
		"break *$2" 'continue' "p/x \$$1" 'stepi' "p/x \$$1" 'delete' \
		'watch *(unsigned char *)0x4000' 'continue' 'delete' \
		"hbreak *0x1000" 'continue' 'set var *(unsigned char *)0x4000 = 0x5a' \
		'x/1xb 0x4000' "set var \$$5 = 0x1234" "p/x \$$5" 'x/2i 0x1000' \
		'thread apply all info registers '"$1" 'maint print remote-registers' 'detach'
	expect "registers" "^$1 +0x"
	expect "an unavailable register" '^hidden +<unavailable>'
	expect "flags" '^control +0x0 +\['
	expect "three threads" '^  3 +Thread 1\.3 \(vCPU 2, <parked>\)'
	expect "another thread" '= 0x1100$'
	expect "a vector register as a union" '^\$[0-9]+ = \{.*(uint128|q = )'
	expect "a breakpoint" "hit Breakpoint 1, 0x0*${2#0x} in"
	expect "a step" "= $3\$"
	expect "a watchpoint" '^New value = '
	expect "a hardware breakpoint" 'hit Hardware assisted breakpoint|hit Breakpoint 3, 0x0*1000'
	expect "a memory write" '^0x4000:.*0x5a'
	expect "a register write" '= 0x1234$'
	expect "a disassembly" '0x1000:.*nop'
	expect "register offsets" '^ *hidden .* rawnum|^ *hidden +[0-9]'
	expect "detaching" 'Inferior 1 .*detached'
	expect "a good end" '^gdb exit 0'
	refuse "no complaints" 'warning: (unrecognized|architecture|invalid|unexpected|remote)|protocol error|reply is too|rejected|internal-error|ignoring packet|bad register'

	run_gdb "target remote $folder/$arch.sock" 'x/1xb 0x3000'
	expect "an unmapped page" 'Cannot access memory at address 0x3000'

	run_gdb "target extended-remote $folder/$arch.sock" 'info threads' \
		"thread apply all p/x \$$1" 'stepi' 'stepi' "p/x \$$1" 'kill'
	expect "extended-remote, again" '^\* 1 +Thread 1\.1'
	expect "kill lets go" 'Inferior 1 .*killed'

	printf '%s\n' "target remote $folder/$arch.sock" \
		"python import threading, os, signal" \
		"python threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()" \
		'continue' "p/x \$$1" >"$folder/interrupt"
	run_gdb "source $folder/interrupt" 'detach'
	expect "an interrupt" 'received signal SIGINT'
	stop_server
}

if [ -z "$gdb" ]; then
	echo '1..0 # SKIP no gdb'
	exit 0
fi
arch=x86_64
check_arch rip 0x1006 0x1008 xmm0 rbx
arch=arm64
if "$gdb" -nx -batch -ex 'set architecture aarch64' 2>&1 | grep -q 'set to'; then
	check_arch pc 0x1014 0x1018 v0 x9
else
	tests=$((tests + 1))
	echo "ok $tests - arm64 # SKIP this gdb knows no aarch64"
fi
echo "1..$tests"
[ "$failed" -eq 0 ]
