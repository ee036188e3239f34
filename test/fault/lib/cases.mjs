// SPDX-License-Identifier: PostgreSQL
//
// Ends that are asked for, and a database that is away for a while.
import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as cluster from './cluster.mjs';
import { attempt, call } from './http.mjs';
import { Mover } from './mover.mjs';
import { none, note, ok } from './tap.mjs';

// SIGTERM under load: what had arrived is answered, the process ends with 0, a retry elsewhere
// finds what was done.
export async function edgeStops(ledger) {
	const edge = await cluster.extraServer('edge', cluster.ports.edge + 2);
	const { port } = edge;
	const agent = new Agent({ keepAlive: true, maxSockets: 32 });
	const commands = [];
	let stopping = false;
	let stoppedAt = Infinity;
	const clients = Array.from({ length: 32 }, async (_, i) => {
		while (!stopping) {
			const command = ledger.pickup(ledger.players[100 + i]);
			if (!command) continue;
			commands.push(command);
			const answer = await attempt(ledger, command, { port, with: agent, onSent: () => { command.sentAt = performance.now(); } });
			command.answeredAt = answer ? performance.now() : null;
			if (!answer) return;
		}
	});
	// one that is certainly in flight: its drop is locked for a while
	const held = ledger.add('pickup', ledger.players[99], { key: randomUUID(), drop: ledger.drops.pop(), path: '/loot/pickup' });
	held.body = { drop_id: held.drop };
	const locked = cluster.psql(`BEGIN; SELECT FROM game.world_drops WHERE id = ${held.drop} FOR UPDATE; SELECT pg_sleep(1.2); COMMIT;`);
	await sleep(400);
	const waiting = attempt(ledger, held, { port, with: agent });
	await sleep(300);
	edge.kill('SIGTERM');
	stoppedAt = performance.now();
	const code = await Promise.race([edge.exit, sleep(15000).then(() => 'nothing within 15 s')]);
	const took = performance.now() - stoppedAt;
	stopping = true;
	await Promise.all([...clients, waiting, locked]);
	agent.destroy();
	ok(code === 0, 'edge, SIGTERM under load: it ends with 0', `${code}\n${edge.log.slice(-2000)}`);
	ok(held.state === 'acknowledged', 'edge, SIGTERM: a command that waits for a lock is answered before the end', held.state);
	const unanswered = commands.filter((c) => c.answeredAt === null);
	none(unanswered.filter((c) => c.sentAt < stoppedAt - 5).map((c) => `${c.key} sent ${(stoppedAt - c.sentAt).toFixed(1)} ms before`),
		`edge, SIGTERM: what had arrived was answered (${commands.length} commands; ${unanswered.length} came too late)`);
	note(`the edge ended ${took.toFixed(0)} ms after SIGTERM`);
	for (const command of unanswered) while (command.state === 'open') await attempt(ledger, command);
}

export async function realtimeStops(ledger) {
	const realtime = await cluster.extraServer('realtime', cluster.ports.realtime + 2);
	const { port } = realtime;
	const movers = ledger.players.slice(200, 210).map((player, i) => new Mover(ledger, player, i, { port, reconnect: 0 }));
	for (const mover of movers) mover.live({ picks: false });
	ok(await cluster.until(() => movers.every((m) => m.isConnected), 10), 'realtime, SIGTERM: clients connect before');
	await sleep(1000);
	realtime.kill('SIGTERM');
	const code = await Promise.race([realtime.exit, sleep(10000).then(() => 'nothing within 10 s')]);
	ok(code === 0, 'realtime, SIGTERM: it ends with 0', `${code}\n${realtime.log.slice(-2000)}`);
	await cluster.until(() => movers.every((m) => m.closes.length > 0), 2);
	const codes = movers.map((m) => m.closes[0]?.code);
	ok(codes.every((c) => c === 1001), 'realtime, SIGTERM: every client is told 1001', codes.join(' '));
	await Promise.all(movers.map((m) => m.end()));
}

const AWAY_MS = 5000;

// The database is stopped; nobody else calls meanwhile.
export async function databaseAway(ledger, movers) {
	const player = ledger.players[0];
	const slow = [];
	const other = [];
	const silent = [];
	const agent = new Agent({ keepAlive: false });
	const ask = (i) => (i % 2 === 0
		? call({ method: 'GET', path: '/inventory', token: player.token, with: agent })
		: call({ method: 'POST', path: '/loot/pickup', token: player.token, key: randomUUID(), body: { drop_id: 1 }, with: agent }));
	await cluster.stopPostgres('fast');
	const began = Date.now();
	let refused = 0;
	for (let i = 0; Date.now() < began + AWAY_MS; i++) {
		const answer = await ask(i);
		if (answer?.status === 503) refused++;
		else other.push(answer ? `${answer.status} ${answer.text}` : 'no answer');
		if (answer && answer.ms > 100) slow.push(`${answer.ms.toFixed(0)} ms`);
		if (answer && !answer.headers['retry-after']) silent.push(answer.text);
		await sleep(50);
	}
	none(other, `database away: 503 (${refused} times)`);
	none(slow, 'database away: the answer comes within 100 ms');
	none(silent, 'database away: the answer says when to try again');
	for (const mover of movers) mover.noteCrash(began);
	const starting = cluster.start('--no-servers');
	await cluster.until(() => cluster.psql('SELECT 1'), 30);
	const back = Date.now();
	const good = async () => {
		const answers = await Promise.all(Array.from({ length: 8 }, () => call({ method: 'GET', path: '/inventory', token: player.token, with: agent })));
		return answers.every((a) => a?.status === 200);
	};
	await cluster.until(good, 20);
	const took = Date.now() - back;
	ok(took < 2000, 'database away: the edge is back within 2 s of its return', `${took} ms`);
	const ready = async () => (await fetch(`http://127.0.0.1:${cluster.ports.realtime}/ready`)).ok;
	await cluster.until(ready, 20);
	const readyTook = Date.now() - back;
	ok(readyTook < 3000, 'database away: realtime is back within 3 s of its return', `${readyTook} ms`);
	note(`back after ${took} ms (edge), ${readyTook} ms (realtime)`);
	await starting;
	const stayed = movers.filter((m) => m.connectedAt < began);
	await cluster.until(() => stayed.every((m) => m.resyncs.some((at) => at > began)), 5);
	none(stayed.filter((m) => !m.resyncs.some((at) => at > began)).map((m) => m.player.character), `database away: ${stayed.length} clients stayed connected and were told to resync`);
}

const LATE_MS = 1500;

// After a crash the world worker is late: edge and realtime are back before anybody is in the world.
// Nobody may be told for good what is so for a moment only.
export async function worldIsLate(ledger, movers, killed) {
	const listeners = movers.filter((m) => m.listens && m.isConnected);
	const world = await cluster.backend(`backend_type = 'necp world'`);
	const victim = await cluster.backend(`application_name LIKE 'necp-edge%'`);
	const revoked = listeners.map((m) => m.revoked.length);
	const heard = listeners.map((m) => m.heard);
	const at = Date.now();
	for (const mover of movers) mover.noteCrash(at);
	cluster.kill(victim);
	killed.add(victim);
	const frozen = await cluster.freezeWorker('world', world, 10);
	if (!frozen) {
		note('the world worker could not be held back');
		return;
	}
	const until = Date.now() + LATE_MS;
	const final = new Set();
	let command = ledger.pickup(ledger.players[1]);
	while (Date.now() < until) {
		const answers = [await call({ method: 'GET', path: '/zones/current', token: ledger.players[0].token }), await attempt(ledger, command)];
		if (command.state !== 'open') command = ledger.pickup(ledger.players[1]);
		for (const answer of answers) if (answer && answer.status >= 400 && answer.status < 500) final.add(`${answer.status} ${JSON.parse(answer.text).detail}`);
		await sleep(100);
	}
	cluster.kill(frozen, 'SIGCONT');
	await cluster.until(() => movers.every((m) => m.walking), 10);
	// whoever takes a drop is seen by the zone
	const deaf = () => listeners.filter((m, i) => m.heard === heard[i]);
	let taken = 0;
	await cluster.until(async () => {
		const answer = await attempt(ledger, command);
		if (answer?.status === 200) taken++;
		if (command.state !== 'open') command = ledger.pickup(ledger.players[1]);
		return taken > 0 && deaf().length === 0;
	}, 10, 300);
	while (command.state === 'open') await attempt(ledger, command);
	ok(taken > 0, 'world late: commands go on', `${taken} taken`);
	none([...final], 'world late: commands are told to try again, not that the character is nowhere');
	none(listeners.flatMap((m, i) => m.revoked.splice(revoked[i])), 'world late: nobody loses the topic of the zone he is in');
	none(deaf().map((m) => `${m.player.character}: ${m.story.slice(-6).join('; ')}`), 'world late: the zone is heard afterwards');
}
