/* SPDX-License-Identifier: PostgreSQL
 *
 * Mails as files: written under a name that readers leave alone (it begins with a dot), renamed when
 * whole. One file per mail, whatever the attempt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "mailer.h"

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		len -= (size_t) written;
	}
	return true;
}

/* The name is durable only once the folder is. */
static bool
sync_folder(int folder)
{
	return fsync(folder) == 0;
}

static bool
write_file(int folder, const char *temporary, const char *name, const NecpBuf *message)
{
	int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool whole;
	int error;

	if (fd < 0)
		return false;
	whole = write_all(fd, message->data, message->len) && fsync(fd) == 0;
	error = errno;
	if (close(fd) != 0 && whole)
	{
		whole = false;
		error = errno;
	}
	errno = error;
	if (whole && renameat(folder, temporary, folder, name) == 0)
		return sync_folder(folder);
	error = errno;
	unlinkat(folder, temporary, 0);
	errno = error;
	return false;
}

void
necp_mailer_spool(const char *folder, const Mail *mail, const NecpBuf *message, MailResult *result)
{
	char name[64];
	char temporary[96];
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(name,
			 sizeof(name),
			 "%lld-%lld.eml",
			 (long long) mail->id,
			 (long long) mail->created_us);
	snprintf(temporary, sizeof(temporary), ".%s.%d", name, (int) getpid());
	if (fd >= 0 && write_file(fd, temporary, name, message))
		result->outcome = MAIL_SENT;
	else
	{
		result->outcome = MAIL_RETRY;
		snprintf(result->logged, sizeof(result->logged), "spool: %s", strerror(errno));
		snprintf(result->error, sizeof(result->error), "%s", result->logged);
	}
	if (fd >= 0)
		close(fd);
}
