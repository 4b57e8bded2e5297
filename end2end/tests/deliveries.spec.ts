import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from '@playwright/test';
import type { Callsheet } from '../fixtures/callsheet.ts';
import { CallbackRow, expectHydrated } from '../fixtures/callback.ts';
import { action, expect, test } from '../fixtures/index.ts';
import { Push } from '../fixtures/push.ts';

/** Publishes each room briefly: two events per room. */
async function publish(callsheet: Callsheet, push: string, rooms: string[]): Promise<void> {
  await Promise.all(rooms.map((room) => Push.start(callsheet, `rtmp://${push}/live/${room}`, 1).ended()));
}

/** Clicks the page's refresh link until the condition holds; only needed without JavaScript. */
async function refreshUntil(page: Page, holds: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await action(page, 'Refresh').click();
    await holds();
  }).toPass();
}

test('selected deliveries are resent together', async ({ page, callsheet, api, receiver }) => {
  const push = 'push.select.example';
  await api.createDomain(push);
  await api.setCallback(push, 'publish', receiver.url('/select'), false);
  await publish(callsheet, push, ['room_1', 'room_2']);
  await page.goto(`/domains/${push}/deliveries`);
  await expect(page.getByRole('row').filter({ hasText: 'Skipped' })).toHaveCount(4);
  const bar = page.locator('.bulk-actions');
  await expect(bar).toBeHidden();
  const select = (event: string, room: string) => page.getByRole('checkbox', { name: `Select ${event} live/${room}` });
  await select('publish_started', 'room_1').check();
  await select('publish_done', 'room_2').check();
  await expect(bar).toBeVisible();
  await action(bar, 'Resend').click();
  await expect(page.getByRole('alert')).toContainText('Turn it on, then resend.');

  await api.setCallback(push, 'publish', receiver.url('/select'));
  await select('publish_started', 'room_1').check();
  await select('publish_done', 'room_2').check();
  await action(bar, 'Resend').click();
  await expect(page.getByRole('status').filter({ hasText: '2 deliveries queued again' })).toBeVisible();
  await refreshUntil(page, () => expect(page.getByRole('row').filter({ hasText: 'Delivered' })).toHaveCount(2, { timeout: 500 }));
  expect(receiver.at('/select').map(({ event }) => `${event.stream} ${event.event}`).sort()).toEqual([
    'room_1 publish_started',
    'room_2 publish_done',
  ]);
});

test('failed deliveries are counted, then recovered in order and once each', async ({ page, callsheet, api, receiver }) => {
  const push = 'push.recover.example';
  const rooms = ['room_1', 'room_2', 'room_3'];
  await api.createDomain(push);
  await api.setCallback(push, 'publish', receiver.url('/recover'), false);
  await publish(callsheet, push, rooms);
  await page.goto(`/deliveries?domain=${push}&state=delivered`);
  await action(page, 'Recover…').click();
  await expect(page.getByRole('heading', { name: '6 deliveries can be recovered.' })).toBeVisible();
  await expect(page.getByLabel('Domain')).toHaveValue(push);
  await expect(page.getByLabel('From')).toHaveValue(/^\d{4}-\d\d-\d\dT/); // a day ago
  await expect(page.getByText('The callbacks of 6 of them are off')).toBeVisible();
  await expect(action(page, 'Start recovery')).toHaveCount(0);

  await api.setCallback(push, 'publish', receiver.url('/recover'));
  await page.getByText('More filters').click();
  await page.getByLabel('Event', { exact: true }).selectOption('Push started');
  await action(page, 'Count').click();
  await expect(page.getByRole('heading', { name: '3 deliveries can be recovered.' })).toBeVisible();
  await page.getByLabel('Event', { exact: true }).selectOption('All');
  await action(page, 'Count').click();
  await action(page, 'Start recovery').click();
  await expect(page.getByRole('heading', { level: 1, name: 'Recovery' })).toBeVisible();
  await refreshUntil(page, () => expect(page.locator('h1 + span')).toHaveText('Finished', { timeout: 500 }));
  await expect(page.locator('#progress')).toContainText('6 of 6');
  for (const room of rooms) await expect.poll(() => receiver.at('/recover').filter(({ event }) => event.stream === room).length).toBe(2);
  for (const room of rooms) {
    const told = receiver.at('/recover').filter(({ event }) => event.stream === room);
    expect(told.map(({ event }) => event.event), room).toEqual(['publish_started', 'publish_done']);
  }
  await action(page, 'View these deliveries').click();
  await refreshUntil(page, () => expect(page.getByRole('row').filter({ hasText: 'Delivered' })).toHaveCount(6, { timeout: 500 }));
  await page.goto(`/recoveries?domain=${push}`);
  await expect(page.getByRole('heading', { name: 'Nothing to recover' })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: 'Finished' }).first()).toContainText('6 of 6');
});

test('a recovery with an invalid filter counts nothing', async ({ page }) => {
  await page.goto('/recoveries?status=5xx');
  await expect(page.getByRole('alert')).toContainText('HTTP status: “5xx” is not an HTTP status.');
  await expect(page.getByLabel('HTTP status')).toHaveValue('5xx');
  await expect(page.getByLabel('HTTP status')).toBeFocused();
  await expect(action(page, 'Start recovery')).toHaveCount(0);
});

test('a delivery shows each phase, the request, the response and how to verify the signature', async ({ page, callsheet, api, receiver }) => {
  const push = 'push.detail.example';
  await api.createDomain(push);
  await api.setCallback(push, 'publish', receiver.url("/it's?a=$HOME"));
  receiver.status = 503;
  const live = Push.start(callsheet, `rtmp://${push}/live/room_1`, 1);
  await receiver.until("/it's?a=$HOME", 'publish_started');
  receiver.status = 200;
  await receiver.until("/it's?a=$HOME", 'publish_done');
  await live.ended();
  await page.goto(`/domains/${push}/deliveries?event=publish_started`);
  await page.getByRole('rowheader').getByRole('link').click();
  await refreshUntil(page, () => expect(page.locator('h1 + span')).toHaveText('Delivered', { timeout: 500 }));
  const attempts = page.locator('.attempt');
  await expect(attempts.first()).toContainText('200');
  await expect(attempts.first().locator('.timing li').first()).toContainText(/(µs|ms)$/);
  await expect(attempts.first().locator('svg rect')).not.toHaveCount(0);
  const [taken] = receiver.received.filter(({ responded }) => responded === 200);
  for (const [name, value] of Object.entries(taken?.headers ?? {})) {
    if (name.startsWith('webhook-') || name.startsWith('callsheet-')) {
      await expect(attempts.first().locator('dl > div').filter({ has: page.getByText(name, { exact: true }) }).locator('dd')).toHaveText(String(value));
    }
  }
  await expect(attempts.first().locator('pre')).toContainText(taken?.body ?? 'nothing');
  await attempts.last().locator('summary').click();
  await expect(attempts.last()).toContainText('503 Service Unavailable');

  const command = await page.getByText(/^curl -i --globoff -X POST /).textContent();
  expect(command).toContain(String.raw`it'\''s?a=$HOME'`);
  await page.getByText('Verify the signature').click();
  const signed = `${taken?.headers['webhook-id']}.${taken?.headers['webhook-timestamp']}.${taken?.body}`;
  await expect(page.locator('.signature dd').first()).toHaveText(signed);
  for (const [language, file] of [
    ['Node.js', 'receiver.mjs'],
    ['Python', 'receiver.py'],
    ['Go', 'receiver.go'],
    ['Rust', 'receiver.rs'],
  ] as const) {
    const receiver = page.locator('.receiver-example').filter({ hasText: language }).first();
    await receiver.locator('summary').click();
    expect(await receiver.locator('pre').textContent()).toBe(readFileSync(join('..', 'app', 'receivers', file), 'utf8'));
  }
});

test('the example receiver for Node.js accepts callbacks', async ({ page, callsheet, api, receiver }, info) => {
  const push = 'push.node.example';
  await api.createDomain(push);
  await api.setCallback(push, 'publish', receiver.url('/other'));
  const secret = await (await CallbackRow.open(page, push)).newSecret();
  const port = new URL(receiver.url('/')).port;
  await receiver.close(); // its port is free now
  mkdirSync(info.outputDir, { recursive: true });
  const file = join(info.outputDir, 'receiver.mjs'); // below end2end, where its package is found
  copyFileSync(resolve('..', 'app', 'receivers', 'receiver.mjs'), file);
  const shown = spawn(process.execPath, [file], { env: { ...process.env, CALLSHEET_SECRET: secret, PORT: port }, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await publish(callsheet, push, ['room_1']);
    expect(await output(shown, 'publish_done')).toMatch(/^evt_\w+ publish_started room_1\nevt_\w+ publish_done room_1\n$/);
    await page.goto(`/domains/${push}/deliveries`);
    await refreshUntil(page, () => expect(page.getByRole('row').filter({ hasText: /Delivered.*204/s })).toHaveCount(2, { timeout: 500 }));
  } finally {
    shown.kill();
    await once(shown, 'exit');
  }
});

/** The output of a process, once it contains `text`. */
async function output(process: ChildProcess, text: string): Promise<string> {
  let printed = '';
  for await (const chunk of process.stdout ?? []) {
    printed += String(chunk);
    if (printed.includes(text)) break;
  }
  return printed;
}

test.describe('with JavaScript', () => {
  test('an open list refreshes itself without disturbing the user', async ({ page, callsheet, api, receiver }) => {
    const push = 'push.fresh.example';
    await api.createDomain(push);
    await api.setCallback(push, 'publish', receiver.url('/fresh'));
    receiver.status = 503;
    await publish(callsheet, push, ['room_1']);
    await page.clock.install();
    await page.goto(`/domains/${push}/deliveries`);
    const row = page.getByRole('row').filter({ hasText: 'publish_started' });
    await expect(row).toContainText('Retrying');
    const [box, link] = [row.getByRole('checkbox'), row.getByRole('link', { name: 'publish_started' })];
    await box.check();
    await link.focus();
    let loads = 0;
    page.on('request', (request) => (loads += Number(request.isNavigationRequest())));
    receiver.status = 200;
    await expect(row).toContainText('Delivered');
    await expect(page.getByText('publish_started live/room_1: Delivered')).toBeAttached();
    await expect(box).toBeChecked();
    await expect(link).toBeFocused();
    await expect(page.getByRole('row').filter({ hasText: 'publish_done' })).toContainText('Delivered');
    expect(loads).toBe(0);

    // No delivery is pending, so polling stops.
    await expect(page.locator('[data-waits]')).toHaveCount(0);
    let asked = 0;
    page.on('request', () => asked++);
    await page.clock.runFor(60_000);
    expect(asked).toBe(0);
  });

  test('an open delivery shows its new attempts', async ({ page, callsheet, api, receiver }) => {
    const push = 'push.attempts.example';
    await api.createDomain(push);
    await api.setCallback(push, 'publish', receiver.url('/attempts'));
    receiver.status = 503;
    await publish(callsheet, push, ['room_1']);
    await page.goto(`/domains/${push}/deliveries?event=publish_started`);
    await page.getByRole('rowheader').getByRole('link').click();
    await expectHydrated(page);
    await expect(page.locator('h1 + span')).toHaveText('Retrying');
    const attempts = page.locator('.attempt');
    const before = await attempts.count();
    await attempts.last().locator('summary').click();
    await expect.poll(() => attempts.count()).toBeGreaterThan(before);
    receiver.status = 200;
    await expect(page.locator('h1 + span')).toHaveText('Delivered');
    await expect(attempts.first()).toContainText('200');
    await expect(attempts.last().locator('summary')).toBeFocused();
    await expect(page.locator('#next')).toHaveText('none scheduled');
    await expect(action(page, 'Cancel delivery')).toHaveCount(0);
  });

  test('one checkbox selects all rows', async ({ page, callsheet, api, receiver }) => {
    const push = 'push.all.example';
    await api.createDomain(push);
    await api.setCallback(push, 'publish', receiver.url('/all'), false);
    await publish(callsheet, push, ['room_1', 'room_2']);
    await expect(async () => {
      await page.goto(`/domains/${push}/deliveries`);
      await expect(page.getByRole('checkbox')).toHaveCount(4, { timeout: 500 });
    }).toPass();
    await page.getByRole('checkbox').first().check();
    await action(page, 'Select all on this page').click();
    await expect(page.getByRole('checkbox', { checked: true })).toHaveCount(4);
  });
});
