/* SPDX-License-Identifier: PostgreSQL
 *
 * SMTP by libcurl. One handle is one connection, which curl keeps for the next mail and opens anew where
 * the server closed it. A 5xx about a mail is final; one about us (greeting, login, TLS) is not: the
 * mail may leave once that is put right.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "loop.h"
#include "mailer.h"

#define STOP_PATIENCE_MS 8000 /* for the answer to a mail that is under way when we are to stop */

struct SmtpSession
{
	CURL *curl;
	char error[CURL_ERROR_SIZE];
	char reply[200]; /* the server's last refusal */
	const NecpBuf *message;
	size_t read;
	curl_socket_t socket;
	uint64_t timeout_ms;
	uint64_t started_ms;
};

static size_t
on_read(char *buffer, size_t size, size_t count, void *arg)
{
	SmtpSession *session = arg;
	size_t len = session->message->len - session->read;

	if (len > size * count)
		len = size * count;
	memcpy(buffer, session->message->data + session->read, len);
	session->read += len;
	return len;
}

static size_t
on_reply(char *line, size_t size, size_t count, void *arg)
{
	SmtpSession *session = arg;
	size_t len = size * count;

	if (len == 0 || (line[0] != '4' && line[0] != '5'))
		return size * count;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	len = necp_utf8_cut(line, len, sizeof(session->reply) - 1);
	memcpy(session->reply, line, len);
	session->reply[len] = '\0';
	return size * count;
}

static int
on_socket(void *arg, curl_socket_t socket, curlsocktype purpose)
{
	((SmtpSession *) arg)->socket = socket;
	return CURL_SOCKOPT_OK;
}

/*
 * What has not begun is not begun when we are to stop; what has gets a while to end. The socket is shut
 * because curl would else say QUIT and wait for the answer of who does not answer.
 */
static int
on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	SmtpSession *session = arg;
	bool late = necp_now_ms() - session->started_ms > session->timeout_ms;
	bool stop = necp_mailer_stopping() &&
				(session->read == 0 || necp_mailer_stopping_ms() > STOP_PATIENCE_MS);

	if (!late && !stop)
		return 0;
	if (session->socket != CURL_SOCKET_BAD)
		shutdown(session->socket, SHUT_RDWR);
	return 1;
}

static void
set_login(CURL *curl)
{
	const char *user = getenv("NECP_SMTP_USER");
	const char *password = getenv("NECP_SMTP_PASSWORD");

	if (user == NULL || user[0] == '\0')
		return;
	curl_easy_setopt(curl, CURLOPT_USERNAME, user);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, password ? password : "");
}

SmtpSession *
necp_mailer_smtp_open(const MailSettings *settings)
{
	SmtpSession *session = necp_alloc_zero(sizeof(SmtpSession));
	long tls[] = {[MAIL_TLS_OFF] = CURLUSESSL_NONE,
				  [MAIL_TLS_TRY] = CURLUSESSL_TRY,
				  [MAIL_TLS_REQUIRED] = CURLUSESSL_ALL};
	long timeout_ms = settings->smtp_timeout_s * 1000L;
	const char *authority = getenv("NECP_SMTP_CA");
	CURL *curl = curl_easy_init();
	NecpBuf from = {0};

	if (curl == NULL)
		abort(); /* out of memory, like necp_alloc */
	session->curl = curl;
	session->socket = CURL_SOCKET_BAD;
	session->timeout_ms = (uint64_t) timeout_ms;
	curl_easy_setopt(curl, CURLOPT_URL, settings->smtp_url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_USE_SSL, tls[settings->smtp_tls]);
	if (authority != NULL && authority[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, authority);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	/* on_progress() watches the time; these are for where it is not asked */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms + 2000);
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long) settings->smtp_timeout_s);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, session);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms / 3 + 1);
	necp_buf_add_format(&from, "<%s>", settings->from_address);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, necp_buf_terminate(&from)); /* copied */
	necp_buf_free(&from);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, session);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_reply);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, session);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, session);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, session->error);
	set_login(curl);
	return session;
}

/* 530, 534, 535 and 538 ask for a login or for TLS: our trouble, not the mail's. */
static bool
refuses_the_mail(const SmtpSession *session, CURLcode code, long reply)
{
	if (reply < 500 || reply > 599 || reply == 530 || reply == 534 || reply == 535 || reply == 538)
		return false;
	/* SEND_ERROR: to MAIL, RCPT or DATA; WEIRD_SERVER_REPLY: to the text, or to our greeting */
	return code == CURLE_SEND_ERROR || (code == CURLE_WEIRD_SERVER_REPLY && session->read > 0);
}

static void
describe(const SmtpSession *session, CURLcode code, long reply, MailResult *result)
{
	if (code == CURLE_ABORTED_BY_CALLBACK)
	{
		snprintf(result->logged, sizeof(result->logged), "the server did not answer in time");
		snprintf(result->error, sizeof(result->error), "%s", result->logged);
		return;
	}
	if (reply >= 400 && reply <= 599)
		snprintf(result->logged, sizeof(result->logged), "the server said %ld", reply);
	else
		snprintf(result->logged, sizeof(result->logged), "%s", curl_easy_strerror(code));
	snprintf(result->error,
			 sizeof(result->error),
			 "%s",
			 reply >= 400 && reply <= 599 && session->reply[0] != '\0' ? session->reply
			 : session->error[0] != '\0'                               ? session->error
																	   : curl_easy_strerror(code));
}

void
necp_mailer_smtp_send(SmtpSession *session, const Mail *mail, const NecpBuf *message,
					  MailResult *result)
{
	struct curl_slist *to = NULL;
	CURLcode code;
	long reply = 0;

	session->message = message;
	session->read = 0;
	session->started_ms = necp_now_ms();
	session->reply[0] = session->error[0] = '\0';
	to = curl_slist_append(NULL, mail->recipient);
	curl_easy_setopt(session->curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(session->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t) message->len);
	code = curl_easy_perform(session->curl);
	curl_easy_getinfo(session->curl, CURLINFO_RESPONSE_CODE, &reply);
	curl_easy_setopt(session->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(to);
	if (code == CURLE_OK)
	{
		result->outcome = MAIL_SENT;
		return;
	}
	describe(session, code, reply, result);
	if (code == CURLE_ABORTED_BY_CALLBACK && session->read == 0 && necp_mailer_stopping())
		result->outcome = MAIL_UNTOUCHED;
	else
		result->outcome = refuses_the_mail(session, code, reply) ? MAIL_REFUSED : MAIL_RETRY;
}

/* Says QUIT. */
void
necp_mailer_smtp_close(SmtpSession *session)
{
	if (session == NULL)
		return;
	curl_easy_cleanup(session->curl);
	free(session);
}
