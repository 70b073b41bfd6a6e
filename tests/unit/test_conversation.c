/* SPDX-License-Identifier: Apache-2.0 */
/* protocol/conversation.c: what goes along, and what cannot have come from a session. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "protocol/conversation.h"
#include "protocol/packet.h"
#include "protocol/session.h"
#include "tests/unit/fake_target.h"

static void put(struct packet_queue *queue, const char *bytes, size_t length, bool too_long)
{
	struct packet_view packet = { (const uint8_t *)bytes, length, too_long };

	assert_int_equal(packet_queue_put(queue, &packet), 0);
}

static void test_held(void **state)
{
	struct conversation talk = { .has_begun = 1 };
	struct packet_queue from, to;
	struct packet_view packet;

	(void)state;
	assert_int_equal(packet_queue_init(&from), 0);
	assert_int_equal(packet_queue_init(&to), 0);
	put(&from, "vAttach;2", 9, false);
	put(&from, "", 0, false);
	put(&from, "\0}#", 3, false);
	assert_int_equal(conversation_put_held(&talk, &from), 0);
	assert_int_equal(conversation_check(&talk), 0);
	assert_int_equal(conversation_get_held(&talk, &to), 0);
	packet = packet_queue_first(&to);
	assert_int_equal(packet.length, 9);
	assert_memory_equal(packet.payload, "vAttach;2", 9);
	packet_queue_drop(&to);
	assert_int_equal(packet_queue_first(&to).length, 0);
	packet_queue_drop(&to);
	packet = packet_queue_first(&to);
	assert_int_equal(packet.length, 3);
	assert_memory_equal(packet.payload, "\0}#", 3);
	packet_queue_drop(&to);
	assert_true(packet_queue_is_empty(&to));
	packet_queue_fini(&from);
	packet_queue_fini(&to);
}

static void test_too_much(void **state)
{
	static const char bytes[CONVERSATION_HELD];
	struct conversation talk = { .has_begun = 1 };
	struct packet_queue queue;

	(void)state;
	assert_int_equal(packet_queue_init(&queue), 0);
	put(&queue, bytes, CONVERSATION_HELD - 2, false);
	assert_int_equal(conversation_put_held(&talk, &queue), 0);
	assert_int_equal(conversation_check(&talk), 0);
	put(&queue, "", 0, false);
	assert_int_equal(conversation_put_held(&talk, &queue), -EMSGSIZE);
	packet_queue_drop(&queue);
	assert_int_equal(conversation_put_held(&talk, &queue), 0);
	put(&queue, "", 0, true);
	assert_int_equal(conversation_put_held(&talk, &queue), -EMSGSIZE);
	packet_queue_fini(&queue);
}

/* Every member but the numbers is 0 or 1: whatever byte is changed to another value is noticed. */
static void test_lies(void **state)
{
	static const size_t truths[] = { offsetof(struct conversation, has_begun),
		offsetof(struct conversation, no_ack), offsetof(struct conversation, is_extended),
		offsetof(struct conversation, has_lobby) };
	struct conversation talk = { .has_begun = 1 };

	(void)state;
	assert_int_equal(conversation_check(&talk), 0);
	for (size_t i = 0; i < sizeof(truths) / sizeof(*truths); i++) {
		talk = (struct conversation){ .has_begun = 1 };
		((uint8_t *)&talk)[truths[i]] = 2;
		assert_int_equal(conversation_check(&talk), -EINVAL);
	}
	for (size_t i = 0; i < sizeof(talk.client); i++) {
		talk = (struct conversation){ .has_begun = 1 };
		talk.client[i] = 0x80;
		assert_int_equal(conversation_check(&talk), -EINVAL);
	}
	talk = (struct conversation){ .lost_process = 0x80000000 };
	assert_int_equal(conversation_check(&talk), -EINVAL);
}

static void test_bad_lengths(void **state)
{
	struct conversation talk = { .has_begun = 1, .held_length = 1 };

	(void)state;
	assert_int_equal(conversation_check(&talk), -EINVAL);
	talk.held_length = 2;
	assert_int_equal(conversation_check(&talk), 0);
	talk.held[0] = 1;
	assert_int_equal(conversation_check(&talk), -EINVAL);
	talk.held_length = 3;
	assert_int_equal(conversation_check(&talk), 0);
	talk.held_length = 4;
	assert_int_equal(conversation_check(&talk), -EINVAL);
	memset(talk.held, 0xff, sizeof(talk.held));
	talk.held_length = CONVERSATION_HELD;
	assert_int_equal(conversation_check(&talk), -EINVAL);
	memset(talk.held, 0, sizeof(talk.held));
	assert_int_equal(conversation_check(&talk), 0);
	talk.held_length = CONVERSATION_HELD + 1;
	assert_int_equal(conversation_check(&talk), -EINVAL);
	talk.held_length = UINT32_MAX;
	assert_int_equal(conversation_check(&talk), -EINVAL);
}

/* All that is settled goes along: one bit more in a client shows that here. */
static void test_client(void **state)
{
	struct conversation talk = { .has_begun = 1 };
	struct client client, copy;

	(void)state;
	memset(&client, 1, sizeof(client));
	conversation_put_client(&talk, &client);
	assert_int_equal(conversation_check(&talk), 0);
	conversation_get_client(&talk, &copy);
	assert_memory_equal(&client, &copy, sizeof(client));
}

/* A session takes nothing over from what is no conversation, and all from one. */
static void test_session(void **state)
{
	struct conversation talk = { .has_begun = 1, .no_ack = 2 };
	struct fake_target fake;
	struct session *session;
	const void *bytes;

	(void)state;
	fake_target_init(&fake, &fake_machine_x86_64, 1, false);
	session = session_create(&fake.target, 7, NULL);
	assert_non_null(session);
	assert_int_equal(session_import(session, &talk, 0), -EINVAL);
	assert_false(session_has_spoken(session));
	talk = (struct conversation){ .has_begun = 1, .no_ack = 1 };
	talk.held_length = 4;
	memcpy(talk.held, "\2\0qC", 4);
	assert_int_equal(session_import(session, &talk, 0), 0);
	assert_true(session_has_spoken(session));
	assert_int_equal(session_output(session, &bytes), 7);
	assert_memory_equal(bytes, "$QC1#c5", 7);
	session_destroy(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_bad_lengths),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
