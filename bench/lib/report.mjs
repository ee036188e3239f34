// SPDX-License-Identifier: PostgreSQL

export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)];
}

// A result: ratio is turned so that larger is better; it passes when ratio >= bar.
export function result(name, value, unit, reference, ratio, bar, extra = {}) {
	const round = (x) => (x === null ? null : Number(x.toPrecision(4)));
	return { name, value: round(value), unit, reference: round(reference), ratio: round(ratio), bar, ...extra };
}

export function table(results) {
	const rows = [['case', 'value', 'unit', 'reference', 'ratio', 'bar', '']];
	for (const r of results)
		rows.push([r.name, r.value, r.unit, r.reference ?? '', r.ratio ?? '', r.bar ?? '',
			r.bar === null ? '' : r.ratio >= r.bar ? 'pass' : 'MISSED'].map(String));
	const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
	return rows.map((row) => row.map((cell, i) => (i === 0 || i === 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')).join('\n');
}
