// SPDX-License-Identifier: PostgreSQL
//
// Realtime: fan-out from a committed command to the subscribers, the zone's tick, memory.
import { setTimeout as sleep } from 'node:timers/promises';
import { result } from './report.mjs';

const SECONDS = 8;

// A durable command whose push carries when it was sent.
function announce(stack) {
	stack.psql('CREATE SCHEMA IF NOT EXISTS bench; CREATE TABLE IF NOT EXISTS bench.commands (n bigint);');
	return stack.file('announce.sql', `WITH done AS (INSERT INTO bench.commands VALUES (1) RETURNING n) SELECT necp.push('/topic/server/announcements', 'SERVER_ANNOUNCEMENT', json_build_object('sent_us', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 'text', 'the tide turns at four')) FROM done;\n`);
}

async function fanOutTo(stack, subscribers, target, bar) {
	const script = announce(stack);
	const pid = stack.pid('realtime');
	const client = stack.load(['--mode', 'fanout', '--topic', '/topic/server/announcements', '--connections', subscribers, '--seconds', SECONDS]);
	await sleep(2500);
	const before = stack.cpu(pid);
	// a quarter above the bar: what the system does with more than it has to
	stack.pgbenchInBackground(script, SECONDS - 1, { clients: 4, rate: Math.ceil((target * 1.25) / subscribers), role: 'postgres' });
	const seen = await client.done;
	const cpu = stack.cpu(pid) - before;
	return result(`fanout_${subscribers}`, seen.deliveries_per_second, 'deliveries/s', target, seen.deliveries_per_second / target, bar,
		{ p50_ms: seen.latency_ms?.p50, p99_ms: seen.latency_ms?.p99, cpu_us_per_delivery: Number(((cpu * 1e6) / seen.deliveries).toFixed(2)) });
}

async function fanOut(stack) {
	return [await fanOutTo(stack, 200, 250000, 1), await fanOutTo(stack, 1000, 200000, 1)];
}

/*
 * Puts the players over the first zone, 1 km²: the first `crowd` of them into one cell of 100 m. They
 * go to another zone, their saved positions are moved, and they come back to where those say.
 */
function scatter(stack, crowd) {
	const go = (zone) => stack.psql(`SET necpgame.rehearsal = on;
		DO $$ DECLARE s record; BEGIN
		FOR s IN SELECT id FROM game.player_sessions WHERE closed_at IS NULL AND place_id IS DISTINCT FROM ${zone} LOOP
			PERFORM necp.enter(s.id, NULL, NULL, NULL, 'c', -1);
			PERFORM necp.zone_enter(${zone});
		END LOOP; END $$;`);
	go(2);
	stack.psql(`SELECT setseed(0.5);
		UPDATE game.player_positions p SET place_id = 1, z = 0,
			x = CASE WHEN n <= ${crowd} THEN random() * 100 ELSE random() * 990 - 495 END,
			y = CASE WHEN n <= ${crowd} THEN random() * 100 ELSE random() * 990 - 495 END
		FROM (SELECT character_id, row_number() OVER (ORDER BY character_id) AS n FROM game.player_positions) o
		WHERE o.character_id = p.character_id;`);
	go(1);
}

async function zoneTick(stack) {
	const results = [];
	for (const [name, crowd, binary] of [['zone_tick_uniform', 0, true], ['zone_tick_crowd', 200, true],
		['zone_tick_uniform_json', 0, false], ['zone_tick_crowd_json', 200, false]]) {
		scatter(stack, crowd);
		const seen = await stack.load(['--mode', 'move', '--connections', 1000, '--seconds', SECONDS + 4,
			...(binary ? ['--binary'] : [])]).done;
		const p99 = seen.tick_ms.p99;
		results.push(result(name, p99, 'ms p99 tick', 50, 50 / p99, binary ? 1 : null,
			{ frames_per_second: seen.frames_per_second, bytes_per_client_second: seen.bytes_per_client_second, latency_ms: seen.latency_ms }));
	}
	return results;
}

async function memoryRealtime(stack) {
	const pid = stack.pid('realtime');
	const before = stack.rss(pid);
	const client = stack.load(['--mode', 'idle', '--connections', 1000, '--seconds', 8]);
	await sleep(6000);
	const bytes = (stack.rss(pid) - before) / 1000;
	await client.done;
	return [result('memory_realtime', bytes / 1024, 'KiB per idle connection', 16, 16 * 1024 / Math.max(bytes, 1), 1)];
}

export const realtimeCases = {
	memory_realtime: memoryRealtime,
	fanout: fanOut,
	zone_tick: zoneTick,
};
