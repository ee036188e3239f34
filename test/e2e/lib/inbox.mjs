// SPDX-License-Identifier: PostgreSQL
//
// What has arrived and what is still waited for.
export class Inbox {
	#waiting = [];
	all = [];

	push(item) {
		this.all.push(item);
		this.#waiting = this.#waiting.filter((waiter) => !waiter(item));
	}

	// The first one, arrived or to come, that fits.
	async find(fits, what, milliseconds = 5000) {
		const there = this.all.find(fits);
		return there ?? this.next(fits, what, milliseconds);
	}

	// The next one to come that fits.
	next(fits, what, milliseconds = 5000) {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#waiting = this.#waiting.filter((waiter) => waiter !== take);
				reject(new Error(`waited ${milliseconds} ms in vain: ${what}; there is ${JSON.stringify(this.all.slice(-5))}`));
			}, milliseconds);
			timer.unref();
			const take = (item) => {
				if (!fits(item)) return false;
				clearTimeout(timer);
				resolve(item);
				return true;
			};
			this.#waiting.push(take);
		});
	}
}
