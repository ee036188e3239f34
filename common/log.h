/* SPDX-License-Identifier: PostgreSQL
 *
 * JSON lines on stderr. Lines gather in a buffer of the thread and leave in one write when
 * necp_log_flush is called (once per loop turn), when the buffer is full or when a line is an
 * error; threads that never flush pass everything on at once.
 */
#ifndef NECP_LOG_H
#define NECP_LOG_H

#include "buf.h"

typedef enum NecpLogLevel
{
	NECP_LOG_DEBUG,
	NECP_LOG_INFO,
	NECP_LOG_WARNING,
	NECP_LOG_ERROR
} NecpLogLevel;

/* Of the whole process; safe to set at any time. Starts at INFO. */
void necp_log_set_level(NecpLogLevel level);
bool necp_log_level_by_name(const char *name, NecpLogLevel *level);
bool necp_log_enabled(NecpLogLevel level);

/* One line with ts, level, msg. */
void necp_log(NecpLogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A line with further members: begin writes ts, level and msg, the caller appends members with
 * the functions below, end closes it. Between the two nothing else may log on the thread.
 */
NecpBuf *necp_log_begin(NecpLogLevel level, const char *msg);
void necp_log_text(NecpBuf *line, const char *name, const char *value, size_t len);
void necp_log_int(NecpBuf *line, const char *name, int64_t value);
void necp_log_end(NecpLogLevel level);

/* Makes this thread keep its lines until the next flush. */
void necp_log_buffered(void);
void necp_log_flush(void);
/* Flushes and frees what the thread holds; its last word. */
void necp_log_end_thread(void);

#endif
