import { Callsheet } from '../fixtures/callsheet.ts';
import { expect, nobody, signIn, test } from '../fixtures/index.ts';
import { expectGoodLooks } from '../fixtures/looks.ts';

test.use({ storageState: nobody });

test('the set-up link makes the first admin, once', async ({ page }, testInfo) => {
  const fresh = await Callsheet.start(testInfo.outputPath('console'));
  try {
    const link = fresh.setupLink();
    await page.goto(link);
    await expectGoodLooks(page, 'setup');

    await page.getByLabel('Name', { exact: true }).fill('ada');
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
    await page.getByRole('button', { name: 'Create admin' }).click();
    if (new URL(page.url()).pathname === '/login') {
      await signIn(page, { name: 'ada', password: 'correct horse battery' });
    }
    await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();

    await page.goto(link);
    await expect(page.getByText('This set-up link is no longer valid')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Create admin' })).toHaveCount(0);
  } finally {
    await fresh.stop();
  }
});

test('without its token the set-up page offers nothing', async ({ page }) => {
  await page.goto('/setup');
  await expect(page.getByRole('button', { name: 'Create admin' })).toHaveCount(0);
});
