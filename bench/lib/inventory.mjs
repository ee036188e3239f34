// SPDX-License-Identifier: PostgreSQL
//
// A full backpack: reading it, and putting what is in it into another place.
import { cost } from './cost.mjs';
import { result } from './report.mjs';
import { alternate, playersLua, routeStatement, SESSION } from './route.mjs';

const FIRST = 101; // players whose backpacks no other case touches
const ITEMS = 50;
const FREE = 2; // slots behind them, between which the last item goes to and fro

// SQL that makes one item for each row (container_id, slot, template_id) of a query, as custody would have it.
export function makeItems(query) {
	return `WITH made AS (INSERT INTO game.character_items (container_id, slot, template_id, quantity, created_at)
			SELECT q.container_id, q.slot, q.template_id, 1, now() FROM (${query}) q RETURNING id, template_id, container_id)
		INSERT INTO game.item_moves (item_id, template_id, kind, quantity, to_container_id, cause, cause_id, moved_at)
			SELECT id, template_id, 'CREATE', 1, container_id, 'BENCH', 0, now() FROM made;\n`;
}

/*
 * Fills the backpacks of 64 players: every kind of item by turns, where what they began with leaves room.
 * The items of the last slot, which are moved, are numbered by player from stack.backpacks on.
 */
function fillBackpacks(stack) {
	if (stack.backpacks) return;
	const mine = `game.containers WHERE kind = 'BACKPACK' AND owner_id IN (${stack.players.slice(FIRST - 1, FIRST + 63).map((p) => p.character)})`;
	stack.psql(`BEGIN;
		UPDATE game.character_inventory SET slots = ${ITEMS + FREE} WHERE container_id IN (SELECT id FROM ${mine});
		UPDATE game.containers SET capacity = ${ITEMS + FREE} WHERE id IN (SELECT id FROM ${mine});
		${makeItems(`SELECT c.id AS container_id, s.slot, t.ids[1 + s.slot % cardinality(t.ids)] AS template_id
			FROM (SELECT id, owner_id FROM ${mine}) c, generate_series(0, ${ITEMS - 1}) AS s (slot),
				(SELECT array_agg(id ORDER BY id) AS ids FROM game.item_templates) t
			WHERE NOT EXISTS (SELECT FROM game.character_items i WHERE (i.container_id, i.slot) = (c.id, s.slot)) ORDER BY s.slot, c.owner_id`)}
		COMMIT; VACUUM ANALYZE game.character_items, game.containers, game.item_moves;`);
	const last = stack.psql(`SELECT i.id FROM game.character_items i JOIN (SELECT id, owner_id FROM ${mine}) c ON c.id = i.container_id
		WHERE i.slot = ${ITEMS - 1} ORDER BY c.owner_id`).split('\n').map(Number);
	if (last.length !== 64 || last.some((id, i) => id !== last[0] + i)) throw new Error('the items to move are not numbered by player');
	stack.backpacks = last[0];
}

async function inventoryList(stack) {
	fillBackpacks(stack);
	const call = `\\set player ${FIRST} + :client_id\n${routeStatement(stack, 'inventory_get', SESSION)}`;
	const script = stack.file('list.sql', call);
	const lua = playersLua(stack, 'list.lua', FIRST, 1, `'GET', nil, headers`);
	let p99;
	const r = alternate(3,
		() => { const seen = stack.wrk(lua, '/api/v1/inventory', { seconds: 2 }); p99 = seen.p99_ms; return seen.rate; },
		() => stack.pgbench(script, { seconds: 2, warm: 1 }));
	return [result('inventory_list', r.value, 'requests/s', r.reference, r.ratio, 0.8, { p99_ms: p99, ...cost(stack, 'list', call) })];
}

async function itemMove(stack) {
	fillBackpacks(stack);
	const item = stack.backpacks;
	const call = `\\set n :n + 1\n\\set player ${FIRST} + :client_id\n\\set item ${item} + :client_id\n\\set slot ${ITEMS} + :n % ${FREE}
${routeStatement(stack, 'inventory_move', SESSION, ':item', ':slot')}`;
	const script = stack.file('move.sql', call);
	const lua = playersLua(stack, 'move.lua', FIRST, FREE, `'POST', '/api/v1/inventory/items/' .. ${item} + player .. '/move', headers, '{"slot":' .. ${ITEMS} + turn .. '}'`);
	let p99;
	const r = alternate(3,
		() => { const seen = stack.wrk(lua, '', { seconds: 2 }); p99 = seen.p99_ms; return seen.rate; },
		() => stack.pgbench(script, { seconds: 2, warm: 1, options: ['-D', 'n=-1'] }));
	return [result('item_move', r.value, 'commands/s', r.reference, r.ratio, 0.85, { p99_ms: p99, ...cost(stack, 'move', call) })];
}

export const inventoryCases = { inventory_list: inventoryList, item_move: itemMove };
