/* SPDX-License-Identifier: PostgreSQL */
CREATE INDEX containers_held ON game.containers (owner_id) WHERE kind = 'HELD';
