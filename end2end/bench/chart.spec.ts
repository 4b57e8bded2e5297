import { appendFileSync } from 'node:fs';
import { expect, test } from '../fixtures/index.ts';
import { importUsage } from '../fixtures/usage.ts';

const domains = ['play.usage.example', 'vod.usage.example'];
const changes = 40;

/** In the page: remembers when a link was clicked, and tells when another chart has been painted, on this page or the next. */
function watch(): void {
  const now = () => performance.timeOrigin + performance.now();
  const clicked = (event: Event) => {
    sessionStorage.setItem('clicked', String(event.timeStamp + performance.timeOrigin));
    document.documentElement.removeAttribute('data-drawn');
  };
  addEventListener('click', clicked, true);
  let last: Element | null = null;
  const observer = new MutationObserver(() => {
    const canvas = document.querySelector('.plot canvas');
    if (!canvas || canvas === last) return;
    last = canvas;
    // The frame in which it is drawn, and the moment after.
    requestAnimationFrame(() => setTimeout(() => document.documentElement.setAttribute('data-drawn', String(now() - Number(sessionStorage.getItem('clicked'))))));
  });
  observer.observe(document, { childList: true, subtree: true });
}

test('from a changed filter to the drawn chart of 30 days, with a CPU four times slower', async ({ page, callsheet, api }) => {
  for (const [n, domain] of domains.entries()) await api.createDomain(`push${n}.usage.example`, domain);
  importUsage(callsheet, { [domains[0]!]: 11, [domains[1]!]: 2 }, 31);
  await page.addInitScript(watch);
  const browser = await page.context().newCDPSession(page);
  await browser.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  // A link loads while it is pressed and is followed when it is let go: at once, as from a key, and as long as a finger takes.
  for (const pressMs of [0, 80]) {
    const took: number[] = [];
    for (let change = 0; change < changes; change++) {
      if (change % 2 === 0) await page.goto('/statistics/usage?slot=30d');
      await page.waitForLoadState('networkidle');
      const domain = page.locator('#top').getByRole('link', { name: domains[(change / 2) % 2]! });
      const metric = page.getByRole('link', { name: change % 4 === 1 ? 'Traffic' : 'Bandwidth', exact: true });
      await (change % 2 === 0 ? domain : metric).click({ delay: pressMs });
      const root = page.locator('html[data-drawn]');
      await expect(root).toBeAttached();
      took.push(Number(await root.getAttribute('data-drawn')));
    }
    took.sort((a, b) => a - b);
    const share = (part: number) => Math.round(took[Math.round((took.length - 1) * part)]!);
    const line = JSON.stringify({ bench: 'chart', cpuSlowdown: 4, pressMs, changes, p50Ms: share(0.5), p90Ms: share(0.9), maxMs: share(1) });
    console.log(line);
    if (process.env.BENCH_OUTPUT) appendFileSync(process.env.BENCH_OUTPUT, `${line}\n`);
  }
});
