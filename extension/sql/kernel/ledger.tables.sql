/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.ledger_accounts (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	holder text NOT NULL CHECK (holder IN ('MINT', 'SINK', 'WALLET', 'PREMIUM', 'TREASURY', 'ESCROW')),
	owner_id bigint NOT NULL,
	currency text NOT NULL CHECK (currency IN ('credits', 'premium')),
	balance bigint,
	CONSTRAINT ledger_accounts_owner_key UNIQUE (owner_id, holder, currency),
	CONSTRAINT ledger_accounts_balance_floor CHECK (balance >= 0),
	CONSTRAINT ledger_accounts_balance_cap CHECK (balance <= 1000000000000),
	CONSTRAINT ledger_accounts_computed CHECK ((balance IS NULL) = (holder IN ('MINT', 'SINK')))
) WITH (fillfactor = 80);
COMMENT ON TABLE game.ledger_accounts IS 'Purses. A balance equals the sum of the purse''s transfers; MINT and SINK have none, so no row is hot.';
COMMENT ON COLUMN game.ledger_accounts.id IS 'Identity.';
COMMENT ON COLUMN game.ledger_accounts.holder IS 'Kind of owner.';
COMMENT ON COLUMN game.ledger_accounts.owner_id IS 'Character, account, guild or lot; 0 for MINT and SINK.';
COMMENT ON COLUMN game.ledger_accounts.currency IS 'credits or premium.';
COMMENT ON COLUMN game.ledger_accounts.balance IS 'Cached sum of transfers.';

CREATE TABLE game.ledger_transfers (
	id bigint GENERATED ALWAYS AS IDENTITY,
	from_id bigint NOT NULL,
	to_id bigint NOT NULL CHECK (to_id <> from_id),
	amount bigint NOT NULL CHECK (amount > 0),
	from_balance bigint,
	to_balance bigint,
	cause text NOT NULL,
	cause_id bigint NOT NULL,
	created_at timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
CREATE INDEX ledger_transfers_created_at ON game.ledger_transfers USING brin (created_at);
COMMENT ON TABLE game.ledger_transfers IS 'Every movement of money, both sides in one row.';
COMMENT ON COLUMN game.ledger_transfers.id IS 'Identity.';
COMMENT ON COLUMN game.ledger_transfers.from_id IS 'Purse that paid.';
COMMENT ON COLUMN game.ledger_transfers.to_id IS 'Purse that received.';
COMMENT ON COLUMN game.ledger_transfers.amount IS 'How much.';
COMMENT ON COLUMN game.ledger_transfers.from_balance IS 'Payer''s balance after it.';
COMMENT ON COLUMN game.ledger_transfers.to_balance IS 'Receiver''s balance after it.';
COMMENT ON COLUMN game.ledger_transfers.cause IS 'Why.';
COMMENT ON COLUMN game.ledger_transfers.cause_id IS 'Id of the thing that caused it.';
COMMENT ON COLUMN game.ledger_transfers.created_at IS 'Partition key.';

INSERT INTO game.ledger_accounts (holder, owner_id, currency, balance) VALUES
	('MINT', 0, 'credits', NULL), ('SINK', 0, 'credits', NULL),
	('MINT', 0, 'premium', NULL), ('SINK', 0, 'premium', NULL);
