import { action, expect, expectRefused, test } from '../fixtures/index.ts';

test('VOD domains are added and removed', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  await page.getByText('Add VOD domain').click();
  await page.getByLabel('Domain', { exact: true }).fill('vod.settings.example');
  await page.getByLabel('File location').fill('../films');
  await action(page, 'Add').click();
  await expectRefused(page.getByLabel('File location'), /Enter a bucket and a folder path/);
  await page.getByLabel('File location').fill('films/public');
  await action(page, 'Add').click();
  await expect(page.getByRole('status')).toContainText('vod.settings.example has been added.');

  const row = page.getByRole('row').filter({ hasText: 'vod.settings.example' });
  await expect(row).toContainText('films/public');
  await expect(action(row, 'Remove permanently')).toBeHidden();
  await row.getByText('Remove', { exact: false }).first().click();
  await expect(row).toContainText('Existing statistics are kept');
  await action(row, 'Remove permanently').click();
  await expect(page.getByRole('status')).toContainText('vod.settings.example has been removed.');
  await expect(row).toHaveCount(0);
});

test('settings are listed with their configuration keys', async ({ page }) => {
  await page.goto('/settings');
  const value = (key: string) => page.getByRole('row').filter({ has: page.getByText(key, { exact: true }) });
  await expect(value('time_zone')).toContainText('UTC');
  await expect(value('retention_days')).toContainText('30 days');
  await expect(value('allowed_networks')).toContainText('127.0.0.0/8');
  await expect(value('retry_schedule')).toContainText('21 attempts: immediately, 1 s, 1 s');
});
