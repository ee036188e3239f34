// SPDX-License-Identifier: PostgreSQL
//
// The edge against pgbench calling the same endpoint function on the same cluster.
import { execFileSync } from 'node:child_process';
import { COST_RUNS, cost } from './cost.mjs';
import { makeItems } from './inventory.mjs';
import { result } from './report.mjs';
import { alternate, routeStatement, SESSION } from './route.mjs';

const READ_ROUNDS = 9;
const READ_SECONDS = 2;
const COMMAND_ROUNDS = 5;
const SECONDS = 5;

// One character of one session: what a client asks most.
function readScripts(stack) {
	const me = stack.players[0];
	const statement = (sql) => sql.replaceAll('\n', ' ') + ';\n';
	const raw = `SELECT to_json(ROW(c.id, c.name, k.code, o.code, c.status, c.level, c.xp, c.body, c.reflexes,
		c.technical_ability, c.intelligence, c.cool, c.empathy, c.hp, (100 + 10 * (c.body - 5) + 10 * (c.level - 1)), c.zone_id,
		c.created_at, c.last_played_at, c.died_at + interval '10 s', c.deleted_at, c.deleted_at + interval '30 days', c.appearance,
		c.settings)::necp.character_view)
		FROM game.characters c JOIN game.character_classes k ON k.id = c.class_id JOIN game.character_origins o ON o.id = c.origin_id
		WHERE c.id = :id AND c.account_id = :account AND c.deleted_at IS NULL`;
	const set = `\\set id ${me.character}\n\\set account ${me.account}\n`;
	return {
		raw: stack.file('raw.sql', set + statement(raw)),
		call: stack.file('read.sql', `\\set id ${me.character}\n${routeStatement(stack, 'character_get', `'${me.session}'`, ':id')}`),
		wrk: stack.file('read.lua', `request = function() return wrk.format('GET', nil, {['Authorization'] = 'Bearer ${me.token}'}) end\n`),
		path: `/api/v1/characters/${me.character}`,
	};
}

async function edgeRead(stack) {
	const scripts = readScripts(stack);
	let p99;
	const r = alternate(READ_ROUNDS,
		() => { const seen = stack.wrk(scripts.wrk, scripts.path, { seconds: READ_SECONDS }); p99 = seen.p99_ms; return seen.rate; },
		() => stack.pgbench(scripts.call, { seconds: READ_SECONDS }));
	return [result('edge_read', r.value, 'requests/s', r.reference, r.ratio, 0.8, { p99_ms: p99 })];
}

async function readFunction(stack) {
	const scripts = readScripts(stack);
	const r = alternate(READ_ROUNDS,
		() => stack.pgbench(scripts.call, { seconds: READ_SECONDS }),
		() => stack.pgbench(scripts.raw, { seconds: READ_SECONDS, role: 'postgres' }));
	return [result('read_function', r.value, 'calls/s', r.reference, r.ratio, 0.8)];
}

/*
 * Drops of one stack of scrap at the feet of the players, free for all. Every round gets its own;
 * returns the id before the first.
 */
function layDrops(stack, count) {
	stack.psql(`UPDATE game.config SET value = '1000000' WHERE key = 'loot.pickup_m'; SELECT necp.config_set('loot.pickup_m', '1000000');
		SELECT necp.config_set('loot.drop_s', '86400'); SELECT necp.config_set('inventory.base_kg', '1000000000');`);
	return Number(stack.psql(`BEGIN;
		CREATE TEMP TABLE lay AS SELECT coalesce(max(id), 0) AS base FROM game.world_drops;
		INSERT INTO game.containers (kind, owner_id, capacity) SELECT 'DROP', base + n, 1 FROM lay, generate_series(1, ${count}) n;
		INSERT INTO game.world_drops (id, place_id, x, y, z, source, source_id, container_id, credits, mode, created_at, expires_at)
			OVERRIDING SYSTEM VALUE
			SELECT c.owner_id, 1, 0, 0, 0, 'CONTAINER', c.owner_id, c.id, 0, 'FREE_FOR_ALL', now(), now() + interval '1 day'
			FROM lay, game.containers c WHERE c.kind = 'DROP' AND c.owner_id > base;
		${makeItems(`SELECT d.container_id, 0 AS slot, t.id AS template_id FROM lay, game.world_drops d, game.item_templates t
			WHERE d.id > base AND t.code = 'copper_scrap'`)}
		SELECT setval(pg_get_serial_sequence('game.world_drops', 'id'), (SELECT max(id) FROM game.world_drops));
		SELECT base FROM lay; COMMIT; VACUUM ANALYZE game.world_drops, game.character_items, game.containers;`).split('\n').pop());
}

// Each client acts as its own player and takes its own drops: base + n × clients + client.
function pickup(stack, base, clients = 64) {
	return `\\set n :n + 1
\\set player :client_id + 1
\\set drop ${base} + :n * ${clients} + :client_id + 1
${routeStatement(stack, 'loot_pickup', SESSION, ':drop')}`;
}

const pickupScript = (stack, base) => stack.file('pickup.sql', pickup(stack, base));

function pickupLua(stack, base, share) {
	return stack.file('pickup.lua', `
local tokens = {${stack.players.slice(0, 64).map((p) => `'${p.token}'`).join(',')}}
local threads = 0
function setup(thread) thread:set('id', threads); threads = threads + 1 end
function init() n = 0; math.randomseed(os.time() + id * 7919); prefix = string.format('%08x-%04x-4', math.random(0, 2^31 - 1), math.random(0, 65535)) end
function request()
	n = n + 1
	local key = prefix .. string.format('%03x-8%03x-%04x%08x', id, math.random(0, 4095), 0, n)
	return wrk.format('POST', nil, {['Authorization'] = 'Bearer ' .. tokens[id * 32 + n % 32 + 1], ['Content-Type'] = 'application/json',
		['Idempotency-Key'] = key}, '{"drop_id":' .. (${base} + id * ${share} + n) .. '}')
end
`);
}

const DROPS = 100000; // more than a round can take

async function edgeCommand(stack) {
	let p99;
	const r = alternate(COMMAND_ROUNDS,
		() => {
			const base = layDrops(stack, DROPS);
			const seen = stack.wrk(pickupLua(stack, base, DROPS / 2), '/api/v1/loot/pickup', { seconds: SECONDS });
			p99 = seen.p99_ms;
			return seen.rate;
		},
		() => stack.pgbench(pickupScript(stack, layDrops(stack, DROPS)), { seconds: SECONDS, options: ['-D', 'n=-1'] }));
	return [result('edge_command', r.value, 'commands/s', r.reference, r.ratio, 0.85,
		{ p99_ms: p99, ...cost(stack, 'pickup', pickup(stack, layDrops(stack, COST_RUNS), 1)) })];
}

async function eventPushPrice(stack) {
	const run = (mute) => {
		stack.psql(mute ? `ALTER ROLE necp_edge SET necpgame.mute = on` : `ALTER ROLE necp_edge RESET necpgame.mute`);
		try {
			return stack.pgbench(pickupScript(stack, layDrops(stack, DROPS)), { seconds: SECONDS, options: ['-D', 'n=-1'] });
		} finally {
			stack.psql(`ALTER ROLE necp_edge RESET necpgame.mute`);
		}
	};
	const r = alternate(COMMAND_ROUNDS, () => run(false), () => run(true));
	return [result('event_push_price', r.value, 'commands/s', r.reference, r.ratio, 0.75)];
}

async function memoryEdge(stack) {
	const scripts = readScripts(stack);
	stack.wrk(scripts.wrk, scripts.path, { connections: 1000, seconds: 5 });
	const load = execFileSync('sh', ['-c', `wrk -t2 -c1000 -d6s -s ${scripts.wrk} ${stack.edge}${scripts.path} >/dev/null & sleep 4; grep VmRSS /proc/${stack.pid('edge')}/status; wait`]).toString();
	const bytes = Number(/VmRSS:\s+(\d+)/.exec(load)[1]) * 1024;
	const bar = 30 * 1024 * 1024;
	return [result('memory_edge', bytes / 1048576, 'MiB at 1,000 connections', 30, bar / bytes, 1)];
}

export const edgeCases = {
	edge_read: edgeRead,
	read_function: readFunction,
	edge_command: edgeCommand,
	event_push_price: eventPushPrice,
	memory_edge: memoryEdge,
};
