import { action, expect, expectRefused, signedOut, signIn, submitDomain, test } from '../fixtures/index.ts';

test('a new domain group shows its addresses', async ({ page, callsheet }) => {
  await page.goto('/domains');
  await action(page, 'Create domain').first().click();
  await page.getByLabel('Push domain').fill('push.new.example');
  await page.getByLabel('Play domains').fill('play.new.example\nplay2.new.example');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('status').first()).toContainText('push.new.example has been created and enabled.');
  await expect(page.getByRole('heading', { level: 1, name: 'push.new.example' })).toBeVisible();
  for (const address of [
    'ingest.callsheet.example',
    `rtmp://push.new.example:${callsheet.rtmpPort}/{app}/{stream}`,
    'rtmp://play.new.example/{app}/{stream}',
    'http://play.new.example/{app}/{stream}.flv',
    'http://play2.new.example/{app}/{stream}.m3u8',
  ]) {
    await expect(page.getByText(address, { exact: true })).toBeVisible();
  }
  await page.goto('/domains/push.new.example/streams');
  await expect(page.getByText(`rtmp://127.0.0.1:${callsheet.rtmpPort}/live/room_1`)).toBeVisible();
  await page.goto('/sources');
  await page.getByRole('rowheader').getByRole('link', { name: 'built-in' }).click();
  await expect(page.getByText(`rtmp://127.0.0.1:${callsheet.rtmpPort}/{app}/{stream}`, { exact: true })).toBeVisible();
});

test('the list is searched, filtered and paged by its address', async ({ page, api }) => {
  for (let n = 10; n <= 30; n++) await api.createDomain(`push.n${n}.many.example`);
  await api.enable('push.n30.many.example', false);
  await page.goto('/domains');
  await page.getByRole('searchbox').fill('many.example');
  await page.getByRole('searchbox').press('Enter');
  await expect(page).toHaveURL(/q=many\.example/);
  const pages = page.getByRole('navigation', { name: 'Pagination' });
  await expect(pages).toContainText('1–20 of 21');
  await pages.getByRole('link', { name: 'Next' }).click();
  await expect(pages).toContainText('21–21 of 21');
  await expect(page.getByRole('rowheader')).toHaveCount(1);
  await page.reload();
  await expect(pages).toContainText('21–21 of 21');
  await pages.getByRole('link', { name: 'Previous' }).click();
  await expect(pages).toContainText('1–20 of 21');

  await page.getByLabel('Status').selectOption('Disabled');
  await action(page, 'Filter').click();
  await expect(page).toHaveURL(/status=disabled/);
  await expect(page.getByRole('rowheader')).toHaveText([/push\.n30\.many\.example/]);
  await page.goto('/domains?q=nothing-has-this-name');
  await expect(page.getByRole('heading', { name: 'No matches' })).toBeVisible();
  await action(page, 'Clear filters').click();
  await expect(page.getByRole('searchbox')).toHaveValue('');
});

for (const { what, push, play, field, says } of [
  { what: 'is no domain', push: 'https://push.bad.example/live', play: 'play.bad.example', field: 'Push domain', says: /host name only/ },
  { what: 'is an IP address', push: '192.0.2.1', play: 'play.bad.example', field: 'Push domain', says: /IP address/ },
  { what: 'has one part', push: 'push', play: 'play.bad.example', field: 'Push domain', says: /two labels/ },
  { what: 'is too long', push: `${'a.'.repeat(130)}example`, play: 'play.bad.example', field: 'Push domain', says: /longer than 253/ },
  { what: 'has a wildcard', push: 'push.bad.example', play: '*.bad.example', field: 'Play domains', says: /Wildcards/ },
  { what: 'is twice the same', push: 'bad.example', play: 'BAD.example', field: 'Play domains', says: /differ/ },
]) {
  test(`a domain that ${what} is refused at its field`, async ({ page }) => {
    await submitDomain(page, push, play);
    await expectRefused(page.getByLabel(field), says);
    await expect(page.getByLabel(field)).toBeFocused();
    await expect(page.getByLabel('Push domain')).toHaveValue(push);
    await expect(page.getByLabel('Play domains')).toHaveValue(play);
  });
}

test('the name of another domain is refused at its field', async ({ page, api }) => {
  await api.createDomain('push.taken.example');
  await submitDomain(page, 'PUSH.taken.example', 'play2.taken.example');
  await expectRefused(page.getByLabel('Push domain'), /already/);
  await page.getByLabel('Push domain').fill('push2.taken.example');
  await page.getByLabel('Play domains').fill('play.taken.example');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expectRefused(page.getByLabel('Play domains'), /already/);
});

test('a domain group is deleted only while disabled, after typing its name', async ({ page, api }) => {
  await api.createDomain('push.gone.example');
  await page.goto('/domains/push.gone.example/delete');
  await expect(page.getByText('Disable it before you delete it')).toBeVisible();
  await expect(page.getByRole('textbox')).toHaveCount(0);

  await page.goto('/domains?q=gone.example');
  const row = page.getByRole('row').filter({ hasText: 'push.gone.example' });
  await expect(action(row, 'Delete')).toHaveCount(0);
  await action(row, 'Disable').click();
  await expect(row).toContainText('Disabled');
  await action(row, 'Delete').click();
  const name = page.getByLabel('Type push.gone.example to confirm');
  await name.fill('push.wrong.example');
  await action(page, 'Delete permanently').click();
  await expectRefused(name, /Nothing was deleted/);

  await name.fill('push.gone.example');
  await action(page, 'Delete permanently').click();
  await expect(page.getByRole('status')).toContainText('push.gone.example has been deleted.');
  expect((await page.goto('/domains/push.gone.example'))?.status()).toBe(404);
});

test.describe('a reviewer', () => {
  test.use({ storageState: signedOut });

  test('reads the domains and changes nothing', async ({ page, callsheet, api }) => {
    await api.createDomain('push.read.example');
    await page.goto('/login');
    await signIn(page, callsheet.createUser('reviewer', 'vera'));
    for (const path of ['/domains', '/domains/push.read.example']) {
      await page.goto(path);
      await expect(page.getByText('push.read.example').first()).toBeVisible();
      for (const name of ['Create domain', 'Disable', 'Enable', 'Delete', 'Edit']) await expect(action(page, name)).toHaveCount(0);
    }
    for (const slider of await page.getByRole('switch').all()) await expect(slider).toBeDisabled();
    expect((await page.goto('/domains/new'))?.status()).toBe(403);
  });
});
