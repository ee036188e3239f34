/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.bank_storage (
	account_id bigint PRIMARY KEY REFERENCES game.accounts (id),
	container_id bigint NOT NULL UNIQUE REFERENCES game.containers (id),
	slots int NOT NULL CHECK (slots BETWEEN 1 AND 1000)
);
COMMENT ON TABLE game.bank_storage IS 'Banks of accounts.';
COMMENT ON COLUMN game.bank_storage.account_id IS 'Whose.';
COMMENT ON COLUMN game.bank_storage.container_id IS 'The container.';
COMMENT ON COLUMN game.bank_storage.slots IS 'Its slots.';

INSERT INTO game.config (key, value, description) VALUES
	('bank.slots', '100', 'Slots of a bank.');
