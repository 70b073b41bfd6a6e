/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/stored_vm.c: what is noted comes out again as the requests that it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/stored_vm.h"

static const struct handover_hello hello = {
	.header = { HANDOVER_HELLO, 1 },
	.magic = HANDOVER_MAGIC,
	.version = HANDOVER_VERSION,
	.machine = HANDOVER_ARM64,
	.nr_vcpus = 2,
	.name = "vm",
};

static int setup(void **state)
{
	struct stored_vm *stored = malloc(sizeof(*stored));

	*state = stored;
	if (stored)
		stored_vm_init(stored, &hello);
	return stored ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static const struct stored_region *add_memory(
	struct stored_vm *stored, uint64_t gpa, const struct stored_file *file)
{
	union handover_message message = { .memory_add = {
						   .header = { HANDOVER_MEMORY_ADD, 7 },
						   .gpa = gpa,
						   .size = 0x1000,
						   .offset = gpa / 2,
						   .hva = 0x7f0000000000 + gpa,
						   .flags = HANDOVER_MEMORY_READONLY,
					   } };

	return stored_vm_note(stored, &message, file, 0);
}

static void add_vcpu(struct stored_vm *stored, unsigned index, unsigned kvm_id, uint64_t inode)
{
	union handover_message message = {
		.vcpu = { { HANDOVER_VCPU, 9 }, index, kvm_id },
	};

	stored_vm_note(stored, &message, NULL, inode);
}

static void set_ready(struct stored_vm *stored)
{
	union handover_message message = {
		.ready = { { HANDOVER_READY, 11 }, HANDOVER_READY_HOLD, 0 },
	};

	stored_vm_note(stored, &message, NULL, 0);
}

static void test_order(void **state)
{
	struct stored_vm *stored = *state;
	struct stored_file file = { .device = 1, .inode = 2, .access = 2 };
	struct stored_request request;
	unsigned iterator = 0;

	add_vcpu(stored, 1, 17, 101);
	add_vcpu(stored, 0, 16, 100);
	add_memory(stored, 0x1000, &file);
	add_memory(stored, 0x8000, NULL);
	set_ready(stored);
	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_memory_equal(
		&request.message.hello.magic, &hello.magic, sizeof(hello) - sizeof(hello.header));
	assert_int_equal(request.length, sizeof(hello));
	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_int_equal(request.message.header.type, HANDOVER_MEMORY_ADD);
	assert_int_equal(request.length, sizeof(struct handover_memory_add));
	assert_int_equal(request.message.memory_add.gpa, 0x1000);
	assert_int_equal(request.message.memory_add.size, 0x1000);
	assert_int_equal(request.message.memory_add.offset, 0x800);
	assert_int_equal(request.message.memory_add.hva, 0x7f0000001000);
	assert_int_equal(request.message.memory_add.flags, HANDOVER_MEMORY_READONLY);
	assert_true(request.region->has_file);
	assert_int_equal(request.region->file.inode, 2);
	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_int_equal(request.message.memory_add.gpa, 0x8000);
	assert_false(request.region->has_file);
	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_int_equal(request.message.header.type, HANDOVER_VCPU);
	assert_null(request.region);
	assert_int_equal(request.message.vcpu.index, 0);
	assert_int_equal(request.message.vcpu.kvm_id, 16);
	assert_int_equal(request.vcpu->channel_inode, 100);
	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_int_equal(request.message.vcpu.index, 1);
	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_int_equal(request.message.header.type, HANDOVER_READY);
	assert_int_equal(request.message.ready.flags, HANDOVER_READY_HOLD);
	assert_false(stored_vm_next(stored, &iterator, &request));
}

static void test_not_ready(void **state)
{
	struct stored_vm *stored = *state;
	struct stored_request request;
	unsigned iterator = 0;

	assert_true(stored_vm_next(stored, &iterator, &request));
	assert_false(stored_vm_next(stored, &iterator, &request));
}

/* One open file is kept once, whatever the number of regions in it. */
static void test_files_are_shared(void **state)
{
	struct stored_vm *stored = *state;
	struct stored_file a = { 1, 2, 2, 0 }, b = { 1, 3, 2, 0 }, a_readonly = { 1, 2, 0, 0 },
			   gone;

	assert_int_equal(add_memory(stored, 0x1000, &a)->file.number, 0);
	assert_int_equal(add_memory(stored, 0x2000, &b)->file.number, 1);
	assert_int_equal(add_memory(stored, 0x3000, &a)->file.number, 0);
	assert_int_equal(add_memory(stored, 0x4000, &a_readonly)->file.number, 2);
	assert_int_equal(stored_vm_users(stored, 0), 2);
	assert_false(stored_vm_forget(stored, 0x1000, &gone));
	assert_true(stored_vm_forget(stored, 0x3000, &gone));
	assert_int_equal(gone.number, 0);
	assert_false(stored_vm_forget(stored, 0x3000, &gone));
	assert_false(stored_vm_forget(stored, 0x9000, &gone));
	assert_int_equal(
		add_memory(stored, 0x5000, &(struct stored_file){ 1, 4, 2, 0 })->file.number, 0);
	assert_int_equal(stored_vm_users(stored, 1), 1);
}

static void test_memory_of_the_process_has_no_file(void **state)
{
	struct stored_vm *stored = *state;
	struct stored_file gone;

	assert_non_null(add_memory(stored, 0x1000, NULL));
	assert_int_equal(stored_vm_users(stored, 0), 0);
	assert_false(stored_vm_forget(stored, 0x1000, &gone));
}

static void test_full(void **state)
{
	struct stored_vm *stored = *state;
	struct stored_file file = { 1, 0, 2, 0 };

	for (unsigned i = 0; i < HANDOVER_MAX_REGIONS; i++) {
		file.inode = i;
		assert_int_equal(add_memory(stored, i * 0x1000, &file)->file.number, i);
	}
	assert_null(add_memory(stored, 0x1000000, &file));
}

static void test_read(void **state)
{
	struct stored_vm *stored = *state, *copy = malloc(sizeof(*copy));
	const char *wrong;

	assert_int_equal(stored_vm_read(copy, stored, sizeof(*stored), &wrong), 0);
	assert_memory_equal(copy, stored, sizeof(*stored));
	assert_int_equal(stored_vm_read(copy, stored, sizeof(*stored) - 1, &wrong), -EPROTO);
	stored->version++;
	assert_int_equal(stored_vm_read(copy, stored, sizeof(*stored), &wrong), -EPROTO);
	assert_non_null(strstr(wrong, "version"));
	stored->version--;
	stored->size++;
	assert_int_equal(stored_vm_read(copy, stored, sizeof(*stored), &wrong), -EPROTO);
	stored->size--;
	stored->magic++;
	assert_int_equal(stored_vm_read(copy, stored, sizeof(*stored), &wrong), -EPROTO);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_are_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_memory_of_the_process_has_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
