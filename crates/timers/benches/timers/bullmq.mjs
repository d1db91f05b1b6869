// BullMQ's side of the benchmark: does what a line on standard input asks for, and answers with a line of JSON.
// Jobs carry a number and are removed when they are done, which is BullMQ's leanest way to fire.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules, url] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { Queue, Worker } = require('bullmq');
const Redis = require('ioredis');

const connect = () => new Redis(url, { maxRetriesPerRequest: null });
const queue = new Queue('bench', { connection: connect() });
let held = null;

/** Adds `count` jobs, the one of number n due at `due(n)` in milliseconds since 1970, in `lanes` bulks at once. */
async function add(count, due, { chunk, lanes }) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const from = next;
      const until = Math.min(count, from + chunk);
      next = until;
      const timestamp = Date.now();
      const jobs = [];
      for (let n = from; n < until; n += 1) {
        const delay = Math.max(0, due(n) - timestamp);
        jobs.push({ name: 't', data: n, opts: { timestamp, delay, removeOnComplete: true, removeOnFail: true } });
      }
      await queue.addBulk(jobs);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Starts a worker that hands each job to `handle`, and says when so many are completed. */
function work(count, concurrency, handle) {
  const worker = new Worker('bench', handle, { connection: connect(), concurrency });
  worker.on('error', () => {});
  return new Promise((resolve) => {
    let done = 0;
    worker.on('completed', () => {
      done += 1;
      if (done === count) {
        const at = Date.now();
        worker.close(true).then(() => resolve(at));
      }
    });
  });
}

function ahead(instant) {
  if (Date.now() >= instant) throw new Error('jobs were due before all were added');
}

const commands = {
  /** How long adding takes, for jobs due in a day. */
  async schedule({ count, ...how }) {
    const due = Date.now() + 86_400_000;
    const started = performance.now();
    await add(count, (n) => due + n, how);
    return { seconds: (performance.now() - started) / 1000 };
  },
  /** How long after their common instant the last of so many jobs is completed. */
  async burst({ count, ahead_ms, concurrency, ...how }) {
    const due = Date.now() + ahead_ms;
    await add(count, () => due, how);
    ahead(due);
    const completed = await work(count, concurrency, async () => {});
    return { seconds: (completed - due) / 1000 };
  },
  /** Adds so many jobs that are due now, and answers once all of them are in hand. */
  async hold({ count, ...how }) {
    let release;
    const gate = new Promise((resolve) => (release = resolve));
    await add(count, () => 0, how);
    await new Promise((resolve) => {
      let active = 0;
      const done = work(count, count, async () => {
        active += 1;
        if (active === count) resolve();
        await gate;
      });
      held = { release, done };
    });
    return {};
  },
  /** Lets them end. */
  async release() {
    held.release();
    await held.done;
    return {};
  },
  /** How late the handler is called, in milliseconds, at so many jobs a second. */
  async lag({ rate, seconds, ahead_ms, concurrency, ...how }) {
    const start = Date.now() + ahead_ms;
    const count = rate * seconds;
    const due = (n) => start + Math.floor((n * 1000) / rate);
    const lags = [];
    const completed = work(count, concurrency, async (job) => {
      lags.push(Date.now() - due(job.data));
    });
    await add(count, due, how);
    ahead(start);
    await completed;
    return { lags_ms: lags };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...how } = JSON.parse(line);
  try {
    process.stdout.write(`${JSON.stringify(await commands[command](how))}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  }
}
process.exit(0);
