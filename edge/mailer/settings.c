/* SPDX-License-Identifier: PostgreSQL
 *
 * What of the configuration is the mailer's.
 */
#include "config.h"
#include "log.h"
#include "mailer.h"

bool
necp_mailer_parse_from(const char *text, char **name, char **address)
{
	const char *open = strchr(text, '<');
	const char *close = open ? strchr(open, '>') : NULL;
	size_t len;

	*name = NULL;
	*address = NULL;
	if (open == NULL)
	{
		*name = necp_strdup("");
		*address = necp_strdup(text);
	}
	else if (close != NULL && close[1] == '\0')
	{
		len = (size_t) (open - text);
		while (len > 0 && text[len - 1] == ' ')
			len--;
		*name = strndup(text, len);
		*address = strndup(open + 1, (size_t) (close - open - 1));
	}
	if (*address != NULL && necp_mailer_address_ok(*address))
		return true;
	free(*name);
	free(*address);
	*name = *address = NULL;
	return false;
}

static MailTls
tls_by_name(const char *name)
{
	if (strcmp(name, "off") == 0)
		return MAIL_TLS_OFF;
	return strcmp(name, "try") == 0 ? MAIL_TLS_TRY : MAIL_TLS_REQUIRED;
}

static bool
is_smtp_url(const char *url)
{
	return strncmp(url, "smtp://", 7) == 0 || strncmp(url, "smtps://", 8) == 0;
}

void
necp_mailer_settings_load(MailSettings *settings, const char *json, const char *spool)
{
	NecpConfig *config = necp_config_parse(json, strlen(json));
	const char *transport = necp_config_text(config, "mail.transport", "spool");
	const char *url = necp_config_text(config, "mail.smtp_url", "smtp://127.0.0.1:25");
	const char *from = necp_config_text(config, "mail.from", "");

	necp_mailer_settings_free(settings);
	settings->smtp = strcmp(transport, "smtp") == 0;
	settings->smtp_url = necp_strdup(url);
	settings->smtp_tls = tls_by_name(necp_config_text(config, "mail.smtp_tls", "required"));
	settings->smtp_timeout_s = (int) necp_config_int(config, "mail.smtp_timeout_s", 30, 1, 300);
	settings->batch = (int) necp_config_int(config, "mail.batch", 20, 1, 1000);
	settings->lease_s = (int) necp_config_int(config, "mail.lease_s", 600, 1, 86400);
	settings->usable = necp_mailer_parse_from(from, &settings->from_name, &settings->from_address);
	if (!settings->usable)
		necp_log(NECP_LOG_ERROR, "mail.from is not an address: no mail is sent");
	else if (settings->smtp ? !is_smtp_url(url) : spool == NULL)
	{
		settings->usable = false;
		necp_log(NECP_LOG_ERROR,
				 settings->smtp
					 ? "mail.smtp_url is not smtp:// or smtps://: no mail is sent"
					 : "mail.transport is spool and there is no --spool: no mail is sent");
	}
	else if (!settings->smtp && strcmp(transport, "spool") != 0)
	{
		settings->usable = false;
		necp_log(NECP_LOG_ERROR, "mail.transport is neither spool nor smtp: no mail is sent");
	}
	necp_config_unref(config);
}

void
necp_mailer_settings_free(MailSettings *settings)
{
	free(settings->smtp_url);
	free(settings->from_name);
	free(settings->from_address);
	memset(settings, 0, sizeof(*settings));
}
