/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /init of a Linux guest to be debugged: says where the kernel runs, by the kernel's own word, then makes
 * system calls for ever, with a heartbeat now and then.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void tell_address(const char *symbol)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[512], address[32], name[256];

	while (symbols && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%31s %*c %255s", address, name) == 2 && !strcmp(name, symbol)) {
			printf("%s is at 0x%s\n", symbol, address);
			break;
		}
	if (symbols)
		fclose(symbols);
}

int main(void)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };
	unsigned long beats = 0, calls = 0;
	time_t last = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	tell_address("vectors");
	for (;;) {
		time_t now = time(NULL);

		getppid();
		calls++;
		if (now != last)
			printf("heartbeat %lu after %lu calls\n", ++beats, calls);
		last = now;
		nanosleep(&pause, NULL);
	}
}
