import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, signIn, test } from '../fixtures/index.ts';
import { Callsheet, binary } from '../fixtures/callsheet.ts';

const starts = 20;
// Longer than the timeout of idle connections.
const restMs = 70_000;
const pages = [
  '/', '/domains', '/domains/push.sample-sports.example', '/deliveries', '/sources', '/users', '/keys', '/audit', '/settings', '/profile', '/api',
  '/statistics/usage', '/statistics/usage?slot=30d', '/statistics/usage?slot=30d&metric=traffic', '/statistics/transcoding',
  '/statistics/transcoding?slot=30d', '/statistics/imports', '/deliveries?state=failed', '/domains?page=2', '/statistics/usage?slot=7d',
];

function report(line: object): void {
  const text = JSON.stringify(line);
  console.log(text);
  if (process.env.BENCH_OUTPUT) appendFileSync(process.env.BENCH_OUTPUT, `${text}\n`);
}

/** A value of /proc/PID/status, MiB. */
function memory(pid: number, name: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${name}:\\s+(\\d+) kB`));
  return Math.round(Number(line![1]) / 102.4) / 10;
}

test.describe('a console with sample data', () => {
  test('starts, and is idle after twenty pages', async ({ browser }, info) => {
    const folder = info.outputPath('sample');
    const demo = spawnSync(binary, ['demo', '--data-dir', join(folder, 'data')], { encoding: 'utf8' });
    expect(demo.status, demo.stderr).toBe(0);
    const callsheet = await Callsheet.start(folder);
    const page = await browser.newPage({ baseURL: callsheet.url });
    await signIn(page, callsheet.createUser('admin', 'ada'));
    for (const path of pages) expect((await page.request.get(path)).status(), path).toBe(200);
    await wait(restMs);
    const [resident, anonymous] = ['VmRSS', 'RssAnon'].map((name) => memory(callsheet.pid, name));
    report({ bench: 'memory', pages: pages.length, residentMiB: resident, anonymousMiB: anonymous });
    await page.close();
    await callsheet.stop();

    // From the start of the process to its first response; for comparison, the run time of `callsheet --version`.
    const [took, floor]: [number[], number[]] = [[], []];
    for (let start = 0; start < starts; start++) {
      const begun = performance.now();
      await callsheet.up(1);
      took.push(performance.now() - begun);
      await callsheet.stop();
      const before = performance.now();
      spawnSync(binary, ['--version']);
      floor.push(performance.now() - before);
    }
    const at = (times: number[], share: number) => Math.round(times.sort((a, b) => a - b)[Math.round((times.length - 1) * share)]! * 10) / 10;
    report({ bench: 'start-up', starts, p50Ms: at(took, 0.5), maxMs: at(took, 1), floorP50Ms: at(floor, 0.5), ratio: Math.round(at(took, 0.5) / at(floor, 0.5)) });
  });
});
