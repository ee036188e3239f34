// SPDX-License-Identifier: PostgreSQL
//
// The benchmark: every case is a ratio, taken in one run on one machine, of what the servers do to
// what the machine can do. Rounds of the two sides alternate and the median round counts, so that
// a neighbour's burst hits both. Names and bars are fixed (docs/benchmark.md).
import { writeFileSync } from 'node:fs';
import { Stack } from './lib/stack.mjs';
import { table } from './lib/report.mjs';
import { edgeCases } from './lib/edge.mjs';
import { identityCases } from './lib/identity.mjs';
import { inventoryCases } from './lib/inventory.mjs';
import { lootCases } from './lib/loot.mjs';
import { realtimeCases } from './lib/realtime.mjs';

const cases = { ...edgeCases, ...identityCases, ...inventoryCases, ...lootCases, ...realtimeCases };
const wanted = process.argv.slice(2);
for (const name of wanted)
	if (!cases[name]) {
		console.error(`no case ${name}; there are: ${Object.keys(cases).join(' ')}`);
		process.exit(2);
	}

const stack = await Stack.start();
const results = [];
try {
	for (const [name, run] of Object.entries(cases)) {
		if (wanted.length > 0 && !wanted.includes(name)) continue;
		console.error(`# ${name}`);
		for (const result of await run(stack)) {
			results.push(result);
			console.error(`#   ${JSON.stringify(result)}`);
		}
	}
	const faults = stack.psql('SELECT check_name, detail FROM necp.integrity_check()');
	if (faults !== '') throw new Error(`integrity_check is not empty:\n${faults}`);
} finally {
	stack.stop();
}
writeFileSync('bench/results.json', JSON.stringify(results, null, '\t') + '\n');
console.log(table(results));
