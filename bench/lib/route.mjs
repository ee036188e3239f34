// SPDX-License-Identifier: PostgreSQL
//
// A route measured from both ends: through the edge by wrk, and by pgbench with the very statement
// that the edge prepares for it, as the same players.
import { median } from './report.mjs';

// The session of player :player, as Stack.makePlayers() numbers them.
export const SESSION = "('00000000-0000-4000-8000-' || lpad(:player::text, 12, '0'))::uuid";
const TRACE = "'11111111-1111-4111-8111-111111111111'";

/*
 * Alternates two measurements. The ratio is the median of the rounds' own ratios: what slows the
 * machine down for seconds hits both sides of a round.
 */
export function alternate(rounds, first, second) {
	const a = [];
	const b = [];
	for (let round = 0; round < rounds; round++) {
		a.push(first(round));
		b.push(second(round));
	}
	return { value: median(a), reference: median(b), ratio: median(a.map((x, i) => x / b[i])) };
}

// What the servers prepare for a route, with session, key, hash, trace and parameters filled in for pgbench.
export function routeStatement(stack, fn, session, ...parameters) {
	const given = [session, 'gen_random_uuid()', "'\\\\x00'", TRACE, ...parameters];
	return stack.psql(`SELECT statement FROM necp.edge_routes() WHERE function = '${fn}'`)
		.replace(/\$(\d+)/g, (_, n) => given[n - 1] ?? 'NULL') + ';\n';
}

/*
 * A request of wrk for players `first` to first + 63, by turns. wrk's two threads share them, so that
 * thread `id` is players id × 32 + 1 to id × 32 + 32 of these. `each` is Lua that returns the arguments
 * of wrk.format; it knows `player` (0 to 63), `turn` (from 0, of that player) and `headers`. Requests
 * repeat after `period` turns and are made once, lest wrk's work be taken for the edge's.
 */
export function playersLua(stack, name, first, period, each) {
	return stack.file(name, `
local tokens = {${stack.players.slice(first - 1, first + 63).map((p) => `'${p.token}'`).join(',')}}
local threads = 0
function setup(thread) thread:set('id', threads); threads = threads + 1 end
local function make(player, turn)
	local headers = {['Authorization'] = 'Bearer ' .. tokens[player + 1], ['Content-Type'] = 'application/json'}
	return wrk.format(${each})
end
local made = {}
function init()
	for i = 0, ${32 * period} - 1 do made[i] = make(id * 32 + i % 32, math.floor(i / 32)) end
	n = -1
end
function request()
	n = n + 1
	return made[n % ${32 * period}]
end
`);
}
