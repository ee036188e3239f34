/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.partitioned VALUES ('game_events', 'occurred_at', '1 month', 3, '6 months');
