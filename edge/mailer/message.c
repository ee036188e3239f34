/* SPDX-License-Identifier: PostgreSQL
 *
 * A mail as text: headers of RFC 5322, what is not ASCII in them by RFC 2047, the body quoted-printable.
 * Nothing of a mail can end a header: whatever holds a control character is encoded, and an address
 * that does is none.
 */
#include <stdio.h>
#include <time.h>

#include "mailer.h"

#define LINE 76
#define WORD_BYTES                                                                                 \
	42 /* "=?UTF-8?B?" + 56 characters + "?=" is 68: with "Subject: " before it, 77 */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* One @ between two parts of what may stand in an envelope and a header as it is. */
bool
necp_mailer_address_ok(const char *address)
{
	const char *at = strchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
		strlen(address) > 1020 || !necp_utf8_valid(address, strlen(address)))
		return false;
	for (const char *c = address; *c != '\0'; c++)
		if ((unsigned char) *c <= ' ' || *c == 0x7F || strchr("<>()[]\\,;:\"", *c) != NULL)
			return false;
	return true;
}

static void
add_base64(NecpBuf *out, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 3)
	{
		unsigned n = (unsigned) bytes[i] << 16;
		char quad[4];

		if (i + 1 < len)
			n |= (unsigned) bytes[i + 1] << 8;
		if (i + 2 < len)
			n |= bytes[i + 2];
		quad[0] = base64[n >> 18 & 63];
		quad[1] = base64[n >> 12 & 63];
		quad[2] = i + 1 < len ? base64[n >> 6 & 63] : '=';
		quad[3] = i + 2 < len ? base64[n & 63] : '=';
		necp_buf_add(out, quad, 4);
	}
}

/* Whether it can stand in a header unencoded, on one line after column characters. */
static bool
is_plain(const char *text, size_t column)
{
	size_t len = strlen(text);

	if (column + len > LINE || strstr(text, "=?") != NULL || text[0] == ' ' ||
		(len > 0 && text[len - 1] == ' '))
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return true;
}

/* Encoded words, one per line. */
static void
add_encoded(NecpBuf *out, const char *text)
{
	size_t len = strlen(text);

	for (size_t done = 0; done < len;)
	{
		size_t part = necp_utf8_cut(text + done, len - done, WORD_BYTES);

		if (done > 0)
			necp_buf_add_text(out, "\r\n ");
		necp_buf_add_text(out, "=?UTF-8?B?");
		add_base64(out, (const unsigned char *) text + done, part);
		necp_buf_add_text(out, "?=");
		done += part;
	}
}

/* Unstructured text of a header after column characters: as it is where it can be, else encoded. */
void
necp_mailer_add_words(NecpBuf *out, const char *text, size_t column)
{
	if (is_plain(text, column))
		necp_buf_add_text(out, text);
	else
		add_encoded(out, text);
}

/* A phrase before an address: a quoted string where that says it, else encoded words. */
static void
add_phrase(NecpBuf *out, const char *name, size_t column)
{
	if (is_plain(name, column + 2) && strpbrk(name, "\"\\") == NULL)
		necp_buf_add_format(out, "\"%s\"", name);
	else
		add_encoded(out, name);
}

static bool
stands_for_itself(unsigned char c)
{
	return c >= ' ' && c <= '~' && c != '=';
}

/*
 * Lines of at most 76 characters that end with CRLF. A blank at a line's end is encoded, and so is what
 * transports mistake for theirs at its beginning: a dot, and "From ".
 */
void
necp_mailer_add_quoted_printable(NecpBuf *out, const char *text)
{
	size_t column = 0;

	for (const char *c = text; *c != '\0'; c++)
	{
		bool ends_line = c[1] == '\0' || c[1] == '\n' || (c[1] == '\r' && c[2] == '\n');
		bool literal = stands_for_itself((unsigned char) *c) && !(*c == ' ' && ends_line) &&
					   !(column == 0 && (*c == '.' || strncmp(c, "From ", 5) == 0));
		size_t width = literal ? 1 : 3;

		if (*c == '\r' && c[1] == '\n')
			continue;
		if (*c == '\n')
		{
			necp_buf_add_text(out, "\r\n");
			column = 0;
			continue;
		}
		/* the last place of a line is for the = that breaks it, unless the text's line ends here */
		if (column + width > (ends_line ? LINE : LINE - 1))
		{
			necp_buf_add_text(out, "=\r\n");
			column = 0;
		}
		if (literal)
			necp_buf_add(out, c, 1);
		else
			necp_buf_add_format(out, "=%02X", (unsigned char) *c);
		column += width;
	}
	if (column > 0)
		necp_buf_add_text(out, "\r\n");
}

/* By names of our own: strftime() would ask the locale. */
static void
add_date(NecpBuf *out, int64_t unix_us)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] =
		{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t) (unix_us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	necp_buf_add_format(out,
						"Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n",
						days[tm.tm_wday],
						tm.tm_mday,
						months[tm.tm_mon],
						tm.tm_year + 1900,
						tm.tm_hour,
						tm.tm_min,
						tm.tm_sec);
}

bool
necp_mailer_message(NecpBuf *out, const MailSettings *settings, const Mail *mail)
{
	if (!necp_mailer_address_ok(mail->recipient))
		return false;
	add_date(out, mail->created_us);
	necp_buf_add_text(out, "From: ");
	if (settings->from_name[0] != '\0')
	{
		add_phrase(out, settings->from_name, 6);
		necp_buf_add_text(out, "\r\n ");
	}
	necp_buf_add_format(out,
						"<%s>\r\nTo: <%s>\r\nSubject: ",
						settings->from_address,
						mail->recipient);
	necp_mailer_add_words(out, mail->subject, 9);
	necp_buf_add_format(out,
						"\r\nMessage-ID: <necp.%lld.%lld%s>\r\n",
						(long long) mail->id,
						(long long) mail->created_us,
						strchr(settings->from_address, '@'));
	necp_buf_add_text(out,
					  "Auto-Submitted: auto-generated\r\n"
					  "MIME-Version: 1.0\r\n"
					  "Content-Type: text/plain; charset=utf-8\r\n"
					  "Content-Transfer-Encoding: quoted-printable\r\n"
					  "\r\n");
	necp_mailer_add_quoted_printable(out, mail->body);
	return true;
}
