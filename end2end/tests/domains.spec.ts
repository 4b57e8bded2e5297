import { action, createDomain, expect, expectRefused, nobody, signIn, test } from '../fixtures/index.ts';
import { expectGoodLooks } from '../fixtures/looks.ts';

test('a new domain group shows its addresses and is found in the list', async ({ page }) => {
  await createDomain(page, 'push.new.example', 'play.new.example');
  for (const address of [
    'rtmp://push.new.example/{app}/{stream}',
    'rtmp://play.new.example/{app}/{stream}',
    'http://play.new.example/{app}/{stream}.flv',
    'http://play.new.example/{app}/{stream}.m3u8',
  ]) {
    await expect(page.getByText(address, { exact: true })).toBeVisible();
  }

  await createDomain(page, 'push.other.example', 'play.other.example');
  await page.goto('/domains');
  await page.getByRole('searchbox').fill('new.example');
  await page.getByRole('searchbox').press('Enter');
  await expect(page).toHaveURL(/new\.example/);
  await expect(page.getByRole('row').filter({ hasText: 'push.new.example' })).toContainText('Enabled');
  await expect(page.getByRole('row').filter({ hasText: 'push.other.example' })).toHaveCount(0);
});

test('looks good', async ({ page }) => {
  await page.goto('/domains?q=nothing-has-this-name');
  await expectGoodLooks(page, 'domains-empty');
  const long = `push.${'a-long-label-of-a-domain.'.repeat(9)}example`;
  await createDomain(page, long, 'play.looks.example');
  await expectGoodLooks(page, 'domain');
  await page.goto('/domains');
  await expectGoodLooks(page, 'domains');
});

test.describe('a domain group that cannot be', () => {
  test.beforeEach(async ({ page }) => {
    await page.goto('/domains');
    await action(page, 'Create domain').click();
  });

  for (const { what, push, play, field, says } of [
    { what: 'is no domain', push: 'no domain', play: 'play.bad.example', field: 'Push domain', says: /is not a domain/ },
    { what: 'has a wildcard', push: 'push.bad.example', play: '*.bad.example', field: 'Play domain', says: /wildcard/ },
    { what: 'is twice the same', push: 'bad.example', play: 'bad.example', field: 'Play domain', says: /differ/ },
  ]) {
    test(`because it ${what} is refused at its field`, async ({ page }) => {
      await page.getByLabel('Push domain').fill(push);
      await page.getByLabel('Play domain').fill(play);
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await expectRefused(page.getByLabel(field), says);
      await expect(page.getByLabel('Push domain')).toHaveValue(push);
      await expect(page.getByLabel('Play domain')).toHaveValue(play);
    });
  }

  test('because another has its push domain is refused at its field', async ({ page }) => {
    await createDomain(page, 'push.taken.example', 'play.taken.example');
    await page.goto('/domains');
    await action(page, 'Create domain').click();
    await page.getByLabel('Push domain').fill('PUSH.taken.example');
    await page.getByLabel('Play domain').fill('play2.taken.example');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await expectRefused(page.getByLabel('Push domain'), /already/);
  });
});

test('a domain group is deleted only while disabled, and by its name', async ({ page }) => {
  await createDomain(page, 'push.gone.example', 'play.gone.example');
  await page.goto('/domains');
  const row = page.getByRole('row').filter({ hasText: 'push.gone.example' });
  await expect(action(row, 'Delete')).toHaveCount(0);

  await action(row, 'Disable').click();
  await expect(row).toContainText('Disabled');
  await action(row, 'Delete').click();
  const name = page.getByLabel(/Type .*push\.gone\.example/);
  await name.fill('push.wrong.example');
  await page.getByRole('button', { name: 'Delete domain' }).click();
  await expectRefused(name, /push\.gone\.example/);

  await name.fill('push.gone.example');
  await page.getByRole('button', { name: 'Delete domain' }).click();
  await page.goto('/domains');
  await expect(row).toHaveCount(0);
});

test.describe('a reviewer', () => {
  test.use({ storageState: nobody });

  test('reads the domains and changes nothing', async ({ page, callsheet }) => {
    await page.goto('/login');
    await signIn(page, callsheet.createUser('reviewer', 'vera'));
    await page.goto('/domains');
    await expect(page.getByRole('heading', { level: 1, name: 'Domains' })).toBeVisible();
    for (const name of ['Create domain', 'Disable', 'Enable', 'Delete']) await expect(action(page, name)).toHaveCount(0);
  });
});
