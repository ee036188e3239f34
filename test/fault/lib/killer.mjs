// SPDX-License-Identifier: PostgreSQL
//
// Kills at random, one victim at a time, and watches whether what is left recovers by itself.
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as cluster from './cluster.mjs';
import { call } from './http.mjs';
import { none, note, ok } from './tap.mjs';

const worker = (name) => () => cluster.backend(`backend_type = 'necp ${name}'`);
const restart = async () => cluster.start();

// victim: who is killed; restart: what the operator does; crashes: PostgreSQL forgets its shared memory.
const KINDS = {
	'edge backend': { victim: () => cluster.backend(`application_name LIKE 'necp-edge%'`), crashes: true },
	'realtime backend': { victim: () => cluster.backend(`application_name = 'necp-realtime'`), crashes: true },
	publisher: { victim: worker('publisher'), crashes: true },
	world: { victim: worker('world'), crashes: true },
	scheduler: { victim: worker('scheduler'), crashes: true },
	postmaster: { victim: cluster.postmaster, crashes: true, restart: () => cluster.start('--no-servers') },
	edge: { victim: () => cluster.server('edge'), restart },
	realtime: { victim: () => cluster.server('realtime'), restart },
};
const QUIET = ['edge', 'realtime', 'edge', 'realtime'];
const ROUND = ['edge backend', 'edge backend', 'edge backend', 'realtime backend', 'realtime backend', 'publisher', 'publisher', 'world', 'world',
	'scheduler', 'scheduler', 'postmaster', 'postmaster', 'postmaster', 'edge', 'realtime']
	.filter((kind) => (process.env.NECP_FAULT_KINDS ?? kind).split(',').includes(kind));

const starts = (name) => cluster.serverLog(name).split('\n').filter((line) => /"msg":"(serving |.* listens on )/.test(line)).length;

const fresh = new Agent({ keepAlive: false });

export class Killer {
	constructor({ random, movers, players, token }) {
		Object.assign(this, { random, movers, players, token });
		this.killed = new Set();
		this.kills = []; // {kind, recovered: ms or null}
		this.starts = { edge: starts('edge'), realtime: starts('realtime') };
		this.missed = []; // clients that were not told to resync
		this.hasty = 0;
	}

	shuffled(list) {
		return list.map((kind) => [this.random.next(), kind]).sort((a, b) => a[0] - b[0]).map(([, kind]) => kind);
	}

	// At first PostgreSQL lives, until its saved positions are that old.
	async run({ until, least, ageMs }) {
		for (const kind of this.shuffled(QUIET)) {
			await this.strike(kind);
			await sleep(this.random.between(200, 1200));
		}
		const walkers = this.movers.map((m) => m.player.character).join();
		const isOld = async () => {
			const age = Number(await cluster.psql(`SELECT extract(epoch FROM clock_timestamp() - max(saved_at)) * 1000 FROM game.player_positions WHERE character_id IN (${walkers})`));
			return age >= ageMs && age < ageMs + 8000;
		};
		if (ageMs > 0) await cluster.until(isOld, 60, 250);
		let round = [];
		while (Date.now() < until || this.kills.length < least) {
			if (round.length === 0) round = this.shuffled(ROUND);
			await this.strike(round.pop());
			const left = Math.max(1, least - this.kills.length);
			await sleep(this.random.between(0, Math.min(2500, Math.max(200, (2 * (until - Date.now())) / left - 2000))));
		}
		// the last word has the system
		ok(await this.settled(20), 'after the last kill everything works again');
	}

	async strike(kind) {
		const { victim, crashes, restart } = KINDS[kind];
		const pid = await cluster.until(victim, 20);
		if (!pid) {
			this.kills.push({ kind, recovered: null });
			note(`no ${kind} to kill within 20 s`);
			return;
		}
		const stayed = this.movers.filter((m) => m.isConnected && kind !== 'realtime');
		const connections = stayed.map((m) => m.connections);
		const at = Date.now();
		if (crashes) for (const mover of this.movers) mover.noteCrash(at);
		try {
			cluster.kill(pid);
		} catch {
			return; // it ended meanwhile
		}
		this.killed.add(pid);
		if (restart) await restart();
		const restarted = Date.now() - at;
		// sometimes the next one falls before the system is up again
		if (this.random.chance(0.2) && this.kills.length > 0) {
			this.hasty++;
			this.log(kind, pid, restarted, null);
			this.kills.push({ kind, recovered: undefined });
			await sleep(this.random.between(0, 400));
			return;
		}
		const recovered = (await this.settled(20)) ? Date.now() - at : null;
		this.log(kind, pid, restarted, recovered);
		this.kills.push({ kind, recovered });
		if (crashes) await this.expectResync(at, stayed, connections);
	}

	log(kind, pid, restarted, recovered) {
		if (process.env.NECP_FAULT_VERBOSE)
			note(`${new Date().toISOString()} ${kind} ${pid}: started again after ${restarted} ms, good after ${recovered} ms`);
	}

	// Every path through both servers, and everybody back in the world.
	async settled(seconds) {
		const good = async () => {
			const answers = await Promise.all(Array.from({ length: 6 }, () => call({ method: 'GET', path: '/zones/current', token: this.token, with: fresh })));
			return answers.every((a) => a?.status === 200)
				&& (await fetch(`http://127.0.0.1:${cluster.ports.realtime}/ready`)).ok
				&& Number(await cluster.psql('SELECT count(*) FROM live.zone_players')) === this.players;
		};
		return cluster.until(good, seconds, 50);
	}

	async expectResync(at, stayed, connections) {
		const still = stayed.filter((m, i) => m.isConnected && m.connections === connections[i]);
		const told = (m) => m.resyncs.some((when) => when >= at);
		await cluster.until(() => still.every(told), 3);
		this.missed.push(...still.filter((m, i) => !told(m) && m.isConnected).map((m) => `${m.player.character} after ${new Date(at).toISOString()}`));
		this.told = (this.told ?? 0) + still.filter(told).length;
	}

	// Starts of servers that nobody asked for.
	uninvited() {
		return ['edge', 'realtime'].flatMap((name) => {
			const seen = starts(name) - this.starts[name];
			const due = this.kills.filter((k) => k.kind === name).length;
			return seen === due ? [] : [`${name}: ${seen} starts, ${due} expected`];
		});
	}

	report() {
		none(this.kills.filter((k) => k.recovered === null).map((k) => k.kind), `the system recovered by itself from each of ${this.kills.length} kills`);
		ok(this.kills.length >= 20, 'at least 20 kills');
		none(this.missed, `clients that stayed connected were told to resync (${this.told ?? 0} times)`);
		for (const kind of Object.keys(KINDS)) {
			const mine = this.kills.filter((k) => k.kind === kind);
			const times = mine.map((k) => k.recovered).filter((ms) => ms > 0).sort((a, b) => a - b);
			note(`survived ${kind}: ${mine.length} (recovered after ${times.length > 0 ? `${times[0]}…${times.at(-1)} ms` : '–'})`);
		}
		note(`${this.hasty} of them fell on a system that was not up again yet`);
	}
}
