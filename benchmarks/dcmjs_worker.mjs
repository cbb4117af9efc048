// Times dcmjs: JSON.parse + naturalizeDataset of every dataset, inside one Node process.
//   node dcmjs_worker.mjs FILE RUNS [ORACLES]        runs, then prints {"best_ms", "median_ms", "runs", ...}
//   node dcmjs_worker.mjs FILE --serve [ORACLES]     warms up, then answers each line of its input with one run's
// The body is kept as bytes, so decoding UTF-8 counts, as it does for everyone else.
// ORACLES (or the environment's METALITH_ORACLES) is the folder whose node_modules has dcmjs.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const [file, mode, oracles = process.env.METALITH_ORACLES ?? '.'] = process.argv.slice(2);
const say = (answer) => fs.writeSync(1, JSON.stringify(answer) + '\n');
for (const name of ['log', 'info', 'debug', 'trace', 'warn', 'error']) console[name] = () => {};

const dcmjs = createRequire(path.join(path.resolve(oracles), 'package.json'))('dcmjs');
const { DicomMetaDictionary } = dcmjs.data;
const body = fs.readFileSync(file);

function naturalize() {
  const parsed = JSON.parse(body.toString('utf8'));
  const list = Array.isArray(parsed) ? parsed : [parsed];
  const natural = [];
  for (const dataset of list) natural.push(DicomMetaDictionary.naturalizeDataset(dataset));
  return natural;
}

function run() {
  const start = process.hrtime.bigint();
  const natural = naturalize();
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  return { ms, natural };
}

function facts(natural) {
  const uids = natural.map((instance) => instance.SOPInstanceUID ?? null);
  return { instances: natural.length, uids: [uids[0], uids[uids.length - 1]] };
}

for (let i = 0; i < 3; i++) run(); // the compiler's warm-up
if (mode === '--serve') {
  say({ ready: true, ...facts(run().natural) });
  for await (const _ of readline.createInterface({ input: process.stdin })) say({ ms: run().ms });
} else {
  const times = [];
  let natural;
  for (let i = 0; i < Number(mode); i++) {
    const one = run();
    times.push(one.ms);
    natural = one.natural;
  }
  times.sort((a, b) => a - b);
  say({ best_ms: times[0], median_ms: times[times.length >> 1], runs: times.length, ...facts(natural) });
}
