import { action, expect, expectRefused, test } from '../fixtures/index.ts';

const token = /^cs_[\w-]{43}$/;

test('a key for one domain is created, used, rotated and revoked', async ({ page, api, request }, { project }) => {
  const [name, push] = [`deploy-${project.name}`, `push.keys-${project.name}.example`];
  await api.createDomain(push);
  await page.goto('/keys');
  await action(page, 'Create key').first().click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Role').selectOption('Reviewer');
  await page.getByLabel('Selected domains').check();
  await page.getByLabel(push).check();
  await page.getByLabel('Expires').selectOption('30 days');
  await action(page, 'Create').click();

  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await expect(page.getByRole('status')).toContainText('They will not be shown again.');
  const first = await page.getByText(token).innerText();
  await expect(page.locator('pre')).toContainText(`curl -H "Authorization: Bearer ${first}"`);
  const status = async (path: string, bearer: string) =>
    (await request.get(`/api/v1${path}`, { headers: { authorization: `Bearer ${bearer}`, cookie: '' } })).status();
  expect(await status(`/domains/${push}`, first)).toBe(200);
  expect(await status('/keys', first)).toBe(403);

  await page.reload();
  expect(await page.content()).not.toContain(first);
  await page.getByText('Rotate secrets').first().click();
  await page.getByRole('button', { name: 'Rotate secrets' }).click();
  const second = await page.getByText(token).innerText();
  expect(await status(`/domains/${push}`, first)).toBe(401);
  expect(await status(`/domains/${push}`, second)).toBe(200);

  await page.goto('/keys');
  const row = page.getByRole('row').filter({ hasText: name });
  await expect(row).toContainText('Reviewer');
  await expect(row).toContainText(push);
  await expect(row).toContainText('Active');
  await expect(row).toContainText('ago');
  await row.getByRole('link').click();
  await page.getByText('Revoke key').click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await expect(page.getByRole('status')).toContainText(`Key ${name} revoked.`);
  await expect(row).toHaveCount(0);
  expect(await status(`/domains/${push}`, second)).toBe(401);
});

test('a refused key form shows its errors and keeps its values', async ({ page }) => {
  await page.goto('/keys/new');
  await page.getByLabel('Name').fill('tests');
  await page.getByLabel('Selected domains').check();
  await page.getByLabel('Other push domains').fill('push.later.example');
  await action(page, 'Create').click();
  await expectRefused(page.getByLabel('Name'), /already/);
  await expect(page.getByLabel('Selected domains')).toBeChecked();
  await expect(page.getByLabel('Other push domains')).toHaveValue('push.later.example');

  await page.getByLabel('Name').fill('another');
  await page.getByLabel('Other push domains').fill('');
  await action(page, 'Create').click();
  await expect(page.getByRole('alert')).toContainText('at least one domain');

  await page.getByLabel('All domains').check();
  await page.getByLabel('Expires').selectOption('On a specific date');
  await page.getByLabel('Last day').fill('2020-01-01');
  await action(page, 'Create').click();
  await expectRefused(page.getByLabel('Last day'), /today or a later day/);
});
