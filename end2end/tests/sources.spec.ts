import { action, expect, expectRefused, test } from '../fixtures/index.ts';

test('an nginx source shows its configuration, and its hook URL accepts events', async ({ page, api, request }) => {
  await api.createDomain('push.nginx.example');
  await page.goto('/sources');
  await action(page, 'Add source').click();
  await page.getByLabel('Name').fill('edge-1');
  await page.getByLabel('Default domain').fill('push.nginx.example');
  await action(page, 'Add').click();
  await expect(page.getByRole('heading', { level: 1, name: 'edge-1' })).toBeVisible();
  const lines = await page.locator('pre').innerText();
  const url = lines.match(/on_publish (http:\S+\/ingest\/nginx-rtmp\/\S+);/)?.[1] ?? '';
  expect(lines).toContain(`on_record_done ${url};`);

  const report = { call: 'publish', app: 'live', name: 'room_1', addr: '192.0.2.7', clientid: '1', tcurl: 'rtmp://127.0.0.1/live' };
  expect((await request.post(url, { form: report })).ok()).toBe(true);
  expect((await request.post(`${url}x`, { form: report })).ok()).toBe(false);
  await page.goto('/domains/push.nginx.example/streams');
  await expect(page.getByRole('row').filter({ hasText: 'live/room_1' })).toContainText('edge-1');
});

test('a generic source shows its secret once', async ({ page }) => {
  await page.goto('/sources/new');
  await page.getByLabel('Type').selectOption('Generic: signed JSON');
  await page.getByLabel('Name').fill('own-1');
  await action(page, 'Add').click();
  await expect(page.getByRole('status')).toContainText('It will not be shown again.');
  await expect(page.getByRole('status').getByText(/^whsec_/)).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'own-1' })).toBeVisible();
  expect(await page.content()).not.toMatch(/whsec_[A-Za-z0-9]/);

  await page.goto('/sources/new');
  await page.getByLabel('Name').fill('own-1');
  await action(page, 'Add').click();
  await expectRefused(page.getByLabel('Name'), /already/);
});
