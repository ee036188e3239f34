// SPDX-License-Identifier: PostgreSQL
//
// Draws arguments: what the player has, what others have, what is gone, and what nobody may send.

const ABUSE_AMOUNTS = [0, -1, 1.5, '5', 2 ** 31, 2 ** 63, 1000001, -(2 ** 63), 'all', true];
const ABUSE_IDS = [0, -1, 1.5, 'x', 2 ** 63, 2 ** 64, '1;2'];

/*
 * The draws of one command. bad says afterwards that something was drawn that must be refused
 * whatever the world is like.
 */
export class Draw {
	bad = false;

	constructor(random, player, run) {
		Object.assign(this, { random, player, run });
	}

	abuse(list) {
		this.bad = true;
		return this.random.pick(list);
	}

	// Mostly one of the list, which may be empty; else one of everything that was ever seen of its kind.
	id(mine, all, share = 0.85) {
		if (this.random.chance(0.04)) return this.abuse(ABUSE_IDS);
		if (mine.length > 0 && this.random.chance(share)) return this.random.pick(mine);
		return all.length > 0 ? this.random.pick(all) : 999999999;
	}

	// Of 'items' (the backpack), 'worn' or 'bank'.
	item(place = 'items', wanted = () => true) {
		const { run, player, random } = this;
		const others = random.pick(run.players).items.map((it) => it.item_id);
		const mine = player[place].filter(wanted).map((it) => it.item_id);
		this.drawn = this.id(mine.length > 0 ? mine : player[place].map((it) => it.item_id), random.chance(0.5) ? others : run.recent.items);
		return this.drawn;
	}

	// Another item that may join the one drawn.
	mate() {
		const it = this.player.items.find((one) => one.item_id === this.drawn);
		return this.item('items', (one) => one.template_id === it?.template_id && one.item_id !== it?.item_id);
	}

	// How many of the item drawn; nothing, where that means all.
	amount(optional = true) {
		const { random, player } = this;
		if (random.chance(0.06)) return this.abuse(ABUSE_AMOUNTS);
		if (optional && random.chance(0.4)) return undefined;
		const { quantity = 1 } = [...player.items, ...player.bank].find((it) => it.item_id === this.drawn) ?? {};
		return random.pick([1, 1, 1 + random.below(quantity), Math.max(1, quantity - 1), quantity, quantity + 1]);
	}

	slot() {
		return this.random.chance(0.05) ? this.abuse([-1, 1.5, '1', 50000, 2 ** 31]) : this.random.below(50);
	}

	drop() {
		const { recent, zoneOfDrop } = this.run;
		return this.id(recent.drops.filter((it) => zoneOfDrop.get(it) === this.player.zone.id).slice(-12), recent.drops);
	}

	// Dice in which the player has a vote, or any.
	roll() {
		const mine = this.player.rolls ?? [];
		const one = this.id(mine, this.run.recent.rolls);
		this.player.rolls = mine.filter((it) => it !== one);
		return one;
	}

	// An item that some master has to give out; mostly one of the player's own that was not tried yet.
	waiting() {
		const mine = this.run.masters.filter((it) => it.master_id === this.player.character_id && !it.tried);
		const it = this.random.pick(mine.length > 0 ? mine : [...this.run.masters.slice(-40), undefined]);
		if (it) it.tried = true;
		return it;
	}

	character() {
		return this.id(this.player.characters, this.run.players.flatMap((it) => it.characters), 0.8);
	}

	// One that the player has deleted and may restore.
	deleted() {
		return this.id(this.player.deleted.slice(-2), this.player.characters, 0.9);
	}

	other() {
		return this.id(this.run.players.map((it) => it.character_id), this.run.players.flatMap((it) => it.characters), 0.9);
	}

	companion() {
		return this.id((this.player.party ?? []).filter((it) => it !== this.player.character_id), this.run.players.map((it) => it.character_id), 0.8);
	}

	invite() {
		const mine = this.run.invites.filter((it) => it.character_id === this.player.character_id && (!it.tried || this.random.chance(0.1))).slice(-1);
		for (const it of mine) it.tried = true;
		return this.id(mine.map((it) => it.invite_id), this.run.invites.slice(-20).map((it) => it.invite_id), 0.9);
	}

	// A word of the list, seldom another.
	word(...list) {
		return this.random.chance(0.05) ? this.abuse(['', 'NOTHING', 7, 'x'.repeat(200)]) : this.random.pick(list);
	}
}
