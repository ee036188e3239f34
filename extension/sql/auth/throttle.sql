/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('login_failures', 'digests of addresses: who knows an address finds its row');
