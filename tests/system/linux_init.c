/* SPDX-License-Identifier: Apache-2.0 */
/* /init of a Linux guest to be debugged: system calls for ever, and a heartbeat now and then. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };
	unsigned long beats = 0, calls = 0;
	time_t last = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
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
