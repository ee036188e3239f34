// SPDX-License-Identifier: PostgreSQL
//
// What players do with a full backpack: look into it, and move a thing in it. The edge against pgbench
// calling the same statement.
import { measureCost } from './cost.mjs';
import { alternate, routeStatement, SESSION } from './edge.mjs';
import { result } from './report.mjs';

const PLAYERS = 64;
const ITEMS = 50;
const ROUNDS = 3;
const SECONDS = 2;
const SLOT = 90; // and the next one: beyond what the backpacks hold

// Fills the first players' backpacks up to 50 things, with room beyond; returns one of each player's things, which a move may be about.
function fillBackpacks(stack) {
	const ids = stack.players.slice(0, PLAYERS).map((p) => p.character);
	stack.psql(`SELECT necp.config_set('inventory.base_kg', '1000000000');
		UPDATE game.containers SET capacity = 100 WHERE kind = 'BACKPACK' AND owner_id IN (${ids});
		UPDATE game.character_inventory SET slots = 100 WHERE character_id IN (${ids});
		SELECT necp.inventory_grant(k.owner_id, 'signal_ring', ${ITEMS} - k.held, 'BENCH') FROM (
			SELECT k.owner_id, count(i.id)::int AS held FROM game.containers k LEFT JOIN game.character_items i ON i.container_id = k.id
			WHERE k.kind = 'BACKPACK' AND k.owner_id IN (${ids}) GROUP BY 1) k WHERE k.held < ${ITEMS};
		VACUUM ANALYZE game.character_items, game.containers`);
	const held = stack.psql(`SELECT k.owner_id, count(*), max(i.id) FROM game.character_items i JOIN game.containers k ON k.id = i.container_id
		WHERE k.kind = 'BACKPACK' AND k.owner_id IN (${ids}) GROUP BY 1`).split('\n').map((line) => line.split('|'));
	const items = ids.map((id) => Number(held.find(([owner]) => owner === id)[2]));
	if (held.some(([, count]) => Number(count) !== ITEMS)) throw new Error(`not every backpack holds ${ITEMS} items`);
	return items;
}

const lua = (stack) => `
local tokens = {${stack.players.slice(0, PLAYERS).map((p) => `'${p.token}'`).join(',')}}
local threads = 0
function setup(thread) thread:set('id', threads); threads = threads + 1 end
function init() n = 0 end
`;

async function inventoryList(stack) {
	fillBackpacks(stack);
	const script = stack.file('list.sql', `\\set player :client_id + 1\n${routeStatement(stack, 'inventory_get', SESSION)}`);
	const wrk = stack.file('list.lua', `${lua(stack)}
function request() n = n + 1; return wrk.format('GET', nil, {['Authorization'] = 'Bearer ' .. tokens[id * 32 + n % 32 + 1]}) end\n`);
	let p99;
	const r = alternate(ROUNDS,
		() => { const seen = stack.wrk(wrk, '/api/v1/inventory', { seconds: SECONDS }); p99 = seen.p99_ms; return seen.rate; },
		() => stack.pgbench(script, { seconds: SECONDS }));
	const call = `SET necpgame.rehearsal = on; ${routeStatement(stack, 'inventory_get', `'${stack.players[0].session}'::uuid`).replace(';\n', '')}`;
	const { cost } = measureCost(stack, script, (n) => (n === 0 ? call : call.slice(call.indexOf(';') + 1)), { seconds: SECONDS });
	return [result('inventory_list', r.value, 'requests/s', r.reference, r.ratio, null, { p99_ms: p99, ...cost })];
}

async function itemMove(stack) {
	const items = fillBackpacks(stack);
	// pgbench knows no arrays: the items of its clients are found by their place among these
	const item = items.reduceRight((rest, id, i) => `CASE WHEN :client_id = ${i} THEN ${id} ELSE ${rest} END`, '0');
	const statement = (session, id, slot) => routeStatement(stack, 'inventory_move', session, id, slot, 'false');
	const script = stack.file('move.sql', `\\set n :n + 1\n\\set player :client_id + 1\n\\set item ${item}\n\\set slot ${SLOT} + :n % 2\n${statement(SESSION, ':item', ':slot')}`);
	const wrk = stack.file('move.lua', `${lua(stack)}
local items = {${items}}
function request()
	n = n + 1
	local who = id * 32 + n % 32 + 1
	return wrk.format('POST', '/api/v1/inventory/items/' .. items[who] .. '/move', {['Authorization'] = 'Bearer ' .. tokens[who], ['Content-Type'] = 'application/json'},
		'{"slot":' .. ${SLOT} + math.floor(n / 32) % 2 .. '}')
end\n`);
	let p99;
	const options = { seconds: SECONDS, options: ['-D', 'n=0'] };
	const r = alternate(ROUNDS,
		() => { const seen = stack.wrk(wrk, '/api/v1/inventory', { seconds: SECONDS }); p99 = seen.p99_ms; return seen.rate; },
		() => stack.pgbench(script, options));
	const { cost } = measureCost(stack, script, (n) => (n === 0 ? 'SET necpgame.rehearsal = on; ' : '')
		+ statement(`'${stack.players[0].session}'::uuid`, items[0], SLOT + n % 2).replace(';\n', ''), options);
	return [result('item_move', r.value, 'commands/s', r.reference, r.ratio, null, { p99_ms: p99, ...cost })];
}

export const inventoryCases = { inventory_list: inventoryList, item_move: itemMove };
