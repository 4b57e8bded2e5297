import { action, expect, test } from '../fixtures/index.ts';

test('the audit log shows a change with its old and new values', async ({ page, api }, { project }) => {
  const push = `push.audit-${project.name}.example`;
  await api.createDomain(push);
  await api.setCallback(push, 'publish', 'http://127.0.0.1:8099/heard');
  await api.enable(push, false);
  await page.goto('/audit');
  await page.getByLabel('Search names, addresses and values').fill(push);
  await page.getByLabel('Action').selectOption('Callback changed');
  await action(page, 'Filter').click();
  await expect(page).toHaveURL(/action=callback\.change/);
  const row = page.getByRole('row').filter({ hasText: 'Callback changed' });
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('API key tests');
  await expect(row).toContainText('127.0.0.1');
  await row.getByText('Details').click();
  await expect(page.getByText('Callback: Push')).toBeVisible();
  const address = page.locator('.changes tr').filter({ hasText: 'URL' });
  await expect(address.getByRole('cell')).toHaveText(['–', 'http://127.0.0.1:8099/heard']);
  await expect(page.locator('.changes tr').filter({ hasText: 'Timeout' })).toHaveCount(0);

  const download = page.waitForEvent('download');
  await action(page, 'CSV').click();
  expect((await download).suggestedFilename()).toMatch(/^audit-\d{4}-\d\d-\d\d\.csv$/);

  await row.getByRole('link', { name: push }).click();
  await expect(page.getByRole('heading', { level: 1, name: push })).toBeVisible();
  await page.goto(`/audit?q=${push}&action=domain.delete`);
  await expect(page.getByRole('heading', { name: 'No matches' })).toBeVisible();
});
