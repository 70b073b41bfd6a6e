# SPDX-License-Identifier: Apache-2.0
#
# Makes the table of allowed system calls (daemon/syscall_table.h) of the annotations in the code.
#
#   echo '#include <asm/unistd.h>' | $CC -E -dM - > NUMBERS
#   awk -f daemon/syscalls.awk NUMBERS daemon/syscalls.libc [MORE.libc...] SOURCE... > TABLE.c
#
# An annotation is a comment of one line (or more of them), near what makes the calls:
#
#   /* syscalls(worker, lobby): recvmsg setsockopt */
#
# The words are functions as daemon/syscalls.libc lists them.  The roles:
#   start   main, before its filter is on: needs nothing
#   main    main; also its children until their own filter is on
#   worker  a worker that serves
#   lobby   the lobby that serves
# Whatever is not understood ends the build, with the place.

function fail(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
	failed = 1
	exit 1
}

# The name of the call that an alternative (A|B) is on this architecture.
function choose(word, parts, n, i) {
	n = split(word, parts, "|")
	for (i = 1; i <= n; i++)
		if (parts[i] in known)
			return parts[i]
	fail("'" word "' is no system call of this architecture")
}

function allow(role, name, place) {
	if (index(roles[name] " ", role "|"))
		return
	roles[name] = roles[name] role "|"
	if (!(name in places))
		places[name] = place
}

function allow_all(role, list, place, words, n, i) {
	n = split(list, words, " ")
	for (i = 1; i <= n; i++)
		allow(role, choose(words[i]), place)
}

function annotation(text, role_list, list, role, words, n, i, r, m) {
	role_list = text
	sub(/^.*syscalls\(/, "", role_list)
	sub(/\).*/, "", role_list)
	list = text
	sub(/^[^)]*\): */, "", list)
	sub(/ *\*\/.*/, "", list)
	m = split(role_list, role, /, */)
	n = split(list, words, " ")
	if (n == 0)
		fail("an annotation without functions")
	for (i = 1; i <= n; i++) {
		if (!(words[i] in calls))
			fail("'" words[i] "' is not in daemon/syscalls.libc: say there which system calls it makes")
		for (r = 1; r <= m; r++) {
			if (role[r] == "start")
				continue
			if (role[r] !~ /^(main|worker|lobby)$/)
				fail("'" role[r] "' is no role: start, main, worker, lobby")
			allow_all("SYSCALL_" toupper(role[r]), calls[words[i]], FILENAME ":" FNR)
		}
	}
}

# The numbers of this architecture.
FNR == 1 && !numbers { numbers = FILENAME }
FILENAME == numbers {
	if ($1 == "#define" && $2 ~ /^__NR_[a-z]/ && $2 !~ /^__NR_(syscalls|arch_specific_syscall)$/)
		order[known[substr($2, 6)] = ++count] = substr($2, 6)
	next
}

FILENAME ~ /\.libc$/ {
	if ($0 ~ /^#/ || NF == 0)
		next
	if (NF < 2)
		fail("a function without its system calls")
	list = ""
	for (i = $2 == "*" ? 3 : 2; i <= NF; i++)
		if ($i != "-")
			list = list " " $i
	calls[$1] = list
	if ($2 == "*") {
		allow_all("SYSCALL_MAIN", list, FILENAME ":" FNR)
		allow_all("SYSCALL_WORKER", list, FILENAME ":" FNR)
		allow_all("SYSCALL_LOBBY", list, FILENAME ":" FNR)
	} else {
		n = split(list, words, " ")
		for (i = 1; i <= n; i++)
			choose(words[i])
	}
	next
}

/\/\* syscalls\(/ {
	if ($0 !~ /\/\* syscalls\([a-z, ]+\): [A-Za-z0-9_ ]+ \*\//)
		fail("expected /* syscalls(ROLE, ...): FUNCTION ... */ in one line")
	annotation($0)
	next
}
/\* *syscalls\(/ { fail("expected /* syscalls(ROLE, ...): FUNCTION ... */ in one line") }

END {
	if (failed)
		exit 1
	print "/* Made by daemon/syscalls.awk of the annotations in the code. */"
	print "#include <asm/unistd.h>"
	print "#include \"daemon/syscall_table.h\"\n"
	print "const struct syscall_row syscall_table[] = {"
	for (i = 1; i <= count; i++) {
		name = order[i]
		set = roles[name]
		sub(/\|$/, "", set)
		gsub(/\|/, " | ", set)
		printf "\t{ __NR_%s, %s, \"%s\", \"%s\" },\n", name, set == "" ? "0" : set, name, places[name]
	}
	print "};\n"
	print "const unsigned syscall_table_size = sizeof(syscall_table) / sizeof(syscall_table[0]);"
}
