import { action, expect, signedOut, signIn, test } from '../fixtures/index.ts';
import { Push } from '../fixtures/push.ts';

test('a stream is listed live, then in the history with its deliveries', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.live.example');
  await api.setCallback('push.live.example', 'publish', receiver.url('/publish'));
  const push = Push.start(callsheet, 'rtmp://push.live.example/live/room_7?token=hush', 60);
  await receiver.until('/publish', 'publish_started');
  await page.goto('/domains/push.live.example/streams');
  const stream = page.getByRole('row').filter({ hasText: 'live/room_7' });
  await expect(page.getByText('Live since')).toBeVisible();
  await expect(stream).toHaveCount(1);
  await page.goto('/');
  await expect(page.getByRole('row').filter({ hasText: 'push.live.example' })).toContainText('live/room_7');
  await page.goto('/domains?q=push.live.example');
  await expect(page.getByRole('row').filter({ hasText: 'push.live.example' }).getByRole('cell').nth(3)).toHaveText('1');

  await push.stop();
  await receiver.until('/publish', 'publish_done');
  expect(receiver.events('/publish')).toEqual(['publish_started', 'publish_done']);
  for (const { event, body } of receiver.at('/publish')) {
    expect(event).toMatchObject({ domain: 'push.live.example', app: 'live', stream: 'room_7', status: 'success' });
    expect(body).not.toContain('hush');
  }
  await page.goto('/domains/push.live.example/streams');
  await expect(page.getByRole('heading', { name: 'No live streams' })).toBeVisible();
  await stream.getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1, name: 'live/room_7' })).toBeVisible();
  await expect(page.getByRole('listitem').filter({ hasText: 'publish_started' })).toContainText('Push started');
  expect(await page.content()).not.toContain('hush');

  await page.goto('/domains/push.live.example/deliveries');
  for (const event of ['publish_started', 'publish_done']) {
    const delivery = page.getByRole('row').filter({ hasText: event });
    await expect(delivery).toContainText('Delivered');
    await expect(delivery).toContainText('200');
  }
  await page.getByRole('link', { name: 'publish_done' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'publish_done' })).toBeVisible();
  await expect(page.getByRole('definition').filter({ hasText: /^v1,/ }).first()).toBeVisible();
  await expect(page.getByText(/^curl -i --globoff -X POST /)).toBeVisible();
});

test('the delivery log is filtered by its URL', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.log.example');
  await api.setCallback('push.log.example', 'publish', receiver.url('/log'));
  const push = Push.start(callsheet, 'rtmp://push.log.example/live/room_8', 1);
  await receiver.until('/log', 'publish_done');
  await push.ended();
  await page.goto('/deliveries');
  await page.getByLabel('Domain').fill('push.log.example');
  await action(page, 'Filter').click();
  await expect(page).toHaveURL(/domain=push\.log\.example/);
  await expect(page.getByRole('rowheader')).toHaveCount(2);
  await page.getByText('More filters').click();
  await page.getByLabel('Event', { exact: true }).selectOption('Push ended');
  await action(page, 'Filter').click();
  await expect(page.getByRole('rowheader')).toHaveText([/publish_done/]);
  await expect(page.getByLabel('Event', { exact: true })).toHaveValue('publish_done'); // open, as it filters
  await page.getByLabel('State').selectOption('Failed');
  await action(page, 'Filter').click();
  await expect(page.getByRole('heading', { name: 'No matches' })).toBeVisible();
});

test('an event received while the callback was off is resent after turning it on', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.skip.example');
  await api.setCallback('push.skip.example', 'publish', receiver.url('/skip'), false);
  await Push.start(callsheet, 'rtmp://push.skip.example/live/room_9', 1).ended();
  await page.goto('/domains/push.skip.example/deliveries');
  const delivery = page.getByRole('row').filter({ hasText: 'publish_started' });
  await expect(delivery).toContainText('Skipped');
  await delivery.getByRole('link', { name: 'publish_started' }).click();
  await action(page, 'Resend').click();
  await expect(page.getByRole('alert')).toContainText('Turn it on, then resend.');

  await api.setCallback('push.skip.example', 'publish', receiver.url('/skip'));
  await action(page, 'Resend').click();
  await expect(page.getByRole('status')).toContainText('Queued again');
  await receiver.until('/skip', 'publish_started');
  await expect(async () => {
    await action(page, 'Refresh').click();
    await expect(page.locator('h1 + span')).toHaveText('Delivered', { timeout: 500 });
  }).toPass();
});

test('a receiver that was down gets every callback in order and once when it is back', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.down.example');
  await api.setCallback('push.down.example', 'publish', receiver.url('/late'));
  receiver.status = 503;
  const push = Push.start(callsheet, 'rtmp://push.down.example/live/room_9', 1);
  await receiver.until('/late', 'publish_started');
  await push.ended();
  await page.goto('/domains/push.down.example/deliveries?event=publish_started');
  await expect(page.getByRole('row').filter({ hasText: 'publish_started' })).toContainText(/Retrying.*503/);
  const refused = receiver.received.length;
  receiver.status = 200;
  await receiver.until('/late', 'publish_done');

  const taken = receiver.received.slice(refused).filter(({ responded }) => responded === 200);
  expect(taken.map(({ event }) => event.event)).toEqual(['publish_started', 'publish_done']);
  expect(taken[0]?.headers['webhook-id']).toBe(receiver.received[0]?.headers['webhook-id']);
});

test('an operator disconnects a stream, forbids it and allows it again', async ({ page, callsheet, api }) => {
  await api.createDomain('push.stop.example');
  const push = () => Push.start(callsheet, 'rtmp://push.stop.example/live/room_7', 60);
  const streams = '/domains/push.stop.example/streams';
  const live = async () => {
    await expect(async () => {
      await page.goto(streams);
      await expect(page.getByText('Live since')).toBeVisible({ timeout: 500 });
    }).toPass();
  };
  const first = push();
  await live();
  await action(page, 'Disconnect').click();
  await expect(page.getByText('The publisher can reconnect at once')).toBeVisible();
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await expect(page.getByRole('status')).toContainText('live/room_7 is being disconnected.');
  await expect(first.ended()).rejects.toThrow();

  const second = push();
  await live();
  await action(page, 'Forbid').click();
  await page.getByLabel('Duration').selectOption('Permanently');
  await page.getByRole('button', { name: 'Forbid' }).click();
  await expect(page.getByRole('status')).toContainText('live/room_7 is forbidden.');
  await expect(second.ended()).rejects.toThrow();
  await expect(push().ended()).rejects.toThrow(/forbidden/);
  const row = page.getByRole('row').filter({ hasText: 'permanently' });
  await expect(row).toContainText('live/room_7');
  await row.getByRole('button', { name: 'Allow' }).click();
  await expect(page.getByRole('status')).toContainText('live/room_7 can be pushed again.');
  await expect(page.getByRole('heading', { name: 'Forbidden streams' })).toBeHidden();
  const third = push();
  await live();
  await third.stop();
});

test.describe('a reviewer', () => {
  test.use({ storageState: signedOut });

  test('sees forbidden streams and no buttons', async ({ page, callsheet, api }) => {
    await api.createDomain('push.eye.example');
    await api.forbid('push.eye.example', 'live', 'room_8');
    const push = Push.start(callsheet, 'rtmp://push.eye.example/live/room_9', 60);
    await signIn(page, callsheet.createUser('reviewer', 'eye of streams'));
    await expect(async () => {
      await page.goto('/domains/push.eye.example/streams');
      await expect(page.getByText('Live since')).toBeVisible({ timeout: 500 });
    }).toPass();
    await expect(page.getByRole('row').filter({ hasText: 'permanently' })).toContainText('live/room_8');
    for (const name of ['Disconnect', 'Forbid', 'Allow']) await expect(action(page, name)).toHaveCount(0);
    const answer = await page.goto('/domains/push.eye.example/streams/live/room_9/forbid');
    expect(answer?.status()).toBe(403);
    await push.stop();
  });
});
