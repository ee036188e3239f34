// SPDX-License-Identifier: PostgreSQL
//
// Players act while processes are killed; afterwards every answer they were given is held against
// the database. test/fault/run prepares the cluster.
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseAway, edgeStops, realtimeStops, worldIsLate } from './lib/cases.mjs';
import * as cluster from './lib/cluster.mjs';
import { generator, Ledger } from './lib/commands.mjs';
import { call, Load, replayAll } from './lib/http.mjs';
import { Killer } from './lib/killer.mjs';
import { Mover } from './lib/mover.mjs';
import { makePlayers } from './lib/players.mjs';
import { crashAtEachStatement } from './lib/steps.mjs';
import { finish, none, note, ok } from './lib/tap.mjs';
import { verify } from './lib/verify.mjs';

const SECONDS = Number(process.env.NECP_FAULT_SECONDS ?? 75);
const SEED = Number(process.env.NECP_FAULT_SEED ?? Date.now() % 1e9);
const PLAYERS = 500;
const MOVERS = 30;
const LISTENERS = 6; // of them hear what happens in their zone
const WORKERS = 48;
const PER_SECOND = 300;
const KILLS = 20;
const SAVE_MS = 30000; // positions in the database are at most this old …
const OLD_MS = 20000; // … and the first crash finds them this old …
const SLACK_MS = 1500; // … and a tick, and what it takes to notice and to write

note(`seed ${SEED}, ${SECONDS} s`);
const library = cluster.librarySum();
const random = generator(SEED);
// a character that is selected before its zone is open stands nowhere
await cluster.until(async () => Number(await cluster.psql('SELECT count(*) FROM live.zone_load')) > 0, 20);
const players = await makePlayers(PLAYERS);
const ledger = new Ledger(random, players);
await ledger.supply();

// What durable means was not switched off.
const durability = await cluster.psql(`SELECT string_agg(name || ' ' || setting, ', ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')`);
ok(durability === 'fsync on, full_page_writes on, synchronous_commit on', 'the cluster flushes its commits', durability);

const movers = players.slice(0, MOVERS).map((player, i) => new Mover(ledger, player, i, { listens: i < LISTENERS }));
for (const mover of movers) mover.live();
ok(await cluster.until(() => movers.every((m) => m.isConnected), 10), `${MOVERS} clients connect to realtime`);

const load = new Load(ledger, WORKERS, PER_SECOND);
const supplying = setInterval(() => void ledger.supply(), 500);
const begun = Date.now();

await edgeStops(ledger);
await realtimeStops(ledger);

// Announcements show that pushes arrive.
let announced = 0;
const announcing = setInterval(() => {
	void cluster.psql(`SELECT necp.push('/topic/server/announcements', 'SERVER_ANNOUNCEMENT', '{"n":${++announced}}')`).catch(() => {});
}, 1000);

const killer = new Killer({ random, movers, players: PLAYERS, token: players[0].token });
await killer.run({ until: begun + SECONDS * 1000, least: KILLS, ageMs: SECONDS >= 60 ? OLD_MS : 0 });

// The load goes on for a while without faults: all of it works again.
const before = { ...ledger.counts };
const framesBefore = movers.map((m) => m.frames);
const announcementsBefore = movers.map((m) => m.announcements.length);
const heardBefore = movers.map((m) => m.heard);
const errorsBefore = movers.map((m) => m.errors.length);
await sleep(2500);
ok(ledger.counts.unavailable === before.unavailable && ledger.counts.lost === before.lost && ledger.counts.unplaced === before.unplaced,
	'after the last fault nothing is refused or lost any more', { before, after: ledger.counts });
none(movers.flatMap((m, i) => m.errors.slice(errorsBefore[i])), 'and realtime sends no ERROR');
none(movers.filter((m) => !m.isConnected).map((m) => m.player.character), 'all realtime clients are connected again');
none(movers.filter((m, i) => m.frames === framesBefore[i]).map((m) => m.player.character), 'all of them see positions');
none(movers.filter((m, i) => m.announcements.length === announcementsBefore[i]).map((m) => m.player.character), 'all of them receive announcements');
none(movers.filter((m, i) => m.listens && m.heard === heardBefore[i]).map((m) => m.player.character), 'those who listen to their zone still hear it');
none(movers.flatMap((m) => m.revoked), 'no subscription was revoked: everybody is where he was');
none(movers.filter((m) => !m.walking).map((m) => m.player.character), 'all of them walk');
none(movers.filter((m) => m.seq - m.lastSeq > 40).map((m) => `${m.player.character}: ${m.lastSeq} of ${m.seq}`), 'their moves are taken');

clearInterval(announcing);
clearInterval(supplying);
await load.stop();
for (const mover of movers) mover.resting = true;
await cluster.until(() => movers.every((m) => m.pending.size === 0), 10);
const seconds = (Date.now() - begun) / 1000;
const answered = { ...ledger.counts };

await databaseAway(ledger, movers);
await worldIsLate(ledger, movers, killer.killed);
await Promise.all(movers.map((m) => m.end()));
await replayAll(ledger, 4000);

killer.report();
const ages = movers.flatMap((m) => m.ages);
const oldest = Math.max(...ages.map((a) => a.age));
none(ages.filter((a) => a.age > SAVE_MS + SLACK_MS), `positions survive a crash: at most 30 s and a tick old (${ages.length} times, oldest ${oldest} ms)`);
ok(oldest >= OLD_MS / 2 || SECONDS < 60, 'some of them were old enough to tell', `${oldest} ms`);
none(movers.flatMap((m) => m.stray), 'nobody came back to a place where he had not been');
// who connects while the database is away is told so, and comes again
none(movers.flatMap((m) => m.errors).filter((error) => !error.startsWith('UNAVAILABLE: ')), 'realtime refused a connection only while the database was away');
none(ledger.unexpected, 'every refusal has its reason');
none(ledger.internal, 'nobody was told 500');
none(ledger.hasty, 'every 503 says when to try again');
none(ledger.differing, `a replay returns the first answer, byte for byte (${ledger.counts.replayed} commands)`);
await verify(ledger);
await crashAtEachStatement(ledger, killer.killed);

// Only what was killed has died, and the servers' logs tell of nothing unforeseen.
const signals = cluster.serverLog('postgresql').split('\n').filter((line) => /PANIC|TRAP:|was terminated by signal/.test(line));
none(signals.filter((line) => !killer.killed.has(Number(/\(PID (\d+)\) was terminated by signal 9/.exec(line)?.[1]))), 'no process of PostgreSQL died but those that were killed');
none(cluster.serverLog('postgresql').split('\n').filter((line) => /WARNING:|ERROR: .*(XX000|unexpected|could not|cache lookup|invalid)/.test(line) && !/crash of another server process/.test(line)).slice(0, 20), 'PostgreSQL logged nothing unforeseen');
// a process that dies closes its sockets: nobody has to wait for that
none(['edge', 'realtime'].flatMap((name) => cluster.serverLog(name).split('\n').filter((line) => /the server does not answer/.test(line)).map((line) => `${name}: ${line}`)),
	'the servers notice each lost connection at once');
ok(cluster.librarySum() === library, 'the library was not changed meanwhile: what this run tells, counts', 'somebody installed another one');
none(killer.uninvited(), 'no server was started again but those that were killed');

const tried = answered.tried / seconds;
ok(tried >= 200, `the load was at least 200 commands a second (${tried.toFixed(0)})`);
note(`${seconds.toFixed(0)} s: ${answered.tried} commands tried (${tried.toFixed(0)}/s), ${answered.acknowledged} acknowledged, ${answered.reads} read, ${answered.refused} refused, ${answered.unavailable} unavailable, ${answered.lost} without answer, ${answered.inProgress} still running, ${answered.unplaced} before the world was back; ${ledger.counts.replayed} replayed`);
process.exit(finish());
