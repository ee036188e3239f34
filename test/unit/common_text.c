/* SPDX-License-Identifier: PostgreSQL
 *
 * Buffers, UTF-8, UUIDs, numbers.
 */
#include "buf.h"
#include "common_tap.h"
#include "config.h"
#include "uuid.h"

static bool
utf8(const char *text)
{
	return necp_utf8_valid(text, strlen(text));
}

static void
test_utf8(void)
{
	ok(utf8("") && utf8("abc") && utf8("h\xC3\xA9") && utf8("\xF0\x9F\x98\x80"), "valid UTF-8");
	ok(!utf8("\xC0\xAF") && !utf8("\xE0\x80\xAF") && !utf8("\xF0\x80\x80\xAF"), "overlong forms");
	ok(!utf8("\xED\xA0\x80"), "a surrogate");
	ok(!utf8("\xF4\x90\x80\x80") && !utf8("\xFF"), "beyond U+10FFFF");
	ok(!utf8("\xE2\x82") && !utf8("\x80"), "cut and stray bytes");
	ok(necp_utf8_cut("a\xE2\x82\xAC", 4, 3) == 1, "a character is not cut");
	ok(necp_utf8_cut("abc", 3, 10) == 3, "short text is left whole");
}

static void
test_json_text(void)
{
	NecpBuf buf = {0};

	necp_buf_add_json(&buf, "a\"b\\c\n\x01\xFFz", 9);
	is(necp_buf_terminate(&buf), "\"a\\\"b\\\\c\\n\\u0001\xEF\xBF\xBDz\"", "JSON escapes");
	necp_buf_free(&buf);
}

static void
test_uuid(void)
{
	NecpUuid uuid;
	NecpUuid again;

	ok(necp_uuid_parse(&uuid, "6F1C0C6E-8f0e-4d8e-9d38-0123456789AB", 36), "a UUID");
	is(uuid.text, "6f1c0c6e-8f0e-4d8e-9d38-0123456789ab", "is lower-cased");
	ok(!necp_uuid_parse(&uuid, "6f1c0c6e8f0e4d8e9d380123456789ab", 32), "without dashes");
	ok(!necp_uuid_parse(&uuid, "{f1c0c6e-8f0e-4d8e-9d38-0123456789ab", 36), "with a brace");
	ok(!necp_uuid_parse(&uuid, "6f1c0c6e-8f0e-4d8e-9d38-0123456789ag", 36),
	   "with a letter beyond f");
	necp_uuid_generate(&uuid);
	necp_uuid_generate(&again);
	ok(necp_uuid_parse(&uuid, uuid.text, strlen(uuid.text)) && uuid.text[14] == '4', "generated");
	ok(strcmp(uuid.text, again.text) != 0, "and another one");
}

static void
test_numbers(void)
{
	char text[24];

	necp_format_int(text, INT64_MIN);
	is(text, "-9223372036854775808", "the smallest integer");
	necp_format_int(text, 0);
	is(text, "0", "zero");
}

static void
test_flags(void)
{
	const char *db = NULL;
	int n = 5;
	const NecpFlag flags[] = {{"--db", NECP_FLAG_TEXT, &db, "CONNINFO", "", true, 0, 0},
							  {"--n", NECP_FLAG_INT, &n, "N", "", false, 1, 9},
							  {0}};
	char *good[] = {"x", "--db", "a=b", "--n=7"};
	char host[64];
	char port[8];

	ok(necp_flags_parse(flags, "x", 4, good) && n == 7, "flags in both forms");
	is(db, "a=b", "a value with an equals sign");
	ok(!necp_flags_parse(flags, "x", 3, (char *[]){"x", "--n", "12"}), "out of range");
	ok(!necp_flags_parse(flags, "x", 2, (char *[]){"x", "--what"}), "unknown");
	ok(!necp_flags_parse(flags, "x", 2, (char *[]){"x", "--n"}), "no value");
	db = NULL;
	ok(!necp_flags_parse(flags, "x", 1, (char *[]){"x"}), "a required one missing");
	ok(necp_flags_split_address("[::1]:80", host, sizeof(host), port, sizeof(port)), "an address");
	is(host, "::1", "host without brackets");
	ok(!necp_flags_split_address("localhost", host, sizeof(host), port, sizeof(port)), "no port");
	ok(!necp_flags_split_address("a:8x", host, sizeof(host), port, sizeof(port)), "not a port");
}

static void
test_config(void)
{
	static const char text[] = "{\"a\":5,\"b\":\"x\",\"c\":null,\"d\":true,\"e\":1.5}";
	NecpConfig *config = necp_config_parse(text, sizeof(text) - 1);

	ok(necp_config_int(config, "a", 1, 0, 10) == 5, "an integer");
	ok(necp_config_int(config, "a", 1, 6, 10) == 1, "out of range: the default");
	ok(necp_config_int(config, "b", 1, 0, 10) == 1, "of another type: the default");
	ok(necp_config_int(config, "c", 1, 0, 10) == 1, "null: the default");
	ok(necp_config_bool(config, "d", false) && necp_config_real(config, "e", 0) == 1.5, "others");
	is(necp_config_text(config, "b", ""), "x", "text");
	ok(necp_config_int(NULL, "a", 3, 0, 10) == 3, "no config: the default");
	necp_config_unref(config);
	ok(necp_config_parse("[]", 2) == NULL && necp_config_parse("{", 1) == NULL, "not an object");
}

int
main(void)
{
	test_utf8();
	test_json_text();
	test_uuid();
	test_numbers();
	test_flags();
	test_config();
	return done_testing();
}
