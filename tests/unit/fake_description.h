/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register tables for tests: the shape of gdb's standard features for both architectures and, in
 * a feature of their own, registers that misbehave in every way struct target_ops allows.
 */
#ifndef TESTS_UNIT_FAKE_DESCRIPTION_H
#define TESTS_UNIT_FAKE_DESCRIPTION_H

#include "protocol/target.h"

/* The registers of the last feature, counted from its first. */
enum fake_odd_register {
	FAKE_HIDDEN,  /* cannot be read: -ENODATA */
	FAKE_FIXED,   /* cannot be written: -EROFS */
	FAKE_PICKY,   /* takes even values only: -EINVAL */
	FAKE_CONTROL, /* flags; beyond the bulk */
	FAKE_ODD_COUNT,
};

extern const struct target_description fake_description_x86_64;
extern const struct target_description fake_description_arm64;

/* The register number of an odd one. */
unsigned fake_description_odd(
	const struct target_description *description, enum fake_odd_register odd);

#endif
