/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of agent expressions: see agent.h.  One row of a table for each instruction says how
 * many bytes follow it, how many values it takes from the stack and leaves there; so bounds are
 * checked in one place, and what an instruction does is arithmetic only.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "kvm/agent.h"
#include "kvm/agent_printf.h"

enum {
	OP_IF_GOTO = 0x20,
	OP_GOTO = 0x21,
	OP_END = 0x27,
	OP_PRINTF = 0x34,
	OP_COUNT,
};

enum {
	PRINTF_HEAD = 4,   /* the instruction, the number of arguments, two bytes of length */
	PRINTF_HIDDEN = 2, /* on the stack above the arguments: function and channel */
};

struct machine {
	const struct agent_code *code;
	const struct agent_host *host;
	size_t at;   /* the instruction in progress */
	size_t next; /* the one after it */
	unsigned steps;
	bool ended;
	unsigned depth;
	uint64_t stack[AGENT_MAX_STACK];
};

struct rule {
	uint8_t operand;       /* bytes of it, most significant first */
	uint8_t takes, leaves; /* values */
	/*
	 * at[0] is the deepest of the values it takes, the last the top of the stack; what it leaves goes
	 * to the same place.  0 or -errno.
	 */
	int (*run)(struct machine *machine, uint64_t operand, uint64_t *at);
};

static uint64_t big_endian(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	while (count--)
		value = value << 8 | *bytes++;
	return value;
}

/* ---- arithmetic -------------------------------------------------------------------------- */

/* b is the top of the stack, a is below it. */
#define BINARY(name, expression)                                                                   \
	static int run_##name(struct machine *machine, uint64_t operand, uint64_t *at)             \
	{                                                                                          \
		const uint64_t a = at[0], b = at[1];                                               \
                                                                                                   \
		(void)machine;                                                                     \
		(void)operand;                                                                     \
		at[0] = expression;                                                                \
		return 0;                                                                          \
	}

#define DIVISION(name, expression)                                                                 \
	static int run_##name(struct machine *machine, uint64_t operand, uint64_t *at)             \
	{                                                                                          \
		const uint64_t a = at[0], b = at[1];                                               \
                                                                                                   \
		(void)machine;                                                                     \
		(void)operand;                                                                     \
		if (!b)                                                                            \
			return -EDOM;                                                              \
		at[0] = expression;                                                                \
		return 0;                                                                          \
	}

/* n is the operand. */
#define UNARY(name, expression)                                                                    \
	static int run_##name(struct machine *machine, uint64_t n, uint64_t *at)                   \
	{                                                                                          \
		const uint64_t a = at[0];                                                          \
                                                                                                   \
		(void)machine;                                                                     \
		(void)n;                                                                           \
		at[0] = expression;                                                                \
		return 0;                                                                          \
	}

/* The lowest and the only quotient that does not fit wraps, as in the other operations. */
static uint64_t divide_signed(uint64_t a, uint64_t b)
{
	return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t remainder_signed(uint64_t a, uint64_t b)
{
	return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static uint64_t shift_right_signed(uint64_t a, uint64_t b)
{
	uint64_t sign = a >> 63 ? UINT64_MAX : 0;

	return b > 63 ? sign : (a ^ sign) >> b ^ sign;
}

static uint64_t zero_extend(uint64_t a, uint64_t bits)
{
	return bits > 63 ? a : a & (((uint64_t)1 << bits) - 1);
}

static uint64_t sign_extend(uint64_t a, uint64_t bits)
{
	uint64_t sign;

	if (!bits || bits > 63)
		return a;
	sign = (uint64_t)1 << (bits - 1);
	return (zero_extend(a, bits) ^ sign) - sign;
}

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, (a * b))
DIVISION(div_signed, divide_signed(a, b))
DIVISION(div_unsigned, a / b)
DIVISION(rem_signed, remainder_signed(a, b))
DIVISION(rem_unsigned, a % b)
BINARY(lsh, b > 63 ? 0 : a << b)
BINARY(rsh_signed, shift_right_signed(a, b))
BINARY(rsh_unsigned, b > 63 ? 0 : a >> b)
UNARY(log_not, !a)
BINARY(bit_and, (a & b))
BINARY(bit_or, a | b)
BINARY(bit_xor, a ^ b)
UNARY(bit_not, ~a)
BINARY(equal, a == b)
BINARY(less_signed, (int64_t)a < (int64_t)b)
BINARY(less_unsigned, a < b)
UNARY(ext, sign_extend(a, n))
UNARY(zero_ext, zero_extend(a, n))

/* ---- the stack, constants and jumps ------------------------------------------------------ */

static int run_const(struct machine *machine, uint64_t operand, uint64_t *at)
{
	(void)machine;
	at[0] = operand;
	return 0;
}

static int run_nothing(struct machine *machine, uint64_t operand, uint64_t *at)
{
	(void)machine;
	(void)operand;
	(void)at;
	return 0;
}

static int run_dup(struct machine *machine, uint64_t operand, uint64_t *at)
{
	(void)machine;
	(void)operand;
	at[1] = at[0];
	return 0;
}

static int run_swap(struct machine *machine, uint64_t operand, uint64_t *at)
{
	uint64_t a = at[0];

	(void)machine;
	(void)operand;
	at[0] = at[1];
	at[1] = a;
	return 0;
}

/* a b c becomes c a b. */
static int run_rot(struct machine *machine, uint64_t operand, uint64_t *at)
{
	uint64_t c = at[2];

	(void)machine;
	(void)operand;
	at[2] = at[1];
	at[1] = at[0];
	at[0] = c;
	return 0;
}

/* The operand counts down from the top of the stack, which is 0; at is above it. */
static int run_pick(struct machine *machine, uint64_t operand, uint64_t *at)
{
	if (operand >= machine->depth)
		return -ENODATA;
	at[0] = machine->stack[machine->depth - 1 - operand];
	return 0;
}

static int run_goto(struct machine *machine, uint64_t operand, uint64_t *at)
{
	(void)at;
	machine->next = operand;
	return 0;
}

static int run_if_goto(struct machine *machine, uint64_t operand, uint64_t *at)
{
	if (at[0])
		machine->next = operand;
	return 0;
}

static int run_end(struct machine *machine, uint64_t operand, uint64_t *at)
{
	(void)operand;
	(void)at;
	machine->ended = true;
	return 0;
}

/* ---- the guest --------------------------------------------------------------------------- */

/* Both architectures are little-endian, and so is whoever runs on them. */
static int reference(struct machine *machine, uint64_t *at, size_t size)
{
	const struct agent_host *host = machine->host;
	uint64_t value = 0;
	int rc = host->read_memory(host->context, at[0], &value, size);

	at[0] = value;
	return rc;
}

#define REFERENCE(name, size)                                                                      \
	static int run_##name(struct machine *machine, uint64_t operand, uint64_t *at)             \
	{                                                                                          \
		(void)operand;                                                                     \
		return reference(machine, at, size);                                               \
	}

REFERENCE(ref8, 1)
REFERENCE(ref16, 2)
REFERENCE(ref32, 4)
REFERENCE(ref64, 8)

static int run_reg(struct machine *machine, uint64_t operand, uint64_t *at)
{
	const struct agent_host *host = machine->host;

	return host->read_register(host->context, (unsigned)operand, at);
}

/* A debugger would have had to define the variable, which is part of tracing. */
static int run_variable(struct machine *machine, uint64_t operand, uint64_t *at)
{
	(void)machine;
	(void)operand;
	(void)at;
	return -ENOENT;
}

/* The first argument was pushed last. */
static int run_printf(struct machine *machine, uint64_t count, uint64_t *at)
{
	const uint8_t *format = machine->code->bytes + machine->at + PRINTF_HEAD;
	uint64_t args[AGENT_MAX_STACK];

	if (at[count] || at[count + 1])
		return -ENOTSUP;
	for (uint64_t i = 0; i < count; i++)
		args[i] = at[count - 1 - i];
	machine->steps += AGENT_PRINTF_STEPS;
	return agent_printf(format, args, machine->host);
}

/* ---- what there is ----------------------------------------------------------------------- */

/* clang-format off */
static const struct rule rules[OP_COUNT] = {
	[0x02] = { 0, 2, 1, run_add },
	[0x03] = { 0, 2, 1, run_sub },
	[0x04] = { 0, 2, 1, run_mul },
	[0x05] = { 0, 2, 1, run_div_signed },
	[0x06] = { 0, 2, 1, run_div_unsigned },
	[0x07] = { 0, 2, 1, run_rem_signed },
	[0x08] = { 0, 2, 1, run_rem_unsigned },
	[0x09] = { 0, 2, 1, run_lsh },
	[0x0a] = { 0, 2, 1, run_rsh_signed },
	[0x0b] = { 0, 2, 1, run_rsh_unsigned },
	[0x0c] = { 0, 2, 0, run_nothing }, /* trace */
	[0x0d] = { 1, 1, 1, run_nothing }, /* trace_quick */
	[0x0e] = { 0, 1, 1, run_log_not },
	[0x0f] = { 0, 2, 1, run_bit_and },
	[0x10] = { 0, 2, 1, run_bit_or },
	[0x11] = { 0, 2, 1, run_bit_xor },
	[0x12] = { 0, 1, 1, run_bit_not },
	[0x13] = { 0, 2, 1, run_equal },
	[0x14] = { 0, 2, 1, run_less_signed },
	[0x15] = { 0, 2, 1, run_less_unsigned },
	[0x16] = { 1, 1, 1, run_ext },
	[0x17] = { 0, 1, 1, run_ref8 },
	[0x18] = { 0, 1, 1, run_ref16 },
	[0x19] = { 0, 1, 1, run_ref32 },
	[0x1a] = { 0, 1, 1, run_ref64 },
	[OP_IF_GOTO] = { 2, 1, 0, run_if_goto },
	[OP_GOTO] = { 2, 0, 0, run_goto },
	[0x22] = { 1, 0, 1, run_const },
	[0x23] = { 2, 0, 1, run_const },
	[0x24] = { 4, 0, 1, run_const },
	[0x25] = { 8, 0, 1, run_const },
	[0x26] = { 2, 0, 1, run_reg },
	[OP_END] = { 0, 0, 0, run_end },
	[0x28] = { 0, 1, 2, run_dup },
	[0x29] = { 0, 1, 0, run_nothing }, /* pop */
	[0x2a] = { 1, 1, 1, run_zero_ext },
	[0x2b] = { 0, 2, 2, run_swap },
	[0x2c] = { 2, 0, 1, run_variable }, /* getv */
	[0x2d] = { 2, 1, 1, run_variable }, /* setv */
	[0x2e] = { 2, 0, 0, run_variable }, /* tracev */
	[0x2f] = { 0, 2, 0, run_nothing }, /* tracenz */
	[0x30] = { 2, 1, 1, run_nothing }, /* trace16 */
	[0x32] = { 1, 0, 1, run_pick },
	[0x33] = { 0, 3, 3, run_rot },
	[OP_PRINTF] = { 1, PRINTF_HIDDEN, 0, run_printf }, /* and its arguments */
};
/* clang-format on */

static const struct rule *rule_find(uint8_t op)
{
	return op < OP_COUNT && rules[op].run ? &rules[op] : NULL;
}

/* ---- checking ---------------------------------------------------------------------------- */

/* Bytes of the instruction at at with all that belongs to it; 0 when it is not there in full. */
static size_t instruction_length(const struct agent_code *code, size_t at)
{
	const struct rule *rule = rule_find(code->bytes[at]);
	size_t left = code->length - at, length;

	if (!rule)
		return 0;
	length = 1u + rule->operand;
	if (code->bytes[at] == OP_PRINTF) {
		if (left < PRINTF_HEAD)
			return 0;
		length = PRINTF_HEAD + big_endian(code->bytes + at + 2, 2);
	}
	return length <= left ? length : 0;
}

static bool printf_is_sane(const uint8_t *instruction)
{
	unsigned count = instruction[1];

	return count <= AGENT_MAX_STACK - PRINTF_HIDDEN &&
	       agent_printf_check(
		       instruction + PRINTF_HEAD, big_endian(instruction + 2, 2), count) == 0;
}

/* Notes where instructions start; true if all are known and whole, and nothing runs past the last. */
static bool check_instructions(const struct agent_code *code, bool *starts)
{
	uint8_t op = 0;

	for (size_t at = 0, length; at < code->length; at += length) {
		op = code->bytes[at];
		length = instruction_length(code, at);
		if (!length || (op == OP_PRINTF && !printf_is_sane(code->bytes + at)))
			return false;
		starts[at] = true;
	}
	return op == OP_END || op == OP_GOTO;
}

static bool check_jumps(const struct agent_code *code, const bool *starts)
{
	for (size_t at = 0; at < code->length; at++) {
		uint64_t target;

		if (!starts[at] || (code->bytes[at] != OP_GOTO && code->bytes[at] != OP_IF_GOTO))
			continue;
		target = big_endian(code->bytes + at + 1, 2);
		if (target >= code->length || !starts[target])
			return false;
	}
	return true;
}

int agent_check(const struct agent_code *code)
{
	bool starts[AGENT_MAX_CODE] = { false };

	if (!code->length || code->length > AGENT_MAX_CODE)
		return -EINVAL;
	return check_instructions(code, starts) && check_jumps(code, starts) ? 0 : -EINVAL;
}

/* ---- running ----------------------------------------------------------------------------- */

static int machine_step(struct machine *machine)
{
	const uint8_t *instruction = machine->code->bytes + machine->at;
	const struct rule *rule = &rules[*instruction];
	uint64_t operand = big_endian(instruction + 1, rule->operand);
	unsigned takes = rule->takes, base;
	int rc;

	if (*instruction == OP_PRINTF)
		takes += (unsigned)operand;
	if (machine->depth < takes)
		return -ENODATA;
	base = machine->depth - takes;
	if (base + rule->leaves > AGENT_MAX_STACK)
		return -EOVERFLOW;
	machine->next = machine->at + instruction_length(machine->code, machine->at);
	rc = rule->run(machine, operand, machine->stack + base);
	machine->depth = base + rule->leaves;
	machine->at = machine->next;
	return rc;
}

int agent_run(const struct agent_code *code, const struct agent_host *host, int64_t *result)
{
	struct machine machine = { .code = code, .host = host };

	while (!machine.ended) {
		int rc = machine.steps++ < AGENT_MAX_STEPS ? machine_step(&machine) : -ELOOP;

		if (rc < 0)
			return rc;
	}
	if (result && !machine.depth)
		return -ENODATA;
	if (result)
		*result = (int64_t)machine.stack[machine.depth - 1];
	return 0;
}
