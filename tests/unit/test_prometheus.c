/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/prometheus.c, daemon/http_request.c: the text format, and who asks for it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/http_request.h"
#include "daemon/prometheus.h"

static void test_lines(void **state)
{
	struct prometheus_label labels[] = { { "vm", "web" }, { "kind", "step" } };
	char text[256];

	(void)state;
	assert_int_equal(
		prometheus_write_head(text, sizeof(text), "a_total", "counter", "What it is."),
		strlen("# HELP a_total What it is.\n# TYPE a_total counter\n"));
	assert_string_equal(text, "# HELP a_total What it is.\n# TYPE a_total counter\n");
	assert_true(prometheus_write_sample(text, sizeof(text), "a_total", NULL, 0, 7) > 0);
	assert_string_equal(text, "a_total 7\n");
	assert_true(
		prometheus_write_sample(text, sizeof(text), "a_total", labels, 2, UINT64_MAX) > 0);
	assert_string_equal(text, "a_total{vm=\"web\",kind=\"step\"} 18446744073709551615\n");
}

static void test_hostile_names(void **state)
{
	struct prometheus_label label = { "vm", "a\"} 1\nb{\\\r\x01\xff" };
	char text[256];

	(void)state;
	assert_true(prometheus_write_sample(text, sizeof(text), "a", &label, 1, 0) > 0);
	assert_string_equal(text, "a{vm=\"a\\\"} 1\\nb{\\\\\\\\x0d\\\\x01\\\\xff\"} 0\n");
}

static void test_room(void **state)
{
	struct prometheus_label label = { "vm", "w\n\x01" };
	const int whole = (int)strlen("abc{vm=\"w\\n\\\\x01\"} 12345\n");
	char text[64];

	(void)state;
	for (size_t size = 1; size < sizeof(text); size++) {
		int length;

		memset(text, '#', sizeof(text));
		length = prometheus_write_sample(text, size, "abc", &label, 1, 12345);
		assert_int_equal(length, (int)size <= whole ? -ENOBUFS : whole);
		for (size_t i = size; i < sizeof(text); i++)
			assert_int_equal(text[i], '#');
	}
}

static int judge(const char *text)
{
	return http_request_judge(text, strlen(text), "/metrics");
}

static void test_requests(void **state)
{
	static const char whole[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";

	(void)state;
	assert_int_equal(judge(whole), 200);
	for (size_t i = 0; i < strlen(whole); i++)
		assert_int_equal(http_request_judge(whole, i, "/metrics"), 0);
	assert_int_equal(judge("GET /metrics HTTP/1.0\r\n\r\n"), 200);
	assert_int_equal(judge("GET /metrics HTTP/1.0\n\n"), 200);
	assert_int_equal(judge("GET /metrics?name[]=up HTTP/1.1\r\n\r\n"), 200);
	assert_int_equal(judge("GET / HTTP/1.1\r\n\r\n"), 404);
	assert_int_equal(judge("GET /metricsx HTTP/1.1\r\n\r\n"), 404);
	assert_int_equal(judge("GET /metric HTTP/1.1\r\n\r\n"), 404);
	assert_int_equal(judge("GET ?/metrics HTTP/1.1\r\n\r\n"), 404);
	assert_int_equal(judge("POST /metrics HTTP/1.1\r\n\r\n"), 405);
	assert_int_equal(judge("HEAD /metrics HTTP/1.1\r\n\r\n"), 405);
	assert_int_equal(judge("GET /metrics HTTP/2.0\r\n\r\n"), 505);
	assert_int_equal(judge("GET /metrics\r\n\r\n"), 400);
	assert_int_equal(judge("GET /metrics \r\n\r\n"), 400);
	assert_int_equal(judge("GET  /metrics HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(judge(" GET /metrics HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(judge("GET /metrics HTTP/1.1 x\r\n\r\n"), 400);
	assert_int_equal(judge("GET /metrics HTTP/11\r\n\r\n"), 400);
	assert_int_equal(judge("\r\n\r\n"), 400);
	assert_int_equal(judge("\n\n"), 400);
	assert_int_equal(judge("$?#3f\n\n"), 400);
	assert_int_equal(http_request_judge("G\0T\n\n", 5, "/metrics"), 400);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(http_status_words(200), "OK");
	assert_string_equal(http_status_words(431), "Request Header Fields Too Large");
	assert_string_equal(http_status_words(400), "Bad Request");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("prometheus", tests, NULL, NULL);
}
