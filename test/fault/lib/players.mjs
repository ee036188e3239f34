// SPDX-License-Identifier: PostgreSQL
//
// Players, what lies on the ground for them, and what they can start, made by SQL.
import { createHmac, randomUUID } from 'node:crypto';
import { psql, rows } from './cluster.mjs';

export const SAFE = { x: 0, y: -40, z: 0 }; // of the first zone: where new characters stand
export const SLOT_PRICE = 500;
export const PREMIUM = 1200; // two slots and a rest
const QUESTS = 30;

const base64url = (data) => Buffer.from(data).toString('base64url');

function sign(kid, secret, account, session) {
	const now = Math.floor(Date.now() / 1000);
	const head = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid }));
	const body = base64url(JSON.stringify({ iss: 'necpgame', type: 'access', sub: account, sid: session, roles: ['PLAYER'],
		permissions: ['game.play'], jti: randomUUID(), iat: now, exp: now + 86400 }));
	return `${head}.${body}.${createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url')}`;
}

// Limits that a load would meet; nothing else of the rules is changed.
const raiseLimits = () => psql(`
	SELECT necp.config_set(key, '{"count": 1000000000, "seconds": 1}') FROM game.config WHERE key LIKE 'rate.%';
	SELECT necp.config_set('quest.active_max', '100');`);

// Quests that no event moves, so that starting them is all there is.
const makeQuests = () => psql(`
	WITH made AS (
		INSERT INTO game.quests (code, name, description, kind, origin)
		SELECT 'fault_' || n, 'Fault ' || n, 'To be started.', 'SIDE', 'operator' FROM generate_series(1, ${QUESTS}) n
		RETURNING id)
	INSERT INTO game.quest_objectives (template_id, code, ord, kind, required, description)
	SELECT id, 'talk', 1, 'TALK', 1, 'Talk.' FROM made;
	SELECT id FROM game.quests WHERE code LIKE 'fault\\_%' ORDER BY id;`).then((out) => out.split('\n').filter(Boolean).map(Number));

export async function makePlayers(n) {
	await raiseLimits();
	const quests = await makeQuests();
	await psql(`SET necpgame.rehearsal = on;
		DO $$ DECLARE r json; sid uuid; BEGIN
		FOR i IN 1..${n} LOOP
			r := necp.auth_register(email => 'f' || i || '@fault', username => 'fault' || i, password_hash => 'none', client_ip => NULL);
			r := necp.auth_login(email => 'f' || i || '@fault', verified_hash => 'none', client_ip => NULL, user_agent => NULL);
			PERFORM necp.enter((r ->> 'session_id')::uuid, NULL, NULL, NULL, 'a', -1);
			r := necp.character_create('Fault ' || i, 'breaker', 'street');
			PERFORM necp.character_select((r ->> 'character_id')::bigint);
		END LOOP; END $$;
		SELECT necp.ledger_mint('PREMIUM', id, 'premium', ${PREMIUM}, 'FAULT') FROM game.accounts WHERE username LIKE 'fault%';`);
	const [kid, secret] = (await psql(`SELECT kid, encode(secret, 'hex') FROM game.signing_keys ORDER BY signs_from LIMIT 1`)).split('|');
	const found = await rows(`SELECT s.account_id AS account, s.id AS session, s.character_id AS character, w.balance AS credits,
			(SELECT json_object_agg(t.code, i.quantity) FROM game.character_inventory b JOIN game.character_items i USING (container_id)
			 JOIN game.item_templates t ON t.id = i.template_id WHERE b.character_id = s.character_id) AS kit
		FROM game.player_sessions s JOIN game.accounts a ON a.id = s.account_id
		JOIN game.ledger_accounts w ON w.holder = 'WALLET' AND w.owner_id = s.character_id
		WHERE s.closed_at IS NULL AND s.character_id IS NOT NULL AND a.username LIKE 'fault%' ORDER BY 1`);
	if (found.length !== n) throw new Error(`${found.length} of ${n} players have a character`);
	return found.map((p) => ({ ...p, token: sign(kid, Buffer.from(secret, 'hex'), String(p.account), p.session),
		purchases: 0, quests: [...quests], pistols: 0 }));
}

// What the drop with this id holds: always scrap, sometimes a pistol, sometimes credits.
export const contents = (id) => ({ scrap: 1 + (id % 7), pistol: id % 20 === 0 ? 1 : 0, credits: id % 5 === 0 ? 1 + (id % 97) : 0 });

// Lays free-for-all drops where the players stand; returns their ids.
export async function layDrops(n) {
	const laid = await psql(`BEGIN;
		CREATE TEMP TABLE lay ON COMMIT DROP AS
			SELECT nextval(pg_get_serial_sequence('game.world_drops', 'id')) AS id FROM generate_series(1, ${n});
		INSERT INTO game.containers (kind, owner_id, capacity) SELECT 'DROP', id, 2 FROM lay;
		INSERT INTO game.world_drops (id, place_id, x, y, z, source, source_id, container_id, credits, mode, created_at, expires_at)
			OVERRIDING SYSTEM VALUE
			SELECT lay.id, 1, ${SAFE.x}, ${SAFE.y}, ${SAFE.z}, 'CONTAINER', lay.id, c.id,
				CASE WHEN lay.id % 5 = 0 THEN 1 + lay.id % 97 ELSE 0 END, 'FREE_FOR_ALL', now(), now() + interval '1 day'
			FROM lay JOIN game.containers c ON c.kind = 'DROP' AND c.owner_id = lay.id;
		WITH made AS (
			INSERT INTO game.character_items (container_id, slot, template_id, quantity, created_at)
			SELECT d.container_id, v.slot, t.id, v.quantity, now()
			FROM lay JOIN game.world_drops d USING (id),
			LATERAL (VALUES ('copper_scrap', 0, (1 + lay.id % 7)::int), ('rust_pistol', 1, CASE WHEN lay.id % 20 = 0 THEN 1 END)) v (code, slot, quantity)
			JOIN game.item_templates t USING (code) WHERE v.quantity IS NOT NULL
			RETURNING id, template_id, container_id, quantity)
		INSERT INTO game.item_moves (item_id, template_id, kind, quantity, to_container_id, cause, cause_id, moved_at)
			SELECT id, template_id, 'CREATE', quantity, container_id, 'FAULT', 0, now() FROM made;
		SELECT id FROM lay ORDER BY id; COMMIT; ANALYZE game.world_drops, game.character_items, game.containers;`);
	return laid.split('\n').filter((line) => /^\d+$/.test(line)).map(Number);
}
