import type { Page } from '@playwright/test';
import { CallbackRow, expectHydrated } from '../fixtures/callback.ts';
import type { Account } from '../fixtures/callsheet.ts';
import { action, expect, expectRefused, signIn, test } from '../fixtures/index.ts';
import { Push } from '../fixtures/push.ts';
import { verify } from '../fixtures/receiver.ts';

test('a callback is turned on, tested, saved and edited', async ({ page, api, receiver }) => {
  await api.createDomain('push.story.example');
  const row = await CallbackRow.open(page, 'push.story.example');
  const [first, second] = [receiver.url('/first'), receiver.url('/second')];
  await expect(row.slider).not.toBeChecked();
  await expect(row.edit).toHaveCount(0);
  await expect(row.field).toBeHidden();

  await row.slider.click();
  await expect(row.slider).toBeChecked();
  await expect(row.row.getByRole('status')).toContainText('Callback turned on.');
  await row.field.fill(first);
  await row.test.click();
  for (const step of ['URL', 'Policy', 'Connection', 'Request', 'Status', 'Response']) await expect(row.step(step)).toContainText('passed');
  await expect(row.step('Status')).toContainText('200');
  await expect(row.field).toHaveValue(first);
  await row.ok.click();
  await expect(row.address(first)).toBeVisible();
  await expect(row.row.getByRole('status')).toContainText('Saved. The next event is sent to this URL.');
  await expect(row.field).toBeHidden();

  await row.edit.click();
  await expect(row.field).toHaveValue(first);
  await row.field.fill(second);
  await row.cancel.click();
  await expect(row.address(first)).toBeVisible();
  await row.edit.click();
  await expect(row.field).toHaveValue(first);
  await row.field.fill(second);
  await row.field.press('Enter'); // is OK
  await expect(row.address(second)).toBeVisible();
  await page.reload();
  await expect(row.address(second)).toBeVisible();
});

test('turning a callback off keeps its address', async ({ page, api, receiver }) => {
  await api.createDomain('push.off.example');
  await api.setCallback('push.off.example', 'record', receiver.url('/kept'));
  const row = await CallbackRow.open(page, 'push.off.example', 'Recording callback');
  await row.slider.click();
  await expect(row.slider).not.toBeChecked();
  await expect(row.row.getByRole('status')).toContainText('The URL is kept');
  await expect(row.address(receiver.url('/kept'))).toBeHidden();
  await expect(row.edit).toHaveCount(0);

  await row.slider.click();
  await expect(row.address(receiver.url('/kept'))).toBeVisible();
  await expect(row.edit).toBeVisible();
});

test('turning a callback off with queued deliveries asks for confirmation', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.waits.example');
  await api.setCallback('push.waits.example', 'publish', receiver.url('/waits'));
  receiver.status = 503;
  const push = Push.start(callsheet, 'rtmp://push.waits.example/live/room_1', 1);
  await receiver.until('/waits', 'publish_started');
  await push.ended();

  const row = await CallbackRow.open(page, 'push.waits.example');
  const question = row.row.getByRole('alert').filter({ hasText: 'Turning the callback off cancels' });
  await row.slider.click();
  await expect(question).toBeVisible();
  await action(question, 'Keep it on').click();
  await expect(question).toBeHidden();
  await expect(row.slider).toBeChecked();

  await row.slider.click();
  await action(question, 'Turn off').click();
  await expect(row.slider).not.toBeChecked();
  await expect(question).toBeHidden();
  await page.goto('/domains/push.waits.example/deliveries?event=publish_started');
  await expect(page.getByRole('row').filter({ hasText: 'publish_started' })).toContainText('Cancelled');
});

test('an invalid address is refused with the reason', async ({ page, api }) => {
  await api.createDomain('push.refused.example');
  const row = await CallbackRow.open(page, 'push.refused.example');
  await row.slider.click();
  for (const { address, says } of [
    { address: '', says: /Enter a URL/ },
    { address: 'callbacks.example/hook', says: /no scheme/ },
    { address: 'ftp://callbacks.example/hook', says: /https:\/\/ or http:\/\// },
    { address: 'http://callbacks.example:22/', says: /Port 22/ },
    { address: 'http://169.254.169.254/latest/meta-data', says: /169\.254\.169\.254/ },
    { address: 'http://0x0a000001/', says: /10\.0\.0\.1/ },
  ]) {
    await row.field.fill(address);
    await row.ok.click();
    await expectRefused(row.field, says);
    await expect(row.field).toHaveValue(address);
  }
});

test('a failed test names its phase, and OK asks for confirmation', async ({ page, api, receiver }) => {
  const nobodyListens = receiver.url('/hook');
  await receiver.close();
  await api.createDomain('push.check.example');
  const row = await CallbackRow.open(page, 'push.check.example');
  await row.slider.click();
  await row.field.fill(nobodyListens);
  await row.test.click();
  await expect(row.step('Connection')).toContainText('failed');
  await expect(row.step('Connection')).toContainText(/refused/i);
  await expect(row.step('Response')).toContainText('not reached');

  await row.ok.click();
  await expect(row.row.getByRole('alert').filter({ hasText: 'The test failed.' })).toBeVisible();
  await action(row.row, 'Save anyway').click();
  await expect(row.address(nobodyListens)).toBeVisible();
});

/** As another user, because each user may run ten callback tests a minute. */
async function signInAgain(page: Page, account: Account): Promise<void> {
  await page.context().clearCookies();
  await signIn(page, account);
}

test('OK after a passed test does not test again, and a recording callback is tested with a recording event', async ({ page, callsheet, api, receiver }) => {
  const push = 'push.once.example';
  await api.createDomain(push);
  await signInAgain(page, callsheet.createUser('operator', 'bea'));
  const row = await CallbackRow.open(page, push, 'Recording callback');
  await row.slider.click();
  await row.field.fill(receiver.url('/once'));
  await row.test.click();
  await expect(row.step('Status')).toContainText('200');
  await row.ok.click();
  await expect(row.address(receiver.url('/once'))).toBeVisible();
  expect(receiver.tests.map(({ path, event }) => `${path} ${event.event}`)).toEqual(['/once record_part_done']);

  await row.edit.click();
  await row.field.fill(receiver.url('/twice'));
  await row.ok.click();
  await expect(row.address(receiver.url('/twice'))).toBeVisible();
  expect(receiver.tests.map(({ path }) => path)).toEqual(['/once', '/twice']);
});

test('when two users edit an address at once, the second is asked for confirmation', async ({ page, context, callsheet, api, receiver }) => {
  const push = 'push.both.example';
  await signInAgain(page, callsheet.createUser('operator', 'cleo'));
  const [first, second] = [receiver.url('/first'), receiver.url('/second')];
  await api.createDomain(push);
  await api.setCallback(push, 'publish', receiver.url('/old'));
  const mine = await CallbackRow.open(page, push);
  await mine.edit.click();
  await mine.field.fill(second);

  const theirs = await CallbackRow.open(await context.newPage(), push);
  await theirs.edit.click();
  await theirs.field.fill(first);
  await theirs.ok.click();
  await expect(theirs.address(first)).toBeVisible();

  await mine.ok.click();
  await expectRefused(mine.field, /Someone else changed this URL.*It is now .*\/first/);
  await expect(mine.field).toHaveValue(second);
  await mine.cancel.click();
  await expect(mine.address(first)).toBeVisible();
  await mine.edit.click();
  await expect(mine.field).toHaveValue(first);
  await mine.field.fill(second);
  await mine.ok.click();
  await expect(mine.address(second)).toBeVisible();
});

test('the signing secret is shown once, and signs callbacks', async ({ page, callsheet, api, receiver }) => {
  await api.createDomain('push.secret.example');
  await api.setCallback('push.secret.example', 'publish', receiver.url('/signed'));
  const row = await CallbackRow.open(page, 'push.secret.example');
  const secret = await row.newSecret();
  await expect(row.row.getByText('It will not be shown again.')).toBeVisible();
  await page.reload();
  await expect(row.address(receiver.url('/signed'))).toBeVisible();
  expect(await page.content()).not.toContain('whsec_');

  const push = Push.start(callsheet, 'rtmp://push.secret.example/live/room_1', 1);
  await receiver.until('/signed', 'publish_done');
  await push.ended();
  for (const received of receiver.at('/signed')) verify(received, secret);
});

test('the overlap of the previous secret is changed and ended', async ({ page, api }) => {
  await api.createDomain('push.overlap.example');
  const row = await CallbackRow.open(page, 'push.overlap.example');
  const hours = row.row.getByLabel('Keep the previous secret valid for (hours)');
  await row.newSecret();
  await expect(hours).toHaveValue('24');
  await hours.fill('169');
  await action(row.row, 'Change').click();
  await expectRefused(hours, /0 to 168 hours/);
  await hours.fill('48');
  await action(row.row, 'Change').click();
  await expect(row.row.getByText('for this many hours: 48.')).toBeVisible();
  await row.row.getByText('Advanced').click();
  await expect(hours).toHaveValue('48');
  await action(row.row, 'End now').click();
  await expect(row.row.getByText('The previous secret has been revoked.')).toBeVisible();
  await expect(hours).toHaveCount(0);
});

test('timeout, order and headers are saved, and errors are shown at their fields', async ({ page, api }) => {
  await api.createDomain('push.advanced.example');
  const row = await CallbackRow.open(page, 'push.advanced.example', 'Recording callback');
  const [timeout, headers] = [row.row.getByLabel('Timeout (seconds)'), row.row.getByLabel('Custom headers')];
  const save = action(row.row, 'Save settings');
  await row.row.getByText('Advanced').click();
  await timeout.fill('31');
  await headers.fill('X-Token: abc');
  await save.click();
  await expectRefused(timeout, /between 1 and 30/);
  await expect(headers).toHaveValue('X-Token: abc');
  await timeout.fill('7');
  await row.row.getByLabel('Preserve the order').uncheck();
  await save.click();
  await expect(row.row.getByText('Saved. The settings apply from the next attempt')).toBeVisible();
  await row.row.getByText('Advanced').click();
  await expect(timeout).toHaveValue('7');
  await expect(headers).toHaveValue('X-Token: abc');
  await expect(row.row.getByLabel('Preserve the order')).not.toBeChecked();
});

test.describe('with JavaScript', () => {
  test('a callback is set up with the keyboard only, and keeps the focus', async ({ page, api, receiver }) => {
    await api.createDomain('push.keys.example');
    const row = await CallbackRow.open(page, 'push.keys.example');
    await page.locator('main').focus();
    for (let tabs = 0; tabs < 40 && !(await row.slider.evaluate((slider) => slider === document.activeElement)); tabs++) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Space');
    await expect(row.field).toBeFocused();
    await page.keyboard.type(receiver.url('/keys'));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(row.step('Status')).toContainText('200');
    await expect(row.test).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(row.cancel).toBeFocused();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(row.address(receiver.url('/keys'))).toBeVisible();
    await expect(row.edit).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(row.field).toBeFocused();
  });

  test('the callback row updates in place', async ({ page, api, receiver }) => {
    await api.createDomain('push.place.example');
    const row = await CallbackRow.open(page, 'push.place.example');
    let loads = 0;
    page.on('request', (request) => (loads += Number(request.isNavigationRequest())));
    await row.slider.click();
    await row.field.fill(receiver.url('/place'));
    await row.test.click();
    await expect(row.step('Status')).toContainText('200');
    await row.ok.click();
    await expect(row.address(receiver.url('/place'))).toBeVisible();
    await row.edit.click();
    await row.cancel.click();
    await row.slider.click();
    await expect(row.slider).not.toBeChecked();
    expect(loads).toBe(0);
  });

  test('text typed before hydration is kept', async ({ page, api, receiver }) => {
    await api.createDomain('push.early.example');
    await api.setCallback('push.early.example', 'publish', receiver.url('/before'));
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\.wasm$/, async (route) => {
      await released;
      await route.continue();
    });
    await page.goto('/domains/push.early.example?edit=publish');
    const row = new CallbackRow(page, 'Push callback');
    await row.field.fill(receiver.url('/early'));
    release();
    await expectHydrated(page);
    await expect(row.field).toHaveValue(receiver.url('/early'));
    await row.ok.click();
    await expect(row.address(receiver.url('/early'))).toBeVisible();
  });

  test('the copy button copies the address', async ({ page, context, api, callsheet }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await api.createDomain('push.copy.example');
    await page.goto('/domains/push.copy.example');
    await action(page, 'Copy Push').click();
    await expect(action(page, 'Copied Push')).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`rtmp://push.copy.example:${callsheet.rtmpPort}/{app}/{stream}`);
  });
});
