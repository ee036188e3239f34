/* SPDX-License-Identifier: PostgreSQL
 *
 * Text that people write and others read: names, titles, subjects (DOMAIN §33, abuse case 38).
 */
#ifndef NECP_KERNEL_TEXT_H
#define NECP_KERNEL_TEXT_H

#include "postgres.h"

#include "fmgr.h"

/*
 * An argument of one line: normalised (NFC), every kind of blank as U+0020 and none at the ends, then
 * min to max code points. Refuses as VALIDATION with that field what is not for reading: control,
 * format (bidi, zero-width) and unassigned characters, marks without a character, and more than four
 * marks over one.
 */
extern char *necp_arg_line(FunctionCallInfo fcinfo, int n, const char *field, int min, int max);

/* The same text with every character that necp_arg_line() refuses as a blank. */
extern char *necp_text_clean(const char *text);

#endif
