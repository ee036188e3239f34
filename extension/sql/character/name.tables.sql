/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.name_rules (
	rule text NOT NULL CHECK (rule IN ('RESERVED', 'PROFANE', 'ALLOWED')),
	folded text NOT NULL CHECK (folded ~ '^[a-z]+$'),
	word text NOT NULL,
	origin text NOT NULL DEFAULT 'pack' CHECK (origin IN ('pack', 'operator')),
	PRIMARY KEY (rule, folded)
);
COMMENT ON TABLE game.name_rules IS 'Content: what names may not say.';
COMMENT ON COLUMN game.name_rules.rule IS 'RESERVED: no whole name; PROFANE: no part of one; ALLOWED: a PROFANE part inside of it is harmless.';
COMMENT ON COLUMN game.name_rules.folded IS 'The word as names are compared: without case and separators, digits read as letters.';
COMMENT ON COLUMN game.name_rules.word IS 'The word.';
COMMENT ON COLUMN game.name_rules.origin IS 'Who wrote the row.';
