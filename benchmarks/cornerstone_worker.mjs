// Times @cornerstonejs/metadata inside one Node process: modules, first look-ups of frames, typed chains.
//   node cornerstone_worker.mjs FILE ORACLES       answers each line of its input, a request in JSON, with one line
// FILE has {"image": dataset, "frames": dataset} in DICOM JSON; ORACLES is the folder whose node_modules has the package.
//   {"op":"module","type":T,"loops":N}   {"ms", "value"} of N look-ups of the image, none of them from a cache
//   {"op":"frames","count":N}            {"ms", "value"} of the first look-up of imagePlaneModule for each of N frames
//   {"op":"typed","length":L,"loops":N}  {"ms", "value"} of N look-ups through a typed chain of L functions
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [file, oracles] = process.argv.slice(2);
const say = (answer) => fs.writeSync(1, JSON.stringify(answer) + '\n');
for (const name of ['log', 'info', 'debug', 'trace', 'warn', 'error']) console[name] = () => {};

const from = createRequire(path.join(path.resolve(oracles), 'package.json'));
const { metaData, utilities, registerDefaultProviders } = await import(pathToFileURL(from.resolve('@cornerstonejs/metadata')));
registerDefaultProviders();
const given = JSON.parse(fs.readFileSync(file, 'utf8'));
const base = (n) => `wadors:https://host/dicom-web/studies/1.2.3/series/1.2.4/instances/1.2.5.${n}`;
const image = `${base(0)}/frames/1`;
utilities.addDicomWebInstance(image, given.image);
let objects = 0;

function timed(loops, one) {
  const start = process.hrtime.bigint();
  let value;
  for (let i = 0; i < loops; i++) value = one(i);
  return { ms: Number(process.hrtime.bigint() - start) / 1e6, value };
}

const chains = new Set();
const ops = {
  module: ({ type, loops }) => timed(loops, () => metaData.getMetaData(type, image, { noCache: true })),
  frames: ({ count }) => {
    const id = base((objects += 1));
    utilities.addDicomWebInstance(id, structuredClone(given.frames)); // outside the clock, as the store's adding is
    const ids = Array.from({ length: count }, (_, n) => `${id}/frames/${n + 1}`);
    const answer = timed(count, (n) => metaData.get('imagePlaneModule', ids[n]));
    utilities.clearCacheData();
    registerDefaultProviders();
    utilities.addDicomWebInstance(image, given.image);
    return answer;
  },
  typed: ({ length, loops }) => {
    const type = `chain of ${length}`;
    if (!chains.has(type)) {
      metaData.addTypedProvider(type, () => ({ rows: 512 }), { priority: -1 });
      for (let n = 1; n < length; n++) metaData.addTypedProvider(type, (next, query, data, options) => next(query, data, options));
      chains.add(type);
    }
    return timed(loops, () => metaData.get(type, image));
  },
};

say({ ready: true });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  say(ops[request.op](request));
}
