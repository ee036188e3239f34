// SPDX-License-Identifier: PostgreSQL
//
// Ownership under everything at once: many characters do in parallel whatever moves items, credits,
// drops and parties, with good and with impossible arguments, once and again; the game's clock jumps,
// the edge's connections are ended. After every round nothing may be lost, doubled, or told otherwise
// than it is (DOMAIN §0, §6, §7, §17, §33).
//
// NECP_PROPERTY_SEED     plays the sequences of a seed again; each run prints its own
// NECP_PROPERTY_SECONDS  how long (60)
// NECP_PROPERTY_PLAYERS  how many (24)
// NECP_PROPERTY_WORKERS  how many act at once (all). What several do at once is not exactly repeatable:
//                        the order is the scheduler's. With 1 a fresh cluster gets the same requests
//                        in the same order, until the clock on the wall decides an answer (a fight, mostly).
// NECP_PROPERTY_TRAIL    a file for what was sent and answered last
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { document } from '../e2e/lib/openapi.mjs';
import { row, sql } from '../e2e/lib/sql.mjs';
import { nothingIsLost } from '../e2e/lib/suite.mjs';
import { settleAccount } from './lib/account.mjs';
import { byRoute, commands, missing } from './lib/commands.mjs';
import { generator } from './lib/random.mjs';
import { Run } from './lib/run.mjs';
import { advance, endBackends, makeWorld, provide } from './lib/world.mjs';

const SEED = Number(process.env.NECP_PROPERTY_SEED ?? randomBytes(4).readUInt32LE());
const SECONDS = Number(process.env.NECP_PROPERTY_SECONDS ?? 60);
const PLAYERS = Number(process.env.NECP_PROPERTY_PLAYERS ?? 24);
const WORKERS = Math.min(PLAYERS, Number(process.env.NECP_PROPERTY_WORKERS ?? PLAYERS));
const ROUND = WORKERS > 1 ? 1500 : 500; // commands

// What befalls the rounds in turn: in the middle of the commands connections end and the clock jumps by
// seconds, after them by a day, after which keys are forgotten and the deleted are purged.
const KINDS = [{}, { backends: 3 }, { clock: 61 }, { backends: 2 }, { clock: 190 }, {}, { clock: 301, backends: 1 }, { backends: 4 }, { clock: 1300, after: 90000 }];

test('every route that touches ownership has a generator', () => {
	assert.deepEqual(missing(document), []);
});

async function happen(run, { clock, backends }) {
	if (backends) {
		run.disturb();
		await endBackends(backends);
	}
	if (clock) {
		run.clockAt = Infinity;
		await advance(clock);
		run.clockAt = Date.now();
		for (const player of run.players) player.away = clock < 300;
	}
}

// One round; every worker has players of its own, and every player one worker.
async function play(run, kind, randoms) {
	let begun = 0;
	let failure;
	const due = kind.backends ? [0.2, 0.4, 0.6, 0.8].map((at) => at * ROUND) : [ROUND / 2];
	const work = async (random, mine) => {
		while (begun < ROUND && !failure) {
			begun++;
			if (begun >= due[0]) {
				due.shift();
				await happen(run, due.length === 0 ? kind : { backends: kind.backends });
			}
			const player = random.pick(mine);
			await run.perform(player, run.choose(player, random), { random, workers: WORKERS });
		}
	};
	const works = randoms.map((random, i) => work(random, run.players.filter((_, j) => j % WORKERS === i)).catch((error) => { failure ??= error; }));
	await Promise.all(works);
	if (failure) throw failure;
}

// What has to be done before something can be.
const BEFORE = {
	'POST /characters/{character_id}/restore': ['POST /characters', 'DELETE /characters/{character_id}'],
	'POST /party/invites/{invite_id}/accept': ['POST /party', 'POST /party/invite'],
	'POST /party/invites/{invite_id}/decline': ['POST /party', 'POST /party/invite'],
	'POST /party/kick': ['POST /party/invite', 'POST /party/invites/{invite_id}/accept'],
	'POST /party/leader': ['POST /party/invite', 'POST /party/invites/{invite_id}/accept'],
	'POST /party/ready-check/respond': ['POST /party/ready-check'],
	'POST /inventory/unequip': ['POST /inventory/equip'],
	'POST /inventory/bank/withdraw': ['POST /inventory/bank/deposit'],
	'POST /combat/{combat_id}/attack': ['POST /combat/start'],
	'POST /loot/drops/{drop_id}/assign': ['POST /party', 'POST /party/invite', 'POST /party/invites/{invite_id}/accept', 'PUT /party/loot', 'POST /loot/containers/{container_id}/open', 'GET /loot/drops/nearby'],
};

// What chance did not bring: tried by itself until it was answered well and refused.
async function bring(run, random) {
	if (run.stats['POST /session/reconnect'].ok === 0) await happen(run, { clock: 190 });
	for (const command of commands)
		for (let i = 0; i < 300 && (run.stats[command.route].ok === 0 || run.stats[command.route].refused === 0); i++) {
			const player = random.pick(run.players);
			const wanted = random.pick([command, ...(BEFORE[command.route] ?? []).map((route) => byRoute[route])]);
			const next = random.chance(0.6) && (!player.out || command.template.startsWith('/auth') || command.template.startsWith('/session')) ? wanted : run.choose(player, random);
			await run.perform(player, next, { random, workers: 1 });
		}
}

async function report(t, run, rounds) {
	const made = await row`SELECT count(*) FILTER (WHERE kind = 'CREATE') AS created, count(*) FILTER (WHERE kind = 'DESTROY') AS destroyed, count(*) AS moves FROM game.item_moves`;
	const drops = await row`SELECT count(*) AS drops, count(*) FILTER (WHERE source = 'NPC') AS of_npcs, count(*) FILTER (WHERE status = 'LOOTED') AS looted,
		count(*) FILTER (WHERE status = 'EXPIRED') AS expired FROM game.world_drops`;
	const others = await row`SELECT (SELECT count(*) FROM game.parties) AS parties, (SELECT count(*) FROM game.party_invites WHERE status = 'ACCEPTED') AS joined,
		(SELECT count(*) FROM game.characters WHERE purged_at IS NOT NULL) AS purged, (SELECT count(*) FROM game.ledger_transfers) AS transfers`;
	t.diagnostic(`${run.sent} requests in ${rounds} rounds, ${WORKERS} at once; ${run.named.size} items named in answers`);
	t.diagnostic(`replays ${JSON.stringify(run.replays)}`);
	t.diagnostic(`moves of items ${JSON.stringify(made)}, drops ${JSON.stringify(drops)}, others ${JSON.stringify(others)}`);
	t.diagnostic(`answers: ${[...run.codes].sort((a, b) => b[1] - a[1]).map((it) => it.join(': ')).join(', ')}`);
	for (const [route, { ok, refused }] of Object.entries(run.stats)) t.diagnostic(`${route}: ${ok} done, ${refused} refused`);
}

test('whatever is done at once, nothing is lost, doubled or told wrongly', async (t) => {
	t.diagnostic(`seed ${SEED}`);
	const random = generator(SEED);
	if (WORKERS === 1) await sql`SELECT necp.random_seed(${SEED})`;
	const run = new Run(SEED, await makeWorld(PLAYERS));
	const randoms = Array.from({ length: WORKERS }, (_, i) => generator(SEED + 7919 * (i + 1)));
	const deadline = Date.now() + SECONDS * 1000;
	let rounds = 0;
	let compared = 0; // what players are told of what they own, with what is stored
	try {
		while (Date.now() < deadline || rounds < KINDS.length) {
			await provide(random, run.players.map((it) => it.character_id));
			await play(run, KINDS[rounds % KINDS.length], randoms);
			await settleAccount(run);
			const { after } = KINDS[rounds % KINDS.length];
			if (after) await happen(run, { clock: after });
			compared += run.compared;
			rounds++;
		}
		await bring(run, random);
		await settleAccount(run);
	} finally {
		if (process.env.NECP_PROPERTY_TRAIL) writeFileSync(process.env.NECP_PROPERTY_TRAIL, `${run.trail.join('\n')}\n`);
		await report(t, run, rounds);
		t.diagnostic(`what ${compared} players are told they own was compared with what is stored`);
		await sql`SELECT necp.random_seed(NULL)`;
		await sql`SELECT necp.clock_reset()`;
		await sql`SELECT necp.partitions_keep()`;
	}
	assert.ok(compared > rounds, 'players were there to be compared');
	const idle = Object.keys(byRoute).filter((route) => run.stats[route].ok === 0 || run.stats[route].refused === 0);
	assert.deepEqual(idle.map((route) => `${route} ${JSON.stringify(run.stats[route])}`), [], 'every command was done and was refused');
});

nothingIsLost();
