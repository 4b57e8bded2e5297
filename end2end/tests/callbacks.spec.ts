import { type Locator, type Page } from '@playwright/test';
import { action, createDomain, expect, expectRefused, test } from '../fixtures/index.ts';
import { expectGoodLooks } from '../fixtures/looks.ts';
import { Push } from '../fixtures/push.ts';
import { verify } from '../fixtures/receiver.ts';

/** The row of a callback at the end of a domain's page. */
function callback(page: Page, name: 'Push callback' | 'Recording callback'): Locator {
  return page.getByRole('group', { name });
}

/** Turns a callback on and gives it an address, without the reachability check. */
async function turnOn(row: Locator, address: string): Promise<void> {
  await row.getByRole('switch').click();
  await action(row, 'Edit').click();
  await row.getByLabel('Address').fill(address);
  await row.getByRole('button', { name: 'OK', exact: true }).click();
  await expect(row.getByText(address, { exact: true })).toBeVisible();
}

/** Shows the signing secret of a callback. */
async function revealSecret(row: Locator): Promise<string> {
  await row.getByText('Advanced').click();
  await action(row, 'Reveal secret').click();
  return (await row.getByText(/^whsec_/).textContent()) ?? '';
}

test('from the slider to a signed callback for a stream', async ({ page, callsheet, receiver }) => {
  await createDomain(page, 'push.story.example', 'play.story.example');
  const row = callback(page, 'Push callback');
  await expect(action(row, 'Edit')).toHaveCount(0);
  await row.getByRole('switch').click();
  await expect(row.getByRole('switch')).toBeChecked();

  await action(row, 'Edit').click();
  await row.getByLabel('Address').fill(receiver.url('/publish'));
  await row.getByRole('button', { name: 'Test', exact: true }).click();
  await expect(row.getByRole('listitem').filter({ hasText: 'Answer' })).toContainText('200');
  await row.getByRole('button', { name: 'OK', exact: true }).click();
  await expect(row.getByText(receiver.url('/publish'), { exact: true })).toBeVisible();
  await expectGoodLooks(page, 'domain-callbacks');
  const secret = await revealSecret(row);

  const push = Push.start(callsheet, 'rtmp://push.story.example/live/room_7?token=x', 3);
  await receiver.until('/publish', 'publish_done');
  await push.ended();

  expect(receiver.events('/publish')).toEqual(['publish_started', 'publish_done']);
  for (const received of receiver.at('/publish')) {
    verify(received, secret);
    expect(received.event).toMatchObject({ domain: 'push.story.example', app: 'live', stream: 'room_7', status: 'success' });
    expect(received.body).not.toContain('token');
  }

  await page.goto('/domains/push.story.example/deliveries');
  for (const event of ['publish_started', 'publish_done']) {
    await expect(page.getByRole('row').filter({ hasText: event })).toContainText('Delivered');
  }
  await expectGoodLooks(page, 'deliveries');
  await page.getByRole('row').filter({ hasText: 'publish_done' }).getByRole('link').first().click();
  await expect(page.getByText('webhook-signature').first()).toBeVisible();
  await expectGoodLooks(page, 'delivery');
});

test('a recording tells of each part, in order', async ({ page, callsheet, receiver }) => {
  await createDomain(page, 'push.rec.example', 'play.rec.example');
  const row = callback(page, 'Recording callback');
  await turnOn(row, receiver.url('/record'));
  const secret = await revealSecret(row);
  await page.goto('/domains/push.rec.example/recording');
  await page.getByRole('switch', { name: 'Recording' }).click();
  await expect(page.getByRole('switch', { name: 'Recording' })).toBeChecked();

  const push = Push.start(callsheet, 'rtmp://push.rec.example/live/room_8', 8);
  await receiver.until('/record', 'record_done');
  await push.ended();

  const events = receiver.events('/record');
  expect(events.at(0)).toBe('record_started');
  expect(events.at(-1)).toBe('record_done');
  const parts = events.slice(1, -1);
  expect(parts.length).toBeGreaterThanOrEqual(4); // two parts at least: the parts are 3 s long
  for (const [index, event] of parts.entries()) {
    expect(event).toBe(index % 2 === 0 ? 'record_part_started' : 'record_part_done');
  }
  for (const received of receiver.at('/record')) verify(received, secret);
});

test('a receiver that was down gets everything once it is up, in order, once each', async ({ page, callsheet, receiver }) => {
  await createDomain(page, 'push.down.example', 'play.down.example');
  await turnOn(callback(page, 'Push callback'), receiver.url('/late'));
  receiver.status = 503;
  const push = Push.start(callsheet, 'rtmp://push.down.example/live/room_9', 2);
  await receiver.until('/late', 'publish_started');
  await push.ended();
  const refused = receiver.received.length;
  receiver.status = 200;
  await receiver.until('/late', 'publish_done');

  const first = receiver.received[0]?.headers['webhook-id'];
  const taken = receiver.received.slice(refused);
  expect(taken.map(({ event }) => event.event)).toEqual(['publish_started', 'publish_done']);
  expect(taken[0]?.headers['webhook-id']).toBe(first);
});

test('turning a callback off keeps its address', async ({ page, receiver }) => {
  await createDomain(page, 'push.off.example', 'play.off.example');
  const row = callback(page, 'Push callback');
  await turnOn(row, receiver.url('/kept'));
  await row.getByRole('switch').click();
  await expect(row.getByRole('switch')).not.toBeChecked();
  await expect(row.getByText(receiver.url('/kept'))).toHaveCount(0);
  await expect(action(row, 'Edit')).toHaveCount(0);

  await row.getByRole('switch').click();
  await expect(row.getByText(receiver.url('/kept'), { exact: true })).toBeVisible();
});

test('Cancel leaves the address as it was', async ({ page, receiver }) => {
  await createDomain(page, 'push.cancel.example', 'play.cancel.example');
  const row = callback(page, 'Push callback');
  await turnOn(row, receiver.url('/first'));
  await action(row, 'Edit').click();
  await row.getByLabel('Address').fill(receiver.url('/second'));
  await action(row, 'Cancel').click();
  await expect(row.getByText(receiver.url('/first'), { exact: true })).toBeVisible();
});

test('an address that cannot be is refused with its reason', async ({ page }) => {
  await createDomain(page, 'push.refused.example', 'play.refused.example');
  const row = callback(page, 'Push callback');
  await row.getByRole('switch').click();
  await action(row, 'Edit').click();
  for (const { address, says } of [
    { address: 'not an address', says: /address/i },
    { address: 'ftp://callbacks.example/hook', says: /http/ },
    { address: 'http://169.254.169.254/latest/meta-data', says: /169\.254\.169\.254/ },
    { address: 'http://0x0a000001/', says: /10\.0\.0\.1/ },
  ]) {
    await row.getByLabel('Address').fill(address);
    await row.getByRole('button', { name: 'OK', exact: true }).click();
    await expectRefused(row.getByLabel('Address'), says);
    await expect(row.getByLabel('Address')).toHaveValue(address);
  }
});

test('the check names the phase that failed', async ({ page, receiver }) => {
  const nobodyListens = receiver.url('/hook');
  await receiver.close();
  await createDomain(page, 'push.check.example', 'play.check.example');
  const row = callback(page, 'Push callback');
  await row.getByRole('switch').click();
  await action(row, 'Edit').click();
  await row.getByLabel('Address').fill(nobodyListens);
  await row.getByRole('button', { name: 'Test', exact: true }).click();
  await expect(row.getByRole('listitem').filter({ hasText: 'Connection' })).toContainText(/refused/i);
  await expect(row.getByRole('listitem').filter({ hasText: 'Answer' })).toContainText(/not reached/i);
  await expectGoodLooks(page, 'domain-check-failed');
});
