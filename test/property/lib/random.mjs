// SPDX-License-Identifier: PostgreSQL
//
// A generator (mulberry32) that a seed repeats.

export function generator(seed) {
	let state = seed | 0;
	function next() {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	}
	const below = (n) => Math.floor(next() * n);
	const hex = (digits) => Array.from({ length: digits }, () => below(16).toString(16)).join('');
	return {
		below,
		hex,
		chance: (p) => next() < p,
		pick: (list) => list[below(list.length)],
		uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
		// One of [[what, weight], …].
		weighted(list) {
			let at = next() * list.reduce((sum, [, weight]) => sum + weight, 0);
			return list.find(([, weight]) => (at -= weight) < 0)?.[0] ?? list.at(-1)[0];
		},
	};
}
