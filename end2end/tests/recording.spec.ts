import { action, expect, expectRefused, test } from '../fixtures/index.ts';
import { Push } from '../fixtures/push.ts';

test('a stream is recorded with the settings of its domain, and each part sends a callback', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.rec.example');
  await api.setCallback('push.rec.example', 'record', receiver.url('/record'));
  await page.goto('/domains/push.rec.example/recording');
  const record = page.getByLabel('Record all streams of this domain');
  const [length, unit, bucket] = [page.getByLabel('Part length'), page.getByLabel('Unit'), page.getByLabel('Bucket')];
  await expect(record).not.toBeChecked();
  await record.check();
  await length.fill('1');
  await unit.selectOption('seconds');
  await bucket.fill('shows');
  await action(page, 'Save').click();
  await expectRefused(length, /between 2 seconds and 6 hours/);
  await expect(record).toBeChecked();
  await expect(unit).toHaveValue('s');
  await expect(bucket).toHaveValue('shows');
  await length.fill('2');
  await bucket.fill('No Bucket');
  await action(page, 'Save').click();
  await expectRefused(bucket, /lower-case/);
  await bucket.fill('shows');
  await action(page, 'Save').click();
  await expect(page.getByRole('status')).toContainText('Saved.');
  await expect(length).toHaveValue('2');

  const push = Push.start(callsheet, 'rtmp://push.rec.example/live/room_8', 5);
  await receiver.until('/record', 'record_done');
  await push.ended();
  const events = receiver.events('/record');
  expect(events.at(0)).toBe('record_started');
  expect(events.at(-1)).toBe('record_done');
  const parts = events.slice(1, -1);
  expect(parts.length).toBeGreaterThanOrEqual(4); // two parts at least
  for (const [index, event] of parts.entries()) expect(event).toBe(index % 2 === 0 ? 'record_part_started' : 'record_part_done');
  const url = receiver.at('/record').find(({ event }) => event.event === 'record_part_done')?.event.url ?? '';
  expect(url).toMatch(/^shows\/record\/\d{8}\/push\.rec\.example\/live\/room_8\/\d{14}_\d{14}\.flv$/);

  await page.goto('/domains/push.rec.example/streams');
  await page.getByRole('link', { name: 'live/room_8' }).click();
  await expect(page.getByRole('row').filter({ hasText: url })).toHaveCount(1);
});
