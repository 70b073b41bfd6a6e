/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the page walkers against what others make of a real guest's tables (walk_oracle.h): before
 * its first instruction, in its kernel, in its user program, on each vCPU.  And what is read through them
 * against the guest's ELF file.  Prints TAP; a share of the addresses that is empty is a failure.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/walk_guest.h"
#include "tests/system/walk_oracle.h"
#include "tests/system/walk_sample.h"

enum { SHOWN_MISMATCHES = 5, LOOP_TRIES = 1500, LOOP_MS = 20, READ_AT_ONCE = 5003 };

struct walk {
	struct walk_guest guest;
	struct walk_sample sample;
	struct walk_answer answers[WALK_SAMPLE_MAX];
	unsigned random_count;    /* random addresses for each vCPU at each stop */
	uint64_t wanted_sizes;    /* pages of these sizes must be met; a sum */
	uint64_t kernel_loop_gva; /* functions that the guest calls again and again */
	uint64_t user_loop_gva;
	const uint8_t *image; /* the guest's ELF file */
	size_t image_bytes;
	unsigned result_count;
	bool has_failed;
};

/* What came of comparing many addresses. */
struct tally {
	unsigned mapped, unmapped, impossible, mismatches;
	unsigned small, large, huge, other; /* mapped: in pages of 4 KiB, 2 MiB, 1 GiB */
	uint64_t sizes;                     /* a sum */
};

__attribute__((format(printf, 3, 4))) static void walk_result(
	struct walk *walk, bool is_ok, const char *format, ...)
{
	va_list args;

	printf("%sok %u - ", is_ok ? "" : "not ", ++walk->result_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	walk->has_failed |= !is_ok;
}

/* ---- translations ------------------------------------------------------------------------ */

static int walk_failed_level(const struct translation *translation)
{
	return translation->nsteps ? translation->steps[translation->nsteps - 1].level : 1;
}

/* NULL, or what differs.  A table outside memory (-EFAULT) leads nowhere for everybody. */
static const char *walk_differs(
	const struct walk_answer *answer, int rc, const struct translation *translation)
{
	if (rc < 0 && rc != -EFAULT)
		return "our walk failed";
	if ((rc == 1) != (answer->is_told && answer->is_mapped))
		return "mapped or not";
	if (rc != 1)
		return answer->level >= 0 && answer->level != walk_failed_level(translation)
			       ? "the level that ended the walk"
			       : NULL;
	if (translation->gpa != answer->gpa)
		return "the physical address";
	if (answer->writable >= 0 && translation->writable != answer->writable)
		return "writable";
	return answer->user >= 0 && translation->user != answer->user ? "user" : NULL;
}

static void tally_add_page(struct tally *tally, uint64_t bytes)
{
	unsigned *count = &tally->other;

	if (bytes == 0x1000)
		count = &tally->small;
	else if (bytes == 0x200000)
		count = &tally->large;
	else if (bytes == 0x40000000)
		count = &tally->huge;
	(*count)++;
	tally->mapped++;
	tally->sizes |= bytes;
}

static void tally_add(struct tally *tally, gva_t gva, const struct walk_answer *answer, int rc,
	const struct translation *translation)
{
	const char *difference = walk_differs(answer, rc, translation);

	if (rc == 1)
		tally_add_page(tally, translation->page_bytes);
	else if (answer->is_told)
		tally->unmapped++;
	else
		tally->impossible++;
	if (!difference || tally->mismatches++ >= SHOWN_MISMATCHES)
		return;
	printf("# 0x%llx: %s: we: %d 0x%llx writable %d user %d; %s: %d 0x%llx %d %d level %d\n",
		(unsigned long long)gva, difference, rc, (unsigned long long)translation->gpa,
		translation->writable, translation->user, walk_oracle_name, answer->is_mapped,
		(unsigned long long)answer->gpa, answer->writable, answer->user, answer->level);
}

static void walk_compare(struct walk *walk, unsigned index, struct tally *tally)
{
	struct view view = walk_guest_view(&walk->guest, index);
	struct walk_sample *sample = &walk->sample;

	walk_sample_scan(sample, &view);
	walk_sample_add_random(sample, walk->random_count);
	walk_oracle_ask(&walk->guest, index, sample->gvas, walk->answers, sample->count);
	view = walk_guest_view(&walk->guest, index);
	for (unsigned i = 0; i < sample->count; i++) {
		struct translation translation;
		int rc = view_translate(&view, sample->gvas[i], &translation);

		tally_add(tally, sample->gvas[i], &walk->answers[i], rc, &translation);
	}
}

/* wanted_sizes 0: paging is off, and what is mapped is no page. */
static void test_translations(
	struct walk *walk, unsigned index, const char *where, uint64_t wanted_sizes)
{
	struct tally tally = { 0 };
	char text[160];
	bool is_full;

	if (!walk_oracle_is_there(&walk->guest, index)) {
		printf("# vCPU %u, %s: not switched on yet\n", index, where);
		return;
	}
	walk_compare(walk, index, &tally);
	walk->guest.vm.vcpus[index].cpu.valid &= ~(uint32_t)CPU_MP;
	walk->guest.vm.arch->describe(&walk->guest.vm.vcpus[index].cpu, text, sizeof(text));
	is_full = tally.mapped && (tally.unmapped || (!wanted_sizes && tally.impossible)) &&
		  (tally.sizes & wanted_sizes) == wanted_sizes &&
		  (tally.other == 0) == !!wanted_sizes;
	walk_result(walk, is_full && !tally.mismatches,
		"vCPU %u, %s (%s): %u addresses as %s says: "
		"%u mapped (%u in 4K, %u in 2M, %u in 1G, %u flat), "
		"%u not, %u impossible; %u differ",
		index, where, text, walk->sample.count, walk_oracle_name, tally.mapped, tally.small,
		tally.large, tally.huge, tally.other, tally.unmapped, tally.impossible,
		tally.mismatches);
}

static void test_all_vcpus(struct walk *walk, const char *where, uint64_t wanted_sizes)
{
	for (unsigned i = 0; i < walk->guest.vm.vcpu_count; i++)
		test_translations(walk, i, where, wanted_sizes);
}

/* ---- memory against the ELF file --------------------------------------------------------- */

static void walk_open_image(struct walk *walk, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		walk_bail("%s: %s", path, strerror(errno));
	walk->image_bytes = (size_t)st.st_size;
	walk->image = mmap(NULL, walk->image_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (walk->image == MAP_FAILED)
		walk_bail("%s: %s", path, strerror(errno));
	close(fd);
}

/* How many of length bytes at gva are the file's; the pieces end anywhere in a page. */
static uint64_t walk_same_bytes(
	struct walk *walk, const struct view *view, gva_t gva, uint64_t offset, uint64_t length)
{
	uint8_t bytes[READ_AT_ONCE];
	uint64_t same = 0;

	if (offset > walk->image_bytes || length > walk->image_bytes - offset)
		walk_bail("a segment is outside the file");
	for (uint64_t done = 0; done < length; done += READ_AT_ONCE) {
		uint64_t piece = length - done < READ_AT_ONCE ? length - done : READ_AT_ONCE;

		if (view_read(view, gva + done, bytes, piece) == (ssize_t)piece &&
			memcmp(bytes, walk->image + offset + done, piece) == 0)
			same += piece;
		else
			printf("# not the file's: %llu bytes at 0x%llx\n",
				(unsigned long long)piece, (unsigned long long)(gva + done));
	}
	return same;
}

static Elf64_Phdr walk_segment(const struct walk *walk, unsigned index)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	memcpy(&header, walk->image, sizeof(header));
	if (index >= header.e_phnum)
		return (Elf64_Phdr){ .p_type = PT_NULL };
	memcpy(&segment, walk->image + header.e_phoff + index * sizeof(segment), sizeof(segment));
	return segment;
}

/* Before the first instruction: all of the file, by physical addresses. */
static void test_image_held(struct walk *walk)
{
	struct view view = walk_guest_view(&walk->guest, 0);
	uint64_t same = 0, all = 0;
	Elf64_Phdr segment;

	for (unsigned i = 0; (segment = walk_segment(walk, i)).p_type != PT_NULL; i++) {
		if (segment.p_type != PT_LOAD)
			continue;
		all += segment.p_filesz;
		same += walk_same_bytes(
			walk, &view, segment.p_paddr, segment.p_offset, segment.p_filesz);
	}
	walk_result(walk, all && same == all,
		"%llu of %llu bytes by physical addresses are the ELF file's",
		(unsigned long long)same, (unsigned long long)all);
}

/* While it runs: code and constants, of the kernel and of the user program, by their addresses. */
static void test_image(struct walk *walk, unsigned index)
{
	struct view view = walk_guest_view(&walk->guest, index);
	uint64_t same = 0, high = 0, low = 0;
	Elf64_Phdr segment;

	for (unsigned i = 0; (segment = walk_segment(walk, i)).p_type != PT_NULL; i++) {
		if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W))
			continue;
		*(segment.p_vaddr >> 63 ? &high : &low) += segment.p_filesz;
		same += walk_same_bytes(
			walk, &view, segment.p_vaddr, segment.p_offset, segment.p_filesz);
	}
	walk_result(walk, high && low && same == high + low,
		"vCPU %u: %llu bytes are the ELF file's, "
		"of its kernel's %llu and its user program's %llu that nobody writes",
		index, (unsigned long long)same, (unsigned long long)high, (unsigned long long)low);
}

/* ---- the console ------------------------------------------------------------------------- */

/* Calls judge for every line; counts what agrees and what does not. */
static void walk_judge(struct walk *walk, int (*judge)(const struct view *view, const char *line),
	unsigned *agree, unsigned *differ)
{
	struct view view = walk_guest_view(&walk->guest, 0);
	char *text = strdup(walk->guest.console), *rest = text, *line;

	*agree = *differ = 0;
	while ((line = strsep(&rest, "\n")) != NULL) {
		int verdict = judge(&view, line);

		*agree += verdict > 0;
		*differ += verdict < 0;
		if (verdict < 0)
			printf("# not so: %s\n", line);
	}
	free(text);
}

/* Addresses that the guest has told, and the sizes of their pages. */
static void walk_learn(struct walk *walk)
{
	struct view view = walk_guest_view(&walk->guest, 0);
	char *text = strdup(walk->guest.console), *rest = text, *line;
	struct translation translation;
	gva_t gva;

	walk->wanted_sizes = walk_page_sizes;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "walk ", 5) != 0 || !walk_line_number(line, "va", &gva))
			continue;
		if (view_translate(&view, gva, &translation) == 1)
			walk->wanted_sizes |= translation.page_bytes;
		if (strstr(line, " is=kernel-code "))
			walk->kernel_loop_gva = gva;
		else if (strstr(line, " is=user-code "))
			walk->user_loop_gva = gva;
	}
	free(text);
	if (!walk->kernel_loop_gva || !walk->user_loop_gva)
		walk_bail("the guest did not tell its addresses");
}

static void test_console(struct walk *walk)
{
	unsigned agree, differ;

	walk_judge(walk, walk_oracle_judge_walk, &agree, &differ);
	walk_result(walk, agree && !differ,
		"the guest's own word: %u addresses translated alike, %u not", agree, differ);
	walk_judge(walk, walk_oracle_judge_fault, &agree, &differ);
	walk_result(walk, agree && !differ, "its page faults: %u explained by our walk, %u not",
		agree, differ);
}

/* ---- stopping where it matters ----------------------------------------------------------- */

/* Stops with vCPU 0 at gva, where a loop without end has been written in the place of a function. */
static void walk_stop_in_loop(struct walk *walk, gva_t gva)
{
	struct walk_guest *guest = &walk->guest;

	for (unsigned i = 0; i < LOOP_TRIES; i++) {
		struct view view;

		walk_guest_resume(guest);
		for (unsigned ms = 0; ms < LOOP_MS; ms++)
			walk_guest_pump(guest, 1);
		walk_guest_stop(guest);
		view = walk_guest_view(guest, 0);
		if (guest->vm.arch->pc(&view.vcpu->cpu) == gva)
			return;
	}
	walk_bail("vCPU 0 does not come to 0x%llx", (unsigned long long)gva);
}

static void test_inside(struct walk *walk, gva_t gva, const char *where)
{
	struct view view = walk_guest_view(&walk->guest, 0);
	uint8_t code[8];

	if (view_read(&view, gva, code, walk_endless_loop_length) != walk_endless_loop_length ||
		view_write(&view, gva, walk_endless_loop, walk_endless_loop_length) < 0)
		walk_bail("the code at 0x%llx cannot be changed", (unsigned long long)gva);
	walk_stop_in_loop(walk, gva);
	test_all_vcpus(walk, where, walk->wanted_sizes);
	view = walk_guest_view(&walk->guest, 0);
	if (view_write(&view, gva, code, walk_endless_loop_length) < 0)
		walk_bail("the code at 0x%llx cannot be changed back", (unsigned long long)gva);
}

/* ---- main -------------------------------------------------------------------------------- */

static void test_held(struct walk *walk)
{
	test_all_vcpus(walk, "before its first instruction", 0);
	test_image_held(walk);
}

static void test_running(struct walk *walk)
{
	walk_guest_resume(&walk->guest);
	walk_guest_await(&walk->guest, "selftest vector round=1 ");
	walk_guest_stop(&walk->guest);
	walk_learn(walk);
	test_console(walk);
	for (unsigned i = 0; i < walk->guest.vm.vcpu_count; i++)
		test_image(walk, i);
	test_all_vcpus(walk, "anywhere", walk->wanted_sizes);
	test_inside(walk, walk->kernel_loop_gva, "with vCPU 0 in its kernel");
	test_inside(walk, walk->user_loop_gva, "with vCPU 0 in its user program");
}

/* It must not have noticed: another round of its own tests, all on its vCPUs. */
static void test_goes_on(struct walk *walk)
{
	walk_guest_resume(&walk->guest);
	walk_guest_forget_console(&walk->guest);
	walk_guest_await(&walk->guest, "selftest work round=");
	walk_guest_forget_console(&walk->guest);
	walk_guest_await(&walk->guest, "selftest vector round=");
	walk_result(walk, strstr(walk->guest.console, " intact=yes") != NULL,
		"the guest goes on, its registers intact");
}

static const char walk_usage[] =
	"usage: walk [options] DEMO-VMM SELFTEST.elf\n"
	"  --vcpus N    default 2\n"
	"  --arg N      for the guest: its rounds, and what to leave out (tests/guest/selftest.h)\n"
	"  --random N   addresses for each vCPU at each stop (default 20000)\n"
	"  --seed N     of the random addresses (default 1)\n";

static const struct option walk_options[] = {
	{ "vcpus", required_argument, NULL, 'c' },
	{ "arg", required_argument, NULL, 'a' },
	{ "random", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, 's' },
	{ 0 },
};

static void walk_parse(struct walk *walk, struct walk_guest_options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", walk_options, NULL)) >= 0) {
		uint64_t number = option == '?' ? 0 : strtoull(optarg, NULL, 0);

		if (option == 'c' && number >= 1 && number <= 32)
			options->vcpu_count = (unsigned)number;
		else if (option == 'a')
			options->argument = number;
		else if (option == 'r')
			walk->random_count = (unsigned)number;
		else if (option == 's' && number)
			walk->sample.seed = number;
		else
			walk_bail("%s", walk_usage);
	}
	if (optind != argc - 2)
		walk_bail("%s", walk_usage);
	options->vmm = argv[optind];
	options->image = argv[optind + 1];
}

int main(int argc, char **argv)
{
	struct walk_guest_options options = { .vcpu_count = 2, .argument = 0xffffffff };
	struct walk *walk = calloc(1, sizeof(*walk));
	bool has_failed;

	if (!walk)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	walk->random_count = 20000;
	walk->sample.seed = 1;
	walk_parse(walk, &options, argc, argv);
	walk_open_image(walk, options.image);
	walk_guest_start(&walk->guest, &options);
	test_held(walk);
	test_running(walk);
	test_goes_on(walk);
	walk_guest_end(&walk->guest);
	printf("1..%u\n", walk->result_count);
	has_failed = walk->has_failed;
	free(walk);
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
