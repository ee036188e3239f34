/* SPDX-License-Identifier: PostgreSQL
 *
 * Wall clock time; the calendar part is kept from call to call, since it rarely changes.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clockwork.h"

uint64_t
necp_clockwork_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}

void
necp_clockwork_iso(uint64_t ms, char out[CLOCKWORK_ISO])
{
	static time_t second = -1;
	static char text[CLOCKWORK_ISO];
	time_t wanted = (time_t) (ms / 1000);
	unsigned millis = (unsigned) (ms % 1000);
	struct tm tm;

	if (wanted != second && gmtime_r(&wanted, &tm) != NULL)
	{
		/* years beyond 9999 have no such form */
		if (strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &tm) != 20)
			memcpy(text, "9999-12-31T23:59:59.", 21);
		second = wanted;
	}
	memcpy(out, text, 20);
	snprintf(out + 20, CLOCKWORK_ISO - 20, "%03uZ", millis);
}
