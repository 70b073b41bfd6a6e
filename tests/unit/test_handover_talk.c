/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/handover.c: a handover spoilt in every way that handover_talk.h knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "tests/unit/handover_talk.h"

static const struct handover_limits limits = { HANDOVER_X86_64, TALK_MAX_VCPUS, 1 };

static struct handover_fds facts_of(const struct talk_message *message)
{
	struct handover_fds facts = { .count = message->fd_count };

	for (unsigned i = 0; i < facts.count; i++)
		switch (message->fds[i]) {
		case TALK_MEMORY_FD:
			facts.fd[i] = (struct handover_fd){ .kind = HANDOVER_FD_FILE,
				.readable = true,
				.writable = true,
				.size = TALK_MEMORY };
			break;
		case TALK_VCPU_FD:
			facts.fd[i] = (struct handover_fd){ .kind = HANDOVER_FD_VCPU,
				.kvm_id = message->vcpu };
			break;
		case TALK_CHANNEL_FD:
			facts.fd[i].kind = HANDOVER_FD_CHANNEL;
			break;
		case TALK_NO_FD:
			break;
		}
	return facts;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static void check_answer(const struct handover *handover, const struct handover_event *event,
	const struct talk_message *message, const char *what)
{
	struct handover_answer answer;

	handover_answer_make(handover, event, &answer);
	if (answer.header.type != HANDOVER_ANSWER || !memchr(answer.text, 0, sizeof(answer.text)) ||
		!is_printable(answer.text) || (answer.error == HANDOVER_OK) != !answer.text[0])
		fail_msg("%s: an answer that is none", what);
	if (message->length >= sizeof(struct handover_header) &&
		message->length <= HANDOVER_MAX_BYTES)
		assert_int_equal(answer.header.serial, message->message.header.serial);
}

static enum talk_verdict take(
	struct handover *handover, const struct talk_message *message, const char *what)
{
	struct handover_fds facts = facts_of(message);
	struct handover before = *handover;
	struct handover_event event;
	int rc = handover_receive(handover, &message->message, message->length, &facts, &event);

	check_answer(handover, &event, message, what);
	if ((rc < 0 || event.error) && memcmp(&before, handover, sizeof(before)) != 0)
		fail_msg("%s: refused, and something has changed", what);
	if (rc < 0)
		assert_int_equal(rc, -EPROTO);
	return rc < 0 ? TALK_CLOSED : event.error ? TALK_REFUSED : TALK_ACCEPTED;
}

static unsigned run(const struct talk *talk, const char *what)
{
	struct talk_judge judge = { .machine = HANDOVER_X86_64 };
	struct handover handover;
	unsigned accepted = 0;

	handover_init(&handover, &limits);
	for (unsigned i = 0; i < talk->count; i++) {
		enum talk_verdict want = talk_judge(&judge, &talk->messages[i]);
		enum talk_verdict got = take(&handover, &talk->messages[i], what);

		if (got != want)
			fail_msg(
				"%s: message %u: verdict %d, not %d", what, i, (int)got, (int)want);
		accepted += got == TALK_ACCEPTED;
		if (got == TALK_CLOSED)
			break;
	}
	return accepted;
}

static void test_every_field_is_in_the_table(void **state)
{
	(void)state;
	if (talk_uncovered())
		fail_msg(
			"handover_talk.c: talk_fields[] does not have all of %s", talk_uncovered());
	/* Types have no gap: a new one would come next. */
	assert_string_equal(handover_type_name(HANDOVER_GOODBYE + 1), "?");
}

static void test_the_right_one(void **state)
{
	struct talk talk;

	(void)state;
	talk_make(&talk, HANDOVER_X86_64, "right");
	assert_int_equal(run(&talk, "right"), TALK_MESSAGES);
}

static void test_spoilt(void **state)
{
	unsigned number = 0, whole = 0;
	char what[128] = "";
	struct talk talk;

	(void)state;
	for (;; number++) {
		talk_make(&talk, HANDOVER_X86_64, "spoilt");
		if (!talk_spoil(&talk, number, what, sizeof(what)))
			break;
		whole += run(&talk, what) == talk.count;
	}
	print_message("# %u ways, of which %u are right as well\n", number, whole);
	assert_true(number > 2000 && whole < number / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_is_in_the_table),
		cmocka_unit_test(test_the_right_one),
		cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
