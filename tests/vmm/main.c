/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo-vmm: a small KVM VMM, to test gdbproxyd with and to show how a VMM becomes debuggable: all of
 * it is vm_lend() in vm.c and gdbproxy_run() in vcpu.c.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/vmm/board.h"
#include "tests/vmm/vm.h"

#define MAIN_MEMORY_MIB_DEFAULT 64
#define MAIN_NAME_MAX           63

static const char main_usage[] =
	"usage: demo-vmm [options] GUEST.elf\n"
	"       demo-vmm [options] --kernel IMAGE [--initrd FILE] [--append ARGS]\n"
	"  --vcpu-socket PATH  where gdbproxyd takes vCPUs (default: the library's)\n"
	"  --name NAME         of the VM, as debuggers see it (default: the guest's file name)\n"
	"  --vcpus N           default 1\n"
	"  --memory MIB        default 64\n"
	"  --hold              wait for a debugger before the first instruction\n"
	"  --arg N             a number for the guest\n"
	"  --exit-log FILE     write a line for every exit of a vCPU\n"
	"  --pauth             arm64: pointer authentication, where KVM has it; gdb before 14 "
	"cannot\n"
	"                      find its way through signed return addresses\n"
	"  --kernel IMAGE      arm64: boot this Linux kernel, an uncompressed Image; its console "
	"is\n"
	"                      ttyAMA0, its addresses are randomized unless it is told nokaslr\n"
	"  --initrd FILE       its initial RAM disk\n"
	"  --append ARGS       its command line\n"
	"Exit status: the guest's; 124 the guest crashed; 125 it could not be started.\n";

static const struct option main_options[] = {
	{ "vcpu-socket", required_argument, NULL, 's' },
	{ "name", required_argument, NULL, 'n' },
	{ "vcpus", required_argument, NULL, 'c' },
	{ "memory", required_argument, NULL, 'm' },
	{ "hold", no_argument, NULL, 'H' },
	{ "arg", required_argument, NULL, 'a' },
	{ "exit-log", required_argument, NULL, 'l' },
	{ "pauth", no_argument, NULL, 'p' },
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'A' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static uint64_t main_parse_number(const char *text, const char *what, uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		errx(VM_STATUS_FAILED, "%s: '%s' is not a number from %llu to %llu", what, text,
			(unsigned long long)min, (unsigned long long)max);
	return value;
}

static FILE *main_open_log(const char *path)
{
	FILE *log = fopen(path, "we");

	if (!log)
		err(VM_STATUS_FAILED, "%s", path);
	return log;
}

static void main_parse_option(struct vm_options *options, int option)
{
	switch (option) {
	case 's':
		options->vcpu_socket = optarg;
		break;
	case 'n':
		options->name = optarg;
		break;
	case 'c':
		options->nr_vcpus =
			(unsigned)main_parse_number(optarg, "--vcpus", 1, BOARD_VCPUS_MAX);
		break;
	case 'm':
		options->memory_bytes =
			main_parse_number(optarg, "--memory", 4, BOARD_RAM_MAX >> 20) << 20;
		break;
	case 'H':
		options->hold = true;
		break;
	case 'a':
		options->argument = main_parse_number(optarg, "--arg", 0, UINT64_MAX);
		break;
	case 'l':
		options->exit_log = main_open_log(optarg);
		break;
	case 'p':
		options->pauth = true;
		break;
	case 'k':
		options->linux_guest.kernel_path = optarg;
		break;
	case 'i':
		options->linux_guest.initrd_path = optarg;
		break;
	case 'A':
		options->linux_guest.command_line = optarg;
		break;
	case 'h':
		fputs(main_usage, stdout);
		exit(0);
	default:
		fputs(main_usage, stderr);
		exit(VM_STATUS_FAILED);
	}
}

/* One ELF file, or a kernel by its options. */
static void main_parse_guest(struct vm_options *options, char **paths, int count)
{
	const struct linux_options *linux_guest = &options->linux_guest;

	if (count != (linux_guest->kernel_path ? 0 : 1))
		main_parse_option(options, '?');
	if (!linux_guest->kernel_path && (linux_guest->initrd_path || linux_guest->command_line))
		errx(VM_STATUS_FAILED, "--initrd and --append go with --kernel");
	options->guest_path = paths[0];
}

/* "path/demo.elf" is called "demo". */
static void main_name_guest(char *name, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t length;

	base = base ? base + 1 : path;
	length = strlen(base);
	if (length > 4 && !strcmp(base + length - 4, ".elf"))
		length -= 4;
	snprintf(name, MAIN_NAME_MAX + 1, "%.*s", (int)length, base);
}

/* The signals that end the VM become readable there instead of interrupting anybody. */
static int main_open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(VM_STATUS_FAILED, "signalfd");
	return fd;
}

int main(int argc, char **argv)
{
	struct vm_options options = {
		.nr_vcpus = 1,
		.memory_bytes = (uint64_t)MAIN_MEMORY_MIB_DEFAULT << 20,
	};
	char name[MAIN_NAME_MAX + 1];
	struct vm vm;
	int option, signal_fd, status = VM_STATUS_FAILED;

	while ((option = getopt_long(argc, argv, "", main_options, NULL)) >= 0)
		main_parse_option(&options, option);
	main_parse_guest(&options, argv + optind, argc - optind);
	main_name_guest(
		name, options.guest_path ? options.guest_path : options.linux_guest.kernel_path);
	if (!options.name)
		options.name = name;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal_fd = main_open_signals();
	if (vm_create(&vm, &options) == 0)
		status = vm_run(&vm, signal_fd);
	vm_destroy(&vm);
	if (options.exit_log && fclose(options.exit_log))
		err(VM_STATUS_FAILED, "the exit log");
	fflush(stdout);
	return status;
}
