// SPDX-License-Identifier: PostgreSQL
//
// Players, places and targets to test with.
import { randomBytes } from 'node:crypto';
import { Caller, nobody } from './api.mjs';
import { mailedToken, mailedTokens } from './mail.mjs';
import { Realtime } from './stomp.mjs';
import { pause, row, sql, until } from './sql.mjs';

export const PASSWORD = 'Correct-Horse-7';

export function unique(prefix = 'e') {
	return prefix + randomBytes(6).toString('hex');
}

export class Player extends Caller {
	// An account that is logged in; verified unless told otherwise.
	static async register({ verified = true } = {}) {
		const player = new Player();
		player.username = unique('p');
		player.email = `${player.username}@example.com`;
		const account = await nobody.post('/auth/register', { email: player.email, username: player.username, password: PASSWORD });
		player.account_id = account.account_id;
		if (verified) await nobody.post('/auth/verify-email', { token: await player.mailedToken() });
		await player.login();
		return player;
	}

	// An account with a character; where: {zone, x, y, z} or nothing for its home.
	static async enter(where, { origin = 'street' } = {}) {
		const player = await Player.register();
		await player.create({ origin });
		if (where) await player.place(where);
		await player.select();
		return player;
	}

	async mailedToken(template = 'VERIFY_EMAIL') {
		return mailedToken(this.email, template);
	}

	async mailedTokens(template) {
		return mailedTokens(this.email, template);
	}

	async login() {
		const tokens = await nobody.post('/auth/login', { email: this.email, password: PASSWORD });
		this.token = tokens.access_token;
		this.refresh_token = tokens.refresh_token;
		this.session_id = tokens.session_id;
		return tokens;
	}

	async create({ origin = 'street' } = {}) {
		this.name = unique('c');
		const character = await this.post('/characters', { name: this.name, class: 'breaker', origin });
		this.character_id = character.character_id;
		return character;
	}

	// Where the character will appear when it is selected.
	async place({ zone, x = 0, y = 0, z = 0 }) {
		await sql`INSERT INTO game.player_positions (character_id, place_id, x, y, z, yaw, saved_at)
			SELECT ${this.character_id}, id, ${x}, ${y}, ${z}, 0, clock_timestamp() FROM game.zones WHERE code = ${zone}
			ON CONFLICT (character_id) DO UPDATE SET place_id = excluded.place_id, x = excluded.x, y = excluded.y, z = excluded.z`;
	}

	async select() {
		return this.post(`/characters/${this.character_id}/select`);
	}

	async connect(options) {
		this.seq = 0;
		this.realtime = await Realtime.connect({ token: this.token, ...options });
		return this.realtime;
	}

	async where() {
		return this.get('/zones/current');
	}

	// Walks in a straight line, ten steps a second at 8 m/s; resolves when the world has it there.
	async walk({ x, y, z = 0 }) {
		const from = await this.where();
		const steps = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y, z - from.z) / 0.8));
		for (let i = 1; i <= steps; i++) {
			this.realtime.input(++this.seq, {
				x: from.x + ((x - from.x) * i) / steps,
				y: from.y + ((y - from.y) * i) / steps,
				z: from.z + ((z - from.z) * i) / steps,
			});
			await pause(100);
		}
		await until(async () => {
			const at = await this.where();
			return Math.hypot(at.x - x, at.y - y, at.z - z) < 0.5;
		}, `${this.name} to arrive at ${x}, ${y}, ${z}`);
	}

	// Fires until the target falls and the weapon is ready again; resolves to the last answer.
	async kill(combat_id, npc_id) {
		for (;;) {
			const blow = await this.post(`/combat/${combat_id}/attack`, { target_id: -npc_id });
			await pause(blow.cooldown_ms + 5);
			if (blow.killed) return blow;
		}
	}
}

/*
 * A zone of the caller's own with NPCs that die of two shots and never fight back, unless told otherwise (more: columns of their
 * template), and drop a legendary weapon each; they stand on the x axis at the distances given. Returns {zone, zone_id, npcs}.
 */
export async function makeYard({ at = [], capacity = 50, max_hp = 100, more = {} } = {}) {
	const zone = unique('yard_');
	await sql`SELECT necp.content_import('zones', ${[{ code: zone, name: 'Yard', kind: 'CITY', size_m: 400, capacity }]})`;
	await sql`SELECT necp.content_import('npcs', ${{
		templates: [{ code: `${zone}_dummy`, name: 'Dummy', tier: 0, level: 1, max_hp, walk_speed: 0, loot_table_code: 'proving_ground', respawn_seconds: 3600, ...more }],
		spawns: at.map((x, i) => ({ code: `${zone}_${i}`, template: `${zone}_dummy`, zone, x, y: 0 })),
	}})`;
	const { id: zone_id } = await row`SELECT id FROM game.zones WHERE code = ${zone}`;
	const npcs = await until(async () => {
		const { ids, open } = await row`SELECT (SELECT coalesce(json_agg(npc_id ORDER BY npc_id), '[]') FROM live.zone_npcs
			WHERE place_id = ${zone_id}) AS ids, EXISTS (SELECT FROM live.zone_load WHERE place_id = ${zone_id}) AS open`;
		return open && ids.length === at.length && ids;
	}, `${zone} to open with its NPCs`);
	return { zone, zone_id, npcs };
}

// Kills an NPC near the player and returns the drop's id.
export async function makeDrop(player, npc_id) {
	const { combat_id } = await player.post('/combat/start', { npc_id });
	await player.kill(combat_id, npc_id);
	const { id } = await row`SELECT id FROM game.world_drops WHERE source = 'NPC' AND source_id = ${npc_id} ORDER BY id DESC LIMIT 1`;
	return id;
}
