/* SPDX-License-Identifier: PostgreSQL
 *
 * send and recv, found by libpq before those of the C library.
 */
#include "cork.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

static _Thread_local bool corked;

void
necp_cork(bool on)
{
	corked = on;
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	if (corked)
	{
		errno = EAGAIN;
		return -1;
	}
	return sendto(fd, data, len, flags, NULL, 0);
}

/* After a write that would block libpq tries to read: that call is saved as well. */
ssize_t
recv(int fd, void *data, size_t len, int flags)
{
	if (corked)
	{
		errno = EAGAIN;
		return -1;
	}
	return recvfrom(fd, data, len, flags, NULL, NULL);
}
