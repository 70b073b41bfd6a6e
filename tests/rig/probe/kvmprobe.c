/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the KVM at hand can really do, one "ability=yes" or "ability=no" per line, for tests
 * to skip by the name of what is missing. Each ability is tried on a guest of its own, in a process
 * of its own, with a time limit: a KVM that hangs or fails does not have it.
 *
 *	gcc -static -o kvmprobe kvmprobe.c guest.c abilities_ARCH.c
 */
#include "guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_SECONDS = 2 };

static bool ability_try(const struct ability *ability)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return false;
	if (child == 0) {
		struct guest guest = { 0 };

		alarm(LIMIT_SECONDS);
		_exit(ability->shown(&guest) ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	if (waitpid(child, &status, 0) != child)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

int main(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		perror("kvmprobe: /dev/kvm");
	else
		close(fd);
	for (const struct ability *ability = abilities; ability->name != NULL; ability++)
		printf("%s=%s\n", ability->name, ability_try(ability) ? "yes" : "no");
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
