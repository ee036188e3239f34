/* SPDX-License-Identifier: PostgreSQL
 *
 * JSON lines on stderr, one write per flush.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_AT 32768

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static _Atomic int minimum_level = NECP_LOG_INFO;

static _Thread_local NecpBuf lines;
static _Thread_local bool keeps_lines;

void
necp_log_set_level(NecpLogLevel level)
{
	atomic_store_explicit(&minimum_level, (int) level, memory_order_relaxed);
}

bool
necp_log_level_by_name(const char *name, NecpLogLevel *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(level_names[i], name) == 0)
		{
			*level = (NecpLogLevel) i;
			return true;
		}
	return false;
}

bool
necp_log_enabled(NecpLogLevel level)
{
	return (int) level >= atomic_load_explicit(&minimum_level, memory_order_relaxed);
}

/* ISO 8601 in UTC; the text up to the seconds is kept, because many lines share it. */
static void
add_timestamp(NecpBuf *line)
{
	static _Thread_local time_t kept_second;
	static _Thread_local char kept[32];
	struct timespec now;
	char millis[8];

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != kept_second || kept[0] == '\0')
	{
		struct tm tm;

		gmtime_r(&now.tv_sec, &tm);
		strftime(kept, sizeof(kept), "%Y-%m-%dT%H:%M:%S", &tm);
		kept_second = now.tv_sec;
	}
	necp_buf_add_text(line, kept);
	snprintf(millis, sizeof(millis), ".%03dZ", (int) (now.tv_nsec / 1000000) % 1000);
	necp_buf_add(line, millis, 5);
}

NecpBuf *
necp_log_begin(NecpLogLevel level, const char *msg)
{
	necp_buf_add_text(&lines, "{\"ts\":\"");
	add_timestamp(&lines);
	necp_buf_add_text(&lines, "\",\"level\":\"");
	necp_buf_add_text(&lines, level_names[level]);
	necp_buf_add_text(&lines, "\",\"msg\":");
	necp_buf_add_json(&lines, msg, strlen(msg));
	return &lines;
}

void
necp_log_text(NecpBuf *line, const char *name, const char *value, size_t len)
{
	necp_buf_add(line, ",\"", 2);
	necp_buf_add_text(line, name);
	necp_buf_add(line, "\":", 2);
	necp_buf_add_json(line, value, len);
}

void
necp_log_int(NecpBuf *line, const char *name, int64_t value)
{
	necp_buf_add(line, ",\"", 2);
	necp_buf_add_text(line, name);
	necp_buf_add(line, "\":", 2);
	necp_buf_add_int(line, value);
}

void
necp_log_end(NecpLogLevel level)
{
	necp_buf_add(&lines, "}\n", 2);
	if (!keeps_lines || level >= NECP_LOG_ERROR || lines.len >= FLUSH_AT)
		necp_log_flush();
}

void
necp_log(NecpLogLevel level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!necp_log_enabled(level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	necp_log_begin(level, text);
	necp_log_end(level);
}

void
necp_log_buffered(void)
{
	keeps_lines = true;
}

void
necp_log_flush(void)
{
	size_t done = 0;

	while (done < lines.len)
	{
		ssize_t n = write(STDERR_FILENO, lines.data + done, lines.len - done);

		if (n > 0)
			done += (size_t) n;
		else if (n < 0 && errno != EINTR)
			break; /* nobody reads the log; serving goes on */
	}
	lines.len = 0;
	if (!keeps_lines)
		necp_buf_free(&lines); /* such a thread may end without another word */
}

void
necp_log_end_thread(void)
{
	keeps_lines = false;
	necp_log_flush();
}
