/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border between the guest's kernel and its user program, which is linked at low addresses and
 * mapped with pages of its own.  The kernel reaches it by the addresses here only: they are too far
 * from the kernel's code for anything but a constant.
 */
#ifndef USER_H
#define USER_H

#include <stdint.h>

/* What user_image, at the program's start, holds. */
struct user_image {
	uint64_t main;    /* uint64_t user_main(uint64_t rounds) */
	uint64_t exit;    /* where a function called by the kernel returns to */
	uint64_t counter; /* &user_counter */
	uint64_t stack;   /* the top of CPU 0's stack; each CPU's is USER_STACK_BYTES further on */
};

#define USER_STACK_BYTES 4096

/* The address of the program's struct user_image, in the kernel's data. */
extern const struct user_image *const user_image_address;

/* System calls.  x86-64: number in rax, argument in rdi; arm64: number in x8, argument in x0. */
enum user_call {
	USER_CALL_EXIT = 0,  /* back to arch_call_user()'s caller with the argument as its result */
	USER_CALL_COUNT = 1, /* returns how many there were on this CPU */
};

#endif
