import { readFileSync } from 'node:fs';
import type { Download, Page } from '@playwright/test';
import { action, expect, test } from '../fixtures/index.ts';
import { bytesOf, importTranscoding, importUsage, lastBin } from '../fixtures/usage.ts';

const [big, small] = ['play.usage.example', 'vod.usage.example'];

test.beforeAll(async ({ callsheet, api }) => {
  await api.createDomain('push.usage.example', big);
  await api.createDomain('push.second-usage.example', small);
  importUsage(callsheet, { [big]: 11, [small]: 2 }, 9);
  importTranscoding(callsheet, big, 9);
});

/** The first cell of the row with the heading `head`. */
const cell = (page: Page, head: string) => page.locator('.chart-table tr').filter({ has: page.getByText(head, { exact: true }) }).locator('td').first();

async function text(download: Download): Promise<string> {
  return readFileSync(await download.path(), 'utf8');
}

async function download(page: Page, name: 'CSV' | 'XLSX'): Promise<Download> {
  const [file] = await Promise.all([page.waitForEvent('download'), action(page, name).click()]);
  return file;
}

test('the filters are in the URL and work without JavaScript', async ({ page }) => {
  await page.goto('/statistics/usage');
  await expect(page.getByRole('navigation').getByRole('link', { name: '1 day', exact: true })).toHaveAttribute('aria-current', 'true');
  await page.getByRole('link', { name: '7 days' }).click();
  await expect(page).toHaveURL(/slot=7d/);
  await expect(page.locator('.time-range')).toContainText('UTC · 1-hour intervals · until');
  await page.getByRole('link', { name: 'Traffic', exact: true }).click();
  await expect(page).toHaveURL(/slot=7d.*metric=traffic/);
  await expect(page.getByRole('link', { name: 'Traffic', exact: true })).toHaveAttribute('aria-current', 'true');
  await page.locator('.domain-picker > summary').click();
  await page.getByRole('checkbox', { name: small }).check();
  await page.getByRole('button', { name: 'Show' }).first().click();
  await expect(page).toHaveURL(new RegExp(`metric=traffic&slot=7d&domain=${small}`));
  await expect(page.locator('.domain-picker > summary')).toHaveText(small);
  await expect(page.locator('#top tbody tr')).toHaveCount(1);

  const day = new Date((lastBin() - 2 * 86_400) * 1000).toISOString().slice(0, 10);
  await page.getByLabel('From').fill(day);
  await page.getByLabel('To', { exact: true }).fill(day);
  await page.getByRole('button', { name: 'Show' }).first().click();
  await expect(page).toHaveURL(new RegExp(`from=${day}&to=${day}`));
  await expect(page.locator('.time-range')).toContainText('5-minute intervals');
  await page.getByText('Show as table').click();
  await expect(page.locator('.chart-table tbody tr')).toHaveCount(288);
  const noon = Date.parse(`${day}T12:00:00Z`) / 1000;
  await expect(cell(page, `${day} 12:00`)).toHaveText((bytesOf(noon, 2) / 1e9).toFixed(2));
  await page.reload();
  await expect(page.getByLabel('From')).toHaveValue(day);

  await page.goto('/statistics/usage?from=2026-11-07&to=2026-11-01');
  await expect(page.getByRole('alert')).toContainText('To: “2026-11-01” must be later than the start.');
  await expect(page.locator('.stat-card')).toHaveCount(0);
});

test('a click on a domain filters by it, and cards compare with the previous period', async ({ page }) => {
  await page.goto('/statistics/usage?slot=7d&metric=bandwidth');
  await expect(page.locator('.stat-card').filter({ hasText: 'Peak bandwidth' })).toContainText(/\d Mbps|Gbps/);
  await expect(page.locator('.stat-card').filter({ hasText: 'Traffic' })).toContainText(/[+−]\d.* vs previous period/);
  await expect(page.locator('.stat-card').filter({ hasText: 'Storage' })).toContainText('no earlier data');
  await page.locator('#top').getByRole('link', { name: big }).click();
  await expect(page).toHaveURL(new RegExp(`slot=7d&domain=${big}&metric=bandwidth`));
  await expect(page.locator('#top tbody tr')).toHaveCount(1);
});

test('exports contain the values of the page', async ({ page }) => {
  await page.goto(`/statistics/usage?slot=1d&domain=${big}&metric=traffic`);
  await page.getByText('Show as table').click();
  const row = page.locator('.chart-table tbody tr').first();
  const [time, shown, exact] = await Promise.all([row.locator('th').textContent(), ...[0, 1].map((at) => row.locator('td').nth(at).textContent())]);
  const file = await download(page, 'CSV');
  expect(file.suggestedFilename()).toMatch(/^usage-traffic-.*\.csv$/);
  const csv = await text(file);
  expect(csv).toContain(`Domains,${big}\r\n`);
  expect(csv).toContain(`\r\n${time},${shown},${exact?.replaceAll(',', '')}\r\n`);
  const workbook = await download(page, 'XLSX');
  expect(workbook.suggestedFilename()).toMatch(/\.xlsx$/);
  expect((await text(workbook)).slice(0, 2)).toBe('PK');
});

test('transcoding is listed by codec and resolution, and charted for one of them', async ({ page }) => {
  await page.goto('/statistics/transcoding?slot=7d');
  await expect(page.locator('.stat-card').filter({ hasText: 'Failed' }).locator('b').first()).toHaveText('1');
  const total = await page.locator('.matrix tr.total td').last().textContent();
  await expect(page.locator('.stat-card').first()).toContainText(total?.match(/^[\d,.]+\.\d\d/)?.[0] ?? 'none');
  await page.getByLabel('Series').selectOption('H.264 SD');
  await page.locator('.series-form').getByRole('button', { name: 'Show' }).click();
  await expect(page).toHaveURL(/kind=H\.264\+SD/);
  await page.getByText('Show as table').click();
  await expect(page.locator('.chart-table thead th')).toHaveText(['Day (UTC)', 'H.264 SD']);
  await expect(page.locator('.chart-table tbody tr')).toHaveCount(7);
  await page.locator('#chart').getByRole('link', { name: 'Files' }).click();
  await expect(page).toHaveURL(/metric=files&kind=H\.264\+SD/);
});

test.describe('with JavaScript', () => {
  test('the chart shows the values of the table, zooms in and resets', async ({ page }) => {
    const asked: string[] = [];
    await page.goto('/statistics/usage?slot=7d&metric=bandwidth');
    const chart = page.locator('.chart canvas');
    await expect(chart).toBeVisible();
    const hint = await page.locator('.timestamp').textContent();
    const over = page.locator('.chart .u-over');
    page.on('request', (request) => asked.push(request.url()));
    await over.hover();
    await expect(page.locator('.timestamp')).toHaveText(/^\d{4}-\d\d-\d\d \d\d:\d\d$/);
    const [moment, value] = [await page.locator('.timestamp').textContent(), await page.locator('.legend b').textContent()];
    await page.getByText('Show as table').click();
    expect(value).toMatch(/^[\d.]+ (Mbps|Gbps)$/);
    await expect(cell(page, moment ?? '')).toHaveText(value?.split(' ')[0] ?? '');

    const whole = action(page, 'Reset zoom');
    await expect(whole).toBeHidden();
    await over.hover();
    await page.mouse.down();
    await over.hover({ position: { x: 20, y: 50 } });
    await page.mouse.up();
    await expect(whole).toBeVisible();
    await over.dblclick();
    await expect(whole).toBeHidden();
    await page.mouse.move(0, 0);
    await expect(page.locator('.timestamp')).toHaveText(hint ?? '');
    expect(asked).toEqual([]);
  });

  test('the chart adapts to the width of the page', async ({ page }) => {
    await page.goto('/statistics/usage');
    const chart = page.locator('.chart canvas');
    await expect(chart).toBeVisible();
    await page.setViewportSize({ width: 360, height: 800 });
    await expect.poll(async () => (await chart.boundingBox())?.width ?? 999).toBeLessThan(340);
  });

  test('pages without a chart do not load its script', async ({ page }) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('/domains');
    await page.goto('/statistics/usage');
    await expect(page.locator('.chart canvas')).toBeVisible();
    expect(asked.filter((path) => path.startsWith('/pkg/chart.'))).toHaveLength(1);
  });

  test('a changed filter redraws the chart without a page load, and Back restores it', async ({ page }) => {
    await page.goto('/statistics/usage?slot=7d');
    await expect(page.locator('.chart canvas')).toHaveCount(1);
    await page.evaluate(() => document.body.setAttribute('data-same', ''));
    const [title, picker] = [page.locator('#chart h2'), page.locator('.domain-picker > summary')];
    await page.getByLabel('From').fill('2026-11-01');
    await page.getByRole('link', { name: 'Traffic', exact: true }).click();
    await expect(title).toHaveText('Traffic');
    await expect(page.getByLabel('From'), 'typed, but not sent').toHaveValue('');
    await expect(page).toHaveURL(/slot=7d&metric=traffic/);
    await expect(page.getByRole('link', { name: 'Traffic', exact: true })).toBeFocused();
    await picker.click();
    await page.getByRole('checkbox', { name: small }).check();
    await page.getByRole('button', { name: 'Show' }).first().click();
    await expect(picker).toHaveText(small);
    await expect(page.locator('#top tbody tr')).toHaveCount(1);
    await expect(page.getByRole('link', { name: '中文' })).toHaveAttribute('href', new RegExp(`metric=traffic.*domain=${small}`));
    await page.goBack();
    await expect(picker).toHaveText('All domains');
    await expect(page.getByRole('checkbox', { name: small, includeHidden: true })).not.toBeChecked();
    await page.goBack();
    await expect(title).toHaveText('Bandwidth');
    await expect(page.locator('.chart canvas')).toHaveCount(1);
    await expect(page.locator('body[data-same]')).toBeAttached();
  });

  test('a pressed link loads once, and after a cancelled press a click loads again', async ({ page }) => {
    await page.goto('/statistics/usage?slot=7d');
    await expect(page.locator('.chart canvas')).toBeVisible();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(...(/metric=.*/.exec(request.url()) ?? [])));
    const [title, traffic] = [page.locator('#chart h2'), page.getByRole('link', { name: 'Traffic', exact: true })];
    const press = async (name: string) => {
      const answered = page.waitForResponse(new RegExp(`metric=${name.toLowerCase()}`));
      await page.getByRole('link', { name, exact: true }).hover();
      await page.mouse.down();
      await answered;
    };

    await press('Traffic');
    await expect(title).toHaveText('Bandwidth');
    await page.mouse.move(0, 0);
    await page.mouse.up();
    await expect(page).toHaveURL(/slot=7d$/);
    await traffic.press('Enter');
    await expect(title).toHaveText('Traffic');
    expect(asked).toEqual(['metric=traffic', 'metric=traffic']);

    await press('Storage');
    await page.mouse.up();
    await expect(title).toHaveText('Storage');
    expect(asked.slice(2)).toEqual(['metric=storage']);
  });

  test('following a link shows the same page as loading it', async ({ page, context }) => {
    const loaded = await context.newPage();
    const shown = (of: Page) =>
      of.evaluate(() => {
        const main = document.querySelector('main')!.cloneNode(true) as Element;
        // Without parts that scripts fill, that change every minute, or that keep their state, such as the order of domains.
        for (const apart of main.querySelectorAll('.plot > *, script, noscript, .time-range, .domain-picker > div')) apart.remove();
        return main.innerHTML;
      });
    const links = (of: Page) => [
      of.getByRole('link', { name: 'Traffic', exact: true }),
      of.locator('#top').getByRole('link', { name: small }),
      of.getByRole('link', { name: '30 days' }),
      of.getByRole('link', { name: 'Compare with previous period' }),
      of.getByRole('link', { name: 'Storage', exact: true }),
      of.getByRole('link', { name: '1 day', exact: true }),
    ];
    await page.goto('/statistics/usage?slot=7d');
    await expect(page.locator('.chart canvas')).toHaveCount(1);
    for (const link of links(page)) {
      const before = page.url();
      await link.click();
      await expect(page).not.toHaveURL(before);
      await loaded.goto(page.url());
      await expect(async () => expect(await shown(page)).toBe(await shown(loaded))).toPass();
    }
    await page.goBack();
    await loaded.goto(page.url());
    await expect(async () => expect(await shown(page)).toBe(await shown(loaded))).toPass();
  });

  test('the search box finds one of many domains', async ({ page, api, callsheet }) => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`play.many-${at}.example`, 1]));
    for (const play of Object.keys(many)) await api.createDomain(play.replace('play', 'push'), play);
    importUsage(callsheet, many, 0);
    await page.goto('/statistics/usage');
    await page.locator('.domain-picker > summary').click();
    await page.getByRole('searchbox', { name: 'Find a domain' }).fill('MANY-7');
    await expect(page.locator('.domain-picker label:visible')).toHaveText(['play.many-7.example']);

    // It still works after a notice appeared above the filters.
    await page.getByLabel('From').fill('2026-11-07');
    await page.getByLabel('To', { exact: true }).fill('2026-11-01');
    await page.getByRole('button', { name: 'Show' }).first().click();
    await expect(page.getByRole('alert')).toBeVisible();
    await page.locator('.domain-picker > summary').click();
    await page.getByRole('searchbox', { name: 'Find a domain' }).fill('MANY-8');
    await expect(page.locator('.domain-picker label:visible')).toHaveText(['play.many-8.example']);
  });
});
