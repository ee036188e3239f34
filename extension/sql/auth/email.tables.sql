/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.email_templates (
	code text NOT NULL CHECK (code ~ '^[A-Z][A-Z0-9_]*$'),
	language text NOT NULL CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
	subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200 AND subject !~ '[[:cntrl:]]'),
	body text NOT NULL CHECK (length(body) BETWEEN 1 AND 20000),
	origin text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'operator')),
	PRIMARY KEY (code, language)
);
COMMENT ON TABLE game.email_templates IS 'Content: texts of e-mail, with {{name}} where something is filled in.';
COMMENT ON COLUMN game.email_templates.code IS 'Name in the rules.';
COMMENT ON COLUMN game.email_templates.language IS 'BCP 47 tag; en is what every text has.';
COMMENT ON COLUMN game.email_templates.subject IS 'Subject, one line.';
COMMENT ON COLUMN game.email_templates.body IS 'Plain text.';
COMMENT ON COLUMN game.email_templates.origin IS 'Who wrote the row; an import keeps an operator''s.';

CREATE TABLE game.email_outbox (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	recipient text NOT NULL,
	template text NOT NULL,
	data jsonb,
	created_at timestamptz NOT NULL,
	attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
	next_attempt_at timestamptz NOT NULL,
	node text,
	sent_at timestamptz,
	failed_at timestamptz,
	last_error text,
	CHECK (sent_at IS NULL OR failed_at IS NULL),
	CONSTRAINT email_outbox_forgotten CHECK ((data IS NULL) = (sent_at IS NOT NULL OR failed_at IS NOT NULL))
);
CREATE INDEX email_outbox_due ON game.email_outbox (next_attempt_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX email_outbox_account ON game.email_outbox (account_id);
COMMENT ON TABLE game.email_outbox IS 'E-mail to be sent. Private: it holds tokens until they leave.';
COMMENT ON COLUMN game.email_outbox.id IS 'Identity; also of the message, so that one sent twice can be recognised.';
COMMENT ON COLUMN game.email_outbox.account_id IS 'To whom.';
COMMENT ON COLUMN game.email_outbox.recipient IS 'Address.';
COMMENT ON COLUMN game.email_outbox.template IS 'Text to send.';
COMMENT ON COLUMN game.email_outbox.data IS 'What the text is filled with; null once it is sent or given up.';
COMMENT ON COLUMN game.email_outbox.created_at IS 'When it was written.';
COMMENT ON COLUMN game.email_outbox.attempts IS 'Times it was claimed.';
COMMENT ON COLUMN game.email_outbox.next_attempt_at IS 'When to try next; while it is claimed, the end of the lease.';
COMMENT ON COLUMN game.email_outbox.node IS 'Mailer that claimed it last.';
COMMENT ON COLUMN game.email_outbox.sent_at IS 'When it left.';
COMMENT ON COLUMN game.email_outbox.failed_at IS 'When it was given up.';
COMMENT ON COLUMN game.email_outbox.last_error IS 'Why the last attempt failed.';

INSERT INTO game.config (key, value, description) VALUES
	('mail.transport', '"spool"', 'spool: a file per mail in the mailer''s folder; smtp: to the server of mail.smtp_url.'),
	('mail.smtp_url', '"smtp://127.0.0.1:25"', 'SMTP server: smtp://HOST:PORT, or smtps:// for TLS from the first byte.'),
	('mail.smtp_tls', '"try"', 'STARTTLS: required, try (a server without is spoken to in the clear) or off.'),
	('mail.smtp_timeout_s', '30', 'Time for one mail; the connection takes at most a third of it.'),
	('mail.from', '"NECPGAME <no-reply@localhost>"', 'Sender of every mail: Name <address>.'),
	('mail.link_base', '"http://localhost:8080"', 'What links in mails begin with.'),
	('mail.attempts', '6', 'Attempts before a mail is given up: the first and its retries.'),
	('mail.backoff_s', '60', 'Pause after the first failure.'),
	('mail.backoff_factor', '4', 'What each further pause is longer by.'),
	('mail.lease_s', '600', 'Time that a mailer has for what it claimed.'),
	('mail.batch', '20', 'Mails that a mailer claims at once.'),
	('mail.keep_s', '2592000', 'How long it is remembered that a mail was sent.');
