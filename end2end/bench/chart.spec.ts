import { appendFileSync } from 'node:fs';
import { test } from '../fixtures/index.ts';
import { importUsage } from '../fixtures/usage.ts';

const domains = ['play.usage.example', 'vod.usage.example'];
const changes = 40;

/** Runs in the page: milliseconds from the next click until another chart is painted. The test does nothing in the page meanwhile. */
function drawnAfterClick(): { later: Promise<number> } {
  const later = new Promise<number>((resolve) => {
    const last = document.querySelector('.plot canvas');
    let clicked = 0;
    addEventListener('click', (event) => (clicked = event.timeStamp), { capture: true, once: true });
    const observer = new MutationObserver(() => {
      const canvas = document.querySelector('.plot canvas');
      if (!canvas || canvas === last) return;
      observer.disconnect();
      // After the frame in which it is painted.
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - clicked)));
    });
    observer.observe(document, { childList: true, subtree: true });
  });
  return { later };
}

test('draws the chart of 30 days after a changed filter, with a CPU slowed down four times', async ({ page, callsheet, api }) => {
  for (const [n, domain] of domains.entries()) await api.createDomain(`push${n}.usage.example`, domain);
  importUsage(callsheet, { [domains[0]!]: 11, [domains[1]!]: 2 }, 31);
  const browser = await page.context().newCDPSession(page);
  await browser.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  // A link loads on press and is followed on release: at once, as with a key, and after the time of a tap.
  for (const pressMs of [0, 80]) {
    const took: number[] = [];
    for (let change = 0; change < changes; change++) {
      if (change % 2 === 0) await page.goto('/statistics/usage?slot=30d');
      await page.waitForLoadState('networkidle');
      const domain = page.locator('#top').getByRole('link', { name: domains[(change / 2) % 2]! });
      const metric = page.getByRole('link', { name: change % 4 === 1 ? 'Traffic' : 'Bandwidth', exact: true });
      // Raw mouse events: Playwright's click would run code in the page meanwhile.
      const link = change % 2 === 0 ? domain : metric;
      await link.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await link.boundingBox())!;
      await page.mouse.move(x + width / 2, y + height / 2);
      const drawn = await page.evaluateHandle(drawnAfterClick);
      await page.mouse.down();
      await page.waitForTimeout(pressMs);
      await page.mouse.up();
      took.push(await drawn.evaluate(({ later }) => later));
    }
    took.sort((a, b) => a - b);
    const share = (part: number) => Math.round(took[Math.round((took.length - 1) * part)]!);
    const line = JSON.stringify({ bench: 'chart', cpuSlowdown: 4, pressMs, changes, p50Ms: share(0.5), p90Ms: share(0.9), maxMs: share(1) });
    console.log(line);
    if (process.env.BENCH_OUTPUT) appendFileSync(process.env.BENCH_OUTPUT, `${line}\n`);
  }
});
