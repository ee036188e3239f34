/* SPDX-License-Identifier: PostgreSQL
 *
 * Mails as text: quoted-printable, encoded words, addresses, headers that nothing can add to.
 */
#include "mailer.h"

#include "common_tap.h"

bool
necp_mailer_stopping(void)
{
	return false;
}

uint64_t
necp_mailer_stopping_ms(void)
{
	return 0;
}

static void
quoted(const char *text, const char *expected, const char *name)
{
	NecpBuf out = {0};

	necp_mailer_add_quoted_printable(&out, text);
	is(necp_buf_terminate(&out), expected, name);
	necp_buf_free(&out);
}

/* What the lines decode to, and whether none is too long. */
static bool
survives(const char *text)
{
	NecpBuf out = {0};
	NecpBuf back = {0};
	size_t column = 0;
	bool good = true;
	const char *c;

	necp_mailer_add_quoted_printable(&out, text);
	for (c = necp_buf_terminate(&out); *c != '\0'; c++)
	{
		unsigned byte;

		if (strncmp(c, "=\r\n", 3) == 0 || strncmp(c, "\r\n", 2) == 0)
		{
			if (*c != '=')
				necp_buf_add_text(&back, "\n");
			good = good && column + (*c == '=') <= 76;
			c += *c == '=' ? 2 : 1;
			column = 0;
			continue;
		}
		good = good && *c >= ' ' && *c <= '~';
		if (*c == '=' && sscanf(c + 1, "%2X", &byte) == 1)
		{
			char decoded = (char) byte;

			necp_buf_add(&back, &decoded, 1);
			c += 2;
			column += 3;
			continue;
		}
		necp_buf_add(&back, c, 1);
		column++;
	}
	good = good && column == 0 && strcmp(necp_buf_terminate(&back), text) == 0;
	necp_buf_free(&out);
	necp_buf_free(&back);
	return good;
}

static void
test_quoted_printable(void)
{
	char text[400];
	bool all = true;

	quoted("", "", "nothing");
	quoted("Hello,\nworld", "Hello,\r\nworld\r\n", "lines end with CRLF, the last one too");
	quoted("a\r\nb\n", "a\r\nb\r\n", "whatever they ended with");
	quoted("1 = 1", "1 =3D 1\r\n", "the sign of equality");
	quoted("za\xC5\xBC\xC3\xB3\xC5\x82\xC4\x87", "za=C5=BC=C3=B3=C5=82=C4=87\r\n", "UTF-8");
	quoted("end \n\tx\t", "end=20\r\n=09x=09\r\n", "blanks at an end, tabulators");
	quoted("a\rb\x01", "a=0Db=01\r\n", "what would break a line breaks none");
	quoted(".\n..\nFrom me\n", "=2E\r\n=2E.\r\n=46rom me\r\n", "what transports take for theirs");
	for (size_t len = 70; len < 160; len++)
	{
		memset(text, 'x', len);
		strcpy(text + len, "\n");
		all = all && survives(text);
		text[len / 2] = '=';
		text[len - 1] = ' ';
		all = all && survives(text);
		memcpy(text + len - 8, "\xF0\x9F\x98\x80", 4);
		all = all && survives(text);
	}
	ok(all, "lines of any length survive, and none gets longer than 76");
}

static void
words(const char *text, const char *expected, const char *name)
{
	NecpBuf out = {0};

	necp_mailer_add_words(&out, text, 9);
	is(necp_buf_terminate(&out), expected, name);
	necp_buf_free(&out);
}

static void
test_words(void)
{
	words("Confirm your address", "Confirm your address", "ASCII stays as it is");
	words("Gr\xC3\xBC\xC3\x9F", "=?UTF-8?B?R3LDvMOf?=", "what is not ASCII is encoded");
	words("a\r\nBcc: b@c", "=?UTF-8?B?YQ0KQmNjOiBiQGM=?=", "a line break adds no header");
	words("=?UTF-8?B?YQ==?=", "=?UTF-8?B?PT9VVEYtOD9CP1lRPT0/PQ==?=", "what looks encoded is");
	words("0123456789012345678901234567890123456789012345678901234567890123456789",
		  "=?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAx?=\r\n "
		  "=?UTF-8?B?MjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==?=",
		  "a long line is folded");
	words("0123456789012345678901234567890123456789\xE2\x82\xAC\xE2\x82\xAC",
		  "=?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==?=\r\n "
		  "=?UTF-8?B?4oKs4oKs?=",
		  "between characters");
}

static void
test_addresses(void)
{
	ok(necp_mailer_address_ok("a@b"), "an address");
	ok(necp_mailer_address_ok("zo\xC3\xAB+x@ex\xC3\xA4mple.org"), "in any script");
	ok(!necp_mailer_address_ok("") && !necp_mailer_address_ok("a") &&
		   !necp_mailer_address_ok("@b") && !necp_mailer_address_ok("a@") &&
		   !necp_mailer_address_ok("a@b@c"),
	   "one @ between two parts");
	ok(!necp_mailer_address_ok("a@b>\r\nRCPT TO:<c@d") && !necp_mailer_address_ok("a@b\nc") &&
		   !necp_mailer_address_ok("a@b> SIZE=1") && !necp_mailer_address_ok("a@b,c"),
	   "nothing that means something in an envelope");
	ok(!necp_mailer_address_ok("a\xFF@b"), "not UTF-8");
}

static void
from(const char *text, const char *name, const char *address)
{
	char *got_name;
	char *got_address;
	bool good = necp_mailer_parse_from(text, &got_name, &got_address);

	ok(good == (address != NULL), text);
	is(got_name, name, "its name");
	is(got_address, address, "its address");
	free(got_name);
	free(got_address);
}

static void
test_from(void)
{
	from("Game <a@b.example>", "Game", "a@b.example");
	from("a@b.example", "", "a@b.example");
	from("<a@b.example>", "", "a@b.example");
	from("Game <a@b.example", NULL, NULL);
	from("Game <a@b.example> x", NULL, NULL);
	from("nobody", NULL, NULL);
}

static void
message(const char *name, const Mail *mail, const char *expected, const char *what)
{
	char address[] = "no-reply@game.example";
	MailSettings settings = {.from_address = address};
	NecpBuf out = {0};
	bool built;

	settings.from_name = strdup(name);
	built = necp_mailer_message(&out, &settings, mail);
	is(built ? necp_buf_terminate(&out) : NULL, expected, what);
	necp_buf_free(&out);
	free(settings.from_name);
}

#define REST                                                                                       \
	"Message-ID: <necp.7.1700000000000001@game.example>\r\n"                                       \
	"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"                                      \
	"Content-Type: text/plain; charset=utf-8\r\n"                                                  \
	"Content-Transfer-Encoding: quoted-printable\r\n\r\nHi\r\n"
#define DATE "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"

static void
test_message(void)
{
	Mail mail = {.id = 7,
				 .attempt = 1,
				 .created_us = 1700000000000001,
				 .recipient = "ann@example.org",
				 .subject = "Hello",
				 .body = "Hi"};

	message("The Game, Inc.",
			&mail,
			DATE "From: \"The Game, Inc.\"\r\n <no-reply@game.example>\r\n"
				 "To: <ann@example.org>\r\nSubject: Hello\r\n" REST,
			"a mail");
	mail.attempt = 2;
	message("",
			&mail,
			DATE
			"From: <no-reply@game.example>\r\nTo: <ann@example.org>\r\nSubject: Hello\r\n" REST,
			"the same when it is sent again, here by nobody in particular");
	message("Gr\xC3\xBC\xC3\x9F\"e",
			&mail,
			DATE "From: =?UTF-8?B?R3LDvMOfImU=?=\r\n <no-reply@game.example>\r\n"
				 "To: <ann@example.org>\r\nSubject: Hello\r\n" REST,
			"a sender that is not ASCII");
	mail.recipient = "ann@example.org>\r\nBcc: <all@example.org";
	message("", &mail, NULL, "to an address that is none nothing is written");
}

int
main(void)
{
	test_quoted_printable();
	test_words();
	test_addresses();
	test_from();
	test_message();
	return done_testing();
}
