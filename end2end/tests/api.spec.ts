import { expect, test } from '../fixtures/index.ts';

test('the API reference links an operation to the schemas of its request and responses', async ({ page, request }) => {
  await page.goto('/');
  await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'API', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'API' })).toBeVisible();
  await expect(page.locator('#about pre')).toContainText(`${new URL(page.url()).origin}/api/v1/domains`);

  const create = page.locator('#createDomain');
  await expect(create.getByRole('heading')).toContainText('POST /api/v1/domains');
  await expect(create.getByRole('table')).toHaveCount(0);
  await create.locator('summary').click();
  await expect(create.getByRole('row', { name: /^Idempotency-Key/ })).toContainText('header');
  await expect(create.getByRole('row').filter({ hasText: 'domain_taken' })).toContainText('409');
  await create.getByRole('link', { name: 'CreateDomain' }).click();
  await expect(page).toHaveURL(/#shape-CreateDomain$/);

  const { paths } = await (await request.get('/api/openapi.json')).json();
  const operations = Object.values(paths).flatMap((item) => Object.keys(item as object));
  await expect(page.locator('.operation')).toHaveCount(operations.length);
});
